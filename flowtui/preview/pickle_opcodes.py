"""The opcodes of a pickle with their arguments, as :mod:`pickletools` lists them, from a part of a file."""

from __future__ import annotations

import io
import pickletools
from typing import Any

from flowtui.preview.symbols import Blob, Opaque

_KEPT_BYTES = 1024
_MOST_DIGITS = 2000
_CODES = {ord(one.code): one for one in pickletools.opcodes}
_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1, pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4, pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}  # fmt: skip


class StarvedError(Exception):
    """The bytes of an argument are not at hand."""


class DamagedError(Exception):
    """The pickle does what no pickle does."""


class Opcodes:
    """Reads one opcode after the other of a part of a file that begins at ``offset``.

    Attributes:
        at: where in the data the next one begins; behind its end where the body of an argument goes on there.
    """

    def __init__(self, data: bytes = b"", offset: int = 0) -> None:
        self._data = data
        self._offset = offset
        self.at = 0

    def next(self) -> tuple[str, Any]:
        """The next opcode's name and its argument, None where it has none.

        Long bytes are a :class:`Blob` with the first of them, and their body need not be at hand; long numbers are in
        words.

        Raises:
            StarvedError: the opcode is not whole in the data.
            DamagedError, ValueError: it is none.
        """
        code = _CODES.get(self._take(1)[0])
        if code is None:
            raise DamagedError
        return code.name, None if code.arg is None else self._argument(code.arg)

    def skip(self, length: int, *, padded: bool) -> None:
        """Go on behind ``length`` bytes; ``padded`` where a byte that counts further ones comes before them."""
        padding = self._take(1)[0] if padded else 0
        self.at += padding + length

    def _take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self._data):
            raise StarvedError
        taken = self._data[self.at : end]
        self.at = end
        return taken

    def _argument(self, kind: pickletools.ArgumentDescriptor) -> Any:
        if kind.n >= 0:
            return kind.reader(io.BytesIO(self._take(kind.n)))
        if kind.n == pickletools.UP_TO_NEWLINE:
            return self._line_argument(kind)
        width = _LENGTHS[kind.n]
        length = int.from_bytes(self._take(width), "little")
        if kind.n == pickletools.TAKEN_FROM_ARGUMENT4 and length >= 1 << 31:
            raise DamagedError
        start = self.at
        body = self._data[start : start + length]
        # What is not at hand of a long body is not needed: the next opcode is behind it.
        self.at += length
        if kind.name.startswith("unicode"):
            text = body.decode("utf-8", "surrogatepass" if len(body) == length else "replace")
            return text if len(body) == length else f"{text}…"
        if kind.name.startswith("string"):
            return body.decode("latin-1") if len(body) == length else f"{body.decode('latin-1')}…"
        if kind.name.startswith("long"):
            if length > _KEPT_BYTES:
                return Opaque(f"an integer of {length:,} bytes")
            if len(body) < length:
                raise StarvedError
            return int.from_bytes(body, "little", signed=True)
        return Blob(length, body[:_KEPT_BYTES], self._offset + start)

    def _line_argument(self, kind: pickletools.ArgumentDescriptor) -> Any:
        lines = 2 if kind.name == "stringnl_noescape_pair" else 1
        end = self.at
        for _ in range(lines):
            end = self._data.find(b"\n", end) + 1
            if not end:
                raise StarvedError
        line = self._data[self.at : end]
        self.at = end
        if kind.name.startswith("decimal") and len(line) > _MOST_DIGITS:
            return Opaque(f"a number of {len(line):,} digits")
        if lines == 2:
            module, name, _ = line.split(b"\n")
            return f"{module.decode('utf-8', 'replace')} {name.decode('utf-8', 'replace')}"
        if kind.name == "stringnl":
            return line.strip()[1:-1].decode("latin-1")
        return kind.reader(io.BytesIO(line))
