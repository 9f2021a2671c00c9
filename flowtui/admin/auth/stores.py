"""Where the tokens of a login are kept: pyflyte's slots of the keyring, a file, or nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from flowtui.admin.auth.addresses import host_of, origin
from flowtui.admin.auth.keyring_slots import KeyringError, KeyringSlots
from flowtui.admin.auth.token_file import TokenFile
from flowtui.admin.auth.tokens import Token
from flowtui.config import AuthSettings


class TokenStores:
    """The places of one server's tokens.

    Args:
        endpoint: base URL of Flyte Admin.
        settings: ``store`` and ``keyring_service`` count.
        home: the folder of flowtui's own file.

    Attributes:
        complaint: what a keyring said when it was asked last; empty where it worked.
    """

    def __init__(self, endpoint: str, settings: AuthSettings, home: Path) -> None:
        self._store = settings.store
        self._file = TokenFile(home / "tokens.json", endpoint)
        self._keyring = KeyringSlots(keyring_services(endpoint, settings.keyring_service))
        self._found: TokenFile | KeyringSlots | None = None
        self.complaint = ""

    async def read(self) -> tuple[Token, str] | None:
        """A token and where it was found: in the file, where there is one, else in the keyring.

        Raises:
            ConfigError: see ``TokenFile.read``.
        """
        if self._store == "none":
            return None
        found = await self._file.read()
        if found is not None:
            self._found = self._file
            return found
        if self._store != "keyring":
            return None
        try:
            found = await self._keyring.read()
        except KeyringError as error:
            self.complaint = error.message
            return None
        if found is not None:
            self._found = self._keyring
        return found

    async def renew(self, token: Token) -> None:
        """Put a renewed token where the one before was found; a keyring that fails has said so before."""
        if self._found is None:
            return
        try:
            await self._found.write(token)
        except KeyringError as error:
            self.complaint = error.message

    async def write(self, token: Token) -> str:
        """Keep the token of a login, as the settings say; tells where, empty for nowhere.

        Raises:
            KeyringError: the keyring is wanted, and there is none.
            ConfigError: the file is wanted, and cannot be used.
        """
        if self._store == "none":
            return ""
        if self._store == "file":
            return await self._file.write(token)
        where = await self._keyring.write(token)
        # The file would be found first.
        await self._file.delete()
        return where

    async def forget(self) -> list[str]:
        """Forget the tokens, wherever they are; tells where there were some.

        Raises:
            ConfigError: see ``TokenFile.read``.
        """
        found = await self._file.delete()
        if self._store == "none":
            return found
        try:
            return found + await self._keyring.delete()
        except KeyringError as error:
            self.complaint = error.message
            return found


def keyring_services(endpoint: str, service: str = "") -> Sequence[str]:
    """The services that pyflyte may have kept the tokens of a server under, the likeliest first.

    pyflyte's endpoint is ``host[:port]`` of gRPC. A service with another port than the URL's is looked at only where
    the configuration names it: on one host there may be several servers.
    """
    place = host_of(endpoint)
    host = (urlsplit(endpoint).hostname or "").lower()
    scheme, _, port = origin(endpoint)
    usual = scheme == "https" and port == 443
    names = [service.removeprefix("dns:///"), place, *([host, f"{host}:443"] if usual else [])]
    return tuple(dict.fromkeys(name for name in names if name))
