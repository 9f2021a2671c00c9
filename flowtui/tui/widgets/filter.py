"""The filter line above a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from flowtui.tui.bindings import bindings
from flowtui.tui.formatting import UNICODE, Mark, Signs
from flowtui.tui.widgets.lines import Line


class _Words(Input):
    BINDINGS: ClassVar[list[BindingType]] = bindings("leave", "clear")

    def action_leave(self) -> None:
        self.post_message(FilterLine.Left())

    def action_clear(self) -> None:
        self.value = ""
        self.post_message(FilterLine.Left())


class FilterLine(Horizontal):
    """A slash, the words of the filter, and how many rows are left of how many."""

    @dataclass
    class Changed(Message):
        """The words changed."""

        words: str

    class Left(Message):
        """The person goes back to the list."""

    def __init__(self, hint: str, *, signs: Signs = UNICODE) -> None:
        super().__init__()
        self.signs = signs
        self.hint = hint

    def compose(self) -> ComposeResult:
        yield Line(signs=self.signs, id="slash")
        words = _Words(placeholder=self.hint, select_on_focus=False, compact=True)
        words.cursor_blink = False
        words.can_focus = False
        yield words
        yield Line(signs=self.signs, id="counts")

    def on_mount(self) -> None:
        self.query_one("#slash", Line).show((Mark("/", "dim"),))

    @property
    def words(self) -> str:
        """What is typed."""
        return self.query_one(_Words).value

    @property
    def editing(self) -> bool:
        """Whether it has the keyboard."""
        return self.query_one(_Words).has_focus

    def edit(self) -> None:
        """Take the keyboard."""
        words = self.query_one(_Words)
        words.can_focus = True
        words.focus()
        self.query_one("#slash", Line).show((Mark("/", "accent"),))

    def clear(self) -> None:
        """No filter any more."""
        self.query_one(_Words).value = ""

    def show_counts(self, text: str) -> None:
        """The right end: ``12 of 1,204``."""
        self.query_one("#counts", Line).show((), (Mark(text, "dim"),))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    @on(Left)
    def _left(self) -> None:
        self.query_one(_Words).can_focus = False
        self.query_one("#slash", Line).show((Mark("/", "accent" if self.words else "dim"),))
