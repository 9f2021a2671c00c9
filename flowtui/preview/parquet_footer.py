"""The footer of a Parquet file, read where pyarrow does not tell what it says, and made such that pyarrow can read it.

The structures are those of parquet.thrift (https://github.com/apache/parquet-format): FileMetaData has the schema as
its field 2, the row groups as 4; a ColumnChunk whose column is encrypted has its field 8.
"""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flowtui.preview.arrow_schema import Path, wide_integers_as_bytes
from flowtui.preview.thrift import BINARY, I32, elements, fields, read_struct, varint, written_varint, zigzag

MARK = b"PAR1"
BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY = range(8)
"""Physical types."""

ENUM, DECIMAL, JSON, BSON, INTERVAL = 4, 5, 19, 20, 21
"""Converted types."""

LOGICAL_DECIMAL, LOGICAL_BSON, LOGICAL_UUID, VARIANT, GEOMETRY, GEOGRAPHY = 5, 13, 14, 16, 17, 18
"""Logical types, by their numbers in the union ``LogicalType``."""

_ARROW_KEY, _HIDDEN_KEY = b"ARROW:schema", b"ARROW!schema"
_MOST_TRIED = 2000


@dataclass(frozen=True, slots=True)
class Element:
    """A node of the schema: ``SchemaElement``.

    Attributes:
        physical: its type, None for a group.
        length: bytes of a value of fixed length.
        children: how many nodes are its children.
        converted: its converted type, None where it has none.
        logical: the number of its logical type, 0 where it has none; of which ``parameters`` are the fields.
        leaves: the columns within it, by number: from, to.
        begin, end: where it stands in the footer.
    """

    name: str
    physical: int | None
    length: int
    repetition: int | None
    children: int
    converted: int | None
    scale: int
    precision: int
    logical: int
    parameters: dict[int, Any]
    begin: int
    end: int
    leaves: tuple[int, int] = (0, 0)

    @property
    def is_bare(self) -> bool:
        """Whether nothing is said of what its values mean."""
        return self.converted is None and not self.logical


def schema_elements(footer: bytes) -> list[Element]:
    """The nodes of the schema, the root first, each before its children.

    Raises ValueError, IndexError where the footer is damaged.
    """
    found: list[Element] = []
    for number, _, at in fields(footer, len(MARK)):
        if number == 2:
            count, _, at = elements(footer, at)
            for _ in range(count):
                parts, end = read_struct(footer, at)
                found.append(_element(parts, at, end))
                at = end
            break
    _number_leaves(found)
    return found


def _element(parts: dict[int, Any], begin: int, end: int) -> Element:
    logical = parts.get(10) or {}
    kind = next(iter(logical), 0) if isinstance(logical, dict) else 0
    parameters = logical[kind] if kind and isinstance(logical[kind], dict) else {}
    name = parts.get(4, b"")
    return Element(
        name.decode(errors="replace") if isinstance(name, bytes) else "",
        parts.get(1), parts.get(2, 0), parts.get(3), parts.get(5, 0), parts.get(6), parts.get(7, 0), parts.get(8, 0),
        kind, parameters, begin, end,
    )  # fmt: skip


def _number_leaves(found: list[Element]) -> None:
    leaf = 0
    firsts = []
    for element in found:
        firsts.append(leaf)
        leaf += element.physical is not None
    # A node ends where as many nodes follow as it and those below it have children.
    open_nodes: list[list[int]] = []
    for at, element in enumerate(found):
        open_nodes.append([at, element.children if element.physical is None else 0])
        while open_nodes and not open_nodes[-1][1]:
            node, _ = open_nodes.pop()
            end = firsts[at + 1] if at + 1 < len(found) else leaf
            found[node] = replace(found[node], leaves=(firsts[node], end))
            if open_nodes:
                open_nodes[-1][1] -= 1


def encrypted_columns(footer: bytes) -> set[int]:
    """The numbers of the columns that are encrypted, in any row group. Raises ValueError, IndexError."""
    found: set[int] = set()
    for number, _, at in fields(footer, len(MARK)):
        if number == 4:
            groups, _, at = elements(footer, at)
            for _ in range(groups):
                group, at = read_struct(footer, at)
                found |= {column for column, chunk in enumerate(group.get(1, ())) if 8 in chunk}
            break
    return found


@dataclass(frozen=True, slots=True)
class Readable:
    """A footer that pyarrow can read.

    Attributes:
        metadata: pyarrow's.
        bare: the columns, by number, of which an annotation was taken away for that: they are then the numbers or
            bytes that their values are stored as.
        wide: integers of 128 bits, which are then bytes, by their path in Arrow's schema; and whether they are signed.
        lacks_arrow: True where the schema of Arrow beside Parquet's cannot be read, and was passed over.
    """

    metadata: Any
    bare: frozenset[int] = frozenset()
    wide: dict[Path, bool] = field(default_factory=dict)
    lacks_arrow: bool = False


