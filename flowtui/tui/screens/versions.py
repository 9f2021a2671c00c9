"""Versions of an artifact or of one file of it: what recent runs of the same workflow made, read run by run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from flowtui.domain.artifact import Artifact, ArtifactFile, ArtifactVersionId, RunArtifacts
from flowtui.domain.execution import Execution, ExecutionId
from flowtui.domain.version_diff import same_file
from flowtui.errors import AuthError, FlowtuiError, NotFoundError, UnreachableError, UsageError
from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.formatting import Cell, Mark, phase_mark, size_mark, when_mark
from flowtui.tui.outlines import artifact_key, file_key
from flowtui.tui.run_rows import workflow_name
from flowtui.tui.screens.actions import FileActions
from flowtui.tui.selection import Thing, files_of
from flowtui.tui.widgets.columns import Column, Row
from flowtui.tui.widgets.lines import Problem
from flowtui.tui.widgets.rows import Rows
from flowtui.words import count

if TYPE_CHECKING:
    from flowtui.session import Session

PAGE = 30
"""Runs that are looked at, and further ones whenever the list is scrolled to its end."""

Version = Artifact | ArtifactFile
MOST_RUNS = 300
AT_ONCE = 3

_COLUMNS = (
    Column("", least=1, most=2),
    Column("run", least=14, most=48),
    Column("phase", least=9, most=13, leave=2),
    Column("size", right=True, least=8),
    Column("started", least=11, leave=1),
    Column("version", least=8, most=40, leave=3),
)


class VersionsScreen(FileActions):
    """Runs of the workflow, newest first; ``=`` compares a version with the one that the screen was opened for.

    Args:
        id_: the artifact or file, by the run that it is of.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("compare_with", "lineage", "bookmark", "download", "copy")

    class Listed(Message):
        """The runs are known, that of the file among them."""

        def __init__(self, own: RunArtifacts, runs: tuple[Execution, ...], goes_on: bool) -> None:
            super().__init__()
            self.own = own
            self.runs = runs
            self.goes_on = goes_on

    class Read(Message):
        """A run was read, or could not be."""

        def __init__(self, id_: ExecutionId, artifacts: RunArtifacts | None) -> None:
            super().__init__()
            self.id = id_
            self.artifacts = artifacts

    def __init__(self, context: Context, id_: ArtifactVersionId) -> None:
        super().__init__(context)
        self.id_ = id_
        self.own: Version | None = None
        self.runs: tuple[Execution, ...] = ()
        self.files: dict[str, Version | None] = {}
        self.unread = 0
        self._wanted = PAGE
        self._goes_on = False
        self._landed = False

    @property
    def _own_key(self) -> str:
        return str(self.id_.execution)

    @property
    def rows(self) -> Rows:
        """The list."""
        return self.query_one(Rows)

    def crumbs(self) -> list[str]:
        return [self.id_.execution.name, "versions", self.named]

    @property
    def named(self) -> str:
        """Of the file or the artifact."""
        return self.id_.file or self.id_.artifact

    def facts(self) -> Cell:
        reading = len(self.runs) - len(self.files)
        if reading > 0:
            return (Mark(f"{reading} runs to read", "wait"),)
        shown = f"{len(self.rows.rows) if self.is_mounted else 0} of {len(self.runs)} runs"
        return (Mark(f"{shown}, {self.unread} unread" if self.unread else shown, "dim"),) if self.runs else ()

    def compose_body(self) -> Iterable[Widget]:
        yield Problem()
        yield Rows(_COLUMNS, signs=self.signs, id="list")

    def on_mount(self) -> None:
        self.rows.focus()
        self.rows.set_empty(f"Looking for other versions of {plain(self.named)}.")
        super().on_mount()

    async def read(self) -> None:
        session = await self.context.connection.session()
        own = await self._artifacts(session, self.id_.execution)
        run, wanted = own.execution, min(self._wanted, MOST_RUNS)
        try:
            query: str | None = f'wf:"{run.workflow.name}"'
            runs = await session.catalog.newest(run.id.project, run.id.domain, wanted, query)
        except UsageError:
            # The name holds what a filter cannot say.
            runs = await session.catalog.newest(run.id.project, run.id.domain, wanted)
        goes_on = len(runs) == wanted < MOST_RUNS
        runs = tuple(one for one in runs if one.workflow.name == run.workflow.name)
        if all(one.id != run.id for one in runs):
            runs = (*runs, run)
        self.post_message(self.Listed(own, runs, goes_on))
        gate = asyncio.Semaphore(AT_ONCE)
        troubles: list[FlowtuiError] = []

        async def one_run(id_: ExecutionId) -> None:
            async with gate:
                try:
                    found = await self._artifacts(session, id_)
                except FlowtuiError as error:
                    troubles.append(error)
                    self.post_message(self.Read(id_, None))
                else:
                    self.post_message(self.Read(id_, await session.with_sizes(found, remote=False)))

        await asyncio.gather(*(one_run(one.id) for one in runs))
        # One run that cannot be read is counted; a server that is gone is told.
        gone = [error for error in troubles if isinstance(error, (UnreachableError, AuthError))]
        if gone:
            raise gone[0]

    async def _artifacts(self, session: Session, id_: ExecutionId) -> RunArtifacts:
        """What a run has, without a call where it was read and does not change any more."""
        known = self.context.memory.artifacts.get(id_)
        if known is not None and known.execution.is_terminal and known.complete:
            return known
        return await session.catalog.artifacts(id_)

    @on(Listed)
    def _on_listed(self, event: Listed) -> None:
        self.own = version_in(event.own, self.id_)
        if self.own is None:
            said = f"{plain(self.named)} is not in {plain(self.id_.execution.name)} any more."
            self.post_message(self.Failed(NotFoundError(said, "The workflow may have been registered anew.")))
        self.runs, self._goes_on, self.unread = event.runs, event.goes_on, 0
        known = {str(run.id) for run in event.runs}
        self.files = {key: file for key, file in self.files.items() if key in known}
        self._show()

    @on(Read)
    def _on_read(self, event: Read) -> None:
        if event.artifacts is None:
            self.unread += 1
        else:
            self.context.memory.keep(event.artifacts)
        found = event.artifacts
        self.files[str(event.id)] = same_version(self.own, found) if self.own and found else None
        self._show()

    def answered(self) -> None:
        self._show()
        if self.problem is None and len(self.rows.rows) < self.rows.size.height:
            self._go_on()

    @on(Rows.NearEnd)
    def _on_near_end(self) -> None:
        self._go_on()

    def _go_on(self) -> None:
        """Look at further runs."""
        if self._goes_on and self._asked is None:
            self._wanted += PAGE
            self.reload()

    def _show(self) -> None:
        made = [self._row(run) for run in self.runs if self.files.get(str(run.id)) or str(run.id) == self._own_key]
        cursor = None if self._landed else self._previous()
        self._landed = self._landed or cursor is not None
        self.rows.set_rows(made, cursor=cursor)
        self.update_title()
        self.refresh_bindings()

    def _previous(self) -> str | None:
        """The next older version that exists, once all runs between are read: what one compares with first."""
        older = False
        for run in self.runs:
            key = str(run.id)
            if older:
                if key not in self.files:
                    return None
                file = self.files[key]
                if has_bytes(file):
                    return key
            older = older or key == self._own_key
        return None

    def _row(self, run: Execution) -> Row:
        key = str(run.id)
        file = self.files.get(key)
        is_own = key == self._own_key
        return Row(
            key,
            (
                (Mark(self.signs.here, "accent"),) if is_own else (),
                (Mark(plain(run.id.name), "here" if is_own else "strong"),),
                (phase_mark(run.phase, self.signs),),
                amount(file),
                (when_mark(run.started_at or run.created_at, self.context.now()),),
                (Mark(f"{workflow_name(run)} {plain(run.workflow.version)}", "dim"),),
            ),
            picked=self.context.selection.picked(run.id, files_of(file)),
        )

    def selection_changed(self) -> None:
        self._show()

    @property
    def thing(self) -> Thing | None:
        return self.files.get(self.rows.cursor_key) if self.is_mounted else None

    @property
    def owner(self) -> ExecutionId | None:
        run = self._run(self.rows.cursor_key)
        return run.id if run else None

    def _run(self, key: str) -> Execution | None:
        return next((run for run in self.runs if str(run.id) == key), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("versions", "compare"):
            return False
        if action == "compare_with" and self.is_mounted:
            file = self.files.get(self.rows.cursor_key)
            return has_bytes(file) and has_bytes(self.own) and self.rows.cursor_key != self._own_key
        return super().check_action(action, parameters)

    def action_compare_with(self) -> None:
        from flowtui.tui.screens.compare import CompareScreen, Side
        from flowtui.tui.screens.compare_files import ArtifactSide, CompareFilesScreen

        other, own = self._run(self.rows.cursor_key), self._run(self._own_key)
        file = self.files.get(self.rows.cursor_key)
        if other is None or own is None or file is None or self.own is None:
            return
        sides = [(other, file), (own, self.own)]
        # Newest first: what stands further down is older.
        if self.runs.index(other) < self.runs.index(own):
            sides.reverse()
        (left_run, left), (right_run, right) = sides
        if isinstance(left, Artifact) and isinstance(right, Artifact):
            both = ArtifactSide(left_run, left), ArtifactSide(right_run, right)
            self.app.push_screen(CompareFilesScreen(self.context, *both))
        elif isinstance(left, ArtifactFile) and isinstance(right, ArtifactFile):
            self.app.push_screen(CompareScreen(self.context, Side(left_run, left), Side(right_run, right)))

    @on(Rows.Highlighted)
    def _on_highlighted(self) -> None:
        self.refresh_bindings()

    @on(Rows.Opened)
    def _on_opened(self, event: Rows.Opened) -> None:
        from flowtui.tui.screens.run import RunScreen

        run, file = self._run(event.key), self.files.get(event.key)
        if run is not None and file is not None:
            key = artifact_key(file) if isinstance(file, Artifact) else file_key(file)
            self.app.push_screen(RunScreen(self.context, run, key))


def version_in(run: RunArtifacts, id_: ArtifactVersionId) -> Version | None:
    """The artifact or file of that identity in its run."""
    if not id_.file:
        return next((one for one in run.artifacts if (one.type, one.name) == (id_.type, id_.artifact)), None)
    named = (id_.type, id_.artifact, id_.file)
    files = [file for file in run.files if (file.type, file.artifact, file.file) == named]
    exact = [file for file in files if file.node == id_.node or not id_.node]
    return next(iter(exact or files), None)


def same_version(own: Version, run: RunArtifacts) -> Version | None:
    """The version of it that another run made."""
    if isinstance(own, ArtifactFile):
        return same_file(own, run.files)
    return next((one for one in run.artifacts if (one.type, one.name) == (own.type, own.name)), None)


def has_bytes(version: Version | None) -> bool:
    """Whether there is something to compare."""
    return version is not None and bool(version.present if isinstance(version, Artifact) else version.uris)


def amount(version: Version | None) -> Cell:
    """The size of a file, or how many files of an artifact there are."""
    if isinstance(version, Artifact):
        total = len(version.files)
        there = count(total, "file") if version.present == total else f"{version.present} of {total}"
        return (Mark(there, "dim"),)
    return (size_mark(version),) if version is not None else ()
