"""One server: requests with bounded concurrency and time, retries on reads, counters, the fallback to JSON."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit, urlunsplit

from google.protobuf.message import Message

from flowtui.admin import wire
from flowtui.admin.bodies import DamagedBodyError, LargeBodyError, downloaded, has_end, whole_body
from flowtui.admin.failures import RETRIED_STATUSES, TooLargeError, failure, unreadable
from flowtui.admin.patience import Patience
from flowtui.admin.proxies import proxy_of
from flowtui.admin.unreachable import Attempt, unreachable
from flowtui.admin.wire import Format, M, UnreadableAnswerError
from flowtui.errors import ConfigError, FlowtuiError, ServerError, UnreachableError
from flowtui.httpclient import http_client, httpx
from flowtui.permission import EVERYTHING, Permission

READ_ATTEMPTS = 4
"""How often a read is tried in all."""

ANSWER_LIMIT = 128 * 2**20
"""Bytes of one answer, decompressed; gRPC's own default limit is 4 MiB, so more is not Flyte."""

_NOT_UNDERSTOOD = frozenset({406, 415})
_PATIENCE = 10.0
_ENOUGH_DOUBTS = 2
_SAME_TIME = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    content_type: str
    location: str
    retry_after: float | None
    has_end: bool


@dataclass(frozen=True, slots=True)
class Look:
    """An answer as it is: status, headers in lower case, body, and the TLS that it came over, if any."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    tls: ssl.SSLObject | None


class Connection:
    """HTTP to one Flyte Admin.

    Args:
        base_url: address with its path prefix, such as ``https://host/flows``.
        headers: sent with every request; never shown or logged.
        auth: adds the credentials to requests and renews them (``flowtui.admin.auth``).
        verify: the TLS context, or whether to check certificates.
        proxy: URL of an HTTP proxy; what the environment says where None. Hosts of ``NO_PROXY`` are reached directly.
        transport: what carries the requests; httpx's own where None.
        timeout: seconds for one answer, from request to last byte, repetitions included.
        concurrency: requests at one time.
        retry_delay: seconds before the first retry; doubled each time, with jitter.
        name: what messages call the server; its address where empty.
        permission: whether anything may be written.

    Attributes:
        calls: requests sent so far, retries included.
        bytes_read: bytes of answers as they came over the wire.
        server_time: the Date of the last answer: the server's clock, in whole seconds; None where none said.
        skew: how much the server's clock is ahead of this machine's, as its last answer told; 0 below 5 seconds.
        proxy: the proxy on the way, without user and password; empty where there is none.

    Raises:
        ConfigError: ``base_url`` is not an http or https address.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
        verify: ssl.SSLContext | bool = True,
        proxy: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 30.0,
        concurrency: int = 16,
        retry_delay: float = 0.2,
        name: str = "",
        permission: Permission = EVERYTHING,
    ) -> None:
        address = urlsplit(base_url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ConfigError(
                f"{base_url!r} is not the address of a server.", "Write it as https://host, with its path if any."
            )
        # User and password of the address are sent as a header, since httpx logs URLs.
        self._auth: httpx.Auth | tuple[str, str] | None = auth
        if auth is None and address.username:
            self._auth = unquote(address.username), unquote(address.password or "")
        self.base_url = urlunsplit(
            (address.scheme, address.netloc.rpartition("@")[2], address.path.rstrip("/"), "", "")
        )
        self.name = name or self.base_url
        self._permission = permission
        self._headers = dict(headers or {})
        self._verify = verify
        self._proxy = proxy
        self.proxy = "" if transport is not None else proxy_of(self.base_url, proxy)
        self._transport = transport
        self._timeout = timeout
        self._concurrency = concurrency
        self._retry_delay = retry_delay
        self._slots = asyncio.Semaphore(concurrency)
        self._client: httpx.AsyncClient | None = None
        self.format = Format.BINARY
        self._doubts = 0
        self.skew = timedelta(0)
        self.calls = 0
        self.bytes_read = 0
        self.server_time: datetime | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            # Over plain HTTP no certificates are read, which saves their loading; redirects are not followed.
            self._client = http_client(
                headers={"Accept-Encoding": "gzip", **self._headers},
                auth=self._auth,
                transport=self._transport,
                verify=self._verify if self.base_url.startswith("https://") else False,
                proxy=self._proxy or "",
                timeout=httpx.Timeout(self._timeout, connect=min(self._timeout, _PATIENCE), pool=None),
                limits=httpx.Limits(
                    max_connections=self._concurrency, max_keepalive_connections=self._concurrency, keepalive_expiry=90
                ),
            )
        return self._client

    async def read(
        self,
        path: str,
        params: Mapping[str, str],
        message_type: type[M],
        *,
        what: str = "",
        retried: frozenset[int] = RETRIED_STATUSES,
    ) -> M:
        """GET a message, tried again after errors that may pass, within the timeout in all.

        Args:
            path: percent-encoded, from the base URL on (``wire.path``).
            what: what is asked for, for messages.
            retried: statuses after which the request is repeated.

        Raises:
            NotFoundError, AuthError, ServerError, UnreachableError: see ``failures`` and ``unreachable``.
        """
        what = what or path
        patience = Patience(self._timeout)
        format_ = self.format
        attempt = 0
        while True:
            asked_delay: float | None = None
            passing = True
            try:
                answer = await self._send("GET", path, params, None, what, format_, patience)
            except UnreachableError as caught:
                error: FlowtuiError = caught
            else:
                falls_back = format_ is Format.BINARY
                if answer.status < 300:
                    try:
                        message = self._message(answer, message_type)
                    except UnreadableAnswerError as caught:
                        error, passing = self._unreadable(answer, what, caught), False
                    else:
                        self._came_through(format_)
                        return message
                else:
                    error = self._failure(answer, what)
                    passing = answer.status in retried and not isinstance(error, TooLargeError)
                    falls_back = falls_back and answer.status in _NOT_UNDERSTOOD
                    asked_delay = answer.retry_after
                    if falls_back:
                        self.format = Format.JSON
                if falls_back:
                    # A fallback is no retry: it happens once, as what is asked for in JSON does not fall back again.
                    format_ = Format.JSON
                    continue
            if not passing or attempt == READ_ATTEMPTS - 1 or not await self.pause(attempt, asked_delay, patience):
                raise error
            attempt += 1

    async def write(
        self, method: str, path: str, message: Message | None, answer_type: type[M], *, what: str = ""
    ) -> M:
        """POST, PUT or DELETE a message, once; see ``read`` for the arguments and errors."""
        what = what or path
        self._permission.require(f"nothing is written for {what}")
        patience = Patience(self._timeout)
        # A write cannot be repeated in JSON, so it goes in JSON where binary is in doubt.
        format_ = Format.JSON if self._doubts else self.format
        try:
            answer = await self._send(method, path, {}, message, what, format_, patience)
            # 406 and 415 mean that nothing was done, so this one repetition is safe.
            if answer.status in _NOT_UNDERSTOOD and format_ is Format.BINARY:
                self.format = Format.JSON
                answer = await self._send(method, path, {}, message, what, self.format, patience)
        except UnreachableError as error:
            if not isinstance(error.__cause__, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
                advice = error.hint.removeprefix("Try again.").strip()
                error.hint = f"It may have been done all the same: look before you try again. {advice}".strip()
            raise
        if answer.status >= 300:
            raise self._failure(answer, what)
        try:
            return self._message(answer, answer_type)
        except UnreadableAnswerError as error:
            raise self._unreadable(answer, what, error) from error

    async def look(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Look:
        """One request, once, and whatever is answered as it is: for looking around, not for data.

        Raises:
            AuthError, UnreachableError: there was no answer.
        """
        patience = Patience(self._timeout)
        async with self._sent(method, path, {}, body, headers or {}, path, patience) as response:
            stream = response.extensions.get("network_stream")
            return Look(
                response.status_code,
                dict(response.headers),
                await whole_body(response, ANSWER_LIMIT),
                stream.get_extra_info("ssl_object") if stream is not None else None,
            )

    @property
    def origin(self) -> str:
        """The address without its path."""
        address = urlsplit(self.base_url)
        return f"{address.scheme}://{address.netloc}"

    @property
    def is_network(self) -> bool:
        """Whether requests go over the network, and not to a transport in process."""
        return self._transport is None

    @asynccontextmanager
    async def anonymous(self, base_url: str) -> AsyncIterator[Connection]:
        """A connection to another address on the same way, without headers and credentials."""
        other = Connection(
            base_url,
            verify=self._verify,
            proxy=self._proxy,
            transport=self._transport,
            timeout=min(self._timeout, _PATIENCE),
            name=self.name,
        )
        try:
            yield other
        finally:
            if self._transport is None:
                await other.aclose()

    def server_now(self) -> datetime:
        """The time by the server's clock, as its last answer told it."""
        return datetime.now(timezone.utc) + self.skew

    async def pause(self, attempt: int, asked: float | None = None, patience: Patience | None = None) -> bool:
        """Wait before a request is repeated; False, at once, where that would take too long."""
        jitter = random.uniform(0.5, 1.5)  # noqa: S311
        delay = self._retry_delay * 2**attempt * jitter
        if asked is not None and self._retry_delay:
            delay = max(delay, min(asked, _PATIENCE))
        if patience is not None and not patience.spend(delay):
            return False
        await asyncio.sleep(delay)
        return True

    async def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        message: Message | None,
        what: str,
        format_: Format,
        patience: Patience,
    ) -> _Answer:
        headers = {"Accept": format_.value}
        body: bytes | None = None
        if message is not None:
            headers["Content-Type"] = format_.value
            body = wire.encode(message, format_)
        async with self._sent(method, path, params, body, headers, what, patience) as response:
            told_end = has_end(response)
            return _Answer(
                status=response.status_code,
                body=await whole_body(response, ANSWER_LIMIT),
                content_type=response.headers.get("content-type", ""),
                location=response.headers.get("location", ""),
                retry_after=_seconds(response.headers.get("retry-after", "")),
                has_end=told_end,
            )

    @asynccontextmanager
    async def _sent(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        body: bytes | None,
        headers: Mapping[str, str],
        what: str,
        patience: Patience,
    ) -> AsyncIterator[httpx.Response]:
        """One request with its open answer; what goes wrong with it inside the block is told in flowtui's errors."""
        try:
            async with self._slots:
                self.calls += 1
                client = self._open()
                request = client.build_request(
                    method, self.base_url + path, params=dict(params) or None, headers=headers, content=body
                )
                # httpx's own timeout begins anew with every byte.
                with patience.counted():
                    response = await client.send(request, stream=True)
                    try:
                        self._note_clock(response)
                        yield response
                    finally:
                        self.bytes_read += downloaded(response)
                        await response.aclose()
        except (httpx.TransportError, TimeoutError) as error:
            raise unreachable(error, self._attempt(what)) from error
        except (DamagedBodyError, httpx.DecodingError) as error:
            raise UnreachableError(f"{self.name} sent a damaged answer about {what}: {error}.", "Try again.") from error
        except LargeBodyError as error:
            raise ServerError(f"{self.name} sent more than {ANSWER_LIMIT // 2**20} MiB in one answer.") from error

    def _attempt(self, what: str) -> Attempt:
        return Attempt(self.name, self.base_url, what, self._timeout, self.proxy)

    def _note_clock(self, response: httpx.Response) -> None:
        """Learn by how much the server's clock differs; a cache on the way (``Age``) tells an old time."""
        sent = _date(response.headers.get("date", ""))
        if sent is not None and "age" not in response.headers:
            self.server_time = sent
            skew = sent - datetime.now(timezone.utc)
            self.skew = skew if abs(skew) > _SAME_TIME else timedelta(0)

    def _message(self, answer: _Answer, message_type: type[M]) -> M:
        if not answer.has_end and wire.mime_type(answer.content_type) == wire.BINARY:
            raise UnreadableAnswerError("binary data whose end is not told")
        return wire.decode(answer.body, answer.content_type, message_type)

    def _came_through(self, asked: Format) -> None:
        """Go over to JSON for good where two reads in a row came through in JSON only: one may have been damaged."""
        if asked is Format.BINARY:
            self._doubts = 0
        elif self.format is Format.BINARY:
            self._doubts += 1
            if self._doubts >= _ENOUGH_DOUBTS:
                self.format = Format.JSON

    def _failure(self, answer: _Answer, what: str) -> FlowtuiError:
        return failure(
            answer.status,
            answer.body,
            answer.content_type,
            what=what,
            server=self.name,
            location=answer.location,
            address=self.base_url,
        )

    def _unreadable(self, answer: _Answer, what: str, error: UnreadableAnswerError) -> FlowtuiError:
        return unreadable(
            answer.body, answer.content_type, str(error), what=what, server=self.name, address=self.base_url
        )


def _seconds(retry_after: str) -> float | None:
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 6 else None


def _date(header: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)
