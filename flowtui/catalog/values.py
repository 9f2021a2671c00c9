"""Launch Inputs in words: types as a flow author would say them, values as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flyteidl.core import interface_pb2, literals_pb2, types_pb2

from flowtui.catalog import convert
from flowtui.catalog.literals import MULTIPART, decoded, files
from flowtui.domain.execution import LaunchInput

_MAX_DEPTH = 8
_MAX_ITEMS = 20
_MAX_TEXT = 4000
_SIMPLE = {
    "NONE": "None",
    "INTEGER": "int",
    "FLOAT": "float",
    "STRING": "str",
    "BOOLEAN": "bool",
    "DATETIME": "datetime",
    "DURATION": "timedelta",
    "BINARY": "bytes",
    "ERROR": "error",
    "STRUCT": "dict",
}


def launch_inputs(
    literals: literals_pb2.LiteralMap, variables: Mapping[str, interface_pb2.Variable]
) -> tuple[LaunchInput, ...]:
    """The Launch Inputs by name; one that the interface has and the data does not is empty.

    Args:
        variables: the inputs of the workflow's interface, empty where it is not known.
    """
    found = []
    for name in sorted(set(literals.literals) | set(variables)):
        literal = literals.literals.get(name)
        type_ = type_text(variables[name].type) if name in variables else ""
        value = value_text(literal) if literal is not None else ""
        uris = files(literal).uris if literal is not None else ()
        found.append(LaunchInput(name, type_, value, uris[0] if len(uris) == 1 else ""))
    return tuple(found)


def type_text(type_: types_pb2.LiteralType, depth: int = 0) -> str:
    """A literal type in words: ``int``, ``file (csv)``, ``list of str``, ``int or None``."""
    kind = type_.WhichOneof("type")
    if depth > _MAX_DEPTH or kind is None:
        return "…" if kind else ""
    if kind == "simple":
        name = convert.name_of(types_pb2.SimpleType, type_.simple)
        is_class = name == "STRUCT" and (type_.structure.dataclass_type or type_.metadata.fields)
        return "dataclass" if is_class else _SIMPLE.get(name, name.lower())
    if kind == "blob":
        word = "directory" if type_.blob.dimensionality == MULTIPART else "file"
        return f"{word} ({type_.blob.format})" if type_.blob.format else word
    if kind == "collection_type":
        return f"list of {type_text(type_.collection_type, depth + 1)}"
    if kind == "map_value_type":
        return f"dict of {type_text(type_.map_value_type, depth + 1)}"
    if kind == "union_type":
        return " or ".join(type_text(variant, depth + 1) for variant in type_.union_type.variants[:_MAX_ITEMS])
    if kind == "enum_type":
        return "one of " + ", ".join(type_.enum_type.values[:_MAX_ITEMS])
    return {"structured_dataset_type": "data frame", "schema": "data frame"}.get(kind, str(kind))


def value_text(literal: literals_pb2.Literal) -> str:
    """A literal as text: a file as its URI, a list or dict shortened."""
    text = _value(literal, 0)
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "…"


def _value(literal: literals_pb2.Literal, depth: int) -> str:
    if depth > _MAX_DEPTH:
        return "…"
    kind = literal.WhichOneof("value")
    if kind == "collection":
        items = literal.collection.literals
        shown = [_value(item, depth + 1) for item in items[:_MAX_ITEMS]]
        return "[" + ", ".join(shown + (["…"] if len(items) > _MAX_ITEMS else [])) + "]"
    if kind == "map":
        keys = sorted(literal.map.literals)
        shown = [f"{key}: {_value(literal.map.literals[key], depth + 1)}" for key in keys[:_MAX_ITEMS]]
        return "{" + ", ".join(shown + (["…"] if len(keys) > _MAX_ITEMS else [])) + "}"
    if kind == "offloaded_metadata":
        return str(literal.offloaded_metadata.uri)
    return _scalar(literal.scalar, depth) if kind == "scalar" else ""


def _scalar(scalar: literals_pb2.Scalar, depth: int) -> str:
    kind = scalar.WhichOneof("value")
    if kind == "primitive":
        return _primitive(scalar.primitive)
    if kind == "union":
        return _value(scalar.union.value, depth + 1)
    if kind == "none_type":
        return "None"
    if kind in ("blob", "structured_dataset", "schema"):
        return str(getattr(scalar, kind).uri)
    if kind == "error":
        return str(scalar.error.message)
    value = decoded(scalar)
    if value is None:
        return f"{len(scalar.binary.value):,} bytes" if kind == "binary" else ""
    return _json(value)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, TypeError, RecursionError):
        return "…"


def _primitive(primitive: literals_pb2.Primitive) -> str:
    kind = primitive.WhichOneof("value")
    if kind == "boolean":
        return "True" if primitive.boolean else "False"
    if kind == "datetime":
        moment = convert.instant(primitive.datetime)
        return moment.isoformat() if moment is not None else ""
    if kind == "duration":
        return f"{convert.seconds(primitive.duration):g} s"
    return str(getattr(primitive, kind)) if kind else ""
