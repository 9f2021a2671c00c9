"""What servers said about their login, kept so that a command with a token at hand asks nothing first.

It is kept like a token, in a file that only its owner may read: who could change it could send a refresh token astray.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flowtui.admin.auth.discovery import Discovery, read_discovery
from flowtui.admin.auth.private_file import read_private, write_private
from flowtui.errors import ConfigError

KEPT_SECONDS = 86_400.0


class KnownLogins:
    """A file of discoveries by base URL; one that cannot be read or written counts as none.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, endpoint: str, now: float) -> Discovery | None:
        """What the server said within the last day."""
        kept = self._all().get(endpoint)
        if not isinstance(kept, Mapping) or not isinstance(kept.get("at"), (int, float)):
            return None
        if not 0 <= now - kept["at"] < KEPT_SECONDS:
            return None
        # Through the same door as the server's own words.
        renamed = {"authorization_metadata_key": kept.get("header"), **kept}
        renamed["token_endpoint_auth_methods_supported"] = kept.get("token_auth_methods")
        return read_discovery(renamed, renamed)

    def put(self, endpoint: str, discovery: Discovery, now: float) -> None:
        """Keep what a server said."""
        self._write({**self._all(), endpoint: {"at": now, **asdict(discovery)}})

    def forget(self, endpoint: str) -> None:
        """Forget one server."""
        known = self._all()
        if known.pop(endpoint, None) is not None:
            self._write(known)

    def _all(self) -> dict[str, Any]:
        try:
            found = json.loads(read_private(self._path) or b"{}")
        except (ConfigError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, known: Mapping[str, Any]) -> None:
        try:
            write_private(self._path, json.dumps(known, indent=1).encode())
        except ConfigError:
            return
