"""SAS transport files, as ReadStat writes them, and by hand where it does not."""

from __future__ import annotations

import datetime as dt
import math
import struct
from pathlib import Path
from typing import Any

import pandas
import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.headless.json import cell_value
from flowtui.preview.formatted_value import FormattedValue
from flowtui.preview.ibm_float import ibm_float
from flowtui.preview.limits import Limits
from flowtui.preview.sas_formats import _DATES, _DATES_OF_DATETIMES
from flowtui.preview.sas_values import format_kind, format_text, number_cell
from flowtui.preview.special_missing import SpecialMissing
from flowtui.preview.xpt_members import encoding_of
from flowtui.storage import Storage
from tests.preview.look import look, look_at, texts_of, values_of
from tests.storage.store import Store
from tests.trusting import TrustsAll

FORMATS = (
    *_DATES, *_DATES_OF_DATETIMES, "DATETIME", "DATEAMPM", "MDYAMPM", "E8601DT", "B8601DZ", "TIME", "TOD", "HHMM",
    "HOUR", "MMSS", "TIMEAMPM", "E8601TM", "B8601TZ", "NLDATM", "YYQZ",
)  # fmt: skip

SUBJECTS = pandas.DataFrame(
    {
        "USUBJID": ["01-001", "01-002", "01-é"],
        "AGE": [50, None, 61.5],
        "TRTSDT": [dt.date(2020, 1, 31), None, dt.date(1959, 12, 31)],
        "TRTSDTM": [dt.datetime(2020, 1, 31, 12, 0, 1), None, None],
    }
)


def written(path: Path, frame: pandas.DataFrame = SUBJECTS, version: int = 5, **options: Any) -> bytes:
    pyreadstat.write_xport(frame, str(path), file_format_version=version, **options)
    return path.read_bytes()


@pytest.mark.parametrize("version", [5, 8])
async def test_rows_labels_formats_and_dates(version: int, tmp_path: Path) -> None:
    content = written(
        tmp_path / "f.xpt", version=version, file_label="Subject level", table_name="ADSL",
        column_labels=["Unique Subject Identifier", "Age", "Start", ""], variable_format={"AGE": "8.1"},
    )  # fmt: skip
    found = await look(content, "adsl.xpt")
    assert values_of(found) == (
        ("01-001", 50, "2020-01-31", "2020-01-31 12:00:01"),
        ("01-002", None, None, None),
        ("01-é", 61.5, "1959-12-31", None),
    )
    assert texts_of(found)[0] == ("01-001", "50", "31JAN20", "31JAN20:12:00:01")
    assert [column.name for column in found.columns] == list(SUBJECTS)
    assert [column.type for column in found.columns] == ["text", "number", "date", "datetime"]
    assert [column.label for column in found.columns] == ["Unique Subject Identifier", "Age", "Start", ""]
    assert found.columns[1].format == "8.1"
    assert (found.total_rows, found.more, found.notices, found.format) == (3, False, (), "xpt")
    facts = dict(found.facts)
    assert facts["dataset"] == "ADSL"
    assert facts["dataset label"] == "Subject level"
    assert facts["transport version"] == str(version)
    assert facts["encoding"] == "utf-8 (guessed)"
    assert facts["created"].startswith("20")


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 9, 10, 11, 19, 20, 21, 500])
async def test_the_number_of_rows_is_exact_where_a_row_has_a_number(rows: int, tmp_path: Path) -> None:
    frame = pandas.DataFrame({"N": [float(at) for at in range(rows)]})
    found = await look(written(tmp_path / "f.xpt", frame), "f.xpt", limits=Limits(rows=1000))
    assert found.total_rows == rows
    assert [row[0] for row in found.rows] == list(range(rows))
    assert found.notices == ()


async def test_a_blank_row_at_the_end_is_told_to_be_uncertain(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"S": ["abc", "def", ""]})
    found = await look(written(tmp_path / "f.xpt", frame), "f.xpt")
    assert found.total_rows == 2
    assert "a blank row at the end would not be told from the filling of the last record" in found.notices


async def test_long_names_and_labels_of_version_8(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"A_NAME_LONGER_THAN_EIGHT": [1.0], "B": ["x"]})
    label = "A label that is longer than the forty characters of version 5, by far"
    found = await look(written(tmp_path / "f.xpt", frame, 8, column_labels=[label, "short"]), "f.xpt")
    assert [column.name for column in found.columns] == ["A_NAME_LONGER_THAN_EIGHT", "B"]
    assert [column.label for column in found.columns] == [label, "short"]
    assert found.rows == ((1, "x"),)


