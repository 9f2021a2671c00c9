"""The export dialog: where to, the plan of what will be written, then progress; nothing is written before ``enter``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input
from textual.worker import Worker

from flowtui import words
from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import ExecutionId
from flowtui.domain.size import human_size
from flowtui.errors import FlowtuiError, UsageError
from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.formatting import Cell, Mark
from flowtui.tui.screens.base import BaseScreen
from flowtui.tui.widgets.columns import Column, Row
from flowtui.tui.widgets.facts import Facts
from flowtui.tui.widgets.lines import Line, Problem
from flowtui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from flowtui.exports import IfExists, Outcome, Plan, Progress

COLUMNS = (
    Column("file", least=20, most=80),
    Column("size", right=True, least=7),
    Column("", least=12, most=60, sentence=True),
)
ANSWERS: tuple[tuple[str, str], ...] = (("keep-both", "keep both"), ("replace", "replace"), ("stop", "stop"))
PROGRESS_STEP = 0.1
"""Seconds between two looks at the progress."""


def plan_rows(plan: Plan) -> list[Row]:
    """What the plan does with each file."""
    rows = []
    ready = bool(plan.to_write) and not plan.blocked
    for number, file in enumerate(plan.files):
        there = file.replaced
        said = {"new": "new", "same": "there already", "blocked": "in the way", "keeps both": "keeps both"}.get(
            file.action, file.action
        )
        if file.action == "replaces" and there is not None:
            said = f"replaces {human_size(there.size)}"
        note = f"  ({file.note})" if file.note else ""
        style = {"blocked": "bad", "replaces": "busy", "same": "dim"}.get(file.action, "good")
        rows.append(
            Row(
                str(number),
                ((Mark(plain(file.path)),), (Mark(human_size(file.size)),), (Mark(said, style), Mark(note, "dim"))),
                openable=ready,
            )
        )
    rows += [
        Row(
            f"p{number}",
            ((Mark(plain(problem.file.file)),), (), (Mark("cannot be read", "bad"),)),
            note=(Mark(plain(problem.message)),),
        )
        for number, problem in enumerate(plan.problems)
    ]
    rows += [Row(f"n{number}", ((Mark(plain(notice), "dim"),), (), ())) for number, notice in enumerate(plan.notices)]
    return rows


class _Place(Input):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,down,tab", "leave", "to the plan", show=False)]

    def action_leave(self) -> None:
        screen = self.screen
        self.can_focus = False
        if isinstance(screen, ExportScreen):
            screen.rows.focus()


class PlanRows(Rows):
    """The files of a plan; ``enter`` carries it out."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("open", open="export")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        screen = self.screen
        if action == "open" and isinstance(screen, ExportScreen) and screen.state == "moving":
            return False
        return super().check_action(action, parameters)


