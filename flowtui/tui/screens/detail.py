"""Lines of facts over the whole screen: a node with its error and log, or the whole value of an input."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from flowtui.tui.context import Context
from flowtui.tui.formatting import Cell
from flowtui.tui.screens.base import BaseScreen
from flowtui.tui.widgets.viewer import Viewer


class DetailScreen(BaseScreen[None]):
    """Scrolls over lines.

    Args:
        path: where this is, for the header.
    """

    def __init__(self, context: Context, path: list[str], lines: list[Cell]) -> None:
        super().__init__(context)
        self.path = path
        self.lines = lines

    def crumbs(self) -> list[str]:
        return self.path

    def compose_body(self) -> Iterable[Widget]:
        yield Viewer(signs=self.signs, id="detail")

    def on_mount(self) -> None:
        super().on_mount()
        self.show(self.lines)
        self.query_one(Viewer).focus()

    def show(self, lines: list[Cell]) -> None:
        """Show other lines; the scroll stays."""
        self.lines = lines
        if self.is_mounted:
            self.query_one(Viewer).show_lines(lines)
