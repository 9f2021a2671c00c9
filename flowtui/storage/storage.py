"""The bytes behind a URI, whichever kind of storage holds them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING

from flowtui.domain.signed import SignedUrl
from flowtui.errors import StorageError
from flowtui.storage.backend import Backend, Entry, Stat
from flowtui.storage.cache import BlockCache
from flowtui.storage.elsewhere import LocalFirst
from flowtui.storage.http import Connections, HttpBackend, PlainUrls
from flowtui.storage.local import LocalBackend
from flowtui.storage.reader import Reader
from flowtui.storage.signed import SignedUrls
from flowtui.text import plain

if TYPE_CHECKING:
    import ssl

    from flowtui.httpclient import httpx

_SHARED_BYTES = 32 * 1024 * 1024
_READER_BYTES = 4 * 1024 * 1024


class Storage:
    """Reads objects: files of this machine, http(s) URLs, and everything else by URLs that Admin signs.

    A URI is handed on as it came. The cache in memory is shared by the readers of remote objects, so that a second look
    at an object costs no request until :meth:`forget`.

    Args:
        sign: asks Admin for a signed URL of a native URI; None where no server is there to ask.
        transport: an httpx transport in place of the network.
        timeout: seconds to wait for a connection or for the next bytes.
        retry_delay: seconds before a failed request is first repeated.
        cache_bytes: of objects kept in memory.
        tls: gives the TLS context when it is needed; httpx's own where None.
        proxy: URL of an HTTP proxy; what the environment says where empty.
    """

    def __init__(
        self,
        *,
        sign: Callable[[str], Awaitable[SignedUrl]] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 30.0,
        retry_delay: float = 0.2,
        cache_bytes: int = _SHARED_BYTES,
        tls: Callable[[], ssl.SSLContext] | None = None,
        proxy: str = "",
    ) -> None:
        self._cache = BlockCache(cache_bytes)
        connections = Connections(transport, timeout, retry_delay, tls, proxy)
        local, plain_urls = LocalBackend(), HttpBackend(connections, PlainUrls())
        self._local = local
        if sign is None:
            self._backends: tuple[Backend, ...] = (local, plain_urls)
        else:
            signed = HttpBackend(connections, SignedUrls(sign))
            self._backends = (LocalFirst(local, signed), plain_urls, signed)

    async def stat(self, uri: str, *, remote: bool = True) -> Stat:
        """Size and kind of what the URI names; a signed URL is asked for its first byte.

        ``remote=False`` looks on this machine only and sends no request.

        Raises NotFoundError for a missing object, StorageError where it cannot be reached or read.
        """
        return await (self._backend(uri) if remote else self._local).stat(uri)

    def open(self, uri: str) -> Reader:
        """A reader of the object; the first read tells whether it is there."""
        backend = self._backend(uri)
        return Reader(uri, backend, self._cache if backend.shared else BlockCache(_READER_BYTES))

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
        """The files below a directory of this machine, with paths relative to it; links to directories are left out.

        Raises NotFoundError for a missing directory, StorageError where it cannot be listed.
        """
        return await self._backend(uri).entries(uri)

    def forget(self, uri: str) -> None:
        """Read the object anew next time."""
        self._cache.forget(uri)

    async def aclose(self) -> None:
        """Close connections."""
        for backend in self._backends:
            await backend.aclose()

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
        if "://" in uri:
            raise StorageError(
                f"{plain(uri)} cannot be read: no server is there that could sign a URL for it.",
                "Connect to the Flyte Admin that knows the run (--endpoint).",
            )
        raise StorageError(f"{plain(uri)} is neither a URI nor an absolute path.")
