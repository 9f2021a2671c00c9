"""The order of the loaded rows of a table by one of its columns; pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from flowtui.preview.formatted_value import FormattedValue
from flowtui.preview.result import Cell
from flowtui.preview.special_missing import MARKED_MISSING, missing_order

NUMBERS = frozenset({"integer", "number"})
"""Types of columns whose values are compared as numbers, also where they are texts of a text format."""

Key = tuple[int, float, str]


def is_missing(cell: Cell) -> bool:
    """Whether a cell holds no value: nothing, an empty text, no number, or what counts as missing."""
    return cell is None or cell == "" or cell != cell or isinstance(cell, MARKED_MISSING)


def sort_key(cell: Cell, type_: str) -> Key:
    """What a value that is not missing is compared by: numbers before texts, texts whatever their case."""
    if isinstance(cell, bool | int | float):
        return (0, cell, "")
    if isinstance(cell, FormattedValue):
        return (0, cell.number, "")
    text = str(cell)
    if type_ in NUMBERS and (number := _number(text)) is not None:
        return (0, number, "")
    return (1, 0, text.casefold())


def _number(text: str) -> int | float | None:
    for convert in (int, float):
        try:
            found = convert(text)
        except ValueError:
            continue
        return found if found == found else None
    return None


def sorted_order(cells: Sequence[Cell], type_: str, *, descending: bool = False) -> list[int]:
    """The numbers of the rows in the order of their values in one column; equal ones stay.

    Missing ones come last: special ones in SAS's order, then those that count as missing.


    Args:
        cells: the column's value in every row.
        type_: the type of the column.
    """
    known = [number for number, cell in enumerate(cells) if not is_missing(cell)]
    keys = {number: sort_key(cells[number], type_) for number in known}
    known.sort(key=keys.__getitem__, reverse=descending)
    missing = [number for number, cell in enumerate(cells) if is_missing(cell)]
    return known + sorted(missing, key=lambda number: missing_order(cells[number]))
