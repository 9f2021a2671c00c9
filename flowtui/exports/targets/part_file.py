"""A file on its way to its place: ``NAME.KEY.part`` beside it, locked against other exports, and renamed at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from flowtui.errors import ExportError
from flowtui.storage.directory_tree import DirectoryTree, LinkError
from flowtui.text import plain

if sys.platform != "win32":
    import fcntl

_CHUNK = 1024 * 1024
_NAME_BYTES = 255
_T = TypeVar("_T")


def part_path(path: str, key: str) -> str:
    """Where a file is while it is not whole."""
    suffix = f".{key}.part"
    folder, slash, name = path.rpartition("/")
    head = os.fsencode(name)[: _NAME_BYTES - len(suffix)]
    return f"{folder}{slash}{os.fsdecode(head)}{suffix}"


@cache
def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def new_file_mode() -> int:
    """The permissions of a file that is whole, as the umask of this process leaves them; before it has 0600."""
    return 0o666 & ~_umask()


def new_folder_mode() -> int:
    """The permissions of a folder whose files are whole, as :func:`new_file_mode`."""
    return 0o777 & ~_umask()


def set_mode(descriptor: int, mode: int) -> None:
    """Give a file or folder its permissions. Raises OSError.

    A file system that has rules of its own, such as those of Windows, may refuse that; where what it gives is no less,
    nothing is lost.
    """
    try:
        os.fchmod(descriptor, mode)
    except OSError:
        if os.fstat(descriptor).st_mode & mode != mode:
            raise


async def open_part(tree: DirectoryTree, path: str, key: str, *, durable: bool = True) -> PartFile:
    """Begin a file, or take it up again.

    Args:
        tree: the directory that it comes into, and ``path`` its path there.
        key: names the version of the source.
        durable: the bytes are on the disk before the file gets its name.
    """
    opening = asyncio.ensure_future(asyncio.to_thread(PartFile, tree, path, key, durable))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        # The thread goes on and would leave the file open and locked.
        await asyncio.shield(asyncio.ensure_future(_discard(opening)))
        raise


class PartFile:
    """A sink of a directory."""

    def __init__(self, tree: DirectoryTree, path: str, key: str, durable: bool) -> None:
        self._tree = tree
        self._name = path
        self._path = f"{tree.root}/{path}"
        self._part = part_path(path, key)
        self._durable = durable
        self._running: asyncio.Future[Any] | None = None
        with refusing(self._path):
            self._file = self._open()
            self.offset = self._file.seek(0, os.SEEK_END)

    def _open(self) -> BinaryIO:
        """The part, locked against other exports."""
        while True:
            descriptor = self._tree.open(self._part, os.O_RDWR | os.O_CREAT, make=True)
            file: BinaryIO = os.fdopen(descriptor, "r+b", buffering=0)
            if sys.platform == "win32":
                return file
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Another export may have given this very file its name between opening and locking.
                found = os.fstat(file.fileno())
                if os.path.samestat(found, self._tree.lstat(self._part)):
                    if found.st_mode & 0o077:
                        # Earlier versions left it so.
                        set_mode(file.fileno(), 0o600)
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

    async def commit(self) -> datetime | None:
        return await self._do(self._commit)

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
        with refusing(self._path):
            self._file.seek(position)
            return self._file.read(_CHUNK)

    def _truncate(self) -> None:
        with refusing(self._path):
            self._file.truncate(0)

    def _append(self, data: bytes) -> None:
        with refusing(self._path):
            self._file.seek(0, os.SEEK_END)
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]

    def _commit(self) -> datetime:
        with refusing(self._path):
            if self._durable:
                os.fsync(self._file.fileno())
            modified = os.fstat(self._file.fileno()).st_mtime
            set_mode(self._file.fileno(), new_file_mode())
            parent, _, name = self._name.rpartition("/")
            with self._tree.folder(parent) as folder:
                os.replace(self._part.rpartition("/")[2], name, src_dir_fd=folder, dst_dir_fd=folder)
            self._file.close()
            return datetime.fromtimestamp(modified, timezone.utc)

    def _abort(self, keep: bool) -> None:
        if self._file.closed:
            return
        with contextlib.suppress(OSError):
            if not keep or not self._file.seek(0, os.SEEK_END):
                self._tree.unlink(self._part)
        self._file.close()


async def _discard(opening: asyncio.Future[PartFile]) -> None:
    await asyncio.wait([opening])
    if opening.exception() is None:
        await opening.result().abort(keep=True)


@contextlib.contextmanager
def refusing(path: Path | str) -> Iterator[None]:
    """Turn an error of the file system into an ExportError that names the path."""
    try:
        yield
    except LinkError as error:
        raise ExportError(
            f"{plain(error.filename)} is a link, and nothing is written through one.",
            "Remove the link, or choose another directory.",
        ) from error
    except OSError as error:
        raise ExportError(
            f"{plain(path)} cannot be written: {plain(error.strerror or error)}.",
            "Look at its permissions and the free space, or choose another directory.",
        ) from error
