"""Workbooks, as openpyxl and xlwt write them, and OpenDocument by hand."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt

from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview
from flowtui.storage import Storage
from tests.preview.look import look, look_at
from tests.storage.store import Store
from tests.trusting import TrustsAll


def saved(book: Any) -> bytes:
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def study() -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    first = book.active
    first.title = "ADSL"
    first.append(["USUBJID", "AGE", "BIRTH", "SAFFL", "START", "WEIGHT", "TIME", "NOTE"])
    for at in range(150):
        first.append(
            [f"01-{at:03}", 40 + at, dt.date(1970, 1, 1) + dt.timedelta(at), at % 2 == 0,
             dt.datetime(2020, 1, 1, 12, at % 60), at / 4 + 0.1, dt.time(12, 30), None]
        )  # fmt: skip
    codes = book.create_sheet("Codes")
    codes["B3"], codes["C3"], codes["B4"], codes["C4"] = "a", 1, "b", 2.5
    hidden = book.create_sheet("Secret")
    hidden.sheet_state = "hidden"
    hidden["A1"] = "x"
    book.create_chartsheet("Chart")
    book.create_sheet("Empty")
    return book


async def test_cells_have_types() -> None:
    found = await look(saved(study()), "adsl.xlsx")
    assert (found.kind, found.format) == ("table", "xlsx")
    assert [column.name for column in found.columns][:3] == ["USUBJID", "AGE", "BIRTH"]
    assert [column.type for column in found.columns] == [
        "text", "integer", "date", "boolean", "datetime", "number", "time", "",
    ]  # fmt: skip
    assert found.rows[0] == ("01-000", 40, "1970-01-01", True, "2020-01-01 12:00:00", 0.1, "12:30:00", None)
    assert (len(found.rows), found.total_rows, found.more) == (100, 150, True)
    assert found.notices == ("first 100 of 150 rows",)
    found = await look(saved(study()), "adsl.xlsx", limits=Limits().more())
    assert (len(found.rows), found.more) == (150, False)


async def test_sheets_are_pages() -> None:
    content = saved(study())
    found = await look(content, "adsl.xlsx", limits=Limits(page=2))
    assert (found.page, found.pages) == (2, 4)
    assert found.page_names == ("ADSL", "Codes", "Secret (hidden)", "Empty")
    assert found.rows == (("a", 1), ("b", 2.5))
    assert [column.name for column in found.columns] == ["column 1", "column 2"]
    assert dict(found.facts) == {"sheet": "Codes", "first cell": "B3"}
    found = await look(content, "adsl.xlsx", limits=Limits(page=4))
    assert (found.page, found.rows, found.total_rows, found.notices) == (4, (), 0, ("the sheet is empty",))
    found = await look(content, "adsl.xlsx", limits=Limits(page=99))
    assert found.page == 4


async def test_a_workbook_without_an_extension_is_known_by_its_content() -> None:
    found = await look(saved(study()), "adsl")
    assert (found.kind, found.format) == ("table", "xlsx")


async def test_macros_are_no_matter() -> None:
    assert (await look(saved(study()), "adsl.xlsm")).kind == "table"


async def test_xls() -> None:
    book = xlwt.Workbook()
    first = book.add_sheet("One")
    date = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for row, (name, number, day) in enumerate([("name", "n", "day"), ("é", 2.5, dt.date(2020, 1, 31))]):
        first.write(row, 0, name)
        first.write(row, 1, number)
        first.write(row, 2, day, date)
    book.add_sheet("Two")
    found = await look(saved(book), "old.xls")
    assert (found.format, found.pages, found.page_names) == ("xls", 2, ("One", "Two"))
    assert [(column.name, column.type) for column in found.columns] == [
        ("name", "text"),
        ("n", "number"),
        ("day", "date"),
    ]
    assert found.rows == (("é", 2.5, "2020-01-31"),)


async def test_ods() -> None:
    sheet = """<table:table table:name="S1"><table:table-row>
      <table:table-cell office:value-type="string"><text:p>name</text:p></table:table-cell>
      <table:table-cell office:value-type="string"><text:p>n</text:p></table:table-cell></table:table-row>
      <table:table-row><table:table-cell office:value-type="string"><text:p>é</text:p></table:table-cell>
      <table:table-cell office:value-type="float" office:value="2.5"><text:p>2.5</text:p></table:table-cell>
      </table:table-row></table:table>"""
    content = f"""<?xml version="1.0" encoding="UTF-8"?><office:document-content
      xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
      xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
      xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>{sheet}
      </office:spreadsheet></office:body></office:document-content>"""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", re.sub(r">\s+<", "><", content))
        archive.writestr("META-INF/manifest.xml", '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:'
                         'xmlns:manifest:1.0"/>')  # fmt: skip
    for name in ("f.ods", "f"):
        found = await look(sink.getvalue(), name)
        assert found.rows == (("é", 2.5),)
        assert [column.name for column in found.columns] == ["name", "n"]


async def test_control_codes_in_names_and_cells() -> None:
    book = openpyxl.Workbook()
    book.active.title = "a\u202eb"
    book.active["A1"], book.active["A2"] = 1, "x\u202ey"
    found = await look(saved(book), "f.xlsx")
    assert found.page_names == ("ab",)
    assert found.rows == ((1,), ("xy",))


async def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            for _ in range(520):
                part.write(bytes(1_000_000))
    found = await look(sink.getvalue(), "f.xlsx")
    assert found.format == "zip"
    assert any("unpacks to 520.0 MB, more than a preview may hold" in notice for notice in found.notices)


async def test_a_bomb_that_lies_about_its_size_is_bounded() -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, text in (("[Content_Types].xml", "<Types/>"), ("xl/workbook.xml", "<workbook/>")):
            archive.writestr(name, text)
        with archive.open("xl/sharedStrings.xml", "w") as part:
            part.write(b"<sst>")
            for _ in range(100):
                part.write(b"<si><t>" + b"x" * 1_000_000 + b"</t></si>")
    content = bytearray(sink.getvalue())
    at = content.rindex(b"xl/sharedStrings.xml") - 46
    content[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    found = await look(bytes(content), "f.xlsx")
    assert found.kind in ("hex", "table")


async def test_cells_at_the_far_corner_do_no_harm() -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = 1, 2
    found = await look(saved(book), "f.xlsx")
    assert found.format == "zip"
    assert any("larger than a preview may be" in notice for notice in found.notices)


async def test_an_encrypted_workbook_is_said() -> None:
    entry = "EncryptedPackage".encode("utf-16-le").ljust(64, b"\0") + b"\x22\0\x02\x01" + bytes(60)
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1016) + entry
    found = await look(content, "secret.xlsx")
    assert found.kind == "hex"
    assert any("encrypted workbook" in notice for notice in found.notices), found.notices


async def test_larger_workbooks_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    path.write_bytes(saved(study()))
    with path.open("r+b") as file:
        file.truncate(2 << 30)
    found = await look_at(path, "f.xlsx")
    assert found.kind == "hex"
    assert any("a workbook is read as a whole, up to 64.0 MB, and this one has 2.1 GB" in one for one in found.notices)


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.99])
async def test_truncated_workbooks(cut: float) -> None:
    content = saved(study())
    found = await look(content[: int(len(content) * cut)], "f.xlsx")
    assert found.kind == "hex"
    assert any("damaged workbook" in notice for notice in found.notices)


async def test_a_workbook_is_read_in_few_requests() -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("big")
    for at in range(30_000):
        sheet.append([f"value {at} {at * 7919 % 10007}", at])
    content = saved(book)
    assert len(content) > 500_000
    store = Store({"bucket/f.xlsx": content})
    async with (
        Storage(TrustsAll(), transport=store.transport) as storage,
        storage.open("http://store/bucket/f.xlsx") as reader,
    ):
        found = await preview(reader, name="f.xlsx")
        assert found.total_rows == 30_000
        assert reader.requests == 2
        assert reader.bytes_read == len(content)
