"""Values of extension types and of Parquet's annotations as cells, from the storage that Arrow has for them."""

from __future__ import annotations

import decimal
import struct
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flowtui.preview.arrow_forms import (
    BOOL8,
    DECIMAL,
    GEOMETRY,
    INTEGER,
    INTERVAL,
    OFFSET_MOMENT,
    PANDAS_INTERVAL,
    PERIOD,
    TEXT,
    UUID,
    VARIANT,
    Form,
    fields_of,
)
from flowtui.preview.arrow_times import date_text, integers, interval_text, moment_text
from flowtui.preview.reasons import reason_of
from flowtui.preview.variant import DamagedVariantError, Shredded, Variant, json_text, written
from flowtui.preview.wkb import DamagedGeometryError, wkt

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_VALUE = 1 << 20
"""Bytes of a geometry, and of a value of a VARIANT, that are looked at."""

_MOST_DEPTH = 40


def known(values: pa.Array, form: Form, width: int) -> list[Any] | None:
    """The values of a form in Python: text, whole numbers or booleans, None where they are missing.

    None in place of all where the form is not known, or its storage is not what it must be: then the storage is shown.
    """
    converter = _CONVERTERS.get(form.kind)
    if converter is None:
        return None
    try:
        return converter(values, form, width)
    except (AttributeError, TypeError, ValueError, OverflowError, struct.error, KeyError, IndexError):
        return None


def _each(values: pa.Array, convert: Callable[[bytes], Any]) -> list[Any]:
    return [None if value is None else convert(value) for value in values.to_pylist()]


def _uuids(values: pa.Array, form: Form, width: int) -> list[Any]:
    return _each(values, lambda value: str(uuid.UUID(bytes=value)))


def _booleans(values: pa.Array, form: Form, width: int) -> list[Any]:
    return [None if value is None else bool(value) for value in values.to_pylist()]


def _integers(values: pa.Array, form: Form, width: int) -> list[Any]:
    order, _, signed = form.detail.partition(" ")
    if order == "little":
        return _each(values, lambda value: int.from_bytes(value, "little", signed=signed != "unsigned"))
    return _each(values, lambda value: int.from_bytes(value, "big", signed=signed != "unsigned"))


def _decimals(values: pa.Array, form: Form, width: int) -> list[Any]:
    scale = int(form.detail)
    context = decimal.Context(prec=4000)

    def text(value: bytes | int) -> str:
        unscaled = value if isinstance(value, int) else int.from_bytes(value, "big", signed=True)
        return f"{decimal.Decimal(unscaled).scaleb(-scale, context):f}"

    return [None if value is None else text(value) for value in values.to_pylist()]


def _intervals(values: pa.Array, form: Form, width: int) -> list[Any]:
    def text(value: bytes) -> str:
        months, days, milliseconds = struct.unpack("<III", value)
        return interval_text(months, days, milliseconds * 1_000_000)

    return _each(values, text)


def _texts(values: pa.Array, form: Form, width: int) -> list[Any]:
    return [
        None if not one.is_valid else bytes(memoryview(one.as_buffer())[: 4 * width + 4]).decode(errors="replace")
        for one in values
    ]


def _geometries(values: pa.Array, form: Form, width: int) -> list[Any]:
    def text(one: Any) -> str | None:
        if not one.is_valid:
            return None
        data = bytes(memoryview(one.as_buffer())[:_MOST_VALUE])
        try:
            return wkt(data, width)
        except DamagedGeometryError:
            return f"0x{data[:width].hex()}"

    return [text(one) for one in values]


def _periods(values: pa.Array, form: Form, width: int) -> list[Any]:
    return [None if value is None else period_text(value, form.detail) for value in integers(values)]


_SUBDAILY = {"h": 3600, "H": 3600, "min": 60, "T": 60, "s": 1, "S": 1}
_FRACTIONS = {"ms": "ms", "L": "ms", "us": "us", "U": "us", "ns": "ns", "N": "ns"}


def period_text(ordinal: int, frequency: str) -> str:
    """A period of pandas, as pandas prints it; of a frequency that is not known here its ordinal and the frequency.

    The ordinals are those of pandas' ``Period``: how many periods after the one that holds 1970-01-01.
    """
    name = frequency.partition("-")[0]
    if frequency in ("M", "ME"):
        return f"{1970 + ordinal // 12:04}-{ordinal % 12 + 1:02}"
    if name in ("Q", "QE"):
        return f"{1970 + ordinal // 4:04}Q{ordinal % 4 + 1}"
    if name in ("A", "Y", "YE"):
        return f"{1970 + ordinal:04}"
    if frequency == "D":
        return date_text(ordinal)
    if frequency == "B":
        weeks, day = divmod(ordinal + 3, 5)
        return date_text(7 * weeks + day - 3)
    if name == "W":
        ends = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
        last = frequency.partition("-")[2] or "SUN"
        if last in ends:
            # 1970-01-01, a Thursday, lies in the week 1; the week 0 of those that end on Sunday ended four days before.
            end = 7 * ordinal - 4 + (ends.index(last) + 1) % 7
            return f"{date_text(end - 6)}/{date_text(end)}"
    if frequency in _SUBDAILY:
        text = moment_text(ordinal * _SUBDAILY[frequency], "s")
        return text if _SUBDAILY[frequency] == 1 else text[:-3]
    if frequency in _FRACTIONS:
        return moment_text(ordinal, _FRACTIONS[frequency])
    return f"{ordinal} ({frequency})"


