"""Moments of Parquet's old type INT96, which has a day and nanoseconds: those that nanoseconds since 1970 cannot hold.

pyarrow gives them in a unit that it is asked for, and wraps without a word: 9999-12-31 becomes 1816-03-29 in
nanoseconds. Whole seconds hold every day of INT96, and nanoseconds then tell the rest, as they are right but for a
multiple of 2 ** 64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowtui.preview.arrow_forms import Form
from flowtui.preview.arrow_times import integers, moment_text
from flowtui.preview.arrow_values import arrays_within, cells
from flowtui.preview.result import Cell

if TYPE_CHECKING:
    import pyarrow as pa

_PER_SECOND = 1_000_000_000


def int96_cells(seconds: pa.Array, nanoseconds: pa.Array, form: Form, width: int) -> tuple[list[Cell], bool]:
    """The cells of a column that holds moments of INT96, and whether fractions of seconds had to be left out.

    Args:
        seconds, nanoseconds: its values, read in each unit.
    """
    pairs = list(_moments(seconds, nanoseconds))
    if all(whole == wrapped for whole, wrapped in pairs):
        return cells(nanoseconds, form, width), False
    if not form.children and seconds.type != nanoseconds.type and seconds.type.num_fields == 0:
        there = seconds.is_valid().to_pylist()
        exact = iter(pairs)
        return [moment_text(next(exact)[0], "ns") if is_there else None for is_there in there], False
    return cells(seconds, form, width), any(whole % _PER_SECOND for whole, _ in pairs)


def _moments(seconds: pa.Array, nanoseconds: pa.Array) -> list[tuple[int, int]]:
    """Each moment in nanoseconds since 1970: what it is, and what pyarrow gives for it."""
    import pyarrow.types as types

    if types.is_timestamp(seconds.type):
        found = []
        for whole, wrapped in zip(integers(seconds), integers(nanoseconds), strict=True):
            if whole is not None and wrapped is not None:
                start = whole * _PER_SECOND
                found.append((start + (wrapped - start) % (1 << 64), wrapped))
        return found
    pairs = zip(arrays_within(seconds), arrays_within(nanoseconds), strict=True)
    return [moment for pair in pairs for moment in _moments(*pair)]