async def test_several_datasets_are_pages(tmp_path: Path) -> None:
    first = written(tmp_path / "a.xpt", pandas.DataFrame({"A": [1.0, 2.0]}), table_name="DM")
    second = written(tmp_path / "b.xpt", pandas.DataFrame({"B": ["x"]}), table_name="AE")
    content = first + second[240:]
    found = await look(content, "study.xpt")
    assert (found.page, found.pages, found.page_names) == (1, 2, ("DM", "AE"))
    assert (found.rows, found.total_rows) == (((1,), (2,)), 2)
    found = await look(content, "study.xpt", limits=Limits(page=2))
    assert (found.page, found.rows, found.columns[0].name) == (2, (("x",),), "B")


async def test_missing_values_with_a_letter_keep_it(tmp_path: Path) -> None:
    content = written(tmp_path / "f.xpt", pandas.DataFrame({"N": [None, None, None, 5.0]}))
    start = content.index(b".\0\0\0\0\0\0\0")
    changed = content[:start] + b"A" + bytes(7) + b"_" + bytes(7) + content[start + 16 :]
    found = await look(changed, "f.xpt")
    assert found.rows == ((SpecialMissing("A"),), (SpecialMissing("_"),), (None,), (5,))
    assert found.columns[0].type == "number"


async def test_latin_1_is_read(tmp_path: Path) -> None:
    content = written(tmp_path / "f.xpt", pandas.DataFrame({"S": ["Zürich"], "N": [1.0]}))
    found = await look(content.replace("ü".encode(), "ü".encode("latin-1") + b" "), "f.xpt")
    assert found.rows[0][0] == "Zü rich"
    assert dict(found.facts)["encoding"] == "cp1252 (guessed)"


async def test_a_cport_file_is_named() -> None:
    content = b"**COMPRESSED** **COMPRESSED** **COMPRESSED** **COMPRESSED** **COMPRESSED********" + bytes(500)
    found = await look(content, "library.xpt")
    assert found.kind == "hex"
    assert "made with PROC CPORT: SAS alone reads it, with PROC CIMPORT" in found.notices


@pytest.mark.parametrize("cut", [80, 240, 400, 600, 640, 700, 790, 1000, 1100])
async def test_a_truncated_file_is_a_shorter_table_or_bytes(cut: int, tmp_path: Path) -> None:
    content = written(tmp_path / "f.xpt", table_name="ADSL")
    found = await look(content[:cut], "f.xpt")
    assert found.kind in ("table", "hex", "text")
    if found.kind != "table":
        assert any("transport file" in notice for notice in found.notices)


async def test_the_head_of_a_large_file_costs_two_reads() -> None:
    frame = pandas.DataFrame({"ID": ["0001"], "N": [1.5]})
    with_rows = Path("f.xpt")
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        content = written(Path(folder) / with_rows, frame)
    row = struct.pack(">4s", b"0001") + bytes.fromhex("4118000000000000")
    start = content.index(row)
    store = Store({"bucket/f.xpt": content[:start] + row * 1_000_000})
    async with (
        Storage(TrustsAll(), transport=store.transport) as storage,
        storage.open("http://store/bucket/f.xpt") as reader,
    ):
        from flowtui.preview.registry import preview

        found = await preview(reader, name="f.xpt")
        assert found.total_rows == 1_000_000
        assert len(found.rows) == 100
        assert found.rows[99] == ("0001", 1.5)
        assert found.more
        assert reader.requests == 2
        assert reader.bytes_read < 384 * 1024
        found = await preview(reader, name="f.xpt", limits=Limits().more())
        assert len(found.rows) == 400


async def test_sparse_file_of_two_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "big.xpt"
    content = written(path, pandas.DataFrame({"N": [1.0] * 20, "S": ["x" * 200] * 20}))
    size = 2 << 30
    with path.open("r+b") as file:
        file.truncate(size - size % 80)
    found = await look_at(path, "big.xpt")
    row = 208
    start = content.index(bytes.fromhex("4110000000000000"))
    assert found.total_rows == (size - size % 80 - start) // row


