"""Columns and rows of a list, and which columns fit in its width; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len

from flowtui.tui.formatting import Cell, cell_width
from flowtui.tui.selection import Picked

GAP = 2
"""Cells between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of rows.

    Attributes:
        leave: 0 stays for ever; of the others the one with the highest number leaves first.
        least: the cells that it needs; a longer content is cut down to this before any column leaves.
        most: the cells that it takes at most.
        right: aligned right, for numbers.
        sentence: cut at the end instead of in the middle.
        dotted: the parts before the last dot are left out before anything is cut.
        extra: leaves before any other content is cut.
    """

    title: str
    least: int = 4
    most: int = 60
    leave: int = 0
    right: bool = False
    sentence: bool = False
    extra: bool = False
    dotted: bool = False


@dataclass(frozen=True)
class Row:
    """One row: a key that is unique in the list, a cell per column, a guide before the first column of a tree.

    Attributes:
        note: a second line below, for the first line of an error or a bar.
        expandable: it has or may have rows below it.
        heading: parts the list; it is no target of the cursor.
        openable: ``enter`` does something on it.
        parent: the key of the row above it in a tree.
        picked: it is selected, or something below it is.
    """

    key: str
    cells: tuple[Cell, ...]
    guide: str = ""
    note: Cell = ()
    expandable: bool = False
    expanded: bool = False
    heading: bool = False
    openable: bool = True
    parent: str = ""
    picked: Picked = ""

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """The cells that each of its columns takes, the guide included."""
        first, *others = self.cells or ((),)
        return (cell_width(first) + cell_len(self.guide), *map(cell_width, others))


def fit(columns: Sequence[Column], natural: Sequence[int], width: int) -> list[int]:
    """The width of every column in cells, 0 for one that left, so that all fit in ``width`` with gaps between.

    Args:
        natural: the widest content of each column.
    """
    wanted = [
        min(max(size, cell_len(column.title)), column.most) for column, size in zip(columns, natural, strict=True)
    ]
    least = [min(column.least, size) for column, size in zip(columns, wanted, strict=True)]
    shown = [
        size > 0 and not (column.extra and not full)
        for size, column, full in zip(wanted, columns, natural, strict=True)
    ]

    def total(sizes: Sequence[int]) -> int:
        kept = [size for size, show in zip(sizes, shown, strict=True) if show]
        return sum(kept) + GAP * max(len(kept) - 1, 0)

    while total(wanted) > width:
        extras = [index for index, show in enumerate(shown) if show and columns[index].extra]
        if not extras:
            break
        shown[max(extras, key=lambda index: columns[index].leave)] = False
    while total(least) > width:
        leaving = max((index for index, show in enumerate(shown) if show), key=lambda index: columns[index].leave)
        if columns[leaving].leave == 0:
            break
        shown[leaving] = False
    sizes = [size if show else 0 for size, show in zip(wanted, shown, strict=True)]
    over = total(sizes) - width
    while over > 0:
        slack = [size - low if show else 0 for size, low, show in zip(sizes, least, shown, strict=True)]
        widest = max(range(len(sizes)), key=lambda index: slack[index])
        if slack[widest] <= 0:
            break
        sizes[widest] -= 1
        over -= 1
    return sizes
