"""Parquet: schema, counts and statistics from the footer, the first rows from the first pages of the columns.

The format is that of https://parquet.apache.org/docs/file-format/. pyarrow reads page by page where it is given a
buffer size, so a row group of gigabytes costs its first pages alone. A page is up to a megabyte, and so is the
dictionary before it: columns that would cost more than the budget of a look are left for the next one.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.arrow_values import UNREAD, cells, column, short, stat_cell
from flowtui.preview.bounded_file import BoundedFile, OverBudgetError
from flowtui.preview.limits import Limits
from flowtui.preview.parquet_pages import beginnings, first_rows_chunk
from flowtui.preview.result import Cell, Preview
from flowtui.preview.worker import Request

if TYPE_CHECKING:
    import pyarrow as pa

    from flowtui.preview.subject import Subject

_PLAIN, _ENCRYPTED = b"PAR1", b"PARE"
_MOST_FOOTER = 16 << 20
_SIGNATURE = 28
"""Bytes that follow a footer in the clear in a file whose columns are encrypted (Parquet's Encryption.md, 5.2)."""

_BUDGET = 4
"""Bytes of pages that a look may cost, in heads."""

_PAGE_ROWS = 20_000
_PAGE_BYTES = 1 << 20
_BUFFER = 16 * 1024
_SMALL = 64 * 1024
"""Columns whose first pages are as small as this are read as they are."""

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
    footer = _footer(file, size)
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
    bounded = BoundedFile(file, free=at_hand(size, limits), budget=limits.head * _BUDGET)
    found, notices = _columns(bounded, metadata, fields, leaves, rows, limits)
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


def at_hand(size: int, limits: Limits) -> int:
    """How many bytes from the beginning of a file were read before it came to a worker."""
    return size if size <= limits.whole else limits.head


def _footer(file: BinaryIO, size: int) -> bytes:
    """The footer as a Parquet file without rows. One read where it lies within the last block of the file."""
    if size < 12:
        raise PreviewError("too short for a Parquet file")
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


def _columns(
    file: BoundedFile, metadata: Any, fields: list[pa.Field], leaves: list[list[int]], rows: int, limits: Limits
) -> tuple[list[list[Cell] | None], list[str]]:
    """The first rows of each field, None for one that is not read; and what went wrong."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    notices: list[str] = []
    groups = _first_groups(metadata, rows)
    ranges = [
        [_first_pages(metadata.row_group(group).column(leaf)) for group in groups for leaf in leaves[at]]
        for at in range(len(fields))
    ]
    costs = [sum(file.cost(start, end) for start, end in parts) for parts in ranges]
    first: list[tuple[int, int]] = []
    left = file.left
    for at, cost in enumerate(costs):
        parts = ranges[at]
        if cost > _SMALL and len(groups) == 1:
            parts = [part for leaf in leaves[at] for part in beginnings(metadata.row_group(groups[0]).column(leaf))]
            cost = sum(file.cost(start, end) for start, end in parts)
        if cost <= left:
            left -= cost
            first += parts
    # All at once, so that neighbours come with one read.
    file.fetch(first)
    usable: list[Any] = []

    def read(at: int) -> list[Cell]:
        # A reader that failed once may crash when it is used again.
        reader = (
            usable.pop() if usable else pq.ParquetFile(file, metadata=metadata, buffer_size=_BUFFER, pre_buffer=False)
        )
        values: list[Cell] = []
        for batch in reader.reader.iter_batches(rows, groups, column_indices=leaves[at], use_threads=False):
            values += cells(batch.column(0)[: rows - len(values)], limits.cell)
            if len(values) >= rows:
                break
        usable.append(reader)
        if len(values) < rows:
            raise ValueError(f"it has {len(values):,} rows")
        return values

    found: list[list[Cell] | None] = []
    for at, field in enumerate(fields):
        values: list[Cell] | None = None
        try:
            if costs[at] > _SMALL and len(groups) == 1:
                values = _from_beginnings(file, metadata, groups[0], leaves[at], rows, partial(read, at))
            if values is None and costs[at] <= file.left:
                values = read(at)
        except OverBudgetError:
            values = None
        except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
            values = [None] * rows
            notices.append(f"{short(str(field.name), 80)} cannot be read: {short(str(error), 200)}")
        found.append(values)
    return found, notices


def _from_beginnings(
    file: BoundedFile, metadata: Any, group: int, leaves: list[int], rows: int, read: Callable[[], list[Cell]]
) -> list[Cell] | None:
    """What ``read`` gives where the pages of a column are cut short; None where they cannot be."""
    import pyarrow as pa

    try:
        for leaf in leaves:
            chunk = metadata.row_group(group).column(leaf)
            data = first_rows_chunk(file, chunk, metadata.schema.column(leaf), rows)
            if data is None:
                return None
            file.replace(_first_pages(chunk)[0], data)
        return read()
    except (pa.ArrowException, OSError, ValueError, NotImplementedError):
        # A dictionary in another order, or a page that needs its end.
        return None
    finally:
        file.restore()


def _first_groups(metadata: Any, rows: int) -> list[int]:
    """The row groups that hold the first rows."""
    groups: list[int] = []
    for at in range(metadata.num_row_groups):
        if rows <= 0:
            break
        count = metadata.row_group(at).num_rows
        if count:
            groups.append(at)
            rows -= count
    return groups


def _first_pages(chunk: Any) -> tuple[int, int]:
    """Where the dictionary and the first page of a column chunk lie, as far as its sizes tell.

    Writers end a page after 20,000 rows or a megabyte.
    """
    start = end = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < start:
        start = chunk.dictionary_page_offset
    data = max(chunk.total_compressed_size - (end - start), 0)
    pages = max(-(-chunk.num_values // _PAGE_ROWS), -(-chunk.total_uncompressed_size // _PAGE_BYTES), 1)
    return start, end + min(data, data // pages + data // pages // 4 + 1024)


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
