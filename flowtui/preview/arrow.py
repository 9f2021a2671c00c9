"""Arrow IPC files, Feather among them, and IPC streams: the schema and the first rows."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.arrow_batch import UnknownLayoutError
from flowtui.preview.arrow_forms import form_of
from flowtui.preview.arrow_ipc import MAGIC, File, Messages, Stream
from flowtui.preview.arrow_messages import Message, begins_a_stream
from flowtui.preview.arrow_values import UNREAD, cells, column, column_names, short
from flowtui.preview.bounded_file import BoundedFile, NotFetchedError, OverBudgetError, Wish, read_together
from flowtui.preview.limits import Limits, chosen_places
from flowtui.preview.parquet import metadata_facts
from flowtui.preview.result import Cell, Preview
from flowtui.preview.worker import Request

if TYPE_CHECKING:
    import pyarrow as pa

    from flowtui.preview.subject import Subject

_OLD_FEATHER = b"FEA1"
_STREAMS = ("arrows", "arrow", "ipc", "feather")
_WHOLE = 1 << 20
"""Bytes that a batch may cost whose columns cannot be read one by one."""


def accepts(subject: Subject) -> bool:
    """Files that begin like Arrow's, and streams, which begin with their schema."""
    if subject.sniffed.magic == "arrow" or subject.head.startswith(_OLD_FEATHER):
        return True
    if begins_a_stream(subject.head):
        return True
    return subject.sniffed.is_any(*_STREAMS) and subject.head.startswith(b"\xff\xff\xff\xff")


async def show(subject: Subject) -> Preview:
    if subject.size is None:
        raise PreviewError("the server does not say the size of the file, which is needed to read it in parts")
    # A small file is read at once rather than in parts.
    await subject.read_whole()
    if subject.head.startswith(_OLD_FEATHER):
        return await subject.workers.show(old_feather_table, subject)
    return await subject.workers.show(table, subject)


def table(file: BinaryIO, request: Request) -> Preview:
    """The preview of an Arrow file or stream; runs in a worker."""
    import pyarrow as pa

    limits = request.limits
    size = request.size or 0
    bounded = BoundedFile.of(file, request)
    try:
        if bounded.read(len(MAGIC)) == MAGIC:
            found: Messages = File(bounded, size)
        else:
            found = Stream(bounded, size, limits.head)
        return _table(found, limits)
    except (struct.error, pa.ArrowException, OSError, ValueError, LookupError) as error:
        raise PreviewError(f"a damaged Arrow file: {error}") from error
    except OverBudgetError:
        raise PreviewError("an Arrow file whose metadata are larger than a preview may read") from None


