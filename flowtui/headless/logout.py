"""``flowtui logout``: forgets the tokens of a server, here and, where it offers that, there."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from flowtui.config import Settings
from flowtui.headless.json import dumps
from flowtui.headless.login import require_server
from flowtui.headless.style import Style
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.httpclient import httpx


async def execute(
    settings: Settings, options: Namespace, style: Style, *, transport: httpx.AsyncBaseTransport | None = None
) -> str:
    """Forgets the tokens; those of pyflyte are the same ones.

    Raises:
        UsageError: no server is configured.
        ConfigError: the file of tokens cannot be used.
    """
    from flowtui.admin.auth.login import log_out

    auth = require_server(settings, transport)
    forgotten, revoked = await log_out(auth)
    if auth.stores.complaint:
        style.tell(auth.stores.complaint)
    if style.json:
        return dumps({"endpoint": auth.endpoint, "forgotten": forgotten, "revoked": revoked})
    if not forgotten:
        return f"No login at {auth.endpoint} is kept here.\n"
    there = ", and the server has revoked it" if revoked else ""
    return plain(f"Forgotten: {', '.join(forgotten)}{there}.") + "\n"
