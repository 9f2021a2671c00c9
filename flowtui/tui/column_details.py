"""What is known of one column of a previewed table, in one line; pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from flowtui.preview.result import Cell as Value
from flowtui.preview.result import Column
from flowtui.preview.special_missing import MARKED_MISSING, missing_order
from flowtui.text import plain
from flowtui.tui import tables
from flowtui.tui.formatting import UNICODE, Cell, Mark, Signs, cut
from flowtui.tui.sorting import is_missing, sort_key

_WIDEST = 24
_MOST_MARKED = 8


@dataclass(frozen=True)
class Extent:
    """The missing, the smallest and the largest values of a column.

    Attributes:
        marked: the special missing and user-missing values of the loaded rows with their counts, as they are sorted.
        is_partial: whether any of them was found in the loaded rows only.
    """

    missing: int
    least: Value
    most: Value
    is_partial: bool
    marked: tuple[tuple[str, int], ...] = ()


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
    counts = Counter(sorted((value for value in values if isinstance(value, MARKED_MISSING)), key=missing_order))
    marked = tuple((str(value), number) for value, number in counts.items())
    return Extent(missing, least, most, bool(from_rows or marked) and not whole, marked)


def _marked(counts: Sequence[tuple[str, int]]) -> str:
    """Which missing values say more, and how many of each there are."""
    told = [f"{number:,} {plain(name)}" for name, number in counts[:_MOST_MARKED]]
    more = sum(number for _, number in counts[_MOST_MARKED:])
    told += [f"{more:,} others"] if more else []
    return f" ({', '.join(told)})" if told else ""


def column_detail(column: Column, values: Sequence[Value], *, whole: bool, signs: Signs = UNICODE) -> Cell:
    """``AGE num 8. "Age" · 0 missing · 50 to 89``; what was found in the loaded rows only says so."""
    found = extent(column, values, whole=whole)
    kind = " ".join(part for part in (plain(column.type), plain(column.format)) if part)
    facts = [f"{found.missing:,} missing{_marked(found.marked)}"]
    if found.least is not None and found.most is not None:
        least, most = (cut(tables.value(value), _WIDEST, signs.ellipsis) for value in (found.least, found.most))
        facts.append(f"{least} to {most}" if least != most else f"all {least}")
    if column.value_labels:
        told = ", ".join(f"{plain(value)} {plain(label)}" for value, label in column.value_labels[:_MOST_MARKED])
        facts.append(f"{told}{', ...' if len(column.value_labels) > _MOST_MARKED else ''}")
    if found.is_partial:
        facts.append(f"in {len(values):,} loaded rows")
    marks = [Mark(plain(column.name), "strong"), Mark(f" {kind}" if kind else "", "dim")]
    if column.label:
        marks.append(Mark(f' "{plain(column.label)}"'))
    return (*marks, Mark("".join(f" {signs.dot} {fact}" for fact in facts), "dim"))
