"""Vectors of R as columns, from what rdata parses: factors by their levels, dates and moments from their numbers.

The classes are those of base R, and bit64's ``integer64``. ``NA`` of a double is a NaN whose lower word is 1954.
"""

from __future__ import annotations

import datetime as dt
import struct
import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flowtui.preview.arrow_times import date_text, moment_text
from flowtui.preview.arrow_values import short
from flowtui.preview.plain_values import cell_of
from flowtui.preview.result import Cell, Column

_NA_WORD = 1954
_NA_INTEGER = -(1 << 31)
_NA_INTEGER64 = -(1 << 63)
_LATIN1 = 4
_TYPES = {"LGL": "boolean", "INT": "integer", "REAL": "number"}
_FIRST, _LAST = -62_135_596_800, 253_402_300_799
"""Seconds of the years 1 to 9999, for which zones have rules."""


@dataclass(frozen=True, slots=True)
class RColumn:
    """A vector as a column, with its first values."""

    column: Column
    cells: list[Cell]


def pairs_of(found: Any) -> Iterator[tuple[str, Any]]:
    """The members of a pairlist, as attributes are, with their tags."""
    while found is not None and found.info.type.name == "LIST":
        tag = found.tag
        if tag is not None and tag.info.type.name == "REF":
            tag = tag.referenced_object
        yield (_character(tag.value) or "" if tag is not None else ""), found.value[0]
        found = found.value[1]


def _attributes(found: Any) -> dict[str, Any]:
    return dict(pairs_of(found.attributes))


def _character(found: Any) -> str | None:
    """The text of a single string; None for NA."""
    data = found.value
    if data is None:
        return None
    text: str = data.decode("latin-1" if found.info.gp & _LATIN1 else "utf-8", errors="replace")
    return text


def text_of(found: Any) -> list[str | None] | None:
    """The texts of a character vector; None where it is another vector."""
    if found is None or found.info.type.name != "STR":
        return None
    return [_character(one) for one in found.value]


def classes_of(found: Any) -> list[str]:
    """The classes of an object."""
    return [one or "" for one in text_of(_attributes(found).get("class")) or []]


def names_of(found: Any) -> list[str]:
    """The names of the members of an object, none where it has none."""
    return [one or "" for one in text_of(_attributes(found).get("names")) or []]


def length_of(found: Any) -> int:
    """How many values a vector has; of a data frame how many rows."""
    if "data.frame" in classes_of(found):
        return max((length_of(part) for part in found.value), default=0)
    value = found.value
    return len(value) if hasattr(value, "__len__") and not isinstance(value, bytes) else 1


def column_of(name: str, found: Any, rows: int, width: int) -> RColumn:
    """A vector as a column; cells that it does not have are missing."""
    attributes = _attributes(found)
    classes = classes_of(found)
    label = text_of(attributes.get("label")) or [""]
    type_, format_, cells = _values(found, attributes, classes, rows, width)
    cells += [None] * (rows - len(cells))
    column = Column(short(name, width) or " ", type_, short(label[0] or "", width), short(format_, 80))
    return RColumn(column, cells)


def _values(
    found: Any, attributes: dict[str, Any], classes: list[str], rows: int, width: int
) -> tuple[str, str, list[Cell]]:
    """The type, the format and the first cells of a vector."""
    kind = found.info.type.name
    if kind == "STR":
        texts = [_character(one) for one in found.value[:rows]]
        return "text", "character", [None if text is None else short(text, width) for text in texts]
    if kind not in ("LGL", "INT", "REAL", "CPLX", "RAW"):
        return "text", "list", [_inner(one, width) for one in _listed(found.value)[:rows]]
    numbers = _numbers(found, kind, rows)
    if "factor" in classes:
        levels = text_of(attributes.get("levels")) or []
        return "text", "factor", [_level(levels, code, width) for code in numbers]
    if "integer64" in classes and kind == "REAL":
        bits = [struct.unpack("<q", struct.pack("<d", value))[0] for value in found.value[:rows]]
        return "integer", "integer64", [None if value == _NA_INTEGER64 else value for value in bits]
    if "Date" in classes:
        return "date", "Date", [_finite(value, lambda day: date_text(int(day // 1))) for value in numbers]
    if "POSIXct" in classes:
        zone = (text_of(attributes.get("tzone")) or [""])[0] or ""
        return "datetime", f"POSIXct[{zone or 'UTC'}]", [_finite(value, _moment(zone)) for value in numbers]
    format_ = {"LGL": "logical", "INT": "integer", "REAL": "double", "CPLX": "complex", "RAW": "raw"}[kind]
    if "difftime" in classes:
        units = (text_of(attributes.get("units")) or [""])[0]
        format_ = f"difftime[{units}]"
    elif classes:
        format_ = ", ".join(classes)
    return _TYPES.get(kind, "text"), format_, [cell_of(value, width) for value in numbers]


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _level(levels: list[str | None], code: Any, width: int) -> Cell:
    if code is None or not 0 < code <= len(levels):
        return None
    text = levels[code - 1]
    return None if text is None else short(text, width)


def _numbers(found: Any, kind: str, rows: int) -> list[Any]:
    """The first numbers of a vector, None for NA."""
    values = found.value[:rows]
    if kind == "RAW":
        return [f"0x{one:02x}" for one in bytes(values)]
    if kind == "REAL":
        words = memoryview(values.astype("<f8").tobytes()).cast("I")
        return [
            None if value != value and words[2 * at] == _NA_WORD else value for at, value in enumerate(values.tolist())
        ]
    if kind == "CPLX":
        return [str(value).strip("()") for value in values.tolist()]
    # Of masked arrays those are None that are missing.
    numbers = values.tolist()
    if kind == "LGL":
        return [None if value is None or value == _NA_INTEGER else bool(value) for value in numbers]
    return [None if value is None or value == _NA_INTEGER else value for value in numbers]


def _finite(value: Any, write: Any) -> Cell:
    if value is None:
        return None
    if value != value or value in (float("inf"), float("-inf")):
        return str(value).replace("nan", "NaN")
    text: str = write(value)
    return text


def _moment(zone: str) -> Any:
    """Writes seconds since 1970 as a moment in a zone, in UTC where the zone is not known."""
    try:
        known = zoneinfo.ZoneInfo(zone) if zone and zone != "UTC" else None
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        known = None

    def write(seconds: float) -> str:
        # Doubles hold microseconds of our times, and no more.
        microseconds = round(seconds * 1_000_000) if isinstance(seconds, float) else seconds * 1_000_000
        whole, rest = divmod(microseconds, 1_000_000)
        shift, mark = 0, "Z"
        if known is not None and _FIRST < whole < _LAST - 86_400:
            local = dt.datetime.fromtimestamp(whole, dt.timezone.utc).astimezone(known)
            shift = int((local.utcoffset() or dt.timedelta(0)).total_seconds())
            mark = local.strftime("%z")
        fraction = f".{rest:06}" if rest else ""
        return f"{moment_text(whole + shift, 's')}{fraction}{mark}"

    return write


def _inner(found: Any, width: int) -> Cell:
    """A member of a list as a cell."""
    kind = found.info.type.name
    if kind == "NILVALUE":
        return None
    if kind not in ("LGL", "INT", "REAL", "CPLX", "STR", "RAW"):
        return short(", ".join(classes_of(found)) or kind.lower(), width)
    count = length_of(found)
    cells = column_of("", found, min(count, 50), width).cells
    if count == 1:
        return cells[0]
    text = ", ".join("NA" if cell is None else str(cell) for cell in cells)
    return short(f"[{text}{', …' if count > len(cells) else ''}]", width)
