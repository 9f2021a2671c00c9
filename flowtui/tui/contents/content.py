"""What every kind of content has: lines that are drawn one by one, a cursor where it has one, and found words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from flowtui.tui.formatting import Cell, Mark

SLICE = 500
"""Lines that a search looks at before it lets others work."""


class Match(NamedTuple):
    """Where words were found.

    Attributes:
        line: the number of the line, row or node, or of the first byte of a hex dump, as the file has them.
        start, end: characters in a line; a column and the one behind it in a table; bytes from ``line`` on in a dump.
    """

    line: int
    start: int
    end: int


class Window(NamedTuple):
    """A line as it is drawn: what stands still at the left, what moves, and how many cells of that are out of sight."""

    fixed: Cell
    moving: Cell
    skip: int = 0


class Copy(NamedTuple):
    """Something that can be copied: the id of its key, what it is, and the text."""

    key: str
    words: str
    text: str


class Content:
    """Nothing to show; the base of what there is.

    Attributes:
        width: cells of the longest line.
        cursor: the line under the cursor; None where the content has no cursor and only scrolls.
        is_active: whether the viewer has the keyboard.
        slack: cells behind the longest line to which one may scroll.
        unit: what :attr:`lines_read` counts.
    """

    width = 0
    slack = 3
    unit = "lines"
    cursor: int | None = None
    is_active = False

    def __init__(self) -> None:
        self.here: Match | None = None
        self._found: dict[int, list[Match]] = {}

    def __len__(self) -> int:
        return 0

    @property
    def lines_read(self) -> int:
        """How many lines, rows or values of the file were read, whether they are seen or not."""
        return len(self)

    def head(self, left: int, width: int) -> Window | None:
        """The line that stays in sight above the others; None where there is none."""
        return None

    def window(self, number: int, left: int, width: int) -> Window:
        """A line as it is drawn ``left`` cells from its beginning, in so many cells."""
        return Window((), self.line(number), left)

    def line(self, number: int) -> Cell:
        """A line, its found words marked."""
        return ()

    def move(self, line: int) -> None:
        """Put the cursor on a line, or on the nearest that there is."""
        if self.cursor is not None:
            self.cursor = max(0, min(line, len(self) - 1))

    def take_over(self, old: Content) -> None:
        """Go on where another content of the same file stood, of which this one has more."""

    def note(self) -> str:
        """What the title is to say of it."""
        return ""

    def detail(self) -> Cell:
        """What is known of what is under the cursor."""
        return ()

    def copies(self) -> tuple[Copy, ...]:
        """What of it can be copied."""
        return ()

    def mark(self, matches: Iterable[Match], here: Match | None) -> None:
        """Mark these matches, one of them as the one that is looked at."""
        self.here = here
        self._found = {}
        for match in matches:
            self._found.setdefault(match.line, []).append(match)

    def search(self, words: str) -> Iterator[Match | None]:
        """Every match in the order of the lines, and None every now and then, so that others can work."""
        pattern = re.compile(re.escape(words), re.IGNORECASE)
        for number, text in enumerate(self._texts()):
            if number % SLICE == 0:
                yield None
            for found in pattern.finditer(text):
                yield Match(number, *found.span())

    def _texts(self) -> Iterable[str]:
        """What is searched: the text of every line of the file."""
        return ()

    def position(self, match: Match) -> int:
        """The line that a match is drawn on."""
        return match.line

    def reveal(self, match: Match) -> None:
        """Put the cursor on a match, and open what hides it."""

    def span(self, match: Match) -> tuple[int, int]:
        """The cells of its line that a match takes."""
        return (0, 0)

    def _marked(self, cell: Cell, number: int, offset: int = 0) -> Cell:
        """A line with the matches in it marked; ``offset``: characters in front of what was searched."""
        found = self._found.get(number)
        if not found:
            return cell
        spans = [
            (match.start + offset, match.end + offset, "found-here" if match == self.here else "found")
            for match in found
        ]
        return marked(cell, spans)


def marked(cell: Cell, spans: Sequence[tuple[int, int, str]]) -> Cell:
    """A cell with other styles on some spans of its characters.

    Args:
        spans: start, end and style, in ascending order and without overlap.
    """
    marks: list[Mark] = []
    position = 0
    for mark in cell:
        end = position + len(mark.text)
        at = position
        for start, stop, style in spans:
            first, last = max(start, at), min(stop, end)
            if first >= last:
                continue
            marks += [Mark(mark.text[at - position : first - position], mark.style)] if first > at else []
            marks.append(Mark(mark.text[first - position : last - position], style))
            at = last
        marks += [Mark(mark.text[at - position :], mark.style)] if at < end or not mark.text else []
        position = end
    return tuple(marks)


def span_of(text: str, start: int, end: int) -> tuple[int, int]:
    """The cells that the characters from ``start`` to ``end`` take in a line."""
    first = cell_len(text[:start])
    return first, first + cell_len(text[start:end])
