"""Dates, moments, times of day and lengths of time as what they say, whatever unit and form they are written in."""

from __future__ import annotations

import re
from collections.abc import Hashable

_LONGEST = 64
_DAY = 86_400
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(:(?P<second>[0-9]{2})([.,](?P<fraction>[0-9]+))?)?"
_MOMENT = re.compile(
    r"(?P<year>[+-]?[0-9]{4,})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    rf"([T ]{_CLOCK})? ?(?P<zone>Z|UTC|[+-][0-9]{{2}}(:?[0-9]{{2}})?)?"
)
_SAS_MOMENT = re.compile(rf"(?P<day>[0-9]{{1,2}})(?P<name>[A-Za-z]{{3}})(?P<year>[0-9]{{4}})(:{_CLOCK})?")
_TIME = re.compile(r"(?P<sign>-?)" + _CLOCK)
_LENGTH = re.compile(
    r"((?P<days>-?[0-9]+) days?,? ?)?((?P<sign>[+-]?)(?P<hours>[0-9]+):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
    r"(\.(?P<fraction>[0-9]+))?)?"
)
_ISO_LENGTH = re.compile(
    r"(?P<sign>-?)P((?P<days>[0-9]+)D)?(T((?P<hours>[0-9]+)H)?((?P<minute>[0-9]+)M)?"
    r"((?P<second>[0-9]+)(\.(?P<fraction>[0-9]+))?S)?)?"
)


def moment_of(text: str) -> Hashable:
    """What a date, moment or time of day says, the same for all its forms; None for another text.

    A date is its midnight. Moments with a zone are the same where they are the same in UTC, and no moment without one.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    found = _MOMENT.fullmatch(text)
    if found is not None:
        days = _days(int(found["year"]), int(found["month"]), int(found["day"]))
        zone = found["zone"] or ""
        return ("zoned" if zone else "local", days * _DAY + _seconds(found) - _offset(zone), _digits(found["fraction"]))
    found = _SAS_MOMENT.fullmatch(text)
    if found is not None and found["name"].upper() in _MONTHS:
        month = _MONTHS.index(found["name"].upper()) + 1
        days = _days(int(found["year"]), month, int(found["day"]))
        return "local", days * _DAY + _seconds(found), _digits(found["fraction"])
    found = _TIME.fullmatch(text)
    if found is not None:
        return "time", found["sign"], _seconds(found), _digits(found["fraction"])
    return None


def length_of(text: str) -> Hashable:
    """What a length of time says, in units of 10 ** -18 s; None for another text.

    The forms are those of flowtui and DuckDB (``1 day 01:00:00``), pandas (``-1 days +22:58:59.5``) and ISO 8601.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    found = _LENGTH.fullmatch(text)
    if found is not None:
        clock = 3600 * int(found["hours"] or 0) + 60 * int(found["minute"] or 0) + int(found["second"] or 0)
        parts = clock * 10**18 + int((found["fraction"] or "0").ljust(18, "0")[:18])
        return int(found["days"] or 0) * _DAY * 10**18 + (-parts if found["sign"] == "-" else parts)
    found = _ISO_LENGTH.fullmatch(text)
    if found is not None:
        clock = 3600 * int(found["hours"] or 0) + 60 * int(found["minute"] or 0) + int(found["second"] or 0)
        total = (int(found["days"] or 0) * _DAY + clock) * 10**18
        total += int((found["fraction"] or "0").ljust(18, "0")[:18])
        return -total if found["sign"] else total
    return None


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the proleptic Gregorian calendar."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def _seconds(found: re.Match[str]) -> int:
    return 3600 * int(found["hour"] or 0) + 60 * int(found["minute"] or 0) + int(found["second"] or 0)


def _digits(fraction: str | None) -> str:
    return (fraction or "").rstrip("0")


def _offset(zone: str) -> int:
    """Seconds that a zone is before UTC."""
    if zone in ("", "Z", "UTC"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = 3600 * int(digits[:2]) + 60 * int(digits[2:])
    return -seconds if zone[0] == "-" else seconds
