"""What a place that takes files must be able to do."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Existing:
    """What lies at a path of a target: its size in bytes, when it was last changed (UTC), whether it is a directory."""

    size: int
    modified: datetime | None
    directory: bool = False


class Sink(Protocol):
    """One file on its way to a target. It is seen under its name only after :meth:`commit`.

    Attributes:
        offset: bytes that are already there, of an earlier try with the same key.
    """

    offset: int

    def written(self) -> AsyncGenerator[bytes, None]:
        """The bytes that are already there."""

    async def restart(self) -> None:
        """Throw away what is there; ``offset`` is 0 afterwards."""

    async def write(self, data: bytes) -> None:
        """Append bytes. Raises ExportError where the target does not take them."""

    async def commit(self) -> None:
        """Give the file its name, over one that has it."""

    async def abort(self, *, keep: bool) -> None:
        """Stop; ``keep`` leaves what is there for a later try."""


class Target(Protocol):
    """A place for files with relative paths (parts joined by ``/``, each made by ``flowtui.text.file_name``).

    Every method raises ExportError where the place cannot be read or written.

    Attributes:
        kind: the name of this kind of target (``directory``).
        text: the place, in the words that :func:`parse_target` takes.
    """

    kind: str
    text: str

    async def existing(self, paths: Iterable[str]) -> dict[str, Existing]:
        """What lies at these paths; paths where nothing lies are left out."""

    async def open(self, path: str, key: str) -> Sink:
        """Begin a file; ``key`` names the version of the source, so that only the same one is taken up again."""

    async def read(self, path: str) -> bytes | None:
        """A small file of the target; None where it is not there."""

    async def write(self, path: str, data: bytes) -> str:
        """Write a small file at once; where it is, in words that a person can use."""

    async def free(self) -> int | None:
        """Bytes that the target still takes; None where that is not known."""
