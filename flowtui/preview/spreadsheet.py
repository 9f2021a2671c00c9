"""Workbooks of Excel (xlsx, xlsm, xlsb, xls) and OpenDocument (ods): one sheet as a table.

Their parts refer to each other, so a workbook is read as a whole; larger ones than 64 MB, or that unpack to more than
512 MB, are left to be downloaded.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.parsers import expat

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview import biff, ods_cells, sheet_bin, sheet_xml
from flowtui.preview.limits import Limits
from flowtui.preview.reasons import reason_of
from flowtui.preview.result import Cell, Column, Preview
from flowtui.preview.stored_cells import StoredCells
from flowtui.preview.values import HEADER_ROWS, has_header, type_of_all
from flowtui.preview.worker import Request
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

_ZIPPED = ("xlsx", "xlsm", "xltx", "xltm", "xlsb", "ods")
_OLE = ("xls", "xlt")
MOST_BYTES = 64_000_000
"""Bytes of a workbook that is read."""

_MOST_UNPACKED = 512_000_000
_MOST_PARTS = 10_000
_MOST_CELLS = 20_000_000
_CHUNK = 8 << 20
_TYPED_ROWS = 1000
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""The stream of an OLE file that holds an encrypted workbook ([MS-OFFCRYPTO] 1.3.2)."""

_OLE_NAMES = (_ENCRYPTED, *(f"{name}\0\0".encode("utf-16-le") for name in ("Workbook", "Book")))
_LOCKED = "an encrypted workbook: it can be read with its password only"
_ISO_DURATION = re.compile(
    r"(-?)P(?:([0-9]{1,9})D)?T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})([.,][0-9]{1,9})?S)?"
)
"""A time of OpenDocument (1.3 part 3, 19.387), which calamine gives as text."""

_MOST_EXACT = 1 << 53
_ODS = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"


class CellMark(str):
    """An error or a formula: it stands in place of a value, and is none."""


def accepts(subject: Subject) -> bool:
    """Zip archives and OLE files that are called workbooks, and archives that hold one."""
    sniffed = subject.sniffed
    if sniffed.magic == "ole":
        return sniffed.is_any(*_OLE, *_ZIPPED) or any(name in subject.head for name in _OLE_NAMES)
    if sniffed.magic != "zip":
        return False
    return sniffed.is_any(*_ZIPPED) or b"xl/workbook." in subject.head or subject.head[30:].startswith(_ODS)


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
    import python_calamine as calamine

    content = _whole(file)
    if content.startswith(b"PK"):
        _check_sizes(content)
    elif _ENCRYPTED in content or biff.is_encrypted(content):
        raise PreviewError(_LOCKED)
    limits = request.limits
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = [one for one in book.sheets_metadata if one.typ == calamine.SheetTypeEnum.WorkSheet]
        if not sheets:
            raise PreviewError("a workbook without a sheet of cells")
        names = tuple(_name(one, calamine.SheetVisibleEnum.Visible) for one in sheets)
        page = min(max(limits.page, 1), len(sheets))
        name = sheets[page - 1].name
        found = book.get_sheet_by_name(name)
        height, width = int(found.height), int(found.width)
        if height * width > _MOST_CELLS:
            raise PreviewError(f"a sheet of {height:,} rows and {width:,} columns is larger than a preview may be")
        rows = found.to_python(nrows=max(limits.rows, _TYPED_ROWS) + 1)
    except calamine.PasswordError as error:
        raise PreviewError(_LOCKED) from error
    except (calamine.CalamineError, ValueError, OverflowError, OSError) as error:
        raise PreviewError(f"a damaged workbook: {reason_of(error)}") from error
    format_ = request.format if request.format in (*_ZIPPED, *_OLE) else "xlsx" if content.startswith(b"PK") else "xls"
    if format_ == "ods":
        rows = [[_iso_duration(value) for value in row] for row in rows]
    place = [one.name for one in book.sheets_metadata].index(name)
    stored, notices = _stored(content, name, place, rows, found.start or (0, 0))
    rows = _with_stored(rows, found.start or (0, 0), stored)
    table = sheet_table(rows, found.start, (height, width), page, names, format_, limits)
    return replace(table, notices=(*table.notices, *notices))


