"""What is known of one column of a previewed table, in one line; pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flowtui.preview.result import Cell as Value
from flowtui.preview.result import Column
from flowtui.text import plain
from flowtui.tui import tables
from flowtui.tui.formatting import UNICODE, Cell, Mark, Signs, cut
from flowtui.tui.sorting import is_missing, sort_key

_WIDEST = 24


@dataclass(frozen=True)
class Extent:
    """The missing, the smallest and the largest values of a column.

    Attributes:
        is_partial: whether any of them was found in the loaded rows only.
    """

    missing: int
    least: Value
    most: Value
    is_partial: bool


def extent(column: Column, values: Sequence[Value], *, whole: bool) -> Extent:
    """What the file says of a column, else what its loaded values say.

    Args:
        values: its value in every loaded row.
        whole: whether these are all rows of the file.
    """
    known = [value for value in values if not is_missing(value)]
    missing, least, most = column.nulls, column.least, column.most
    from_rows = missing is None or (known and (least is None or most is None))
    if missing is None:
        missing = len(values) - len(known)
    if (least is None or most is None) and known:

        def key(value: Value) -> tuple[int, float, str]:
            return sort_key(value, column.type)

        least, most = min(known, key=key), max(known, key=key)
    return Extent(missing, least, most, bool(from_rows) and not whole)


def column_detail(column: Column, values: Sequence[Value], *, whole: bool, signs: Signs = UNICODE) -> Cell:
    """``AGE num 8. "Age" · 0 missing · 50 to 89``; what was found in the loaded rows only says so."""
    found = extent(column, values, whole=whole)
    kind = " ".join(part for part in (plain(column.type), plain(column.format)) if part)
    facts = [f"{found.missing:,} missing"]
    if found.least is not None and found.most is not None:
        least, most = (cut(tables.value(value), _WIDEST, signs.ellipsis) for value in (found.least, found.most))
        facts.append(f"{least} to {most}" if least != most else f"all {least}")
    if found.is_partial:
        facts.append(f"in {len(values):,} loaded rows")
    marks = [Mark(plain(column.name), "strong"), Mark(f" {kind}" if kind else "", "dim")]
    if column.label:
        marks.append(Mark(f' "{plain(column.label)}"'))
    return (*marks, Mark("".join(f" {signs.dot} {fact}" for fact in facts), "dim"))
