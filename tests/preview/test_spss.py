"""Datasets of SPSS: what dates and times are printed as, user-missing values, and portable files."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import pandas
import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.headless.json import cell_value
from flowtui.preview.comparison.files import compare
from flowtui.preview.comparison.looks import Options, Version
from flowtui.preview.limits import Limits
from flowtui.preview.result import Preview
from flowtui.preview.special_missing import UserMissing
from flowtui.preview.spss_formats import format_kind, formatted
from flowtui.storage import Storage
from tests.preview.look import look, look_at, texts_of, values_of
from tests.trusting import TrustsAll

ORIGIN = dt.datetime(1582, 10, 14)


def seconds(*parts: int) -> float:
    return (dt.datetime(*parts) - ORIGIN).total_seconds()  # type: ignore[arg-type]


async def sav(path: Path, frame: pandas.DataFrame, **options: Any) -> Preview:
    pyreadstat.write_sav(frame, str(path), **options)
    return await look_at(path, "f.sav")


MARCH = seconds(2024, 3, 1, 12, 30, 5)

PRINTED = [
    (MARCH, "DATE11", "01-MAR-2024"), (MARCH, "DATE9", "01-MAR-24"), (MARCH, "ADATE10", "03/01/2024"),
    (MARCH, "ADATE8", "03/01/24"), (MARCH, "EDATE10", "01.03.2024"), (MARCH, "EDATE8", "01.03.24"),
    (MARCH, "SDATE10", "2024/03/01"), (MARCH, "SDATE8", "24/03/01"), (MARCH, "JDATE7", "2024061"),
    (MARCH, "JDATE5", "24061"), (MARCH, "QYR8", "1 Q 2024"), (MARCH, "QYR6", "1 Q 24"), (MARCH, "MOYR8", "MAR 2024"),
    (MARCH, "MOYR6", "MAR 24"), (MARCH, "WKYR10", "9 WK 2024"), (MARCH, "WKYR8", "9 WK 24"),
    (seconds(1978, 10, 1), "WKYR10", "40 WK 1978"), (seconds(1978, 10, 1), "QYR8", "4 Q 1978"),
    (MARCH, "DATETIME17", "01-MAR-2024 12:30"), (MARCH, "DATETIME20", "01-MAR-2024 12:30:05"),
    (MARCH + 0.25, "DATETIME23.2", "01-MAR-2024 12:30:05.25"), (MARCH, "YMDHMS19", "2024-03-01 12:30:05"),
    (5477.01, "TIME11.2", "01:31:17.01"), (5477.01, "MTIME8.2", "91:17.01"), (16277.01, "DTIME14.2", "0 04:31:17.01"),
    (5477.0, "TIME5", "01:31"), (90_061.0, "TIME8", "25:01:01"), (-3661.0, "TIME9", "-01:01:01"),
    (90_061.0, "DTIME12", "1 01:01:01"), (86_400.0, "DTIME11", "1 00:00:00"), (-90_061.0, "DTIME12", "-1 01:01:01"),
]  # fmt: skip
"""Numbers with what IBM's and PSPP's manuals say that a format prints."""


@pytest.mark.parametrize(("number", "format_", "text"), PRINTED)
def test_it_is_printed_as_spss_does(number: float, format_: str, text: str) -> None:
    assert str(formatted(number, format_)) == text


async def test_times_keep_their_days_and_their_sign(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"T": [90_061.0, 360_000.0, -3661.0, 86_400.0, 0.0, None]})
    found = await sav(tmp_path / "f.sav", frame, variable_format={"T": "TIME8"})
    assert [row[0] for row in values_of(found)] == ["25:01:01", "100:00:00", "-01:01:01", "24:00:00", "00:00:00", None]
    # What eight columns have no room for is not cut off silently.
    assert [row[0] for row in texts_of(found)] == ["25:01:01", "100:00:00", "-01:01:01", "24:00:00", "00:00:00", ""]
    days = await sav(tmp_path / "f.sav", frame, variable_format={"T": "DTIME12"})
    assert [row[0] for row in values_of(days)] == [
        "1 day 01:01:01", "4 days 04:00:00", "-01:01:01", "1 day", "00:00:00", None,
    ]  # fmt: skip
    assert {column.type for one in (found, days) for column in one.columns} == {"time"}


async def test_months_quarters_and_weeks_are_dates(tmp_path: Path) -> None:
    formats = {"M": "MOYR8", "Q": "QYR6", "W": "WKYR8", "J": "JDATE7", "S": "SDATE10"}
    found = await sav(
        tmp_path / "f.sav", pandas.DataFrame({name: [MARCH] for name in formats}), variable_format=formats
    )
    assert {column.type for column in found.columns} == {"date"}
    assert set(values_of(found)[0]) == {"2024-03-01"}
    assert texts_of(found)[0] == ("MAR 2024", "1 Q 24", "9 WK 24", "2024061", "2024/03/01")


@pytest.mark.parametrize("days", [3_000_000, -3_000_000, 40_000_000, 10**15])
async def test_a_date_that_is_far_away_costs_no_file(days: int, tmp_path: Path) -> None:
    frame = pandas.DataFrame({"D": [MARCH, float(days * 86_400)], "N": [1.0, 2.0]})
    found = await sav(tmp_path / "f.sav", frame, variable_format={"D": "DATE11"})
    far = {3_000_000: "9796-07-03", -3_000_000: "-6631-01-23"}.get(days, days * 86_400)
    assert values_of(found) == (("2024-03-01", 1), (far, 2))


async def test_values_that_count_as_missing_are_shown_and_marked(tmp_path: Path) -> None:
    frame = pandas.DataFrame(
        {"Q1": [1.0, 99.0, -5.0, None], "S": ["a", "ZZ", "b", ""], "D": [MARCH, MARCH, seconds(1900, 1, 1), None]}
    )
    found = await sav(
        tmp_path / "f.sav", frame, missing_ranges={"Q1": [99, {"lo": -9, "hi": -1}], "S": ["ZZ"],
        "D": [seconds(1900, 1, 1)]}, variable_value_labels={"Q1": {99: "Refused"}}, variable_format={"D": "DATE11"},
    )  # fmt: skip
    assert [row[0] for row in found.rows] == [1, UserMissing(99), UserMissing(-5), None]
    assert [row[1] for row in found.rows] == ["a", UserMissing("ZZ"), "b", None]
    assert [row[2] for row in texts_of(found)] == ["01-MAR-2024", "01-MAR-2024", "01-JAN-1900 (missing)", ""]
    assert [row[2] for row in values_of(found)] == ["2024-03-01", "2024-03-01", "1900-01-01", None]
    assert [column.missing_values for column in found.columns] == [("-9 to -1", "99"), ("ZZ",), ("01-JAN-1900",)]
    assert [column.type for column in found.columns] == ["number", "text", "date"]
    assert found.notices == ('values that count as missing: Q1 -9 to -1, 99 "Refused"; S ZZ; D 01-JAN-1900',)


async def test_a_range_of_missing_values_without_an_end(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"A": [1.0, -8.0], "B": [1.0, 1e9]})
    ranges = {"A": [{"lo": -math.inf, "hi": -7}], "B": [{"lo": 100, "hi": math.inf}]}
    found = await sav(tmp_path / "f.sav", frame, missing_ranges=ranges)
    assert found.rows == ((1, 1), (UserMissing(-8), UserMissing(10**9)))
    assert [column.missing_values for column in found.columns] == [("lowest to -7",), ("100 to highest",)]


async def test_another_definition_of_missing_values_is_a_difference(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"ID": ["a", "b"], "Q1": [1.0, 99.0]})
    paths = [tmp_path / "a.sav", tmp_path / "b.sav"]
    pyreadstat.write_sav(frame, str(paths[0]), missing_ranges={"Q1": [99]})
    pyreadstat.write_sav(frame, str(paths[1]))
    async with Storage(TrustsAll()) as storage:
        versions = [Version(path.name, (str(path),)) for path in paths]
        found = await compare(storage, *versions, options=Options())
    assert found.table is not None
    assert (found.result, found.table.changed, found.table.same) == ("different", 0, 2)
    assert [change.attributes for change in found.table.columns] == [(("missing values", "99", ""),)]


async def test_texts_that_look_like_no_value_are_texts(tmp_path: Path) -> None:
    found = await sav(tmp_path / "f.sav", pandas.DataFrame({"S": ["NaN", "NaT", "nan", " x", ""]}))
    assert [row[0] for row in found.rows] == ["NaN", "NaT", "nan", " x", None]


PORTABLE = pandas.DataFrame({"ID": ["a", "b", "c"], "N": [1.5, None, -200.0], "T": [90_061.0, None, -3661.0]})


async def test_portable_files_are_tables(tmp_path: Path) -> None:
    path = tmp_path / "f.por"
    pyreadstat.write_por(
        PORTABLE,
        str(path),
        file_label="Subjects",
        column_labels=["Subject", "", "Length"],
        variable_format={"T": "TIME8"},
    )
    found = await look(path.read_bytes(), "f.por")
    assert (found.format, found.total_rows, found.more) == ("por", 3, False)
    assert [column.name for column in found.columns] == ["ID", "N", "T"]
    assert [column.type for column in found.columns] == ["text", "number", "time"]
    assert [column.label for column in found.columns] == ["Subject", "", "Length"]
    assert values_of(found) == (("a", 1.5, "25:01:01"), ("b", None, None), ("c", -200, "-01:01:01"))
    assert (await look(path.read_bytes(), "renamed.bin")).format == "por"


def with_missing_values(content: bytes) -> bytes:
    """A portable file whose variable N has 99 as a missing value and S has ZZ; ReadStat's writer has none."""
    flat = content.replace(b"\r\n", b"").rstrip(b"Z") + b"Z"
    for variable, record in ((b"70/1/N5/8/2/5/8/2/", b"839/"), (b"72/1/S1/2/0/1/2/0/", b"82/ZZ")):
        assert flat.count(variable) == 1
        flat = flat.replace(variable, variable + record)
    flat += b"Z" * (-len(flat) % 80)
    return b"".join(flat[at : at + 80] + b"\r\n" for at in range(0, len(flat), 80))


