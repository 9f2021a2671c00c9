from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

import pytest

from flowtui.errors import NotFoundError, StorageError
from flowtui.storage import Entry, Storage
from flowtui.storage.cache import BLOCK_SIZE
from tests.trusting import TrustsAll


@pytest.fixture
async def storage() -> Storage:
    return Storage(TrustsAll())


async def read(storage: Storage, uri: str, start: int = 0, length: int = 100) -> bytes:
    async with storage.open(uri) as reader:
        return await reader.read(start, length)


async def test_reads_plain_paths_and_file_uris(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "adae dataset"
    path.write_bytes(b"0123456789")
    for uri in (str(path), f"file://{path}", f"file://localhost{path}", f"file://{path}".replace(" ", "%20")):
        assert await read(storage, uri, 3, 4) == b"3456", uri
        assert await read(storage, uri, 8, 4) == b"89"
        assert await read(storage, uri, 10, 4) == b""
        assert (await storage.stat(uri)).size == 10
        assert [await storage.read(uri, most) for most in (4, 10, 99)] == [b"0123", b"0123456789", b"0123456789"]


async def test_a_file_uri_is_taken_as_it_stands_first(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "a%41.csv").write_bytes(b"as it stands")
    (tmp_path / "aA.csv").write_bytes(b"decoded")
    assert await read(storage, f"file://{tmp_path}/a%41.csv") == b"as it stands"


async def test_missing_files_are_not_found(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for uri in (f"{tmp_path}/none", f"{tmp_path}/file/below", f"file://{tmp_path}/none", f"{tmp_path}/a\0b"):
        with pytest.raises(NotFoundError) as caught:
            await read(storage, uri)
        assert "\0" not in str(caught.value)


@pytest.mark.parametrize("uri", ["relative/path", "", "file://other-host/path"])
async def test_what_names_no_local_file_is_refused(storage: Storage, uri: str) -> None:
    with pytest.raises(StorageError):
        await storage.stat(uri)


async def test_an_object_store_without_a_server_says_what_is_missing(storage: Storage) -> None:
    with pytest.raises(StorageError, match="no server is there"):
        storage.open("s3://bucket/key")


async def test_pipes_and_directories_are_refused_without_waiting(storage: Storage, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="not a regular file"):
        await read(storage, f"{tmp_path}/pipe")
    with pytest.raises(StorageError, match="is a directory"):
        await read(storage, str(tmp_path))
    with pytest.raises(StorageError, match="not a regular file"):
        await read(storage, "/dev/zero")


async def test_lists_files_below_a_directory(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b" / "c" / "x").write_bytes(b"12")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    (tmp_path / "broken").symlink_to(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe")
    stat = await storage.stat(str(tmp_path))
    assert (stat.directory, stat.size) == (True, None)
    found = await storage.list(f"file://{tmp_path}")
    assert [entry[:2] for entry in found] == [("a", 1), ("b/c/x", 2), ("linked", 1)]
    assert isinstance(found[0], Entry)
    with pytest.raises(StorageError, match="not a directory"):
        await storage.list(f"{tmp_path}/a")
    with pytest.raises(NotFoundError):
        await storage.list(f"{tmp_path}/none")


async def test_small_reads_share_blocks_and_the_cost_is_counted(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 1024)
    async with storage.open(str(path)) as reader:
        for start in range(0, 5000, 10):
            assert await reader.read(start, 3) == bytes([start % 256, (start + 1) % 256, (start + 2) % 256])
        assert reader.bytes_read == BLOCK_SIZE
        assert reader.requests == 0
        assert await reader.size() == 256 * 1024
        assert reader.bytes_read == BLOCK_SIZE


async def test_streams_from_an_offset(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"ab" * 3_500_000)
    chunks = [chunk async for chunk in storage.stream(str(path), 1_000_001)]
    assert len(chunks) > 1
    assert b"".join(chunks) == (b"ab" * 3_500_000)[1_000_001:]
    assert [chunk async for chunk in storage.stream(str(path), 9_000_000)] == []


async def test_a_sparse_giant_costs_only_what_is_read(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "giant"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    async with storage.open(str(path)) as reader:
        assert await reader.read((1 << 40) - 2, 10) == b"\0\0"
        assert reader.bytes_read <= 2 * BLOCK_SIZE


@pytest.mark.parametrize("name", ["ad%20ae.csv", "adsl 50%25 cut.csv", "a%2Fb.csv", "50% off.csv"])
async def test_a_file_whose_uri_flytekit_has_decoded_is_read(storage: Storage, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"a,b\n1,2\n")
    uri = f"{tmp_path}/{unquote(name)}"
    if "%2F" in name:
        with pytest.raises(NotFoundError):
            await storage.stat(uri)
        return
    assert (await storage.stat(uri)).size == 8
    assert await read(storage, uri) == b"a,b\n1,2\n"
    assert (await storage.local_stats([uri]))[uri].size == 8


async def test_of_two_files_whose_names_decode_alike_none_is_taken(storage: Storage, tmp_path: Path) -> None:
    for name in ("a%20%62", "a%20b"):
        (tmp_path / name).write_bytes(name.encode())
    with pytest.raises(NotFoundError):
        await storage.stat(f"{tmp_path}/a b")
    (tmp_path / "a b").write_bytes(b"as it stands")
    assert await read(storage, f"{tmp_path}/a b") == b"as it stands"


async def test_a_folder_whose_name_is_decoded_leads_to_its_files(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "a%20b").mkdir()
    (tmp_path / "a%20b" / "c%20d.csv").write_bytes(b"12")
    assert await storage.list(f"{tmp_path}/a b") == (
        Entry("c%20d.csv", 2, (await storage.stat(f"{tmp_path}/a b/c%20d.csv")).etag),
    )
    assert await read(storage, f"{tmp_path}/a b/c d.csv") == b"12"
