"""httpx without its command line, and its client with the proxy that is meant.

``import httpx`` also imports ``httpx._main`` and with it rich, pygments and click where they are installed, which takes
about 100 ms and drags a terminal library into processes that print JSON. Everybody imports httpx from here:
``from flowtui.httpclient import httpx``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

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

__all__ = ["NoProxy", "http_client", "httpx"]


Through = Callable[[Callable[[], httpx.AsyncBaseTransport], bool], httpx.AsyncBaseTransport]
"""Gives the transport to use, of what makes one and of whether that goes through a proxy."""


class _Exception(NamedTuple):
    """An entry of ``NO_PROXY``; what is empty or None holds for all."""

    scheme: str
    name: str
    network: IPv4Network | IPv6Network | None
    port: int | None

    def covers(self, url: httpx.URL) -> bool:
        if self.scheme and self.scheme != url.scheme:
            return False
        if self.port is not None and self.port != (url.port or {"http": 80, "https": 443}.get(url.scheme)):
            return False
        if self.network is not None:
            try:
                return ip_address(url.host) in self.network
            except ValueError:
                return False
        return url.host.endswith(self.name) if self.name.startswith(".") else self.name in ("", url.host)


class NoProxy:
    """The hosts that are reached directly, as ``NO_PROXY`` lists them.

    With commas between them: ``example.com`` (and what is below it), ``.example.com`` or ``*.example.com`` (only what
    is below it), ``10.1.2.3``, ``::1`` or ``[::1]``, ``10.0.0.0/8`` or ``fd00::/8``, each with ``:port`` after it or
    ``https://`` before it, and ``*`` for all. httpx reads no networks and fails at brackets, which curl and Go take;
    like them, this leaves out what it can't read.
    """

    def __init__(self, value: str) -> None:
        self._exceptions = [found for part in value.lower().split(",") for found in _exceptions_of(part.strip())]

    @classmethod
    def of_environment(cls) -> NoProxy:
        """What ``NO_PROXY`` or ``no_proxy`` say; what an operating system lists besides is not looked at."""
        from urllib.request import getproxies

        return cls(getproxies().get("no", ""))

    def covers(self, url: httpx.URL) -> bool:
        """Whether a URL is reached directly."""
        return any(exception.covers(url) for exception in self._exceptions)


def _exceptions_of(entry: str) -> list[_Exception]:
    scheme, _, rest = entry.rpartition("://")
    if not rest:
        return []
    if rest == "*":
        return [_Exception(scheme, "", None, None)]
    host, colon, port = rest.rpartition(":")
    if not colon or not port.isdecimal() or (":" in host and not host.endswith("]")):
        host, port = rest, ""
    number = int(port) if port else None
    try:
        network = ip_network(host.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return _names(scheme, host.removeprefix("*"), number)
    return [_Exception(scheme, "", network, number)]


def _names(scheme: str, name: str, port: int | None) -> list[_Exception]:
    try:
        # As the URL of a request writes it, for names in other scripts.
        host = httpx.URL(f"all://{name.removeprefix('.')}").host
    except httpx.InvalidURL:
        return []
    if not host or "/" in name:
        return []
    below = _Exception(scheme, f".{host}", None, port)
    if name.startswith(".") or host == "localhost":
        return [below] if name.startswith(".") else [_Exception(scheme, host, None, port)]
    return [below, _Exception(scheme, host, None, port)]


class _Proxied(httpx.AsyncBaseTransport):
    """Goes through a proxy, but directly to what ``NO_PROXY`` lists."""

    def __init__(self, proxied: httpx.AsyncBaseTransport, direct: httpx.AsyncBaseTransport, no_proxy: NoProxy) -> None:
        self._proxied = proxied
        self._direct = direct
        self._no_proxy = no_proxy

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        chosen = self._direct if self._no_proxy.covers(request.url) else self._proxied
        return await chosen.handle_async_request(request)

    async def aclose(self) -> None:
        await self._proxied.aclose()


def http_client(
    *,
    verify: ssl.SSLContext | bool = True,
    proxy: str = "",
    transport: httpx.AsyncBaseTransport | None = None,
    through: Through | None = None,
    limits: httpx.Limits = httpx.Limits(max_connections=100, max_keepalive_connections=20),  # noqa: B008
    **options: Any,
) -> httpx.AsyncClient:
    """A client of httpx.

    httpx forgets ``NO_PROXY`` where it is given a proxy; here the hosts that it names (see ``NoProxy``) are reached
    directly. Without a proxy, ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``ALL_PROXY`` say which.

    Args:
        verify: the TLS context, for an https proxy too.
        proxy: URL of an HTTP proxy, which may hold a password; what the environment says where empty.
        transport: what carries the requests, without a proxy; the network where None.
        through: gives the transports that requests pass; those of httpx where None.
        limits: of each way, the direct one and those through proxies; those of httpx by default.
        options: of ``httpx.AsyncClient``.

    Raises:
        ConfigError: the environment names a proxy of a kind that is not supported.
    """
    through = through or _as_it_is
    if transport is not None:
        given = transport
        return httpx.AsyncClient(transport=through(lambda: given, False), **options)
    proxies = {"all://": proxy} if proxy else _proxies_of_environment()
    tls = httpx.create_ssl_context() if verify is True and proxies else verify
    make = partial(httpx.AsyncHTTPTransport, verify=tls, limits=limits)
    try:
        direct = through(make, False)
        no_proxy = NoProxy.of_environment() if proxies else NoProxy("")
        mounts = {
            pattern: _Proxied(through(partial(make, proxy=_proxy(url, tls)), True), direct, no_proxy)
            for pattern, url in proxies.items()
        }
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        # httpx names the proxy and its password.
        raise ConfigError(
            "The proxy that the environment names is of a kind that flowtui cannot use.",
            "HTTP_PROXY, HTTPS_PROXY and ALL_PROXY have to be http:// URLs; NO_PROXY names hosts to reach directly.",
        ) from error
    return httpx.AsyncClient(transport=direct, mounts=mounts, **options)


def _as_it_is(make: Callable[[], httpx.AsyncBaseTransport], _: bool) -> httpx.AsyncBaseTransport:
    return make()


def _proxy(url: str, verify: ssl.SSLContext | bool) -> httpx.Proxy:
    if url.startswith("socks"):
        # A transport is made when it is needed first; that it cannot be is told before.
        import_module("socksio")
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
