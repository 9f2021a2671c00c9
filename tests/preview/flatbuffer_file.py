"""A small writer of FlatBuffers: tables of numbers, strings, vectors and tables, each behind what points to it."""

from __future__ import annotations

import struct
from typing import NamedTuple


class Number(NamedTuple):
    """A number of a :mod:`struct` code."""

    code: str
    value: float


class Numbers(NamedTuple):
    """A vector of numbers."""

    code: str
    values: list[int]


Value = Number | Numbers | str | list[object] | dict[int, object]
"""A table is a dict of its fields by their numbers, a list is a vector of tables or strings."""


def flatbuffer(root: dict[int, object], identifier: bytes = b"") -> bytes:
    """A buffer with the root table, its identifier behind the first offset."""
    data = bytearray(4) + identifier
    _point(data, 0, root)
    return bytes(data)


def _point(data: bytearray, place: int, value: object) -> None:
    """Write a value at the end, and its distance at ``place``."""
    data += bytes(-len(data) % 8)
    if isinstance(value, dict):
        at = _table(data, value)
    else:
        at = len(data)
        _vector(data, value)
    struct.pack_into("<I", data, place, at - place)


def _table(data: bytearray, fields: dict[int, object]) -> int:
    count = max(fields, default=-1) + 1
    vtable = len(data)
    data += bytes(4 + 2 * count)
    data += bytes(-len(data) % 8)
    at = len(data)
    data += bytes(4)
    places: dict[int, int] = {}
    for number, value in fields.items():
        data += bytes(-len(data) % 8)
        places[number] = len(data)
        struct.pack_into("<H", data, vtable + 4 + 2 * number, len(data) - at)
        data += struct.pack(f"<{value.code}", value.value) if isinstance(value, Number) else bytes(4)
    struct.pack_into("<HH", data, vtable, 4 + 2 * count, len(data) - at)
    struct.pack_into("<i", data, at, at - vtable)
    for number, value in fields.items():
        if not isinstance(value, Number):
            _point(data, places[number], value)
    return at


def _vector(data: bytearray, value: object) -> None:
    if isinstance(value, str):
        body = value.encode()
        data += struct.pack("<I", len(body)) + body + b"\0"
    elif isinstance(value, Numbers):
        data += struct.pack(f"<I{len(value.values)}{value.code}", len(value.values), *value.values)
    elif isinstance(value, list):
        data += struct.pack("<I", len(value)) + bytes(4 * len(value))
        first = len(data) - 4 * len(value)
        for index, one in enumerate(value):
            _point(data, first + 4 * index, one)
