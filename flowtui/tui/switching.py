"""From one server to another while the screen is up: ``:ctx``, ``:connect``, ``:local``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual import work
from textual.worker import Worker, WorkerState

from flowtui import words
from flowtui.errors import FlowtuiError
from flowtui.text import plain
from flowtui.tui.context import Connection, Servers
from flowtui.tui.transferring import Transferring
from flowtui.tui.widgets.lines import Problem

if TYPE_CHECKING:
    from flowtui.config import Settings

BACK = "-"
"""Stands for the server that was seen before, as with ``cd -``."""


class Switching(Transferring):
    """What the app does to see another server. A subclass gives :meth:`show_places`.

    The new session is opened before the old one is closed: where it cannot be, nothing has changed.
    """

    servers: Servers | None = None

    def __init__(self) -> None:
        super().__init__()
        self._arriving = asyncio.Lock()

    async def show_places(self) -> None:
        """Show all places anew, with ``context``."""
        raise NotImplementedError

    def choose_context(self) -> None:
        """Show the contexts to choose from."""
        if self.servers is None:
            self.say("There are no contexts to choose from.")
            return
        from flowtui.tui.screens.contexts import ContextsScreen

        self.push_screen(ContextsScreen(self.context, self.servers, self.switch_context))

    def switch_context(self, name: str) -> None:
        """See the server of a context, or with ``-`` the one before."""
        previous = self.context.previous
        if self.servers is None or (name == BACK and previous is None):
            self.say("There is no other server to go back to.")
        elif name == BACK and previous is not None:
            self._switch(lambda: previous)
        else:
            self._switch(partial(self.servers.of_context, name))

    def connect(self, url: str) -> None:
        """See the server of a URL."""
        if self.servers is None or not url:
            self.say(":connect URL, such as https://flyte.example.com/flows")
        else:
            self._switch(partial(self.servers.of_url, url))

    @work(group="session", exit_on_error=False)
    async def hold_session(self, connection: Connection) -> None:
        """Keep the session open until the connection is closed."""
        self.follow_exports(connection)
        await connection.hold()

    @work(group="switch", exclusive=True, exit_on_error=False)
    async def _switch(self, load: Callable[[], Settings]) -> None:
        servers = self.servers
        if servers is None:
            return
        try:
            settings = await asyncio.to_thread(load)
            if settings.local and self.context.settings.local:
                self.say("These are the runs of this machine already.")
                return
            connection = Connection(partial(servers.open_session, settings))
            holder = self.hold_session(connection)
            try:
                await connection.session()
            except BaseException:
                # It cannot be opened, or another one was asked for meanwhile: none is left half open.
                holder.cancel()
                raise
        except FlowtuiError as error:
            self._refused(error)
        else:
            # A worker of its own: asking for another server must not stop it half-way.
            self.run_worker(self._arrive(settings, connection), group="arrive", exit_on_error=False)

    async def _arrive(self, settings: Settings, connection: Connection) -> None:
        async with self._arriving:
            left, moving = self.context.connection, len(self.context.exporting)
            self.context = self.context.moved(settings, connection)
            try:
                await self.show_places()
            finally:
                await left.close()
            if moving:
                self.say(f"{words.count(moving, 'export')} paused: 4 shows, R resumes where the server is seen again")

    def _refused(self, error: FlowtuiError) -> None:
        """Say on the current screen, which is as it was, why the other server is not shown."""
        problems = self.screen.query(Problem)
        for problem in problems:
            problem.tell(error, f"This is still {self.context.server}. :ctx lists what there is.")
        if not problems:
            self.say(f"{error.message} {error.hint}")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A defect on the way to another server is told, not swallowed; one of the session is told by who awaits it."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None and event.worker.group in ("switch", "arrive"):
            self._refused(
                FlowtuiError(
                    f"{type(error).__name__}: {plain(error)}", "This is a defect of flowtui; please report it."
                )
            )
