"""flowtui's own file of tokens, for machines without a keyring: mode 0600, and only where it is asked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flowtui.admin.auth.private_file import read_private, write_private
from flowtui.admin.auth.tokens import Token, is_token, stored_token
from flowtui.errors import ConfigError


class TokenFile:
    """The tokens of one server in the file.

    Args:
        path: the file; it holds one JSON object by base URL.
        endpoint: base URL of Flyte Admin.
    """

    def __init__(self, path: Path, endpoint: str) -> None:
        self.path = path
        self._endpoint = endpoint

    async def read(self) -> tuple[Token, str] | None:
        """A token and where it was found; None where there is none.

        Raises:
            ConfigError: others can read the file, or it holds something else.
        """
        kept = (await asyncio.to_thread(self._all)).get(self._endpoint)
        if not isinstance(kept, Mapping):
            return None
        access, refresh, id_, end = (
            kept.get(key) for key in ("access_token", "refresh_token", "id_token", "expires_at")
        )
        if not isinstance(access, str) or not is_token(access):
            return None
        token = stored_token(
            access,
            refresh if isinstance(refresh, str) and is_token(refresh) else "",
            id_ if isinstance(id_, str) and is_token(id_) else "",
            float(end) if isinstance(end, (int, float)) and not isinstance(end, bool) else None,
        )
        return token, str(self.path)

    async def write(self, token: Token) -> str:
        """Keep a token, in place of what was there; tells where. See ``read`` for the errors."""
        kept = {
            "access_token": token.access,
            "refresh_token": token.refresh,
            "id_token": token.id,
            "expires_at": token.expires_at,
        }
        await asyncio.to_thread(self._change, kept)
        return str(self.path)

    async def delete(self) -> list[str]:
        """Forget the token; tells where there was one. See ``read`` for the errors."""
        return [str(self.path)] if await asyncio.to_thread(self._change, None) else []

    def _all(self) -> dict[str, Any]:
        try:
            found = json.loads(read_private(self.path) or b"{}")
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ConfigError(f"{self.path} does not hold tokens.", "Move it away, and log in again.") from None
        return found

    def _change(self, kept: Mapping[str, Any] | None) -> bool:
        """Put, or take out where None; whether one was there."""
        everything = self._all()
        was_there = everything.pop(self._endpoint, None) is not None
        if kept is not None:
            everything[self._endpoint] = kept
        if kept is not None or was_there:
            write_private(self.path, json.dumps(everything, indent=1).encode())
        return was_there
