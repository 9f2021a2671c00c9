"""A line on stderr that says how far a transfer is; nothing where stderr is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flowtui.domain.size import human_size
from flowtui.exports.transfer import Progress
from flowtui.headless.style import Style
from flowtui.headless.table import fit
from flowtui.text import plain

_EVERY_SECONDS = 0.1
_CLEAR = "\r\x1b[K"


@contextmanager
def progress(style: Style) -> Iterator[Progress | None]:
    """What a transfer tells its progress to; the line is gone at the end."""
    if style.json or not sys.stderr.isatty():
        yield None
        return
    shown_at = 0.0

    def show(done: int, total: int, path: str) -> None:
        nonlocal shown_at
        now = time.monotonic()
        if now - shown_at < _EVERY_SECONDS:
            return
        shown_at = now
        line = f"{human_size(done)} of {human_size(total)}   {plain(path)}"
        sys.stderr.write(_CLEAR + fit(line, (style.width or 80) - 1, ascii_only=style.ascii))
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write(_CLEAR)
        sys.stderr.flush()
