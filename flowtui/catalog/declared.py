"""What an interface says: which outputs are files of artifacts, and which outputs hold files at all.

An output of an artifact carries ``Variable.artifact_partial_id``: the key's name is the file name, the partitions
``artifact_type`` and ``artifact_name`` name the artifact. Flows of 2024 use the partitions ``type`` and ``group``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flyteidl.core import interface_pb2, types_pb2

UNKNOWN_TYPE = "unknown"
_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Declaration:
    """A file of an artifact as an interface declares it."""

    type: str
    artifact: str
    file: str


@dataclass(frozen=True, slots=True)
class FileType:
    """The type of an output that holds files: the format of the first, and whether it is a directory."""

    format: str
    directory: bool


def declaration(variable: interface_pb2.Variable, name: str) -> Declaration | None:
    """The file that an output variable called ``name`` declares; None where it belongs to no artifact."""
    if not variable.HasField("artifact_partial_id"):
        return None
    id_ = variable.artifact_partial_id
    values = {key: value.static_value for key, value in id_.partitions.value.items()}
    artifact = values.get("artifact_name") or values.get("group") or ""
    if not artifact:
        return None
    type_ = values.get("artifact_type") or values.get("type") or UNKNOWN_TYPE
    return Declaration(type_, artifact, id_.artifact_key.name or values.get("key") or name)


def file_type(type_: types_pb2.LiteralType) -> FileType | None:
    """The type of the files that a value of this type holds; None where it holds none."""
    stack: list[tuple[Any, int]] = [(type_, 0)]
    while stack:
        current, depth = stack.pop()
        kind = current.WhichOneof("type")
        if kind == "blob":
            return FileType(current.blob.format, current.blob.dimensionality == types_pb2.BlobType.MULTIPART)
        if kind == "structured_dataset_type":
            return FileType(current.structured_dataset_type.format, False)
        if kind == "schema":
            return FileType("", False)
        if depth > _MAX_DEPTH:
            continue
        if kind == "collection_type":
            stack.append((current.collection_type, depth + 1))
        elif kind == "map_value_type":
            stack.append((current.map_value_type, depth + 1))
        elif kind == "union_type":
            stack.extend((variant, depth + 1) for variant in reversed(current.union_type.variants))
        elif current.HasField("structure"):
            fields = current.structure.dataclass_type
            stack.extend((fields[key], depth + 1) for key in sorted(fields, reverse=True))
    return None