async def test_values_that_count_as_missing_of_portable_files(tmp_path: Path) -> None:
    path = tmp_path / "f.por"
    pyreadstat.write_por(pandas.DataFrame({"N": [1.0, 99.0, None], "S": ["a", "ZZ", "b"]}), str(path))
    found = await look(with_missing_values(path.read_bytes()), "f.por")
    assert found.rows == ((1, "a"), (UserMissing(99), UserMissing("ZZ")), (None, "b"))
    assert found.notices == ("values that count as missing: N 99; S ZZ",)


async def test_of_a_long_portable_file_the_first_rows(tmp_path: Path) -> None:
    path = tmp_path / "f.por"
    pyreadstat.write_por(pandas.DataFrame({"N": [float(at) for at in range(500)]}), str(path))
    found = await look(path.read_bytes(), "f.por", limits=Limits(rows=20))
    assert (len(found.rows), found.total_rows, found.more) == (20, None, True)
    assert found.notices == ("first 20 rows",)
    whole = await look(path.read_bytes(), "f.por", limits=Limits(rows=500))
    assert (len(whole.rows), whole.total_rows, whole.more, whole.notices) == (500, 500, False, ())


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
async def test_a_truncated_portable_file_is_said_to_be_damaged_or_a_shorter_table(share: float, tmp_path: Path) -> None:
    path = tmp_path / "f.por"
    pyreadstat.write_por(pandas.DataFrame({"N": [float(at) for at in range(500)]}), str(path))
    content = path.read_bytes()
    found = await look(content[: int(len(content) * share)], "f.por")
    assert found.kind == "table" or any("SPSS portable file" in notice for notice in found.notices)


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([one[1] for one in PRINTED]))
def test_any_number_is_printed_or_refused(value: float, format_: str) -> None:
    assert format_kind(format_)
    try:
        found = formatted(value, format_)
    except (ValueError, OverflowError):
        return
    assert found.text == found.text.strip() != ""
    assert cell_value(found) == found.value
