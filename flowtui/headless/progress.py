"""A line on stderr that says how far a transfer is; nothing where stderr is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flowtui import words
from flowtui.domain.size import human_size
from flowtui.exports import Progress
from flowtui.headless.style import Style
from flowtui.headless.table import fit
from flowtui.text import plain

_EVERY_SECONDS = 0.1
_CLEAR = "\r\x1b[K"


@contextmanager
def progress(style: Style) -> Iterator[Callable[[Progress], None] | None]:
    """What a transfer tells its progress to; the line is gone at the end."""
    if style.json or not sys.stderr.isatty():
        yield None
        return
    shown_at = 0.0

    def show(moved: Progress) -> None:
        nonlocal shown_at
        now = time.monotonic()
        if now - shown_at < _EVERY_SECONDS:
            return
        shown_at = now
        speed = f", {human_size(int(moved.speed))}/s" if moved.speed else ""
        left = f", {words.duration(moved.seconds_left)} left" if moved.seconds_left else ""
        files = f"{moved.files_done:,}/{moved.files:,}  " if moved.files > 1 else ""
        line = f"{files}{human_size(moved.bytes_done)} of {human_size(moved.bytes)}{speed}{left}   {plain(moved.path)}"
        sys.stderr.write(_CLEAR + fit(line, (style.width or 80) - 1, ascii_only=style.ascii))
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write(_CLEAR)
        sys.stderr.flush()
