"""Types and values of Arrow, the form in which pyarrow gives Parquet and Arrow files, for tables of a preview."""

from __future__ import annotations

import decimal
import math
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from flowtui.preview.arrow_extensions import known
from flowtui.preview.arrow_forms import (
    BOOL8,
    BYTES,
    DECIMAL,
    GEOMETRY,
    INTEGER,
    INTERVAL,
    OFFSET_MOMENT,
    PANDAS_INTERVAL,
    PERIOD,
    PLAIN,
    TEXT,
    UUID,
    VARIANT,
    Form,
    fields_of,
    form_of,
)
from flowtui.preview.arrow_times import temporal_texts
from flowtui.preview.limits import Limits
from flowtui.preview.result import Cell, Column
from flowtui.text import plain

if TYPE_CHECKING:
    import pyarrow as pa

UNREAD = "…"
"""Stands in the cells of a column that is not read yet."""

_LABELS = (b"label", b"description", b"comment")
_DEEPEST = 20
_MOST_INTEGER = 1 << 63
_TYPES = {BOOL8: "boolean", INTEGER: "integer", DECIMAL: "number", OFFSET_MOMENT: "datetime"}
_TEXTS = (UUID, PERIOD, PANDAS_INTERVAL, VARIANT, GEOMETRY, INTERVAL, TEXT)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r")) + b"\x7f"


def short(text: str, width: int) -> str:
    """The text without control codes in at most ``width`` characters."""
    return plain(text if len(text) <= width else f"{text[: max(width - 1, 0)]}…")


def type_name(of: pa.DataType, form: Form = PLAIN) -> str:
    """The type of a column in the words of :class:`Column`."""
    import pyarrow.types as types

    if form.kind in _TYPES or form.kind in _TEXTS:
        return _TYPES.get(form.kind, "text")
    if _is_extension(of):
        return type_name(of.storage_type)
    if types.is_dictionary(of) or types.is_run_end_encoded(of):
        return type_name(of.value_type, form.child(0))
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


def column(field: pa.Field, width: int, form: Form | None = None, **known: Any) -> Column:
    """A column with Arrow's name of its type as its format, and with what else is ``known``."""
    metadata = field.metadata or {}
    label = next((metadata[key] for key in _LABELS if key in metadata), b"")
    form = form_of(field) if form is None else form
    return Column(
        name=short(str(field.name), width) or " ",
        type=type_name(field.type, form),
        label=short(label.decode(errors="replace"), width),
        format=short(_format(field.type, form), 80),
        **known,
    )


def column_names(names: Sequence[str], shown: int, limits: Limits) -> tuple[str, ...]:
    """The names of all columns where not all are shown."""
    return tuple(short(str(name), limits.cell) for name in names) if shown < len(names) else ()


def _format(of: pa.DataType, form: Form) -> str:
    if form.kind == DECIMAL:
        return f"decimal(scale {form.detail})"
    if form.kind == INTEGER:
        return "uint128" if form.detail.endswith("unsigned") else "int128"
    if form.kind in (UUID, BOOL8, PERIOD, PANDAS_INTERVAL, VARIANT, GEOMETRY, INTERVAL, OFFSET_MOMENT):
        name = form.kind.rpartition(".")[2]
        return f"{'geometry' if form.kind == GEOMETRY else name}{f'[{form.detail}]' if form.kind == PERIOD else ''}"
    return str(of)


def cells(values: pa.Array, form: Form = PLAIN, width: int = 500, *, has_infinity: bool = False) -> list[Cell]:
    """The values of an array as cells of at most ``width`` characters.

    Dates, times and moments are in ISO 8601, a moment with a zone in that zone; bytes are hexadecimal; decimals keep
    their digits; nested values are written like JSON; extension types as what they mean.

    Args:
        form: what the values are meant to be beyond their type.
        has_infinity: as of :func:`temporal_texts`.
    """
    import pyarrow.types as types

    of = values.type
    if _is_extension(of):
        form = form if form.kind else form_of(_field(of))
        return cells(values.storage, form, width, has_infinity=has_infinity)
    if types.is_dictionary(of):
        # The dictionary may be far larger than the rows that are shown.
        taken = _taken(values)
        if taken is not None:
            return cells(taken, form.child(0), width, has_infinity=has_infinity)
        chosen = {
            at: cells(values.dictionary.slice(at, 1), form.child(0), width, has_infinity=has_infinity)[0]
            for at in set(values.indices.to_pylist())
            if at is not None
        }
        return [None if at is None else chosen[at] for at in values.indices.to_pylist()]
    if types.is_run_end_encoded(of):
        found = cells(values.values, form.child(0), width, has_infinity=has_infinity)
        return [found[at] for at in _runs(values)]
    if form.kind and (meant := known(values, form, width)) is not None:
        return [short(value, width) if isinstance(value, str) else _number(value) for value in meant]
    if types.is_temporal(of):
        texts = temporal_texts(values, has_infinity=has_infinity)
        return [None if text is None else short(text, width) for text in texts]
    if types.is_decimal(of):
        return [None if text is None else short(text, width) for text in _decimals(values)]
    if types.is_primitive(of):
        return [_number(value) for value in values.to_pylist()]
    nulls = values.is_null().to_pylist()
    write = _Writer(has_infinity).text
    return [None if nulls[at] else short(write(values, at, form, width + 1, 0), width) for at in range(len(values))]


