"""``flowtui login``: gets in, proves it, and says who is in and until when. What the person must do goes to stderr."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from flowtui.admin import AdminClient
from flowtui.admin.auth import Authenticator
from flowtui.config import Settings
from flowtui.errors import FlowtuiError, UsageError
from flowtui.headless.json import dumps, instant
from flowtui.headless.style import Style
from flowtui.session import open_session, session_auth
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.admin.auth.device import DeviceCode
    from flowtui.admin.auth.login import Login, Terminal
    from flowtui.httpclient import httpx


async def execute(
    settings: Settings, options: Namespace, style: Style, *, transport: httpx.AsyncBaseTransport | None = None
) -> str:
    """Logs in.

    Args:
        options: ``mode``, ``store``: instead of what the settings say; ``browser``: whether one may be opened.

    Raises:
        UsageError: no server is configured.
        AuthError: the server or the person says no.
        ServerError, UnreachableError: a server fails, or does not answer.
    """
    from flowtui.admin.auth.login import log_in
    from flowtui.admin.auth.steps import instant as moment

    settings = replace(
        settings,
        auth=replace(
            settings.auth, mode=options.mode or settings.auth.mode, store=options.store or settings.auth.store
        ),
    )
    auth = require_server(settings, transport)

    @asynccontextmanager
    async def connect(auth: Authenticator) -> AsyncIterator[AdminClient]:
        async with open_session(settings, transport=transport, auth=auth) as session:
            yield session.client

    login, token = await log_in(auth, _terminal(options, style), connect)
    kept = login.where
    if token is not None:
        kept = ""
        try:
            kept = await auth.stores.write(token)
        except FlowtuiError as error:
            if not auth.stores.complaint:
                _tell(f"{error.message} {error.hint}")
    if style.json:
        shape = {
            "endpoint": auth.endpoint,
            "mode": login.mode,
            "subject": login.subject or None,
            "name": login.name or None,
            "email": login.email or None,
            "expires_at": instant(moment(login.expires_at)),
            "renewable": login.renewable,
            "kept": kept or None,
        }
        return dumps(shape)
    return _sentence(auth.endpoint, login, kept) + "\n"


def require_server(settings: Settings, transport: httpx.AsyncBaseTransport | None) -> Authenticator:
    """What logs in to the configured server.

    Raises:
        UsageError: none is configured.
    """
    auth = session_auth(settings, transport)
    if auth is None:
        raise UsageError(
            "No Flyte server is configured, and this machine needs no login.",
            "Name one with --endpoint URL or FLOWTUI_ENDPOINT.",
        )
    return auth


def _sentence(endpoint: str, login: Login, kept: str) -> str:
    from flowtui.admin.auth.steps import instant as moment

    if login.mode == "none" and not login.where:
        return f"{endpoint} lets everybody in."
    details = ", ".join(part for part in (login.name, login.email) if part)
    who = f"{login.subject}{f' ({details})' if details else ''}" if login.subject else details or "somebody unnamed"
    until = moment(login.expires_at)
    end = f" until {until.isoformat(timespec='seconds').replace('+00:00', 'Z')}" if until is not None else ""
    renewed = ", renewed by itself" if login.renewable and kept else ""
    place = f"kept in {kept}" if login.mode in ("pkce", "device") else f"by {kept}"
    return plain(f"Logged in at {endpoint} as {who}{end}{renewed}; {place if kept else 'not kept'}.")


def _tell(line: str) -> None:
    # Also with --json: without the URL nobody could log in.
    sys.stderr.write(plain(line) + "\n")
    sys.stderr.flush()


def _terminal(options: Namespace, style: Style) -> Terminal:
    from flowtui.admin.auth.login import Terminal
    from flowtui.admin.auth.pkce import typed_lines

    def show(code: DeviceCode) -> None:
        _show_code(code, style)

    return Terminal(
        tell=_tell,
        show=show,
        lines=typed_lines if sys.stdin.isatty() else None,
        browser=options.browser,
        environ=os.environ,
    )


def _show_code(code: DeviceCode, style: Style) -> None:
    from flowtui.admin.auth.device import qr_code

    if sys.stderr.isatty():
        blocks = (sys.stderr.encoding or "").lower().replace("-", "").startswith("utf") and not style.ascii
        sys.stderr.write(qr_code(code.complete_url or code.url, ascii_only=not blocks))
    _tell("Log in on any device:")
    _tell(f"  {code.url}")
    _tell(f"  code {code.user_code}, good for {code.expires_in / 60:.0f} minutes")