def old_feather_table(file: BinaryIO, request: Request) -> Preview:
    """The preview of a Feather file of version 1, which is no file of Arrow; runs in a worker."""
    import warnings

    import pyarrow as pa
    import pyarrow.feather as feather

    limits = request.limits
    bounded = BoundedFile.of(file, request)
    try:
        with warnings.catch_warnings():
            # That pyarrow will give it up one day is nothing for the person.
            warnings.simplefilter("ignore")
            whole = feather.read_table(bounded, memory_map=False, use_threads=False)
    except OverBudgetError:
        raise PreviewError("a Feather file of version 1, which is read as a whole and is too large for that") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise PreviewError(f"a damaged Feather file of version 1: {error}") from error
    places = chosen_places(whole.schema.names, limits)
    rows = min(max(min(limits.rows, limits.cells // max(len(places), 1)), 1), whole.num_rows)
    part = whole.slice(0, rows).combine_chunks()
    forms = [form_of(whole.schema.field(at)) for at in places]
    values = [
        [cell for chunk in part.column(at).chunks for cell in cells(chunk, form, limits.cell)]
        for at, form in zip(places, forms, strict=True)
    ]
    return Preview(
        kind="table",
        columns=tuple(
            column(whole.schema.field(at), limits.cell, form) for at, form in zip(places, forms, strict=True)
        ),
        rows=tuple(zip(*values, strict=True)),
        notices=(f"first {rows:,} of {whole.num_rows:,} rows",) if rows < whole.num_rows else (),
        total_rows=whole.num_rows,
        more=rows < whole.num_rows,
        format="feather",
        facts=(("form", "Feather version 1"), *metadata_facts(whole.schema.metadata or {}, limits)),
    )


def _table(messages: Messages, limits: Limits) -> Preview:
    places = chosen_places([str(name) for name in messages.schema.names], limits)
    fields = [messages.schema.field(at) for at in places]
    rows = max(min(limits.rows, limits.cells // max(len(fields), 1)), 1)
    columns, codec = _first_rows(messages, places, rows, limits)
    found = [None if one.is_unread else one.values for one in columns]
    problems = [one.problem for one in columns if one.problem]
    count = max((len(values) for values in found if values is not None), default=0)
    unread = [
        short(str(one.field.name), 40)
        for one in columns
        if not one.problem and (one.is_unread or len(one.values) < count)
    ]
    if count == 0 and (unread or problems):
        count = min(rows, messages.total) if messages.total is not None else 0
    is_cut = messages.total is None or count < messages.total
    notices = []
    if is_cut:
        total = messages.total
        notices.append(f"first {count:,} of {total:,} rows" if total is not None else f"first {count:,} rows")
    if len(fields) < len(messages.schema) and not limits.wanted:
        notices.append(f"first {len(fields):,} of {len(messages.schema):,} columns")
    if unread:
        names = ", ".join(unread[:5]) + (f" and {len(unread) - 5:,} more" if len(unread) > 5 else "")
        notices.append(f"not read yet, as they are large: {names}")
    whole: list[list[Cell]] = [
        values if values is not None and len(values) == count else [None if one.problem else UNREAD] * count
        for one, values in zip(columns, found, strict=True)
    ]
    return Preview(
        kind="table",
        columns=tuple(column(field, limits.cell, messages.forms[at]) for at, field in zip(places, fields, strict=True)),
        rows=tuple(zip(*whole, strict=True)),
        notices=(*notices, *problems),
        total_rows=messages.total,
        column_names=column_names(messages.schema.names, len(fields), limits),
        more=is_cut or bool(unread),
        format="arrow",
        facts=tuple(_facts(messages, codec, limits)),
    )


def _first_rows(messages: Messages, places: list[int], rows: int, limits: Limits) -> tuple[list[_Column], str]:
    """The fields with their first rows, and how bodies are compressed."""

    columns = [_Column(messages, at, rows, limits.cell) for at in places]
    try:
        read_together(messages.file, [*messages.wishes(), *(Wish(one.read) for one in columns)])
    except UnknownLayoutError:
        messages.file.grant(_WHOLE)
        for one, values in zip(columns, _whole_batches(messages, places, rows, limits), strict=True):
            one.is_unread = values is None
            one.values = values or []
    return columns, _codec(messages)


class _Column:
    """The first rows of a field, as far as they are read.

    Attributes:
        values: of the batches that were read so far.
        is_unread: True where they cannot be shown.
        problem: why they cannot be read, empty where they can.
    """

    def __init__(self, messages: Messages, index: int, rows: int, cell: int) -> None:
        self._messages = messages
        self._index = index
        self.field = messages.schema.field(index)
        self._form = messages.forms[index]
        self._rows = rows
        self._cell = cell
        self._batch = 0
        self.values: list[Cell] = []
        self.is_unread = True
        self.problem = ""

    def read(self) -> None:
        """Go on with the next batches until there are rows enough. Raises NotFetchedError with what is needed."""
        import pyarrow as pa

        ids = self._messages.ids[self._index] if self._index < len(self._messages.ids) else {}
        while len(self.values) < self._rows and self._batch < len(self._messages.batches):
            at = self._messages.batches[self._batch]
            batch = self._messages.opened(at)
            dictionary = partial(_dictionary, self._messages, ids, at)
            try:
                array = batch.column(self._index, self.field.type, self._rows - len(self.values), dictionary)
                self.values += cells(array, self._form, self._cell)
            except UnknownLayoutError:
                self.is_unread = True
                self.problem = f"{short(str(self.field.name), 80)} cannot be read: a layout that is not known"
                return
            except (
                pa.ArrowException, PreviewError, OSError, ValueError, LookupError, ArithmeticError, struct.error,
            ) as error:  # fmt: skip
                self.is_unread = True
                reason = error.message if isinstance(error, PreviewError) else str(error)
                self.problem = f"{short(str(self.field.name), 80)} cannot be read: {short(reason, 200)}"
                return
            self._batch += 1
            self.is_unread = False
        self.is_unread = False


def _codec(messages: Messages) -> str:
    """How bodies are compressed; empty where no batch is known."""
    for at in messages.batches[:1]:
        try:
            with messages.file.only_fetched():
                compression = messages.batch_at(at).header.table(3)
        except NotFetchedError:
            break
        return "none" if compression is None else {0: "lz4", 1: "zstd"}.get(compression.scalar(0, "b"), "?")
    return ""


def _dictionary(
    messages: Messages, ids: dict[tuple[int, ...], int], batch: int, path: tuple[int, ...], of: pa.DataType
) -> pa.Array:
    return messages.dictionary(ids, path, of, batch)


def _whole_batches(messages: Messages, places: list[int], rows: int, limits: Limits) -> list[list[Cell] | None]:
    """The first rows of types that pyarrow alone reads, where whole batches do not cost too much."""
    import pyarrow as pa

    found: list[list[Cell]] = [[] for _ in places]
    unknown: set[int] = set()
    try:
        for at in messages.batches:
            parts = [*messages.dictionaries_before(at), messages.batch_at(at)]
            bodies = [part.raw + _body(messages.file, part) for part in parts]
            batch = pa.ipc.open_stream(pa.BufferReader(messages.raw + b"".join(bodies))).read_next_batch()
            for values, place in zip(found, places, strict=True):
                if place in unknown:
                    continue
                try:
                    array = batch.column(place)
                except LookupError:
                    # pyarrow has no class for arrays of this type.
                    unknown.add(place)
                    continue
                values += cells(array[: rows - len(values)], messages.forms[place], limits.cell)
            if max(map(len, found), default=rows) >= rows:
                break
    except OverBudgetError:
        return [None for _ in places]
    return [None if place in unknown else values for place, values in zip(places, found, strict=True)]


def _body(file: BoundedFile, message: Message) -> bytes:
    file.seek(message.body)
    return file.read(message.end - message.body)


def _facts(messages: Messages, codec: str, limits: Limits) -> Iterator[tuple[str, str]]:
    yield "form", f"IPC {messages.form}"
    if messages.form == "file":
        yield "record batches", f"{len(messages.batches):,}"
    if codec:
        yield "compression", codec
    yield from metadata_facts(messages.schema.metadata or {}, limits)
