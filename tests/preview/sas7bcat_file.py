"""A writer of small SAS catalogs of formats for tests, as no library writes them; ReadStat reads what it writes.

One page of the index, then one page for each format; numbers are stored so that they sort as bytes, as SAS has them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

MAGIC = bytes(12) + b"\xc2\xea\x81\x63\xb3\x14\x11\xcf\xbd\x92\x08\x00\x09\xc7\x31\x8c\x18\x1f\x10\x11"
PAGE = 4096
Range = tuple[float, float]
Key = float | str | bytes | Range


def missing(letter: str) -> bytes:
    """A missing value, as the eight bytes of it in a catalog."""
    return b"\0\0" + letter.encode() + b"\xff" * 5


def _number(value: float | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    bits = int.from_bytes(struct.pack(">d", value), "big")
    return (bits ^ ((1 << 64) - 1 if value < 0 else 1 << 63)).to_bytes(8, "big")


class CatalogFile:
    """Builds one catalog; ``content`` is the result.

    Args:
        formats: labels by values, by the name of each format; a value is a number, a text, a pair for a range of
            numbers, or the bytes of a missing value.
    """

    def __init__(
        self,
        formats: Mapping[str, Mapping[Key, str]],
        *,
        is_wide: bool = True,
        is_little: bool = True,
        code: int = 0,
        codec: str = "utf-8",
        long_names: Sequence[str] = (),
    ) -> None:
        self.order = "<" if is_little else ">"
        self.is_wide = is_wide
        self.codec = codec
        blocks = [self._block(name, labels, name in long_names) for name, labels in formats.items()]
        header = self._header(code, 3 + len(blocks))
        index = bytearray(PAGE)
        at, size, flag = (1008, 288, 78) if is_wide else (864, 216, 54)
        for number in range(len(blocks)):
            entry = bytearray(size)
            entry[:4] = b"XLSR"
            place = self._pack("QH" if is_wide else "IH", 4 + number, 64)
            start = 8 if is_wide else 4
            entry[start : start + len(place)] = place
            entry[flag] = ord("O")
            index[at : at + size] = entry
            at += size
        pages = [bytes(PAGE), bytes(index), bytes(PAGE)]
        for block in blocks:
            link = self._pack("I4x2H" if is_wide else "I2H", 0, 0, len(block)).ljust(32 if is_wide else 16, b"\0")
            pages.append((bytes(64) + link + block).ljust(PAGE, b"\0"))
        self.content = header + b"".join(pages)

    def _pack(self, codes: str, *values: float) -> bytes:
        return struct.pack(self.order + codes, *values)

    def _block(self, name: str, labels: Mapping[Key, str], is_long: bool) -> bytes:
        count = len(labels)
        flags = 0x08 | ((0x20 if self.is_wide else 0x80) if is_long else 0)
        head = bytearray(158 if self.is_wide else 126)
        head[2:4] = self._pack("H", flags)
        head[8:16] = name.encode(self.codec).ljust(8)[:8]
        head[20:28] = self._pack("d", 1_900_000_000.0)
        at, codes = (46, "2Q") if self.is_wide else (42, "2I")
        counts = self._pack(codes, count, count)
        head[at : at + len(counts)] = counts
        block = bytes(head) + (name.encode(self.codec).ljust(32) if is_long else b"")
        values = []
        for number, key in enumerate(labels):
            if isinstance(key, str):
                ends = key.encode(self.codec).ljust(16)
            else:
                first, last = key if isinstance(key, tuple) else (key, key)
                ends = _number(first) + _number(last)
                ends += ends
            entry = bytes(8) + self._pack("I4x", number) + ends
            values.append((ends, bytes((4, 0)) + self._pack("H", len(entry)) + bytes(2) + entry))
        block += b"".join(entry for _, entry in sorted(values))
        for label in labels.values():
            text = label.encode(self.codec)
            block += bytes(8) + self._pack("H", len(text)) + text + b"\0"
        return block

    def _header(self, code: int, pages: int) -> bytes:
        header = bytearray(8192 if self.is_wide else 1024)
        header[: len(MAGIC)] = MAGIC
        header[32] = 0x33 if self.is_wide else 0x22
        header[35] = 0x33
        header[37] = 1 if self.order == "<" else 0
        header[39] = ord("1")
        header[70] = code
        header[84:92] = b"SAS FILE"
        header[92:156] = b"FORMATS".ljust(64)
        header[156:164] = b"CATALOG "
        header[168:184] = self._pack("2d", 1_900_000_000.0, 1_900_003_600.0)
        header[200:208] = self._pack("2I", len(header), PAGE)
        count = self._pack("Q" if self.is_wide else "I", pages)
        header[208 : 208 + len(count)] = count
        at = 224 if self.is_wide else 220
        header[at : at + 8] = b"9.0401M7"
        return bytes(header)
