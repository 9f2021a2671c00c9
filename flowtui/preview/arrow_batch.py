"""The first rows of a record batch in Arrow's IPC format, from the beginnings of its buffers.

pyarrow reads a column of a batch as a whole, and a batch may be a file of gigabytes. Its metadata says where each
buffer lies (https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format, the tables are those of Message.fbs,
Schema.fbs and File.fbs): arrays are made of what the first rows need of them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowtui.errors import PreviewError
from flowtui.preview.bounded_file import BoundedFile, NotFetchedError
from flowtui.preview.parquet_pages import first_block, first_lz4_block

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA, DICTIONARY, BATCH = 1, 2, 3
"""Kinds of messages."""

_CODECS = {0: "lz4", 1: "zstd"}
_CONTINUES = 0xFFFFFFFF
_MOST_METADATA = 4 << 20
_DEEPEST = 50
_FIRST_PIECE = 16 * 1024
_TEXT = 32
"""Bytes of a text, and elements of a list, that are expected in a row."""

_FRAME = 32
_SMALL_BODY = 64 * 1024


class UnknownLayoutError(Exception):
    """A type whose buffers are not known here."""


class Table:
    """A table of FlatBuffers, whose fields are read by their numbers. Raises struct.error for damaged bytes."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self._fields = at - struct.unpack_from("<i", data, at)[0]
        self._size = struct.unpack_from("<H", data, self._fields)[0]

    @staticmethod
    def root(data: bytes) -> Table:
        return Table(data, struct.unpack_from("<I", data)[0])

    def _position(self, number: int) -> int:
        slot = 4 + 2 * number
        offset = struct.unpack_from("<H", self._data, self._fields + slot)[0] if slot + 2 <= self._size else 0
        return self._at + offset if offset else 0

    def scalar(self, number: int, code: str, default: int = 0) -> int:
        at = self._position(number)
        found: int = struct.unpack_from(f"<{code}", self._data, at)[0] if at else default
        return found

    def table(self, number: int) -> Table | None:
        at = self._position(number)
        return Table(self._data, at + struct.unpack_from("<I", self._data, at)[0]) if at else None

    def _vector(self, number: int, width: int) -> tuple[int, int]:
        at = self._position(number)
        if not at:
            return 0, 0
        at += struct.unpack_from("<I", self._data, at)[0]
        count = struct.unpack_from("<I", self._data, at)[0]
        if at + 4 + count * width > len(self._data):
            raise struct.error("a vector is longer than its message")
        return at + 4, count

    def structs(self, number: int, format_: str) -> list[tuple[int, ...]]:
        width = struct.calcsize(format_)
        at, count = self._vector(number, width)
        return [struct.unpack_from(format_, self._data, at + index * width) for index in range(count)]

    def tables(self, number: int) -> Iterator[Table]:
        at, count = self._vector(number, 4)
        for index in range(count):
            place = at + 4 * index
            yield Table(self._data, place + struct.unpack_from("<I", self._data, place)[0])


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream or file.

    Attributes:
        raw: the message as it stands before its body.
        body, end: where its body begins and ends in the file.
    """

    kind: int
    header: Table
    raw: bytes
    body: int
    end: int


def message_at(file: BoundedFile, at: int) -> Message | None:
    """The message that begins at a position; None at the end of a stream.

    Raises PreviewError where there is none.
    """
    file.seek(at)
    start = file.read(8)
    if len(start) < 4:
        return None
    mark, length = struct.unpack("<Ii", start.ljust(8, b"\0"))
    begin = at + 8
    if mark != _CONTINUES:
        # Before Arrow 0.15 the length came without a mark.
        length, begin = mark, at + 4
    if not length:
        return None
    if not 0 < length <= _MOST_METADATA:
        raise PreviewError("a damaged Arrow file: a message has no length that makes sense")
    file.seek(begin)
    data = file.read(length)
    try:
        root = Table.root(data)
        header = root.table(2)
        size = root.scalar(3, "q")
        kind = root.scalar(1, "B")
    except struct.error as error:
        raise PreviewError("a damaged Arrow file: a message makes no sense") from error
    if header is None or size < 0:
        raise PreviewError("a damaged Arrow file: a message makes no sense")
    raw = struct.pack("<Ii", _CONTINUES, len(data)) + data
    return Message(kind, header, raw, begin + length, begin + length + size)


def dictionary_ids(schema: Table) -> list[dict[tuple[int, ...], int]]:
    """For each field of a schema, the numbers of the dictionaries within it by the path of children."""
    found = []
    for field in schema.tables(1):
        ids: dict[tuple[int, ...], int] = {}
        _gather_ids(field, (), ids)
        found.append(ids)
    return found


def _gather_ids(field: Table, path: tuple[int, ...], ids: dict[tuple[int, ...], int]) -> None:
    encoding = field.table(4)
    if encoding is not None:
        ids[path] = encoding.scalar(0, "q")
    if len(path) < _DEEPEST:
        for index, child in enumerate(field.tables(5)):
            _gather_ids(child, (*path, index), ids)


@dataclass(slots=True)
class _Layout:
    """The buffers of one array and its children, as places in the file."""

    length: int
    nulls: int
    buffers: list[tuple[int, int]]
    children: list[_Layout]


class Batch:
    """The beginnings of the columns of a record batch.

    Args:
        file: where its body is.
        header: the table ``RecordBatch``; body, end: where its buffers lie.
        types: of its columns.

    Raises UnknownLayoutError for types that are not known here, struct.error for damaged bytes.
    """

    def __init__(self, file: BoundedFile, header: Table, body: int, end: int, types: list[pa.DataType]) -> None:
        self._file = file
        self.length = header.scalar(0, "q")
        nodes = iter(header.structs(1, "<qq"))
        buffers = iter(header.structs(2, "<qq"))
        compression = header.table(3)
        self._codec = None if compression is None else _CODECS.get(compression.scalar(0, "b"), "")
        if self._codec == "" or self.length < 0:
            raise UnknownLayoutError
        self._body = body
        self._end = end
        self._types = types
        self._layouts = [self._layout(of, nodes, buffers, 0) for of in types]

    def column(
        self, index: int, of: pa.DataType, rows: int, dictionary: Callable[[tuple[int, ...], pa.DataType], pa.Array]
    ) -> pa.Array:
        """The first rows of a column.

        Args:
            dictionary: gives that of the child at a path.

        Raises NotFetchedError with what is needed of the file, pyarrow's errors where the values make no sense.
        """
        if self._end - self._body <= _SMALL_BODY:
            needs = [(self._body, self._end)]
        else:
            needs = list(self._needs(self._types[index], self._layouts[index], rows))
        if missing := self._file.missing(needs):
            raise NotFetchedError(missing)
        found = self._array(of, self._layouts[index], rows, (), dictionary)
        found.validate(full=True)
        return found

    def _layout(self, of: pa.DataType, nodes: Iterator[Any], buffers: Iterator[Any], depth: int) -> _Layout:
        import pyarrow as pa
        import pyarrow.types as types

        if depth > _DEEPEST:
            raise UnknownLayoutError
        if isinstance(of, pa.BaseExtensionType):
            return self._layout(of.storage_type, nodes, buffers, depth)
        try:
            length, nulls = next(nodes)
            if types.is_null(of):
                return _Layout(length, nulls, [], [])
            if types.is_dictionary(of):
                return _Layout(length, nulls, [next(buffers), next(buffers)], [])
            if types.is_struct(of) or types.is_fixed_size_list(of):
                count = 1
            elif types.is_list(of) or types.is_large_list(of) or types.is_map(of):
                count = 2
            elif _is_text(of):
                count = 3
            elif of.num_fields or not _has_width(of):
                raise UnknownLayoutError
            else:
                count = 2
            own = [next(buffers) for _ in range(count)]
        except StopIteration:
            raise UnknownLayoutError from None
        children = [self._layout(child, nodes, buffers, depth + 1) for child in _children(of)]
        return _Layout(length, nulls, own, children)

    def _needs(self, of: pa.DataType, layout: _Layout, rows: int) -> Iterator[tuple[int, int]]:
        """What the first rows need of the file, as far as that can be told before any of it is read."""
        import pyarrow as pa
        import pyarrow.types as types

        if isinstance(of, pa.BaseExtensionType):
            of = of.storage_type
        count = min(max(rows, 0), layout.length)
        if layout.nulls and layout.buffers:
            yield self._place(layout.buffers[0], -(-count // 8))
        child_rows = count
        if types.is_dictionary(of):
            yield self._place(layout.buffers[1], -(-of.index_type.bit_width * count // 8))
        elif types.is_fixed_size_list(of):
            child_rows = count * of.list_size
        elif _is_text(of) or (layout.children and len(layout.buffers) > 1):
            yield self._place(layout.buffers[1], (count + 1) * _offset_width(of))
            child_rows = count * 4
            if _is_text(of):
                yield self._place(layout.buffers[2], count * _TEXT)
        elif not layout.children and layout.buffers:
            yield self._place(layout.buffers[1], -(-of.bit_width * count // 8))
        for child, part in zip(_children(of), layout.children, strict=True):
            yield from self._needs(child, part, child_rows)

    def _place(self, buffer: tuple[int, int], wanted: int) -> tuple[int, int]:
        offset, length = buffer
        start = self._body + offset
        if self._codec is not None:
            if self._file.missing([(start, start + 8 + _FRAME)]):
                wanted = _FIRST_PIECE
            else:
                # The beginning tells how long the first block is, or with -1 that nothing is packed.
                first = self._at(start, 8 + _FRAME)
                wanted = 8 + (wanted if first.startswith(b"\xff" * 8) else self._first_block(first[8:]))
        return start, min(start + max(min(wanted, length), 0), self._end)

    def _array(
        self,
        of: pa.DataType,
        layout: _Layout,
        rows: int,
        path: tuple[int, ...],
        dictionary: Callable[[tuple[int, ...], pa.DataType], pa.Array],
    ) -> pa.Array:
        import pyarrow as pa
        import pyarrow.types as types

        if isinstance(of, pa.BaseExtensionType):
            return self._array(of.storage_type, layout, rows, path, dictionary)
        count = min(max(rows, 0), layout.length)
        if types.is_null(of):
            return pa.nulls(count)
        validity = None
        if layout.nulls and layout.buffers[0][1]:
            validity = pa.py_buffer(self._read(layout.buffers[0], -(-count // 8)))
        if types.is_dictionary(of):
            indices = self._fixed(of.index_type, layout, count, validity)
            return pa.DictionaryArray.from_arrays(indices, dictionary(path, of.value_type))
        if types.is_struct(of) or types.is_fixed_size_list(of):
            child_rows = count * (of.list_size if types.is_fixed_size_list(of) else 1)
            own = [validity]
        elif _is_text(of) or layout.children:
            width = _offset_width(of)
            offsets = self._read(layout.buffers[1], (count + 1) * width) if count else bytes(width)
            child_rows = struct.unpack_from("<q" if width == 8 else "<i", offsets, count * width)[0]
            own = [validity, pa.py_buffer(offsets)]
            if _is_text(of):
                own.append(pa.py_buffer(self._read(layout.buffers[2], max(child_rows, 0))))
        else:
            return self._fixed(of, layout, count, validity)
        children = [
            self._array(child, part, child_rows, (*path, index), dictionary)
            for index, (child, part) in enumerate(zip(_children(of), layout.children, strict=True))
        ]
        return pa.Array.from_buffers(of, count, own, children=children)

    def _fixed(self, of: pa.DataType, layout: _Layout, count: int, validity: Any) -> pa.Array:
        import pyarrow as pa

        return pa.Array.from_buffers(
            of, count, [validity, pa.py_buffer(self._read(layout.buffers[1], -(-of.bit_width * count // 8)))]
        )

    def _read(self, buffer: tuple[int, int], wanted: int) -> bytes:
        """The first bytes of a buffer."""
        offset, length = buffer
        start = self._body + offset
        if offset < 0 or length < 0 or start + length > self._end:
            raise PreviewError("a damaged Arrow file: a buffer lies outside of its batch")
        if self._codec is None or length < 8:
            found = self._at(start, min(wanted, length))
        else:
            found = self._unpacked(start, length, wanted)
        if len(found) < wanted:
            raise PreviewError("a damaged Arrow file: a buffer is shorter than its rows")
        return found

    def _unpacked(self, start: int, length: int, wanted: int) -> bytes:
        """The first bytes of a compressed buffer, which begins with its full length, or -1 where it is as it is."""
        import pyarrow as pa

        first = self._at(start, min(8 + _FRAME, length))
        full = struct.unpack_from("<q", first)[0]
        if full == -1:
            return self._at(start + 8, min(wanted, length - 8))
        if full < 0:
            raise PreviewError("a damaged Arrow file: a buffer has no length that makes sense")
        wanted = min(wanted, full)
        piece = min(self._first_block(first[8:]), length - 8)
        while True:
            # A stream that is cut gives the blocks it has, or refuses; then it needs more.
            try:
                with pa.CompressedInputStream(pa.BufferReader(self._at(start + 8, piece)), self._codec) as stream:
                    found = bytes(stream.read(wanted))
            except (pa.ArrowException, OSError):
                found = b""
                if piece >= length - 8:
                    raise
            if len(found) >= wanted or piece >= length - 8:
                return found
            piece = min(piece * 4, length - 8)

    def _first_block(self, frame: bytes) -> int:
        return first_lz4_block(frame) if self._codec == "lz4" else first_block(frame)

    def _at(self, start: int, length: int) -> bytes:
        if length < 0:
            raise PreviewError("a damaged Arrow file: a buffer has no length that makes sense")
        self._file.seek(start)
        return self._file.read(length)


def _offset_width(of: pa.DataType) -> int:
    import pyarrow.types as types

    return 8 if types.is_large_list(of) or types.is_large_string(of) or types.is_large_binary(of) else 4


def _is_text(of: pa.DataType) -> bool:
    import pyarrow.types as types

    return bool(types.is_string(of) or types.is_binary(of) or types.is_large_string(of) or types.is_large_binary(of))


def _has_width(of: pa.DataType) -> bool:
    try:
        return bool(of.bit_width)
    except ValueError:
        return False


def _children(of: pa.DataType) -> list[pa.DataType]:
    import pyarrow as pa
    import pyarrow.types as types

    if types.is_map(of):
        return [pa.struct([of.key_field, of.item_field])]
    return [of.field(index).type for index in range(of.num_fields)]