def readable(footer: bytes) -> Readable:
    """A footer as pyarrow can read it. Raises pyarrow's errors where nothing helps."""
    import pyarrow as pa

    try:
        return Readable(_metadata(footer))
    except (pa.ArrowException, OSError) as error:
        problem: Exception = error
    footer, wide = _with_readable_arrow_schema(footer)
    bare: frozenset[int] = frozenset()
    for change in (_unchanged, _without_unknown_annotations, _without_arrow_schema):
        footer, more = change(footer)
        bare |= more
        try:
            return Readable(_metadata(footer), bare, wide, change is _without_arrow_schema)
        except (pa.ArrowException, OSError):
            continue
    raise problem


def _metadata(footer: bytes) -> Any:
    import pyarrow.parquet as pq

    found = pq.read_metadata(io.BytesIO(footer))
    found.schema.to_arrow_schema()
    return found


def _unchanged(footer: bytes) -> tuple[bytes, frozenset[int]]:
    return footer, frozenset()


def _with_readable_arrow_schema(footer: bytes) -> tuple[bytes, dict[Path, bool]]:
    """The schema of Arrow beside Parquet's with integers of 128 bits as bytes; pyarrow knows those of 64 at most."""
    begin = footer.rfind(_ARROW_KEY)
    if begin < 0:
        return footer, {}
    try:
        # The value follows the key as the next field, of the same type.
        at = begin + len(_ARROW_KEY)
        length, at = varint(footer, at + 1)
        text = footer[at : at + length]
        changed, wide = wide_integers_as_bytes(base64.b64decode(text))
    except (ValueError, IndexError, struct.error):
        return footer, {}
    return footer[:at] + base64.b64encode(changed) + footer[at + length :], wide


def _without_arrow_schema(footer: bytes) -> tuple[bytes, frozenset[int]]:
    return footer.replace(_ARROW_KEY, _HIDDEN_KEY), frozenset()


def _without_unknown_annotations(footer: bytes) -> tuple[bytes, frozenset[int]]:
    """The schema without the annotations that pyarrow refuses."""
    try:
        found = schema_elements(footer)
    except (ValueError, IndexError):
        return footer, frozenset()
    pieces = [footer[: found[0].begin]]
    refused: set[int] = set()
    for tree in trees(found):
        parts = [footer[element.begin : element.end] for element in tree]
        if len(found) <= _MOST_TRIED and not _is_readable(parts):
            for at, element in enumerate(tree):
                if element.physical is not None and not element.is_bare and not _is_readable([parts[at]]):
                    parts[at] = _bare(element)
                    refused.add(element.leaves[0])
            if not _is_readable(parts):
                # What a group is said to be, as a map whose keys may be missing.
                parts = [
                    _bare(element) if element.physical is None else part
                    for element, part in zip(tree, parts, strict=True)
                ]
        pieces += parts
    pieces.insert(1, footer[found[0].begin : found[0].end])
    pieces.append(footer[found[-1].end : -8])
    return _closed(b"".join(pieces)), frozenset(refused)


def trees(found: Sequence[Element]) -> Iterator[list[Element]]:
    """The nodes below the root, each with those below it."""
    at = 1
    while at < len(found):
        begin, left = at, 1
        while left and at < len(found):
            left += (found[at].children if found[at].physical is None else 0) - 1
            at += 1
        yield list(found[begin:at])


def _is_readable(parts: Sequence[bytes]) -> bool:
    """Whether pyarrow reads a schema of these nodes below the root, the first of which is its only child."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    root = _struct([(4, BINARY, b"\x04root"), (5, I32, zigzag(1))])
    count = len(parts) + 1
    head = bytes([count << 4 | 12]) if count < 15 else b"\xfc" + written_varint(count)
    alone = b"\x15" + zigzag(2) + b"\x19" + head + root + b"".join(parts) + b"\x16\0" + b"\x19\x0c" + b"\0"
    try:
        pq.read_metadata(io.BytesIO(_closed(MARK + alone))).schema.to_arrow_schema()
    except (pa.ArrowException, OSError):
        return False
    return True


def _bare(element: Element) -> bytes:
    """A node of which nothing is said but how it is stored."""
    name = element.name.encode(errors="replace")
    parts = [] if element.physical is None else [(1, I32, zigzag(element.physical))]
    if element.length:
        parts.append((2, I32, zigzag(element.length)))
    if element.repetition is not None:
        parts.append((3, I32, zigzag(element.repetition)))
    parts.append((4, BINARY, written_varint(len(name)) + name))
    if element.physical is None:
        parts.append((5, I32, zigzag(element.children)))
    return _struct(parts)


def _struct(parts: Sequence[tuple[int, int, bytes]]) -> bytes:
    return b"".join(_written_fields(parts)) + b"\0"


def _written_fields(parts: Sequence[tuple[int, int, bytes]]) -> Iterator[bytes]:
    before = 0
    for number, kind, value in parts:
        yield bytes([(number - before) << 4 | kind]) + value
        before = number


def _closed(begin: bytes) -> bytes:
    """A footer with its length and its mark behind it."""
    return begin + struct.pack("<I", len(begin) - len(MARK)) + MARK
