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

_SPACED_GAP = 0.02
"""Likewise, where the text has a blank there."""

_CELL_GAP = 0.9
"""Likewise: words further apart stand in two columns, as two blanks of a fixed-width font would be 1.2."""

_SAME_LINE = 0.4
_SAME_PLACE = 1.5
"""Points that edges of one column differ by."""

_WIDEST_UNIT, _NARROWEST_UNIT = 18, 6
"""Tenths of the width of a character that a cell may stand for."""

_MAY_TOUCH = 0.03
_FARTHEST = 1e5
"""Points from the origin; nothing that can be seen lies further away."""

_MOST_COLUMN = 400
_MOST_BLANK_LINES = 2


class Glyph(NamedTuple):
    """A character on a page, or a line of an annotation, which is kept apart from the characters around it.

    Attributes:
        char: the character; a whole line of text for an annotation.
        box: left, bottom, right and top in points; y grows upwards.
        origin: where it stands on its base line.
        angle: how its base line is turned, in radians, counter-clockwise.
        spaced: a blank stands before it in the text.
    """

    char: str
    box: tuple[float, float, float, float]
    origin: tuple[float, float]
    angle: float = 0.0
    spaced: bool = False


class Placed(NamedTuple):
    """A character once its base line is level.

    Attributes:
        left, right: its edges along the base line.
        base: how high the line is.
        size: of its box, upwards.
        number: that of the glyph, for who wants to find it again.
    """

    char: str
    left: float
    right: float
    base: float
    size: float
    spaced: bool
    number: int = 0


class _Run(NamedTuple):
    """Words that stand in one column of one line."""

    left: float
    right: float
    text: str


def lay_out(glyphs: Sequence[Glyph]) -> list[str]:
    """The lines of a page, its left margin taken away; text that is turned against the rest comes last."""
    glyphs = [glyph for glyph in glyphs if all(abs(place) < _FARTHEST for place in (*glyph.box, *glyph.origin))]
    turns = Counter(quarter(glyph.angle) for glyph in glyphs)
    if not turns:
        return []
    turn = turns.most_common(1)[0][0]
    numbered = list(enumerate(glyphs))
    upright = [turned(glyph, turn, number) for number, glyph in numbered if quarter(glyph.angle) == turn]
    lines = _grid(upright)
    for other in sorted(turns):
        if other != turn:
            aside = _grid([turned(glyph, other, number) for number, glyph in numbered if quarter(glyph.angle) == other])
            lines += ["", *(" ".join(line.split()) for line in aside if line)]
    return lines


def quarter(angle: float) -> int:
    """An angle in radians as quarters of a turn, 0 to 3."""
    return round(angle / (pi / 2)) % 4


def turned(glyph: Glyph, quarters: int, number: int = 0) -> Placed:
    """The character as it stands once its base line, turned by so many quarters, is level."""
    left, bottom, right, top = glyph.box
    x, y = glyph.origin
    if quarters == 0:
        return Placed(glyph.char, left, right, y, top - bottom, glyph.spaced, number)
    if quarters == 1:
        return Placed(glyph.char, bottom, top, -x, right - left, glyph.spaced, number)
    if quarters == 2:
        return Placed(glyph.char, -right, -left, -y, top - bottom, glyph.spaced, number)
    return Placed(glyph.char, -top, -bottom, x, right - left, glyph.spaced, number)


def level_glyph(text: str, along: tuple[float, float], base: float, size: float, quarters: int) -> Glyph:
    """A line of text as a glyph that :func:`turned` by as many quarters gives these edges and this base line."""
    left, right = along
    under, over = 0.2 * size, 0.8 * size
    angle = quarters * pi / 2
    if quarters == 0:
        return Glyph(text, (left, base - under, right, base + over), (left, base), angle)
    if quarters == 1:
        return Glyph(text, (-base - over, left, -base + under, right), (-base, left), angle)
    if quarters == 2:
        return Glyph(text, (-right, -base - over, -left, -base + under), (-left, -base), angle)
    return Glyph(text, (base - under, -right, base + over, -left), (base, -left), angle)


def _grid(glyphs: list[Placed]) -> list[str]:
    rows = [(base, _runs(row)) for base, row in rows_of(glyphs)]
    rows = [(base, runs) for base, runs in rows if runs]
    if not rows:
        return []
    margin = min(run.left for _, runs in rows for run in runs)
    anchored = _anchored([runs for _, runs in rows], margin)
    unit = _unit([runs for _, runs in rows], anchored)
    pitches = [above[0] - below[0] for above, below in pairwise(rows)]
    pitch = median(pitches) if pitches else 1.0
    lines: list[str] = []
    for index, row in enumerate(anchored):
        if index and pitch > 0:
            gap = round(pitches[index - 1] / pitch) - 1
            lines += [""] * max(min(gap, _MOST_BLANK_LINES), 0)
        line = ""
        for one in row:
            column = min(one.column(unit), _MOST_COLUMN)
            line = line.ljust(max(column, len(line) + 2 if line else 0)) + one.text
        lines.append(line)
    return lines


