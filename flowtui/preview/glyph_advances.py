"""How far characters of a PDF reach, where their font tells widths that cannot be: measured by where they stand.

The width that a font tells is what a viewer moves on by, but a file may place every character by itself, and then
nobody sees that the widths are nonsense. A page without such a font costs one pass over its characters.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from statistics import median
from typing import NamedTuple

from flowtui.preview.page_grid import Glyph, Placed, quarter, rows_of, turned

_WIDEST = 2.6
"""Sizes of the font that a character may be wide; a three-em dash is drawn as several."""

_NARROWEST = 0.1
"""Likewise, for characters that take room at all."""

_OVERLAP = 0.25
"""Likewise: what a character may reach into the next one, as in italics and where letters are kerned."""

_TWICE = 0.12
"""Likewise: what is nearer is the same place, drawn twice."""

_SIDE = 0.1
"""Likewise: what is left free beside the drawn part of a character."""

_SAME, _IN_GRID = 0.03, 0.6
"""How much steps of one width differ by, as a share of it, and the share of steps that are alike in a grid."""

_FEW, _WIDEST_PITCH, _BLANKS, _OFF = 20, 0.75, 0.05, 0.05
"""Steps that tell nothing yet; the widest step of a grid in sizes of the font; the share of steps over a blank; how
much a width differs from that of the grid."""

_ODD = 0.01
"""The share of characters that may look odd on a page whose widths are sound."""

Ink = Callable[[int], tuple[float, float, float, float] | None]
"""The drawn part of a glyph by its number: left, bottom, right and top; None where nothing is drawn."""


class _Kind(NamedTuple):
    """Characters with one width: as good as one character of one font."""

    char: str
    hundredths: int


@dataclass(slots=True)
class _Seen:
    """What the places of one kind of character tell; lengths are in sizes of the font.

    Attributes:
        told: its width by the font.
        steps: to the origin of the next character of the line, where that is near.
        overlapping: how many of these are clearly less than the width.
    """

    told: float
    steps: list[float] = field(default_factory=list)
    overlapping: int = 0


def with_credible_widths(glyphs: Sequence[Glyph], ink: Ink, guessed: Set[int] = frozenset()) -> list[Glyph]:
    """The same characters; those whose width cannot be have one that fits the places of their neighbours.

    Args:
        ink: asked for characters whose width cannot be only.
        guessed: numbers of those before which no blank stands in the file: widths said that one would be there.
    """
    if _are_usual(glyphs):
        return list(glyphs)
    places = [turned(glyph, quarter(glyph.angle), number) for number, glyph in enumerate(glyphs)]
    kinds = [_kind(place) for place in places]
    seen = _seen(glyphs, places, kinds)
    wrong = _wrong(seen)
    if not wrong:
        return list(glyphs)
    pitch = _pitch([step for kind in wrong for step in seen[kind].steps])
    mended = []
    for place, glyph, kind in zip(places, glyphs, kinds, strict=True):
        if place.number in guessed:
            glyph = glyph._replace(spaced=False)
        mended.append(_mended(glyph, place, seen[kind], pitch, ink) if kind in wrong else glyph)
    return mended


def _are_usual(glyphs: Sequence[Glyph]) -> bool:
    """Whether nothing is odd at a quick look: level characters after each other do not overlap, nor stand in a grid."""
    odd = 0
    gaps: Counter[int] = Counter()
    left, right, base = 0.0, 0.0, inf
    for glyph in glyphs:
        (begin, bottom, end, top), (_, y) = glyph.box, glyph.origin
        width, size = end - begin, top - bottom
        if width > _WIDEST * size > 0:
            return False
        if glyph.angle or width < _NARROWEST * size:
            odd += 1
        elif y == base and begin > left:
            if begin < right - _OVERLAP * size:
                odd += 1
            elif begin - left < _WIDEST_PITCH * size:
                gaps[round(50 * (begin - left) / size)] += 1
        left, right, base = begin, end, y
    return odd <= _ODD * len(glyphs) and not any(count > _IN_GRID * gaps.total() for count in gaps.values())


def _mended(glyph: Glyph, place: Placed, seen: _Seen, pitch: float, ink: Ink) -> Glyph:
    reach = min(seen.steps, default=min(seen.told, _WIDEST)) * place.size
    if pitch:
        return _reaching(glyph, min(reach, pitch * place.size) if seen.steps else pitch * place.size)
    drawn = ink(place.number)
    if drawn is not None:
        inked = turned(glyph._replace(box=drawn), quarter(glyph.angle)).right - place.left + _SIDE * place.size
        reach = min(reach, inked) if seen.steps else inked
    return _reaching(glyph, max(reach, 0.0))


def _pitch(steps: list[float]) -> float:
    """The one width of all characters, where they stand in a grid; else 0."""
    middle = median(steps) if steps else 0.0
    same = sum(abs(step - middle) < _SAME * middle for step in steps)
    return middle if same >= _IN_GRID * len(steps) else 0.0


def _kind(place: Placed) -> _Kind:
    size = max(place.size, 0.01)
    return _Kind(place.char, round(100 * min((place.right - place.left) / size, 1e4)))


def _seen(glyphs: Sequence[Glyph], places: Sequence[Placed], kinds: Sequence[_Kind]) -> dict[_Kind, _Seen]:
    seen: dict[_Kind, _Seen] = {}
    for kind in kinds:
        if kind not in seen:
            seen[kind] = _Seen(kind.hundredths / 100)
    turns: dict[int, list[int]] = defaultdict(list)
    for number, glyph in enumerate(glyphs):
        turns[quarter(glyph.angle)].append(number)
    for numbers in turns.values():
        for _, row in rows_of([places[number] for number in numbers]):
            for place, after in pairwise(sorted(row, key=lambda one: one.left)):
                size = max(place.size, 0.01)
                step = (after.left - place.left) / size
                if not _TWICE < step < _WIDEST:
                    continue
                one = seen[kinds[place.number]]
                one.steps.append(step)
                one.overlapping += step < one.told - _OVERLAP
    return seen


def _wrong(seen: dict[_Kind, _Seen]) -> set[_Kind]:
    """The kinds whose width cannot be."""
    groups: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for kind, one in seen.items():
        groups[kind.hundredths][0] += one.overlapping
        groups[kind.hundredths][1] += len(one.steps)
    wrong = _off_grid(seen)
    for kind, one in seen.items():
        # A font without widths of its own gives one to all of its characters.
        overlapping, steps = groups[kind.hundredths]
        overlaps = 2 * one.overlapping > len(one.steps) or 2 * overlapping > steps
        if one.told > _WIDEST or (one.told < _NARROWEST and _takes_room(kind.char)) or overlaps:
            wrong.add(kind)
    return wrong


def _off_grid(seen: dict[_Kind, _Seen]) -> set[_Kind]:
    """Where characters stand in a grid with words in it: those whose width is not that of the grid."""
    steps = [step for one in seen.values() for step in one.steps]
    pitch = _pitch(steps) if len(steps) >= _FEW else 0.0
    blanks = sum(abs(step - 2 * pitch) < _SAME * pitch for step in steps)
    # In a chart of single characters none is two steps away, and steps are wider.
    if not 0 < pitch < _WIDEST_PITCH or blanks <= _BLANKS * len(steps):
        return set()
    return {
        kind
        for kind, one in seen.items()
        if abs(one.told - pitch) > _OFF and one.steps and all(_is_multiple(step, pitch) for step in one.steps)
    }


def _is_multiple(step: float, pitch: float) -> bool:
    return abs(step / pitch - round(step / pitch)) < _SAME


def _takes_room(char: str) -> bool:
    return unicodedata.category(char) not in ("Mn", "Me", "Cf", "Cc", "Sk", "Lm")


def _reaching(glyph: Glyph, reach: float) -> Glyph:
    """The glyph with a box that reaches so far along its base line."""
    left, bottom, right, top = glyph.box
    box = (
        (left, bottom, left + reach, top),
        (left, bottom, right, bottom + reach),
        (right - reach, bottom, right, top),
        (left, top - reach, right, top),
    )[quarter(glyph.angle)]
    return glyph._replace(box=box)
