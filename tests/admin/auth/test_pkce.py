"""A login in a browser: the listener, what is pasted, and whoever else answers."""

from __future__ import annotations

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.admin.auth.channel import AuthChannel
from flowtui.admin.auth.discovery import Discovery
from flowtui.admin.auth.edge import EdgeHeaders
from flowtui.admin.auth.listener import ListenerError, redirect_listener
from flowtui.admin.auth.pkce import can_open_browser, code_of, log_in_with_browser
from flowtui.admin.auth.token_endpoint import RefusedError, TokenEndpoint
from flowtui.config import AuthSettings
from flowtui.errors import AuthError, ServerError
from flowtui.httpclient import httpx
from tests.oauth.flyte_with_login import free_port


def discovery(port: int, **more: Any) -> Discovery:
    said = {
        "client_id": "flytectl",
        "redirect_uri": f"http://localhost:{port}/callback",
        "scopes": ("all",),
        "authorization_endpoint": "https://idp.test/authorize?tenant=1",
        "token_endpoint": "https://idp.test/token",
        **more,
    }
    return Discovery(**said)


class Login:
    """One login; ``told`` gets the URL, and a browser is whoever asks the redirect URI."""

    def __init__(self, said: Discovery, answer: httpx.Response | None = None, **settings: Any) -> None:
        self.said = said
        self.forms: list[dict[str, list[str]]] = []
        self.told: list[str] = []
        self.url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        ok = httpx.Response(200, json={"access_token": "in", "token_type": "Bearer"})

        def respond(request: httpx.Request) -> httpx.Response:
            self.forms.append(parse_qs(request.content.decode()))
            return answer or ok

        transport = httpx.MockTransport(respond)
        options = AuthSettings(**settings)
        channel = AuthChannel("https://flyte.test", headers={}, edge=EdgeHeaders(options), transport=transport)
        self.endpoint = TokenEndpoint(channel, said, options)

    def tell(self, line: str) -> None:
        self.told.append(line)
        if line.startswith("https://idp.test/") and not self.url.done():
            self.url.set_result(line)

    def start(self, **more: Any) -> asyncio.Task[Any]:
        work = log_in_with_browser(self.endpoint, self.said, tell=self.tell, browser=False, **more)
        return asyncio.ensure_future(work)

    async def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(await self.url).query).items()}

    async def browse(self, **answer: str) -> int:
        """The status that the browser gets from the listener."""
        return await asyncio.to_thread(fetch, f"{self.said.redirect_uri}?{urlencode(answer)}")


def fetch(url: str, host: str = "") -> int:
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return int(error.code)


@pytest.fixture
def port() -> int:
    return free_port()


async def test_a_browser_of_this_machine(port: int) -> None:
    login = Login(discovery(port), audience="flyte")
    work = login.start()
    query = await login.query()
    assert query["tenant"] == "1"
    assert (query["code_challenge_method"], query["scope"], query["audience"]) == ("S256", "all", "flyte")
    # What a browser asks besides is no answer.
    assert await asyncio.to_thread(fetch, f"http://localhost:{port}/favicon.ico") == 404
    assert await asyncio.to_thread(fetch, f"http://localhost:{port}/callback") == 404
    # Nor is a page that has its own name point here.
    assert await asyncio.to_thread(fetch, f"http://127.0.0.1:{port}/callback?code=x&state=y", "evil.test") == 404
    assert await login.browse(code="the code", state=query["state"]) == 200
    assert (await work).access == "in"
    (form,) = login.forms
    assert form["code"] == ["the code"]
    # The verifier is what the challenge was made of.
    assert login.endpoint.client().create_code_challenge(form["code_verifier"][0], "S256") == query["code_challenge"]
    with pytest.raises(urllib.error.URLError):
        await login.browse(code="x", state="y")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"code": "c", "state": "another"}, "not one to this login"),
        ({"code": "c"}, "not one to this login"),
        ({"error": "access_denied", "state": "another"}, "not one to this login"),
        ({"error": "access_denied", "state": "ours"}, "The login was refused: access_denied"),
        ({"error": "x", "error_description": "No.\x1b[31m Never.", "state": "ours"}, r"refused: No\. Never\."),
        ({"state": "ours"}, "holds no code"),
    ],
)
async def test_answers_that_are_none(port: int, answer: dict[str, str], said: str) -> None:
    login = Login(discovery(port))
    work = login.start()
    state = (await login.query())["state"]
    await login.browse(**{name: state if value == "ours" else value for name, value in answer.items()})
    with pytest.raises(AuthError, match=said) as raised:
        await work
    assert "flowtui login" in raised.value.hint
    assert login.forms == []


