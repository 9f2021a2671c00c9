"""Object stores with credentials of this machine, over a real S3 server in a process of its own."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.config import StorageSettings
from flowtui.domain.signed import SignedUrl
from flowtui.errors import FlowtuiError, NotFoundError, ServerError, StorageError
from flowtui.storage import Entry, Storage, StoreAccess, Trust, UntrustedError
from flowtui.storage.known_buckets import KnownBuckets
from flowtui.storage.object_store import Location, location
from tests.storage.conftest import Bucket
from tests.storage.s3 import KEY, SECRET, Signer, access, deny_direct, line_to, s3_client
from tests.trusting import TrustsAll

BODY = bytes(index * 11 % 253 for index in range(300_000))


async def head(storage: Storage, uri: str, start: int = 0, length: int = 100) -> bytes:
    async with storage.open(uri) as reader:
        return await reader.read(start, length)


async def test_a_range_costs_one_request_and_tells_the_size(bucket: Bucket) -> None:
    uri = bucket.put("adam/adsl.csv", BODY)
    async with line_to(bucket.url) as line, Storage(TrustsAll(), stores=access(line.url)) as storage:
        async with storage.open(uri) as reader:
            assert await reader.read(70_000, 100) == BODY[70_000:70_100]
            assert await reader.size() == len(BODY)
            assert (reader.requests, reader.bytes_read) == (1, 65536)
        assert await head(storage, uri, 70_000) == BODY[70_000:70_100]
        assert len(line.seen) == len(line.direct) == 1
        assert "Range: bytes=65536-131071" in line.seen[0]


async def test_several_ranges_come_at_once_and_exactly(bucket: Bucket) -> None:
    uri = bucket.put("adam/adsl.csv", BODY)
    ranges = [(0, 10), (70_001, 999), (299_990, 50), (400_000, 5)]
    async with Storage(TrustsAll(), stores=access(bucket.url)) as storage, storage.open(uri) as reader:
        await reader.size()
        assert await reader.read_ranges(ranges) == [BODY[start : start + length] for start, length in ranges]
        assert (reader.requests, reader.round_trips, reader.bytes_read) == (3, 2, 65536 + 999 + 10)
        with pytest.raises(NotFoundError):
            await storage.open(f"s3://{bucket.name}/none").read_ranges(ranges)


async def test_stat_tells_size_and_md5_and_what_is_a_directory(bucket: Bucket) -> None:
    uri = bucket.put("adam/adsl.csv", BODY)
    parts = bucket.put("adam/parts", BODY, Metadata={"flyteContentMD5": "XUFAKrxLKna5cZ2REBfFkg=="})
    async with Storage(TrustsAll(), stores=access(bucket.url)) as storage:
        stat = await storage.stat(uri)
        assert (stat.size, stat.directory, stat.md5) == (len(BODY), False, hashlib.md5(BODY).hexdigest())
        assert (await storage.stat(parts)).md5 == "5d41402abc4b2a76b9719d911017c592"
        assert (await storage.stat(f"s3://{bucket.name}/adam")).directory
        for missing in (f"s3://{bucket.name}/ada", f"s3://{bucket.name}/adam/adsl", "s3://no-such-bucket/x"):
            with pytest.raises(NotFoundError, match="There is no object"):
                await storage.stat(missing)


async def test_a_directory_lists_its_files_and_is_none_to_read(bucket: Bucket) -> None:
    for key, body in {"d/b/c.csv": b"cc", "d/a.csv": b"a", "d/": b"", "d/b/": b"", "dd/x": b"x"}.items():
        bucket.put(key, body)
    uri = f"s3://{bucket.name}/d"
    async with Storage(TrustsAll(), stores=access(bucket.url)) as storage:
        for spelled in (uri, f"{uri}/", f"s3://{bucket.name}//d"):
            entries = await storage.list(spelled)
            assert [(entry.name, entry.size) for entry in entries] == [("a.csv", 1), ("b/c.csv", 2)]
        # What it lists can be read under the names that a plan makes of it, with the mark that reading tells.
        assert await head(storage, f"{uri}/{entries[1].name}") == b"cc"
        assert (await storage.stat(f"{uri}/{entries[1].name}")).etag == entries[1].etag
        with pytest.raises(StorageError, match="is a directory of an object store"):
            await head(storage, uri)
        with pytest.raises(NotFoundError, match="There is no directory"):
            await storage.list(f"s3://{bucket.name}/e")


async def test_more_files_than_a_page_are_all_listed(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    from flowtui.storage import clients, object_store

    for index in range(7):
        bucket.put(f"d/{index}", b"x")
    monkeypatch.setattr(clients, "_PAGE", 3)
    async with Storage(TrustsAll(), stores=access(bucket.url)) as storage:
        assert await storage.list(f"s3://{bucket.name}/d") == tuple(
            Entry(str(index), 1, '"9dd4e461268c8034f5c8564e155c67a6"') for index in range(7)
        )
        monkeypatch.setattr(object_store, "_MOST_ENTRIES", 5)
        with pytest.raises(StorageError, match="holds more than 5 files"):
            await storage.list(f"s3://{bucket.name}/d")


async def test_a_double_slash_is_read_by_both_spellings(bucket: Bucket) -> None:
    bucket.put("go/adsl.csv", b"of Go")
    bucket.put("/python.csv", b"of Python")
    bucket.put("both.csv", b"trimmed")
    bucket.put("/both.csv", b"not trimmed")
    async with Storage(TrustsAll(), stores=access(bucket.url)) as storage:
        assert await head(storage, f"s3://{bucket.name}//go/adsl.csv") == b"of Go"
        assert await head(storage, f"s3://{bucket.name}//python.csv") == b"of Python"
        assert await head(storage, f"s3://{bucket.name}//both.csv") == b"trimmed"
        with pytest.raises(NotFoundError):
            await head(storage, f"s3://{bucket.name}/python.csv")


@pytest.mark.parametrize("key", ["a b%41+c?x=1#f;é", "~/..//x", "versionId?versionId=1", "tab\tin"])
async def test_a_key_is_taken_as_it_stands(bucket: Bucket, key: str) -> None:
    uri = bucket.put(key, key.encode())
    async with Storage(TrustsAll(), stores=access(bucket.url)) as storage:
        assert await head(storage, uri) == key.encode()
        assert b"".join([chunk async for chunk in storage.stream(uri)]) == key.encode()


async def test_a_stream_gives_the_whole_object(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    from flowtui.storage import object_store

    monkeypatch.setattr(object_store, "_STREAM_CHUNK", 100_000)
    uri, empty, even = bucket.put("x", BODY), bucket.put("empty", b""), bucket.put("even", BODY[:200_000])
    async with Storage(TrustsAll(), stores=access(bucket.url)) as storage:
        assert b"".join([chunk async for chunk in storage.stream(uri)]) == BODY
        assert b"".join([chunk async for chunk in storage.stream(uri, 123_456)]) == BODY[123_456:]
        assert b"".join([chunk async for chunk in storage.stream(even)]) == BODY[:200_000]
        assert [chunk async for chunk in storage.stream(empty)] == []
        assert [chunk async for chunk in storage.stream(uri, len(BODY))] == []
        assert await head(storage, empty) == b""
        chunks = storage.stream(uri)
        await anext(chunks)
        bucket.put("x", BODY[::-1])
        with pytest.raises(StorageError, match="changed while it was read"):
            await anext(chunks)
        await chunks.aclose()


async def test_a_bucket_that_refuses_is_read_by_signed_urls_and_asked_once(bucket: Bucket) -> None:
    uris = [bucket.put(name, BODY) for name in ("a", "b", "c")]
    async with line_to(bucket.url) as line:
        line.manner = deny_direct
        sign = Signer(s3_client(line.url))
        async with Storage(TrustsAll(), sign=sign, stores=access(line.url), retry_delay=0) as storage:
            assert storage.is_direct(uris[0])
            for uri in uris:
                assert await head(storage, uri) == BODY[:100]
            assert (len(line.direct), len(line.seen), len(sign.signed)) == (1, 4, 3)
            assert not storage.is_direct(uris[0])
            assert b"".join([chunk async for chunk in storage.stream(uris[0])]) == BODY
            with pytest.raises(StorageError, match="a signed URL cannot list one") as caught:
                await storage.list(f"s3://{bucket.name}/d")
        assert "Credentials of the store are needed" in caught.value.hint
        assert "Access Denied" in caught.value.hint
        async with Storage(TrustsAll(), stores=access(line.url)) as storage:
            with pytest.raises(StorageError, match=r"refuses .* to the credentials of this machine: Access Denied"):
                await head(storage, uris[0])


async def test_a_stream_takes_the_road_that_is_open(bucket: Bucket) -> None:
    uri = bucket.put("a", BODY)
    async with line_to(bucket.url) as line:
        line.manner = deny_direct
        sign = Signer(s3_client(line.url))
        async with Storage(TrustsAll(), sign=sign, stores=access(line.url), retry_delay=0) as storage:
            assert b"".join([chunk async for chunk in storage.stream(uri, 7)]) == BODY[7:]
            assert len(line.direct) == 1


async def test_credentials_of_another_store_do_not_hide_the_objects_of_admins(bucket: Bucket, s3_url: str) -> None:
    """This machine's keys open a store that has no such bucket; Admin's store has it."""
    uri = bucket.put("a", BODY)
    async with (
        line_to(s3_url) as other,
        Storage(TrustsAll(), sign=Signer(bucket.client), stores=access(other.url)) as storage,
    ):
        other.manner = lambda request, answer: answer.replace(b"200 OK", b"404 Not Found").replace(
            b"206 PARTIAL CONTENT", b"404 Not Found"
        )
        assert await head(storage, uri) == BODY[:100]
        asked = len(other.seen)
        bucket.put("b", BODY)
        assert await head(storage, f"s3://{bucket.name}/b") == BODY[:100]
        assert len(other.seen) == asked


async def test_a_missing_object_of_an_open_bucket_is_not_asked_for_twice(bucket: Bucket) -> None:
    uri = bucket.put("a", BODY)
    sign = Signer(bucket.client)
    async with Storage(TrustsAll(), sign=sign, stores=access(bucket.url)) as storage:
        with pytest.raises(NotFoundError):
            await head(storage, f"s3://{bucket.name}/none")
        assert len(sign.signed) == 1
        await head(storage, uri)
        with pytest.raises(NotFoundError):
            await head(storage, f"s3://{bucket.name}/none")
        assert len(sign.signed) == 1
        assert storage.is_direct(uri)


async def test_a_store_that_cannot_be_reached_leaves_it_to_signed_urls(bucket: Bucket, unused_url: str) -> None:
    uri = bucket.put("a", BODY)
    async with Storage(TrustsAll(), sign=Signer(bucket.client), stores=access(unused_url)) as storage:
        assert await head(storage, uri) == BODY[:100]
    async with Storage(TrustsAll(), stores=access(unused_url)) as storage:
        with pytest.raises(StorageError, match="refuses"):
            await head(storage, uri)


async def test_without_credentials_nothing_of_a_store_is_loaded(bucket: Bucket) -> None:
    uri = bucket.put("a", BODY)
    async with Storage(TrustsAll(), sign=Signer(bucket.client), stores=StoreAccess()) as storage:
        assert not storage.is_direct(uri)
        assert await head(storage, uri) == BODY[:100]
    async with Storage(TrustsAll(), stores=StoreAccess()) as storage:
        with pytest.raises(StorageError, match="no credentials for it, and no server that signs"):
            await head(storage, uri)


def test_a_storage_loads_nothing_of_a_store() -> None:
    code = (
        "import sys, flowtui.session, flowtui.headless.stores\n"
        "from flowtui.storage import Storage, StoreAccess, Trust\n"
        "assert not Storage(Trust(), stores=StoreAccess()).is_direct('s3://b/k')\n"
        "print([name for name in ('fsspec', 's3fs', 'aiohttp', 'botocore', 'gcsfs', 'adlfs') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_a_store_works_in_a_thread_of_its_own(bucket: Bucket) -> None:
    """What its library loads and waits for never holds up the screen's event loop."""
    from flowtui.storage.object_store import ObjectStores

    uri = bucket.put("a", BODY)
    stores = ObjectStores(access(bucket.url))
    where = location(uri)
    assert where is not None
    client = await stores._client(where)
    assert client.loop is not asyncio.get_running_loop()
    await stores.aclose()


