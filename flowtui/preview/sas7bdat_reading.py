"""The pages of a SAS dataset that its first rows need, read from a source and no others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowtui.errors import PreviewError
from flowtui.preview.sas7bdat_header import Header
from flowtui.preview.sas7bdat_metadata import Metadata
from flowtui.preview.sas7bdat_page import Page
from flowtui.preview.sas7bdat_rows import Rows

if TYPE_CHECKING:
    from flowtui.preview.limits import Limits
    from flowtui.preview.subject import Subject

_AHEAD = 256 * 1024
_MOST_METADATA = 32 << 20
"""Bytes of pages that describe a dataset; those of 32,767 variables with long labels take about 15 MB."""

_MOST_LATER_PAGES = 64
_MOST_LATER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Beginning:
    """What was read of a dataset.

    Attributes:
        is_ended: whether all rows were read that the pages have.
    """

    metadata: Metadata
    rows: Rows
    is_ended: bool


class _Pages:
    """Pages by number, read ahead in bounded steps."""

    def __init__(self, subject: Subject, header: Header) -> None:
        self._subject = subject
        self._header = header
        self._start = 0
        self._window = b""
        self.left = 0
        self.is_spent = False

    async def page(self, number: int, ahead: int) -> Page | None:
        """A page; None where the file ends before it does, or no more may be read.

        Args:
            ahead: bytes to read in one go where it is not there yet.
        """
        header, head = self._header, self._subject.head
        start = header.header_size + number * header.page_size
        end = start + header.page_size
        if number >= header.page_count:
            return None
        if end <= len(head):
            return Page(head[start:end], header)
        if self._subject.whole:
            return None
        if not self._start <= start or end > self._start + len(self._window):
            length = max(min(ahead, self.left) // header.page_size, 1) * header.page_size
            length = min(length, (header.page_count - number) * header.page_size)
            if length > self.left:
                self.is_spent = True
                return None
            self.left -= length
            self._start, self._window = start, await self._subject.reader.read(start, length)
        data = self._window[start - self._start : end - self._start]
        return Page(data, header) if len(data) == header.page_size else None


async def beginning_of(subject: Subject, header: Header) -> Beginning:
    """The variables of a dataset and its first rows, within the limits of the subject.

    Raises:
        PreviewError: the pages make no sense, or describe nothing.
        NotFoundError, StorageError: the file cannot be read.
    """
    pages = _Pages(subject, header)
    pages.left = _MOST_METADATA
    metadata = Metadata(header)
    number, ahead = 0, _AHEAD
    while True:
        page = await pages.page(number, ahead)
        if page is None or await asyncio.to_thread(metadata.add, page):
            break
        number += 1
        ahead = min(2 * ahead, 4 << 20)
    if metadata.column_count is None:
        raise PreviewError("a damaged SAS dataset: its first pages do not tell its variables")
    await _read_later_texts(subject, header, metadata, number)
    rows = Rows(bytearray())
    wanted = most_rows(subject.limits, metadata)
    pages.left = max(subject.limits.head, header.page_size)
    while page is not None and rows.count < wanted and rows.seen < metadata.row_count and not rows.is_damaged:
        await asyncio.to_thread(rows.add, page, metadata, wanted)
        number += 1
        ahead = (wanted - rows.count) * metadata.row_length * 9 // 8
        page = await pages.page(number, max(ahead, header.page_size)) if rows.count < wanted else None
    is_ended = rows.seen >= metadata.row_count or (rows.count < wanted and page is None and not pages.is_spent)
    return Beginning(metadata, rows, is_ended and not rows.is_damaged)


def most_rows(limits: Limits, metadata: Metadata) -> int:
    """How many rows to show; none of a dataset without variables."""
    if not metadata.column_count or not metadata.row_length:
        return 0
    shown = min(metadata.column_count, max(limits.columns, 1))
    # Rows of many kilobytes are few, so that they cost no more than the head.
    return max(min(limits.rows, limits.cells // shown, max(limits.head // metadata.row_length, 1)), 1)


async def _read_later_texts(subject: Subject, header: Header, metadata: Metadata, number: int) -> None:
    """Read the blocks of text that lie behind the rows, where names, labels or formats point there."""
    last = metadata.last_text_page
    if not metadata.missing_texts or last is None or not number < last < header.page_count:
        return
    if getattr(subject.reader, "is_sequential", False) and not subject.whole:
        return
    pages = _Pages(subject, header)
    pages.left = max(subject.limits.head, _MOST_LATER_BYTES)
    found: list[Page] = []
    missing = max(metadata.text_count - len(metadata.texts), 1)
    # They are the last pages, and those before the last are not told.
    for behind in range(min(_MOST_LATER_PAGES, last - number)):
        page = await pages.page(last - behind, header.page_size)
        if page is None or page.has_rows:
            break
        found.insert(0, page)
        missing -= page.text_count
        if missing <= 0:
            break
    if missing <= 0:
        for page in found:
            metadata.add_texts(page)
