"""Carries requests to places that a run names, and to none that only this machine reaches.

A name is resolved once, its addresses are checked, and the connection goes to the address that was checked: a name that
resolves to another one a moment later gains nothing. Redirects pass here one by one, as httpx sends each anew.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from flowtui.errors import StorageError
from flowtui.httpclient import httpx
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.storage.trust import Address, Trust

ORIGIN = "flowtui.origin"
"""The extension of a request that names the origin which the server chose by signing a URL: it is asked unchecked."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host, for a port; raises OSError where there are none. It is called in a thread."""


def origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL; the port is None where it is the scheme's own."""
    return url.scheme, url.host, url.port


def _asked(url: httpx.URL) -> str:
    """The host as it goes over the wire: httpx shows one in letters of another language decoded."""
    return url.raw_host.decode("ascii")


def _addresses(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedTransport(httpx.AsyncBaseTransport):
    """A transport that asks public addresses and places that are trusted.

    Args:
        make: makes a transport; there is one for each host, so that a connection that was made for one name is never
            used for another with the same address.
        is_proxied: the transport goes through a proxy, which resolves names by itself: they are checked here as far as
            they are known here, and asked for by name.
        resolve: see ``Resolve``.
    """

    def __init__(
        self,
        trust: Trust,
        make: Callable[[], httpx.AsyncBaseTransport],
        *,
        is_proxied: bool = False,
        resolve: Resolve = _addresses,
    ) -> None:
        self._trust = trust
        self._make = make
        self._is_proxied = is_proxied
        self._resolve = resolve
        self._plain: httpx.AsyncBaseTransport | None = None
        self._of_host: dict[str, httpx.AsyncBaseTransport] = {}
        self._answering: dict[str, Address] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._is_trusted(request):
            return await _without_body_of_redirect(await self._any().handle_async_request(request))
        addresses = await self._checked(request.url)
        if self._is_proxied:
            return await _without_body_of_redirect(await self._any().handle_async_request(request))
        return await _without_body_of_redirect(await self._pinned(request, addresses))

    async def aclose(self) -> None:
        transports = [*self._of_host.values(), *([self._plain] if self._plain is not None else [])]
        self._of_host, self._plain = {}, None
        for transport in transports:
            await transport.aclose()

    def _any(self) -> httpx.AsyncBaseTransport:
        if self._plain is None:
            self._plain = self._make()
        return self._plain

    def _is_trusted(self, request: httpx.Request) -> bool:
        url = request.url
        signed = request.extensions.get(ORIGIN)
        if signed is not None:
            scheme, host, port = origin_of(url)
            # A store may lead from http to https on its own host.
            if (scheme, host, port) == signed or ((host, port) == (signed[1], None) and scheme == "https"):
                return True
        return any(self._trust.allows_host(url.scheme, host, url.port) for host in {url.host, _asked(url)})

    async def _checked(self, url: httpx.URL) -> list[Address]:
        """The addresses of a URL's host, all of which may be asked."""
        try:
            found = await asyncio.to_thread(
                self._resolve, _asked(url), url.port or (443 if url.scheme == "https" else 80)
            )
            addresses = [ipaddress.ip_address(one.partition("%")[0]) for one in found]
        except (OSError, UnicodeError, ValueError) as error:
            raise StorageError(
                f"The host {plain(url.host)} is not known here, so it cannot be checked before it is asked.",
                "If it is a place of the run's files, name it under [storage] hosts in flowtui's file.",
            ) from error
        for address in addresses:
            if not self._trust.allows_address(address):
                raise self._trust.refused_host(str(url), str(address))
        return addresses

    async def _pinned(self, request: httpx.Request, addresses: Sequence[Address]) -> httpx.Response:
        """The answer of the first address that takes a connection."""
        url = request.url
        key = f"{url.scheme}://{url.host}:{url.port}"
        if key not in self._of_host:
            self._of_host[key] = self._make()
        failure: httpx.ConnectError | httpx.ConnectTimeout | None = None
        # The one that took the last connection first: others may let each request wait.
        for address in sorted(addresses, key=lambda one: one != self._answering.get(key)):
            # Host stays in the headers, and TLS asks for and checks the certificate of the name.
            pinned = httpx.Request(
                request.method,
                url.copy_with(host=str(address)),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": _asked(url)},
            )
            try:
                response = await self._of_host[key].handle_async_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
                continue
            self._answering[key] = address
            return response
        assert failure is not None
        raise failure


async def _without_body_of_redirect(response: httpx.Response) -> httpx.Response:
    """The answer; that of a redirect without its body, which httpx would read to its end, however long it is."""
    if response.status_code not in _REDIRECTS or "location" not in response.headers:
        return response
    await response.aclose()
    return httpx.Response(response.status_code, headers={"location": response.headers["location"]})
