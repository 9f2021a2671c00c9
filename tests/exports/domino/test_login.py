"""Every way to log in to Domino, against one that wants a login; and where a login never goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from flowtui.config import DominoSettings, Settings, load_settings
from flowtui.errors import AuthError, ConfigError
from flowtui.exports.domino import DominoClient, current_user, datasets
from flowtui.exports.domino.configured import DominoAccess, domino_client, domino_transport
from flowtui.exports.domino.login import domino_login
from flowtui.httpclient import httpx
from flowtui.local.domino.serve import served
from tests.exports.domino.conftest import ADA, URL, Domino, Wire


def client_of(domino: Domino, settings: DominoSettings, wire: Wire | None = None) -> DominoClient:
    transport = wire or domino.wire()
    return DominoClient(URL, auth=domino_login(settings, transport=transport), transport=transport, retry_delay=0)


async def test_a_given_token(users_domino: Domino) -> None:
    client = client_of(users_domino, DominoSettings(URL, token=ADA.token))
    assert (await current_user(client)).name == "ada"
    assert ADA.token not in repr(client) + repr(client.auth) + repr(DominoSettings(URL, token=ADA.token))


async def test_an_api_key_goes_in_its_header(users_domino: Domino) -> None:
    wire = users_domino.wire()
    client = client_of(users_domino, DominoSettings(URL, api_key=ADA.api_key), wire)
    assert (await current_user(client)).name == "ada"
    assert wire.requests[0].headers["x-domino-api-key"] == ADA.api_key
    assert "authorization" not in wire.requests[0].headers


async def test_a_file_is_read_anew_when_its_token_is_refused(users_domino: Domino, tmp_path: Path) -> None:
    file, wire = tmp_path / "token", users_domino.wire()
    file.write_text("old\n")
    client = client_of(users_domino, DominoSettings(URL, token_file=file), wire)
    with pytest.raises(AuthError, match="wants a login") as caught:
        await current_user(client)
    assert str(file) in caught.value.message
    assert "old" not in str(caught.value)
    assert len(wire.requests) == 1
    file.write_text(f"{ADA.token}\n")
    assert (await current_user(client)).name == "ada"
    assert wire.logins[1:] == ["Bearer old", f"Bearer {ADA.token}"]
    await current_user(client)
    assert len(wire.requests) == 4
    file.unlink()
    with pytest.raises(AuthError, match="cannot be read"):
        await current_user(client_of(users_domino, DominoSettings(URL, token_file=file)))


async def test_a_url_gives_the_token_and_the_next_one(users_domino: Domino) -> None:
    tokens = iter(["stale", ADA.token])

    async def access_token(_: Request) -> Response:
        return PlainTextResponse(next(tokens))

    issuer = httpx.ASGITransport(Starlette(routes=[Route("/access-token", access_token)]))
    settings = DominoSettings(URL, token_url="http://localhost:8899/access-token")
    client = DominoClient(URL, auth=domino_login(settings, transport=issuer), transport=users_domino.wire())
    assert (await current_user(client)).name == "ada"
    elsewhere = DominoSettings(URL, token_url="http://example.com/access-token")
    with pytest.raises(AuthError, match="over plain http"):
        await current_user(client_of(users_domino, elsewhere))


async def test_without_a_login_it_says_what_to_do(users_domino: Domino) -> None:
    with pytest.raises(AuthError, match="wants a login") as caught:
        await current_user(client_of(users_domino, DominoSettings(URL)))
    assert "FLOWTUI_DOMINO_TOKEN" in caught.value.hint


async def test_no_login_goes_over_plain_http_to_another_machine(users_domino: Domino) -> None:
    wire = users_domino.wire()
    settings = DominoSettings("http://domino.example.com", token=ADA.token)
    client = DominoClient(settings.url, auth=domino_login(settings), transport=wire)
    with pytest.raises(AuthError, match="plain http") as caught:
        await current_user(client)
    assert "https" in caught.value.hint
    assert not wire.requests


@pytest.mark.parametrize("place", ["https://evil.example.com/x", "http://localhost:9/x", "//evil.example.com/"])
async def test_a_redirect_is_not_followed(place: str) -> None:
    async def away(_: Request) -> Response:
        return RedirectResponse(place)

    wire = Wire(Starlette(routes=[Route("/{path:path}", away)]))
    settings = DominoSettings(URL, token=ADA.token)
    client = DominoClient(URL, auth=domino_login(settings), transport=wire, retry_delay=0)
    with pytest.raises(AuthError, match="sends on to"):
        await current_user(client)
    assert [str(one.url.host) for one in wire.requests] == ["127.0.0.1"]


async def test_the_settings_log_in_over_the_network(users_domino: Domino, tmp_path: Path) -> None:
    environ = {"FLOWTUI_HOME": str(tmp_path), "FLOWTUI_DOMINO_TOKEN": ADA.token, "HOME": str(tmp_path)}
    async with served(lambda _: users_domino.app) as url:
        settings = load_settings({}, environ | {"FLOWTUI_DOMINO_URL": url})
        access = DominoAccess(settings)
        client = access()
        assert access() is client
        assert (await current_user(client)).name == "ada"
        assert await datasets(client) == ()
        await access.aclose()


async def test_a_domino_that_needs_no_login_gets_none(domino: Domino, tmp_path: Path) -> None:
    async with served(lambda _: domino.app) as url:
        environ = {"HOME": str(tmp_path), "DOMINO_API_PROXY": url, "DOMINO_USER_API_KEY": "hush"}
        client = domino_client(load_settings({}, environ))
        assert client.auth is None
        assert (await current_user(client)).id
        await client.aclose()


def test_without_a_domino_it_says_how_to_name_one(tmp_path: Path) -> None:
    settings = load_settings({}, {"HOME": str(tmp_path)})
    with pytest.raises(ConfigError, match="No Domino is configured"):
        DominoAccess(settings)()
    embedded = DominoClient(URL)
    assert DominoAccess(settings, lambda: embedded)() is embedded


def test_unchecked_certificates_of_flyte_are_not_those_of_domino(tmp_path: Path) -> None:
    def verify(endpoint: str) -> bool:
        flags = {"endpoint": endpoint, "verify": False}
        settings: Settings = load_settings(flags, {"HOME": str(tmp_path), "FLOWTUI_DOMINO_URL": "https://domino.corp"})
        return domino_transport(settings).verify

    assert verify("https://flyte.corp") is True
    assert verify("https://domino.corp/flows") is False
