"""The pages of an RTF document, as they come one after the other."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from flowtui.preview.blocks import Block, Paragraph, Table
from flowtui.preview.rtf_story import Story

PAGE, PAGES = "\ue000", "\ue001"
"""Stand for the number of the page, and of pages, until the page is shown."""

_TOUCHED = re.compile(f"{PAGE}(?=[A-Za-z])")


@dataclass(slots=True)
class _Page:
    blocks: list[Block]
    header: Story
    footer: Story


class Book:
    """Puts pages away; of all of them the wanted one and the last are kept.

    Attributes:
        pages: how many there are so far.
        body: what is being written.
        header, footer: of the pages to come; first_header: of the first page, where that has one of its own.
        notes: footnotes of this page.
    """

    def __init__(self, wanted: int) -> None:
        self.pages = 0
        self.body = Story()
        self.header = self.footer = Story()
        self.first_header: Story | None = None
        self.notes: list[Story] = []
        self._wanted = wanted
        self._kept: dict[int, _Page] = {}
        self._section_ended = False

    def end_page(self) -> bool:
        """Put the body away as a page; False where it is empty, as between two breaks."""
        self._section_ended = False
        body = self.body
        body.end()
        for note in self.notes:
            note.end()
            body.blocks += note.blocks
        self.notes = []
        if body.is_empty:
            body.blocks.clear()
            return False
        self.pages += 1
        if self.pages - 1 != self._wanted:
            self._kept.pop(self.pages - 1, None)
        header = self.first_header if self.first_header is not None and self.pages == 1 else self.header
        self._kept[self.pages] = _Page(body.blocks, header, self.footer)
        body.blocks = []
        return True

    def end_section(self) -> None:
        """A section ends its page, but for :meth:`continue_section`."""
        self._section_ended = self.end_page()

    def continue_section(self) -> None:
        """The next section goes on where the one before ended: that was no end of a page."""
        if self._section_ended and self.body.is_empty and self.pages in self._kept:
            self.body.blocks = self._kept.pop(self.pages).blocks
            self.pages -= 1
        self._section_ended = False

    def page(self, number: int, whole: bool) -> list[Block]:
        """The blocks of a page: header, body, notes, footer; ``whole``: how many pages there are is known."""
        body = self._kept[number]
        total = f"{self.pages:,}" if whole else "?"
        blocks = [*body.header.blocks, Paragraph(""), *body.blocks, Paragraph(""), *body.footer.blocks]
        return [_numbered(block, str(number), total) for block in blocks]


def _numbered(block: Block, page: str, pages: str) -> Block:
    """The block with the numbers of its page and of pages put in."""

    def put(text: str) -> str:
        # The blank after a control word belongs to it, which makes "Page 1of 3".
        return _TOUCHED.sub(page + " ", text).replace(PAGE, page).replace(PAGES, pages)

    if isinstance(block, Paragraph):
        return replace(block, text=put(block.text))
    if isinstance(block, Table):
        return Table([[replace(cell, text=put(cell.text)) for cell in row] for row in block.rows], block.heads)
    return block
