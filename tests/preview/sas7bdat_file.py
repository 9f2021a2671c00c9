"""A writer of small SAS datasets for tests, as no library writes them.

It follows M. Shotwell's description of the format: 32 and 64 bits, both byte orders, rows in pages of their own, in the
page of the metadata, or compressed (RLE, RDC) as subheaders. What it writes is read by pandas and by ReadStat.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MAGIC = bytes(12) + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\x00\x09\xc7\x31\x8c\x18\x1f\x10\x11"
Compression = Literal["", "rle", "rdc"]
Value = float | str | bytes | None


@dataclass(frozen=True)
class Variable:
    """``length`` 8 or less with ``is_number``; a text of so many bytes without."""

    name: str
    is_number: bool = True
    length: int = 8
    label: str = ""
    format: str = ""
    width: int = 0
    decimals: int = 0


def missing(tag: str = ".") -> bytes:
    """A missing value, as the eight bytes of a big-endian number: ``.``, ``_`` or a letter."""
    code = 0xFE if tag == "." else 0xFF if tag == "_" else 0xFD - (ord(tag) - ord("A"))
    return b"\xff\xff" + bytes([code]) + bytes(5)


class SasFile:
    """Builds one file; ``content`` is the result.

    ``times`` is how often the pages of the rows, ``data``, shall stand in the file; ``content`` has them once.
    """

    def __init__(
        self,
        variables: Sequence[Variable],
        rows: Sequence[Sequence[Value]],
        *,
        name: str = "ADSL",
        label: str = "",
        encoding: tuple[int, str] = (20, "utf-8"),
        is_little: bool = True,
        is_wide: bool = True,
        is_padded: bool = True,
        compression: Compression = "",
        is_mixed: bool = False,
        page_size: int = 8192,
        created: float = 1_900_000_000.0,
        times: int = 1,
    ) -> None:
        self.order = "<" if is_little else ">"
        self.is_wide = is_wide
        self.word = 8 if is_wide else 4
        self.word_code = "Q" if is_wide else "I"
        self.codec = encoding[1]
        self.page_size = page_size
        self.variables = variables
        self.page_header = 40 if is_wide else 24
        self.pointer = 24 if is_wide else 12
        self.row_length = sum(variable.length for variable in variables)
        packed = [self._row(row) for row in rows]
        subheaders = self._metadata(len(rows) * times, label, compression, len(rows) if is_mixed else 0)
        data: list[bytes] = []
        if compression:
            for row in packed:
                shorter = rle(row) if compression == "rle" else rdc(row)
                is_shorter = len(shorter) < len(row)
                subheaders.append((shorter if is_shorter else row, 4 if is_shorter else 0, 1))
            pages = self._subheader_pages(subheaders)
        elif is_mixed:
            pages = self._subheader_pages(subheaders, packed)
            assert len(pages) == 1
        else:
            pages, data = self._subheader_pages(subheaders), self._data_pages(packed)
        header = self._header(name, encoding[0], is_padded, len(pages) + len(data) * times, created)
        self.data = b"".join(data)
        self.content = header + b"".join(pages) + self.data

    def _pack(self, codes: str, *values: float) -> bytes:
        return struct.pack(self.order + codes, *values)

    def _row(self, row: Sequence[Value]) -> bytes:
        found = b""
        for variable, value in zip(self.variables, row, strict=True):
            if variable.is_number:
                number = value if isinstance(value, bytes) else missing() if value is None else struct.pack(">d", value)
                kept = number[: variable.length]
                found += kept if self.order == ">" else kept[::-1]
            else:
                text = value if isinstance(value, bytes) else str(value or "").encode(self.codec)
                found += text.ljust(variable.length)[: variable.length]
        return found

    def _signature(self, code: int) -> bytes:
        if not self.is_wide:
            return self._pack("I", code)
        if code >> 24 not in (0xF6, 0xF7):
            return self._pack("Q", code | 0xFFFFFFFF00000000)
        return self._pack("Q", code) if self.order == "<" else self._pack("2I", code, 0xFFFFFBFE)

    def _metadata(self, count: int, label: str, compression: Compression, mixed: int) -> list[tuple[bytes, int, int]]:
        literal = {"": bytes(8), "rle": b"SASYZCRL", "rdc": b"SASYZCR2"}[compression]
        text = bytearray(12) + literal + bytes(8) + b"DATASTEP"

        def reference(words: str) -> bytes:
            encoded = words.encode(self.codec)
            at = len(text)
            text.extend(encoded.ljust(-(-len(encoded) // 4) * 4))
            return self._pack("3H", 0, at if encoded else 0, len(encoded))

        size = bytearray(808 if self.is_wide else 480)
        size[: self.word] = self._signature(0xF7F7F7F7)
        for index, value in (
            (5, self.row_length),
            (6, count),
            (9, len(self.variables)),
            (13, self.page_size),
            (15, mixed),
        ):
            size[index * self.word : (index + 1) * self.word] = self._pack(self.word_code, value)
        size[-130:-124] = reference(label)
        size[-118:-112] = self._pack("3H", 0, 12, 8 if compression else 0)
        size[-106:-100] = self._pack("3H", 0, 28, 8)

        columns = self._signature(0xF6F6F6F6) + self._pack(self.word_code * 2, len(self.variables), 0)
        names = b"".join(reference(variable.name) + bytes(2) for variable in self.variables)
        attributes = b""
        at = 0
        for variable in self.variables:
            attributes += self._pack(self.word_code + "IHBB", at, variable.length, 4, 1 if variable.is_number else 2, 0)
            at += variable.length
        formats = []
        for variable in self.variables:
            part = bytearray(64 if self.is_wide else 52)
            part[: self.word] = self._signature(0xFFFFFBFE)
            part[3 * self.word : 3 * self.word + 4] = self._pack("2H", variable.width, variable.decimals)
            after = 46 if self.is_wide else 34
            part[after : after + 6] = reference(variable.format)
            part[after + 6 : after + 12] = reference(variable.label)
            formats.append((bytes(part), 0, 0))

        def counted(signature: int, body: bytes) -> bytes:
            length = self.word + 8 + len(body) + 12
            return self._signature(signature) + self._pack("H6x", length - 4 - 2 * self.word) + body + bytes(12)

        text.extend(bytes(12))
        length = self.word + len(text)
        text[:2] = self._pack("H", length - 4 - 2 * self.word)
        return [
            (bytes(size), 0, 0),
            (columns, 0, 0),
            (self._signature(0xFFFFFFFD) + bytes(text), 0, 1),
            (counted(0xFFFFFFFF, names), 0, 1),
            (counted(0xFFFFFFFC, attributes), 0, 1),
            *formats,
        ]

    def _page(self, kind: int, blocks: int, subheaders: int) -> bytearray:
        page = bytearray(self.page_size)
        page[self.page_header - 8 : self.page_header - 2] = self._pack("3H", kind, blocks, subheaders)
        return page

    def _subheader_pages(self, parts: list[tuple[bytes, int, int]], rows: Sequence[bytes] = ()) -> list[bytes]:
        groups: list[list[tuple[bytes, int, int]]] = [[]]
        left = self.page_size - self.page_header
        for part in parts:
            length = -(-len(part[0]) // 8) * 8
            if length + self.pointer > left:
                groups.append([])
                left = self.page_size - self.page_header
            left -= length + self.pointer
            groups[-1].append(part)
        pages = []
        for group in groups:
            page = self._page(0x0200 if rows else 0, len(group) + len(rows), len(group))
            end = self.page_size
            at = self.page_header
            for body, compression, type_ in group:
                end -= -(-len(body) // 8) * 8
                page[end : end + len(body)] = body
                page[at : at + 2 * self.word + 2] = self._pack(
                    self.word_code * 2 + "2B", end, len(body), compression, type_
                )
                at += self.pointer
            at = -(-at // 8) * 8
            for row in rows:
                page[at : at + len(row)] = row
                at += len(row)
            assert at <= end
            pages.append(bytes(page))
        return pages

    def _data_pages(self, rows: Sequence[bytes]) -> list[bytes]:
        each = (self.page_size - self.page_header) // max(self.row_length, 1)
        pages = []
        for first in range(0, len(rows), each):
            part = rows[first : first + each]
            page = self._page(0x0100, len(part), 0)
            body = b"".join(part)
            page[self.page_header : self.page_header + len(body)] = body
            pages.append(bytes(page))
        return pages

    def _header(self, name: str, code: int, is_padded: bool, pages: int, created: float) -> bytes:
        pad = 4 if is_padded else 0
        wide = 4 if self.is_wide else 0
        header = bytearray(8192 if self.is_wide else 1024)
        header[: len(MAGIC)] = MAGIC
        header[32] = 0x33 if self.is_wide else 0x22
        header[35] = 0x33 if is_padded else 0x22
        header[37] = 1 if self.order == "<" else 0
        header[39] = ord("1")
        header[70] = code
        header[84:92] = b"SAS FILE"
        header[92:156] = name.encode(self.codec).ljust(64)
        header[156:164] = b"DATA    "
        header[164 + pad : 180 + pad] = self._pack("2d", created, created + 3600)
        header[196 + pad : 204 + pad] = self._pack("2I", len(header), self.page_size)
        header[204 + pad : 204 + pad + self.word] = self._pack(self.word_code, pages)
        header[216 + pad + wide : 224 + pad + wide] = b"9.0401M7"
        header[224 + pad + wide : 240 + pad + wide] = b"Linux".ljust(16, b"\0")
        return bytes(header)


def _runs(row: bytes) -> list[bytes]:
    runs: list[bytes] = []
    for value in row:
        if runs and runs[-1][0] == value and len(runs[-1]) < 17:
            runs[-1] += bytes([value])
        else:
            runs.append(bytes([value]))
    return runs


def rle(row: bytes) -> bytes:
    """SAS's run length encoding: blanks, zeros, other repeated bytes, and up to 16 bytes as they are."""
    found = bytearray()
    plain = bytearray()

    def flush() -> None:
        while plain:
            part = plain[:16]
            found.append(0x80 | (len(part) - 1))
            found.extend(part)
            del plain[:16]

    for run in _runs(row):
        if len(run) >= 2 and run[0] in (0x20, 0x00, 0x40):
            flush()
            found.append({0x20: 0xE0, 0x00: 0xF0, 0x40: 0xD0}[run[0]] | (len(run) - 2))
        elif len(run) >= 3:
            flush()
            found += bytes([0xC0 | (len(run) - 3), run[0]])
        else:
            plain += run
    flush()
    return bytes(found)


def rdc(row: bytes) -> bytes:
    """Ross Data Compression: repeated bytes and bytes as they are, 16 at a time behind their flags."""
    items: list[tuple[int, bytes]] = []
    for run in _runs(row):
        items += [(1, bytes([len(run) - 3, run[0]]))] if len(run) >= 3 else [(0, bytes([value])) for value in run]
    found = bytearray()
    for first in range(0, len(items), 16):
        group = items[first : first + 16]
        flags = sum(flag << (15 - index) for index, (flag, _) in enumerate(group))
        found += struct.pack(">H", flags) + b"".join(body for _, body in group)
    return bytes(found)
