"""Single elements of numpy arrays from their bytes: numbers, texts, moments and lengths of time, fields within fields.

Moments are counted from 1970 in whole numbers, never through a fraction: every digit that is stored is shown.
"""

from __future__ import annotations

import math
import re
import struct
from decimal import Context, Decimal

from flowtui.preview.pickled_arrays import Dtype, numbers_of
from flowtui.preview.result import Cell
from flowtui.text import cut

_NOT_A_TIME = -(1 << 63)
_UNIT = re.compile(r"\[(\d*)(Y|M|W|D|h|m|s|ms|us|μs|ns|ps|fs|as)(?:/\d+)?\]$")
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_DIGITS = {"ms": 3, "us": 6, "μs": 6, "ns": 9, "ps": 12, "fs": 15, "as": 18}
_SHOWN = 20
_DAY = 86_400
_ERA = 146_097
"""Days of 400 years."""

_LEADING_BIT = 1 << 63
_EXPONENT_OF_ONE = 16_383
_MOST_OF_DOUBLE = 1022
_EXACT = Context(prec=21)


def element_of(dtype: Dtype, data: bytes, width: int) -> Cell:
    """One element of an array from its bytes; text is cut at ``width`` characters."""
    numbers = numbers_of(dtype, data, 1)
    if numbers:
        return numbers[0]
    words = _words(dtype, data)
    return words if isinstance(words, float) else cut(words, width)


def _words(dtype: Dtype, data: bytes) -> str | float:
    order = dtype.order or "<"
    kind = dtype.code[:1]
    if kind == "U":
        codec = "utf-32-be" if order == ">" else "utf-32-le"
        return data.decode(codec, "replace").rstrip("\0")
    if kind == "S":
        return data.rstrip(b"\0").decode("utf-8", "replace")
    if kind in ("M", "m"):
        return _time(dtype, struct.unpack(f"{order}q", data)[0])
    if kind == "c" and dtype.size in (8, 16):
        real, imaginary = struct.unpack(f"{order}2{'f' if dtype.size == 8 else 'd'}", data)
        return str(complex(real, imaginary)).strip("()")
    if kind == "f" and dtype.size in (12, 16):
        found = _extended(data if order == "<" else data[::-1])
        if found is not None:
            return found
    if dtype.base is not None and dtype.base.size:
        return _several(dtype.base, data)
    if dtype.parts:
        return _fields(dtype.parts, data)
    return data[:16].hex(" ")


def _several(base: Dtype, data: bytes) -> str:
    """The values of a field that is an array itself, in the order in which they lie."""
    count = len(data) // base.size
    shown = (element_of(base, data[at * base.size : (at + 1) * base.size], 200) for at in range(min(count, _SHOWN)))
    return f"[{', '.join(map(str, shown))}{', …' if count > _SHOWN else ''}]"


def _fields(parts: tuple[tuple[str, Dtype], ...], data: bytes) -> str:
    """The values of a field that has fields itself; padding between them has no name."""
    found = []
    at = 0
    for name, dtype in parts:
        if name:
            found.append(f"{name}: {element_of(dtype, data[at : at + dtype.size], 200)}")
        at += dtype.size
    return f"{{{', '.join(found)}}}"


def _time(dtype: Dtype, count: int) -> str:
    """A moment, or a length of time in its unit; a number alone where the type has no unit."""
    if count == _NOT_A_TIME:
        return "NaT"
    found = _UNIT.search(dtype.name)
    if found is None:
        return str(count)
    total = count * int(found.group(1) or 1)
    unit = found.group(2)
    return _moment(total, unit) if dtype.code.startswith("M") else f"{total} {unit}"


def _moment(count: int, unit: str) -> str:
    if unit == "Y":
        return _year(1970 + count)
    if unit == "M":
        year, month = divmod(count, 12)
        return f"{_year(1970 + year)}-{month + 1:02}"
    if unit in ("W", "D"):
        return _date(count * (7 if unit == "W" else 1))
    parts = 10 ** _DIGITS.get(unit, 0)
    seconds, fraction = divmod(count * _SECONDS.get(unit, 1), parts)
    days, second = divmod(seconds, _DAY)
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"{_date(days)} {clock}{f'.{fraction:0{_DIGITS[unit]}}' if fraction else ''}"


def _date(days: int) -> str:
    """The date so many days after 1970-01-01 in the Gregorian calendar, of any year.

    http://howardhinnant.github.io/date_algorithms.html#civil_from_days
    """
    era, day = divmod(days + 719_468, _ERA)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    shifted = (5 * day + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year += 400 * era + (month <= 2)
    return f"{_year(year)}-{month:02}-{day - (153 * shifted + 2) // 5 + 1:02}"


def _year(year: int) -> str:
    return f"{year:04}" if year >= 0 else f"-{-year:04}"


def _extended(data: bytes) -> str | float | None:
    """A number of x87's 80 bits, which is numpy's longdouble on x86; None for bits that are no such number."""
    mantissa, top = struct.unpack("<QH", data[:10])
    exponent, sign = top & 0x7FFF, -1 if top & 0x8000 else 1
    if exponent == 0x7FFF and mantissa & _LEADING_BIT:
        return float("nan") if mantissa != _LEADING_BIT else float("inf") if sign > 0 else float("-inf")
    if not mantissa and not exponent:
        return sign * 0.0
    if bool(mantissa & _LEADING_BIT) != bool(exponent):
        return None
    power: int = max(exponent, 1) - _EXPONENT_OF_ONE - 63
    if abs(exponent - _EXPONENT_OF_ONE) < _MOST_OF_DOUBLE and int(float(mantissa)) == mantissa:
        return math.ldexp(sign * float(mantissa), power)
    exact = _EXACT.multiply(Decimal(sign * mantissa), _EXACT.power(Decimal(2), Decimal(power)))
    return str(exact)
