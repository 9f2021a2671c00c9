"""A directory of this machine and what lies below it, opened part by part and without following a link.

A path that is checked first and opened afterwards can have become another one meanwhile; a descriptor of a folder stays
that folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat as modes
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

_CLOSED = getattr(os, "O_CLOEXEC", 0)
# A folder that may be entered and not be listed is no obstacle.
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | _CLOSED
_ENTER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | _CLOSED


class LinkError(OSError):
    """A link, or ``..``, where only a real folder or file may be. ``filename`` is its path."""


class DirectoryTree:
    """What lies below a directory. Paths are relative to it, their parts joined by ``/``; methods raise OSError.

    Args:
        root: the directory; links in its own path are followed.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = os.fspath(root)

    @contextlib.contextmanager
    def folder(self, path: str = "", *, make: bool = False) -> Iterator[int]:
        """A descriptor of a folder, good for ``dir_fd``.

        Args:
            make: make it and the folders above it, the root too, where they are not there.

        Raises:
            LinkError: a link is on the way.
        """
        if make:
            os.makedirs(self.root, exist_ok=True)
        descriptor = os.open(self.root, _ENTER)
        try:
            for at, part in enumerate(parts := self._parts(path)):
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=descriptor)
                try:
                    below = os.open(part, _PASS, dir_fd=descriptor)
                except OSError as error:
                    raise self._told(error, descriptor, parts[: at + 1]) from None
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)

    def open(self, path: str, flags: int, mode: int = 0o600, *, make: bool = False) -> int:
        """A descriptor of a file, as ``os.open``; of the root itself where the path is empty.

        Args:
            make: make its folders.

        Raises:
            LinkError: the file is a link, or one is on the way.
        """
        parent, name = self._split(path)
        if not name:
            return os.open(self.root, flags | _CLOSED, mode)
        with self.folder(parent, make=make) as folder:
            try:
                return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0) | _CLOSED, mode, dir_fd=folder)
            except OSError as error:
                raise self._told(error, folder, self._parts(path)) from None

    def lstat(self, path: str) -> os.stat_result:
        """What lies at a path, of a link itself. Raises LinkError where a link is on the way."""
        parent, name = self._split(path)
        with self.folder(parent) as folder:
            return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def unlink(self, path: str) -> None:
        """Remove a file, or a link itself."""
        parent, name = self._split(path)
        with self.folder(parent) as folder:
            os.unlink(name, dir_fd=folder)

    def read(self, path: str) -> bytes:
        """The whole of a file."""
        with os.fdopen(self.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            return file.read()

    def _split(self, path: str) -> tuple[str, str]:
        """The folder of a path, and its name there."""
        parent, _, name = path.rpartition("/")
        if name == "..":
            raise LinkError(errno.ELOOP, "it leads upwards", f"{self.root}/{path}")
        return parent, name

    def _parts(self, path: str) -> list[str]:
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise LinkError(errno.ELOOP, "it leads upwards", f"{self.root}/{path}")
        return parts

    def _told(self, error: OSError, folder: int, parts: list[str]) -> OSError:
        """The error with the whole path; a LinkError where a link is what was in the way."""
        path = "/".join((self.root.rstrip("/"), *parts))
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            with contextlib.suppress(OSError):
                if modes.S_ISLNK(os.stat(parts[-1], dir_fd=folder, follow_symlinks=False).st_mode):
                    return LinkError(errno.ELOOP, "it is a link", path)
        return OSError(error.errno, error.strerror, path)


def encoded_path(tree: DirectoryTree, path: str) -> str:
    """The path of a file that is there under a name with percent signs, of the path with those decoded; else empty.

    flytekit writes the URI of a file decoded (``unquote`` in flytekit/types/file/file.py): where the file is called
    ``a%20b.csv``, the URI says ``a b.csv``. A name that several files decode to names none of them.
    """
    found: list[str] = []
    try:
        for part in path.split("/"):
            with tree.folder("/".join(found)) as folder:
                found.append(_name_as_written(folder, part))
    except OSError:
        return ""
    return "/".join(found)


def _name_as_written(folder: int, name: str) -> str:
    with contextlib.suppress(OSError):
        os.stat(name, dir_fd=folder, follow_symlinks=False)
        return name
    # A descriptor that only passes through a folder can't list it.
    listed = os.open(".", os.O_RDONLY | _CLOSED, dir_fd=folder)
    try:
        names = [one for one in os.listdir(listed) if "%" in one and unquote(one) == name]
    finally:
        os.close(listed)
    if len(names) != 1:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    return names[0]
