"""Marks, signs and cuts: what `flowtui.words` says, put into cells with a style; pure functions.

A cell is made of marks: text and the name of a style (``good``, ``bad``, ``dim``, ...) of `widgets.paint`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from rich.cells import cell_len, chop_cells

from flowtui import words
from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import NodeExecution
from flowtui.domain.size import human_size
from flowtui.text import plain


class Mark(NamedTuple):
    """A piece of text and the name of its style; without a name it is drawn as its line is."""

    text: str
    style: str = ""


Cell = tuple[Mark, ...]
"""What one column of a row shows."""


@dataclass(frozen=True)
class Signs:
    """What the screen draws with besides the glyphs of phases; ``ascii`` for terminals without these."""

    tee: str = "├ "
    elbow: str = "└ "
    bar: str = "│ "
    open: str = "▾ "
    shut: str = "▸ "
    cursor: str = ">"
    star: str = "★"
    ellipsis: str = "…"
    line: str = "─"
    dot: str = "·"
    here: str = "▶"
    up: str = "⇡"
    picked: str = "✓"
    partly: str = "◐"
    on: str = "●"
    off: str = "○"
    full: str = "━"
    free: str = "─"
    ascii: bool = False


UNICODE = Signs()
ASCII = Signs(
    tee="|-", elbow="`-", bar="| ", open="v ", shut="> ", star="*", ellipsis="~", line="-", dot="|", here="=",
    up="^", picked="+", partly="-", on="(*)", off="( )", full="#", free=".", ascii=True,
)  # fmt: skip

_PHASE_STYLES = {
    "SUCCEEDED": "good",
    "CACHED": "good",
    "PARTLY_SUCCEEDED": "wait",
    "RECOVERED": "good",
    "RUNNING": "busy",
    "DYNAMIC_RUNNING": "busy",
    "SUCCEEDING": "busy",
    "RETRYABLE_FAILED": "busy",
    "FAILED": "bad",
    "FAILING": "bad",
    "TIMED_OUT": "bad",
    "ABORTED": "off",
    "ABORTING": "off",
    "SKIPPED": "off",
}
_STATE_STYLES = {"pending": "wait", "not_produced": "off", "unavailable": "bad"}


def phase_style(phase: str) -> str:
    """The style of one of flyteidl's phases; what is not known waits."""
    return _PHASE_STYLES.get(phase, "wait")


def phase_mark(phase: str, signs: Signs = UNICODE) -> Mark:
    """``✔ done``: glyph, word and colour, so that no one of them is needed alone."""
    return Mark(words.phase(plain(phase), ascii_only=signs.ascii), phase_style(phase))


def phase_glyph(phase: str, signs: Signs = UNICODE) -> Mark:
    """The glyph alone, for a line that also says the word or the error."""
    return Mark(words.phase_glyph(phase, ascii_only=signs.ascii), phase_style(phase))


def node_phase(node: NodeExecution) -> str:
    """The phase of a node as it is shown: ``CACHED`` of a cache hit, ``PARTLY_SUCCEEDED`` of an incomplete map."""
    if node.is_partly_done:
        return "PARTLY_SUCCEEDED"
    return "CACHED" if node.cache == "CACHE_HIT" and node.phase == "SUCCEEDED" else node.phase


def state_mark(state: str) -> Mark:
    """What stands in the place of the size of a file that does not exist; empty for one that does."""
    return Mark(words.state(plain(state)), _STATE_STYLES.get(state, ""))


def size_mark(file: ArtifactFile) -> Mark:
    """The size of a file, or why there is none."""
    return Mark(human_size(file.size)) if file.state == "present" else state_mark(file.state)


def when_mark(moment: datetime | None, now: datetime) -> Mark:
    """``today 09:14`` as a mark."""
    return Mark(words.when(moment, now), "dim")


def age(seconds: float) -> str:
    """How old an answer is: ``now`` below five seconds, then ``15 s ago``, ``3 min ago``, ``2 h ago``, ``4 d ago``.

    Seconds come in steps of five, so that an idle screen paints seldom.
    """
    if seconds < 5:
        return "now"
    if seconds < 60:
        return f"{int(seconds // 5) * 5} s ago"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 86_400:
        return f"{int(seconds // 3600)} h ago"
    return f"{int(seconds // 86_400)} d ago"


def cell_width(cell: Cell) -> int:
    """The terminal cells that a cell's text takes."""
    return sum(cell_len(mark.text) for mark in cell)


def cut(text: object, width: int, ellipsis: str = "…") -> str:
    """Foreign text in at most ``width`` cells: a long one is cut in the middle, so that both ends show."""
    line = plain(text)
    if cell_len(line) <= width:
        return line
    if width <= 1:
        return ellipsis[: max(width, 0)]
    tail_width = (width - 1) // 2
    head = chop_cells(line, width - 1 - tail_width)[0] if width - 1 - tail_width else ""
    if cell_len(head) > width - 1 - tail_width:
        head = ""
    tail = ""
    for char in reversed(line):
        if cell_len(char + tail) > tail_width:
            break
        tail = char + tail
    return f"{head}{ellipsis}{tail}"


def cut_end(text: object, width: int, ellipsis: str = "…") -> str:
    """Foreign text in at most ``width`` cells, cut at its end: for sentences."""
    line = plain(text)
    if cell_len(line) <= width:
        return line
    if width <= 1:
        return ellipsis[: max(width, 0)]
    head = chop_cells(line, width - 1)[0]
    return f"{head.rstrip() if cell_len(head) < width else ''}{ellipsis}"


def outline(depths: list[int], signs: Signs = UNICODE) -> list[str]:
    """The guides of a tree from the depth of each of its rows, in the order in which they are shown.

    A row of depth 0 has none; the others get ``├ `` or ``└ `` behind a bar for each branch that goes on.
    """
    guides: list[str] = []
    goes_on: dict[int, bool] = {}
    for depth in reversed(depths):
        if depth == 0:
            guides.append("")
            goes_on.clear()
            continue
        bars = "".join(signs.bar if goes_on.get(level) else "  " for level in range(1, depth))
        guides.append(bars + (signs.tee if goes_on.get(depth) else signs.elbow))
        goes_on[depth] = True
        for level in [level for level in goes_on if level > depth]:
            del goes_on[level]
    return guides[::-1]
