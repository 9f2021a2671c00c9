"""Foreign token answers, JWTs and discovery documents: nothing crashes, nothing of a token is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.admin.auth.addresses import host_of, is_loopback, may_carry_secrets, origin, same_origin
from flowtui.admin.auth.channel import Answer, AuthChannel
from flowtui.admin.auth.discovery import Discovery, discover, read_discovery, revocation_endpoint
from flowtui.admin.auth.edge import EdgeHeaders
from flowtui.admin.auth.steps import instant, validity
from flowtui.admin.auth.tokens import Token, claims, is_token, issued_token, redacted, stored_token, token_from_answer
from flowtui.config import AuthSettings
from flowtui.errors import AuthError, FlowtuiError, ServerError
from flowtui.httpclient import httpx
from tests.admin.auth.make import jwt

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["access_token", "token_type", "expires_in", "refresh_token", "id_token", "scope", "error"]


@given(
    st.dictionaries(st.sampled_from(FIELDS), json_values | st.sampled_from(["a", "bearer", "1e400", "-1", jwt(exp=1)])),
    st.floats(0, 4e9),
)
def test_any_token_answer(answer: dict[str, Any], now: float) -> None:
    try:
        token = token_from_answer(answer, now=now)
    except ValueError as error:
        if str(error) not in ("it holds no access token", "its token is no bearer token"):
            raise
        return
    assert is_token(token.access)
    assert token.expires_at is None or token.expires_at > now
    assert token.lifetime is None or not token.expires_soon(now)
    validity(token)


@given(st.text() | st.builds(lambda body: f"a.{body}.c", st.text()) | json_values.map(lambda value: jwt(exp=value)))
def test_any_text_as_a_jwt(text: str) -> None:
    claims(text)
    if is_token(text):
        token = stored_token(text)
        token.expires_soon(0.0)
        validity(token)
        assert text not in repr(token) or len(text) < 8


def test_how_long_a_token_holds() -> None:
    now = 10_000.0
    assert issued_token("opaque", now=now, expires_in=60).expires_at == 10_060
    assert issued_token("opaque", now=now, expires_in="60").expires_at == 10_060
    for odd in (0, -5, "soon", None, True, float("inf"), 10**30):
        assert issued_token("opaque", now=now, expires_in=odd).expires_at is None
    # By its life, not by a clock of somebody else.
    assert issued_token(jwt(iat=50_000, exp=51_800), now=now).expires_at == 11_800
    assert issued_token(jwt(exp=51_800), now=now).expires_at == 51_800
    assert issued_token(jwt(exp=9_000), now=now).expires_at is None
    assert stored_token(jwt(iat=1, exp=9_000)).expires_at == 9_000
    assert stored_token("opaque").expires_at is None
    assert stored_token(jwt(exp=1), expires_at=5.0).expires_at == 5.0


def test_when_it_ends_soon() -> None:
    assert not Token("a").expires_soon(10**12)
    assert Token("a", expires_at=100.0, lifetime=1800.0).expires_soon(40.0)
    assert not Token("a", expires_at=100.0, lifetime=1800.0).expires_soon(39.0)
    # A short one is not renewed at every request.
    assert not Token("a", expires_at=100.0, lifetime=30.0).expires_soon(96.0)
    assert Token("a", expires_at=100.0, lifetime=30.0).expires_soon(97.0)


def test_text_without_tokens() -> None:
    secret = jwt(sub="jane")
    line = f"a\x1b[31m {secret} b Bearer {'x' * 40} c short-secret d {secret[:30]}"
    assert redacted(line, "short-secret") == "a … b Bearer … c … d …"
    said = (
        "token parse error: [JWT_VERIFICATION_FAILED] crypto/rsa: verification error at https://idp.test/oauth2/token"
    )
    assert redacted(said) == said


def test_until_when_in_words() -> None:
    assert validity(Token("a")) == "valid until nobody knows when"
    assert validity(Token("a", expires_at=100.0), now=50) == "valid until 1970-01-01T00:01:40Z"
    assert validity(Token("a", expires_at=100.0), now=150) == "ended at 1970-01-01T00:01:40Z"
    assert validity(Token("a", expires_at=1e30)) == "valid for ever"
    assert instant(None) is None


documents = st.dictionaries(
    st.sampled_from(
        ["client_id", "clientId", "redirect_uri", "scopes", "authorization_metadata_key", "audience", "issuer",
         "token_endpoint", "tokenEndpoint", "authorization_endpoint", "device_authorization_endpoint",
         "revocation_endpoint", "token_endpoint_auth_methods_supported"]
    ),
    json_values | st.lists(st.text()) | st.sampled_from(["https://a.test/x", "http://a.test/x", "http://[", "x\x1b"]),
)  # fmt: skip


@given(documents, documents)
def test_any_discovery(client: dict[str, Any], metadata: dict[str, Any]) -> None:
    found = read_discovery(client, metadata)
    for url in (found.issuer, found.authorization_endpoint, found.token_endpoint, found.device_authorization_endpoint):
        assert url == "" or may_carry_secrets(url)
    assert httpx.Headers({found.header: "x"})
    assert (found.client_id + found.redirect_uri + found.audience + "".join(found.scopes)).isprintable()


def channel(handler: Any) -> AuthChannel:
    transport = httpx.MockTransport(handler)
    return AuthChannel("https://flyte.test/flows/", headers={}, edge=EdgeHeaders(AuthSettings()), transport=transport)


@given(
    st.sampled_from([200, 204, 302, 401, 404, 500, 501]), st.binary() | documents.map(lambda d: json.dumps(d).encode())
)
async def test_any_answer_to_discovery(status: int, body: bytes) -> None:
    try:
        await discover(channel(lambda _: httpx.Response(status, content=body)))
    except FlowtuiError:
        return


@pytest.mark.parametrize(
    ("answers", "error", "said"),
    [
        ((501, 501), None, ""),
        ((404, 404), None, ""),
        ((401, 401), AuthError, "wants a login before it says how to log in"),
        ((302, 200), AuthError, "wants a login before"),
        ((503, 503), ServerError, "it answers 503"),
        ((200, 200), ServerError, "it answers with text/html"),
    ],
)
async def test_discovery_that_is_none(answers: tuple[int, int], error: type[Exception] | None, said: str) -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        assert request.headers["accept"] == "application/json"
        return httpx.Response(answers["oauth" in request.url.path], html="<html>")

    if error is None:
        assert await discover(channel(handler)) is None
    else:
        with pytest.raises(error, match=said):
            await discover(channel(handler))
    # The path of the base URL counts.
    assert sorted(asked) == ["/flows/.well-known/oauth-authorization-server", "/flows/config/v1/flyte_client"]


async def test_an_authorization_server_elsewhere_revokes() -> None:
    said = Discovery(issuer="https://idp.test/o", token_endpoint="https://idp.test/o/token")

    def handler(request: httpx.Request) -> httpx.Response:
        assert request.url == "https://idp.test/o/.well-known/openid-configuration"
        return httpx.Response(200, json={"revocation_endpoint": revoke})

    revoke = "https://idp.test/o/revoke"
    assert await revocation_endpoint(channel(handler), said) == revoke
    # A document of one server does not send tokens to another.
    revoke = "https://elsewhere.test/revoke"

    def anywhere(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"revocation_endpoint": revoke})

    assert await revocation_endpoint(channel(anywhere), said) == ""
    assert await revocation_endpoint(channel(lambda _: httpx.Response(404)), said) == ""


async def test_headers_of_the_server_go_to_no_other() -> None:
    seen: dict[str, list[str]] = {}

    def handler(request: httpx.Request) -> httpx.Response:
        seen[request.url.host] = [name for name in ("x-team", "x-own") if name in request.headers]
        return httpx.Response(200, json={})

    settings = AuthSettings(header_command=("printf", "X-Own: secret"))
    asked = AuthChannel(
        "https://flyte.test",
        headers={"X-Team": "secret"},
        edge=EdgeHeaders(settings),
        transport=httpx.MockTransport(handler),
    )
    await asked.get("https://flyte.test/config/v1/flyte_client")
    await asked.post("https://idp.test/token", "a=b")
    assert seen == {"flyte.test": ["x-team", "x-own"], "idp.test": []}
    assert asked.calls == 2


async def test_an_answer_without_end_is_cut_off() -> None:
    async def endless() -> Any:
        while True:
            yield b"x" * 65_536

    with pytest.raises(ServerError, match="more than 1 MiB"):
        await channel(lambda _: httpx.Response(200, content=endless())).get("https://idp.test/token")


def test_an_answer_shows_no_body() -> None:
    assert "secret" not in repr(Answer(200, "application/json", b'{"access_token": "secret"}'))


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://flyte.test", True),
        ("http://flyte.test", False),
        ("http://localhost:1", True),
        ("http://127.8.9.1", True),
        ("http://[::1]:5", True),
        ("http://localhost.evil.test", False),
        ("http://127.0.0.1.evil.test", False),
        ("http://0.0.0.0", False),
        ("ftp://localhost", False),
        ("https://", False),
        ("https://a:b", False),
        ("http://[", False),
    ],
)
def test_where_secrets_may_go(url: str, good: bool) -> None:
    assert may_carry_secrets(url) is good


def test_servers() -> None:
    assert same_origin("https://A.test/x", "https://a.test:443/y")
    assert not same_origin("https://a.test", "http://a.test")
    assert not same_origin("https://a.test", "https://a.test:444")
    assert not same_origin("nonsense", "nonsense")
    assert origin("nonsense") == ("", "", 0)
    assert host_of("https://u:p@A.test:8/x") == "a.test:8"
    assert is_loopback("LOCALHOST")
