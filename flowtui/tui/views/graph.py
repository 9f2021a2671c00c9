"""The Graph tab: which node feeds which, as a tree."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult

from flowtui.domain.lineage import Lineage
from flowtui.tui import filters
from flowtui.tui.context import Context
from flowtui.tui.outlines import GRAPH_COLUMNS, graph_rows
from flowtui.tui.widgets.rows import Rows
from flowtui.tui.widgets.split import Split


class GraphView(Split):
    """The nodes of a run by what they take from each other."""

    def __init__(self, context: Context, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.context = context
        self.lineage: Lineage | None = None
        self.words = ""
        self.rows = Rows(GRAPH_COLUMNS, signs=context.signs, id="graph-rows")

    def compose(self) -> ComposeResult:
        yield self.rows

    def on_mount(self) -> None:
        self.rows.set_empty("Reading how the nodes depend on each other.")

    def focus_list(self) -> None:
        """Take the keyboard."""
        self.rows.focus()

    def filter(self, typed: str) -> None:
        """Show the nodes that have these words."""
        self.words = typed
        if self.lineage is not None:
            self.show(self.lineage)

    def show(self, lineage: Lineage) -> None:
        """Show the graph."""
        self.lineage = lineage
        rows = graph_rows(lineage, self.context.signs)
        wanted = filters.parse(self.words)
        if wanted:
            rows = [
                row for row in rows if filters.matches(wanted, {"node": "".join(mark.text for mark in row.cells[0])})
            ]
        self.rows.set_empty("No node has these words." if wanted else "This run has no nodes yet.")
        self.rows.set_rows(rows)

    @on(Rows.Highlighted)
    def _on_highlighted(self) -> None:
        self.screen.refresh_bindings()
