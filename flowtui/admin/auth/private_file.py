"""Files that only their owner may read: refused where others can, replaced as a whole."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from flowtui.errors import ConfigError

_LIMIT = 1 << 20


def read_private(path: Path) -> bytes | None:
    """The file's bytes; None where there is none.

    Raises:
        ConfigError: others can read or write it, it is somebody else's, no file, or larger than 1 MB.
    """
    try:
        # No FIFO may hold us up.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{path} is no file.", "Move it away.")
        if found.st_uid != os.getuid():
            raise ConfigError(f"{path} belongs to another user.", "Move it away.")
        if found.st_mode & 0o077:
            raise ConfigError(f"{path} can be read by others.", f"chmod 600 {path}, and log in again.")
        data = file.read(_LIMIT + 1)
    if len(data) > _LIMIT:
        raise ConfigError(f"{path} is larger than 1 MB.", "Move it away.")
    return data


def write_private(path: Path, data: bytes) -> None:
    """Replace the file by one of mode 0600, at once or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.", "Check the folder's permissions.") from error
