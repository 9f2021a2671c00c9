"""Objects of S3, Google Cloud Storage and Azure, read with credentials of this machine."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from flowtui.errors import NotFoundError, StorageError
from flowtui.storage.backend import Chunk, Entry, Meter, Stat
from flowtui.storage.clients import EXTRA, StoreClient, store_client
from flowtui.storage.credentials import STORES, StoreAccess
from flowtui.text import first_line, plain

T = TypeVar("T")

_QUERY = re.compile(r"(?<=\S)\?\S+")
_STREAM_CHUNK = 8 * 1024 * 1024
_MOST_ENTRIES = 100_000
_KEPT = 4096
_PATIENCE = 300.0
"""Seconds for one part; the clients' own timeouts end before it, unless bytes drip for ever."""


class StoreRefusal(StorageError):
    """The store lets nobody in with these credentials, or cannot be used from here; another road may."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a URI points.

    Attributes:
        store: ``s3``, ``gs`` or ``abfs``.
        account: of Azure, where the URI names it.
        keys: the spellings of the key, in the order to try: Go's Flyte trims the slashes that Python keeps
            (flytestdlib/storage/storage.go, ``DataReference.Split``).
    """

    store: str
    account: str
    bucket: str
    keys: tuple[str, ...]


def location(uri: str) -> Location | None:
    """The parts of an object store's URI, as they stand; None for another URI."""
    scheme, separator, rest = uri.partition("://")
    store = STORES.get(scheme)
    if not separator or store is None:
        return None
    bucket, _, key = rest.partition("/")
    account = ""
    if store == "abfs" and "@" in bucket:
        bucket, _, host = bucket.partition("@")
        account = host.partition(".")[0]
    if not bucket:
        return None
    return Location(store, account, bucket, tuple(dict.fromkeys((key.strip("/"), key))))


