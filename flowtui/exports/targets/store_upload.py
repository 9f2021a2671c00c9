"""One object on its way into a store: in parts, several of them at the same time; it is seen when it is whole."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

from flowtui.errors import ExportError
from flowtui.exports.targets.store_files import StoreFiles


class StoreUpload:
    """A ``Sink``. A broken upload is not taken up again: a store tells of no parts but to who sent them.

    Args:
        path: of the object, relative to the place.
        size: bytes, None where they are not known.
    """

    offset = 0

    def __init__(self, files: StoreFiles, path: str, size: int | None) -> None:
        self._files = files
        self._path = path
        self._expected = size
        self._begin_again()

    def _begin_again(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._buffer = bytearray()
        self._sent = 0
        self._upload: Any = None
        self._parts: list[asyncio.Task[Any]] = []
        self._block = 0

    async def written(self) -> AsyncGenerator[bytes, None]:
        for _ in ():
            yield b""

    async def restart(self) -> None:
        await self.abort(keep=False)

    async def write(self, data: bytes) -> None:
        if not self._block:
            self._block = await self._files.part_bytes(self._expected)
        await asyncio.to_thread(self._md5.update, data)
        self._buffer += data
        # One byte stays, because the last part is sent with the end.
        while len(self._buffer) > self._block:
            part = bytes(self._buffer[: self._block])
            del self._buffer[: self._block]
            await self._send(part)

    async def _send(self, data: bytes) -> None:
        if self._upload is None:
            self._upload = await self._files.begin(self._path)
        most = (await self._files.calls()).parts_at_once
        while len(running := [part for part in self._parts if not part.done()]) >= most:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for part in self._parts:
            if part.done():
                part.result()
        sending = self._files.part(self._path, self._upload, len(self._parts) + 1, self._sent, data)
        self._parts.append(asyncio.ensure_future(sending))
        self._sent += len(data)

    async def commit(self) -> datetime | None:
        size, tail = self._sent + len(self._buffer), bytes(self._buffer)
        if self._upload is None:
            await self._files.put(self._path, tail)
        else:
            receipts = await asyncio.gather(*self._parts)
            await self._files.finish(self._path, self._upload, receipts, self._sent, tail)
            self._upload = None
        there = await self._files.stat(self._path)
        if there is None or there.size != size:
            has = f"has {there.size or 0:,} bytes" if there else "is not there"
            raise ExportError(f"{self._files.shown(self._path)} {has} after {size:,} were sent.", "Export it again.")
        if there.md5 and there.md5 != self._md5.hexdigest():
            raise ExportError(
                f"{self._files.shown(self._path)} arrived damaged: its MD5 is not that of what was sent.",
                "Export it again.",
            )
        # A copy gets a time of its own when it is published.
        return None

    async def abort(self, *, keep: bool) -> None:
        parts, upload = self._parts, self._upload
        self._begin_again()
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        if upload is not None:
            with contextlib.suppress(ExportError):
                await self._files.abandon(self._path, upload)
