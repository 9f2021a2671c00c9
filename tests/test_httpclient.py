"""httpx comes without rich and click, and still works; what NO_PROXY names is reached directly."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest

from flowtui.httpclient import Through, http_client, httpx


def in_fresh_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_neither_rich_nor_click_is_loaded() -> None:
    code = (
        "import sys; from flowtui.httpclient import httpx;"
        "loaded = {m.split('.')[0] for m in sys.modules};"
        "print(sorted(loaded & {'rich', 'click', 'pygments'}), 'httpx._main' in sys.modules)"
    )
    assert in_fresh_process(code) == "[] False"


def test_the_client_works_and_the_command_line_can_be_imported_later() -> None:
    code = (
        "from flowtui.httpclient import httpx;"
        "c = httpx.Client(transport=httpx.MockTransport(lambda r: httpx.Response(204)));"
        "print(c.get('http://h/').status_code); import httpx._main; print(callable(httpx._main.main))"
    )
    assert in_fresh_process(code).split() == ["204", "True"]


def test_an_httpx_that_is_there_already_is_used() -> None:
    code = "import httpx; from flowtui.httpclient import httpx as ours; print(ours is httpx)"
    assert in_fresh_process(code) == "True"


class Answers:
    """A server on loopback that answers everything with its own name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.url = ""

    async def __aenter__(self) -> Answers:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = self.name.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()


def through_everything(make: Callable[[], httpx.AsyncBaseTransport], proxied: bool) -> httpx.AsyncBaseTransport:
    return make()


@pytest.mark.parametrize("through", [None, through_everything], ids=["httpx's transports", "own transports"])
@pytest.mark.parametrize("of_settings", [False, True], ids=["HTTP_PROXY", "the proxy of the settings"])
@pytest.mark.parametrize(
    ("hosts", "passed"),
    [
        ("", "proxy"),
        ("elsewhere.test", "proxy"),
        ("127.0.0.1", "server"),
        ("elsewhere.test, 127.0.0.0/8", "server"),
        ("127.0.0.5/8", "server"),
        ("10.0.0.0/8", "proxy"),
        ("::/0", "proxy"),
        ("[::1]", "proxy"),
        ("[::]/64,127.0.0.1", "server"),
        ("http://127.0.0.1", "server"),
        ("127.0.0.0/99", "proxy"),
        ("http://[,127.0.0.1", "server"),
        ("*", "server"),
    ],
)
async def test_hosts_and_networks_of_no_proxy_are_reached_directly_and_what_cannot_be_read_is_left_out(
    hosts: str, passed: str, of_settings: bool, through: Through | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    monkeypatch.setenv("no_proxy", hosts)
    async with Answers("server") as server, Answers("proxy") as proxy:
        if not of_settings:
            monkeypatch.setenv("http_proxy", proxy.url)
        async with http_client(verify=False, proxy=proxy.url if of_settings else "", through=through) as client:
            assert (await client.get(server.url)).text == passed


@pytest.mark.parametrize(
    ("hosts", "host", "passed"),
    [
        ("*.b.test", "a.b.test", False),
        (".b.test", "a.b.test", False),
        ("b.test", "a.b.test", False),
        ("b.test", "b.test", False),
        ("*.b.test", "b.test", True),
        ("b.test", "ab.test", True),
        ("[fd00::1]", "[fd00::1]", False),
        ("fd00::/8", "[fd12::1]", False),
        ("[fd00::]/8", "[fd12::1]", False),
        ("fd00::/8", "[fe80::1]", True),
    ],
)
async def test_domains_and_addresses_of_version_6_pass_the_proxy_unless_they_are_named(
    hosts: str, host: str, passed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", hosts)
    asked = []

    class Noted(httpx.AsyncBaseTransport):
        def __init__(self, proxied: bool) -> None:
            self.proxied = proxied

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(self.proxied)
            return httpx.Response(204)

    async with http_client(verify=False, proxy="http://p.test:1", through=lambda _, proxied: Noted(proxied)) as client:
        await client.get(f"http://{host}/")
    assert asked == [passed]
