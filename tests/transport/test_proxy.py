"""Proxies: of the settings, of the environment, and the hosts that need none."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from flowtui.config import TransportSettings
from flowtui.errors import ConfigError
from tests.transport.conftest import HOST
from tests.transport.test_tls import read_object


async def test_everything_goes_through_the_proxy_with_tls(serve, sitting, proxying, ca_file) -> None:
    with serve() as served:
        async with proxying() as proxy:
            url = f"http://me:hush@127.0.0.1:{proxy.port}"
            async with sitting(served.url(HOST), TransportSettings(ca_file=ca_file, proxy=url)) as session:
                assert await session.client.version() == "v1.16.8"
                assert await read_object(session) == b"what lies there"
            assert proxy.asked == [f"CONNECT {HOST}:{served.port} HTTP/1.1"] * 2
            assert proxy.authorization == ["Basic bWU6aHVzaA=="] * 2
    assert {path for path, _ in served.requests} >= {"/api/v1/version", "/store/key"}
    assert not any("proxy-authorization" in headers for _, headers in served.requests)


async def test_everything_goes_through_the_proxy_without_tls(serve, sitting, proxying) -> None:
    with serve(tls=False) as served:
        async with proxying() as proxy:
            async with sitting(served.url(HOST), TransportSettings(proxy=proxy.url)) as session:
                assert await session.client.version() == "v1.16.8"
                assert await read_object(session) == b"what lies there"
            assert proxy.asked[0] == f"GET http://{HOST}:{served.port}/api/v1/version HTTP/1.1"
            assert any("/store/key" in line for line in proxy.asked)


async def test_the_environment_names_the_proxy(serve, sitting, proxying, ca_file, monkeypatch) -> None:
    with serve() as served:
        async with proxying() as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            async with sitting(served.url(HOST), TransportSettings(ca_file=ca_file)) as session:
                assert await session.client.version() == "v1.16.8"
            assert len(proxy.asked) == 1


@pytest.mark.parametrize("how", ["setting", "environment"])
@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("localhost", "localhost", True),
        ("other.example.com, localhost", "localhost", True),
        ("*", "localhost", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("internal", HOST, True),
        (".internal", HOST, True),
        ("flyte.internal.example.com", HOST, False),
        ("127.0.0.1", "localhost", False),
        ("", "localhost", False),
    ],
)
async def test_hosts_of_no_proxy_are_reached_directly(
    serve, sitting, proxying, monkeypatch, how: str, no_proxy: str, host: str, direct: bool
) -> None:
    with serve(tls=False) as served:
        async with proxying() as proxy:
            monkeypatch.setenv("NO_PROXY", no_proxy)
            if how == "environment":
                monkeypatch.setenv("HTTP_PROXY", proxy.url)
            settings = TransportSettings(proxy=proxy.url if how == "setting" else "")
            if host == HOST and direct:
                _resolve_here(monkeypatch)
            async with sitting(served.url(host), settings) as session:
                assert await session.client.version() == "v1.16.8"
            assert (not proxy.asked) is direct
    assert served.requests


def _resolve_here(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def resolved(host: Any, *rest: Any, **named: Any) -> Any:
        return real("127.0.0.1" if host in (HOST, HOST.encode()) else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


@pytest.mark.parametrize("url", ["socks5://me:hush@localhost:1", "gopher://me:hush@localhost:1"])
async def test_another_kind_of_proxy_in_the_environment_is_told(sitting, monkeypatch, url: str) -> None:
    monkeypatch.setenv("ALL_PROXY", url)
    async with sitting("http://localhost:1") as session:
        with pytest.raises(ConfigError, match="The proxy that the environment names") as raised:
            await session.client.version()
    assert "ALL_PROXY" in raised.value.hint
    assert "hush" not in str(raised.value)
