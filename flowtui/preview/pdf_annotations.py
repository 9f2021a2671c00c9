"""The annotations of a page of a PDF (ISO 32000-1, 12.5) and the values of form fields (12.7), which are no page text.

What stands on the page, as the text of an annotated CRF does, is given as glyphs at its place, between marks; comments
that a viewer shows in a window are given as lines.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from flowtui.preview.page_grid import Glyph, level_glyph, turned
from flowtui.text import plain

MOST_ANNOTATIONS = 5000
_MOST_TEXT = 10_000
_HIDDEN = 2 | 32
"""The flags "hidden" and "no view" (table 165)."""

_TEXT_MARKS, _VALUE_MARKS = "\xab\xbb", "\u2039\u203a"
_FREE_TEXT, _WIDGET = 3, 20
_COMMENTS = {
    1: "note", 4: "line", 5: "square", 6: "circle", 7: "polygon", 8: "polyline", 9: "highlight", 10: "underline",
    11: "squiggly underline", 12: "strikeout", 13: "stamp", 14: "caret", 15: "ink", 17: "attached file",
    28: "redaction",
}  # fmt: skip
"""Names of PDFium's numbers of subtypes whose text is in a window (fpdf_annot.h)."""

_CHECK_BOX, _RADIO_BUTTON, _COMBO_BOX, _LIST_BOX, _TEXT_FIELD = 2, 3, 4, 5, 6
_FONT_SIZE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{0,4})?)\s+Tf\b")
_USUAL_SIZE = 10.0
_LINE = 1.15
_CHARACTER = 0.5
"""Sizes of the font: the height of a line, and the width of a character on average."""


@dataclass(frozen=True, slots=True)
class Annotations:
    """What is annotated on a page.

    Attributes:
        glyphs: text that stands on the page, each a line between marks.
        comments: lines of text that a viewer shows in a window.
        texts, values: how many annotations and form values ``glyphs`` are of.
        cut: there are more than are looked at.
    """

    glyphs: list[Glyph] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    texts: int = 0
    values: int = 0
    cut: bool = False

    def notices(self) -> list[str]:
        """What the marks mean."""
        said = []
        if self.texts:
            said.append(
                f"{_count(self.texts, 'annotation stands', 'annotations stand')} between {' and '.join(_TEXT_MARKS)}"
            )
        if self.values:
            said.append(
                f"{_count(self.values, 'form value stands', 'form values stand')} between {' and '.join(_VALUE_MARKS)}"
            )
        if self.comments:
            said.append(f"{_count(len(self.comments), 'comment', 'comments')} below the text of the page")
        if self.cut:
            said.append(f"first {MOST_ANNOTATIONS:,} annotations of the page")
        return said


