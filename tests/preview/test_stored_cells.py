"""Cells of workbooks that python-calamine leaves blank or takes for times: errors, formulas, negative dates."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import openpyxl
import pytest
import xlwt
from hypothesis import given
from hypothesis import strategies as st

from flowtui.errors import PreviewError
from flowtui.preview import biff
from flowtui.preview.limits import Limits
from flowtui.preview.stored_cells import number_format
from tests.preview.look import look
from tests.preview.test_spreadsheet import saved
from tests.preview.workbooks import ods, xlsb


async def test_errors_of_xlsx_are_shown_and_counted() -> None:
    book = openpyxl.Workbook()
    book.active.append(["a", "ratio"])
    book.active.append([1, "#DIV/0!"])
    book.active.append([2, 0.5])
    book.active.append([3, None])
    book.active.append([4, "#N/A"])
    other = book.create_sheet("only errors")
    other["B2"] = "#REF!"
    content = saved(book)
    found = await look(content, "f.xlsx")
    assert [row[1] for row in found.rows] == ["#DIV/0!", 0.5, None, "#N/A"]
    assert found.columns[1].type == "number"
    assert found.notices == ("2 cells are errors: #DIV/0!, #N/A",)
    found = await look(content, "f.xlsx", limits=Limits(page=2))
    assert (found.rows, found.notices) == ((("#REF!",),), ("1 cell is an error: #REF!",))


async def test_formulas_without_a_stored_result_are_shown_as_they_are() -> None:
    book = openpyxl.Workbook()
    book.active.append(["arm", "n", "pct"])
    book.active.append(["Placebo", 86, "=B2/158"])
    book.active.append(["Total", "=SUM(B2:B2)", None])
    found = await look(saved(book), "f.xlsx")
    assert found.rows == (("Placebo", 86, "=B2/158"), ("Total", "=SUM(B2:B2)", None))
    assert [column.type for column in found.columns] == ["text", "integer", ""]
    assert found.notices == ("2 cells have formulas without a stored result",)


def with_results(*, on_load: bool) -> bytes:
    """A workbook with ``=1+1`` and the result 0 in A2, as xlsxwriter leaves it."""
    book = openpyxl.Workbook()
    book.active.append(["sum"])
    book.active.append(["=1+1"])
    source = io.BytesIO(saved(book))
    sink = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(sink, "w") as new:
        for part in old.namelist():
            text = old.read(part)
            if part.startswith("xl/worksheets/"):
                assert b"<v />" in text or b"<v/>" in text or b"<v></v>" in text
                text = (
                    text.replace(b"<v />", b"<v>0</v>").replace(b"<v/>", b"<v>0</v>").replace(b"<v></v>", b"<v>0</v>")
                )
            if part == "xl/workbook.xml" and not on_load:
                text = text.replace(b' fullCalcOnLoad="1"', b"")
            new.writestr(part, text)
    return sink.getvalue()


async def test_results_that_are_still_to_be_calculated_are_said() -> None:
    found = await look(with_results(on_load=True), "f.xlsx")
    assert found.rows == ((0,),)
    assert found.notices == (
        "1 cell has a formula whose stored result may be none: the workbook is to be calculated when opened",
    )
    assert (await look(with_results(on_load=False), "f.xlsx")).notices == ()


async def test_negative_dates_are_numbers_as_excel_shows_no_date_for_them() -> None:
    book = openpyxl.Workbook()
    book.active.append(["day", "moment", "clock"])
    for value in (45000.5, -1, -1.5, 0.25):
        book.active.append([value, value, value])
    for row in book.active.iter_rows(min_row=2):
        for cell, code in zip(row, ("yyyy-mm-dd", "yyyy-mm-dd hh:mm", "[h]:mm:ss"), strict=True):
            cell.number_format = code
    found = await look(saved(book), "f.xlsx")
    assert [row[:2] for row in found.rows] == [
        ("2023-03-15 12:00:00", "2023-03-15 12:00:00"), (-1, -1), (-1.5, -1.5), ("06:00:00", "06:00:00"),
    ]  # fmt: skip
    assert [row[2] for row in found.rows] == ["1080012:00:00", "-24:00:00", "-36:00:00", "06:00:00"]


async def test_lengths_of_time_keep_sign_and_milliseconds() -> None:
    book = openpyxl.Workbook()
    book.active.append(["length"])
    for hours in (30.1, -7.2, 1 / 3, 0):
        book.active.append([hours / 24])
        book.active.cell(book.active.max_row, 1).number_format = "[h]:mm:ss.000"
    book.active.append([dt.timedelta(seconds=-1, milliseconds=-250) / dt.timedelta(days=1)])
    book.active.cell(book.active.max_row, 1).number_format = "[s].000"
    found = await look(saved(book), "f.xlsx")
    assert [row[0] for row in found.rows] == ["30:06:00", "-07:12:00", "00:20:00", "00:00:00", "-00:00:01.250"]


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("[<0.5]h:mm;General", 3.75, 3.75),
        ("[<0.5]h:mm;General", 0.25, "06:00:00"),
        ("[>=1]d;[Red]0.00", 0.75, 0.75),
        ("yyyy;0;0", 0, 0),
        ("yyyy-mm-dd;@", 45000, "2023-03-15"),
        ('[Red]0.0;"days" 0', 3.5, 3.5),
    ],
)
async def test_the_section_of_a_number_format_that_holds_decides(code: str, value: float, shown: object) -> None:
    book = openpyxl.Workbook()
    book.active.append([value])
    book.active["A1"].number_format = code
    assert (await look(saved(book), "f.xlsx")).rows == ((shown,),)
    old = xlwt.Workbook()
    sheet = old.add_sheet("One")
    sheet.write(0, 0, value, xlwt.easyxf(num_format_str=code))
    assert (await look(saved(old), "f.xls")).rows == ((shown,),)


async def test_errors_of_xls_are_shown_and_formulas_without_a_sure_result_said() -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("One")
    date = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    sheet.write(0, 0, "a")
    sheet.write(0, 1, "b")
    sheet.row(1).set_cell_error(0, "#NUM!")
    sheet.write(1, 1, 2.5)
    sheet.write(2, 1, -1.5, date)
    sheet.write(3, 0, xlwt.Formula("B2*2"))
    found = await look(saved(book), "f.xls")
    assert found.rows == (("#NUM!", 2.5), (None, -1.5), (None, None))
    assert found.notices == (
        "1 cell is an error: #NUM!",
        "1 cell has a formula whose result is an empty text or was not stored",
    )


async def test_errors_and_negative_dates_of_xlsb() -> None:
    content = xlsb([["id", "day"], [1.0, 45000.0], [2.0, b"\x07"], [b"\x2a", -1.5]], date_column=1)
    found = await look(content, "f.xlsb")
    assert found.rows == ((1, "2023-03-15"), (2, "#DIV/0!"), ("#N/A", -1.5))
    assert found.notices == ("2 cells are errors: #DIV/0!, #N/A",)


async def test_errors_and_lengths_of_time_of_opendocument() -> None:
    rows = (
        '<table:table-row><table:table-cell office:value-type="string"><text:p>n</text:p></table:table-cell>'
        '<table:table-cell office:value-type="string"><text:p>length</text:p></table:table-cell></table:table-row>'
        '<table:table-row><table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value="" '
        'calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
        '<table:table-cell office:value-type="time" office:time-value="PT30H15M00S"/></table:table-row>'
        '<table:table-row><table:table-cell office:value-type="float" office:value="2"/>'
        '<table:table-cell office:value-type="time" office:time-value="-PT00H00M01,5S"/></table:table-row>'
    )
    found = await look(ods(rows), "f.ods")
    assert found.rows == (("#DIV/0!", "30:15:00"), (2, "-00:00:01.500"))
    assert [column.type for column in found.columns] == ["integer", "time"]
    assert found.notices == ("1 cell is an error: #DIV/0!",)


async def test_long_texts_are_cut_with_a_mark() -> None:
    book = openpyxl.Workbook()
    book.active.append(["note"])
    book.active.append(["x" * 600])
    found = await look(saved(book), "f.xlsx")
    assert found.rows == (("x" * 499 + "…",),)
    assert found.notices == ("1 cell is longer than 500 characters",)


async def test_an_xls_with_a_password_is_called_encrypted() -> None:
    book = xlwt.Workbook()
    book.add_sheet("One").write(0, 0, 1)
    content = saved(book)
    at = content.index(b"\x09\x08\x10\x00\x00\x06")
    # The record FILEPASS stands behind the beginning of the workbook.
    record = b"\x2f\x00\x36\x00\x01\x00\x01\x00\x01\x00" + bytes(48)
    content = content[: at + 20] + record + content[at + 20 + len(record) :]
    for name in ("f.xls", "f"):
        found = await look(content, name)
        assert found.kind == "hex"
        assert "an encrypted workbook: it can be read with its password only" in found.notices, found.notices


@given(st.text(alphabet='ymdhs[]<>=;0#"\\_*@.5-', max_size=30), st.floats(allow_nan=False))
def test_any_number_format_is_judged(code: str, value: float) -> None:
    found = number_format(code)
    assert found is None or found.is_number(value) in (True, False)


@given(st.binary(max_size=600))
def test_any_bytes_behind_the_mark_of_a_compound_file_are_refused(data: bytes) -> None:
    with pytest.raises(PreviewError):
        biff.stored_cells(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + data, 0, 100)
