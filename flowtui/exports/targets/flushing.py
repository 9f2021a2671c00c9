"""Brings files to the disk, so that what is published outlives a power cut."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flowtui.exports.targets.part_file import new_file_mode, set_mode


def flush_file_system(folder: Path) -> None:
    """Write everything that the kernel holds for a folder's file system. Raises OSError.

    One call for thousands of files: fsync of each would commit the file system's journal as often.
    """
    if not sys.platform.startswith("linux"):
        os.sync()
        return
    import ctypes

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def flushing_file_system(folder: Path) -> Iterator[None]:
    """As :func:`flush_file_system`, while other work goes on; at the end it is done. Raises OSError."""
    with ThreadPoolExecutor(1, "flowtui-flush") as pool:
        flushing = pool.submit(flush_file_system, folder)
        yield
        flushing.result()


def write_flushed(folder: int, name: str, data: bytes, temporary: str) -> None:
    """Give a file its content at once: written beside it, brought to the disk, and renamed. Raises OSError.

    Args:
        folder: descriptor of the folder that both names are in.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    with os.fdopen(os.open(temporary, flags, 0o600, dir_fd=folder), "wb") as file:
        file.write(data)
        file.flush()
        set_mode(file.fileno(), new_file_mode())
        os.fsync(file.fileno())
    os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


def flush_folder(folder: Path) -> None:
    """Write a folder's own entries, such as a new name. Where the file system cannot, it is left to it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def flushing_early(descriptor: int) -> Iterator[None]:
    """While a large file is written, bring it to the disk in a thread, so that little is left at the end."""
    ended = threading.Event()

    def flush() -> None:
        while not ended.wait(0.05):
            # A failed flush is told by the one at the end.
            with contextlib.suppress(OSError):
                os.fdatasync(descriptor) if hasattr(os, "fdatasync") else os.fsync(descriptor)

    thread = threading.Thread(target=flush, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
