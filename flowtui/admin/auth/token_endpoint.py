"""The token endpoint: codes, secrets and refresh tokens for tokens (RFC 6749, 7009, 7636, 8628).

oauthlib words the requests; the answers are read here, since its parser puts the body of a bad one into the error.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from flowtui import text
from flowtui.admin.auth.addresses import host_of
from flowtui.admin.auth.channel import Answer, AuthChannel
from flowtui.admin.auth.discovery import Discovery
from flowtui.admin.auth.tokens import Token, redacted, token_from_answer
from flowtui.config import AuthSettings
from flowtui.errors import AuthError, FlowtuiError, ServerError

if TYPE_CHECKING:
    from oauthlib.oauth2 import WebApplicationClient

LOGIN_HINT = "`flowtui login` logs in."
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class RefusedError(AuthError):
    """The authorization server says no.

    Attributes:
        code: its ``error``, such as ``invalid_grant``; empty where it gives none.
    """

    def __init__(self, message: str, hint: str, code: str) -> None:
        super().__init__(message, hint)
        self.code = code


class TokenEndpoint:
    """The authorization server of one Flyte Admin.

    Args:
        now: seconds since the epoch.

    Raises:
        AuthError: the server names no token endpoint that a secret may be sent to.
    """

    def __init__(
        self,
        channel: AuthChannel,
        discovery: Discovery,
        settings: AuthSettings,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not discovery.token_endpoint:
            raise AuthError(
                f"{channel.endpoint} names no token endpoint that a secret may be sent to.",
                "Give it a token instead: FLOWTUI_TOKEN, auth.token_file or auth.command.",
            )
        self._channel = channel
        self._discovery = discovery
        self._settings = settings
        self._now = now
        self.client_id = discovery.client_id or settings.client_id
        self.scopes = list(settings.scopes or discovery.scopes)
        self.audience = settings.audience or discovery.audience

    def client(self) -> WebApplicationClient:
        """oauthlib's client, which words requests and opens no connection."""
        from oauthlib.oauth2 import WebApplicationClient

        return WebApplicationClient(self.client_id)

    async def for_code(self, code: str, verifier: str, redirect_uri: str) -> Token:
        """The token for an authorization code.

        Raises:
            RefusedError: the code is not taken.
            ServerError, UnreachableError: there is no answer, or none that can be understood.
        """
        body = self.client().prepare_request_body(code=code, redirect_uri=redirect_uri, code_verifier=verifier)
        return await self._token(body, {}, "the login")

    async def for_refresh_token(self, token: Token) -> Token:
        """The next token; it keeps the refresh token where the server sends no new one. Errors as for ``for_code``."""
        body = self.client().prepare_refresh_body(refresh_token=token.refresh, client_id=self.client_id)
        return (await self._token(body, {}, "the renewal of the login")).with_refresh(token.refresh)

    async def for_secret(self, client_id: str, secret: str) -> Token:
        """The token of a client with a secret. Errors as for ``for_code``."""
        form = {"grant_type": "client_credentials", "scope": " ".join(self.scopes), "audience": self.audience}
        headers: dict[str, str] = {}
        methods = self._discovery.token_auth_methods
        if "client_secret_post" in methods and "client_secret_basic" not in methods:
            form |= {"client_id": client_id, "client_secret": secret}
        else:
            # Form-encoded (RFC 6749, 2.3.1), a blank as %20, which every decoder reads.
            pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        body = urlencode({name: value for name, value in form.items() if value})
        return await self._token(body, headers, f"client {text.plain(client_id)}", secret)

    async def for_device_code(self, device_code: str) -> Token:
        """The token of a device, once the person has agreed elsewhere. Errors as for ``for_code``."""
        form = {"grant_type": DEVICE_GRANT, "client_id": self.client_id, "device_code": device_code}
        return await self._token(urlencode(form), {}, "the login", device_code)

    async def revoke(self, url: str, token: Token) -> bool:
        """Tell the server to forget a token (RFC 7009); whether it did."""
        done = False
        for hint, value in (("refresh_token", token.refresh), ("access_token", token.access)):
            if not value:
                continue
            form = {"token": value, "token_type_hint": hint, "client_id": self.client_id}
            try:
                answer = await self._channel.post(url, urlencode(form))
            except FlowtuiError:
                return done
            done = done or answer.status == 200
        return done

    async def _token(self, body: str, headers: Mapping[str, str], what: str, *secrets: str) -> Token:
        answer = await self._channel.post(self._discovery.token_endpoint, body, headers)
        if answer.status != 200:
            raise self._refusal(answer, what, secrets)
        try:
            return token_from_answer(answer.json(), now=self._now())
        except ValueError as error:
            raise ServerError(
                f"The answer of {self._place} to {what} cannot be used: {error}.",
                "Try again. If it stays so, tell the administrator of the server.",
            ) from None

    def _refusal(self, answer: Answer, what: str, secrets: tuple[str, ...]) -> FlowtuiError:
        found = answer.json()
        code, description = found.get("error"), found.get("error_description")
        if not isinstance(code, str) or not code:
            return ServerError(
                f"{self._place} answered {answer.status} to {what}.", "Try again in a minute.", status=answer.status
            )
        said = redacted(description if isinstance(description, str) and description else code, *secrets)
        return RefusedError(f"{self._place} refuses {what}: {said}", LOGIN_HINT, code[:100])

    @property
    def _place(self) -> str:
        return text.plain(host_of(self._discovery.token_endpoint))
