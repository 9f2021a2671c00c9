"""What was fetched about one execution, and whether it can still change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flyteidl.admin import execution_pb2, node_execution_pb2
from flyteidl.core import literals_pb2

from flowtui.catalog import convert
from flowtui.catalog.run_nodes import END, START, Tree, spec_id_of
from flowtui.catalog.walk import NodeData, Row, Walk
from flowtui.domain.execution import TERMINAL_NODE_PHASES, TERMINAL_PHASES, ExecutionId, LaunchedExecution

_RECENT = timedelta(minutes=1)
"""A run that ended less than this ago may have got nodes while its list was read."""

SETTLED = timedelta(hours=1)
"""After this time a run that has ended is final, even where a node never reported its end."""


@dataclass
class FetchedRun:
    """What was fetched about an execution.

    Attributes:
        final: nothing of it can change any more.
        data: inputs and outputs of nodes, by their ids.
        failed: why the data of a node could not be had, by its id.
        eager: the executions that eager nodes started, by the node's id.
        launched: what is known of the executions that nodes started, as far as it was asked for.
        notices: what could not be had, in words.
    """

    message: execution_pb2.Execution
    tree: Tree
    final: bool
    data: dict[str, NodeData] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    eager: dict[str, tuple[LaunchedExecution, ...]] = field(default_factory=dict)
    launched: dict[ExecutionId, LaunchedExecution] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    @property
    def outputs(self) -> dict[str, literals_pb2.LiteralMap]:
        """Outputs by node; those of the start node are the Launch Inputs."""
        return {node: data.full_outputs for node, data in self.data.items()}

    def engine_uris(self) -> list[str]:
        """Where Flyte's engine keeps the data of this run: URIs that it made itself, none of which a task chooses."""
        outputs = self.message.closure.outputs
        uris = [outputs.uri] if outputs.WhichOneof("data") == "uri" else []
        for row in self.rows.values():
            uris += [row.input_uri, row.closure.output_uri, row.closure.deck_uri]
        return [uri for uri in uris if uri]

    @property
    def inputs(self) -> dict[str, literals_pb2.LiteralMap]:
        """Inputs by node; of the start node the Launch Inputs, which it puts out."""
        return {node: data.full_outputs if node == START else data.full_inputs for node, data in self.data.items()}

    @property
    def rows(self) -> dict[str, Row]:
        """Its node executions by id."""
        return {row.id.node_id: row for rows in self.tree.fetched.rows.values() for row in rows}


def age(message: execution_pb2.Execution, now: datetime) -> timedelta:
    """The time since an execution last changed; ``now`` by the clock of the server that said when."""
    updated = convert.instant(message.closure.updated_at)
    return timedelta(0) if updated is None else now - updated


def may_miss_nodes(message: execution_pb2.Execution, walk: Walk, now: datetime) -> bool:
    """Whether nodes may have begun after the list was read, which was at the same time as the execution."""
    if age(message, now) > _RECENT:
        return False
    ends = [row for row in walk.rows.get("", ()) if spec_id_of(row) == END]
    return not (_all_ended(walk) and any(convert.node_phase(row) == "SUCCEEDED" for row in ends))


def is_final(message: execution_pb2.Execution, walk: Walk, now: datetime) -> bool:
    """Whether nothing of an execution and its nodes can change any more."""
    if convert.execution_phase(message) not in TERMINAL_PHASES:
        return False
    return _all_ended(walk) or age(message, now) > SETTLED


def has_inline_outputs(row: node_execution_pb2.NodeExecution) -> bool:
    """Whether the list that a node came in has its outputs, as a server does that is set to keep them inline."""
    return bool(row.closure.WhichOneof("output_result") == "output_data")


def _all_ended(walk: Walk) -> bool:
    return all(convert.node_phase(row) in TERMINAL_NODE_PHASES for rows in walk.rows.values() for row in rows)
