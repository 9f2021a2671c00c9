"""Who else can carry an export out than this process: a job that runs next to the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from flowtui import words
from flowtui.domain.size import human_size
from flowtui.tui.widgets.form import Field

if TYPE_CHECKING:
    from flowtui.exports import Plan, TargetOptions
    from flowtui.session import Session

LARGE_BYTES = 20_000_000_000
MANY_FILES = 2_000
"""Above these an export through this machine is what a job saves."""


class ExportRoad(Protocol):
    """A road for exports to a dataset.

    Attributes:
        name: as the journal has it (``flowtui.exports.records.Road``).
        words: what the dialog calls it.
    """

    name: str
    words: str

    def needs(self, values: Mapping[str, str]) -> tuple[Field, ...]:
        """What it asks for, as lines of the dialog.

        Args:
            values: what the person has chosen so far.
        """

    async def start(self, session: Session, plan: Plan, options: TargetOptions, values: Mapping[str, str]) -> str:
        """Begin an export; its id in the journal. Raises FlowtuiError where it cannot be begun."""


ROADS: tuple[ExportRoad, ...] = ()
"""The roads that the dialog lists besides the places."""


def advice(plan: Plan, kind: str, roads: tuple[ExportRoad, ...]) -> str:
    """A line about a plan that another road is better for; empty where none is, or it is taken.

    Args:
        kind: what is chosen in the dialog.
    """
    files = len(plan.to_write)
    if not roads or kind in [road.name for road in roads] or (plan.bytes <= LARGE_BYTES and files <= MANY_FILES):
        return ""
    much = human_size(plan.bytes) if plan.bytes > LARGE_BYTES else words.count(files, "file")
    return f"{much}: much for this machine. tab, then To: {roads[0].words}"
