"""What `flowtui doctor` shows of a login: enough to see what is wrong, and never a secret."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest

from flowtui.admin.auth import Authenticator
from flowtui.admin.auth.steps import login_steps
from flowtui.config import AuthSettings
from flowtui.errors import AuthError
from flowtui.httpclient import httpx
from tests.admin.auth.make import jwt
from tests.oauth.authorization_server import ROBOT, SECRET
from tests.oauth.flyte_with_login import FlyteWithLogin, flyte_with_login
from tests.oauth.keyrings import MemoryKeyring


@pytest.fixture
def flyte(tmp_path: Path) -> Iterator[FlyteWithLogin]:
    with flyte_with_login(tmp_path / "flyte") as (_, app):
        yield app


@pytest.fixture
def slots() -> Iterator[MemoryKeyring]:
    before, memory = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


async def steps(
    flyte: FlyteWithLogin, tmp_path: Path, settings: AuthSettings | None = None, **more: Any
) -> dict[str, str]:
    arguments: dict[str, Any] = {"headers": {}, "home": tmp_path / "home", "environ": {}, **more}
    auth = Authenticator(flyte.world.issuer, settings or AuthSettings(), **arguments)
    found = await login_steps(auth)
    assert not [text for _, text in found if "eyJ" in text or SECRET in text]
    return dict(found)


async def test_nobody_is_logged_in(flyte: FlyteWithLogin, tmp_path: Path) -> None:
    at = flyte.world.issuer
    assert await steps(flyte, tmp_path) == {
        "login": "pkce, because the server wants a login, and none is kept here",
        "discovery": "client flytectl, scopes offline all, header flyte-authorization,"
        f" token endpoint {at}/oauth2/token, browser, device code",
        "token": "none at hand. This machine has no keyring.",
    }


async def test_a_kept_login(flyte: FlyteWithLogin, slots: MemoryKeyring, tmp_path: Path) -> None:
    service = flyte.world.issuer.removeprefix("http://")
    slots.passwords[service, "access_token"] = jwt(sub="jane", iat=0, exp=32_503_680_000)
    slots.passwords[service, "refresh_token"] = "refresh"
    found = await steps(flyte, tmp_path)
    assert found["login"] == "pkce, because a login is kept here"
    assert found["token"] == f"from keyring: {service}, valid until 3000-01-01T00:00:00Z, renewed by itself"
    assert found["header"] == "flyte-authorization"
    slots.passwords[service, "access_token"] = jwt(sub="jane", exp=1)
    del slots.passwords[service, "refresh_token"]
    found = await steps(flyte, tmp_path)
    assert found["token"] == f"from keyring: {service}, ended at 1970-01-01T00:00:01Z, not renewed by itself"


async def test_where_a_token_comes_from(flyte: FlyteWithLogin, tmp_path: Path) -> None:
    found = await steps(flyte, tmp_path, AuthSettings(token=jwt(sub="a")), places={"auth.token": "FLOWTUI_TOKEN"})
    assert found["login"] == "token, because FLOWTUI_TOKEN is set"
    assert found["token"] == "from FLOWTUI_TOKEN, valid until nobody knows when, not renewed by itself"
    command = (sys.executable, "-c", "print('eyJa.b.c')")
    found = await steps(flyte, tmp_path, AuthSettings(command=command))
    assert found["token"].startswith(f"from auth.command: {sys.executable}, ")
    found = await steps(flyte, tmp_path, AuthSettings(api_key="k"))
    assert found["header"] == "x-domino-api-key"


async def test_a_client_secret(flyte: FlyteWithLogin, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    settings = AuthSettings(mode="client_secret", client_id=ROBOT, client_secret_file=file)
    found = await steps(flyte, tmp_path, settings)
    assert found["login"] == "client_secret, because auth.mode is client_secret"
    assert found["token"].startswith(f"from auth.client_secret_file: {file}, valid until 20")
    file.write_text("wrong")
    with pytest.raises(AuthError, match="refuses client robot"):
        await steps(flyte, tmp_path, settings)


async def test_a_client_secret_without_a_mode(flyte: FlyteWithLogin, tmp_path: Path) -> None:
    settings = AuthSettings(client_id=ROBOT, client_secret=SECRET)
    assert (await steps(flyte, tmp_path, settings))["login"] == "client_secret, because there is a client secret"


async def test_no_login_is_offered(flyte: FlyteWithLogin, tmp_path: Path) -> None:
    flyte.offers_login = False
    assert await steps(flyte, tmp_path) == {
        "login": "none, because the server has not asked for a login",
        "discovery": "the server offers no login",
    }


async def test_a_server_that_is_away(flyte: FlyteWithLogin, tmp_path: Path) -> None:
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route to \x1b[31mhost")

    found = await steps(flyte, tmp_path, transport=httpx.MockTransport(away))
    assert found["discovery"].endswith("cannot be reached for the login: no route to host")
