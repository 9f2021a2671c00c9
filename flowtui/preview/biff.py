"""Cells of a sheet of Excel 5 to 2003 ([MS-XLS], BIFF5 and BIFF8): errors, formulas without a result, plain numbers."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from flowtui.errors import PreviewError
from flowtui.preview.compound_file import stream_of
from flowtui.preview.stored_cells import ERRORS, NumberFormat, StoredCells, built_in_format, number_format

_FORMULA, _EOF, _DATE_MODE, _FILE_PASS, _BOUND_SHEET = 0x06, 0x0A, 0x22, 0x2F, 0x85
_MUL_RK, _XF, _NUMBER, _BOOL_ERR, _STRING, _RK, _FORMAT, _BOF = 0xBD, 0xE0, 0x203, 0x205, 0x207, 0x27E, 0x41E, 0x809
_BETWEEN = frozenset([0x04BC, 0x0221, 0x0236, 0x003C])
"""Shared formulas, arrays and tables, which stand between a formula and its text, and what goes on."""

_SLACK = 64
"""Rows stand in blocks of 32; within one they are in order."""


def is_encrypted(content: bytes) -> bool:
    """Whether it is a workbook of Excel 5 to 2003 with a password for opening it."""
    try:
        stream = _workbook(content)
    except PreviewError:
        return False
    for kind, _ in _records(stream, 0):
        if kind == _FILE_PASS:
            return True
        if kind in (_BOUND_SHEET, _EOF):
            break
    return False


def stored_cells(content: bytes, sheet: int, rows: int) -> StoredCells:
    """What the first ``rows`` rows of a sheet store.

    Args:
        content: the whole file.
        sheet: its place among all sheets, from 0, charts and macros too.

    Raises:
        PreviewError: it is no workbook, or damaged.
    """
    stream = _workbook(content)
    formats: dict[int, NumberFormat | None] = {}
    styles: list[NumberFormat | None] = []
    starts: list[int] = []
    is_wide = len(stream) > 6 and struct.unpack_from("<H", stream, 4)[0] >= 0x600
    for kind, data in _records(stream, 0):
        if kind == _EOF:
            break
        if kind == _BOUND_SHEET and len(data) >= 4:
            starts.append(struct.unpack_from("<I", data)[0])
        elif kind == _FORMAT and len(data) > 3:
            number = struct.unpack_from("<H", data)[0]
            formats[number] = number_format(_format_text(data[2:], is_wide))
        elif kind == _XF and len(data) >= 4:
            number = struct.unpack_from("<H", data, 2)[0]
            styles.append(formats[number] if number in formats else built_in_format(number))
    if sheet >= len(starts):
        raise PreviewError("a workbook whose sheet is not there")
    return _cells(stream, starts[sheet], rows, styles)


def _workbook(content: bytes) -> bytes:
    return stream_of(content, ("Workbook", "Book"))


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + length]
        at += 4 + length


def _format_text(data: bytes, is_wide: bool) -> str:
    if not is_wide:
        return data[1 : 1 + data[0]].decode("latin-1")
    if len(data) < 3:
        return ""
    count = struct.unpack_from("<H", data)[0]
    if data[2] & 1:
        return data[3 : 3 + 2 * count].decode("utf-16-le", "replace")
    return data[3 : 3 + count].decode("latin-1")


def _cells(stream: bytes, start: int, rows: int, styles: list[NumberFormat | None]) -> StoredCells:
    found = StoredCells()
    waiting: tuple[int, int] | None = None
    depth = 0

    def number(place: tuple[int, int], style: int, value: float) -> None:
        found.take_number(place, value, styles[style] if style < len(styles) else None)

    for kind, data in _records(stream, start):
        if waiting is not None and kind not in _BETWEEN:
            # The text of a formula stands in the record behind it; without one there is no result.
            if kind == _STRING:
                found.results += 1
            else:
                found.formulas[waiting] = "=…"
            waiting = None
        if kind == _BOF:
            depth += 1
        elif kind == _EOF:
            # A chart within the sheet has its own beginning and end.
            depth -= 1
            if depth <= 0:
                break
        elif depth > 1 or kind not in (_FORMULA, _BOOL_ERR, _NUMBER, _RK, _MUL_RK) or len(data) < 8:
            continue
        else:
            row, column, style = struct.unpack_from("<HHH", data)
            if row >= rows + _SLACK:
                break
            if row >= rows:
                continue
            if kind == _BOOL_ERR:
                if data[7]:
                    found.errors[row, column] = ERRORS.get(data[6], f"#ERROR {data[6]}")
            elif kind == _NUMBER and len(data) >= 14:
                number((row, column), style, struct.unpack_from("<d", data, 6)[0])
            elif kind == _RK and len(data) >= 10:
                number((row, column), style, rk_number(struct.unpack_from("<I", data, 6)[0]))
            elif kind == _MUL_RK:
                for at in range((len(data) - 6) // 6):
                    style, value = struct.unpack_from("<HI", data, 4 + 6 * at)
                    number((row, column + at), style, rk_number(value))
            elif kind == _FORMULA and len(data) >= 14:
                if data[12:14] != b"\xff\xff":
                    found.results += 1
                    number((row, column), style, struct.unpack_from("<d", data, 6)[0])
                elif data[6] == 0:
                    waiting = row, column
                elif data[6] == 3:
                    found.empty += 1
                elif data[6] == 2:
                    found.errors[row, column] = ERRORS.get(data[8], f"#ERROR {data[8]}")
                else:
                    found.results += 1
    return found


def rk_number(value: int) -> float:
    """A number in 30 bits ([MS-XLS] 2.5.217 RkNumber)."""
    if value & 2:
        number = float((value >> 2) - (1 << 30 if value & 0x80000000 else 0))
    else:
        number = float(struct.unpack("<d", struct.pack("<Q", (value & 0xFFFFFFFC) << 32))[0])
    return number / 100 if value & 1 else number
