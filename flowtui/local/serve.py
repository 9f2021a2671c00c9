"""``flowtui serve``: the embedded Flyte Admin on loopback ports, REST and gRPC, for clients that send its token."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from flowtui.errors import UnreachableError, UsageError
from flowtui.local import grpc_server
from flowtui.local.app import create_app
from flowtui.local.dispatch import Launcher
from flowtui.local.home import Home

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Served:
    """Where the Admin answers, and the token that clients must send as ``Authorization: Bearer``.

    Attributes:
        grpc_endpoint: ``HOST:PORT`` of gRPC; None where it is not served.
        flyte_config: a file for ``FLYTECTL_CONFIG`` and ``pyflyte -c``, with both addresses and the way to the token.
    """

    url: str
    token: str
    token_file: Path
    grpc_endpoint: str | None = None
    flyte_config: Path | None = None


def serve(
    home: Home | Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    grpc_port: int | None = 0,
    launcher: Launcher | None = None,
    started: Callable[[Served], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    The token is random, the same at every start of one home, and kept in a file that only its owner can read.

    Args:
        port: 0 for one that is free.
        grpc_port: 0 for one that is free, None for no gRPC; without grpcio there is none either.
        launcher: as for :func:`~flowtui.local.app.create_app`.
        started: called once the ports answer.

    Raises:
        UsageError: ``host`` is no loopback address.
        UnreachableError: a port cannot be had.
    """
    home = home if isinstance(home, Home) else Home(home)
    _check_loopback(host)
    listener = _listen(host, port)
    with listener:
        bound = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        url, token = f"http://{shown}:{bound}", home.read_secret(home.serve_token)
        app = create_app(home, token=token, launcher=launcher, allowed_hosts=LOOPBACK | {host})
        server = None
        if grpc_port is not None and grpc_server.is_installed():
            server = grpc_server.GrpcServer(app.state.dispatcher, base_url=url, token=token, host=host, port=grpc_port)
        served = Served(url, token, home.serve_token)
        if server is not None:
            written = _write_flyte_config(home, url, server.endpoint)
            served = replace(served, grpc_endpoint=server.endpoint, flyte_config=written)
        asyncio.run(_run(app, listener, server, lambda: started(served) if started else None))


def _write_flyte_config(home: Home, url: str, grpc_endpoint: str) -> Path:
    """Write what flytekit needs to come in: no secret, only the command that prints it."""
    import yaml

    admin = {
        "endpoint": f"dns:///{grpc_endpoint}",
        "insecure": True,
        "authType": "ExternalCommand",
        "command": ["cat", str(home.serve_token.absolute())],
    }
    path = home.path / "flyte-config.yaml"
    scratch = path.with_suffix(".new")
    scratch.write_text(yaml.safe_dump({"admin": admin, "console": {"endpoint": url}}, sort_keys=False), "utf-8")
    scratch.replace(path)
    return path


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
    # Only where the protocol is named does asyncio turn Nagle off; else every answer of two parts waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UnreachableError(
            f"Port {port} on {host} cannot be opened: {error.strerror}.", "Name another one with --port."
        ) from error
    return listener


async def _run(
    app: object, listener: socket.socket, grpc: grpc_server.GrpcServer | None, started: Callable[[], None]
) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                if grpc is not None:
                    grpc.start()
                started()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            # Before the app, which closes the store.
            if grpc is not None:
                await asyncio.to_thread(grpc.stop)
            await super().shutdown(sockets=sockets)

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
