"""A Flyte Admin and an object store on a loopback port, with TLS or without, and an HTTP proxy before them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
import uvicorn
from flyteidl.admin import version_pb2
from flyteidl.service import dataproxy_pb2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowtui.config import Settings, TransportSettings
from flowtui.session import Session, open_session

HOST = "flyte.internal"
"""A host that no resolver knows: only the proxy gets there."""


@dataclass
class Served:
    """A server that runs.

    Attributes:
        requests: path and headers of what it was asked.
        store: base URL of the object store that it signs URLs for; its own where empty.
    """

    scheme: str
    port: int
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    store: str = ""

    def url(self, host: str = "localhost") -> str:
        return f"{self.scheme}://{host}:{self.port}"


@dataclass
class Proxy:
    """A proxy that runs.

    Attributes:
        asked: the first lines of the requests that it got; authorization: what they brought for it.
    """

    port: int = 0
    asked: list[str] = field(default_factory=list)
    authorization: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(autouse=True)
def _no_proxy_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def serve(authority: trustme.CA, tmp_path: Path) -> Callable[..., contextlib.AbstractContextManager[Served]]:
    """Serves on a loopback port: ``with serve(tls=True) as served``."""

    @contextmanager
    def serving(*, tls: bool = True) -> Iterator[Served]:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        # Who asks before the server is up waits instead of being refused.
        listener.listen(128)
        served = Served("https" if tls else "http", listener.getsockname()[1])
        options: dict[str, str] = {}
        if tls:
            certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
            issued = authority.issue_cert("localhost", "127.0.0.1", HOST)
            issued.private_key_pem.write_to_path(str(key))
            for pem in issued.cert_chain_pems:
                pem.write_to_path(str(certificate), append=True)
            options = {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}
        config = uvicorn.Config(_app(served), log_config=None, lifespan="off", ws="none", **options)  # type: ignore[arg-type]
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield served
        finally:
            server.should_exit = True
            thread.join()
            listener.close()

    return serving


def _app(served: Served) -> Starlette:
    async def answer(request: Request) -> Response:
        path = request.url.path
        served.requests.append((path, dict(request.headers)))
        if path.startswith("/store/"):
            return Response(b"what lies there")
        message = version_pb2.GetVersionResponse(control_plane_version=version_pb2.Version(Version="v1.16.8"))
        if path == "/api/v1/dataproxy/artifact_urn":
            url = (served.store or served.url(request.url.hostname or "")) + "/store/key?signature=1"
            message = dataproxy_pb2.CreateDownloadLocationResponse(signed_url=url)
        return Response(message.SerializeToString(), media_type="application/octet-stream")

    return Starlette(routes=[Route("/{path:path}", answer)])


@pytest.fixture
def proxying() -> Callable[[], AbstractAsyncContextManager[Proxy]]:
    """Runs an HTTP proxy that leads every host to this machine: ``async with proxying() as proxy``."""

    @asynccontextmanager
    async def running() -> AsyncIterator[Proxy]:
        proxy = Proxy()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await _relay(proxy, reader, writer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        async with server:
            yield proxy

    return running


async def _relay(proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.split("\r\n")
    proxy.asked.append(first)
    proxy.authorization += [line.partition(": ")[2] for line in lines if line.lower().startswith("proxy-auth")]
    method, target, version = first.split()
    if method == "CONNECT":
        port = target.rpartition(":")[2]
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    else:
        authority, _, path = target.removeprefix("http://").partition("/")
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", int(authority.rpartition(":")[2]))
        kept = [line for line in lines if not line.lower().startswith(("proxy-", "connection:"))]
        up_writer.write("\r\n".join([f"{method} /{path} {version}", "connection: close", *kept]).encode())
    await asyncio.gather(_pipe(reader, up_writer), _pipe(up_reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


Sitting = Callable[..., AbstractAsyncContextManager[Session]]


@pytest.fixture
def sitting(tmp_path: Path) -> Sitting:
    """A session with a server, as the commands and the screen open it."""

    def opened(endpoint: str, transport: TransportSettings | None = None) -> AbstractAsyncContextManager[Session]:
        settings = Settings(
            home=tmp_path / "home",
            cache=tmp_path / "cache",
            endpoint=endpoint,
            project="p",
            local=False,
            timeout=10,
            headers={"authorization": "Bearer hush", "X-Key": "hush"},
            transport=transport or TransportSettings(),
        )
        return open_session(settings)

    return opened
