"""Every recorded node but start and end is given by ``nodes``, as recorded.

What is expected comes from a plain walk over the recorded lists of nodes and of task executions; no code of the reader
that is tested has a part in it. Left out, each for its reason:

- start and end nodes, which are told by ``metadata.spec_node_id``: they are the engine's, not the flow's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flyteidl.core import catalog_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2

from flowtui.admin import AdminClient
from flowtui.catalog import Catalog
from flowtui.domain.execution import Attempt, ExecutionId, NodeExecution
from tests.replay import BASE_URL, Replay, expected

PREFIX = "/api/v1/node_executions/flytesnacks/development/"
TASKS = "/api/v1/task_executions/flytesnacks/development/"
NODE_PHASES = core_execution_pb2.NodeExecution.Phase
TASK_PHASES = core_execution_pb2.TaskExecution.Phase
CACHES = catalog_pb2.CatalogCacheStatus
RUNNING = ("aborted-1", "gated-1", "long-running-1")

# What a kind of target in a template makes of a node: that of a task may turn out dynamic, or be the failure node.
KINDS = {
    "task_node": {"task", "dynamic", "failure"},
    "array_node": {"map"},
    "branch_node": {"branch"},
    "gate_node": {"gate"},
    "sub_workflow_ref": {"workflow", "failure"},
    "launchplan_ref": {"launch_plan"},
}


def recorded_rows(transport: Replay, name: str) -> Iterator[tuple[str, Any]]:
    """The node executions of a run with the id of their parent."""
    for (path, parent), list_ in transport.lists.items():
        if path == PREFIX + name:
            for row in list_.node_executions:  # type: ignore[attr-defined]
                if (row.metadata.spec_node_id or row.id.node_id) not in ("start-node", "end-node"):
                    yield parent, row


def recorded_attempts(transport: Replay, name: str, node: str) -> list[Any]:
    list_ = transport.lists.get((f"{TASKS}{name}/{node}", ""))
    rows = list(list_.task_executions) if list_ is not None else []  # type: ignore[attr-defined]
    return sorted(rows, key=lambda row: row.id.retry_attempt)


def said_of_attempt(row: Any) -> tuple[Any, ...]:
    closure = row.closure
    items = tuple(
        (item.index, TASK_PHASES.Name(item.phase), item.retry_attempt, CACHES.Name(item.cache_status))
        for item in closure.metadata.external_resources
    )
    logs = tuple((log.name, log.uri) for log in closure.logs)
    error = closure.error.message if closure.WhichOneof("output_result") == "error" else None
    return row.id.retry_attempt, TASK_PHASES.Name(closure.phase), error, logs, items


def said_by_reader(one: Attempt) -> tuple[Any, ...]:
    items = tuple((item.index, item.phase, item.attempt, item.cache) for item in one.items)
    logs = tuple((log.name, log.uri) for log in one.logs)
    return one.attempt, one.phase, one.error.message if one.error else None, logs, items


def flat(nodes: tuple[NodeExecution, ...], parent: str = "") -> list[tuple[str, NodeExecution]]:
    found = []
    for node in nodes:
        found.append((parent, node))
        found += flat(node.children, node.id.node)
    return found


def specs(transport: Replay, name: str) -> dict[str, set[str]]:
    """The kinds of target by spec id, from every template that a run may have used, branches' arms included."""
    closure = transport.single[f"/api/v1/executions/flytesnacks/development/{name}"].closure  # type: ignore[attr-defined]
    id_ = closure.workflow_id
    workflow = transport.single[f"/api/v1/workflows/{id_.project}/{id_.domain}/{id_.name}/{id_.version}"]
    compiled = [workflow.closure.compiled_workflow]  # type: ignore[attr-defined]
    compiled += [
        message.compiled_workflow  # type: ignore[attr-defined]
        for path, message in transport.single.items()
        if path.startswith(f"{PREFIX}{name}/") and path.endswith("/dynamic_workflow")
    ]
    found: dict[str, set[str]] = {}

    def add(node: Any) -> None:
        target = node.WhichOneof("target")
        if target is not None:
            word = node.workflow_node.WhichOneof("reference") if target == "workflow_node" else target
            found.setdefault(node.id, set()).add(word)
        if target == "branch_node":
            if_else = node.branch_node.if_else
            for arm in (if_else.case.then_node, *(other.then_node for other in if_else.other), if_else.else_node):
                add(arm)

    for one in compiled:
        for template in (one.primary.template, *(sub.template for sub in one.sub_workflows)):
            for node in (*template.nodes, template.failure_node):
                add(node)
    return found


@pytest.mark.parametrize(
    ("name", "running"), [(name, False) for name in sorted(expected())] + [(name, True) for name in RUNNING]
)
async def test_every_recorded_node_is_given(name: str, running: bool) -> None:
    transport = Replay(running=running)
    id_ = ExecutionId("flytesnacks", "development", name)
    async with AdminClient(BASE_URL, transport=transport, retry_delay=0) as client:
        nodes = flat(await Catalog(client).nodes(id_, attempts=True))
    rows = list(recorded_rows(transport, name))
    assert [node.id.node for _, node in nodes] == list(dict.fromkeys(node.id.node for _, node in nodes))
    assert {node.id.node for _, node in nodes} == {row.id.node_id for _, row in rows}
    by_id = {node.id.node: (parent, node) for parent, node in nodes}
    targets = specs(transport, name)
    for parent, row in rows:
        found_parent, node = by_id[row.id.node_id]
        metadata = row.closure.task_node_metadata
        source = metadata.catalog_key.source_task_execution.node_execution_id
        child = row.closure.workflow_node_metadata.executionId
        assert found_parent == parent
        assert node.id.execution == id_
        assert node.spec_id == (row.metadata.spec_node_id or row.id.node_id)
        assert node.phase == NODE_PHASES.Name(row.closure.phase)
        assert node.cache == CACHES.Name(metadata.cache_status)
        hit = node.cache == "CACHE_HIT"
        assert (node.cached_from.node if node.cached_from else "") == (source.node_id if hit else "")
        assert (node.cached_from.execution.name if node.cached_from else "") == (
            source.execution_id.name if hit else ""
        )
        assert (node.child_execution.name if node.child_execution else "") == child.name
        ended = node.phase in ("SUCCEEDED", "FAILED", "ABORTED", "RECOVERED")
        duration = row.closure.duration.ToNanoseconds() / 10**9
        assert node.duration == (pytest.approx(duration) if ended and row.closure.HasField("duration") else None)
        assert (node.started_at is not None) == row.closure.HasField("started_at")
        assert node.kind in {kind for target in targets[node.spec_id] for kind in KINDS[target]}
        assert (node.kind == "dynamic") == (row.metadata.is_dynamic and not row.metadata.is_array)
        assert (node.kind == "map") == row.metadata.is_array
        assert (node.kind == "failure") == (node.spec_id.startswith("fn"))
        if row.closure.WhichOneof("output_result") == "error":
            assert node.error is not None
            whole = transport.single[f"{PREFIX}{name}/{row.id.node_id}"]
            assert node.error.message == whole.closure.error.message  # type: ignore[attr-defined]
        else:
            assert node.error is None
        attempts = [said_of_attempt(one) for one in recorded_attempts(transport, name, row.id.node_id)]
        assert [said_by_reader(one) for one in node.attempts] == attempts


def test_the_walk_has_nodes_of_every_run() -> None:
    transport = Replay()
    counts = {name: len(list(recorded_rows(transport, name))) for name in expected()}
    assert all(counts.values())
    assert sum(counts.values()) == 340
