"""Paths of another machine: a run of ``flowtui serve`` there holds plain paths of that machine, and it signs them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import TypeVar

from flowtui.errors import NotFoundError, ServerError, StorageError
from flowtui.storage.backend import Backend, Chunk, Entry, Meter, Stat
from flowtui.storage.trust import UntrustedError

_T = TypeVar("_T")


class LocalFirst:
    """Reads a path here where that is allowed, else through a URL that the server signs for it.

    A server that cannot sign a path leaves it at the first answer: it is not read here, or there is no such file.
    """

    shared = False

    def __init__(self, local: Backend, signed: Backend) -> None:
        self._local = local
        self._signed = signed

    def handles(self, uri: str) -> bool:
        return self._local.handles(uri)

    async def stat(self, uri: str) -> Stat:
        try:
            return await self._local.stat(uri)
        except (NotFoundError, UntrustedError) as missing:
            return await _or(missing, self._signed.stat(uri))

    async def fetch(self, uri: str, start: int, length: int, meter: Meter) -> Chunk:
        try:
            return await self._local.fetch(uri, start, length, meter)
        except (NotFoundError, UntrustedError) as missing:
            return await _or(missing, self._signed.fetch(uri, start, length, meter))

    async def stream(self, uri: str, start: int) -> AsyncGenerator[bytes, None]:
        try:
            await self._local.stat(uri)
            backend = self._local
        except (NotFoundError, UntrustedError) as missing:
            await _or(missing, self._signed.stat(uri))
            backend = self._signed
        async with aclosing(backend.stream(uri, start)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def entries(self, uri: str) -> tuple[Entry, ...]:
        return await self._local.entries(uri)

    async def aclose(self) -> None:
        await self._local.aclose()
        await self._signed.aclose()


async def _or(missing: NotFoundError | UntrustedError, answer: Awaitable[_T]) -> _T:
    try:
        return await answer
    except (NotFoundError, StorageError, ServerError):
        raise missing from None
