"""The wire format of protocol buffers, field by field, for messages whose schema is known to the caller.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_LONGEST_VARINT = 10


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message.

    Attributes:
        number: of the field; wire: how it is encoded.
        value: of a number; the length of ``BYTES``.
        start: where its bytes begin, for ``BYTES``.
        end: where the next field begins; it may lie beyond the data.
    """

    number: int
    wire: int
    value: int
    start: int
    end: int


def varint(data: bytes, at: int) -> tuple[int, int] | None:
    """A varint and where it ends; None where it is cut or too long."""
    found = 0
    for index in range(_LONGEST_VARINT):
        if at + index >= len(data):
            return None
        byte = data[at + index]
        found |= (byte & 127) << 7 * index
        if byte < 128:
            return found & ((1 << 64) - 1), at + index + 1
    return None


def field_at(data: bytes, at: int) -> Field | None:
    """The field that begins at ``at``; None where it is cut before its length is told, or is none."""
    tag = varint(data, at)
    if tag is None:
        return None
    number, wire = tag[0] >> 3, tag[0] & 7
    if not 0 < number < 1 << 29:
        return None
    if wire in (FIXED64, FIXED32):
        end = tag[1] + (8 if wire == FIXED64 else 4)
        return Field(number, wire, int.from_bytes(data[tag[1] : end], "little"), tag[1], end)
    value = varint(data, tag[1])
    if value is None or wire not in (VARINT, BYTES):
        return None
    if wire == VARINT:
        return Field(number, wire, value[0], tag[1], value[1])
    return Field(number, wire, value[0], value[1], value[1] + value[0])


def fields(data: bytes, start: int = 0, end: int | None = None, most: int = 100_000) -> Iterator[Field]:
    """The fields of a message that begin within the data; it ends at the first thing that is no field."""
    end = len(data) if end is None else end
    at = start
    for _ in range(most):
        if at >= end:
            return
        field = field_at(data, at)
        if field is None or field.end <= at:
            return
        yield field
        at = field.end


def is_message(data: bytes, start: int, end: int) -> bool:
    """True where these bytes are fields to their last."""
    at = start
    while at < end:
        field = field_at(data, at)
        if field is None or not at < field.end <= end:
            return False
        at = field.end
    return at == end
