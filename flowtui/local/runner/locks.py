"""The lock that says that the runner of an execution lives: whoever can take it knows that the runner is gone."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from flowtui.domain.execution import ExecutionId
from flowtui.errors import FlowError, UsageError
from flowtui.local.home import Home


@contextlib.contextmanager
def held(home: Home, execution: ExecutionId, inherited: int | None = None) -> Iterator[None]:
    """Hold the lock of an execution; taken before the execution is created, so that it is never without.

    The file goes when the body ends in order, and with it the mark that the execution needs a runner; after an error it
    stays behind, free, and the execution is aborted at the next start.

    Args:
        inherited: a descriptor of the file, locked by the process that started this one for the execution.

    Raises:
        FlowError: another process runs the execution.
    """
    path = home.lock_file(execution)
    descriptor = _lock(path, execution) if inherited is None else inherited
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        try:
            yield
        except (asyncio.CancelledError, UsageError):
            # It was stopped, and that is reported; or it is another run of the same name that has ended long ago.
            path.unlink(missing_ok=True)
            raise
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def handed_over(home: Home, execution: ExecutionId) -> Iterator[int]:
    """The descriptor of a lock that is taken here and belongs to a process that inherits it.

    Raises:
        FlowError: another process runs the execution.
    """
    descriptor = _lock(home.lock_file(execution), execution)
    try:
        yield descriptor
    finally:
        # The lock belongs to the open file, which the started process has too: closing this end does not release it.
        os.close(descriptor)


def _lock(path: Path, execution: ExecutionId) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Who cleans up after lost runners removes files: the one that is locked must still be the one of the name.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    return descriptor
        except BlockingIOError as error:
            os.close(descriptor)
            raise FlowError(f"Another process runs {execution} already.") from error
        os.close(descriptor)
