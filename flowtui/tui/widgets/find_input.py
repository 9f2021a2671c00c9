"""The input of the line in which words are looked for; a module of its own, because it is first needed then."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from flowtui.tui.bindings import bindings


class FindInput(Input):
    """One line of words; its keys are those of the line."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("next_match", "end_find")

    class Wanted(Message):
        """The next match is wanted."""

    class Ended(Message):
        """Nothing is looked for any more."""

    def __init__(self) -> None:
        super().__init__(placeholder="find", select_on_focus=False, compact=True)
        self.cursor_blink = False

    def action_next_match(self) -> None:
        self.post_message(self.Wanted())

    def action_end_find(self) -> None:
        self.post_message(self.Ended())
