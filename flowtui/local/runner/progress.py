"""The live lines of a run: one per node, on standard error."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TextIO

from flowtui import words
from flowtui.local.runner.reporter import Progress
from flowtui.text import middle, plain

_ENDED = frozenset({"SUCCEEDED", "RECOVERED", "FAILED", "ABORTED", "SKIPPED"})
_ERASE = "\x1b[2K"
_PHASE_WIDTH = len("● running")


@dataclass
class _Line:
    text: str
    phase: str
    started: float
    ended: float = 0.0
    note: str = ""


class ProgressLines:
    """Shows every node when it starts and when it ends; on a terminal its line is redrawn in place."""

    def __init__(self, stream: TextIO | None = None, *, live: bool | None = None) -> None:
        """
        Args:
            live: redraw with control codes; by default where the stream is a terminal that knows them.
        """
        self._stream = stream or sys.stderr
        if live is None:
            live = self._stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._live = live
        self._ascii = not (self._stream.encoding or "").lower().replace("-", "").startswith("utf")
        self._lines: dict[tuple[str, str], _Line] = {}
        self._open: list[tuple[str, str]] = []
        self._drawn = 0
        self._first = ""

    def __call__(self, step: Progress) -> None:
        key = (step.execution, step.place.node_id)
        line = self._lines.get(key)
        changed = line is None or line.phase != step.phase
        if line is None:
            depth = 0
            place = step.place.parent
            while place is not None:
                depth, place = depth + 1, place.parent
            self._first = self._first or step.execution
            run = "" if step.execution == self._first else f"{plain(step.execution)}/"
            label = f"{'  ' * depth}{plain(step.name)} ({run}{plain(step.place.node_id)})"
            line = self._lines[key] = _Line(label, step.phase, time.monotonic())
            self._open.append(key)
        if step.phase == "RUNNING" and line.phase == "QUEUED":
            line.started = time.monotonic()
        line.phase, line.note = step.phase, step.note
        if step.phase in _ENDED:
            line.ended = time.monotonic()
        if self._live:
            self._redraw()
        elif step.phase in _ENDED or (step.phase == "RUNNING" and (changed or step.note)):
            self._write(self._text(line) + "\n")

    def _text(self, line: _Line, width: int = 0) -> str:
        took = f"  {line.ended - line.started:.1f}s" if line.ended and line.phase in ("SUCCEEDED", "FAILED") else ""
        note = f"  {words.error_line(line.note)}" if line.note else ""
        phase = words.phase(line.phase, ascii_only=self._ascii)
        text = f"{phase:<{_PHASE_WIDTH}}  {line.text}{took}{note}"
        return middle(text, width) if width else text

    def _redraw(self) -> None:
        """Move up to the first line that may still change, and write from there."""
        try:
            width, height = os.get_terminal_size(self._stream.fileno())
        except OSError:
            width, height = 0, 0
        # Terminals of containers and of programs may not know their size.
        width, height = width or 80, height or 24
        ended = [key for key in self._open if self._lines[key].phase in _ENDED]
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        self._write(up + "\r")
        # What has ended is written once more, above what is still open, and stays.
        self._open = [key for key in self._open if key not in ended]
        for key in ended:
            self._write(_ERASE + self._text(self._lines[key], width - 1) + "\n")
        shown = self._open[: max(height - 2, 1)]
        for key in shown:
            self._write(_ERASE + self._text(self._lines[key], width - 1) + "\n")
        self._write("\x1b[J")
        self._drawn = len(shown)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            return  # nobody reads it; the run goes on
        except UnicodeEncodeError:
            self._stream.write(text.encode("ascii", "replace").decode())
