"""One sitting with one server: the client and what is built on it, opened and closed together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache as cache_once
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flowtui.admin import AdminClient
from flowtui.catalog import Bookmarks, Catalog, ResponseCache
from flowtui.catalog.references import flyte_reference
from flowtui.config import Settings
from flowtui.domain.artifact import Artifact, RunArtifacts
from flowtui.errors import ConfigError, FlowtuiError, UsageError
from flowtui.exports import Journal, TargetAccess, Transfers
from flowtui.exports.domino.configured import DominoAccess
from flowtui.permission import Permission
from flowtui.preview.workers import Workers
from flowtui.storage import DiskCache, Storage, StoreAccess, Trust
from flowtui.storage.known_buckets import KnownBuckets
from flowtui.storage.trust import is_local_uri
from flowtui.tls import tls_context

if TYPE_CHECKING:
    import ssl

    from flowtui.admin.auth import Authenticator
    from flowtui.exports.domino import DominoClient
    from flowtui.exports.roads import Road
    from flowtui.httpclient import httpx

_AT_ONCE = 16
"""Sizes that are asked for at the same time."""


@dataclass(frozen=True)
class Session:
    """What commands and the screen work with.

    Attributes:
        auth: what logs in to the server; None for the embedded Admin.
        bookmarks, journal: in ``settings.home``, whichever server is meant.
        target_access: how export targets reach outside.
        transfers: the exports of this process; they are paused when the session ends.
        road: gives who carries exports out elsewhere, by the name of the road.
    """

    settings: Settings
    client: AdminClient
    catalog: Catalog
    storage: Storage
    workers: Workers
    bookmarks: Bookmarks
    journal: Journal
    target_access: TargetAccess
    transfers: Transfers
    road: Callable[[str], Road]
    auth: Authenticator | None = None

    @property
    def server_options(self) -> tuple[str, ...]:
        """The options by which a command of flowtui elsewhere reaches the same server."""
        settings = self.settings
        named = ("--project", settings.project, "--domain", settings.domain)
        if settings.endpoint is None:
            return ("--local", "--home", str(settings.home), *named)
        return ("--endpoint", settings.endpoint, *named)

    async def with_sizes(self, run: RunArtifacts, *, remote: bool = True, most: int | None = None) -> RunArtifacts:
        """The same artifacts with the sizes of their files in bytes; of several URIs the sum.

        Args:
            remote: False to look at files of this machine only, which costs no request.
            most: URIs that are looked at; a file that would need more than are left, such as a map task's with
                thousands, stays without a size.

        A size that cannot be found out stays None: a listing must not fail because one object is gone.
        """
        uris: set[str] = set()
        for of_one in (*(file.uris for file in run.files), *(output.uris or () for output in run.undeclared)):
            if most is None or len(uris | set(of_one)) <= most:
                uris.update(of_one)
        wanted = sorted(uri for uri in uris if remote or is_local_uri(uri))
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(uri: str) -> int | None:
            async with gate:
                try:
                    return await self._size(uri, remote)
                except FlowtuiError:
                    return None

        sizes = dict(zip(wanted, await asyncio.gather(*(one(uri) for uri in wanted)), strict=True))

        def of(uris: Sequence[str] | None, known: int | None) -> int | None:
            found = [sizes.get(uri) for uri in uris or ()]
            numbers = [size for size in found if size is not None]
            return sum(numbers) if numbers and len(numbers) == len(found) else known

        artifacts = tuple(
            Artifact(one.type, one.name, tuple(replace(file, size=of(file.uris, file.size)) for file in one.files))
            for one in run.artifacts
        )
        undeclared = tuple(replace(output, size=of(output.uris, output.size)) for output in run.undeclared)
        return replace(run, artifacts=artifacts, undeclared=undeclared)

    async def _size(self, uri: str, remote: bool) -> int | None:
        stat = await self.storage.stat(uri, remote=remote)
        if not stat.directory:
            return stat.size
        return sum(entry.size for entry in await self.storage.list(uri))


@asynccontextmanager
async def open_session(
    settings: Settings,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    base_url: str | None = None,
    storage_transport: httpx.AsyncBaseTransport | None = None,
    auth: Authenticator | None = None,
    domino: Callable[[], DominoClient] | None = None,
    own_folders: Callable[[], Iterable[Path]] | None = None,
    typed: Sequence[str] = (),
) -> AsyncIterator[Session]:
    """A session, closed with the block.

    Args:
        transport: what carries requests to Admin; given for the embedded one, which answers in process.
        base_url: instead of ``settings.endpoint``, with a transport.
        storage_transport: what carries reads of signed URLs, for tests.
        auth: what logs in, instead of what the settings say.
        domino: gives the Domino client where the settings name no Domino; asked when it is needed first.
        own_folders: gives the folders that the embedded server's runs have their files in; None for another server.
        typed: paths and URIs that the person typed, which are read whatever runs may name.

    Raises:
        ConfigError: there is neither an endpoint nor a transport, the folders of flowtui cannot be made, or the
            certificates to trust cannot be read.
    """
    address = base_url or settings.endpoint
    if address is None:
        raise ConfigError("No Flyte server is configured.", "Name one with --endpoint URL or FLOWTUI_ENDPOINT.")
    _make_folder(settings.home)
    _make_folder(settings.cache)
    # The address that stands for the embedded Admin is no place that a person could look at.
    name = "" if settings.endpoint else "this machine"
    # Of the server and of its object store: loaded once, and only where somebody speaks TLS.
    tls = cache_once(partial(tls_context, settings.transport))
    auth = auth or session_auth(settings, transport, tls)
    speaks_tls = transport is None and address.startswith("https://")
    permission = Permission(read_only=settings.read_only)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            AdminClient(
                address,
                headers=settings.headers,
                auth=auth,
                verify=await asyncio.to_thread(tls) if speaks_tls else True,
                proxy=settings.transport.proxy or None,
                transport=transport,
                timeout=settings.timeout,
                name=name,
                permission=permission,
            )
        )
        stores = StoreAccess(settings.storage, settings.transport, os.environ, settings.timeout)
        state = settings.home / "state.sqlite3"
        trust = Trust(
            settings.storage,
            own_folders=own_folders,
            typed=typed,
            known=KnownBuckets(state, settings.endpoint) if settings.endpoint else None,
        )
        # The embedded Admin's files are here, and it signs nothing else. Signed URLs get no login and no headers.
        storage = Storage(
            trust,
            sign=client.sign if settings.endpoint else None,
            resolve=partial(flyte_reference, client),
            stores=stores,
            disk=DiskCache(
                settings.cache / "blocks.sqlite3", settings.endpoint or "", settings.storage.cache_megabytes << 20
            ),
            transport=storage_transport,
            tls=tls,
            proxy=settings.transport.proxy,
        )
        stack.push_async_callback(storage.aclose)
        # The embedded Admin is next door, and a home that is set up anew has other runs of the same names.
        cache = ResponseCache(settings.cache / "responses.sqlite3") if settings.endpoint else None
        if cache is not None:
            stack.callback(cache.close)
        domino_access = DominoAccess(settings, domino, permission)
        stack.push_async_callback(domino_access.aclose)
        journal, access = Journal(state), TargetAccess(stores, domino_access)
        roads = partial(road, client=client, settings=settings, domino=domino_access)
        transfers = Transfers(
            journal, storage, access, server=settings.endpoint or "", permission=permission, roads=roads
        )
        stack.push_async_callback(transfers.aclose)
        yield Session(
            settings=settings,
            client=client,
            catalog=Catalog(client, cache, storage.read, trust),
            storage=storage,
            workers=await stack.enter_async_context(Workers()),
            bookmarks=Bookmarks(state, server=settings.endpoint or ""),
            journal=journal,
            target_access=access,
            road=roads,
            transfers=transfers,
            auth=auth,
        )


def road(name: str, *, client: AdminClient, settings: Settings, domino: Callable[[], DominoClient]) -> Road:
    """Who carries exports out elsewhere: ``domino-job`` or ``flyte``. Raises UsageError for another name."""
    from flowtui.exports.roads import DominoJobRoad, FlyteRoad

    if name == DominoJobRoad.name:
        return DominoJobRoad(domino)
    if name == FlyteRoad.name:
        return FlyteRoad(client, settings.project, settings.domain)
    raise UsageError(f"{name!r} is no road for an export.", "It is here, domino-job or flyte.")


def session_auth(
    settings: Settings,
    transport: httpx.AsyncBaseTransport | None = None,
    tls: Callable[[], ssl.SSLContext] | None = None,
) -> Authenticator | None:
    """What logs in to the configured server; None for the embedded Admin.

    Args:
        tls: gives the TLS context; made of the settings where None.
    """
    if settings.endpoint is None:
        return None
    from flowtui.admin.auth import authenticator

    return authenticator(settings, tls=tls or partial(tls_context, settings.transport), transport=transport)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be made: {error.strerror}.", "Name another place with --home or FLOWTUI_HOME."
        ) from error
