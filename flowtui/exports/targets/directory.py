"""A directory of this machine. A file on its way is ``NAME.KEY.part`` beside its place, and renamed at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat as modes
import sys
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from flowtui.errors import ExportError
from flowtui.exports.targets.base import Existing
from flowtui.text import plain

if sys.platform != "win32":
    import fcntl

_PREFIX = "directory:"
_CHUNK = 1024 * 1024
_NAME_BYTES = 255
_T = TypeVar("_T")


def parse(text: str) -> DirectoryTarget | None:
    """A path, ``~`` included, ``directory:PATH`` or ``file:///PATH``; None for another scheme and for nothing."""
    if text.startswith(_PREFIX):
        text = text[len(_PREFIX) :]
    elif text.startswith("file:///"):
        text = text[len("file://") :]
    elif "://" in text:
        return None
    return DirectoryTarget(Path(os.path.abspath(os.path.expanduser(text)))) if text and "\0" not in text else None


class DirectoryTarget:
    """A directory; it is made when the first file comes.

    Args:
        root: its absolute path.
    """

    kind = "directory"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.text = str(root)

    async def existing(self, paths: Iterable[str]) -> dict[str, Existing]:
        return await asyncio.to_thread(self._existing, tuple(paths))

    def _existing(self, paths: tuple[str, ...]) -> dict[str, Existing]:
        found = {}
        with _refusing(self.root):
            for path in paths:
                try:
                    stat = os.lstat(self.root / path)
                except (FileNotFoundError, NotADirectoryError):
                    continue
                modified = datetime.fromtimestamp(stat.st_mtime, timezone.utc)
                found[path] = Existing(stat.st_size, modified, modes.S_ISDIR(stat.st_mode))
        return found

    async def open(self, path: str, key: str) -> DirectorySink:
        opening = asyncio.ensure_future(asyncio.to_thread(DirectorySink, self.root / path, key))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The thread goes on and would leave the file open and locked.
            await asyncio.shield(asyncio.ensure_future(_discard(opening)))
            raise

    async def read(self, path: str) -> bytes | None:
        return await asyncio.to_thread(self._read, self.root / path)

    def _read(self, path: Path) -> bytes | None:
        with _refusing(path):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return None

    async def write(self, path: str, data: bytes) -> str:
        sink = await self.open(path, f"{os.getpid()}")
        try:
            await sink.restart()
            await sink.write(data)
            await sink.commit()
        except BaseException:
            await sink.abort(keep=False)
            raise
        return str(self.root / path)

    async def free(self) -> int | None:
        return await asyncio.to_thread(self._free)

    def _free(self) -> int | None:
        for folder in (self.root, *self.root.parents):
            if folder.is_dir():
                with _refusing(folder):
                    return shutil.disk_usage(folder).free
        return None


class DirectorySink:
    """A file on its way into a directory."""

    def __init__(self, path: Path, key: str) -> None:
        suffix = f".{key}.part"
        head = os.fsencode(path.name)[: _NAME_BYTES - len(suffix)]
        self._path = path
        self._part = path.with_name(os.fsdecode(head) + suffix)
        self._running: asyncio.Future[Any] | None = None
        with _refusing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._open()
            self.offset = self._file.seek(0, os.SEEK_END)

    def _open(self) -> BinaryIO:
        """The part, locked against other exports."""
        # O_NOFOLLOW: a link that waits under the part's name must not lead the bytes elsewhere.
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        while True:
            file: BinaryIO = os.fdopen(os.open(self._part, flags, 0o666), "r+b", buffering=0)
            if sys.platform == "win32":
                return file
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Another export may have given this very file its name between opening and locking.
                if os.path.samestat(os.fstat(file.fileno()), os.lstat(self._part)):
                    return file
            except FileNotFoundError:
                pass
            except BlockingIOError:
                file.close()
                raise ExportError(
                    f"{plain(self._path)} is being written by another export.",
                    "Wait for it, or choose another directory.",
                ) from None
            file.close()

    async def written(self) -> AsyncGenerator[bytes, None]:
        position = 0
        while position < self.offset:
            data = await self._do(self._read_at, position)
            if not data:
                return
            yield data
            position += len(data)

    async def restart(self) -> None:
        await self._do(self._truncate)
        self.offset = 0

    async def write(self, data: bytes) -> None:
        await self._do(self._append, data)

    async def commit(self) -> None:
        await self._do(self._commit)

    async def abort(self, *, keep: bool) -> None:
        await asyncio.shield(asyncio.ensure_future(self._end(keep)))

    async def _end(self, keep: bool) -> None:
        if self._running is not None:
            await asyncio.wait([self._running])
        await asyncio.to_thread(self._abort, keep)

    async def _do(self, work: Callable[..., _T], *args: object) -> _T:
        """Run file work in a thread; a cancelled caller leaves it running, and :meth:`abort` waits for it."""
        running = asyncio.ensure_future(asyncio.to_thread(work, *args))
        self._running = running
        return await asyncio.shield(running)

    def _read_at(self, position: int) -> bytes:
        with _refusing(self._part):
            self._file.seek(position)
            return self._file.read(_CHUNK)

    def _truncate(self) -> None:
        with _refusing(self._part):
            self._file.truncate(0)

    def _append(self, data: bytes) -> None:
        with _refusing(self._path):
            self._file.seek(0, os.SEEK_END)
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]

    def _commit(self) -> None:
        with _refusing(self._path):
            os.fsync(self._file.fileno())
            os.replace(self._part, self._path)
            self._file.close()

    def _abort(self, keep: bool) -> None:
        if self._file.closed:
            return
        with contextlib.suppress(OSError):
            if not keep or not self._file.seek(0, os.SEEK_END):
                self._part.unlink()
        self._file.close()


async def _discard(opening: asyncio.Future[DirectorySink]) -> None:
    await asyncio.wait([opening])
    if opening.exception() is None:
        await opening.result().abort(keep=True)


@contextlib.contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn an error of the file system into an ExportError that names the path."""
    try:
        yield
    except OSError as error:
        raise ExportError(
            f"{plain(path)} cannot be written: {plain(error.strerror or error)}.",
            "Look at its permissions and the free space, or choose another directory.",
        ) from error
