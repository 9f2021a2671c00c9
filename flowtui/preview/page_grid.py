"""Characters with their places on a page, laid out as lines of cells so that columns stay columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import pi
from statistics import median
from typing import NamedTuple

_WORD_GAP = 0.15
"""Of the size of the font: characters further apart are two words."""

_CELL_GAP = 0.9
"""Likewise: words further apart stand in two columns, as two blanks of a fixed-width font would be 1.2."""

_SAME_LINE = 0.4
_MOST_COLUMN = 400
_MOST_BLANK_LINES = 2


class Glyph(NamedTuple):
    """A character on a page.

    Attributes:
        box: left, bottom, right and top in points; y grows upwards.
        origin: where it stands on its base line.
        angle: how its base line is turned, in radians, counter-clockwise.
    """

    char: str
    box: tuple[float, float, float, float]
    origin: tuple[float, float]
    angle: float = 0.0


class _Placed(NamedTuple):
    char: str
    left: float
    right: float
    base: float
    size: float


class _Run(NamedTuple):
    """Words that stand in one column of one line."""

    left: float
    right: float
    text: str


def lay_out(glyphs: Sequence[Glyph]) -> list[str]:
    """The lines of a page, its left margin taken away; text that is turned against the rest comes last."""
    turns = Counter(_quarter(glyph.angle) for glyph in glyphs)
    if not turns:
        return []
    turn = turns.most_common(1)[0][0]
    upright = [_turned(glyph, turn) for glyph in glyphs if _quarter(glyph.angle) == turn]
    lines = _grid(upright)
    for other in sorted(turns):
        if other != turn:
            aside = _grid([_turned(glyph, other) for glyph in glyphs if _quarter(glyph.angle) == other])
            lines += ["", *(" ".join(line.split()) for line in aside if line)]
    return lines


def _quarter(angle: float) -> int:
    """The angle in quarters of a turn, 0 to 3."""
    return round(angle / (pi / 2)) % 4


def _turned(glyph: Glyph, quarter: int) -> _Placed:
    """The character as it stands once its base line is level."""
    left, bottom, right, top = glyph.box
    x, y = glyph.origin
    if quarter == 0:
        return _Placed(glyph.char, left, right, y, top - bottom)
    if quarter == 1:
        return _Placed(glyph.char, bottom, top, -x, right - left)
    if quarter == 2:
        return _Placed(glyph.char, -right, -left, -y, top - bottom)
    return _Placed(glyph.char, -top, -bottom, x, right - left)


def _grid(glyphs: list[_Placed]) -> list[str]:
    rows = [(base, _runs(row)) for base, row in _rows(glyphs)]
    rows = [(base, runs) for base, runs in rows if runs]
    if not rows:
        return []
    margin = min(run.left for _, runs in rows for run in runs)
    unit = _unit([runs for _, runs in rows])
    pitches = [above[0] - below[0] for above, below in pairwise(rows)]
    pitch = median(pitches) if pitches else 1.0
    lines: list[str] = []
    for index, (_, runs) in enumerate(rows):
        if index and pitch > 0:
            gap = round(pitches[index - 1] / pitch) - 1
            lines += [""] * max(min(gap, _MOST_BLANK_LINES), 0)
        line = ""
        for run in runs:
            column = min(round((run.left - margin) / unit), _MOST_COLUMN)
            line = line.ljust(max(column, len(line) + 2 if line else 0)) + run.text
        lines.append(line)
    return lines


def _rows(glyphs: list[_Placed]) -> list[tuple[float, list[_Placed]]]:
    """Characters by line from top to bottom; superscripts belong to the line that they stand on."""
    rows: list[tuple[float, list[_Placed]]] = []
    first = size = 0.0
    for glyph in sorted(glyphs, key=lambda one: -one.base):
        if rows and first - glyph.base <= _SAME_LINE * max(size, glyph.size):
            rows[-1][1].append(glyph)
            if glyph.size > size:
                size = glyph.size
                rows[-1] = (glyph.base, rows[-1][1])
        else:
            rows.append((glyph.base, [glyph]))
            first, size = glyph.base, glyph.size
    return rows


def _runs(row: list[_Placed]) -> list[_Run]:
    runs: list[_Run] = []
    text: list[str] = []
    begin = 0.0
    before: _Placed | None = None
    for glyph in sorted(row, key=lambda one: one.left):
        size = max(glyph.size, before.size if before else 0.0, 1.0)
        if before is not None:
            gap = glyph.left - before.right
            if glyph.char == before.char and abs(glyph.left - before.left) < 0.1 * size:
                continue  # the same character drawn twice to look bold
            if gap > _CELL_GAP * size:
                runs.append(_Run(begin, before.right, "".join(text)))
                text, begin = [], glyph.left
            elif gap > _WORD_GAP * size:
                text.append(" ")
        else:
            begin = glyph.left
        text.append(glyph.char)
        before = glyph
    if before is not None:
        runs.append(_Run(begin, before.right, "".join(text)))
    return runs


def _unit(rows: list[list[_Run]]) -> float:
    """The width of a cell in points: that of a character, less where columns would touch each other."""
    runs = [run for row in rows for run in row]
    characters = sum(len(run.text) for run in runs)
    average = max(sum(run.right - run.left for run in runs) / max(characters, 1), 0.1)
    limits = sorted(
        (after.left - before.left) / (len(before.text) + 2) for row in rows for before, after in pairwise(row)
    )
    if not limits:
        return average
    return min(max(limits[len(limits) // 20], 0.6 * average), average)
