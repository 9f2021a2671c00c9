"""Moments of Parquet's old type INT96, which has a day and nanoseconds: those that nanoseconds since 1970 cannot hold.

pyarrow gives them in a unit that it is asked for, and wraps without a word: 9999-12-31 becomes 1816-03-29 in
nanoseconds. Whole seconds hold every day of INT96, and nanoseconds then tell the rest, as they are right but for a
multiple of 2 ** 64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowtui.preview.arrow_forms import Form
from flowtui.preview.arrow_times import integers, moment_text
from flowtui.preview.arrow_values import UNREAD, arrays_within, cells
from flowtui.preview.result import Cell

if TYPE_CHECKING:
    import pyarrow as pa

_PER_SECOND = 1_000_000_000


_MOST = (1 << 63) * 1000
"""Nanoseconds since 1970 that microseconds in 64 bits hold: no writer has more, and Spark wraps what is beyond."""

CUT, WRAPPED = "fractions of seconds are left out", "moments that make no sense, as their writer wrapped them"
"""What may be said of a column."""


def int96_cells(seconds: pa.Array, nanoseconds: pa.Array, form: Form, width: int) -> tuple[list[Cell], str]:
    """The cells of a column that holds moments of INT96, and what is to be said of them, if anything.

    Args:
        seconds, nanoseconds: its values, read in each unit.
    """
    pairs = _moments(seconds, nanoseconds)
    if all(whole == wrapped for whole, wrapped in pairs):
        return cells(nanoseconds, form, width), ""
    is_wrapped = any(not -_MOST <= whole < _MOST for whole, _ in pairs)
    if seconds.type.num_fields == 0:
        exact = iter(pairs)
        found: list[Cell] = [_text(next(exact)[0]) if is_there else None for is_there in seconds.is_valid().to_pylist()]
        return found, WRAPPED if is_wrapped else ""
    if is_wrapped:
        return [UNREAD] * len(seconds), WRAPPED
    return cells(seconds, form, width), CUT if any(whole % _PER_SECOND for whole, _ in pairs) else ""


def _text(nanoseconds: int) -> str:
    return moment_text(nanoseconds, "ns") if -_MOST <= nanoseconds < _MOST else UNREAD


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
