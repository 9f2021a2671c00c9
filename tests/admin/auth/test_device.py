"""A login with a code, against authlib's server; and device answers of any kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.admin.auth import Authenticator
from flowtui.admin.auth.channel import AuthChannel
from flowtui.admin.auth.device import DeviceCode, log_in_with_device, qr_code, read_device_code
from flowtui.admin.auth.discovery import Discovery
from flowtui.admin.auth.edge import EdgeHeaders
from flowtui.admin.auth.token_endpoint import TokenEndpoint
from flowtui.admin.auth.tokens import Token
from flowtui.config import AuthSettings
from flowtui.errors import AuthError, ServerError
from flowtui.httpclient import httpx
from tests.oauth.flyte_with_login import FlyteWithLogin, flyte_with_login


@pytest.fixture
def flyte(tmp_path: Path) -> Iterator[FlyteWithLogin]:
    with flyte_with_login(tmp_path / "flyte") as (_, app):
        yield app


class Person:
    """Agrees, or not, after some polls; time passes with each of them only.

    Attributes:
        slept: seconds between polls, in order.
    """

    def __init__(self, flyte: FlyteWithLogin, agrees: bool, after: int = 1) -> None:
        self.flyte = flyte
        self.agrees = agrees
        self.after = after
        self.slept: list[float] = []
        self.shown: list[DeviceCode] = []
        self.told: list[str] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == self.after:
            self.flyte.world.agreed[self.shown[0].user_code] = self.agrees

    async def log_in(self, tmp_path: Path) -> Token:
        url = self.flyte.world.issuer
        auth = Authenticator(url, AuthSettings(), headers={}, home=tmp_path)
        discovery = await auth.server.discovery()
        assert discovery is not None
        return await log_in_with_device(
            await auth.server.token_endpoint(),
            discovery,
            auth.channel,
            tell=self.told.append,
            show=self.shown.append,
            sleep=self.sleep,
            clock=lambda: sum(self.slept),
        )


async def test_it_waits_until_the_person_agrees(flyte: FlyteWithLogin, tmp_path: Path) -> None:
    person = Person(flyte, True, after=3)
    token = await person.log_in(tmp_path)
    assert person.slept == [1, 1, 1]
    assert flyte.world.claims(token.access) is not None
    assert token.refresh
    (code,) = person.shown
    assert code.complete_url == f"{flyte.world.issuer}/device?user_code={code.user_code}"
    assert code.device_code not in repr(code)


async def test_it_slows_down_where_it_is_told_to(flyte: FlyteWithLogin, tmp_path: Path) -> None:
    flyte.world.slow = 2
    person = Person(flyte, True, after=4)
    await person.log_in(tmp_path)
    assert person.slept == [1, 6, 11, 11]


async def test_the_person_says_no(flyte: FlyteWithLogin, tmp_path: Path) -> None:
    with pytest.raises(AuthError, match="was refused on the other device") as raised:
        await Person(flyte, False).log_in(tmp_path)
    assert "flowtui login" in raised.value.hint


async def test_the_code_expires(flyte: FlyteWithLogin, tmp_path: Path) -> None:
    flyte.world.expired = True
    with pytest.raises(AuthError, match="The code has expired") as raised:
        await Person(flyte, True, after=9).log_in(tmp_path)
    assert "flowtui login" in raised.value.hint
    flyte.world.expired = False
    flyte.world.slow = 10_000
    # The server never says so: our own clock does.
    person = Person(flyte, True, after=10_000)
    with pytest.raises(AuthError, match="The code has expired"):
        await person.log_in(tmp_path)
    assert sum(person.slept[:-1]) <= 1800 < sum(person.slept)


async def test_no_login_with_a_code(flyte: FlyteWithLogin, tmp_path: Path) -> None:
    flyte.offers_device = False
    with pytest.raises(AuthError, match="offers no login with a code") as raised:
        await Person(flyte, True).log_in(tmp_path)
    assert "--mode pkce" in raised.value.hint


CODE = {
    "device_code": "d",
    "user_code": "AB-CD",
    "verification_uri": "https://idp.test/device",
    "expires_in": 600,
    "interval": 2,
}


def answering(*answers: httpx.Response | Exception) -> tuple[AuthChannel, TokenEndpoint, Discovery]:
    queue = list(answers)

    def respond(_: httpx.Request) -> httpx.Response:
        answer = queue.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    settings = AuthSettings()
    transport = httpx.MockTransport(respond)
    channel = AuthChannel("https://flyte.test", headers={}, edge=EdgeHeaders(settings), transport=transport)
    said = Discovery(
        "flytectl", token_endpoint="https://idp.test/token", device_authorization_endpoint="https://idp.test/code"
    )
    return channel, TokenEndpoint(channel, said, settings), said


async def poll(*answers: httpx.Response | Exception) -> tuple[Token, list[float], list[str]]:
    channel, endpoint, said = answering(*answers)
    slept: list[float] = []
    told: list[str] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    token = await log_in_with_device(
        endpoint, said, channel, tell=told.append, show=lambda _: None, sleep=sleep, clock=lambda: sum(slept)
    )
    return token, slept, told


async def test_a_server_that_is_away_for_a_while() -> None:
    good = httpx.Response(200, json={"access_token": "in"})
    token, slept, told = await poll(httpx.Response(200, json=CODE), httpx.ConnectError("no route"), good)
    assert (token.access, slept) == ("in", [2, 4])
    assert told == ["idp.test cannot be reached for the login: no route"]


async def test_a_server_that_gives_no_code() -> None:
    with pytest.raises(AuthError, match="gives no code: unauthorized_client"):
        await poll(httpx.Response(400, json={"error": "unauthorized_client"}))
    with pytest.raises(AuthError, match="gives no code: HTTP 502"):
        await poll(httpx.Response(502, text="<html>"))
    with pytest.raises(ServerError, match="cannot be used: it has no user_code"):
        await poll(httpx.Response(200, json={**CODE, "user_code": "\x1b"}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"device_code": ""}, "no device_code"),
        ({"user_code": 7}, "no user_code"),
        ({"verification_uri": "javascript:alert(1)"}, "no verification_uri"),
        ({"verification_uri": "http://idp.test/device"}, "no verification_uri"),
        ({"verification_uri": "https://idp.test/\x1b[31m"}, "no verification_uri"),
    ],
)
def test_codes_that_cannot_be_used(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_device_code({**CODE, **change})


def test_older_and_odd_codes() -> None:
    google = {key: value for key, value in CODE.items() if key not in ("verification_uri", "expires_in", "interval")}
    code = read_device_code({**google, "verification_url": "https://google.test/device", "interval": "nan"})
    assert (code.url, code.complete_url, code.expires_in, code.interval) == ("https://google.test/device", "", 600, 5)
    code = read_device_code({**CODE, "expires_in": 10**400, "interval": 0.001})
    assert (code.expires_in, code.interval) == (600, 1)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=2)
)


@given(st.dictionaries(st.sampled_from([*CODE, "verification_uri_complete"]), values), st.booleans())
def test_any_answer_is_a_code_or_says_what_it_lacks(found: dict[str, Any], whole: bool) -> None:
    try:
        code = read_device_code({**CODE, **found} if whole else found)
    except ValueError:
        return
    assert 1 <= code.interval <= 3600
    assert 0 < code.expires_in <= 3600
    assert code.url.startswith("https://")
    assert code.user_code.isprintable()
    json.dumps(code.user_code)


def test_the_qr_code_is_one() -> None:
    url = "https://idp.test/device?user_code=AB-CD"
    shown = qr_code(url)
    lines = shown.splitlines()
    assert set(shown) <= set("█▀▄ \n")
    # Twice as high as it shows, and with a margin.
    assert len(lines[0]) in (2 * len(lines), 2 * len(lines) - 1)
    ascii_lines = qr_code(url, ascii_only=True).splitlines()
    assert len(ascii_lines) * 2 == len(ascii_lines[0])
    assert ascii_lines[0] == "##" * (len(ascii_lines[0]) // 2)
    # The finder pattern in the upper left corner, dark on light.
    assert ascii_lines[2].startswith("####" + "  " * 7 + "##")
    assert qr_code("x" * 5_000) == ""
