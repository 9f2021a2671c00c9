"""The Domino client of a session: made when it is needed first, and closed with the session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

from flowtui.config import Settings, TransportSettings
from flowtui.config.layers import same_server
from flowtui.errors import ConfigError
from flowtui.exports.domino.client import DominoClient
from flowtui.httpclient import httpx
from flowtui.permission import EVERYTHING, Permission
from flowtui.tls import tls_context


class DominoAccess:
    """Gives the one Domino client of a session.

    Args:
        settings: which Domino, and its login.
        embedded: gives the client where no Domino is configured; None where there is none then.
        permission: whether anything may be written.
    """

    def __init__(
        self,
        settings: Settings,
        embedded: Callable[[], DominoClient] | None = None,
        permission: Permission = EVERYTHING,
    ) -> None:
        self._permission = permission
        self._make = embedded if embedded and not settings.domino.url else partial(domino_client, settings)
        self._client: DominoClient | None = None

    def __call__(self) -> DominoClient:
        """The client, the same each time. Raises ConfigError where no Domino is configured."""
        if self._client is None:
            self._client = self._make()
            self._client.permission = self._permission
        return self._client

    async def aclose(self) -> None:
        """Close its connections, where there is one."""
        if self._client is not None:
            await self._client.aclose()


def domino_client(settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> DominoClient:
    """A client of the Domino that the settings name.

    Args:
        transport: what carries the requests; the network where None.

    Raises:
        ConfigError: none is named, or the certificates to trust cannot be read.
        AuthError: what should be a token is none.
    """
    domino = settings.domino
    if not domino.url:
        raise ConfigError(
            "No Domino is configured.", "Name it with FLOWTUI_DOMINO_URL, or as domino.url in the configuration file."
        )
    from flowtui.exports.domino.login import domino_login

    tls = cache(partial(tls_context, domino_transport(settings)))
    speaks_tls = transport is None and domino.url.startswith("https://")
    proxy = settings.transport.proxy
    return DominoClient(
        domino.url,
        auth=domino_login(domino, tls=tls, proxy=proxy, transport=transport, timeout=settings.timeout),
        verify=tls() if speaks_tls else True,
        proxy=proxy,
        transport=transport,
        timeout=settings.timeout,
        project=domino.project,
    )


def domino_transport(settings: Settings) -> TransportSettings:
    """How Domino is reached. That certificates are not checked was said of Flyte's server, and of Domino on it only."""
    is_said = settings.endpoint is not None and same_server(settings.endpoint, settings.domino.url)
    return replace(settings.transport, verify=settings.transport.verify or not is_said)
