"""Pages of SAS datasets: what kind each is, its subheaders, and where its rows lie.

After M. Shotwell's description. A page tells its free space, which lies between its last row and the bits of deleted
rows; these end where the first subheader begins, or the page ends.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from flowtui.preview.sas7bdat_header import Header

ROW_SIZE, COLUMN_SIZE, COUNTS = 0xF7F7F7F7, 0xF6F6F6F6, 0xFFFFFC00
TEXT, NAMES, ATTRIBUTES, FORMAT = 0xFFFFFFFD, 0xFFFFFFFF, 0xFFFFFFFC, 0xFFFFFBFE
_KNOWN = frozenset((ROW_SIZE, COLUMN_SIZE, COUNTS, FORMAT))
_COLUMN_MASK = 0xFFFFFFF8

_DELETED, _DATA, _MIX, _INDEX = 0x0080, 0x0100, 0x0200, 0x9000
_SKIPPED, _COMPRESSED = 1, 4
_ALL_ONES = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Subheader:
    """A part of a page.

    Attributes:
        signature: what it is, of 32 bits also in a file of 64; 0 where it is a row.
        start, length: of its bytes in the page.
        is_row: whether it is a row of a compressed dataset.
        is_compressed: whether that row is stored compressed.
    """

    signature: int
    start: int
    length: int
    is_row: bool = False
    is_compressed: bool = False


class Page:
    """One page of a dataset; its bytes may be damaged in any way."""

    def __init__(self, data: bytes, header: Header) -> None:
        self.data = data
        self._header = header
        counts = struct.unpack_from(f"{header.order}3H", data, header.page_header - 8)
        self.type: int = counts[0]
        self._blocks: int = counts[1]
        self._pointers: int = counts[2]
        self._free: int = struct.unpack_from(f"{header.order}{header.word_code}", data, 3 * header.word)[0]

    @property
    def is_index(self) -> bool:
        """Whether it holds neither rows nor what describes them, but an index of them."""
        return bool(self.type & _INDEX)

    @property
    def has_rows(self) -> bool:
        """Whether rows lie in it as they are, one after the other."""
        return bool(self.type & (_DATA | _MIX)) and not self.is_index

    @property
    def has_deleted_rows(self) -> bool:
        """Whether some of its rows are marked as deleted."""
        return bool(self.type & _DELETED)

    @property
    def row_count(self) -> int:
        """Rows that lie in it as they are, deleted ones too."""
        if not self.has_rows:
            return 0
        return self._blocks if self.type & _DATA else max(self._blocks - self._pointers, 0)

    @property
    def text_count(self) -> int:
        """Blocks of text in it."""
        return sum(one.signature == TEXT for one in self.subheaders())

    def subheaders(self) -> Iterator[Subheader]:
        """Its subheaders in the order of their pointers; those that are void, or not within the page, are left out.

        They do not overlap, so that a page whose subheaders are longer than itself is damaged: the first are given.
        """
        if self.type & _DATA or self.is_index:
            return
        header = self._header
        size = 3 * header.word
        start = header.page_header
        end = min(start + self._pointers * size, len(self.data) // size * size)
        end = start + max(end - start, 0) // size * size
        left = len(self.data)
        pointer = struct.Struct(f"{header.order}2{header.word_code}2B{header.word - 2}x")
        for at, length, flags, kind in pointer.iter_unpack(self.data[start:end]):
            if not length or flags & _SKIPPED or at < start or at + length > len(self.data):
                continue
            left -= length
            if left < 0:
                return
            if flags & _COMPRESSED:
                yield Subheader(0, at, length, True, True)
            else:
                signature = self._signature(at) if length >= header.word else 0
                is_known = signature in _KNOWN or signature & _COLUMN_MASK == _COLUMN_MASK
                yield Subheader(signature if is_known else 0, at, length, kind == 1 and not is_known)

    def _signature(self, at: int) -> int:
        order = self._header.order
        if self._header.bits == 32:
            found: int = struct.unpack_from(f"{order}I", self.data, at)[0]
            return found
        (both,) = struct.unpack_from(f"{order}Q", self.data, at)
        high, low = int(both) >> 32, int(both) & _ALL_ONES
        if high in (ROW_SIZE, COLUMN_SIZE):
            return high
        # A row of 64 bits that begins like a signature of 32 is none.
        return low if high == _ALL_ONES or low in (ROW_SIZE, COLUMN_SIZE) else 0

    def row_starts(self, row_length: int, capacity: int) -> tuple[int, ...]:
        """Where its first row may begin, the most likely place first.

        SAS lets rows behind pointers begin at a multiple of 8 bytes, and its free space tells so. Some other programs
        do not, and their free space does not tell: there are two places then.

        Args:
            capacity: how many rows such a page can hold, as the dataset tells it.
        """
        start = self._header.page_header
        if self.type & _DATA:
            return (start,)
        start += self._pointers * 3 * self._header.word
        padded = -(-start // 8) * 8
        return (padded,) if padded == start or self._is_full(padded, row_length, capacity) else (padded, start)

    def _is_full(self, start: int, row_length: int, capacity: int) -> bool:
        """Whether rows from there, the free space and the bits of deleted rows end where the subheaders begin."""
        used = start + self.row_count * row_length + self._free
        first = min((one.start for one in self.subheaders()), default=len(self.data))
        return first - used in (0, -(-self.row_count // 8), -(-capacity // 8))

    def deleted_rows(self, row_length: int, start: int) -> bytes | None:
        """Which of its rows were deleted, a bit for each from the highest on; None where that makes no sense."""
        at = start + self.row_count * row_length + self._free
        length = -(-self.row_count // 8)
        return self.data[at : at + length] if at + length <= len(self.data) else None
