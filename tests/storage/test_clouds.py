"""Google Cloud Storage and Azure with the clients that flytekit brings, over loopback."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

import pytest

from flowtui.errors import NotFoundError, StorageError
from flowtui.storage import Storage, StoreAccess
from tests.storage.clouds import AZURE_ACCOUNT, AzureServer, azure_server, google_server, put_google
from tests.storage.store import Store
from tests.trusting import TrustsAll

BODY = bytes(index * 11 % 253 for index in range(300_000))


@pytest.fixture(scope="module")
def google_url() -> Iterator[str]:
    with google_server("clinical") as url:
        put_google(url, "clinical", "d/adsl.csv", BODY)
        put_google(url, "clinical", "d/b/c d%41.csv", b"cc")
        yield url


@pytest.fixture
def google(google_url: str, monkeypatch: pytest.MonkeyPatch) -> Storage:
    # gcsfs reads it by itself, as it does for flytekit.
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", google_url)
    return Storage(TrustsAll(), stores=StoreAccess(environ=os.environ))


@pytest.fixture
def azure_blobs() -> Iterator[AzureServer]:
    blobs = {"clinical/d/adsl.csv": BODY, "clinical/d/b/c d%41.csv": b"cc", "clinical/empty": b""}
    with azure_server(blobs) as server:
        yield server


@pytest.fixture
def azure(azure_blobs: AzureServer, monkeypatch: pytest.MonkeyPatch) -> Storage:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azure_blobs.connection_string)
    return Storage(TrustsAll(), stores=StoreAccess(environ=os.environ))


@pytest.fixture(params=["google", "azure", "azure of an account"])
def cloud(request: pytest.FixtureRequest) -> tuple[Storage, str]:
    """A storage, and the URI of the bucket."""
    storage = request.getfixturevalue(request.param.partition(" ")[0])
    base = {
        "google": "gs://clinical",
        "azure": "abfs://clinical",
        "azure of an account": f"abfss://clinical@{AZURE_ACCOUNT}.dfs.core.windows.net",
    }
    return storage, base[request.param]


async def test_a_range_costs_one_request(cloud: tuple[Storage, str]) -> None:
    storage, base = cloud
    async with storage, storage.open(f"{base}//d/adsl.csv") as reader:
        assert await reader.read(70_000, 10) == BODY[70_000:70_010]
        assert await reader.size() == len(BODY)
        assert (reader.requests, reader.bytes_read) == (1, 65536)
        assert await reader.read(299_990, 100) == BODY[299_990:]


async def test_stat_list_and_stream(cloud: tuple[Storage, str]) -> None:
    storage, base = cloud
    async with storage:
        stat = await storage.stat(f"{base}/d/adsl.csv")
        assert (stat.size, stat.md5) == (len(BODY), hashlib.md5(BODY).hexdigest())
        assert (await storage.stat(f"{base}/d")).directory
        entries = await storage.list(f"{base}/d")
        assert [(entry.name, entry.size) for entry in entries] == [("adsl.csv", len(BODY)), ("b/c d%41.csv", 2)]
        async with storage.open(f"{base}/d/{entries[1].name}") as reader:
            assert await reader.read(0, 10) == b"cc"
        assert b"".join([chunk async for chunk in storage.stream(f"{base}/d/adsl.csv", 9)]) == BODY[9:]
        assert [chunk async for chunk in storage.stream(f"{base}/d/adsl.csv", len(BODY))] == []


async def test_what_is_missing_is_not_found(cloud: tuple[Storage, str]) -> None:
    storage, base = cloud
    async with storage:
        with pytest.raises(NotFoundError):
            await storage.stat(f"{base}/none")
        with pytest.raises(NotFoundError):
            await storage.open(f"{base}/none").read(0, 1)
        with pytest.raises(NotFoundError):
            await storage.list(f"{base}/none")
        with pytest.raises(StorageError, match="is a directory"):
            await storage.open(f"{base}/d").read(0, 1)


async def test_an_empty_blob_reads_as_nothing(azure: Storage) -> None:
    async with azure, azure.open("abfs://clinical/empty") as reader:
        assert await reader.read(0, 10) == b""
        assert await reader.size() == 0


async def test_azure_that_refuses_is_left_to_signed_urls(
    azure_blobs: AzureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azure_blobs.connection_string)
    azure_blobs.refuses = True
    store = Store({"clinical/d/adsl.csv": BODY})
    access = StoreAccess(environ=os.environ)
    async with Storage(TrustsAll(), sign=store.sign, transport=store.transport, stores=access) as storage:
        for _ in range(2):
            async with storage.open("abfs://clinical/d/adsl.csv") as reader:
                assert await reader.read(0, 10) == BODY[:10]
            storage.forget("abfs://clinical/d/adsl.csv")
        assert len(azure_blobs.seen) == 1
    async with Storage(TrustsAll(), stores=access) as storage:
        with pytest.raises(StorageError, match=r"refuses .* to the credentials of this machine") as caught:
            await storage.stat("abfs://clinical/d/adsl.csv")
        assert "c2VjcmV0" not in str(caught.value)


async def test_credentials_that_are_none_are_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "hush")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/none/hush.json")
    async with Storage(TrustsAll(), stores=StoreAccess(environ=os.environ)) as storage:
        for uri in ("abfs://c/k", "gs://b/k"):
            with pytest.raises(StorageError, match=r"cannot be used|refuses") as caught:
                await storage.stat(uri)
            assert "hush" not in str(caught.value)
