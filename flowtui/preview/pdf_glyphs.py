"""The characters of a page of a PDF, where they stand; by PDFium, whose objects this gets and gives back."""

from __future__ import annotations

import ctypes
from typing import Any

from flowtui.preview.glyph_advances import with_credible_widths
from flowtui.preview.page_grid import Glyph

MOST_GLYPHS = 100_000

_HYPHEN = 2
"""What PDFium gives for a hyphen at the end of a line, as the word may go on after it."""


def glyphs_of(page: Any) -> tuple[list[Glyph], bool]:
    """The characters of a page, and whether there are more than the ``MOST_GLYPHS`` that are looked at.

    Args:
        page: a ``pypdfium2.PdfPage``.
    """
    from pypdfium2 import raw

    text = page.get_textpage()
    try:
        count = text.count_chars()
        box = raw.FS_RECTF()
        x, y = ctypes.c_double(), ctypes.c_double()
        at_x, at_y, at_box = ctypes.byref(x), ctypes.byref(y), ctypes.byref(box)
        found: list[Glyph] = []
        numbers: list[int] = []
        guessed: set[int] = set()
        spaced = is_guess = False
        for number in range(min(count, MOST_GLYPHS)):
            code = raw.FPDFText_GetUnicode(text, number)
            if code == _HYPHEN and raw.FPDFText_IsHyphen(text, number) == 1:
                code = 0x2D
            if code <= 32 or code == 0xA0:
                if code not in (0x0A, 0x0D):
                    # A line break says nothing of the line that the characters stand on.
                    spaced = True
                    is_guess = raw.FPDFText_IsGenerated(text, number) == 1
                continue
            if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
                continue
            if not raw.FPDFText_GetLooseCharBox(text, number, at_box) or not raw.FPDFText_GetCharOrigin(
                text, number, at_x, at_y
            ):
                continue
            found.append(
                Glyph(
                    chr(code),
                    (box.left, box.bottom, box.right, box.top),
                    (x.value, y.value),
                    # PDFium measures it clockwise.
                    -raw.FPDFText_GetCharAngle(text, number),
                    spaced,
                )
            )
            if spaced and is_guess:
                guessed.add(len(numbers))
            numbers.append(number)
            spaced = False
        edges = [ctypes.c_double() for _ in range(4)]
        at_edges = [ctypes.byref(edge) for edge in edges]

        def ink(index: int) -> tuple[float, float, float, float] | None:
            if not raw.FPDFText_GetCharBox(text, numbers[index], *at_edges):
                return None
            left, right, bottom, top = (edge.value for edge in edges)
            return (left, bottom, right, top) if right > left and top > bottom else None

        return with_credible_widths(found, ink, guessed), count > MOST_GLYPHS
    finally:
        text.close()
