"""Workbooks that no library of the tests writes: Excel's binary workbooks and OpenDocument."""

from __future__ import annotations

import io
import struct
import zipfile

_TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def ods(cells: str) -> bytes:
    """A workbook of OpenDocument with one sheet; ``cells``: the elements of its rows."""
    names = " ".join(
        f'xmlns:{prefix}="{name}"'
        for prefix, name in (
            ("office", "urn:oasis:names:tc:opendocument:xmlns:office:1.0"),
            ("table", "urn:oasis:names:tc:opendocument:xmlns:table:1.0"),
            ("text", "urn:oasis:names:tc:opendocument:xmlns:text:1.0"),
            ("calcext", "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"),
        )
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {names}><office:body><office:spreadsheet>'
        f'<table:table table:name="S1">{cells}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return sink.getvalue()


def _record(kind: int, data: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    length, size = b"", len(data)
    while size > 127:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return head + length + bytes([size]) + data


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def xlsb(rows: list[list[str | float | bytes | None]], *, date_column: int = -1) -> bytes:
    """A binary workbook of one sheet ([MS-XLSB]); bytes stand for an error of that code.

    Args:
        date_column: the column whose numbers have the format ``yyyy-mm-dd``.
    """
    cells = b""
    for at, row in enumerate(rows):
        cells += _record(0, struct.pack("<IIHBBBI", at, 0, 300, 0, 0, 0, 0))
        for column, value in enumerate(row):
            place = struct.pack("<II", column, 1 if column == date_column and isinstance(value, float) else 0)
            if isinstance(value, bytes):
                cells += _record(3, place + value)
            elif isinstance(value, str):
                cells += _record(6, place + _wide(value))
            elif value is not None:
                cells += _record(5, place + struct.pack("<d", value))
    width = max(map(len, rows))
    sheet = _record(129) + _record(148, struct.pack("<IIII", 0, len(rows) - 1, 0, width - 1))
    sheet += _record(145) + cells + _record(146) + _record(130)
    book = _record(131) + _record(143) + _record(156, struct.pack("<II", 0, 1) + _wide("rId1") + _wide("One"))
    book += _record(144) + _record(132)
    xf = b"".join(_record(47, struct.pack("<HHHHHBBBBBB", 0, number, 0, 0, 0, 0, 0, 0, 0, 0, 0)) for number in (0, 164))
    styles = (
        _record(278) + _record(615, struct.pack("<I", 1)) + _record(44, struct.pack("<H", 164) + _wide("yyyy-mm-dd"))
    )
    styles += _record(616) + _record(617, struct.pack("<I", 2)) + xf + _record(618) + _record(279)
    relation = f'<Relationships xmlns="{_PACKAGE}/relationships">%s</Relationships>'
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{_PACKAGE}/content-types"/>')
        archive.writestr(
            "_rels/.rels",
            relation % f'<Relationship Id="rId1" Type="{_TYPES}/officeDocument" Target="xl/workbook.bin"/>',
        )
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            relation % f'<Relationship Id="rId1" Type="{_TYPES}/worksheet" Target="worksheets/sheet1.bin"/>',
        )
        archive.writestr("xl/workbook.bin", book)
        archive.writestr("xl/worksheets/sheet1.bin", sheet)
        archive.writestr("xl/styles.bin", styles)
    return sink.getvalue()
