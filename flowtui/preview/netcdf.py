"""NetCDF files of the classic formats: their dimensions, variables and attributes, from the header.

The format is that of https://docs.unidata.ucar.edu/netcdf-c/current/file_format_specifications.html: numbers are big
endian; the header stands before the data. NetCDF-4 files are HDF5.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from flowtui.errors import PreviewError
from flowtui.preview.arrow_values import short
from flowtui.preview.limits import Limits
from flowtui.preview.result import Column, Preview

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

_VERSIONS = {1: "classic", 2: "64-bit offset", 5: "64-bit data"}
_TYPES = {
    1: ("byte", "b"), 2: ("char", "c"), 3: ("short", "h"), 4: ("int", "i"), 5: ("float", "f"), 6: ("double", "d"),
    7: ("ubyte", "B"), 8: ("ushort", "H"), 9: ("uint", "I"), 10: ("int64", "q"), 11: ("uint64", "Q"),
}  # fmt: skip
_DIMENSIONS, _VARIABLES, _ATTRIBUTES = 10, 11, 12
_MOST = 100_000
_SHOWN = 20


def accepts(subject: Subject) -> bool:
    """Files that begin like those of the classic formats."""
    return subject.head.startswith(b"CDF") and subject.head[3:4] in (b"\x01", b"\x02", b"\x05")


async def show(subject: Subject) -> Preview:
    await subject.read_whole()
    try:
        return _Header(subject.head).preview(subject.limits)
    except (struct.error, IndexError):
        reason = "is longer than a preview reads" if not subject.whole else "is damaged"
        raise PreviewError(f"a NetCDF file whose header {reason}") from None


class _Header:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 4
        self._version = data[3]
        self._count = "Q" if self._version == 5 else "I"

    def preview(self, limits: Limits) -> Preview:
        records = self._number(self._count)
        dimensions = [(self._name(limits), self._number(self._count)) for _ in range(self._list(_DIMENSIONS))]
        attributes = self._attributes(limits)
        rows = []
        for _ in range(self._list(_VARIABLES)):
            name = self._name(limits)
            places = [self._number(self._count) for _ in range(self._bounded(self._number(self._count)))]
            told = dict(self._attributes(limits))
            kind = _TYPES.get(self._number("I"), ("?", ""))[0]
            self._number(self._count)
            self._number("I" if self._version == 1 else "Q")
            sizes = [dimensions[place] for place in places]
            shape = " x ".join(f"{size or records:,}" for _, size in sizes)
            names = ", ".join(dimension for dimension, _ in sizes)
            rows.append((name, kind, shape, names, told.get("units"), told.get("long_name", told.get("standard_name"))))
        columns = ("variable", "type", "shape", "dimensions", "units", "long name")
        shown = rows[: max(limits.rows, 1)]
        facts = [("format", f"NetCDF {_VERSIONS.get(self._version, str(self._version))}")]
        facts += [
            (f"dimension {name}", f"{size:,}" if size else f"{records:,} (unlimited)") for name, size in dimensions
        ]
        return Preview(
            kind="table",
            columns=tuple(Column(name, "text") for name in columns),
            rows=tuple(shown),
            notices=(f"first {len(shown):,} of {len(rows):,} variables",) if len(shown) < len(rows) else (),
            total_rows=len(rows),
            more=len(shown) < len(rows),
            format="netcdf",
            facts=(*facts[:_SHOWN], *attributes[:_SHOWN]),
        )

    def _number(self, code: str) -> int:
        found: int = struct.unpack_from(f">{code}", self._data, self._at)[0]
        self._at += struct.calcsize(code)
        return found

    def _bounded(self, count: int) -> int:
        if count > _MOST:
            raise IndexError
        return count

    def _list(self, kind: int) -> int:
        """How many elements a list of this kind has; an absent one is two zeros."""
        tag, count = self._number("I"), self._number(self._count)
        if tag not in (0, kind):
            raise IndexError
        return self._bounded(count)

    def _name(self, limits: Limits) -> str:
        return short(self._bytes(self._number(self._count)).decode(errors="replace"), limits.cell)

    def _bytes(self, length: int) -> bytes:
        """Bytes, padded to a multiple of four."""
        found = self._data[self._at : self._at + length]
        if len(found) < length:
            raise IndexError
        self._at += -(-length // 4) * 4
        return found

    def _attributes(self, limits: Limits) -> list[tuple[str, str]]:
        found = []
        for _ in range(self._list(_ATTRIBUTES)):
            name = self._name(limits)
            code = _TYPES.get(self._number("I"), ("", ""))[1]
            count = self._number(self._count)
            if not code:
                raise IndexError
            data = self._bytes(count * struct.calcsize(f">{code}"))
            found.append((name, short(_value(code, data), limits.cell)))
        return found


def _value(code: str, data: bytes) -> str:
    if code == "c":
        return data.rstrip(b"\0").decode(errors="replace")
    values: tuple[Any, ...] = struct.unpack(f">{len(data) // struct.calcsize(code)}{code}", data)
    return ", ".join(map(str, values[:_SHOWN])) + (", …" if len(values) > _SHOWN else "")
