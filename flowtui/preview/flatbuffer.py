"""FlatBuffers (https://flatbuffers.dev/internals/) without a schema's code: tables by the numbers of their fields.

Every offset is checked against the bytes that are at hand; what lies beyond them cannot be read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MOST_ITEMS = 100_000
"""Values of one vector that are read at most."""

_LONGEST_TEXT = 1 << 20
_LEAST_VTABLE = 4


class UnreadableError(Exception):
    """An offset leads out of the bytes that are at hand."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a buffer.

    Attributes:
        data: the buffer; its root table is at the offset that it begins with.
        at: where the table is.
    """

    data: bytes
    at: int

    def number(self, field: int, code: str, default: float = 0) -> int:
        """A field that is a number of :mod:`struct`'s ``code``; ``default`` where it is not there."""
        place = self._place(field)
        return int(default) if place is None else int(_unpack(self.data, place, code))

    def real(self, field: int, code: str = "d") -> float | None:
        """A field that is a fraction; None where it is not there."""
        place = self._place(field)
        return None if place is None else float(_unpack(self.data, place, code))

    def text(self, field: int) -> str:
        """A field that is a string; empty where it is not there."""
        place = self._place(field)
        return "" if place is None else text_at(self.data, _follow(self.data, place))

    def table(self, field: int) -> Table | None:
        """A field that is a table, or the value of a union."""
        place = self._place(field)
        return None if place is None else Table(self.data, _follow(self.data, place))

    def length(self, field: int) -> int:
        """How many values a vector has; 0 where it is not there."""
        place = self._place(field)
        return 0 if place is None else _unpack(self.data, _follow(self.data, place), "I")

    def numbers(self, field: int, code: str, most: int = MOST_ITEMS) -> tuple[float, ...]:
        """The first values of a vector of numbers."""
        place = self._place(field)
        if place is None:
            return ()
        at = _follow(self.data, place)
        count = min(_unpack(self.data, at, "I"), most)
        form = struct.Struct(f"<{count}{code}")
        if at + 4 + form.size > len(self.data):
            raise UnreadableError
        return form.unpack_from(self.data, at + 4)

    def integers(self, field: int, code: str, most: int = MOST_ITEMS) -> tuple[int, ...]:
        """The first values of a vector of whole numbers."""
        return tuple(int(one) for one in self.numbers(field, code, most))

    def tables(self, field: int, most: int = MOST_ITEMS) -> list[Table]:
        """The first tables of a vector of them."""
        return [Table(self.data, at) for at in self._offsets(field, most)]

    def texts(self, field: int, most: int = MOST_ITEMS) -> list[str]:
        """The first strings of a vector of them."""
        return [text_at(self.data, at) for at in self._offsets(field, most)]

    def _offsets(self, field: int, most: int) -> list[int]:
        place = self._place(field)
        if place is None:
            return []
        at = _follow(self.data, place)
        count = min(_unpack(self.data, at, "I"), most)
        if at + 4 + 4 * count > len(self.data):
            raise UnreadableError
        return [_follow(self.data, at + 4 + 4 * index) for index in range(count)]

    def _place(self, field: int) -> int | None:
        """Where a field is; None where the table has none, which means its default."""
        vtable = self.at - _unpack(self.data, self.at, "i")
        length = _unpack(self.data, vtable, "H")
        if length < _LEAST_VTABLE:
            raise UnreadableError
        if 4 + 2 * field + 2 > length:
            return None
        offset = _unpack(self.data, vtable + 4 + 2 * field, "H")
        return self.at + offset if offset else None


def root_of(data: bytes) -> Table:
    """The root table of a buffer. Raises UnreadableError where the buffer has none."""
    return Table(data, _follow(data, 0))


def text_at(data: bytes, at: int) -> str:
    """The string at an offset, its first million bytes."""
    length = min(_unpack(data, at, "I"), _LONGEST_TEXT)
    if at + 4 + length > len(data):
        raise UnreadableError
    return data[at + 4 : at + 4 + length].decode("utf-8", "replace")


def _follow(data: bytes, at: int) -> int:
    found: int = at + _unpack(data, at, "I")
    if found >= len(data):
        raise UnreadableError
    return found


def _unpack(data: bytes, at: int, code: str) -> int:
    form = struct.Struct(f"<{code}")
    if at < 0 or at + form.size > len(data):
        raise UnreadableError
    found: int = form.unpack_from(data, at)[0]
    return found
