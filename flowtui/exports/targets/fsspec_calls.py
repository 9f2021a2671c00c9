"""Writing to any file system of fsspec that is none of the stores with calls of their own (``memory://``, ``sftp://``).

Its calls block, so they are made in threads, one at a time where the library is not made for more. A file is given its
name by a copy, and where the file system has none, by a move.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from flowtui.exports.targets.store_calls import STAGING
from flowtui.storage import Stat
from flowtui.storage.backend import Chunk

_T = TypeVar("_T")
_FOLDER_TRIES = 5


class FsspecCalls:
    """``StoreCalls`` of a file system; a key is a path that the file system takes.

    Args:
        fs: the file system.
    """

    parts_at_once = 1
    most_parts = 1 << 30
    keeps_folders = True
    errors: tuple[type[Exception], ...] = (ValueError, RuntimeError, NotImplementedError, EOFError, TypeError)

    def __init__(self, fs: Any) -> None:
        from fsspec import AbstractFileSystem
        from fsspec.asyn import get_loop

        self._fs = fs
        self.moves = type(fs).cp_file is AbstractFileSystem.cp_file
        self._lock = threading.Lock()
        self.loop: asyncio.AbstractEventLoop = get_loop()

    async def _do(self, work: Callable[[], _T]) -> _T:
        def locked() -> _T:
            with self._lock:
                return work()

        doing = asyncio.ensure_future(asyncio.to_thread(locked))
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            # A thread cannot be cancelled, and what comes next has to find it done.
            await asyncio.wait([doing])
            raise

    async def stat(self, key: str) -> Stat:
        def ask() -> Stat:
            self._fs.invalidate_cache()
            info = self._fs.info(key)
            return Stat(info["size"], directory=info["type"] == "directory")

        return await self._do(ask)

    async def read(self, key: str, most: int) -> Chunk:
        def ask() -> Chunk:
            with self._fs.open(key, "rb") as file:
                return Chunk(file.read(most), None, "")

        return await self._do(ask)

    async def _children(self, prefix: str) -> list[Any]:
        def ask() -> list[Any]:
            self._fs.invalidate_cache()
            try:
                found: list[Any] = self._fs.ls(prefix.rstrip("/"), detail=True)
            except (FileNotFoundError, NotADirectoryError):
                return []
            return found

        return await self._do(ask)

    async def sizes(self, prefix: str, names: Collection[str]) -> dict[str, int]:
        found = ((_last(one), one) for one in await self._children(prefix) if one["type"] != "directory")
        return {name: int(one["size"] or 0) for name, one in found if name in names}

    async def folders(self, prefix: str) -> list[str]:
        return [_last(one) for one in await self._children(prefix) if one["type"] == "directory"]

    async def keys(self, prefix: str, most: int) -> list[str]:
        def ask() -> list[str]:
            self._fs.invalidate_cache()
            try:
                return [str(name) for name in self._fs.find(prefix.rstrip("/"))[:most]]
            except FileNotFoundError:
                return []

        return await self._do(ask)

    async def put(self, key: str, data: bytes, replaces: str | None = None) -> None:
        await self._do(lambda: self._with_folder(key, lambda: self._fs.pipe_file(key, data)))

    async def begin(self, key: str) -> Any:
        return await self._do(lambda: self._with_folder(key, lambda: self._fs.open(key, "wb")))

    async def part(self, key: str, upload: Any, number: int, offset: int, data: bytes) -> Any:
        await self._do(lambda: upload.write(data))

    async def finish(self, key: str, upload: Any, receipts: Sequence[Any], offset: int, tail: bytes) -> None:
        def end() -> None:
            upload.write(tail)
            upload.close()

        await self._do(end)

    async def abandon(self, key: str, upload: Any) -> None:
        def end() -> None:
            # Some files are in place from the beginning, and have nothing to throw away.
            with contextlib.suppress(AttributeError, RuntimeError, NotImplementedError):
                upload.discard()
            with contextlib.suppress(AttributeError):
                # A later close would still write the file; those in memory have no such mark, nor need of one.
                upload.closed = True
            upload.close()
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(key)
            self._remove_empty(key)

        await self._do(end)

    async def abandon_all(self, prefix: str) -> None:
        """What is not whole is a file here, and removed with the others."""

    async def copy(self, source: str, target: str, size: int) -> None:
        name = self._fs.mv if self.moves else self._fs.cp_file
        await self._do(lambda: self._with_folder(target, lambda: name(source, target)))

    async def remove(self, key: str) -> None:
        def do() -> None:
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(key)
            self._remove_empty(key)

        await self._do(do)

    async def remove_all(self, prefix: str) -> None:
        def do() -> None:
            folder = prefix.rstrip("/")
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm(folder, recursive=True)
            self._remove_empty(folder)

        await self._do(do)

    def _remove_empty(self, path: str) -> None:
        """Remove the folders above a staged file that were made for it, where nobody else has something there."""
        with contextlib.suppress(OSError, NotImplementedError):
            while f"/{STAGING}" in (path := path.rpartition("/")[0]):
                self._fs.rmdir(path)

    async def close(self) -> None:
        """fsspec keeps file systems open for others."""

    def _with_folder(self, key: str, work: Callable[[], _T]) -> _T:
        """The result of work that may need the folder of a key; stores have no folders, and are not asked for one."""
        for _ in range(_FOLDER_TRIES):
            try:
                return work()
            except FileNotFoundError:
                # Another export may remove the folder that it has just emptied, also while it is made here.
                with contextlib.suppress(FileNotFoundError):
                    self._fs.makedirs(key.rpartition("/")[0], exist_ok=True)
        return work()


def _last(info: Any) -> str:
    return str(info["name"]).rstrip("/").rpartition("/")[2]
