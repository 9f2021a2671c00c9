"""Dates of the Gregorian calendar in any year, counted in days from 1 January 1960, and their texts.

Python's dates end with the year 9999, SAS's go on to 19900, and a number in a file may be anything. The calendar is
taken back before 1582 as ISO 8601 does, with the year 0 before 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

DAY = 86_400
"""Seconds of a day."""

_MOST_DAYS = 36_525_000
"""A hundred thousand years: a number beyond is no date of anybody's."""

_ORDINAL = date(1960, 1, 1).toordinal()
_FIRST_ORDINAL, _LAST_ORDINAL = -_ORDINAL, date.max.toordinal() - _ORDINAL
"""The days that Python's dates have, which are quicker."""

_MARCH_0000 = 715_815
"""Days from 1 March of the year 0 to 1 January 1960."""


@dataclass(slots=True)
class Moment:
    """A second of a day.

    Attributes:
        days: from 1 January 1960.
        milliseconds: of the day.
    """

    year: int
    month: int
    day: int
    days: int
    milliseconds: int = 0

    @property
    def weekday(self) -> int:
        """0 for Sunday."""
        return (self.days + 5) % 7

    @property
    def yearday(self) -> int:
        """1 for 1 January."""
        return self.days - day_number(self.year, 1, 1) + 1

    @property
    def hour(self) -> int:
        return self.milliseconds // 3_600_000

    @property
    def minute(self) -> int:
        return self.milliseconds // 60_000 % 60

    @property
    def second(self) -> int:
        return self.milliseconds // 1000 % 60

    @property
    def fraction(self) -> int:
        """Milliseconds of the second."""
        return self.milliseconds % 1000

    @property
    def quarter(self) -> int:
        return (self.month + 2) // 3

    @property
    def date(self) -> str:
        """``2020-01-31``."""
        if self.year < 0:
            return f"-{-self.year:04}-{self.month:02}-{self.day:02}"
        return f"{self.year:04}-{self.month:02}-{self.day:02}"

    @property
    def time(self) -> str:
        """``12:00:01``, with milliseconds where there are some."""
        text = f"{self.hour:02}:{self.minute:02}:{self.second:02}"
        return f"{text}.{self.fraction:03}" if self.fraction else text


def moment_of_day(days: int, milliseconds: int = 0) -> Moment:
    """The moment so many days after 1 January 1960.

    Raises:
        ValueError: it is more than some hundred thousand years away.
    """
    if _FIRST_ORDINAL < days <= _LAST_ORDINAL:
        found = date.fromordinal(days + _ORDINAL)
        return Moment(found.year, found.month, found.day, days, milliseconds)
    if abs(days) > _MOST_DAYS:
        raise ValueError("no date")
    # Years begin with March here, so that a leap day is their last one.
    era, day_of_era = divmod(days + _MARCH_0000, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (month <= 2)
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    return Moment(year, month, day, days, milliseconds)


def moment_of_seconds(seconds: float, origin: int = 0) -> Moment:
    """The moment so many seconds after midnight of a day, rounded to milliseconds.

    Args:
        origin: the day, counted from 1 January 1960.

    Raises:
        ValueError, OverflowError: it is no number, or too far away.
    """
    days, milliseconds = divmod(round(seconds * 1000), DAY * 1000)
    return moment_of_day(days + origin, milliseconds)


def day_number(year: int, month: int, day: int) -> int:
    """Days from 1 January 1960 to a date."""
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - _MARCH_0000


def span(seconds: float) -> str:
    """A length of time, ``25:01:01`` or ``-01:01:01.500``: hours may be more than 24.

    Raises:
        ValueError, OverflowError: it is no number.
    """
    whole, thousandths = divmod(round(abs(seconds) * 1000), 1000)
    sign = "-" if seconds < 0 and (whole or thousandths) else ""
    text = f"{sign}{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{text}.{thousandths:03}" if thousandths else text
