"""Dates, datetimes and times as SPSS prints them, by the name and the width of their format.

SPSS counts all of them in seconds: dates from 14 October 1582, the day before the Gregorian calendar began. The forms
are those of "Variable types and formats" in IBM's Command Syntax Reference, and of "Time and Date Formats" in PSPP's
manual. A time is any length of time, of more than a day and below zero too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from flowtui.preview.formatted_value import FormattedValue
from flowtui.preview.gregorian import DAY, MONTHS, Moment, day_number, moment_of_seconds, span

ORIGIN = day_number(1582, 10, 14)
"""The day that SPSS counts from, in days from 1 January 1960."""

_FORMAT = re.compile(r"([A-Z]+)([0-9]{0,4})(?:\.([0-9]{0,4}))?")
_DATES = frozenset({"DATE", "ADATE", "EDATE", "JDATE", "SDATE", "QYR", "MOYR", "WKYR"})
_KINDS = {
    **dict.fromkeys(_DATES, "date"), "DATETIME": "datetime", "YMDHMS": "datetime", "TIME": "time", "DTIME": "time",
    "MTIME": "time",
}  # fmt: skip
_WHOLE_WIDTH = {"TIME": 8, "DTIME": 11, "MTIME": 5}
_SECONDS_WIDTH = 3
_DECIMALS_WIDTH = 5


@dataclass(frozen=True, slots=True)
class _Format:
    name: str
    width: int
    decimals: int
    kind: str


@lru_cache(maxsize=1024)
def _parsed(format_: str) -> _Format:
    found = _FORMAT.fullmatch(format_.strip().upper())
    if not found:
        return _Format("", 0, 0, "")
    name = found.group(1)
    return _Format(name, int(found.group(2) or 0), int(found.group(3) or 0), _KINDS.get(name, ""))


def format_kind(format_: str) -> str:
    """``date``, ``datetime`` or ``time`` where a format (``DATE11``) shows numbers as that; empty for any other."""
    return _parsed(format_).kind


def formatted(value: float, format_: str) -> FormattedValue:
    """A number as its format prints it.

    Args:
        format_: one that has a kind.

    Raises:
        ValueError, OverflowError: it is no date of that kind.
    """
    of = _parsed(format_)
    if of.kind == "time":
        shown = _days(value) if of.name == "DTIME" else span(value)
        return FormattedValue(shown, _time_text(value, of) or shown, value)
    moment = moment_of_seconds(value, ORIGIN)
    shown = moment.date if of.kind == "date" else f"{moment.date} {moment.time}"
    text = _date_text(moment, of) if of.kind == "date" else _datetime_text(moment, of)
    # A text that its width has no room for is printed as asterisks.
    fits = text and (not of.width or len(text) <= of.width)
    return FormattedValue(shown, text.strip() if fits else shown, value + ORIGIN * DAY)


def _date_text(moment: Moment, of: _Format) -> str:
    """A date; one of fewer than the columns of a whole year has two digits of it."""
    width, month = of.width, MONTHS[moment.month - 1][:3].upper()

    def year(whole: int) -> str:
        return f"{moment.year:04}" if not width or width >= whole else f"{moment.year % 100:02}"

    if of.name == "DATE":
        return f"{moment.day:02}-{month}-{year(11)}"
    if of.name == "ADATE":
        return f"{moment.month:02}/{moment.day:02}/{year(10)}"
    if of.name == "EDATE":
        return f"{moment.day:02}.{moment.month:02}.{year(10)}"
    if of.name == "SDATE":
        return f"{year(10)}/{moment.month:02}/{moment.day:02}"
    if of.name == "JDATE":
        return f"{year(7)}{moment.yearday:03}"
    if of.name == "QYR":
        return f"{moment.quarter} Q {year(8)}"
    if of.name == "MOYR":
        return f"{month} {year(8)}"
    return f"{(moment.yearday + 6) // 7} WK {year(10)}"


def _datetime_text(moment: Moment, of: _Format) -> str:
    if of.name == "DATETIME":
        date = f"{moment.day:02}-{MONTHS[moment.month - 1][:3].upper()}-{moment.year:04}"
    else:
        date = moment.date
    return _with_seconds(f"{date} {moment.hour:02}:{moment.minute:02}", moment.milliseconds % 60_000, of)


def _time_text(value: float, of: _Format) -> str:
    """A length of time; empty where its width has no room for it."""
    total, thousandths = divmod(round(abs(value) * 1000), 1000)
    sign = "-" if value < 0 and (total or thousandths) else ""
    hours, minutes = total // 3600, total // 60 % 60
    if of.name == "MTIME":
        text = f"{sign}{total // 60:02}"
    elif of.name == "TIME":
        text = f"{sign}{hours:02}:{minutes:02}"
    else:
        text = f"{sign}{hours // 24} {hours % 24:02}:{minutes:02}"
    short = len(text)
    text = _with_seconds(text, total % 60 * 1000 + thousandths, of)
    # What a width of whole seconds has no room for would lose them; how days below one are printed is not told.
    is_cut = len(text) == short and of.width >= _WHOLE_WIDTH.get(of.name, 0)
    return "" if is_cut or text.startswith("-0 ") or 0 < of.width < len(text) else text


def _with_seconds(text: str, milliseconds: int, of: _Format) -> str:
    """Hours and minutes with as much of the seconds as the width has room for."""
    room = of.width - len(text) if of.width else _SECONDS_WIDTH + (of.decimals + 1 if of.decimals else 0)
    if room < _SECONDS_WIDTH:
        return text
    text = f"{text}:{milliseconds // 1000:02}"
    decimals = min(of.decimals, room - _DECIMALS_WIDTH + 1) if room >= _DECIMALS_WIDTH else 0
    return f"{text}.{f'{milliseconds % 1000:03}'.ljust(decimals, '0')[:decimals]}" if decimals else text


def _days(value: float) -> str:
    """A length of time in days, ``1 day 01:01:01``, ``4 days``, ``-01:01:01``."""
    milliseconds = round(abs(value) * 1000)
    days, rest = divmod(milliseconds, DAY * 1000)
    sign = "-" if value < 0 and milliseconds else ""
    if not days:
        return span(value)
    text = f"{sign}{days} day{'s' if days != 1 else ''}"
    return f"{text} {span(rest / 1000)}" if rest else text