class _Anchored(NamedTuple):
    """A run and the one of its edges that it has in common with the most others: so a column stays one.

    Attributes:
        place: of that edge, or of the middle, in points from the margin.
        share: of its characters that stand before that place: 0, one half, 1.
    """

    text: str
    place: float
    share: float

    def column(self, unit: float) -> int:
        """The cell that it begins in, where a cell is so many points wide."""
        return max(round(self.place / unit - self.share * len(self.text)), 0)


def _anchored(rows: list[list[_Run]], margin: float) -> list[list[_Anchored]]:
    def places(run: _Run) -> tuple[float, float, float]:
        return run.left - margin, (run.left + run.right) / 2 - margin, run.right - margin

    counts: list[Counter[int]] = [Counter(), Counter(), Counter()]
    for row in rows:
        for run in row:
            for count, place in zip(counts, places(run), strict=True):
                count[round(place / _SAME_PLACE)] += 1
    anchored = []
    for row in rows:
        line = []
        for run in row:
            found = places(run)
            near = [
                sum(count[round(place / _SAME_PLACE) + step] for step in (-1, 0, 1))
                for count, place in zip(counts, found, strict=True)
            ]
            # The left edge where others do not have clearly more in common: most text begins at one.
            best = max((2, 1), key=lambda index: near[index])
            if near[best] < 1.25 * near[0] + 0.5:
                best = 0
            line.append(_Anchored(run.text, found[best], best / 2))
        anchored.append(line)
    return anchored


def rows_of(glyphs: list[Placed]) -> list[tuple[float, list[Placed]]]:
    """Characters by line from top to bottom; superscripts belong to the line that they stand on."""
    rows: list[tuple[float, list[Placed]]] = []
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


def _runs(row: list[Placed]) -> list[_Run]:
    runs: list[_Run] = []
    lines = [_Run(one.left, max(one.right, one.left), one.char) for one in row if len(one.char) > 1]
    text: list[str] = []
    begin = 0.0
    before: Placed | None = None
    for glyph in sorted(row, key=lambda one: one.left):
        if lines and len(glyph.char) > 1:
            continue
        size = max(glyph.size, before.size if before else 0.0, 1.0)
        if before is not None:
            gap = glyph.left - before.right
            is_double = glyph.char == before.char and abs(glyph.left - before.left) < 0.1 * size
            if is_double and not _is_ligature(before, glyph):
                continue  # the same character drawn twice to look bold
            if gap > _CELL_GAP * size:
                runs.append(_Run(begin, before.right, "".join(text)))
                text, begin = [], glyph.left
            elif gap > (_SPACED_GAP if glyph.spaced else _WORD_GAP) * size:
                text.append(" ")
        else:
            begin = glyph.left
        text.append(glyph.char)
        before = glyph
    if before is not None:
        runs.append(_Run(begin, before.right, "".join(text)))
    return sorted([*runs, *lines], key=lambda run: run.left) if lines else runs


def _is_ligature(before: Placed, glyph: Placed) -> bool:
    """Whether two letters are one glyph of the file, ``ff``, whose parts all have its box."""
    alike = (before.left, before.right, before.base) == (glyph.left, glyph.right, glyph.base)
    return alike and glyph.char == "f" and glyph.number == before.number + 1


def _unit(rows: list[list[_Run]], anchored: list[list[_Anchored]]) -> float:
    """The width of a cell in points: as wide as columns allow without touching, since pages have room to spare.

    Text in a font of fixed width keeps its own grid.
    """
    widths = [(run.right - run.left) / len(run.text) for row in rows for run in row if len(run.text) > 1]
    characters = sum(len(run.text) for row in rows for run in row)
    average = max(sum(run.right - run.left for row in rows for run in row) / max(characters, 1), 0.1)
    if widths and sum(abs(width - average) < 0.03 * average for width in widths) >= 0.9 * len(widths):
        return average
    neighbours = sum(len(row) - 1 for row in anchored)
    for tenths in range(_WIDEST_UNIT, _NARROWEST_UNIT, -1):
        unit = average * tenths / 10
        touching = sum(
            before.column(unit) + len(before.text) + 2 > after.column(unit)
            for row in anchored
            for before, after in pairwise(row)
        )
        if touching <= neighbours * _MAY_TOUCH:
            return unit if neighbours else average
    return average * _NARROWEST_UNIT / 10
