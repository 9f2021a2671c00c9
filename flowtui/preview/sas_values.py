"""Numbers and formats of SAS, as its datasets and transport files hold them.

SAS counts dates in days and datetimes in seconds from 1 January 1960; only a variable's format tells that its numbers
are dates. SAS's calendar has no 29 February in the years 4000, 8000, 12000 and 16000.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from flowtui.preview.formatted_value import FormattedValue
from flowtui.preview.gregorian import DAY, moment_of_day, moment_of_seconds, span
from flowtui.preview.number_cells import number_cells
from flowtui.preview.result import Cell
from flowtui.preview.sas_formats import DATES_OF_DATETIMES, LOCALIZED, date_text, datetime_text, time_text

_FORMAT = re.compile(r"([A-Z_][A-Z0-9_]*?)([0-9]{0,5})(?:\.([0-9]{0,5}))?")
_DATE = re.compile(
    r"DATE|DAY|DOWNAME|(?:DDMMYY|MMDDYY|YYMMDD)[BCDNPS]?|(?:MMYY|YYMM)[CDNPS]?|YYMON|MONYY|MONNAME|MONTH"
    r"|JULDAY|JULIAN|PDJUL[GI]|QTRR?|YYQR?[CDNPSZ]?|YYWEEK[UVW]|WEEK[UVW]|WEEKDAT[EX]|WEEKDAY|WORDDAT[EX]|YEAR|NENGO"
    r"|MINGUO|HDATE|HEBDATE|EURDF(?:DE|DN|DD|MN|MY|WDX|WKX)|NLDATE\w*|[BE]8601DA|IS8601DA|ND8601DA"
)
_DATETIME = re.compile(r"DATETIME|DATEAMPM|MDYAMPM|[BE]8601(?:DT|DX|DZ|LX)|IS8601D[TZ]|NLDATM(?!TM)\w*|EURDFDT")
_TIME = re.compile(r"TIME|TIMEAMPM|TOD|HHMM|HOUR|MMSS|[BE]8601(?:TM|TX|TZ|LZ)|IS8601(?:TM|TZ|LZ)|NLTI\w*|NLDATMTM")

_SKIPPED_DAYS = (745_154, 2_206_123, 3_667_092, 5_128_061)
"""The SAS dates of 1 March 4000, 8000, 12000 and 16000."""


def format_kind(format_: str) -> str:
    """``date``, ``datetime`` or ``time`` where a format shows numbers as that; empty for any other.

    Args:
        format_: with or without its width: ``DATE9.``, ``DATE``.
    """
    return _parsed(format_).kind


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
    kinds = (("date", _DATE), ("datetime", _DATETIME), ("time", _TIME))
    kind = "date" if name in DATES_OF_DATETIMES else next((kind for kind, of in kinds if of.fullmatch(name)), "")
    return _Format(name, int(found.group(2) or 0), int(found.group(3) or 0), kind)


def language_notice(formats: Iterable[str]) -> str:
    """What is to be said where a format's words are those of the reader's language; empty where none is such."""
    found = next((one for one in formats if _parsed(one).name in LOCALIZED), "")
    return f"{found} prints in the language of who reads it: here it is English" if found else ""


def format_text(name: str, width: int, decimals: int) -> str:
    """A format as SAS writes it: ``DATE9.``, ``8.2``, ``$20.``; empty where there is none."""
    if not name and not width:
        return ""
    return f"{name}{width or ''}.{decimals or ''}"


def number_cell(value: float, format_: str = "") -> Cell:
    """A number as its format prints it; None where it is missing; a number that is no such date as it is.

    Args:
        format_: of its variable, ``DATE9.``.
    """
    return number_cells([value], format_, formatted if _parsed(format_).kind else None)[0]


def formatted(value: float, format_: str) -> FormattedValue:
    """A number as its format prints it.

    Args:
        format_: one that has a kind.

    Raises:
        ValueError, OverflowError: it is no date of that kind.
    """
    return _formatted(value, _parsed(format_))


def _formatted(value: float, of: _Format) -> FormattedValue:
    if of.kind == "time":
        # These two print the time of day of a datetime; others print hours of any number.
        seconds = value % DAY if of.name in ("TOD", "TIMEAMPM", "NLDATMTM") else value
        shown = span(seconds)
        return FormattedValue(shown, time_text(of.name, of.width, of.decimals, seconds) or shown, value)
    if of.kind == "date" and of.name not in DATES_OF_DATETIMES:
        days = math.floor(value)
        skipped = _skipped(days)
        moment_ = moment_of_day(days + skipped)
        text = date_text(of.name, of.width, moment_)
        return FormattedValue(moment_.date, text or moment_.date, (value + skipped) * DAY)
    skipped = _skipped(value / DAY)
    moment_ = moment_of_seconds(value, skipped)
    shown = moment_.date if of.kind == "date" else f"{moment_.date} {moment_.time}"
    text = datetime_text(of.name, of.width, of.decimals, moment_)
    return FormattedValue(shown, text or shown, value + skipped * DAY)


def moment(seconds: float) -> str:
    """A time of creation, for a fact; empty where it makes no sense."""
    try:
        return _iso(float(int(seconds))) if seconds else ""
    except (OverflowError, ValueError):
        return ""


def _iso(seconds: float) -> str:
    found = moment_of_seconds(seconds, _skipped(seconds / DAY))
    return f"{found.date} {found.time}"


def _skipped(days: float) -> int:
    return sum(days >= first for first in _SKIPPED_DAYS)
