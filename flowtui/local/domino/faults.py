"""Faults that the embedded Domino is told to have, for tests of what talks to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Manner = Literal["status", "drop before", "drop after", "delay", "corrupt"]


@dataclass
class Fault:
    """Something goes wrong with some calls of an operation.

    Attributes:
        operation: name of the operation, such as ``uploadSnapshotFile``.
        manner: ``status``: answers so and does nothing. ``drop before``: closes the connection and does nothing.
            ``drop after``: does it and closes the connection. ``delay``: waits, then does it. ``corrupt``: does it, and
            answers with a page of something else.
        calls: numbers of the calls, from 1, that it hits; empty for all.
        status: for ``status``.
        seconds: for ``delay``.
    """

    operation: str
    manner: Manner = "status"
    calls: frozenset[int] = frozenset()
    status: int = 500
    seconds: float = 0.0


@dataclass
class Faults:
    """The faults that are on, changed at any time, and how often each operation was called.

    Attributes:
        requests: every operation called so far, in order.
    """

    on: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def count(self, operation: str) -> int:
        """How often an operation was called."""
        return self.requests.count(operation)

    def hit(self, operation: str) -> Fault | None:
        """Count a call; the fault that hits it."""
        self.requests.append(operation)
        number = self.count(operation)
        for fault in self.on:
            if fault.operation == operation and (not fault.calls or number in fault.calls):
                return fault
        return None
