"""Workbooks in one XML file, as Excel 2003 and SAS's ExcelXP tagset write them (SpreadsheetML 2003).

The elements are those of Microsoft's "XML Spreadsheet Reference": ``ss:Index`` gives the place of a cell or row, where
those before it are left out, ``ss:MergeAcross`` how many further cells it takes.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.parsers import expat

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview.reasons import reason_of
from flowtui.preview.result import Preview
from flowtui.preview.sheet_xml import local_name, xml_parser
from flowtui.preview.spreadsheet import MOST_BYTES, CellMark, sheet_table
from flowtui.preview.worker import Request

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

_NAMESPACE = b"urn:schemas-microsoft-com:office:spreadsheet"
_WORKBOOK = re.compile(rb"<(?:\w+:)?Workbook[\s>]")
_LOOKED_AT = 8192
_CHUNK = 256 * 1024
_TYPED_ROWS = 1000
_MOST_SHEETS = 1000
_MOST_COLUMNS = 16_384
_MOST_ROWS = 1_048_576
_MOST_CELL = 32_767
_MOST_HELD = 5_000_000
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"), (codecs.BOM_UTF8, "utf-8-sig"))
_DECLARED = re.compile(r"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9_.:-]{1,40})["'][^>]*\?>""")


def accepts(subject: Subject) -> bool:
    """Text whose root is a workbook of SpreadsheetML, whatever it is called."""
    if subject.sniffed.encoding is None or subject.sniffed.magic:
        return False
    beginning = subject.head[:_LOOKED_AT].replace(b"\0", b"")
    return _NAMESPACE in beginning and _WORKBOOK.search(beginning) is not None


async def show(subject: Subject) -> Preview:
    if subject.size is None or subject.size > MOST_BYTES:
        size = "no known size" if subject.size is None else human_size(subject.size)
        raise PreviewError(
            f"a workbook is read as a whole, up to {human_size(MOST_BYTES)}, and this one has {size}: see it after "
            "`flowtui get`"
        )
    return await subject.workers.show(sheet, subject)


def sheet(file: BinaryIO, request: Request) -> Preview:
    """The preview of one sheet, ``limits.page``; runs in a worker."""
    book = _Book(max(request.limits.page, 1), max(request.limits.rows, _TYPED_ROWS) + 1)
    damage = _read(file, book)
    if not book.names:
        raise PreviewError(damage or "a workbook without a sheet of cells")
    if book.page > len(book.names):
        # There are fewer sheets: the last one is shown.
        file.seek(0)
        book = _Book(len(book.names), book.most)
        _read(file, book)
    rows = [row + [""] * (book.width - len(row)) for row in book.rows]
    names = tuple(book.names)
    found = sheet_table(rows, None, (book.height, book.width), book.page, names, "spreadsheetml", request.limits)
    notices = [*found.notices, *([damage] if damage else [])]
    if book.is_full:
        notices.append("the sheet is larger than a preview may be: its end was not read")
    return replace(found, notices=tuple(notices))


def _read(file: BinaryIO, book: _Book) -> str:
    """Go through the workbook; what is said where it is broken."""
    parser = xml_parser()
    parser.StartElementHandler, parser.EndElementHandler = book.start, book.end
    parser.CharacterDataHandler = book.text
    first = file.read(_CHUNK)
    decoder = codecs.getincrementaldecoder(_encoding(first))(errors="replace")
    try:
        data = first
        while data:
            parser.Parse(decoder.decode(data), False)
            data = file.read(_CHUNK)
        parser.Parse(decoder.decode(b"", True), True)
    except expat.ExpatError as error:
        return f"a damaged workbook: {reason_of(error)}; what stands before is shown"
    return ""


def _encoding(first: bytes) -> str:
    """The encoding that the text declares; UTF-8 where it declares none, or one that is not known."""
    for mark, name in (
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
        (codecs.BOM_UTF8, "utf-8-sig"),
    ):
        if first.startswith(mark):
            return name
    declared = _DECLARED.match(first[:200].decode("latin-1"))
    try:
        return codecs.lookup(declared[1]).name if declared else "utf-8"
    except LookupError:
        return "utf-8"