async def test_a_read_that_nobody_waits_for_any_more_is_given_up(bucket: Bucket) -> None:
    from flowtui.storage.object_store import ObjectStores

    asked, hung_up = asyncio.Event(), asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        hung_up.set()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    stores = ObjectStores(access(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    task = asyncio.create_task(stores.stat("s3://bucket/key"))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await hung_up.wait()
    server.close()
    await stores.aclose()


async def test_a_store_that_never_answers_is_given_up_once(bucket: Bucket) -> None:
    uri = bucket.put("a", BODY)

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    silent = replace(access(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"), timeout=0.2)
    async with Storage(TrustsAll(), sign=Signer(bucket.client), stores=silent) as storage:
        assert storage.is_direct(uri)
        assert await head(storage, uri) == BODY[:100]
        assert not storage.is_direct(uri)
    server.close()


async def test_a_library_that_is_missing_names_the_extra(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = bucket.put("a", BODY)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    async with Storage(TrustsAll(), stores=access(bucket.url)) as storage:
        with pytest.raises(StorageError, match="needs s3fs") as caught:
            await head(storage, uri)
        assert "flowtui[stores]" in caught.value.hint
    async with Storage(TrustsAll(), sign=Signer(bucket.client), stores=access(bucket.url)) as storage:
        assert await head(storage, uri) == BODY[:100]


async def test_no_secret_is_in_a_text(bucket: Bucket) -> None:
    uri = bucket.put("a", BODY)
    found = access(bucket.url)
    async with line_to(bucket.url) as line, Storage(TrustsAll(), stores=access(line.url)) as storage:
        line.manner = deny_direct
        with pytest.raises(StorageError) as caught:
            await head(storage, uri)
    for text in (repr(found), repr(found.settings), str(found.settings), repr(storage), str(caught.value)):
        assert SECRET not in text
        assert KEY not in text


async def test_a_signature_in_what_a_library_says_is_left_out() -> None:
    from flowtui.storage.object_store import _refusal

    error = OSError("Cannot connect: https://account.blob.core.windows.net/c/k?sv=1&sig=hush (and more)")
    assert "hush" not in str(_refusal("abfs://c/k", error))
    assert "account.blob.core.windows.net" in str(_refusal("abfs://c/k", error))


async def test_a_download_from_an_open_bucket_sends_no_request_beforehand(bucket: Bucket) -> None:
    uri = bucket.put("a", BODY)
    async with line_to(bucket.url) as line:
        async with Storage(TrustsAll(), sign=Signer(s3_client(line.url)), stores=access(line.url)) as storage:
            await storage.stat(uri)
            assert b"".join([chunk async for chunk in storage.stream(uri)]) == BODY
        assert len(line.seen) == 2


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("s3://b/k", Location("s3", "", "b", ("k",))),
        ("s3a://b/k/", Location("s3", "", "b", ("k", "k/"))),
        ("s3://b//k", Location("s3", "", "b", ("k", "/k"))),
        ("gs://b/a?b#c", Location("gs", "", "b", ("a?b#c",))),
        ("abfs://c/k", Location("abfs", "", "c", ("k",))),
        ("abfss://c@acc.dfs.core.windows.net/k", Location("abfs", "acc", "c", ("k",))),
        ("s3://b", Location("s3", "", "b", ("",))),
        ("s3:///k", None),
        ("https://b/k", None),
        ("/b/k", None),
        ("hdfs://b/k", None),
    ],
)
def test_where_a_uri_points(uri: str, found: Location | None) -> None:
    assert location(uri) == found


def test_a_bucket_alone_names_no_object(bucket: Bucket) -> None:
    async def ask() -> None:
        async with Storage(TrustsAll(), stores=access(bucket.url)) as storage:
            for uri in (f"s3://{bucket.name}", f"s3://{bucket.name}/"):
                with pytest.raises(NotFoundError, match="names no object"):
                    await storage.stat(uri)

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("file", "text", "store", "expected"),
    [
        (".aws/credentials", "[default]\naws_access_key_id = x\n", "s3", True),
        (".aws/config", "[profile a]\nsso_session = x\n", "s3", True),
        (".aws/config", "[default]\nregion = eu-west-1\n", "s3", False),
        (".aws/credentials", "# aws_access_key_id = x\n", "s3", False),
        (".config/gcloud/application_default_credentials.json", "{}", "gs", True),
        (".azure/azureProfile.json", "{}", "abfs", False),
    ],
)
def test_files_that_tell_of_credentials(tmp_path: Path, file: str, text: str, store: str, expected: bool) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    found = StoreAccess(environ={"HOME": str(tmp_path)})
    assert found.has_credentials(store) is expected
    # An account has to be known for Azure's login to be of use.
    assert not expected or store == "abfs" or not StoreAccess(environ={"HOME": "/none"}).has_credentials(store)
    if store == "abfs":
        assert found.has_credentials(store, "account")


@pytest.mark.parametrize(
    ("variables", "store", "expected"),
    [
        ({"AWS_ACCESS_KEY_ID": "x"}, "s3", True),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/x"}, "s3", True),
        ({"AWS_REGION": "x"}, "s3", False),
        ({"GOOGLE_APPLICATION_CREDENTIALS": "/x"}, "gs", True),
        ({"AWS_ACCESS_KEY_ID": "x"}, "gs", False),
        ({"AZURE_STORAGE_CONNECTION_STRING": "x"}, "abfs", True),
        ({"AZURE_STORAGE_ACCOUNT_NAME": "x"}, "abfs", False),
        ({"AZURE_STORAGE_ACCOUNT_NAME": "x", "AZURE_STORAGE_SAS_TOKEN": "x"}, "abfs", True),
    ],
)
def test_variables_that_tell_of_credentials(variables: dict[str, str], store: str, expected: bool) -> None:
    assert StoreAccess(environ={"HOME": "/none", **variables}).has_credentials(store) is expected


@pytest.mark.parametrize(("direct", "expected"), [("never", False), ("always", True)])
def test_a_setting_decides_in_any_case(direct: str, expected: bool) -> None:
    assert access("http://127.0.0.1:1", direct=direct).has_credentials("s3") is expected
    assert access("http://127.0.0.1:1", direct=direct).has_credentials("gs") is expected


def test_the_options_are_flytekits(monkeypatch: pytest.MonkeyPatch) -> None:
    """flytekit itself, over the same variables, in a process of its own."""
    pytest.importorskip("flytekit")
    import json

    from flowtui.config import load_settings

    environ = {
        "FLYTE_AWS_ENDPOINT": "http://minio:9000",
        "FLYTE_AWS_ACCESS_KEY_ID": "key",
        "FLYTE_AWS_SECRET_ACCESS_KEY": "secret",
        "FLYTE_AZURE_STORAGE_ACCOUNT_NAME": "account",
        "FLYTE_AZURE_STORAGE_ACCOUNT_KEY": "a-key",
        "FLYTE_AZURE_TENANT_ID": "tenant",
        "FLYTE_AZURE_CLIENT_ID": "client",
        "FLYTE_AZURE_CLIENT_SECRET": "c-secret",
    }
    code = (
        "import json; from flytekit.core.data_persistence import get_fsspec_storage_options as options;"
        "print(json.dumps([options('s3'), options('abfs')]))"
    )
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    s3, azure = json.loads(done.stdout.splitlines()[-1])
    ours = StoreAccess(load_settings({}, {"HOME": "/none", **environ}).storage)
    options = ours.options("s3")
    # But for one request less: the region of a bucket is not looked up before it is needed.
    assert {name: options[name] for name in s3} == s3 | {"cache_regions": False}
    assert ours.options("abfs") == azure
    assert (options["key"], azure["account_name"]) == ("key", "account")


async def refused_signature(uri: str) -> SignedUrl:
    raise ServerError(f"{uri} is not signed")


async def test_a_bucket_that_only_ones_own_credentials_open_is_not_asked_with_them(bucket: Bucket) -> None:
    uri = bucket.put("payroll.csv", BODY)
    async with line_to(bucket.url) as line:
        async with Storage(Trust(), sign=refused_signature, stores=access(line.url), retry_delay=0) as storage:
            assert not storage.is_direct(uri)
            for reading in (
                head(storage, uri),
                storage.stat(uri),
                anext(storage.stream(uri)),
                storage.list(f"s3://{bucket.name}/"),
            ):
                with pytest.raises(FlowtuiError) as caught:
                    await reading
            assert f'[storage] buckets = ["s3://{bucket.name}"]' in caught.value.hint
        # Without a server that signs there is no other road.
        async with Storage(Trust(), stores=access(line.url)) as storage:
            for reading in (head(storage, uri), storage.stat(uri), anext(storage.stream(uri))):
                with pytest.raises(UntrustedError, match="is not known as a bucket of this server's runs"):
                    await reading
        assert line.seen == []


async def test_a_bucket_that_a_signed_url_opened_is_asked_directly_from_then_on(bucket: Bucket, tmp_path: Path) -> None:
    made = "data/9y/run-n0-0/907c492e944c3e75f48a29c2f305b364"
    uris = [bucket.put(f"{made}/{name}", BODY) for name in ("a", "b", "c")]
    known = KnownBuckets(tmp_path / "state.sqlite3", "https://flyte.test")
    sign = Signer(bucket.client)
    async with line_to(bucket.url) as line:
        async with Storage(Trust(known=known), sign=sign, stores=access(line.url)) as storage:
            assert not storage.is_direct(uris[0])
            assert await head(storage, uris[0]) == BODY[:100]
            assert (len(sign.signed), len(line.direct)) == (1, 0)
            assert storage.is_direct(uris[1])
            assert await head(storage, uris[1]) == BODY[:100]
            assert (len(sign.signed), len(line.direct)) == (1, 1)
        later = KnownBuckets(tmp_path / "state.sqlite3", "https://flyte.test")
        async with Storage(Trust(known=later), sign=sign, stores=access(line.url)) as storage:
            assert await head(storage, uris[2]) == BODY[:100]
            assert len(sign.signed) == 1


async def test_an_object_that_more_may_read_opens_no_bucket_for_the_others(bucket: Bucket) -> None:
    """The server's own rights may reach one object of a bucket that is none of its runs'."""
    readme, payroll = bucket.put("readme.txt", BODY), bucket.put("payroll.csv", BODY)
    signer = Signer(bucket.client)

    async def sign(uri: str) -> SignedUrl:
        return await (signer(uri) if uri == readme else refused_signature(uri))

    trust = Trust()
    async with line_to(bucket.url) as line:
        async with Storage(trust, sign=sign, stores=access(line.url), retry_delay=0) as storage:
            assert await head(storage, readme) == BODY[:100]
            assert not storage.is_direct(payroll)
            with pytest.raises(FlowtuiError):
                await head(storage, payroll)
        assert line.direct == []
    assert trust.is_elsewhere(readme)


async def test_a_bucket_of_the_settings_is_asked_directly(bucket: Bucket) -> None:
    uri = bucket.put("adam/a.csv", BODY)
    trust = Trust(StorageSettings(buckets=(f"s3://{bucket.name}",)))
    async with Storage(trust, sign=refused_signature, stores=access(bucket.url)) as storage:
        assert await head(storage, uri) == BODY[:100]
        assert [entry.name for entry in await storage.list(f"s3://{bucket.name}/adam")] == ["a.csv"]
