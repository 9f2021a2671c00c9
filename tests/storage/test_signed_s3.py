"""URLs that a real S3 server signs, the same server when it misbehaves, and references that Admin resolves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from flyteidl.core import literals_pb2
from flyteidl.service import dataproxy_pb2
from google.rpc import status_pb2

from flowtui.admin import AdminClient
from flowtui.catalog.references import flyte_reference
from flowtui.domain.signed import SignedUrl
from flowtui.errors import NotFoundError, StorageError, UsageError
from flowtui.httpclient import httpx
from flowtui.storage import Storage
from tests.storage.conftest import Bucket
from tests.storage.s3 import DENIED, Line, Manner, Signer, access, line_to, s3_client
from tests.trusting import TrustsAll

BODY = bytes(index * 11 % 253 for index in range(300_000))


async def head(storage: Storage, uri: str, start: int = 0, length: int = 100) -> bytes:
    async with storage.open(uri) as reader:
        return await reader.read(start, length)


@pytest.fixture
async def line(bucket: Bucket) -> AsyncIterator[Line]:
    async with line_to(bucket.url) as line:
        yield line


async def test_a_signed_url_reads_ranges_and_tells_of_the_object(bucket: Bucket, line: Line) -> None:
    uri = bucket.put("a b/adsl é.csv", BODY)
    sign = Signer(s3_client(line.url))
    async with Storage(TrustsAll(), sign=sign) as storage, storage.open(uri) as reader:
        assert await reader.read(70_000, 10) == BODY[70_000:70_010]
        assert await reader.size() == len(BODY)
        assert (reader.requests, reader.bytes_read) == (1, 65536)
        stat = await storage.stat(uri)
        assert (stat.size, len(stat.md5)) == (len(BODY), 32)
        assert b"".join([chunk async for chunk in storage.stream(uri)]) == BODY
        with pytest.raises(NotFoundError):
            await head(storage, f"s3://{bucket.name}/none")
    assert sign.signed.count(uri) == 1
    assert not line.direct


async def test_several_ranges_come_at_once_with_one_signature(bucket: Bucket, line: Line) -> None:
    uri = bucket.put("a", BODY)
    sign = Signer(s3_client(line.url))
    ranges = [(at * 15_000, 7) for at in range(18)]
    async with Storage(TrustsAll(), sign=sign) as storage, storage.open(uri) as reader:
        assert await reader.read_ranges(ranges) == [BODY[start : start + 7] for start, _ in ranges]
        assert (reader.requests, reader.round_trips, reader.bytes_read) == (18, 2, 18 * 7)
        assert await reader.size() == len(BODY)
        with pytest.raises(NotFoundError):
            await storage.open(f"s3://{bucket.name}/none").read_ranges(ranges)
    assert sign.signed.count(uri) == 1


async def test_a_key_with_two_slashes_is_read_as_go_signs_it(bucket: Bucket) -> None:
    bucket.put("adsl.csv", b"of Go")
    async with Storage(TrustsAll(), sign=Signer(bucket.client)) as storage:
        assert await head(storage, f"s3://{bucket.name}//adsl.csv") == b"of Go"


async def test_a_store_that_refuses_after_a_while_gets_a_new_signature_once(bucket: Bucket, line: Line) -> None:
    uri = bucket.put("a", BODY)
    lifetimes = iter((600, 601))
    good: set[str] = set()

    async def sign(uri: str) -> SignedUrl:
        found = await Signer(s3_client(line.url), lifetime=next(lifetimes))(uri)
        good.add(_signature(urlsplit(found.url).query))
        return found

    line.manner = lambda request, answer: answer if _signature(urlsplit(request.split()[1]).query) in good else DENIED
    async with Storage(TrustsAll(), sign=sign, retry_delay=0) as storage:
        assert await head(storage, uri) == BODY[:100]
        good.clear()
        assert await head(storage, uri, 200_000) == BODY[200_000:200_100]
        good.clear()
        lifetimes = iter((602, 603))
        line.manner = lambda request, answer: DENIED
        with pytest.raises(StorageError, match="403 AccessDenied"):
            await head(storage, uri, 270_000)
        assert next(lifetimes) == 603


def _signature(query: str) -> str:
    return parse_qs(query)["X-Amz-Signature"][0]


async def test_a_clock_that_is_ahead_costs_no_signature_for_each_read(bucket: Bucket) -> None:
    """Everything is over when it comes: only a refusal tells that a URL is."""
    uri = bucket.put("a", BODY)
    asked: list[str] = []

    async def sign(uri: str) -> SignedUrl:
        asked.append(uri)
        found = await Signer(bucket.client)(uri)
        return SignedUrl(found.url, datetime.now(timezone.utc) - timedelta(hours=1))

    async with Storage(TrustsAll(), sign=sign) as storage:
        for start in (0, 70_000, 140_000):
            assert await head(storage, uri, start) == BODY[start : start + 100]
    assert len(asked) == 1


@pytest.mark.parametrize("host", ["minio.flyte.svc.cluster.local", "minio.flyte", "minio"])
async def test_a_host_inside_the_cluster_is_called_one(host: str) -> None:
    def nowhere(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno -2] Name or service not known", request=request)

    async def sign(uri: str) -> SignedUrl:
        return SignedUrl(f"http://{host}:9000/b/k?X-Amz-Signature=secret", None)

    async with Storage(TrustsAll(), sign=sign, transport=httpx.MockTransport(nowhere), retry_delay=0) as storage:
        with pytest.raises(StorageError, match=host) as caught:
            await storage.stat("s3://b/k")
    assert caught.value.hint.startswith("The URL is signed for a host inside the cluster and works only there")
    assert "stowConfigOverride" in caught.value.hint
    assert "secret" not in str(caught.value)


def _swap(name: bytes, value: bytes) -> Manner:
    """Another value for a header of answers that have it."""

    def change(request: str, answer: bytes) -> bytes:
        top, _, body = answer.partition(b"\r\n\r\n")
        lines = [name + b": " + value if row.lower().startswith(name + b":") else row for row in top.split(b"\r\n")]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body

    return change


def _once(manner: Manner) -> Manner:
    left = [manner]

    def change(request: str, answer: bytes) -> bytes | None:
        return left.pop()(request, answer) if left else answer

    return change


def _cut(request: str, answer: bytes) -> bytes:
    return answer[: -max(len(answer) // 3, 1)]


def _reset(request: str, answer: bytes) -> None:
    return None


def _busy(request: str, answer: bytes) -> bytes:
    return b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


ROADS = ("direct", "signed", "both")


def storage_on(road: str, line: Line) -> Storage:
    return Storage(
        TrustsAll(),
        sign=None if road == "direct" else Signer(s3_client(line.url)),
        stores=None if road == "signed" else access(line.url),
        retry_delay=0,
        timeout=10,
    )


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("manner", [_cut, _reset, _busy])
async def test_what_passes_is_not_seen(bucket: Bucket, line: Line, road: str, manner: Manner) -> None:
    uri = bucket.put("a", BODY)
    line.manner = _once(manner)
    async with storage_on(road, line) as storage:
        assert await head(storage, uri, 70_000) == BODY[70_000:70_100]
        line.manner = _once(manner)
        assert b"".join([chunk async for chunk in storage.stream(uri, 10)]) == BODY[10:]


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    "manner",
    [
        _reset,
        _busy,
        _swap(b"content-range", b"bytes 100-109/300000"),
        _swap(b"content-range", b"bytes 65536-65545/70000"),
        _swap(b"content-range", b"bytes 9-1/1"),
        lambda request, answer: DENIED,
        lambda request, answer: b"nonsense\r\n\r\n",
    ],
)
async def test_what_lasts_is_an_error_and_never_wrong_bytes(
    bucket: Bucket, line: Line, road: str, manner: Manner
) -> None:
    uri = bucket.put("a", BODY)
    line.manner = manner
    async with storage_on(road, line) as storage:
        with pytest.raises(StorageError):
            assert await head(storage, uri, 70_000) == BODY[70_000:70_100]


@pytest.mark.parametrize("road", ["signed", "both"])
async def test_a_store_without_ranges_is_read_by_the_road_that_bears_it(bucket: Bucket, line: Line, road: str) -> None:
    uri = bucket.put("a", BODY)
    line.keeps_ranges = False
    async with storage_on(road, line) as storage:
        assert await head(storage, uri, 70_000) == BODY[70_000:70_100]
        assert b"".join([chunk async for chunk in storage.stream(uri)]) == BODY
    async with storage_on("direct", line) as storage:
        assert await head(storage, uri) == BODY[:100]
        with pytest.raises(StorageError, match="does not serve parts"):
            await head(storage, uri, 70_000)


async def test_a_store_that_drips_is_read(bucket: Bucket) -> None:
    """Some bytes at a time: each read goes on where the last one ended."""
    uri = bucket.put("a", BODY[:1000])
    async with line_to(bucket.url) as line:

        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            answer = await line._ask(request)
            for at in range(0, len(answer), 50):
                writer.write(answer[at : at + 50])
                await writer.drain()
                await asyncio.sleep(0)
            writer.close()

        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for storage in (Storage(TrustsAll(), stores=access(url)), Storage(TrustsAll(), sign=Signer(s3_client(url)))):
            async with storage:
                assert await head(storage, uri, 0, 2000) == BODY[:1000]
        server.close()


class Admin(httpx.AsyncBaseTransport):
    """As much of Flyte Admin as reading needs: it signs with the store's credentials and knows some outputs."""

    def __init__(self, sign: Signer, outputs: dict[str, Any]) -> None:
        self.sign = sign
        self.outputs = outputs
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        params = parse_qs(urlsplit(str(request.url)).query)
        self.asked.append(request.url.path)
        answer: Any
        if request.url.path == "/api/v1/dataproxy/artifact_urn":
            found = await self.sign(unquote(params["native_url"][0]))
            answer = dataproxy_pb2.CreateDownloadLocationResponse(signed_url=found.url)
        else:
            answer = self.outputs.get(params["flyte_url"][0])
        status = 200
        if callable(answer):
            answer = await answer()
        if answer is None:
            answer, status = status_pb2.Status(code=5, message="missing entity"), 404
        headers = {"content-type": "application/octet-stream"}
        return httpx.Response(status, headers=headers, content=answer.SerializeToString())