class _Book:
    """Takes the elements of a workbook.

    Attributes:
        names: of the sheets; rows: of the one that is wanted, up to ``most``; height, width: of the whole sheet.
        is_full: the rest of the sheet was left out.
    """

    def __init__(self, page: int, most: int) -> None:
        self.page = page
        self.most = most
        self.names: list[str] = []
        self.rows: list[list[Any]] = []
        self.height = self.width = 0
        self.is_full = False
        self._held = 0
        self._row: list[Any] = []
        self._row_at = 0
        self._formula = self._type = ""
        self._data: str | None = None
        self._has_data = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = local_name(tag)
        if name == "Worksheet":
            if len(self.names) >= _MOST_SHEETS:
                raise PreviewError("a workbook of more sheets than a preview may have")
            given = _attribute(attributes, "Name") or f"sheet {len(self.names) + 1}"
            self.names.append(given[:80])
            self._row_at = 0
        elif len(self.names) != self.page or self.is_full:
            return
        elif name == "Row":
            self._row = []
            self._row_at = _number(attributes, "Index", self._row_at + 1)
        elif name == "Cell":
            column = _number(attributes, "Index", len(self._row) + 1) - 1
            self._row += [""] * (min(column, _MOST_COLUMNS) - len(self._row))
            self._formula = _attribute(attributes, "Formula")[:500]
            self._across = _number(attributes, "MergeAcross", 0)
            self._has_data = False
        elif name == "Data":
            self._type = _attribute(attributes, "Type")
            self._data, self._has_data = "", True

    def text(self, data: str) -> None:
        if self._data is not None and len(self._data) < _MOST_CELL:
            self._data += data

    def end(self, tag: str) -> None:
        name = local_name(tag)
        if len(self.names) != self.page or self.is_full:
            return
        if name == "Data" and self._data is not None:
            self._take(_value(self._type, self._data))
            self._data = None
        elif name == "Cell":
            if not self._has_data:
                self._take(CellMark(self._formula) if self._formula.startswith("=") else "")
            self._row += [""] * min(self._across, _MOST_COLUMNS - len(self._row))
        elif name == "Row":
            self._end_row()

    def _take(self, value: Any) -> None:
        if len(self._row) < _MOST_COLUMNS:
            self._row.append(value)

    def _end_row(self) -> None:
        while self._row and self._row[-1] == "":
            self._row.pop()
        at = min(self._row_at, _MOST_ROWS)
        self.height = max(self.height, at)
        self.width = max(self.width, len(self._row))
        if at > self.most:
            return
        if self._held + (at - len(self.rows)) + len(self._row) > _MOST_HELD:
            self.is_full = True
            return
        while len(self.rows) < at:
            self.rows.append([])
        self.rows[at - 1] = self._row
        self._held += len(self._row) + 1


def _attribute(attributes: Mapping[str, str], name: str) -> str:
    return next((value for key, value in attributes.items() if local_name(key) == name), "")


def _number(attributes: Mapping[str, str], name: str, other: int) -> int:
    text = _attribute(attributes, name)
    return min(int(text), _MOST_ROWS) if text.isascii() and text.isdecimal() and len(text) < 10 else other


def _value(type_: str, text: str) -> Any:
    """A cell's value by its type; text where it is not what the type says."""
    if type_ == "Error":
        return CellMark(text.strip()[:40] or "error")
    if type_ == "Boolean" and text in ("0", "1"):
        return text == "1"
    try:
        if type_ == "Number":
            return float(text)
        if type_ == "DateTime":
            moment = datetime.fromisoformat(text)
            if moment.year == 1899 and moment.month == 12 and moment.day == 31:
                return moment.time()
            return moment.date() if moment.time() == moment.min.time() else moment
    except ValueError:
        pass
    return text
