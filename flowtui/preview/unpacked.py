"""The content of a compressed stream as a file: unpacked from its beginning, as far as it is read and no further."""

from __future__ import annotations

import asyncio
import bz2
import lzma
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from flowtui.errors import PreviewError
from flowtui.preview.reasons import reason_of
from flowtui.preview.source import Source
from flowtui.preview.workers import missing_library

MOST_UNPACKED = 32 * 1024 * 1024
"""Bytes that are unpacked of one file at most, and kept."""

_CHUNK = 64 * 1024
_LARGEST_CHUNK = 4 * 1024 * 1024
_PASSED_AT_ONCE = 1024 * 1024
_MOST_MEMORY = 128 * 1024 * 1024
_WINDOW_LOG = 27
_MOST_STREAMS = 10_000


class _Zlib:
    """zlib's decompressors with the interface of bz2's."""

    def __init__(self, window: int) -> None:
        self._inner = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail and not self.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class _Zstd:
    """zstd's decompressor with the errors of bz2's."""

    def __init__(self) -> None:
        try:
            from backports import zstd
        except ImportError:
            raise missing_library("zstd") from None
        self._inner = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})
        self._error = zstd.ZstdError

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def needs_input(self) -> bool:
        return bool(self._inner.needs_input)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        try:
            return bytes(self._inner.decompress(data, max_length))
        except self._error as error:
            raise OSError(str(error)) from error  # not shown


def _lz4() -> Any:
    try:
        import lz4.frame
    except ImportError:
        raise missing_library("lz4") from None
    return lz4.frame.LZ4FrameDecompressor()


DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: _Zlib(31),
    "zlib": lambda: _Zlib(15),
    "deflate": lambda: _Zlib(-15),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY),
    "lzma": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MOST_MEMORY),
    "zstd": _Zstd,
    "lz4": _lz4,
}
"""Makes a decompressor for each kind of stream; memory is bounded whatever window a stream asks for."""

_SINGLE = ("zlib", "deflate", "lzma")


