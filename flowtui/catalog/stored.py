"""Values that lie in the blob store instead of in an answer of the server.

Flyte offloads large values: the literal is then ``offloaded_metadata``, a pointer to a file that holds a serialized
``core.Literal``. And where Admin itself cannot read the outputs of a node, its answer is empty, while the file that
``closure.output_uri`` names may still be there: a serialized ``core.LiteralMap``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flyteidl.core import literals_pb2
from google.protobuf.message import DecodeError

from flowtui.admin.gather import gather
from flowtui.catalog.declared import file_type
from flowtui.domain.size import human_size
from flowtui.errors import FlowtuiError, NotFoundError, StorageError

ReadObject = Callable[[str, int], Awaitable[bytes]]
"""The bytes of the object behind a URI, at most so many; raises NotFoundError and StorageError."""

MAX_VALUE = 4 * 2**20
"""Bytes of an offloaded value that is opened: larger ones keep their URI and size."""

MAX_OUTPUTS = 16 * 2**20
"""Bytes of a file of outputs that is read where Admin returns none."""

_MAX_VALUES = 32
_MAX_PARTS = 100_000


async def outputs(read: ReadObject, uri: str) -> literals_pb2.LiteralMap:
    """The outputs of a node as its engine stored them.

    Raises:
        FlowtuiError: the file is not there, cannot be read, is too large or damaged.
    """
    found = literals_pb2.LiteralMap()
    try:
        found.ParseFromString(await _whole(read, uri, MAX_OUTPUTS))
    except DecodeError as error:
        raise StorageError(f"{uri} does not hold outputs.") from error
    return found


@dataclass(frozen=True, slots=True)
class Closed:
    """A value that cannot be opened: why, and whether that will not change (it is gone or damaged)."""

    why: str
    for_good: bool


async def open_offloaded(read: ReadObject, literals: Iterable[literals_pb2.Literal]) -> list[Closed]:
    """Put offloaded values in the place of their pointers, where they may hold files and are small.

    Returns:
        Those that cannot be opened.
    """
    pointers = _pointers(literals)
    said = await gather(_open(read, pointer) for pointer in pointers[:_MAX_VALUES])
    return [one for one in said if one is not None]


async def _open(read: ReadObject, literal: literals_pb2.Literal) -> Closed | None:
    uri = str(literal.offloaded_metadata.uri)
    value = literals_pb2.Literal()
    try:
        value.ParseFromString(await _whole(read, uri, MAX_VALUE))
    except DecodeError:
        value.Clear()
    except FlowtuiError as error:
        return Closed(error.message, isinstance(error, NotFoundError))
    if value.WhichOneof("value") is None:
        return Closed(f"{uri} does not hold a value.", True)
    literal.CopyFrom(value)
    return None


def _pointers(literals: Iterable[literals_pb2.Literal]) -> list[literals_pb2.Literal]:
    """The offloaded values that are to be opened, at any depth."""
    found: list[literals_pb2.Literal] = []
    stack: list[Any] = list(literals)
    parts = 0
    while stack and parts < _MAX_PARTS:
        part = stack.pop()
        parts += 1
        kind = part.WhichOneof("value")
        if kind == "offloaded_metadata":
            pointer = part.offloaded_metadata
            type_ = pointer.inferred_type
            may_hold_files = type_.WhichOneof("type") is None or file_type(type_) is not None
            if may_hold_files and pointer.uri and pointer.size_bytes <= MAX_VALUE:
                found.append(part)
        elif kind == "collection":
            stack.extend(part.collection.literals)
        elif kind == "map":
            stack.extend(part.map.literals.values())
        elif kind == "scalar" and part.scalar.WhichOneof("value") == "union":
            stack.append(part.scalar.union.value)
    return found


async def _whole(read: ReadObject, uri: str, most: int) -> bytes:
    body = await read(uri, most + 1)
    if len(body) > most:
        raise StorageError(f"{uri} is larger than {human_size(most)}.")
    return body
