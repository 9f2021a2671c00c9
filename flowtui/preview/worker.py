"""The worker process: shows files with libraries that are written in C, one after the other, for its parent.

It is started by ``flowtui.preview.workers`` with a pipe in each direction. Messages are msgpack behind their length in
four bytes. The file's bytes are asked for through the pipe; the process itself opens no file of the person's, has none
of the parent's environment, and ends with its parent.
"""

from __future__ import annotations

import importlib
import io
import os
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgpack

from flowtui.preview.limits import Limits
from flowtui.preview.result import Preview
from flowtui.preview.wire import pack

LENGTH = struct.Struct(">I")
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be shown.

    Attributes:
        name: the file's name as declared; format: its declared format.
        size: of the file in bytes, None where the store does not say.
        at_hand: bytes from its beginning that came with the request and cost nothing.
        is_local: True for a file of this machine, whose every byte costs next to nothing.
    """

    name: str
    format: str
    size: int | None
    limits: Limits
    at_hand: int = 0
    is_local: bool = False


Ask = Callable[[Sequence[tuple[int, int]], bool], Sequence[bytes]]
"""Gets parts of the file, each given by its first byte and its length; exactly these, or whole blocks ahead."""


class RangedFile(io.RawIOBase):
    """The file as a seekable one that is open for reading; reads go through the pipe, a block at a time.

    Raises OSError where the store fails, and where a seek from the end is asked of a file whose size is not known.
    """

    def __init__(self, ask: Ask, size: int | None, head: bytes = b"") -> None:
        super().__init__()
        self._ask = ask
        self._size = size
        self._head = head
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            if self._size is None:
                raise OSError("the size of the file is not known")
            offset += self._size
        elif whence == io.SEEK_CUR:
            offset += self._at
        if offset < 0:
            raise OSError("a position before the beginning of the file")
        self._at = offset
        return offset

    def readinto(self, buffer: Any) -> int:
        wanted = len(buffer)
        if self._size is not None:
            wanted = min(wanted, max(self._size - self._at, 0))
        if not wanted:
            return 0
        # What is at hand is given alone, although it is less: what follows may not be wanted.
        data = self._head[self._at : self._at + wanted] or self._ask([(self._at, wanted)], False)[0]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Parts of the file by first byte and length, all at once; fewer bytes where the file ends before."""
        beyond = [one for one in ranges if sum(one) > len(self._head)]
        asked = dict(zip(beyond, self._ask(beyond, True), strict=True)) if beyond else {}
        return [asked[one] if one in asked else self._head[one[0] : sum(one)] for one in ranges]


def open_ranged(ask: Ask, size: int | None, head: bytes = b"") -> io.BufferedReader:
    """The file with blocks that are read ahead, for libraries that read a few bytes at a time."""
    return io.BufferedReader(RangedFile(ask, size, head), buffer_size=_CHUNK)


def read_message(stream: BinaryIO) -> Any:
    """The next message; None where the other side has closed the pipe."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    length = LENGTH.unpack(head)[0]
    body = stream.read(length)
    return msgpack.unpackb(body) if len(body) == length else None


def write_message(stream: BinaryIO, message: Any) -> None:
    """Send a message."""
    body = msgpack.packb(message)
    stream.write(LENGTH.pack(len(body)) + body)
    stream.flush()


def _limit_memory(most: int) -> None:
    """Bound the address space, where the system can."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (ImportError, ValueError, OSError):
        return


def _function(name: str) -> Callable[[BinaryIO, Request], Preview]:
    module, _, attribute = name.partition(":")
    found: Callable[[BinaryIO, Request], Preview] = getattr(importlib.import_module(module), attribute)
    return found


def _answer(message: dict[str, Any], incoming: BinaryIO, outgoing: BinaryIO) -> dict[str, Any]:
    from flowtui.errors import PreviewError
    from flowtui.preview.reasons import reason_of

    def ask(ranges: Sequence[tuple[int, int]], is_exact: bool) -> Sequence[bytes]:
        write_message(outgoing, {"read": ranges, "exact": is_exact})
        answer = read_message(incoming)
        if answer is None:
            raise SystemExit(0)
        if "data" not in answer:
            raise OSError("the file cannot be read")
        data: list[bytes] = answer["data"]
        return data

    request = Request(
        message["name"], message["format"], message["size"], Limits(**message["limits"]),
        at_hand=len(message["head"]), is_local=message["local"],
    )  # fmt: skip
    try:
        show = _function(message["show"])
        with open_ranged(ask, request.size, message["head"]) as file:
            return {"preview": pack(show(file, request))}
    except PreviewError as error:
        return {"refused": error.message}
    except ImportError as error:
        if error.name:
            return {"missing": error.name}
        return {"refused": f"a library that reads it cannot be loaded: {reason_of(error)}"}
    except MemoryError:
        return {"refused": "it needs more memory than a preview may take"}
    except Exception as error:  # noqa: BLE001
        # This is the outermost door of the process: what a library raises about a damaged file is told, not lost.
        return {"broken": f"its reader failed on it: {reason_of(error)}"}


def main() -> None:
    """Answer the parent until it closes the pipe."""
    incoming = sys.stdin.buffer
    # What a library prints must not get into the pipe.
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    begin = read_message(incoming)
    if begin is None:
        return
    _limit_memory(begin["memory"])
    while (message := read_message(incoming)) is not None:
        write_message(outgoing, _answer(message, incoming, outgoing))


if __name__ == "__main__":
    main()
