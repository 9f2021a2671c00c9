"""Datasets of Stata: what dates, periods and masks are printed as, leap seconds and special missing values."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas
import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.preview.special_missing import SpecialMissing
from flowtui.preview.stata_formats import LEAP_SECONDS, format_kind, formatted
from tests.preview.look import look, texts_of, values_of

ORIGIN = dt.datetime(1960, 1, 1)


def milliseconds(*parts: int) -> float:
    return (dt.datetime(*parts) - ORIGIN).total_seconds() * 1000  # type: ignore[arg-type]


def days(*parts: int) -> float:
    return float((dt.date(*parts) - ORIGIN.date()).days)


AT = milliseconds(2010, 1, 20, 21, 5, 7, 120_000)
DAY = days(2010, 1, 20)

PRINTED = [
    (AT, "%tc", "20jan2010 21:05:07"), (AT, "%tcHH:MM:SS", "21:05:07"), (AT, "%tchh:MM_am", "9:05 pm"),
    (AT, "%tcHh:MM:SS_A.M.", "09:05:07 P.M."), (AT, "%tcHH:MM:SS.sss", "21:05:07.120"), (AT, "%tcss.s", "7.1"),
    (AT, "%tcNN/DD/CCYY_HH:MM", "01/20/2010 21:05"), (AT, "%tcDDmonCCYY", "20jan2010"),
    (AT, "%tcDayname_dd_Month_CCYY", "Wednesday 20 January 2010"), (AT, "%-tc", "20jan2010 21:05:07"),
    (DAY, "%td", "20jan2010"), (DAY, "%d", "20jan2010"), (DAY, "%dDlCY", "20jan2010"), (DAY, "%tdD_m_Y", "20 Jan 10"),
    (DAY, "%tdCCYY-NN-DD", "2010-01-20"), (DAY, "%tdCCYY.NN.DD", "2010.01.20"), (DAY, "%tdnn/dd/YY", "1/20/10"),
    (DAY, "%tdMon._DD,_CCYY", "Jan. 20, 2010"), (DAY, "%tdDay", "Wed"), (DAY, "%tdDa", "We"), (DAY, "%tdday", "wed"),
    (DAY, "%tdCCYYJJJ", "2010020"), (DAY, "%tdWW", "03"), (DAY, "%tdCCYY!qq", "2010q1"), (DAY, "%td!Dd!C", "D20C"),
    (2601.0, "%tw", "2010w2"), (600.0, "%tm", "2010m1"), (200.0, "%tq", "2010q1"), (100.0, "%th", "2010h1"),
    (-1.0, "%tw", "1959w52"), (-1.0, "%tm", "1959m12"), (-1.0, "%tq", "1959q4"), (-1.0, "%th", "1959h2"),
    (0.0, "%tw", "1960w1"), (600.0, "%tmMon_CCYY", "Jan 2010"), (600.0, "%tmMonth,_CCYY", "January, 2010"),
    (200.0, "%tqCCYY-q", "2010-1"), (2601.0, "%twCCYY!WWW", "2010W02"),
]  # fmt: skip
"""Numbers with what Stata's manual of display formats says that they are printed as."""


@pytest.mark.parametrize(("number", "format_", "text"), PRINTED)
def test_it_is_printed_as_stata_does(number: float, format_: str, text: str) -> None:
    assert str(formatted(number, format_)) == text


@pytest.mark.parametrize(
    ("format_", "kind"),
    [
        ("%td", "date"), ("%dD_m_Y", "date"), ("%tc", "datetime"), ("%tC", "datetime"), ("%tcHH:MM", "time"),
        ("%tcDD_HH:MM", "datetime"), ("%tw", "date"), ("%tqCCYY", "date"), ("%9.0g", ""), ("%ty", ""), ("%tg", ""),
        ("%tbnyse", ""), ("%20s", ""), ("", ""),
    ],
)  # fmt: skip
def test_formats_tell_dates(format_: str, kind: str) -> None:
    assert format_kind(format_) == kind


def test_leap_seconds_count() -> None:
    plain = milliseconds(2024, 12, 30, 1, 1, 1)
    assert formatted(plain + 27_000, "%tC").value == "2024-12-30 01:01:01"
    assert formatted(plain, "%tc").value == "2024-12-30 01:01:01"
    assert formatted(milliseconds(1971, 1, 1), "%tC").value == "1971-01-01 00:00:00"
    # The first second of 1972-07-01 by a clock without leap seconds is second 60 of the minute before it.
    first = LEAP_SECONDS[0]
    shown = [formatted(first + offset, "%tC").value for offset in (-1000, 0, 500, 1000)]
    assert shown == ["1972-06-30 23:59:59", "1972-06-30 23:59:60", "1972-06-30 23:59:60.500", "1972-07-01 00:00:00"]
    assert str(formatted(first, "%tC")) == "30jun1972 23:59:60"
    assert len(LEAP_SECONDS) == 27


