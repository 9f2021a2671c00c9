"""Ranged reading of one object through a cache of blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType

from flowtui.errors import StorageError
from flowtui.storage.backend import Backend, Chunk, Meter
from flowtui.storage.cache import BLOCK_SIZE, BlockCache
from flowtui.storage.disk_cache import DiskCache, is_lasting
from flowtui.text import plain

MOST_AT_ONCE = 16
"""Ranges that are asked for at the same time."""

_MOST_AHEAD = 15
_VERSIONS = 4


class Reader:
    """Reads parts of one object; whole blocks are fetched and kept, and sequential reads fetch further ahead.

    Blocks of an earlier session come from disk, once one request has shown that the object is still the same.

    Attributes:
        uri: the URI as it was given.
        is_local: True for a file of this machine, whose reads cost next to nothing.
    """

    def __init__(
        self, uri: str, backend: Backend, cache: BlockCache, disk: DiskCache | None = None, *, is_local: bool = False
    ) -> None:
        self.uri = uri
        self.is_local = is_local
        self._disk = disk
        self._backend = backend
        self._cache = cache
        self._meter = Meter()
        self._lock = asyncio.Lock()
        self._next = -1
        self._ahead = 0

    @property
    def bytes_read(self) -> int:
        """Bytes that came from the store for this reader; what the cache held is not counted."""
        return self._meter.bytes_read

    @property
    def requests(self) -> int:
        """GETs that this reader sent; 0 for a local file."""
        return self._meter.requests

    @property
    def round_trips(self) -> int:
        """GETs that were waited for one after the other; those of one batch of ranges count as one."""
        return self._meter.round_trips

    async def size_beside(self, path: str) -> int | None:
        """Size in bytes of another object, by its path relative to the folder of this one.

        Returns:
            None where that is not told, or nothing can lie beside what the URI names (a signed URL).

        Raises NotFoundError for a missing object, StorageError where it cannot be reached.
        """
        if self.uri.startswith(("http:", "https:")):
            return None
        return (await self._backend.stat(f"{self.uri.rpartition('/')[0]}/{path}")).size

    async def read(self, start: int, length: int) -> bytes:
        """``length`` bytes from ``start``; fewer where the object ends before.

        Raises NotFoundError for a missing object, StorageError where it cannot be read.
        """
        if start < 0:
            raise ValueError(f"start must not be negative: {start}")
        async with self._lock:
            size = self._cache.size(self.uri)
            end = start + length if size is None else min(start + length, size)
            if end <= start:
                return b""
            first, last = start // BLOCK_SIZE, (end - 1) // BLOCK_SIZE
            blocks = await self._blocks(first, last)
        joined = b"".join(blocks)
        return joined[start - first * BLOCK_SIZE : end - first * BLOCK_SIZE]

    async def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Several parts of one version of the object, sixteen at a time and not a byte more than asked for.

        For parts that lie far apart; neighbours that are read bit by bit come cheaper with :meth:`read`.

        Args:
            ranges: first byte and length of each.

        Returns:
            The bytes of each, in that order; fewer where the object ends before.

        Raises NotFoundError for a missing object, StorageError where it cannot be read.
        """
        if any(start < 0 for start, _ in ranges):
            raise ValueError(f"a start must not be negative: {min(ranges)[0]}")
        async with self._lock:
            for _ in range(_VERSIONS):
                known = self._cache.etag(self.uri)
                found = await self._parts(ranges)
                if found is not None and (not known or self._cache.etag(self.uri) == known):
                    return found
        raise self._changes()

    async def size(self) -> int | None:
        """The size of the object in bytes; None where the server does not say."""
        async with self._lock:
            if self._cache.size(self.uri) is None and self._cache.block(self.uri, 0) is None:
                await self._blocks(0, 0)
            return self._cache.size(self.uri)

    async def aclose(self) -> None:
        """Give up what the reader holds; connections belong to the storage."""

    async def __aenter__(self) -> Reader:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _blocks(self, first: int, last: int) -> list[bytes]:
        """Blocks ``first`` to ``last`` of one version of the object, fewer where it ends before."""
        for _ in range(_VERSIONS):
            blocks = await self._gathered(first, last)
            if blocks is not None:
                return blocks
        raise self._changes()

    def _changes(self) -> StorageError:
        return StorageError(f"{plain(self.uri)} changes while it is read.", "Try again.")

    async def _parts(self, ranges: Sequence[tuple[int, int]]) -> list[bytes] | None:
        """The ranges as cache and store have them; None where the answers are of several versions."""
        size = self._cache.size(self.uri)
        wanted = [(start, length if size is None else min(length, size - start)) for start, length in ranges]
        found = {one: b"" if one[1] <= 0 else self._cache.part(self.uri, *one) for one in wanted}
        found.update(await self._kept_parts([one for one, data in found.items() if data is None]))
        missing = [one for one, data in found.items() if data is None]
        etags: set[str] = set()
        for at in range(0, len(missing), MOST_AT_ONCE):
            batch = missing[at : at + MOST_AT_ONCE]
            chunks = await self._ask(batch)
            etags.update(chunk.etag for chunk in chunks if chunk.etag)
            if len(etags) > 1:
                self._cache.forget(self.uri)
                return None
            for one, chunk in zip(batch, chunks, strict=True):
                self._cache.learn(self.uri, chunk.size, chunk.etag)
                self._cache.put_part(self.uri, one[0], chunk.data)
                found[one] = chunk.data
            await self._keep_parts(batch, chunks)
        return [found[one] or b"" for one in wanted]

    async def _kept_parts(self, ranges: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """Those of the ranges that only the disk has, once an answer has told that the object is the same."""
        size, etag = self._cache.size(self.uri), self._cache.etag(self.uri)
        if self._disk is None or not ranges or size is None or not etag or not is_lasting(etag):
            return {}
        found = await asyncio.to_thread(self._disk.parts, self.uri, size, etag, ranges)
        for (start, _), data in found.items():
            self._cache.put_part(self.uri, start, data)
        return found

    async def _keep_parts(self, ranges: Sequence[tuple[int, int]], chunks: Sequence[Chunk]) -> None:
        size, etag = self._cache.size(self.uri), chunks[0].etag
        if self._disk is not None and size is not None and etag:
            parts = {start: chunk.data for (start, _), chunk in zip(ranges, chunks, strict=True)}
            await asyncio.to_thread(self._disk.put_parts, self.uri, size, etag, parts)

    async def _ask(self, ranges: Sequence[tuple[int, int]]) -> list[Chunk]:
        """Ask the store for ranges, all at the same time: one round trip, unless one has to be asked again."""
        meters = [Meter() for _ in ranges]
        asked = [
            asyncio.ensure_future(self._backend.fetch(self.uri, start, length, meter))
            for (start, length), meter in zip(ranges, meters, strict=True)
        ]
        try:
            return await asyncio.gather(*asked)
        finally:
            for one in asked:
                one.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            self._meter.bytes_read += sum(meter.bytes_read for meter in meters)
            self._meter.requests += sum(meter.requests for meter in meters)
            self._meter.round_trips += max((meter.requests for meter in meters), default=0)

    async def _gathered(self, first: int, last: int) -> list[bytes] | None:
        """The blocks as cache, disk and store have them; missing ones come in one fetch per gap.

        None where a fetch shows that the object is another one than that of the blocks before.
        """
        found = await self._kept(first, last)
        known = self._cache.etag(self.uri)
        index = first
        while index <= last:
            block = found.get(index) or self._cache.block(self.uri, index)
            if block is None:
                gap = index
                while index < last and index + 1 not in found and self._cache.block(self.uri, index + 1) is None:
                    index += 1
                fetched = await self._fetch(gap, index)
                found.update(enumerate(fetched, gap))
                if len(fetched) <= index - gap:
                    break
            else:
                found[index] = block
                if len(block) < BLOCK_SIZE:
                    break
            index += 1
        if known and self._cache.etag(self.uri) != known:
            return None
        return [found[index] for index in range(first, last + 1) if index in found]

    async def _kept(self, first: int, last: int) -> dict[int, bytes]:
        """Those of the blocks that only the disk has."""
        missing = [index for index in range(first, last + 1) if self._cache.block(self.uri, index) is None]
        if self._disk is None or not missing:
            return {}
        if self._cache.etag(self.uri) is None and await asyncio.to_thread(self._disk.has, self.uri, missing[0]):
            (told,) = await self._ask([(0, 1)])
            self._cache.learn(self.uri, told.size, told.etag)
        size, etag = self._cache.size(self.uri), self._cache.etag(self.uri)
        if size is None or not etag or not is_lasting(etag):
            return {}
        found = await asyncio.to_thread(self._disk.blocks, self.uri, size, etag, missing[0], missing[-1])
        for index, block in found.items():
            self._cache.put(self.uri, index, block)
        return found

    async def _fetch(self, first: int, last: int) -> list[bytes]:
        self._ahead = min(self._ahead * 2 + 1, _MOST_AHEAD) if first == self._next else 0
        count = last - first + 1 + self._ahead
        size = self._cache.size(self.uri)
        if size is not None:
            count = min(count, max(-(-size // BLOCK_SIZE) - first, 1))
        (chunk,) = await self._ask([(first * BLOCK_SIZE, count * BLOCK_SIZE)])
        whole = chunk.size
        if whole is None and len(chunk.data) < count * BLOCK_SIZE and (chunk.data or not first):
            whole = first * BLOCK_SIZE + len(chunk.data)
        self._cache.learn(self.uri, whole, chunk.etag)
        blocks = [chunk.data[at : at + BLOCK_SIZE] for at in range(0, len(chunk.data), BLOCK_SIZE)]
        for index, block in enumerate(blocks, first):
            self._cache.put(self.uri, index, block)
        whole = self._cache.size(self.uri)
        if self._disk is not None and whole is not None and chunk.etag:
            await asyncio.to_thread(self._disk.put, self.uri, whole, chunk.etag, dict(enumerate(blocks, first)))
        self._next = first + len(blocks)
        return blocks
