"""Requests that are logged in: which header, when a token is renewed, and what is never done."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keyring
import pytest

from flowtui.admin.auth import Authenticator
from flowtui.admin.auth.sources import TokenSource
from flowtui.admin.auth.tokens import Token
from flowtui.config import AuthSettings
from flowtui.errors import AuthError, FlowtuiError, UnreachableError
from flowtui.httpclient import httpx
from tests.admin.auth.make import jwt
from tests.oauth.keyrings import MemoryKeyring

SERVER = "https://flyte.test/flows"
CLIENT = {
    "client_id": "flytectl",
    "redirect_uri": "http://localhost:53593/callback",
    "scopes": ["all"],
    "authorization_metadata_key": "flyte-authorization",
}
METADATA = {"issuer": SERVER, "token_endpoint": f"{SERVER}/oauth2/token"}


class Flyte(httpx.AsyncBaseTransport):
    """A Flyte with login in process.

    Attributes:
        good: the tokens that it accepts; reads: the headers that it reads them from.
        refreshed: answers of the token endpoint, one after the other.
        seen: path and token of every request.
    """

    def __init__(self, *good: str) -> None:
        self.good = set(good)
        self.reads = ("authorization", "flyte-authorization")
        self.refreshed: list[httpx.Response | Exception] = []
        self.seen: list[tuple[str, str]] = []
        self.hold: asyncio.Event | None = None
        self.offers_login = True
        self.forms: list[str] = []
        self.asked = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/flows")
        tokens = [request.headers[name] for name in self.reads if name in request.headers]
        self.seen.append((path, tokens[0] if tokens else ""))
        if path in ("/config/v1/flyte_client", "/.well-known/oauth-authorization-server"):
            if not self.offers_login:
                return httpx.Response(501, json={"code": 12})
            return httpx.Response(200, json=CLIENT if "flyte_client" in path else METADATA)
        if path == "/oauth2/token":
            self.forms.append(request.content.decode())
            self.asked.set()
            if self.hold is not None:
                await self.hold.wait()
            answer = self.refreshed.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        if tokens and tokens[0].removeprefix("Bearer ") in self.good:
            return httpx.Response(200, text="in")
        return httpx.Response(401, headers={"www-authenticate": "token parse error"})

    def count(self, path: str) -> int:
        return [place for place, _ in self.seen].count(path)


def renewal(access: str, refresh: str = "refresh-2", **more: Any) -> httpx.Response:
    return httpx.Response(
        200, json={"access_token": access, "refresh_token": refresh, "token_type": "bearer", "expires_in": 1800, **more}
    )


@pytest.fixture
def slots(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    memory = MemoryKeyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: memory)
    for name in ("get_password", "set_password", "delete_password"):
        monkeypatch.setattr(keyring, name, getattr(memory, name))
    return memory


def keep(slots: MemoryKeyring, access: str, refresh: str = "refresh-1") -> None:
    slots.passwords["flyte.test", "access_token"] = access
    slots.passwords["flyte.test", "refresh_token"] = refresh


Make = Callable[..., Authenticator]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(flyte: Flyte, settings: AuthSettings | None = None, **more: Any) -> Authenticator:
        arguments: dict[str, Any] = {"headers": {}, "home": tmp_path, "environ": {}, "transport": flyte, **more}
        return Authenticator(arguments.pop("endpoint", SERVER), settings or AuthSettings(), **arguments)

    return made


async def get(auth: Authenticator, flyte: Flyte, url: str = f"{SERVER}/api/v1/projects") -> httpx.Response:
    async with httpx.AsyncClient(auth=auth, transport=flyte) as client:
        return await client.get(url)


async def test_a_given_token_costs_one_request(make: Make) -> None:
    flyte = Flyte("given")
    auth = make(flyte, AuthSettings(token="given"))
    assert (await get(auth, flyte)).text == "in"
    assert flyte.seen == [("/api/v1/projects", "Bearer given")]


async def test_a_server_without_login_is_asked_for_nothing_else(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "get_password", lambda *_: pytest.fail("the keyring was asked"))
    flyte = Flyte()
    flyte.good.add("")
    flyte.handle_async_request = lambda request: _ok(flyte, request)  # type: ignore[method-assign]
    auth = make(flyte)
    assert (await get(auth, flyte)).text == "in"
    assert flyte.seen == [("/flows/api/v1/projects", "")]


async def _ok(flyte: Flyte, request: httpx.Request) -> httpx.Response:
    flyte.seen.append((request.url.path, request.headers.get("authorization", "")))
    return httpx.Response(200, text="in")


async def test_a_kept_login_costs_one_request_once_the_server_is_known(make: Make, slots: MemoryKeyring) -> None:
    flyte = Flyte("kept")
    keep(slots, "kept")
    assert (await get(make(flyte), flyte)).text == "in"
    assert flyte.count("/api/v1/projects") == 2
    flyte.seen.clear()
    # Another process, later.
    assert (await get(make(flyte), flyte)).text == "in"
    assert flyte.seen == [("/api/v1/projects", "Bearer kept")]


async def test_the_header_that_the_server_names(make: Make) -> None:
    flyte = Flyte("given")
    flyte.reads = ("flyte-authorization",)
    auth = make(flyte, AuthSettings(token="given"))
    assert (await get(auth, flyte)).text == "in"
    assert flyte.count("/api/v1/projects") == 2
    flyte.seen.clear()
    assert (await get(auth, flyte)).text == "in"
    assert flyte.seen == [("/api/v1/projects", "Bearer given")]


async def test_the_header_that_the_server_names_for_a_token_that_is_fetched(make: Make) -> None:
    flyte = Flyte("fetched")
    flyte.reads = ("flyte-authorization",)
    auth = make(flyte, AuthSettings(command=(sys.executable, "-c", "print('fetched')")))
    assert (await get(auth, flyte)).text == "in"


async def test_the_plain_header_where_the_named_one_does_not_work(make: Make, tmp_path: Path) -> None:
    flyte = Flyte("given")
    auth = make(flyte, AuthSettings(token="given"))
    await auth.server.discovery()
    flyte.reads = ("authorization",)
    assert (await get(auth, flyte)).text == "in"
    assert flyte.count("/api/v1/projects") == 2


async def test_a_token_that_ends_soon_is_renewed_first_and_kept(make: Make, slots: MemoryKeyring) -> None:
    now = 10_000.0
    old, new = jwt(iat=9_000, exp=now + 20), jwt(iat=10_000, exp=11_800)
    flyte = Flyte(old, new)
    flyte.refreshed = [renewal(new)]
    keep(slots, old)
    auth = make(flyte, AuthSettings(mode="pkce"), now=lambda: now)
    assert (await get(auth, flyte)).text == "in"
    assert [token for path, token in flyte.seen if path == "/api/v1/projects"] == [f"Bearer {new}"]
    assert slots.passwords["flyte.test", "access_token"] == new
    assert slots.passwords["flyte.test", "refresh_token"] == "refresh-2"
    assert "refresh_token=refresh-1" in flyte.forms[0]


async def test_sixteen_requests_that_are_refused_renew_once(make: Make, slots: MemoryKeyring) -> None:
    flyte = Flyte("new")
    flyte.refreshed = [renewal("new")]
    keep(slots, "old")
    auth = make(flyte, AuthSettings(mode="pkce"))
    async with httpx.AsyncClient(auth=auth, transport=flyte) as client:
        answers = await asyncio.gather(*(client.get(f"{SERVER}/api/v1/projects") for _ in range(16)))
    assert [answer.text for answer in answers] == ["in"] * 16
    assert flyte.count("/oauth2/token") == 1
    assert flyte.count("/api/v1/projects") == 32


async def test_a_refused_renewal_is_asked_for_once(make: Make, slots: MemoryKeyring) -> None:
    flyte = Flyte()
    flyte.refreshed = [httpx.Response(500, json={"error": "server_error", "error_description": "unexpected"})]
    keep(slots, "old")
    auth = make(flyte, AuthSettings(mode="pkce"))
    async with httpx.AsyncClient(auth=auth, transport=flyte) as client:
        asked = (client.get(f"{SERVER}/api/v1/projects") for _ in range(16))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(answer, AuthError) and "flowtui login" in answer.hint for answer in answers)
        with pytest.raises(AuthError, match="has ended"):
            await client.get(f"{SERVER}/api/v1/projects")
        assert flyte.count("/oauth2/token") == 1
        # Somebody logs in elsewhere: the next request is in.
        flyte.good.add("elsewhere")
        keep(slots, "elsewhere")
        assert (await client.get(f"{SERVER}/api/v1/projects")).text == "in"


async def test_a_renewed_token_that_is_refused_too_ends_it(make: Make, slots: MemoryKeyring) -> None:
    flyte = Flyte()
    flyte.refreshed = [renewal("new")]
    keep(slots, "old")
    auth = make(flyte, AuthSettings(mode="pkce"))
    for _ in range(3):
        with pytest.raises(AuthError, match=r"does not accept the token of keyring: flyte.test: token parse error"):
            await get(auth, flyte)
    assert flyte.count("/oauth2/token") == 1


async def test_another_process_has_used_the_refresh_token_up(make: Make, slots: MemoryKeyring) -> None:
    flyte = Flyte("theirs")
    keep(slots, "old")

    auth = make(flyte, AuthSettings(mode="pkce"))
    assert (await auth.choice()).source is not None
    flyte.hold = asyncio.Event()
    flyte.refreshed = [httpx.Response(400, json={"error": "invalid_grant"})]
    asking = asyncio.ensure_future(get(auth, flyte))
    await flyte.asked.wait()
    keep(slots, "theirs", "refresh-2")
    flyte.hold.set()
    assert (await asking).text == "in"
    assert flyte.count("/oauth2/token") == 1


async def test_a_request_that_is_given_up_does_not_lose_the_renewal(make: Make, slots: MemoryKeyring) -> None:
    flyte = Flyte("new")
    flyte.hold = asyncio.Event()
    flyte.refreshed = [renewal("new")]
    keep(slots, "old")
    auth = make(flyte, AuthSettings(mode="pkce"))
    asking = asyncio.ensure_future(get(auth, flyte))
    await flyte.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    flyte.hold.set()
    assert (await get(auth, flyte)).text == "in"
    assert flyte.count("/oauth2/token") == 1
    assert slots.passwords["flyte.test", "refresh_token"] == "refresh-2"


@pytest.mark.parametrize("skew", [-7_200, 7_200])
async def test_a_clock_that_is_off_renews_no_more_often(make: Make, slots: MemoryKeyring, skew: int) -> None:
    """The tokens live from 10,000 to 11,800 by the server's clock; ours is two hours ahead, or behind."""
    first, second = jwt(iat=10_000, exp=11_800), jwt(iat=10_000, exp=11_800, jti="2")
    flyte = Flyte(first, second)
    flyte.refreshed = [renewal(second)]
    keep(slots, first)
    now = 10_000.0 + skew
    auth = make(flyte, AuthSettings(mode="pkce"), now=lambda: now)
    for _ in range(5):
        assert (await get(auth, flyte)).text == "in"
    assert flyte.count("/oauth2/token") == (1 if skew > 0 else 0)


