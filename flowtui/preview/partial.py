"""A file of which only so much is read."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

_BLOCK = 64 * 1024


class PartialFile(io.RawIOBase):
    """A file that gives nothing more once so many bytes were read of it, wherever they lie.

    What counts are the blocks that a store is asked for, since a reader that hops through a file in small steps costs
    all that lies between them.

    Attributes:
        cut: more was wanted than there was left.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        super().__init__()
        self._file = file
        self._left = max(most // _BLOCK, 1)
        self._seen: set[int] = set()
        self.cut = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        at = self._file.tell()
        # A read to the end is cut where the blocks end.
        wanted = (self._left + len(self._seen)) * _BLOCK if size is None or size < 0 else size
        end = at + wanted
        for block in range(at // _BLOCK, -(-end // _BLOCK)):
            if block in self._seen:
                continue
            if not self._left:
                end = max(block * _BLOCK, at)
                self.cut = True
                break
            self._left -= 1
            self._seen.add(block)
        return self._file.read(end - at)
