"""Tables of FlatBuffers, read by the numbers of their fields (https://flatbuffers.dev/internals/)."""

from __future__ import annotations

import struct
from collections.abc import Iterator


class Table:
    """A table of FlatBuffers, whose fields are read by their numbers. Raises struct.error for damaged bytes."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self._fields = at - struct.unpack_from("<i", data, at)[0]
        self._size = struct.unpack_from("<H", data, self._fields)[0]

    @staticmethod
    def root(data: bytes) -> Table:
        return Table(data, struct.unpack_from("<I", data)[0])

    @property
    def at(self) -> int:
        """Where it stands in its buffer."""
        return self._at

    def position(self, number: int) -> int:
        """Where a field stands in its buffer, 0 where it has none."""
        slot = 4 + 2 * number
        offset = struct.unpack_from("<H", self._data, self._fields + slot)[0] if slot + 2 <= self._size else 0
        return self._at + offset if offset else 0

    def scalar(self, number: int, code: str, default: int = 0) -> int:
        at = self.position(number)
        found: int = struct.unpack_from(f"<{code}", self._data, at)[0] if at else default
        return found

    def table(self, number: int) -> Table | None:
        at = self.position(number)
        return Table(self._data, at + struct.unpack_from("<I", self._data, at)[0]) if at else None

    def _vector(self, number: int, width: int) -> tuple[int, int]:
        at = self.position(number)
        if not at:
            return 0, 0
        at += struct.unpack_from("<I", self._data, at)[0]
        count = struct.unpack_from("<I", self._data, at)[0]
        if at + 4 + count * width > len(self._data):
            raise struct.error("a vector is longer than its message")
        return at + 4, count

    def structs(self, number: int, format_: str) -> list[tuple[int, ...]]:
        width = struct.calcsize(format_)
        at, count = self._vector(number, width)
        return [struct.unpack_from(format_, self._data, at + index * width) for index in range(count)]

    def tables(self, number: int) -> Iterator[Table]:
        at, count = self._vector(number, 4)
        for index in range(count):
            place = at + 4 * index
            yield Table(self._data, place + struct.unpack_from("<I", self._data, place)[0])
