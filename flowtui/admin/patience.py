"""How long one answer may take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Patience:
    """Seconds that one answer may take, repetitions included; the wait for a free connection is not counted."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def spend(self, seconds: float) -> bool:
        """Take seconds off; False where so many are not left."""
        if seconds >= self.left:
            return False
        self.left -= seconds
        return True

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Take off what the block lasts; it is cut short with a ``TimeoutError`` where nothing is left."""
        # Not on start-up: it takes a while to load.
        from anyio import fail_after

        begun = time.monotonic()
        try:
            with fail_after(max(self.left, 0)):
                yield
        finally:
            self.left -= time.monotonic() - begun
