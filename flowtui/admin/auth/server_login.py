"""The login of one server as it says itself: asked when it is needed, and remembered."""

from __future__ import annotations

import asyncio
import contextlib

from flowtui.admin.auth.channel import AuthChannel
from flowtui.admin.auth.discovery import AUTHORIZATION, Discovery, discover
from flowtui.admin.auth.known_logins import KnownLogins
from flowtui.admin.auth.sources import Clock
from flowtui.admin.auth.token_endpoint import TokenEndpoint
from flowtui.config import AuthSettings
from flowtui.errors import AuthError, FlowtuiError


class ServerLogin:
    """What a server says about its login.

    Args:
        known: what servers said to processes before this one.

    Attributes:
        header: the header that tokens go into, as far as it is known.
    """

    def __init__(self, channel: AuthChannel, settings: AuthSettings, known: KnownLogins, now: Clock) -> None:
        self._channel = channel
        self._settings = settings
        self._known = known
        self._now = now
        self._discovery: Discovery | None = None
        self._looked_up = False
        self.header = AUTHORIZATION

    def known_discovery(self) -> Discovery | None:
        """What the server has said, without asking it now; None where it has said nothing, or that it has no login."""
        if self._discovery is None and not self._looked_up:
            self._looked_up = True
            self._set(self._known.get(self._channel.endpoint, self._now()))
        return self._discovery

    async def discovery(self, *, fresh: bool = False) -> Discovery | None:
        """What the server says, asked at most once; None where it offers no login.

        Args:
            fresh: ask now, whatever is known.

        Raises:
            AuthError, ServerError, UnreachableError: see ``discover``.
        """
        known = None if fresh else self.known_discovery()
        if known is None:
            known = await discover(self._channel)
            self._looked_up = True
            self._set(known)
            if known is not None:
                await asyncio.to_thread(self._known.put, self._channel.endpoint, known, self._now())
        return known

    async def learn(self) -> None:
        """Have the server say it, if it does; the next process knows then that it wants a login."""
        with contextlib.suppress(FlowtuiError):
            await self.discovery()

    async def other_header(self, tried: str) -> bool:
        """Turns to another header than the one that was tried: what the server names, else the plain one."""
        await self.learn()
        named = self._discovery.header if self._discovery is not None else AUTHORIZATION
        for name in (named, AUTHORIZATION):
            if name != tried:
                self.header = name
                return True
        return False

    async def token_endpoint(self) -> TokenEndpoint:
        """The server's authorization server.

        Raises:
            AuthError: the server offers no login.
            ServerError, UnreachableError: see ``discover``.
        """
        found = await self.discovery()
        if found is None:
            raise AuthError(
                f"{self._channel.endpoint} offers no login of its own.",
                "Give it a token: FLOWTUI_TOKEN, auth.token_file or auth.command.",
            )
        return TokenEndpoint(self._channel, found, self._settings, now=self._now)

    def forget(self) -> None:
        """Ask the server anew at the next use, in this process and others."""
        self._discovery = None
        self._known.forget(self._channel.endpoint)

    def _set(self, found: Discovery | None) -> None:
        self._discovery = found
        if found is not None:
            self.header = found.header
