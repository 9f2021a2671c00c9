"""Geometries of OGC's well-known binary (WKB) as well-known text (WKT), bounded.

The forms are those of OGC 06-103r4 section 8, with Z and M by 1000, 2000 and 3000 (ISO) or by high bits (PostGIS).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

_NAMES = {
    1: "POINT", 2: "LINESTRING", 3: "POLYGON", 4: "MULTIPOINT", 5: "MULTILINESTRING", 6: "MULTIPOLYGON",
    7: "GEOMETRYCOLLECTION",
}  # fmt: skip
_HAS_Z, _HAS_M, _HAS_SRID = 0x80000000, 0x40000000, 0x20000000
_DEEPEST = 20


class DamagedGeometryError(Exception):
    """The bytes are no geometry, or one of a kind that is not known."""


def wkt(data: bytes, room: int) -> str:
    """A geometry as text of about ``room`` characters; what goes beyond it is left out.

    Raises DamagedGeometryError.
    """
    try:
        return _Reader(data, room).geometry(0, is_named=True)
    except struct.error as error:
        raise DamagedGeometryError("its bytes end within a geometry") from error


class _Reader:
    def __init__(self, data: bytes, room: int) -> None:
        self._data = data
        self._at = 0
        self._room = room

    def _take(self, form: str) -> tuple[float, ...]:
        found = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return found

    def geometry(self, depth: int, *, is_named: bool) -> str:
        order = "<" if self._take("<B")[0] else ">"
        code = int(self._take(f"{order}I")[0])
        if code & _HAS_SRID:
            self._take(f"{order}I")
        plain = code & 0x1FFFFFFF
        kind, form = plain % 1000, plain // 1000
        has_z = bool(code & _HAS_Z) or form in (1, 3)
        has_m = bool(code & _HAS_M) or form in (2, 3)
        if kind not in _NAMES or form > 3 or depth > _DEEPEST:
            raise DamagedGeometryError("a kind of geometry that is not known")
        point = f"{order}{2 + has_z + has_m}d"
        if kind == 1:
            body = self._point(point)
        elif kind == 2:
            body = self._many(order, lambda: self._point(point))
        elif kind == 3:
            body = self._many(order, lambda: f"({self._many(order, lambda: self._point(point))})")
        else:
            body = self._many(order, lambda: self._member(depth, kind))
        mark = " " + "Z" * has_z + "M" * has_m if has_z or has_m else ""
        name = _NAMES[kind] + mark + " " if is_named else ""
        return f"{name}({body})" if body else f"{name}EMPTY"

    def _member(self, depth: int, kind: int) -> str:
        found = self.geometry(depth + 1, is_named=kind == 7)
        # Points of several stand without brackets, as DuckDB and PostGIS write them.
        return found[1:-1] if kind == 4 and found.startswith("(") else found

    def _many(self, order: str, one: Callable[[], str]) -> str:
        count = int(self._take(f"{order}I")[0])
        if count > len(self._data):
            raise DamagedGeometryError("more parts than bytes")
        parts = []
        for _ in range(count):
            if self._room <= 0:
                parts.append("…")
                break
            parts.append(one())
        return ", ".join(parts)

    def _point(self, form: str) -> str:
        found = self._take(form)
        text = "" if all(math.isnan(value) for value in found) else " ".join(_number(value) for value in found)
        self._room -= len(text) + 2
        return text


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
