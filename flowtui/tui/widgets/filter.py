"""The filter line above a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message

from flowtui.tui.formatting import UNICODE, Mark, Signs
from flowtui.tui.widgets.lines import Line

if TYPE_CHECKING:
    from textual.widgets import Input

    from flowtui.tui.widgets.words_input import WordsInput


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
        self.hint = hint
        self._slash = Line(signs=signs, id="slash")
        self._hint = Line(signs=signs, id="hint")
        self._counts = Line(signs=signs, id="counts")
        self._input: WordsInput | None = None

    def compose(self) -> ComposeResult:
        yield self._slash
        yield self._hint
        yield self._counts

    def on_mount(self) -> None:
        self._slash.show((Mark("/", "dim"),))
        self._hint.show((Mark(self.hint, "dim"),))

    @property
    def words(self) -> str:
        """What is typed."""
        return self._input.value if self._input is not None else ""

    @property
    def editing(self) -> bool:
        """Whether it has the keyboard."""
        return self._input is not None and self._input.has_focus

    def edit(self) -> None:
        """Take the keyboard."""
        from flowtui.tui.widgets.words_input import WordsInput

        if self._input is None:
            self._input = WordsInput(self.hint)
            self._hint.display = False
            self.mount(self._input, after=self._hint)
        self._input.can_focus = True
        self._input.focus()
        self._slash.show((Mark("/", "accent"),))

    def clear(self) -> None:
        """No filter any more."""
        if self._input is not None:
            self._input.value = ""

    def show_counts(self, text: str) -> None:
        """The right end: ``12 of 1,204``."""
        self._counts.show((), (Mark(text, "dim"),))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    def on_words_input_left(self) -> None:
        if self._input is not None:
            self._input.can_focus = False
        self._slash.show((Mark("/", "accent" if self.words else "dim"),))
        self.post_message(self.Left())
