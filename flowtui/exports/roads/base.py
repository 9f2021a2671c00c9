"""What a road is: it starts the command of an export elsewhere and tells how that goes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from flowtui.exports import records
from flowtui.exports.encoded_selection import encoded_selection
from flowtui.exports.plan import Plan
from flowtui.exports.records import ExportState
from flowtui.exports.targets.base import TargetOptions


@dataclass(frozen=True, slots=True)
class RemoteWork:
    """An export that somebody else is to carry out.

    Attributes:
        command: the command line of flowtui, words quoted.
        title: what it is, for lists of jobs.
        hardware_tier, environment_id: of the job, empty for the project's default.
        project: the Domino project of the job: name, ``OWNER/NAME`` or id; empty for the one of the settings.
    """

    command: str
    title: str
    hardware_tier: str = ""
    environment_id: str = ""
    project: str = ""


@dataclass(frozen=True, slots=True)
class RemoteState:
    """How an export elsewhere goes.

    Attributes:
        lines: its log so far, from the beginning.
        error: why it failed, else empty.
    """

    state: ExportState
    lines: tuple[str, ...] = ()
    error: str = ""


class Road(Protocol):
    """Carries exports out elsewhere.

    Attributes:
        name: as the journal has it.
    """

    name: ClassVar[records.Road]

    async def start(self, work: RemoteWork) -> str:
        """Start it; what :meth:`look` takes. Raises FlowtuiError."""

    async def look(self, id_: str) -> RemoteState:
        """How it goes now. Raises FlowtuiError."""

    async def stop(self, id_: str) -> None:
        """End it. Raises ExportError where it cannot be ended from here."""


def remote_work(plan: Plan, options: TargetOptions, server: Sequence[str]) -> RemoteWork:
    """The command that carries out a plan elsewhere.

    Args:
        server: the options of the command that name the server, such as ``--endpoint URL``.
    """
    chosen = [("--layout", options.layout), ("--folder", options.folder), ("--tag", options.tag)]
    words = ["flowtui", "export", *server, "--to", plan.target.text, "--if-exists", plan.if_exists]
    words += [word for name, value in chosen if value and value != "flat" for word in (name, value)]
    words += ["--dataset-project", options.project] if options.project else []
    words += ["--no-snapshot"] if not options.snapshot else []
    words += ["--create"] if options.create else []
    # Who starts a job has seen them in the plan.
    words += ["--allow-elsewhere"] if plan.elsewhere else []
    words += ["--selection", encoded_selection(plan.to_write)]
    runs = ", ".join(run.id.name for run in plan.runs)
    files = len(plan.to_write)
    title = f"Export {files:,} file{'s' if files != 1 else ''} of {runs} to {plan.target.text}"
    return RemoteWork(shlex.join(words), title)
