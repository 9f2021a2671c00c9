"""Arrow IPC files, Feather among them, and IPC streams: the schema and the first rows."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.arrow_batch import (
    BATCH,
    DICTIONARY,
    SCHEMA,
    Batch,
    Message,
    Table,
    UnknownLayoutError,
    dictionary_ids,
    message_at,
)
from flowtui.preview.arrow_values import UNREAD, cells, column, short
from flowtui.preview.bounded_file import BoundedFile, NotFetchedError, OverBudgetError, Wish, read_together
from flowtui.preview.limits import Limits
from flowtui.preview.parquet import metadata_facts
from flowtui.preview.result import Cell, Preview
from flowtui.preview.worker import Request

if TYPE_CHECKING:
    import pyarrow as pa

    from flowtui.preview.subject import Subject

_MAGIC = b"ARROW1"
_OLD_FEATHER = b"FEA1"
_STREAMS = ("arrows", "arrow", "ipc", "feather")
_TAIL = 64 * 1024
"""Bytes of the end that are read at once: the footer of most files is in them."""

_MOST_FOOTER = 16 << 20
_MOST_COUNTED = 8
_SMALL = 64 * 1024
_MOST_DICTIONARIES = 100
_WHOLE = 1 << 20
"""Bytes that a batch may cost whose columns cannot be read one by one."""

_MOST_MESSAGES = 10_000
_MESSAGE = 16 * 1024


def accepts(subject: Subject) -> bool:
    """Files that begin like Arrow's; streams, which begin with the length of their schema, by their name."""
    if subject.sniffed.magic == "arrow" or subject.head.startswith(_OLD_FEATHER):
        return True
    return subject.sniffed.is_any(*_STREAMS) and subject.head.startswith(b"\xff\xff\xff\xff")


async def show(subject: Subject) -> Preview:
    if subject.head.startswith(_OLD_FEATHER):
        raise PreviewError("a Feather file of version 1, which was given up in 2020")
    if subject.size is None:
        raise PreviewError("the server does not say the size of the file, which is needed to read it in parts")
    # A small file is read at once rather than in parts.
    await subject.read_whole()
    return await subject.workers.show(table, subject)


def table(file: BinaryIO, request: Request) -> Preview:
    """The preview of an Arrow file or stream; runs in a worker."""
    import pyarrow as pa

    limits = request.limits
    size = request.size or 0
    bounded = BoundedFile.of(file, request)
    try:
        if bounded.read(len(_MAGIC)) == _MAGIC:
            found: _Messages = _File(bounded, size)
        else:
            found = _Stream(bounded, size, limits.head)
        return _table(found, limits)
    except (struct.error, pa.ArrowException, OSError, UnicodeError) as error:
        raise PreviewError(f"a damaged Arrow file: {error}") from error
    except OverBudgetError:
        raise PreviewError("an Arrow file whose metadata are larger than a preview may read") from None


class _Messages:
    """What the two forms have in common: a schema, dictionaries, batches.

    Attributes:
        batches: positions of record batches, as far as they are known.
        total: rows of all batches, None where that is not known.
    """

    form = ""

    def __init__(self, file: BoundedFile, at: int) -> None:
        import pyarrow as pa

        self.file = file
        message = message_at(file, at)
        if message is None or message.kind != SCHEMA:
            raise PreviewError("a damaged Arrow file: it does not begin with a schema")
        self.schema: pa.Schema = pa.ipc.read_schema(pa.BufferReader(message.raw))
        self.ids = dictionary_ids(message.header)
        self.after_schema = message.end
        self.batches: list[int] = []
        self.dictionaries: list[int] = []
        self.total: int | None = None
        self._known: dict[int, list[Message]] | None = None
        self._messages: dict[int, Message] = {}
        self._opened: dict[int, Batch] = {}

    def batch_at(self, at: int) -> Message:
        """The message of a record batch."""
        found = self._messages.get(at) or self.message(at)
        if found is None or found.kind != BATCH:
            raise PreviewError("a damaged Arrow file: a record batch is not where it must be")
        self._messages[at] = found
        return found

    def opened(self, at: int) -> Batch:
        """The record batch at a position. Raises UnknownLayoutError."""
        if at not in self._opened:
            message = self.batch_at(at)
            types = [field.type for field in self.schema]
            self._opened[at] = Batch(self.file, message.header, message.body, message.end, types)
        return self._opened[at]

    def message(self, at: int) -> Message | None:
        return message_at(self.file, at)

    def wishes(self) -> list[Wish]:
        """What is good to have before the columns are read."""
        return []

    def dictionary(self, number: int, of: pa.DataType) -> pa.Array:
        """A dictionary as a whole, as any of its values may stand in the first rows."""
        import pyarrow as pa

        if self._known is None:
            known: dict[int, list[Message]] = {}
            for at in self.dictionaries:
                message = self.message(at)
                if message is not None and message.kind == DICTIONARY:
                    known.setdefault(message.header.scalar(0, "q"), []).append(message)
            self._known = known
        parts = []
        for message in self._known.get(number, []):
            header = message.header.table(1)
            if header is not None:
                batch = Batch(self.file, header, message.body, message.end, [of])
                parts.append(batch.column(0, of, batch.length, _no_dictionary))
        if not parts:
            raise PreviewError("a damaged Arrow file: a dictionary is missing")
        return pa.concat_arrays(parts)


