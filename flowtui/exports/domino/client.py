"""HTTP to one Domino: its public API, and the paths below ``/v4`` that its own clients use."""

from __future__ import annotations

import asyncio
import json
import random
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from flowtui.admin.bodies import DamagedBodyError, LargeBodyError, whole_body
from flowtui.admin.proxies import proxy_of
from flowtui.admin.unreachable import Attempt, unreachable
from flowtui.errors import ConfigError, FlowtuiError, ServerError, UnreachableError
from flowtui.exports.domino.refusals import PASSING_STATUSES, refusal, seconds_to_wait
from flowtui.httpclient import http_client, httpx
from flowtui.permission import EVERYTHING
from flowtui.text import plain
from flowtui.urls import base_url

if TYPE_CHECKING:
    from flowtui.exports.domino.login import DominoLogin

ATTEMPTS = 4
"""How often a read, or a chunk, is sent in all."""

CONNECTIONS = 16
ANSWER_LIMIT = 64 * 2**20
"""Bytes of one JSON answer, decompressed."""

Params = Sequence[tuple[str, str | int]]

_CONNECT_SECONDS = 10.0
_LONGEST_WAIT = 10.0
_SEGMENT = re.compile(r"[\w.~-]{1,200}", re.ASCII)
# Domino takes no request of a program below /v4 without it (python-domino, domino.py).
_V4_HEADERS = {"Csrf-Token": "nocheck"}
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)


def segment(id_: str) -> str:
    """An id as one segment of a path. Raises ServerError where it is none, since it came from outside."""
    if not _SEGMENT.fullmatch(id_) or set(id_) == {"."}:
        raise ServerError(f"Domino gave an id that is none: {plain(id_[:80])!r}.")
    return quote(id_, safe="")


