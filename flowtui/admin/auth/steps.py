"""What ``flowtui doctor`` shows of a login: what was chosen and why, where a token is, what the server says."""

from __future__ import annotations

import time
from datetime import datetime, timezone

from flowtui.admin.auth.authenticator import Authenticator
from flowtui.admin.auth.discovery import Discovery
from flowtui.admin.auth.sources import TokenSource
from flowtui.admin.auth.tokens import Token
from flowtui.errors import FlowtuiError, ServerError
from flowtui.text import plain


async def login_steps(auth: Authenticator) -> list[tuple[str, str]]:
    """Steps as names and what was found, never a secret. The server is asked for its discovery, and nothing else.

    Raises:
        AuthError, ConfigError: the way to log in that is configured cannot be used.
    """
    asked, discovery = await _discovery(auth)
    choice = await auth.choice(wants_login=discovery is not None)
    steps = [("login", f"{choice.mode}, because {plain(choice.why)}"), ("discovery", asked)]
    if choice.source is None:
        return steps
    token = await choice.source.at_hand()
    steps.append(("token", _token(choice.source, token, auth.stores.complaint)))
    if token is not None:
        steps.append(("header", auth.header_for(choice.source)))
    return steps


async def _discovery(auth: Authenticator) -> tuple[str, Discovery | None]:
    try:
        found = await auth.server.discovery(fresh=True)
    except ServerError as error:
        return plain(f"no answer: {error.message}"), None
    except FlowtuiError as error:
        return plain(error.message), None
    if found is None:
        return "the server offers no login", None
    parts = [
        f"client {found.client_id or 'not named'}",
        f"scopes {' '.join(found.scopes) or 'not named'}",
        f"header {found.header}",
        f"token endpoint {found.token_endpoint or 'not named'}",
        "browser" if found.authorization_endpoint and found.redirect_uri else "no browser",
        "device code" if found.device_authorization_endpoint else "no device code",
    ]
    return plain(", ".join(parts)), found


def _token(source: TokenSource, token: Token | None, complaint: str) -> str:
    if token is None:
        return plain(f"none at hand. {complaint}".strip())
    renewed = "renewed by itself" if source.renewable or source.volatile else "not renewed by itself"
    return plain(f"from {source.where}, {validity(token)}, {renewed}")


def validity(token: Token, now: float | None = None) -> str:
    """Until when a token is valid by this machine's clock."""
    if token.expires_at is None:
        return "valid until nobody knows when"
    moment = instant(token.expires_at)
    if moment is None:
        return "valid for ever"
    when = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"{'valid until' if token.expires_at > (time.time() if now is None else now) else 'ended at'} {when}"


def instant(seconds: float | None) -> datetime | None:
    """A moment in UTC; None where there is none that a calendar has."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
