"""The input of the line in which words are looked for; a module of its own, because it is first needed then."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from flowtui.tui.bindings import KEYS, bindings


class FindInput(Input):
    """One line of words; its keys are those of the line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("next_match", "end_find"),
        # Backspace is for what is typed.
        Binding("up,shift+enter", "previous_match", KEYS["previous_match"].words, id="previous_match"),
    ]

    class Wanted(Message):
        """The next match is wanted, or with -1 the previous one."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class Ended(Message):
        """Nothing is looked for any more."""

    def __init__(self) -> None:
        super().__init__(placeholder="find", select_on_focus=False, compact=True)
        self.cursor_blink = False

    def action_next_match(self) -> None:
        self.post_message(self.Wanted(1))

    def action_previous_match(self) -> None:
        self.post_message(self.Wanted(-1))

    def action_end_find(self) -> None:
        self.post_message(self.Ended())
