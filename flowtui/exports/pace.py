"""How far an export is and how fast it goes."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

from flowtui.exports.records import ExportState

_WINDOW_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export is.

    Attributes:
        files, bytes: in all, sizes as far as they are known; files_done, bytes_done: of these, in the stage.
        speed: bytes a second over the last seconds.
        seconds_left: at this speed; None where that cannot be said.
        path: a file that moves now.
    """

    id: str
    state: ExportState
    files: int
    files_done: int
    bytes: int
    bytes_done: int
    speed: float = 0.0
    seconds_left: float | None = None
    path: str = ""


class Pace:
    """Counts bytes, also from threads, and says how many a second they are.

    Args:
        total: bytes in all.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.path = ""
        self._lock = threading.Lock()
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, count: int, path: str) -> None:
        """So many bytes of a file came, or were thrown away."""
        with self._lock:
            self.done += count
            self.path = path

    def look(self) -> float:
        """Bytes a second now; called about as often as it is shown."""
        now = time.monotonic()
        self._seen.append((now, self.done))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW_SECONDS:
            self._seen.popleft()
        then, before = self._seen[0]
        passed = now - then
        return max(self.done - before, 0) / passed if passed > 0 else 0.0

    def seconds_left(self, speed: float) -> float | None:
        """At this speed; None where nothing moves."""
        return max(self.total - self.done, 0) / speed if speed > 0 else None
