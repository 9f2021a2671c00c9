"""The fourth place: what is and was exported from this machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message

from flowtui import words
from flowtui.tui.context import Context
from flowtui.tui.export_rows import EXPORT_COLUMNS, export_row, place_words, run_words
from flowtui.tui.formatting import Cell, Mark
from flowtui.tui.screens.export_actions import ExportActions
from flowtui.tui.screens.place import Entry, Place
from flowtui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from flowtui.exports import ExportRecord

_UNFINISHED = ("planned", "paused", "interrupted")


class ExportsScreen(ExportActions, Place):
    """Exports, newest first; those of other processes too."""

    place = "exports"
    columns = EXPORT_COLUMNS
    filter_fields = frozenset({"run", "to", "state"})
    filter_hint = "filter: words, to:/data, state:failed"

    class Read(Message):
        """The record of exports was read."""

        def __init__(self, records: tuple[ExportRecord, ...]) -> None:
            super().__init__()
            self.records = records

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.records: tuple[ExportRecord, ...] = ()

    @property
    def period(self) -> float:
        """Short: other processes write to the journal too."""
        return 2

    def on_mount(self) -> None:
        # A new export is what one looks for.
        self.rows.from_top = True
        super().on_mount()

    async def read(self) -> None:
        session = await self.context.connection.session()
        await session.transfers.follow_elsewhere()
        self.post_message(self.Read(await asyncio.to_thread(session.journal.list)))

    @on(Read)
    def _on_read(self, event: Read) -> None:
        self.records = event.records
        self.show_rows()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self._answered is not None:
            self.reload()

    def exports_moved(self, *, changed: bool) -> None:
        super().exports_moved(changed=changed)
        if changed:
            self.reload()
        else:
            self.show_rows()

    def facts(self) -> Cell:
        waiting = sum(record.state in _UNFINISHED and not self._is_here(record) for record in self.records)
        return (Mark(f"{words.count(waiting, 'export')} unfinished", "wait"),) if waiting else ()

    def _is_here(self, record: ExportRecord) -> bool:
        return record.id in self.context.exporting.moving

    def waiting(self) -> str:
        return "Reading the record of exports."

    def empty(self) -> tuple[str, ...]:
        return (
            "No exports yet.",
            "e on an artifact or file copies it to a dataset, a directory or a bucket.",
            "space selects several first, also of several runs.",
        )

    def entries(self) -> list[Entry]:
        now, exporting = self.context.now(), self.context.exporting
        found = []
        for record in map(exporting.live, self.records):
            row = export_row(record, now, self.signs, exporting.moving.get(record.id))
            fields = {"run": run_words(record), "to": place_words(record), "state": record.state}
            found.append(Entry(row, fields))
        return found

    @property
    def record(self) -> ExportRecord | None:
        key = self.rows.cursor_key
        found = next((record for record in self.records if record.id == key), None)
        return self.context.exporting.live(found) if found else None

    @on(Rows.Opened)
    def _on_opened(self, event: Rows.Opened) -> None:
        from flowtui.tui.screens.export_detail import ExportDetailScreen

        record = self.record
        if record is not None:
            self.app.push_screen(ExportDetailScreen(self.context, record))
