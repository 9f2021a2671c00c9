"""An object store in process, with good and bad manners, for httpx's transport seam; and one on a real socket."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from flowtui.domain.signed import SignedUrl
from flowtui.httpclient import httpx

EXPIRED = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
DENIED = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
Manner = Callable[[Request, bytes], Response | None]


def ranged(request: Request, body: bytes) -> Response:
    """What a good store answers."""
    headers = {"etag": f'"{hashlib.md5(body).hexdigest()}"', "x-amz-request-id": "1"}
    asked = request.headers.get("range")
    if not asked:
        return Response(body, headers=headers)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    start, end = int(first), min(int(last or len(body)) + 1, len(body))
    if start >= len(body):
        return Response(status_code=416, headers={"content-range": f"bytes */{len(body)}"})
    headers["content-range"] = f"bytes {start}-{end - 1}/{len(body)}"
    return Response(body[start:end], 206, headers)


@dataclass
class Store:
    """Objects by ``bucket/key``, read with signatures that can expire.

    Attributes:
        manner: answers in place of :func:`ranged`, or None to leave it to that.
        seen: the ``Range`` headers of all GETs, ``""`` where there was none.
        valid: the signature that is accepted.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    manner: Manner | None = None
    seen: list[str] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)
    valid: int = 0
    lifetime: timedelta | None = timedelta(hours=1)

    async def sign(self, uri: str) -> SignedUrl:
        self.signed.append(uri)
        bucket_and_key = uri.partition("://")[2]
        expires_at = None if self.lifetime is None else datetime.now(timezone.utc) + self.lifetime
        return SignedUrl(f"http://store/{bucket_and_key}?signature={self.valid}", expires_at)

    @property
    def transport(self) -> httpx.ASGITransport:
        return httpx.ASGITransport(
            Starlette(
                routes=[
                    Route("/sso/login", self._login),
                    Route("/moved/{key:path}", self._moved),
                    Route("/{key:path}", self._get),
                ]
            )
        )

    async def _login(self, request: Request) -> Response:
        return Response("<!doctype html><title>Log in</title>", media_type="text/html")

    async def _moved(self, request: Request) -> Response:
        return RedirectResponse("/sso/login")

    async def _get(self, request: Request) -> Response:
        self.seen.append(request.headers.get("range", ""))
        if request.method != "GET":
            return Response(status_code=403)
        if request.query_params.get("signature", str(self.valid)) != str(self.valid):
            return Response(EXPIRED, 403)
        body = self.objects.get(request.path_params["key"])
        if body is None:
            return Response("<Error><Code>NoSuchKey</Code></Error>", 404)
        answer = self.manner(request, body) if self.manner else None
        return answer or ranged(request, body)


@asynccontextmanager
async def socket_server(*answers: bytes, endless: bool = False) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server on a loopback port that gives one answer per connection, the last one for ever; its URL, and requests.

    ``endless`` goes on sending bytes after the last answer until the client leaves.
    """
    left = list(answers)
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(left.pop(0) if len(left) > 1 else left[0])
            while endless and len(left) == 1:
                writer.write(b"x" * 65536)
                await writer.drain()
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", requests
    finally:
        server.close()
