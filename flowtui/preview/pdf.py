"""PDF: the text of a page as it is laid out there, and its picture where one is asked for; read with PDFium.

PDFium reads what a page needs through a callback: the cross-reference table at the end, then the page's own objects.
Text is placed by the boxes of its characters, since the order in a file's text stream says nothing of columns.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview.page_grid import lay_out
from flowtui.preview.partial import PartialFile
from flowtui.preview.pdf_annotations import annotations_of
from flowtui.preview.pdf_glyphs import MOST_GLYPHS, glyphs_of
from flowtui.preview.pdf_objects import with_new_list
from flowtui.preview.reasons import reason_of
from flowtui.preview.result import Image, Preview
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject
    from flowtui.preview.worker import Request

_MOST_READ = 8 * 1024 * 1024
"""Bytes that one page may cost; what was read before is kept by the parent."""

_TAIL = 1024
_START = re.compile(rb"startxref\s+([0-9]{1,12})")
_MOST_TABLE = 4 * 1024 * 1024
_POINTS = 72 / 25.4
_PAPER = {(210, 297): "A4", (297, 420): "A3", (148, 210): "A5", (216, 279): "Letter", (216, 356): "Legal"}
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?")
_FACTS = (("title", "Title"), ("author", "Author"), ("creator", "Creator"), ("producer", "Producer"))


def accepts(subject: Subject) -> bool:
    """What begins like a PDF within its first kilobyte, as readers of PDF take it."""
    sniffed = subject.sniffed
    return sniffed.magic == "pdf" or (sniffed.is_any("pdf") and b"%PDF-" in subject.head[:1024])


async def show(subject: Subject) -> Preview:
    return await subject.workers.show(show_page, subject)


def show_page(file: BinaryIO, request: Request) -> Preview:
    """One page: its text, its picture where ``limits.pixels`` allows one, and what the document says of itself."""
    import pypdfium2

    if request.size is None:
        raise PreviewError("a PDF is read from its end, and the store does not say how long it is")
    _forget_fonts()
    limits = request.limits
    most = max(_MOST_READ, 32 * limits.head)
    _read_cross_references(file, request.size)
    part = PartialFile(file, most)
    notices: list[str] = []
    try:
        document = pypdfium2.PdfDocument(part)
        pages = len(document)
    except pypdfium2.PdfiumError as error:
        if "assword" in str(error):  # not shown
            return Preview(kind="text", notices=("encrypted: it opens with a password only",), format="pdf")
        mended = _with_new_list(file, request.size, most)
        if mended is None:
            raise PreviewError(f"not a PDF that can be opened: {_reason(error)}") from None
        document, pages = mended
        notices.append("its list of objects is damaged: they were found by going through the file")
    try:
        if not pages:
            raise PreviewError("a PDF without pages")
        number = min(max(limits.page, 1), pages)
        if number != limits.page:
            notices.append(f"the document ends with page {pages:,}")
        try:
            page = document[number - 1]
        except pypdfium2.PdfiumError as error:
            if part.cut:
                # Many files list their pages one after the other, each beside its content.
                notices.append(f"page {number:,} was not found within {human_size(most)} of the file")
            else:
                notices.append(f"page {number:,} is damaged: {_reason(error)}")
            return Preview(
                kind="text",
                notices=tuple(notices),
                format="pdf",
                facts=() if part.cut else _facts(document),
                page=number,
                pages=pages,
            )
        glyphs, cut = glyphs_of(page)
        annotations = annotations_of(document, page)
        lines = lay_out([*glyphs, *annotations.glyphs])
        if annotations.comments:
            lines += [*([""] if lines else []), "── comments ──", *annotations.comments]
        lines = [plain(line[: limits.line]) for line in lines]
        picture = _picture(page, limits.pixels) if limits.pixels > 0 else None
        if part.cut:
            notices.append(f"the page as far as its parts were found within {human_size(most)} of the file")
        if cut:
            notices.append(f"first {MOST_GLYPHS:,} characters of the page")
        notices += annotations.notices()
        if len(lines) > limits.lines:
            notices.append(f"first {limits.lines:,} of {len(lines):,} lines of the page")
        if not lines:
            notices.append("no text on this page" + ("" if picture else ", which may be a picture"))
        return Preview(
            kind="image" if picture and not lines else "text",
            lines=tuple(lines[: limits.lines]),
            notices=tuple(notices),
            more=len(lines) > limits.lines,
            format="pdf",
            image=picture,
            facts=(*_facts(document), ("page size", _size(page))),
            page=number,
            pages=pages,
        )
    finally:
        document.close()


def _forget_fonts() -> None:
    """Begin with a PDFium that has seen no file: it keeps fonts that stand in for others as a page has widened them.

    Nothing of a document is open here: each is closed with its preview.
    """
    from pypdfium2 import raw

    raw.FPDF_DestroyLibrary()
    raw.FPDF_InitLibrary()


def _with_new_list(file: BinaryIO, size: int, most: int) -> tuple[Any, int] | None:
    """A document whose objects had to be looked for, and its number of pages; None where that does not help."""
    import pypdfium2

    if size > most:
        return None
    file.seek(0)
    data = with_new_list(file.read(size))
    if data is None:
        return None
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        return None
    return document, len(document)


def _read_cross_references(file: BinaryIO, size: int) -> None:
    """Read from the cross-reference table to the end in one go; PDFium would ask for it piece by piece."""
    file.seek(max(size - _TAIL, 0))
    found = _START.findall(file.read(_TAIL))
    start = int(found[-1]) if found else size
    if start < size <= start + _MOST_TABLE:
        file.seek(start)
        file.read(size - start)


def _reason(error: Exception) -> str:
    """What PDFium says of a file, from the message that pypdfium2 wraps it in."""
    found = re.search(r"PDFium: (.*?)\)?\.?$", str(error))
    return plain(found[1]).rstrip(".").lower() if found else reason_of(error)


def _picture(page: Any, pixels: int) -> Image:
    width, height = page.get_size()
    longest = max(width, height, 1.0)
    bitmap = page.render(scale=(pixels - 1) / longest, rev_byteorder=True, may_draw_forms=False)
    wide, high, stride, channels = bitmap.width, bitmap.height, bitmap.stride, bitmap.n_channels
    data = bytes(bitmap.buffer)
    rows = []
    for at in range(high):
        row = data[at * stride : at * stride + wide * channels]
        if channels == 4:
            packed = bytearray(wide * 3)
            for colour in range(3):
                packed[colour::3] = row[colour::4]
            row = bytes(packed)
        elif channels == 1:
            row = bytes(value for value in row for _ in range(3))
        rows.append(row)
    bitmap.close()
    return Image(wide, high, b"".join(rows), round(width), round(height))


def _facts(document: Any) -> tuple[tuple[str, str], ...]:
    facts = []
    for name, key in _FACTS:
        value = plain(document.get_metadata_value(key)).strip()
        if value:
            facts.append((name, value[:200]))
    created = _DATE.match(document.get_metadata_value("CreationDate"))
    if created:
        year, month, day, hour, minute = created.groups()
        clock = f" {hour}:{minute}" if hour and minute else ""
        facts.append(("created", f"{year}-{month or '01'}-{day or '01'}{clock}"))
    version = document.get_version()
    if version:
        facts.append(("version", f"PDF {version / 10:.1f}"))
    return tuple(facts)


def _size(page: Any) -> str:
    width, height = (round(side / _POINTS) for side in page.get_size())
    short, long = sorted((width, height))
    named = next((name for (a, b), name in _PAPER.items() if abs(short - a) <= 2 and abs(long - b) <= 2), "")
    way = " landscape" if named and width > height else ""
    return f"{width} x {height} mm" + (f" ({named}{way})" if named else "")
