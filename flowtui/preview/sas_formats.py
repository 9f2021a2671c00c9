"""Dates, datetimes and times as SAS prints them, by the name and the width of their format.

The rules and the examples in the tests are those of "SAS Formats and Informats: Reference" and of "SAS National
Language Support: Reference" (for English). A format whose output the reference does not tell, or that hangs on
the reader's country or on the zone of a machine, is printed like any other date: in ISO 8601.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from flowtui.preview.gregorian import MONTHS, WEEKDAYS, Moment, day_number

_SEPARATORS = {"B": " ", "C": ":", "D": "-", "N": "", "P": ".", "S": "/"}
_ROMAN = ("I", "II", "III", "IV")

Print = Callable[[Moment, int], str]
"""Prints a date in a width; empty where the reference does not tell how."""


def date_text(name: str, width: int, moment: Moment) -> str:
    """A date in a format of dates, without the blanks that fill its width; empty where that is not known.

    Args:
        name: of the format, in capitals, without its width.
        width: 0 for the default one.
    """
    default, how = _DATES.get(name, (0, None))
    return how(moment, width or default).strip() if how else ""


def datetime_text(name: str, width: int, decimals: int, moment: Moment) -> str:
    """A datetime in a format of datetimes; empty where that is not known."""
    if name in _DATES_OF_DATETIMES:
        default, how = _DATES_OF_DATETIMES[name]
        return how(moment, width or default).strip()
    if name == "DATETIME":
        return _datetime(moment, width or 16, decimals)
    if name == "DATEAMPM":
        return _dateampm(moment, width or 19, decimals)
    if name == "MDYAMPM" and (not width or width >= 18):
        return f"{moment.month}/{moment.day}/{moment.year} {_hour_12(moment)}:{moment.minute:02} {_half(moment)}"
    mark = name[0]
    if mark in "BEI" and name[-2:] in ("DT", "DZ"):
        date, time = _iso(mark, moment)
        zone = "" if name.endswith("DT") else "+0000" if mark == "B" else "+00:00"
        return f"{date}T{time}{_fraction(moment, min(decimals, 6), mark)}{zone}"
    return ""


def time_text(name: str, width: int, decimals: int, seconds: float) -> str:
    """A time in a format of times; empty where that is not known, as where the width is too small for it.

    Args:
        seconds: any number of them; ``TOD`` and ``TIMEAMPM`` print the time of day that it has.
    """
    if name == "HHMM":
        return _hhmm(width or 5, decimals, seconds)
    if name == "HOUR":
        return _fixed(seconds / 3600, decimals) if 0 <= seconds <= 86_400 else ""
    sign, whole, thousandths = _split(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    of_second = Moment(1960, 1, 1, 0, whole % 86_400 * 1000 + thousandths)
    if name == "MMSS":
        text = f"{sign}{whole // 60}:{whole % 60:02}"
        return _fit(text, of_second, width or 5, decimals)
    if name == "TIME":
        text = f"{sign}{hours}:{minutes:02}"
        return _time(text, of_second, width or 8, decimals)
    if name == "TOD":
        return _time(f"{of_second.hour:02}:{of_second.minute:02}", of_second, width or 8, decimals)
    if name == "TIMEAMPM":
        return _timeampm(of_second, width or 11, decimals)
    if name[0] in "BEI" and name[-2:] in ("TM", "TZ") and not sign and seconds < 86_400:
        zone = "" if name.endswith("TM") else "+0000" if name[0] == "B" else "+00:00"
        return f"{_iso(name[0], of_second)[1]}{_fraction(of_second, min(decimals, 6), name[0])}{zone}"
    return ""


def _split(seconds: float) -> tuple[str, int, int]:
    """A sign, whole seconds and milliseconds."""
    whole, thousandths = divmod(round(abs(seconds) * 1000), 1000)
    return "-" if seconds < 0 and (whole or thousandths) else "", whole, thousandths


def _year(moment: Moment, digits: int) -> str:
    return f"{moment.year:04}" if digits == 4 else f"{moment.year % 100:02}"


def _month(moment: Moment) -> str:
    return MONTHS[moment.month - 1][:3].upper()


def _date(moment: Moment, width: int) -> str:
    if width < 7:
        return f"{moment.day:02}{_month(moment)}"
    dash = "-" if width > 10 else ""
    return f"{moment.day:02}{dash}{_month(moment)}{dash}{_year(moment, 4 if width > 8 else 2)}"


def _three_parts(order: str, separator: str) -> Print:
    """``MMDDYY`` and its like: in a small width as much of it as there is room for, without the separator first."""

    def how(moment: Moment, width: int) -> str:
        parts = {"D": f"{moment.day:02}", "M": f"{moment.month:02}", "Y": _year(moment, 2)}
        first, second, third = (parts[one] for one in order)
        if width < 4:
            return first
        if width < 6:
            return f"{first}{separator if width == 5 else ''}{second}"
        if not separator or width >= 10:
            parts["Y"] = _year(moment, 4 if width >= 8 else 2)
            first, second, third = (parts[one] for one in order)
        between = separator if width >= 8 else ""
        return f"{first}{between}{second}{between}{third}"

    return how


def _month_and_year(order: str, separator: str) -> Print:
    def how(moment: Moment, width: int) -> str:
        year = _year(moment, 4 if width >= 6 + len(separator) else 2)
        month = f"{moment.month:02}"
        return f"{month}{separator}{year}" if order == "MY" else f"{year}{separator}{month}"

    return how


def _quarter(separator: str, *, roman: bool = False) -> Print:
    def how(moment: Moment, width: int) -> str:
        after = f"{separator}{_ROMAN[moment.quarter - 1] if roman else moment.quarter}"
        return f"{_year(moment, 4 if width >= 4 + len(after) else 2)}{after}"

    return how


def _week(rule: str) -> Print:
    def how(moment: Moment, width: int) -> str:
        year, week, day = _week_of(rule, moment)
        if width < 5:
            return f"W{week:02}"
        if width < 7:
            return f"{year % 100:02}W{week:02}"
        if width < 11:
            return f"{f'{year:04}' if width > 8 else f'{year % 100:02}'}W{week:02}{day:02}"
        return f"{year:04}-W{week:02}-{day:02}"

    return how


def _week_of(rule: str, moment: Moment) -> tuple[int, int, int]:
    """Year, week and day of the week: U from Sunday, W from Monday, V as ISO 8601 has it."""
    from_monday = (moment.weekday - 1) % 7
    if rule == "U":
        return moment.year, (moment.yearday + 6 - moment.weekday) // 7, moment.weekday + 1
    if rule == "W":
        return moment.year, (moment.yearday + 6 - from_monday) // 7, from_monday + 1
    year = moment.year
    week = (moment.yearday - from_monday + 9) // 7
    if week < 1:
        year -= 1
        week = _weeks(year)
    elif week > _weeks(year):
        year, week = year + 1, 1
    return year, week, from_monday + 1


def _weeks(year: int) -> int:
    """How many weeks a year of ISO 8601 has: 53 where it begins or ends with a Thursday."""
    return 53 if 4 in ((day_number(year, 1, 1) + 5) % 7, (day_number(year, 12, 31) + 5) % 7) else 52


def _weekdate(moment: Moment, width: int) -> str:
    day, month = WEEKDAYS[moment.weekday], MONTHS[moment.month - 1]
    if width < 15:
        return day if width >= 9 else day[:3]
    name = day if width >= 23 else day[:3]
    return f"{name}, {month if width >= 29 else month[:3]} {moment.day}, {_year(moment, 4 if width >= 17 else 2)}"


def _weekdatx(moment: Moment, width: int) -> str:
    day, month = WEEKDAYS[moment.weekday], MONTHS[moment.month - 1]
    if width < 14:
        return day if width >= 9 else day[:3]
    name = day if width >= 22 else day[:3]
    return f"{name}, {moment.day} {month if width >= 28 else month[:3]} {_year(moment, 4 if width >= 16 else 2)}"


def _worddate(moment: Moment, width: int) -> str:
    month = MONTHS[moment.month - 1]
    if width < 12:
        return month if width >= 9 else month[:3]
    return f"{month if width >= 18 else month[:3]} {moment.day}, {moment.year}"


def _worddatx(moment: Moment, width: int) -> str:
    month = MONTHS[moment.month - 1]
    if width < 11:
        return month if width >= 9 else month[:3]
    return f"{moment.day} {month if width >= 17 else month[:3]} {moment.year}"


def _nldate(moment: Moment, width: int) -> str:
    return _worddate(moment, width) if width >= 12 else f"{moment.month:02}/{moment.day:02}/{_year(moment, 4)}"


def _nldatew(moment: Moment, width: int) -> str:
    # Its default of 20 has a year of two digits; what lies between the widths of the reference is not told there.
    return _weekdate(moment, width) if width >= 29 else _weekdate(moment, 15) if width == 20 else ""


def _datetime(moment: Moment, width: int, decimals: int) -> str:
    if width < 10:
        return _date(moment, 9 if width == 9 else 7)
    # A year of four digits comes with a width of one more than it takes; with decimals that one is the point.
    day = _date(moment, 9 if width >= 19 + decimals else 7)
    text = f"{day}:{moment.hour:02}"
    if width < 13:
        return text
    text = f"{text}:{moment.minute:02}"
    if width < 16:
        return text
    text = f"{text}:{moment.second:02}"
    return f"{text}{_fraction(moment, min(decimals, width - len(text) - 1))}"


def _dateampm(moment: Moment, width: int, decimals: int) -> str:
    if width < 10:
        return _date(moment, 7)
    day = _date(moment, 9 if width >= 22 + decimals else 7)
    if width < 13:
        return f"{day}:{moment.hour:02}"
    text = f"{day}:{_hour_12(moment):02}"
    if width >= 16:
        text = f"{text}:{moment.minute:02}"
    if width >= 19:
        text = f"{text}:{moment.second:02}"
        text = f"{text}{_fraction(moment, min(decimals, width - len(text) - 4))}"
    return f"{text} {_half(moment)}"


def _hour_12(moment: Moment) -> int:
    return moment.hour % 12 or 12


def _half(moment: Moment) -> str:
    return "PM" if moment.hour >= 12 else "AM"


def _iso(mark: str, moment: Moment) -> tuple[str, str]:
    """Date and time in the basic notation of ``B8601`` or in the extended one."""
    date, time = moment.date, moment.time[:8]
    return (date.replace("-", ""), time.replace(":", "")) if mark == "B" else (date, time)


def _fraction(moment: Moment, decimals: int, mark: str = "") -> str:
    if decimals < 1:
        return ""
    digits = f"{moment.fraction:03}".ljust(decimals, "0")[:decimals]
    return digits if mark == "B" else f".{digits}"


def _fit(text: str, moment: Moment, width: int, decimals: int) -> str:
    """A text with as many decimals as its width has room for; empty where it has none for the text."""
    if len(text) > width:
        return ""
    return f"{text}{_fraction(moment, min(decimals, width - len(text) - 1))}"


def _time(hours_and_minutes: str, moment: Moment, width: int, decimals: int) -> str:
    text = f"{hours_and_minutes}:{moment.second:02}"
    if width in (5, 6) and len(hours_and_minutes) <= width < len(text):
        return hours_and_minutes
    return _fit(text, moment, width, decimals)


def _timeampm(moment: Moment, width: int, decimals: int) -> str:
    if width < 5:
        return _half(moment)
    text = f"{_hour_12(moment)}"
    if width >= 7:
        text = f"{text}:{moment.minute:02}"
    if width >= 11:
        text = f"{text}:{moment.second:02}"
        text = f"{text}{_fraction(moment, min(decimals, width - len(text) - 4))}"
    return f"{text} {_half(moment)}"


def _hhmm(width: int, decimals: int, seconds: float) -> str:
    """Hours and minutes, rounded; nothing outside a day, where SAS prints asterisks."""
    if not 0 <= seconds <= 86_400:
        return ""
    scale = 10**decimals
    hours, minutes = divmod(int(_rounded(seconds / 60 * scale)), 60 * scale)
    text = f"{hours}:{minutes // scale:02}"
    text = f"{text}.{minutes % scale:0{decimals}}" if decimals else text
    return text if len(text) <= width else ""


def _rounded(value: float, decimals: int = 0) -> Decimal:
    return Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _fixed(value: float, decimals: int) -> str:
    return str(_rounded(value, min(decimals, 19))) if math.isfinite(value) else ""


def _plain(part: Callable[[Moment], object]) -> Print:
    return lambda moment, _: str(part(moment))


_DATES: dict[str, tuple[int, Print]] = {
    "DATE": (7, _date),
    "DAY": (2, _plain(lambda moment: moment.day)),
    "DOWNAME": (9, lambda moment, width: WEEKDAYS[moment.weekday][:width]),
    "JULDAY": (3, _plain(lambda moment: moment.yearday)),
    "JULIAN": (5, lambda moment, width: f"{_year(moment, 4 if width >= 7 else 2)}{moment.yearday:03}"),
    "MONNAME": (9, lambda moment, width: MONTHS[moment.month - 1][:width]),
    "MONTH": (2, _plain(lambda moment: moment.month)),
    "MONYY": (5, lambda moment, width: f"{_month(moment)}{_year(moment, 4 if width >= 7 else 2)}"),
    "QTR": (1, _plain(lambda moment: moment.quarter)),
    "QTRR": (3, _plain(lambda moment: _ROMAN[moment.quarter - 1])),
    "WEEKDATE": (29, _weekdate),
    "WEEKDATX": (29, _weekdatx),
    "WEEKDAY": (1, _plain(lambda moment: moment.weekday + 1)),
    "WORDDATE": (18, _worddate),
    "WORDDATX": (18, _worddatx),
    "YEAR": (4, lambda moment, width: _year(moment, 4 if width >= 4 else 2)),
    "YYMON": (7, lambda moment, width: f"{_year(moment, 4 if width >= 7 else 2)}{_month(moment)}"),
    "MMYY": (7, _month_and_year("MY", "M")),
    "YYMM": (7, _month_and_year("YM", "M")),
    "YYQ": (6, _quarter("Q")),
    "YYQR": (8, _quarter("Q", roman=True)),
    "DDMMYY": (8, _three_parts("DMY", "/")),
    "MMDDYY": (8, _three_parts("MDY", "/")),
    "YYMMDD": (8, _three_parts("YMD", "-")),
    "NLDATE": (20, _nldate),
    "NLDATEW": (20, _nldatew),
    "NLDATEMN": (10, _plain(lambda moment: MONTHS[moment.month - 1])),
    "NLDATEWN": (10, _plain(lambda moment: WEEKDAYS[moment.weekday])),
    "B8601DA": (10, lambda moment, _: _iso("B", moment)[0]),
    **{name: (10, _plain(lambda moment: moment.date)) for name in ("E8601DA", "IS8601DA")},
    **{f"WEEK{rule}": (11, _week(rule)) for rule in "UVW"},
}
"""Formats of dates with their default width, by name."""

for _letter, _separator in _SEPARATORS.items():
    _DATES |= {
        f"DDMMYY{_letter}": (8, _three_parts("DMY", _separator)),
        f"MMDDYY{_letter}": (8, _three_parts("MDY", _separator)),
        f"YYMMDD{_letter}": (8, _three_parts("YMD", _separator)),
    }
    if _letter != "B":
        _width = 6 if _letter == "N" else 7
        _DATES |= {
            f"MMYY{_letter}": (_width, _month_and_year("MY", _separator)),
            f"YYMM{_letter}": (_width, _month_and_year("YM", _separator)),
            f"YYQ{_letter}": (_width - 1, _quarter(_separator)),
            f"YYQR{_letter}": (_width + 1, _quarter(_separator, roman=True)),
        }

_DATES_OF_DATETIMES: dict[str, tuple[int, Print]] = {
    "DTDATE": _DATES["DATE"],
    "DTMONYY": _DATES["MONYY"],
    "DTWKDATX": _DATES["WEEKDATX"],
    "DTYEAR": _DATES["YEAR"],
    "DTYYQC": (4, _quarter(":")),
    "B8601DN": _DATES["B8601DA"],
    "E8601DN": _DATES["E8601DA"],
    "IS8601DN": _DATES["E8601DA"],
}
"""Formats that print the date of a datetime."""

DATES_OF_DATETIMES = frozenset(_DATES_OF_DATETIMES) | {"NLDATMDT", "NLDATMMD", "NLDATMMN", "NLDATMWN", "NLDATMYM"}
"""Formats of datetimes that show their date or a part of it alone."""

LOCALIZED = frozenset(name for name in _DATES if name.startswith("NL"))
"""Formats whose words are those of the reader's language; here they are English."""
