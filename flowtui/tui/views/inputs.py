"""The Launch Inputs tab: name, value, type; the whole value beside it."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from flowtui.domain.execution import LaunchInput
from flowtui.text import plain
from flowtui.tui import filters
from flowtui.tui.context import Context
from flowtui.tui.details import input_lines
from flowtui.tui.outlines import INPUT_COLUMNS, input_rows
from flowtui.tui.screens.detail import DetailScreen
from flowtui.tui.widgets.rows import Rows
from flowtui.tui.widgets.split import Split
from flowtui.tui.widgets.viewer import Viewer


class InputsView(Split):
    """What a run was launched with."""

    def __init__(self, context: Context, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.context = context
        self.inputs: dict[str, LaunchInput] = {}
        self.words = ""
        self.rows = Rows(INPUT_COLUMNS, signs=context.signs, id="input-rows")
        self.viewer = Viewer(signs=context.signs, id="input-value")

    def compose(self) -> ComposeResult:
        with Vertical(classes="main"):
            yield self.rows
        yield self.viewer

    def on_mount(self) -> None:
        self.viewer.add_class("side")
        self.rows.set_empty("Reading the Launch Inputs.")

    def focus_list(self) -> None:
        """Take the keyboard."""
        self.rows.focus()

    def filter(self, typed: str) -> None:
        """Show the inputs that have these words."""
        self.words = typed
        self.show(tuple(self.inputs.values()))

    def show(self, inputs: tuple[LaunchInput, ...]) -> None:
        """Show these inputs."""
        self.inputs = {one.name: one for one in inputs}
        wanted = filters.parse(self.words)
        kept = [one for one in inputs if filters.matches(wanted, {"name": plain(one.name), "value": plain(one.value)})]
        self.rows.set_empty("No input has these words." if wanted else "This run was launched without inputs.")
        self.rows.set_rows(input_rows(kept))
        self._follow()

    @on(Rows.Highlighted)
    def _follow(self) -> None:
        one = self.inputs.get(self.rows.cursor_key)
        self.viewer.show_lines(input_lines(one) if one else [])

    @on(Rows.Opened)
    def _on_opened(self, event: Rows.Opened) -> None:
        one = self.inputs.get(event.key)
        if one:
            self.app.push_screen(DetailScreen(self.context, [plain(one.name)], input_lines(one)))
