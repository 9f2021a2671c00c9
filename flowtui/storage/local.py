"""Files of this machine that are read for a run: absolute paths and ``file://`` URIs."""

from __future__ import annotations

import asyncio
import os
import stat as modes
from collections.abc import AsyncGenerator, Iterable

from flowtui.errors import NotFoundError, StorageError
from flowtui.storage.backend import Chunk, Entry, Meter, Stat
from flowtui.storage.trust import Trust, is_local_uri, local_path
from flowtui.text import plain

_STREAM_CHUNK = 4 * 1024 * 1024
_MOST_ENTRIES = 100_000


class LocalBackend:
    """Reads regular files; everything that could block, such as a pipe or a device, is refused.

    A ``file://`` URI is taken as it stands, and percent-decoded only where no such file exists: flytekit writes paths
    into URIs without encoding them.

    Args:
        trust: says which files are read.
    """

    shared = False

    def __init__(self, trust: Trust) -> None:
        self._trust = trust

    def handles(self, uri: str) -> bool:
        return is_local_uri(uri)

    async def stat(self, uri: str) -> Stat:
        return await asyncio.to_thread(self._stat, uri)

    async def fetch(self, uri: str, start: int, length: int, meter: Meter) -> Chunk:
        chunk = await asyncio.to_thread(self._read, uri, start, length)
        meter.bytes_read += len(chunk.data)
        return chunk

    async def stream(self, uri: str, start: int) -> AsyncGenerator[bytes, None]:
        position = start
        while True:
            chunk = await asyncio.to_thread(self._read, uri, position, _STREAM_CHUNK)
            if not chunk.data:
                return
            yield chunk.data
            position += len(chunk.data)

    async def entries(self, uri: str) -> tuple[Entry, ...]:
        return await asyncio.to_thread(self._entries, uri)

    async def aclose(self) -> None:
        """Nothing is held open."""

    def stats(self, uris: Iterable[str]) -> dict[str, Stat]:
        """As :meth:`stat`, of many; those that cannot be looked at are left out."""
        found = {}
        for uri in uris:
            try:
                found[uri] = self._stat(uri)
            except (NotFoundError, StorageError):
                continue
        return found

    def _stat(self, uri: str) -> Stat:
        try:
            found = self._trust.stat(uri)
        except OSError as error:
            raise _refused(uri, error) from error
        if modes.S_ISDIR(found.st_mode):
            return Stat(size=None, directory=True)
        return Stat(size=found.st_size, etag=_mark(found))

    def _read(self, uri: str, start: int, length: int) -> Chunk:
        try:
            descriptor = self._trust.open_file(uri)
        except OSError as error:
            raise _refused(uri, error) from error
        try:
            found = os.fstat(descriptor)
            if modes.S_ISDIR(found.st_mode):
                raise StorageError(
                    f"{plain(local_path(uri))} is a directory.",
                    "Download it with `flowtui get`, or open a file of it.",
                )
            if not modes.S_ISREG(found.st_mode):
                raise StorageError(f"{plain(local_path(uri))} is not a regular file.")
            with open(descriptor, "rb", closefd=False) as file:
                file.seek(start)
                data = file.read(length)
        except (OSError, OverflowError) as error:
            raise _refused(uri, error) from error
        finally:
            os.close(descriptor)
        return Chunk(data, found.st_size, _mark(found))

    def _entries(self, uri: str) -> tuple[Entry, ...]:
        try:
            if not modes.S_ISDIR(self._trust.stat(uri).st_mode):
                raise StorageError(f"{plain(local_path(uri))} is not a directory.")
            files = self._trust.files(uri, _MOST_ENTRIES + 1)
        except OSError as error:
            raise _refused(uri, error) from error
        if len(files) > _MOST_ENTRIES:
            raise StorageError(f"{plain(local_path(uri))} holds more than {_MOST_ENTRIES:,} files.")
        return tuple(sorted(Entry(name, found.st_size, _mark(found)) for name, found in files))


def _mark(found: os.stat_result) -> str:
    return f"{found.st_mtime_ns}-{found.st_size}"


def _refused(uri: str, error: Exception) -> StorageError:
    path = getattr(error, "filename", None) or local_path(uri)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return StorageError(f"{plain(path)} cannot be read: {plain(reason)}.")
