"""A person's login on another device: a code typed there, or scanned (RFC 8628)."""

from __future__ import annotations

import asyncio
import io
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flowtui import text
from flowtui.admin.auth.addresses import may_carry_secrets
from flowtui.admin.auth.channel import AuthChannel
from flowtui.admin.auth.discovery import Discovery
from flowtui.admin.auth.pkce import Tell
from flowtui.admin.auth.token_endpoint import LOGIN_HINT, RefusedError, TokenEndpoint
from flowtui.admin.auth.tokens import MAX_TOKEN, Token, is_token, redacted
from flowtui.errors import AuthError, ServerError, UnreachableError

_INTERVAL = 5.0
_SLOW_DOWN = 5.0
_LONGEST = 3600.0


@dataclass(frozen=True)
class DeviceCode:
    """What the person needs, and what the device asks with.

    Attributes:
        url: where to type ``user_code``; complete_url: the same with the code in it, or empty.
        expires_in, interval: seconds.
    """

    device_code: str = field(repr=False)
    user_code: str
    url: str
    complete_url: str
    expires_in: float
    interval: float


async def log_in_with_device(
    endpoint: TokenEndpoint,
    discovery: Discovery,
    channel: AuthChannel,
    *,
    tell: Tell,
    show: Callable[[DeviceCode], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Token:
    """The token of a person who agrees on another device.

    Args:
        show: puts the code before the person.
        sleep, clock: seconds.

    Raises:
        AuthError: the server has no such login, the person says no, or the code expires.
        ServerError, UnreachableError: the authorization server fails.
    """
    if not (discovery.device_authorization_endpoint and endpoint.client_id):
        raise AuthError("The server offers no login with a code.", "`flowtui login --mode pkce` uses a browser.")
    device = await _device_code(endpoint, discovery, channel)
    show(device)
    interval, end = device.interval, clock() + device.expires_in
    while True:
        await sleep(interval)
        if clock() > end:
            raise AuthError("The code has expired.", "`flowtui login` gives a new one.")
        try:
            return await endpoint.for_device_code(device.device_code)
        except RefusedError as error:
            if error.code == "slow_down":
                interval += _SLOW_DOWN
            elif error.code != "authorization_pending":
                raise _ended(error) from error
        except UnreachableError as error:
            # RFC 8628, 3.5: ask less often where nothing answers.
            tell(error.message)
            interval = min(interval * 2, 60.0)


def _ended(error: RefusedError) -> AuthError:
    if error.code == "access_denied":
        return AuthError("The login was refused on the other device.", LOGIN_HINT)
    if error.code == "expired_token":
        return AuthError("The code has expired.", "`flowtui login` gives a new one.")
    return error


async def _device_code(endpoint: TokenEndpoint, discovery: Discovery, channel: AuthChannel) -> DeviceCode:
    form = {"client_id": endpoint.client_id, "scope": " ".join(endpoint.scopes), "audience": endpoint.audience}
    body = urlencode({name: value for name, value in form.items() if value})
    answer = await channel.post(discovery.device_authorization_endpoint, body)
    found = answer.json()
    if answer.status != 200:
        said = redacted(found.get("error_description") or found.get("error") or f"HTTP {answer.status}")
        raise AuthError(f"The server gives no code: {said}", "`flowtui login --mode pkce` uses a browser.")
    try:
        return read_device_code(found)
    except ValueError as error:
        raise ServerError(f"The code that the server gives cannot be used: {error}.", "Try again.") from None


def read_device_code(found: Any) -> DeviceCode:
    """The answer of a device authorization endpoint (RFC 8628, 3.2).

    Raises:
        ValueError: it lacks something; the text says what.
    """
    device_code, user_code = found.get("device_code"), found.get("user_code")
    if not isinstance(device_code, str) or not 0 < len(device_code) <= MAX_TOKEN:
        raise ValueError("it has no device_code")
    if not isinstance(user_code, str) or not 0 < len(text.plain(user_code).strip()) <= 100:
        raise ValueError("it has no user_code")
    # Google's name for it is older than the RFC.
    url = found.get("verification_uri") or found.get("verification_url")
    if not _is_shown(url):
        raise ValueError("it has no verification_uri")
    complete = found.get("verification_uri_complete")
    return DeviceCode(
        device_code=device_code,
        user_code=text.plain(user_code).strip(),
        url=url,
        complete_url=complete if _is_shown(complete) else "",
        expires_in=_seconds(found.get("expires_in"), 600.0),
        interval=max(_seconds(found.get("interval"), _INTERVAL), 1.0),
    )


def _is_shown(url: object) -> bool:
    return isinstance(url, str) and len(url) <= 2000 and is_token(url) and may_carry_secrets(url)


def _seconds(value: object, default: float) -> float:
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else default
    except (ValueError, OverflowError):
        number = default
    return min(number, _LONGEST) if math.isfinite(number) and number > 0 else default


def qr_code(url: str, *, ascii_only: bool = False) -> str:
    """A QR code of a URL for a terminal, with its quiet zone; empty where the URL is too long for one.

    Args:
        ascii_only: of ``##`` instead of half blocks, twice as wide and high.
    """
    import segno

    try:
        code = segno.make(url, error="l", micro=False)
    except segno.DataOverflowError:
        return ""
    if ascii_only:
        return "".join("".join("  " if dark else "##" for dark in row) + "\n" for row in code.matrix_iter(border=2))
    out = io.StringIO()
    code.terminal(out, border=2, compact=True)
    return out.getvalue()
