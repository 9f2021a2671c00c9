"""Parquet: schema, counts and statistics from the footer, the first rows from the first pages of the columns.

The format is that of https://parquet.apache.org/docs/file-format/. pyarrow reads page by page where it is given a
buffer size, so a row group of gigabytes costs its first pages alone. A page is up to a megabyte, and so is the
dictionary before it: columns that would cost more than the budget of a look are left for the next one.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.arrow_values import UNREAD, column, column_names, short
from flowtui.preview.bounded_file import BoundedFile
from flowtui.preview.limits import Limits, chosen_places
from flowtui.preview.parquet_columns import first_values, listed
from flowtui.preview.parquet_footer import encrypted_columns, readable
from flowtui.preview.parquet_schema import parquet_fields
from flowtui.preview.parquet_statistics import statistics
from flowtui.preview.result import Preview
from flowtui.preview.worker import Request

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

_PLAIN, _ENCRYPTED = b"PAR1", b"PARE"
_MOST_FOOTER = 16 << 20
_SIGNATURE = 28
"""Bytes that follow a footer in the clear in a file whose columns are encrypted (Parquet's Encryption.md, 5.2)."""

_TAIL = 64 * 1024
"""Bytes of the end that are read at once: the footer of most files is in them."""

_HIDDEN_KEYS = (b"ARROW:schema", b"pandas")


def accepts(subject: Subject) -> bool:
    """Files that begin like Parquet, with an encrypted footer or without."""
    return subject.sniffed.magic == "parquet"


async def show(subject: Subject) -> Preview:
    if subject.size is None:
        raise PreviewError("a Parquet file is read from its end, and the server does not say its size")
    # A small file is read at once rather than in parts.
    await subject.read_whole()
    return await subject.workers.show(table, subject)


def table(file: BinaryIO, request: Request) -> Preview:
    """The preview of a Parquet file; runs in a worker."""
    import pyarrow as pa

    try:
        return _table(file, request)
    except (pa.ArrowException, OSError, ValueError, LookupError) as error:
        raise PreviewError(f"a damaged Parquet file: {str(error).strip()}") from error


def _table(file: BinaryIO, request: Request) -> Preview:
    limits = request.limits
    bounded = BoundedFile.of(file, request)
    footer = _footer(bounded, request.size or 0)
    found = readable(footer)
    metadata = found.metadata
    schema = metadata.schema.to_arrow_schema()
    is_encrypted = len(footer) - len(_PLAIN) - 8 - metadata.serialized_size == _SIGNATURE
    # pyarrow ends the process when it is asked for a column that is encrypted.
    encrypted = encrypted_columns(footer) if is_encrypted else set()
    shown = chosen_places([str(name) for name in schema.names], limits)
    fields = parquet_fields(footer, found, schema, shown, encrypted)
    has_infinity = str(metadata.created_by or "").startswith("DuckDB")
    rows = min(max(min(limits.rows, limits.cells // max(len(fields), 1)), 1), metadata.num_rows)
    columns, said = first_values(bounded, metadata, fields, rows, limits, has_infinity=has_infinity)
    known = dict(statistics(metadata, [(one.told, one.form) for one in columns], limits, has_infinity=has_infinity))
    unread = [
        short(str(one.told.field.name), 40) for one in columns if one.values is None and not one.told.is_encrypted
    ]
    locked = [short(str(one.told.field.name), 40) for one in columns if one.told.is_encrypted]
    notices = [f"first {rows:,} of {metadata.num_rows:,} rows"] if rows < metadata.num_rows else []
    notices += said
    if len(fields) < len(schema) and not limits.wanted:
        notices.append(f"first {len(fields):,} of {len(schema):,} columns")
    if unread:
        notices.append(f"not read yet, as their pages are large: {listed(unread)}")
    if locked:
        notices.append(f"encrypted, to be read with their keys only: {listed(locked)}")
    if found.lacks_arrow:
        notices.append("its schema of Arrow cannot be read: lengths of time and zones may be shown as plain numbers")
    if len(known) < len(fields):
        notices.append("too many row groups to look at the statistics of every column")
    values = [one.values if one.values is not None else [UNREAD] * rows for one in columns]
    return Preview(
        kind="table",
        columns=tuple(
            column(one.told.field, limits.cell, one.form, **known.get(at, {})) for at, one in enumerate(columns)
        ),
        rows=tuple(zip(*values, strict=True)),
        notices=tuple(notices),
        total_rows=metadata.num_rows,
        column_names=column_names(schema.names, len(fields), limits),
        more=rows < metadata.num_rows or bool(unread),
        format="parquet",
        facts=tuple(_facts(metadata, limits, encrypted)),
    )


def _footer(file: BoundedFile, size: int) -> bytes:
    """The footer as a Parquet file without rows."""
    if size < 12:
        raise PreviewError("too short for a Parquet file")
    file.fetch_needed(max(size - _TAIL, 0), size)
    file.seek(size - 8)
    length, mark = struct.unpack("<I4s", file.read(8))
    if mark == _ENCRYPTED:
        raise PreviewError("an encrypted Parquet file: even its schema can be read with its keys only")
    if mark != _PLAIN:
        raise PreviewError(
            "not a whole Parquet file: it has no footer at its end, so it was cut off or is still written"
        )
    if not 0 < length <= size - 12:
        raise PreviewError("a damaged Parquet file: the length of its footer is wrong")
    if length > _MOST_FOOTER:
        raise PreviewError(f"a Parquet file whose footer of {length:,} bytes is larger than a preview may read")
    file.fetch_needed(size - 8 - length, size)
    file.seek(size - 8 - length)
    return _PLAIN + file.read(length) + struct.pack("<I4s", length, _PLAIN)


def _facts(metadata: Any, limits: Limits, encrypted: set[int]) -> Iterator[tuple[str, str]]:
    yield "row groups", f"{metadata.num_row_groups:,}"
    if metadata.num_row_groups:
        group = metadata.row_group(0)
        readable_columns = (at for at in range(min(group.num_columns, limits.columns)) if at not in encrypted)
        codecs = {group.column(at).compression for at in readable_columns}
        yield "compression", ", ".join(sorted(codecs)).lower()
        yield "rows of the first row group", f"{group.num_rows:,}"
    if encrypted:
        yield "encryption", "of columns"
    yield "format version", str(metadata.format_version)
    if metadata.created_by:
        yield "created by", short(str(metadata.created_by), limits.cell)
    yield from metadata_facts(metadata.metadata or {}, limits)


def metadata_facts(metadata: dict[bytes, bytes], limits: Limits) -> Iterator[tuple[str, str]]:
    """The keys and values that a writer left in the schema, and the index columns of pandas among them."""
    if b"pandas" in metadata:
        index = _pandas_index(metadata[b"pandas"])
        yield "pandas index", short(", ".join(index), limits.cell) or "none"
    for key, value in metadata.items():
        if key not in _HIDDEN_KEYS:
            text = value[: 4 * limits.cell].decode(errors="replace")
            yield short(key[:320].decode(errors="replace"), 80), short(text, limits.cell)


def _pandas_index(text: bytes) -> list[str]:
    """The names of the index columns; https://pandas.pydata.org/docs/development/developer.html tells the form."""
    if len(text) > _MOST_FOOTER:
        return []
    try:
        columns = json.loads(text)["index_columns"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    if not isinstance(columns, list):
        return []
    found = []
    for one in columns[:50]:
        if isinstance(one, dict):
            bounds = ", ".join(str(one.get(key)) for key in ("start", "stop", "step"))
            found.append(f"{one.get('name') or 'range'} ({bounds})")
        else:
            found.append(str(one))
    return found
