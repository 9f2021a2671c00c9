"""The input of the filter line; a module of its own, because it is first needed when the person types."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from flowtui.tui.bindings import bindings


class WordsInput(Input):
    """One line of words; ``enter`` goes back to the list, ``esc`` empties it first."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("leave", "clear")

    class Left(Message):
        """The person is done with typing."""

    def __init__(self, hint: str) -> None:
        super().__init__(placeholder=hint, select_on_focus=False, compact=True)
        self.cursor_blink = False

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def action_clear(self) -> None:
        self.value = ""
        self.post_message(self.Left())
