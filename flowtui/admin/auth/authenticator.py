"""Logs requests in: a token in the header that the server reads, renewed before it ends and once when it is refused."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from flowtui.admin.auth.addresses import may_carry_secrets, same_origin
from flowtui.admin.auth.channel import AuthChannel
from flowtui.admin.auth.choice import Choice, Ways, choose
from flowtui.admin.auth.discovery import AUTHORIZATION
from flowtui.admin.auth.edge import EdgeHeaders
from flowtui.admin.auth.known_logins import KnownLogins
from flowtui.admin.auth.server_login import ServerLogin
from flowtui.admin.auth.sources import Clock, FixedTokenError, TokenSource
from flowtui.admin.auth.stores import TokenStores
from flowtui.admin.auth.token_endpoint import LOGIN_HINT
from flowtui.admin.auth.tokens import Token, redacted
from flowtui.config import AuthSettings, Settings
from flowtui.errors import AuthError, FlowtuiError
from flowtui.httpclient import httpx

T = TypeVar("T")


@dataclass(frozen=True)
class _Sent:
    """What a request carried: which generation of credentials, the token, the header it stood in, and whether the way
    to log in was known."""

    generation: int
    token: Token | None
    header: str
    final: bool


@dataclass(frozen=True)
class _Failure:
    """Why a generation of credentials cannot be replaced."""

    generation: int
    message: str
    hint: str


class Authenticator(httpx.Auth):
    """Adds credentials to the requests of one server, whatever the way to log in.

    No request waits for a person: where only a person can log in, AuthError says so. What is asked of the server
    beforehand is what no request can do without; requests that are refused at the same time renew the token once, and
    each is repeated once.

    Args:
        endpoint: base URL of Flyte Admin; nothing is added to requests to any other server.
        settings: how to log in.
        headers: sent with every request by the client; needed here for the requests of the login itself.
        home: the folder of flowtui's own files.
        places: ``Settings.sources``, to tell where a setting comes from.
        source: instead of what the settings say, for a login that is not kept yet.
        environ, now: of this process.
        tls, proxy, transport, timeout: as for ``AuthChannel``.

    Attributes:
        channel: the requests of the login itself, counted.
        server: what the server says about its login.
        stores: where tokens are kept.
    """

    def __init__(
        self,
        endpoint: str,
        settings: AuthSettings,
        *,
        headers: Mapping[str, str],
        home: Path,
        places: Mapping[str, str] = MappingProxyType({}),
        source: TokenSource | None = None,
        environ: Mapping[str, str] = os.environ,
        now: Clock = time.time,
        tls: Callable[[], ssl.SSLContext] | None = None,
        proxy: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._again = partial(
            Authenticator,
            endpoint,
            headers=headers,
            home=home,
            environ=environ,
            now=now,
            tls=tls,
            proxy=proxy,
            transport=transport,
            timeout=timeout,
        )
        self.endpoint = endpoint.rstrip("/")
        self.settings = settings
        self.stores = TokenStores(self.endpoint, settings, home)
        self._edge = EdgeHeaders(settings)
        self.channel = AuthChannel(
            self.endpoint,
            headers=headers,
            edge=self._edge,
            tls=tls,
            proxy=proxy,
            transport=transport,
            timeout=timeout,
        )
        self.server = ServerLogin(self.channel, settings, KnownLogins(home / "logins.json"), now)
        self._now = now
        self._ways = Ways(
            server=self.endpoint,
            settings=settings,
            headers=frozenset(name.lower() for name in headers),
            places=places,
            environ=environ,
            channel=self.channel,
            stores=self.stores,
            endpoint=self.server.token_endpoint,
            now=now,
        )
        self._choice = Choice(source, "it was just given") if source is not None else None
        self._token: Token | None = None
        self._looked = False
        self._generation = 0
        self._failure: _Failure | None = None
        self._doubt: AuthError | None = None
        self._lock = asyncio.Lock()
        self._choice_lock = asyncio.Lock()

    def __repr__(self) -> str:
        return f"Authenticator({self.endpoint!r}, mode={self.settings.mode!r})"

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        raise RuntimeError("flowtui asks servers with httpx.AsyncClient only")

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """See ``httpx.Auth``. Raises AuthError where the server refuses, and what renewing raises."""
        if not same_origin(str(request.url), self.endpoint):
            yield request
            return
        if not may_carry_secrets(self.endpoint):
            response = yield request
            if response.status_code == 401:
                raise AuthError(
                    f"{self.endpoint} wants a login, and over plain http no token is sent to another machine.",
                    "Write the endpoint with https://.",
                )
            return
        added: set[str] = set()
        sent = await self._prepare(request, added)
        response = yield request
        # One repetition, and one more where the first try was only to see whether a login is wanted.
        for _ in range(1 if sent.final else 2):
            if response.status_code != 401:
                return
            await _uninterrupted(self._replace(sent, response))
            sent = await self._prepare(request, added)
            response = yield request
        if response.status_code == 401:
            error = self._doubt or self._refused(response, sent)
            self._failure = _Failure(sent.generation, error.message, error.hint)
            raise AuthError(error.message, error.hint)

    async def choice(self, *, wants_login: bool = False) -> Choice:
        """How requests are logged in, found out at the first call.

        Raises:
            AuthError, ConfigError: what is configured cannot be used.
        """
        async with self._choice_lock:
            if self._choice is None or (wants_login and not self._choice.final):
                known = wants_login or self.server.known_discovery() is not None
                self._choice = await choose(self._ways, wants_login=known)
            return self._choice

    @property
    def current_token(self) -> Token | None:
        """The token that requests carry now."""
        return self._token

    @property
    def sends_given_headers(self) -> bool:
        """Whether headers of the configuration, or of a command, may be what lets requests in."""
        return bool(self._ways.headers) or self._edge.has_commands

    def with_source(self, source: TokenSource) -> Authenticator:
        """Another one for the same server, which logs in with that source and nothing else."""
        return self._again(self.settings, source=source)

    def without_login(self) -> Authenticator:
        """Another one for the same server, which sends no token."""
        return self._again(replace(self.settings, mode="none"))

    def header_for(self, source: TokenSource) -> str:
        """The header that a token goes into, as far as it is known."""
        return source.header or self.server.header

    async def _prepare(self, request: httpx.Request, added: set[str]) -> _Sent:
        """Puts the credentials into a request, in place of those of a try before, whose names are in ``added``."""
        for name in added:
            del request.headers[name]
        added.clear()
        headers = dict(await self._edge.get())
        choice = await self.choice()
        source = choice.source
        token = await self._current(source) if source is not None else None
        header = self.header_for(source) if source is not None else AUTHORIZATION
        if token is not None and source is not None:
            headers[header] = f"{source.scheme} {token.access}".strip()
        for name, value in headers.items():
            request.headers[name] = value
            added.add(name)
        return _Sent(self._generation, token, header, choice.final)

    async def _current(self, source: TokenSource) -> Token | None:
        """The token to send: the one at hand, or the next one where it ends soon."""
        self.server.known_discovery()
        if source.volatile:
            return await source.at_hand()
        if not self._looked:
            async with self._lock:
                if not self._looked:
                    self._token = await source.at_hand()
                    self._looked = True
        token, generation = self._token, self._generation
        if token is None or not token.expires_soon(self._now()) or not source.renewable or self._has_failed(generation):
            return token
        return await _uninterrupted(self._renew(source, token, generation))

    async def _renew(self, source: TokenSource, token: Token, generation: int) -> Token | None:
        async with self._lock:
            if generation == self._generation and not self._has_failed(generation):
                try:
                    self._accept(await source.newer(token) or await source.renewed(token))
                except AuthError as error:
                    # The server has the last word on whether the old one is at its end.
                    self._failure = _Failure(generation, error.message, error.hint)
                except FlowtuiError:
                    return token
            return self._token

    async def _replace(self, sent: _Sent, response: httpx.Response) -> None:
        """Other credentials in place of those that were refused.

        Raises:
            AuthError: there are none.
            ServerError, UnreachableError: who could give some does not answer.
        """
        async with self._lock:
            if sent.generation != self._generation:
                return
            if not sent.final:
                await self.server.learn()
            source = (await self.choice(wants_login=True)).source
            newer = await source.newer(sent.token) if source is not None else None
            if newer is not None and not newer.expires_soon(self._now()):
                self._accept(newer)
                return
            if self._failure is not None and self._has_failed(sent.generation):
                raise AuthError(self._failure.message, self._failure.hint)
            try:
                await self._try_others(source, newer or sent.token, sent, response)
            except AuthError as error:
                self._failure = _Failure(sent.generation, error.message, error.hint)
                raise

    async def _try_others(
        self, source: TokenSource | None, token: Token | None, sent: _Sent, response: httpx.Response
    ) -> None:
        had_commands = self._edge.has_commands
        self._edge.forget()
        if source is None:
            if not had_commands:
                raise self._refused(response, sent)
            self._accept(None)
            return
        try:
            renewed = await source.renewed(token)
        except AuthError as error:
            # Nothing but another header, or other headers for a proxy in front, can help then.
            other = not source.header and sent.token is not None and await self.server.other_header(sent.header)
            if not (other or had_commands):
                if isinstance(error, FixedTokenError):
                    raise self._refused(response, sent) from error
                raise
            self._accept(token)
            self._doubt = None if isinstance(error, FixedTokenError) else error
        else:
            if not source.header:
                # The header that was tried may be what was wrong.
                await self.server.learn()
            self._accept(renewed)

    def _accept(self, token: Token | None) -> None:
        self._token = token
        self._looked = True
        self._generation += 1
        self._failure = None
        self._doubt = None

    def _has_failed(self, generation: int) -> bool:
        return self._failure is not None and self._failure.generation == generation

    def _refused(self, response: httpx.Response, sent: _Sent) -> AuthError:
        """What to say when there is nothing left to try."""
        said = redacted(response.headers.get("www-authenticate", ""), sent.token.access if sent.token else "")
        choice = self._choice
        if choice is not None and choice.source is not None and sent.token is not None:
            kept = choice.mode in ("pkce", "device")
            return AuthError(
                f"{self.endpoint} does not accept the token of {choice.source.where}{': ' if said else '.'}{said}",
                LOGIN_HINT if kept else "Check that it is a token of this server, and still good.",
            )
        return AuthError(
            f"{self.endpoint} does not accept what the configuration says{': ' if said else '.'}{said}",
            "Check the headers of this server in the configuration, or log in: `flowtui login`.",
        )


async def _uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """What the work returns; it goes on where its caller is cancelled, for a refresh token can be used once only."""
    task = asyncio.ensure_future(work)
    # Read here, since nobody else does where the caller is gone.
    task.add_done_callback(_read_exception)
    return await asyncio.shield(task)


def _read_exception(done: asyncio.Future[T]) -> None:
    if not done.cancelled():
        done.exception()


def authenticator(
    settings: Settings,
    *,
    tls: Callable[[], ssl.SSLContext] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Authenticator | None:
    """What logs in to the configured server; None where the embedded Admin of this process is meant.

    Args:
        tls, transport: as for ``AuthChannel``.
    """
    if settings.endpoint is None:
        return None
    return Authenticator(
        settings.endpoint,
        settings.auth,
        headers=settings.headers,
        home=settings.home,
        places=settings.sources,
        tls=tls,
        proxy=settings.transport.proxy,
        transport=transport,
        timeout=settings.timeout,
    )