async def test_an_ended_token_without_a_refresh_token_is_left_to_the_server(make: Make, slots: MemoryKeyring) -> None:
    old = jwt(iat=1, exp=2)
    flyte = Flyte(old)
    slots.passwords["flyte.test", "access_token"] = old
    auth = make(flyte, AuthSettings(mode="pkce"))
    assert (await get(auth, flyte)).text == "in"
    flyte.good.clear()
    with pytest.raises(AuthError, match="has ended"):
        await get(auth, flyte)


async def test_a_token_endpoint_that_is_away_is_no_refusal(make: Make, slots: MemoryKeyring) -> None:
    flyte = Flyte("new")
    flyte.refreshed = [httpx.ConnectError("no route"), renewal("new")]
    keep(slots, "old")
    auth = make(flyte, AuthSettings(mode="pkce"))
    with pytest.raises(UnreachableError, match=r"flyte.test cannot be reached for the login: no route"):
        await get(auth, flyte)
    assert (await get(auth, flyte)).text == "in"


async def test_no_token_goes_to_another_server(make: Make) -> None:
    flyte = Flyte("given")
    auth = make(flyte, AuthSettings(token="given"))
    for url in ("https://elsewhere.test/x", "http://flyte.test/flows/x", "https://flyte.test:8443/flows/x"):
        assert (await get(auth, flyte, url)).status_code == 401
    assert {token for _, token in flyte.seen} == {""}


