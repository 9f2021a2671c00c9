"""The beginning of a Parquet column chunk, cut to pages of a few kilobytes that hold its first rows.

A dictionary and a page are up to a megabyte each, and a reader takes them whole. But the first rows of a column refer
to the first values of its dictionary, as writers number values in the order of their appearance, and the beginning of
a page can be unpacked without its end. So the beginnings are read, their headers written anew for what is there, and
pyarrow decodes them in the place of the pages. Data pages of version 1 of columns that do not repeat are cut; the
structures are those of parquet.thrift, in Thrift's compact protocol.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

from flowtui.preview.bounded_file import BoundedFile, NotFetchedError
from flowtui.preview.thrift import read_struct, varint, zigzag

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_PIECE = 160 * 1024
_MARGIN = 4 * 1024
_MOST_UNPACKED = 256 * 1024
_STEP = 4096
_PADDING = 64 * 1024
_WIDTHS = {"INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}
_CODECS = {"UNCOMPRESSED": "", "SNAPPY": "snappy", "GZIP": "gzip", "ZSTD": "zstd", "BROTLI": "brotli"}
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2
_PLAIN, _DICTIONARY_ENCODINGS = 0, (2, 8)


class TooShortError(Exception):
    """The beginnings of the pages do not hold enough."""


class _CutError(Exception):
    """The pages cannot be cut; they must be read as they are."""


def can_be_cut(chunk: Any, column: Any) -> bool:
    """Whether pages of a column may be cut, as far as its metadata tell."""
    return not column.max_repetition_level and chunk.compression in _CODECS


def beginnings(chunk: Any, piece: int) -> list[tuple[int, int]]:
    """Where the first ``piece`` bytes of the first pages of a column chunk lie: from, to."""
    starts = [chunk.data_page_offset]
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < starts[0]:
        starts.append(chunk.dictionary_page_offset)
    end = starts[-1] + max(chunk.total_compressed_size, 1)
    return [(start, min(start + piece, end)) for start in starts]


def first_rows_chunk(file: BoundedFile, chunk: Any, column: Any, rows: int, piece: int) -> bytes | None:
    """Bytes to stand in the place of the beginning of a column chunk; None where its pages cannot be cut.

    Args:
        chunk, column: pyarrow's ``ColumnChunkMetaData`` and ``ColumnSchema``.
        rows: how many the first page must hold.
        piece: bytes of each page to look at.

    Raises NotFetchedError where a known part of the pages is needed, TooShortError where a larger piece may do.
    """
    try:
        return _chunk(file, chunk, column, rows, piece)
    except (struct.error, IndexError) as error:
        raise TooShortError from error
    except (_CutError, ValueError, zlib.error):
        return None


def _chunk(file: BoundedFile, chunk: Any, column: Any, rows: int, piece: int) -> bytes:
    codec = _CODECS[chunk.compression]
    found = b""
    at = chunk.data_page_offset
    needed: list[tuple[int, int]] = []
    end = beginnings(chunk, 1 << 62)[-1][1]
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < at:
        try:
            start = chunk.dictionary_page_offset
            found, at = _dictionary(file, start, codec, chunk.physical_type, column.length, min(piece, end - start))
        except NotFetchedError as error:
            needed = error.ranges
    try:
        data = _data(file, at, codec, column, rows, min(piece, end - at))
    except NotFetchedError as error:
        # What both pages need comes with one round trip.
        raise NotFetchedError([*needed, *error.ranges]) from None
    if needed:
        raise NotFetchedError(needed)
    return found + data + bytes(_PADDING)


def _data(file: BoundedFile, at: int, codec: str, column: Any, rows: int, piece: int) -> bytes:
    """The first data page with the rows that its beginning holds."""
    header, length, body = _page(file, at, piece)
    if header.get(1) != _DATA_PAGE or header[5].get(1, 0) < rows:
        raise _CutError
    encoding = header[5].get(2)
    if encoding != _PLAIN and encoding not in _DICTIONARY_ENCODINGS:
        raise _CutError
    unpacked = _unpacked(file, at + length, header[3], body, codec)
    if column.max_definition_level:
        # The page begins with what is missing in it, a bit or more for each row.
        levels = 4 + struct.unpack_from("<I", unpacked)[0]
        if levels + _STEP > len(unpacked) and len(body) < header[3]:
            wanted = min(levels + piece, header[3], _MOST_PIECE)
            unpacked = _unpacked(file, at + length, header[3], _more(file, at + length, body, wanted), codec)
        if levels >= len(unpacked):
            raise TooShortError
    kept = ((1, rows), (2, encoding), (3, header[5].get(3, 3)), (4, header[5].get(4, 3)))
    return _written(_DATA_PAGE, 5, kept, unpacked, codec)


def _dictionary(file: BoundedFile, at: int, codec: str, physical: str, length: int, piece: int) -> tuple[bytes, int]:
    """The dictionary page with the values that its beginning holds, and where the next page begins."""
    header, size, body = _page(file, at, piece)
    if header.get(1) != _DICTIONARY_PAGE:
        raise _CutError
    unpacked = _unpacked(file, at + size, header[3], body, codec)
    count = end = 0
    if physical == "BYTE_ARRAY":
        while end + 4 <= len(unpacked):
            following = end + 4 + struct.unpack_from("<I", unpacked, end)[0]
            if following > len(unpacked):
                break
            end = following
            count += 1
    else:
        width = length if physical == "FIXED_LEN_BYTE_ARRAY" else _WIDTHS.get(physical, 0)
        if not width:
            raise _CutError
        count = len(unpacked) // width
        end = count * width
    count = min(count, header[7].get(1, 0))
    kept = ((1, count), (2, header[7].get(2, 0)))
    return _written(_DICTIONARY_PAGE, 7, kept, unpacked[:end], codec), at + size + header[3]


def _page(file: BoundedFile, at: int, size: int) -> tuple[dict[int, Any], int, bytes]:
    """The header of a page, its length, and the beginning of the page, ``size`` bytes with the header."""
    file.seek(at)
    piece = file.read(size)
    header, length = read_struct(piece, 0)
    if not isinstance(header.get(3), int) or header[3] < 0:
        raise _CutError
    if not all(isinstance(header.get(part, {}), dict) for part in (5, 7)) or not (5 in header or 7 in header):
        raise _CutError
    return header, length, piece[length : length + header[3]]


def _more(file: BoundedFile, at: int, body: bytes, wanted: int) -> bytes:
    if wanted <= len(body):
        return body
    file.seek(at + len(body))
    return body + file.read(wanted - len(body))


def _unpacked(file: BoundedFile, at: int, size: int, body: bytes, codec: str) -> bytes:
    if codec == "zstd" and len(body) < size:
        body = _more(file, at, body, min(first_block(body), size, _MOST_PIECE))
    if not codec:
        return body
    if codec == "snappy":
        return _unsnapped(body)
    if codec == "gzip":
        return zlib.decompressobj(47).decompress(body, _MOST_UNPACKED)
    return _streamed(body, codec)


def _streamed(body: bytes, codec: str) -> bytes:
    """What a stream gives before it misses the rest."""
    import pyarrow as pa

    found = bytearray()
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), codec) as stream:
            while len(found) < _MOST_UNPACKED and (piece := stream.read(_STEP)):
                found += piece
    except (pa.ArrowException, OSError):
        pass
    return bytes(found)


def first_block(frame: bytes) -> int:
    """Where the first block of a zstd frame ends (RFC 8878 section 3.1.1): it is unpacked as a whole or not at all."""
    descriptor = frame[4] if len(frame) > 4 else 0
    is_single = bool(descriptor & 0x20)
    size = (1 if is_single else 0, 2, 4, 8)[descriptor >> 6]
    at = 5 + (not is_single) + (0, 1, 2, 4)[descriptor & 3] + size
    header = int.from_bytes(frame[at : at + 3], "little")
    is_run = header >> 1 & 3 == 1
    return at + 3 + (1 if is_run else header >> 3)


def first_lz4_block(frame: bytes) -> int:
    """Where the first block of an LZ4 frame ends (lz4_Frame_format.md): it is unpacked as a whole or not at all."""
    flags = frame[4] if len(frame) > 4 else 0
    at = 7 + (8 if flags & 8 else 0) + (4 if flags & 1 else 0)
    # The highest bit tells that the block is as it was; a checksum may follow it.
    return at + 4 + (int.from_bytes(frame[at : at + 4], "little") & 0x7FFFFFFF) + (4 if flags & 16 else 0)


def _unsnapped(body: bytes) -> bytes:
    """The beginning of a block of Snappy (google/snappy, format_description.txt), as far as it is there."""
    size, at = varint(body, 0)
    found = bytearray()
    end = len(body)
    while at < end and len(found) < min(size, _MOST_UNPACKED):
        tag = body[at]
        at += 1
        kind = tag & 3
        if kind == 0:
            length = tag >> 2
            if length >= 60:
                extra = length - 59
                length = int.from_bytes(body[at : at + extra], "little")
                at += extra
            found += body[at : at + length + 1]
            at += length + 1
            continue
        if kind == 1:
            length, extra = (tag >> 2 & 7) + 4, 1
            offset = (tag >> 5) << 8
        else:
            length, extra, offset = (tag >> 2) + 1, 2 if kind == 2 else 4, 0
        if at + extra > end:
            break
        offset |= int.from_bytes(body[at : at + extra], "little")
        at += extra
        if not 0 < offset <= len(found):
            raise _CutError
        start = len(found) - offset
        piece = bytes(found[start : start + length])
        found += (piece * (length // len(piece) + 1))[:length]
    return bytes(found)


def _written(type_: int, field: int, kept: Iterable[tuple[int, int]], unpacked: bytes, codec: str) -> bytes:
    """A page of these bytes with a header of these fields."""
    import pyarrow as pa

    body = pa.compress(unpacked, codec=codec, asbytes=True) if codec else unpacked
    inner = b"".join(b"\x15" + zigzag(value) for _, value in kept) + b"\0"
    # The fields 1 to 3 are integers, the inner structure follows as field 5 or 7.
    head = b"".join(b"\x15" + zigzag(value) for value in (type_, len(unpacked), len(body)))
    return head + bytes([(field - 3) << 4 | 12]) + inner + b"\0" + body
