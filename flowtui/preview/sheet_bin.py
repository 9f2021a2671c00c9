"""Cells of a sheet of Excel's binary workbooks ([MS-XLSB]): errors and plain numbers."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator

from flowtui.errors import PreviewError
from flowtui.preview.biff import rk_number
from flowtui.preview.sheet_xml import related_parts
from flowtui.preview.stored_cells import ERRORS, NumberFormat, StoredCells, built_in_format, number_format

_ROW, _RK, _ERROR, _REAL, _FORMULA_REAL, _FORMULA_ERROR = 0, 2, 3, 5, 9, 11
_FORMAT, _XF, _BUNDLE, _CELL_XFS, _END_CELL_XFS = 44, 47, 156, 617, 618
_MOST = 256 << 20
_CHUNK = 256 * 1024


def stored_cells(archive: zipfile.ZipFile, sheet: str, rows: int) -> StoredCells:
    """What the first ``rows`` rows of a sheet store.

    Raises:
        PreviewError: the sheet is not there, or damaged.
        zipfile.BadZipFile, zlib.error, EOFError, KeyError: the archive is damaged.
    """
    parts = related_parts(archive, "xl/workbook.bin")
    place = ""
    try:
        for kind, data in _records(archive, "xl/workbook.bin"):
            if kind == _BUNDLE:
                at, name = _wide(data, 8)
                if _wide(data, at)[1] == sheet:
                    place = name
        if place not in parts:
            raise PreviewError("a workbook whose sheet is not there")
        return _cells(archive, parts[place], rows, _styles(archive))
    except (struct.error, IndexError) as error:
        raise PreviewError("a damaged workbook") from error


def _cells(archive: zipfile.ZipFile, part: str, rows: int, styles: list[NumberFormat | None]) -> StoredCells:
    found = StoredCells()
    row = -1
    for kind, data in _records(archive, part):
        if kind == _ROW:
            row = struct.unpack_from("<I", data)[0]
            if row >= rows:
                break
        elif kind in (_RK, _ERROR, _REAL, _FORMULA_REAL, _FORMULA_ERROR):
            column, style = struct.unpack_from("<II", data)
            style &= 0xFFFFFF
            if kind in (_ERROR, _FORMULA_ERROR):
                found.errors[row, column] = ERRORS.get(data[8], f"#ERROR {data[8]}")
                continue
            number = rk_number(struct.unpack_from("<I", data, 8)[0]) if kind == _RK else _double(data)
            found.take_number((row, column), number, styles[style] if style < len(styles) else None)
    return found


def _double(data: bytes) -> float:
    return float(struct.unpack_from("<d", data, 8)[0])


def _styles(archive: zipfile.ZipFile) -> list[NumberFormat | None]:
    custom: dict[int, NumberFormat | None] = {}
    found: list[NumberFormat | None] = []
    is_in_cells = False
    if "xl/styles.bin" not in archive.NameToInfo:
        return found
    for kind, data in _records(archive, "xl/styles.bin"):
        if kind == _FORMAT:
            custom[struct.unpack_from("<H", data)[0]] = number_format(_wide(data, 2)[1])
        elif kind == _CELL_XFS:
            is_in_cells = True
        elif kind == _END_CELL_XFS:
            break
        elif kind == _XF and is_in_cells:
            number = struct.unpack_from("<H", data, 2)[0]
            found.append(custom[number] if number in custom else built_in_format(number))
    return found


def _wide(data: bytes, at: int) -> tuple[int, str]:
    """Where a text ends, and the text ([MS-XLSB] 2.5.168 XLWideString)."""
    count = struct.unpack_from("<I", data, at)[0]
    end = at + 4 + 2 * count
    if end > len(data):
        raise PreviewError("a damaged workbook")
    return end, data[at + 4 : end].decode("utf-16-le", "replace")


def _records(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[int, bytes]]:
    """Kinds and contents of records: both kind and length in bytes of seven bits ([MS-XLSB] 2.1.4)."""
    held, at, read = b"", 0, 0
    with archive.open(part) as stream:
        while read < _MOST:
            piece = stream.read(_CHUNK)
            read += len(piece)
            held, at = held[at:] + piece, 0
            while True:
                record = _record(held, at)
                if record is None:
                    break
                kind, begin, at = record
                yield kind, held[begin:at]
            if not piece:
                return


def _record(held: bytes, at: int) -> tuple[int, int, int] | None:
    """Kind, begin and end of the record at a place; None where it is not all there."""
    numbers = []
    for most in (2, 4):
        number = 0
        for index in range(most):
            if at >= len(held):
                return None
            byte = held[at]
            at += 1
            number |= (byte & 0x7F) << 7 * index
            if not byte & 0x80:
                break
        numbers.append(number)
    kind, length = numbers
    return (kind, at, at + length) if at + length <= len(held) else None
