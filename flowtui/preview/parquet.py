"""Parquet: schema, counts and statistics from the footer, the first rows from the first pages of the columns.

The format is that of https://parquet.apache.org/docs/file-format/. pyarrow reads page by page where it is given a
buffer size, so a row group of gigabytes costs its first pages alone. A page is up to a megabyte, and so is the
dictionary before it: columns that would cost more than the budget of a look are left for the next one.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.arrow_values import UNREAD, column, short, stat_cell
from flowtui.preview.bounded_file import BoundedFile
from flowtui.preview.limits import Limits
from flowtui.preview.parquet_columns import first_values
from flowtui.preview.result import Preview
from flowtui.preview.worker import Request

if TYPE_CHECKING:
    import pyarrow as pa

    from flowtui.preview.subject import Subject

_PLAIN, _ENCRYPTED = b"PAR1", b"PARE"
_MOST_FOOTER = 16 << 20
_SIGNATURE = 28
"""Bytes that follow a footer in the clear in a file whose columns are encrypted (Parquet's Encryption.md, 5.2)."""

_TAIL = 64 * 1024
"""Bytes of the end that are read at once: the footer of most files is in them."""

_MOST_STATISTICS = 50_000
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
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise PreviewError(f"a damaged Parquet file: {str(error).strip()}") from error


def _table(file: BinaryIO, request: Request) -> Preview:
    import pyarrow.parquet as pq

    limits = request.limits
    size = request.size or 0
    bounded = BoundedFile.of(file, request)
    footer = _footer(bounded, size)
    metadata = pq.read_metadata(io.BytesIO(footer))
    schema = metadata.schema.to_arrow_schema()
    fields = list(schema)[: max(limits.columns, 1)]
    if len(footer) - len(_PLAIN) - 8 - metadata.serialized_size == _SIGNATURE:
        # pyarrow ends the process when it is asked for a column that is encrypted.
        return Preview(
            kind="table",
            columns=tuple(column(field, limits.cell) for field in fields),
            notices=("its columns are encrypted, or some of them: they can be read with their keys only",),
            total_rows=metadata.num_rows,
            format="parquet",
            facts=(("row groups", f"{metadata.num_row_groups:,}"), ("encryption", "of columns")),
        )
    leaves = _leaves(schema, metadata.num_columns)
    known = dict(_statistics(metadata, fields, leaves, limits))
    rows = min(max(min(limits.rows, limits.cells // max(len(fields), 1)), 1), metadata.num_rows)
    found, notices = first_values(bounded, metadata, fields, leaves, rows, limits)
    unread = [short(str(field.name), 40) for field, values in zip(fields, found, strict=True) if values is None]
    if rows < metadata.num_rows:
        notices.insert(0, f"first {rows:,} of {metadata.num_rows:,} rows")
    if len(fields) < len(schema):
        notices.append(f"first {len(fields):,} of {len(schema):,} columns")
    if unread:
        names = ", ".join(unread[:5]) + (f" and {len(unread) - 5:,} more" if len(unread) > 5 else "")
        notices.append(f"not read yet, as their pages are large: {names}")
    if len(known) < len(fields):
        notices.append("too many row groups to look at the statistics of every column")
    return Preview(
        kind="table",
        columns=tuple(column(field, limits.cell, **known.get(at, {})) for at, field in enumerate(fields)),
        rows=tuple(zip(*(values if values is not None else [UNREAD] * rows for values in found), strict=True)),
        notices=tuple(notices),
        total_rows=metadata.num_rows,
        more=rows < metadata.num_rows or bool(unread),
        format="parquet",
        facts=tuple(_facts(metadata, limits)),
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


def _leaves(schema: pa.Schema, count: int) -> list[list[int]]:
    """The column chunks of each field, by number; empty lists where they cannot be told."""
    found: list[list[int]] = []
    at = 0
    for field in schema:
        width = _width(field.type)
        found.append(list(range(at, at + width)))
        at += width
    return found if at == count else [[] for _ in schema]


def _width(of: pa.DataType) -> int:
    import pyarrow as pa

    if isinstance(of, pa.BaseExtensionType):
        return _width(of.storage_type)
    return sum(_width(of.field(at).type) for at in range(of.num_fields)) if of.num_fields else 1


def _statistics(
    metadata: Any, fields: list[pa.Field], leaves: list[list[int]], limits: Limits
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Missing values, least and largest value of each field, as far as all row groups tell."""
    left = _MOST_STATISTICS
    groups = [metadata.row_group(at) for at in range(min(metadata.num_row_groups, left))]
    for at, field in enumerate(fields):
        left -= max(len(groups), 1)
        if left < 0:
            return
        if len(leaves[at]) != 1 or field.type.num_fields:
            yield at, {}
            continue
        nulls: int | None = 0
        least: list[Any] | None = []
        most: list[Any] | None = []
        for group in groups:
            try:
                found = group.column(leaves[at][0]).statistics
                nulls = None if nulls is None or not found or not found.has_null_count else nulls + found.null_count
                if found is None or not (found.has_min_max or found.null_count == found.num_values == 0):
                    if not (found and found.has_null_count and found.null_count == group.num_rows):
                        least = most = None
                elif least is not None and most is not None and found.has_min_max:
                    least.append(found.min)
                    most.append(found.max)
            # What a foreign writer left there may be nonsense.
            except (OSError, ValueError, OverflowError, NotImplementedError, AttributeError):
                nulls = least = most = None
            if nulls is None and least is None:
                break
        known: dict[str, Any] = {"nulls": nulls}
        try:
            known["least"] = stat_cell(min(least), field.type, limits.cell) if least else None
            known["most"] = stat_cell(max(most), field.type, limits.cell) if most else None
        except TypeError:
            known = {"nulls": nulls}
        yield at, known


def _facts(metadata: Any, limits: Limits) -> Iterator[tuple[str, str]]:
    yield "row groups", f"{metadata.num_row_groups:,}"
    if metadata.num_row_groups:
        group = metadata.row_group(0)
        codecs = {group.column(at).compression for at in range(min(group.num_columns, limits.columns))}
        yield "compression", ", ".join(sorted(codecs)).lower()
        yield "rows of the first row group", f"{group.num_rows:,}"
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