class _File(_Messages):
    """The form with a footer that tells where the batches are."""

    form = "file"

    def __init__(self, file: BoundedFile, size: int) -> None:
        super().__init__(file, 8)
        file.fetch_needed(max(size - _TAIL, 0), size)
        file.seek(size - 10)
        length, mark = struct.unpack("<i6s", file.read(10).ljust(10, b"\0"))
        if mark != _MAGIC:
            raise PreviewError(
                "not a whole Arrow file: it has no footer at its end, so it was cut off or is still written"
            )
        if not 0 < length <= min(_MOST_FOOTER, size - 18):
            raise PreviewError("a damaged Arrow file: the length of its footer is wrong")
        file.fetch_needed(size - 10 - length, size)
        file.seek(size - 10 - length)
        footer = Table.root(file.read(length))
        blocks = [footer.structs(number, "<qi4xq") for number in (2, 3)]
        self.dictionaries, self.batches = ([block[0] for block in part] for part in blocks)
        self._blocks = {block[0]: block for part in blocks for block in part}

    def message(self, at: int) -> Message | None:
        _, metadata, body = self._blocks[at]
        # The first rows may be in many small batches: they come whole.
        end = at + max(metadata, 8) + (body if 0 <= body <= _SMALL else 0)
        if missing := self.file.missing([(at, end)]):
            raise NotFetchedError(missing)
        return super().message(at)

    def wishes(self) -> list[Wish]:
        found = [Wish(partial(self.message, at)) for at in self.dictionaries[:_MOST_DICTIONARIES]]
        if len(self.batches) <= _MOST_COUNTED:
            found.append(Wish(self._count))
        return found

    def _count(self) -> None:
        needed: list[tuple[int, int]] = []
        rows = 0
        for at in self.batches:
            try:
                rows += self.batch_at(at).header.scalar(0, "q")
            except NotFetchedError as error:
                needed += error.ranges
        if needed:
            raise NotFetchedError(needed)
        self.total = rows


class _Stream(_Messages):
    """The form that is read from its beginning; as much of it is looked at as the head of the file holds."""

    form = "stream"

    def __init__(self, file: BoundedFile, size: int, head: int) -> None:
        super().__init__(file, 0)
        at = self.after_schema
        total = 0
        for _ in range(_MOST_MESSAGES):
            file.fetch([(at, min(at + _MESSAGE, size))])
            message = self.message(at) if at < size else None
            if message is None:
                self.total = total
                return
            if message.kind == DICTIONARY and not self.batches:
                self.dictionaries.append(at)
            elif message.kind == BATCH:
                self.batches.append(at)
                total += message.header.scalar(0, "q")
            if self.batches and message.end >= head:
                self.total = total if message.end >= size else None
                return
            at = message.end


def _dictionary(
    messages: _Messages, ids: dict[tuple[int, ...], int], path: tuple[int, ...], of: pa.DataType
) -> pa.Array:
    return messages.dictionary(ids.get(path, -1), of)


def _no_dictionary(path: tuple[int, ...], of: pa.DataType) -> pa.Array:
    raise UnknownLayoutError


