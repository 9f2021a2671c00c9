"""Tokens: what a token endpoint answers, how long it holds, and text that shows none of it."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowtui import text

MAX_TOKEN = 16_384
"""Characters of a token; servers refuse headers far below that."""

_MAX_LIFETIME = 10 * 366 * 86_400.0
_LEEWAY = 60.0
_JWT = re.compile(r"eyJ[\w-]+(?:\.[\w-]*)*")
_LONG = re.compile(r"[\w+=~-]{32,}")


@dataclass(frozen=True)
class Token:
    """An access token and what came with it; no token is in the repr.

    Attributes:
        access: goes into the header; printable ASCII without blanks.
        refresh: gets the next one; empty where there is none.
        id: OpenID's id token; kept only because pyflyte keeps it.
        expires_at: seconds since the epoch by this machine's clock; None where unknown.
        lifetime: seconds that it was good for when it was issued; None where unknown.
    """

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    id: str = field(default="", repr=False)
    expires_at: float | None = None
    lifetime: float | None = None

    def expires_soon(self, now: float) -> bool:
        """Whether to get the next one first: in its last minute, or the last tenth of a short life."""
        if self.expires_at is None:
            return False
        leeway = min(_LEEWAY, self.lifetime / 10) if self.lifetime is not None else _LEEWAY
        return now >= self.expires_at - leeway

    def with_refresh(self, refresh: str) -> Token:
        """The same with a refresh token, where it came without one."""
        if self.refresh or not refresh:
            return self
        return Token(self.access, refresh, self.id, self.expires_at, self.lifetime)


def is_token(value: object) -> bool:
    """Whether a value can stand in a header as a token: printable ASCII, no blanks, of bearable length."""
    return isinstance(value, str) and 0 < len(value) <= MAX_TOKEN and all("!" <= char <= "~" for char in value)


def claims(token: str) -> Mapping[str, Any]:
    """What a JWT says, unchecked, since only the server can check it; empty for a token that is none."""
    parts = token.split(".")
    if len(parts) != 3 or not is_token(token):
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def stored_token(access: str, refresh: str = "", id_: str = "", expires_at: float | None = None) -> Token:
    """A token that was issued some time ago: its end is what was kept with it, or what a JWT says."""
    said = claims(access)
    end, start = _number(said.get("exp")), _number(said.get("iat"))
    lifetime = end - start if end is not None and start is not None and end > start else None
    return Token(access, refresh, id_, expires_at if expires_at is not None else end, lifetime)


def issued_token(access: str, *, now: float, expires_in: object = None, refresh: str = "", id_: str = "") -> Token:
    """A token that has just come: its life is counted from now, so that a clock that is off does not matter.

    Args:
        now: seconds since the epoch by this machine's clock.
        expires_in: seconds, as the token endpoint says; else a JWT's ``exp`` less its ``iat``.
    """
    lifetime = _number(expires_in)
    stored = stored_token(access)
    if lifetime is None or not 0 < lifetime <= _MAX_LIFETIME:
        lifetime = stored.lifetime
    if lifetime is None or not 0 < lifetime <= _MAX_LIFETIME:
        # An end that lies behind us says only that the clocks differ.
        end = stored.expires_at
        return Token(access, refresh, id_, end if end is not None and end > now else None)
    return Token(access, refresh, id_, now + lifetime, lifetime)


def token_from_answer(answer: Mapping[str, Any], *, now: float) -> Token:
    """The token of a token endpoint's answer (RFC 6749, 5.1).

    Raises:
        ValueError: it holds none; the text shows nothing of the answer.
    """
    access = answer.get("access_token")
    if not isinstance(access, str) or not is_token(access):
        raise ValueError("it holds no access token")
    kind = answer.get("token_type", "bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise ValueError("its token is no bearer token")
    refresh, id_ = answer.get("refresh_token"), answer.get("id_token")
    return issued_token(
        access,
        now=now,
        expires_in=answer.get("expires_in"),
        refresh=refresh if isinstance(refresh, str) and is_token(refresh) else "",
        id_=id_ if isinstance(id_, str) and is_token(id_) else "",
    )


def redacted(message: object, *secrets: str) -> str:
    """One line of foreign text in which nothing that looks like a token is left."""
    line = str(message)
    for secret in secrets:
        if secret:
            line = line.replace(secret, "…")
    return _LONG.sub("…", _JWT.sub("…", text.plain(line)))[:500].strip()


def _number(value: object) -> float | None:
    """A number that JSON or a careless server wrote, also as a text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
