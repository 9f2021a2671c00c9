"""Literals as protobuf: files of literal maps, unwrapping, and the hash that a cache key is made of."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeVar

from flyteidl.core import literals_pb2
from google.protobuf.message import Message

from flowtui.errors import FlowError

_M = TypeVar("_M", bound=Message)


def read_message(path: Path, message_type: type[_M]) -> _M:
    """The protobuf message that a file holds.

    Raises:
        FlowError: the file is missing or is not such a message.
    """
    from google.protobuf.message import DecodeError

    try:
        return message_type.FromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise FlowError(f"{path} cannot be read: {error}") from error


def write_message(path: Path, message: Message) -> None:
    """Write a message in one step: a reader sees all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(message.SerializeToString(deterministic=True))
    part.replace(path)


def literal_map(values: Mapping[str, literals_pb2.Literal]) -> literals_pb2.LiteralMap:
    answer = literals_pb2.LiteralMap()
    for name, literal in values.items():
        answer.literals[name].CopyFrom(literal)
    return answer


def none() -> literals_pb2.Literal:
    """What a failed item of a map leaves in the list."""
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(none_type=literals_pb2.Void()))


def collection(items: Collection[literals_pb2.Literal]) -> literals_pb2.Literal:
    return literals_pb2.Literal(collection=literals_pb2.LiteralCollection(literals=items))


def text(value: str) -> literals_pb2.Literal:
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=literals_pb2.Primitive(string_value=value)))


def unwrap(literal: literals_pb2.Literal) -> literals_pb2.Literal:
    """The literal inside a union, however deep."""
    while literal.WhichOneof("value") == "scalar" and literal.scalar.WhichOneof("value") == "union":
        literal = literal.scalar.union.value
    return literal


def _canonical(literal: literals_pb2.Literal) -> literals_pb2.Literal:
    if literal.hash:
        return literals_pb2.Literal(hash=literal.hash)
    answer = literals_pb2.Literal()
    kind = literal.WhichOneof("value")
    if kind == "collection":
        answer.collection.literals.extend(_canonical(item) for item in literal.collection.literals)
        return answer
    if kind == "map":
        answer.map.SetInParent()
        for name, item in literal.map.literals.items():
            answer.map.literals[name].CopyFrom(_canonical(item))
        return answer
    answer.CopyFrom(literal)
    answer.metadata.clear()
    return answer


def digest(message: Message) -> str:
    """A hash of a message: URL-safe base 64 without padding."""
    raw = hashlib.sha256(message.SerializeToString(deterministic=True)).digest()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def inputs_digest(inputs: literals_pb2.LiteralMap, ignored: Collection[str] = ()) -> str:
    """The hash of a task's inputs that its cache key holds: a literal's own hash goes before its value."""
    kept = {name: _canonical(literal) for name, literal in inputs.literals.items() if name not in ignored}
    return digest(literal_map(kept))
