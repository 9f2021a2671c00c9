"""Blocks on disk: used again only for the very same object, bounded, private, shared by processes, never trusted."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.storage import DiskCache, Storage
from flowtui.storage.cache import BLOCK_SIZE
from tests.storage.conftest import Bucket
from tests.storage.s3 import Signer, access, line_to, s3_client
from tests.storage.store import Store, ranged
from tests.trusting import TrustsAll

BODY = bytes(index * 11 % 253 for index in range(300_000))
URI = "s3://bucket/adsl.csv"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "blocks.sqlite3"


def session(store: Store, file: Path, place: str = "") -> Storage:
    """One session after another with the same file."""
    return Storage(
        TrustsAll(), sign=store.sign, transport=store.transport, retry_delay=0, disk=DiskCache(file, place, 1 << 24)
    )


async def look(storage: Storage, start: int = 0, length: int = 200_000) -> tuple[bytes, int, int]:
    async with storage.open(URI) as reader:
        return await reader.read(start, length), reader.requests, reader.bytes_read


async def test_a_second_look_in_a_later_session_costs_one_small_request(file: Path) -> None:
    store = Store({"bucket/adsl.csv": BODY})
    async with session(store, file) as storage:
        assert (await look(storage))[1] == 1
        assert await look(storage) == (BODY[:200_000], 0, 0)
    async with session(store, file) as storage:
        assert await look(storage) == (BODY[:200_000], 1, 1)
        assert await look(storage, 100_000, 1000) == (BODY[100_000:101_000], 0, 0)
        async with storage.open(URI) as reader:
            assert (await reader.size(), reader.requests) == (len(BODY), 0)
        # What was not seen before is fetched, and nothing is asked twice.
        assert await look(storage, 290_000, 10) == (BODY[290_000:290_010], 1, len(BODY) - 4 * BLOCK_SIZE)
    assert store.seen == ["bytes=0-262143", "bytes=0-0", "bytes=262144-327679"]


async def test_exact_ranges_are_kept_for_a_later_session_too(file: Path) -> None:
    store = Store({"bucket/adsl.csv": BODY})
    ranges = [(70_000, 10), (200_000, 300), (290_000, 99_999)]
    expected = [BODY[start : start + length] for start, length in ranges]
    async with session(store, file) as storage:
        await look(storage, 0, 10)
        async with storage.open(URI) as reader:
            assert await reader.read_ranges(ranges) == expected
            assert (reader.requests, reader.round_trips) == (3, 1)
    async with session(store, file) as storage:
        assert (await look(storage, 0, 10))[1:] == (1, 1)
        async with storage.open(URI) as reader:
            assert await reader.read_ranges(ranges) == expected
            assert reader.requests == 0
            # Another length at the same place is another range.
            assert await reader.read_ranges([(200_000, 301)]) == [BODY[200_000:200_301]]
            assert reader.requests == 1
    store.objects["bucket/adsl.csv"] = BODY[::-1]
    async with session(store, file) as storage:
        await look(storage, 0, 10)
        async with storage.open(URI) as reader:
            assert await reader.read_ranges(ranges) == [BODY[::-1][start : start + length] for start, length in ranges]


async def test_the_first_look_at_another_part_needs_no_request_to_validate(file: Path) -> None:
    store = Store({"bucket/adsl.csv": BODY})
    async with session(store, file) as storage:
        await look(storage, 0, 10)
    async with session(store, file) as storage:
        assert (await look(storage, 200_000, 10))[1] == 1
        assert (await look(storage, 0, 10))[1:] == (0, 0)


@pytest.mark.parametrize("changed", [BODY[::-1], BODY + b"x", BODY[:10], b""])
async def test_a_changed_object_is_never_served_stale(file: Path, changed: bytes) -> None:
    store = Store({"bucket/adsl.csv": BODY})
    async with session(store, file) as storage:
        await look(storage)
    store.objects["bucket/adsl.csv"] = changed
    async with session(store, file) as storage:
        assert (await look(storage))[0] == changed[:200_000]
    async with session(store, file) as storage:
        assert (await look(storage))[0] == changed[:200_000]


async def test_a_refresh_asks_whether_the_object_is_the_same(file: Path) -> None:
    store = Store({"bucket/adsl.csv": BODY})
    async with session(store, file) as storage:
        await look(storage)
        storage.forget(URI)
        assert (await look(storage))[1:] == (1, 1)
        store.objects["bucket/adsl.csv"] = BODY[::-1]
        storage.forget(URI)
        assert (await look(storage))[0] == BODY[::-1][:200_000]


async def test_an_object_that_changes_between_two_blocks_is_read_in_one_version(file: Path) -> None:
    store = Store({"bucket/adsl.csv": BODY})
    async with session(store, file) as storage:
        await look(storage, 0, 10)
        store.objects["bucket/adsl.csv"] = BODY[::-1]
        # The head is in memory and is of the old version; the rest is fetched and is of the new one.
        assert (await look(storage, 0, 300_000))[0] == BODY[::-1]


async def test_an_object_that_changes_right_behind_its_validation_is_read_in_one_version(file: Path) -> None:
    from starlette.requests import Request
    from starlette.responses import Response

    store = Store({"bucket/adsl.csv": BODY})
    async with session(store, file) as storage:
        await look(storage, 0, 10)

    def change(request: Request, body: bytes) -> Response:
        answer = ranged(request, body)
        store.objects["bucket/adsl.csv"] = BODY[::-1]
        return answer

    store.manner = change
    async with session(store, file) as storage:
        assert (await look(storage, 0, 300_000))[0] == BODY[::-1]


@pytest.mark.parametrize("etag", ["", 'W/"1"'])
async def test_a_version_without_a_mark_to_trust_is_not_kept(file: Path, etag: str) -> None:
    from starlette.requests import Request
    from starlette.responses import Response

    def weak(request: Request, body: bytes) -> Response:
        answer = ranged(request, body)
        del answer.headers["etag"]
        if etag:
            answer.headers["etag"] = etag
        return answer

    store = Store({"bucket/adsl.csv": BODY}, weak)
    async with session(store, file) as storage:
        await look(storage)
    store.objects["bucket/adsl.csv"] = BODY[::-1]
    async with session(store, file) as storage:
        assert (await look(storage))[0] == BODY[::-1][:200_000]


async def test_the_same_uri_of_another_server_is_another_object(file: Path) -> None:
    one, other = Store({"bucket/adsl.csv": BODY}), Store({"bucket/adsl.csv": BODY})
    async with session(one, file, "https://a.example.com") as storage:
        await look(storage)
    async with session(other, file, "https://b.example.com") as storage:
        assert (await look(storage, 0, 10))[2] == BLOCK_SIZE


def test_the_file_is_private_and_names_nothing(file: Path) -> None:
    disk = DiskCache(file, "https://flyte.example.com", 1 << 24)
    disk.put("https://store/adsl.csv?signature=secret", 1, '"1"', {0: b"x"})
    for one in file.parent.iterdir():
        assert one.stat().st_mode & 0o777 == 0o600
        assert b"adsl" not in one.read_bytes()
    assert file.parent.stat().st_mode & 0o777 == 0o700
    disk.close()
    file.chmod(0o644)
    assert disk.has("https://store/adsl.csv?signature=secret", 0)
    assert file.stat().st_mode & 0o777 == 0o600
    disk.close()


async def test_local_files_are_not_kept(file: Path, tmp_path: Path) -> None:
    local = tmp_path / "x"
    local.write_bytes(BODY)
    disk = DiskCache(file, "", 1 << 24)
    async with Storage(TrustsAll(), disk=disk) as storage, storage.open(str(local)) as reader:
        await reader.read(0, 10)
    assert not disk.has(str(local), 0)
    disk.close()


async def test_direct_reads_are_kept_too_and_shared_with_signed_ones(bucket: Bucket, file: Path) -> None:
    uri = bucket.put("a", BODY)
    async with line_to(bucket.url) as line:
        disk = DiskCache(file, "", 1 << 24)
        async with Storage(TrustsAll(), stores=access(line.url), disk=disk) as storage, storage.open(uri) as reader:
            await reader.read(0, 200_000)
        sign = Signer(s3_client(line.url))
        async with (
            Storage(TrustsAll(), sign=sign, disk=DiskCache(file, "", 1 << 24)) as storage,
            storage.open(uri) as reader,
        ):
            assert await reader.read(0, 200_000) == BODY[:200_000]
            assert (reader.requests, reader.bytes_read) == (1, 1)


def test_the_bound_holds_and_the_oldest_leave_first(file: Path) -> None:
    disk = DiskCache(file, "", 10 * BLOCK_SIZE)
    for index in range(40):
        disk.put(f"s3://b/{index}", BLOCK_SIZE * 2, '"1"', {0: bytes(BLOCK_SIZE), 1: bytes(BLOCK_SIZE)})
        disk.blocks("s3://b/0", BLOCK_SIZE * 2, '"1"', 0, 1)
    kept = [index for index in range(40) if disk.has(f"s3://b/{index}", 1)]
    assert 39 in kept
    assert kept == list(range(kept[0], 40))
    assert 1 <= len(kept) <= 5
    disk.close()
    assert file.stat().st_size < 14 * BLOCK_SIZE
    # A smaller bound holds from the next session on.
    smaller = DiskCache(file, "", 2 * BLOCK_SIZE)
    assert sum(smaller.has(f"s3://b/{index}", 0) for index in range(40)) <= 1
    smaller.close()


def test_an_object_larger_than_the_bound_is_not_kept_and_does_no_harm(file: Path) -> None:
    disk = DiskCache(file, "", 2 * BLOCK_SIZE)
    disk.put("s3://b/large", 1 << 40, '"1"', {index: bytes(BLOCK_SIZE) for index in range(5)})
    assert not disk.has("s3://b/large", 0)
    disk.close()


def test_nothing_is_kept_where_the_bound_is_zero(file: Path) -> None:
    disk = DiskCache(file, "", 0)
    disk.put("s3://b/x", 1, '"1"', {0: b"x"})
    assert not disk.has("s3://b/x", 0)
    assert not file.exists()


@given(noise=st.binary(min_size=1, max_size=300), place=st.floats(0, 1))
def test_a_damaged_file_is_replaced_or_read_right(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, place: float
) -> None:
    file = tmp_path_factory.mktemp("damaged") / "blocks.sqlite3"
    disk = DiskCache(file, "", 1 << 24)
    disk.put(URI, len(BODY), '"1"', {0: BODY[:BLOCK_SIZE], 1: BODY[BLOCK_SIZE : 2 * BLOCK_SIZE]})
    disk.close()
    data = bytearray(file.read_bytes())
    at = int(place * len(data))
    data[at : at + len(noise)] = noise
    file.write_bytes(bytes(data))
    disk = DiskCache(file, "", 1 << 24)
    for index, block in disk.blocks(URI, len(BODY), '"1"', 0, 1).items():
        assert block == BODY[index * BLOCK_SIZE : (index + 1) * BLOCK_SIZE]
    disk.put("s3://b/new", 3, '"2"', {0: b"new"})
    disk.close()


def test_a_file_of_another_version_is_emptied(file: Path) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE object (something INTEGER)")
        database.execute("PRAGMA user_version = 99")
    database.close()
    disk = DiskCache(file, "", 1 << 24)
    disk.put(URI, 1, '"1"', {0: b"x"})
    assert disk.blocks(URI, 1, '"1"', 0, 0) == {0: b"x"}
    disk.close()


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    disk = DiskCache(tmp_path / "file" / "blocks.sqlite3", "", 1 << 24)
    disk.put(URI, 1, '"1"', {0: b"x"})
    assert disk.blocks(URI, 1, '"1"', 0, 0) == {}


def test_a_file_that_is_locked_is_done_without(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flowtui.storage import disk_cache

    monkeypatch.setattr(disk_cache, "_PATIENCE", 0.01)
    disk = DiskCache(file, "", 1 << 24)
    disk.put(URI, 1, '"1"', {0: b"x"})
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    disk.put(URI, 1, '"1"', {0: b"y"})
    other.execute("ROLLBACK")
    other.close()
    assert disk.blocks(URI, 1, '"1"', 0, 0) == {0: b"x"}
    disk.close()


WRITER = """
import sys
from pathlib import Path
from flowtui.storage import DiskCache
from tests.trusting import TrustsAll
disk = DiskCache(Path(sys.argv[1]), "", 40 * 65536)
print("ready", flush=True)
for turn in range(int(sys.argv[3])):
    name = f"s3://b/{turn % 7}"
    etag = f'"{turn % 3}"'
    body = bytes([turn % 7 * 3 + turn % 3]) * 65536
    disk.put(name, 65536 * 4, etag, {turn % 4: body})
    for index, block in disk.blocks(name, 65536 * 4, etag, 0, 3).items():
        assert block == body, (turn, index)
