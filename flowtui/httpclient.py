"""httpx without its command line, and its client with the proxy that is meant.

``import httpx`` also imports ``httpx._main`` and with it rich, pygments and click where they are installed, which takes
about 100 ms and drags a terminal library into processes that print JSON. Everybody imports httpx from here:
``from flowtui.httpclient import httpx``.
"""

from __future__ import annotations

import sys
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


def http_client(
    *,
    verify: ssl.SSLContext | bool = True,
    proxy: str = "",
    transport: httpx.AsyncBaseTransport | None = None,
    **options: Any,
) -> httpx.AsyncClient:
    """A client of httpx.

    httpx forgets ``NO_PROXY`` where it is given a proxy; here the hosts that it names are reached directly, as with
    curl. Without a proxy, ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` say which.

    Args:
        verify: the TLS context, for an https proxy too.
        proxy: URL of an HTTP proxy, which may hold a password; what the environment says where empty.
        transport: what carries the requests, without a proxy; the network where None.
        options: of ``httpx.AsyncClient``.

    Raises:
        ConfigError: the environment names a proxy of a kind that is not supported.
    """
    if transport is not None:
        return httpx.AsyncClient(transport=transport, **options)
    try:
        if not proxy:
            return httpx.AsyncClient(verify=verify, **options)
        # httpx takes a context of a proxy only where it speaks TLS itself.
        tls = None if isinstance(verify, bool) or not proxy.startswith("https://") else verify
        through = httpx.Proxy(proxy, ssl_context=tls)
        return httpx.AsyncClient(verify=verify, proxy=through, mounts=_direct(), **options)
    except (ImportError, ValueError) as error:
        # httpx names the proxy and its password.
        raise ConfigError(
            "The proxy that the environment names is of a kind that flowtui cannot use.",
            "HTTP_PROXY, HTTPS_PROXY and ALL_PROXY have to be http:// URLs; NO_PROXY names hosts to reach directly.",
        ) from error


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
