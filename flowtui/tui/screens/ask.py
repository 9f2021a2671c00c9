"""A line to type an answer into, at the bottom of the screen."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from flowtui.text import plain
from flowtui.tui.context import Context
from flowtui.tui.formatting import Mark
from flowtui.tui.widgets.lines import Line


class AskScreen(ModalScreen[str]):
    """Gives the text that was typed, or None where it was left.

    Args:
        label: what is asked for.
        value: what stands there at first.
        hint: what can be typed; problem: why the last answer was none.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back")]

    def __init__(self, context: Context, label: str, value: str, hint: str, problem: str = "") -> None:
        super().__init__()
        self.label = f"{label}: "
        self._hint = Mark(problem, "bad") if problem else Mark(hint, "dim")
        self.hint = Line(signs=context.signs, id="hints")
        self.before = Line(signs=context.signs, id="ask-label")
        self.input = Input(plain(value), compact=True, select_on_focus=False)
        self.input.cursor_blink = False
        self.set_class(context.signs.ascii, "-ascii")

    def compose(self) -> ComposeResult:
        with Vertical(id="command-panel"):
            yield self.hint
            with Horizontal(id="command-line"):
                yield self.before
                yield self.input

    def on_mount(self) -> None:
        self.before.styles.width = len(self.label)
        self.before.show((Mark(self.label, "accent"),))
        keys = (Mark("enter", "key"), Mark(" take it  ", "dim"), Mark("esc", "key"), Mark(" back", "dim"))
        self.hint.show((self._hint,), keys if self._hint.style == "dim" else ())
        self.input.focus()

    @on(Input.Submitted)
    def _on_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())

    def action_leave(self) -> None:
        self.dismiss()
