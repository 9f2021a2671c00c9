"""What the values of an Arrow field mean beyond their Arrow type: extension types, and annotations of Parquet.

An extension is told by its name (https://arrow.apache.org/docs/format/CanonicalExtensions.html), in the type where
pyarrow knows it and in the metadata of the field where it does not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from flowtui.preview.arrow_schema import Path

UUID, BOOL8, PERIOD, PANDAS_INTERVAL = "arrow.uuid", "arrow.bool8", "pandas.period", "pandas.interval"
OFFSET_MOMENT = "arrow.timestamp_with_offset"
VARIANT, GEOMETRY, JSON = "arrow.parquet.variant", "geoarrow.wkb", "arrow.json"
"""Names of extension types whose values are shown as what they mean."""

BYTES, TEXT, INTERVAL, INTEGER, DECIMAL = "bytes", "text", "interval", "integer", "decimal"
"""What annotations of files mean that pyarrow gives as bytes: bytes of which nothing is said, text in bytes, an
interval of Parquet, an integer of 128 bits (``little`` or ``big`` endian), a decimal of so many digits behind the
point."""

_SAME = {"ogc.wkb": GEOMETRY, "geoarrow.ewkb": GEOMETRY, "parquet.variant": VARIANT}
_DEEPEST = 50
_MOST_DETAIL = 10_000


@dataclass(frozen=True, slots=True)
class Form:
    """What the values of a field are meant to be.

    Attributes:
        kind: one of the names above, or of an extension that is not known here; empty for what the Arrow type says.
        detail: what there is to know of the kind: the frequency of a period, the scale of a decimal.
        children: of the fields within it, in Arrow's order.
    """

    kind: str = ""
    detail: str = ""
    children: tuple[Form, ...] = ()

    def child(self, at: int) -> Form:
        """The form of a field within it."""
        return self.children[at] if at < len(self.children) else PLAIN


PLAIN = Form()


def form_of(field: pa.Field, depth: int = 0) -> Form:
    """The form of a field, from its type and its metadata."""
    import pyarrow as pa

    of = field.type
    metadata = field.metadata or {}
    kind = metadata.get(b"ARROW:extension:name", b"").decode(errors="replace")
    detail = metadata.get(b"ARROW:extension:metadata", b"")[:_MOST_DETAIL].decode(errors="replace")
    if isinstance(of, pa.BaseExtensionType):
        kind = of.extension_name
        serialized = getattr(of, "__arrow_ext_serialize__", None)
        detail = serialized()[:_MOST_DETAIL].decode(errors="replace") if serialized else detail
        of = of.storage_type
    kind = _SAME.get(kind, kind)
    if kind == PERIOD:
        detail = _member(detail, "freq")
    elif kind == PANDAS_INTERVAL:
        detail = _member(detail, "closed")
    children = () if depth > _DEEPEST else tuple(form_of(child, depth + 1) for child in fields_of(of))
    return Form(kind, detail, children) if kind or any(child != PLAIN for child in children) else PLAIN


def fields_of(of: pa.DataType) -> list[pa.Field]:
    """The fields within a nested type: of a map its keys and values, of a dictionary or runs their values."""
    import pyarrow as pa
    import pyarrow.types as types

    if isinstance(of, pa.BaseExtensionType):
        return fields_of(of.storage_type)
    if types.is_dictionary(of):
        return [pa.field("", of.value_type)]
    if types.is_run_end_encoded(of):
        return [pa.field("", of.value_type)]
    if types.is_map(of):
        return [of.key_field, of.item_field]
    return [of.field(at) for at in range(of.num_fields)]


def with_wide_integers(form: Form, of: pa.DataType, path: Path, wide: Mapping[Path, bool]) -> Form:
    """The form of a field in whose schema integers of 128 bits were made bytes.

    Args:
        path: of the field; wide: those integers by their paths, and whether they are signed.
    """
    import pyarrow as pa
    import pyarrow.types as types

    if not wide:
        return form
    if path in wide:
        return Form(INTEGER, "little" if wide[path] else "little unsigned")
    if isinstance(of, pa.BaseExtensionType):
        of = of.storage_type
    # In Arrow's schema the keys and items of a map have a structure around them.
    inside = (*path, 0) if types.is_map(of) else path
    inner = [] if types.is_dictionary(of) else fields_of(of)
    children = tuple(
        with_wide_integers(form.child(at), field.type, (*inside, at), wide) for at, field in enumerate(inner)
    )
    return form if all(child == PLAIN for child in children) else Form(form.kind, form.detail, children)


def _member(detail: str, name: str) -> str:
    try:
        found = json.loads(detail)
    except (ValueError, RecursionError):
        return ""
    return str(found.get(name, "")) if isinstance(found, dict) else ""
