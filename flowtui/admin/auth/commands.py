"""What a configured command prints: run without a shell, for a bounded time, with a bounded output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence

from flowtui import text
from flowtui.admin.auth.tokens import redacted
from flowtui.errors import AuthError

COMMAND_SECONDS = 20.0
OUTPUT_LIMIT = 65_536
"""Bytes of one stream; a token has a few thousand."""


async def output_of(command: Sequence[str], what: str, *, seconds: float = COMMAND_SECONDS) -> str:
    """What a command prints to stdout.

    Args:
        command: program and arguments; nothing of it is read by a shell.
        what: the setting that names it, such as ``auth.command``.

    Raises:
        AuthError: it cannot be started, fails, prints too much, no UTF-8, or does not end in time. Its output is not in
            the message; of stderr the last line is, without what looks like a token.
    """
    program = text.plain(command[0])
    hint = "Run it by hand to see what is wrong."
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # A group of its own: what it started ends with it, and it cannot ask on our terminal.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its words hold a NUL"
        raise AuthError(f"{what}: {program} cannot be started: {reason}.", "Correct the command.") from error
    try:
        out, err = await asyncio.wait_for(_streams(process), seconds)
    except asyncio.TimeoutError as error:
        raise AuthError(f"{what}: {program} did not end within {seconds:g} s.", hint) from error
    finally:
        await _end(process)
    if len(out) > OUTPUT_LIMIT or len(err) > OUTPUT_LIMIT:
        raise AuthError(f"{what}: {program} printed more than {OUTPUT_LIMIT // 1024} KiB.", hint)
    if process.returncode:
        said = redacted(text.last_line(err.decode(errors="replace")))
        raise AuthError(
            f"{what}: {program} ended with exit code {process.returncode}{': ' if said else ''}{said}", hint
        )
    try:
        return out.decode()
    except UnicodeDecodeError:
        raise AuthError(f"{what}: what {program} printed is not UTF-8.", hint) from None


async def _streams(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    if process.stdout is None or process.stderr is None:
        raise AssertionError("both streams are pipes")
    out, err = await asyncio.gather(_head(process.stdout), _head(process.stderr))
    if len(out) <= OUTPUT_LIMIT and len(err) <= OUTPUT_LIMIT:
        await process.wait()
    return out, err


async def _head(stream: asyncio.StreamReader) -> bytes:
    """At most one byte more than the limit."""
    read = b""
    while len(read) <= OUTPUT_LIMIT and (chunk := await stream.read(OUTPUT_LIMIT + 1 - len(read))):
        read += chunk
    return read


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what still runs, and read what is left, so that the pipes are closed."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.gather(_drain(process.stdout), _drain(process.stderr)), 1)
    await process.wait()


async def _drain(stream: asyncio.StreamReader | None) -> None:
    while stream is not None and await stream.read(OUTPUT_LIMIT):
        continue
