"""Structures of Thrift's compact protocol, read by the numbers of their fields, bounded; and whole numbers written.

The encoding is that of https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
"""Types of fields."""

_DEEPEST = 16
_MOST_ELEMENTS = 1_000_000


class MalformedThriftError(ValueError):
    """The bytes are none of this protocol, or larger than is sensible."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte and where it ends. Raises IndexError at the data's end."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise MalformedThriftError("a number is too long")


def zigzag(value: int) -> bytes:
    """A whole number as a field of the types 4 to 6 has it."""
    return written_varint(value << 1 ^ value >> 63)


def written_varint(value: int) -> bytes:
    """A number of 7 bits a byte."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def fields(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """The fields of a structure: number, type, and where the value begins. The value is passed over."""
    number = 0
    while data[at]:
        number, kind, at = _field(data, at, number)
        yield number, kind, at
        at = _after(data, at, kind, 0)


def elements(data: bytes, at: int) -> tuple[int, int, int]:
    """Of a list: its length, the type of its elements, and where the first begins."""
    count, kind = data[at] >> 4, data[at] & 15
    at += 1
    if count == 15:
        count, at = varint(data, at)
    if count > _MOST_ELEMENTS:
        raise MalformedThriftError("a list is too long")
    return count, kind, at


def read_struct(data: bytes, at: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """The fields of a structure by their numbers, and where it ends. Raises IndexError at the data's end."""
    found: dict[int, Any] = {}
    number = 0
    while data[at]:
        number, kind, at = _field(data, at, number)
        found[number], at = _value(data, at, kind, depth)
    return found, at + 1


def _field(data: bytes, at: int, number: int) -> tuple[int, int, int]:
    delta, kind = data[at] >> 4, data[at] & 15
    at += 1
    if delta:
        return number + delta, kind, at
    raw, at = varint(data, at)
    return raw >> 1 ^ -(raw & 1), kind, at


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if depth > _DEEPEST:
        raise MalformedThriftError("too deep")
    if kind in (TRUE, FALSE):
        return kind == TRUE, at
    if kind == BYTE:
        return data[at], at + 1
    if kind in (I16, I32, I64):
        raw, at = varint(data, at)
        return raw >> 1 ^ -(raw & 1), at
    if kind == DOUBLE:
        return data[at : at + 8], at + 8
    if kind == BINARY:
        length, at = varint(data, at)
        if at + length > len(data):
            raise IndexError
        return data[at : at + length], at + length
    if kind in (LIST, SET):
        count, inner, at = elements(data, at)
        items = []
        for _ in range(count):
            item, at = _element(data, at, inner, depth + 1)
            items.append(item)
        return items, at
    if kind == STRUCT:
        return read_struct(data, at, depth + 1)
    raise MalformedThriftError("a type that is not known")


def _element(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    # Booleans of a list have a byte each.
    return (data[at] == TRUE, at + 1) if kind in (TRUE, FALSE) else _value(data, at, kind, depth)


def _after(data: bytes, at: int, kind: int, depth: int) -> int:
    """Where a value ends."""
    if depth > _DEEPEST:
        raise MalformedThriftError("too deep")
    if kind in (TRUE, FALSE):
        return at
    if kind == BYTE:
        return at + 1
    if kind in (I16, I32, I64):
        while data[at] & 0x80:
            at += 1
        return at + 1
    if kind == DOUBLE:
        return at + 8
    if kind == BINARY:
        length, at = varint(data, at)
        return at + length
    if kind in (LIST, SET):
        count, inner, at = elements(data, at)
        for _ in range(count):
            at = at + 1 if inner in (TRUE, FALSE) else _after(data, at, inner, depth + 1)
        return at
    if kind == STRUCT:
        number = 0
        while data[at]:
            number, inner, at = _field(data, at, number)
            at = _after(data, at, inner, depth + 1)
        return at + 1
    raise MalformedThriftError("a type that is not known")
