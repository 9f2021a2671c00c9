"""RTF: the pages of clinical tables, listings and text with their headers, titles, rows in columns, and footers."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview.blocks import TABLE_WIDTH, WIDTH, Table, table_width
from flowtui.preview.markup import document
from flowtui.preview.result import Preview
from flowtui.preview.rtf_reader import RtfReader

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject
    from flowtui.preview.worker import Request

_MOST_BYTES = 16 * 1024 * 1024


def accepts(subject: Subject) -> bool:
    """What begins like RTF."""
    return subject.sniffed.magic == "rtf"


async def show(subject: Subject) -> Preview:
    return await subject.workers.show(show_rtf, subject)


def show_rtf(file: BinaryIO, request: Request) -> Preview:
    """One page of the document."""
    limits = request.limits
    most = limits.whole if request.size is not None and request.size <= limits.whole else limits.head
    data = file.read(max(most, 1))
    while True:
        whole = len(data) == request.size or len(data) < most
        reader = RtfReader(limits.page)
        reader.read(data.decode("latin-1"))
        if whole or reader.book.pages > limits.page or len(data) >= _MOST_BYTES:
            break
        # The page is further on.
        most = min(most * 4, _MOST_BYTES)
        data += file.read(most - len(data))
    if not reader.book.pages:
        raise PreviewError("RTF without text")
    count = len(reader.pictures)
    kinds = ", ".join(reader.pictures[:5])
    notices = [f"{count:,} {'picture' if count == 1 else 'pictures'}: {kinds}"] if count else []
    shown = min(max(limits.page, 1), reader.book.pages)
    if shown != limits.page:
        notices.append(f"{'the document ends' if whole else 'what was read ends'} with page {reader.book.pages:,}")
    cut = not whole and shown == reader.book.pages
    amount = f"{human_size(len(data))} of {human_size(request.size)} read" if not whole and request.size else ""
    blocks = reader.book.page(shown, whole)
    return document(
        blocks,
        request,
        "rtf",
        amount=amount if cut else "",
        notices=notices,
        facts=[(name, value) for name, value in reader.info.items() if value],
        page=shown,
        pages=reader.book.pages if whole else None,
        width=min(max((table_width(one) for one in blocks if isinstance(one, Table)), default=WIDTH), TABLE_WIDTH),
    )