def _whole(file: BinaryIO) -> bytes:
    pieces = []
    while piece := file.read(_CHUNK):
        pieces.append(piece)
    return b"".join(pieces)


def _check_sizes(content: bytes) -> None:
    """Raises PreviewError for an archive that unpacks to more than a preview may hold."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise PreviewError(f"a damaged workbook: {reason_of(error)}") from error
    unpacked = sum(part.file_size for part in parts)
    if unpacked > _MOST_UNPACKED or len(parts) > _MOST_PARTS:
        raise PreviewError(
            f"a workbook of {len(parts):,} parts that unpacks to {human_size(unpacked)}, more than a preview may hold"
        )


def _name(metadata: Any, visible: Any) -> str:
    return str(metadata.name) if metadata.visible == visible else f"{metadata.name} (hidden)"


def _stored(
    content: bytes, name: str, place: int, rows: Sequence[Sequence[Any]], start: tuple[int, int]
) -> tuple[StoredCells, list[str]]:
    """What the workbook stores of cells that calamine leaves blank or takes for times, and what is to be said of it."""
    has_blanks = any(value == "" for row in rows for value in row)
    has_dates = any(isinstance(value, (date, time, timedelta)) for row in rows for value in row)
    height = start[0] + len(rows)
    try:
        if not content.startswith(b"PK"):
            if not (has_blanks or has_dates):
                return StoredCells(), []
            found = biff.stored_cells(content, place, height)
            many = "cell has a formula" if found.empty == 1 else "cells have formulas"
            said = f"{found.empty:,} {many} whose result is an empty text or was not stored"
            return found, [said] if found.empty else []
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if "content.xml" in archive.NameToInfo:
                return (ods_cells.stored_cells(archive, name, height) if has_blanks else StoredCells()), []
            if "xl/workbook.bin" in archive.NameToInfo:
                return sheet_bin.stored_cells(archive, name, height) if has_blanks or has_dates else StoredCells(), []
            found, is_stale = sheet_xml.stored_cells(archive, name, height, has_blanks=has_blanks, has_dates=has_dates)
    except (PreviewError, expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, OSError):
        return StoredCells(), ["errors of cells are not known: they may be among the blank ones"] if has_blanks else []
    if is_stale and found.results:
        many = "cell has a formula" if found.results == 1 else "cells have formulas"
        said = f"{found.results:,} {many} whose stored result may be none: the workbook is to be calculated when opened"
        return found, [said]
    return found, []


def _with_stored(rows: Sequence[Sequence[Any]], start: tuple[int, int], stored: StoredCells) -> Sequence[Sequence[Any]]:
    """The rows with errors, formulas and numbers where calamine has none of them."""
    changed = {**stored.formulas, **stored.errors, **stored.numbers}
    if not changed:
        return rows
    found = [list(row) for row in rows]
    for (row, column), value in changed.items():
        at, across = row - start[0], column - start[1]
        if not (0 <= at < len(found) and 0 <= across < len(found[at])):
            continue
        is_number = (row, column) in stored.numbers
        if is_number or found[at][across] == "":
            found[at][across] = value if is_number else CellMark(str(value))
    return found


def _told(marks: Sequence[CellMark]) -> list[str]:
    """What is said of errors and formulas."""
    said = []
    errors = [mark for mark in marks if not mark.startswith("=")]
    if errors:
        kinds = ", ".join(sorted(set(errors))[:8])
        said.append(f"{len(errors):,} {'cell is an error' if len(errors) == 1 else 'cells are errors'}: {plain(kinds)}")
    formulas = len(marks) - len(errors)
    if formulas:
        have = "cell has a formula" if formulas == 1 else "cells have formulas"
        said.append(f"{formulas:,} {have} without a stored result")
    return said


def sheet_table(
    rows: Sequence[Sequence[Any]],
    start: tuple[int, int] | None,
    size: tuple[int, int],
    page: int,
    names: tuple[str, ...],
    format_: str,
    limits: Limits,
) -> Preview:
    height, width = size
    header = has_header([[_text(value) for value in row] for row in rows[:HEADER_ROWS]]) if rows else False
    # A date or number as such in the first row is no name, whatever its text looks like.
    header = header and all(isinstance(value, str) and not isinstance(value, CellMark) for value in rows[0])
    body = rows[1:] if header else rows
    total = max(height - header, 0)
    columns = min(width, max(limits.columns, 1))
    shown = body[: max(min(limits.rows, limits.cells // max(columns, 1)), 1)]
    notices = []
    if len(shown) < total:
        notices.append(f"first {len(shown):,} of {total:,} rows")
    if columns < width:
        notices.append(f"first {columns:,} of {width:,} columns")
    if not rows:
        notices.append("the sheet is empty")
    long = sum(isinstance(value, str) and len(value) > limits.cell for row in shown for value in row[:columns])
    if long:
        notices.append(f"{long:,} {'cell is' if long == 1 else 'cells are'} longer than {limits.cell:,} characters")
    notices += _told([value for row in shown for value in row[:columns] if isinstance(value, CellMark)])
    facts = [("sheet", plain(names[page - 1]))]
    if start not in (None, (0, 0)):
        facts.append(("first cell", _reference(*start)))
    return Preview(
        kind="table",
        columns=tuple(_columns(rows[0] if header else (), body[:_TYPED_ROWS], columns, limits.cell)),
        rows=tuple(tuple(_cell(value, limits.cell) for value in row[:columns]) for row in shown),
        notices=tuple(notices),
        total_rows=total,
        more=len(shown) < total,
        format=format_,
        facts=tuple(facts),
        page=page,
        pages=len(names),
        page_names=tuple(plain(name) for name in names),
    )


def _columns(names: Sequence[Any], rows: Sequence[Sequence[Any]], count: int, width: int) -> Iterator[Column]:
    for index in range(count):
        name = _short(str(names[index]), width).strip() if index < len(names) else ""
        yield Column(name or f"column {index + 1}", _kind([row[index] for row in rows]))


def _kind(values: Sequence[Any]) -> str:
    kinds = {_kind_of(value) for value in values} - {""}
    if kinds == {"integer", "number"}:
        return "number"
    if kinds == {"date", "datetime"}:
        return "datetime"
    return kinds.pop() if len(kinds) == 1 else "text" if kinds else ""


def _kind_of(value: Any) -> str:
    if value is None or isinstance(value, CellMark) or (isinstance(value, str) and not value.strip()):
        return ""
    if isinstance(value, str):
        # A cell may hold a date as text; what looks like a number is text with a purpose.
        found = type_of_all([value])
        return found if found in ("date", "datetime", "time") else "text"
    for name, types in (("boolean", bool), ("integer", int), ("datetime", datetime), ("date", date), ("time", time)):
        if isinstance(value, types):
            return name
    if isinstance(value, float):
        return "integer" if value.is_integer() and abs(value) < _MOST_EXACT else "number"
    return "time" if isinstance(value, timedelta) else "text"


def _text(value: Any) -> str:
    cell = _cell(value, 100)
    return "" if cell is None else str(cell)


def _cell(value: Any, width: int) -> Cell:
    if value is None or value == "":
        return None
    if isinstance(value, float):
        if value.is_integer() and abs(value) < _MOST_EXACT:
            return int(value)
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, bool | int):
        return value
    if isinstance(value, timedelta):
        return _duration(value)
    return _short(str(value), width)


def _duration(value: timedelta) -> str:
    """Hours, minutes and seconds, as Excel's ``[h]:mm:ss`` shows them; to the millisecond, which is how exact it is."""
    milliseconds = round(value / timedelta(milliseconds=1))
    sign, milliseconds = ("-" if milliseconds < 0 else ""), abs(milliseconds)
    seconds, rest = divmod(milliseconds, 1000)
    whole = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{whole}.{rest:03}" if rest else whole


def _iso_duration(value: Any) -> Any:
    """A text such as ``PT30H15M00S`` as a length of time, any other value as it is."""
    found = _ISO_DURATION.fullmatch(value) if isinstance(value, str) and value[:2] in ("PT", "-P") else None
    if found is None:
        return value
    days, hours, minutes, seconds = (int(found[at] or 0) for at in (2, 3, 4, 5))
    try:
        length = timedelta(
            days=days, hours=hours, minutes=minutes, seconds=seconds + float((found[6] or "0").replace(",", "."))
        )
    except OverflowError:
        return value
    return -length if found[1] else length


def _reference(row: int, column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def _short(text: str, width: int) -> str:
    return plain(text if len(text) <= width else f"{text[: max(width - 1, 0)]}…")
