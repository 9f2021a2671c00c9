"""The file that a previewer looks at."""

from __future__ import annotations

import codecs
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowtui.domain.size import human_size
from flowtui.preview.limits import Limits
from flowtui.preview.sniff import Sniffed

if TYPE_CHECKING:
    from flowtui.preview.result import Preview
    from flowtui.preview.siblings import Siblings
    from flowtui.preview.source import Source
    from flowtui.preview.workers import Workers

_ENCODING_NAMES = {
    "cp1252": "Windows-1252", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "iso8859_15": "Latin-9",
    "cp932": "Shift-JIS", "euc_jp": "EUC-JP", "gb18030": "GB 18030", "big5": "Big5", "cp949": "EUC-KR",
    "cp1251": "Windows-1251", "koi8_r": "KOI8-R",
}  # fmt: skip


@dataclass(slots=True)
class Subject:
    """A file, its first bytes, and what it seems to be.

    Attributes:
        reader: reads any part of it.
        name: the file's name as declared.
        sniffed: what it seems to be.
        head: its first bytes, up to ``limits.head``.
        size: size of the whole file in bytes, None where it is not known.
        workers: show it with libraries that must not run in this process.
        show_inside: makes the preview of a file of that name within this one; None where this is within another, as
            one level is looked into.
        is_short: True where ``head`` is shorter than ``limits.head``, as the format is read from its end.
        siblings: the other files of its artifact; None where they are not known.
    """

    reader: Source
    name: str
    sniffed: Sniffed
    head: bytes
    size: int | None
    limits: Limits
    workers: Workers
    show_inside: Callable[[Source, str], Awaitable[Preview]] | None = None
    is_short: bool = False
    siblings: Siblings | None = None

    @property
    def whole(self) -> bool:
        """True where ``head`` is the whole file."""
        if self.size is not None and len(self.head) >= self.size:
            return True
        return not self.is_short and len(self.head) < self.limits.head

    async def read_whole(self, most: int = 0) -> bool:
        """Read on to the end where the file is at most ``limits.whole`` bytes, or ``most`` where that is more.

        Returns:
            True where ``head`` is all of it.
        """
        if not self.whole and self.size is not None and self.size <= max(self.limits.whole, most):
            self.head += await self.reader.read(len(self.head), self.size - len(self.head))
            self.size = len(self.head)
        return self.whole

    def text(self) -> str:
        """``head`` decoded; bytes that do not fit the encoding become U+FFFD, a character cut at the end is left out.

        NULs are left out. Control characters are still there: the parts that are shown pass ``flowtui.text``.
        """
        decoder = codecs.getincrementaldecoder(self.sniffed.encoding or "latin-1")(errors="replace")
        return decoder.decode(self.head, final=self.whole).replace("\0", "")

    def text_notices(self) -> list[str]:
        """What to say of the encoding."""
        encoding = self.sniffed.encoding or ""
        if self.sniffed.guessed:
            return [f"not UTF-8: read as {_ENCODING_NAMES.get(encoding, encoding)}"]
        return []

    def amount(self) -> str:
        """How much of the file was read, for a notice: ``256 KB of 40.0 MB read``."""
        if self.size is None:
            return f"{human_size(len(self.head))} read, the file's size is not known"
        return f"{human_size(len(self.head))} of {human_size(self.size)} read"
