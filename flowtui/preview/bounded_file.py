"""A file for libraries that seek: few and large reads, and no more bytes than a preview may cost."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterable
from typing import BinaryIO

_GAP = 64 * 1024
_MOST_AT_ONCE = 8 << 20


class OverBudgetError(Exception):
    """The library asked for more of the file than the preview may cost."""


class BoundedFile(io.RawIOBase):
    """Reads of another file, whose sum is bounded; what was fetched once costs nothing again.

    Args:
        file: the file that is read; its own buffer is passed by.
        free: bytes from the beginning that are at hand and cost nothing.
        budget: how many bytes of the rest may be read.
    """

    def __init__(self, file: BinaryIO, *, free: int, budget: int) -> None:
        super().__init__()
        self._file: io.RawIOBase | BinaryIO = file.raw if isinstance(file, io.BufferedReader) else file
        self._size = self._file.seek(0, io.SEEK_END)
        self._free = free
        self._left = budget
        self._at = 0
        self._starts: list[int] = []
        self._parts: list[bytes] = []
        self._replaced: dict[int, bytes] = {}

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence], 0)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Up to ``size`` bytes. Raises OverBudgetError."""
        end = self._size if size is None or size < 0 else min(self._at + size, self._size)
        pieces: list[bytes] = []
        while self._at < end:
            if self._replaced and (piece := self._in_place(end)):
                pieces.append(piece)
                self._at += len(piece)
                continue
            index = bisect_right(self._starts, self._at) - 1
            offset = self._at - self._starts[index] if index >= 0 else 0
            if index >= 0 and offset < len(self._parts[index]):
                piece = self._parts[index][offset : offset + end - self._at]
            else:
                following = self._starts[index + 1] if index + 1 < len(self._starts) else end
                piece = self._fetch(self._at, min(end, following))
            if not piece:
                break
            pieces.append(piece)
            self._at += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Read ranges of ``(start, end)`` in as few reads as they allow and keep them. Raises OverBudgetError."""
        ordered = sorted(ranges)
        spare = self._left - sum(self.cost(start, end) for start, end in ordered)
        merged: list[list[int]] = []
        for start, end in ordered:
            # What lies between two ranges is read with them where that is less than another request.
            gap = max(start - merged[-1][1], 0) if merged else 0
            if merged and gap <= min(_GAP, spare):
                spare -= gap
                merged[-1][1] = max(merged[-1][1], end)
            else:
                merged.append([start, end])
        for start, end in merged:
            self._at = start
            part = self.read(end - start)
            at = bisect_right(self._starts, start)
            self._starts.insert(at, start)
            self._parts.insert(at, part)

    def replace(self, start: int, data: bytes) -> None:
        """Let bytes stand in the place of those of the file, until :meth:`restore`."""
        self._replaced[start] = data

    def restore(self) -> None:
        """Give the bytes of the file again."""
        self._replaced.clear()

    @property
    def left(self) -> int:
        """Bytes that may still be read."""
        return self._left

    def cost(self, start: int, end: int) -> int:
        """Bytes that would come from the store for a range."""
        return max(end - max(start, self._free), 0)

    def _in_place(self, end: int) -> bytes:
        for start, data in self._replaced.items():
            if start <= self._at < start + len(data):
                return data[self._at - start : end - start]
        return b""

    def _fetch(self, start: int, end: int) -> bytes:
        cost = self.cost(start, end)
        if cost > self._left:
            raise OverBudgetError
        self._left -= cost
        self._file.seek(start)
        pieces = []
        while start < end:
            piece = self._file.read(min(end - start, _MOST_AT_ONCE))
            if not piece:
                break
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)