class DominoClient:
    """One Domino.

    Redirects are not followed, so that nothing of a login gets to another server.

    Args:
        url: its address, ``https://domino.example.com``.
        auth: the login; None to send requests as they are, as Domino's proxy in a run expects them.
        verify: the TLS context, or whether to check certificates.
        proxy: URL of an HTTP proxy; what the environment says where empty.
        transport: what carries the requests; the network where None.
        timeout: seconds for one answer.
        project: the project that is meant where a dataset is named without one: name, ``OWNER/NAME`` or id.
        retry_delay: seconds before the first repetition; doubled each time, with jitter.

    Attributes:
        calls: requests sent so far.
        permission: whether anything may be written.

    Raises:
        ConfigError: ``url`` is not the address of a server.
    """

    def __init__(
        self,
        url: str,
        *,
        auth: DominoLogin | None = None,
        verify: ssl.SSLContext | bool = True,
        proxy: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 30.0,
        project: str = "",
        retry_delay: float = 0.5,
    ) -> None:
        try:
            self.url = base_url(url)
        except ValueError as error:
            raise ConfigError(f"Domino's address is off: {error}.", "Write it as https://domino.example.com.") from None
        self.auth = auth
        self.project = project
        self.permission = EVERYTHING
        self.calls = 0
        self._verify = verify
        self._proxy = proxy
        self._transport = transport
        self._timeout = timeout
        self._retry_delay = retry_delay
        self._client: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    async def __aenter__(self) -> DominoClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        client, self._client = self._client, None
        if client is not None and self._transport is None:
            await client.aclose()

    async def get(self, path: str, params: Params = (), *, what: str) -> Any:
        """GET JSON, tried again after errors that may pass.

        Args:
            path: percent-encoded, from the address on.
            what: what is asked for, for messages.

        Raises:
            NotFoundError, AuthError, ServerError, UnreachableError: as ``refusals`` and ``unreachable`` have it.
        """
        return parsed((await self._retried("GET", path, params, what=what))[1], what)

    async def status(self, path: str, params: Params = (), *, what: str) -> int:
        """GET, for the status of a good answer alone. Raises as :meth:`get`."""
        return (await self._retried("GET", path, params, what=what))[0]

    async def content(self, path: str, params: Params = (), *, limit: int, what: str) -> bytes:
        """GET bytes, at most ``limit`` of them. Raises as :meth:`get`."""
        return (await self._retried("GET", path, params, what=what, limit=limit))[1]

    async def call(
        self, method: str, path: str, body: Any = None, params: Params = (), *, what: str, timeout: float | None = None
    ) -> Any:
        """Have something done, once; what Domino answers, None for nothing.

        Args:
            body: sent as JSON.
            timeout: seconds for the answer, where it may take longer than others.

        Raises:
            UnreachableError: no answer came, so that it may have been done all the same.
            NotFoundError, AuthError, ServerError: as :meth:`get`.
        """
        self.permission.require(f"nothing is done for {what}")
        data = json.dumps(body).encode() if body is not None else b""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        for attempt in range(ATTEMPTS):
            try:
                answer = await self._send(method, path, params, data, headers, what, ANSWER_LIMIT, timeout)
                return parsed(answer[1], what) if answer[1].strip() else None
            except UnreachableError as error:
                # What never got out can be repeated.
                if attempt == ATTEMPTS - 1 or not isinstance(error.__cause__, _NOT_SENT):
                    raise
            await self.pause(attempt)
        raise AssertionError("the last attempt raises")

    async def send(
        self, path: str, params: Params, body: httpx.AsyncByteStream | bytes, headers: Mapping[str, str], *, what: str
    ) -> None:
        """POST bytes that may be sent again, such as a chunk of a file. ``body`` can be read several times."""
        self.permission.require(f"nothing is sent for {what}")
        await self._retried("POST", path, params, body, headers, what=what)

    async def _retried(
        self,
        method: str,
        path: str,
        params: Params,
        body: httpx.AsyncByteStream | bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        what: str,
        limit: int = ANSWER_LIMIT,
    ) -> tuple[int, bytes]:
        for attempt in range(ATTEMPTS):
            asked: float | None = None
            try:
                return await self._send(method, path, params, body, headers or {}, what, limit, None)
            except UnreachableError:
                if attempt == ATTEMPTS - 1:
                    raise
            except ServerError as error:
                if attempt == ATTEMPTS - 1 or error.status not in PASSING_STATUSES:
                    raise
                asked = seconds_to_wait(error)
            await self.pause(attempt, asked)
        raise AssertionError("the last attempt raises")

    async def pause(self, attempt: int, asked: float | None = None) -> None:
        """Wait before repetition ``attempt``, counted from 0; ``asked``: seconds that the server asks for."""
        delay = self._retry_delay * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311
        if asked is not None and self._retry_delay:
            delay = max(delay, min(asked, _LONGEST_WAIT))
        await asyncio.sleep(delay)

    async def _send(
        self,
        method: str,
        path: str,
        params: Params,
        body: httpx.AsyncByteStream | bytes,
        headers: Mapping[str, str],
        what: str,
        limit: int,
        timeout: float | None,
    ) -> tuple[int, bytes]:
        """Status and body of a good answer."""
        async with self._answer(method, path, params, body, headers, what, timeout) as response:
            try:
                answer = await whole_body(response, limit)
            except LargeBodyError:
                raise ServerError(f"Domino's answer about {what} is larger than {limit >> 20} MiB.") from None
            if response.status_code >= 300:
                raise refusal(response, answer, what=what, url=self.url, login=self.auth)
            return response.status_code, answer

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        params: Params,
        body: httpx.AsyncByteStream | bytes,
        headers: Mapping[str, str],
        what: str,
        timeout: float | None,
    ) -> AsyncIterator[httpx.Response]:
        """One request with its open answer; what goes wrong inside the block is told in flowtui's errors."""
        client = self._open()
        url = f"{self.url}{path}?{urlencode(params)}" if params else self.url + path
        patience = self._patience(timeout or self._timeout)
        own = {**_V4_HEADERS, **headers} if path.startswith("/v4/") else headers
        request = client.build_request(method, url, headers=own, content=body or None, timeout=patience)
        self.calls += 1
        try:
            response = await client.send(request, stream=True)
            try:
                yield response
            finally:
                await response.aclose()
        except (httpx.TransportError, TimeoutError) as error:
            raise self._unreachable(error, what, timeout or self._timeout) from error
        except (DamagedBodyError, httpx.DecodingError) as error:
            raise UnreachableError(
                f"Domino sent a damaged answer about {what}: {plain(error)}.", "Try again."
            ) from error

    def _unreachable(self, error: Exception, what: str, timeout: float) -> FlowtuiError:
        proxy = "" if self._transport is not None else proxy_of(self.url, self._proxy or None)
        return unreachable(error, Attempt(f"Domino at {plain(self.url)}", self.url, what, timeout, proxy))

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = http_client(
                auth=self.auth,
                headers={"Accept": "application/json, */*", "Accept-Encoding": "gzip"},
                transport=self._transport,
                verify=self._verify if self.url.startswith("https://") else False,
                proxy=self._proxy,
                timeout=self._patience(self._timeout),
                follow_redirects=False,
                trust_env=True,
                limits=httpx.Limits(
                    max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=60
                ),
            )
        return self._client

    @staticmethod
    def _patience(timeout: float) -> httpx.Timeout:
        return httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS), pool=None)


def parsed(body: bytes, what: str) -> Any:
    """The JSON of an answer. Raises ServerError where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ServerError(
            f"Domino answered about {what} with something else than JSON.",
            "Check Domino's address (FLOWTUI_DOMINO_URL): it is that of its web page, without a path.",
        ) from None
