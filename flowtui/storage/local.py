"""Files of this machine: absolute paths and ``file://`` URIs."""

from __future__ import annotations

import asyncio
import os
import stat as modes
from collections.abc import AsyncGenerator, Iterable
from urllib.parse import unquote

from flowtui.errors import NotFoundError, StorageError
from flowtui.storage.backend import Chunk, Entry, Meter, Stat
from flowtui.text import plain

_STREAM_CHUNK = 4 * 1024 * 1024
_MOST_ENTRIES = 100_000
_ELSEWHERE = "The path is one of the machine that ran the task; it may not exist on this one."


def local_path(uri: str) -> str | None:
    """The path that a URI names on this machine; None where it is no local URI.

    A ``file://`` URI is taken as it stands, and percent-decoded only where no such file exists: flytekit writes paths
    into URIs without encoding them.
    """
    if uri.startswith("/"):
        return uri
    if not uri.startswith("file://"):
        return None
    path = uri[len("file://") :]
    if path.startswith("localhost/"):
        path = path[len("localhost") :]
    if "%" in path and not _exists(path):
        path = unquote(path)
    return path


class LocalBackend:
    """Reads regular files; everything that could block, such as a pipe or a device, is refused."""

    shared = False

    def handles(self, uri: str) -> bool:
        return uri.startswith(("/", "file://"))

    async def stat(self, uri: str) -> Stat:
        return await asyncio.to_thread(_stat, uri)

    async def fetch(self, uri: str, start: int, length: int, meter: Meter) -> Chunk:
        chunk = await asyncio.to_thread(_read, uri, start, length)
        meter.bytes_read += len(chunk.data)
        return chunk

    async def stream(self, uri: str, start: int) -> AsyncGenerator[bytes, None]:
        position = start
        while True:
            chunk = await asyncio.to_thread(_read, uri, position, _STREAM_CHUNK)
            if not chunk.data:
                return
            yield chunk.data
            position += len(chunk.data)

    async def entries(self, uri: str) -> tuple[Entry, ...]:
        return await asyncio.to_thread(_entries, uri)

    async def aclose(self) -> None:
        """Nothing is held open."""


def _mark(found: os.stat_result) -> str:
    return f"{found.st_mtime_ns}-{found.st_size}"


def _exists(path: str) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:
        return False


def _look(uri: str) -> tuple[str, os.stat_result]:
    path = local_path(uri) or ""
    if not path.startswith("/"):
        raise StorageError(
            f"{plain(uri)} names no file of this machine.", "A file URI has the form file:///absolute/path."
        )
    try:
        return path, os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"There is no file {plain(path)}.", _ELSEWHERE) from None
    except ValueError:
        raise NotFoundError(f"There is no file {plain(path)}: the name holds a NUL.") from None
    except OSError as error:
        raise _refused(path, error) from error


def _stat(uri: str) -> Stat:
    _, found = _look(uri)
    if modes.S_ISDIR(found.st_mode):
        return Stat(size=None, directory=True)
    return Stat(size=found.st_size, etag=_mark(found))


def stats(uris: Iterable[str]) -> dict[str, Stat]:
    """As :meth:`LocalBackend.stat`, of many; those that cannot be looked at are left out."""
    found = {}
    for uri in uris:
        try:
            found[uri] = _stat(uri)
        except (NotFoundError, StorageError):
            continue
    return found


def _read(uri: str, start: int, length: int) -> Chunk:
    path, found = _look(uri)
    if modes.S_ISDIR(found.st_mode):
        raise StorageError(f"{plain(path)} is a directory.", "Download it with `flowtui get`, or open a file of it.")
    if not modes.S_ISREG(found.st_mode):
        raise StorageError(f"{plain(path)} is not a regular file.")
    try:
        with open(path, "rb") as file:
            file.seek(start)
            data = file.read(length)
    except (OSError, OverflowError) as error:
        raise _refused(path, error) from error
    return Chunk(data, found.st_size, _mark(found))


def _entries(uri: str) -> tuple[Entry, ...]:
    root, found = _look(uri)
    if not modes.S_ISDIR(found.st_mode):
        raise StorageError(f"{plain(root)} is not a directory.")
    entries = []
    for folder, _, names in os.walk(root, onerror=_raise):
        for name in names:
            path = os.path.join(folder, name)
            try:
                file = os.stat(path)
            except OSError:
                continue
            if not modes.S_ISREG(file.st_mode):
                continue
            entries.append(Entry(os.path.relpath(path, root).replace(os.sep, "/"), file.st_size, _mark(file)))
            if len(entries) > _MOST_ENTRIES:
                raise StorageError(f"{plain(root)} holds more than {_MOST_ENTRIES:,} files.")
    return tuple(sorted(entries))


def _raise(error: OSError) -> None:
    raise _refused(str(error.filename), error) from error


def _refused(path: str, error: Exception) -> StorageError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return StorageError(f"{plain(path)} cannot be read: {plain(reason)}.")
