"""Marks to segments: the styles of the line-API widgets come from the stylesheet."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.widget import Widget

from flowtui.tui.formatting import STYLES, Cell


def cell_width(cell: Cell) -> int:
    """The terminal cells that a cell's text takes."""
    return sum(cell_len(mark.text) for mark in cell)


class Painted(Widget):
    """A widget that draws marks; their styles are the component classes ``row--NAME``."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"row--{name}" for name in STYLES),
        "row--cursor", "row--cursor-blurred", "row--title", "row--note", "row--heading", "row--here", "row--key",
    }  # fmt: skip

    def mark_style(self, name: str) -> Style:
        """The style of that name, without what it does not set; nothing for the empty name."""
        return self.get_component_rich_style(f"row--{name}", partial=True) if name else Style.null()

    def segments(self, cell: Cell, base: Style) -> list[Segment]:
        """The marks on top of a base style."""
        return [Segment(mark.text, base + self.mark_style(mark.style)) for mark in cell if mark.text]
