"""Types and values of Arrow, the form in which pyarrow gives Parquet and Arrow files, for tables of a preview."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from flowtui.preview.result import Cell, Column
from flowtui.text import plain

if TYPE_CHECKING:
    import pyarrow as pa

UNREAD = "…"
"""Stands in the cells of a column that is not read yet."""

_LABELS = (b"label", b"description", b"comment")
_DEEPEST = 20
_MOST_INTEGER = 1 << 63


def short(text: str, width: int) -> str:
    """The text without control codes in at most ``width`` characters."""
    return plain(text if len(text) <= width else f"{text[: max(width - 1, 0)]}…")


def type_name(of: pa.DataType) -> str:
    """The type of a column in the words of :class:`Column`."""
    import pyarrow.types as types

    if _is_extension(of):
        return type_name(of.storage_type)
    if types.is_dictionary(of):
        return type_name(of.value_type)
    for name, tests in (
        ("boolean", (types.is_boolean,)),
        ("integer", (types.is_integer,)),
        ("number", (types.is_floating, types.is_decimal)),
        ("date", (types.is_date,)),
        ("datetime", (types.is_timestamp,)),
        ("time", (types.is_time,)),
        ("", (types.is_null,)),
    ):
        if any(test(of) for test in tests):
            return name
    return "text"


def column(field: pa.Field, width: int, **known: Any) -> Column:
    """A column with Arrow's name of its type as its format, and with what else is ``known``."""
    metadata = field.metadata or {}
    label = next((metadata[key] for key in _LABELS if key in metadata), b"")
    return Column(
        name=short(str(field.name), width) or " ",
        type=type_name(field.type),
        label=short(label.decode(errors="replace"), width),
        format=short(str(field.type), 80),
        **known,
    )


def cells(values: pa.Array, width: int) -> list[Cell]:
    """The values of an array as cells of at most ``width`` characters.

    Dates, times and moments are in ISO 8601, a moment with a zone in that zone; bytes are hexadecimal; decimals keep
    their digits; nested values are written like JSON.
    """
    import pyarrow as pa
    import pyarrow.types as types

    of = values.type
    if _is_extension(of):
        return cells(values.storage, width)
    if types.is_dictionary(of):
        # The dictionary may be far larger than the rows that are shown.
        return cells(values.dictionary.take(values.indices), width)
    if types.is_temporal(of) and not (types.is_duration(of) or types.is_interval(of)):
        return [None if text is None else short(text, width) for text in _as_text(values)]
    if types.is_primitive(of) and not types.is_temporal(of) and not types.is_decimal(of):
        return [_number(value) for value in values.to_pylist()]
    if types.is_decimal(of):
        return [None if text is None else short(text, width) for text in values.cast(pa.string()).to_pylist()]
    return [None if not scalar.is_valid else short(_text(scalar, width + 1, 0), width) for scalar in values]


def stat_cell(value: Any, of: pa.DataType, width: int) -> Cell:
    """A least or largest value of a column, as the footer of a Parquet file gives it."""
    import pyarrow as pa

    if value is None:
        return None
    if _is_extension(of):
        of = of.storage_type
    if pa.types.is_dictionary(of):
        of = of.value_type
    try:
        return cells(pa.array([value], of), width)[0]
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return short(str(value), width)


def _as_text(values: pa.Array) -> list[str | None]:
    import pyarrow as pa

    try:
        texts: list[str | None] = values.cast(pa.string()).to_pylist()
    except (pa.ArrowException, ValueError, OSError):
        # A zone that this machine does not know.
        texts = values.cast(pa.int64()).cast(pa.string()).to_pylist() if values.type.bit_width == 64 else []
        texts = texts or [str(value) for value in values]
    return texts


def _number(value: Any) -> Cell:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value).replace("nan", "NaN")
    if isinstance(value, int) and not isinstance(value, bool) and not -_MOST_INTEGER <= value < 2 * _MOST_INTEGER:
        return str(value)
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def _is_extension(of: pa.DataType) -> bool:
    import pyarrow as pa

    return isinstance(of, pa.BaseExtensionType)


def _text(scalar: pa.Scalar, room: int, depth: int) -> str:
    """A value in about ``room`` characters; what goes beyond it is not looked at."""
    import pyarrow as pa
    import pyarrow.types as types

    of = scalar.type
    if not scalar.is_valid:
        return "null"
    if _is_extension(of):
        return _text(scalar.value, room, depth)
    if depth > _DEEPEST or room <= 0:
        return "…"
    if types.is_dictionary(of):
        return _text(scalar.value, room, depth)
    if types.is_string(of) or types.is_large_string(of) or types.is_string_view(of):
        found = bytes(memoryview(scalar.as_buffer())[: 4 * room]).decode(errors="replace")
        return f'"{found}"' if depth else found
    if types.is_binary(of) or types.is_large_binary(of) or types.is_fixed_size_binary(of) or types.is_binary_view(of):
        view = memoryview(scalar.as_buffer())
        return f"0x{bytes(view[:room]).hex()}"
    if types.is_struct(of):
        return "{" + _joined(((of.field(at).name, scalar[at]) for at in range(of.num_fields)), room, depth) + "}"
    if types.is_map(of):
        pairs = scalar.values
        members = ((_text(pair[0], room, depth + 1).strip('"'), pair[1]) for pair in pairs)
        return "{" + _joined(members, room, depth) + "}"
    if types.is_list(of) or types.is_large_list(of) or types.is_fixed_size_list(of):
        return "[" + _joined((("", item) for item in scalar.values), room, depth) + "]"
    if types.is_temporal(of) and not (types.is_duration(of) or types.is_interval(of)):
        return _as_text(pa.array([scalar]))[0] or ""
    if types.is_floating(of) or types.is_integer(of):
        return str(_number(scalar.as_py()))
    if types.is_boolean(of):
        return "true" if scalar.as_py() else "false"
    try:
        return str(scalar.as_py())
    except (ValueError, OverflowError, ImportError):
        return str(scalar)


def _joined(members: Any, room: int, depth: int) -> str:
    parts: list[str] = []
    for name, value in members:
        if room <= 0:
            parts.append("…")
            break
        part = _text(value, room, depth + 1)
        parts.append(f'"{name}": {part}' if name else part)
        room -= len(parts[-1]) + 2
    return ", ".join(parts)
