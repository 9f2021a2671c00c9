"""Signed URLs and plain ones, with good and bad servers behind them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.requests import Request
from starlette.responses import Response

from flowtui.errors import NotFoundError, ServerError, StorageError
from flowtui.httpclient import httpx
from flowtui.storage import Storage
from tests.storage.store import DENIED, Store, ranged, socket_server
from tests.trusting import TrustsAll

BODY = bytes(index * 11 % 253 for index in range(300_000))
URI = "s3://bucket//adam/adsl.csv"


@pytest.fixture
def store() -> Store:
    return Store({"bucket//adam/adsl.csv": BODY, "bucket/empty": b""})


def storage_of(store: Store) -> Storage:
    return Storage(TrustsAll(), sign=store.sign, transport=store.transport, retry_delay=0)


async def head(storage: Storage, uri: str = URI, start: int = 0, length: int = 100) -> bytes:
    async with storage.open(uri) as reader:
        return await reader.read(start, length)


async def test_reads_a_range_and_learns_the_size(store: Store) -> None:
    async with storage_of(store) as storage, storage.open(URI) as reader:
        assert await reader.read(70_000, 100) == BODY[70_000:70_100]
        assert await reader.size() == len(BODY)
        assert (reader.requests, reader.bytes_read) == (1, 65536)
    assert store.signed == [URI]
    assert store.seen == ["bytes=65536-131071"]


async def test_a_second_look_costs_nothing_until_it_is_forgotten(store: Store) -> None:
    async with storage_of(store) as storage:
        assert await head(storage) == await head(storage)
        assert len(store.seen) == 1
        storage.forget(URI)
        await head(storage)
        assert len(store.seen) == 2


async def test_stat_asks_for_one_byte_and_takes_md5_from_s3(store: Store) -> None:
    import hashlib

    async with storage_of(store) as storage:
        stat = await storage.stat(URI)
        assert (stat.size, stat.directory, stat.md5) == (len(BODY), False, hashlib.md5(BODY).hexdigest())
        assert (await storage.stat("s3://bucket/empty")).size == 0
    assert store.seen == ["bytes=0-0", "bytes=0-0"]


async def test_an_empty_object_reads_as_nothing(store: Store) -> None:
    async with storage_of(store) as storage, storage.open("s3://bucket/empty") as reader:
        assert await reader.read(0, 10) == b""
        assert await reader.size() == 0


async def test_an_expired_signature_is_renewed_once(store: Store) -> None:
    async with storage_of(store) as storage, storage.open(URI) as reader:
        await reader.read(0, 10)
        store.valid = 1
        assert await reader.read(200_000, 10) == BODY[200_000:200_010]
    assert len(store.signed) == 2


async def test_a_signature_near_its_end_is_renewed_before_it_is_used(store: Store) -> None:
    store.lifetime = timedelta(seconds=5)
    async with storage_of(store) as storage:
        await storage.stat(URI)
        await storage.stat(URI)
    assert len(store.signed) == 2


async def test_a_signature_without_an_end_is_kept(store: Store) -> None:
    store.lifetime = None
    async with storage_of(store) as storage:
        await storage.stat(URI)
        await storage.stat(URI)
    assert len(store.signed) == 1


async def test_a_refusal_is_asked_twice_and_tells_the_stores_words(store: Store) -> None:
    store.manner = lambda request, body: Response(DENIED, 403)
    async with storage_of(store) as storage:
        with pytest.raises(StorageError, match="403 AccessDenied: Access Denied") as caught:
            await head(storage)
    assert "does not exist" in caught.value.hint
    assert "signature" not in str(caught.value)
    assert (len(store.signed), len(store.seen)) == (2, 2)


async def test_a_missing_object_is_not_found(store: Store) -> None:
    async with storage_of(store) as storage:
        for call in (head(storage, "s3://bucket/none"), storage.stat("s3://bucket/none")):
            with pytest.raises(NotFoundError, match="s3://bucket/none"):
                await call


async def test_errors_of_the_signing_server_pass_through() -> None:
    async def refuse(uri: str) -> object:
        raise ServerError("this Admin does not sign", status=403)

    async with Storage(TrustsAll(), sign=refuse) as storage:  # type: ignore[arg-type]
        with pytest.raises(ServerError, match="does not sign"):
            await storage.stat(URI)


async def test_a_server_that_cannot_sign_is_not_a_missing_object() -> None:
    async def refuse(uri: str) -> object:
        raise NotFoundError("There is no /api/v1/dataproxy/artifact_urn.")

    async with Storage(TrustsAll(), sign=refuse) as storage:  # type: ignore[arg-type]
        with pytest.raises(StorageError, match="signs no URL for s3://bucket") as caught:
            await storage.stat(URI)
    assert "artifact_urn" in caught.value.hint


async def test_a_busy_store_is_asked_again_and_not_for_ever(store: Store) -> None:
    answers = [Response(status_code=503), Response(status_code=429)]
    store.manner = lambda request, body: answers.pop() if answers else None
    async with storage_of(store) as storage:
        assert await head(storage) == BODY[:100]
        store.manner = lambda request, body: Response("slow down", 503)
        storage.forget(URI)
        with pytest.raises(StorageError, match="503 slow down"):
            await head(storage)
    assert len(store.seen) == 6


def whole(request: Request, body: bytes) -> Response:
    return Response(body)


def short(request: Request, body: bytes) -> Response:
    answer = ranged(request, body)
    answer.body = answer.body[: max(len(answer.body) // 2, 1)]
    return answer


def long(request: Request, body: bytes) -> Response:
    answer = ranged(request, body)
    answer.body = bytes(answer.body) + b"more than asked"
    return answer


def capped(request: Request, body: bytes) -> Response:
    start = int(request.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
    if start >= len(body):
        return ranged(request, body)
    end = min(start + 10_000, len(body))
    return Response(body[start:end], 206, {"content-range": f"bytes {start}-{end - 1}/{len(body)}"})


def total_unknown(request: Request, body: bytes) -> Response:
    answer = ranged(request, body)
    if "content-range" in answer.headers:
        answer.headers["content-range"] = answer.headers["content-range"].rpartition("/")[0] + "/*"
    return answer


def no_content_range(request: Request, body: bytes) -> Response:
    answer = ranged(request, body)
    if answer.status_code == 206:
        del answer.headers["content-range"]
    return answer


def bare_416(request: Request, body: bytes) -> Response:
    answer = ranged(request, body)
    return Response(status_code=416) if answer.status_code == 416 else answer


@pytest.mark.parametrize("manner", [whole, short, long, capped, total_unknown, no_content_range, bare_416])
@pytest.mark.parametrize("size", [0, 1, 65_536, 300_000])
async def test_servers_with_odd_manners_are_read_right(
    store: Store, manner: Callable[[Request, bytes], Response], size: int
) -> None:
    body = store.objects["bucket/odd"] = BODY[:size]
    store.manner = manner if size or manner in (whole, bare_416) else None
    async with storage_of(store) as storage, storage.open("s3://bucket/odd") as reader:
        for start in (0, 65_530, 250_000):
            assert await reader.read(start, 20) == body[start : start + 20]
        assert await reader.read(0, 400_000) == body
        assert b"".join([chunk async for chunk in storage.stream("s3://bucket/odd")]) == body
        assert b"".join([chunk async for chunk in storage.stream("s3://bucket/odd", 100)]) == body[100:]


def nothing(request: Request, body: bytes) -> Response:
    answer = ranged(request, body)
    answer.body = b""
    return answer


def elsewhere(request: Request, body: bytes) -> Response:
    return Response(body[100:110], 206, {"content-range": f"bytes 100-109/{len(body)}"})


def several(request: Request, body: bytes) -> Response:
    return Response(b"--x", 206, {"content-type": "multipart/byteranges; boundary=x"})


@pytest.mark.parametrize(
    ("manner", "words"),
    [(nothing, "fewer bytes"), (elsewhere, "other bytes"), (several, "several ranges")],
)
async def test_servers_that_answer_something_else_are_errors(
    store: Store, manner: Callable[[Request, bytes], Response], words: str
) -> None:
    store.manner = manner
    async with storage_of(store) as storage:
        with pytest.raises(StorageError, match=words):
            await head(storage)
        with pytest.raises(StorageError, match=words):
            _ = [chunk async for chunk in storage.stream(URI, 1)]


async def test_a_login_page_is_not_taken_for_the_object(store: Store) -> None:
    store.manner = lambda request, body: Response("<html>Log in</html>", media_type="text/html")
    async with storage_of(store) as storage:
        with pytest.raises(StorageError, match="web page of store came in place"):
            await head(storage)
        with pytest.raises(StorageError, match="web page"):
            await storage.stat(URI)


async def test_an_html_report_is_no_login_page(store: Store) -> None:
    store.objects["bucket/report.html"] = b"<html>Report</html>"
    store.manner = lambda request, body: Response(body, media_type="text/html")
    async with storage_of(store) as storage:
        assert await head(storage, "s3://bucket/report.html") == b"<html>Report</html>"


async def test_plain_urls_are_read_as_they_are(store: Store) -> None:
    store.objects["data/page"] = b"<html>"
    store.manner = lambda request, body: Response(body, media_type="text/html") if body == b"<html>" else None
    async with storage_of(store) as storage:
        assert await head(storage, "http://store/bucket//adam/adsl.csv") == BODY[:100]
        assert await head(storage, "http://store/data/page") == b"<html>"
        with pytest.raises(StorageError, match="behind a login"):
            await head(storage, "http://store/moved/adsl.csv")
    assert store.signed == []


async def test_an_object_that_changes_under_a_stream_is_an_error(store: Store) -> None:
    def change(request: Request, body: bytes) -> Response:
        store.objects["bucket//adam/adsl.csv"] = BODY[::-1]
        return short(request, body)

    store.manner = change
    async with storage_of(store) as storage:
        with pytest.raises(StorageError, match="changed while it was read"):
            _ = [chunk async for chunk in storage.stream(URI)]


async def test_a_stream_goes_on_where_the_connection_broke() -> None:
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123"
    rest = b"HTTP/1.1 206 Partial Content\r\nContent-Length: 6\r\nContent-Range: bytes 4-9/10\r\n\r\n456789"
    async with socket_server(first, rest) as (url, requests), Storage(TrustsAll(), retry_delay=0) as storage:
        assert b"".join([chunk async for chunk in storage.stream(f"{url}/x")]) == b"0123456789"
    assert b"Range: bytes=4-" in requests[1]


async def test_a_read_goes_on_where_the_connection_broke() -> None:
    first = b"HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/10\r\n\r\n0123"
    rest = b"HTTP/1.1 206 Partial Content\r\nContent-Length: 6\r\nContent-Range: bytes 4-9/10\r\n\r\n456789"
    async with socket_server(first, rest) as (url, _), Storage(TrustsAll(), retry_delay=0) as storage:
        assert await head(storage, f"{url}/x") == b"0123456789"


async def test_a_server_without_ranges_is_read_no_further_than_needed() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"
    async with socket_server(answer, endless=True) as (url, _), Storage(TrustsAll(), retry_delay=0) as storage:
        reader = storage.open(f"{url}/x")
        assert await reader.read(100_000, 10) == b"x" * 10
        assert await reader.size() == 1_000_000_000_000
        assert reader.bytes_read < 1_000_000
        with pytest.raises(StorageError, match="does not serve parts"):
            await reader.read(900_000_000_000, 10)


async def test_a_stream_can_be_left_early() -> None:
    answer = b"HTTP/1.1 200 OK\r\n\r\n"
    async with socket_server(answer, endless=True) as (url, _), Storage(TrustsAll(), retry_delay=0) as storage:
        chunks = storage.stream(f"{url}/x")
        assert await anext(chunks)
        await chunks.aclose()


async def test_bodies_are_taken_as_they_come_over_the_wire() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8babc"
    async with socket_server(answer) as (url, requests), Storage(TrustsAll()) as storage:
        assert await head(storage, f"{url}/x.gz") == b"\x1f\x8babc"
    assert b"Accept-Encoding: identity" in requests[0]


async def test_a_host_that_does_not_answer_is_named_without_the_signature() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        async def sign(uri: str) -> object:
            from flowtui.domain.signed import SignedUrl

            return SignedUrl(f"http://127.0.0.1:{port}/b/k?signature=secret", None)

        async with Storage(TrustsAll(), sign=sign, retry_delay=0) as storage:  # type: ignore[arg-type]
            with pytest.raises(StorageError, match=f"127.0.0.1:{port}") as caught:
                await storage.stat("s3://b/k")
    assert "stowConfigOverride" in caught.value.hint
    assert "secret" not in str(caught.value)


async def test_a_timeout_is_an_error_that_names_the_host() -> None:
    def stall(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("timed out", request=request)

    async with Storage(TrustsAll(), transport=httpx.MockTransport(stall), retry_delay=0) as storage:
        with pytest.raises(StorageError, match="store"):
            await storage.stat("http://store/x")


@pytest.mark.parametrize("uri", ["http://", "http://[", "http://a b/", "https://\0/x"])
async def test_urls_that_are_none_are_errors(uri: str, store: Store) -> None:
    async with storage_of(store) as storage:
        with pytest.raises((StorageError, NotFoundError)):
            await storage.stat(uri)


async def test_directories_of_object_stores_cannot_be_listed(store: Store) -> None:
    async with storage_of(store) as storage:
        with pytest.raises(StorageError, match="cannot list"):
            await storage.list("s3://bucket/folder")


@pytest.mark.parametrize(
    ("headers", "md5"),
    [
        ({"x-amz-meta-flyteContentMD5": "XUFAKrxLKna5cZ2REBfFkg=="}, "5d41402abc4b2a76b9719d911017c592"),
        ({"x-goog-hash": "crc32c=AAAAAA==,md5=XUFAKrxLKna5cZ2REBfFkg=="}, "5d41402abc4b2a76b9719d911017c592"),
        ({"x-goog-hash": "md5=not base64"}, ""),
        ({"etag": '"5d41402abc4b2a76b9719d911017c592"'}, ""),
        ({"etag": '"5d41402abc4b2a76b9719d911017c592-3"', "x-amz-request-id": "1"}, ""),
        (
            {
                "etag": '"5d41402abc4b2a76b9719d911017c592"',
                "x-amz-request-id": "1",
                "x-amz-server-side-encryption": "aws:kms",
            },
            "",
        ),
    ],
)
async def test_an_md5_is_taken_only_from_what_can_be_trusted(store: Store, headers: dict[str, str], md5: str) -> None:
    store.manner = lambda request, body: Response(body, headers=headers)
    async with storage_of(store) as storage:
        assert (await storage.stat(URI)).md5 == md5
