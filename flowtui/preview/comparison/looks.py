"""A file that is compared, and as much of it as is looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flowtui.errors import PreviewError
from flowtui.preview.comparison.result import FileFacts
from flowtui.preview.limits import DEFAULT, Limits
from flowtui.preview.registry import preview
from flowtui.preview.result import Preview
from flowtui.preview.workers import Workers
from flowtui.storage import Reader, Stat

ROWS = 10_000
"""Rows or lines of each file that are compared, as far as 15 MB hold them."""

MOST_ROWS = 50_000

HASHED = 64 * 1024 * 1024
"""Files of equal size up to this many bytes are read to their end where nothing else tells whether they differ."""

_MOST_HEAD = 15 * 1024 * 1024
LONGEST = 4000
"""Characters of a cell or line that are compared."""

_MOST_PAGES = 50


@dataclass(frozen=True, slots=True)
class Version:
    """One of the two files.

    Attributes:
        name: its declared name; format: its declared format.
        uris: where its bytes are; of several the first is looked into.
    """

    name: str
    uris: tuple[str, ...]
    format: str = ""
    directory: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """How to compare.

    Attributes:
        key: names of the columns that pair the rows of tables; found where empty.
        tolerance: the largest absolute difference of two numbers that counts as none.
        rows: rows or lines of each that are compared.
        examples: of rows and paths, of each kind of change.
        hash_most: bytes of one file up to which both are read to their end for their hashes; None without limit.
        page: the page, sheet or member to compare; 0 for all pages of a text, and the first sheet or member.
        delimiter, quote, skip: of delimited text, as in ``Limits``.
    """

    key: tuple[str, ...] = ()
    tolerance: float = 0.0
    rows: int = ROWS
    examples: int = 100
    hash_most: int | None = HASHED
    page: int = 0
    delimiter: str = ""
    quote: str | None = None
    skip: int | None = None


USUAL = Options()
"""How it is compared where nothing else is wanted."""


@dataclass(slots=True)
class Look:
    """A file with what was seen of it."""

    version: Version
    reader: Reader
    stat: Stat
    preview: Preview | None = None
    limits: Limits = DEFAULT
    paged: bool = False

    @property
    def facts(self) -> FileFacts:
        format_ = self.preview.format if self.preview else ""
        return FileFacts(self.version.name, self.version.uris[0], format_, self.stat.size)

    @property
    def whole(self) -> bool:
        """Whether the preview holds all of a text or tree."""
        return self.preview is not None and not self.preview.more


async def look(side: Look, options: Options, workers: Workers | None) -> None:
    """Preview a file: its head first, and more of it while that gives more of the rows that are wanted."""
    rows = min(max(options.rows, 1), MOST_ROWS)
    limits = Limits(
        rows=rows, lines=rows, cells=rows * 50, columns=2000, cell=LONGEST, line=LONGEST, nodes=50_000, pixels=64
    )
    limits = replace(
        limits, page=max(options.page, 1), delimiter=options.delimiter, quote=options.quote, skip=options.skip
    )
    while True:
        side.limits = limits
        found = side.preview = await _preview(side, limits, workers)
        if found is None or not found.more or found.kind not in ("table", "text"):
            break
        have = len(found.rows) if found.kind == "table" else len(found.lines)
        size = side.stat.size
        if have >= rows or limits.head >= _MOST_HEAD or (size is not None and limits.head >= size):
            break
        head = min(limits.head * 4, _MOST_HEAD)
        limits = replace(limits, head=head, whole=max(limits.whole, head))
    if found is not None and found.page and found.pages != 1:
        side.paged = True
        if found.kind == "text" and not options.page:
            await _look_on(side, workers)


async def _look_on(side: Look, workers: Workers | None) -> None:
    """Add the further pages of a text to its preview, up to the lines and pages that are compared."""
    found = side.preview
    assert found is not None
    lines = [*found.lines]
    page = found.page
    while page < min(found.pages or page + 1, _MOST_PAGES) and len(lines) < side.limits.lines:
        following = await _preview(side, replace(side.limits, page=page + 1), workers)
        if following is None or following.page != page + 1:
            break
        page += 1
        lines += following.lines
        found = replace(found, pages=following.pages, more=following.more)
    side.paged = page != found.pages
    side.preview = replace(found, lines=tuple(lines), page=page, more=found.more and side.paged)


async def _preview(side: Look, limits: Limits, workers: Workers | None) -> Preview | None:
    """The preview of a file; None where nothing can show it."""
    try:
        return await preview(
            side.reader, name=side.version.name, format=side.version.format, limits=limits, workers=workers
        )
    except PreviewError:
        return None
