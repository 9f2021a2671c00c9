"""A server that wants a login: the screen says how to get one, and waits for nobody."""

from __future__ import annotations

from typing import Any

import pytest

from flowtui.config import AuthSettings
from flowtui.httpclient import httpx
from tests.tui.conftest import LARGE, SMALL, Admin, Open

AT = "https://flyte.test"
METADATA = {"token_endpoint": f"{AT}/oauth2/token", "authorization_endpoint": f"{AT}/oauth2/authorize"}


class Locked(Admin):
    """A Flyte with login that takes one token."""

    good = "nobody has it"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/config/v1/flyte_client":
            return httpx.Response(200, json={"client_id": "flytectl", "redirect_uri": "http://localhost:1/callback"})
        if path == "/.well-known/oauth-authorization-server":
            return httpx.Response(200, json=METADATA)
        if request.headers.get("authorization") != f"Bearer {self.good}":
            return httpx.Response(401, headers={"www-authenticate": "token parse error"})
        return await super().handle_async_request(request)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=str)
async def test_it_says_how_to_log_in_and_goes_on_once_somebody_has(
    at_screen: Open, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    import keyring

    kept: dict[tuple[str, str], str] = {}
    monkeypatch.setattr(keyring, "get_password", lambda *slot: kept.get(slot))
    admin = Locked()
    async with at_screen(size, admin=admin, endpoint=AT) as person:
        assert f"You are not logged in at {AT}." in person.seen
        assert "`flowtui login` logs in." in person.seen
        assert admin.requests == []
        # In another terminal.
        kept["flyte.test", "access_token"] = admin.good = "in"
        await person.press("r")
        assert "not logged in" not in person.seen
        assert admin.requests


async def test_a_token_that_is_refused(at_screen: Open) -> None:
    options: dict[str, Any] = {"endpoint": AT, "auth": AuthSettings(token="tok-secret")}
    async with at_screen(LARGE, admin=Locked(), **options) as person:
        assert f"{AT} does not accept the token of auth.token: token parse error" in person.seen
        assert "tok-secret" not in person.seen
