"""The embedded Domino on a loopback port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.types import ASGIApp


@asynccontextmanager
async def served(make_app: Callable[[str], ASGIApp]) -> AsyncIterator[str]:
    """Serves an app in the running event loop; gives its URL.

    Args:
        make_app: makes the app, told the URL at which it will answer.
    """
    import uvicorn

    # Only where the protocol is named does asyncio turn Nagle off.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ready = asyncio.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            ready.set()

    config = uvicorn.Config(
        make_app(url), log_level="critical", access_log=False, proxy_headers=False, server_header=False, lifespan="on"
    )
    server = Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await ready.wait()
        yield url
    finally:
        server.should_exit = True
        server.force_exit = True
        await running
        listener.close()