class ExportScreen(BaseScreen[None]):
    """Exports files of one run to a directory.

    Args:
        download: name it a download, and begin with the directory that flowtui was started in.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("elsewhere", "if_exists"),
    ]

    class Planned(Message):
        """The plan is made."""

        def __init__(self, plan: Plan) -> None:
            super().__init__()
            self.plan = plan

    class Done(Message):
        """The export ended well."""

        def __init__(self, outcome: Outcome) -> None:
            super().__init__()
            self.outcome = outcome

    class Broken(Message):
        """The export ended with an error."""

        def __init__(self, error: FlowtuiError) -> None:
            super().__init__()
            self.error = error

    def __init__(
        self, context: Context, run: ExecutionId, files: tuple[ArtifactFile, ...], *, download: bool = False
    ) -> None:
        super().__init__(context)
        self.run_id = run
        self.files = files
        self.word = "download" if download else "export"
        self.where = str(Path.cwd()) if download else str(Path.cwd() / "exports" / run.name)
        self.if_exists: IfExists = "replace"
        self.plan: Plan | None = None
        self.state = "planning"
        self._moved = (0, 0, "")
        self._transfer: Worker[None] | None = None
        self.place = _Place(self.where, compact=True, select_on_focus=False)
        self.place.cursor_blink = False
        self.rows = PlanRows(COLUMNS, show_titles=False, signs=self.signs, id="plan")
        self.facts_pane = Facts(signs=self.signs, id="export-facts")
        self.sum_line = Line(signs=self.signs, id="export-sum")

    def crumbs(self) -> list[str]:
        names = list(dict.fromkeys(file.artifact for file in self.files))
        what = (
            names[0]
            if len(names) == 1 and len(self.files) != 1
            else self.files[0].file
            if len(self.files) == 1
            else words.count(len(names), "artifact")
        )
        return [self.run_id.name, self.word, what]

    def compose_body(self) -> Iterable[Widget]:
        yield self.facts_pane
        with Horizontal(id="export-place"):
            yield Line(signs=self.signs, id="export-to")
            yield self.place
        yield Problem()
        yield self.rows
        yield self.sum_line

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#export-to", Line).show((Mark("To        ", "dim"),))
        self.rows.set_empty("Looking at the files and at what is there already.")
        self.place.can_focus = False
        self.rows.focus()
        self._show_choices()
        self._make_plan()

    def _show_choices(self) -> None:
        present = [file for file in self.files if file.uris]
        choices: list[Mark] = []
        for name, said in ANSWERS:
            chosen = name == self.if_exists
            choices.append(Mark(f"{'> ' if chosen else '  '}{said}  ", "here" if chosen else "dim"))
        names = dict.fromkeys(plain(file.artifact) for file in self.files)
        said = f"{words.count(len(present), 'file')} from {plain(self.run_id.name)}"
        self.facts_pane.show(
            [
                (self.word.capitalize(), (Mark(", ".join(names), "strong"), Mark(f"  {said}", "dim"))),
                ("If there", tuple(choices)),
            ]
        )  # fmt: skip

    @on(Input.Changed)
    def _on_place(self, event: Input.Changed) -> None:
        self.where = event.value
        self.plan = None
        self._make_plan()

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _make_plan(self) -> None:
        from flowtui.exports import Selection, SourceRun, make_plan, parse_target

        await asyncio.sleep(0.2)
        try:
            session = await self.context.connection.session()
            if not self.where.strip():
                raise UsageError("Where to? Type a directory.", "It is made where it is not there.")
            target = parse_target(self.where.strip())
            selection = Selection(SourceRun(self.run_id), self.files)
            plan = await make_plan([selection], target, session.storage, if_exists=self.if_exists)
        except FlowtuiError as error:
            self.post_message(self.Broken(error))
        else:
            self.post_message(self.Planned(plan))

    @on(Planned)
    def _on_planned(self, event: Planned) -> None:
        self.plan, self.state = event.plan, "planned"
        self.show_problem(None)
        self.rows.set_rows(plan_rows(event.plan))
        self.rows.set_empty("No file is there to be exported.")
        self._show_sum()
        self.refresh_bindings()

    def _show_sum(self) -> None:
        plan = self.plan
        if plan is None:
            self.sum_line.show(())
            return
        total = human_size(plan.bytes)
        unknown = f", {plan.unknown_sizes} of unknown size" if plan.unknown_sizes else ""
        left: Cell
        if self.state == "moving":
            done, whole, path = self._moved
            share = f"{done * 100 // whole:3d}%" if whole else ""
            width = 30
            filled = width * done // whole if whole else 0
            full, free = ("#", ".") if self.signs.ascii else ("━", "─")
            left = (
                Mark(full * filled, "accent"), Mark(free * (width - filled), "dim"),
                Mark(f" {share} {human_size(done)} of {human_size(whole)}  "), Mark(plain(path), "dim"),
            )  # fmt: skip
        elif plan.blocked:
            left = (Mark(f"{words.count(len(plan.blocked), 'file')} in the way: x replaces or keeps both.", "bad"),)
        elif not plan.to_write:
            left = (Mark("Everything is there already." if plan.files else "There is nothing to write.", "dim"),)
        else:
            left = (
                Mark(f"{words.count(len(plan.to_write), 'file')}, {total}{unknown}"),
                Mark(f"   enter {self.word}s", "dim"),
            )
        self.sum_line.show(left)

    def action_if_exists(self) -> None:
        order = [name for name, _ in ANSWERS]
        following = order[(order.index(self.if_exists) + 1) % len(order)]
        self.if_exists = "keep-both" if following == "keep-both" else "replace" if following == "replace" else "stop"
        self._show_choices()
        self._make_plan()

    def action_elsewhere(self) -> None:
        self.place.can_focus = True
        self.place.focus()

    @on(Rows.Opened)
    def _confirmed(self) -> None:
        plan = self.plan
        if self.state == "planned" and plan is not None and plan.to_write and not plan.blocked:
            self.state = "moving"
            self.place.can_focus = False
            self.rows.focus()
            self._moved = (0, plan.bytes, "")
            self._transfer = self._move(plan)
            self._timer = self.set_interval(PROGRESS_STEP, self._show_sum)
            self.refresh_bindings()

    @work(group="transfer", exclusive=True, exit_on_error=False)
    async def _move(self, plan: Plan) -> None:
        from flowtui.exports import run

        session = await self.context.connection.session()
        try:
            outcome = await run(plan, session.storage, self._progress, journal=session.journal)
        except FlowtuiError as error:
            self.post_message(self.Broken(error))
        else:
            self.post_message(self.Done(outcome))

    def _progress(self, progress: Progress) -> None:
        self._moved = (progress.bytes_done, progress.bytes, progress.path)

    def _ended(self, state: str) -> None:
        self.state = state
        self.rows.set_rows([replace(row, openable=False) for row in self.rows.rows])
        self._transfer = None
        self._timer.stop()
        self.refresh_bindings()

    @on(Done)
    def _on_done(self, event: Done) -> None:
        self._ended("done")
        written = event.outcome.written
        total = human_size(sum(file.size for file in written))
        said = f"{words.count(len(written), 'file')}, {total} in {plain(self.where)}"
        self.sum_line.show((Mark(said, "good"), Mark("   esc goes back; 4 lists exports", "dim")))

    @on(Broken)
    def _on_broken(self, event: Broken) -> None:
        if self.state == "moving":
            self._ended("failed")
            self.sum_line.show((Mark("The export failed; files that are whole stay.", "bad"),))
        else:
            self.plan = None
            self.rows.set_rows([])
            self.rows.set_empty()
            self._show_sum()
        for problem in self.query(Problem):
            problem.tell(event.error)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("if_exists", "elsewhere"):
            return self.state in ("planning", "planned")
        if action == "refresh":
            return False
        return super().check_action(action, parameters)

    def action_back(self) -> None:
        if self.state == "moving" and self._transfer is not None:
            self._transfer.cancel()
            self._ended("cancelled")
            self.sum_line.show(
                (Mark("Cancelled. Files that are whole stay; what is begun is taken up next time.", "busy"),)
            )
            return
        if self.place.has_focus:
            self.place.action_leave()
            self.rows.focus()
            return
        super().action_back()
