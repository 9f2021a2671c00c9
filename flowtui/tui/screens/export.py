"""The export dialog: where to, with which options, and the plan; nothing is written before ``enter`` on the plan."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from flowtui import words
from flowtui.errors import FlowtuiError
from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.destination import DATASET, DIRECTORY, IF_EXISTS, Destination, last_used, usual_speed
from flowtui.tui.formatting import Cell, Mark
from flowtui.tui.plan_rows import COLUMNS, can_begin, plan_rows, plan_sum
from flowtui.tui.roads import ROADS, ExportRoad, advice
from flowtui.tui.screens.base import BaseScreen
from flowtui.tui.screens.selecting import Files
from flowtui.tui.widgets.form import Form
from flowtui.tui.widgets.lines import Line, Problem
from flowtui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from flowtui.domain.execution import ExecutionId
    from flowtui.exports import ExportRecord, Plan, SourceRun
    from flowtui.session import Session

_TYPED_SECONDS = 0.2
"""A plan is made when nothing was typed for so long."""

_AT_ONCE = 4
_RECORDS = 50


class PlanRows(Rows):
    """The files of a plan; ``enter`` carries it out."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("open", open="export")


class ExportScreen(BaseScreen[None]):
    """Exports files of one or several runs.

    Args:
        files: by the run that they are of.
        download: name it a download, and begin with the directory that flowtui was started in.
        roads: what else can carry it out.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("elsewhere", "if_exists", "leave_out", "options")

    class Began(Message):
        """It is known where the last exports went."""

        def __init__(self, records: tuple[ExportRecord, ...]) -> None:
            super().__init__()
            self.records = records

    class Planned(Message):
        """The plan is made."""

        def __init__(self, plan: Plan) -> None:
            super().__init__()
            self.plan = plan

    class Refused(Message):
        """There is no plan, or it was not begun."""

        def __init__(self, error: FlowtuiError) -> None:
            super().__init__()
            self.error = error

    class Started(Message):
        """The export goes on in the background."""

        def __init__(self, id_: str) -> None:
            super().__init__()
            self.id = id_

    def __init__(
        self, context: Context, files: Files, *, download: bool = False, roads: tuple[ExportRoad, ...] | None = None
    ) -> None:
        super().__init__(context)
        self.files = files
        self.word = "download" if download else "export"
        self.roads = () if download else ROADS if roads is None else roads
        run = next(iter(files)).name if len(files) == 1 else ""
        where = Path.cwd() if download else Path.cwd() / "exports" / run
        self.destination = Destination(places={DIRECTORY: str(where)})
        self.plan: Plan | None = None
        self.left_out = 0
        self._leaves_out = False
        self._records: tuple[ExportRecord, ...] = ()
        self._runs: dict[ExecutionId, SourceRun] = {}
        self._starting = False
        self._returns = False
        self.form = Form(signs=self.signs, id="export-form")
        self.rows = PlanRows(COLUMNS, show_titles=False, signs=self.signs, id="plan")
        self.advice_line = Line(signs=self.signs, id="export-advice")
        self.sum_line = Line(signs=self.signs, id="export-sum")

    @property
    def _is_download(self) -> bool:
        return self.word == "download"

    def crumbs(self) -> list[str]:
        runs = [run.name for run in self.files]
        return [runs[0] if len(runs) == 1 else words.count(len(runs), "run"), self.word]

    def selected(self) -> Cell:
        return ()

    def compose_body(self) -> Iterable[Widget]:
        yield Line(signs=self.signs, id="export-what")
        yield self.form
        yield Problem()
        yield self.rows
        yield self.advice_line
        yield self.sum_line

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#export-what", Line).show(self._what())
        self.advice_line.display = False
        self.rows.set_empty("Looking at the files and at what is there already.")
        self.rows.focus()
        self._show_form()
        self._begin()

    def _what(self) -> Cell:
        every = [file for files in self.files.values() for file in files]
        names = [plain(name) for name in dict.fromkeys(file.artifact for file in every)]
        runs = [plain(run.name) for run in self.files]
        named = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        source = runs[0] if len(runs) == 1 else words.count(len(runs), "run")
        present = sum(bool(file.uris) for file in every)
        return (
            Mark("   "),
            Mark(f"{self.word.capitalize():<14}", "dim"),
            Mark(named, "strong"),
            Mark(f"  {words.count(present, 'file')} of {source}", "dim"),
        )

    def _show_form(self) -> None:
        road = self._road
        needs = road.needs(self.destination.needs) if road else ()
        self.form.show(self.destination.fields([(one.name, one.words) for one in self.roads], needs))

    @property
    def _road(self) -> ExportRoad | None:
        return next((road for road in self.roads if road.name == self.destination.kind), None)

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _begin(self) -> None:
        try:
            session = await self.context.connection.session()
            records = await asyncio.to_thread(session.journal.list, _RECORDS)
        except FlowtuiError as error:
            self.post_message(self.Refused(error))
        else:
            self.post_message(self.Began(records))

    @on(Began)
    def _on_began(self, event: Began) -> None:
        self._records = event.records
        if not self._is_download:
            settings = self.context.settings
            first = replace(self.destination, kind=DATASET) if settings.domino.url else self.destination
            self.destination = last_used(event.records, first, settings.home, Path.cwd())
        self._show_form()
        if not self.destination.place:
            self.form.focus()
            self.form.go_to("place")
        self._make_plan()

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _make_plan(self, after: float = 0) -> None:
        from flowtui.exports import Selection, make_plan, parse_target

        await asyncio.sleep(after)
        destination = self.destination
        try:
            session = await self.context.connection.session()
            options = destination.options
            target = parse_target(destination.text, options, session.target_access)
            await self._read_runs(session)
            selections = [Selection(self._runs[run], files) for run, files in self.files.items()]
            plan = await make_plan(
                selections, target, session.storage, if_exists=destination.if_exists, folder=options.folder
            )
        except FlowtuiError as error:
            self.post_message(self.Refused(error))
        else:
            self.post_message(self.Planned(plan))

    async def _read_runs(self, session: Session) -> None:
        """The facts of the runs for the manifest, each asked for once."""
        from flowtui.exports import source_run

        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(id_: ExecutionId) -> None:
            async with gate:
                known = self.context.memory.artifacts.get(id_)
                execution = known.execution if known else await session.catalog.execution(id_)
                self._runs[id_] = source_run(execution, await session.catalog.inputs(id_))

        await asyncio.gather(*(one(id_) for id_ in self.files if id_ not in self._runs))

    @on(Planned)
    def _on_planned(self, event: Planned) -> None:
        plan = event.plan
        self.left_out = len(plan.problems) if self._leaves_out else 0
        self.plan = replace(plan, problems=()) if self._leaves_out else plan
        self.show_problem(None)
        self.rows.set_empty("No file is there to be exported.")
        self._show_plan()

    def _show_plan(self) -> None:
        plan = self.plan
        if plan is None:
            self.rows.set_rows([])
            self.sum_line.show(())
            self.advice_line.display = False
        else:
            self.rows.set_rows(plan_rows(plan, self.left_out, self.context.now()))
            speed = usual_speed(self._records, plan.target.kind)
            self.sum_line.show(*plan_sum(plan, speed, f"{self.word}s", self.signs))
            said = advice(plan, self.destination.kind, self.roads)
            self.advice_line.show((Mark(said, "busy"),))
            self.advice_line.display = bool(said)
        self.refresh_bindings()

    @on(Form.Changed)
    def _on_changed(self, event: Form.Changed) -> None:
        self._change(event.name, event.value)

    def _change(self, name: str, value: str) -> None:
        self.destination = self.destination.changed(name, value)
        self._show_form()
        self._plan_anew(_TYPED_SECONDS if self.form.editing else 0)

    def _plan_anew(self, after: float = 0) -> None:
        self.plan = None
        self.sum_line.show((Mark("Looking at what is there already.", "wait"),))
        self.refresh_bindings()
        self._make_plan(after)

    @on(Form.Wanted)
    def _on_wanted(self, event: Form.Wanted) -> None:
        from flowtui.tui.screens.datasets import DatasetsScreen

        names = [file.artifact for files in self.files.values() for file in files]
        self.app.push_screen(DatasetsScreen(self.context, self._choose_dataset, plain(names[0])))

    def _choose_dataset(self, place: str, said: str, create: bool) -> None:
        self.destination = self.destination.in_dataset(place, said, create=create)
        self._show_form()
        self.rows.focus()
        self._plan_anew()

    @on(Form.Left)
    def _on_form_left(self) -> None:
        self.rows.focus()

    @on(Refused)
    def _on_refused(self, event: Refused) -> None:
        self._starting = False
        self.plan = None
        self.rows.set_empty()
        self._show_plan()
        for problem in self.query(Problem):
            problem.tell(event.error)

    @on(Rows.Opened)
    def _confirmed(self) -> None:
        plan = self.plan
        if plan is not None and can_begin(plan) and not self._starting:
            self._starting = True
            self._start(plan)

    @work(group="start", exclusive=True, exit_on_error=False)
    async def _start(self, plan: Plan) -> None:
        try:
            session = await self.context.connection.session()
            options, road = self.destination.options, self._road
            if road is None:
                id_ = await session.transfers.start(plan, options)
            else:
                id_ = await road.start(session, plan, options, self.destination.needs)
        except FlowtuiError as error:
            self.post_message(self.Refused(error))
        else:
            self.post_message(self.Started(id_))

    @on(Started)
    def _on_started(self) -> None:
        # What was selected is on its way now.
        self.context.selection.clear()
        self.dismiss()

    def action_if_exists(self) -> None:
        order = [name for name, _ in IF_EXISTS]
        self._change("if_exists", order[(order.index(self.destination.if_exists) + 1) % len(order)])

    @on(Form.Typed)
    def _on_typed(self) -> None:
        if self._returns:
            self.rows.focus()
        self._returns = False

    def action_elsewhere(self) -> None:
        self._returns = self.rows.has_focus
        self.form.focus()
        self.form.edit("place")

    def action_options(self) -> None:
        (self.form if self.rows.has_focus else self.rows).focus()

    def action_leave_out(self) -> None:
        plan = self.plan
        if plan is not None and plan.problems:
            self._leaves_out, self.left_out = True, len(plan.problems)
            self.plan = replace(plan, problems=())
            self._show_plan()
            self.rows.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "refresh":
            return False
        if action in ("elsewhere", "if_exists", "leave_out", "options") and self.is_mounted and self.form.editing:
            return False
        if action == "leave_out":
            return self.plan is not None and bool(self.plan.problems)
        if action == "if_exists":
            return any(field.name == "if_exists" for field in self.form.fields)
        return super().check_action(action, parameters)
