"""What is wrong with an endpoint, found out with a few more requests. For ``flowtui doctor``."""

from __future__ import annotations

import json
import ssl
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

from flowtui import text
from flowtui.admin import probe
from flowtui.admin.connection import Connection, Look
from flowtui.admin.failures import PAGE_LOGIN_HINT, ElsewhereError
from flowtui.admin.unreachable import CA_HINT, GRPC_HINT, causes
from flowtui.admin.wire import BINARY, JSON, mime_type
from flowtui.errors import AuthError, FlowtuiError, UnreachableError

FLYTE_2_PATH = "/flyteidl2.project.ProjectService/ListProjects"
"""A method of Flyte 2, in the Connect protocol: a POST with JSON is answered with JSON, also where it wants a login."""

DOMINO_PATH = "/flows"
"""Where Domino serves Flyte."""


async def diagnosis(error: FlowtuiError, connection: Connection) -> FlowtuiError:
    """The same error, or one that says more exactly what is wrong and what to do.

    Sends no credentials. Through a proxy, only what HTTP can tell is tried.
    """
    address = urlsplit(connection.base_url)
    host, tls = address.hostname or "", address.scheme == "https"
    port = address.port or (443 if tls else 80)
    found = None
    if isinstance(error, UnreachableError) and not connection.proxy:
        found = await _certificate(error, host, port) or await _protocol(error, host, port, tls=tls)
    elif isinstance(error, ElsewhereError) or (isinstance(error, AuthError) and error.hint == PAGE_LOGIN_HINT):
        # Where Admin itself wants a login, the place is right.
        found = await _flyte_2(connection) or await _other_path(error, connection)
    if found is None:
        return error
    found.__cause__ = error
    return found


async def _certificate(error: FlowtuiError, host: str, port: int) -> FlowtuiError | None:
    """What the certificate that was refused says of itself."""
    if not any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes(error)):
        return None
    shown = await probe.certificate(host, port)
    if shown is None:
        return None
    now = datetime.now(timezone.utc)
    said = []
    if shown.ends is not None and shown.ends < now:
        said.append(f"It ended on {shown.ends:%Y-%m-%d %H:%M} UTC.")
    elif shown.begins is not None and shown.begins > now:
        said.append(f"It begins on {shown.begins:%Y-%m-%d %H:%M} UTC.")
    said.append(f"It is for {_listed(shown.names) or 'no name'}.")
    said.append("It is signed by itself." if shown.is_self_signed else f"It is signed by {text.plain(shown.issuer)}.")
    hint = CA_HINT if shown.is_self_signed and error.hint != CA_HINT and "renew" not in error.hint else error.hint
    return UnreachableError(" ".join([error.message, *said]), hint)


async def _protocol(error: FlowtuiError, host: str, port: int, *, tls: bool) -> FlowtuiError | None:
    """What is spoken at a port that does not answer as HTTP/1.1 does."""
    if not any(isinstance(cause, (ssl.SSLError, EOFError)) or _is_protocol(cause) for cause in causes(error)):
        return None
    place = f"{host}:{port}"
    if await probe.speaks_http2(host, port, tls=tls):
        return ElsewhereError(f"{place} speaks HTTP/2 only: it is a port for gRPC.", GRPC_HINT)
    if tls and await probe.speaks_http2(host, port, tls=False):
        return ElsewhereError(f"{place} speaks HTTP/2 without TLS: it is a port for gRPC.", GRPC_HINT)
    if not tls and await probe.speaks_tls(host, port):
        if await probe.speaks_http2(host, port, tls=True):
            return ElsewhereError(f"{place} speaks TLS and HTTP/2: it may be a port for gRPC.", _https(host, port))
        return ElsewhereError(f"{place} speaks TLS.", _https(host, port))
    return None


def _https(host: str, port: int) -> str:
    return f"Write the endpoint with https:// instead of http://: https://{host}:{port}."


def _is_protocol(cause: BaseException) -> bool:
    return type(cause).__name__ in ("RemoteProtocolError", "ReadError", "ConnectTimeout")


async def _flyte_2(connection: Connection) -> FlowtuiError | None:
    async with connection.anonymous(connection.origin) as other:
        for base in dict.fromkeys((urlsplit(connection.base_url).path, "")):
            headers = {"content-type": JSON, "accept": JSON, "connect-protocol-version": "1"}
            look = await _look(other, "POST", base + FLYTE_2_PATH, headers, b"{}")
            if look is not None and _is_connect(look):
                return ElsewhereError(
                    f"{connection.name} is a Flyte 2 server (it answers {FLYTE_2_PATH.split('/')[1]}).",
                    "flowtui reads Flyte 1 (Flyte Admin), and Flyte 2 has no such API: use its own console or SDK.",
                )
    return None


def _is_connect(look: Look) -> bool:
    """Whether an answer is one of the Connect protocol: a list of projects, or an error whose code is a word."""
    found = _json(look)
    if found is None:
        return False
    if look.status == 200:
        return set(found) <= {"projects"}
    return isinstance(found.get("code"), str) and look.status >= 400


async def _other_path(error: FlowtuiError, connection: Connection) -> FlowtuiError | None:
    """Where on the same host Flyte Admin answers, if it does."""
    path = urlsplit(connection.base_url).path.rstrip("/")
    parents = ["/".join(path.split("/")[:depth]) for depth in range(path.count("/"), 0, -1)]
    wanted = [*parents, path + DOMINO_PATH, DOMINO_PATH]
    async with connection.anonymous(connection.origin) as other:
        for candidate in dict.fromkeys(one for one in wanted if one != path):
            look = await _look(other, "GET", f"{candidate}/api/v1/version", {"accept": BINARY})
            if look is not None and _is_admin(look):
                return ElsewhereError(
                    error.message, f"Flyte Admin answers at {connection.origin}{candidate}: use that as the endpoint."
                )
    return None


def _is_admin(look: Look) -> bool:
    """Whether an answer about the version is Flyte Admin's: in binary as asked, or that of its gateway's JSON."""
    if look.status not in (200, 401, 403):
        return False
    if mime_type(look.headers.get("content-type", "")) == BINARY:
        return True
    found = _json(look)
    return found is not None and ("control_plane_version" in found or isinstance(found.get("code"), int))


def _json(look: Look) -> dict[str, Any] | None:
    if mime_type(look.headers.get("content-type", "")) != JSON:
        return None
    try:
        found = json.loads(look.body[:200_000] or b"null")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


async def _look(
    connection: Connection, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> Look | None:
    try:
        return await connection.look(method, path, headers, body)
    except FlowtuiError:
        return None


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(text.plain(name) for name in names[:4]) + more
