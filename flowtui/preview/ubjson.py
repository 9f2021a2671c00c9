"""Universal Binary JSON (UBJSON draft 12), as XGBoost writes its models, from what is at hand of a file.

Objects are lists of pairs; arrays of one type of number stay packed. Nothing is built beyond the bytes that are there.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator

from flowtui.preview.json_cells import JsonObject

_NUMBERS = {
    b"i": (1, "b"), b"U": (1, "B"), b"I": (2, "h"), b"l": (4, "i"), b"L": (8, "q"), b"d": (4, "f"), b"D": (8, "d"),
}  # fmt: skip
_WORDS: dict[bytes, object] = {b"Z": None, b"T": True, b"F": False}
_DEEPEST = 50
_MOST_VALUES = 500_000


class CutError(Exception):
    """The bytes end within a value, or are none."""


class Ubjson:
    """Reads values one after the other.

    Attributes:
        at: where the next one begins in the data.
        is_cut: True where a value was not whole, or more values were there than are read: what came before is kept.
    """

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._left = _MOST_VALUES
        self.at = at
        self.is_cut = False

    def value(self) -> object:
        """The value that begins here; an object or array that is cut is what is there of it.

        Raises:
            CutError: there is no value.
        """
        return self._value(self._marker(), 0)

    def members(self) -> JsonObject:
        """Further members of an object that was begun before, to its end."""
        return self._object(0)

    def _value(self, marker: bytes, depth: int) -> object:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise CutError
        if marker in _WORDS:
            return _WORDS[marker]
        if marker in _NUMBERS:
            width, code = _NUMBERS[marker]
            return struct.unpack(f">{code}", self._take(width))[0]
        if marker == b"C":
            return self._take(1).decode("latin-1")
        if marker in (b"S", b"H"):
            return self._text()
        if marker == b"{":
            return self._object(depth)
        if marker == b"[":
            return self._array(depth)
        raise CutError

    def _object(self, depth: int) -> JsonObject:
        kind, count = self._head()
        found = JsonObject()
        try:
            for _ in self._places(b"}", count):
                name = self._text()
                found.append((name, self._value(kind or self._marker(), depth + 1)))
                if self.is_cut:
                    break
        except CutError:
            self.is_cut = True
        return found

    def _array(self, depth: int) -> object:
        kind, count = self._head()
        if kind in _NUMBERS and count is not None:
            width, code = _NUMBERS[kind]
            body = self._data[self.at : self.at + count * width]
            self.is_cut = len(body) < count * width
            packed = array(code)
            packed.frombytes(body[: len(body) // width * width])
            if sys.byteorder == "little":
                packed.byteswap()
            self.at += count * width
            return packed
        found: list[object] = []
        try:
            for _ in self._places(b"]", count):
                found.append(self._value(kind or self._marker(), depth + 1))
                if self.is_cut:
                    break
        except CutError:
            self.is_cut = True
        return found

    def _head(self) -> tuple[bytes, int | None]:
        """The type that all values of a container have, and how many there are, where it says so."""
        kind = b""
        if self._data[self.at : self.at + 1] == b"$":
            self.at += 1
            kind = self._take(1)
        if self._data[self.at : self.at + 1] != b"#":
            if kind:
                raise CutError
            return b"", None
        self.at += 1
        return kind, self._length()

    def _places(self, end: bytes, count: int | None) -> Iterator[None]:
        """Once for each value of a container: as many as it says, or until it is closed."""
        if count is not None:
            for _ in range(count):
                yield
            return
        while self._peek() != end:
            yield
        self.at += 1

    def _peek(self) -> bytes:
        while self._data[self.at : self.at + 1] == b"N":
            self.at += 1
        if self.at >= len(self._data):
            raise CutError
        return self._data[self.at : self.at + 1]

    def _marker(self) -> bytes:
        marker = self._peek()
        self.at += 1
        return marker

    def _length(self) -> int:
        width, code = _NUMBERS.get(self._take(1), (0, ""))
        if code not in ("b", "B", "h", "i", "q"):
            raise CutError
        found: int = struct.unpack(f">{code}", self._take(width))[0]
        if found < 0:
            raise CutError
        return found

    def _text(self) -> str:
        return self._take(self._length()).decode("utf-8", "replace")

    def _take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self._data):
            raise CutError
        taken = self._data[self.at : end]
        self.at = end
        return taken
