"""Numbers of SAS, SPSS and Stata as cells of a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from flowtui.preview.formatted_value import FormattedValue
from flowtui.preview.result import Cell
from flowtui.preview.special_missing import MARKED_MISSING

_MOST_EXACT = 1 << 53

Formatted = Callable[[float, str], FormattedValue]
"""Prints a number by a format; it raises ValueError and OverflowError for one that is no date of that kind."""


def number_cells(values: Iterable[Any], format_: str, formatted: Formatted | None) -> list[Cell]:
    """Numbers as their format prints them, those that are no such date as they are; missing values stay.

    Args:
        formatted: of the program, None for a format that is none of dates. It may raise ValueError and OverflowError.
    """
    if formatted is None:
        return [value if value is None or isinstance(value, MARKED_MISSING) else _plain(value) for value in values]
    # Dates repeat themselves more often than not.
    known: dict[float, Cell] = {}
    cells: list[Cell] = []
    for value in values:
        if value is None or isinstance(value, MARKED_MISSING):
            cells.append(value)
            continue
        cell = known.get(value)
        if cell is None:
            try:
                cell = formatted(value, format_)
            except (ValueError, OverflowError):
                # NaN and infinities too.
                cell = _plain(value)
            known[value] = cell
        cells.append(cell)
    return cells


def _plain(value: float) -> Cell:
    if isinstance(value, int):
        return value
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < _MOST_EXACT else value
