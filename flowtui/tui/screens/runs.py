"""The first place: the runs of a project and domain, newest first."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.message import Message

from flowtui import words
from flowtui.domain.execution import EntityId, Execution
from flowtui.domain.query import FIELDS
from flowtui.errors import FlowtuiError
from flowtui.text import first_line, plain
from flowtui.tui import filters
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context, Memory
from flowtui.tui.formatting import Cell, Mark, phase_mark, when_mark
from flowtui.tui.screens.place import Entry, Place
from flowtui.tui.screens.steer import Steering
from flowtui.tui.widgets.columns import Column, Row
from flowtui.tui.widgets.filter import FilterLine
from flowtui.tui.widgets.lines import TabLine
from flowtui.tui.widgets.rows import Rows

PAGE = 50
MOST = 500
CUT = 100
"""Characters that lists leave of an error."""
SEARCH_AFTER = 0.35
"""Seconds of rest in typing before the server is asked."""
COLUMNS = (
    Column("phase", least=9, most=13),
    Column("run", least=14, most=48),
    Column("workflow", least=12, most=48, leave=3, dotted=True),
    Column("started", least=11, leave=2),
    Column("took", right=True, leave=2),
    Column("files", right=True, leave=1),
    Column("version", least=8, most=24, leave=7, extra=True),
    Column("by", least=6, most=20, leave=8, extra=True),
)
SERVER_FIELDS = frozenset({"after", "before", "label"})
"""Fields that only the server looks at."""


def workflow_name(execution: Execution) -> str:
    """The name of the workflow; of a single task that was launched, the name of the task."""
    name = plain(execution.workflow.name)
    return name.split(".flytegen.", 1)[-1] if ".flytegen." in name else name


def files_cell(execution: Execution, memory: Memory) -> Cell:
    """``3/14`` files that exist of those declared, ``14`` where all do; dim where nobody looked yet."""
    known = memory.artifacts.get(execution.id)
    if known is not None:
        present = sum(artifact.present for artifact in known.artifacts)
        total = len(known.files)
    else:
        declared = memory.declared.get((execution.workflow.name, execution.workflow.version))
        if declared is None:
            return ()
        present = total = declared
    if not total:
        return (Mark("-", "dim"),)
    if known is None:
        return (Mark(str(total), "dim"),)
    return (Mark(f"{present}/{total}" if present != total else str(total)),)


def fields(execution: Execution) -> dict[str, str]:
    """What the filter looks at."""
    name, workflow, plan = plain(execution.id.name), workflow_name(execution), plain(execution.launch_plan.name)
    return {
        "run": name,
        "name": name,
        "wf": workflow,
        "workflow": workflow,
        "phase": f"{words.phase_word(execution.phase)} {execution.phase}",
        "by": plain(execution.principal),
        "version": plain(execution.workflow.version),
        "lp": plan,
        "plan": plan,
        "mode": execution.mode,
    }


def run_row(execution: Execution, context: Context, whole: Execution | None = None) -> Row:
    """The row of a run; below a failed one the line of its error that says what happened.

    Args:
        whole: the same run with its whole error, as lists cut errors.
    """
    now = context.now()
    took = execution.duration
    if took is None and not execution.is_terminal and execution.started_at is not None:
        took = max((now - execution.started_at).total_seconds(), 0)
    error = plain(execution.abort_cause)
    if execution.error:
        cut = execution.error.message
        error = words.error_line((whole.error if whole and whole.error else execution.error).message)
        error = error if whole or len(cut) < CUT else first_line(cut)
    return Row(
        str(execution.id),
        (
            (phase_mark(execution.phase, context.signs),),
            (Mark(plain(execution.id.name), "strong"),),
            (Mark(workflow_name(execution)),),
            (when_mark(execution.started_at or execution.created_at, now),),
            (Mark(words.duration(took)),),
            files_cell(execution, context.memory),
            (Mark(plain(execution.workflow.version), "dim"),),
            (Mark(plain(execution.principal), "dim"),),
        ),
        note=(Mark(error),) if error else (),
    )


@dataclass
class Found(Message):
    """A page of runs was read."""

    executions: tuple[Execution, ...]
    token: str
    first: bool
    typed: str = ""


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
        self.executions: dict[str, Execution] = {}
        self._token = ""
        self._deep = False
        self._place = ("", "")
        self._found: dict[str, frozenset[str]] = {}
        self._whole: dict[str, Execution] = {}

    def on_mount(self) -> None:
        if self.context.settings.local:
            self.query_one(TabLine).choose(self.place, (Mark(":connect for a Flyte server", "dim"),))
        super().on_mount()

    @property
    def period(self) -> float:  # type: ignore[override]
        """Short while something runs."""
        return 5 if any(not execution.is_terminal for execution in self.executions.values()) else 15

    async def read(self) -> None:
        session = await self.context.connection.session()
        settings = self.context.settings
        if settings.project:
            page = await session.catalog.executions(settings.project, settings.domain, limit=PAGE)
            self.post_message(Found(page.executions, page.token, True))

    @work(group="more", exclusive=True, exit_on_error=False)
    async def _read_more(self, token: str) -> None:
        session = await self.context.connection.session()
        settings = self.context.settings
        page = await session.catalog.executions(settings.project, settings.domain, limit=PAGE, token=token)
        self.post_message(Found(page.executions, page.token, False))

    @on(FilterLine.Changed)
    def _on_words(self, event: FilterLine.Changed) -> None:
        if event.words.strip():
            self._search(event.words)

    @work(group="search", exclusive=True, exit_on_error=False)
    async def _search(self, typed: str) -> None:
        """Older runs than those that are listed are found by the server."""
        await asyncio.sleep(SEARCH_AFTER)
        try:
            session = await self.context.connection.session()
            settings = self.context.settings
            page = await session.catalog.executions(settings.project, settings.domain, limit=PAGE, query=typed)
        except FlowtuiError:
            # The listed runs are filtered all the same; words that are being typed are no error.
            return
        self.post_message(Found(page.executions, "", False, typed))

    @on(Rows.NearEnd)
    def _on_near_end(self) -> None:
        if self._token and len(self.executions) < MOST:
            token, self._token = self._token, ""
            self._read_more(token)

    @on(Found)
    def _on_found(self, event: Found) -> None:
        new = {str(execution.id): execution for execution in event.executions}
        settings = self.context.settings
        if self._place != (settings.project, settings.domain):
            self._place, self.executions, self._deep = (settings.project, settings.domain), {}, False
        if event.typed:
            self._found = {event.typed: frozenset(new)}
            older = {key: run for key, run in new.items() if key not in self.executions}
            self._deep = self._deep or bool(older)
            self.executions.update(older)
        elif event.first:
            fresh = (
                {**new, **{key: old for key, old in self.executions.items() if key not in new}} if self._deep else new
            )
            self.executions = fresh
            self._token = self._token if self._deep else event.token
        else:
            self._deep = True
            self.executions.update(new)
            self._token = event.token
        self.show_rows()
        self._count_files()

    @work(group="declared", exclusive=True, exit_on_error=False)
    async def _count_files(self) -> None:
        """Ask once how many files each workflow version declares, and for whole errors, the newest run's first."""
        memory = self.context.memory
        session = await self.context.connection.session()
        wanted = {(run.workflow.name, run.workflow.version): run.workflow for run in self.executions.values()}
        missing = [entity for key, entity in wanted.items() if key not in memory.declared]
        gate = asyncio.Semaphore(4)

        async def ask(entity: EntityId) -> None:
            async with gate:
                try:
                    memory.declared[(entity.name, entity.version)] = await session.catalog.declared_count(entity)
                except FlowtuiError:
                    memory.declared[(entity.name, entity.version)] = None

        async def ask_error(key: str, run: Execution) -> None:
            async with gate:
                try:
                    self._whole[key] = await session.catalog.execution(run.id)
                except FlowtuiError:
                    self._whole[key] = run

        cut = [
            (key, run)
            for key, run in self.executions.items()
            if run.error and len(run.error.message) >= CUT and key not in self._whole
        ]
        for start in range(0, len(cut), 8):
            await asyncio.gather(*(ask_error(key, run) for key, run in cut[start : start + 8]))
            self.post_message(self.Known())
        for start in range(0, len(missing), 8):
            await asyncio.gather(*(ask(entity) for entity in missing[start : start + 8]))
            self.post_message(self.Known())

    @on(Known)
    def _on_known(self) -> None:
        self.show_rows()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self.is_mounted:
            self.show_rows()

    def entries(self) -> list[Entry]:
        return [
            Entry(run_row(run, self.context, self._whole.get(key)), fields(run)) for key, run in self.executions.items()
        ]

    def matches(self, wanted: tuple[filters.Word, ...], entry: Entry) -> bool:
        if any(word.field in SERVER_FIELDS for word in wanted):
            wanted = tuple(word for word in wanted if word.field not in SERVER_FIELDS)
            if entry.row.key not in self._found.get(self.query_one(FilterLine).words, ()):
                return False
        return filters.matches(wanted, entry.fields)

    def counts(self, shown: int, total: int) -> str:
        more = "+" if self._token else ""
        return f"{shown:,} of {total:,}{more}" if shown != total else f"{total:,}{more}" if total else ""

    def empty(self) -> tuple[str, ...]:
        if self.context.settings.local:
            return (
                "No runs on this machine yet.",
                "`flowtui demo` runs sample flows; `flowtui run FILE WORKFLOW` runs yours.",
                ":connect says how to see a Flyte server.",
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
