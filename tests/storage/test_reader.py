"""The reader against a backend in memory: whatever is read must be what the object holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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

    def handles(self, uri: str) -> bool:
        return True

    async def stat(self, uri: str) -> Stat:
        return Stat(len(self.data))

    async def fetch(self, uri: str, start: int, length: int, meter: Meter) -> Chunk:
        self.fetches.append((start, length))
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
