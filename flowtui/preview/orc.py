"""ORC files (https://orc.apache.org/specification/): the schema and the first rows of the first stripe.

pyarrow reads a column of a stripe as a whole: where that costs too much, a column is left for the next look. It gives
moments in nanoseconds, which wrap before 1677 and after 2262; the statistics of the file tell whether there are such.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.arrow_forms import form_of
from flowtui.preview.arrow_values import UNREAD, cells, column, column_names, short
from flowtui.preview.bounded_file import BoundedFile, NotFetchedError, Wish, read_together
from flowtui.preview.limits import Limits, chosen_places
from flowtui.preview.orc_tail import OrcTail, orc_tail
from flowtui.preview.parquet import metadata_facts
from flowtui.preview.parquet_columns import listed
from flowtui.preview.reasons import reason_of
from flowtui.preview.result import Cell, Preview
from flowtui.preview.worker import Request

if TYPE_CHECKING:
    import pyarrow as pa

    from flowtui.preview.subject import Subject

_MAGIC = b"ORC"
_NAMES = ("orc",)
_TAIL = 16 * 1024
_MORE = 64 * 1024
_AT_LEAST = 1 << 20
_MOST_MOMENT = (1 << 63) // 1_000_000 - 1
"""Milliseconds since 1970 that nanoseconds in 64 bits can hold."""


def accepts(subject: Subject) -> bool:
    """Files that begin like ORC's."""
    if not subject.head.startswith(_MAGIC):
        return False
    # A text may begin with these letters too.
    return subject.sniffed.is_any(*_NAMES) or subject.sniffed.encoding is None


async def show(subject: Subject) -> Preview:
    if subject.size is None:
        raise PreviewError("an ORC file is read from its end, and the server does not say its size")
    await subject.read_whole()
    return await subject.workers.show(table, subject)


def table(file: BinaryIO, request: Request) -> Preview:
    """The preview of an ORC file; runs in a worker."""
    import pyarrow as pa

    try:
        return _table(BoundedFile.of(file, request), request)
    except (pa.ArrowException, OSError, ValueError, LookupError) as error:
        raise PreviewError(f"a damaged ORC file: {reason_of(error)}") from error


def _table(file: BoundedFile, request: Request) -> Preview:
    from pyarrow import orc

    limits = request.limits
    file.fetch_needed(max(file.size - _TAIL, 0), file.size)
    tail = orc_tail(file)
    file.fetch_needed(max(file.size - tail.length, 0), file.size)
    reader = orc.ORCFile(file)
    schema = reader.schema
    places = chosen_places(schema.names, limits)
    rows = min(max(min(limits.rows, limits.cells // max(len(places), 1)), 1), reader.nrows)
    columns = [_Column(file, schema.field(at), at, rows, limits.cell) for at in places]
    if rows:
        read_together(file, [Wish(partial(one.read)) for one in columns], at_least=_AT_LEAST)
    count = max((len(one.values) for one in columns if one.values is not None), default=0)
    notices = [f"first {count:,} of {reader.nrows:,} rows"] if count < reader.nrows else []
    if len(places) < len(schema) and not limits.wanted:
        notices.append(f"first {len(places):,} of {len(schema):,} columns")
    if unread := [short(one.name, 40) for one in columns if one.values is None and rows]:
        notices.append(f"not read yet, as they are large: {listed(unread)}")
    notices += [one.problem for one in columns if one.problem]
    if wrapped := [one.name for one in columns if one.has_moments and not _fits(tail)]:
        for one in columns:
            if one.name in wrapped:
                one.values = [UNREAD] * count
        notices.append(f"moments before 1677 or after 2262, or the file does not tell, are not read: {listed(wrapped)}")
    values: list[list[Cell]] = [one.values if one.values is not None else [UNREAD] * count for one in columns]
    return Preview(
        kind="table",
        columns=tuple(column(one.field, limits.cell) for one in columns),
        rows=tuple(zip(*values, strict=True)) if count else (),
        notices=tuple(notices),
        total_rows=reader.nrows,
        column_names=column_names(schema.names, len(places), limits),
        more=count < reader.nrows or bool(unread),
        format="orc",
        facts=tuple(_facts(reader, limits)),
    )


class _Column:
    """The first rows of a column.

    Attributes:
        values: None until they are read.
        problem: why they cannot be read.
    """

    def __init__(self, file: BoundedFile, field: pa.Field, at: int, rows: int, width: int) -> None:
        self._file = file
        self._at = at
        self._rows = rows
        self._width = width
        self.field = field
        self.name = str(field.name)
        self.has_moments = _has_moments(field.type)
        self.values: list[Cell] | None = None
        self.problem = ""

    def read(self) -> None:
        """Read the stripes that hold the first rows. Raises NotFetchedError with what is needed."""
        import pyarrow as pa
        from pyarrow import orc

        values: list[Cell] = []
        form = form_of(self.field)
        asked = _Asked(self._file)
        try:
            # A reader that failed once is not used again.
            reader = orc.ORCFile(asked)
            for stripe in range(reader.nstripes):
                batch = reader.read_stripe(stripe, columns=[self._at])
                values += cells(batch.column(0)[: self._rows - len(values)], form, self._width)
                if len(values) >= self._rows:
                    break
        except (pa.ArrowException, OSError, ValueError, LookupError, ArithmeticError, NotFetchedError) as error:
            if asked.missing:
                needed = [(start, max(end, start + _MORE)) for start, end in asked.missing]
                raise NotFetchedError(needed) from None
            values = [None] * self._rows
            self.problem = f"{short(self.name, 80)} cannot be read: {reason_of(error)}"
        self.values = values


class _Asked(io.RawIOBase):
    """A file that remembers what was not fetched of it: ORC's library makes another error of it.

    Attributes:
        missing: what was asked for and is not there.
    """

    def __init__(self, file: BoundedFile) -> None:
        super().__init__()
        self._file = file
        self.missing: list[tuple[int, int]] = []

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def read(self, size: int | None = -1) -> bytes:
        try:
            return self._file.read(size)
        except NotFetchedError as error:
            self.missing += error.ranges
            raise


def _has_moments(of: pa.DataType) -> bool:
    import pyarrow.types as types

    return bool(types.is_timestamp(of)) or any(_has_moments(of.field(at).type) for at in range(of.num_fields))


def _fits(tail: OrcTail) -> bool:
    """Whether all moments of a file are known to be such that nanoseconds hold them."""
    return tail.moments is not None and all(abs(moment) <= _MOST_MOMENT for moment in tail.moments)


def _facts(reader: Any, limits: Limits) -> Iterator[tuple[str, str]]:
    yield "stripes", f"{reader.nstripes:,}"
    yield "compression", str(reader.compression).lower()
    yield "format version", str(reader.file_version)
    yield "created by", short(f"{reader.writer} {reader.writer_version}", limits.cell)
    yield from metadata_facts(reader.schema.metadata or {}, limits)
