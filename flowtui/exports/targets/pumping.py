"""Copies between two open files of this machine, with the SHA-256 of what arrived."""

from __future__ import annotations

import errno
import hashlib
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from flowtui.errors import ExportError
from flowtui.exports.targets.part_file import refusing
from flowtui.text import plain

_BUFFER = 2 * 1024 * 1024
_KERNEL_CHUNK = 32 * 1024 * 1024
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

Moved = Callable[[int], None]


def read_at_once(source: int, size: int) -> bytes:
    """The file from its beginning, where it has the bytes that are said, else one byte more; its end may be earlier.

    The descriptor is at the file's beginning afterwards where it is longer. Raises OSError where it cannot be read.
    """
    data = os.read(source, size + 1)
    while len(data) < size and (more := os.read(source, size + 1 - len(data))):
        data += more
    if len(data) > size:
        os.lseek(source, 0, os.SEEK_SET)
    return data


def pump(source: int, target: int, path: str, moved: Moved, stop: threading.Event) -> tuple[int, str]:
    """Copy from one descriptor to another, behind what is there already; bytes in all and their SHA-256 in hex.

    Raises ExportError where the target cannot be written or it was stopped, OSError where the source cannot be read.
    """
    whole = os.fstat(source).st_size
    with refusing(path):
        there = os.fstat(target).st_size
        if there > whole:
            there = 0
            os.ftruncate(target, 0)
    if not there and hasattr(os, "copy_file_range"):
        copied = _copied_by_kernel(source, target, path, moved, stop)
        if copied is not None:
            return copied
    return _pumped(source, target, there, path, moved, stop)


def _copied_by_kernel(
    source: int, target: int, path: str, moved: Moved, stop: threading.Event
) -> tuple[int, str] | None:
    """As :func:`pump`, without the bytes passing through this process; the target is hashed as it grows.

    None, as if nothing were written, where the kernel or the file systems cannot.
    """
    size = 0
    arrived: queue.SimpleQueue[int] = queue.SimpleQueue()
    with ThreadPoolExecutor(1, "flowtui-sha256") as hasher:
        hashing = hasher.submit(_hashed, target, arrived)
        try:
            while True:
                _check(stop, path)
                try:
                    count = os.copy_file_range(source, target, _KERNEL_CHUNK, size, size)
                except OSError as error:
                    with refusing(path):
                        if error.errno in _FULL:
                            raise
                        # It does not tell which of the two files it is about; reading and writing them does.
                        if size:
                            os.ftruncate(target, 0)
                    moved(-size)
                    return None
                if not count:
                    break
                size += count
                arrived.put(count)
                moved(count)
        finally:
            arrived.put(0)
        return size, hashing.result()


def _hashed(target: int, arrived: queue.SimpleQueue[int]) -> str:
    """The SHA-256 of what is told to have arrived, until 0 is."""
    sha256 = hashlib.sha256()
    buffer = memoryview(bytearray(_BUFFER))
    position = 0
    while count := arrived.get():
        end = position + count
        while position < end:
            read = os.preadv(target, [buffer[: min(_BUFFER, end - position)]], position)
            if not read:
                raise ExportError("A file became shorter while it was copied.", "Export it again.")
            sha256.update(buffer[:read])
            position += read
    return sha256.hexdigest()


def _pumped(source: int, target: int, there: int, path: str, moved: Moved, stop: threading.Event) -> tuple[int, str]:
    """As :func:`pump`; the first ``there`` bytes of the target are compared and not written again."""
    sha256 = hashlib.sha256()
    size = 0
    with ThreadPoolExecutor(1, "flowtui-sha256") as hasher:
        hashing: Future[None] | None = None
        while data := os.read(source, _BUFFER):
            _check(stop, path)
            if hashing is not None:
                hashing.result()
            # Hashing takes as long as writing, and both leave the interpreter free.
            hashing = hasher.submit(sha256.update, data)
            if size + len(data) > there or os.pread(target, len(data), size) != data:
                there = size
                with refusing(path):
                    write_at(target, data, size)
            size += len(data)
            moved(len(data))
        if hashing is not None:
            hashing.result()
    return size, sha256.hexdigest()


def write_at(target: int, data: bytes, position: int) -> None:
    """Write all bytes at a position. Raises OSError."""
    view = memoryview(data)
    while view:
        count = os.pwrite(target, view, position)
        view, position = view[count:], position + count


def _check(stop: threading.Event, path: str) -> None:
    if stop.is_set():
        raise ExportError(f"The copy of {plain(path)} was stopped.", "Resume the export.")
