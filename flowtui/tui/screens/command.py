"""The ``:`` line at the bottom of the screen."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from flowtui.errors import UsageError
from flowtui.tui.commands import COMMANDS, Command, complete, parse
from flowtui.tui.context import Context
from flowtui.tui.formatting import Mark
from flowtui.tui.widgets.lines import Line


class CommandScreen(ModalScreen[Command]):
    """Gives the command that was typed, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "back"),
        Binding("tab", "complete", "complete", priority=True),
    ]

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.input = Input(compact=True)
        self.input.cursor_blink = False
        self.hints = Line(signs=context.signs, id="hints")
        if context.signs.ascii:
            self.add_class("-ascii")

    def compose(self) -> ComposeResult:
        with Vertical(id="command-panel"):
            yield self.hints
            with Horizontal(id="command-line"):
                yield Line(signs=self.context.signs, id="colon")
                yield self.input

    def on_mount(self) -> None:
        self.query_one("#colon", Line).show((Mark(":", "accent"),))
        self.input.focus()
        self._hint("")

    def _hint(self, typed: str) -> None:
        marks: list[Mark] = []
        found = complete(typed)
        if len(found) == 1:
            marks = [Mark(found[0], "key"), Mark(f"  {COMMANDS[found[0]]}", "dim")]
        else:
            for name in found:
                marks += [Mark(name, "accent"), Mark("  ")]
        self.hints.show(tuple(marks))

    @on(Input.Changed)
    def _on_changed(self, event: Input.Changed) -> None:
        self._hint(event.value)

    @on(Input.Submitted)
    def _on_submitted(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            self.dismiss()
            return
        try:
            self.dismiss(parse(event.value))
        except UsageError as error:
            self.hints.show((Mark(error.message, "bad"),))

    def action_complete(self) -> None:
        found = complete(self.input.value)
        if found:
            self.input.value = found[0] + (" " if found[0] == "run" else "")
            self.input.cursor_position = len(self.input.value)

    def action_close(self) -> None:
        self.dismiss()