class Unpacked:
    """A file that is the content of a compressed part of another.

    Args:
        source: the file that holds it.
        kind: a key of :data:`DECOMPRESSORS`.
        start, length: the compressed part in bytes; ``length`` is None where it goes on to the end.
        head: the first bytes of ``source``, not to be read again.
        size, checksum: bytes of the content and their CRC-32, as an archive's directory claims; None where unknown.

    Attributes:
        damage: why the content is not whole, in words; empty as long as nothing is known against it.

    Raises:
        PreviewError: the library for this kind is not installed.
    """

    is_sequential = True

    def __init__(
        self,
        source: Source,
        kind: str,
        *,
        start: int = 0,
        length: int | None = None,
        head: bytes = b"",
        size: int | None = None,
        checksum: int | None = None,
    ) -> None:
        self._source = source
        self._kind = kind
        self._at = start
        self._end = None if length is None else start + length
        self._head = head
        self._decompressor = DECOMPRESSORS[kind]()
        self._streams = 1
        self._claimed = size
        self._checksum = checksum
        self._sum = 0
        self._begin = 0
        self._data = bytearray()
        self._left = b""
        self._ended = False
        self.damage = ""

    @property
    def requests(self) -> int:
        return self._source.requests

    @property
    def bytes_read(self) -> int:
        return self._source.bytes_read

    @property
    def position(self) -> int:
        """How many bytes were unpacked."""
        return self._begin + len(self._data)

    async def read(self, start: int, length: int) -> bytes:
        """Unpacks up to there; what is damaged, was passed by, or lies beyond 32 MB, is as if it were not there."""
        end = min(start + length, self._begin + MOST_UNPACKED)
        if self._claimed is not None:
            end = min(end, self._claimed)
        while self.position < end and not self._ended:
            await self._unpack(end)
        return bytes(self._data[start - self._begin : end - self._begin]) if start >= self._begin else b""

    async def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """One after the other: all comes from the beginning."""
        return [await self.read(start, length) for start, length in ranges]

    async def pass_to(self, start: int) -> None:
        """Unpack what lies before ``start`` and keep nothing of it: the 32 MB that are kept begin there."""
        while self.position < start and not self._ended:
            await self._unpack(min(start, self.position + _PASSED_AT_ONCE))
            self._forget(start)
        self._forget(start)

    async def read_to_end(self) -> bool:
        """Unpack all, so that the size is known; False where that is more than 32 MB, or damaged."""
        await self.read(0, MOST_UNPACKED)
        if not self._ended and self.position == MOST_UNPACKED:
            return False
        return self._ended and not self.damage

    async def size(self) -> int | None:
        """Known once the end was reached, or from an archive's directory where it is at most 32 MB."""
        if self.damage:
            return None
        if self._ended:
            return self.position
        return self._claimed if self._claimed is not None and self._claimed <= MOST_UNPACKED else None

    def _forget(self, start: int) -> None:
        passed = min(start, self.position) - self._begin
        if passed > 0:
            del self._data[:passed]
            self._begin += passed

    async def _unpack(self, end: int) -> None:
        chunk = self._left
        self._left = b""
        is_last = False
        if not chunk and self._decompressor.needs_input:
            chunk = await self._next(end - self.position)
            is_last = not chunk
        try:
            more = await asyncio.to_thread(self._decompressor.decompress, chunk, end - self.position)
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, RuntimeError, MemoryError) as error:
            self._break(error)
            return
        self._data += more
        if is_last and not more and not self._decompressor.eof:
            self._ended = True
            self.damage = "its end is missing"
        elif self._decompressor.eof:
            self._left = self._decompressor.unused_data or await self._next(_CHUNK)
            self._follow()
        self._check(more)

    def _check(self, more: bytes) -> None:
        """Compare with what an archive's directory claims, once all is there."""
        if self._claimed is None:
            return
        if self._checksum is not None:
            self._sum = zlib.crc32(more, self._sum)
        if self.position >= self._claimed:
            if self._checksum not in (None, self._sum):
                self.damage = "its checksum is not the one that the archive has for it"
        elif self._ended and not self.damage:
            self.damage = f"it has {self.position:,} bytes, the archive says {self._claimed:,}"

    def _follow(self) -> None:
        """Go on with the next stream, as these formats allow; padding and other bytes behind the last end it."""
        again = self._kind not in _SINGLE and self._left.strip(b"\0") and self._streams < _MOST_STREAMS
        if not again or self._left[:2] not in (b"\x1f\x8b", b"BZ", b"\xfd7", b"(\xb5", b"\x04\x22"):
            self._ended = True
            return
        self._streams += 1
        self._decompressor = DECOMPRESSORS[self._kind]()

    def _break(self, error: Exception) -> None:
        self._ended = True
        self.damage = f"it is damaged behind {self.position:,} bytes"
        if not self.position:
            raise PreviewError(f"{self._kind} data that cannot be unpacked: {reason_of(error)}") from error

    async def _next(self, wanted: int) -> bytes:
        """The next compressed bytes: as many as so much of the content is likely to be packed in, or a bit more."""
        length = min(max(wanted // 8 // _CHUNK * _CHUNK, _CHUNK), _LARGEST_CHUNK)
        if self._end is not None:
            length = min(length, self._end - self._at)
        if length <= 0:
            return b""
        if self._at < len(self._head):
            chunk = self._head[self._at : self._at + length]
        else:
            chunk = await self._source.read(self._at, length)
        self._at += len(chunk)
        return chunk


class Part:
    """A file that lies uncompressed within another, at a known place."""

    def __init__(self, source: Source, start: int, length: int) -> None:
        self._source = source
        self._start = start
        self._length = length

    @property
    def uri(self) -> str:
        """Of the file that holds it, which tells what reading costs."""
        return str(getattr(self._source, "uri", ""))

    @property
    def requests(self) -> int:
        return self._source.requests

    @property
    def bytes_read(self) -> int:
        return self._source.bytes_read

    async def read(self, start: int, length: int) -> bytes:
        length = min(length, self._length - start)
        return await self._source.read(self._start + start, length) if length > 0 else b""

    async def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        inner = [(self._start + start, max(min(length, self._length - start), 0)) for start, length in ranges]
        return await self._source.read_ranges(inner)

    async def size(self) -> int | None:
        return self._length
