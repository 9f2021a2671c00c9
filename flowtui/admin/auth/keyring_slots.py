"""pyflyte's slots of the keyring, so that who has logged in with pyflyte is in, and the reverse.

flytekit 1.16 (clients/auth/keyring.py) keeps ``access_token``, ``refresh_token`` and ``id_token`` as three passwords of
the service that is its endpoint without ``dns:///``. flytectl (pkg/pkce/token_cache_keyring.go, cmd/core/cmd.go) keeps
one JSON document under the service ``flytectl`` and the user ``ENDPOINT:flytectl-user``; that one is only read, without
its refresh token, which is flytectl's to use up.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from flowtui import text
from flowtui.admin.auth.tokens import Token, is_token, stored_token
from flowtui.errors import FlowtuiError

ACCESS, REFRESH, ID = "access_token", "refresh_token", "id_token"

KEYRING_SECONDS = 20.0
"""How long a keyring may take, which may ask the person to unlock it."""

_FLYTECTL = "flytectl"
_GO_PREFIX = "go-keyring-base64:"

T = TypeVar("T")


class KeyringError(FlowtuiError):
    """There is no keyring here, or it does not work."""

    title = "There is no keyring"
    kind = "keyring"


class KeyringSlots:
    """The slots of one server.

    Args:
        services: names of the service to look under, the one to write to first.
    """

    def __init__(self, services: Sequence[str]) -> None:
        self._services = tuple(dict.fromkeys(name for name in services if name))

    @property
    def service(self) -> str:
        """The service that is written to."""
        return self._services[0] if self._services else ""

    async def read(self) -> tuple[Token, str] | None:
        """A token and where it was found; None where there is none.

        Raises:
            KeyringError: there is no keyring, or it does not answer.
        """
        return await _in_thread(self._read)

    async def write(self, token: Token) -> str:
        """Keep a token, in place of what was there; tells where. See ``read`` for the errors."""
        await _in_thread(lambda: self._write(token))
        return f"keyring: {self.service}"

    async def delete(self) -> list[str]:
        """Forget the tokens in pyflyte's slots; tells where there were some. See ``read`` for the errors."""
        return await _in_thread(self._delete)

    def _read(self) -> tuple[Token, str] | None:
        import keyring

        for service in self._services:
            access = keyring.get_password(service, ACCESS) or ""
            if is_token(access):
                refresh = keyring.get_password(service, REFRESH) or ""
                id_ = keyring.get_password(service, ID) or ""
                return stored_token(access, refresh if is_token(refresh) else "", id_), f"keyring: {service}"
        for service in self._services:
            kept = keyring.get_password(_FLYTECTL, f"dns:///{service}:flytectl-user") or ""
            token = flytectl_token(kept)
            if token is not None:
                return token, f"keyring: {_FLYTECTL}, dns:///{service}"
        return None

    def _write(self, token: Token) -> None:
        import keyring

        for name, value in ((REFRESH, token.refresh), (ACCESS, token.access), (ID, token.id)):
            if value:
                keyring.set_password(self.service, name, value)
            elif keyring.get_password(self.service, name) is not None:
                # One of an earlier login must not stand beside the new one.
                keyring.delete_password(self.service, name)

    def _delete(self) -> list[str]:
        import keyring

        found = []
        for service in self._services:
            names = [name for name in (ACCESS, REFRESH, ID) if keyring.get_password(service, name) is not None]
            for name in names:
                keyring.delete_password(service, name)
            if names:
                found.append(f"keyring: {service}")
        return found


def flytectl_token(kept: str) -> Token | None:
    """The token of flytectl's JSON document (golang.org/x/oauth2.Token); None where it holds none."""
    try:
        if kept.startswith(_GO_PREFIX):
            kept = base64.b64decode(kept.removeprefix(_GO_PREFIX)).decode()
        found = json.loads(kept)
        access, expiry = found["access_token"], found.get("expiry")
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    if not is_token(access):
        return None
    end = None
    if isinstance(expiry, str):
        try:
            # Go writes nanoseconds and Z; a time without a zone says nothing.
            whole, _, zone = expiry.partition(".")
            moment = datetime.fromisoformat(whole.replace("Z", "+00:00") + ("+00:00" if zone.endswith("Z") else ""))
            end = moment.timestamp() if moment.tzinfo is not None and moment.year > 1970 else None
        except (ValueError, OverflowError):
            end = None
    return stored_token(access, expires_at=end)


async def _in_thread(ask: Callable[[], T]) -> T:
    """What a keyring answers, asked in a thread of its own: it may block, and must not hold up the end of a command."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: KeyringError | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(value)  # type: ignore[arg-type]

    def run() -> None:
        value, failed = None, None
        try:
            value = ask()
        except Exception as error:  # noqa: BLE001 - this is the thread's outermost door, behind it anybody's backend
            failed = _unavailable(error)
        try:
            loop.call_soon_threadsafe(settle, value, failed)
        except RuntimeError:
            return  # nobody waits any more: the loop is closed

    threading.Thread(target=run, daemon=True, name="keyring").start()
    try:
        return await asyncio.wait_for(answer, KEYRING_SECONDS)
    except asyncio.TimeoutError:
        raise KeyringError(
            f"The keyring did not answer within {KEYRING_SECONDS:g} s.", "Unlock it, or use `--store file`."
        ) from None


def _unavailable(error: Exception) -> KeyringError:
    name = type(error).__name__
    if name == "NoKeyringError":
        return KeyringError("This machine has no keyring.", "`flowtui login --store file` keeps the login in a file.")
    # The text of a foreign backend's error is not shown: it may hold what was to be kept.
    return KeyringError(
        f"The keyring does not work ({text.plain(name)}).", "`flowtui login --store file` keeps the login in a file."
    )