async def test_no_token_goes_over_plain_http_but_on_this_machine(make: Make) -> None:
    flyte = Flyte("given")
    auth = make(flyte, AuthSettings(token="given"), endpoint="http://flyte.test/flows")
    with pytest.raises(AuthError, match="over plain http no token is sent") as raised:
        await get(auth, flyte, "http://flyte.test/flows/api/v1/projects")
    assert "https://" in raised.value.hint
    assert {token for _, token in flyte.seen} == {""}
    for host in ("localhost:8088", "127.0.0.1", "[::1]:8088"):
        auth = make(flyte, AuthSettings(token="given"), endpoint=f"http://{host}/flows")
        assert (await get(auth, flyte, f"http://{host}/flows/api/v1/projects")).text == "in"


async def test_a_token_of_the_headers_is_left_alone(make: Make) -> None:
    flyte = Flyte("of-the-headers")
    auth = make(flyte, headers={"Authorization": "Bearer of-the-headers"})
    async with httpx.AsyncClient(
        auth=auth, transport=flyte, headers={"Authorization": "Bearer of-the-headers"}
    ) as client:
        assert (await client.get(f"{SERVER}/api/v1/projects")).text == "in"
        flyte.good.clear()
        with pytest.raises(AuthError, match="does not accept what the configuration says"):
            await client.get(f"{SERVER}/api/v1/projects")


