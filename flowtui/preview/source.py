"""What previewers read from: a file in a store, or a file within a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from flowtui.storage.cache import BLOCK_SIZE

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

_LOCAL_FETCHES = 2000
_BYTES_PER_FETCH = 2 * BLOCK_SIZE


class Source(Protocol):
    """Ranged reading of one file; :class:`flowtui.storage.Reader` is one."""

    @property
    def requests(self) -> int:
        """GETs that were sent for it."""

    @property
    def bytes_read(self) -> int:
        """Bytes that came from the store for it."""

    async def read(self, start: int, length: int) -> bytes:
        """``length`` bytes from ``start``; fewer where the file ends before."""

    async def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Several parts at once, each given by its first byte and its length."""

    async def size(self) -> int | None:
        """Its size in bytes; None where it is not known."""


def is_local(source: Source) -> bool:
    """True for a file of this machine, whose reads cost next to nothing."""
    return bool(getattr(source, "is_local", False))


class Ranges:
    """Parts of a file beyond its head, in a bounded number of fetches; one fetch costs a round trip and 64 KB.

    A file in a store may cost two fetches, and four times as many with each further look; one of this machine may
    cost many. What can only be unpacked from its beginning, to an end that is not known, may cost none: a part far
    behind would unpack all before it.

    Attributes:
        is_local: True for a file of this machine, whose fetches cost next to nothing.
        left: how many fetches there may still be.
        spent: True where a part was left out as there may be no further fetch.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        grown = max(subject.limits.head // _BYTES_PER_FETCH, 1)
        self.is_local = is_local(subject.reader)
        self.left = grown * _LOCAL_FETCHES if self.is_local else grown
        if subject.size is None and getattr(subject.reader, "is_sequential", False):
            self.left = 0
        self.spent = False
        self._start = 0
        self._window = b""

    async def read(self, start: int, length: int) -> bytes | None:
        """``length`` bytes from ``start``, fewer where the file ends before; None where no fetch is left.

        Raises NotFoundError, StorageError where the file cannot be read.
        """
        head = self._subject.head
        end = start + length
        if end <= len(head) or self._subject.whole:
            return head[start:end]
        if self._start <= start and end <= self._start + len(self._window):
            return self._window[start - self._start : end - self._start]
        if not self.left:
            self.spent = True
            return None
        self.left -= 1
        # Whole blocks are fetched in any case, so that what lies around the part comes with it.
        self._start = start // BLOCK_SIZE * BLOCK_SIZE
        self._window = await self._subject.reader.read(self._start, -(-end // BLOCK_SIZE) * BLOCK_SIZE - self._start)
        return self._window[start - self._start : end - self._start]
