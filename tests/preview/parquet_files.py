"""Parquet files that no library at hand writes: the footer of a real one, with its schema written anew."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from flowtui.preview.parquet_footer import MARK, schema_elements
from flowtui.preview.thrift import written_varint, zigzag


def written(table: pa.Table, **options: object) -> bytes:
    """A table as pyarrow writes it."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def node(
    name: str,
    *,
    physical: int | None = None,
    length: int = 0,
    children: int = 0,
    rest: bytes = b"",
    repeated: bool = False,
) -> bytes:
    """A ``SchemaElement``, optional or repeated; ``rest`` are the fields that follow its number of children."""
    parts = [b""] if physical is None else [b"\x15" + zigzag(physical)]
    parts += [b"\x15" + zigzag(length)] if length else []
    before = 2 if length else 1 if physical is not None else 0
    parts.append(bytes([(3 - before) << 4 | 5]) + zigzag(2 if repeated else 1))
    parts.append(b"\x18" + written_varint(len(name)) + name.encode())
    parts.append(b"\x15" + zigzag(children) + rest + b"\0")
    return b"".join(parts)


def with_schema(content: bytes, nodes: Sequence[bytes], children: int) -> bytes:
    """A file whose schema has these nodes below the root, of which so many are its children."""
    length = struct.unpack("<I", content[-8:-4])[0]
    footer = MARK + content[-8 - length :]
    found = schema_elements(footer)
    # The list begins with its length and type, of fewer than 15 elements in a byte.
    count = 1 + len(nodes)
    assert count < 15
    root = b"\x48" + b"\x04root" + b"\x15" + zigzag(children) + b"\0"
    before = footer[len(MARK) : found[0].begin - 1] + bytes([count << 4 | 12])
    thrift = before + root + b"".join(nodes) + footer[found[-1].end : -8]
    return content[: -8 - length] + thrift + struct.pack("<I", len(thrift)) + MARK
