"""Sessions with the server that the settings name: a configured one, or the embedded Admin in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from flowtui.errors import FlowtuiError

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.applications import Starlette

    from flowtui.config import Settings
    from flowtui.domain.execution import ExecutionId
    from flowtui.exports.domino import DominoClient
    from flowtui.session import Session

EMBEDDED = "http://embedded.flowtui"
"""The base URL under which the embedded Admin answers in this process; no such host is asked."""

EMBEDDED_DOMINO = "http://domino.embedded.flowtui"
"""That of the embedded Domino."""


def session_of(
    settings: Settings, *, launches: bool = False, typed: Sequence[str] = ()
) -> AbstractAsyncContextManager[Session]:
    """A session with the configured server, or with the embedded Admin in this process.

    Args:
        launches: executions created in the embedded Admin are run by a process of their own.
        typed: paths and URIs that the person typed, to be read as they are.
    """
    from flowtui.session import open_session

    return _embedded_session(settings, launches, typed) if settings.local else open_session(settings, typed=typed)


def screen_session_of(settings: Settings) -> AbstractAsyncContextManager[Session]:
    """The session of the screen: what it imports is imported in a thread, so that keys are answered meanwhile."""

    rooms = ["flowtui.session", *(["flowtui.local.app", "flowtui.local.runner.runner"] if settings.local else [])]

    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        for room in rooms:
            await asyncio.to_thread(import_module, room)
        async with session_of(settings, launches=True) as session:
            yield session

    return opened()


def _embedded_session(settings: Settings, launches: bool, typed: Sequence[str]) -> AbstractAsyncContextManager[Session]:
    from flowtui.httpclient import httpx
    from flowtui.local.app import create_app
    from flowtui.local.run_folders import run_folders
    from flowtui.session import open_session

    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        launcher = None
        if launches:
            from flowtui.local.home import Home
            from flowtui.local.runner.runner import launcher as runner_launcher

            launcher = runner_launcher(Home(settings.home))
        app = await asyncio.to_thread(create_app, settings.home, launcher=launcher)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            _embedded_domino(settings.home) as domino,
            open_session(
                settings,
                transport=transport,
                base_url=EMBEDDED,
                domino=domino,
                own_folders=partial(run_folders, settings.home),
                typed=typed,
            ) as session,
        ):
            yield session

    return opened()


@asynccontextmanager
async def _embedded_domino(home: Path) -> AsyncIterator[Callable[[], DominoClient]]:
    """Gives a client of the embedded Domino, which is started at the first call and ends with the block."""
    apps: list[Starlette] = []

    def client() -> DominoClient:
        from flowtui.exports.domino import DominoClient
        from flowtui.httpclient import httpx
        from flowtui.local.domino import create_domino_app

        apps.append(create_domino_app(home))
        return DominoClient(EMBEDDED_DOMINO, transport=httpx.ASGITransport(apps[-1]))

    try:
        yield client
    finally:
        for app in apps:
            # Nothing is to be started, and its jobs are to end.
            async with app.router.lifespan_context(app):
                pass


def adopt_datasets(home: Path, ids: Iterable[str]) -> None:
    """Make datasets of the embedded Domino where it has none of an id or name: flows name those of another Domino."""
    import time

    from flowtui.local.domino import LOCAL_USER
    from flowtui.local.domino.store import DominoStore
    from flowtui.local.home import Home

    store = DominoStore(Home(home).ensure().path / "domino", lambda: time.time_ns() // 1_000_000)
    known = {name for dataset in store.datasets(LOCAL_USER) for name in (dataset.id, dataset.name)}
    for id_ in ids:
        if id_ not in known:
            store.adopt(id_, LOCAL_USER)


async def has_run(settings: Settings, run: ExecutionId) -> bool:
    """Whether the embedded Admin of this machine knows a run of that name; it is not started for the question."""
    from flowtui.config import DEFAULT_DOMAIN, LOCAL_PROJECT
    from flowtui.domain.execution import ExecutionId
    from flowtui.local.home import Home

    if not Home(settings.home).database.exists():
        return False
    try:
        async with session_of(settings.at(None)) as session:
            await session.catalog.execution(ExecutionId(LOCAL_PROJECT, DEFAULT_DOMAIN, run.name))
            return True
    except FlowtuiError:
        return False
