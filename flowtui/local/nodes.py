"""Reads of node executions and task executions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flyteidl.admin import node_execution_pb2, task_execution_pb2
from flyteidl.core import compiler_pb2, identifier_pb2

from flowtui.local import filters
from flowtui.local.call import Call, execution_key, require, trim_error
from flowtui.local.events import task_execution_key
from flowtui.local.filters import ENTITIES, Condition
from flowtui.local.status import NOT_FOUND, AdminError, not_found
from flowtui.local.store import Row, find, select

_NODE, _TASK = ENTITIES["node_execution"], ENTITIES["task_execution"]


def node_row(call: Call, identifier: Any) -> Row:
    """The row of a NodeExecutionIdentifier.

    Raises:
        AdminError: there is none.
    """
    key = {**execution_key(identifier.execution_id), "node_id": identifier.node_id}
    row = find(call.db, "node_executions", key)
    if row is None:
        raise not_found("node execution", identifier)
    return row


def get_node_execution(call: Call, request: Any) -> Any:
    row = node_row(call, request.id)
    # Only events without a version leave it to Admin to find out who is a parent.
    parents = _with_children(call, [row["id"]]) if row["event_version"] == 0 else set()
    return _node(row, parents, trimmed=False)


def list_node_executions(call: Call, request: Any) -> Any:
    """One level of nodes: those without a parent, or the children of ``unique_parent_id``."""
    filters.require_limit(request.limit)
    execution = request.workflow_execution_id
    require(execution, "project", "domain", "name")
    start = filters.offset(request.token, "ListNodeExecutions")
    if request.unique_parent_id:
        identifier = identifier_pb2.NodeExecutionIdentifier(node_id=request.unique_parent_id, execution_id=execution)
        level = Condition("node_execution", "ne.parent_id = ?", (node_row(call, identifier)["id"],), "parent_id")
        default = "ne.id"
    else:
        level = Condition(
            "node_execution", "ne.parent_id IS NULL AND ne.parent_task_execution_id IS NULL", (), "parent_id"
        )
        default = "ne.node_id"
    return _list(call, request, execution, level, start, default)


def list_node_executions_for_task(call: Call, request: Any) -> Any:
    filters.require_limit(request.limit)
    start = filters.offset(request.token, "ListNodeExecutions")
    parent = task_row(call, request.task_execution_id)["id"]
    level = Condition("node_execution", "ne.parent_task_execution_id = ?", (parent,), "parent_task_execution_id")
    return _list(call, request, request.task_execution_id.node_execution_id.execution_id, level, start, "ne.id")


def _list(call: Call, request: Any, execution: Any, level: Condition, start: int, default: str) -> Any:
    conditions = [
        *_of_execution("ne", "node_execution", execution),
        level,
        *filters.parse(request.filters, _NODE),
    ]
    ordering = filters.order(request.sort_by, _NODE, default)
    rows, token = filters.page(call.db, _NODE, conditions, ordering, request.limit, start)
    parents = _with_children(call, [row["id"] for row in rows])
    return node_execution_pb2.NodeExecutionList(
        node_executions=[_node(row, parents, trimmed=True) for row in rows], token=token
    )


def _of_execution(alias: str, entity: str, execution: Any) -> list[Condition]:
    return [
        Condition(entity, f"{alias}.{column} = ?", (value,), column)
        for column, value in execution_key(execution).items()
    ]


def _with_children(call: Call, ids: list[int]) -> set[int]:
    """Those of the nodes that are a parent of another."""
    found: set[int] = set()
    for first in range(0, len(ids), 500):
        part = ids[first : first + 500]
        marks = ", ".join("?" * len(part))
        sql = f"SELECT DISTINCT parent_id FROM node_executions WHERE parent_id IN ({marks})"  # noqa: S608
        found.update(row[0] for row in select(call.db, sql, part))
    return found


def _node(row: Row, parents: Iterable[int], *, trimmed: bool) -> Any:
    metadata = node_execution_pb2.NodeExecutionMetaData.FromString(row["node_execution_metadata"])
    if not (metadata.is_parent_node or metadata.is_dynamic) and row["id"] in parents:
        metadata.is_parent_node = True
        metadata.is_dynamic = bool(row["dynamic_workflow_remote_closure_reference"])
    closure = node_execution_pb2.NodeExecutionClosure.FromString(row["closure"])
    if trimmed and closure.HasField("error"):
        trim_error(closure.error)
    return node_execution_pb2.NodeExecution(
        id=_node_id(row), input_uri=row["input_uri"], closure=closure, metadata=metadata
    )


def _node_id(row: Row) -> Any:
    execution = identifier_pb2.WorkflowExecutionIdentifier(
        project=row["execution_project"], domain=row["execution_domain"], name=row["execution_name"]
    )
    return identifier_pb2.NodeExecutionIdentifier(node_id=row["node_id"], execution_id=execution)


def get_node_execution_data(call: Call, request: Any) -> Any:
    row = node_row(call, request.id)
    closure = node_execution_pb2.NodeExecutionClosure.FromString(row["closure"])
    answer = node_execution_pb2.NodeExecutionGetDataResponse(
        full_inputs=call.read_literals(row["input_uri"]), full_outputs=outputs(call, closure)
    )
    answer.inputs.SetInParent()
    answer.outputs.SetInParent()
    prefix = _flyte_url(row)
    answer.flyte_urls.inputs, answer.flyte_urls.outputs = f"{prefix}/i", f"{prefix}/o"
    if closure.deck_uri:
        answer.flyte_urls.deck = f"{prefix}/d"
    if row["dynamic_workflow"] is not None:
        compiled = compiler_pb2.CompiledWorkflowClosure.FromString(row["dynamic_workflow"])
        answer.dynamic_workflow.id.CopyFrom(compiled.primary.template.id)
        answer.dynamic_workflow.compiled_workflow.CopyFrom(compiled)
        answer.dynamic_workflow.dynamic_job_spec_uri = closure.dynamic_job_spec_uri
    return answer


def outputs(call: Call, closure: Any) -> Any:
    """The outputs that a node's or task's closure names."""
    if closure.HasField("output_data"):
        return closure.output_data
    return call.read_literals(closure.output_uri)


def _flyte_url(row: Row) -> str:
    names = (row["execution_project"], row["execution_domain"], row["execution_name"], row["node_id"])
    return "flyte://v1/" + "/".join(names)


def get_dynamic_node_workflow(call: Call, request: Any) -> Any:
    row = node_row(call, request.id)
    if row["dynamic_workflow"] is None:
        raise AdminError(NOT_FOUND, "node does not contain dynamic workflow")
    compiled = compiler_pb2.CompiledWorkflowClosure.FromString(row["dynamic_workflow"])
    return node_execution_pb2.DynamicNodeWorkflowResponse(compiled_workflow=compiled)


def task_row(call: Call, identifier: Any) -> Row:
    """The row of a TaskExecutionIdentifier.

    Raises:
        AdminError: there is none, or the identifier is incomplete.
    """
    require(identifier.task_id, "project", "domain", "name", "version")
    row = find(call.db, "task_executions", task_execution_key(identifier))
    if row is None:
        raise not_found("task execution", identifier)
    return row


def get_task_execution(call: Call, request: Any) -> Any:
    row = task_row(call, request.id)
    return _task(row, _is_parent(call, row["id"]))


def list_task_executions(call: Call, request: Any) -> Any:
    filters.require_limit(request.limit)
    node = request.node_execution_id
    start = filters.offset(request.token, "ListTaskExecutions")
    conditions = [
        *_of_execution("te", "task_execution", node.execution_id),
        Condition("task_execution", "te.node_id = ?", (node.node_id,), "node_id"),
        *filters.parse(request.filters, _TASK),
    ]
    ordering = filters.order(request.sort_by, _TASK, "te.retry_attempt, te.id")
    rows, token = filters.page(call.db, _TASK, conditions, ordering, request.limit, start)
    tasks = [_task(row, _is_parent(call, row["id"])) for row in rows]
    return task_execution_pb2.TaskExecutionList(task_executions=tasks, token=token)


def _is_parent(call: Call, task_id: int) -> bool:
    sql = "SELECT 1 FROM node_executions WHERE parent_task_execution_id = ? LIMIT 1"
    return bool(select(call.db, sql, (task_id,)))


def _task(row: Row, is_parent: bool) -> Any:
    task = identifier_pb2.Identifier(
        resource_type=identifier_pb2.TASK,
        project=row["project"],
        domain=row["domain"],
        name=row["name"],
        version=row["version"],
    )
    identifier = identifier_pb2.TaskExecutionIdentifier(
        task_id=task, node_execution_id=_node_id(row), retry_attempt=row["retry_attempt"]
    )
    closure = task_execution_pb2.TaskExecutionClosure.FromString(row["closure"])
    return task_execution_pb2.TaskExecution(
        id=identifier, input_uri=row["input_uri"], closure=closure, is_parent=is_parent
    )


def get_task_execution_data(call: Call, request: Any) -> Any:
    row = task_row(call, request.id)
    closure = task_execution_pb2.TaskExecutionClosure.FromString(row["closure"])
    answer = task_execution_pb2.TaskExecutionGetDataResponse(
        full_inputs=call.read_literals(row["input_uri"]), full_outputs=outputs(call, closure)
    )
    answer.inputs.SetInParent()
    answer.outputs.SetInParent()
    prefix = f"{_flyte_url(row)}/{row['retry_attempt']}"
    answer.flyte_urls.inputs, answer.flyte_urls.outputs = f"{prefix}/i", f"{prefix}/o"
    return answer