async def test_an_api_key_has_a_header_of_its_own(make: Make) -> None:
    flyte = Flyte("key")
    flyte.reads = ("x-domino-api-key",)
    auth = make(flyte, AuthSettings(api_key="key"))
    assert (await get(auth, flyte)).text == "in"
    assert flyte.seen == [("/api/v1/projects", "key")]
    flyte.good.clear()
    with pytest.raises(AuthError, match=r"The token of auth.api_key is not accepted|auth.api_key"):
        await get(auth, flyte)


async def test_a_token_file_is_read_at_each_use(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    flyte = Flyte("first")
    auth = make(flyte, AuthSettings(token_file=path))
    assert (await get(auth, flyte)).text == "in"
    flyte.good = {"second"}
    path.write_text("second")
    assert (await get(auth, flyte)).text == "in"
    assert flyte.count("/api/v1/projects") == 2
    path.write_text("no token at all")
    with pytest.raises(AuthError, match="holds no token"):
        await get(auth, flyte)
    path.unlink()
    with pytest.raises(AuthError, match="cannot be read"):
        await get(auth, flyte)


async def test_a_token_url_is_asked_again_on_401(make: Make) -> None:
    flyte = Flyte("second")
    answers = ["first", "second"]
    asked: list[str] = []
    real = flyte.handle_async_request

    async def handle(request: httpx.Request) -> httpx.Response:
        if request.url.host == "localhost":
            asked.append(request.headers.get("authorization", ""))
            return httpx.Response(200, text=answers.pop(0) + "\n")
        return await real(request)

    flyte.handle_async_request = handle  # type: ignore[method-assign]
    auth = make(flyte, AuthSettings(token_url="http://localhost:8899/access-token"), headers={"X-Team": "a"})
    assert (await get(auth, flyte)).text == "in"
    assert asked == ["", ""]
    auth = make(flyte, AuthSettings(token_url="http://tokens.test/access-token"))
    with pytest.raises(AuthError, match="would get a secret over plain http"):
        await get(auth, flyte)


async def test_domino_mode_says_what_it_lacks(make: Make) -> None:
    flyte = Flyte("of-domino")
    with pytest.raises(AuthError, match=r"auth.mode is domino, and there is no token of Domino here") as raised:
        await get(make(flyte, AuthSettings(mode="domino")), flyte)
    assert "DOMINO_API_PROXY" in raised.value.hint
    auth = make(flyte, AuthSettings(mode="domino", token="of-domino"))
    assert (await get(auth, flyte)).text == "in"


@pytest.mark.parametrize("mode", ["token", "command", "client_secret"])
async def test_a_mode_without_what_it_needs(make: Make, mode: str) -> None:
    with pytest.raises(AuthError, match=f"auth.mode is {mode}, and"):
        await get(make(Flyte(), AuthSettings(mode=mode)), Flyte())


async def test_no_login_is_offered_and_one_is_wanted(make: Make) -> None:
    flyte = Flyte()
    flyte.offers_login = False
    with pytest.raises(AuthError, match="offers no login of its own") as raised:
        await get(make(flyte), flyte)
    assert "FLOWTUI_TOKEN" in raised.value.hint
    with pytest.raises(AuthError, match="does not accept what the configuration says"):
        await get(make(flyte, AuthSettings(mode="none")), flyte)


async def test_nothing_is_shown_of_a_token(make: Make, slots: MemoryKeyring, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = jwt(sub="jane", exp=9_999_999_999)
    flyte = Flyte()
    flyte.refreshed = [httpx.Response(400, json={"error": "invalid_grant", "error_description": f"what is {secret}?"})]
    keep(slots, secret, "refresh-" + "q" * 40)
    auth = make(flyte, AuthSettings(mode="pkce"))
    with pytest.raises(AuthError) as raised:
        await get(auth, flyte)
    texts = [str(raised.value), repr(raised.value), repr(auth), repr(auth.settings), caplog.text]
    texts += [repr(raised.value.__cause__), repr(auth.current_token), repr(await auth.stores.read())]
    texts += _formatted(raised.value)
    assert not [text for text in texts if secret in text or "qqqq" in text]
    assert "what is …?" in str(raised.value)


def _formatted(error: BaseException) -> list[str]:
    import traceback

    return traceback.format_exception(error)


async def test_a_source_that_fails_otherwise_leaves_the_old_token(make: Make) -> None:
    class Flaky(TokenSource):
        renewable = True

        async def at_hand(self) -> Token | None:
            return Token("old", expires_at=0.0)

        async def renewed(self, refused: Token | None) -> Token:
            raise FlowtuiError("away")

    flyte = Flyte("old")
    auth = make(flyte, source=Flaky("a test", "token"))
    assert (await get(auth, flyte)).text == "in"


def test_only_async_clients() -> None:
    auth = Authenticator(SERVER, AuthSettings(), headers={}, home=Path("nowhere"))
    with pytest.raises(RuntimeError, match="AsyncClient"):
        next(auth.sync_auth_flow(httpx.Request("GET", SERVER)))
