"""Which HTTP proxy a request goes through, as httpx chooses it."""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit, urlunsplit


def proxy_of(address: str, configured: str | None = None) -> str:
    """The proxy for an address, without user and password; empty where there is none.

    Args:
        configured: the URL of a setting, which wins over ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``ALL_PROXY``; hosts of
            ``NO_PROXY`` are reached directly in any case.
    """
    parts = urlsplit(address)
    proxies = urllib.request.getproxies()
    found = configured or proxies.get(parts.scheme) or proxies.get("all") or ""
    if not found or not parts.hostname:
        return ""
    # Of NO_PROXY alone; what an operating system lists besides, httpx does not look at either.
    listed = [name.strip() for name in proxies.get("no", "").split(",") if name.strip()]
    if any(name == "*" or _covers(name, parts.hostname) for name in listed):
        return ""
    return _shown(found)


def _covers(name: str, host: str) -> bool:
    bare = name.lstrip(".").lower()
    return host.lower() == bare or host.lower().endswith(f".{bare}")


def _shown(url: str) -> str:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
