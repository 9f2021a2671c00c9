"""The listener on the loopback address that a browser is sent back to (RFC 8252, 7.3)."""

from __future__ import annotations

import asyncio
import http.server
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from urllib.parse import urlsplit

from flowtui.admin.auth.addresses import is_loopback

_PAGE = (
    b"<!doctype html><meta charset=utf-8><title>flowtui</title>"
    b"<p>flowtui has the answer of the login: look at the terminal. This page can be closed."
)


class ListenerError(Exception):
    """Nothing can be listened to at the redirect URI; the text says why."""


@contextmanager
def redirect_listener(redirect_uri: str) -> Iterator[asyncio.Future[str]]:
    """Listens while the block lasts.

    Args:
        redirect_uri: http, of a loopback host, such as ``http://localhost:53593/callback``.

    Yields:
        What becomes the URL that the browser was sent to, with its query.

    Raises:
        ListenerError: the address is none of this machine, or is taken.
    """
    parts = urlsplit(redirect_uri)
    host = parts.hostname or ""
    if parts.scheme != "http" or not is_loopback(host):
        raise ListenerError(f"{redirect_uri} is no address of this machine")
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def settle(url: str) -> None:
        if not answer.done():
            answer.set_result(url)

    def arrived(target: str) -> None:
        loop.call_soon_threadsafe(settle, f"{parts.scheme}://{parts.netloc}{target}")

    servers = _servers(host, parts.port or 80, parts.path or "/", arrived)
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True, name="login").start()
    try:
        yield answer
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _servers(host: str, port: int, path: str, arrived: Callable[[str], None]) -> list[http.server.HTTPServer]:
    """One server for each address of the host, since browsers try ``::1`` and ``127.0.0.1`` for localhost."""
    handler = _handler(path, arrived)
    found: list[http.server.HTTPServer] = []
    reason = "it has no address"
    for family, address in _addresses(host):
        kind = type("Server", (_Server,), {"address_family": family})
        try:
            found.append(kind((address, port), handler))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            # One address that another program has would give it our answers.
            if family == socket.AF_INET or host != "localhost":
                for server in found:
                    server.server_close()
                raise ListenerError(f"port {port} cannot be opened: {reason}") from error
    if not found:
        raise ListenerError(f"port {port} cannot be opened: {reason}")
    return found


def _addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    if host == "localhost":
        both = [(socket.AF_INET, "127.0.0.1")]
        return [*both, (socket.AF_INET6, "::1")] if socket.has_ipv6 else both
    return [(socket.AF_INET6 if ":" in host else socket.AF_INET, host)]


class _Server(http.server.ThreadingHTTPServer):
    # Two logins at the same time must not share a port.
    allow_reuse_address = True
    allow_reuse_port = False
    daemon_threads = True

    def server_bind(self) -> None:
        """Without the look-up of a name that ``http.server`` makes, and that may wait for a name server."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a connection that breaks off is no matter of the person's, and stderr is not for it."""


def _handler(path: str, arrived: Callable[[str], None]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 10
        server_version = "flowtui"
        sys_version = ""

        def do_GET(self) -> None:
            place = urlsplit(self.path)
            host = urlsplit(f"//{self.headers.get('host', '')}").hostname or ""
            # Asked under another name, it is a page that points its own name at this machine.
            if place.path != path or not place.query or not is_loopback(host):
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(_PAGE)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(_PAGE)
            arrived(self.path)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing: the URL holds the code."""

    return Handler
