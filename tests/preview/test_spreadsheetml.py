"""Workbooks in one XML file, as SAS's ExcelXP tagset writes them; written by hand, as no library does."""

from __future__ import annotations

import pytest

from flowtui.preview.limits import Limits
from tests.preview.look import look

_HEAD = (
    '<?mso-application progid="Excel.Sheet"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
    'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
)


def cell(type_: str, text: str, more: str = "") -> str:
    return f'<Cell{more}><Data ss:Type="{type_}">{text}</Data></Cell>'


def book(*sheets: tuple[str, str], encoding: str = "utf-8") -> bytes:
    parts = "".join(f'<Worksheet ss:Name="{name}"><Table>{rows}</Table></Worksheet>' for name, rows in sheets)
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{_HEAD}{parts}</Workbook>'.encode(encoding)


def rows_of_severity() -> str:
    third = cell("Number", "3", ' ss:Index="3"')
    return (
        f"<Row>{cell('String', 'SOC')}{cell('String', 'AESEV')}{cell('String', 'N')}</Row>"
        f"<Row>{cell('String', 'CARDIAC')}{cell('String', 'MILD')}{cell('Number', '12')}</Row>"
        f"<Row>{cell('String', 'AUGE ä')}{third}</Row>"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252", "utf-16", "shift_jis"])
@pytest.mark.parametrize("name", ["t.xls", "t.xml", "t"])
async def test_sheets_and_cells_at_an_index(encoding: str, name: str) -> None:
    rows = rows_of_severity() if encoding != "shift_jis" else rows_of_severity().replace("ä", "目")
    content = book(("Severity", rows), ("Notes", f"<Row>{cell('String', 'draft')}</Row>"), encoding=encoding)
    found = await look(content, name)
    assert (found.kind, found.format, found.page, found.pages) == ("table", "spreadsheetml", 1, 2)
    assert found.page_names == ("Severity", "Notes")
    assert [(column.name, column.type) for column in found.columns] == [
        ("SOC", "text"), ("AESEV", "text"), ("N", "integer"),
    ]  # fmt: skip
    last = "目" if encoding == "shift_jis" else "ä"
    assert found.rows == (("CARDIAC", "MILD", 12), (f"AUGE {last}", None, 3))
    assert found.total_rows == 2
    for page in (2, 9):
        assert (await look(content, name, limits=Limits(page=page))).page == 2


async def test_types_errors_formulas_and_merged_cells() -> None:
    merged = cell("String", "a&amp;b", ' ss:MergeAcross="1"')
    rows = (
        f"<Row>{cell('DateTime', '2020-01-31T00:00:00.000')}{cell('DateTime', '2020-01-31T12:30:00.000')}"
        f"{cell('DateTime', '1899-12-31T06:00:00.000')}{cell('Boolean', '1')}{cell('Number', '2.5')}</Row>"
        f'<Row ss:Index="4">{cell("Error", "#DIV/0!")}<Cell ss:Formula="=RC[-1]*2"/>{merged}'
        f"{cell('Number', '-1')}</Row>"
    )
    found = await look(book(("One", rows)), "t.xls")
    assert found.rows == (
        ("2020-01-31", "2020-01-31 12:30:00", "06:00:00", True, 2.5),
        (None, None, None, None, None),
        (None, None, None, None, None),
        ("#DIV/0!", "=RC[-1]*2", "a&b", None, -1),
    )
    assert found.notices == ("1 cell is an error: #DIV/0!", "1 cell has a formula without a stored result")


async def test_what_stands_before_the_damage_is_shown_and_the_damage_said() -> None:
    content = book(("Severity", rows_of_severity()))
    found = await look(content[: content.index(b"AUGE")], "t.xls")
    assert found.rows == (("CARDIAC", "MILD", 12),)
    assert any("damaged workbook" in notice for notice in found.notices)


async def test_entities_and_absurd_indices_do_no_harm() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>' + book(("One", "<Row/>"))[38:]
    found = await look(bomb, "t.xls")
    assert found.kind == "text"
    assert any("entities" in notice for notice in found.notices)
    far = cell("Number", "1", ' ss:Index="999999999"')
    found = await look(book(("One", f'<Row ss:Index="999999999">{far}</Row>')), "t.xls")
    assert found.kind in ("table", "text")
    assert len(found.rows) <= 100
