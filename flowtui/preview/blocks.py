"""A document as blocks - headings, paragraphs, tables, pre-formatted text - and its lines on a page of cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from flowtui.text import cells, plain

WIDTH = 100
"""Cells of a line of prose."""

TABLE_WIDTH = 140
"""Cells of a table, whose cells are wrapped to it; clinical tables in landscape have about so many characters."""

MOST_COLUMNS = 500
_GAP = 2
_NARROWEST = 6
_MOST_CELL_LINES = 200

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the highest."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text, in which a line break is a break.

    Attributes:
        marker: what stands before its first line (``- ``, ``1. ``); further lines are indented by as much.
        tight: no empty line parts it from its neighbours, as in a list.
    """

    text: str
    indent: int = 0
    marker: str = ""
    align: Align = "left"
    tight: bool = False


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Text whose blanks and line breaks count."""

    text: str
    indent: int = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across; with a label, which says what begins there."""

    label: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table.

    Attributes:
        span: how many columns it takes.
        over, under: a line is drawn above or below it.
    """

    text: str = ""
    span: int = 1
    align: Align = "left"
    over: bool = False
    under: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the first ``heads`` of them are names of columns."""

    rows: Sequence[Sequence[Cell]] = field(default_factory=tuple)
    heads: int = 0


Block = Heading | Paragraph | Verbatim | Rule | Table


def lines_of_blocks(blocks: Iterable[Block], most: int, width: int = WIDTH) -> list[str]:
    """The first ``most`` lines of a document, each free of control codes; prose has ``width`` cells to the line."""
    return list(islice(_all_lines(blocks, max(width, 40)), most))


def _all_lines(blocks: Iterable[Block], width: int) -> Iterator[str]:
    begun = False
    blank = True
    tight = False
    for block in blocks:
        keeps = isinstance(block, Paragraph) and block.tight
        if begun and not blank and not (keeps and tight):
            yield ""
            blank = True
        for line in _lines(block, width):
            if line or not blank:
                yield line
                begun = True
            blank = not line
        tight = keeps


def _lines(block: Block, width: int) -> Iterator[str]:
    if isinstance(block, Heading):
        yield from _heading(block, width)
    elif isinstance(block, Paragraph):
        yield from _paragraph(block, width)
    elif isinstance(block, Verbatim):
        for line in block.text.expandtabs(4).splitlines():
            yield (" " * block.indent + plain(line)).rstrip()
    elif isinstance(block, Rule):
        label = plain(block.label)
        yield f"── {label} ".ljust(width, "─") if label else "─" * width
    else:
        yield from table_lines(block)


def _heading(block: Heading, width: int) -> Iterator[str]:
    longest = 0
    for line in wrap(block.text.strip(), width):
        yield line
        longest = max(longest, cells(line))
    if longest and block.level <= 2:
        yield ("═" if block.level == 1 else "─") * longest


