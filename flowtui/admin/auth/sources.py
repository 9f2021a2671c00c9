"""What a token is had from: a text, a file, a URL, a command, a client secret, or a login that is kept."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from flowtui import text
from flowtui.admin.auth.addresses import host_of
from flowtui.admin.auth.channel import AuthChannel
from flowtui.admin.auth.commands import output_of
from flowtui.admin.auth.stores import TokenStores
from flowtui.admin.auth.token_endpoint import LOGIN_HINT, RefusedError, TokenEndpoint
from flowtui.admin.auth.tokens import MAX_TOKEN, Token, is_token, issued_token, stored_token
from flowtui.errors import AuthError, ServerError

Clock = Callable[[], float]


class FixedTokenError(AuthError):
    """There is no other token than the one that was refused."""


class TokenSource(ABC):
    """One way to have a token.

    Attributes:
        mode: one of ``config.access.AUTH_MODES``.
        where: where the token comes from, for people; never the token.
        header, scheme: of its own, such as ``X-Domino-Api-Key`` without a scheme; empty for the one the server names.
        renewable: whether another token can be had without a person, before this one ends.
        volatile: whether to look anew at each use.
    """

    mode: str = ""
    header: str = ""
    scheme: str = "Bearer"
    renewable: bool = False
    volatile: bool = False

    def __init__(self, where: str, mode: str = "") -> None:
        self.where = where
        self.mode = mode or self.mode

    @abstractmethod
    async def at_hand(self) -> Token | None:
        """The token before any request; None where the server has to ask first."""

    async def newer(self, refused: Token | None) -> Token | None:
        """A token that somebody else has put there meanwhile; None where there is none."""
        return None

    @abstractmethod
    async def renewed(self, refused: Token | None) -> Token:
        """Another token than the one that has ended or was refused.

        Raises:
            FixedTokenError: there is never another one.
            AuthError: there is none; the hint says what the person can do.
            ServerError, UnreachableError: who could give one does not answer.
        """


class GivenToken(TokenSource):
    """A token of the settings, as it is; also an API key, with a header of its own."""

    mode = "token"

    def __init__(
        self, token: str, where: str, *, mode: str = "token", header: str = "", scheme: str = "Bearer"
    ) -> None:
        super().__init__(where, mode)
        self.header = header
        self.scheme = scheme
        token = token.strip()
        if not is_token(token):
            raise AuthError(f"{where} holds no token.", "A token is one word of printable characters.")
        self._token = stored_token(token)

    async def at_hand(self) -> Token | None:
        return self._token

    async def renewed(self, refused: Token | None) -> Token:
        raise FixedTokenError(f"The token of {self.where} is not accepted.", "Put a new one there.")


class TokenOfFile(TokenSource):
    """A file that holds a token, which another program keeps fresh."""

    mode = "token"
    volatile = True

    def __init__(self, path: Path, where: str, *, mode: str = "token") -> None:
        super().__init__(f"{where}: {path}", mode)
        self._path = path

    async def at_hand(self) -> Token | None:
        try:
            content = await asyncio.to_thread(self._read)
        except OSError as error:
            raise AuthError(f"{self.where} cannot be read: {error.strerror}.", "Check the path.") from error
        if not is_token(content):
            raise AuthError(f"{self.where} holds no token.", "It must hold one token and nothing else.")
        return stored_token(content)

    def _read(self) -> str:
        with self._path.open("rb") as file:
            return file.read(MAX_TOKEN + 2).decode("latin-1").strip()

    async def newer(self, refused: Token | None) -> Token | None:
        found = await self.at_hand()
        return found if found is not None and (refused is None or found.access != refused.access) else None

    async def renewed(self, refused: Token | None) -> Token:
        raise FixedTokenError(f"The token of {self.where} is not accepted.", "Put a new one there.")


class FetchedToken(TokenSource):
    """A token that is asked for anew when the one before ends: of a URL, a command or a client secret.

    Args:
        fetch: gives a token, or raises AuthError.
        eager: whether to ask before the server has said that it wants a login.
    """

    renewable = True

    def __init__(
        self, where: str, fetch: Callable[[], Awaitable[Token]], *, mode: str = "", eager: bool = True
    ) -> None:
        super().__init__(where, mode)
        self._fetch = fetch
        self._eager = eager

    async def at_hand(self) -> Token | None:
        return await self._fetch() if self._eager else None

    async def renewed(self, refused: Token | None) -> Token:
        return await self._fetch()


class TokenOfUrl(FetchedToken):
    """A URL that answers a GET with a token, such as the one in a Domino run."""

    mode = "token"

    def __init__(
        self, url: str, where: str, channel: AuthChannel, now: Clock = time.time, *, mode: str = "token"
    ) -> None:
        async def fetch() -> Token:
            answer = await channel.get(url, secret=True)
            said = answer.json().get("access_token")
            content = said if isinstance(said, str) else answer.body[: MAX_TOKEN + 2].decode("latin-1").strip()
            if answer.status != 200 or not is_token(content):
                raise AuthError(
                    f"{self.where} gave no token ({answer.status}).", "It must answer with one token and nothing else."
                )
            return issued_token(content, now=now(), expires_in=answer.json().get("expires_in"))

        super().__init__(f"{where}: {text.plain(host_of(url))}", fetch, mode=mode)


class TokenOfCommand(FetchedToken):
    """A command that prints a token (Flyte's ``ExternalCommand``)."""

    mode = "command"

    def __init__(self, command: Sequence[str], now: Clock = time.time) -> None:
        async def fetch() -> Token:
            printed = (await output_of(command, "auth.command")).strip()
            if not is_token(printed):
                raise AuthError("auth.command printed no token.", "It must print one token and nothing else.")
            return issued_token(printed, now=now())

        super().__init__(f"auth.command: {text.plain(command[0])}", fetch)


class TokenOfSecret(FetchedToken):
    """The token of an OAuth2 client with a secret."""

    mode = "client_secret"

    def __init__(
        self,
        client_id: str,
        secret: Callable[[], str],
        where: str,
        endpoint: Callable[[], Awaitable[TokenEndpoint]],
        *,
        eager: bool,
    ) -> None:
        async def fetch() -> Token:
            try:
                return await (await endpoint()).for_secret(client_id, secret())
            except RefusedError as error:
                raise AuthError(error.message, f"Check the client id and its secret ({where}).") from error

        super().__init__(where, fetch, eager=eager)


class KeptLogin(TokenSource):
    """A person's login, kept by ``flowtui login`` or by pyflyte, and renewed with its refresh token."""

    def __init__(
        self, stores: TokenStores, server: str, endpoint: Callable[[], Awaitable[TokenEndpoint]], mode: str = "pkce"
    ) -> None:
        super().__init__("no login", mode)
        self._stores = stores
        self._server = server
        self._endpoint = endpoint
        self._read_ahead: Token | None = None
        # A store that cannot be written to holds old tokens, which must not be taken for new ones.
        self._seen: set[str] = set()

    async def is_there(self) -> bool:
        """Whether a login is kept; ``at_hand`` need not read it again."""
        self._read_ahead = await self._read()
        return self._read_ahead is not None

    async def at_hand(self) -> Token | None:
        found, self._read_ahead = self._read_ahead, None
        found = found or await self._read()
        if found is not None:
            self._seen.add(found.access)
        return found

    async def newer(self, refused: Token | None) -> Token | None:
        found, self._read_ahead = self._read_ahead, None
        found = found or await self._read()
        if found is None or found.access in self._seen:
            return None
        self._seen.add(found.access)
        return found

    async def renewed(self, refused: Token | None) -> Token:
        if refused is None:
            raise await self._logged_out()
        if not refused.refresh:
            raise AuthError(f"Your login at {self._server} has ended.", LOGIN_HINT)
        try:
            token = await (await self._endpoint()).for_refresh_token(refused)
        except RefusedError as error:
            # Another process may have used the refresh token up, and put the next one there.
            other = await self.newer(refused)
            if other is not None:
                return other
            raise AuthError(f"Your login at {self._server} has ended: {error.message}", LOGIN_HINT) from error
        self._seen.add(token.access)
        self.renewable = bool(token.refresh)
        await self._stores.renew(token)
        return token

    async def _read(self) -> Token | None:
        found = await self._stores.read()
        if found is None:
            return None
        token, self.where = found
        self.renewable = bool(token.refresh)
        return token

    async def _logged_out(self) -> AuthError:
        try:
            await self._endpoint()
        except AuthError as error:
            return error
        except ServerError:
            pass  # it does not matter here how a login would go
        if self._stores.complaint:
            return AuthError(
                f"You are not logged in at {self._server}. {self._stores.complaint}",
                "`flowtui login --store file` logs in, and keeps it in a file.",
            )
        return AuthError(f"You are not logged in at {self._server}.", LOGIN_HINT)
