"""The first place: the runs of a project and domain, newest first."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.message import Message

from flowtui.domain.execution import EntityId, Execution, ExecutionPage
from flowtui.domain.query import FIELDS
from flowtui.errors import FlowtuiError, ServerError, UsageError
from flowtui.text import plain
from flowtui.tui import filters
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.formatting import Cell, Mark
from flowtui.tui.run_list import FIRST_PAGE, RunList
from flowtui.tui.run_rows import COLUMNS, CUT, fields, files_cell, run_row
from flowtui.tui.screens.place import Entry, Place
from flowtui.tui.screens.steer import Steering
from flowtui.tui.widgets.filter import FilterLine
from flowtui.tui.widgets.lines import TabLine
from flowtui.tui.widgets.rows import Rows

SEARCH_AFTER = 0.35
"""Seconds of rest in typing before the server is asked."""
LOOK_AFTER = 0.1
"""Seconds of rest in scrolling before more is asked about the runs that are seen."""
SERVER_FIELDS = frozenset({"after", "before", "label"})
"""Fields that only the server looks at."""

_NONE_SO_FAR = "No run that was read so far has these words."


@dataclass
class Begun(Message):
    """The first page of all runs was read."""

    page: ExecutionPage
    place: tuple[str, str]


@dataclass
class Changed(Message):
    """What changed since was read."""

    page: ExecutionPage
    place: tuple[str, str]


@dataclass
class Found(Message):
    """A further page was read, or one of a search."""

    page: ExecutionPage
    place: tuple[str, str]
    typed: str = ""
    first: bool = False


@dataclass(frozen=True)
class _Drawn:
    """An entry and what it was made from: as long as that is the same, so is the entry."""

    entry: Entry
    run: Execution
    whole: Execution | None
    files: Cell
    day: date


class RunsScreen(Steering, Place):
    """Runs with phase, workflow, start, duration and files; ``enter`` opens one."""

    place = "runs"
    columns = COLUMNS
    filter_fields = frozenset(FIELDS)
    filter_hint = "filter: words, wf:adam, !phase:aborted"
    BINDINGS: ClassVar[list[BindingType]] = bindings("rerun", "terminate")

    class Known(Message):
        """Some workflows' numbers of files, or some whole errors, became known."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._list = RunList()
        self._list_place = ("", "")
        self._anew = False
        self._whole: dict[str, Execution] = {}
        self._drawn: dict[str, _Drawn] = {}
        self._unsaid: tuple[str, str, str] = ("", "", "")

    @property
    def executions(self) -> dict[str, Execution]:
        """The runs that were read, by their id as text, newest first."""
        return self._list.runs

    def on_mount(self) -> None:
        if self.context.settings.local:
            self.query_one(TabLine).choose(self.place, (Mark(":connect for a Flyte server", "dim"),))
        super().on_mount()

    @property
    def period(self) -> float:
        """Short while something runs."""
        return 5 if self._list.goes_on else 15

    @property
    def _where(self) -> tuple[str, str]:
        settings = self.context.settings
        return settings.project, settings.domain

    async def read(self) -> None:
        session = await self.context.connection.session()
        place = self._where
        if not place[0]:
            return
        since = self._list.as_of if self._list_place == place and not self._anew else None
        self._anew = False
        if since is not None:
            page = await session.catalog.changes(*place, since)
            if not page.token:
                self.post_message(Changed(page, place))
                return
        page = await session.catalog.executions(*place, limit=FIRST_PAGE)
        self.post_message(Begun(page, place))

    def action_refresh(self) -> None:
        """Read the list anew: what was archived is not among the changes."""
        self._anew = True
        super().action_refresh()

    @work(group="more", exclusive=True, exit_on_error=False)
    async def _read_more(self, token: str, typed: str) -> None:
        session = await self.context.connection.session()
        place, limit = self._where, self._list.next_limit(typed)
        page = await session.catalog.executions(*place, limit=limit, token=token, query=typed or None)
        self.post_message(Found(page, place, typed))

    @on(FilterLine.Changed)
    def _on_words(self, event: FilterLine.Changed) -> None:
        if event.words.strip():
            self._search(event.words)

    @work(group="search", exclusive=True, exit_on_error=False)
    async def _search(self, typed: str) -> None:
        """Older runs than those that are listed are found by the server."""
        await asyncio.sleep(SEARCH_AFTER)
        place = self._where
        try:
            session = await self.context.connection.session()
            page = await session.catalog.executions(*place, limit=FIRST_PAGE, query=typed)
        except FlowtuiError as error:
            is_typo = isinstance(error, UsageError)
            told = (error.message, error.hint) if is_typo else (_NONE_SO_FAR, f"Older ones: {plain(error.message)}")
            self._unsaid = (typed, *told)
            self.post_message(self.Known())
        else:
            self.post_message(Found(page, place, typed, first=True))

    @property
    def _typed(self) -> str:
        words = self.query_one(FilterLine).words
        return words if words.strip() else ""

    @on(Rows.NearEnd)
    def _on_near_end(self) -> None:
        token = self._list.next_token(self._typed)
        if token and not any(worker.group == "more" and worker.is_running for worker in self.workers):
            self._read_more(token, self._typed)

    @on(Begun)
    def _on_begun(self, event: Begun) -> None:
        if event.place != self._list_place:
            self._list, self._list_place, self._drawn = RunList(), event.place, {}
        self._list.begin(event.page)
        self.show_rows()

    @on(Changed)
    def _on_changed(self, event: Changed) -> None:
        if event.place == self._list_place and (self._list.merge(event.page) or self._list.goes_on):
            self.show_rows()

    @on(Found)
    def _on_found(self, event: Found) -> None:
        if event.place == self._list_place:
            self._list.extend(event.page, event.typed, first=event.first)
            self.show_rows()

    def show_rows(self) -> None:
        super().show_rows()
        self._look_closer()

    @on(Rows.Scrolled)
    def _on_scrolled(self) -> None:
        self._look_closer()

    @work(group="closer", exclusive=True, exit_on_error=False)
    async def _look_closer(self) -> None:
        """Ask, of the runs that are seen, how many files their workflow versions declare, and for whole errors."""
        await asyncio.sleep(LOOK_AFTER)
        memory = self.context.memory
        seen = [self.executions[key] for key in self.rows.visible_keys() if key in self.executions]
        wanted = {(run.workflow.name, run.workflow.version): run.workflow for run in seen}
        missing = [entity for key, entity in wanted.items() if key not in memory.declared]
        cut = [run for run in seen if run.error and len(run.error.message) >= CUT and str(run.id) not in self._whole]
        if self.problem is not None or (not missing and not cut):
            return
        session = await self.context.connection.session()
        gate = asyncio.Semaphore(4)

        async def ask(entity: EntityId) -> None:
            async with gate:
                try:
                    count = await session.catalog.declared_count(entity)
                except ServerError:
                    # It may be known the next time.
                    return
                except FlowtuiError:
                    count = None
            memory.declared[(entity.name, entity.version)] = count
            self.post_message(self.Known())

        async def ask_error(run: Execution) -> None:
            async with gate:
                try:
                    whole = await session.catalog.execution(run.id)
                except ServerError:
                    return
                except FlowtuiError:
                    whole = run
            self._whole[str(run.id)] = whole
            self.post_message(self.Known())

        await asyncio.gather(*(ask_error(run) for run in cut), *(ask(entity) for entity in missing))

    @on(Known)
    def _on_known(self) -> None:
        super().show_rows()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self.is_mounted:
            self.show_rows()

    def entries(self) -> list[Entry]:
        now, memory = self.context.server_now(), self.context.memory
        day = now.date()
        found: list[Entry] = []
        for key, run in self.executions.items():
            whole, files = self._whole.get(key), files_cell(run, memory)
            drawn = self._drawn.get(key)
            if (
                drawn is None
                or drawn.run is not run
                or drawn.whole is not whole
                or drawn.files != files
                or drawn.day != day
                or not run.is_terminal
            ):
                entry = Entry(run_row(run, files, now, self.context.signs, whole), fields(run))
                drawn = self._drawn[key] = _Drawn(entry, run, whole, files, day)
            found.append(drawn.entry)
        return found

    def matches(self, wanted: tuple[filters.Word, ...], entry: Entry) -> bool:
        if any(word.field in SERVER_FIELDS for word in wanted):
            wanted = tuple(word for word in wanted if word.field not in SERVER_FIELDS)
            if entry.row.key not in self._list.found(self._typed):
                return False
        return filters.matches(wanted, entry.fields)

    def counts(self, shown: int, total: int) -> str:
        more = "+" if self._list.next_token(self._typed) else ""
        return f"{shown:,} of {total:,}{more}" if shown != total else f"{total:,}{more}" if total else ""

    def unmatched(self) -> tuple[str, ...]:
        typed, message, hint = self._unsaid
        if typed and typed == self._typed:
            return message, hint
        if self._typed and not self._list.was_searched(self._typed):
            return _NONE_SO_FAR, f"Asking {self.context.server} for older ones."
        return super().unmatched()

    def empty(self) -> tuple[str, ...]:
        if self.context.settings.local:
            return (
                "No runs on this machine yet.",
                "`flowtui demo` runs sample flows; `flowtui run FILE WORKFLOW` runs yours.",
                ":connect URL shows those of a Flyte server, :ctx lists your contexts.",
            )
        settings = self.context.settings
        return (f"No runs in {settings.project} / {settings.domain} yet.", "r looks again.")

    @property
    def chosen(self) -> Execution | None:
        """The run under the cursor."""
        return self.executions.get(self.rows.cursor_key)

    @property
    def steered(self) -> Execution | None:
        return self.chosen

    @on(Rows.Opened)
    def _on_opened(self) -> None:
        run = self.chosen
        if run is not None:
            from flowtui.tui.screens.run import RunScreen

            self.app.push_screen(RunScreen(self.context, run))
