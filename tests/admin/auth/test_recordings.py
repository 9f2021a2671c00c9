"""What a real Flyte Admin with login answered, step by step, is what this code understands."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from flowtui.admin import AdminClient
from flowtui.admin.auth import Authenticator
from flowtui.admin.auth.channel import AuthChannel
from flowtui.admin.auth.discovery import Discovery, discover
from flowtui.admin.auth.edge import EdgeHeaders
from flowtui.admin.auth.login import log_in
from flowtui.admin.auth.pkce import code_of, log_in_with_browser
from flowtui.admin.auth.sources import GivenToken
from flowtui.admin.auth.token_endpoint import RefusedError, TokenEndpoint
from flowtui.admin.auth.tokens import Token
from flowtui.config import AuthSettings
from flowtui.errors import AuthError
from flowtui.httpclient import httpx
from tests.admin.auth.make import jwt, quiet_terminal
from tests.replay import lines

SERVER = "http://127.0.0.1:9088"
ACCESS = jwt(iat=1_000, exp=2_799, sub="jane")
LINES = list(lines("auth"))
TOKEN_LINES = [line for line in LINES if line["url"].endswith("/oauth2/token")]
REFUSED = [line for line in LINES if line["status"] == 401 and "/oauth2/" not in line["url"]]

EXPECTED = Discovery(
    client_id="flytectl",
    redirect_uri="http://localhost:53593/callback",
    scopes=("offline", "all"),
    header="flyte-authorization",
    issuer=SERVER,
    authorization_endpoint=f"{SERVER}/oauth2/authorize",
    token_endpoint=f"{SERVER}/oauth2/token",
    token_auth_methods=("client_secret_basic",),
)


def answer(line: dict[str, Any]) -> httpx.Response:
    """The recorded answer, with tokens in place of the blanks."""
    if "body_base64" in line:
        body = base64.b64decode(line["body_base64"])
    else:
        body = line["body"].replace("<JWT>", ACCESS).replace("<refresh token>", "refresh-1").encode()
    return httpx.Response(line["status"], content=body, headers=line["headers"])


class Recorded(httpx.AsyncBaseTransport):
    """Answers with one line what it answers, and with the other documents what was asked besides."""

    def __init__(self, *given: dict[str, Any]) -> None:
        self.given = {urlsplit(line["url"]).path: line for line in given}
        self.requests: list[httpx.Request] = []
        self.sent: list[tuple[str, list[str]]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path
        # A repeated request is the same object, so its headers are noted now.
        self.sent.append((path, [name for name in request.headers if "authorization" in name]))
        if path in self.given:
            return answer(self.given[path])
        accept = request.headers["accept"]
        for line in LINES:
            asked = urlsplit(line["url"]).path == path and line["what"] == "no token"
            if asked and line["request_headers"]["accept"] == accept:
                return answer(line)
        raise AssertionError(f"nobody asked a real one for {path} with {accept}")


def channel(transport: Recorded) -> AuthChannel:
    return AuthChannel(SERVER, headers={}, edge=EdgeHeaders(AuthSettings()), transport=transport)


def endpoint(transport: Recorded, **settings: Any) -> TokenEndpoint:
    return TokenEndpoint(channel(transport), EXPECTED, AuthSettings(**settings), now=lambda: 5_000.0)


async def test_discovery_in_both_casings() -> None:
    assert await discover(channel(Recorded())) == EXPECTED
    camel = [line for line in LINES if line["what"] == "no token" and line["request_headers"].get("accept") == "*/*"]
    assert await discover(channel(Recorded(*camel))) == EXPECTED


@pytest.mark.parametrize("line", REFUSED, ids=lambda line: f"{line['what']} {urlsplit(line['url']).path}")
async def test_every_401_is_a_login_that_is_wanted(line: dict[str, Any], tmp_path: Path) -> None:
    path = urlsplit(line["url"]).path
    transport = Recorded(line)
    auth = Authenticator(SERVER, AuthSettings(), headers={}, home=tmp_path, environ={}, transport=transport)
    async with AdminClient(SERVER, auth=auth, transport=transport) as client:
        with pytest.raises(AuthError, match="You are not logged in at") as raised:
            await client.get(path, None, _Anything, what="it")
    assert "flowtui login" in raised.value.hint
    # With a token, the sentence of WWW-Authenticate is the reason.
    auth = Authenticator(SERVER, AuthSettings(token=ACCESS), headers={}, home=tmp_path, environ={}, transport=transport)
    async with AdminClient(SERVER, auth=auth, transport=transport) as client:
        with pytest.raises(AuthError) as raised:
            await client.get(path, None, _Anything, what="it")
    assert "does not accept the token of auth.token: token parse error" in raised.value.message
    assert ACCESS not in str(raised.value)
    # First in the header that the server names, then in the plain one, and no further.
    sent = [names for place, names in transport.sent if place == path]
    assert sent == [[], ["flyte-authorization"], ["authorization"]]


class _Anything:
    """No message: a 401 has none to read."""


async def test_the_walk_of_a_browser() -> None:
    walk = [line for line in LINES if line["what"].startswith("pkce redirect")]
    ours: list[str] = []

    async def pasted() -> AsyncIterator[str]:
        # Where the last redirect leads, with our state.
        (state,) = parse_qs(urlsplit(ours[1]).query)["state"]
        end: str = walk[-1]["headers"]["location"]
        yield end.replace("abc123abc123", state)

    transport = Recorded(next(line for line in TOKEN_LINES if line["what"] == "code for token"))
    token = await log_in_with_browser(
        endpoint(transport),
        # Nobody can listen there, so that the answer is the pasted one.
        Discovery(**{**EXPECTED.__dict__, "redirect_uri": "http://localhost:53593/callback"}),
        tell=lambda line: ours.append(line) if line.startswith("http") or not ours else None,
        browser=False,
        lines=pasted,
    )
    assert token == Token(ACCESS, "refresh-1", "", 5_000 + 1_799, 1_799)
    asked, real = urlsplit(ours[1]), urlsplit(walk[0]["url"])
    assert asked.path == real.path
    assert parse_qs(asked.query).keys() == parse_qs(real.query).keys()
    same = ("client_id", "redirect_uri", "response_type", "scope", "code_challenge_method")
    assert all(parse_qs(asked.query)[key] == parse_qs(real.query)[key] for key in same)
    (request,) = transport.requests
    assert parse_qs(request.content.decode()).keys() == parse_qs(TOKEN_LINES[0]["request_body"]).keys()


def test_the_last_redirect_holds_the_code() -> None:
    last = next(line for line in LINES if line["what"] == "pkce redirect 4")
    assert code_of(last["headers"]["location"], "abc123abc123") == "<JWT>"
    with pytest.raises(AuthError, match="not one to this login"):
        code_of(last["headers"]["location"], "abc123abc124")


async def ask(line: dict[str, Any], transport: Recorded) -> Token:
    """The exchange of a line, made by our code."""
    form = {name: values[0] for name, values in parse_qs(line["request_body"]).items()}
    if form["grant_type"] == "authorization_code":
        return await endpoint(transport).for_code(form["code"], form["code_verifier"], form["redirect_uri"])
    if form["grant_type"] == "refresh_token":
        return await endpoint(transport).for_refresh_token(Token("old", form["refresh_token"]))
    if form["grant_type"] == "client_credentials":
        basic = base64.b64decode(line["request_headers"]["authorization"].removeprefix("Basic ")).decode()
        name, _, secret = basic.partition(":")
        return await endpoint(transport, scopes=tuple(form["scope"].split())).for_secret(name, secret)
    return await endpoint(transport).for_device_code(form["device_code"])


ERRORS = {
    "refresh with nonsense": "server_error",
    "client credentials, wrong secret": "invalid_client",
    "client credentials, unknown client": "invalid_client",
    "device flow": "invalid_request",
}


@pytest.mark.parametrize("line", TOKEN_LINES, ids=lambda line: line["what"])
async def test_every_exchange(line: dict[str, Any]) -> None:
    transport = Recorded(line)
    if line["status"] == 200:
        token = await ask(line, transport)
        assert (token.access, token.expires_at, token.lifetime) == (ACCESS, 5_000 + 1_799, 1_799)
        assert token.refresh == ("" if line["what"] == "client credentials" else "refresh-1")
    else:
        with pytest.raises(RefusedError) as raised:
            await ask(line, transport)
        assert raised.value.code == ERRORS[line["what"]]
        assert "flowtui login" in raised.value.hint
    # What is sent is what the real one was sent.
    (request,) = transport.requests
    assert parse_qs(request.content.decode()) == parse_qs(line["request_body"])
    assert request.headers.get("authorization") == line["request_headers"].get("authorization")


async def test_every_bad_exchange_is_known() -> None:
    assert {line["what"] for line in TOKEN_LINES if line["status"] != 200} == ERRORS.keys()


@pytest.mark.parametrize(
    ("what", "who"),
    [
        ("with token in flyte-authorization", ("jane", "Jane Doe", "jane@example.com")),
        ("with token in authorization", ("jane", "Jane Doe", "jane@example.com")),
        ("with client token", ("jane", "", "")),
    ],
)
async def test_who_is_in(what: str, who: tuple[str, str, str], tmp_path: Path) -> None:
    line = next(line for line in LINES if line["what"] == what and line["url"].endswith("/me"))
    header = next(name for name in line["request_headers"] if "authorization" in name)
    transport = Recorded(line)
    auth = Authenticator(
        SERVER,
        AuthSettings(),
        headers={},
        home=tmp_path,
        source=GivenToken(ACCESS, "here", header=header),
        environ={},
        transport=transport,
    )
    connect = lambda auth: AdminClient(SERVER, auth=auth, transport=transport)  # noqa: E731
    login, token = await log_in(auth, quiet_terminal(), connect)
    assert (login.subject, login.name, login.email) == who
    assert token is None
    assert transport.requests[0].headers[header] == f"Bearer {ACCESS}"


async def test_projects_with_a_token_and_health_without(tmp_path: Path) -> None:
    for line in LINES:
        if line["url"].endswith("/api/v1/projects") and line["status"] == 200:
            transport = Recorded(line)
            auth = Authenticator(
                SERVER, AuthSettings(token=ACCESS), headers={}, home=tmp_path, environ={}, transport=transport
            )
            async with AdminClient(SERVER, auth=auth, transport=transport) as client:
                assert [project.id for project in await client.list_projects()] == ["flytesnacks"]
    health = next(line for line in LINES if line["url"].endswith("/healthcheck"))
    transport = Recorded(health)
    auth = Authenticator(SERVER, AuthSettings(), headers={}, home=tmp_path, environ={}, transport=transport)
    async with AdminClient(SERVER, auth=auth, transport=transport) as client:
        await client.healthcheck()
    assert not any("authorization" in name for name in transport.requests[0].headers)


def test_no_line_is_left_out() -> None:
    """Every recorded line is of one of the kinds that the tests above take up."""
    kinds = {line["what"] for line in LINES}
    assert kinds == {
        "no token",
        "no token, protobuf",
        *(f"pkce redirect {number}" for number in range(5)),
        "code for token",
        "code used twice",
        "with token in flyte-authorization",
        "with token in authorization",
        "garbage token",
        "tampered token",
        "refresh",
        *ERRORS,
        "client credentials",
        "with client token",
    }
    assert len(REFUSED) + len(TOKEN_LINES) + 6 + 5 + 4 + 1 == len(LINES)
    assert json.dumps(LINES).count("eyJ") == 0
