"""Lets in who may come in: the right token, a host name of ours, no page of another origin."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from flowtui.local import marshal
from flowtui.local.dataproxy import BLOB_PATH
from flowtui.local.status import UNAUTHENTICATED, AdminError

_OPEN = "/healthcheck"
_PERMISSION_DENIED = 7
_TOKEN_HEADERS = ("authorization", "flyte-authorization")
WANTED = "transport: missing or wrong token; send the one that `flowtui serve` shows as Authorization: Bearer"
"""The refusal of who comes without the token."""


class Guard:
    """ASGI middleware.

    Args:
        token: what ``Authorization: Bearer`` or ``flyte-authorization: Bearer`` must carry; None: nothing.
        allowed_hosts: names that ``Host`` and ``Origin`` may name, without port; None: any. A name that a foreign DNS
            server points at this machine is none of them.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, allowed_hosts: frozenset[str] | None) -> None:
        self._app = app
        self._token = token
        self._hosts = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(Headers(scope=scope), path_below_root(scope))
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await refusal(scope, receive, send)

    def _refusal(self, headers: Headers, path: str) -> Response | None:
        if self._hosts is not None:
            if _host(headers.get("host", "")) not in self._hosts:
                return _answer(headers, AdminError(_PERMISSION_DENIED, "this host name is not served here"))
            origin = headers.get("origin")
            if origin is not None and (urlsplit(origin).hostname or "") not in self._hosts:
                return _answer(headers, AdminError(_PERMISSION_DENIED, "pages of other origins are not served"))
        # A signed URL carries its own permission.
        if self._token is None or path == _OPEN or path.startswith(BLOB_PATH + "/"):
            return None
        if any(is_bearer(headers.get(name, ""), self._token) for name in _TOKEN_HEADERS):
            return None
        answer = _answer(headers, AdminError(UNAUTHENTICATED, WANTED))
        answer.headers["www-authenticate"] = WANTED
        return answer


def is_bearer(header: str, token: str) -> bool:
    """Whether a header's value is ``Bearer`` with the token; takes as long for a wrong one as for the right one."""
    scheme, _, value = header.partition(" ")
    given = value.strip().encode("utf-8", "replace")
    return scheme.lower() == "bearer" and hmac.compare_digest(given, token.encode())


def path_below_root(scope: Scope) -> str:
    """The decoded path below the one that the app is mounted at."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(root) else path


def _host(header: str) -> str:
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""


def _answer(headers: Headers, error: AdminError) -> Response:
    form = marshal.answer_form(headers.getlist("accept"), headers.getlist("content-type"))
    body = marshal.encode(marshal.status_message(error), form)
    return Response(body, error.http_status, media_type=form.media_type)
