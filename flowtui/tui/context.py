"""What every screen is given: settings, signs, the clock, the session, and what is known of runs so far."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flowtui.domain.artifact import ArtifactVersionId, RunArtifacts
from flowtui.domain.execution import ExecutionId
from flowtui.domain.lineage import Lineage
from flowtui.errors import FlowtuiError
from flowtui.text import plain
from flowtui.tui.exporting import Exporting
from flowtui.tui.formatting import UNICODE, Signs
from flowtui.tui.graphics import Graphics
from flowtui.tui.selection import FileSelection

if TYPE_CHECKING:
    from flowtui.config import ContextEntry, Settings
    from flowtui.exports import ExportRecord
    from flowtui.session import Session


@dataclass(frozen=True)
class Servers:
    """The servers that can be chosen on the screen.

    Attributes:
        contexts: the contexts by name; reads files, and raises ConfigError where flowtui's own is off.
        of_context, of_url: settings for a context or for a URL; raise ConfigError.
        open_session: a session with the server of settings.
    """

    contexts: Callable[[], tuple[ContextEntry, ...]]
    of_context: Callable[[str], Settings]
    of_url: Callable[[str], Settings]
    open_session: Callable[[Settings], AbstractAsyncContextManager[Session]]


def _now() -> datetime:
    return datetime.now().astimezone()


class Connection:
    """Holds the session open in one task, as its context manager wants, and lends it to everybody."""

    def __init__(self, open_session: Callable[[], AbstractAsyncContextManager[Session]]) -> None:
        self._open_session = open_session
        self._ready: asyncio.Future[Session] | None = None
        self._closing = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()

    async def hold(self) -> None:
        """Open the session and keep it until :meth:`close`, or until the task is cancelled."""
        self._closing = asyncio.Event()
        self._ended.clear()
        ready = self._future()
        try:
            async with self._open_session() as session:
                ready.set_result(session)
                await self._closing.wait()
        except FlowtuiError as error:
            if not ready.done():
                ready.set_exception(error)
                ready.exception()
        except BaseException as error:
            # Whoever waits for the session must not wait for ever.
            if not ready.done() and isinstance(error, Exception):
                ready.set_exception(error)
                ready.exception()
            ready.cancel()
            raise
        finally:
            self._ready = ready if ready.done() and not ready.cancelled() and ready.exception() else None
            self._ended.set()

    async def close(self) -> None:
        """Let :meth:`hold` end, and wait until the session is closed."""
        self._closing.set()
        await self._ended.wait()

    @property
    def failed(self) -> bool:
        """Whether the last try to open the session failed."""
        return bool(self._ready and self._ready.done() and self._ready.exception())

    def again(self) -> None:
        """Forget a failed try, so that the next :meth:`hold` starts afresh."""
        self._ready = None

    async def session(self) -> Session:
        """The session, once it is open.

        Raises:
            FlowtuiError: it could not be opened.
        """
        return await asyncio.shield(self._future())

    def _future(self) -> asyncio.Future[Session]:
        if self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()
        return self._ready


@dataclass
class Memory:
    """What was read of runs and holds for all screens.

    Attributes:
        artifacts: of runs that were opened, by execution; only terminal runs are taken from here without a call.
        declared: how many files each workflow version declares, by (name, version).
        lineage: of runs whose files were looked at.
        bookmarks: what is bookmarked.
        exported: of artifact versions and files of them, the latest export.
    """

    artifacts: dict[ExecutionId, RunArtifacts] = field(default_factory=dict)
    lineage: dict[ExecutionId, Lineage] = field(default_factory=dict)
    declared: dict[tuple[str, str], int | None] = field(default_factory=dict)
    bookmarks: set[ArtifactVersionId] = field(default_factory=set)
    exported: dict[ArtifactVersionId, ExportRecord] = field(default_factory=dict)

    def keep(self, artifacts: RunArtifacts) -> None:
        """Remember a run's artifacts; the oldest of 300 is forgotten."""
        self.artifacts.pop(artifacts.execution.id, None)
        self.artifacts[artifacts.execution.id] = artifacts
        while len(self.artifacts) > 300:
            forgotten = next(iter(self.artifacts))
            del self.artifacts[forgotten]
            self.lineage.pop(forgotten, None)


def server_name(settings: Settings) -> str:
    """The server in a word: the context's name, the host, or this machine."""
    if settings.local or not settings.endpoint:
        return "this machine"
    return plain(settings.context or urlsplit(settings.endpoint).netloc)


@dataclass
class Context:
    """Given to every screen by its constructor.

    Attributes:
        previous: the settings of the server that was left for this one, to go back to.
        skew: how much the server's clock is ahead of this machine's.
        selection: what is to be exported together.
        exporting: how far the exports of this process are.
    """

    settings: Settings
    connection: Connection
    signs: Signs = UNICODE
    now: Callable[[], datetime] = _now
    memory: Memory = field(default_factory=Memory)
    previous: Settings | None = None
    graphics: Graphics = field(default_factory=Graphics)
    skew: timedelta = timedelta(0)
    selection: FileSelection = field(default_factory=FileSelection)
    exporting: Exporting = field(default_factory=Exporting)

    def server_now(self) -> datetime:
        """The time by the server's clock, for how long something has been running there."""
        return self.now() + self.skew

    @property
    def server(self) -> str:
        """The server in a word: the context's name, the host, or this machine."""
        return server_name(self.settings)

    def moved(self, settings: Settings, connection: Connection) -> Context:
        """The context of another server: nothing that was read of this one is kept."""
        return Context(settings, connection, self.signs, self.now, graphics=self.graphics, previous=self.settings)