async def test_a_code_that_is_not_taken(port: int) -> None:
    login = Login(discovery(port), httpx.Response(400, json={"error": "invalid_grant"}))
    work = login.start()
    await login.browse(code="c", state=(await login.query())["state"])
    with pytest.raises(RefusedError, match=r"idp\.test refuses the login: invalid_grant"):
        await work


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"access_token": 1}', b'{"access_token": "a", "token_type": "mac"}']
)
async def test_a_token_answer_that_is_none(port: int, body: bytes) -> None:
    login = Login(discovery(port), httpx.Response(200, content=body))
    work = login.start()
    await login.browse(code="c", state=(await login.query())["state"])
    with pytest.raises(ServerError, match="cannot be used"):
        await work


async def typed(queue: asyncio.Queue[str | None]) -> AsyncIterator[str]:
    while (line := await queue.get()) is not None:
        yield line


async def test_the_port_is_taken(port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        login = Login(discovery(port))
        with pytest.raises(AuthError, match="Nothing can be told back"):
            await login.start()
        assert f"port {port} cannot be opened" in login.told[0]

        pasted: asyncio.Queue[str | None] = asyncio.Queue()
        login = Login(discovery(port))
        work = login.start(lines=lambda: typed(pasted))
        state = (await login.query())["state"]
        for line in ("\n", "nonsense\n", "http://[\n", f"http://localhost:{port}/callback\n"):
            pasted.put_nowait(line)
        pasted.put_nowait(f" http://localhost:{port}/callback?code=c&state={state}\n")
        assert (await work).access == "in"
        assert sum("That is not it" in line for line in login.told) == 3


async def test_the_end_of_input_does_not_end_the_login(port: int) -> None:
    pasted: asyncio.Queue[str | None] = asyncio.Queue()
    pasted.put_nowait(None)
    login = Login(discovery(port))
    work = login.start(lines=lambda: typed(pasted))
    await login.browse(code="c", state=(await login.query())["state"])
    assert (await work).access == "in"


async def test_nobody_answers(port: int) -> None:
    with pytest.raises(AuthError, match="Nobody logged in within"):
        await Login(discovery(port)).start(seconds=0.01)


@pytest.mark.parametrize("missing", ["client_id", "authorization_endpoint", "redirect_uri"])
async def test_no_login_in_a_browser(port: int, missing: str) -> None:
    with pytest.raises(AuthError, match="offers no login in a browser"):
        await Login(discovery(port, **{missing: ""})).start()


@pytest.mark.parametrize("uri", ["https://localhost:1/c", "http://flyte.test/callback", "http://10.0.0.1:80/c", ""])
async def test_only_this_machine_is_listened_on(uri: str) -> None:
    with pytest.raises(ListenerError, match="no address of this machine"), redirect_listener(uri):
        raise AssertionError("nothing is listened to")


@given(st.text() | st.dictionaries(st.sampled_from(["code", "state", "error"]), st.text()).map(urlencode))
def test_any_answer_has_our_state_or_is_refused(query: str) -> None:
    url = f"http://localhost/callback?{query}"
    try:
        assert code_of(url, "ours")
    except AuthError as error:
        if not error.hint:
            raise
    else:
        assert parse_qs(urlsplit(url).query)["state"] == ["ours"]


@pytest.mark.parametrize(
    ("environ", "platform", "can"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DISPLAY": ":10.0", "SSH_CONNECTION": "a 1 b 22"}, "linux", False),
        ({}, "darwin", True),
        ({"SSH_TTY": "/dev/pts/0"}, "darwin", False),
    ],
)
def test_when_a_browser_is_opened(environ: dict[str, str], platform: str, can: bool) -> None:
    assert can_open_browser(environ, platform) is can
