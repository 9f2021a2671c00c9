"""The lock that says that the runner of an execution lives: whoever can take it knows that the runner is gone."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from flowtui.domain.execution import ExecutionId
from flowtui.errors import FlowError
from flowtui.local.home import Home


@contextlib.contextmanager
def held(home: Home, execution: ExecutionId, inherited: int | None = None) -> Iterator[None]:
    """Hold the lock of an execution; taken before the execution is created, so that it is never without.

    Args:
        inherited: a descriptor of the file, locked by the process that started this one for the execution.

    Raises:
        FlowError: another process runs the execution.
    """
    path = home.lock_file(execution)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) if inherited is None else inherited
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FlowError(f"Another process runs {execution} already.") from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def handed_over(home: Home, execution: ExecutionId) -> Iterator[int]:
    """The descriptor of a lock that is taken here and belongs to a process that inherits it.

    Raises:
        FlowError: another process runs the execution.
    """
    path = home.lock_file(execution)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FlowError(f"Another process runs {execution} already.") from error
        yield descriptor
    finally:
        # The lock belongs to the open file, which the started process has too: closing this end does not release it.
        os.close(descriptor)
