"""Files inside literals: blobs, data frames, lists, maps, unions, and files inside dataclasses.

A literal is foreign: it is walked with a stack and with limits, and what is not understood holds no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flyteidl.core import literals_pb2, types_pb2
from google.protobuf.message import Message

MULTIPART = types_pb2.BlobType.MULTIPART

MAX_FILES = 100_000
"""Files of one literal that are read; a notice tells where there are more."""

_MAX_PARTS = 1_000_000
_MAX_BINARY = 16 * 2**20
_MAX_DEPTH = 64
_MAX_PLACE = 200
"""Characters of a key, and of a place that a step is added to: keys are foreign."""

Step = str | int
"""A step into a value: a key of a map or a field of a dataclass, or an index of a list."""


@dataclass(frozen=True, slots=True)
class Found:
    """The files of a value.

    Attributes:
        uris: in the order of the value.
        directory: True where one of them is a multipart blob.
        nones: how many items are None; 1 where the value itself is.
        offloaded: bytes of a value that lies in the store instead of in the literal; its URI is in ``uris``.
        more: True where there are more than ``MAX_FILES``.
        format: of the first blob that has one.
        places: where in the value each of the URIs is, as one would write it behind its name: ``[2]``, ``.others[0]``,
            ``["a b"]``; empty where it is the value itself.
    """

    uris: tuple[str, ...] = ()
    directory: bool = False
    nones: int = 0
    offloaded: int | None = None
    more: bool = False
    format: str = ""
    places: tuple[str, ...] = ()


def files(literal: literals_pb2.Literal) -> Found:
    """The files of a literal; never raises, whatever the literal holds."""
    uris: list[str] = []
    places: list[str] = []
    directory = more = False
    nones = 0
    offloaded: int | None = None
    format_ = ""
    stack: list[tuple[Any, str]] = [(literal, "")]
    parts = 0
    while stack:
        part, place = stack.pop()
        parts += 1
        if parts > _MAX_PARTS or len(uris) >= MAX_FILES:
            more = True
            break
        if not _is_literal(part):
            uri = _uri_of(part) if isinstance(part, Mapping) else ""
            if uri:
                uris.append(uri)
                places.append(place)
            else:
                stack.extend(_plain_parts(part, place))
            continue
        kind = part.WhichOneof("value")
        before = len(uris)
        if kind == "offloaded_metadata":
            uris.append(part.offloaded_metadata.uri)
            offloaded = (offloaded or 0) + part.offloaded_metadata.size_bytes
        elif kind == "collection":
            items = part.collection.literals
            stack.extend((items[index], _below(place, index)) for index in reversed(range(len(items))))
        elif kind == "map":
            stack.extend(
                (part.map.literals[key], _below(place, key)) for key in sorted(part.map.literals, reverse=True)
            )
        elif kind == "scalar":
            scalar = part.scalar
            value = scalar.WhichOneof("value")
            if value == "blob" and scalar.blob.uri:
                uris.append(scalar.blob.uri)
                directory = directory or scalar.blob.metadata.type.dimensionality == MULTIPART
                format_ = format_ or scalar.blob.metadata.type.format
            elif value == "structured_dataset" and scalar.structured_dataset.uri:
                uris.append(scalar.structured_dataset.uri)
                format_ = format_ or scalar.structured_dataset.metadata.structured_dataset_type.format
            elif value == "schema" and scalar.schema.uri:
                uris.append(scalar.schema.uri)
            elif value == "union":
                stack.append((scalar.union.value, place))
            elif value == "none_type":
                nones += 1
            elif value in ("binary", "generic"):
                stack.append((decoded(scalar), place))
        places += [place] * (len(uris) - before)
    return Found(tuple(uris), directory, nones, offloaded, more, format_, tuple(places))


def _below(place: str, step: object) -> str:
    """A part of a value as one would write it; cut where it would become long, and then no place any more."""
    if isinstance(step, int):
        return f"{place[:_MAX_PLACE]}[{step}]"
    key = str(step)[:_MAX_PLACE]
    return f"{place[:_MAX_PLACE]}.{key}" if key.isidentifier() else f'{place[:_MAX_PLACE]}["{key}"]'


def _is_literal(part: object) -> bool:
    return isinstance(part, Message)


def _plain_parts(part: Any, place: str) -> list[tuple[Any, str]]:
    """The parts of a decoded dataclass that may hold files, last first, each with its place."""
    if isinstance(part, Mapping):
        steps: list[tuple[Any, Any]] = list(part.items())
    elif isinstance(part, Sequence) and not isinstance(part, str | bytes):
        steps = list(enumerate(part))
    else:
        return []
    return [
        (value, _below(place, step)) for step, value in reversed(steps) if isinstance(value, Mapping | list | tuple)
    ]


def _uri_of(value: Mapping[Any, Any]) -> str:
    """The URI of a field that is a FlyteFile (``path``), StructuredDataset (``uri``) or FlyteSchema."""
    for key, beside in (("path", {"metadata"}), ("uri", {"file_format"}), ("remote_path", set())):
        uri = value.get(key)
        if isinstance(uri, str) and ("://" in uri or uri.startswith("/")) and set(value) - {key} <= beside:
            return uri
    return ""


def decoded(scalar: literals_pb2.Scalar) -> Any:
    """A dataclass or dict as plain Python objects; None where it is of another kind or damaged."""
    if scalar.WhichOneof("value") == "generic":
        return _struct(scalar.generic, 0)
    binary = scalar.binary
    if binary.tag != "msgpack" or len(binary.value) > _MAX_BINARY:
        return None
    import msgpack

    try:
        return msgpack.unpackb(
            binary.value, raw=False, strict_map_key=False, unicode_errors="replace", ext_hook=lambda _code, _data: None
        )
    # The decoder raises these and subclasses of them on damaged and hostile input; an unhashable key is a TypeError.
    except (ValueError, TypeError, RecursionError, msgpack.exceptions.UnpackException):
        return None


def _struct(struct: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        return None
    return {key: _struct_value(struct.fields[key], depth + 1) for key in sorted(struct.fields)}


def _struct_value(value: Any, depth: int) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _struct(value.struct_value, depth)
    if kind == "list_value":
        return [_struct_value(item, depth + 1) for item in value.list_value.values] if depth < _MAX_DEPTH else None
    return None if kind in (None, "null_value") else getattr(value, kind)


def step_into(literal: literals_pb2.Literal, steps: Sequence[Step]) -> literals_pb2.Literal | None:
    """The part of a literal that an attribute path of a promise names; None where there is none."""
    current = literal
    for index, step in enumerate(steps):
        while current.scalar.WhichOneof("value") == "union":
            current = current.scalar.union.value
        kind = current.WhichOneof("value")
        if kind == "collection" and isinstance(step, int) and 0 <= step < len(current.collection.literals):
            current = current.collection.literals[step]
        elif kind == "map" and isinstance(step, str) and step in current.map.literals:
            current = current.map.literals[step]
        elif kind == "scalar" and current.scalar.WhichOneof("value") in ("binary", "generic"):
            return _step_into_plain(decoded(current.scalar), steps[index:])
        elif kind == "offloaded_metadata":
            return current
        else:
            return None
    return current


def _step_into_plain(value: Any, steps: Sequence[Step]) -> literals_pb2.Literal | None:
    for step in steps:
        in_list = isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value)
        if not in_list and not (isinstance(value, Mapping) and step in value):
            return None
        value = value[step]
    uris: list[str] = []
    stack = [value]
    while stack and len(uris) < MAX_FILES:
        part = stack.pop()
        uri = _uri_of(part) if isinstance(part, Mapping) else ""
        if uri:
            uris.append(uri)
        else:
            stack.extend(below for below, _ in _plain_parts(part, ""))
    items = [literals_pb2.Literal(scalar=literals_pb2.Scalar(blob=literals_pb2.Blob(uri=uri))) for uri in uris]
    return literals_pb2.Literal(collection=literals_pb2.LiteralCollection(literals=items))
