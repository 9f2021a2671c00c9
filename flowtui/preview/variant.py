"""Values of Parquet's type VARIANT as JSON, put together where a writer has shredded them into columns.

The two encodings are those of https://github.com/apache/parquet-format: VariantEncoding.md and VariantShredding.md.
Keys are in order, as an object has none of its own; dates, moments and what else JSON lacks are strings.
"""

from __future__ import annotations

import decimal
import json
import math
import struct
import uuid
from itertools import pairwise

from flowtui.preview.arrow_times import date_text, moment_text, time_text

Shredded = dict[str, "Shredded | None"] | list["Shredded | None"] | bytes
"""A value that is put together: an object, an array, or JSON text in bytes (``b'"text"'``). None is a missing one."""

_DEEPEST = 60
_MOST_VALUES = 100_000
_TEXT, _SHORT_TEXT, _OBJECT, _ARRAY = 16, 1, 2, 3
_INTEGERS = {3: "<b", 4: "<h", 5: "<i", 6: "<q"}
_DECIMALS = {8: 4, 9: 8, 10: 16}


class DamagedVariantError(Exception):
    """The bytes are no value of this encoding."""


class Variant:
    """The values of one row.

    Args:
        metadata: the names of all fields within the row.
    """

    def __init__(self, metadata: bytes) -> None:
        self._left = _MOST_VALUES
        self._names: list[str] = []
        if not metadata:
            return
        if metadata[0] & 15 != 1:
            raise DamagedVariantError("a version of its encoding that is not known")
        width = (metadata[0] >> 6) + 1
        count = _number(metadata, 1, width)
        if count > len(metadata):
            raise DamagedVariantError("more names than bytes")
        begin = 1 + width * (count + 2)
        ends = [_number(metadata, 1 + width * (1 + at), width) for at in range(count + 1)]
        for start, end in pairwise(ends):
            self._names.append(_slice(metadata, begin + start, end - start).decode(errors="replace"))

    def value(self, data: bytes, depth: int = 0) -> Shredded:
        """The value that is encoded in some bytes. Raises DamagedVariantError."""
        try:
            return self._value(data, 0, depth)
        except (struct.error, IndexError) as error:
            raise DamagedVariantError("its bytes end within a value") from error

    def _value(self, data: bytes, at: int, depth: int) -> Shredded:
        self._left -= 1
        if depth > _DEEPEST or self._left < 0:
            raise DamagedVariantError("too many values, or too deep")
        kind, header = data[at] & 3, data[at] >> 2
        at += 1
        if kind == _SHORT_TEXT:
            return json_text(_slice(data, at, header).decode(errors="replace"))
        if kind == _OBJECT:
            return self._object(data, at, header, depth)
        if kind == _ARRAY:
            width = (header & 3) + 1
            size = 4 if header >> 2 & 1 else 1
            count = self._count(data, at, size)
            offsets = at + size
            begin = offsets + width * (count + 1)
            return [
                self._value(data, begin + _number(data, offsets + width * place, width), depth + 1)
                for place in range(count)
            ]
        return _primitive(data, at, header)

    def _object(self, data: bytes, at: int, header: int, depth: int) -> Shredded:
        offset_width, id_width = (header & 3) + 1, (header >> 2 & 3) + 1
        size = 4 if header >> 4 & 1 else 1
        count = self._count(data, at, size)
        ids = at + size
        offsets = ids + id_width * count
        begin = offsets + offset_width * (count + 1)
        found: dict[str, Shredded | None] = {}
        for place in range(count):
            name = self._names[_number(data, ids + id_width * place, id_width)]
            start = begin + _number(data, offsets + offset_width * place, offset_width)
            found[name] = self._value(data, start, depth + 1)
        return found

    def _count(self, data: bytes, at: int, size: int) -> int:
        count = _number(data, at, size)
        if count > len(data):
            raise DamagedVariantError("more elements than bytes")
        return count


def _primitive(data: bytes, at: int, kind: int) -> bytes:
    if kind < 3:
        return (b"null", b"true", b"false")[kind]
    if kind in _INTEGERS:
        return str(struct.unpack_from(_INTEGERS[kind], data, at)[0]).encode()
    if kind in (7, 14):
        return json_text(struct.unpack_from("<d" if kind == 7 else "<f", data, at)[0])
    if kind in _DECIMALS:
        unscaled = int.from_bytes(_slice(data, at + 1, _DECIMALS[kind]), "little", signed=True)
        return json_text(decimal.Decimal(unscaled).scaleb(-data[at], decimal.Context(prec=80)))
    if kind == 11:
        return json_text(date_text(struct.unpack_from("<i", data, at)[0]))
    if kind in (12, 13, 18, 19):
        moment = moment_text(struct.unpack_from("<q", data, at)[0], "us" if kind < 18 else "ns")
        return json_text(f"{moment}Z" if kind in (12, 18) else moment)
    if kind == 17:
        return json_text(time_text(struct.unpack_from("<q", data, at)[0], "us"))
    if kind == 20:
        return json_text(str(uuid.UUID(bytes=_slice(data, at, 16))))
    if kind in (15, _TEXT):
        length = struct.unpack_from("<I", data, at)[0]
        found = _slice(data, at + 4, length)
        return json_text(found.decode(errors="replace") if kind == _TEXT else found)
    raise DamagedVariantError("a type that is not known")


def json_text(value: str | bytes | float | bool | decimal.Decimal | None) -> bytes:
    """A single value as JSON; bytes are a string of hexadecimal digits."""
    if isinstance(value, bytes):
        return json.dumps(f"0x{value.hex()}").encode()
    if isinstance(value, decimal.Decimal):
        return f"{value:f}".encode()
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(str(value)).encode()
    return json.dumps(value, ensure_ascii=False).encode()


def written(value: Shredded | None, room: int) -> str:
    """JSON text of about ``room`` characters; what goes beyond it is left out."""
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return value[: 4 * max(room, 1)].decode(errors="replace")
    parts: list[str] = []
    members = sorted(value.items()) if isinstance(value, dict) else [("", one) for one in value]
    for name, one in members:
        if room <= 0:
            parts.append("…")
            break
        if one is None and isinstance(value, dict):
            continue
        key = f"{json.dumps(name, ensure_ascii=False)}: " if isinstance(value, dict) else ""
        parts.append(key + written(one, room - len(key)))
        room -= len(parts[-1]) + 2
    inner = ", ".join(parts)
    return f"{{{inner}}}" if isinstance(value, dict) else f"[{inner}]"


def _number(data: bytes, at: int, width: int) -> int:
    return int.from_bytes(_slice(data, at, width), "little")


def _slice(data: bytes, at: int, length: int) -> bytes:
    found = data[at : at + length]
    if length < 0 or len(found) < length:
        raise DamagedVariantError("its bytes end within a value")
    return found
