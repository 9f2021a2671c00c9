"""Ranged GETs over http(s), for plain URLs and for URLs that Admin signs.

Ranges follow RFC 9110 section 14. Servers that ignore them answer 200: what comes before the range is then read and
thrown away, and reading stops where the range ends. Bodies are taken as they come over the wire, never decoded.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from flowtui.errors import NotFoundError, StorageError
from flowtui.storage.answers import (
    expired,
    is_delimited,
    is_login_page,
    login_page,
    no_progress,
    part_of,
    refused,
    stat_of,
    too_slow,
    unreachable,
    whole_size,
)
from flowtui.storage.backend import Chunk, Entry, Meter, Stat
from flowtui.text import plain

if TYPE_CHECKING:
    import ssl

    from flowtui.httpclient import httpx
    from flowtui.storage.trust import Trust

_RETRIES = 2
_BUSY = frozenset({429, 500, 502, 503, 504})
_DENIED = frozenset({400, 401, 403})
_MOST_SKIPPED = 64 * 1024 * 1024
_EXCERPT = 4096
_LEAST_BYTES = 1024
"""Less than this in the time of one timeout is no progress."""


class Urls(Protocol):
    """Which URL to GET for a URI."""

    renewable: bool

    def handles(self, uri: str) -> bool: ...

    async def url(self, uri: str, *, renew: bool) -> str: ...


class PlainUrls:
    """http(s) URIs, asked for as they are."""

    renewable = False

    def handles(self, uri: str) -> bool:
        return uri.startswith(("http://", "https://"))

    async def url(self, uri: str, *, renew: bool) -> str:
        return uri


class Connections:
    """One httpx client, made when the first request needs it.

    Args:
        transport: in place of the network, or None.
        timeout: seconds to wait for a connection or for the next bytes.
        retry_delay: seconds before the first repetition of a failed request; it doubles.
        tls: gives the TLS context when it is needed; httpx's own where None.
        proxy: URL of an HTTP proxy; what the environment says where empty.
        trust: says which hosts may be asked.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None,
        timeout: float,
        retry_delay: float,
        tls: Callable[[], ssl.SSLContext] | None = None,
        proxy: str = "",
        *,
        trust: Trust,
    ) -> None:
        self._trust = trust
        self._transport = transport
        self.timeout = timeout
        self._tls = tls
        self._proxy = proxy
        self._client: httpx.AsyncClient | None = None
        self.retry_delay = retry_delay

    async def client(self) -> httpx.AsyncClient:
        if self._client is not None:
            return self._client
        from flowtui.httpclient import http_client, httpx
        from flowtui.storage.checked_transport import CheckedTransport

        verify = await asyncio.to_thread(self._tls) if self._tls is not None and self._transport is None else True
        # Another request may have made it meanwhile.
        if self._client is None:
            self._client = http_client(
                transport=self._transport,
                verify=verify,
                proxy=self._proxy,
                through=lambda make, is_proxied: CheckedTransport(self._trust, make, is_proxied=is_proxied),
                timeout=httpx.Timeout(self.timeout, connect=min(self.timeout, 10.0)),
                follow_redirects=True,
                max_redirects=5,
                headers={"Accept": "*/*", "Accept-Encoding": "identity"},
            )
        return self._client

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


class _Body:
    """A body as it comes over the wire; ``complete`` once it ended without a broken connection, ``stalled`` if that
    was because nothing came any more.

    Args:
        patience: seconds of waiting in which some bytes have to come: each single byte begins httpx's timeout anew.
    """

    def __init__(self, uri: str, response: httpx.Response, patience: float) -> None:
        self._uri = uri
        self._response = response
        self._patience = patience
        self.complete = False
        self.stalled = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        from anyio import fail_after

        from flowtui.httpclient import httpx

        waited, came = 0.0, 0
        pieces = self._response.aiter_raw()
        while True:
            begun = time.monotonic()
            try:
                with fail_after(self._patience):
                    chunk = await anext(pieces, None)
            except (TimeoutError, httpx.TimeoutException):
                self.stalled = True
                return
            except httpx.TransportError:
                return
            if chunk is None:
                self.complete = True
                return
            waited, came = waited + time.monotonic() - begun, came + len(chunk)
            yield chunk
            if waited > self._patience:
                if came < _LEAST_BYTES:
                    raise too_slow(self._uri, came, waited)
                waited, came = 0.0, 0


