"""The node executions of a run as a tree of domain objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flyteidl.admin import node_execution_pb2, task_execution_pb2

from flowtui.catalog import convert
from flowtui.catalog.launched import Eager
from flowtui.catalog.run_nodes import RunNode, Tree
from flowtui.catalog.values import type_text
from flowtui.domain.execution import (
    TERMINAL_NODE_PHASES,
    ExecutionId,
    Gate,
    LaunchedExecution,
    NodeExecution,
    NodeId,
)

TRIMMED = 100
"""Characters to which lists cut the messages of errors."""

_WITHOUT_ATTEMPTS = frozenset({"branch", "workflow", "launch_plan", "gate", "start", "end"})

Rows = Mapping[str, node_execution_pb2.NodeExecution]
Attempts = Mapping[str, Sequence[task_execution_pb2.TaskExecution]]
Children = Mapping[ExecutionId, LaunchedExecution]


def has_attempts(node: RunNode) -> bool:
    """Whether a node is run by task executions."""
    return node.row is not None and node.kind not in _WITHOUT_ATTEMPTS and not _is_workflow(node)


def tolerates_failed_items(node: RunNode) -> bool:
    """Whether a node is a map that succeeded and may have done so although items of it failed."""
    if node.row is None or convert.node_phase(node.row) != "SUCCEEDED":
        return False
    if node.kind == "map" and node.spec is not None:
        array = node.spec.array_node
        wanted = array.WhichOneof("success_criteria")
        return bool(wanted == "min_successes" or (wanted == "min_success_ratio" and array.min_success_ratio < 1))
    if node.kind == "map":
        return True
    custom = node.task.custom.fields if node.task is not None and node.task.type == "container_array" else {}
    return "minSuccesses" in custom or ("minSuccessRatio" in custom and custom["minSuccessRatio"].number_value < 1)


def has_trimmed_error(node: RunNode) -> bool:
    """Whether the error of a node was cut in the list."""
    return node.row is not None and len(node.row.closure.error.message) >= TRIMMED


def node_tree(
    tree: Tree, whole: Rows, attempts: Attempts, eager: Eager | None = None, children: Children | None = None
) -> tuple[NodeExecution, ...]:
    """The nodes that have an execution, in the order of creation.

    Args:
        whole: node executions with their whole errors, by id; others are taken from the list.
        attempts: task executions by node id.
        eager: the executions that eager nodes started, by node id.
        children: what is known of the executions that launch plans started.
    """

    def level(nodes: Sequence[RunNode]) -> tuple[NodeExecution, ...]:
        ran = sorted((node for node in nodes if node.row is not None), key=_created)
        return tuple(
            node_execution(
                node,
                whole.get(node.id),
                attempts.get(node.id, ()),
                level((*node.children, *node.others)),
                launched_by(node, eager or {}, children or {}),
            )
            for node in ran
        )

    return level([node for node in tree.root.nodes.values() if node.kind not in ("start", "end")])


def launched_by(node: RunNode, eager: Eager, children: Children) -> tuple[LaunchedExecution, ...]:
    """The executions that a node started, with what is known of them."""
    child = convert.child_execution(node.row) if node.row is not None else None
    if child is not None:
        return (children.get(child, LaunchedExecution(child)),)
    return eager.get(node.id, ())


def _created(node: RunNode) -> tuple[int, int, str]:
    created = node.row.closure.created_at if node.row is not None else None
    return (created.seconds, created.nanos, node.id) if created is not None else (0, 0, node.id)


def _is_workflow(node: RunNode) -> bool:
    return node.kind == "failure" and node.spec is not None and node.spec.WhichOneof("target") == "workflow_node"


def node_execution(
    node: RunNode,
    row: node_execution_pb2.NodeExecution | None,
    attempts: Sequence[task_execution_pb2.TaskExecution],
    children: tuple[NodeExecution, ...] = (),
    launched: tuple[LaunchedExecution, ...] = (),
) -> NodeExecution:
    """One node execution.

    Args:
        row: newer or more whole than the node's own; None to take that.
    """
    row = row if row is not None else node.row
    if row is None:
        row = node_execution_pb2.NodeExecution()
    closure = row.closure
    phase = convert.node_phase(row)
    ended = phase in TERMINAL_NODE_PHASES
    task_type = node.task.type if node.task is not None else ""
    if not task_type and attempts:
        task_type = attempts[-1].closure.task_type
    return NodeExecution(
        id=NodeId(convert.execution_id(row.id.execution_id), node.id),
        spec_id=node.spec_id,
        name=node.name,
        kind=node.kind,
        phase=phase,
        started_at=convert.instant(closure.started_at),
        duration=convert.seconds(closure.duration) if ended and closure.HasField("duration") else None,
        entity=node.entity,
        task_type=task_type,
        cache=convert.cache_status(row),
        cached_from=convert.cached_from(row),
        child_execution=convert.child_execution(row),
        error=convert.error_of(closure.error) if closure.WhichOneof("output_result") == "error" else None,
        attempts=tuple(convert.attempt(one) for one in attempts),
        children=children,
        parent_attempt=node.parent_attempt,
        gate=_gate(node),
        launched=launched,
    )


def _gate(node: RunNode) -> Gate | None:
    spec = node.spec
    if node.kind != "gate" or spec is None:
        return None
    condition = spec.gate_node.WhichOneof("condition") or ""
    if condition == "sleep":
        return Gate(condition, seconds=convert.seconds(spec.gate_node.sleep.duration))
    if condition == "signal":
        return Gate(condition, str(spec.gate_node.signal.signal_id), type_text(spec.gate_node.signal.type))
    return Gate(condition, str(spec.gate_node.approve.signal_id))