def _paragraph(block: Paragraph, width: int) -> Iterator[str]:
    marker = plain(block.marker)
    indent = min(block.indent, width // 2)
    room = width - indent - cells(marker)
    for number, line in enumerate(wrap(block.text, room)):
        before = marker if number == 0 else " " * cells(marker)
        yield (" " * indent + before + _aligned(line, room, block.align)).rstrip()


def wrap(text: str, width: int) -> Iterator[str]:
    """The text in lines of at most ``width`` cells, broken at blanks where that goes; leading blanks stay."""
    width = max(width, 1)
    for line in text.replace("\r\n", "\n").split("\n"):
        line = plain(line.expandtabs(4)).rstrip()
        if cells(line) <= width:
            yield line
            continue
        body = line.lstrip(" ")
        indent = " " * min(len(line) - len(body), width // 2)
        now, used = [indent], len(indent)
        fresh = True
        for word in body.split(" "):
            size = cells(word)
            if not fresh and used + 1 + size <= width:
                now.append(f" {word}")
                used += 1 + size
                continue
            if not fresh:
                yield "".join(now).rstrip()
                now, used = [indent], len(indent)
            while size > width - len(indent):
                part = _beginning(word, width - len(indent))
                yield indent + part
                word = word[len(part) :]
                size = cells(word)
            now.append(word)
            used += size
            fresh = False
        yield "".join(now).rstrip()


def _beginning(word: str, width: int) -> str:
    if word.isascii():
        return word[: max(width, 1)]
    used = 0
    for index, char in enumerate(word):
        used += cells(char)
        if used > width and index:
            return word[:index]
    return word


def _aligned(text: str, width: int, align: Align) -> str:
    room = width - cells(text)
    if room <= 0 or align == "left":
        return text
    return " " * (room if align == "right" else room // 2) + text


def table_lines(table: Table, width: int = TABLE_WIDTH) -> Iterator[str]:
    """A table laid out in columns that are two cells apart; columns that are too wide for ``width`` are wrapped.

    A line is drawn below the last of the head rows, and where cells ask for one.
    """
    sizes = _sizes(table, width)
    if not sizes:
        return
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + size + _GAP)
    total = starts[-1] - _GAP
    ruled = False
    for number, row in enumerate(table.rows):
        placed = list(_placed(row, len(sizes)))
        spans = [(starts[at], max(starts[at + cell.span] - _GAP - starts[at], 1)) for at, cell in placed]
        if placed and starts[placed[-1][0] + placed[-1][1].span] - _GAP >= total:
            # Nothing stands to the right of the last cell: a title may be longer than its table is wide.
            start, size = spans[-1]
            longest = max((cells(line) for line in placed[-1][1].text.split("\n")), default=0)
            spans[-1] = start, max(size, min(longest, width - start) if len(placed) == 1 else size)
        if not ruled and any(cell.over for _, cell in placed):
            yield _drawn(zip(spans, placed, strict=True), "over", total)
        texts = [
            list(islice(wrap(cell.text, size), _MOST_CELL_LINES))
            for (_, size), (_, cell) in zip(spans, placed, strict=True)
        ]
        for index in range(max(map(len, texts), default=0)):
            line = ""
            used = 0
            for (start, size), (_, cell), text in zip(spans, placed, texts, strict=True):
                if index < len(text) and text[index]:
                    part = _aligned(text[index], size, cell.align)
                    line += " " * max(start - used, 0) + part
                    used = max(start, used) + cells(part)
            yield line.rstrip()
        ruled = number + 1 == table.heads
        if ruled:
            yield "─" * total
        elif any(cell.under for _, cell in placed):
            yield _drawn(zip(spans, placed, strict=True), "under", total)
            ruled = all(cell.under for _, cell in placed)


def table_width(table: Table) -> int:
    """The width of a table in cells."""
    sizes = _sizes(table, TABLE_WIDTH)
    return sum(sizes) + _GAP * max(len(sizes) - 1, 0)


def _drawn(cells_: Iterable[tuple[tuple[int, int], tuple[int, Cell]]], side: str, total: int) -> str:
    """The lines above or below those cells that ask for one; one line across where all do."""
    line = ""
    every = True
    for (start, size), (_, cell) in cells_:
        if getattr(cell, side):
            line = line.ljust(start) + "─" * min(size, total - start)
        else:
            every = False
    return "─" * total if every else line


def _placed(row: Sequence[Cell], columns: int) -> Iterator[tuple[int, Cell]]:
    """The cells of a row with the column that each begins in; those beyond the last column are left out."""
    at = 0
    for cell in row:
        if at >= columns:
            return
        span = min(max(cell.span, 1), columns - at)
        yield at, cell if span == cell.span else Cell(cell.text, span, cell.align, cell.over, cell.under)
        at += span


def _sizes(table: Table, width: int) -> list[int]:
    """The width of every column: what its cells need, less where the table would be wider than ``width``."""
    columns = min(max((sum(max(cell.span, 1) for cell in row) for row in table.rows), default=0), MOST_COLUMNS)
    sizes = [1] * columns
    wide: list[tuple[int, Cell]] = []
    for row in table.rows:
        for at, cell in _placed(row, columns):
            if cell.span == 1:
                sizes[at] = max(sizes[at], _longest(cell.text))
            elif cell.span < columns:
                wide.append((at, cell))
    for at, cell in wide:
        have = sum(sizes[at : at + cell.span]) + _GAP * (cell.span - 1)
        need = min(_longest(cell.text), width // 2) - have
        for index in range(at, at + cell.span):
            if need > 0:
                sizes[index] += -(-need // cell.span)
    if columns == 1:
        return [min(sizes[0], width)]
    room = max(width - _GAP * (columns - 1), columns * _NARROWEST)
    if sum(sizes) > room:
        low, high = _NARROWEST, max(sizes)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if sum(min(size, middle) for size in sizes) <= room else (low, middle - 1)
        sizes = [min(size, low) for size in sizes]
    return sizes


def _longest(text: str) -> int:
    return max((cells(line) for line in text.split("\n")), default=0)
