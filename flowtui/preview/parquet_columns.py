"""The first rows of the columns of a Parquet file, fetched for many columns at once.

A page is up to a megabyte, and so is the dictionary before it. Of large ones the beginnings are read and cut to pages
of their own; where that cannot be, a page is read as it is. What the columns need is gathered and fetched together,
for as many of them as a look may cost, then what turned out to be missing; the others are left for the next look.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from flowtui.preview.arrow_values import cells, short
from flowtui.preview.bounded_file import BoundedFile, NotFetchedError, Wish, read_together
from flowtui.preview.limits import Limits
from flowtui.preview.parquet_pages import TooShortError, beginnings, can_be_cut, first_rows_chunk
from flowtui.preview.result import Cell

if TYPE_CHECKING:
    import pyarrow as pa

_PAGE_ROWS = 20_000
_PAGE_BYTES = 1 << 20
_BUFFER = 16 * 1024
_SMALL = 24 * 1024
"""Columns whose first pages are as small as this are read as they are."""

_PIECE, _PIECE_OF_ROW = 8 * 1024, 40
_MOST_PIECE = 160 * 1024
_MORE = 64 * 1024
_AT_LEAST = 1 << 20
"""Bytes that may be spent for the first column where no column can be had for less."""


@dataclass(slots=True)
class _Column:
    """One column on its way.

    Attributes:
        pieces: sizes of the beginnings to try, 0 for pages as they are; the first one is tried now.
        needs: what must be fetched for that.
        values: of its first rows, once they are read.
    """

    at: int
    pieces: list[int]
    needs: list[tuple[int, int]] = field(default_factory=list)
    values: list[Cell] | None = None


def first_values(
    file: BoundedFile, metadata: Any, fields: list[pa.Field], leaves: list[list[int]], rows: int, limits: Limits
) -> tuple[list[list[Cell] | None], list[str]]:
    """The first rows of each field, None for one that is not read; and what went wrong.

    Args:
        metadata: pyarrow's, of the file.
        leaves: the column chunks of each field, by number.
    """
    looked = _Columns(file, metadata, fields, leaves, rows, limits)
    looked.read()
    return [one.values for one in looked.columns], looked.notices


class _Columns:
    def __init__(
        self,
        file: BoundedFile,
        metadata: Any,
        fields: list[pa.Field],
        leaves: list[list[int]],
        rows: int,
        limits: Limits,
    ) -> None:
        self._file = file
        self._metadata = metadata
        self._fields = fields
        self._leaves = leaves
        self._rows = rows
        self._cell = limits.cell
        self._groups = list(_first_groups(metadata, rows))
        self._usable: list[Any] = []
        self.notices: list[str] = []
        self.columns = [_Column(at, self._pieces(at)) for at in range(len(fields))]
        for one in self.columns:
            one.needs = self._parts(one)

    def read(self) -> None:
        """Read as many columns as the file's budget holds."""
        read_together(self._file, [Wish(partial(self._try, one)) for one in self.columns], at_least=_AT_LEAST)

    def _try(self, one: _Column) -> None:
        """Read a column; raises NotFetchedError with what it needs."""
        import pyarrow as pa

        while True:
            if missing := self._file.missing(one.needs):
                raise NotFetchedError(missing)
            try:
                one.values = self._cut(one) if one.pieces[0] else self._values(one.at)
                return
            except NotFetchedError as error:
                if one.pieces[0]:
                    raise
                # A reader that goes on byte by byte would need a round trip for each of its buffers.
                raise NotFetchedError([(start, max(end, start + _MORE)) for start, end in error.ranges]) from None
            except (TooShortError, pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
                if not one.pieces[0]:
                    one.values = [None] * self._rows
                    name = short(str(self._fields[one.at].name), 80)
                    self.notices.append(f"{name} cannot be read: {short(str(error), 200)}")
                    return
                del one.pieces[0]
                one.needs = self._parts(one)

    def _cut(self, one: _Column) -> list[Cell]:
        """The values where the pages of a column are cut short."""
        group = self._metadata.row_group(self._groups[0])
        try:
            for leaf in self._leaves[one.at]:
                chunk, column = group.column(leaf), self._metadata.schema.column(leaf)
                data = first_rows_chunk(self._file, chunk, column, self._rows, one.pieces[0])
                if data is None:
                    # No larger piece helps.
                    del one.pieces[1:-1]
                    raise TooShortError
                self._file.replace(beginnings(chunk, 1)[-1][0], data)
            # A dictionary in another order, or a page that needs its end, is an error here.
            return self._values(one.at)
        finally:
            self._file.restore()

    def _values(self, at: int) -> list[Cell]:
        import pyarrow.parquet as pq

        # A reader that failed once may crash when it is used again.
        reader = (
            self._usable.pop()
            if self._usable
            else pq.ParquetFile(self._file, metadata=self._metadata, buffer_size=_BUFFER, pre_buffer=False)
        )
        values: list[Cell] = []
        batches = reader.reader.iter_batches(
            self._rows, self._groups, column_indices=self._leaves[at], use_threads=False
        )
        for batch in batches:
            values += cells(batch.column(0)[: self._rows - len(values)], self._cell)
            if len(values) >= self._rows:
                break
        self._usable.append(reader)
        if len(values) < self._rows:
            raise ValueError(f"it has {len(values):,} rows")
        return values

    def _pieces(self, at: int) -> list[int]:
        if len(self._groups) != 1:
            return [0]
        group = self._metadata.row_group(self._groups[0])
        chunks = [group.column(leaf) for leaf in self._leaves[at]]
        if sum(end - start for start, end in map(_first_pages, chunks)) <= _SMALL or not all(
            can_be_cut(chunk, self._metadata.schema.column(leaf))
            for chunk, leaf in zip(chunks, self._leaves[at], strict=True)
        ):
            return [0]
        piece = min(_PIECE + _PIECE_OF_ROW * self._rows, _MOST_PIECE)
        return [piece, min(4 * piece, _MOST_PIECE), 0]

    def _parts(self, one: _Column) -> list[tuple[int, int]]:
        chunks = [self._metadata.row_group(at).column(leaf) for at in self._groups for leaf in self._leaves[one.at]]
        if one.pieces[0]:
            return [part for chunk in chunks for part in beginnings(chunk, one.pieces[0])]
        return [_first_pages(chunk) for chunk in chunks]


def _first_groups(metadata: Any, rows: int) -> Iterator[int]:
    """The row groups that hold the first rows."""
    for at in range(metadata.num_row_groups):
        if rows <= 0:
            return
        count = metadata.row_group(at).num_rows
        if count:
            yield at
            rows -= count


def _first_pages(chunk: Any) -> tuple[int, int]:
    """Where the dictionary and the first page of a column chunk lie, as far as its sizes tell.

    Writers end a page after 20,000 rows or a megabyte.
    """
    start = end = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < start:
        start = chunk.dictionary_page_offset
    data = max(chunk.total_compressed_size - (end - start), 0)
    pages = max(-(-chunk.num_values // _PAGE_ROWS), -(-chunk.total_uncompressed_size // _PAGE_BYTES), 1)
    return start, end + min(data, data // pages + data // pages // 4 + _BUFFER)