def _table(messages: _Messages, limits: Limits) -> Preview:
    fields = list(messages.schema)[: max(limits.columns, 1)]
    rows = max(min(limits.rows, limits.cells // max(len(fields), 1)), 1)
    found, problems, codec = _first_rows(messages, fields, rows, limits)
    count = max((len(values) for values in found if values is not None), default=0)
    unread = [
        short(str(field.name), 40)
        for field, values in zip(fields, found, strict=True)
        if values is None or len(values) < count
    ]
    if unread and count == 0:
        count = min(rows, messages.total) if messages.total is not None else 0
    is_cut = messages.total is None or count < messages.total
    notices = []
    if is_cut:
        total = messages.total
        notices.append(f"first {count:,} of {total:,} rows" if total is not None else f"first {count:,} rows")
    if len(fields) < len(messages.schema):
        notices.append(f"first {len(fields):,} of {len(messages.schema):,} columns")
    if unread:
        names = ", ".join(unread[:5]) + (f" and {len(unread) - 5:,} more" if len(unread) > 5 else "")
        notices.append(f"not read yet, as they are large: {names}")
    whole = [values if values is not None and len(values) == count else [UNREAD] * count for values in found]
    return Preview(
        kind="table",
        columns=tuple(column(field, limits.cell) for field in fields),
        rows=tuple(zip(*whole, strict=True)),
        notices=(*notices, *problems),
        total_rows=messages.total,
        more=is_cut or bool(unread),
        format="arrow",
        facts=tuple(_facts(messages, codec, limits)),
    )


def _first_rows(
    messages: _Messages, fields: list[pa.Field], rows: int, limits: Limits
) -> tuple[list[list[Cell] | None], list[str], str]:
    """The first rows of each field, None for one that is not read; what went wrong; and how bodies are compressed."""

    columns = [_Column(messages, index, field, rows, limits.cell) for index, field in enumerate(fields)]
    try:
        read_together(messages.file, [*messages.wishes(), *(Wish(one.read) for one in columns)])
    except UnknownLayoutError:
        messages.file.grant(_WHOLE)
        return _whole_batches(messages, fields, rows, limits), [], _codec(messages)
    found = [None if one.is_unread else one.values for one in columns]
    return found, [one.problem for one in columns if one.problem], _codec(messages)


class _Column:
    """The first rows of a field, as far as they are read.

    Attributes:
        values: of the batches that were read so far.
        is_unread: True where they cannot be shown.
        problem: why they cannot be read, empty where they can.
    """

    def __init__(self, messages: _Messages, index: int, field: pa.Field, rows: int, cell: int) -> None:
        self._messages = messages
        self._index = index
        self._field = field
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
        dictionary = partial(_dictionary, self._messages, ids)
        while len(self.values) < self._rows and self._batch < len(self._messages.batches):
            batch = self._messages.opened(self._messages.batches[self._batch])
            try:
                array = batch.column(self._index, self._field.type, self._rows - len(self.values), dictionary)
                self.values += cells(array, self._cell)
            except UnknownLayoutError:
                self.is_unread = True
                return
            except (pa.ArrowException, PreviewError, OSError, ValueError, struct.error) as error:
                self.is_unread = True
                reason = error.message if isinstance(error, PreviewError) else str(error)
                self.problem = f"{short(str(self._field.name), 80)} cannot be read: {short(reason, 200)}"
                return
            self._batch += 1
            self.is_unread = False
        self.is_unread = False


def _codec(messages: _Messages) -> str:
    """How bodies are compressed; empty where no batch is known."""
    for at in messages.batches[:1]:
        try:
            with messages.file.only_fetched():
                compression = messages.batch_at(at).header.table(3)
        except NotFetchedError:
            break
        return "none" if compression is None else {0: "lz4", 1: "zstd"}.get(compression.scalar(0, "b"), "?")
    return ""


def _whole_batches(messages: _Messages, fields: list[pa.Field], rows: int, limits: Limits) -> list[list[Cell] | None]:
    """The first rows of types that pyarrow alone reads, where whole batches do not cost too much."""
    import pyarrow as pa

    found: list[list[Cell]] = [[] for _ in fields]
    messages.file.seek(0)
    try:
        if messages.form == "file":
            reader = pa.ipc.open_file(messages.file)
            batches: Iterator[pa.RecordBatch] = (reader.get_batch(at) for at in range(reader.num_record_batches))
        else:
            batches = iter(pa.ipc.open_stream(messages.file))
        for batch in batches:
            for index in range(len(fields)):
                found[index] += cells(batch.column(index)[: rows - len(found[index])], limits.cell)
            if not found or len(found[0]) >= rows:
                break
    except OverBudgetError:
        return [None for _ in fields]
    return list(found)


def _facts(messages: _Messages, codec: str, limits: Limits) -> Iterator[tuple[str, str]]:
    yield "form", f"IPC {messages.form}"
    if messages.form == "file":
        yield "record batches", f"{len(messages.batches):,}"
    if codec:
        yield "compression", codec
    yield from metadata_facts(messages.schema.metadata or {}, limits)
