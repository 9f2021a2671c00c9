"""The fourth place: what was exported from this machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message

from flowtui import words
from flowtui.domain.size import human_size
from flowtui.text import plain
from flowtui.tui.context import Context
from flowtui.tui.formatting import Mark, Signs, when_mark
from flowtui.tui.screens.place import Entry, Place
from flowtui.tui.widgets.columns import Column, Row

if TYPE_CHECKING:
    from flowtui.exports import ExportRecord

_PHASES = {"done": "SUCCEEDED", "failed": "FAILED", "cancelled": "ABORTED", "running": "RUNNING", "planned": "QUEUED"}


def state_mark(state: str, signs: Signs) -> Mark:
    """The state of an export with the glyph and colour of the phase that it is like."""
    from flowtui.tui.formatting import phase_style

    phase = _PHASES.get(state, "UNDEFINED")
    return Mark(f"{words.phase_glyph(phase, ascii_only=signs.ascii)} {state}", phase_style(phase))


class ExportsScreen(Place):
    """Exports, newest first."""

    place = "exports"
    columns = (
        Column("state", least=9, most=12),
        Column("run", least=12, most=40),
        Column("to", least=20, most=70),
        Column("when", least=11, leave=3),
        Column("files", right=True, leave=2),
        Column("size", right=True, least=7, leave=1),
    )
    filter_fields = frozenset({"run", "to", "state"})
    filter_hint = "filter: words, to:/data, state:failed"
    period = 2

    class Read(Message):
        """The record of exports was read."""

        def __init__(self, records: tuple[ExportRecord, ...]) -> None:
            super().__init__()
            self.records = records

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.records: tuple[ExportRecord, ...] = ()

    async def read(self) -> None:
        session = await self.context.connection.session()
        self.post_message(self.Read(await asyncio.to_thread(session.journal.list)))

    @on(Read)
    def _on_read(self, event: Read) -> None:
        self.records = event.records
        self.show_rows()

    def waiting(self) -> str:
        return "Reading the record of exports."

    def empty(self) -> tuple[str, ...]:
        return ("No exports yet.", "e on an artifact or file copies it to a directory and is recorded here.")

    def entries(self) -> list[Entry]:
        now = self.context.now()
        found = []
        for record in self.records:
            run = plain(", ".join(run.rpartition("/")[2] for run in record.executions))
            moved = human_size(record.bytes_done)
            if record.state in ("running", "failed", "cancelled") and record.bytes:
                moved = f"{human_size(record.bytes_done)} of {human_size(record.bytes)}"
            row = Row(
                record.id,
                (
                    (state_mark(record.state, self.signs),),
                    (Mark(run, "strong"),),
                    (Mark(plain(record.target)),),
                    (when_mark(record.started_at, now),),
                    (Mark(str(record.files)),),
                    (Mark(moved),),
                ),
                note=(Mark(plain(record.error)),) if record.error else (),
                openable=False,
            )
            found.append(Entry(row, {"run": run, "to": plain(record.target), "state": record.state}))
        return found
