"""Numbers, formats and encodings of SAS, as its datasets and transport files hold them.

SAS counts dates in days and datetimes in seconds from 1 January 1960; only a variable's format tells that its numbers
are dates. SAS's calendar has no 29 February in the years 4000 and 8000.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta

from flowtui.preview.result import Cell

_FORMAT = re.compile(r"([A-Z_][A-Z0-9_]*?)[0-9]*(?:\.[0-9]*)?")
_DATE = re.compile(
    r"DATE|DAY|DOWNAME|(?:DDMMYY|MMDDYY|YYMMDD)[BCDNPS]?|(?:MMYY|YYMM)[CDNPS]?|YYMON|MONYY|MONNAME|MONTH"
    r"|JULDAY|JULIAN|PDJUL[GI]|QTRR?|YYQR?[CDNPSZ]?|YYWEEK[UVW]|WEEK[UVW]|WEEKDAT[EX]|WEEKDAY|WORDDAT[EX]|YEAR|NENGO"
    r"|MINGUO|HDATE|HEBDATE|EURDF(?:DE|DN|DD|MN|MY|WDX|WKX)|NLDATE\w*|[BE]8601DA|IS8601DA|ND8601DA"
)
_DATETIME = re.compile(
    r"DATETIME|DATEAMPM|MDYAMPM|DT(?:DATE|MONYY|WKDATX|YEAR|YYQC)|[BE]8601(?:DN|DT|DX|DZ|LX)|IS8601D[NTZ]|NLDATM\w*|EURDFDT"
)
_TIME = re.compile(r"TIME|TIMEAMPM|TOD|HHMM|HOUR|MMSS|[BE]8601(?:TM|TX|TZ|LZ)|IS8601(?:TM|TZ|LZ)|NLTI\w*")

_EPOCH = datetime(1960, 1, 1)
_SKIPPED_DAYS = (745_154, 2_206_123)
"""The SAS dates of 1 March 4000 and 8000."""

_MOST_EXACT = 1 << 53

ENCODINGS: dict[int, str] = {
    20: "utf-8", 28: "ascii", 29: "latin-1", 30: "iso8859-2", 31: "iso8859-3", 32: "iso8859-4", 33: "iso8859-5",
    34: "iso8859-6", 35: "iso8859-7", 36: "iso8859-8", 37: "iso8859-9", 39: "iso8859-11", 40: "iso8859-15",
    41: "cp437", 42: "cp850", 43: "cp852", 44: "cp857", 45: "cp858", 46: "cp862", 47: "cp864", 48: "cp865", 49: "cp866",
    50: "cp869", 51: "cp874", 55: "cp720", 56: "cp737", 57: "cp775", 58: "cp860", 59: "cp863", 60: "cp1250",
    61: "cp1251", 62: "cp1252", 63: "cp1253", 64: "cp1254", 65: "cp1255", 66: "cp1256", 67: "cp1257", 68: "cp1258",
    69: "mac_roman", 118: "cp950", 123: "big5", 125: "gb18030", 126: "cp936", 134: "euc_jp", 136: "cp932",
    138: "shift_jis", 140: "euc_kr", 141: "cp949", 205: "gb18030", 242: "iso8859-13", 248: "shift_jisx0213",
}  # fmt: skip
"""Python's names of the encodings that byte 70 of a dataset's header tells; 0 and 204 tell none."""


def format_kind(format_: str) -> str:
    """``date``, ``datetime`` or ``time`` where a format shows numbers as that; empty for any other.

    Args:
        format_: with or without its width: ``DATE9.``, ``DATE``.
    """
    found = _FORMAT.fullmatch(format_.upper())
    name = found.group(1) if found else ""
    for kind, pattern in (("date", _DATE), ("datetime", _DATETIME), ("time", _TIME)):
        if pattern.fullmatch(name):
            return kind
    return ""


def format_text(name: str, width: int, decimals: int) -> str:
    """A format as SAS writes it: ``DATE9.``, ``8.2``, ``$20.``; empty where there is none."""
    if not name and not width:
        return ""
    return f"{name}{width or ''}.{decimals or ''}"


def number_cell(value: float, kind: str = "") -> Cell:
    """A number as what its format's kind says; None where it is missing; a number that is no such date as it is."""
    if not math.isfinite(value):
        return None
    try:
        if kind == "date":
            return _date(value)
        if kind == "datetime":
            return _datetime(value)
        if kind == "time":
            return _time(value)
    except (OverflowError, ValueError):
        pass
    return int(value) if value.is_integer() and abs(value) < _MOST_EXACT else value


def moment(seconds: float) -> str:
    """A time of creation, for a fact; empty where it makes no sense."""
    try:
        return _datetime(float(int(seconds))) if seconds else ""
    except (OverflowError, ValueError):
        return ""


def _skipped(days: float) -> int:
    return sum(days >= first for first in _SKIPPED_DAYS)


def _date(value: float) -> str:
    days = math.floor(value)
    return date.isoformat((_EPOCH + timedelta(days=days + _skipped(days))).date())


def _datetime(value: float) -> str:
    skipped = timedelta(days=_skipped(value / 86_400))
    found = _EPOCH + skipped + timedelta(milliseconds=round(value * 1000))
    return found.isoformat(sep=" ", timespec="milliseconds" if found.microsecond else "seconds")


def _time(value: float) -> str:
    """Hours may be more than 24: a time is any number of seconds."""
    thousandths = round(abs(value) * 1000)
    seconds, thousandths = divmod(thousandths, 1000)
    text = f"{'-' if value < 0 else ''}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{thousandths:03}" if thousandths else text
