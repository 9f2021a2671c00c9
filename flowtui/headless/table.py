"""Aligned text tables whose columns leave in order when the terminal is narrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flowtui.headless.style import Style
from flowtui.text import cells, plain

_GAP = "  "
_DEEPEST = 40


class Painted(NamedTuple):
    """A cell in a colour."""

    text: str
    color: str


Cell = str | Painted


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        leaves: the column with the greatest number leaves first; 0 never leaves.
        least: cells that a column may be cut down to, in the middle, before others leave; 0 is never cut.
        right: aligned to the right.
    """

    title: str
    leaves: int = 0
    least: int = 0
    right: bool = False


def fit(text: str, width: int, *, ascii_only: bool = False) -> str:
    """The text in at most ``width`` cells: a long one is cut in the middle, so that both ends show."""
    if cells(text) <= width:
        return text
    mark = "~" if ascii_only else "…"
    if width <= 1:
        return mark[: max(width, 0)]
    head = _take(text, width // 2)
    tail = _take(text[::-1], width - 1 - cells(head))[::-1]
    return head + mark + tail


def one_line(text: str, style: Style, room: int = 0) -> str:
    """Foreign text as one line that fits, ``room`` cells of it left for something else."""
    clean = plain(text)
    return clean if style.width is None else fit(clean, max(style.width - room, 0), ascii_only=style.ascii)


def _take(text: str, width: int) -> str:
    taken = 0
    for index, char in enumerate(text):
        taken += cells(char)
        if taken > width:
            return text[:index]
    return text


def _text(cell: Cell) -> str:
    return cell.text if isinstance(cell, Painted) else cell


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    style: Style,
    notes: Mapping[int, str] | None = None,
    *,
    keep_empty: bool = False,
) -> str:
    """Lines of a table, the last one ended too; empty without rows.

    Args:
        rows: cells may hold foreign text; it is made plain here.
        notes: a line of its own below a row, by the row's index.
        keep_empty: also columns without a value.
    """
    if not rows:
        return ""
    clean = [[_plain(cell) for cell in row] for row in rows]
    titles = [plain(column.title) for column in columns]
    widths = [max(cells(titles[at]), *(cells(_text(row[at])) for row in clean)) for at in range(len(columns))]
    shown = [at for at in range(len(columns)) if keep_empty or any(_text(row[at]) for row in clean)]
    if style.width is not None:
        shown = _squeeze(columns, widths, shown, style.width)
    lines = [_line([_pad(titles[at], columns[at], widths[at], style) for at in shown])]
    for index, row in enumerate(clean):
        lines.append(_line([_pad(row[at], columns[at], widths[at], style) for at in shown]))
        if notes and notes.get(index):
            lines.append("  " + one_line(notes[index], style, 2))
    return "\n".join(lines) + "\n"


def _plain(cell: Cell) -> Cell:
    return Painted(plain(cell.text), cell.color) if isinstance(cell, Painted) else plain(cell)


def _pad(cell: Cell, column: Column, width: int, style: Style) -> str:
    text = fit(_text(cell), width, ascii_only=style.ascii)
    blanks = " " * (width - cells(text))
    shown = style.paint(text, cell.color) if isinstance(cell, Painted) else text
    return blanks + shown if column.right else shown + blanks


def _line(parts: Sequence[str]) -> str:
    return _GAP.join(parts).rstrip()


def _squeeze(columns: Sequence[Column], widths: list[int], shown: list[int], room: int) -> list[int]:
    """Cuts what may be cut, then lets columns leave, until the line fits; changes ``widths``."""
    shown = list(shown)
    while True:
        over = sum(widths[at] for at in shown) + len(_GAP) * (len(shown) - 1) - room
        slack = sum(max(widths[at] - columns[at].least, 0) for at in shown if columns[at].least)
        leaving = [at for at in shown if columns[at].leaves]
        if over <= slack or not leaving:
            break
        shown.remove(max(leaving, key=lambda at: columns[at].leaves))
    while over > 0:
        long = [at for at in shown if 0 < columns[at].least < widths[at]]
        if not long:
            break
        widest = max(long, key=widths.__getitem__)
        widths[widest] -= 1
        over -= 1
    return shown


def tree(rows: Sequence[tuple[int, str]], style: Style) -> str:
    """Lines of a forest from (depth, text) in order; texts may hold foreign text and are made plain here.

    What is deeper than the terminal has room for is drawn at the last depth that has.
    """
    deepest = _DEEPEST if style.width is None else max(style.width // (6 if style.ascii else 4), 1)
    bars = ("|- ", "`- ", "|  ", "   ") if style.ascii else ("├ ", "└ ", "│ ", "  ")
    lines = []
    open_below: set[int] = set()
    for depth, text in reversed([(min(depth, deepest), text) for depth, text in rows]):
        open_below = {at for at in open_below if at <= depth}
        lead = "".join(bars[2] if at in open_below else bars[3] for at in range(1, depth))
        if depth:
            lead += bars[0] if depth in open_below else bars[1]
            open_below.add(depth)
        lines.append(lead + one_line(text, style, len(lead)))
    return "".join(f"{line}\n" for line in reversed(lines))
