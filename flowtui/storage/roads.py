"""Two roads to an object: the store itself with credentials of this machine, and a URL that Admin signs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from flowtui.errors import FlowtuiError, NotFoundError, StorageError
from flowtui.storage.backend import Backend, Chunk, Entry, Meter, Stat
from flowtui.storage.object_store import ObjectStores, StoreRefusal
from flowtui.storage.trust import Trust, UntrustedError

T = TypeVar("T")

_KEPT = 512


class DirectFirst:
    """Asks the store where there are credentials for it, else Admin for a signed URL.

    A bucket that refuses, or has none of the objects that Admin has, is asked once: the rest of its objects are read by
    signed URLs. Credentials of this machine may be meant for another store of the same kind.

    Args:
        signed: None where no server is there to sign.
        trust: says of which buckets the credentials of this machine may be used.
    """

    shared = True

    def __init__(self, stores: ObjectStores, signed: Backend | None, trust: Trust) -> None:
        self._trust = trust
        self._stores = stores
        self._signed = signed
        self._refused: OrderedDict[str, FlowtuiError] = OrderedDict()
        self._open: OrderedDict[str, None] = OrderedDict()

    def handles(self, uri: str) -> bool:
        return self._stores.handles(uri) or (self._signed is not None and self._signed.handles(uri))

    def has_credentials(self, uri: str) -> bool:
        """Whether this machine has credentials for the store of a URI, of whatever bucket."""
        return self._stores.handles(uri)

    def refusal(self, uri: str) -> FlowtuiError | None:
        """Why the bucket of a URI is not read directly; None where it is, or was not asked yet."""
        if self._stores.handles(uri) and not self._trust.knows_bucket(uri):
            return self._trust.unknown_bucket(uri)
        return self._refused.get(_bucket(uri))

    def is_direct(self, uri: str) -> bool:
        """Whether the next read asks the store itself."""
        if self._signed is None:
            return self._stores.handles(uri) and self._trust.knows_bucket(uri)
        return self._stores.handles(uri) and self.refusal(uri) is None

    async def stat(self, uri: str) -> Stat:
        return await self._either(uri, lambda backend: backend.stat(uri))

    async def fetch(self, uri: str, start: int, length: int, meter: Meter) -> Chunk:
        return await self._either(uri, lambda backend: backend.fetch(uri, start, length, meter))

    async def stream(self, uri: str, start: int) -> AsyncGenerator[bytes, None]:
        backend: Backend = self._stores
        if self._signed is None:
            self._require(uri)
        else:
            if self.is_direct(uri) and _bucket(uri) not in self._open:
                # A stream that has begun cannot change its road.
                await self._either(uri, lambda one: one.fetch(uri, start, 1, Meter()))
            backend = self._stores if self.is_direct(uri) else self._signed
        async with aclosing(backend.stream(uri, start)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def entries(self, uri: str) -> tuple[Entry, ...]:
        return await self._either(uri, lambda backend: backend.entries(uri))

    async def aclose(self) -> None:
        await self._stores.aclose()
        if self._signed is not None:
            await self._signed.aclose()

    async def _either(self, uri: str, ask: Callable[[Backend], Awaitable[T]]) -> T:
        if self._signed is None:
            self._require(uri)
            return await ask(self._stores)
        if not self.is_direct(uri):
            return await self._by_signature(uri, ask, self.refusal(uri))
        bucket = _bucket(uri)
        try:
            answer = await ask(self._stores)
        except (StoreRefusal, NotFoundError) as error:
            was_open = bucket in self._open
            if was_open and isinstance(error, NotFoundError):
                raise
            if not was_open and isinstance(error, StoreRefusal):
                _keep(self._refused, bucket, error)
            answer = await self._by_signature(uri, ask, error)
            if not was_open:
                _keep(self._refused, bucket, error)
            return answer
        _keep(self._open, bucket, None)
        return answer

    def _require(self, uri: str) -> None:
        if not self._trust.knows_bucket(uri):
            raise self._trust.unknown_bucket(uri)

    async def _by_signature(self, uri: str, ask: Callable[[Backend], Awaitable[T]], direct: FlowtuiError | None) -> T:
        assert self._signed is not None
        try:
            answer = await ask(self._signed)
        except StorageError as error:
            if isinstance(direct, NotFoundError):
                raise direct from error
            if direct is not None:
                more = direct.hint if isinstance(direct, UntrustedError) else ""
                error.hint = f"{error.hint} Without a signed URL: {direct.message} {more}".strip()
            raise
        await self._trust.signature_opened(uri)
        return answer


def _bucket(uri: str) -> str:
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _keep(kept: OrderedDict[str, T], bucket: str, value: T) -> None:
    kept[bucket] = value
    kept.move_to_end(bucket)
    while len(kept) > _KEPT:
        kept.popitem(last=False)
