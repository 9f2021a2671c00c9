"""One export: what it is, its files, and its log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.export_rows import FILE_COLUMNS, LOG_COLUMNS, export_facts, export_mark, file_rows, log_rows, run_words
from flowtui.tui.formatting import Cell
from flowtui.tui.screens.export_actions import ExportActions
from flowtui.tui.widgets.facts import Facts
from flowtui.tui.widgets.lines import Problem, TabLine
from flowtui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from flowtui.exports import ExportRecord
    from flowtui.exports.records import Event, FileRecord

TABS = (("files", "Files"), ("log", "Log"))
_ENDED = ("done", "cancelled")


class ExportDetailScreen(ExportActions):
    """Facts above, files or log below."""

    bare = False
    BINDINGS: ClassVar[list[BindingType]] = bindings("next_tab", "previous_tab")

    class Read(Message):
        """The journal was read."""

        def __init__(self, record: ExportRecord, files: tuple[FileRecord, ...], events: tuple[Event, ...]) -> None:
            super().__init__()
            self.record = record
            self.files = files
            self.events = events

    def __init__(self, context: Context, record: ExportRecord) -> None:
        super().__init__(context)
        self._record = record
        self.tab = "files"
        self.facts_pane = Facts(signs=self.signs, id="export-facts")
        self.files = Rows(FILE_COLUMNS, signs=self.signs, id="export-files")
        self.log_list = Rows(LOG_COLUMNS, show_titles=False, signs=self.signs, id="export-log")

    @property
    def record(self) -> ExportRecord | None:
        return self.context.exporting.live(self._record)

    @property
    def period(self) -> float:
        """Every two seconds until it is at its end."""
        return 0 if self._record.state in _ENDED else 2

    def crumbs(self) -> list[str]:
        return ["exports", run_words(self._record), self._record.id]

    def facts(self) -> Cell:
        return (export_mark(self.context.exporting.live(self._record).state, self.signs),)

    def compose_body(self) -> Iterable[Widget]:
        yield TabLine(TABS, self.tab, signs=self.signs)
        yield self.facts_pane
        yield Problem()
        yield self.files
        yield self.log_list

    def on_mount(self) -> None:
        self.log_list.display = False
        self.files.set_empty("Reading its files.")
        self.log_list.set_empty("Nothing happened yet.")
        self.files.focus()
        self._show_facts()
        super().on_mount()

    async def read(self) -> None:
        journal, id_ = (await self.context.connection.session()).journal, self._record.id

        def look() -> ExportDetailScreen.Read:
            return self.Read(journal.get(id_), journal.files(id_), journal.events(id_))

        self.post_message(await asyncio.to_thread(look))

    @on(Read)
    def _on_read(self, event: Read) -> None:
        self._record = event.record
        self.files.set_rows(file_rows(event.files, self.signs))
        self.files.set_empty("An older flowtui recorded it without its files.")
        self.log_list.set_rows(log_rows(event.events, self.context.now()))
        self._show_facts()
        self.update_title()
        self.refresh_bindings()

    def _show_facts(self) -> None:
        exporting = self.context.exporting
        record = exporting.live(self._record)
        self.facts_pane.show(export_facts(record, self.context.now(), self.signs, exporting.moving.get(record.id)))

    def exports_moved(self, *, changed: bool) -> None:
        super().exports_moved(changed=changed)
        if changed:
            self.reload()
        self._show_facts()

    def removed(self) -> None:
        self.dismiss()

    def action_next_tab(self) -> None:
        self.choose_tab("log" if self.tab == "files" else "files")

    def action_previous_tab(self) -> None:
        self.action_next_tab()

    def action_next_pane(self) -> None:
        self.action_next_tab()

    def action_previous_pane(self) -> None:
        self.action_next_tab()

    def choose_tab(self, name: str) -> None:
        """Show files or log."""
        self.tab = name
        self.files.display, self.log_list.display = name == "files", name == "log"
        self.query_one(TabLine).choose(name)
        (self.files if name == "files" else self.log_list).focus()

    @on(TabLine.Chosen)
    def _on_tab_chosen(self, event: TabLine.Chosen) -> None:
        self.choose_tab(event.name)
