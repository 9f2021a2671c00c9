"""Schemas of Arrow in FlatBuffers, changed where pyarrow knows no such type: its integers have 64 bits at most."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from flowtui.preview.flatbuffers import Table

_INTEGER, _FIXED_SIZE_BINARY = 2, 15
"""Numbers of the union ``Type`` in Schema.fbs."""

_WIDE = 128
_DEEPEST = 50

Path = tuple[int, ...]
"""The place of a field: its number in the schema, then in each field that holds it."""


def wide_integers_as_bytes(message: bytes) -> tuple[bytes, dict[Path, bool]]:
    """A message with a schema in which integers of 128 bits are bytes of that length; and which, and if signed.

    The tables ``Int`` and ``FixedSizeBinary`` have their width in the same place, in bits and in bytes.

    Raises struct.error for damaged bytes.
    """
    begin = 8 if message.startswith(b"\xff\xff\xff\xff") else 0
    root = Table.root(message[begin:])
    header = root.table(2)
    if header is None:
        return message, {}
    changed = bytearray(message)
    found: dict[Path, bool] = {}
    for path, field in _fields(header, (), 0):
        of = field.table(3)
        if field.scalar(2, "B") == _INTEGER and of is not None and of.scalar(0, "i") == _WIDE:
            found[path] = bool(of.scalar(1, "B"))
            changed[begin + field.position(2)] = _FIXED_SIZE_BINARY
            struct.pack_into("<i", changed, begin + of.position(0), _WIDE // 8)
    return bytes(changed), found


def _fields(table: Table, path: Path, depth: int) -> Iterator[tuple[Path, Table]]:
    """The fields of a schema or field, and those within them."""
    for at, field in enumerate(table.tables(5 if path else 1)):
        yield (*path, at), field
        if depth < _DEEPEST:
            yield from _fields(field, (*path, at), depth + 1)