def annotations_of(document: Any, page: Any) -> Annotations:
    """The annotations and form values that a viewer shows on a page.

    Args:
        document, page: a ``pypdfium2.PdfDocument`` and its ``PdfPage``.
    """
    from pypdfium2 import raw

    count = raw.FPDFPage_GetAnnotCount(page)
    if count <= 0:
        return Annotations()
    quarters = int(page.get_rotation()) // 90 % 4
    glyphs: list[Glyph] = []
    comments: list[str] = []
    texts = values = 0
    form: Any = None
    for number in range(min(count, MOST_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page, number)
        if not annotation:
            continue
        try:
            if raw.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
                continue
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            if kind == _FREE_TEXT and (text := _string(annotation, b"Contents")).strip():
                glyphs += _glyphs(annotation, text, _TEXT_MARKS, quarters)
                texts += 1
            elif kind == _WIDGET:
                form = form or _form(document)
                if form and (value := _value(form, annotation)) is not None:
                    glyphs += _glyphs(annotation, value, _VALUE_MARKS, quarters)
                    values += 1
            elif kind in _COMMENTS and (text := _string(annotation, b"Contents")).strip():
                author = " ".join(plain(_string(annotation, b"T")).split())[:80]
                said = " ".join(plain(text.replace("\r", " ").replace("\n", " ")).split())
                comments.append(f"{_COMMENTS[kind]}{' by ' if author else ''}{author}: {said}")
        finally:
            raw.FPDFPage_CloseAnnot(annotation)
    return Annotations(glyphs, comments, texts, values, count > MOST_ANNOTATIONS)


def _string(annotation: Any, key: bytes) -> str:
    from pypdfium2 import raw

    return _utf16(lambda buffer, size: raw.FPDFAnnot_GetStringValue(annotation, key, buffer, size))


def _utf16(get: Any) -> str:
    """What one of PDFium's functions writes to a buffer of so many bytes."""
    from pypdfium2 import raw

    size = get(None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    get(ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), size)
    return buffer.raw[: min(size, 2 * _MOST_TEXT)].decode("utf-16-le", "replace").split("\0", 1)[0]


def _form(document: Any) -> Any:
    """PDFium's handle of the document's form, which ends with the document; None where it has none."""
    document.init_forms()
    return document.formenv


def _value(form: Any, annotation: Any) -> str | None:
    """What a field holds; a cross for a box that is ticked; None where there is nothing to tell."""
    from pypdfium2 import raw

    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in (_CHECK_BOX, _RADIO_BUTTON):
        # The state that is drawn; PDFium knows it by itself only of forms that it had before their page.
        return "x" if _string(annotation, b"AS") not in ("", "Off") else None
    if kind not in (_COMBO_BOX, _LIST_BOX, _TEXT_FIELD):
        return None
    value = _utf16(lambda buffer, size: raw.FPDFAnnot_GetFormFieldValue(form, annotation, buffer, size))
    return value if value.strip() else None


def _glyphs(annotation: Any, text: str, marks: str, quarters: int) -> Iterator[Glyph]:
    """The lines of a text in the rectangle of its annotation, each as one glyph."""
    from pypdfium2 import raw

    edges = raw.FS_RECTF()
    if not raw.FPDFAnnot_GetRect(annotation, ctypes.byref(edges)):
        return
    left, right = sorted((edges.left, edges.right))
    bottom, top = sorted((edges.bottom, edges.top))
    # Text stands upright on the page as it is shown.
    place = turned(Glyph("", (left, bottom, right, top), (left, bottom)), quarters)
    upper = {0: top, 1: -left, 2: -bottom, 3: right}[quarters]
    told = _FONT_SIZE.search(_string(annotation, b"DA"))
    size = float(told[1]) if told else 0.0
    paragraphs = [line for line in re.split(r"\r\n|\r|\n", plain_lines(text)) if line.strip()]
    if not size:
        size = min(place.size / (_LINE * max(len(paragraphs), 1)), _USUAL_SIZE)
    size = min(max(size, 1.0), 100.0)
    lines = list(_wrapped(paragraphs, (place.right - place.left) / (_CHARACTER * size), place.size / (_LINE * size)))
    free = place.size - _LINE * size * len(lines)
    # A line that fills its box stands in the middle of it, else text begins at the top.
    begin = upper - (free / 2 if free < _LINE * size else 0.2 * size)
    for number, line in enumerate(lines):
        shown = (f"{marks[0]} " if number == 0 else "") + line + (f" {marks[1]}" if number == len(lines) - 1 else "")
        base = begin - _LINE * size * number - 0.9 * size
        yield level_glyph(shown, (place.left, place.right), base, size, quarters)


def plain_lines(text: str) -> str:
    """Text without control codes but its line breaks."""
    return "\n".join(plain(line) for line in re.split(r"\r\n|\r|\n", text))


def _wrapped(paragraphs: list[str], characters: float, most: float) -> Iterator[str]:
    """Lines of about so many characters, but not clearly more of them than fit: what is cut nowhere is not wrapped."""
    needed = sum(ceil(len(line) / max(characters, 1.0)) for line in paragraphs)
    if most >= 2 and needed > most:
        characters *= needed / most
    for line in paragraphs:
        if most < 2 or len(line) <= 1.2 * characters:
            yield line
            continue
        now = ""
        for word in line.split():
            if now and len(now) + 1 + len(word) > characters:
                yield now
                now = word
            else:
                now = f"{now} {word}" if now else word
        if now:
            yield now


def _count(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"
