"""How to log in: what ``auth.mode`` says, or what there is, in a fixed order.

The order without a mode: a token of the settings, a token's file, URL or command, an API key; a login that is kept (by
``flowtui login`` or pyflyte); a client secret; what the server offers a person, which only ``flowtui login`` does.
Domino's environment is in the settings where the server is that Domino (``flowtui.config``). Before a server has said
that it wants a login at all, neither the keyring nor the server is asked: that would cost every command of those who
need none.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from flowtui.admin.auth.addresses import is_loopback, origin
from flowtui.admin.auth.channel import AuthChannel
from flowtui.admin.auth.sources import (
    Clock,
    GivenToken,
    KeptLogin,
    TokenOfCommand,
    TokenOfFile,
    TokenOfSecret,
    TokenOfUrl,
    TokenSource,
)
from flowtui.admin.auth.stores import TokenStores
from flowtui.admin.auth.token_endpoint import TokenEndpoint
from flowtui.config import AuthSettings
from flowtui.errors import AuthError

API_KEY_HEADER = "x-domino-api-key"

_SECRET_LIMIT = 16_384


@dataclass(frozen=True)
class Choice:
    """A way to log in.

    Attributes:
        source: None to send requests without a token.
        why: what decided, for people.
        final: False where the server has not said yet whether it wants a login.
    """

    source: TokenSource | None
    why: str
    final: bool = True

    @property
    def mode(self) -> str:
        """One of ``config.access.AUTH_MODES``."""
        return self.source.mode if self.source is not None else "none"


@dataclass(frozen=True)
class Ways:
    """What there is to choose from.

    Attributes:
        headers: names of the headers that are sent with every request, in lower case.
        places: where a setting such as ``auth.token`` comes from, as ``Settings.sources`` has it.
        endpoint: gives the token endpoint, which may ask the server for its place.
    """

    server: str
    settings: AuthSettings
    headers: frozenset[str]
    places: Mapping[str, str]
    environ: Mapping[str, str]
    channel: AuthChannel
    stores: TokenStores
    endpoint: Callable[[], Awaitable[TokenEndpoint]]
    now: Clock

    def place(self, key: str) -> str:
        """Where a setting of ``auth`` comes from, for people."""
        place = self.places.get(f"auth.{key}", "default")
        return f"auth.{key}" if place == "default" else place


async def choose(ways: Ways, *, wants_login: bool) -> Choice:
    """The way to log in.

    Args:
        wants_login: whether the server is known to want one.

    Raises:
        AuthError: ``auth.mode`` names a way that lacks what it needs.
    """
    mode = ways.settings.mode
    if mode:
        return Choice(_named(ways, mode, wants_login), f"auth.mode is {mode}")
    given = _given(ways)
    if given is not None:
        return Choice(given, f"{given.where} is set")
    named = ways.headers & {"authorization", "flyte-authorization"}
    if named:
        return Choice(None, f"the header {', '.join(sorted(named))} is set")
    if not wants_login:
        return Choice(None, "the server has not asked for a login", final=False)
    kept = KeptLogin(ways.stores, ways.server, ways.endpoint)
    if await kept.is_there():
        return Choice(kept, "a login is kept here")
    if ways.settings.client_id and _has_secret(ways):
        return Choice(_client_secret(ways, wants_login), "there is a client secret")
    return Choice(kept, "the server wants a login, and none is kept here")


def _given(ways: Ways, mode: str = "token") -> TokenSource | None:
    settings = ways.settings
    if settings.token:
        return GivenToken(settings.token, ways.place("token"), mode=mode)
    if settings.token_file is not None:
        return TokenOfFile(settings.token_file, ways.place("token_file"), mode=mode)
    if settings.token_url:
        return TokenOfUrl(settings.token_url, ways.place("token_url"), ways.channel, ways.now, mode=mode)
    if settings.command and mode != "domino":
        return TokenOfCommand(settings.command, ways.now)
    if settings.api_key:
        return GivenToken(settings.api_key, ways.place("api_key"), mode="domino", header=API_KEY_HEADER, scheme="")
    return None


def _named(ways: Ways, mode: str, wants_login: bool) -> TokenSource | None:
    settings = ways.settings
    if mode == "none":
        return None
    if mode in ("pkce", "device"):
        return KeptLogin(ways.stores, ways.server, ways.endpoint, mode)
    if mode == "client_secret":
        return _client_secret(ways, wants_login)
    if mode == "command":
        if not settings.command:
            raise AuthError("auth.mode is command, and there is no auth.command.", "Set it to what prints a token.")
        return TokenOfCommand(settings.command, ways.now)
    if mode == "domino":
        source = _given(ways, mode)
        # Domino's proxy on this machine adds the login by itself.
        if source is None and not is_loopback(origin(ways.server)[1]):
            raise AuthError(
                "auth.mode is domino, and there is no token of Domino here.",
                "A run or workspace has DOMINO_API_PROXY, DOMINO_TOKEN_FILE or DOMINO_USER_API_KEY; elsewhere set"
                " auth.token_url or auth.token_file.",
            )
        return source
    source = _given(ways)
    if source is None or source.mode != "token":
        raise AuthError(
            "auth.mode is token, and there is none.", "Set FLOWTUI_TOKEN, auth.token_file or auth.token_url."
        )
    return source


def _has_secret(ways: Ways) -> bool:
    settings = ways.settings
    return bool(settings.client_secret or settings.client_secret_file or settings.client_secret_env)


def _client_secret(ways: Ways, wants_login: bool) -> TokenSource:
    settings = ways.settings
    if not settings.client_id or not _has_secret(ways):
        raise AuthError(
            "auth.mode is client_secret, and the client id or its secret is missing.",
            "Set auth.client_id, and auth.client_secret_file or auth.client_secret_env.",
        )
    if settings.client_secret_file is not None:
        where = f"{ways.place('client_secret_file')}: {settings.client_secret_file}"
    elif settings.client_secret_env:
        where = f"{ways.place('client_secret_env')}: {settings.client_secret_env}"
    else:
        where = ways.place("client_secret")
    return TokenOfSecret(
        settings.client_id, lambda: client_secret(settings, ways.environ), where, ways.endpoint, eager=wants_login
    )


def client_secret(settings: AuthSettings, environ: Mapping[str, str] = os.environ) -> str:
    """The secret of the OAuth2 client: the file, else the variable, else the text, as Flyte's clients look for it.

    Raises:
        AuthError: there is none where the settings say that it is.
    """
    if settings.client_secret_file is not None:
        try:
            with settings.client_secret_file.open("rb") as file:
                secret = file.read(_SECRET_LIMIT + 1).decode()
        except OSError as error:
            raise AuthError(
                f"{settings.client_secret_file} cannot be read: {error.strerror}.", "Check auth.client_secret_file."
            ) from error
        except UnicodeDecodeError:
            secret = ""
        if not secret.strip() or len(secret) > _SECRET_LIMIT:
            raise AuthError(f"{settings.client_secret_file} holds no secret.", "It must hold the secret alone.")
        return secret.strip()
    if settings.client_secret_env:
        secret = environ.get(settings.client_secret_env, "").strip()
        if not secret:
            raise AuthError(
                f"The environment variable {settings.client_secret_env} is not set.", "It must hold the client secret."
            )
        return secret
    return settings.client_secret.strip()