def blob(uri: str) -> literals_pb2.Literal:
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(blob=literals_pb2.Blob(uri=uri)))


def outputs_of(**literals: literals_pb2.Literal) -> dataproxy_pb2.GetDataResponse:
    return dataproxy_pb2.GetDataResponse(literal_map=literals_pb2.LiteralMap(literals=literals))


NODE = "flyte://v1/flytesnacks/development/run/n0"


@pytest.fixture
async def admin(bucket: Bucket, line: Line) -> AsyncIterator[tuple[Storage, Admin]]:
    uri = bucket.put("adsl.csv", BODY)
    deck = bucket.put("deck.html", b"<html>deck</html>")
    sign = Signer(s3_client(line.url))

    async def decked() -> dataproxy_pb2.GetDataResponse:
        found = await sign(deck)
        urls = dataproxy_pb2.PreSignedURLs(signed_url=[found.url])
        assert found.expires_at is not None
        urls.expires_at.FromDatetime(found.expires_at)
        return dataproxy_pb2.GetDataResponse(pre_signed_urls=urls)

    number = literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=literals_pb2.Primitive(integer=1)))
    transport = Admin(
        sign,
        {
            f"{NODE}/o/adsl": dataproxy_pb2.GetDataResponse(literal=blob(uri)),
            f"{NODE}/o": outputs_of(adsl=blob(uri), n=number),
            f"{NODE}/1/o": outputs_of(adsl=blob(uri), adae=blob(uri)),
            f"{NODE}/o/n": dataproxy_pb2.GetDataResponse(literal=number),
            f"{NODE}/o/loop": dataproxy_pb2.GetDataResponse(literal=blob(f"{NODE}/o/loop2")),
            f"{NODE}/d": decked,
        },
    )
    async with AdminClient("http://admin.test", transport=transport) as client:

        async def resolve(reference: str) -> str | SignedUrl:
            return await flyte_reference(client, reference)

        async with Storage(TrustsAll(), sign=client.sign, resolve=resolve, retry_delay=0) as storage:
            yield storage, transport


