"""What the app does about exports that go on in the background: the header, a word at the end, a question at quit."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from textual import work
from textual.app import App, ScreenStackError

from flowtui import words
from flowtui.domain.size import human_size
from flowtui.errors import FlowtuiError
from flowtui.text import plain
from flowtui.tui.context import Connection, Context
from flowtui.tui.screens.base import BaseScreen
from flowtui.tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from flowtui.exports import ExportRecord
    from flowtui.session import Session

_PAINT_SECONDS = 0.25
"""Between two looks of the header at exports that only move on."""

_UNFINISHED = ("planned", "paused", "interrupted")
_SAY_SECONDS = 12


class Transferring(App[None]):
    """Follows the exports of the session that is held."""

    context: Context
    _painted = 0.0

    def say(self, text: str, *, seconds: float = _SAY_SECONDS) -> None:
        """Say something for a moment, in the line of keys of the screen that has one."""
        with suppress(ScreenStackError):
            for screen in reversed(self.screen_stack):
                if isinstance(screen, BaseScreen):
                    screen.tell(plain(text), seconds)
                    return

    @work(group="session", exit_on_error=False)
    async def follow_exports(self, connection: Connection) -> None:
        """Listen to the exports of a session once it is open, and tell of those that are unfinished."""
        try:
            session = await connection.session()
            records = await asyncio.to_thread(session.journal.list)
        except FlowtuiError:
            # Whoever works with the session says what is wrong.
            return
        session.transfers.listen(partial(self._moved, connection, session))
        unfinished = sum(record.state in _UNFINISHED for record in records)
        if unfinished and connection is self.context.connection:
            are = "export is" if unfinished == 1 else "exports are"
            self.say(f"{unfinished} {are} unfinished: 4 shows, R resumes")

    def _moved(self, connection: Connection, session: Session, id_: str) -> None:
        if connection is not self.context.connection or not self.is_running or self._exit:
            return
        progress = session.transfers.progress(id_)
        changed = self.context.exporting.note(id_, progress)
        if progress is None and changed:
            self._tell_end(session, id_)
        if not changed and time.monotonic() - self._painted < _PAINT_SECONDS:
            return
        self._painted = time.monotonic()
        with suppress(ScreenStackError):
            if isinstance(self.screen, BaseScreen):
                self.screen.exports_moved(changed=changed)

    @work(group="export-end", exit_on_error=False)
    async def _tell_end(self, session: Session, id_: str) -> None:
        try:
            record = await asyncio.to_thread(session.journal.get, id_)
        except FlowtuiError as error:
            self.say(error.message)
        else:
            said = end_words(record)
            if said:
                self.say(said)

    async def action_quit(self) -> None:
        """Leave, after a question where exports are on their way."""
        moving = len(self.context.exporting)
        if not moving:
            self.exit()
        elif not isinstance(self.screen, ConfirmScreen):
            one = moving == 1
            question = f"{words.count(moving, 'export')} {'is' if one else 'are'} running. Quit?"
            said = f"{'It pauses' if one else 'They pause'} and can be resumed: 4, then R, or flowtui exports resume."
            self.push_screen(ConfirmScreen(self.context, question, said, "quit"), self._quit)

    def _quit(self, yes: bool | None) -> None:
        if yes:
            self.run_worker(self._pause_and_exit(), group="quit", exit_on_error=False)

    async def _pause_and_exit(self) -> None:
        try:
            # Closing the session pauses what runs, and waits until that is written down.
            await self.context.connection.close()
        finally:
            self.exit()


def end_words(record: ExportRecord) -> str:
    """What is said when an export ended; nothing where a person stopped it."""
    where = record.place or record.target
    if record.state == "done":
        return f"exported {words.count(record.files, 'file')}, {human_size(record.bytes_done)}, to {where}: 4 shows it"
    return f"the export to {where} failed: 4 shows why" if record.state == "failed" else ""
