"""The end of an ORC file where pyarrow does not tell what it says: the least and the greatest moment of the file.

The messages are those of orc_proto.proto (https://orc.apache.org/specification/ORCv1/), in protobuf's wire format.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from flowtui.preview.bounded_file import BoundedFile
from flowtui.preview.thrift import varint

_LONGEST_POSTSCRIPT = 256
_MOST_FOOTER = 16 << 20
_ZLIB, _SNAPPY, _ZSTD = 1, 2, 5
_STATISTICS, _MOMENTS = 7, 9
"""Numbers of fields: the statistics of all columns in the footer, those of moments among them."""


@dataclass(frozen=True, slots=True)
class OrcTail:
    """The end of a file.

    Attributes:
        length: bytes of it.
        moments: the least and greatest moments of the columns, in milliseconds since 1970; None where they cannot be
            told of every column of moments.
    """

    length: int
    moments: tuple[int, ...] | None


def orc_tail(file: BoundedFile) -> OrcTail:
    """The end of a file. Raises ValueError, IndexError where it is damaged."""
    file.seek(max(file.size - _LONGEST_POSTSCRIPT, 0))
    end = file.read(_LONGEST_POSTSCRIPT)
    size = end[-1] if end else 0
    postscript = dict(_fields(end[-1 - size : -1]))
    footer, codec = postscript.get(1, 0), postscript.get(2, 0)
    metadata = postscript.get(5, 0)
    if not isinstance(footer, int) or not isinstance(metadata, int) or not 0 < footer <= _MOST_FOOTER:
        raise ValueError("the length of its footer is wrong")
    length = 1 + size + footer + metadata
    if length > file.size:
        raise ValueError("the length of its footer is wrong")
    file.fetch_needed(file.size - length, file.size)
    file.seek(file.size - 1 - size - footer)
    data = file.read(footer)
    unpacked = data if not codec else _unpacked(data, codec if isinstance(codec, int) else -1)
    return OrcTail(length, None if unpacked is None else _moments(unpacked))


def _moments(footer: bytes) -> tuple[int, ...] | None:
    found: list[int] = []
    kinds = [dict(_fields(value)).get(1, 0) for number, value in _fields(footer) if number == 4]
    columns = [value for number, value in _fields(footer) if number == _STATISTICS]
    for at, kind in enumerate(kinds):
        if kind not in (9, 18):
            continue
        if at >= len(columns):
            return None
        statistics = dict(_fields(columns[at]))
        if statistics.get(1) == 0:
            # There are no values.
            continue
        told = statistics.get(_MOMENTS)
        moments = dict(_fields(told)) if isinstance(told, bytes) else {}
        bounds = [moments.get(number) for number in ((3, 4) if 3 in moments else (1, 2))]
        for bound in bounds:
            if not isinstance(bound, int):
                return None
            found.append(bound >> 1 ^ -(bound & 1))
    return tuple(found)


def _fields(data: object) -> list[tuple[int, int | bytes]]:
    """The fields of a message by number; those of fixed width are left out."""
    found: list[tuple[int, int | bytes]] = []
    at = 0
    if not isinstance(data, bytes):
        return found
    while at < len(data):
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = varint(data, at)
            found.append((number, value))
        elif kind == 2:
            size, at = varint(data, at)
            found.append((number, data[at : at + size]))
            at += size
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError("a message makes no sense")
    return found


def _unpacked(data: bytes, codec: int) -> bytes | None:
    """The content of the chunks of a footer; None for a codec that is not known here."""
    import pyarrow as pa

    found = bytearray()
    at = 0
    while at + 3 <= len(data) and len(found) <= _MOST_FOOTER:
        header = int.from_bytes(data[at : at + 3], "little")
        chunk = data[at + 3 : at + 3 + (header >> 1)]
        at += 3 + (header >> 1)
        if header & 1:
            found += chunk
        elif codec == _ZLIB:
            found += zlib.decompressobj(-15).decompress(chunk, _MOST_FOOTER)
        elif codec == _SNAPPY:
            size = min(varint(chunk, 0)[0], _MOST_FOOTER)
            found += pa.decompress(chunk, decompressed_size=size, codec="snappy", asbytes=True)
        elif codec == _ZSTD:
            with pa.CompressedInputStream(pa.BufferReader(chunk), "zstd") as stream:
                found += stream.read(_MOST_FOOTER)
        else:
            return None
    return bytes(found)
