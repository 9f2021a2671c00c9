"""Hosts that a run names: they are resolved once and checked, redirects too, and what was checked is connected to."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from flowtui.config import StorageSettings
from flowtui.domain.signed import SignedUrl
from flowtui.errors import ConfigError, StorageError
from flowtui.httpclient import httpx
from flowtui.storage import Storage, Trust, UntrustedError
from flowtui.storage.checked_transport import CheckedTransport

BODY = b"USUBJID\n01\n"


class Loopback(Trust):
    """Takes 127.0.0.1 for a public address, so that what follows can be seen without a network."""

    def allows_address(self, address: Any) -> bool:
        return str(address) == "127.0.0.1" or super().allows_address(address)


class Names:
    """A resolver that gives what a test says, and counts."""

    def __init__(self, **addresses: Sequence[str]) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        found = self.addresses.get(host.partition(".")[0])
        if found is None:
            raise OSError("unknown")
        return found


@asynccontextmanager
async def server(answer: Callable[[str, str], bytes]) -> AsyncIterator[tuple[int, list[str]]]:
    """A server of single answers; its port, and the hosts and paths that it was asked for."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            host = next(line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith("host:"))
            asked.append(f"{host}{path}")
            writer.write(answer(host, path))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1], asked


def whole(host: str, path: str) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(BODY), BODY)


def leading(to: str, body: bytes = b"") -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nConnection: close\r\n\r\n".encode() + body


