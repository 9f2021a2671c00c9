"""httpx without its command line, and its client with the proxy that is meant.

``import httpx`` also imports ``httpx._main`` and with it rich, pygments and click where they are installed, which takes
about 100 ms and drags a terminal library into processes that print JSON. Everybody imports httpx from here:
``from flowtui.httpclient import httpx``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from flowtui.errors import ConfigError

if TYPE_CHECKING:
    import ssl

_COMMAND_LINE = "httpx._main"

# None in sys.modules makes the import of that one submodule fail; httpx takes that as "the extra is not installed".
_blocked = _COMMAND_LINE not in sys.modules and "httpx" not in sys.modules
if _blocked:
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]
try:
    import httpx
finally:
    if _blocked:
        del sys.modules[_COMMAND_LINE]

__all__ = ["http_client", "httpx"]


Through = Callable[[Callable[[], httpx.AsyncBaseTransport], bool], httpx.AsyncBaseTransport]
"""Gives the transport to use, of what makes one and of whether that goes through a proxy."""


def http_client(
    *,
    verify: ssl.SSLContext | bool = True,
    proxy: str = "",
    transport: httpx.AsyncBaseTransport | None = None,
    through: Through | None = None,
    **options: Any,
) -> httpx.AsyncClient:
    """A client of httpx.

    httpx forgets ``NO_PROXY`` where it is given a proxy; here the hosts that it names are reached directly, as with
    curl. Without a proxy, ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` say which.

    Args:
        verify: the TLS context, for an https proxy too.
        proxy: URL of an HTTP proxy, which may hold a password; what the environment says where empty.
        transport: what carries the requests, without a proxy; the network where None.
        through: gives the transports that requests pass; those of httpx where None.
        options: of ``httpx.AsyncClient``.

    Raises:
        ConfigError: the environment names a proxy of a kind that is not supported.
    """
    if transport is not None:
        given = transport
        return httpx.AsyncClient(transport=given if through is None else through(lambda: given, False), **options)
    try:
        if through is not None:
            return _client_through(through, verify, proxy, options)
        if not proxy:
            return httpx.AsyncClient(verify=verify, **options)
        return httpx.AsyncClient(verify=verify, proxy=_proxy(proxy, verify), mounts=_direct(), **options)
    except (ImportError, ValueError) as error:
        # httpx names the proxy and its password.
        raise ConfigError(
            "The proxy that the environment names is of a kind that flowtui cannot use.",
            "HTTP_PROXY, HTTPS_PROXY and ALL_PROXY have to be http:// URLs; NO_PROXY names hosts to reach directly.",
        ) from error


def _client_through(
    through: Through, verify: ssl.SSLContext | bool, proxy: str, options: dict[str, Any]
) -> httpx.AsyncClient:
    tls = httpx.create_ssl_context() if verify is True else verify
    proxies = {"all://": proxy} if proxy else _proxies_of_environment()
    mounts: dict[str, httpx.AsyncBaseTransport | None] = {
        pattern: through(partial(httpx.AsyncHTTPTransport, verify=tls, proxy=_proxy(url, tls)), True)
        for pattern, url in proxies.items()
    }
    if proxies:
        mounts |= _direct()
    return httpx.AsyncClient(
        transport=through(partial(httpx.AsyncHTTPTransport, verify=tls), False), mounts=mounts, **options
    )


def _proxy(url: str, verify: ssl.SSLContext | bool) -> httpx.Proxy:
    # httpx takes a context of a proxy only where it speaks TLS itself.
    return httpx.Proxy(url, ssl_context=None if isinstance(verify, bool) or not url.startswith("https://") else verify)


def _proxies_of_environment() -> dict[str, str]:
    """Proxies by patterns of httpx, as it reads them itself where it is given no transport."""
    from urllib.request import getproxies

    found = getproxies()
    return {
        f"{scheme}://": url if "://" in url else f"http://{url}"
        for scheme in ("http", "https", "all")
        if (url := found.get(scheme))
    }


def _direct() -> dict[str, None]:
    """The hosts of ``NO_PROXY`` as patterns of httpx, which reads them so from the environment."""
    from ipaddress import ip_address
    from urllib.request import getproxies

    patterns: dict[str, None] = {}
    for host in (part.strip() for part in getproxies().get("no", "").split(",")):
        if host == "*":
            return {"all://": None}
        if not host:
            continue
        try:
            address = ip_address(host.strip("[]"))
        except ValueError:
            patterns[host if "://" in host else f"all://{'' if host.lower() == 'localhost' else '*'}{host}"] = None
        else:
            patterns[f"all://[{address}]" if address.version == 6 else f"all://{address}"] = None
    return patterns
