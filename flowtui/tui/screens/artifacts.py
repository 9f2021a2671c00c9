"""The second place: the artifact versions of the newest runs, read run by run while the place is open."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.message import Message

from flowtui.domain.artifact import Artifact, RunArtifacts
from flowtui.domain.execution import Execution, ExecutionId
from flowtui.errors import AuthError, FlowtuiError, UnreachableError
from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.formatting import Mark, phase_glyph, when_mark
from flowtui.tui.outlines import artifact_key, version_id
from flowtui.tui.run_list import FIRST_PAGE
from flowtui.tui.run_rows import workflow_name
from flowtui.tui.screens.actions import FileActions
from flowtui.tui.screens.place import Entry, Place
from flowtui.tui.screens.run import RunScreen
from flowtui.tui.selection import Thing
from flowtui.tui.widgets.columns import Column, Row
from flowtui.tui.widgets.rows import Rows

AT_ONCE = 3
MOST_RUNS = 300
"""Runs whose artifacts are listed at most, as many as are remembered; older ones are opened from the runs."""


class ArtifactsScreen(FileActions, Place):
    """Artifact versions, those of the newest run first."""

    place = "artifacts"
    columns = (
        Column("type", least=6, most=8, leave=3),
        Column("artifact", least=16, most=48),
        Column("files", right=True, leave=1),
        Column("run", least=14, most=48),
        Column("workflow", least=10, most=40, leave=4, dotted=True),
        Column("started", least=11, leave=2),
    )
    filter_fields = frozenset({"type", "artifact", "run", "wf", "file"})
    filter_hint = "filter: words, type:data, wf:adam, file:adsl"
    BINDINGS: ClassVar[list[BindingType]] = bindings("bookmark")

    class Listed(Message):
        """The runs are known."""

        def __init__(self, runs: tuple[Execution, ...], goes_on: bool) -> None:
            super().__init__()
            self.runs = runs
            self.goes_on = goes_on

    class Read(Message):
        """A run was read, or could not be."""

        def __init__(self, artifacts: RunArtifacts | None, id_: ExecutionId) -> None:
            super().__init__()
            self.artifacts = artifacts
            self.id = id_

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.runs: tuple[Execution, ...] = ()
        self.read_runs: set[ExecutionId] = set()
        self.unread = 0
        self._wanted = FIRST_PAGE
        self._goes_on = False
        self._versions: dict[str, tuple[Execution, Artifact]] = {}

    def on_mount(self) -> None:
        self.rows.from_top = True
        super().on_mount()

    async def read(self) -> None:
        session = await self.context.connection.session()
        settings, memory = self.context.settings, self.context.memory
        wanted = min(self._wanted, MOST_RUNS)
        runs = await session.catalog.newest(settings.project, settings.domain, wanted)
        self.post_message(self.Listed(runs, len(runs) == wanted < MOST_RUNS))
        gate = asyncio.Semaphore(AT_ONCE)
        troubles: list[FlowtuiError] = []

        async def one(run: Execution) -> None:
            known = memory.artifacts.get(run.id)
            if known is not None and known.execution.is_terminal and known.complete:
                self.post_message(self.Read(known, run.id))
                return
            async with gate:
                try:
                    found = await session.catalog.artifacts(run.id)
                except FlowtuiError as error:
                    self.post_message(self.Read(None, run.id))
                    troubles.append(error)
                else:
                    self.post_message(self.Read(found, run.id))

        await asyncio.gather(*(one(run) for run in runs))
        kept = await asyncio.to_thread(session.bookmarks.list)
        memory.bookmarks.clear()
        memory.bookmarks.update(bookmark.id for bookmark in kept)
        # One run that cannot be read is counted; a server that is gone is told.
        gone = [error for error in troubles if isinstance(error, (UnreachableError, AuthError))]
        if gone:
            raise gone[0]

    @on(Rows.NearEnd)
    def _on_near_end(self) -> None:
        if self._goes_on and self._asked is None:
            self._wanted += FIRST_PAGE
            self.reload()

    @on(Listed)
    def _on_listed(self, event: Listed) -> None:
        self.runs = event.runs
        self._goes_on = event.goes_on
        self.unread = 0
        self.read_runs.clear()
        self.show_rows()

    @on(Read)
    def _on_read(self, event: Read) -> None:
        self.read_runs.add(event.id)
        if event.artifacts is None:
            self.unread += 1
        else:
            self.context.memory.keep(event.artifacts)
        self.show_rows()

    def waiting(self) -> str:
        if self.runs:
            return f"Reading the artifacts of {len(self.runs)} runs: {len(self.read_runs)} are read."
        return "Asking which runs there are."

    def empty(self) -> tuple[str, ...]:
        if self.unread:
            return (f"{self.unread} of the newest {len(self.runs)} runs could not be read.", "r tries again.")
        return (
            "None of the newest runs declares an artifact.",
            "A flow declares them with Artifact(name, type).File(name=...).",
        )

    def counts(self, shown: int, total: int) -> str:
        reading = len(self.runs) - len(self.read_runs)
        if reading:
            return f"{reading} runs to read"
        more = "+" if self._goes_on else ""
        text = f"{super().counts(shown, total)}{more}"
        return f"{text}, {self.unread} unread" if self.unread else text

    def entries(self) -> list[Entry]:
        now, memory = self.context.now(), self.context.memory
        found = []
        self._versions = {}
        for run in self.runs:
            known = memory.artifacts.get(run.id)
            for artifact in known.artifacts if known else ():
                key = f"{run.id}\0{artifact_key(artifact)}"
                self._versions[key] = (run, artifact)
                total = len(artifact.files)
                starred = version_id(run.id, artifact) in memory.bookmarks
                row = Row(
                    key,
                    (
                        (Mark(plain(artifact.type).upper(), "accent"),),
                        (
                            Mark(plain(artifact.name), "strong"),
                            Mark(f" {self.signs.star}" if starred else "", "accent"),
                        ),
                        (Mark(f"{artifact.present}/{total}" if artifact.present != total else str(total)),),
                        (phase_glyph(run.phase, self.signs), Mark(f" {plain(run.id.name)}")),
                        (Mark(workflow_name(run)),),
                        (when_mark(run.started_at or run.created_at, now),),
                    ),
                    picked=self.context.selection.picked(run.id, artifact.files),
                )
                values = {
                    "type": artifact.type, "artifact": plain(artifact.name), "run": plain(run.id.name),
                    "wf": workflow_name(run), "file": " ".join(plain(file.file) for file in artifact.files),
                }  # fmt: skip
                found.append(Entry(row, values))
        return found

    @property
    def thing(self) -> Thing | None:
        found = self._versions.get(self.rows.cursor_key)
        return found[1] if found else None

    @property
    def owner(self) -> ExecutionId | None:
        found = self._versions.get(self.rows.cursor_key)
        return found[0].id if found else None

    def bookmarks_changed(self) -> None:
        self.show_rows()

    @on(Rows.Opened)
    def _on_opened(self, event: Rows.Opened) -> None:
        run, artifact = self._versions[event.key]
        self.app.push_screen(RunScreen(self.context, run, artifact_key(artifact)))
