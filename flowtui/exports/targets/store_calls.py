"""What exporting asks of an object store, with the filesystems that flowtui reads with (``flowtui.storage.clients``).

The requests are made through each filesystem's client, with buckets and keys as they stand: fsspec's own calls trim
slashes of keys, cut them at question marks and signs of a fragment, and send the parts of an object one by one.
The coroutines run on the filesystem's event loop.
"""

from __future__ import annotations

import asyncio
import io
import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Coroutine, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from flowtui.storage import Stat
from flowtui.storage.backend import Chunk
from flowtui.storage.clients import StoreClient

_T = TypeVar("_T")


class ChangedError(Exception):
    """An object is no longer the one that was to be replaced."""


STAGING = ".flowtui"
"""The folder of a place that holds what is not published."""

MIB = 1024 * 1024
PART = 8 * MIB
_AT_ONCE = 8
_REMOVED_AT_ONCE = 1000


class StoreCalls(Protocol):
    """A store that objects are written to. Raises FileNotFoundError, other OSErrors, and those in ``errors``.

    Attributes:
        loop: the event loop that the coroutines have to run on.
        errors: what the libraries raise beside OSError.
        parts_at_once: how many parts of one object may be on their way.
        most_parts: of one object.
        keeps_folders: something can be a folder there, and is in the way of a file of that name.
        moves: what is copied is gone from where it was, because there is no copying.
    """

    loop: asyncio.AbstractEventLoop
    errors: tuple[type[Exception], ...]
    parts_at_once: int
    most_parts: int
    keeps_folders: bool
    moves: bool

    async def stat(self, key: str) -> Stat:
        """What is known of an object; FileNotFoundError where there is none."""

    async def read(self, key: str, most: int) -> Chunk:
        """The first bytes of an object, ``most`` at most; FileNotFoundError where there is none.

        Raises ChangedError where it is written anew meanwhile.
        """

    async def sizes(self, prefix: str, names: Collection[str]) -> dict[str, int]:
        """The sizes of the objects among these that are directly below a prefix, which ends in a slash."""

    async def folders(self, prefix: str) -> list[str]:
        """The names of what has objects below it, directly below a prefix."""

    async def keys(self, prefix: str, most: int) -> list[str]:
        """Keys that begin with a prefix, ``most`` at most."""

    async def put(self, key: str, data: bytes, replaces: str | None = None) -> None:
        """Write an object by one request.

        Args:
            replaces: the etag of the version that is there, empty where nothing is; None to replace whatever is.

        Raises:
            ChangedError: something else is there. A store that cannot tell, or a version without etag, is replaced.
        """

    async def begin(self, key: str) -> Any:
        """Begin an object in parts; gives what the other calls name it by."""

    async def part(self, key: str, upload: Any, number: int, offset: int, data: bytes) -> Any:
        """Send a part, of which the first has number 1; gives the receipt."""

    async def finish(self, key: str, upload: Any, receipts: Sequence[Any], offset: int, tail: bytes) -> None:
        """Send the last part, which is not empty, and make the object of all."""

    async def abandon(self, key: str, upload: Any) -> None:
        """Throw the parts away."""

    async def abandon_all(self, prefix: str) -> None:
        """Throw the parts away of all objects below a prefix that are not whole."""

    async def copy(self, source: str, target: str, size: int) -> None:
        """Copy an object within the store."""

    async def remove(self, key: str) -> None:
        """Remove an object; one that is not there is none."""

    async def remove_all(self, prefix: str) -> None:
        """Remove all objects whose keys begin with a prefix, which ends in a slash, and the folders of none."""

    async def close(self) -> None: ...


class KeptBytes(io.BytesIO):
    """Bytes to send, which aiohttp takes without a warning, and closes, and which may have to be sent again."""

    def close(self) -> None:
        self.seek(0)


def part_bytes(size: int | None, most_parts: int) -> int:
    """How large the parts of an object are, whose size may not be known yet."""
    if size is None:
        return 4 * PART
    needed = math.ceil(size / (most_parts - 1))
    return max(PART, math.ceil(needed / MIB) * MIB)


async def all_of(work: Iterable[Coroutine[Any, Any, _T]], at_once: int) -> list[_T]:
    """The results of all, some at the same time; after a failure what runs is ended, and the failure raised."""
    gate = asyncio.Semaphore(at_once)

    async def one(coroutine: Coroutine[Any, Any, _T]) -> _T:
        try:
            async with gate:
                return await coroutine
        finally:
            coroutine.close()

    tasks = [asyncio.ensure_future(one(coroutine)) for coroutine in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class ClientCalls(ABC):
    """What the stores have in common.

    Args:
        client: reads from the store.
        bucket: of all keys.
    """

    parts_at_once = 4
    most_parts = 10_000
    keeps_folders = False
    moves = False

    def __init__(self, client: StoreClient, bucket: str) -> None:
        self._client = client
        self._fs: Any = client.fs
        self._bucket = bucket
        self.loop = client.loop
        self.errors = client.errors

    async def stat(self, key: str) -> Stat:
        return await self._client.stat(self._bucket, key)

    async def read(self, key: str, most: int) -> Chunk:
        data, etag = bytearray(), ""
        while len(data) < most:
            chunk = await self._client.read(self._bucket, key, len(data), min(PART, most - len(data)))
            if data and chunk.etag != etag:
                raise ChangedError(key)
            data += chunk.data
            etag = chunk.etag
            if not chunk.data or (chunk.size is not None and len(data) >= chunk.size):
                break
        return Chunk(bytes(data), None, etag)

    async def keys(self, prefix: str, most: int) -> list[str]:
        return [prefix + entry.name for entry in await self._client.list(self._bucket, prefix, most)]

    async def remove_all(self, prefix: str) -> None:
        while keys := await self.keys(prefix, _REMOVED_AT_ONCE):
            await self._remove(keys)

    async def _remove(self, keys: Sequence[str]) -> None:
        await all_of((self.remove(key) for key in keys), _AT_ONCE)

    @abstractmethod
    async def remove(self, key: str) -> None: ...

    async def close(self) -> None:
        await self._client.close()
