"""The way to a server, step by step, for ``flowtui doctor``: proxy, name, connection, TLS."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flowtui.admin import probe
from flowtui.admin.diagnosis import diagnosis
from flowtui.admin.unreachable import Attempt, unreachable
from flowtui.errors import FlowtuiError, UnreachableError
from flowtui.httpclient import httpx
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.admin.connection import Connection
    from flowtui.session import Session

_SOON = 14
"""Days before the end of a certificate at which it is worth a word."""


async def proxy(session: Session) -> str:
    """Which proxy is on the way."""
    return f"{plain(session.client.connection.proxy)}; it looks up the server's name"


async def name(session: Session) -> str:
    """Look up the server's name, or the proxy's.

    Raises:
        UnreachableError: it is not known.
    """
    host, port = _first_hop(session.client.connection)
    try:
        found = await probe.addresses(host, port)
    except OSError as error:
        raise _unreachable(session.client.connection, error) from error
    return f"{plain(host)} is {', '.join(found[:4])}"


async def connection(session: Session) -> str:
    """Connect to the server, or to the proxy.

    Raises:
        UnreachableError: nothing takes the connection.
    """
    host, port = _first_hop(session.client.connection)
    try:
        address = await probe.connect(host, port)
    except (OSError, TimeoutError) as error:
        raise _unreachable(session.client.connection, error) from error
    return f"{address} takes connections on port {port}"


async def tls(session: Session) -> str:
    """Agree on TLS, with the settings that all requests have.

    Raises:
        UnreachableError, ElsewhereError: it is not spoken there, or the certificate is not to be trusted.
    """
    link = session.client.connection
    try:
        async with link.anonymous(link.base_url) as other:
            look = await other.look("GET", "/healthcheck")
    except FlowtuiError as error:
        raise await diagnosis(error, link) from error
    if look.tls is None:
        return "spoken"
    said = look.tls.version() or "TLS"
    shown = look.tls.getpeercert()
    if not shown:
        return f"{said}; certificates are not checked"
    found = probe.Certificate.of(shown)
    until = f", valid until {found.ends:%Y-%m-%d}" if found.ends else ""
    if found.ends and (found.ends - datetime.now(timezone.utc)).days < _SOON:
        until += ", which is soon"
    return f"{said}, certificate of {plain(', '.join(found.names[:3]))} signed by {plain(found.issuer)}{until}"


def _first_hop(link: Connection) -> tuple[str, int]:
    address = urlsplit(link.proxy or link.base_url)
    return address.hostname or "", address.port or (443 if address.scheme == "https" else 80)


def _unreachable(link: Connection, error: Exception) -> FlowtuiError:
    """What a request would have failed with."""
    kind = httpx.ConnectTimeout if isinstance(error, TimeoutError) else httpx.ConnectError
    wrapped = kind(str(error))
    wrapped.__cause__ = error
    found = unreachable(wrapped, Attempt(link.name, link.base_url, "a connection", 10.0, link.proxy))
    assert isinstance(found, UnreachableError)
    return found
