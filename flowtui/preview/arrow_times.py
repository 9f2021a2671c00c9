"""Dates, times, moments and lengths of time of Arrow as text, each from its integer in its own unit.

A moment that is turned into nanoseconds wraps before 1677 and after 2262, and Arrow's own texts wrap at the year 32767:
what lies outside of the years 1 to 9999 is counted here, in the proleptic Gregorian calendar with the year 0 for 1 BC
(ISO 8601). The units are those of https://arrow.apache.org/docs/format/Columnar.html.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_PER_SECOND = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}
_DAY = 86_400
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
"""0001-01-01 and 9999-12-31, in days since 1970."""

MONTH_INTERVAL, DAY_TIME_INTERVAL, MONTH_DAY_NANO_INTERVAL = 21, 22, 37
"""Numbers of Arrow's types (``arrow::Type``) that pyarrow has no values for, and of the one that it has."""


def is_interval(of: pa.DataType) -> bool:
    """Whether a type is one of Arrow's three calendar intervals."""
    return of.id in (MONTH_INTERVAL, DAY_TIME_INTERVAL, MONTH_DAY_NANO_INTERVAL)


def date_text(days: int) -> str:
    """The date of a count of days since 1970-01-01: ``2024-02-29``, ``-0043-03-15``, ``40000-01-01``."""
    # Days since 0000-03-01, so that a leap day is the last of its year: https://howardhinnant.github.io/date_algorithms
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = era * 400 + year_of_era + (month <= 2)
    return f"{'-' if year < 0 else ''}{abs(year):04}-{month:02}-{day_of_year - (153 * shifted + 2) // 5 + 1:02}"


def time_text(value: int, unit: str) -> str:
    """A time of day with the digits of its unit; 24:00:00 and beyond, and before 0, as they are."""
    seconds, rest = divmod(abs(value), _PER_SECOND[unit])
    sign = "-" if value < 0 else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{_fraction(rest, unit)}"


def moment_text(value: int, unit: str) -> str:
    """A moment, ``value`` units since 1970, with the digits of its unit."""
    seconds, rest = divmod(value, _PER_SECOND[unit])
    days, second = divmod(seconds, _DAY)
    return f"{date_text(days)} {time_text(second, 's')}{_fraction(rest, unit)}"


def duration_text(value: int, unit: str) -> str:
    """A length of time in days and hours, the same in every unit: ``1 day 01:00:00``, ``-00:00:01.5``."""
    return _parts(0, 0, value * (1_000_000_000 // _PER_SECOND[unit]), split=True)


def interval_text(months: int, days: int, nanoseconds: int) -> str:
    """A calendar interval; its three parts are not turned into each other: ``1 year 2 months 3 days 25:00:00``."""
    return _parts(months, days, nanoseconds, split=False)


def _parts(months: int, days: int, nanoseconds: int, *, split: bool) -> str:
    sign = -1 if nanoseconds < 0 else 1
    seconds, rest = divmod(abs(nanoseconds), 1_000_000_000)
    if split:
        days, seconds = sign * (seconds // _DAY), seconds % _DAY
    month_sign = -1 if months < 0 else 1
    years, months = month_sign * (abs(months) // 12), month_sign * (abs(months) % 12)
    counts = ((years, "year"), (months, "month"), (days, "day"))
    words = [f"{count:,} {word}{'s' if abs(count) != 1 else ''}".replace(",", "") for count, word in counts if count]
    if seconds or rest or not words:
        fraction = f".{rest:09}".rstrip("0") if rest else ""
        words.append(f"{'-' if sign < 0 else ''}{time_text(seconds, 's')}{fraction}")
    return " ".join(words)


def _fraction(rest: int, unit: str) -> str:
    digits = len(str(_PER_SECOND[unit])) - 1
    return f".{rest:0{digits}}" if digits else ""


def integers(values: pa.Array) -> list[int | None]:
    """The integers of an array of dates, times, moments or durations."""
    import pyarrow as pa

    found: list[int | None] = values.view(pa.int32() if values.type.bit_width == 32 else pa.int64()).to_pylist()
    return found


def temporal_texts(values: pa.Array, *, has_infinity: bool = False) -> list[str | None]:
    """Dates, times, moments, durations and intervals as text.

    Args:
        has_infinity: the greatest and the least integer but one mean ``infinity`` and ``-infinity``, as DuckDB's do.
    """
    import pyarrow.types as types

    of = values.type
    if is_interval(of):
        return _intervals(values)
    found = integers(values)
    if types.is_duration(of):
        return [None if value is None else duration_text(value, of.unit) for value in found]
    if types.is_time(of):
        least, most = 0, _DAY * _PER_SECOND[of.unit] - 1
    else:
        per_day = 1 if types.is_date32(of) else _DAY * _PER_SECOND["ms" if types.is_date64(of) else of.unit]
        least, most = _FIRST_DAY * per_day, (_LAST_DAY + 1) * per_day - 1
    if has_infinity:
        # In nanoseconds they lie in the year 2262.
        end = (1 << (of.bit_width - 1)) - 1
        least, most = max(least, 1 - end), min(most, end - 1)
    outside = [at for at, value in enumerate(found) if value is not None and not least <= value <= most]
    texts = _texts_of_arrow(values) if len(outside) < len(found) else None
    if texts is None:
        texts = [None] * len(found)
        outside = [at for at, value in enumerate(found) if value is not None]
    for at in outside:
        value = found[at]
        assert value is not None
        texts[at] = (has_infinity and _infinity(value, of.bit_width)) or _text(value, of)
    return texts


def _text(value: int, of: pa.DataType) -> str:
    import pyarrow.types as types

    if types.is_time(of):
        return time_text(value, of.unit)
    if types.is_date32(of):
        return date_text(value)
    if types.is_date64(of):
        return date_text(value // (_DAY * 1000))
    # No zone has rules for such years; UTC is exact.
    return moment_text(value, of.unit) + ("Z" if of.tz else "")


def _infinity(value: int, bits: int) -> str:
    most = (1 << (bits - 1)) - 1
    return "infinity" if value == most else "-infinity" if value == -most else ""


def _texts_of_arrow(values: pa.Array) -> list[str | None] | None:
    """What Arrow itself makes of them; None where a zone is not known to this machine."""
    import pyarrow as pa

    try:
        found: list[str | None] = values.cast(pa.string()).to_pylist()
    except (pa.ArrowException, ValueError, OSError):
        return None
    return found


def nanosecond_intervals(of: pa.DataType, data: bytes) -> tuple[pa.DataType, bytes]:
    """Intervals of any type as those of months, days and nanoseconds, which are the only ones that pyarrow holds."""
    import pyarrow as pa

    if of.id == MONTH_INTERVAL:
        parts = [(months, 0, 0) for (months,) in struct.iter_unpack("<i", data)]
    elif of.id == DAY_TIME_INTERVAL:
        parts = [(0, days, milliseconds * 1_000_000) for days, milliseconds in struct.iter_unpack("<ii", data)]
    else:
        return of, data
    return pa.month_day_nano_interval(), b"".join(struct.pack("<iiq", *one) for one in parts)


def _intervals(values: pa.Array) -> list[str | None]:
    """The texts of an array of months, days and nanoseconds; pyarrow's values of them need pandas."""
    data = memoryview(values.buffers()[1] or b"")
    valid = values.is_valid().to_pylist()
    return [
        interval_text(*struct.unpack_from("<iiq", data, at * 16)) if is_there else None
        for at, is_there in enumerate(valid, values.offset)
    ]
