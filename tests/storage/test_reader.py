"""The reader against a backend in memory: whatever is read must be what the object holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.errors import StorageError
from flowtui.storage import Entry, Reader, Stat
from flowtui.storage.backend import Chunk, Meter
from flowtui.storage.cache import BLOCK_SIZE, BlockCache


class Memory:
    """A backend over bytes that may keep the object's size to itself."""

    shared = True

    def __init__(self, data: bytes, *, tells_size: bool = True) -> None:
        self.data = data
        self.etag = '"1"'
        self.tells_size = tells_size
        self.fetches: list[tuple[int, int]] = []
        self.most_at_once = self._at_once = 0

    def handles(self, uri: str) -> bool:
        return True

    async def stat(self, uri: str) -> Stat:
        return Stat(len(self.data))

    async def fetch(self, uri: str, start: int, length: int, meter: Meter) -> Chunk:
        self.fetches.append((start, length))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(0)
        self._at_once -= 1
        data = self.data[start : start + length]
        meter.requests += 1
        meter.bytes_read += len(data)
        return Chunk(data, len(self.data) if self.tells_size else None, self.etag)

    async def stream(self, uri: str, start: int) -> AsyncGenerator[bytes, None]:
        yield self.data[start:]

    async def entries(self, uri: str) -> tuple[Entry, ...]:
        return ()

    async def aclose(self) -> None:
        return None


