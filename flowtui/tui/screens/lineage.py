"""Where a file came from and what it fed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import ExecutionId
from flowtui.domain.lineage import Lineage, LineageNode
from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.details import lineage_file
from flowtui.tui.formatting import Cell, Mark
from flowtui.tui.outlines import LINEAGE_COLUMNS, lineage_id, lineage_rows
from flowtui.tui.screens.actions import FileActions
from flowtui.tui.screens.preview import PreviewScreen, can_be_shown
from flowtui.tui.selection import Thing
from flowtui.tui.widgets.lines import Problem
from flowtui.tui.widgets.rows import Rows


class LineageScreen(FileActions):
    """Upstream above, the file in the middle, downstream below."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(
        "lineage", "hide_inputs", "bookmark", "export", "download", "copy", lineage="centre here"
    )

    class Read(Message):
        """The graph was read."""

        def __init__(self, lineage: Lineage) -> None:
            super().__init__()
            self.lineage = lineage

    def __init__(self, context: Context, run: ExecutionId, file: ArtifactFile) -> None:
        super().__init__(context)
        self.run_id = run
        self.file = file
        self.lineage: Lineage | None = None
        self.centre = ""
        self.inputs = True

    def crumbs(self) -> list[str]:
        return [self.run_id.name, "lineage", self.file.title]

    def facts(self) -> Cell:
        return (Mark("incomplete", "wait"),) if self.lineage is not None and self.lineage.notices else ()

    def compose_body(self) -> Iterable[Widget]:
        yield Problem()
        yield Rows(LINEAGE_COLUMNS, show_titles=False, signs=self.signs, id="list")

    def on_mount(self) -> None:
        self.query_one(Rows).focus()
        self.query_one(Rows).set_empty(f"Reading what {plain(self.run_id.name)} made of what.")
        super().on_mount()

    async def read(self) -> None:
        session = await self.context.connection.session()
        self.post_message(self.Read(await session.catalog.lineage(self.run_id)))

    @on(Read)
    def _on_read(self, event: Read) -> None:
        self.lineage = event.lineage
        node = lineage_file(event.lineage, self.file)
        self.centre = self.centre or (node.id if node else "")
        self._show(self.query_one(Rows).rows == ())

    def _show(self, recentre: bool) -> None:
        rows = self.query_one(Rows)
        if self.lineage is None or not self.centre:
            rows.set_empty("The server tells nothing of where this file came from.", "esc goes back.")
            return
        made = lineage_rows(self.lineage, self.centre, inputs=self.inputs, signs=self.signs)
        rows.set_rows(made, cursor=self.centre if recentre else None)
        self.refresh_bindings()

    @property
    def _node(self) -> LineageNode | None:
        return self.lineage.by_id.get(lineage_id(self.query_one(Rows).cursor_key)) if self.lineage else None

    @property
    def thing(self) -> Thing | None:
        """The file under the cursor, as the run's artifacts have it, else as lineage tells it."""
        node = self._node
        if node is None or node.kind != "file":
            return None
        known = self.context.memory.artifacts.get(self.run_id)
        for file in known.files if known else ():
            if (file.artifact, file.file, file.node) == (node.artifact, node.file, node.node) or (
                node.uri and node.uri in file.uris and file.file == node.file
            ):
                return file
        return None

    @property
    def owner(self) -> ExecutionId | None:
        return self.run_id

    def action_hide_inputs(self) -> None:
        self.inputs = not self.inputs
        self._show(False)

    def action_lineage(self) -> None:
        node, thing = self._node, self.thing
        if node is not None and node.kind == "file":
            self.centre = node.id
            if isinstance(thing, ArtifactFile):
                self.file = thing
            self._show(True)
            self.update_title()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "lineage" and self.is_mounted:
            node = self._node
            return node is not None and node.kind == "file" and node.id != self.centre
        return super().check_action(action, parameters)

    @on(Rows.Highlighted)
    def _on_highlighted(self) -> None:
        self.refresh_bindings()

    @on(Rows.Opened)
    def _on_opened(self) -> None:
        thing = self.thing
        if isinstance(thing, ArtifactFile) and can_be_shown(thing):
            self.app.push_screen(PreviewScreen(self.context, self.run_id, [thing], 0))
