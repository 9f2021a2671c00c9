"""``flyte://v1/...`` references: Admin says what they name, and that is read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from flowtui.domain.signed import SignedUrl
from flowtui.errors import StorageError
from flowtui.storage.backend import Backend, Chunk, Entry, Meter, Stat
from flowtui.text import plain

_KEPT = 512

Resolve = Callable[[str], Awaitable["str | SignedUrl"]]
"""The native URI that a reference names, or a signed URL (of a deck); raises NotFoundError and ServerErrors."""


class FlyteReferences:
    """Reads what a reference names, through the backend of the URI that Admin gives for it.

    Args:
        backend_of: the backend of a native URI.
        signed: reads references that Admin answers with a signed URL.
    """

    shared = True

    def __init__(self, resolve: Resolve, backend_of: Callable[[str], Backend], signed: Backend) -> None:
        self._resolve = resolve
        self._backend_of = backend_of
        self._signed = signed
        self._native: OrderedDict[str, str] = OrderedDict()

    def handles(self, uri: str) -> bool:
        return uri.startswith("flyte://")

    async def stat(self, uri: str) -> Stat:
        backend, native = await self._found(uri)
        return await backend.stat(native)

    async def fetch(self, uri: str, start: int, length: int, meter: Meter) -> Chunk:
        backend, native = await self._found(uri)
        return await backend.fetch(native, start, length, meter)

    async def stream(self, uri: str, start: int) -> AsyncGenerator[bytes, None]:
        backend, native = await self._found(uri)
        async with aclosing(backend.stream(native, start)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def entries(self, uri: str) -> tuple[Entry, ...]:
        backend, native = await self._found(uri)
        return await backend.entries(native)

    async def aclose(self) -> None:
        """The backends are closed by the storage."""

    async def sign(self, uri: str) -> SignedUrl:
        """The signed URL that a reference stands for, asked for anew.

        Raises StorageError where it stands for a file of the store.
        """
        found = await self._resolve(uri)
        if not isinstance(found, SignedUrl):
            raise StorageError(f"{plain(uri)} names another file than before.", "Try again.")
        return found

    async def native(self, uri: str) -> str:
        """The native URI that a reference names; the reference itself where it names a deck."""
        return (await self._found(uri))[1]

    async def _found(self, uri: str) -> tuple[Backend, str]:
        native = self._native.get(uri)
        if native is None:
            found = await self._resolve(uri)
            # A signed URL is a secret that expires: the reference itself stays its name.
            native = uri if isinstance(found, SignedUrl) else found
            if native != uri and native.startswith("flyte://"):
                raise StorageError(f"{plain(uri)} names another reference, {plain(native)}.")
            self._native[uri] = native
            while len(self._native) > _KEPT:
                self._native.popitem(last=False)
        return (self._signed, uri) if native == uri else (self._backend_of(native), native)
