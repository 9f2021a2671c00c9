"""The Nodes tab: the tree of node executions; beside it the node, its error and the tail of its log."""

from __future__ import annotations

import asyncio

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from flowtui.domain.execution import ExecutionId, LaunchedExecution, Log, NodeExecution, NodeId
from flowtui.errors import FlowtuiError
from flowtui.text import plain
from flowtui.tui import filters
from flowtui.tui.context import Context
from flowtui.tui.details import launched_lines, node_lines
from flowtui.tui.formatting import Cell, Mark
from flowtui.tui.logs import log_tail
from flowtui.tui.node_rows import NODE_COLUMNS, node_rows, run_key, walk
from flowtui.tui.screens.detail import DetailScreen
from flowtui.tui.widgets.preview import DEBOUNCE
from flowtui.tui.widgets.rows import Rows
from flowtui.tui.widgets.split import NARROW, Split
from flowtui.tui.widgets.viewer import Viewer


class NodesView(Split):
    """The nodes of a run."""

    class OpenRun(Message):
        """The execution that a launch-plan node started is to be opened."""

        def __init__(self, execution: ExecutionId) -> None:
            super().__init__()
            self.execution = execution

    class Detail(Message):
        """A node was read with its attempts, its whole error and the tail of its log."""

        def __init__(self, node: NodeExecution, tail: tuple[str, ...], log: str) -> None:
            super().__init__()
            self.node = node
            self.tail = tail
            self.log = log

    class NoDetail(Message):
        """A node could not be read."""

        def __init__(self, id_: NodeId, error: FlowtuiError) -> None:
            super().__init__()
            self.id = id_
            self.error = error

    def __init__(self, context: Context, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.context = context
        self.nodes: tuple[NodeExecution, ...] = ()
        self.shut: set[str] = set()
        self.words = ""
        self.rows = Rows(NODE_COLUMNS, signs=context.signs, id="node-rows")
        self.viewer = Viewer(signs=context.signs, id="node-detail")
        self._by_id: dict[str, NodeExecution] = {}
        self._started: dict[str, LaunchedExecution] = {}
        self._details: dict[str, NodesView.Detail] = {}
        self._open: DetailScreen | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="main"):
            yield self.rows
        yield self.viewer

    def on_mount(self) -> None:
        self.viewer.add_class("side")
        self.rows.set_empty("Reading the nodes.")

    def focus_list(self) -> None:
        """Take the keyboard."""
        self.rows.focus()

    def filter(self, typed: str) -> None:
        """Show the nodes that have these words."""
        self.words = typed
        self._rebuild()

    def show(self, nodes: tuple[NodeExecution, ...]) -> None:
        """Show these nodes; what runs still is read again."""
        first = not self.nodes
        self.nodes = nodes
        self._by_id = {node.id.node: node for _, node in walk(nodes, ())}
        self._started = {run_key(one.id): one for node in self._by_id.values() for one in node.launched}
        for key, detail in list(self._details.items()):
            if key in self._by_id and (detail.node.phase, detail.node.duration) != (
                self._by_id[key].phase,
                self._by_id[key].duration,
            ):
                del self._details[key]
        self._rebuild()
        failed = [key for key, node in self._by_id.items() if node.phase == "FAILED" and not node.children]
        if first and failed:
            self.rows.move_to(failed[0])
        self._follow()

    def _rebuild(self) -> None:
        wanted = filters.parse(self.words, {"phase", "kind", "task"})
        if wanted:
            kept = [node for _, node in walk(self.nodes, ()) if filters.matches(wanted, _fields(node))]
            from dataclasses import replace

            rows = node_rows(
                [replace(node, children=()) for node in kept], (), self.context.server_now(), self.context.signs
            )
        else:
            tried = {key: len(detail.node.attempts) for key, detail in self._details.items()}
            rows = node_rows(self.nodes, self.shut, self.context.server_now(), self.context.signs, tried)
        self.rows.set_empty("No node has these words." if wanted else "No node has started yet.")
        self.rows.set_rows(rows)

    @on(Rows.Toggled)
    def _on_toggled(self, event: Rows.Toggled) -> None:
        (self.shut.discard if event.expand else self.shut.add)(event.key)
        self._rebuild()

    @on(Rows.Highlighted)
    def _on_highlighted(self) -> None:
        self._follow()
        self.screen.refresh_bindings()

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._follow)

    def on_show(self) -> None:
        self.call_after_refresh(self._follow)

    def _follow(self) -> None:
        if not self.is_attached:
            return
        node = self._by_id.get(self.rows.cursor_key)
        viewer = self.viewer
        if node is None:
            started = self._started.get(self.rows.cursor_key)
            viewer.show_lines(launched_lines(started, self.context.signs) if started else [])
            return
        self._draw(node)
        seen = self.app.size.width >= NARROW and viewer.is_on_screen
        if node.id.node not in self._details and (seen or self._open is not None):
            self._read(node.id, DEBOUNCE)

    def _draw(self, node: NodeExecution) -> None:
        detail = self._details.get(node.id.node)
        signs, now = self.context.signs, self.context.server_now()
        lines = (
            node_lines(detail.node, detail.tail, detail.log, now, signs)
            if detail
            else node_lines(node, (), "", now, signs)
        )
        self.viewer.show_lines(lines)
        if self._open is not None and self._open.is_running:
            self._open.show(lines)

    @work(group="node", exclusive=True, exit_on_error=False)
    async def _read(self, id_: NodeId, delay: float) -> None:
        await asyncio.sleep(delay)
        try:
            session = await self.context.connection.session()
            node = await session.catalog.node(id_)
            logs: tuple[Log, ...] = node.attempts[-1].logs if node.attempts else ()
            # A map has no log of its own; that of an item tells why it failed.
            logs = logs or (node.failed_items[0].logs if node.failed_items else ())
            tail, name = await log_tail(session.storage, logs)
            self.post_message(self.Detail(node, tail, name))
        except FlowtuiError as error:
            self.post_message(self.NoDetail(id_, error))

    @on(Detail)
    def _on_detail(self, event: Detail) -> None:
        event.stop()
        self._details[event.node.id.node] = event
        self._rebuild()
        if self.rows.cursor_key == event.node.id.node:
            self._draw(event.node)

    @on(NoDetail)
    def _on_no_detail(self, event: NoDetail) -> None:
        event.stop()
        node = self._by_id.get(event.id.node)
        if node is None or self.rows.cursor_key != event.id.node:
            return
        error, advice = event.error, f"{plain(event.error.hint)} r tries again.".strip()
        lines: list[Cell] = [*node_lines(node, (), "", self.context.server_now(), self.context.signs), ()]
        lines += [(Mark(plain(error.message), "bad"),), (Mark(advice, "dim"),)]
        self.viewer.show_lines(lines)
        if self._open is not None and self._open.is_running:
            self._open.show(lines)

    @on(Rows.Opened)
    def _on_opened(self, event: Rows.Opened) -> None:
        node = self._by_id.get(event.key)
        if node is None:
            if event.key in self._started:
                self.post_message(self.OpenRun(self._started[event.key].id))
            return
        if node.child_execution is not None:
            self.post_message(self.OpenRun(node.child_execution))
            return
        self._open = DetailScreen(self.context, [node.id.execution.name, plain(node.name)], [])
        self.app.push_screen(self._open, self._detail_closed)
        self._open.show(node_lines(node, (), "", self.context.server_now(), self.context.signs))
        self._follow()

    def _detail_closed(self, _: object) -> None:
        self._open = None


def _fields(node: NodeExecution) -> dict[str, str]:
    return {"name": plain(node.name), "phase": node.phase, "kind": node.kind, "task": plain(node.entity)}