OBJECT = bytes(index * 7 % 251 for index in range(5 * BLOCK_SIZE + 321))
_reads = st.lists(st.tuples(st.integers(0, len(OBJECT) + 10), st.integers(0, 3 * BLOCK_SIZE)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(reads=_reads, size=st.integers(0, len(OBJECT)), tells_size=st.booleans(), blocks=st.integers(0, 6))
def test_any_reads_give_what_the_object_holds(
    reads: list[tuple[int, int]], size: int, tells_size: bool, blocks: int
) -> None:
    data = OBJECT[:size]

    async def check() -> None:
        reader = Reader("s3://b/k", Memory(data, tells_size=tells_size), BlockCache(blocks * BLOCK_SIZE))
        for start, length in reads:
            assert await reader.read(start, length) == data[start : start + length]
        if tells_size or not reads:
            assert await reader.size() == size or not tells_size

    asyncio.run(check())


async def test_a_second_look_costs_no_request() -> None:
    backend, cache = Memory(OBJECT), BlockCache(1 << 20)
    first = Reader("s3://b/k", backend, cache)
    head = await first.read(0, 100_000)
    second = Reader("s3://b/k", backend, cache)
    assert await second.read(0, 100_000) == head
    assert await second.size() == len(OBJECT)
    assert (second.requests, second.bytes_read, first.requests) == (0, 0, 1)


async def test_the_size_comes_with_the_first_block() -> None:
    reader = Reader("s3://b/k", Memory(OBJECT), BlockCache(1 << 20))
    assert await reader.size() == len(OBJECT)
    assert await reader.read(0, 10) == OBJECT[:10]
    assert reader.requests == 1


async def test_the_size_of_a_short_object_is_known_by_its_end() -> None:
    reader = Reader("s3://b/k", Memory(b"short", tells_size=False), BlockCache(1 << 20))
    assert await reader.size() == 5


async def test_reading_on_fetches_further_ahead() -> None:
    backend = Memory(bytes(64 * BLOCK_SIZE))
    reader = Reader("s3://b/k", backend, BlockCache(1 << 24))
    for start in range(0, 32 * BLOCK_SIZE, 8192):
        await reader.read(start, 8192)
    assert len(backend.fetches) <= 7
    assert max(length for _, length in backend.fetches) <= 16 * BLOCK_SIZE


async def test_concurrent_reads_of_one_block_fetch_it_once() -> None:
    reader = Reader("s3://b/k", Memory(OBJECT), BlockCache(1 << 20))
    parts = await asyncio.gather(*(reader.read(start, 10) for start in range(0, 1000, 10)))
    assert b"".join(parts) == OBJECT[:1000]
    assert reader.requests == 1


async def test_a_new_version_of_the_object_drops_the_old_blocks() -> None:
    backend, cache = Memory(OBJECT), BlockCache(1 << 20)
    await Reader("s3://b/k", backend, cache).read(0, 10)
    backend.data, backend.etag = OBJECT[::-1], '"2"'
    reader = Reader("s3://b/k", backend, cache)
    await reader.read(3 * BLOCK_SIZE, 10)
    assert await reader.read(0, 10) == OBJECT[::-1][:10]


async def test_the_cache_is_bounded_and_can_forget() -> None:
    cache = BlockCache(3 * BLOCK_SIZE)
    for index in range(10):
        cache.put("a", index, bytes(BLOCK_SIZE))
    assert [cache.block("a", index) is not None for index in range(10)] == [False] * 7 + [True] * 3
    cache.put("b", 0, b"x")
    cache.learn("b", 1, "")
    cache.forget("b")
    assert (cache.block("b", 0), cache.size("b")) == (None, None)


async def test_a_negative_start_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        await Reader("s3://b/k", Memory(OBJECT), BlockCache(1 << 20)).read(-1, 5)


_ranges = st.lists(st.tuples(st.integers(0, len(OBJECT) + 10), st.integers(0, 2 * BLOCK_SIZE)), max_size=40)


@settings(max_examples=60, deadline=None)
@given(before=_reads, ranges=_ranges, tells_size=st.booleans(), blocks=st.integers(0, 6))
def test_any_ranges_give_what_the_object_holds(
    before: list[tuple[int, int]], ranges: list[tuple[int, int]], tells_size: bool, blocks: int
) -> None:
    async def check() -> None:
        reader = Reader("s3://b/k", Memory(OBJECT, tells_size=tells_size), BlockCache(blocks * BLOCK_SIZE))
        for start, length in before:
            await reader.read(start, length)
        for _ in range(2):
            assert await reader.read_ranges(ranges) == [OBJECT[start : start + length] for start, length in ranges]

    asyncio.run(check())


async def test_ranges_are_exact_and_come_sixteen_at_once() -> None:
    backend, cache = Memory(OBJECT), BlockCache(1 << 20)
    reader = Reader("s3://b/k", backend, cache)
    ranges = [(at * 9000 + 5, 100) for at in range(20)]
    assert await reader.read_ranges(ranges) == [OBJECT[start : start + length] for start, length in ranges]
    assert (reader.requests, reader.round_trips, reader.bytes_read) == (20, 2, 2000)
    assert backend.most_at_once == 16
    again = Reader("s3://b/k", backend, cache)
    await again.read_ranges(ranges)
    assert (again.requests, again.round_trips) == (0, 0)


async def test_ranges_come_from_blocks_that_are_there() -> None:
    backend, cache = Memory(OBJECT), BlockCache(1 << 20)
    reader = Reader("s3://b/k", backend, cache)
    await reader.read(0, 2 * BLOCK_SIZE)
    parts = await reader.read_ranges([(BLOCK_SIZE - 10, 20), (4 * BLOCK_SIZE, 10)])
    assert parts == [OBJECT[BLOCK_SIZE - 10 : BLOCK_SIZE + 10], OBJECT[4 * BLOCK_SIZE :][:10]]
    assert backend.fetches[1:] == [(4 * BLOCK_SIZE, 10)]
    assert (reader.requests, reader.round_trips) == (2, 2)


async def test_ranges_are_of_one_version() -> None:
    class Changing(Memory):
        """Is written anew while it is read."""

        async def fetch(self, uri: str, start: int, length: int, meter: Meter) -> Chunk:
            if len(self.fetches) == 2:
                self.data, self.etag = self.data[::-1], '"2"'
            return await super().fetch(uri, start, length, meter)

    backend = Changing(OBJECT)
    reader = Reader("s3://b/k", backend, BlockCache(1 << 20))
    await reader.read(0, 10)
    ranges = [(BLOCK_SIZE * at, 50) for at in range(1, 5)]
    assert await reader.read_ranges(ranges) == [OBJECT[::-1][start : start + 50] for start, _ in ranges]

    class Restless(Memory):
        """Is another object each time."""

        async def fetch(self, uri: str, start: int, length: int, meter: Meter) -> Chunk:
            return replace(await super().fetch(uri, start, length, meter), etag=f'"{start}"')

    with pytest.raises(StorageError, match="changes while it is read"):
        await Reader("s3://b/k", Restless(OBJECT), BlockCache(1 << 20)).read_ranges(ranges)


async def test_a_range_that_fails_ends_the_others_and_what_came_is_counted() -> None:
    class Broken(Memory):
        """Fails for one part, and never answers for another."""

        async def fetch(self, uri: str, start: int, length: int, meter: Meter) -> Chunk:
            if start == 1:
                await asyncio.Event().wait()
            if start == 2:
                raise StorageError("broken")
            return await super().fetch(uri, start, length, meter)

    reader = Reader("s3://b/k", Broken(OBJECT), BlockCache(1 << 20))
    with pytest.raises(StorageError, match="broken"):
        await reader.read_ranges([(0, 10), (1, 10), (2, 10)])
    assert len(asyncio.all_tasks()) == 1
    with pytest.raises(ValueError, match="negative"):
        await reader.read_ranges([(0, 1), (-1, 5)])
