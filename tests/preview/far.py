"""Files behind HTTP in this process, sparse ones of gigabytes too, to count what a preview fetches of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowtui.httpclient import httpx
from flowtui.storage import Reader, Storage
from tests.trusting import TrustsAll


@asynccontextmanager
async def far(path: Path) -> AsyncIterator[Reader]:
    """A reader of the file through HTTP with ranges."""

    size = await asyncio.to_thread(os.path.getsize, path)

    def get(request: Request) -> Response:
        first, _, last = request.headers["range"].removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last) + 1, size)
        if start >= size:
            return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
        with path.open("rb") as file:
            file.seek(start)
            body = file.read(end - start)
        return Response(body, 206, {"etag": '"1"', "content-range": f"bytes {start}-{end - 1}/{size}"})

    transport = httpx.ASGITransport(Starlette(routes=[Route("/{name}", get)]))
    async with (
        Storage(TrustsAll(), transport=transport) as storage,
        storage.open(f"http://store/{path.name}") as reader,
    ):
        yield reader
