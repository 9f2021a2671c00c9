"""The messages that Arrow's IPC files and streams consist of.

The form is that of https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from flowtui.errors import PreviewError
from flowtui.preview.bounded_file import BoundedFile
from flowtui.preview.flatbuffers import Table

SCHEMA, DICTIONARY, BATCH = 1, 2, 3
"""Kinds of messages."""

V5 = 4
"""The version of metadata since Arrow 1.0."""

CONTINUES = 0xFFFFFFFF
"""Stands before the length of a message since Arrow 0.15."""

_MOST_METADATA = 4 << 20
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream or file.

    Attributes:
        raw: the message as it stands before its body in a stream.
        body, end: where its body begins and ends in the file.
        version: of the metadata, from 0 for V1.
    """

    kind: int
    header: Table
    raw: bytes
    body: int
    end: int
    version: int


def message_at(file: BoundedFile, at: int, size: int = 0) -> Message | None:
    """The message that begins at a position; None at the end of a stream.

    Args:
        size: how long it is, as the footer of a file tells; 0 in a stream. Then the length before it may be missing, as
            in files that polars writes since 2.0.

    Raises PreviewError where there is none.
    """
    file.seek(at)
    start = file.read(8)
    if len(start) < 4:
        return None
    mark, length = struct.unpack("<Ii", start.ljust(8, b"\0"))
    begin = at + 8
    if mark != CONTINUES:
        # Before Arrow 0.15 the length came without a mark.
        length, begin = mark, at + 4
        if 0 < size <= _MOST_METADATA and not size - 16 < length + 4 <= size:
            length, begin = size, at
    if not length:
        return None
    if not 0 < length <= _MOST_METADATA:
        raise PreviewError("a damaged Arrow file: a message has no length that makes sense")
    file.seek(begin)
    found = _message(file.read(length), begin + length)
    if found is None:
        raise PreviewError("a damaged Arrow file: a message makes no sense")
    return found


def _message(data: bytes, body: int) -> Message | None:
    try:
        root = Table.root(data)
        header = root.table(2)
        size = root.scalar(3, "q")
        kind = root.scalar(1, "B")
        version = root.scalar(0, "h")
    except struct.error:
        return None
    if header is None or size < 0:
        return None
    # Where no length stands before it, its end need not be a multiple of eight as a stream wants it.
    padded = data + bytes(-len(data) % 8)
    return Message(kind, header, struct.pack("<Ii", CONTINUES, len(padded)) + padded, body, body + size, version)


def begins_a_stream(head: bytes) -> bool:
    """Whether the first bytes of a file are a message with a schema, as those of a stream are."""
    if len(head) < 16:
        return False
    mark, length = struct.unpack_from("<Ii", head)
    begin = 8
    if mark != CONTINUES:
        # Before Arrow 0.15 the length came without a mark.
        length, begin = mark, 4
    if not 0 < length <= min(_MOST_METADATA, len(head) - begin):
        return False
    found = _message(head[begin : begin + length], begin + length)
    return found is not None and found.kind == SCHEMA and found.version <= V5 and found.body == found.end


def schema_message(footer: bytes) -> bytes:
    """The schema of a file's footer as a message of a stream. Raises struct.error for damaged bytes.

    A table of FlatBuffers refers forward to another, so the message is set before the footer as it is.
    """
    schema = Table.root(footer).table(1)
    if schema is None:
        raise struct.error("the footer has no schema")
    # A root, a table of 16 bytes with the version (V5), the kind and the place of the header, and what describes it.
    fields = struct.pack("<HHHHH2x", 10, 16, 4, 6, 8)
    begin = 4 + len(fields)
    before = begin + 16
    table = struct.pack("<ihBxI4x", len(fields), V5, SCHEMA, before + schema.at - (begin + 8))
    data = struct.pack("<I", begin) + fields + table + footer
    data += bytes(-len(data) % 8)
    return struct.pack("<Ii", CONTINUES, len(data)) + data


def dictionary_ids(schema: Table) -> list[dict[tuple[int, ...], int]]:
    """For each field of a schema, the numbers of the dictionaries within it by the path of children."""
    found = []
    for field in schema.tables(1):
        ids: dict[tuple[int, ...], int] = {}
        _gather_ids(field, (), ids)
        found.append(ids)
    return found


def _gather_ids(field: Table, path: tuple[int, ...], ids: dict[tuple[int, ...], int]) -> None:
    encoding = field.table(4)
    if encoding is not None:
        ids[path] = encoding.scalar(0, "q")
    if len(path) < _DEEPEST:
        for index, child in enumerate(field.tables(5)):
            _gather_ids(child, (*path, index), ids)
