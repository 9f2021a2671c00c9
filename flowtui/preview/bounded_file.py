"""A file for libraries that seek: few reads, all at once where that can be, and no more than a preview may cost."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowtui.preview.worker import Request

_GAP = 4 * 1024
_MOST_AT_ONCE = 8 << 20
_MOST_ROUNDS = 64
_FIRST_LOOK = 256 * 1024
_BYTES, _ROUND_TRIPS = 500 * 1024, 3
"""What a first look at a remote file may cost: the head among the bytes, and what follows it."""

_LOCAL_BYTES = 16 << 20
_LOCAL_AT_ONCE = 128


class OverBudgetError(Exception):
    """The library asked for more of the file than the preview may cost."""


class NotFetchedError(Exception):
    """A part of the file is needed that was not fetched.

    Attributes:
        ranges: the parts, each from its first byte to the one after its last.
    """

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        super().__init__("a part that was not fetched")
        self.ranges = list(ranges)


class BoundedFile(io.RawIOBase):
    """Reads of another file, whose sum is bounded; what was fetched once costs nothing again.

    Args:
        file: the file that is read; its own buffer is passed by.
        free: bytes from the beginning that are at hand and cost nothing.
        budget: how many bytes of the rest may be read.
        round_trips: how often :meth:`fetch` may ask the store.
        at_once: ranges that take one round trip together.
    """

    def __init__(
        self, file: BinaryIO, *, free: int, budget: int, round_trips: int = 1 << 30, at_once: int = 16
    ) -> None:
        super().__init__()
        self._file: io.RawIOBase | BinaryIO = file.raw if isinstance(file, io.BufferedReader) else file
        self._size = self._file.seek(0, io.SEEK_END)
        self._free = free
        self._left = self._budget = budget
        self._round_trips = round_trips
        self._at_once = at_once
        self._at = 0
        self._starts: list[int] = []
        self._parts: list[bytes] = []
        self._replaced: dict[int, bytes] = {}
        self._is_shut = False

    @staticmethod
    def of(file: BinaryIO, request: Request) -> BoundedFile:
        """The file of a request, with what a look with its limits may cost: 500 KB and four round trips at first."""
        grown = max(request.limits.head // _FIRST_LOOK, 1)
        if request.is_local:
            return BoundedFile(file, free=request.at_hand, budget=grown * _LOCAL_BYTES, at_once=_LOCAL_AT_ONCE)
        budget = max(grown * _BYTES - request.at_hand, 0)
        return BoundedFile(file, free=request.at_hand, budget=budget, round_trips=grown * _ROUND_TRIPS)

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
        """Up to ``size`` bytes. Raises OverBudgetError; NotFetchedError within :meth:`only_fetched`."""
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
                piece = self._read_on(self._at, min(end, following))
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
        """Read ranges from first byte to the one after the last, all at once, and keep them.

        Raises OverBudgetError, and reads nothing then.
        """
        wanted = self._joined(ranges)
        cost, trips = _cost(wanted), -(-len(wanted) // self._at_once)
        if cost > self._left or trips > self._round_trips:
            raise OverBudgetError
        self._left -= cost
        self._round_trips -= trips
        self._keep(wanted)

    def fetch_needed(self, start: int, end: int) -> None:
        """Read and keep what nothing can be shown without, whatever it costs; a part of the budget stays."""
        wanted = self._joined([(start, end)])
        self._left = max(self._left - _cost(wanted), self._budget // 4)
        self._round_trips = max(self._round_trips - bool(wanted), 1)
        self._keep(wanted)

    def fits(self, ranges: Iterable[tuple[int, int]], *, spared: int = 0) -> bool:
        """Whether :meth:`fetch` can pay for ranges in one round trip and leave ``spared`` bytes of the budget."""
        wanted = self._joined(ranges)
        return not wanted or (
            self._round_trips > 0 and len(wanted) <= self._at_once and _cost(wanted) <= self._left - spared
        )

    def missing(self, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """The parts of ranges that are neither at hand nor were fetched."""
        return [part for one in ranges for part in self._missing(*one)]

    def grant(self, budget: int) -> None:
        """Let at least so many bytes be read, in a round trip more."""
        self._left = max(self._left, budget)
        self._round_trips = max(self._round_trips, 1)

    @contextmanager
    def only_fetched(self) -> Iterator[None]:
        """Let reads of what was not fetched raise NotFetchedError, so that several parts can be fetched together."""
        self._is_shut = True
        try:
            yield
        finally:
            self._is_shut = False

    def replace(self, start: int, data: bytes) -> None:
        """Let bytes stand in the place of those of the file, until :meth:`restore`."""
        self._replaced[start] = data

    def restore(self) -> None:
        """Give the bytes of the file again."""
        self._replaced.clear()

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self._size

    @property
    def left(self) -> int:
        """Bytes that may still be read."""
        return self._left

    @property
    def round_trips(self) -> int:
        """How often the store may still be asked."""
        return self._round_trips

    def _missing(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        at, end = max(start, self._free), min(end, self._size)
        while at < end:
            index = bisect_right(self._starts, at) - 1
            if index >= 0 and (kept := self._starts[index] + len(self._parts[index])) > at:
                at = kept
                continue
            following = self._starts[index + 1] if index + 1 < len(self._starts) else end
            yield at, min(end, following)
            at = min(end, following)

    def _joined(self, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """What is missing of ranges, in order; what lies between two is read with them where it is little."""
        joined: list[tuple[int, int]] = []
        for start, end in sorted(self.missing(ranges)):
            last = joined[-1][1] if joined else -_GAP - 1
            is_near = start <= last or (start <= last + _GAP and self.missing([(last, start)]) == [(last, start)])
            if is_near:
                joined[-1] = (joined[-1][0], max(last, end))
            else:
                joined.append((start, end))
        return joined

    def _keep(self, ranges: list[tuple[int, int]]) -> None:
        for (start, _), data in zip(ranges, self._read_ranges(ranges), strict=True):
            at = bisect_right(self._starts, start)
            self._starts.insert(at, start)
            self._parts.insert(at, data)

    def _in_place(self, end: int) -> bytes:
        for start, data in self._replaced.items():
            if start <= self._at < start + len(data):
                return data[self._at - start : end - start]
        return b""

    def _read_on(self, start: int, end: int) -> bytes:
        """A part that was not fetched."""
        if start < self._free:
            end = min(end, self._free)
        elif self._is_shut:
            raise NotFetchedError([(start, end)])
        elif end - start > self._left:
            raise OverBudgetError
        else:
            self._left -= end - start
        return self._read_ranges([(start, end)])[0]

    def _read_ranges(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        read = getattr(self._file, "read_ranges", None)
        if read is not None and ranges and _cost(ranges) <= _MOST_AT_ONCE:
            found: list[bytes] = read([(start, end - start) for start, end in ranges])
            return found
        return [self._pieces(start, end) for start, end in ranges]

    def _pieces(self, start: int, end: int) -> bytes:
        self._file.seek(start)
        pieces = []
        while start < end and (piece := self._file.read(min(end - start, _MOST_AT_ONCE))):
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)


@dataclass(slots=True)
class Wish:
    """Something to be read of a BoundedFile.

    Attributes:
        read: reads it; raises NotFetchedError with the parts that it needs, and is then called again.
        is_begun: True where a part of it was fetched.
        is_done: True once ``read`` has come to its end.
    """

    read: Callable[[], object]
    needs: list[tuple[int, int]] = field(default_factory=list)
    is_begun: bool = False
    is_done: bool = False


def read_together(file: BoundedFile, wishes: Sequence[Wish], *, at_least: int = 0) -> None:
    """Read as much as the file's budget holds, the first wishes first; what they need is fetched at once.

    Args:
        at_least: bytes that may be spent for the first wish where none can be had for less.
    """
    # With what is there already; it tells what is needed.
    asked = list(wishes)
    for _ in range(_MOST_ROUNDS):
        with file.only_fetched():
            for one in asked:
                try:
                    one.read()
                    one.is_done = True
                except NotFetchedError as error:
                    one.needs = error.ranges
        # What was begun is finished before more is begun.
        waiting = sorted((one for one in wishes if not one.is_done), key=lambda one: not one.is_begun)
        if at_least and waiting and len(waiting) == len(wishes) and not any(file.fits(one.needs) for one in waiting):
            file.grant(at_least)
        wanted: list[tuple[int, int]] = []
        asked = []
        # The beginnings of too many would leave nothing to finish them with.
        spared = file.left // 2 if file.round_trips > 1 else 0
        for one in waiting:
            parts = file.missing(one.needs)
            if (
                not parts
                or file.fits([*wanted, *parts], spared=0 if one.is_begun else spared)
                or (not wanted and file.fits(parts))
            ):
                wanted += parts
                one.is_begun = True
                asked.append(one)
        if not asked:
            return
        file.fetch(wanted)


def _cost(ranges: list[tuple[int, int]]) -> int:
    return sum(end - start for start, end in ranges)
