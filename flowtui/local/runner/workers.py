"""Worker processes of a runner: started, watched and killed from an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

from flowtui.errors import FlowError


def require_flytekit() -> None:
    """Say how to get flytekit where it is missing.

    Raises:
        FlowError: it is not installed.
    """
    if importlib.util.find_spec("flytekit") is None:
        raise FlowError(
            f"flytekit is not installed for Python {sys.version_info.major}.{sys.version_info.minor}, "
            "and flows run with it.",
            "Install flowtui with Python 3.12 or older: `uv tool install --python 3.12 'flowtui[all]'`.",
        )


class WorkerLostError(FlowError):
    """The process that starts the workers has ended."""


class _Job:
    def __init__(self) -> None:
        self.pid = 0
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.killed = False


class Workers:
    """Starts worker processes as forks of one process that has flytekit loaded.

    One object may serve several event loops after one another, one at a time (:meth:`attached`).
    """

    def __init__(self, preload: Iterable[str] = ()) -> None:
        """Start the process; it loads flytekit while the caller goes on.

        Raises:
            FlowError: flytekit is not installed.
        """
        require_flytekit()
        self._control, other = socket.socketpair()
        self._control.setblocking(False)
        environment = {
            **os.environ,
            "FLYTE_SDK_RICH_TRACEBACKS": "0",
            "FLYTE_SDK_LOGGING_LEVEL": os.environ.get("FLYTE_SDK_LOGGING_LEVEL", "40"),
            "PYTHONUNBUFFERED": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "flowtui.local.runner.zygote", str(other.fileno()), *preload],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(other.fileno(),),
            env=environment,
            start_new_session=True,
        )
        other.close()
        self._numbers = itertools.count(1)
        self._jobs: dict[int, _Job] = {}
        self._buffer = b""
        self._lost = False
        self._writing = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def attached(self) -> AsyncIterator[Workers]:
        """Answers of the process are read by the running event loop."""
        loop = asyncio.get_running_loop()
        self._writing = asyncio.Lock()
        loop.add_reader(self._control.fileno(), self._read)
        try:
            yield self
        finally:
            loop.remove_reader(self._control.fileno())

    def close(self) -> None:
        """End the process, and with it every worker that still runs."""
        self._control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        try:
            data = self._control.recv(1 << 16)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._lost = True
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            for job in self._jobs.values():
                if not job.done.done():
                    job.done.set_exception(WorkerLostError("The process that starts the tasks has ended."))
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._answer(json.loads(line))

    def _answer(self, answer: dict[str, int]) -> None:
        job = self._jobs.get(answer.get("id", 0))
        if job is None:
            return
        if "pid" in answer:
            job.pid = answer["pid"]
            if job.killed:
                _kill(job.pid, signal.SIGKILL)
        elif not job.done.done():
            job.done.set_result(answer["status"])

    async def run(
        self, call: str, request: Mapping[str, Any], *, log: Path, env: Mapping[str, str], cwd: Path | None = None
    ) -> int:
        """Run ``MODULE:FUNCTION(request)`` in a process of its own.

        Args:
            call: the function, as ``MODULE:FUNCTION``; what it returns is the exit code.
            request: JSON for it.
            log: the file that its standard output and error go to.
            env: added to its environment.
            cwd: its working folder.

        Returns:
            The exit code, or minus the number of the signal that ended it.

        Raises:
            WorkerLostError: the process that starts workers is gone.
        """
        if self._lost:
            raise WorkerLostError("The process that starts the tasks has ended.")
        log.parent.mkdir(parents=True, exist_ok=True)
        number = next(self._numbers)
        job = self._jobs[number] = _Job()
        message = {
            "id": number,
            "call": call,
            "request": dict(request),
            "log": str(log),
            "env": dict(env),
            "cwd": str(cwd or ""),
        }
        try:
            async with self._writing:
                await asyncio.get_running_loop().sock_sendall(self._control, json.dumps(message).encode() + b"\n")
            return await asyncio.shield(job.done)
        except (BrokenPipeError, ConnectionError) as error:
            raise WorkerLostError("The process that starts the tasks has ended.") from error
        except asyncio.CancelledError:
            await self._end(job)
            raise
        finally:
            del self._jobs[number]

    async def _end(self, job: _Job) -> None:
        """Ask a worker to end, then make it."""
        job.killed = True
        _kill(job.pid, signal.SIGTERM)
        with contextlib.suppress(asyncio.TimeoutError, FlowError):
            await asyncio.wait_for(asyncio.shield(job.done), 2)
            return
        _kill(job.pid, signal.SIGKILL)
        with contextlib.suppress(asyncio.TimeoutError, FlowError):
            await asyncio.wait_for(asyncio.shield(job.done), 5)


def _kill(pid: int, number: int) -> None:
    if pid:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)
