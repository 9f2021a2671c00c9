"""Tokens and terminals for tests of logins."""

from __future__ import annotations

import base64
import json
from typing import Any

from flowtui.admin.auth.login import Terminal


def jwt(**claims: Any) -> str:
    """A JWT with these claims, whose signature nobody checks."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'RS256'})}.{part(claims)}.c2lnbmF0dXJl"


def quiet_terminal(told: list[str] | None = None, *, browser: bool = False) -> Terminal:
    """A terminal at which nobody sits."""
    lines = told if told is not None else []
    return Terminal(
        tell=lines.append,
        show=lambda code: lines.append(f"{code.url} {code.user_code}"),
        lines=None,
        browser=browser,
        environ={},
    )
