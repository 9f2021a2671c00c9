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
from flowtui.preview.arrow_messages import V5
from flowtui.preview.arrow_times import is_interval, nanosecond_intervals
from flowtui.preview.bounded_file import BoundedFile, NotFetchedError
from flowtui.preview.flatbuffers import Table
from flowtui.preview.parquet_pages import first_block, first_lz4_block

if TYPE_CHECKING:
    import pyarrow as pa

_CODECS = {0: "lz4", 1: "zstd"}
_DEEPEST = 50
_FIRST_PIECE = 16 * 1024
_TEXT = 32
"""Bytes of a text, and elements of a list, that are expected in a row."""

_FRAME = 32
_SMALL_BODY = 64 * 1024


_VIEW, _INLINE = 16, 12
"""Bytes of the view of a text, and of a text that is within its view."""

_MOST_BUFFERS = 100_000

Dictionaries = Callable[[tuple[int, ...], "pa.DataType"], "pa.Array"]
"""Gives the dictionary of the field at a path of children."""


class UnknownLayoutError(Exception):
    """A type whose buffers are not known here."""


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

    def __init__(
        self, file: BoundedFile, header: Table, body: int, end: int, types: list[pa.DataType], version: int = V5
    ) -> None:
        self._file = file
        self.length = header.scalar(0, "q")
        self._version = version
        self._variadic = iter([count for (count,) in header.structs(4, "<q")])
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

    def column(self, index: int, of: pa.DataType, rows: int, dictionary: Dictionaries) -> pa.Array:
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
        # Of plain values any bits are a value: a time after midnight is one, though not in the range of its type.
        found.validate(full=not _is_plain(found.type))
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
            if types.is_run_end_encoded(of):
                count = 0
            elif types.is_struct(of) or types.is_fixed_size_list(of):
                count = 1
            elif types.is_union(of):
                # Before version 5 of the metadata unions had a validity buffer.
                count = (2 if of.mode == "dense" else 1) + (self._version < V5)
            elif types.is_list(of) or types.is_large_list(of) or types.is_map(of):
                count = 2
            elif _is_list_view(of) or _is_text(of):
                count = 3
            elif _is_view(of):
                count = 2 + min(max(next(self._variadic), 0), _MOST_BUFFERS)
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
        child_rows = count
        if types.is_union(of):
            yield from (self._place(buffer, 4 * count) for buffer in layout.buffers)
        elif layout.nulls and layout.buffers:
            yield self._place(layout.buffers[0], -(-count // 8))
        if types.is_dictionary(of):
            yield self._place(layout.buffers[1], -(-of.index_type.bit_width * count // 8))
        elif _is_view(of):
            yield self._place(layout.buffers[1], _VIEW * count)
            yield from (self._place(buffer, count * _TEXT) for buffer in layout.buffers[2:3])
        elif _is_list_view(of):
            yield from (self._place(buffer, count * _offset_width(of)) for buffer in layout.buffers[1:])
            child_rows = count * 4
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
        dictionary: Dictionaries,
    ) -> pa.Array:
        import pyarrow as pa
        import pyarrow.types as types

        if isinstance(of, pa.BaseExtensionType):
            return self._array(of.storage_type, layout, rows, path, dictionary)
        count = min(max(rows, 0), layout.length)
        if types.is_null(of):
            return pa.nulls(count)
        if types.is_run_end_encoded(of):
            return self._runs(of, layout, count, path, dictionary)
        if types.is_union(of):
            return self._union(of, layout, count, path, dictionary)
        validity = None
        if layout.nulls and layout.buffers[0][1]:
            validity = pa.py_buffer(self._read(layout.buffers[0], -(-count // 8)))
        if types.is_dictionary(of):
            indices = self._fixed(of.index_type, layout, count, validity)
            return pa.DictionaryArray.from_arrays(indices, dictionary(path, of.value_type))
        if types.is_struct(of) or types.is_fixed_size_list(of):
            child_rows = count * (of.list_size if types.is_fixed_size_list(of) else 1)
            own = [validity]
        elif _is_view(of):
            return pa.Array.from_buffers(of, count, [validity, *self._viewed(layout, count)])
        elif _is_list_view(of):
            width = _offset_width(of)
            offsets, sizes = (self._read(buffer, count * width) for buffer in layout.buffers[1:])
            form = f"<{count}{'q' if width == 8 else 'i'}"
            ends = map(sum, zip(struct.unpack(form, offsets), struct.unpack(form, sizes), strict=True))
            child_rows = max(ends, default=0)
            own = [validity, pa.py_buffer(offsets), pa.py_buffer(sizes)]
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

    def _viewed(self, layout: _Layout, count: int) -> list[pa.Buffer]:
        """The views of the first rows, and of the buffers that they point into as much as they need."""
        import pyarrow as pa

        views = self._read(layout.buffers[1], _VIEW * count)
        ends = [0] * (len(layout.buffers) - 2)
        for length, number, offset in struct.iter_unpack("<i4xii", views):
            if length > _INLINE:
                if not 0 <= number < len(ends) or offset < 0:
                    raise PreviewError("a damaged Arrow file: a text lies outside of its batch")
                ends[number] = max(ends[number], offset + length)
        pairs = list(zip(layout.buffers[2:], ends, strict=True))
        if missing := self._file.missing(self._place(buffer, end) for buffer, end in pairs if end):
            raise NotFetchedError(missing)
        return [pa.py_buffer(views), *(pa.py_buffer(self._read(buffer, end) if end else b"") for buffer, end in pairs)]

    def _runs(
        self, of: pa.DataType, layout: _Layout, count: int, path: tuple[int, ...], dictionary: Dictionaries
    ) -> pa.Array:
        import pyarrow as pa

        ends, values = (
            self._array(child, part, count, (*path, index), dictionary)
            for index, (child, part) in enumerate(zip(_children(of), layout.children, strict=True))
        )
        last = next((at for at, end in enumerate(ends.to_pylist(), 1) if end >= count), len(ends))
        return pa.RunEndEncodedArray.from_arrays(ends[:last], values[:last])[:count]

    def _union(
        self, of: pa.DataType, layout: _Layout, count: int, path: tuple[int, ...], dictionary: Dictionaries
    ) -> pa.Array:
        import pyarrow as pa

        buffers = layout.buffers[self._version < V5 :]
        own = [None, pa.py_buffer(self._read(buffers[0], count))]
        rows = [count] * of.num_fields
        if of.mode == "dense":
            offsets = self._read(buffers[1], 4 * count)
            own.append(pa.py_buffer(offsets))
            rows = [0] * of.num_fields
            places = {code: index for index, code in enumerate(of.type_codes)}
            for code, (offset,) in zip(own[1].to_pybytes(), struct.iter_unpack("<i", offsets), strict=True):
                rows[places[code]] = max(rows[places[code]], offset + 1)
        children = [
            self._array(child, part, rows[index], (*path, index), dictionary)
            for index, (child, part) in enumerate(zip(_children(of), layout.children, strict=True))
        ]
        return pa.Array.from_buffers(of, count, own, children=children)

    def _fixed(self, of: pa.DataType, layout: _Layout, count: int, validity: Any) -> pa.Array:
        import pyarrow as pa

        data = self._read(layout.buffers[1], -(-of.bit_width * count // 8))
        if is_interval(of):
            of, data = nanosecond_intervals(of, data)
        return pa.Array.from_buffers(of, count, [validity, pa.py_buffer(data)])

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

    is_large = types.is_large_list(of) or types.is_large_string(of) or types.is_large_binary(of)
    return 8 if is_large or types.is_large_list_view(of) else 4


def _is_text(of: pa.DataType) -> bool:
    import pyarrow.types as types

    return bool(types.is_string(of) or types.is_binary(of) or types.is_large_string(of) or types.is_large_binary(of))


def _is_view(of: pa.DataType) -> bool:
    import pyarrow.types as types

    return bool(types.is_string_view(of) or types.is_binary_view(of))


def _is_list_view(of: pa.DataType) -> bool:
    import pyarrow.types as types

    return bool(types.is_list_view(of) or types.is_large_list_view(of))


def _is_plain(of: pa.DataType) -> bool:
    """Whether the values of a type are of one width and refer to nothing."""
    import pyarrow.types as types

    return not of.num_fields and not types.is_dictionary(of) and _has_width(of)


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
    if types.is_run_end_encoded(of):
        return [of.run_end_type, of.value_type]
    return [of.field(index).type for index in range(of.num_fields)]
