"""Brings single files into a stage: streamed, taken up where they broke off, and verified."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from flowtui.errors import ExportError, FlowtuiError, StorageError, UnreachableError
from flowtui.exports.plan import PlannedFile, modified_text
from flowtui.exports.targets.base import Sink, Stage, StagedFile
from flowtui.exports.targets.directory_stage import Copied
from flowtui.storage import Storage
from flowtui.storage.local import local_path
from flowtui.text import plain

_CHUNK = 1024 * 1024
_BATCH_BYTES = 16 * 1024 * 1024
_BATCH_FILES = 64
_TRIES = 3
_COPIES_AT_ONCE = 2
"""More threads that copy small files only wait for each other."""

Moved = Callable[[PlannedFile, int], None]
"""Is told a file and bytes that came, negative where they are thrown away; in the event loop or in a thread."""


class DamagedError(ExportError):
    """What came is not what the store says it holds."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file that is whole in the stage and verified.

    Attributes:
        modified: its time of change there, as the manifest has it.
    """

    file: PlannedFile
    size: int
    sha256: str
    modified: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be brought into the stage, and why."""

    file: PlannedFile
    error: FlowtuiError


@runtime_checkable
class CopiesLocalFiles(Protocol):
    """A stage that copies files of this machine by itself, many of them in one thread."""

    def copy(self, source: str, file: StagedFile, moved: Callable[[int], None], stop: threading.Event) -> Copied:
        """As ``DirectoryStage.copy``."""


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
        self._copies = isinstance(stage, CopiesLocalFiles)
        self._copying = asyncio.Semaphore(_COPIES_AT_ONCE)
        self._stop = threading.Event()

    async def portions(self, files: Sequence[PlannedFile]) -> list[Portion]:
        """The files for :meth:`bring`: small ones of this machine together, others alone."""
        return await asyncio.to_thread(self._portions, files)

    def _portions(self, files: Sequence[PlannedFile]) -> list[Portion]:
        portions: list[Portion] = []
        open_: list[PlannedFile] = []
        size = 0
        for file in files:
            copied = self._is_copied(file)
            if not copied or (file.size or 0) > _BATCH_BYTES:
                portions.append(Portion((file,), copied))
                continue
            open_.append(file)
            size += file.size or 0
            if size >= _BATCH_BYTES or len(open_) >= _BATCH_FILES:
                portions.append(Portion(tuple(open_), copied=True))
                open_, size = [], 0
        if open_:
            portions.append(Portion(tuple(open_), copied=True))
        return portions

    async def bring(self, portion: Portion) -> list[Written | Failure]:
        """Bring a portion into the stage."""
        if portion.copied:
            return await self._copied(portion.files)
        return [await self._brought(file) for file in portion.files]

    def _is_copied(self, file: PlannedFile) -> bool:
        if not self._copies or not file.uri.startswith(("/", "file://")):
            return False
        # A path of another machine is read through a URL that Admin signs.
        return os.path.isfile(local_path(file.uri) or "")

    async def _copied(self, files: Sequence[PlannedFile]) -> list[Written | Failure]:
        async with self._copying:
            return await self._copied_in_thread(files)

    async def _copied_in_thread(self, files: Sequence[PlannedFile]) -> list[Written | Failure]:
        copying = asyncio.ensure_future(asyncio.to_thread(self._copy_all, files))
        try:
            return await asyncio.shield(copying)
        except asyncio.CancelledError:
            # A thread cannot be cancelled; it looks at the event after each chunk.
            self._stop.set()
            await asyncio.wait([copying])
            raise

    def _copy_all(self, files: Sequence[PlannedFile]) -> list[Written | Failure]:
        assert isinstance(self._stage, CopiesLocalFiles)
        results: list[Written | Failure] = []
        for file in files:
            counted = 0

            def moved(count: int, file: PlannedFile = file) -> None:
                nonlocal counted
                counted += count
                self._moved(file, count)

            try:
                copied = self._stage.copy(local_path(file.uri) or "", file.staged, moved, self._stop)
                _check_size(file, copied.size)
                results.append(Written(file, copied.size, copied.sha256, modified_text(copied.modified)))
            except ExportError as error:
                self._moved(file, -counted)
                results.append(Failure(file, error))
                if self._stop.is_set():
                    break
            except OSError as error:
                self._moved(file, -counted)
                failure = StorageError(
                    f"{plain(file.uri)} cannot be read: {plain(error.strerror or error)}.", "Look at its permissions."
                )
                results.append(Failure(file, failure))
        return results

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
            _check_size(file, counted)
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


def _check_size(file: PlannedFile, size: int) -> None:
    if file.size is not None and size != file.size:
        raise DamagedError(f"{plain(file.uri)} gave {size:,} bytes instead of {file.size:,}.", "Export it again.")
