"""How the answers are laid out: width, character set, colour, and the moment that relative times are told from."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TextIO

from flowtui.text import plain

_COLORS = {"green": "32", "red": "31", "yellow": "33", "cyan": "36", "dim": "2", "bold": "1"}
_PHASE_COLORS = {
    "SUCCEEDED": "green",
    "RECOVERED": "green",
    "RUNNING": "cyan",
    "DYNAMIC_RUNNING": "cyan",
    "FAILED": "red",
    "FAILING": "red",
    "TIMED_OUT": "red",
    "ABORTED": "yellow",
    "ABORTING": "yellow",
    "not_produced": "yellow",
    "unavailable": "red",
    "pending": "dim",
}


def _to_stderr(line: str) -> None:
    sys.stderr.write(plain(line) + "\n")


def _nowhere(_: str) -> None:
    return


@dataclass(frozen=True)
class Style:
    """The layout of what people read, and whether JSON is wanted instead.

    Attributes:
        json: the answer as JSON.
        width: cells of a line; None leaves every line as long as it is, as behind a pipe.
        ascii: no characters beyond ASCII of our own; foreign text stays as it is.
        color: SGR colours, for a terminal only.
        now: with a time zone, that of the person.
        tell: takes what is not data, one line at a time: notices and progress.
    """

    json: bool = False
    width: int | None = None
    ascii: bool = False
    color: bool = False
    now: datetime = field(default_factory=lambda: datetime.now().astimezone())
    tell: Callable[[str], None] = _to_stderr

    @staticmethod
    def of(stream: TextIO, *, json: bool, ascii_only: bool, color: bool) -> Style:
        """The style for a stream: lines are fitted and coloured on a terminal only."""
        terminal = stream.isatty()
        width = shutil.get_terminal_size().columns if terminal else None
        blank = not (stream.encoding or "").lower().replace("-", "").startswith("utf")
        return Style(json, width, ascii_only or blank, color and terminal, tell=_nowhere if json else _to_stderr)

    def paint(self, text: str, color: str) -> str:
        """The text in a colour, where colours are wanted."""
        code = _COLORS.get(color)
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and code and text else text


def phase_color(phase: str) -> str:
    """The colour of a phase or file state; empty for one without."""
    return _PHASE_COLORS.get(phase, "")