def _pandas_intervals(values: pa.Array, form: Form, width: int) -> list[Any]:
    from flowtui.preview.arrow_values import cells

    left, right = (cells(values.field(name), form.child(at), width) for at, name in enumerate(("left", "right")))
    opening = "[" if form.detail in ("left", "both") else "("
    closing = "]" if form.detail in ("right", "both") else ")"
    there = values.is_valid().to_pylist()
    return [
        f"{opening}{one}, {two}{closing}" if is_there else None
        for one, two, is_there in zip(left, right, there, strict=True)
    ]


def _offset_moments(values: pa.Array, form: Form, width: int) -> list[Any]:
    moments = values.field("timestamp")
    unit = moments.type.unit
    per_minute = {"s": 60, "ms": 60_000, "us": 60_000_000, "ns": 60_000_000_000}[unit]
    offsets = values.field("offset_minutes").to_pylist()
    found: list[Any] = []
    for moment, offset, is_there in zip(integers(moments), offsets, values.is_valid().to_pylist(), strict=True):
        if not is_there or moment is None or offset is None:
            found.append(None)
            continue
        hours, minutes = divmod(abs(offset), 60)
        text = moment_text(moment + offset * per_minute, unit)
        found.append(f"{text}{'-' if offset < 0 else '+'}{hours:02}{minutes:02}")
    return found


def _variants(values: pa.Array, form: Form, width: int) -> list[Any]:
    metadata = values.field("metadata")
    there = values.is_valid().to_pylist()
    found: list[Any] = []
    for at, is_there in enumerate(there):
        if not is_there:
            found.append(None)
            continue
        try:
            variant = Variant(_bytes_at(metadata, at) or b"")
            whole = _shredded(variant, values, at, 0)
        except (DamagedVariantError, IndexError) as error:
            found.append(f"not readable: {reason_of(error)}")
            continue
        found.append(None if whole is None else written(whole, width))
    return found


def _bytes_at(values: pa.Array, at: int) -> bytes | None:
    one = values[at]
    return bytes(memoryview(one.as_buffer())[:_MOST_VALUE]) if one.is_valid else None


def _shredded(variant: Variant, group: pa.Array, at: int, depth: int) -> Shredded | None:
    """The value of a group of ``value`` and ``typed_value`` (VariantShredding.md); None where both are missing."""
    import pyarrow.types as types

    if depth > _MOST_DEPTH:
        raise DamagedVariantError("too many values, or too deep")
    names = [field.name for field in fields_of(group.type)]
    rest = _bytes_at(group.field("value"), at) if "value" in names else None
    plain = variant.value(rest) if rest is not None else None
    if "typed_value" not in names:
        return plain
    typed = group.field("typed_value")
    if typed.slice(at, 1).null_count:
        return plain
    if types.is_struct(typed.type):
        found: dict[str, Shredded | None] = {}
        for index, field in enumerate(fields_of(typed.type)):
            member = _shredded(variant, typed.field(index), at, depth + 1)
            if member is not None:
                found[field.name] = member
        # The fields that are not shredded stand in the value.
        return {**plain, **found} if isinstance(plain, dict) else found
    if types.is_list(typed.type) or types.is_large_list(typed.type):
        elements = typed[at].values
        return [_shredded(variant, elements, place, depth + 1) for place in range(len(elements))]
    return _leaf(typed.slice(at, 1))


def _leaf(one: pa.Array) -> bytes:
    """A single value that is shredded, as JSON."""
    import pyarrow as pa
    import pyarrow.types as types

    from flowtui.preview.arrow_values import cells, is_bytes

    of = one.type.storage_type if isinstance(one.type, pa.BaseExtensionType) else one.type
    if isinstance(one.type, pa.BaseExtensionType) and one.type.extension_name == UUID:
        return json_text(str(uuid.UUID(bytes=one.storage[0].as_py())))
    if types.is_decimal(of):
        return json_text(one[0].as_py())
    if is_bytes(of):
        return json_text(_bytes_at(one, 0) or b"")
    found = cells(one, width=_MOST_VALUE)[0]
    return json_text(found if isinstance(found, str | int | float) else None)


_CONVERTERS: dict[str, Callable[[Any, Form, int], list[Any]]] = {
    UUID: _uuids,
    BOOL8: _booleans,
    PERIOD: _periods,
    PANDAS_INTERVAL: _pandas_intervals,
    OFFSET_MOMENT: _offset_moments,
    VARIANT: _variants,
    GEOMETRY: _geometries,
    INTERVAL: _intervals,
    INTEGER: _integers,
    DECIMAL: _decimals,
    TEXT: _texts,
}
