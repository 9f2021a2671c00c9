"""The requests of a login: to the server itself and to the authorization server that it names."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowtui import text
from flowtui.admin.auth.addresses import host_of, may_carry_secrets, same_origin
from flowtui.admin.auth.edge import EdgeHeaders
from flowtui.errors import AuthError, ServerError, UnreachableError
from flowtui.httpclient import http_client, httpx

ANSWER_LIMIT = 1 << 20
"""Bytes of one answer; a token or a discovery document has a few thousand."""

_TEXT = {"Accept": "application/json"}


@dataclass(frozen=True)
class Answer:
    """An answer, read as a whole. Its body may hold a token, so it is not in the repr."""

    status: int
    content_type: str
    body: bytes = field(repr=False)

    def json(self) -> Mapping[str, Any]:
        """The JSON object of the body; empty where there is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


class AuthChannel:
    """Small requests, one at a time, that follow no redirect.

    Args:
        endpoint: base URL of Flyte Admin.
        headers: sent to the endpoint's own server only, as are those of ``edge``.
        tls: gives the TLS context when it is needed; httpx's own where None.
        proxy: URL of an HTTP proxy; what the environment says where empty.
        transport: what carries the requests, for tests; httpx's own where None.

    Attributes:
        calls: requests sent so far.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        headers: Mapping[str, str],
        edge: EdgeHeaders,
        tls: Callable[[], ssl.SSLContext] | None = None,
        proxy: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 30.0,
    ) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._headers = dict(headers)
        self._edge = edge
        self._tls = tls
        self._proxy = proxy
        self._transport = transport
        self._timeout = timeout
        self.calls = 0

    async def get(self, url: str, *, secret: bool = False) -> Answer:
        """GET.

        Args:
            secret: the answer holds a token, so that it may not come over plain http.

        Raises:
            AuthError: a secret would cross a network unencrypted.
            UnreachableError: nothing answers, or not in time.
        """
        return await self._send("GET", url, None, {}, secret)

    async def post(self, url: str, body: str, headers: Mapping[str, str] | None = None) -> Answer:
        """POST a form that holds a secret; see ``get`` for the errors."""
        form = {"Content-Type": "application/x-www-form-urlencoded", "Cache-Control": "no-cache"}
        return await self._send("POST", url, body, {**form, **(headers or {})}, True)

    async def _send(self, method: str, url: str, body: str | None, headers: Mapping[str, str], secret: bool) -> Answer:
        place = text.plain(host_of(url))
        if secret and not may_carry_secrets(url):
            raise AuthError(
                f"{place or 'The server'} would get a secret over plain http.",
                "Ask its administrator for an https address.",
            )
        own: dict[str, str] = {}
        if same_origin(url, self.endpoint):
            own = {**self._headers, **(await self._edge.get() if may_carry_secrets(url) else {})}
        self.calls += 1
        try:
            merged = httpx.Headers(own)
            merged.update(_TEXT)
            merged.update(headers)
            return await self._exchange(method, url, body, merged)
        except httpx.TimeoutException as error:
            raise UnreachableError(f"{place} did not answer within {self._timeout:g} s.", "Try again.") from error
        except (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL, UnicodeError) as error:
            raise UnreachableError(
                f"{place} cannot be reached for the login: {text.plain(error)}",
                "Check the network, the proxy settings and the certificates.",
            ) from error

    async def _exchange(self, method: str, url: str, body: str | None, headers: httpx.Headers) -> Answer:
        verify: ssl.SSLContext | bool = url.startswith("https://")
        if verify and self._tls is not None and self._transport is None:
            verify = await asyncio.to_thread(self._tls)
        client = http_client(
            transport=self._transport,
            verify=verify,
            proxy=self._proxy,
            timeout=httpx.Timeout(self._timeout, connect=min(self._timeout, 10.0)),
        )
        try:
            request = client.build_request(method, url, headers=headers, content=body)
            response = await client.send(request, stream=True)
            try:
                chunks, size = [], 0
                async for chunk in response.aiter_bytes():
                    size += len(chunk)
                    if size > ANSWER_LIMIT:
                        raise ServerError(f"{text.plain(host_of(url))} sent more than 1 MiB for a login.")
                    chunks.append(chunk)
            finally:
                await response.aclose()
        finally:
            # A transport that was given is its owner's.
            if self._transport is None:
                await client.aclose()
        return Answer(response.status_code, response.headers.get("content-type", ""), b"".join(chunks))
