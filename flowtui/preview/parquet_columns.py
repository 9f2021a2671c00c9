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

from flowtui.preview.arrow_forms import PLAIN, Form
from flowtui.preview.arrow_values import cells, short, with_texts
from flowtui.preview.bounded_file import BoundedFile, NotFetchedError, Wish, read_together
from flowtui.preview.limits import Limits
from flowtui.preview.parquet_int96 import int96_cells
from flowtui.preview.parquet_pages import TooShortError, beginnings, can_be_cut, first_rows_chunk
from flowtui.preview.result import Cell

if TYPE_CHECKING:
    import pyarrow as pa

    from flowtui.preview.parquet_schema import ParquetField

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
class ColumnRead:
    """One column on its way.

    Attributes:
        told: what is known of it from the schema.
        form: what its values are meant to be; bytes of which nothing is said may turn out to be text.
        pieces: sizes of the beginnings to try, 0 for pages as they are; the first one is tried now.
        needs: what must be fetched for that.
        values: of its first rows, once they are read.
    """

    told: ParquetField
    form: Form
    pieces: list[int] = field(default_factory=list)
    needs: list[tuple[int, int]] = field(default_factory=list)
    values: list[Cell] | None = None


def first_values(
    file: BoundedFile, metadata: Any, fields: list[ParquetField], rows: int, limits: Limits, *, has_infinity: bool
) -> tuple[list[ColumnRead], list[str]]:
    """The columns with their first rows, without values where they are not read; and what is to be said of them.

    Args:
        metadata: pyarrow's, of the file.
        has_infinity: as of :func:`flowtui.preview.arrow_times.temporal_texts`.
    """
    looked = _Columns(file, metadata, fields, rows, limits, has_infinity)
    looked.read()
    return looked.columns, looked.notices()


