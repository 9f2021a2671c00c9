"""The bytes behind a URI, whichever kind of storage holds them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from flowtui.domain.signed import SignedUrl
from flowtui.errors import StorageError
from flowtui.storage.backend import Backend, Entry, Stat
from flowtui.storage.cache import BlockCache
from flowtui.storage.credentials import StoreAccess
from flowtui.storage.disk_cache import DiskCache
from flowtui.storage.elsewhere import LocalFirst
from flowtui.storage.flyte_urls import FlyteReferences, Resolve
from flowtui.storage.http import Connections, HttpBackend, PlainUrls
from flowtui.storage.local import LocalBackend
from flowtui.storage.object_store import ObjectStores, location
from flowtui.storage.reader import Reader
from flowtui.storage.roads import DirectFirst
from flowtui.storage.signed import SignedUrls
from flowtui.storage.trust import Trust, is_local_uri
from flowtui.text import plain

if TYPE_CHECKING:
    import ssl

    from flowtui.httpclient import httpx

_SHARED_BYTES = 32 * 1024 * 1024
_READER_BYTES = 4 * 1024 * 1024


class Storage:
    """Reads objects: files of this machine, http(s) URLs, and everything else from the store or by signed URLs.

    A URI is handed on as it came. An object of a store is asked for there where this machine has credentials for it,
    else by a URL that Admin signs. The cache in memory is shared by the readers of remote objects, so that a second
    look at an object costs no request until :meth:`forget`; what is on disk costs one, in a later session.

    Args:
        trust: says what is read; what it refuses raises ``UntrustedError``, whatever asks for it.
        sign: asks Admin for a signed URL of a native URI; None where no server is there to ask.
        resolve: asks Admin what a ``flyte://`` reference names; None where no server is there to ask.
        stores: credentials of object stores; None to leave them alone.
        disk: keeps blocks for later sessions; it is closed with the storage.
        transport: an httpx transport in place of the network.
        timeout: seconds to wait for a connection or for the next bytes.
        retry_delay: seconds before a failed request is first repeated.
        cache_bytes: of objects kept in memory.
        tls: gives the TLS context when it is needed; httpx's own where None.
        proxy: URL of an HTTP proxy; what the environment says where empty.
    """

    def __init__(
        self,
        trust: Trust,
        *,
        sign: Callable[[str], Awaitable[SignedUrl]] | None = None,
        resolve: Resolve | None = None,
        stores: StoreAccess | None = None,
        disk: DiskCache | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 30.0,
        retry_delay: float = 0.2,
        cache_bytes: int = _SHARED_BYTES,
        tls: Callable[[], ssl.SSLContext] | None = None,
        proxy: str = "",
    ) -> None:
        self._cache = BlockCache(cache_bytes)
        self.trust = trust
        connections = Connections(transport, timeout, retry_delay, tls, proxy, trust=trust)
        local, plain_urls = LocalBackend(trust), HttpBackend(connections, PlainUrls())
        self._local = local
        self._disk = disk
        signed = None if sign is None else HttpBackend(connections, SignedUrls(sign))
        self._direct = None if stores is None else DirectFirst(ObjectStores(stores), signed, trust)
        backends: list[Backend] = [local if signed is None else LocalFirst(local, signed), plain_urls]
        self._references: FlyteReferences | None = None
        if resolve is not None:
            references = FlyteReferences(
                resolve, self._backend, HttpBackend(connections, SignedUrls(lambda uri: references.sign(uri)))
            )
            self._references = references
            backends.append(references)
        backends += [backend for backend in (self._direct, signed) if backend is not None]
        self._backends = tuple(backends)

    async def stat(self, uri: str, *, remote: bool = True) -> Stat:
        """Size and kind of what the URI names; a signed URL is asked for its first byte.

        ``remote=False`` looks on this machine only and sends no request.

        Raises NotFoundError for a missing object, StorageError where it cannot be reached or read.
        """
        return await (self._backend(uri) if remote else self._local).stat(uri)

    async def local_stats(self, uris: Iterable[str]) -> dict[str, Stat]:
        """Size and kind of those URIs that name files of this machine that are there, all looked at in one thread."""
        return await asyncio.to_thread(self._local.stats, [uri for uri in uris if is_local_uri(uri)])

    def open(self, uri: str) -> Reader:
        """A reader of the object; the first read tells whether it is there."""
        backend = self._backend(uri)
        if not backend.shared:
            # Nobody signs a path for runs of this machine, so that the folders need not be asked for.
            is_local = is_local_uri(uri) and (self.trust.is_embedded or self.trust.refusal(uri) is None)
            return Reader(uri, backend, BlockCache(_READER_BYTES), is_local=is_local)
        return Reader(uri, backend, self._cache, self._disk)

    async def read(self, uri: str, most: int) -> bytes:
        """The first bytes of the object, ``most`` of them; fewer where it ends before.

        Raises NotFoundError for a missing object, StorageError where it cannot be reached or read.
        """
        async with self.open(uri) as reader:
            return await reader.read(0, most)

    def stream(self, uri: str, start: int = 0) -> AsyncGenerator[bytes, None]:
        """The object from byte ``start`` to its end, in chunks; a broken connection is taken up again.

        Raises as :meth:`stat`. Close the generator (``contextlib.aclosing``) where it is not read to its end.
        """
        return self._backend(uri).stream(uri, start)

    async def list(self, uri: str) -> tuple[Entry, ...]:
        """The files below a directory, with paths relative to it; links to directories are left out.

        A store lists a directory to credentials of this machine only: no signed URL can.

        Raises NotFoundError for a missing directory, StorageError where it cannot be listed.
        """
        return await self._backend(uri).entries(uri)

    def forget(self, uri: str) -> None:
        """Read the object anew next time."""
        self._cache.forget(uri)

    async def native(self, uri: str) -> str:
        """The URI of the file that a ``flyte://`` reference names, asked of Admin once; any other URI as it is.

        Raises NotFoundError where it names none, and errors of the server.
        """
        if self._references is None or not self._references.handles(uri):
            return uri
        return await self._references.native(uri)

    def is_direct(self, uri: str) -> bool:
        """Whether an object is read from its store with credentials of this machine; no request is sent."""
        return self._direct is not None and self._direct.is_direct(uri)

    def has_credentials(self, uri: str) -> bool:
        """Whether this machine has credentials for the store of a URI, of whatever bucket; no request is sent."""
        return self._direct is not None and self._direct.has_credentials(uri)

    async def aclose(self) -> None:
        """Close connections."""
        for backend in self._backends:
            await backend.aclose()
        if self._disk is not None:
            self._disk.close()

    async def __aenter__(self) -> Storage:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _backend(self, uri: str) -> Backend:
        for backend in self._backends:
            if backend.handles(uri):
                return backend
        if self._direct is not None and location(uri) is not None:
            raise StorageError(
                f"{plain(uri)} cannot be read: this machine has no credentials for it, and no server that signs URLs.",
                "Log in with the store's own tools, set [storage] of flowtui's file, or connect to a Flyte Admin "
                "(--endpoint).",
            )
        if "://" in uri:
            raise StorageError(
                f"{plain(uri)} cannot be read: no server is there that could sign a URL for it.",
                "Connect to the Flyte Admin that knows the run (--endpoint).",
            )
        raise StorageError(f"{plain(uri)} is neither a URI nor an absolute path.")
