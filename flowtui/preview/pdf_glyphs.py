"""The characters of a page of a PDF, where they stand; by PDFium, whose objects this gets and gives back."""

from __future__ import annotations

import ctypes
from math import pi
from typing import Any

from flowtui.preview.glyph_advances import with_credible_widths
from flowtui.preview.page_grid import Glyph

MOST_GLYPHS = 100_000
_NEAR = 0.05
_LEVEL = 0.01
_NO_WIDTH, _OUTLINE = 0.02, 0.1
"""Points; PDFium leaves text out that is less than half of the first wide."""

_NEXT_BELOW = 2.5
_DOWN = 1.5 * pi

_HYPHEN = 2
"""What PDFium gives for a hyphen at the end of a line, as the word may go on after it."""


def glyphs_of(page: Any) -> tuple[list[Glyph], bool]:
    """The characters of a page, and whether there are more than the ``MOST_GLYPHS`` that are looked at.

    Args:
        page: a ``pypdfium2.PdfPage``.
    """
    from pypdfium2 import raw

    widened = _give_width(page)
    text = page.get_textpage()
    for thing, mode in widened:
        raw.FPDFTextObj_SetTextRenderMode(thing, mode)
    try:
        count = text.count_chars()
        handle = text.raw
        unicode_of, box_of, origin_of = (
            raw.FPDFText_GetUnicode,
            raw.FPDFText_GetLooseCharBox,
            raw.FPDFText_GetCharOrigin,
        )
        box = raw.FS_RECTF()
        x, y = ctypes.c_double(), ctypes.c_double()
        at_x, at_y, at_box = ctypes.byref(x), ctypes.byref(y), ctypes.byref(box)
        found: list[Glyph] = []
        numbers: list[int] = []
        guessed: set[int] = set()
        spaced = is_guess = False
        for number in range(min(count, MOST_GLYPHS)):
            code = unicode_of(handle, number)
            if code == _HYPHEN and raw.FPDFText_IsHyphen(handle, number) == 1:
                code = 0x2D
            if code <= 32 or code == 0xA0:
                if code not in (0x0A, 0x0D):
                    # A line break says nothing of the line that the characters stand on.
                    spaced = True
                    is_guess = raw.FPDFText_IsGenerated(handle, number) == 1
                continue
            if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
                continue
            if not box_of(handle, number, at_box) or not origin_of(handle, number, at_x, at_y):
                continue
            edges, origin = (box.left, box.bottom, box.right, box.top), (x.value, y.value)
            if abs(edges[0] - origin[0]) < _LEVEL and edges[3] - origin[1] > _LEVEL:
                # Only level text begins at its left edge and stands above its base line; to ask takes time.
                glyph = Glyph(chr(code), edges, origin, 0.0, spaced)
            else:
                # PDFium measures it clockwise.
                glyph = Glyph(chr(code), edges, origin, -raw.FPDFText_GetCharAngle(handle, number), spaced)
            if found and found[-1].angle == _DOWN and _is_below(glyph, found[-1]):
                glyph = _as_written(glyph, True)
            elif abs(glyph.angle) < _LEVEL and origin[0] - edges[0] > _NEAR * (edges[2] - edges[0]):
                glyph = _as_written(glyph, False)
            found.append(glyph)
            if spaced and is_guess:
                guessed.add(len(numbers))
            numbers.append(number)
            spaced = False
        sides = [ctypes.c_double() for _ in range(4)]
        at_sides = [ctypes.byref(side) for side in sides]

        def ink(index: int) -> tuple[float, float, float, float] | None:
            if not raw.FPDFText_GetCharBox(handle, numbers[index], *at_sides):
                return None
            left, right, bottom, top = (side.value for side in sides)
            return (left, bottom, right, top) if right > left and top > bottom else None

        return with_credible_widths(found, ink, guessed), count > MOST_GLYPHS
    finally:
        text.close()


def _give_width(page: Any) -> list[tuple[Any, int]]:
    """Draw text that has no width with an outline: PDFium takes it for empty and leaves it out.

    That is text in a font that neither the file nor this machine has, whose every character or column is an object of
    its own: vertical writing, and the recognised text of scans. Nothing can be seen of it.

    Returns:
        The objects and how they were drawn.
    """
    from pypdfium2 import raw

    sides = [ctypes.c_float() for _ in range(4)]
    at_sides = [ctypes.byref(side) for side in sides]
    changed = []
    handle, text = page.raw, raw.FPDF_PAGEOBJ_TEXT
    for number in range(min(raw.FPDFPage_CountObjects(handle), MOST_GLYPHS)):
        thing = raw.FPDFPage_GetObject(handle, number)
        if raw.FPDFPageObj_GetType(thing) != text or not raw.FPDFPageObj_GetBounds(thing, *at_sides):
            continue
        if sides[2].value - sides[0].value < _NO_WIDTH:
            changed.append((thing, raw.FPDFTextObj_GetTextRenderMode(thing)))
            raw.FPDFPageObj_SetStrokeWidth(thing, _OUTLINE)
            raw.FPDFTextObj_SetTextRenderMode(thing, raw.FPDF_TEXTRENDERMODE_STROKE)
            # Moved by nothing, its edges are taken anew.
            raw.FPDFPageObj_Transform(thing, 1, 0, 0, 1, 0, 0)
    return changed


def _is_below(glyph: Glyph, above: Glyph) -> bool:
    size = above.box[3] - above.box[1]
    down = above.origin[1] - glyph.origin[1]
    return abs(glyph.origin[0] - above.origin[0]) < _NEAR * size and 0 < down < _NEXT_BELOW * size


def _as_written(glyph: Glyph, is_down: bool) -> Glyph:
    """A character that PDFium calls level, though its origin is not at its left edge.

    In vertical writing the origin is in the middle: it is read from top to bottom, columns from right to left. With
    a negative size of the font it is at the right edge: the text stands on its head.

    Args:
        is_down: it follows one in vertical writing, in which PDFium moves the box of marks.
    """
    left, bottom, right, top = glyph.box
    x = glyph.origin[0]
    if abs(x - right) < _NEAR * (right - left):
        return glyph._replace(angle=pi)
    if is_down or abs(x - (left + right) / 2) < _NEAR * (right - left):
        half = (top - bottom) / 2
        return glyph._replace(box=(x - half, bottom, x + half, top), angle=_DOWN)
    return glyph
