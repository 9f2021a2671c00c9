"""Who else can carry an export out than this process: a job that runs next to the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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


@dataclass
class SessionRoad:
    """A road that the session knows, to a dataset.

    Args:
        name: as ``Session.road`` takes it.
        fields: what it asks for besides hardware and environment.
    """

    name: str
    words: str
    fields: tuple[Field, ...] = ()

    def needs(self, values: Mapping[str, str]) -> tuple[Field, ...]:
        """What the job runs on; what is left empty is the project's default."""
        return tuple(replace(one, value=values.get(one.name, "")) for one in (*self.fields, *_MACHINE))

    async def start(self, session: Session, plan: Plan, options: TargetOptions, values: Mapping[str, str]) -> str:
        """Begin an export elsewhere; its id in the journal."""
        from flowtui.exports.roads.base import remote_work

        work = remote_work(plan, options, session.server_options)
        work = replace(
            work,
            project=values.get("job_project", "").strip(),
            hardware_tier=values.get("hardware_tier", "").strip(),
            environment_id=values.get("environment_id", "").strip(),
        )
        return await session.transfers.start_remote(session.road(self.name), plan, options, work)


_MACHINE = (
    Field("hardware_tier", "Hardware tier", kind="text", empty="the project's default"),
    Field("environment_id", "Environment", kind="text", empty="id; the default. It needs flowtui"),
)

ROADS: tuple[ExportRoad, ...] = (
    SessionRoad(
        "domino-job",
        "Domino job",
        (Field("job_project", "Job's project", kind="text", empty="OWNER/NAME; the configured one"),),
    ),
    SessionRoad("flyte", "Flyte run"),
)
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