class _Columns:
    def __init__(
        self,
        file: BoundedFile,
        metadata: Any,
        fields: list[ParquetField],
        rows: int,
        limits: Limits,
        has_infinity: bool,
    ) -> None:
        self._file = file
        self._metadata = metadata
        self._rows = rows
        self._cell = limits.cell
        self._has_infinity = has_infinity
        self._groups = list(_first_groups(metadata, rows))
        self._usable: dict[str, list[Any]] = {}
        self._problems: list[str] = []
        self._moments: dict[str, list[str]] = {}
        self._as_text: list[str] = []
        self.columns = [ColumnRead(told, told.form) for told in fields]
        for one in self.columns:
            if one.told.is_encrypted:
                continue
            if not one.told.leaves:
                one.values = self._without_columns(one)
                continue
            one.pieces = self._pieces(one.told.leaves)
            one.needs = self._parts(one)

    def notices(self) -> list[str]:
        """What was found out while reading."""
        found = list(self._problems)
        if self._as_text:
            found.append(
                f"bytes shown as text, as they read as such; the file does not say so: {listed(self._as_text)}"
            )
        found += [f"{said}: {listed(names)}" for said, names in self._moments.items()]
        return found

    def read(self) -> None:
        """Read as many columns as the file's budget holds."""
        waiting = [one for one in self.columns if one.values is None and not one.told.is_encrypted]
        read_together(self._file, [Wish(partial(self._try, one)) for one in waiting], at_least=_AT_LEAST)

    def _try(self, one: ColumnRead) -> None:
        """Read a column; raises NotFetchedError with what it needs."""
        import pyarrow as pa

        while True:
            if missing := self._file.missing(one.needs):
                raise NotFetchedError(missing)
            try:
                one.values = self._cut(one) if one.pieces[0] else self._values(one)
                return
            except NotFetchedError as error:
                if one.pieces[0]:
                    raise
                # A reader that goes on byte by byte would need a round trip for each of its buffers.
                raise NotFetchedError([(start, max(end, start + _MORE)) for start, end in error.ranges]) from None
            except (TooShortError, pa.ArrowException, OSError, ArithmeticError, LookupError, ValueError) as error:
                if not one.pieces[0]:
                    one.values = [None] * self._rows
                    self._problems.append(f"{_name(one)} cannot be read: {short(str(error), 200)}")
                    return
                del one.pieces[0]
                one.needs = self._parts(one)

    def _cut(self, one: ColumnRead) -> list[Cell]:
        """The values where the pages of a column are cut short."""
        group = self._metadata.row_group(self._groups[0])
        try:
            for leaf in one.told.leaves:
                chunk, column = group.column(leaf), self._metadata.schema.column(leaf)
                data = first_rows_chunk(self._file, chunk, column, self._rows, one.pieces[0])
                if data is None:
                    # No larger piece helps.
                    del one.pieces[1:-1]
                    raise TooShortError
                self._file.replace(beginnings(chunk, 1)[-1][0], data)
            # A dictionary in another order, or a page that needs its end, is an error here.
            return self._values(one)
        finally:
            self._file.restore()

    def _values(self, one: ColumnRead) -> list[Cell]:
        if one.told.has_int96:
            # Each array holds what the other cannot.
            pairs = zip(self._batches(one.told.leaves, "s"), self._batches(one.told.leaves, "ns"), strict=True)
            values: list[Cell] = []
            for seconds, nanoseconds in pairs:
                found, said = int96_cells(seconds, nanoseconds, one.form, self._cell)
                values += found
                names = self._moments.setdefault(said, []) if said else [_name(one)]
                if _name(one) not in names:
                    names.append(_name(one))
            return values
        arrays = self._batches(one.told.leaves, "")
        if one.told.form != PLAIN:
            forms = [with_texts(array, one.told.form) for array in arrays]
            one.form = forms[0] if forms and all(form == forms[0] for form in forms) else one.told.form
            if one.form != one.told.form and _name(one) not in self._as_text:
                self._as_text.append(_name(one))
        return [
            cell for array in arrays for cell in cells(array, one.form, self._cell, has_infinity=self._has_infinity)
        ]

    def _batches(self, leaves: list[int], int96_unit: str) -> list[pa.Array]:
        """The first rows of a column, in as many arrays as pyarrow gives them in."""
        import pyarrow.parquet as pq

        # A reader that failed once may crash when it is used again.
        usable = self._usable.setdefault(int96_unit, [])
        reader = (
            usable.pop()
            if usable
            else pq.ParquetFile(
                self._file,
                metadata=self._metadata,
                buffer_size=_BUFFER,
                pre_buffer=False,
                coerce_int96_timestamp_unit=int96_unit or None,
            )
        )
        arrays: list[pa.Array] = []
        count = 0
        for batch in reader.reader.iter_batches(self._rows, self._groups, column_indices=leaves, use_threads=False):
            arrays.append(batch.column(0)[: self._rows - count])
            count += len(arrays[-1])
            if count >= self._rows:
                break
        usable.append(reader)
        if count < self._rows:
            raise ValueError(f"it has {count:,} rows")
        return arrays

    def _without_columns(self, one: ColumnRead) -> list[Cell]:
        """The values of a group without columns: nothing is stored of them."""
        import pyarrow as pa

        whole = pa.array([_empty(one.told.field.type)], one.told.field.type)
        return cells(whole, one.form, self._cell) * self._rows

    def _pieces(self, leaves: list[int]) -> list[int]:
        if len(self._groups) != 1:
            return [0]
        group = self._metadata.row_group(self._groups[0])
        chunks = [group.column(leaf) for leaf in leaves]
        if sum(end - start for start, end in map(_first_pages, chunks)) <= _SMALL or not all(
            can_be_cut(chunk, self._metadata.schema.column(leaf)) for chunk, leaf in zip(chunks, leaves, strict=True)
        ):
            return [0]
        piece = min(_PIECE + _PIECE_OF_ROW * self._rows, _MOST_PIECE)
        return [piece, min(4 * piece, _MOST_PIECE), 0]

    def _parts(self, one: ColumnRead) -> list[tuple[int, int]]:
        chunks = [self._metadata.row_group(at).column(leaf) for at in self._groups for leaf in one.told.leaves]
        if one.pieces[0]:
            return [part for chunk in chunks for part in beginnings(chunk, one.pieces[0])]
        return [_first_pages(chunk) for chunk in chunks]


def _name(one: ColumnRead) -> str:
    return short(str(one.told.field.name), 80)


def listed(names: list[str], most: int = 5) -> str:
    """The first names, and how many there are further."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _empty(of: pa.DataType) -> Any:
    """A value of a structure that holds nothing but such structures."""
    return {of.field(at).name: _empty(of.field(at).type) for at in range(of.num_fields)}


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
