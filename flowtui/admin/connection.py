"""One server: requests with bounded concurrency, retries on reads, counters, and the fallback to JSON."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit, urlunsplit

from google.protobuf.message import Message

from flowtui.admin import wire
from flowtui.admin.failures import RETRIED_STATUSES, TooLargeError, failure
from flowtui.admin.wire import Format, M, UnreadableAnswerError
from flowtui.errors import ConfigError, FlowtuiError, ServerError, UnreachableError
from flowtui.httpclient import http_client, httpx

READ_ATTEMPTS = 4
"""How often a read is tried in all."""

ANSWER_LIMIT = 128 * 2**20
"""Bytes of one answer, decompressed; gRPC's own default limit is 4 MiB, so more is not Flyte."""

_NOT_UNDERSTOOD = frozenset({406, 415})
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class _Answer:
    asked: Format
    status: int
    body: bytes
    content_type: str
    location: str
    retry_after: float | None


class Connection:
    """HTTP to one Flyte Admin.

    Args:
        base_url: address with its path prefix, such as ``https://host/flows``.
        headers: sent with every request; never shown or logged.
        auth: adds the credentials to requests and renews them (``flowtui.admin.auth``).
        verify: the TLS context, or whether to check certificates.
        proxy: URL of an HTTP proxy; what the environment says where None. Hosts of ``NO_PROXY`` are reached directly.
        transport: what carries the requests; httpx's own where None.
        timeout: seconds for one request.
        concurrency: requests at one time.
        retry_delay: seconds before the first retry; doubled each time, with jitter.
        name: what messages call the server; its address where empty.

    Attributes:
        calls: requests sent so far, retries included.
        bytes_read: bytes of answers as they came over the wire.
        server_time: the Date of the last answer: the server's clock, in whole seconds; None where none said.

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
        self._headers = dict(headers or {})
        self._verify = verify
        self._proxy = proxy
        self._transport = transport
        self._timeout = timeout
        self._concurrency = concurrency
        self._retry_delay = retry_delay
        self._slots = asyncio.Semaphore(concurrency)
        self._client: httpx.AsyncClient | None = None
        self.format = Format.BINARY
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
                headers=self._headers,
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
        """GET a message, tried again after errors that may pass.

        Args:
            path: percent-encoded, from the base URL on (``wire.path``).
            what: what is asked for, for messages.
            retried: statuses after which the request is repeated.

        Raises:
            NotFoundError, AuthError, ServerError, UnreachableError: see ``failures.failure``.
        """
        what = what or path
        attempt = 0
        while True:
            last = attempt == READ_ATTEMPTS - 1
            try:
                answer = await self._send("GET", path, params, None, what)
            except UnreachableError:
                if last:
                    raise
                await self._wait(attempt, None)
                attempt += 1
                continue
            if answer.status < 300:
                try:
                    return wire.decode(answer.body, answer.content_type, message_type)
                except UnreadableAnswerError as error:
                    # A fallback is no retry: it happens once, as what is asked for in JSON does not fall back again.
                    if self._falls_back(answer):
                        continue
                    raise self._unreadable(what, error) from error
            if answer.status in _NOT_UNDERSTOOD and self._falls_back(answer):
                continue
            error_ = self._failure(answer, what)
            if last or answer.status not in retried or isinstance(error_, TooLargeError):
                raise error_
            await self._wait(attempt, answer.retry_after)
            attempt += 1

    async def write(
        self, method: str, path: str, message: Message | None, answer_type: type[M], *, what: str = ""
    ) -> M:
        """POST, PUT or DELETE a message, once; see ``read`` for the arguments and errors."""
        what = what or path
        answer = await self._send(method, path, {}, message, what)
        # 406 and 415 mean that nothing was done, so this one repetition is safe.
        if answer.status in _NOT_UNDERSTOOD and self._falls_back(answer):
            answer = await self._send(method, path, {}, message, what)
        if answer.status >= 300:
            raise self._failure(answer, what)
        try:
            return wire.decode(answer.body, answer.content_type, answer_type)
        except UnreadableAnswerError as error:
            raise self._unreadable(what, error) from error

    async def _send(
        self, method: str, path: str, params: Mapping[str, str], message: Message | None, what: str
    ) -> _Answer:
        async with self._slots:
            self.calls += 1
            try:
                return await self._exchange(method, path, params, message, self.format)
            except httpx.TimeoutException as error:
                raise UnreachableError(
                    f"{self.name} did not answer about {what} within {self._timeout:g} s.",
                    "Try again, or raise the timeout.",
                ) from error
            except httpx.TransportError as error:
                reason = _reason(error)
                raise UnreachableError(f"{self.name} cannot be reached: {reason}", _hint(error, reason)) from error
            except httpx.DecodingError as error:
                raise UnreachableError(f"{self.name} sent a damaged answer about {what}.", "Try again.") from error

    async def _exchange(
        self, method: str, path: str, params: Mapping[str, str], message: Message | None, format_: Format
    ) -> _Answer:
        headers = {"Accept": format_.value}
        body: bytes | None = None
        if message is not None:
            headers["Content-Type"] = format_.value
            body = wire.encode(message, format_)
        url = self.base_url + path
        request = self._open().build_request(method, url, params=dict(params) or None, headers=headers, content=body)
        response = await self._open().send(request, stream=True)
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > ANSWER_LIMIT:
                    raise ServerError(f"{self.name} sent more than {ANSWER_LIMIT // 2**20} MiB in one answer.")
                chunks.append(chunk)
        finally:
            # A transport that gives a whole body at once counts nothing.
            self.bytes_read += response.num_bytes_downloaded or size
            await response.aclose()
        self.server_time = _date(response.headers.get("date", "")) or self.server_time
        return _Answer(
            asked=format_,
            status=response.status_code,
            body=b"".join(chunks),
            content_type=response.headers.get("content-type", ""),
            location=response.headers.get("location", ""),
            retry_after=_seconds(response.headers.get("retry-after", "")),
        )

    def _falls_back(self, answer: _Answer) -> bool:
        """Whether a request is worth repeating in JSON: another one may have fallen back while this one was out."""
        self.format = Format.JSON
        return answer.asked is Format.BINARY

    def _failure(self, answer: _Answer, what: str) -> FlowtuiError:
        return failure(
            answer.status,
            answer.body,
            answer.content_type,
            what=what,
            server=self.name,
            location=answer.location,
        )

    def _unreadable(self, what: str, error: UnreadableAnswerError) -> ServerError:
        return ServerError(
            f"{self.name} answered about {what} with {error} instead of Flyte's protocol.",
            "Check the endpoint: it is the address of Flyte Admin with its path, such as https://host/flows."
            " A proxy that wants a login may answer so, too.",
        )

    async def _wait(self, attempt: int, asked: float | None) -> None:
        jitter = random.uniform(0.5, 1.5)  # noqa: S311
        delay = self._retry_delay * 2**attempt * jitter
        if asked is not None and self._retry_delay:
            delay = max(delay, min(asked, _PATIENCE))
        await asyncio.sleep(delay)


def _hint(error: Exception, reason: str) -> str:
    if "WRONG_VERSION_NUMBER" in reason:
        return "The server does not speak TLS there: write the endpoint with http:// instead of https://."
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return "SSL_CERT_FILE names a file with the certificates that this machine trusts, such as your organisation's."
    if isinstance(error, httpx.RemoteProtocolError):
        return "Try again. If it stays so, check the port: flowtui needs Flyte Admin's HTTP port, not the one for gRPC."
    return "Check the endpoint, the network and the proxy settings."


def _seconds(retry_after: str) -> float | None:
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 6 else None


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).replace(tzinfo=timezone.utc) if text else None
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None and not str(cause):
        cause = cause.__cause__ or cause.__context__
    return str(cause) if cause is not None else type(error).__name__