async def test_a_reference_is_read_as_the_file_that_it_names(admin: tuple[Storage, Admin]) -> None:
    storage, transport = admin
    for reference in (f"{NODE}/o/adsl", f"{NODE}/o"):
        async with storage.open(reference) as reader:
            assert await reader.read(70_000, 10) == BODY[70_000:70_010]
            assert await reader.size() == len(BODY)
        assert (await storage.stat(reference)).size == len(BODY)
    assert b"".join([chunk async for chunk in storage.stream(f"{NODE}/o/adsl")]) == BODY
    assert (await storage.native(f"{NODE}/o")).endswith("/adsl.csv")
    # One question for each reference, one signature for the file.
    assert sorted(transport.asked) == ["/api/v1/data", "/api/v1/data", "/api/v1/dataproxy/artifact_urn"]


async def test_a_reference_to_a_deck_is_read_by_its_signed_url(admin: tuple[Storage, Admin], line: Line) -> None:
    storage, _ = admin
    assert await head(storage, f"{NODE}/d") == b"<html>deck</html>"[:100]
    assert await storage.native(f"{NODE}/d") == f"{NODE}/d"
    assert not [uri for uri in storage._cache._facts if "Signature" in uri]


@pytest.mark.parametrize(
    ("reference", "kind", "words"),
    [
        (f"{NODE}/o/none", NotFoundError, "none"),
        (f"{NODE}/o/n", NotFoundError, "names no file"),
        (f"{NODE}/1/o", UsageError, "names 2 files"),
        (f"{NODE}/o/loop", StorageError, "names another reference"),
        (NODE, UsageError, "names no input, output or deck"),
        (NODE.removesuffix("/n0"), UsageError, "names no input, output or deck"),
    ],
)
async def test_references_that_name_no_single_file(
    admin: tuple[Storage, Admin], reference: str, kind: type[Exception], words: str
) -> None:
    storage, _ = admin
    with pytest.raises(kind, match=words):
        await head(storage, reference)


async def test_a_reference_without_a_server_says_what_is_missing() -> None:
    async with Storage(TrustsAll()) as storage:
        with pytest.raises(StorageError, match="cannot be read: no server"):
            await storage.stat(f"{NODE}/o/x")
