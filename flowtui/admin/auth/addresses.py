"""Which addresses may carry a secret, and whether two of them are one server."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: ``localhost`` or a loopback address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def may_carry_secrets(url: str) -> bool:
    """Whether a token may be sent there: over https, or over http to this machine only (RFC 8252, 8.3)."""
    parts = _split(url)
    if parts is None or not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; scheme and host are empty where the text is no http or https URL."""
    parts = _split(url)
    if parts is None or not parts.hostname or parts.scheme not in _PORTS:
        return "", "", 0
    return parts.scheme, parts.hostname.lower(), parts.port or _PORTS[parts.scheme]


def same_origin(one: str, other: str) -> bool:
    """Whether both URLs are of one server: scheme, host and port."""
    return bool(origin(one)[0]) and origin(one) == origin(other)


def host_of(url: str) -> str:
    """Host and, where it is written, port of a URL, as pyflyte names a server; empty where there is none."""
    parts = _split(url)
    return parts.netloc.rpartition("@")[2].lower() if parts is not None else ""


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError where the port is not one
    except ValueError:
        return None
    return parts
