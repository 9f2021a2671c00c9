"""One strand of an RTF document - the body of a page, a header, a footer - as blocks."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace

from flowtui.preview.blocks import Align, Block, Cell, Paragraph, Table, table_lines

TWIPS = 120
"""Twentieths of a point that a character takes: 6 points, as 10-point Courier has."""

_NEAR = 45
_MOST_CELLS = 400
_MOST_ROWS = 100_000
_DEFAULT_TAB = 720


@dataclass(slots=True)
class CellDefinition:
    """Where a cell ends, in twips from the margin, and how it is drawn."""

    right: int = 0
    merged: bool = False
    over: bool = False
    under: bool = False


@dataclass(slots=True)
class _Row:
    left: int
    head: bool
    cells: list[tuple[int, Cell]] = field(default_factory=list)


@dataclass(slots=True)
class Format:
    """Of a paragraph."""

    align: Align = "left"
    indent: int = 0
    in_table: bool = False
    level: int = 1
    tabs: tuple[int, ...] = ()


class Story:
    """Gathers text, paragraphs and rows.

    Attributes:
        blocks: what is complete.
        format: of the paragraph that is being read.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.format = Format()
        self._text: list[str] = []
        self._parts: list[str] = []
        self._cells: list[tuple[str, Align]] = []
        self._rows: list[_Row] = []
        self._nested_cells: list[str] = []
        self._nested_rows: list[list[Cell]] = []
        self.begin_row()

    def begin_row(self) -> None:
        """``\\trowd``: forget the definition of the row before."""
        self.left = 0
        self.head = False
        self.definitions: list[CellDefinition] = []
        self.pending = CellDefinition()

    def define_cell(self, right: int) -> None:
        """``\\cellx``."""
        if len(self.definitions) < _MOST_CELLS:
            self.pending.right = right
            self.definitions.append(self.pending)
        self.pending = CellDefinition()

    def write(self, text: str) -> None:
        self._text.append(text)

    def tab(self) -> None:
        """Blanks up to the next tab stop."""
        line = "".join(self._text).rpartition("\n")[2] if len(self._text) < 200 else ""
        at = len(line) * TWIPS
        stops = self.format.tabs
        index = bisect_left(stops, at + TWIPS)
        stop = stops[index] if index < len(stops) else (at // _DEFAULT_TAB + 1) * _DEFAULT_TAB
        self._text.append(" " * max(min((stop - at) // TWIPS, 100), 1))

    @property
    def is_empty(self) -> bool:
        """Whether nothing to be seen was written."""
        return not (
            self._rows or self._cells or any(part.strip() for part in self._text) or any(map(_has_text, self.blocks))
        )

    def end_paragraph(self) -> None:
        text = self._take()
        if self.format.in_table:
            self._parts.append(text)
            return
        self.end_table()
        self.blocks.append(
            Paragraph(text, indent=max(self.format.indent // TWIPS, 0), align=self.format.align, tight=True)
        )

    def end_cell(self) -> None:
        """``\\cell``."""
        if self._nested_cells:
            self.end_nested_row()
        if self._nested_rows:
            self._parts += table_lines(Table(self._nested_rows), 60)
            self._nested_rows = []
        tail = self._take()
        if tail or not self._parts:
            self._parts.append(tail)
        text = "\n".join(self._parts)
        self._parts.clear()
        if len(self._cells) < _MOST_CELLS:
            indent = self.format.indent // TWIPS if self.format.align == "left" else 0
            if 0 < indent <= 30:
                text = "\n".join(" " * indent + line for line in text.split("\n"))
            self._cells.append((text, self.format.align))

    def end_nested_cell(self) -> None:
        """``\\nestcell``."""
        self._parts.append(self._take())
        if len(self._nested_cells) < _MOST_CELLS:
            self._nested_cells.append("\n".join(part for part in self._parts if part))
        self._parts.clear()

    def end_nested_row(self) -> None:
        """``\\nestrow``."""
        if self._nested_cells and len(self._nested_rows) < _MOST_ROWS:
            self._nested_rows.append([Cell(text) for text in self._nested_cells])
        self._nested_cells = []

    def end_row(self) -> None:
        """``\\row``: pair the cells with their definitions, which may stand before or after them."""
        row = _Row(self.left, self.head)
        for number, (text, align) in enumerate(self._cells):
            if number < len(self.definitions):
                defined = self.definitions[number]
            else:
                before = row.cells[-1][0] if row.cells else row.left
                defined = CellDefinition(before + 10 * TWIPS)
            if defined.merged and row.cells:
                kept = row.cells[-1][1]
                both = f"{kept.text} {text}".strip() if text.strip() else kept.text
                row.cells[-1] = max(defined.right, row.cells[-1][0]), replace(kept, text=both)
            else:
                row.cells.append((defined.right, Cell(text.rstrip(), 1, align, defined.over, defined.under)))
        self._cells = []
        if row.cells and len(self._rows) < _MOST_ROWS:
            self._rows.append(row)

    def end_table(self) -> None:
        """A table ends where something else begins."""
        if self._cells:
            self.end_row()
        if self._rows:
            self.blocks.append(_table(self._rows))
            self._rows = []

    def end(self) -> None:
        """Take in what is still open."""
        if self._parts or self._nested_cells or (self.format.in_table and any(part.strip() for part in self._text)):
            self.end_cell()
        if any(part.strip() for part in self._text):
            self.format = Format(self.format.align, self.format.indent)
            self.end_paragraph()
        self.end_table()

    def _take(self) -> str:
        text = "".join(self._text)
        self._text.clear()
        if not text.isascii():
            # Characters beyond the first plane come as two surrogates.
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return text


def _has_text(block: Block) -> bool:
    return not isinstance(block, Paragraph) or bool(block.text.strip())


def _table(rows: list[_Row]) -> Table:
    """Rows whose cells end at different places, on common columns."""
    ends = sorted({right for row in rows for right, _ in row.cells} | {row.left for row in rows})
    edges: list[int] = []
    for end in ends:
        if not edges or end - edges[-1] > _NEAR:
            edges.append(end)
    edges = edges[: _MOST_CELLS + 1]
    heads = 0
    while heads < len(rows) and rows[heads].head:
        heads += 1
    drawn = any(cell.under or cell.over for row in rows for _, cell in row.cells)
    return Table([_spread(row, edges) for row in rows], 0 if drawn else heads)


def _spread(row: _Row, edges: list[int]) -> list[Cell]:
    cells: list[Cell] = []
    at = _edge(edges, row.left)
    if at > 0:
        cells.append(Cell("", at))
    for right, cell in row.cells:
        end = _edge(edges, right)
        if end > at:
            cells.append(replace(cell, span=end - at))
            at = end
        elif cell.text.strip() and cells:
            cells[-1] = replace(cells[-1], text=f"{cells[-1].text} {cell.text}".strip())
    return cells


def _edge(edges: list[int], place: int) -> int:
    """The index of the edge that a place was merged into."""
    index = bisect_left(edges, place - _NEAR)
    return min(index, len(edges) - 1)
