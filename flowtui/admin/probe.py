"""What is at a host and port, tried by hand: names, connections, certificates, protocols. For ``flowtui doctor``."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from anyio import fail_after

_PATIENCE = 5.0
_NO_CHECK_TIME = 0x200000
"""``X509_V_FLAG_NO_CHECK_TIME`` of OpenSSL, which Python does not name."""

# RFC 9113 section 3.4: what a client of HTTP/2 says first, and its empty SETTINGS frame.
_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_SETTINGS = 0x04


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server's certificate says: the names it is for, who signed it, and from when until when it is valid."""

    names: tuple[str, ...]
    issuer: str
    begins: datetime | None
    ends: datetime | None
    is_self_signed: bool

    @classmethod
    def of(cls, found: dict[str, Any]) -> Certificate:
        """From ``ssl.SSLSocket.getpeercert``."""
        names = [str(value) for kind, value in found.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]
        subject, issuer = _parts(found.get("subject", ())), _parts(found.get("issuer", ()))
        names = names or [name for name in (subject.get("commonName", ""),) if name]
        signed_by = " ".join(
            dict.fromkeys(value for key in ("organizationName", "commonName") if (value := issuer.get(key, "")))
        )
        return cls(
            tuple(names),
            signed_by,
            _moment(found.get("notBefore", "")),
            _moment(found.get("notAfter", "")),
            subject == issuer,
        )


async def addresses(host: str, port: int) -> list[str]:
    """The addresses of a host.

    Raises:
        OSError: the name is not known.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def connect(host: str, port: int, patience: float = 10.0) -> str:
    """Open and close a connection; the address that took it.

    Raises:
        OSError, TimeoutError: there is none.
    """
    async with _opened(host, port, None, patience) as (_, writer):
        return str(writer.get_extra_info("peername")[0])


async def certificate(host: str, port: int, patience: float = _PATIENCE) -> Certificate | None:
    """The certificate of a server, whether or not it is to be trusted; None where it shows none.

    OpenSSL reads a certificate out only where it was verified. So the connection is opened twice: the second time
    with the server's own certificate as the one that is trusted. Nothing is sent.
    """
    unchecked = _unchecked()
    with contextlib.suppress(OSError, TimeoutError, ValueError):
        async with _opened(host, port, unchecked, patience) as (_, writer):
            encoded = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        if not encoded:
            return None
        checked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        checked.check_hostname = False
        checked.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
        checked.load_verify_locations(cadata=encoded)
        async with _opened(host, port, checked, patience) as (_, writer):
            return Certificate.of(writer.get_extra_info("ssl_object").getpeercert() or {})
    return None


async def speaks_tls(host: str, port: int) -> bool:
    """Whether a TLS handshake succeeds at a port, with any certificate."""
    with contextlib.suppress(OSError, TimeoutError):
        async with _opened(host, port, _unchecked(), _PATIENCE):
            return True
    return False


async def speaks_http2(host: str, port: int, *, tls: bool) -> bool:
    """Whether a port answers HTTP/2's greeting with HTTP/2's, as gRPC servers do."""
    context = None
    if tls:
        context = _unchecked()
        context.set_alpn_protocols(["h2"])
    with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
        async with _opened(host, port, context, _PATIENCE) as (reader, writer):
            writer.write(_HTTP2_PREFACE)
            with fail_after(_PATIENCE):
                frame = await reader.readexactly(9)
            return frame[3] == _SETTINGS and frame[5:] == b"\x00\x00\x00\x00"
    return False


@asynccontextmanager
async def _opened(
    host: str, port: int, tls: ssl.SSLContext | None, patience: float
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    name = host if tls is not None else None
    with fail_after(patience):
        reader, writer = await asyncio.open_connection(host, port, ssl=tls, server_hostname=name)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def _unchecked() -> ssl.SSLContext:
    """A context that takes any certificate: only for looking, nothing is sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _parts(name: Any) -> dict[str, str]:
    return {str(key): str(value) for part in name for key, value in part}


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), timezone.utc)
    except (ValueError, OverflowError):
        return None
