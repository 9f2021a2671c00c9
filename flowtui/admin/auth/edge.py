"""Headers that a proxy in front of Flyte wants: ``header_command`` and ``proxy_command``."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from flowtui.admin.auth.commands import output_of
from flowtui.admin.auth.tokens import is_token
from flowtui.config import AuthSettings
from flowtui.errors import AuthError

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_NOT_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
_MAX_HEADERS = 50


class EdgeHeaders:
    """Runs the commands at first use, and again when the server has refused what they printed."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings
        self._headers: Mapping[str, str] | None = None
        self._lock = asyncio.Lock()

    @property
    def has_commands(self) -> bool:
        """Whether there is any command to run."""
        return bool(self._settings.header_command or self._settings.proxy_command)

    async def get(self) -> Mapping[str, str]:
        """The headers; empty without a command.

        Raises:
            AuthError: a command fails, or prints no headers.
        """
        if not self.has_commands:
            return {}
        async with self._lock:
            if self._headers is None:
                self._headers = await self._run()
            return self._headers

    def forget(self) -> None:
        """Run the commands again at the next use."""
        self._headers = None

    async def _run(self) -> Mapping[str, str]:
        headers: dict[str, str] = {}
        if self._settings.proxy_command:
            printed = (await output_of(self._settings.proxy_command, "auth.proxy_command")).strip()
            if not is_token(printed):
                raise AuthError("auth.proxy_command printed no token.", "It must print one token and nothing else.")
            headers["proxy-authorization"] = f"Bearer {printed}"
        if self._settings.header_command:
            headers.update(parse_headers(await output_of(self._settings.header_command, "auth.header_command")))
        return headers


def parse_headers(printed: str) -> dict[str, str]:
    """Headers of a command's output, one ``Name: value`` a line; blank lines do not count.

    Raises:
        AuthError: a line is none; its number is told, not its text.
    """
    headers: dict[str, str] = {}
    for number, line in enumerate(printed.split("\n"), 1):
        if not line.strip():
            continue
        name, colon, value = (part.strip() for part in line.partition(":"))
        good = colon and _NAME.fullmatch(name) and all(" " <= char <= "~" for char in value)
        if not good or name.lower() in _NOT_OURS or len(headers) >= _MAX_HEADERS:
            raise AuthError(
                f"auth.header_command: line {number} of what it printed is no header that may be sent.",
                "It must print lines `Name: value` and nothing else.",
            )
        headers[name.lower()] = value
    return headers
