"""The facts of what is under the cursor: labelled lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.geometry import Size
from textual.strip import Strip

from flowtui.tui.formatting import UNICODE, Cell, Mark, Signs, cell_width, cut_end
from flowtui.tui.widgets.paint import Painted

Fact = tuple[str, Cell]
"""A label and what is said; a fact without a label is a line of its own."""

LABEL = 10


class Facts(Painted, can_focus=False):
    """Lines of a label and a text; a long text goes on below itself, three lines at most."""

    def __init__(self, *, signs: Signs = UNICODE, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.signs = signs
        self._facts: tuple[Fact, ...] = ()

    def show(self, facts: Sequence[Fact]) -> None:
        """Show these facts."""
        if tuple(facts) != self._facts:
            self._facts = tuple(facts)
            self.refresh(layout=True)

    @property
    def text(self) -> str:
        """What is shown, for tests."""
        return "\n".join(f"{label} {''.join(mark.text for mark in cell)}".strip() for label, cell in self._facts)

    def lines(self, width: int) -> list[Cell]:
        """The lines in that width."""
        lines: list[Cell] = []
        for label, cell in self._facts:
            head: Cell = (Mark(f"{label:<{LABEL}}", "dim"),) if label else ()
            indent = LABEL if label else 0
            room = max(width - indent, 8)
            wrapped = wrap(cell, room, self.signs.ellipsis)
            lines.append((*head, *wrapped[0]))
            lines += [(Mark(" " * indent), *rest) for rest in wrapped[1:]]
        return lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.lines(width))

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        width = self.size.width
        lines = self.lines(width)
        if y >= len(lines):
            return Strip.blank(width, base)
        return Strip(self.segments(lines[y], base)).adjust_cell_length(width, base)


def wrap(cell: Cell, width: int, ellipsis: str, most: int = 3) -> list[Cell]:
    """A cell broken at blanks into at most ``most`` lines."""
    if cell_width(cell) <= width:
        return [cell]
    lines: list[list[Mark]] = [[]]
    used = 0
    for mark in cell:
        for number, word in enumerate(mark.text.split(" ")):
            text = f" {word}" if number else word
            if used and used + cell_len(text) > width:
                if len(lines) == most:
                    lines[-1].append(Mark(cut_end(f" {ellipsis}", max(width - used, 0), ellipsis), mark.style))
                    return [tuple(line) for line in lines]
                lines.append([])
                used, text = 0, word
            text = cut_end(text, width, ellipsis)
            lines[-1].append(Mark(text, mark.style))
            used += cell_len(text)
    return [tuple(line) for line in lines]
