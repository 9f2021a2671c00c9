"""The login of requests to Domino: a bearer token, Domino's older API key, or nothing where its proxy adds it.

The ways and their order are python-domino's (domino/authentication.py): the proxy of a run, a token that is given, a
file that holds one, an API key; and then the URL that gives a token inside of a run.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Generator

from flowtui.admin.auth.addresses import may_carry_secrets, same_origin
from flowtui.admin.auth.channel import AuthChannel
from flowtui.admin.auth.choice import API_KEY_HEADER
from flowtui.admin.auth.edge import EdgeHeaders
from flowtui.admin.auth.sources import FixedTokenError, GivenToken, TokenOfFile, TokenOfUrl, TokenSource
from flowtui.admin.auth.tokens import Token
from flowtui.config import AuthSettings, DominoSettings
from flowtui.errors import AuthError
from flowtui.httpclient import httpx
from flowtui.text import plain

_AUTHORIZATION = "Authorization"


class DominoLogin(httpx.Auth):
    """Adds the login to requests of one Domino, and to those of no other server.

    A token is had anew shortly before it ends, and once when it is refused; requests that are refused at the same time
    do so once.

    Args:
        url: Domino's address.
        source: where the token comes from.
        now: seconds since the epoch.

    Attributes:
        where: where the token comes from, for people.
    """

    def __init__(self, url: str, source: TokenSource, now: Callable[[], float] = time.time) -> None:
        self._url = url
        self._source = source
        self._now = now
        self._token: Token | None = None
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r}, {self.where!r})"

    @property
    def where(self) -> str:
        return self._source.where

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """See ``httpx.Auth``. Raises AuthError where there is no token, or none may be sent."""
        if not same_origin(str(request.url), self._url):
            yield request
            return
        if not may_carry_secrets(self._url):
            raise AuthError(
                f"{plain(self._url)} would get a login over plain http.",
                "Write Domino's address with https://; in a run of Domino, DOMINO_API_PROXY needs no login.",
            )
        token = await self._current()
        self._put(request, token)
        response = yield request
        if response.status_code != 401:
            return
        other = await self._other(token)
        if other is not None:
            self._put(request, other)
            yield request

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        raise RuntimeError("Domino is asked asynchronously only")

    def _put(self, request: httpx.Request, token: Token) -> None:
        source = self._source
        request.headers[source.header or _AUTHORIZATION] = f"{source.scheme} {token.access}".strip()

    async def _current(self) -> Token:
        token = self._token
        if token is not None and not token.expires_soon(self._now()):
            return token
        async with self._lock:
            token = self._token
            if token is None or token.expires_soon(self._now()):
                token = await self._source.at_hand()
                if token is None:
                    raise AuthError(f"{self.where} has no token.", "Put one there.")
                self._token = token
            return token

    async def _other(self, refused: Token) -> Token | None:
        """Another token than the refused one; None where there is none."""
        async with self._lock:
            if self._token is not None and self._token.access != refused.access:
                return self._token
            found = await self._source.newer(refused)
            if found is None and self._source.renewable:
                try:
                    found = await self._source.renewed(refused)
                except FixedTokenError:
                    found = None
            if found is None or found.access == refused.access:
                return None
            self._token = found
            return found


def domino_login(
    settings: DominoSettings,
    *,
    tls: Callable[[], ssl.SSLContext] | None = None,
    proxy: str = "",
    transport: httpx.AsyncBaseTransport | None = None,
    timeout: float = 30.0,
) -> DominoLogin | None:
    """The login that the settings have for Domino; None where there is none, or Domino's proxy adds it.

    Args:
        tls, proxy, transport, timeout: for the URL that gives a token, as for ``AuthChannel``.
    """
    source: TokenSource | None = None
    if settings.token:
        source = GivenToken(settings.token, settings.place("token"), mode="domino")
    elif settings.token_file is not None:
        source = TokenOfFile(settings.token_file, settings.place("token_file"), mode="domino")
    elif settings.api_key:
        source = GivenToken(
            settings.api_key, settings.place("api_key"), mode="domino", header=API_KEY_HEADER, scheme=""
        )
    elif settings.token_url:
        channel = AuthChannel(
            settings.url,
            headers={},
            edge=EdgeHeaders(AuthSettings()),
            tls=tls,
            proxy=proxy,
            transport=transport,
            timeout=timeout,
        )
        source = TokenOfUrl(settings.token_url, settings.place("token_url"), channel, mode="domino")
    return DominoLogin(settings.url, source) if source is not None else None
