"""Rows of a previewed table as lines of text: widths, alignment, values as a person reads them; pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from flowtui.preview.result import Cell, Column
from flowtui.tui.formatting import cut_end

GAP = 2
WIDEST = 40
NUMBERS = frozenset({"integer", "number"})


def value(cell: Cell) -> str:
    """A value as text; nothing for a missing one."""
    if cell is None:
        return ""
    return str(cell) if not isinstance(cell, bool) else str(cell).lower()


def widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], looked_at: int = 300) -> list[int]:
    """The width of every column in cells, from its name and the first rows."""
    found = [min(max(cell_len(column.name), 1), WIDEST) for column in columns]
    for row in rows[:looked_at]:
        for index, cell in enumerate(row[: len(found)]):
            width = cell_len(value(cell))
            if width > found[index]:
                found[index] = min(width, WIDEST)
    return found


def line(cells: Sequence[str], columns: Sequence[Column], sizes: Sequence[int], ellipsis: str = "…") -> str:
    """One line of the table; numbers stand right."""
    parts = []
    for text, column, size in zip(cells, columns, sizes, strict=True):
        short = cut_end(text, size, ellipsis)
        padding = " " * (size - cell_len(short))
        parts.append(padding + short if column.type in NUMBERS else short + padding)
    return (" " * GAP).join(parts)


def stops(sizes: Sequence[int]) -> list[int]:
    """Where each column begins, in cells."""
    found, at = [], 0
    for size in sizes:
        found.append(at)
        at += size + GAP
    return found
