"""Faults between the client and a server: a transport that injects them, and a proxy on a real socket.

A fault is told where it happens (which requests) and what it is (:data:`FAULTS`). It wraps a transport that answers
well, such as the recordings or the embedded Admin, so that what comes through is true and what does not is known.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from google.rpc import status_pb2

from flowtui.httpclient import httpx
from tests.replay import BINARY

Forward = Callable[[httpx.Request], Awaitable[httpx.Response]]
Fault = Callable[[httpx.Request, Forward], Awaitable[httpx.Response]]


class Stream(httpx.AsyncByteStream):
    """A body that comes in pieces, and then ends, breaks or goes on for ever."""

    def __init__(self, *pieces: bytes, error: Exception | None = None, stalls: bool = False, drips: bool = False):
        self.pieces = pieces
        self.error = error
        self.stalls = stalls
        self.drips = drips

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        while self.drips:
            await asyncio.sleep(0)
            yield b"\x0a"
        if self.stalls:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error


def raises(make: Callable[[], Exception]) -> Fault:
    """No answer: the transport raises; whether the server did what was asked for is not known."""

    async def fault(request: httpx.Request, forward: Forward) -> httpx.Response:
        raise make()

    return fault


def loses_the_answer(make: Callable[[], Exception]) -> Fault:
    """The server does what was asked for, and its answer is lost on the way."""

    async def fault(request: httpx.Request, forward: Forward) -> httpx.Response:
        await forward(request)
        raise make()

    return fault


async def stalls(request: httpx.Request, forward: Forward) -> httpx.Response:
    """Nothing ever comes, and no timer of the transport ends it."""
    await asyncio.Event().wait()
    raise AssertionError


def says(status: int, code: int, message: str, **headers: str) -> Fault:
    """A refusal in Flyte's own words."""

    async def fault(request: httpx.Request, forward: Forward) -> httpx.Response:
        body = status_pb2.Status(code=code, message=message).SerializeToString()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(status, headers={"content-type": BINARY, **named}, stream=Stream(body))

    return fault


def sends(status: int, body: bytes, content_type: str, **headers: str) -> Fault:
    """Another answer, such as that of a proxy in between."""

    async def fault(request: httpx.Request, forward: Forward) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["content-length"] = str(len(body))
        return httpx.Response(
            status, headers={**({"content-type": content_type} if content_type else {}), **named}, stream=Stream(body)
        )

    return fault


def changes(change: Callable[[bytes, httpx.Headers], Stream | bytes], **headers: str) -> Fault:
    """The right answer with another body; ``change`` may change the headers, too."""

    async def fault(request: httpx.Request, forward: Forward) -> httpx.Response:
        answer = await forward(request)
        body = await answer.aread()
        kept = httpx.Headers(answer.headers)
        kept.pop("content-length", None)
        kept.update({name.replace("_", "-"): value for name, value in headers.items()})
        changed = change(body, kept)
        stream = changed if isinstance(changed, Stream) else Stream(changed)
        return httpx.Response(answer.status_code, headers=kept, stream=stream)

    return fault


