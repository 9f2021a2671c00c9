"""Arrow's IPC files and streams: their schema, and where their dictionaries and record batches are."""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING

from flowtui.errors import PreviewError
from flowtui.preview.arrow_batch import Batch, UnknownLayoutError
from flowtui.preview.arrow_forms import form_of, with_wide_integers
from flowtui.preview.arrow_messages import (
    BATCH,
    DICTIONARY,
    SCHEMA,
    Message,
    dictionary_ids,
    message_at,
    schema_message,
)
from flowtui.preview.arrow_schema import wide_integers_as_bytes
from flowtui.preview.bounded_file import BoundedFile, NotFetchedError, Wish
from flowtui.preview.flatbuffers import Table

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC = b"ARROW1"

_TAIL = 64 * 1024
"""Bytes of the end that are read at once: the footer of most files is in them."""

_MOST_FOOTER = 16 << 20
_MOST_COUNTED = 8
_SMALL = 64 * 1024
_MOST_DICTIONARIES = 100
_MOST_MESSAGES = 10_000
_MESSAGE = 16 * 1024


class Messages:
    """What the two forms have in common: a schema, dictionaries, batches.

    Attributes:
        raw: the message with the schema, as a stream has it.
        forms: of the fields of the schema.
        is_big_endian: numbers have their highest byte first.
        batches: positions of record batches, as far as they are known.
        total: rows of all batches, None where that is not known.
    """

    form = ""

    def __init__(self, file: BoundedFile, raw: bytes) -> None:
        import pyarrow as pa

        self.file = file
        self.raw, wide = wide_integers_as_bytes(raw)
        self.schema: pa.Schema = pa.ipc.read_schema(pa.BufferReader(self.raw))
        header = Table.root(self.raw[8:]).table(2)
        self.ids = dictionary_ids(header) if header is not None else []
        # pyarrow turns the bytes around, and it reads whole batches.
        self.is_big_endian = header is not None and header.scalar(0, "h") == 1
        self.forms = [
            with_wide_integers(form_of(field), field.type, (at,), wide) for at, field in enumerate(self.schema)
        ]
        self.batches: list[int] = []
        self.dictionaries: list[int] = []
        self.total: int | None = None
        self._known: list[tuple[int, Message]] | None = None
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
        if self.is_big_endian:
            raise UnknownLayoutError
        if at not in self._opened:
            message = self.batch_at(at)
            types = [field.type for field in self.schema]
            self._opened[at] = Batch(self.file, message.header, message.body, message.end, types, message.version)
        return self._opened[at]

    def message(self, at: int) -> Message | None:
        return message_at(self.file, at)

    def wishes(self) -> list[Wish]:
        """What is good to have before the columns are read."""
        return []

    def dictionary(
        self, ids: dict[tuple[int, ...], int], path: tuple[int, ...], of: pa.DataType, batch: int
    ) -> pa.Array:
        """A dictionary as a whole, as any of its values may stand in the first rows, for the batch at a position.

        Args:
            ids: of a field, the numbers of the dictionaries within it by path; the one at ``path`` is given.
        """
        import pyarrow as pa

        parts: list[pa.Array] = []
        for message in self.dictionaries_before(batch):
            header = message.header.table(1)
            if message.header.scalar(0, "q") != ids.get(path, -1) or header is None:
                continue
            if not message.header.scalar(2, "B"):
                # One that is no delta takes the place of those before.
                parts.clear()
            values = Batch(self.file, header, message.body, message.end, [of], message.version)
            inner = partial(self._inner, ids, path, batch)
            parts.append(values.column(0, of, values.length, inner))
        if not parts:
            raise PreviewError("a damaged Arrow file: a dictionary is missing")
        return pa.concat_arrays(parts) if len(parts) > 1 else parts[0]

    def _inner(
        self,
        ids: dict[tuple[int, ...], int],
        path: tuple[int, ...],
        batch: int,
        below: tuple[int, ...],
        of: pa.DataType,
    ) -> pa.Array:
        """A dictionary within the values of another."""
        if not below:
            raise UnknownLayoutError
        return self.dictionary(ids, (*path, *below), of, batch)

    def dictionaries_before(self, batch: int) -> list[Message]:
        """The dictionaries that count for the batch at a position, in their order."""
        if self._known is None:
            messages = ((at, self.message(at)) for at in self.dictionaries)
            self._known = [(at, one) for at, one in messages if one is not None and one.kind == DICTIONARY]
        return [one for at, one in self._known if self.form == "file" or at < batch]


class File(Messages):
    """The form with a footer that tells where the batches are."""

    form = "file"

    def __init__(self, file: BoundedFile, size: int) -> None:
        file.fetch_needed(max(size - _TAIL, 0), size)
        file.seek(size - 10)
        length, mark = struct.unpack("<i6s", file.read(10).ljust(10, b"\0"))
        if mark != MAGIC:
            raise PreviewError(
                "not a whole Arrow file: it has no footer at its end, so it was cut off or is still written"
            )
        if not 0 < length <= min(_MOST_FOOTER, size - 18):
            raise PreviewError("a damaged Arrow file: the length of its footer is wrong")
        file.fetch_needed(size - 10 - length, size)
        file.seek(size - 10 - length)
        data = file.read(length)
        super().__init__(file, schema_message(data))
        footer = Table.root(data)
        blocks = [footer.structs(number, "<qi4xq") for number in (2, 3)]
        self.dictionaries, self.batches = ([block[0] for block in part] for part in blocks)
        self._blocks = {block[0]: block for part in blocks for block in part}

    def message(self, at: int) -> Message | None:
        _, metadata, body = self._blocks[at]
        # The first rows may be in many small batches: they come whole.
        end = at + max(metadata, 8) + (body if 0 <= body <= _SMALL else 0)
        if missing := self.file.missing([(at, end)]):
            raise NotFetchedError(missing)
        return message_at(self.file, at, metadata)

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


class Stream(Messages):
    """The form that is read from its beginning; as much of it is looked at as the head of the file holds."""

    form = "stream"

    def __init__(self, file: BoundedFile, size: int, head: int) -> None:
        schema = message_at(file, 0)
        if schema is None or schema.kind != SCHEMA:
            raise PreviewError("a damaged Arrow file: it does not begin with a schema")
        super().__init__(file, schema.raw)
        at = schema.end
        total = 0
        for _ in range(_MOST_MESSAGES):
            file.fetch([(at, min(at + _MESSAGE, size))])
            message = self.message(at) if at < size else None
            if message is None:
                self.total = total
                return
            if message.kind == DICTIONARY:
                self.dictionaries.append(at)
            elif message.kind == BATCH:
                self.batches.append(at)
                total += message.header.scalar(0, "q")
            if self.batches and message.end >= head:
                self.total = total if message.end >= size else None
                return
            at = message.end
