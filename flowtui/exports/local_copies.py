"""Brings files of this machine into a stage that copies them by itself: in threads, many small ones in each call."""

from __future__ import annotations

import asyncio
import os
import stat as modes
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, runtime_checkable

from flowtui.errors import FlowtuiError, StorageError
from flowtui.exports.plan import PlannedFile, modified_text
from flowtui.exports.targets.base import StagedFile
from flowtui.exports.targets.directory_stage import Copied
from flowtui.exports.written import DamagedError, Failure, Written, check_size
from flowtui.storage import Trust
from flowtui.storage.trust import is_local_uri
from flowtui.text import plain

SMALL = 1024 * 1024
"""Bytes of a file that goes with others into one call."""

_TOGETHER = 64
_CALLS = 16
"""So many calls are made at least, if there are as many files, so that every thread has some."""
_THREADS = 4
"""On a disk of this machine more than two wait for each other, on a network file system four halve the time."""

Moved = Callable[[PlannedFile, int], None]
"""Is told a file and bytes that came, negative where they are thrown away; in the event loop or in a thread."""


@runtime_checkable
class CopiesLocalFiles(Protocol):
    """A stage that copies files of this machine by itself, called in several threads at once."""

    def copy(self, source: int, file: StagedFile, moved: Callable[[int], None], stop: threading.Event) -> Copied:
        """As ``DirectoryStage.copy``."""

    def remove(self, file: StagedFile) -> None:
        """As ``DirectoryStage.remove``."""


class LocalCopies:
    """Copies files of this machine into one stage.

    Args:
        stage: nothing is copied where it cannot do so by itself.
        moved: is told of bytes as they come.
        trust: says which files of this machine are read.
    """

    def __init__(self, stage: object, moved: Moved, trust: Trust) -> None:
        self._trust = trust
        self._stage = stage if isinstance(stage, CopiesLocalFiles) else None
        self._moved = moved
        self._pool = ThreadPoolExecutor(_THREADS, "flowtui-copy")
        self._stop = threading.Event()

    def takes(self, file: PlannedFile) -> bool:
        """Whether it is a file of this machine, and the stage copies it by itself. It is looked for."""
        if self._stage is None or not is_local_uri(file.uri):
            return False
        try:
            return modes.S_ISREG(self._trust.stat(file.uri).st_mode)
        except (FlowtuiError, OSError):
            # A path of another machine is read through a URL that Admin signs, or told to be none.
            return False

    @staticmethod
    def together(files: Sequence[PlannedFile]) -> list[tuple[PlannedFile, ...]]:
        """The files in groups, each for a call of :meth:`copy`."""
        small = [file for file in files if _is_small(file)]
        most = min(max(len(small) // _CALLS, 1), _TOGETHER)
        groups = [tuple(small[start : start + most]) for start in range(0, len(small), most)]
        return groups + [(file,) for file in files if not _is_small(file)]

    async def copy(self, files: Sequence[PlannedFile]) -> list[Written | Failure]:
        """Copy them, one after the other. Cancelled, it ends when the thread has let go of its file."""
        copying = asyncio.get_running_loop().run_in_executor(self._pool, self._copy_all, files)
        try:
            return await asyncio.shield(copying)
        except asyncio.CancelledError:
            # A thread cannot be cancelled; it looks at the event after each file and each chunk.
            self._stop.set()
            await asyncio.wait([copying])
            raise

    def _copy_all(self, files: Sequence[PlannedFile]) -> list[Written | Failure]:
        results: list[Written | Failure] = []
        for file in files:
            if self._stop.is_set():
                break
            results.append(self._copy(file))
        return results

    def _copy(self, file: PlannedFile) -> Written | Failure:
        assert self._stage is not None
        counted = 0

        def moved(count: int) -> None:
            nonlocal counted
            counted += count
            self._moved(file, count)

        try:
            source = self._trust.open_file(file.uri)
            try:
                copied = self._stage.copy(source, file.staged, moved, self._stop)
            finally:
                os.close(source)
            check_size(file, copied.size)
        except FlowtuiError as error:
            self._moved(file, -counted)
            if isinstance(error, DamagedError):
                self._stage.remove(file.staged)
            return Failure(file, error)
        except OSError as error:
            self._moved(file, -counted)
            message = f"{plain(file.uri)} cannot be read: {plain(error.strerror or error)}."
            return Failure(file, StorageError(message, "Look at its permissions."))
        return Written(file, copied.size, copied.sha256, modified_text(copied.modified))

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False)


def _is_small(file: PlannedFile) -> bool:
    return file.size is not None and file.size <= SMALL