def client(trust: Trust, names: Names) -> httpx.AsyncClient:
    transport = CheckedTransport(trust, httpx.AsyncHTTPTransport, resolve=names)
    return httpx.AsyncClient(transport=transport, follow_redirects=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1", "2130706433", "0x7f000001", "0.0.0.0"])
async def test_this_machine_is_not_asked_for_a_file_of_a_run(host: str) -> None:
    async with server(whole) as (port, asked):
        async with Storage(Trust(), retry_delay=0, timeout=5) as storage:
            with pytest.raises(StorageError, match=r"is not asked for a file of a run|is not known here"):
                await storage.read(f"http://{host}:{port}/adsl.csv", 100)
        assert asked == []


async def test_a_host_of_the_settings_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async with server(whole) as (port, asked):
        trust = Trust(StorageSettings(hosts=(f"127.0.0.1:{port}",)))
        async with Storage(trust, retry_delay=0) as storage:
            assert await storage.read(f"http://127.0.0.1:{port}/adsl.csv", 100) == BODY
        assert asked == [f"127.0.0.1:{port}/adsl.csv"]


async def test_a_url_that_a_person_typed_is() -> None:
    async with server(whole) as (port, _):
        uri = f"http://127.0.0.1:{port}/adsl.csv"
        async with Storage(Trust(typed=[uri]), retry_delay=0) as storage:
            assert await storage.read(uri, 100) == BODY


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    names = Names(files=["127.0.0.1"])
    async with server(whole) as (port, asked), client(Loopback(), names) as http:
        # No resolver of this machine knows the name: it was resolved here, once, and not again for the connection.
        assert (await http.get(f"http://files.test:{port}/a")).content == BODY
        assert (asked, names.asked) == ([f"files.test:{port}/a"], ["files.test"])


async def test_one_address_of_several_that_is_private_is_enough_to_refuse() -> None:
    names = Names(files=["127.0.0.1", "10.0.0.1"])
    async with server(whole) as (port, asked), client(Loopback(), names) as http:
        with pytest.raises(UntrustedError, match=r"files\.test \(10\.0\.0\.1\) is not asked"):
            await http.get(f"http://files.test:{port}/a")
        assert asked == []


async def test_the_next_address_is_tried_where_one_takes_no_connection() -> None:
    names = Names(files=["127.0.0.2", "127.0.0.1"])

    class Both(Loopback):
        def allows_address(self, address: Any) -> bool:
            return True

    async with server(whole) as (port, _), client(Both(), names) as http:
        assert (await http.get(f"http://files.test:{port}/a")).content == BODY


async def test_an_address_that_takes_no_connection_is_not_tried_before_each_request() -> None:
    tried: list[str] = []

    class Network(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            tried.append(request.url.host)
            if request.url.host == "93.184.216.1":
                raise httpx.ConnectTimeout("nothing answers")
            return httpx.Response(200, content=BODY)

    names = Names(files=["93.184.216.1", "93.184.216.2"])
    transport = CheckedTransport(Trust(), Network, resolve=names)
    async with httpx.AsyncClient(transport=transport) as http:
        for _ in range(3):
            assert (await http.get("http://files.test/a")).content == BODY
    assert tried == ["93.184.216.1", "93.184.216.2", "93.184.216.2", "93.184.216.2"]


async def test_a_name_in_letters_of_another_language_is_the_one_that_is_looked_up() -> None:
    """httpx shows it decoded, and Python's resolver would encode it by rules of before: as fass.test."""
    asked: list[tuple[str, object]] = []

    class Network(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.append((request.headers["host"], request.extensions["sni_hostname"]))
            return httpx.Response(200, content=BODY)

    names = Names(**{"xn--fa-hia": ["93.184.216.1"]})
    async with httpx.AsyncClient(transport=CheckedTransport(Trust(), Network, resolve=names)) as http:
        assert (await http.get("https://fa\u00df.test/a")).content == BODY
    assert asked == [("xn--fa-hia.test", "xn--fa-hia.test")]
    for host in ("fa\u00df.test", "xn--fa-hia.test"):
        trust = Trust(StorageSettings(hosts=(host,)))
        async with httpx.AsyncClient(
            transport=CheckedTransport(
                trust, lambda: httpx.MockTransport(lambda _: httpx.Response(204)), resolve=Names()
            )
        ) as http:
            assert (await http.get("https://fa\u00df.test/a")).status_code == 204


async def test_a_proxy_of_a_kind_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy", "all_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with Storage(Trust(StorageSettings(hosts=("files.test",)))) as storage:
        with pytest.raises(ConfigError, match="of a kind that flowtui cannot use"):
            await storage.read("http://files.test/a", 100)


async def test_a_redirect_to_a_private_address_is_not_followed() -> None:
    async with server(whole) as (inner, seen):
        for to in (f"http://127.0.0.2:{inner}/key", f"http://inner.test:{inner}/key"):
            async with server(lambda host, path, to=to: leading(to)) as (port, asked):  # type: ignore[misc]
                names = Names(files=["127.0.0.1"], inner=["192.168.0.7"], **{"127": ["127.0.0.2"]})
                async with client(Loopback(), names) as http:
                    with pytest.raises(UntrustedError, match="is not asked for a file of a run"):
                        await http.get(f"http://files.test:{port}/a")
                assert len(asked) == 1
        assert seen == []


async def test_a_redirect_to_another_public_host_is_followed_with_its_own_name() -> None:
    async with server(whole) as (inner, seen):
        async with server(lambda host, path: leading(f"http://other.test:{inner}/b")) as (port, _):
            names = Names(files=["127.0.0.1"], other=["127.0.0.1"])
            async with client(Loopback(), names) as http:
                answer = await http.get(f"http://files.test:{port}/a")
        assert (answer.content, seen) == (BODY, [f"other.test:{inner}/b"])
        assert str(answer.url) == f"http://other.test:{inner}/b"


def led_to_b(host: str, path: str) -> bytes:
    return whole(host, path) if path == "/b" else leading("/b", b"x" * 10_000_000)


async def test_what_follows_a_redirect_is_not_read() -> None:
    async with server(led_to_b) as (port, _), client(Loopback(), Names(files=["127.0.0.1"])) as http:
        assert (await asyncio.wait_for(http.get(f"http://files.test:{port}/a"), 10)).content == BODY


def signing(url: str) -> Any:
    async def sign(uri: str) -> SignedUrl:
        return SignedUrl(url, None)

    return sign


async def test_a_signed_url_is_asked_wherever_the_server_says_and_its_redirects_are_checked() -> None:
    async with server(whole) as (inner, seen):
        async with server(
            lambda host, path: whole(host, path) if path == "/ok" else leading(f"http://127.0.0.1:{inner}/")
        ) as (port, _):
            async with Storage(Trust(), sign=signing(f"http://127.0.0.1:{port}/ok"), retry_delay=0) as storage:
                assert await storage.read("s3://bucket/key", 100) == BODY
            async with Storage(Trust(), sign=signing(f"http://127.0.0.1:{port}/led"), retry_delay=0) as storage:
                with pytest.raises(UntrustedError, match="is not asked for a file of a run"):
                    await storage.read("s3://bucket/key", 100)
        assert seen == []


async def test_a_signed_url_may_lead_to_its_own_host() -> None:
    async with server(lambda host, path: whole(host, path) if path == "/b" else leading("/b")) as (port, asked):
        async with Storage(Trust(), sign=signing(f"http://127.0.0.1:{port}/a"), retry_delay=0) as storage:
            assert await storage.read("s3://bucket/key", 100) == BODY
        assert [one.partition("/")[2] for one in asked] == ["a", "b"]


async def test_a_certificate_is_of_the_name_and_not_of_the_address(serve, ca_file) -> None:
    from flowtui.config import TransportSettings
    from flowtui.tls import tls_context

    tls = tls_context(TransportSettings(ca_file=ca_file))
    with serve() as served:
        transport = CheckedTransport(
            Loopback(),
            partial(httpx.AsyncHTTPTransport, verify=tls),
            resolve=Names(localhost=["127.0.0.1"], wrong=["127.0.0.1"]),
        )
        async with httpx.AsyncClient(transport=transport) as http:
            assert (await http.get(f"https://localhost:{served.port}/store/key")).content == b"what lies there"
            # The connection that is there was made for another name.
            with pytest.raises(httpx.ConnectError, match="certificate"):
                await http.get(f"https://wrong.test:{served.port}/store/key")


async def test_through_a_proxy_what_is_known_here_as_private_is_refused(serve, proxying) -> None:
    with serve(tls=False) as served:
        async with proxying() as proxy:
            async with Storage(Trust(), proxy=proxy.url, retry_delay=0) as storage:
                for host in ("127.0.0.1", "localhost"):
                    with pytest.raises(UntrustedError):
                        await storage.read(f"http://{host}:{served.port}/store/key", 100)
                with pytest.raises(StorageError, match="is not known here, so it cannot be checked"):
                    await storage.read(f"http://flyte.internal:{served.port}/store/key", 100)
            assert proxy.asked == []
            async with Storage(Trust(StorageSettings(hosts=("flyte.internal",))), proxy=proxy.url) as storage:
                assert await storage.read(f"http://flyte.internal:{served.port}/store/key", 100) == b"what lies there"
            assert len(proxy.asked) == 1


async def test_no_login_of_this_machine_goes_to_a_host_of_a_run(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password hush\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(whole("", ""))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with Storage(Trust(StorageSettings(hosts=("127.0.0.1",))), retry_delay=0) as storage:
            await storage.read(f"http://127.0.0.1:{port}/a", 100)
    assert heads
    assert not [head for head in heads if "authorization" in head.lower() or "cookie" in head.lower()]
