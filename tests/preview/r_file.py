"""Files of R's serialization, format 3 in XDR, as ``saveRDS`` and ``save`` write them (R Internals, section 1.8)."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_SYMBOL, _PAIRLIST, _CHARACTER, _LOGICAL, _INTEGER, _DOUBLE, _STRING, _LIST, _NIL = 1, 2, 9, 10, 13, 14, 16, 19, 254
_HAS_ATTRIBUTES, _HAS_TAG, _IS_OBJECT = 1 << 9, 1 << 10, 1 << 8
NA_INTEGER = -(1 << 31)
NA_DOUBLE = struct.unpack(">d", bytes.fromhex("7ff00000000007a2"))[0]


@dataclass(frozen=True)
class Vector:
    """A vector; ``kind`` is ``logical``, ``integer``, ``double``, ``character`` or ``list``, None is ``NA``."""

    kind: str
    values: Sequence[object]
    attributes: Mapping[str, Vector] = field(default_factory=dict)


def strings(*values: str | None) -> Vector:
    """A character vector."""
    return Vector("character", values)


def frame(columns: Mapping[str, Vector], row_names: Vector | None = None) -> Vector:
    """A data frame."""
    rows = len(next(iter(columns.values())).values)
    attributes = {
        "names": strings(*columns),
        "class": strings("data.frame"),
        "row.names": row_names or Vector("integer", [None, -rows]),
    }
    return Vector("list", list(columns.values()), attributes)


def rds(value: Vector) -> bytes:
    """An rds file of one object, compressed as ``saveRDS`` does."""
    return gzip.compress(b"X\n" + _head() + _object(value), mtime=0)


def rda(values: Mapping[str, Vector]) -> bytes:
    """An rda file of several objects."""
    return gzip.compress(b"RDX3\nX\n" + _head() + _pairlist(values), mtime=0)


def _head() -> bytes:
    return struct.pack(">iii", 3, 0x40301, 0x30500) + struct.pack(">i", 5) + b"UTF-8"


def _pairlist(members: Mapping[str, Vector]) -> bytes:
    parts = []
    for name, value in members.items():
        parts.append(
            struct.pack(">i", _PAIRLIST | _HAS_TAG) + struct.pack(">i", _SYMBOL) + _text(name) + _object(value)
        )
    return b"".join(parts) + struct.pack(">i", _NIL)


def _text(value: str | None) -> bytes:
    if value is None:
        return struct.pack(">ii", _CHARACTER, -1)
    data = value.encode()
    return struct.pack(">ii", _CHARACTER | 8 << 12, len(data)) + data


def _object(value: object) -> bytes:
    if value is None:
        return struct.pack(">i", _NIL)
    assert isinstance(value, Vector)
    kind, write = {
        "logical": (_LOGICAL, lambda one: struct.pack(">i", NA_INTEGER if one is None else one)),
        "integer": (_INTEGER, lambda one: struct.pack(">i", NA_INTEGER if one is None else one)),
        "double": (_DOUBLE, lambda one: bytes.fromhex("7ff00000000007a2") if one is None else struct.pack(">d", one)),
        "character": (_STRING, _text),
        "list": (_LIST, _object),
    }[value.kind]
    flags = kind | (_HAS_ATTRIBUTES | _IS_OBJECT if value.attributes else 0)
    found = struct.pack(">ii", flags, len(value.values)) + b"".join(write(one) for one in value.values)
    return found + (_pairlist(value.attributes) if value.attributes else b"")
