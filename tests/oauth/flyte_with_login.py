"""The embedded Flyte Admin behind a login, as a real one has it: discovery is open, all else answers 401.

The 401 are worded like the recorded ones; the tokens are those of ``authorization_server``.
"""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flyteidl.service import identity_pb2
from google.protobuf import json_format
from google.rpc import status_pb2
from starlette.datastructures import Headers
from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from flowtui.local.app import create_app
from tests.oauth.authorization_server import CLIENT, Request, Server, World
from tests.test_cli import served

NO_TOKEN = (
    "token parse error id token err: access token err: [JWT_VERIFICATION_FAILED] Could not retrieve bearer token from"
    " metadata, caused by: rpc error: code = Unauthenticated desc = Request unauthenticated with Bearer"
)
BINARY = "application/octet-stream"


class FlyteWithLogin:
    """ASGI app.

    Args:
        inner: the Admin that is asked once somebody is in; without one a list of projects is all there is.

    Attributes:
        header: what it reads tokens from besides ``authorization``; plain: whether it reads that one.
        offers_device: whether its metadata name a device endpoint.
        requests: how often each path was asked, and ``refused``.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.world = World()
        self.server = Server(self.world)
        self.header = "flyte-authorization"
        self.plain = True
        self.offers_device = True
        self.offers_login = True
        self.offers_revocation = True
        self.requests: Counter[str] = Counter()
        self.accepted: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        request = HttpRequest(scope, receive)
        path = request.url.path
        self.requests[path] += 1
        response = await self._answer(request, path)
        if response is None:
            await self.inner(scope, receive, send)
        else:
            await response(scope, receive, send)

    async def _answer(self, request: HttpRequest, path: str) -> Response | None:
        world = self.world
        if path == "/healthcheck":
            return Response(b"")
        if path in ("/config/v1/flyte_client", "/.well-known/oauth-authorization-server") and not self.offers_login:
            return _status(request.headers, 501, 12, "unknown service flyteidl.service.AuthMetadataService")
        if path == "/config/v1/flyte_client":
            return _json(request, self._client())
        if path == "/.well-known/oauth-authorization-server":
            return _json(request, self._metadata())
        if path in ("/oauth2/token", "/oauth2/revoke", "/oauth2/device", "/oauth2/authorize", "/login"):
            asked = Request(request.method, str(request.url), await request.body(), request.headers)
            return self._oauth2(path, asked)
        token = self._token(request.headers)
        claims = world.claims(token) if token else None
        if claims is None and token not in self.accepted:
            self.requests["refused"] += 1
            said = NO_TOKEN if not token else "token parse error id token err: crypto/rsa: verification error"
            response = _status(request.headers, 401, 16, said)
            response.headers["www-authenticate"] = said
            return response
        if path == "/me":
            user = str((claims or {}).get("sub", ""))
            info = identity_pb2.UserInfoResponse(subject=user, preferred_username=user)
            if user:
                info.name, info.email = "Jane Doe", "jane@example.com"
            return _message(request.headers, 200, info)
        return None

    def _oauth2(self, path: str, asked: Request) -> Response:
        if path == "/oauth2/token":
            self.world.grants[asked.payload.grant_type] += 1
            response: Response = self.server.create_token_response(asked)
            if response.status_code == 400 and b"invalid_grant" in response.body and "refresh_token" in asked.form:
                # A real Admin has no better word for a refresh token that it does not know.
                return Response(json.dumps({"error": "server_error"}), 500, media_type="application/json")
            return response
        if path == "/oauth2/authorize":
            return RedirectResponse(f"/login?{asked.uri.partition('?')[2]}", 307)
        if path == "/login":
            return self.server.authorize(asked)
        name = "revocation" if path == "/oauth2/revoke" else "device_authorization"
        answer: Response = self.server.create_endpoint_response(name, asked)
        return answer

    def _token(self, headers: Headers) -> str:
        # Of both the plain one wins, as in Flyte's gateway.
        for name in (["authorization"] if self.plain else []) + [self.header]:
            scheme, _, token = headers.get(name, "").partition(" ")
            if scheme == "Bearer":
                return token
        return ""

    def _client(self) -> dict[str, Any]:
        return {
            "client_id": CLIENT,
            "redirect_uri": self.world.redirect_uri,
            "scopes": ["offline", "all"],
            "authorization_metadata_key": self.header,
            "service_http_endpoint": "",
            "audience": "",
        }

    def _metadata(self) -> dict[str, Any]:
        at = self.world.issuer
        return {
            "issuer": at,
            "authorization_endpoint": f"{at}/oauth2/authorize",
            "token_endpoint": f"{at}/oauth2/token",
            "response_types_supported": ["code"],
            "scopes_supported": ["all"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "grant_types_supported": ["client_credentials", "refresh_token", "authorization_code"],
            "device_authorization_endpoint": f"{at}/oauth2/device" if self.offers_device else "",
            **({"revocation_endpoint": f"{at}/oauth2/revoke"} if self.offers_revocation else {}),
        }


def _json(request: HttpRequest, content: dict[str, Any]) -> Response:
    if request.headers.get("accept") != "application/json":
        content = {_camel(key): value for key, value in content.items()}
    return Response(json.dumps(content), media_type="application/json")


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _status(headers: Headers, status: int, code: int, message: str) -> Response:
    return _message(headers, status, status_pb2.Status(code=code, message=message))


def _message(headers: Headers, status: int, message: Any) -> Response:
    if headers.get("accept") == BINARY:
        return Response(message.SerializeToString(), status, media_type=BINARY)
    return Response(json_format.MessageToJson(message), status, media_type="application/json")


def free_port() -> int:
    """A port of this machine that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def flyte_with_login(home: Path) -> Iterator[tuple[str, FlyteWithLogin]]:
    """A Flyte Admin with login on a loopback port, over the embedded one."""
    inner = create_app(home)
    app = FlyteWithLogin(inner)
    try:
        with served(app) as url:
            app.world.issuer = url
            app.world.redirect_uri = f"http://localhost:{free_port()}/callback"
            yield url, app
    finally:
        inner.state.admin.store.close()
