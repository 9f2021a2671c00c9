"""A value that its program prints in its own way: a date, a time or a period behind a format."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormattedValue:
    """A date, datetime, time or period of SAS, SPSS or Stata; ``str()`` of it is what the program prints.

    Attributes:
        value: the same for scripts and for other formats: ``2020-01-31``, ``2020-01-31 12:00:01``, ``25:01:01``, else
            as the program prints it (``2010w2``).
        text: what the program prints (``31JAN2020``); a text that hides a part of the value is still that text.
        number: what it is sorted and compared by: seconds since 1960 for a date and a datetime, seconds for a time,
            the count of the program for a period.
    """

    value: str
    text: str
    number: float

    def __str__(self) -> str:
        return self.text