class ObjectStores:
    """Reads objects of the stores that this machine has credentials for.

    A store's library is imported, in a thread, when the first of its objects is read.
    """

    shared = True

    def __init__(self, access: StoreAccess) -> None:
        self._access = access
        self._clients: dict[tuple[str, str], StoreClient | StoreRefusal] = {}
        self._has: dict[tuple[str, str], bool] = {}
        self._lock = asyncio.Lock()
        self._answered: set[int] = set()
        self._spelled: OrderedDict[str, str] = OrderedDict()

    def handles(self, uri: str) -> bool:
        """True where the URI is of a store that there are credentials for."""
        found = location(uri)
        if found is None:
            return False
        which = (found.store, found.account)
        if which not in self._has:
            self._has[which] = self._access.has_credentials(*which)
        return self._has[which]

    async def stat(self, uri: str) -> Stat:
        try:
            return await self._spelling(uri, lambda client, bucket, key: client.stat(bucket, key))
        except NotFoundError:
            if await self._is_directory(uri):
                return Stat(None, directory=True)
            raise

    async def fetch(self, uri: str, start: int, length: int, meter: Meter) -> Chunk:
        async def read(client: StoreClient, bucket: str, key: str) -> Chunk:
            meter.requests += 1
            return await client.read(bucket, key, start, length)

        try:
            chunk = await self._spelling(uri, read)
        except NotFoundError:
            if await self._is_directory(uri):
                raise StorageError(
                    f"{plain(uri)} is a directory of an object store.",
                    "Download it with `flowtui get`, or open a file of it.",
                ) from None
            raise
        meter.bytes_read += len(chunk.data)
        return chunk

    async def stream(self, uri: str, start: int) -> AsyncGenerator[bytes, None]:
        position, etag = start, ""
        while True:
            chunk = await self.fetch(uri, position, _STREAM_CHUNK, Meter())
            if etag and chunk.etag != etag:
                raise StorageError(f"{plain(uri)} changed while it was read.", "Start again.")
            etag = chunk.etag
            if chunk.data:
                yield chunk.data
            position += len(chunk.data)
            if len(chunk.data) < _STREAM_CHUNK or (chunk.size is not None and position >= chunk.size):
                return

    async def entries(self, uri: str) -> tuple[Entry, ...]:
        found = await self._list(uri, _MOST_ENTRIES + 1)
        if len(found) > _MOST_ENTRIES:
            raise StorageError(f"{plain(uri)} holds more than {_MOST_ENTRIES:,} files.")
        if not found:
            raise NotFoundError(f"There is no directory {plain(uri)}.", "It may have been deleted since the run.")
        # An object whose key ends in a slash is how consoles of stores show a folder.
        return tuple(sorted(entry for entry in found if entry.name and not entry.name.endswith("/")))

    async def aclose(self) -> None:
        clients, self._clients = self._clients, {}
        for client in clients.values():
            if not isinstance(client, StoreRefusal):
                await self._on(client, client.close())

    async def _is_directory(self, uri: str) -> bool:
        try:
            return bool(await self._list(uri, 1))
        except StorageError:
            return False

    async def _list(self, uri: str, most: int) -> list[Entry]:
        async def listed(client: StoreClient, bucket: str, key: str) -> list[Entry]:
            return await client.list(bucket, f"{key.rstrip('/')}/", most)

        found: list[Entry] = []
        where = location(uri)
        for key in where.keys if where is not None else ():
            found = await self._ask(uri, listed, key)
            if found:
                break
        return found

    async def _spelling(self, uri: str, ask: Callable[[StoreClient, str, str], Coroutine[Any, Any, T]]) -> T:
        """The answer for the spelling of the key that there is."""
        where = location(uri)
        known = self._spelled.get(uri)
        keys = (known,) if known is not None else where.keys if where is not None else ()
        for key in keys:
            try:
                answer = await self._ask(uri, ask, key)
            except NotFoundError:
                if key == keys[-1]:
                    self._spelled.pop(uri, None)
                    raise
                continue
            self._spelled[uri] = key
            while len(self._spelled) > _KEPT:
                self._spelled.popitem(last=False)
            return answer
        raise NotFoundError(f"{plain(uri)} names no object.")

    async def _ask(self, uri: str, ask: Callable[[StoreClient, str, str], Coroutine[Any, Any, T]], key: str) -> T:
        where = location(uri)
        if where is None or not key:
            raise NotFoundError(f"{plain(uri)} names no object.")
        client = await self._client(where)
        failures: tuple[type[Exception], ...] = (OSError, asyncio.TimeoutError, *client.errors)
        try:
            return await self._on(client, ask(client, where.bucket, key))
        except FileNotFoundError as error:
            raise NotFoundError(
                f"There is no object {plain(uri)}.", "It may have been deleted since the run."
            ) from error
        except failures as error:
            raise _refusal(uri, error) from error

    async def _client(self, where: Location) -> StoreClient:
        which = (where.store, where.account)
        async with self._lock:
            if which not in self._clients:
                try:
                    self._clients[which] = await asyncio.to_thread(
                        store_client, where.store, self._access.options(*which)
                    )
                except ImportError as error:
                    self._clients[which] = StoreRefusal(
                        f"Reading {where.store}:// directly needs {plain(error.name or error)}.",
                        f"pip install 'flowtui[{EXTRA}]'",
                    )
                # What a library makes of wrong options is its own, and its text may hold them.
                except (ValueError, TypeError, KeyError, OSError, RuntimeError) as error:
                    name = type(error.__cause__ or error).__name__
                    self._clients[which] = StoreRefusal(
                        f"The credentials for {where.store}:// cannot be used: {name}.",
                        "Look at them with the store's own tools, or set storage.direct to never.",
                    )
            client = self._clients[which]
        if isinstance(client, StoreRefusal):
            raise StoreRefusal(client.message, client.hint)
        return client

    async def _on(self, client: StoreClient, work: Coroutine[Any, Any, T]) -> T:
        """The result of work on the client's own loop; cancelled with it.

        A store that has not answered yet gets the time of one timeout: some libraries try again for minutes.
        """
        future = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, client.loop))
        result = await asyncio.wait_for(future, _PATIENCE if id(client) in self._answered else self._access.timeout)
        self._answered.add(id(client))
        return result


def _refusal(uri: str, error: BaseException) -> StoreRefusal:
    if isinstance(error, asyncio.TimeoutError):
        return StoreRefusal(
            f"The store of {plain(uri)} does not answer.", "Look at the network and the proxy settings."
        )
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    # Behind a question mark of a URL a signature may stand.
    reason = _QUERY.sub("?...", first_line(plain(said)))[:200] or type(error).__name__
    return StoreRefusal(
        f"The store refuses {plain(uri)} to the credentials of this machine: {reason.rstrip('.')}.",
        "Look at them with the store's own tools, or set storage.direct to never.",
    )