print("done", flush=True)
"""


def writer(file: Path, name: str, turns: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(file), name, str(turns)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_several_processes_share_it(file: Path) -> None:
    writers = [writer(file, str(index), 150) for index in range(3)]
    for one in writers:
        out, error = one.communicate(timeout=120)
        assert (one.returncode, out.split()[-1:]) == (0, ["done"]), error
    database = sqlite3.connect(file)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database.execute("SELECT count(*) FROM block").fetchone()[0] > 0
    database.close()


def test_a_process_that_is_killed_leaves_a_good_file(file: Path) -> None:
    with writer(file, "x", 1_000_000) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
        disk = DiskCache(file, "", 40 * BLOCK_SIZE)
        assert any(disk.has("s3://b/6", 2) for _ in range(1_000_000))
        os.kill(one.pid, signal.SIGKILL)
    disk.close()
    disk = DiskCache(file, "", 40 * BLOCK_SIZE)
    disk.put(URI, 1, '"1"', {0: b"x"})
    assert disk.blocks(URI, 1, '"1"', 0, 0) == {0: b"x"}
    disk.close()
    database = sqlite3.connect(file)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


async def test_readers_at_the_same_time_share_it(file: Path) -> None:
    store = Store({f"bucket/{index}": BODY[index:] for index in range(8)})
    async with session(store, file) as storage:

        async def one(index: int) -> None:
            async with storage.open(f"s3://bucket/{index}") as reader:
                assert await reader.read(0, 200_000) == BODY[index : index + 200_000]

        await asyncio.gather(*(one(index) for index in range(8)))
    assert len(store.seen) == 8
