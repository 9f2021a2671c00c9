"""The fields of a Parquet file: which columns each is stored in, and what their annotations say that Arrow does not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowtui.preview.arrow_forms import (
    BYTES,
    DECIMAL,
    GEOMETRY,
    INTEGER,
    INTERVAL,
    PLAIN,
    TEXT,
    UUID,
    VARIANT,
    Form,
    fields_of,
    form_of,
)
from flowtui.preview.arrow_schema import Path
from flowtui.preview.arrow_values import is_bytes
from flowtui.preview.parquet_footer import (
    BSON,
    BYTE_ARRAY,
    ENUM,
    GEOGRAPHY,
    INT96,
    LOGICAL_BSON,
    LOGICAL_DECIMAL,
    LOGICAL_UUID,
    Element,
    Readable,
    schema_elements,
    trees,
)
from flowtui.preview.parquet_footer import DECIMAL as CONVERTED_DECIMAL
from flowtui.preview.parquet_footer import GEOMETRY as LOGICAL_GEOMETRY
from flowtui.preview.parquet_footer import INTERVAL as CONVERTED_INTERVAL
from flowtui.preview.parquet_footer import VARIANT as LOGICAL_VARIANT

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_GEO = 1 << 20


@dataclass(frozen=True, slots=True)
class ParquetField:
    """A field of the schema.

    Attributes:
        at: its number in the schema.
        field: pyarrow's.
        form: what its values are meant to be.
        leaves: the columns that it is stored in, by number; none of an empty group.
        has_int96: a column is of the old type of moments, which pyarrow may wrap.
        is_encrypted: a column is encrypted.
    """

    at: int
    field: pa.Field
    form: Form
    leaves: list[int]
    has_int96: bool = False
    is_encrypted: bool = False


@dataclass(frozen=True, slots=True)
class _Nodes:
    """The nodes of a schema that are looked at: the fields and the columns by number, and the columns of variants."""

    roots: Mapping[int, Element]
    leaves: Mapping[int, Element]
    variants: frozenset[tuple[int, int]] = frozenset()


def parquet_fields(
    footer: bytes, readable: Readable, schema: pa.Schema, wanted: Sequence[int], encrypted: set[int]
) -> list[ParquetField]:
    """The fields of these numbers.

    Args:
        footer: of the file.
        schema: Arrow's.
        encrypted: numbers of columns.

    Raises ValueError, IndexError where the nodes of the footer do not fit to Arrow's schema.
    """
    is_flat = readable.metadata.num_columns == len(schema) and not any(field.type.num_fields for field in schema)
    nodes = (
        _flat_nodes(readable.metadata, wanted) if is_flat and not readable.bare else _nodes(footer, readable, schema)
    )
    geometries = _geometries(readable.metadata.metadata or {})
    found: list[ParquetField] = []
    for at in wanted:
        root, field = nodes.roots[at], schema.field(at)
        annotated = _Annotated(nodes.leaves, nodes.variants, readable)
        form, end = annotated.form(field.type, form_of(field), root.leaves[0], (at,))
        if end != root.leaves[1]:
            raise ValueError("its schema makes no sense")
        if root.name in geometries and root.physical == BYTE_ARRAY:
            form = Form(GEOMETRY)
        numbers = list(range(*root.leaves))
        has_int96 = any(nodes.leaves[leaf].physical == INT96 for leaf in numbers)
        found.append(ParquetField(at, field, form, numbers, has_int96, not encrypted.isdisjoint(numbers)))
    return found


def _nodes(footer: bytes, readable: Readable, schema: pa.Schema) -> _Nodes:
    elements = schema_elements(footer)
    roots = _children(elements)
    leaves = [element for element in elements if element.physical is not None]
    if len(roots) != len(schema) or len(leaves) != readable.metadata.num_columns:
        raise ValueError("its schema makes no sense")
    variants = frozenset(element.leaves for element in elements if element.logical == LOGICAL_VARIANT)
    return _Nodes(dict(enumerate(roots)), dict(enumerate(leaves)), variants)


_PHYSICAL = ("BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
_CONVERTED = {"NONE": None, "ENUM": ENUM, "BSON": BSON, "DECIMAL": CONVERTED_DECIMAL, "INTERVAL": CONVERTED_INTERVAL}
_LOGICAL = {"NONE": 0, "BSON": LOGICAL_BSON, "UUID": LOGICAL_UUID, "GEOMETRY": LOGICAL_GEOMETRY, "GEOGRAPHY": GEOGRAPHY}
_OTHER = -1


def _flat_nodes(metadata: Any, wanted: Sequence[int]) -> _Nodes:
    """The fields of a table without nested ones, as pyarrow tells them: it need not be asked for all of thousands."""
    found: dict[int, Element] = {}
    for at in wanted:
        told = metadata.schema.column(at)
        logical = _LOGICAL.get(told.logical_type.type, _OTHER)
        converted = _CONVERTED.get(told.converted_type, _OTHER)
        physical = _PHYSICAL.index(told.physical_type)
        found[at] = Element(
            told.name, physical, told.length, None, 0, converted, told.scale, told.precision, logical, {}, 0, 0,
            (at, at + 1),
        )  # fmt: skip
    return _Nodes(found, found)


def _children(elements: Sequence[Element]) -> list[Element]:
    """The nodes below the root."""
    return [tree[0] for tree in trees(elements)]


def _geometries(metadata: dict[bytes, bytes]) -> set[str]:
    """The columns with geometries in WKB; https://geoparquet.org/releases/v1.1.0/ tells the form."""
    text = metadata.get(b"geo", b"")
    if not text or len(text) > _MOST_GEO:
        return set()
    try:
        columns = json.loads(text)["columns"]
        return {name for name, told in columns.items() if told.get("encoding") == "WKB"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return set()


class _Annotated:
    """What the annotations of the columns say beyond what pyarrow makes of them."""

    def __init__(self, leaves: Mapping[int, Element], variants: frozenset[tuple[int, int]], readable: Readable) -> None:
        self._leaves = leaves
        self._variants = variants
        self._readable = readable

    def form(self, of: pa.DataType, form: Form, leaf: int, path: Path) -> tuple[Form, int]:
        """The form of a field whose first column is ``leaf``, and the column after its last."""
        import pyarrow as pa
        import pyarrow.types as types

        if isinstance(of, pa.BaseExtensionType):
            of = of.storage_type
        # A dictionary is Arrow's way of holding the values of one column.
        inner = [] if types.is_dictionary(of) else fields_of(of)
        if not inner and not types.is_struct(of):
            return form if form.kind else self._leaf(of, leaf, path), leaf + 1
        # In Arrow's schema the keys and items of a map have a structure around them.
        inside = (*path, 0) if types.is_map(of) else path
        children = []
        begin = leaf
        for at, field in enumerate(inner):
            child, leaf = self.form(field.type, form.child(at), leaf, (*inside, at))
            children.append(child)
        if types.is_struct(of) and (begin, leaf) in self._variants and not form.kind:
            return Form(VARIANT, "", tuple(children)), leaf
        is_plain = not form.kind and all(child == PLAIN for child in children)
        return PLAIN if is_plain else Form(form.kind, form.detail, tuple(children)), leaf

    def _leaf(self, of: pa.DataType, leaf: int, path: Path) -> Form:
        element = self._leaves[leaf]
        if path in self._readable.wide:
            return Form(INTEGER, "little" if self._readable.wide[path] else "little unsigned")
        if leaf in self._readable.bare and (
            element.logical == LOGICAL_DECIMAL or element.converted == CONVERTED_DECIMAL
        ):
            scale = element.parameters.get(1, element.scale) if element.logical else element.scale
            return Form(DECIMAL, str(scale))
        if not is_bytes(of):
            return PLAIN
        if element.converted == CONVERTED_INTERVAL:
            return Form(INTERVAL)
        if element.logical == LOGICAL_UUID:
            return Form(UUID)
        if element.logical in (LOGICAL_GEOMETRY, GEOGRAPHY):
            return Form(GEOMETRY)
        if element.converted == ENUM:
            return Form(TEXT)
        if element.physical == BYTE_ARRAY and element.converted != BSON and element.logical != LOGICAL_BSON:
            return Form(BYTES)
        return PLAIN
