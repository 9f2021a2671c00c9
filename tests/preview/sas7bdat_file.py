"""A writer of small SAS datasets for tests, as no library writes them.

It follows M. Shotwell's description of the format: 32 and 64 bits, both byte orders, rows in pages of their own, in the
page of the metadata, or compressed (RLE, RDC) as subheaders. Rows can be deleted in place as SAS does that, labels can
lie in a second block of text behind the rows, and rows can begin where some other programs let them begin.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
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

    Args:
        deleted: numbers of rows that were deleted in place.
        is_unaligned: rows behind pointers begin at once, not at a multiple of 8 bytes, as other programs write them.
        later_labels: labels lie in a second block of text, in a page behind the rows.
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
        deleted: Collection[int] = (),
        is_unaligned: bool = False,
        later_labels: bool = False,
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
        self.deleted = frozenset(deleted)
        self.is_unaligned = is_unaligned
        self.later_labels = later_labels
        self.later_text = bytearray(12)
        packed = [self._row(row) for row in rows]
        data: list[bytes] = []
        later: list[bytes] = []
        last_page = 0
        for _ in range(1 + later_labels):
            mixed = len(rows) if is_mixed else 0
            subheaders = self._metadata(len(rows) * times, label, compression, mixed, last_page)
            if compression:
                subheaders += [self._compressed(number, row, compression) for number, row in enumerate(packed)]
                pages = self._subheader_pages(subheaders)
            elif is_mixed:
                pages = self._subheader_pages(subheaders, packed)
                assert len(pages) == 1
            else:
                pages, data = self._subheader_pages(subheaders), self._data_pages(packed)
            last_page = len(pages) + len(data) + 1
        if later_labels:
            later = self._subheader_pages([(self._text(self.later_text), 0, 1)], kind=0x0400)
        count = len(pages) + len(data) * times + len(later)
        header = self._header(name, encoding[0], is_padded, count, created)
        self.data = b"".join(data)
        self.content = header + b"".join(pages) + self.data + b"".join(later)

    def _compressed(self, number: int, row: bytes, compression: Compression) -> tuple[bytes, int, int]:
        shorter = rle(row) if compression == "rle" else rdc(row)
        is_shorter = len(shorter) < len(row)
        return shorter if is_shorter else row, (4 if is_shorter else 0) | (number in self.deleted), 1

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

    def _text(self, text: bytes | bytearray) -> bytes:
        """A block of text, whose first two bytes tell its length."""
        body = bytearray(text) + bytes(12)
        body[:2] = self._pack("H", len(body) - 4 - self.word)
        return self._signature(0xFFFFFFFD) + bytes(body)

    def _counts(self, last_page: int) -> bytes:
        """Where blocks of text first and last are: the second of the vectors of the subheader of counts."""
        vector, first = (40, 120) if self.is_wide else (20, 64)
        part = bytearray(first + 12 * vector)
        part[: self.word] = self._signature(0xFFFFFC00)
        word = self.word_code
        text = self._signature(0xFFFFFFFD) + self._pack(f"{word}H{self.word - 2}x{word}H", 1, 4, last_page, 1)
        part[first + vector : first + vector + len(text)] = text
        return bytes(part)

    def _metadata(
        self, count: int, label: str, compression: Compression, mixed: int, last_page: int
    ) -> list[tuple[bytes, int, int]]:
        literal = {"": bytes(8), "rle": b"SASYZCRL", "rdc": b"SASYZCR2"}[compression]
        text = bytearray(12) + literal + bytes(8) + b"DATASTEP"

        def reference(words: str, block: int = 0) -> bytes:
            encoded = words.encode(self.codec)
            into = self.later_text if block else text
            at = len(into)
            into.extend(encoded.ljust(-(-len(encoded) // 4) * 4))
            return self._pack("3H", block if encoded else 0, at if encoded else 0, len(encoded))

        size = bytearray(808 if self.is_wide else 480)
        size[: self.word] = self._signature(0xF7F7F7F7)
        for index, value in (
            (5, self.row_length),
            (6, count),
            (7, len(self.deleted)),
            (9, len(self.variables)),
            (13, self.page_size),
            (15, mixed),
        ):
            size[index * self.word : (index + 1) * self.word] = self._pack(self.word_code, value)
        size[-130:-124] = reference(label)
        size[-60:-58] = self._pack("H", 1 + self.later_labels)
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
            part[after + 6 : after + 12] = reference(variable.label, int(self.later_labels))
            formats.append((bytes(part), 0, 0))

        def counted(signature: int, body: bytes) -> bytes:
            rest = bytes(4 + self.word)
            length = self.word + 8 + len(body) + len(rest)
            return self._signature(signature) + self._pack("H6x", length - 4 - 2 * self.word) + body + rest

        return [
            (bytes(size), 0, 0),
            (columns, 0, 0),
            (self._counts(last_page), 0, 0),
            (self._text(text), 0, 1),
            (counted(0xFFFFFFFF, names), 0, 1),
            (counted(0xFFFFFFFC, attributes), 0, 1),
            *formats,
        ]

    def _page(self, kind: int, blocks: int, subheaders: int) -> bytearray:
        page = bytearray(self.page_size)
        page[self.page_header - 8 : self.page_header - 2] = self._pack("3H", kind, blocks, subheaders)
        return page

    def _free(self, page: bytearray, start: int, end: int, first: int, rows: int) -> None:
        """Tell the free space of a page, and which of its rows were deleted, in bits before ``end``."""
        bits = bytearray(-(-rows // 8) if self.deleted else 0)
        for row in range(rows if self.deleted else 0):
            if first + row in self.deleted:
                bits[row // 8] |= 0x80 >> row % 8
        end -= len(bits)
        page[3 * self.word : 4 * self.word] = self._pack(self.word_code, end - start)
        if any(bits):
            page[end : end + len(bits)] = bits
            at = self.page_header - 8
            kind = struct.unpack_from(self.order + "H", page, at)[0]
            page[at : at + 2] = self._pack("H", kind | 0x80)

    def _subheader_pages(
        self, parts: list[tuple[bytes, int, int]], rows: Sequence[bytes] = (), kind: int = 0
    ) -> list[bytes]:
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
            page = self._page(0x0200 if rows else kind, len(group) + len(rows), len(group))
            end = self.page_size
            at = self.page_header
            for body, compression, type_ in group:
                end -= -(-len(body) // 8) * 8
                page[end : end + len(body)] = body
                page[at : at + 2 * self.word + 2] = self._pack(
                    self.word_code * 2 + "2B", end, len(body), compression, type_
                )
                at += self.pointer
            at = at if self.is_unaligned else -(-at // 8) * 8
            for row in rows:
                page[at : at + len(row)] = row
                at += len(row)
            assert at <= end
            if rows:
                self._free(page, at, end, 0, len(rows))
            pages.append(bytes(page))
        return pages

    def _data_pages(self, rows: Sequence[bytes]) -> list[bytes]:
        # With deleted rows each has a bit more.
        bits = 8 * self.row_length + bool(self.deleted)
        each = max(8 * (self.page_size - self.page_header) // bits, 1) if bits else 1
        pages = []
        for first in range(0, len(rows), each):
            part = rows[first : first + each]
            page = self._page(0x0100, len(part), 0)
            body = b"".join(part)
            page[self.page_header : self.page_header + len(body)] = body
            self._free(page, self.page_header + len(body), self.page_size, first, len(part))
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
        header[216 + pad + wide : 224 + pad + wide] = b"9.0000M0" if self.is_unaligned else b"9.0401M7"
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
