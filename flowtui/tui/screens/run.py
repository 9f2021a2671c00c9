"""A run: its tabs, its header, and what is read for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from flowtui import words
from flowtui.domain.artifact import Artifact, ArtifactFile, ArtifactVersionId, RunArtifacts
from flowtui.domain.execution import Execution, ExecutionId, LaunchInput, NodeExecution
from flowtui.domain.lineage import Lineage
from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.exporting import read_exported
from flowtui.tui.formatting import Cell, Mark, phase_mark
from flowtui.tui.outlines import artifact_key, file_key, version_id
from flowtui.tui.run_rows import workflow_name
from flowtui.tui.screens.actions import FileActions
from flowtui.tui.screens.preview import PreviewScreen, can_be_shown
from flowtui.tui.screens.steer import Steering
from flowtui.tui.selection import Thing
from flowtui.tui.views.artifacts import ArtifactsView
from flowtui.tui.views.graph import GraphView
from flowtui.tui.views.inputs import InputsView
from flowtui.tui.views.nodes import NodesView
from flowtui.tui.widgets.filter import FilterLine
from flowtui.tui.widgets.lines import Problem, TabLine

_SIZES = 200
"""Objects that are asked for their size when a run is opened."""

TABS = (("artifacts", "Artifacts"), ("nodes", "Nodes"), ("graph", "Graph"), ("inputs", "Launch Inputs"))


class RunScreen(Steering, FileActions):
    """One run with Domino's tabs.

    Args:
        execution: the run, or its id where it is not known yet.
        cursor: the key of the row to begin on, of :mod:`flowtui.tui.outlines`.
    """

    bare = False
    BINDINGS: ClassVar[list[BindingType]] = bindings(
        "filter", "next_tab", "previous_tab", "lineage", "bookmark", "download", "copy", "rerun", "terminate",
    )  # fmt: skip

    class Read(Message):
        """Something of the run was read: an execution, artifacts, nodes, lineage, or inputs."""

        def __init__(self, what: str, value: object) -> None:
            super().__init__()
            self.what = what
            self.value = value

    def __init__(
        self, context: Context, execution: Execution | ExecutionId, cursor: str = "", tab: str = "artifacts"
    ) -> None:
        super().__init__(context)
        self.run_id = execution if isinstance(execution, ExecutionId) else execution.id
        self.execution = execution if isinstance(execution, Execution) else None
        self.tab = tab
        self.cursor = cursor
        self._have: set[str] = set()

    def compose_body(self) -> Iterable[Widget]:
        yield TabLine(TABS, self.tab, signs=self.signs)
        yield FilterLine("filter", signs=self.signs)
        yield Problem()
        with ContentSwitcher(initial=self.tab):
            yield ArtifactsView(self.context, self.run_id, id="artifacts")
            yield NodesView(self.context, id="nodes")
            yield GraphView(self.context, id="graph")
            yield InputsView(self.context, id="inputs")

    @property
    def artifacts_view(self) -> ArtifactsView:
        """The first tab."""
        return self.query_one(ArtifactsView)

    @property
    def period(self) -> float:
        """Every five seconds while it runs; a run that ended does not change."""
        return 0 if self.execution is not None and self.execution.is_terminal else 5

    def crumbs(self) -> list[str]:
        return [self.run_id.name]

    def facts(self) -> Cell:
        run = self.execution
        if run is None:
            return ()
        dot = f" {self.signs.dot} "
        took = run.duration
        if took is None and run.started_at is not None and not run.is_terminal:
            took = max((self.context.server_now() - run.started_at).total_seconds(), 0)
        parts = [words.duration(took)]
        if self.size.width >= 110:
            parts.insert(0, f"{workflow_name(run)} {plain(run.workflow.version)[:12]}")
        return (phase_mark(run.phase, self.signs), Mark("".join(dot + part for part in parts if part), "dim"))

    def on_mount(self) -> None:
        self.query_one(FilterLine).display = False
        known = self.context.memory.artifacts.get(self.run_id)
        if known is not None:
            self.artifacts_view.show(known)
        self._tell_error()
        self._focus_tab()
        super().on_mount()

    async def read(self) -> None:
        catalog = (await self.context.connection.session()).catalog
        if self.execution is None or not self.execution.is_terminal:
            self.post_message(self.Read("execution", await catalog.execution(self.run_id)))
        tab = self.tab
        if tab == "artifacts":
            await self._read_artifacts()
        elif tab == "nodes":
            self.post_message(self.Read("nodes", await catalog.nodes(self.run_id, attempts=False)))
        elif tab == "graph":
            self.post_message(self.Read("lineage", await catalog.lineage(self.run_id)))
        else:
            self.post_message(self.Read("inputs", await catalog.inputs(self.run_id)))

    async def _read_artifacts(self) -> None:
        session = await self.context.connection.session()
        view = self.artifacts_view
        found = await session.catalog.artifacts(self.run_id, undeclared=view.wants_undeclared)
        self.post_message(self.Read("artifacts", found))
        kept = await asyncio.to_thread(session.bookmarks.list, self.run_id)
        self.post_message(self.Read("bookmarks", {bookmark.id for bookmark in kept}))
        await self._read_exported(found)
        self.post_message(self.Read("lineage", await session.catalog.lineage(self.run_id)))
        self.post_message(self.Read("artifacts", await session.with_sizes(found, most=_SIZES)))

    async def _read_exported(self, run: RunArtifacts) -> None:
        session = await self.context.connection.session()
        ids = [version_id(self.run_id, artifact) for artifact in run.artifacts]
        ids += [version_id(self.run_id, file) for file in run.files]
        self.context.memory.exported.update(await read_exported(session, ids))
        self.post_message(self.Read("exported", None))

    @work(group="exported", exclusive=True, exit_on_error=False)
    async def _look_for_exports(self) -> None:
        known = self.context.memory.artifacts.get(self.run_id)
        if known is not None:
            await self._read_exported(known)

    def exports_moved(self, *, changed: bool) -> None:
        super().exports_moved(changed=changed)
        if changed:
            self._look_for_exports()

    @on(Read)
    def _on_read(self, event: Read) -> None:
        value = event.value
        if isinstance(value, Execution):
            self.execution = value
            self._tell_error()
            self.update_title()
        elif isinstance(value, RunArtifacts):
            self.execution = value.execution
            self._tell_error()
            self.context.memory.keep(value)
            self.artifacts_view.show(value)
            if self.cursor and self.artifacts_view.rows.move_to(self.cursor):
                self.cursor = ""
        elif isinstance(value, Lineage):
            self.context.memory.lineage[self.run_id] = value
            self.artifacts_view.show_lineage(value)
            self.query_one(GraphView).show(value)
        elif event.what == "bookmarks" and isinstance(value, set):
            of_run = {id_ for id_ in self.context.memory.bookmarks if id_.execution == self.run_id}
            self.context.memory.bookmarks.difference_update(of_run)
            self.context.memory.bookmarks.update(value)
            self.bookmarks_changed()
        elif event.what == "exported":
            self.artifacts_view.show_exported()
        elif event.what == "nodes" and isinstance(value, tuple):
            self.query_one(NodesView).show(tuple(node for node in value if isinstance(node, NodeExecution)))
        elif event.what == "inputs" and isinstance(value, tuple):
            self.query_one(InputsView).show(tuple(one for one in value if isinstance(one, LaunchInput)))
        self._have.add(event.what)
        self.refresh_bindings()

    def _tell_error(self) -> None:
        """The first line of the error of a failed run, in the line of tabs."""
        run = self.execution
        error = words.error_line(run.error.message) if run and run.error else plain(run.abort_cause) if run else ""
        self.query_one(TabLine).choose(self.tab, (Mark(error, "bad"),) if error else ())

    @property
    def view(self) -> ArtifactsView | NodesView | GraphView | InputsView:
        """What the current tab shows."""
        found = self.query_one(f"#{self.tab}")
        assert isinstance(found, (ArtifactsView, NodesView, GraphView, InputsView))
        return found

    def _focus_tab(self) -> None:
        self.view.focus_list()

    def choose_tab(self, name: str) -> None:
        """Show a tab, and read it where that was not done or the run goes on."""
        if name == self.tab:
            return
        self.tab = name
        self.query_one(ContentSwitcher).current = name
        self._tell_error()
        self._focus_tab()
        self.refresh_bindings()
        needed = {"artifacts": "artifacts", "nodes": "nodes", "graph": "lineage", "inputs": "inputs"}[name]
        if needed not in self._have or self.period:
            self._asked = None
            self.reload()

    @on(TabLine.Chosen)
    def _on_tab_chosen(self, event: TabLine.Chosen) -> None:
        self.choose_tab(event.name)

    def _beside(self, step: int) -> str:
        names = [name for name, _ in TABS]
        return names[(names.index(self.tab) + step) % len(names)]

    def action_next_tab(self) -> None:
        self.choose_tab(self._beside(1))

    def action_previous_tab(self) -> None:
        self.choose_tab(self._beside(-1))

    def action_next_pane(self) -> None:
        panes = self.panes()
        if self.focused in panes[:-1]:
            self.focus_next()
        else:
            self.action_next_tab()

    def action_previous_pane(self) -> None:
        panes = self.panes()
        if self.focused in panes[1:]:
            self.focus_previous()
        else:
            self.action_previous_tab()

    @property
    def thing(self) -> Thing | None:
        return self.artifacts_view.chosen if self.tab == "artifacts" else None

    @property
    def owner(self) -> ExecutionId | None:
        return self.run_id

    @property
    def steered(self) -> Execution | None:
        return self.execution

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "open" and self.tab == "graph":
            return True
        return super().check_action(action, parameters)

    def bookmarks_changed(self) -> None:
        self.artifacts_view.rebuild()

    def action_filter(self) -> None:
        line = self.query_one(FilterLine)
        line.display = True
        line.edit()

    def action_back(self) -> None:
        line = self.query_one(FilterLine)
        if line.words:
            line.clear()
            line.display = False
        else:
            super().action_back()

    @on(FilterLine.Changed)
    def _on_filter(self, event: FilterLine.Changed) -> None:
        self.view.filter(event.words)

    @on(FilterLine.Left)
    def _on_filter_left(self) -> None:
        line = self.query_one(FilterLine)
        line.display = bool(line.words)
        self._focus_tab()

    @on(ArtifactsView.OpenFile)
    def _on_open_file(self, event: ArtifactsView.OpenFile) -> None:
        shown = [thing for thing in self.artifacts_view.things() if can_be_shown(thing)]
        if event.thing in shown:
            self.app.push_screen(
                PreviewScreen(self.context, self.run_id, shown, shown.index(event.thing), self._come_back)
            )

    def _come_back(self, last: Thing) -> None:
        """The cursor follows the file that was last seen in full."""
        if isinstance(last, ArtifactFile):
            self.artifacts_view.rows.move_to(file_key(last))

    @on(ArtifactsView.WantUndeclared)
    def _on_want_undeclared(self) -> None:
        self._asked = None
        self.reload()

    @on(NodesView.OpenRun)
    def _on_open_run(self, event: NodesView.OpenRun) -> None:
        self.app.push_screen(RunScreen(self.context, event.execution))

    def action_refresh(self) -> None:
        self._have.clear()
        super().action_refresh()


def cursor_key(id_: ArtifactVersionId, artifacts: RunArtifacts | None = None) -> str:
    """The key of the row that a bookmark is on, as far as it can be told without the run."""
    if not id_.file:
        return artifact_key(Artifact(id_.type, id_.artifact, ()))
    for file in artifacts.files if artifacts else ():
        if (file.type, file.artifact, file.file, file.node) == (id_.type, id_.artifact, id_.file, id_.node):
            return file_key(file)
    return artifact_key(Artifact(id_.type, id_.artifact, ()))
