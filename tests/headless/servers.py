"""Servers on loopback ports that are something else than a well-configured Flyte Admin of version 1."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import trustme

Answer = Callable[[str, str, dict[str, str]], bytes]
"""From method, path and headers to a whole HTTP answer."""
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

MISSING = b"404 page not found\n"


def http(status: int, body: bytes = b"", content_type: str = "text/plain", **headers: str) -> bytes:
    """An HTTP/1.1 answer."""
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}"]
    lines += [f"content-type: {content_type}"] if content_type else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@dataclass
class Listening:
    """A server that runs.

    Attributes:
        requests: method, path and headers of what it was asked.
    """

    port: int = 0
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def answering(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Listening]:
    """Answers every request with what a function says."""
    listening = Listening()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            except asyncio.IncompleteReadError as error:
                if error.partial:
                    # As Go and Python do with what is no HTTP, such as the beginning of TLS.
                    writer.write(http(400, b"Bad Request"))
                return
            first, *lines = head.rstrip().split("\r\n")
            headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines}
            await reader.readexactly(int(headers.get("content-length", "0")))
            method, path, _ = first.split()
            listening.requests.append((method, path, headers))
            writer.write(answer(method, path, headers))
            await writer.drain()

    with talking(talk, tls) as port:
        listening.port = port
        yield listening


@contextmanager
def talking(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Talks to everybody who connects, in a thread with a loop of its own; the port."""
    ready = threading.Event()
    state: dict[str, object] = {}

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        # Failed handshakes are what is tested here.
        loop.set_exception_handler(lambda _, context: None)
        server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls)
        stop = asyncio.Event()
        state.update(port=server.sockets[0].getsockname()[1], stop=lambda: loop.call_soon_threadsafe(stop.set))
        ready.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    ready.wait()
    try:
        yield int(str(state["port"]))
    finally:
        state["stop"]()  # type: ignore[operator]
        thread.join()


@contextmanager
def grpc_server(certificate: trustme.LeafCert | None = None) -> Iterator[int]:
    """A real gRPC server without services, with TLS or without; its port."""
    grpc = pytest.importorskip("grpc")
    server = grpc.server(ThreadPoolExecutor(1))
    if certificate is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        pair = certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes()
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


def tls_of(certificate: trustme.LeafCert, *alpn: str) -> ssl.SSLContext:
    """What a server with that certificate speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context