async def test_sparse_file_of_short_rows(tmp_path: Path) -> None:
    path = tmp_path / "big.xpt"
    written(path, pandas.DataFrame({"N": [1.0] * 20, "S": ["x" * 20] * 20}))
    with path.open("r+b") as file:
        file.truncate(1 << 30)
    found = await look_at(path, "big.xpt")
    assert (found.total_rows, len(found.rows)) == (None, 20)
    said = "the end of the file is filled with blanks or NUL bytes: how many rows there are is not known"
    assert said in found.notices


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e70, max_value=1e70))
def test_numbers_of_ibm_mainframes(value: float) -> None:
    """Packed by hand as TS-140 says: sign, power of 16 with 64 added, 56 bits of fraction."""
    if abs(value) < 1e-70:
        value = 0.0
    fraction, exponent = math.frexp(abs(value))
    power = -(-exponent // 4)
    bits = int(math.ldexp(fraction, 56 - (4 * power - exponent)))
    packed = bytes([(128 if value < 0 else 0) | (power + 64)]) + bits.to_bytes(7, "big")
    assert ibm_float(packed) == pytest.approx(value, rel=1e-15)


def test_short_numbers_and_missing_values() -> None:
    assert ibm_float(bytes.fromhex("4110")) == 1.0
    assert ibm_float(bytes.fromhex("c118000000")) == -1.5
    assert ibm_float(bytes(8)) == 0.0
    assert ibm_float(b"\x80" + bytes(7)) == 0.0
    assert math.isnan(ibm_float(b"." + bytes(7)))  # type: ignore[arg-type]
    assert [ibm_float(bytes([first]) + bytes(length)) for first, length in zip(b"_AMZ", (1, 2, 6, 7), strict=True)] == [
        SpecialMissing("_"), SpecialMissing("A"), SpecialMissing("M"), SpecialMissing("Z"),
    ]  # fmt: skip
    assert ibm_float(b"A\x10" + bytes(6)) == 1.0


def test_encodings_are_guessed() -> None:
    assert [encoding_of(text) for text in (b"a", "é".encode(), b"\xe9")] == ["ascii", "utf-8", "cp1252"]


@pytest.mark.parametrize(
    ("kind", "formats"),
    [
        ("date", "DATE9. DATE YYMMDD10. YYMMDDN8. E8601DA10. E8601DA. MONYY7. DDMMYYS10. WORDDATE18. NLDATE20."),
        ("date", "DTDATE9. DTMONYY7. E8601DN. B8601DN10."),
        ("datetime", "DATETIME20. datetime22.3 E8601DT19. B8601DT. NLDATM30."),
        ("time", "TIME8. TOD8. TIME HHMM5. E8601TM8. E8601LZ."),
        ("", "8.2 BEST12. $20. COMMA9. DATED. $DATE9. SEX. 5"),
    ],
)
def test_formats_tell_dates(kind: str, formats: str) -> None:
    assert {format_kind(one) for one in formats.split()} == {kind}
    assert format_kind("") == ""


def test_values_of_dates() -> None:
    assert cell_value(number_cell(0.0, "DATE9.")) == "1960-01-01"
    assert cell_value(number_cell(-1.0, "DATE9.")) == "1959-12-31"
    # SAS counts no 29 February 4000 and 8000; 31DEC9999 is the usual "no end".
    assert cell_value(number_cell(2_936_547.0, "DATE9.")) == "9999-12-31"
    assert cell_value(number_cell(21_915.5, "DATE9.")) == "2020-01-01"
    assert cell_value(number_cell(1_893_456_000.25, "DATETIME20.")) == "2020-01-01 00:00:00.250"
    assert cell_value(number_cell(-3661.0, "TIME8.")) == "-01:01:01"
    assert cell_value(number_cell(90_061.5, "TIME8.")) == "25:01:01.500"
    assert number_cell(1e300, "DATE9.") == 1e300
    assert number_cell(math.nan, "DATE9.") is None
    assert number_cell(3.0) == 3
    assert number_cell(0.1) == 0.1


@given(st.floats(), st.sampled_from(["", "8.2", "SEX.", *FORMATS]), st.integers(0, 40), st.integers(0, 20))
def test_any_number_is_some_cell(value: float, name: str, width: int, decimals: int) -> None:
    format_ = name if name.endswith(".") or not name else f"{name}{width or ''}.{decimals or ''}"
    cell = number_cell(value, format_)
    if isinstance(cell, FormattedValue):
        assert format_kind(format_)
        assert cell.value
        assert cell.text == cell.text.strip() != ""
    else:
        assert cell is None or cell == value


def test_formats_are_written_as_sas_does() -> None:
    assert [format_text(*one) for one in (("DATE", 9, 0), ("", 8, 2), ("$", 20, 0), ("DATE", 0, 0), ("", 0, 0))] == [
        "DATE9.", "8.2", "$20.", "DATE.", "",
    ]  # fmt: skip
