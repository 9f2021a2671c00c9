"""Text and hex dumps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len

from flowtui.tui.contents.content import SLICE, Content, Match, marked, span_of
from flowtui.tui.formatting import Cell, Mark, cell_width

_JSON_KEY = re.compile(r'^(\s*)("(?:[^"\\]|\\.)*")(\s*:)')
_HEX = re.compile(r"(?:[0-9a-f]{2}\s?)+", re.IGNORECASE)

ROW = 16
"""Bytes in a line of a hex dump."""

_DIGITS, _ASCII = 10, 61
"""Where the digits and the characters begin in a line of a hex dump."""


class TextContent(Content):
    """Lines of text."""

    def __init__(self, lines: Sequence[str], language: str = "") -> None:
        super().__init__()
        self._lines = lines
        self._language = language
        self.width = max((cell_len(line) for line in lines), default=0)

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, number: int) -> Cell:
        line = self._lines[number]
        cell: Cell = (Mark(line),)
        if self._language == "json" and (found := _JSON_KEY.match(line)):
            cell = (Mark(found[1]), Mark(found[2], "accent"), Mark(line[found.end(2) :]))
        return self._marked(cell, number)

    def _texts(self) -> Iterable[str]:
        return self._lines

    def span(self, match: Match) -> tuple[int, int]:
        return span_of(self._lines[match.line], match.start, match.end)


class MarkedContent(Content):
    """Lines of marks, such as facts."""

    def __init__(self, lines: Sequence[Cell]) -> None:
        super().__init__()
        self._lines = lines
        self.width = max((cell_width(line) for line in lines), default=0)

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, number: int) -> Cell:
        return self._marked(self._lines[number], number)

    def _texts(self) -> Iterable[str]:
        return ("".join(mark.text for mark in line) for line in self._lines)

    def span(self, match: Match) -> tuple[int, int]:
        return span_of("".join(mark.text for mark in self._lines[match.line]), match.start, match.end)


class HexContent(Content):
    """A hex dump. It is searched by its bytes: as ASCII, or as hex digits in pairs; a match may cross lines."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__()
        self._lines = lines
        self._bytes = b"".join(bytes.fromhex(line[_DIGITS : _ASCII - 2]) for line in lines)
        self.width = max((cell_len(line) for line in lines), default=0)

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, number: int) -> Cell:
        line = self._lines[number]
        cell: Cell = (Mark(line[:_DIGITS], "dim"), Mark(line[_DIGITS : _ASCII - 2]), Mark(line[_ASCII - 2 :], "wait"))
        spans: list[tuple[int, int, str]] = []
        begin = number * ROW
        for match in self._found.get(number, ()):
            start, end = max(match.start - begin, 0), min(match.end - begin, ROW)
            style = "found-here" if match == self.here else "found"
            spans.append((_ASCII + start, _ASCII + end, style))
            spans += [(_digit(byte), _digit(byte) + 2, style) for byte in range(start, end)]
        return marked(cell, sorted(spans))

    def mark(self, matches: Iterable[Match], here: Match | None) -> None:
        self.here = here
        self._found = {}
        for match in matches:
            for line in range(match.start // ROW, (match.end - 1) // ROW + 1):
                self._found.setdefault(line, []).append(match)

    def search(self, words: str) -> Iterator[Match | None]:
        wanted = [re.escape(words.encode("ascii", "replace"))] if words.isascii() else []
        if _HEX.fullmatch(words):
            wanted.append(re.escape(bytes.fromhex(words)))
        if not wanted:
            return
        pattern = re.compile(b"|".join(wanted), re.IGNORECASE)
        for number, found in enumerate(pattern.finditer(self._bytes)):
            if number % SLICE == 0:
                yield None
            yield Match(found.start() // ROW, *found.span())

    def span(self, match: Match) -> tuple[int, int]:
        return (_digit(match.start % ROW), _ASCII + ROW)


def _digit(byte: int) -> int:
    """Where the digits of a byte stand in its line; there is a gap in the middle."""
    return _DIGITS + 3 * byte + (byte >= ROW // 2)