def stat_cell(value: Any, of: pa.DataType, width: int, form: Form = PLAIN, *, has_infinity: bool = False) -> Cell:
    """A least or largest value of a column, as the footer of a Parquet file gives it."""
    import pyarrow as pa

    if value is None:
        return None
    if _is_extension(of):
        of = of.storage_type
    if pa.types.is_dictionary(of):
        of = of.value_type
    if isinstance(value, bool | float) or (isinstance(value, int) and not pa.types.is_temporal(of) and not form.kind):
        return _number(value)
    if isinstance(value, str):
        return short(value, width)
    if isinstance(value, decimal.Decimal):
        return short(f"{value:f}", width)
    try:
        return cells(_single(value, of), form, width, has_infinity=has_infinity)[0]
    except (pa.ArrowException, ValueError, TypeError, OverflowError, struct.error):
        return short(str(value), width)


def _single(value: int | bytes, of: pa.DataType) -> pa.Array:
    """An array of one value, from its bytes: what makes arrays of Python's values imports pandas, for half a second."""
    import pyarrow as pa
    import pyarrow.types as types

    if isinstance(value, int):
        return pa.Array.from_buffers(
            of, 1, [None, pa.py_buffer(value.to_bytes(of.bit_width // 8, "little", signed=True))]
        )
    if types.is_fixed_size_binary(of):
        return pa.Array.from_buffers(of, 1, [None, pa.py_buffer(value)])
    offsets = pa.py_buffer(struct.pack("<ii", 0, len(value)))
    return pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(value)])


def with_texts(values: pa.Array, form: Form) -> Form:
    """The form in which bytes of which a file says nothing are text, where all of them read as such."""
    if form == PLAIN:
        return form
    if form.kind == BYTES:
        return Form(TEXT) if _are_texts(values) else form
    arrays = list(arrays_within(values))
    children = tuple(
        with_texts(arrays[at], child) if at < len(arrays) else child for at, child in enumerate(form.children)
    )
    return Form(form.kind, form.detail, children)


def arrays_within(values: pa.Array) -> Iterator[pa.Array]:
    """The arrays of the fields within a nested one, with the values of its rows only."""
    import pyarrow.types as types

    of = values.type
    if types.is_map(of):
        yield from (values.keys, values.items)
    elif types.is_struct(of):
        yield from values.flatten()
    elif types.is_list(of) or types.is_large_list(of) or types.is_fixed_size_list(of):
        yield values.flatten()
    elif types.is_dictionary(of) and (taken := _taken(values)) is not None:
        yield taken


def _taken(values: pa.Array) -> pa.Array | None:
    """The values that a dictionary has for its rows; None for types that pyarrow cannot take from, as views."""
    import pyarrow as pa

    try:
        return values.dictionary.take(values.indices)
    except pa.ArrowNotImplementedError:
        return None


def _are_texts(values: pa.Array) -> bool:
    """Whether bytes are all UTF-8 without control codes; of none it is not known."""
    seen = False
    for one in values:
        if one.is_valid and (data := bytes(memoryview(one.as_buffer()))):
            seen = True
            if data.translate(None, _CONTROLS) != data:
                return False
            try:
                data.decode()
            except UnicodeDecodeError:
                return False
    return seen


def _decimals(values: pa.Array) -> list[str | None]:
    """Decimals with all their digits."""
    import pyarrow as pa

    try:
        texts: list[str | None] = values.cast(pa.string()).to_pylist()
    except pa.ArrowNotImplementedError:
        texts = ["E" if value is not None else None for value in values.to_pylist()]
    if any(text is not None and "E" in text for text in texts):
        texts = [None if value is None else f"{value:f}" for value in values.to_pylist()]
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


def _field(of: pa.DataType) -> pa.Field:
    import pyarrow as pa

    return pa.field("", of)


def is_bytes(of: pa.DataType) -> bool:
    """Whether the values of a type are bytes of which nothing more is said."""
    import pyarrow.types as types

    return bool(
        types.is_binary(of) or types.is_large_binary(of) or types.is_fixed_size_binary(of) or types.is_binary_view(of)
    )


def _runs(values: pa.Array) -> Iterator[int]:
    """For each row of run-end encoded values, where its value stands."""
    ends = values.run_ends.to_pylist()
    at = values.find_physical_offset() if len(values) else 0
    for row in range(values.offset, values.offset + len(values)):
        while ends[at] <= row:
            at += 1
        yield at


class _Writer:
    """Writes nested values like JSON."""

    def __init__(self, has_infinity: bool) -> None:
        self._has_infinity = has_infinity

    def text(self, values: pa.Array, at: int, form: Form, room: int, depth: int) -> str:
        """The value at a place in about ``room`` characters; what goes beyond it is not looked at."""
        import pyarrow.types as types

        of = values.type
        if _is_extension(of):
            form = form if form.kind else form_of(_field(of))
            return self.text(values.storage, at, form, room, depth)
        one = values.slice(at, 1)
        if types.is_run_end_encoded(of):
            return self.text(values.values, one.find_physical_offset(), form.child(0), room, depth)
        if one.null_count:
            return "null"
        if depth > _DEEPEST or room <= 0:
            return "…"
        if types.is_dictionary(of):
            return self.text(values.dictionary, values.indices[at].as_py(), form.child(0), room, depth)
        if form.kind and (meant := known(one, form, room)) is not None:
            return self._meant(meant[0], form, depth)
        if types.is_string(of) or types.is_large_string(of) or types.is_string_view(of):
            return _quoted(bytes(memoryview(one[0].as_buffer())[: 4 * room]).decode(errors="replace"), depth)
        if is_bytes(of):
            return f"0x{bytes(memoryview(one[0].as_buffer())[:room]).hex()}"
        if types.is_struct(of):
            fields = fields_of(of)
            members = (
                (field.name, partial_text(self.text, values.field(place), at, form.child(place)))
                for place, field in enumerate(fields)
            )
            return "{" + _joined(members, room, depth, is_named=True) + "}"
        if types.is_map(of):
            return "{" + _joined(self._pairs(one[0].values, form), room, depth, is_named=True) + "}"
        if types.is_union(of):
            return self._union(values, at, form, room, depth)
        if of.num_fields:
            inner = one[0].values
            items = (("", partial_text(self.text, inner, place, form.child(0))) for place in range(len(inner)))
            return "[" + _joined(items, room, depth, is_named=False) + "]"
        return self._leaf(one)

    def _pairs(self, pairs: pa.Array, form: Form) -> Iterator[tuple[str, _Text]]:
        keys, items = pairs.field(0), pairs.field(1)
        for place in range(len(pairs)):
            key = self.text(keys, place, form.child(0), _MOST_KEY, 0)
            yield key, partial_text(self.text, items, place, form.child(1))

    def _union(self, values: pa.Array, at: int, form: Form, room: int, depth: int) -> str:
        codes = list(values.type.type_codes)
        child = codes.index(values.type_codes[at].as_py())
        place = values.offsets[at].as_py() if values.type.mode == "dense" else at
        return self.text(values.field(child), place, form.child(child), room, depth)

    def _leaf(self, one: pa.Array) -> str:
        import pyarrow.types as types

        if types.is_temporal(one.type):
            return temporal_texts(one, has_infinity=self._has_infinity)[0] or ""
        if types.is_decimal(one.type):
            return _decimals(one)[0] or ""
        if types.is_boolean(one.type):
            return "true" if one[0].as_py() else "false"
        if types.is_primitive(one.type):
            return str(_number(one[0].as_py()))
        return str(one[0])

    def _meant(self, value: Any, form: Form, depth: int) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if form.kind == TEXT:
            return _quoted(value, depth)
        return str(value)


_Text = Callable[[int, int], str]
_MOST_KEY = 500


def partial_text(
    write: Callable[[Any, int, Form, int, int], str], values: Any, at: int, form: Form
) -> Callable[[int, int], str]:
    """A value that is written once its room and its depth are known."""
    return lambda room, depth: write(values, at, form, room, depth)


def _quoted(text: str, depth: int) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if depth else text


def _joined(members: Iterator[tuple[str, _Text]], room: int, depth: int, *, is_named: bool) -> str:
    parts: list[str] = []
    for name, write in members:
        if room <= 0:
            parts.append("…")
            break
        part = write(room, depth + 1)
        parts.append(f"{_quoted(name, 1)}: {part}" if is_named else part)
        room -= len(parts[-1]) + 2
    return ", ".join(parts)
