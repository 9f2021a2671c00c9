"""Previews by libraries that are written in C: in processes that can be killed and are bounded in memory and time.

A damaged or malicious file may crash such a library, or make it run for ever; then the process dies and the person
reads why. A process shows one file at a time and is used again, as importing its libraries takes up to half a second.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from types import TracebackType
from typing import Any, BinaryIO

import msgpack

from flowtui.errors import PreviewError
from flowtui.preview.result import Preview
from flowtui.preview.source import is_local
from flowtui.preview.subject import Subject
from flowtui.preview.wire import MalformedPreviewError, unpack
from flowtui.preview.worker import LENGTH, Request
from flowtui.text import plain

Show = Callable[[BinaryIO, Request], Preview]
"""A function of a module that a worker can import: makes the preview of an open file."""

SECONDS = 20.0
MEMORY = 3 << 30
"""Bytes of address space; what pyarrow and pandas reserve when they are imported is in it."""

_IDLE = 2
_MOST_ANSWER = 64 << 20
_MOST_READ = 16 << 20
_MOST_RANGES = 1024
_KEPT_ENVIRONMENT = ("LANG", "LC_ALL", "LC_CTYPE", "PATH", "TZ", "TZDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_EXTRAS = {
    "pyarrow": "tables", "fastavro": "tables", "rdata": "tables", "pandas": "sas", "pyreadstat": "sas",
    "pypdfium2": "media", "PIL": "media", "resvg_py": "media",
    "python_calamine": "office", "zstd": "archives", "lz4": "archives", "h5py": "models",
}  # fmt: skip
"""Which extra of flowtui installs a library."""


def missing_library(name: str) -> PreviewError:
    """The error for a preview whose library is not installed."""
    library = plain(name).partition(".")[0]
    extra = _EXTRAS.get(library, "all")
    return PreviewError(f"a preview of this format needs {library}: pip install 'flowtui[{extra}]'")


class Workers:
    """Worker processes, started when they are needed; use it as ``async with Workers() as workers``.

    Args:
        seconds: for one preview, the time that the store takes to answer not counted.
        memory: bytes of address space of one process.
    """

    def __init__(self, *, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._seconds = seconds
        self._memory = memory
        self._idle: list[asyncio.subprocess.Process] = []

    async def __aenter__(self) -> Workers:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the processes."""
        idle, self._idle = self._idle, []
        for process in idle:
            await _end(process)

    async def show(self, show: Show, subject: Subject) -> Preview:
        """The preview that ``show`` makes of the file, in a worker.

        Cancelling this ends the process at once.

        Args:
            show: a function at the top level of a module.

        Raises:
            PreviewError: the function refuses the file, its library is missing or broke on it, or it took too long.
            NotFoundError, StorageError: the file cannot be read.
        """
        process = self._idle.pop() if self._idle else await self._started()
        is_usable = False
        try:
            answer = await self._converse(process, show, subject)
            is_usable = True
        finally:
            if is_usable and len(self._idle) < _IDLE:
                self._idle.append(process)
            else:
                await asyncio.shield(_end(process))
        return _preview(answer, subject)

    async def _started(self) -> asyncio.subprocess.Process:
        starting = asyncio.ensure_future(_start(self._memory))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # It takes a moment; a process that is half started would be nobody's.
            with suppress(PreviewError):
                await _end(await starting)
            raise

    async def _converse(self, process: asyncio.subprocess.Process, show: Show, subject: Subject) -> dict[str, Any]:
        """Ask for a preview and give the bytes that the worker wants, until it answers."""
        message: dict[str, Any] = {
            "show": f"{show.__module__}:{show.__qualname__}",
            "name": subject.name,
            "format": next(iter(subject.sniffed.formats), ""),
            "size": subject.size,
            "limits": asdict(subject.limits),
            "head": subject.head,
            "local": is_local(subject.reader),
        }
        left = self._seconds
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                answer = await asyncio.wait_for(_exchange(process, message), left)
            except asyncio.TimeoutError:
                raise PreviewError(f"it took more than {self._seconds:g} s and was stopped") from None
            left -= clock() - began
            if answer is None:
                raise PreviewError("its reader broke on it: the file is damaged, or larger than a preview may be")
            if "read" not in answer:
                return answer
            message = await _bytes(answer["read"], answer.get("exact") is True, subject)


async def _bytes(asked: Any, is_exact: bool, subject: Subject) -> dict[str, Any]:
    """The parts of the file that a worker asks for, which is as foreign as its answer."""
    ranges = [tuple(one) if isinstance(one, list) else () for one in asked] if isinstance(asked, list) else []
    if not 0 < len(ranges) <= _MOST_RANGES or not all(
        len(one) == 2 and all(type(number) is int and number >= 0 for number in one) for one in ranges
    ):
        raise PreviewError("its reader asked for parts of the file that make no sense")
    if sum(length for _, length in ranges) > _MOST_READ:
        raise PreviewError("its reader asked for more of the file than a preview may read")
    if is_exact:
        return {"data": await subject.reader.read_ranges(ranges)}
    return {"data": [await subject.reader.read(*one) for one in ranges]}


def _preview(answer: Mapping[str, Any], subject: Subject) -> Preview:
    if "missing" in answer:
        raise missing_library(str(answer["missing"]))
    for reason in ("refused", "broken"):
        if reason in answer:
            raise PreviewError(plain(answer[reason])[:500])
    try:
        return unpack(answer.get("preview"), subject.limits)
    except MalformedPreviewError as error:
        raise PreviewError("its reader gave an answer that makes no sense") from error


async def _start(memory: int) -> asyncio.subprocess.Process:
    # Neither tokens nor the current folder: what a person's environment holds is nothing for a parser of foreign files.
    environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    # One thread each: their stacks count as memory.
    environment.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS"), "1"))
    environment["ARROW_DEFAULT_MEMORY_POOL"] = "system"
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-B", "-m", "flowtui.preview.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=environment, cwd=os.sep, start_new_session=True, limit=1 << 20,
        )  # fmt: skip
        await _send(process, {"memory": memory})
    except OSError as error:
        raise PreviewError(f"its reader cannot be started: {error.strerror}") from error
    return process


async def _exchange(process: asyncio.subprocess.Process, message: Mapping[str, Any]) -> dict[str, Any] | None:
    await _send(process, message)
    return await _receive(process)


async def _send(process: asyncio.subprocess.Process, message: Mapping[str, Any]) -> None:
    assert process.stdin is not None
    body = msgpack.packb(message)
    # A process that is gone is told by what it does not answer.
    with suppress(ConnectionError):
        process.stdin.write(LENGTH.pack(len(body)) + body)
        await process.stdin.drain()


async def _receive(process: asyncio.subprocess.Process) -> dict[str, Any] | None:
    assert process.stdout is not None
    try:
        length = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
        if length > _MOST_ANSWER:
            return None
        answer = msgpack.unpackb(await process.stdout.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError, ValueError, msgpack.UnpackException):
        return None
    return answer if isinstance(answer, dict) else None


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    if process.stdin is not None:
        process.stdin.close()
    # The transport is closed with the process, but for the pipe that nobody has read to its end.
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()
