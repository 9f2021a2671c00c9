"""One file on its way into an upload session of Domino: chunk by chunk, several of them at the same time."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import IO, Protocol

from flowtui.errors import ExportError
from flowtui.exports.domino import uploads
from flowtui.exports.domino.uploads import Chunk
from flowtui.exports.targets.base import StagedFile
from flowtui.text import plain


class Session(Protocol):
    """What a sink needs of its stage.

    Attributes:
        gate: chunks that move at the same time, of all files.
        sizes: bytes of the files that are whole in the session, by path.
    """

    gate: asyncio.Semaphore
    sizes: dict[str, int]

    async def send(self, chunk: Chunk) -> None:
        """Have a chunk in the session."""


class DatasetSink:
    """A sink of a dataset. Bytes come from the source each time; what the session has already is not sent again.

    A file of unknown size waits on this machine's disk, since the first chunk tells how many there are.
    """

    offset = 0

    def __init__(self, session: Session, file: StagedFile) -> None:
        self._session = session
        self._file = file
        self._waiting: IO[bytes] | None = tempfile.TemporaryFile() if file.size is None else None  # noqa: SIM115
        self._total = _chunks(file.size or 0)
        self._sending: set[asyncio.Task[None]] = set()
        self._begin()

    def _begin(self) -> None:
        self._pieces: list[bytes] = []
        self._held = 0
        self._number = 1
        self._count = 0
        self._size = self._file.size

    async def written(self) -> AsyncGenerator[bytes, None]:
        nothing: tuple[bytes, ...] = ()
        for data in nothing:
            yield data

    async def restart(self) -> None:
        await self._stop()
        self._begin()
        if self._waiting is not None:
            self._waiting.seek(0)
            self._waiting.truncate()

    async def write(self, data: bytes) -> None:
        if self._waiting is not None:
            self._count += len(data)
            await asyncio.to_thread(self._waiting.write, data)
            return
        await self._add(data)

    async def _add(self, data: bytes) -> None:
        self._count += len(data)
        if self._size is not None and self._count > self._size:
            return  # The source has grown; who copies sees it in the end.
        room = uploads.CHUNK - self._held
        while len(data) > room:
            await self._take(data[:room])
            data = data[room:]
            room = uploads.CHUNK
        await self._take(data)

    async def _take(self, data: bytes) -> None:
        self._pieces.append(data)
        self._held += len(data)
        if self._held == uploads.CHUNK and self._total > 1:
            await self._dispatch()

    async def _dispatch(self) -> None:
        """Send what is held in the background."""
        chunk = self._chunk()
        await self._session.gate.acquire()
        try:
            self._check()
            task = asyncio.create_task(self._session.send(chunk))
        except BaseException:
            self._session.gate.release()
            raise
        task.add_done_callback(lambda _: self._session.gate.release())
        self._sending.add(task)

    def _chunk(self) -> Chunk:
        file = self._file
        mark = hashlib.sha256(file.path.encode(errors="replace")).hexdigest()[:16]
        chunk = Chunk(
            file.path, f"{self._size}-{file.key}-{mark}", self._number, self._total, tuple(self._pieces), self._held
        )
        self._pieces, self._held = [], 0
        self._number += 1
        return chunk

    def _check(self) -> None:
        """Raise what a chunk failed with; forget those that are through."""
        for task in [task for task in self._sending if task.done()]:
            self._sending.discard(task)
            task.result()

    async def commit(self) -> datetime | None:
        if self._waiting is not None:
            await self._send_waiting(self._waiting)
        if self._count != self._size:
            raise ExportError(
                f"{plain(self._file.path)} has {self._count:,} bytes instead of {self._size:,}.", "Export it again."
            )
        if self._number <= self._total:
            if self._total == 1:
                await self._session.send(self._chunk())
            else:
                await self._dispatch()
        if self._sending:
            await asyncio.wait(self._sending)
            self._check()
        if self._waiting is not None:
            self._waiting.close()
        self._session.sizes[self._file.path] = self._count
        # Domino tells the time when the file is in its place.
        return None

    async def _send_waiting(self, waiting: IO[bytes]) -> None:
        self._size, self._total, self._count = self._count, _chunks(self._count), 0
        await asyncio.to_thread(waiting.seek, 0)
        while data := await asyncio.to_thread(waiting.read, uploads.CHUNK):
            await self._add(data)

    async def abort(self, *, keep: bool) -> None:
        await self._stop()
        if self._waiting is not None:
            self._waiting.close()

    async def _stop(self) -> None:
        sending, self._sending = self._sending, set()
        for task in sending:
            task.cancel()
        if sending:
            await asyncio.gather(*sending, return_exceptions=True)


def _chunks(size: int) -> int:
    return max(1, -(-size // uploads.CHUNK))
