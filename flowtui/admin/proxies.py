"""Which HTTP proxy a request goes through, as httpx chooses it."""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit, urlunsplit

from flowtui.httpclient import NoProxy, httpx


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
    try:
        if NoProxy.of_environment().covers(httpx.URL(address)):
            return ""
    except httpx.InvalidURL:
        return ""
    return _shown(found)


def _shown(url: str) -> str:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
