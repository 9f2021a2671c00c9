"""Keyring backends for tests: one in memory, one that is broken."""

from __future__ import annotations

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class MemoryKeyring(KeyringBackend):
    """Passwords of this process."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.passwords: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.passwords[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.passwords:
            raise PasswordDeleteError(username)
        del self.passwords[service, username]


class BrokenKeyring(KeyringBackend):
    """Fails as a D-Bus that is not there may, with what it was given in the text."""

    priority = 1  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError("no such D-Bus: hush-hush")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"no such D-Bus: {password}")

    def delete_password(self, service: str, username: str) -> None:
        raise RuntimeError("no such D-Bus")