async def test_masks_periods_and_far_days_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "f.dta"
    columns = {
        "clock": ("%tcHH:MM:SS", milliseconds(1960, 1, 1, 10, 10, 10)), "later": ("%tcHH:MM", AT),
        "week": ("%tw", 2601.0), "month": ("%tm", 600.0), "quarter": ("%tq", 200.0), "half": ("%th", 100.0),
        "year": ("%ty", 2010.0),
        "far": ("%td", 3_000_000.0), "leap": ("%tC", milliseconds(2024, 12, 30, 1, 1, 1) + 27_000),
    }  # fmt: skip
    pyreadstat.write_dta(
        pandas.DataFrame({name: [number] for name, (_, number) in columns.items()}), str(path),
        variable_format={name: format_ for name, (format_, _) in columns.items()},
    )  # fmt: skip
    found = await look(path.read_bytes(), "f.dta")
    assert values_of(found)[0] == (
        "10:10:10", "2010-01-20 21:05:07.120", "2010w2", "2010m1", "2010q1", "2010h1", 2010, "10173-09-20",
        "2024-12-30 01:01:01",
    )  # fmt: skip
    assert texts_of(found)[0] == (
        "10:10:10", "21:05", "2010w2", "2010m1", "2010q1", "2010h1", "2010", "10173-09-20", "30dec2024 01:01:01",
    )  # fmt: skip
    assert [column.type for column in found.columns] == [
        "time", "time", "date", "date", "date", "date", "number", "date", "datetime",
    ]  # fmt: skip


async def test_special_missing_values_keep_their_letter(tmp_path: Path) -> None:
    path = tmp_path / "f.dta"
    frame = pandas.DataFrame({"n": [1.5, "a", "z", None], "i": [7, "b", 8, 9], "s": ["x", "", "a", "b"]})
    pyreadstat.write_dta(
        frame, str(path), missing_user_values={"n": ["a", "z"], "i": ["b"]}, version=14, variable_format={"i": "%td"}
    )
    found = await look(path.read_bytes(), "f.dta")
    assert [row[0] for row in found.rows] == [1.5, SpecialMissing("a"), SpecialMissing("z"), None]
    assert [row[1] for row in texts_of(found)] == ["08jan1960", ".b", "09jan1960", "10jan1960"]
    assert [row[2] for row in found.rows] == ["x", None, "a", "b"]
    assert [column.type for column in found.columns] == ["number", "date", "text"]


async def test_integers_with_missing_values_are_integers(tmp_path: Path) -> None:
    path = tmp_path / "f.dta"
    frame = pandas.DataFrame({"n": pandas.array([1, None, 3], dtype="Int16"), "f": [0.1, None, 2.0]})
    frame.to_stata(path, write_index=False, version=118)
    found = await look(path.read_bytes(), "f.dta")
    assert found.rows == ((1, 0.1), (None, None), (3, 2))
    assert [column.type for column in found.columns] == ["integer", "number"]


async def test_an_infinite_number_costs_no_file(tmp_path: Path) -> None:
    path = tmp_path / "f.dta"
    pandas.DataFrame({"x": [1.5, 123.456, 2.5]}).to_stata(path, write_index=False, version=118)
    import struct

    content = path.read_bytes().replace(struct.pack("<d", 123.456), struct.pack("<d", float("inf")))
    found = await look(content, "f.dta")
    assert found.rows == ((1.5,), (None,), (2.5,))
    assert "special missing values (.a to .z) could not be told from others in this file" in found.notices


async def test_dates_of_a_business_calendar_are_said_to_be_numbers(tmp_path: Path) -> None:
    path = tmp_path / "f.dta"
    pyreadstat.write_dta(pandas.DataFrame({"b": [5.0]}), str(path), variable_format={"b": "%tbnyse"})
    found = await look(path.read_bytes(), "f.dta")
    assert (found.rows, found.columns[0].type) == (((5,),), "number")
    assert found.notices == (
        "dates of a business calendar (%tb) are shown as numbers: the calendar is not in the file",
    )


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([one[1] for one in PRINTED] + ["%tC"]))
def test_any_number_is_printed_or_refused(value: float, format_: str) -> None:
    try:
        found = formatted(value, format_)
    except (ValueError, OverflowError):
        return
    assert found.text == found.text.strip() != ""
