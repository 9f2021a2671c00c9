"""What a kind of storage must be able to do, and what it answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Stat:
    """What is known of an object without reading it.

    Attributes:
        size: bytes; None where the server does not say, and for a directory.
        directory: True for a directory.
        md5: hex MD5 of the content, empty where the store does not give one.
        etag: opaque mark of this version of the object, empty where there is none.
    """

    size: int | None
    directory: bool = False
    md5: str = ""
    etag: str = ""


class Entry(NamedTuple):
    """A file of a directory: its path relative to that, with ``/``, its size in bytes, its mark as in Stat."""

    name: str
    size: int
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The answer to a ranged read.

    Attributes:
        data: the bytes; fewer than asked only where the object ends.
        size: size of the whole object in bytes, None where the server does not say.
        etag: as in :class:`Stat`.
    """

    data: bytes
    size: int | None
    etag: str = ""


@dataclass(slots=True)
class Meter:
    """What reading cost: bytes that came in, and GETs sent to a store (asking for a signature is not counted).

    Attributes:
        round_trips: GETs that were waited for one after the other; those that are sent at once count as one.
    """

    bytes_read: int = 0
    requests: int = 0
    round_trips: int = 0


class Backend(Protocol):
    """One kind of storage. Every method raises NotFoundError for a missing object, else StorageError.

    Attributes:
        shared: True where reading costs a request, so that readers share one cache.
    """

    shared: bool

    def handles(self, uri: str) -> bool:
        """True where this backend reads such URIs."""

    async def stat(self, uri: str) -> Stat:
        """Size and kind of the object."""

    async def fetch(self, uri: str, start: int, length: int, meter: Meter) -> Chunk:
        """``length`` bytes from ``start``, fewer only at the end of the object; the cost is added to ``meter``."""

    def stream(self, uri: str, start: int) -> AsyncGenerator[bytes, None]:
        """The object from byte ``start`` to its end, in chunks."""

    async def entries(self, uri: str) -> tuple[Entry, ...]:
        """The files of a directory and of the directories in it, sorted by name."""

    async def aclose(self) -> None:
        """Close connections."""