def _cut(body: bytes, headers: httpx.Headers) -> Stream:
    headers["content-length"] = str(len(body) + 1)
    return Stream(
        body[: len(body) // 2],
        error=httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
    )


def _cut_without_end(body: bytes, headers: httpx.Headers) -> bytes:
    # Neither a length nor chunks: the end of the connection is the end of the body.
    return body[: len(body) // 2]


def _cut_gzip(body: bytes, headers: httpx.Headers) -> bytes:
    headers.update({"content-encoding": "gzip", "transfer-encoding": "chunked"})
    return gzip.compress(body)[:-9]


def _damaged_gzip(body: bytes, headers: httpx.Headers) -> bytes:
    headers.update({"content-encoding": "gzip", "transfer-encoding": "chunked"})
    return b"\x1f\x8b\x08\x00" + b"\x00" * 6 + b"\xff" * 40


def _other_encoding(body: bytes, headers: httpx.Headers) -> bytes:
    headers.update({"content-encoding": "br", "transfer-encoding": "chunked"})
    return b"\x1b\x05\x00\x00"


def _garbage(body: bytes, headers: httpx.Headers) -> bytes:
    headers["content-length"] = "6"
    return b"\xef\xbf\xbd\x08\xef\xff"


def _no_body(body: bytes, headers: httpx.Headers) -> bytes:
    headers.update({"content-length": "0", "content-type": "text/plain"})
    return b""


def bomb(megabytes: int) -> bytes:
    """A gzip body that stands for so many zeros."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(squeeze.compress(bytes(1 << 20)) for _ in range(megabytes)), squeeze.flush()])


PAGE = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>hello</body></html>"
LOGIN = b"<html><title>Sign in to Example</title><form action='/x'><input type='password'></form></html>"

PASSING: dict[str, Fault] = {
    "refused": raises(lambda: httpx.ConnectError("All connection attempts failed")),
    "reset": raises(lambda: httpx.ReadError("[Errno 104] Connection reset by peer")),
    "reset while sending": raises(lambda: httpx.WriteError("[Errno 32] Broken pipe")),
    "disconnected": raises(lambda: httpx.RemoteProtocolError("Server disconnected without sending a response.")),
    "answer lost": loses_the_answer(lambda: httpx.RemoteProtocolError("Server disconnected without a response.")),
    "connect timeout": raises(lambda: httpx.ConnectTimeout("")),
    "read timeout": raises(lambda: httpx.ReadTimeout("")),
    "body shorter than told": changes(_cut),
    "body without end": changes(_cut_without_end),
    "gzip cut": changes(_cut_gzip),
    "gzip damaged": changes(_damaged_gzip),
    "encoding not asked for": changes(_other_encoding),
    "429 slow down": says(429, 8, "rate limited", retry_after="1"),
    "500": says(500, 2, "failed database operation with deadlock"),
    "502 page": sends(502, b"<html><title>502 Bad Gateway</title></html>", "text/html"),
    "503": says(503, 14, "unavailable", retry_after="120"),
    "504": says(504, 4, "context deadline exceeded"),
}
"""Faults that may be over at the next try."""

LASTING: dict[str, Fault] = {
    "400": says(400, 3, "invalid value"),
    "401": says(401, 16, "token parse error"),
    "403": says(403, 7, "permission denied"),
    "404": says(404, 5, "missing entity of type execution"),
    "404 page": sends(404, PAGE, "text/html"),
    "404 of Go": sends(404, b"404 page not found\n", "text/plain; charset=utf-8"),
    "407": sends(407, b"", ""),
    "409": says(409, 6, "value with matching already exists"),
    "429 too large": says(429, 8, "grpc: received message larger than max (6108901 vs. 4194304)"),
    "501": says(501, 12, "Method Not Allowed"),
    "302 to a login": sends(302, b"", "", location="https://login.test/authorize?state=secret"),
    "303 elsewhere": sends(303, b"", "", location="/welcome"),
    "418": sends(418, b"teapot", "text/plain"),
}
"""Answers that say no: the same at every try."""

MASKED: dict[str, Fault] = {
    "login page": sends(200, LOGIN, "text/html"),
    "other page": sends(200, PAGE, "text/html; charset=utf-8"),
    "page called binary": sends(200, PAGE, BINARY),
    "text": sends(200, b"OK", "text/plain"),
    "text that is valid protobuf": sends(200, b"\x0a\x00", "text/plain"),
    "JSON of something else": sends(200, b'{"status": "ok"}', "application/json"),
    "JSON list": sends(200, b"[]", "application/json"),
    "JSON cut": sends(200, b'{"id": {"project"', "application/json"),
    "garbage": changes(_garbage),
    "nothing": changes(_no_body),
}
"""Answers that say yes, and are none."""

HANGING: dict[str, Fault] = {
    "stall": stalls,
    "stall in the body": changes(lambda body, headers: Stream(body[:1], stalls=True), content_length="1000"),
    "drip without end": changes(lambda body, headers: Stream(drips=True), transfer_encoding="chunked"),
}
"""What only the client's own patience ends."""

FAULTS = {**PASSING, **LASTING, **MASKED, **HANGING}


@dataclass
class Faulty(httpx.AsyncBaseTransport):
    """Answers through another transport, with faults.

    Attributes:
        fault: what happens to a request; None to let it through.
        where: which requests, by method and path; all where None.
        times: how often, None for ever.
        seen: ``METHOD path`` of every request.
    """

    inner: httpx.AsyncBaseTransport
    fault: Fault | None = None
    where: Callable[[httpx.Request], bool] | None = None
    times: int | None = None
    seen: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(f"{request.method} {request.url.raw_path.decode()}")
        wanted = self.fault is not None and (self.where is None or self.where(request))
        if not wanted or self.times == 0:
            return await self.inner.handle_async_request(request)
        if self.times is not None:
            self.times -= 1
        assert self.fault is not None
        return await self.fault(request, self.inner.handle_async_request)


@dataclass
class Line:
    """A TCP proxy on a loopback port with a manner that can change while it runs.

    Attributes:
        port: where it listens.
        manner: ``pass``, ``reset`` (at the first byte), ``stall`` (answers nothing), ``cut`` (half of an answer),
            ``trickle`` (one byte at a time and never to the end), ``close idle`` (the second request on a connection
            finds it closed).
        connections, requests: how many came.
    """

    port: int = 0
    manner: str = "pass"
    connections: int = 0
    requests: int = 0
    upstream: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.add(writer)
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError, OSError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answered = 0
        while True:
            request = await reader.readuntil(b"\r\n\r\n")
            head = request.decode("latin-1").lower()
            if "content-length: " in head:
                request += await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
            self.requests += 1
            if self.manner == "reset" or (self.manner == "close idle" and answered):
                reset(writer)
                return
            if self.manner == "stall":
                await reader.read()
                return
            answer = await self._ask(request)
            if self.manner == "cut":
                writer.write(answer[: -max(len(answer) // 10, 1)])
                return
            if self.manner == "trickle":
                for byte in answer[:-1]:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0)
                await reader.read()
                return
            writer.write(answer)
            await writer.drain()
            answered += 1

    async def _ask(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        writer.write(head + b"\r\nConnection: close\r\n\r\n" + body)
        answer = await reader.read()
        writer.close()
        return answer.replace(b"connection: close\r\n", b"").replace(b"Connection: close\r\n", b"")


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with RST, as a crashed server or a firewall does."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def line_to(upstream: int, manner: str = "pass") -> AsyncIterator[Line]:
    """A :class:`Line` in front of a loopback port."""
    line = Line(upstream=upstream, manner=manner)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        for writer in list(line.writers):
            writer.transport.abort()
        await asyncio.sleep(0)
