"""Brings single files into a stage: streamed, taken up where they broke off, and verified."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from flowtui.errors import ExportError, FlowtuiError, StorageError, UnreachableError
from flowtui.exports.local_copies import LocalCopies, Moved
from flowtui.exports.plan import PlannedFile, modified_text
from flowtui.exports.targets.base import Sink, Stage
from flowtui.exports.written import DamagedError, Failure, Written, check_size
from flowtui.storage import Storage
from flowtui.text import plain

_CHUNK = 1024 * 1024
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Portion:
    """Files that are brought by one call.

    Attributes:
        copied: they are files of this machine, and the stage copies them by itself.
    """

    files: tuple[PlannedFile, ...]
    copied: bool


class Copier:
    """Brings files into one stage.

    Args:
        moved: is told of bytes as they come.
        tell: takes lines for the export's log.
        retry_delay: seconds before a file is tried again; doubled each time.
    """

    def __init__(
        self, stage: Stage, storage: Storage, moved: Moved, tell: Callable[[str], None], *, retry_delay: float = 1.0
    ) -> None:
        self._stage = stage
        self._storage = storage
        self._moved = moved
        self._tell = tell
        self._retry_delay = retry_delay
        self._local = LocalCopies(stage, moved, storage.trust)

    async def portions(self, files: Sequence[PlannedFile]) -> list[Portion]:
        """The files for :meth:`bring`: small ones of this machine together, others alone."""
        return await asyncio.to_thread(self._portions, files)

    def _portions(self, files: Sequence[PlannedFile]) -> list[Portion]:
        local: list[PlannedFile] = []
        others: list[Portion] = []
        for file in files:
            if self._local.takes(file):
                local.append(file)
            else:
                others.append(Portion((file,), copied=False))
        return [*(Portion(group, copied=True) for group in self._local.together(local)), *others]

    async def bring(self, portion: Portion) -> list[Written | Failure]:
        """Bring a portion into the stage."""
        if portion.copied:
            return await self._local.copy(portion.files)
        return [await self._brought(file) for file in portion.files]

    def close(self) -> None:
        """Let its threads go; nothing may be on its way."""
        self._local.close()

    async def _brought(self, file: PlannedFile) -> Written | Failure:
        delay = self._retry_delay
        for number in range(1, _TRIES + 1):
            try:
                return await self._move(file)
            except FlowtuiError as error:
                if number == _TRIES or not isinstance(error, UnreachableError | StorageError | DamagedError):
                    return Failure(file, error)
                self._tell(f"{file.path}: {error.message} Try {number + 1} of {_TRIES}.")
            await asyncio.sleep(delay)
            delay *= 2
        raise AssertionError("the last try returns")

    async def _move(self, file: PlannedFile) -> Written:
        sink = await self._stage.open(file.staged)
        try:
            size, sha256 = await self._copy(file, sink)
            modified = await sink.commit()
        except BaseException:
            with contextlib.suppress(ExportError):
                await sink.abort(keep=True)
            raise
        return Written(file, size, sha256, modified_text(modified))

    async def _copy(self, file: PlannedFile, sink: Sink) -> tuple[int, str]:
        digests = [hashlib.sha256(), *([hashlib.md5(usedforsecurity=False)] if file.md5 else [])]
        counted = 0
        if file.size is None or sink.offset > file.size:
            await sink.restart()
        try:
            async with aclosing(sink.written()) as earlier:
                async for data in earlier:
                    await asyncio.to_thread(_update, digests, data)
                    counted += len(data)
                    self._moved(file, len(data))
            pending = bytearray()
            async with aclosing(self._storage.stream(file.uri, counted)) as chunks:
                async for chunk in chunks:
                    if not pending and len(chunk) >= _CHUNK:
                        counted += await self._append(file, sink, chunk, digests)
                        continue
                    pending += chunk
                    if len(pending) >= _CHUNK:
                        counted += await self._append(file, sink, bytes(pending), digests)
                        pending.clear()
            counted += await self._append(file, sink, bytes(pending), digests)
            check_size(file, counted)
            if file.md5 and digests[1].hexdigest() != file.md5:
                raise DamagedError(
                    f"{plain(file.uri)} arrived damaged: its MD5 is not the store's.", "Export it again."
                )
        except FlowtuiError as error:
            self._moved(file, -counted)
            if isinstance(error, DamagedError):
                await sink.restart()
            raise
        return counted, digests[0].hexdigest()

    async def _append(self, file: PlannedFile, sink: Sink, data: bytes, digests: Sequence[hashlib._Hash]) -> int:
        if not data:
            return 0
        hashing = asyncio.to_thread(_update, digests, data)
        await asyncio.gather(hashing, sink.write(data))
        self._moved(file, len(data))
        return len(data)


def _update(digests: Sequence[hashlib._Hash], data: bytes) -> None:
    for digest in digests:
        digest.update(data)
