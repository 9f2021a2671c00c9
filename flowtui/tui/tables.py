"""Cells of a previewed table as texts: widths, alignment, values as a person reads them; pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from flowtui.preview.result import Cell, Column
from flowtui.tui.formatting import cut_end
from flowtui.tui.sorting import NUMBERS

GAP = 2
WIDEST = 40


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


def padded(text: str, column: Column, size: int, ellipsis: str = "…") -> str:
    """A text in exactly ``size`` cells; numbers stand right."""
    short = cut_end(text, size, ellipsis)
    padding = " " * (size - cell_len(short))
    return padding + short if column.type in NUMBERS else short + padding


def stops(sizes: Iterable[int]) -> list[int]:
    """Where each column begins, in cells, and where one behind the last would."""
    found = [0]
    for size in sizes:
        found.append(found[-1] + size + GAP)
    return found


def tab_separated(cells: Iterable[Cell]) -> str:
    """A row as one line of TSV."""
    return "\t".join(value(cell) for cell in cells)