class HttpBackend:
    """Reads objects with GET alone: a URL signed for GET refuses HEAD."""

    shared = True

    def __init__(self, connections: Connections, urls: Urls) -> None:
        self._connections = connections
        self._urls = urls

    def handles(self, uri: str) -> bool:
        return self._urls.handles(uri)

    async def aclose(self) -> None:
        await self._connections.aclose()

    async def entries(self, uri: str) -> tuple[Entry, ...]:
        raise StorageError(
            f"{plain(uri)} is a directory of an object store, and a signed URL cannot list one.",
            "Credentials of the store are needed for that ([storage] of flowtui's file, or the store's own tools); "
            "its files can be read one by one where their names are known.",
        )

    async def stat(self, uri: str) -> Stat:
        response = await self._send(uri, "bytes=0-0", Meter())
        try:
            found = stat_of(response)
        finally:
            await response.aclose()
        if found is None:
            response = await self._send(uri, "", Meter())
            await response.aclose()
            found = stat_of(response)
        if found is None:
            raise StorageError(f"The server gives no size for {plain(uri)}.")
        return found

    async def fetch(self, uri: str, start: int, length: int, meter: Meter) -> Chunk:
        data = bytearray()
        size: int | None = None
        etag = ""
        failures = 0
        while len(data) < length:
            response = await self._send(uri, f"bytes={start + len(data)}-{start + length - 1}", meter)
            try:
                if response.status_code == 416 and start + len(data) > 0:
                    known = whole_size(response)
                    return Chunk(bytes(data), size if known is None else known, etag)
                if response.status_code == 416:
                    await response.aclose()
                    response = await self._send(uri, "", meter)
                before = len(data)
                etag = response.headers.get("etag", "")
                size, ended, stalled = await self._take(uri, response, start, length, data, meter)
            finally:
                await response.aclose()
            if ended:
                break
            if len(data) - before < (_LEAST_BYTES if stalled else 1):
                failures += 1
                if failures > _RETRIES:
                    raise no_progress(uri)
                await self._wait(failures)
        return Chunk(bytes(data), size, etag)

    async def stream(self, uri: str, start: int) -> AsyncGenerator[bytes, None]:
        position = start
        etag = ""
        failures = 0
        while True:
            response = await self._send(uri, f"bytes={position}-" if position else "", Meter())
            before = position
            try:
                if response.status_code == 416:
                    return
                if etag and response.headers.get("etag", etag) != etag:
                    raise StorageError(f"{plain(uri)} changed while it was read.", "Start again.")
                etag = response.headers.get("etag", "")
                skip, end, size = part_of(uri, response, position)
                body = _Body(uri, response, self._connections.timeout)
                async with aclosing(body.chunks()) as chunks:
                    async for data in chunks:
                        fresh = data[skip:] if end is None else data[skip : skip + end - position]
                        skip = max(skip - len(data), 0)
                        position += len(fresh)
                        if fresh:
                            yield fresh
                        if end is not None and position >= end:
                            break
                if body.complete and end is None and await self._is_whole(uri, response, position):
                    return
            finally:
                await response.aclose()
            if size is not None and position >= size:
                return
            failures = failures + 1 if position - before < (_LEAST_BYTES if body.stalled else 1) else 0
            if failures > _RETRIES:
                raise no_progress(uri)
            if failures:
                await self._wait(failures)

    async def _take(
        self, uri: str, response: httpx.Response, start: int, length: int, data: bytearray, meter: Meter
    ) -> tuple[int | None, bool, bool]:
        """Add what the answer brings of the range; the object's size, whether no more is to come, or it stalled."""
        position = start + len(data)
        skip, end, size = part_of(uri, response, position)
        if skip > _MOST_SKIPPED:
            raise StorageError(
                f"The server of {plain(uri)} does not serve parts of it.", "Download it with `flowtui get`."
            )
        most = length if end is None else max(min(length, end - start), 0)
        body = _Body(uri, response, self._connections.timeout)
        async with aclosing(body.chunks()) as chunks:
            async for chunk in chunks:
                meter.bytes_read += len(chunk)
                data += chunk[skip : skip + most - len(data)]
                skip = max(skip - len(chunk), 0)
                if len(data) >= most:
                    break
        if body.complete and end is None and await self._is_whole(uri, response, start + len(data)):
            return (None if skip else start + len(data)), True, False
        return size, size is not None and start + len(data) >= size, body.stalled

    async def _is_whole(self, uri: str, response: httpx.Response, position: int) -> bool:
        """Whether an object ends where its body ended: where the end was not told, a broken connection looks so."""
        if is_delimited(response):
            return True
        size = (await self.stat(uri)).size
        return size is None or position >= size

    async def _send(self, uri: str, ranged: str, meter: Meter) -> httpx.Response:
        """An open answer with status 200, 206 or 416, which the caller closes; anything else is an error."""
        from anyio import fail_after

        from flowtui.httpclient import httpx
        from flowtui.storage.checked_transport import ORIGIN, origin_of

        renewed = renew = False
        failures = 0
        while True:
            url = await self._urls.url(uri, renew=renew)
            renew = False
            meter.requests += 1
            client = await self._connections.client()
            try:
                request = client.build_request("GET", url, headers={"Range": ranged} if ranged else {})
                if self._urls.renewable:
                    request.extensions[ORIGIN] = origin_of(request.url)
                with fail_after(self._connections.timeout):
                    response = await client.send(request, stream=True)
            except (httpx.TransportError, TimeoutError) as error:
                failures += 1
                if failures > (1 if isinstance(error, httpx.ConnectError) else _RETRIES):
                    raise unreachable(uri, url, error, signed=self._urls.renewable) from error
                await self._wait(failures)
                continue
            except (httpx.InvalidURL, httpx.TooManyRedirects, ValueError) as error:
                raise unreachable(uri, "", error, signed=False) from error
            if response.status_code in (200, 206) or (response.status_code == 416 and ranged):
                if is_login_page(response, uri, signed=self._urls.renewable):
                    await response.aclose()
                    raise login_page(uri, response)
                return response
            body = await self._excerpt(uri, response)
            status = response.status_code
            if status in (404, 410):
                raise NotFoundError(f"There is no object {plain(uri)}.", "It may have been deleted since the run.")
            if status in _DENIED and self._urls.renewable and not renewed:
                renewed = renew = True
                continue
            if status in _BUSY and failures < _RETRIES:
                failures += 1
                await self._wait(failures)
                continue
            raise refused(uri, response, body, signed=self._urls.renewable, was_expired=expired(body))

    async def _excerpt(self, uri: str, response: httpx.Response) -> str:
        """The beginning of an error's body; the answer is closed."""
        data = bytearray()
        try:
            async with aclosing(_Body(uri, response, self._connections.timeout).chunks()) as chunks:
                async for chunk in chunks:
                    data += chunk
                    if len(data) >= _EXCERPT:
                        break
        finally:
            await response.aclose()
        return bytes(data[:_EXCERPT]).decode(errors="replace")

    async def _wait(self, failures: int) -> None:
        delay = self._connections.retry_delay * 2 ** (failures - 1)
        await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311
