"""``flowtui serve``: the embedded Flyte Admin on a loopback port, for clients that send its token."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flowtui.errors import UnreachableError, UsageError
from flowtui.local.app import create_app
from flowtui.local.dispatch import Launcher
from flowtui.local.home import Home

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Served:
    """Where the Admin answers, and the token that clients must send as ``Authorization: Bearer``."""

    url: str
    token: str
    token_file: Path


def serve(
    home: Home | Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    launcher: Launcher | None = None,
    started: Callable[[Served], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    The token is random, the same at every start of one home, and kept in a file that only its owner can read.

    Args:
        port: 0 for one that is free.
        launcher: as for :func:`~flowtui.local.app.create_app`.
        started: called once the port answers.

    Raises:
        UsageError: ``host`` is no loopback address.
        UnreachableError: the port cannot be had.
    """
    home = home if isinstance(home, Home) else Home(home)
    _check_loopback(host)
    listener = _listen(host, port)
    with listener:
        bound = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        served = Served(f"http://{shown}:{bound}", home.read_secret(home.serve_token), home.serve_token)
        app = create_app(home, token=served.token, launcher=launcher, allowed_hosts=LOOPBACK | {host})
        asyncio.run(_run(app, listener, lambda: started(served) if started else None))


def _check_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise UsageError(
            f"{host} is no loopback address.", "Only this machine is served: use 127.0.0.1, ::1 or localhost."
        )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UnreachableError(
            f"Port {port} on {host} cannot be opened: {error.strerror}.", "Name another one with --port."
        ) from error
    return listener


async def _run(app: object, listener: socket.socket, started: Callable[[], None]) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                started()

    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_level="warning",
        access_log=False,
        # Headers of a proxy do not count: there is none in front of a loopback port.
        proxy_headers=False,
        server_header=False,
        # The gateway says its own, by Admin's clock.
        date_header=False,
    )
    await Server(config).serve(sockets=[listener])
