"""Dates, datetimes and periods as Stata prints them, by their display format.

Stata counts milliseconds (``%tc``, and with leap seconds ``%tC``), days (``%td``), weeks, months, quarters and
half-years from 1 January 1960. What follows in a format is a mask; its codes, and the masks that stand for none, are
those of "Datetime display formats" in Stata's Data Management Reference Manual. A year has 52 weeks in Stata, and the
last one has eight or nine days. ``%d`` is how older versions write ``%td``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache

from flowtui.preview.formatted_value import FormattedValue
from flowtui.preview.gregorian import DAY, MONTHS, WEEKDAYS, Moment, day_number, moment_of_day, moment_of_seconds

_FORMAT = re.compile(r"%-?(?:t([cCdwmqh])|(d))(.*)")
_CODES = re.compile(
    r"Month|month|Mon|mon|DAYNAME|Dayname|Day|day|Da|da|CC|cc|YY|yy|JJJ|jjj|NN|nn|DD|dd|WW|ww|HH|Hh|hH|hh|MM|mm|SS|ss"
    r"|\.s{1,3}|a\.m\.|A\.M\.|am|AM|!.|[CcYyMmLlNnDdJjhqWw_+]|."
)
_DEFAULTS = {"c": "DDmonCCYY_HH:MM:SS", "C": "DDmonCCYY_HH:MM:SS", "d": "DDmonCCYY", "w": "CCYY!www", "m": "CCYY!mnn",
             "q": "CCYY!qq", "h": "CCYY!hh"}  # fmt: skip
_CLOCK = frozenset(
    [
        "HH",
        "Hh",
        "hH",
        "hh",
        "MM",
        "mm",
        "SS",
        "ss",
        ".s",
        ".ss",
        ".sss",
        "am",
        "AM",
        "a.m.",
        "A.M.",
        ".",
        ":",
        "_",
        "+",
    ]
)
"""Codes of the time of day, and what may stand between them."""

Part = Callable[[Moment], str]

_AFTER_LEAP_SECONDS = (
    (1972, 7), (1973, 1), (1974, 1), (1975, 1), (1976, 1), (1977, 1), (1978, 1), (1979, 1), (1980, 1), (1981, 7),
    (1982, 7), (1983, 7), (1985, 7), (1988, 1), (1990, 1), (1991, 1), (1992, 7), (1993, 7), (1994, 7), (1996, 1),
    (1997, 7), (1999, 1), (2006, 1), (2009, 1), (2012, 7), (2015, 7), (2017, 1),
)  # fmt: skip
"""Year and month that begin after each leap second that the IERS has announced."""

LEAP_SECONDS = tuple(
    (day_number(year, month, 1) * DAY + count) * 1000 for count, (year, month) in enumerate(_AFTER_LEAP_SECONDS)
)
"""Where leap seconds begin, in milliseconds that count those before them."""


@lru_cache(maxsize=1024)
def _parsed(format_: str) -> tuple[str, tuple[str, ...], bool]:
    """What is counted (``c`` of ``%tc``), the codes of its mask, and whether these are all of the time of day."""
    found = _FORMAT.fullmatch(format_.strip())
    if not found:
        return "", (), False
    unit = found.group(1) or found.group(2)
    codes = tuple(_CODES.findall(found.group(3) or _DEFAULTS[unit]))
    return unit, codes, unit in "cC" and all(code in _CLOCK or code.startswith("!") for code in codes)


def format_kind(format_: str) -> str:
    """``date``, ``datetime`` or ``time`` where a format shows numbers as that; empty for any other.

    A format of milliseconds whose mask has nothing but the time of day is one of times.
    """
    unit, _, is_clock = _parsed(format_)
    if not unit:
        return ""
    return "date" if unit not in "cC" else "time" if is_clock else "datetime"


def formatted(value: float, format_: str) -> FormattedValue:
    """A number as its format prints it.

    Args:
        format_: one that has a kind.

    Raises:
        ValueError, OverflowError: it is no date of that kind.
    """
    unit, codes, is_clock = _parsed(format_)
    if unit in "cC":
        return _of_milliseconds(value, codes, with_leap_seconds=unit == "C", is_clock=is_clock)
    if unit == "d":
        moment = moment_of_day(int(value // 1))
        return FormattedValue(moment.date, _printed(moment, codes) or moment.date, value * DAY)
    moment = _first_day(unit, int(value // 1))
    period = _printed(moment, tuple(_CODES.findall(_DEFAULTS[unit])))
    return FormattedValue(period, _printed(moment, codes) or period, value)


def _of_milliseconds(
    value: float, codes: tuple[str, ...], *, with_leap_seconds: bool, is_clock: bool
) -> FormattedValue:
    extra = 0
    if with_leap_seconds:
        passed = bisect_right(LEAP_SECONDS, value)
        # Within a leap second the clock shows second 60 of the minute before.
        extra = 1000 if passed and value < LEAP_SECONDS[passed - 1] + 1000 else 0
        value = value - 1000 * (passed - (1 if extra else 0)) - extra
    moment = moment_of_seconds(value / 1000)
    time = moment.time
    if extra:
        time = f"{time[:6]}60{time[8:]}"
    is_on_first_day = is_clock and 0 <= value < DAY * 1000
    shown = time if is_on_first_day else f"{moment.date} {time}"
    text = _printed(moment, codes, leap=bool(extra))
    return FormattedValue(shown, text or shown, (value + extra) / 1000)


def _first_day(unit: str, count: int) -> Moment:
    """The first day of a period."""
    years, place = divmod(count, {"w": 52, "m": 12, "q": 4, "h": 2}[unit])
    year = 1960 + years
    if abs(years) > 100_000:
        raise ValueError("no date")
    if unit == "w":
        return moment_of_day(day_number(year, 1, 1) + 7 * place)
    return moment_of_day(day_number(year, {"m": 1, "q": 3, "h": 6}[unit] * place + 1, 1))


def _printed(moment: Moment, codes: tuple[str, ...], *, leap: bool = False) -> str:
    """A moment by the codes of a mask; empty outside of the years 100 to 9999, which Stata does not print."""
    if not 100 <= moment.year <= 9999:
        return ""
    parts = []
    for code in codes:
        how = _PARTS.get(code)
        if how:
            parts.append("60" if leap and code in ("SS", "ss") else how(moment))
        elif code.startswith("!"):
            parts.append(code[1:])
        else:
            parts.append(code)
    return "".join(parts).strip()


def _week(moment: Moment) -> int:
    return min((moment.yearday + 6) // 7, 52)


def _hour_12(moment: Moment) -> int:
    return moment.hour % 12 or 12


def _half(am: str, pm: str) -> Part:
    return lambda moment: pm if moment.hour >= 12 else am


def _name(names: tuple[str, ...], length: int, at: Callable[[Moment], int], *, lower: bool = False) -> Part:
    def how(moment: Moment) -> str:
        text = names[at(moment)][: length or None]
        return text.lower() if lower else text

    return how


def _month_place(moment: Moment) -> int:
    return moment.month - 1


def _weekday(moment: Moment) -> int:
    return moment.weekday


_PARTS: dict[str, Part] = {
    "CC": lambda moment: f"{moment.year // 100:02}",
    "cc": lambda moment: str(moment.year // 100),
    "YY": lambda moment: f"{moment.year % 100:02}",
    "yy": lambda moment: str(moment.year % 100),
    "JJJ": lambda moment: f"{moment.yearday:03}",
    "jjj": lambda moment: str(moment.yearday),
    "Mon": _name(MONTHS, 3, _month_place),
    "Month": _name(MONTHS, 0, _month_place),
    "mon": _name(MONTHS, 3, _month_place, lower=True),
    "month": _name(MONTHS, 0, _month_place, lower=True),
    "NN": lambda moment: f"{moment.month:02}",
    "nn": lambda moment: str(moment.month),
    "DD": lambda moment: f"{moment.day:02}",
    "dd": lambda moment: str(moment.day),
    "DAYNAME": _name(WEEKDAYS, 0, _weekday),
    "Dayname": _name(WEEKDAYS, 0, _weekday),
    "Day": _name(WEEKDAYS, 3, _weekday),
    "Da": _name(WEEKDAYS, 2, _weekday),
    "day": _name(WEEKDAYS, 3, _weekday, lower=True),
    "da": _name(WEEKDAYS, 2, _weekday, lower=True),
    "h": lambda moment: str((moment.month + 5) // 6),
    "q": lambda moment: str(moment.quarter),
    "WW": lambda moment: f"{_week(moment):02}",
    "ww": lambda moment: str(_week(moment)),
    "HH": lambda moment: f"{moment.hour:02}",
    "hH": lambda moment: str(moment.hour),
    "Hh": lambda moment: f"{_hour_12(moment):02}",
    "hh": lambda moment: str(_hour_12(moment)),
    "MM": lambda moment: f"{moment.minute:02}",
    "mm": lambda moment: str(moment.minute),
    "SS": lambda moment: f"{moment.second:02}",
    "ss": lambda moment: str(moment.second),
    ".s": lambda moment: f".{moment.fraction // 100}",
    ".ss": lambda moment: f".{moment.fraction // 10:02}",
    ".sss": lambda moment: f".{moment.fraction:03}",
    "am": _half("am", "pm"),
    "AM": _half("AM", "PM"),
    "a.m.": _half("a.m.", "p.m."),
    "A.M.": _half("A.M.", "P.M."),
    "_": lambda _: " ",
    "+": lambda _: "",
}
"""What a code of a mask prints."""

_OLD_CODES = {
    "C": "CC", "c": "cc", "Y": "YY", "y": "yy", "M": "Month", "m": "Mon", "L": "month", "l": "mon", "N": "NN",
    "n": "nn", "D": "DD", "d": "dd", "J": "JJJ", "j": "jjj", "W": "WW", "w": "ww",
}  # fmt: skip
"""Codes of older versions, of one letter, which newer ones still know."""

_PARTS |= {old: _PARTS[new] for old, new in _OLD_CODES.items()}
