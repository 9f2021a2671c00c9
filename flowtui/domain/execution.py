"""Executions, node executions and their attempts, as Flyte Admin knows them.

Phases are flyteidl's names (``core/execution.proto``); a number that this flyteidl does not know is shown as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

TERMINAL_PHASES = frozenset({"SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"})
"""Phases of an execution that do not change any more."""

TERMINAL_NODE_PHASES = frozenset({"SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT", "SKIPPED", "RECOVERED"})
"""Phases of a node execution that do not change any more."""

WITH_OUTPUTS_PHASES = frozenset({"SUCCEEDED", "RECOVERED"})
"""Phases of a node execution that has its outputs."""


@dataclass(frozen=True, slots=True, order=True)
class ExecutionId:
    """The identifier of an execution."""

    project: str
    domain: str
    name: str

    def __str__(self) -> str:
        return f"{self.project}/{self.domain}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class NodeId:
    """The identifier of a node execution: opaque, unique within its execution."""

    execution: ExecutionId
    node: str


@dataclass(frozen=True, slots=True, order=True)
class EntityId:
    """The identifier of a task, workflow or launch plan."""

    project: str
    domain: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class ExecutionError:
    """Why an execution, node or attempt failed; ``message`` is foreign text of any length."""

    code: str
    message: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a launch plan.

    Attributes:
        workflow: the workflow; its name is ``.flytegen.<task>`` where a single task was launched.
        mode: how it was started (``MANUAL``, ``SCHEDULED``, ``RELAUNCH``, ``CHILD_WORKFLOW``, ``RECOVERED``, ...).
        duration: seconds from start to end; None while it runs or where it never started.
        parent: the node execution that launched it, for a launch-plan child.
        reference: the execution that it was relaunched or recovered from.
        abort_cause: what the person who terminated it gave as the cause.
    """

    id: ExecutionId
    phase: str
    workflow: EntityId
    launch_plan: EntityId
    mode: str
    principal: str
    started_at: datetime | None
    duration: float | None
    created_at: datetime | None
    updated_at: datetime | None
    labels: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    error: ExecutionError | None = None
    abort_cause: str = ""
    parent: NodeId | None = None
    reference: ExecutionId | None = None

    @property
    def is_terminal(self) -> bool:
        return self.phase in TERMINAL_PHASES


@dataclass(frozen=True, slots=True)
class Log:
    """A link to the log of an attempt."""

    name: str
    uri: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One task execution of a node: try number ``attempt``, from 0."""

    attempt: int
    phase: str
    logs: tuple[Log, ...] = ()
    error: ExecutionError | None = None
    started_at: datetime | None = None
    duration: float | None = None
    items: tuple[MapItem, ...] = ()


@dataclass(frozen=True, slots=True)
class MapItem:
    """One item of a map task, from ``metadata.external_resources`` of its task execution.

    Attributes:
        error: what flowtui's own engine tells of it; Flyte itself keeps it in the item's log alone.
    """

    index: int
    phase: str
    attempt: int
    cache: str
    logs: tuple[Log, ...] = ()
    error: ExecutionError | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """What a gate node waits for.

    Attributes:
        condition: ``approve``, ``signal`` or ``sleep``.
        signal: the id of the signal that lets it go on; empty for ``sleep``.
        type: the type of the signal's value in words; empty for ``approve`` and ``sleep``.
        seconds: how long it sleeps; None for the others.
    """

    condition: str
    signal: str = ""
    type: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class LaunchedExecution:
    """An execution that a node started: the one of a launch plan, or those of an eager task.

    Attributes:
        phase: empty where it is not known.
        workflow: its name; empty where it is not known.
        problem: why it cannot be read; empty where it can, or where nobody has asked.
    """

    id: ExecutionId
    phase: str = ""
    workflow: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class NodeExecution:
    """One node of a run, as shown: start and end nodes are left out.

    Attributes:
        id: the opaque id of the node execution.
        spec_id: the id of the node in the workflow's template (``n0``).
        name: the display name of the node (``metadata.name`` of the template), else the entity's name.
        kind: ``task``, ``workflow``, ``dynamic``, ``branch``, ``map``, ``launch_plan``, ``gate``, ``eager`` or
            ``failure``.
        entity: the name of the task, workflow or launch plan that it runs; empty for a branch or gate.
        task_type: flytekit's task type (``python-task``, ``domino_job``), where known.
        cache: flyteidl's ``CatalogCacheStatus`` name; ``CACHE_DISABLED`` where nothing is cached.
        cached_from: the node execution whose outputs a cache hit took.
        child_execution: the execution that a launch-plan node started.
        attempts: task executions, where they were asked for.
        children: node executions of a sub-workflow, dynamic or branch node, in the order of creation.
        parent_attempt: the try of its parent that it belongs to, from 0; None at the top and below the last try.
        gate: what a gate node waits for.
        launched: the executions that it started: that of a launch plan, those of an eager task.
    """

    id: NodeId
    spec_id: str
    name: str
    kind: str
    phase: str
    started_at: datetime | None = None
    duration: float | None = None
    entity: str = ""
    task_type: str = ""
    cache: str = "CACHE_DISABLED"
    cached_from: NodeId | None = None
    child_execution: ExecutionId | None = None
    error: ExecutionError | None = None
    attempts: tuple[Attempt, ...] = ()
    children: tuple[NodeExecution, ...] = ()
    parent_attempt: int | None = None
    gate: Gate | None = None
    launched: tuple[LaunchedExecution, ...] = ()

    @property
    def items(self) -> tuple[MapItem, ...]:
        """The items of a map by the last try of each, as far as attempts were asked for."""
        last: dict[int, MapItem] = {}
        for item in self.attempts[-1].items if self.attempts else ():
            if item.index not in last or item.attempt >= last[item.index].attempt:
                last[item.index] = item
        return tuple(last.values())

    @property
    def failed_items(self) -> tuple[MapItem, ...]:
        """The items of a map that ended without a value, as far as attempts were asked for."""
        return tuple(item for item in self.items if item.phase in ("FAILED", "ABORTED", "TIMED_OUT"))

    @property
    def is_partly_done(self) -> bool:
        """Whether it is a map that succeeded although items of it failed (``min_success_ratio``)."""
        return self.phase == "SUCCEEDED" and bool(self.failed_items)


@dataclass(frozen=True, slots=True)
class LaunchInput:
    """One Launch Input of an execution: its name, Flyte type in words, and value as text.

    Attributes:
        uri: where the value is a file or directory, its URI.
    """

    name: str
    type: str
    value: str
    uri: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """A project of the server and the ids of its domains."""

    id: str
    name: str
    description: str
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExecutionPage:
    """One page of executions, newest first.

    Attributes:
        token: asks for the next page; empty on the last.
        as_of: the server's time when it answered; None where it does not say.
    """

    executions: tuple[Execution, ...]
    token: str
    as_of: datetime | None = None
