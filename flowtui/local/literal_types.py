"""Flyte's type system as its compiler sees it: the type of a literal, and which type can be bound to which."""

from __future__ import annotations

from typing import Any

from flyteidl.core import types_pb2

from flowtui.local.status import text

_PRIMITIVES = {
    "integer": types_pb2.INTEGER,
    "float_value": types_pb2.FLOAT,
    "string_value": types_pb2.STRING,
    "boolean": types_pb2.BOOLEAN,
    "datetime": types_pb2.DATETIME,
    "duration": types_pb2.DURATION,
}
_SCALARS = {
    "binary": types_pb2.BINARY,
    "none_type": types_pb2.NONE,
    "error": types_pb2.ERROR,
    "generic": types_pb2.STRUCT,
}
_COLUMN_TYPES = {0: types_pb2.INTEGER, 1: types_pb2.FLOAT, 2: types_pb2.STRING, 3: types_pb2.BOOLEAN,
                 4: types_pb2.DATETIME, 5: types_pb2.DURATION}  # fmt: skip


def literal_type(literal: Any) -> Any | None:
    """The LiteralType of a Literal, None where the literal has no value."""
    kind = literal.WhichOneof("value")
    if kind == "scalar":
        return scalar_type(literal.scalar)
    if kind == "collection":
        return types_pb2.LiteralType(collection_type=_common(literal.collection.literals))
    if kind == "map":
        return types_pb2.LiteralType(map_value_type=_common(literal.map.literals.values()))
    if kind == "offloaded_metadata":
        return literal.offloaded_metadata.inferred_type
    return None


def scalar_type(scalar: Any) -> Any | None:
    kind = scalar.WhichOneof("value")
    if kind == "primitive":
        value = scalar.primitive.WhichOneof("value")
        return types_pb2.LiteralType(simple=_PRIMITIVES.get(value, types_pb2.NONE))
    if kind == "blob":
        return types_pb2.LiteralType(blob=scalar.blob.metadata.type)
    if kind == "schema":
        return types_pb2.LiteralType(schema=scalar.schema.type)
    if kind == "structured_dataset":
        kind_of = scalar.structured_dataset.metadata.structured_dataset_type
        return types_pb2.LiteralType(structured_dataset_type=kind_of)
    if kind == "union":
        return types_pb2.LiteralType(union_type=types_pb2.UnionType(variants=[scalar.union.type]))
    return types_pb2.LiteralType(simple=_SCALARS[kind]) if kind in _SCALARS else None


def _common(literals: Any) -> Any:
    found: dict[str, Any] = {}
    for literal in literals:
        kind = literal_type(literal)
        if kind is not None:
            found.setdefault(text(kind), kind)
    if not found:
        return types_pb2.LiteralType(simple=types_pb2.NONE)
    if len(found) == 1:
        return next(iter(found.values()))
    return types_pb2.LiteralType(union_type=types_pb2.UnionType(variants=[found[key] for key in sorted(found)]))


def castable(source: Any, target: Any) -> bool:
    """Whether a value of type ``source`` may be bound where ``target`` is expected."""
    variants: Any = source.union_type.variants if source.WhichOneof("type") == "union_type" else ()
    if len(variants) == 1 and _casts(variants[0], target):
        return True
    return _casts(source, target)


def _casts(source: Any, target: Any) -> bool:
    kind = target.WhichOneof("type")
    if kind == "collection_type":
        return _casts_inner(source, target, "collection_type")
    if kind == "map_value_type":
        return _casts_inner(source, target, "map_value_type")
    if kind == "union_type":
        return _casts_union(source, target)
    if kind in ("schema", "structured_dataset_type"):
        return _casts_table(source, target)
    if is_none(target):
        return is_none(source)
    return _casts_plain(source, target)


def is_none(kind: Any) -> bool:
    return bool(kind.WhichOneof("type") == "simple" and kind.simple == types_pb2.NONE)


def is_optional(kind: Any) -> bool:
    """Whether it is a union that allows None, and so need not be bound."""
    return any(is_none(variant) for variant in kind.union_type.variants)


def _casts_inner(source: Any, target: Any, field: str) -> bool:
    if source.WhichOneof("type") != field:
        return False
    inner = getattr(source, field)
    # An empty list or map fits any.
    return is_none(inner) or _casts(inner, getattr(target, field))


def _casts_union(source: Any, target: Any) -> bool:
    if source.WhichOneof("type") == "union_type":
        return all(
            any(castable(one, other) for other in target.union_type.variants) for one in source.union_type.variants
        )
    # Exactly one variant may fit, or the choice would be ambiguous.
    return sum(castable(source, variant) for variant in target.union_type.variants) == 1


def _casts_plain(source: Any, target: Any) -> bool:
    if source.HasField("enum_type") and target.WhichOneof("type") == "simple" and target.simple == types_pb2.STRING:
        return True
    if target.HasField("enum_type") and source.WhichOneof("type") == "simple" and source.simple == types_pb2.STRING:
        return True
    if source.structure.tag and source.structure.tag != target.structure.tag:
        return False
    if source.HasField("blob") and target.HasField("blob"):
        formats = {source.blob.format, target.blob.format} - {""}
        return source.blob.dimensionality == target.blob.dimensionality and len(formats) <= 1
    # A dataclass is a Struct, packed or not.
    kinds = {source.WhichOneof("type"), target.WhichOneof("type")}
    if kinds == {"simple"} and {source.simple, target.simple} <= {types_pb2.STRUCT, types_pb2.BINARY}:
        return True
    return _bare(source) == _bare(target)


def _bare(kind: Any) -> bytes:
    copy = types_pb2.LiteralType()
    copy.CopyFrom(kind)
    for field in ("structure", "metadata", "annotation"):
        copy.ClearField(field)
    return bytes(copy.SerializeToString(deterministic=True))


def _casts_table(source: Any, target: Any) -> bool:
    if is_none(source):
        return bool(target.WhichOneof("type") == "structured_dataset_type")
    if source.WhichOneof("type") not in ("schema", "structured_dataset_type"):
        return False
    formats = {_table_format(source), _table_format(target)} - {""}
    if len(formats) > 1:
        return False
    have, wanted = _columns(source), _columns(target)
    return not have or not wanted or all(name in have and castable(have[name], kind) for name, kind in wanted.items())


def _table_format(kind: Any) -> str:
    # A FlyteSchema is always parquet.
    return "parquet" if kind.WhichOneof("type") == "schema" else kind.structured_dataset_type.format.lower()


def _columns(kind: Any) -> dict[str, Any]:
    if kind.WhichOneof("type") == "schema":
        return {
            c.name: types_pb2.LiteralType(simple=_COLUMN_TYPES.get(c.type, types_pb2.NONE)) for c in kind.schema.columns
        }
    return {column.name: column.literal_type for column in kind.structured_dataset_type.columns}
