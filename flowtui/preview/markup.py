"""What previewers of documents in text share: the text of the file, and blocks shown within the limits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from flowtui.domain.size import human_size
from flowtui.preview.blocks import WIDTH, Block, lines_of_blocks
from flowtui.preview.result import Preview
from flowtui.preview.sniff import encoding_of

if TYPE_CHECKING:
    from flowtui.preview.worker import Request

_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)


class Source(NamedTuple):
    """The text of a file or its beginning.

    Attributes:
        whole: it is all of it.
        amount: how much of the file it is, for a notice.
    """

    text: str
    whole: bool
    amount: str


def read_source(file: BinaryIO, request: Request) -> Source:
    """The file's text: all of it up to ``limits.whole`` bytes, else its first ``limits.head``."""
    limits = request.limits
    most = limits.head
    if request.size is not None and request.size <= limits.whole:
        most = max(limits.whole, most)
    data = file.read(most)
    whole = len(data) < most or len(data) == request.size
    encoding, guessed = encoding_of(data, named_text=True)
    declared = _CHARSET.search(data[:4096]) if guessed or encoding is None else None
    if declared:
        try:
            text = data.decode(declared[1].decode("ascii"), errors="replace")
        except (LookupError, UnicodeError):
            text = data.decode("cp1252", errors="replace")
    else:
        text = data.decode(encoding or "cp1252", errors="replace")
    of = f" of {human_size(request.size)}" if request.size is not None else ""
    return Source(text.replace("\0", ""), whole, f"{human_size(len(data))}{of} read")


def document(
    blocks: Iterable[Block],
    request: Request,
    format_: str,
    *,
    amount: str = "",
    notices: Iterable[str] = (),
    facts: Iterable[tuple[str, str]] = (),
    page: int = 0,
    pages: int | None = None,
    width: int = WIDTH,
) -> Preview:
    """A document's lines within the limits.

    Args:
        amount: how much of the file was read, where that is not all of it.
        width: of a line of prose, in cells.
    """
    limits = request.limits
    lines = lines_of_blocks(blocks, limits.lines + 1, width)
    said = list(notices)
    cut = len(lines) > limits.lines
    if cut:
        said.append(f"first {limits.lines:,} lines")
    if amount:
        said.append(amount)
    return Preview(
        kind="text",
        lines=tuple(line[: limits.line] for line in lines[: limits.lines]),
        notices=tuple(said),
        more=cut or bool(amount),
        format=format_,
        facts=tuple(facts),
        page=page,
        pages=pages,
    )
