"""The event API: how an engine reports what became of an execution, its nodes and their tasks.

Source of the rules: Flyte Admin v1.16, observed; each function below says which orders it refuses.
"""

from __future__ import annotations

from typing import Any

from flyteidl.admin import event_pb2, execution_pb2, node_execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from google.protobuf.message import Message

from flowtui.local.call import Call, duration, execution_key, nanos
from flowtui.local.status import (
    ALREADY_EXISTS,
    FAILED_PRECONDITION,
    INTERNAL,
    AdminError,
    invalid,
    not_found,
    text,
)
from flowtui.local.store import Row, find, insert, update

_WORKFLOW = core_execution_pb2.WorkflowExecution
_NODE = core_execution_pb2.NodeExecution

TERMINAL = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})
TERMINAL_NODE = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "SKIPPED", "RECOVERED"})
_PRODUCER = "propeller"


def create_workflow_event(call: Call, request: Any) -> Any:
    """Record a phase of an execution.

    Refused: the current phase again (but QUEUED), anything after the end, RUNNING to QUEUED, ABORTING to a phase that
    is no end.
    """
    event = request.event
    if not request.HasField("event"):
        raise invalid("Workflow event handler was called without event")
    if not event.HasField("execution_id"):
        raise invalid(f"Workflow event handler request event doesn't have an execution id - {text(event)}")
    row = find(call.db, "executions", execution_key(event.execution_id))
    if row is None:
        raise not_found("execution", event.execution_id)
    old, new, shown = row["phase"], _WORKFLOW.Phase.Name(event.phase), text(event.execution_id)
    if new != "QUEUED":
        if old == new:
            raise AdminError(ALREADY_EXISTS, f"This phase {new} was already recorded for workflow execution {shown}")
        check_producer(row, event.producer_id, shown)
    if old in TERMINAL:
        raise already_ended(f"Invalid phase change from {old} to {new} for workflow execution {shown}", old)
    if old == "RUNNING" and new == "QUEUED":
        raise AdminError(FAILED_PRECONDITION, f"Cannot go from RUNNING to QUEUED for workflow execution {shown}")
    if old == "ABORTING" and new not in TERMINAL:
        raise AdminError(
            FAILED_PRECONDITION, f"Invalid phase change from aborting to {new} for workflow execution {shown}"
        )
    occurred = _occurred(event, "Failed to parse OccurredAt: timestamp: nil Timestamp")
    closure = execution_pb2.ExecutionClosure.FromString(row["closure"])
    closure.phase = event.phase
    closure.updated_at.CopyFrom(event.occurred_at)
    columns: dict[str, Any] = {"phase": new, "execution_updated_at": occurred // 1000, "updated_at": call.now_micros()}
    if new == "RUNNING":
        columns["started_at"] = occurred // 1000
        closure.started_at.CopyFrom(event.occurred_at)
    elif new in TERMINAL and row["started_at"] is not None:
        columns["duration"] = occurred - row["started_at"] * 1000
        closure.duration.CopyFrom(duration(columns["duration"]))
    if event.producer_id not in ("", _PRODUCER):
        columns["cluster"] = event.producer_id
        spec = execution_pb2.ExecutionSpec.FromString(row["spec"])
        spec.metadata.system_metadata.execution_cluster = event.producer_id
        columns["spec"] = spec.SerializeToString(deterministic=True)
    if event.output_uri:
        closure.outputs.uri = event.output_uri
    elif event.HasField("output_data"):
        keys = (event.execution_id.project, event.execution_id.domain, event.execution_id.name)
        closure.outputs.uri = offload(call, event.output_data, *keys, "offloaded_outputs")
    elif event.HasField("error"):
        closure.error.CopyFrom(event.error)
        columns |= _error_columns(event.error)
    columns["closure"] = closure.SerializeToString(deterministic=True)
    update(call.db, "executions", row["id"], columns)
    return event_pb2.WorkflowExecutionEventResponse()


def create_node_event(call: Call, request: Any) -> Any:
    """Record a phase of a node execution; its first event creates it.

    Refused: the current phase again, anything after the end, a child execution that does not exist.
    """
    event = request.event
    key = execution_key(event.id.execution_id)
    execution = find(call.db, "executions", key)
    if execution is None:
        error = not_found("execution", event.id.execution_id)
        shown = text(event.id.execution_id)
        raise AdminError(error.code, f"Failed to get existing execution id: [{shown}] with err: {error.message}")
    check_producer(execution, event.producer_id, text(event.id.execution_id))
    row = find(call.db, "node_executions", {**key, "node_id": event.id.node_id})
    if row is not None:
        _check_node_phase(row, event)
        if event.HasField("workflow_node_metadata"):
            child = event.workflow_node_metadata.execution_id
            if find(call.db, "executions", execution_key(child)) is None:
                raise not_found("execution", child)
    occurred = _occurred(event, "failed to unmarshal occurredAt with error: timestamp: nil Timestamp")
    closure = node_execution_pb2.NodeExecutionClosure()
    metadata = node_execution_pb2.NodeExecutionMetaData()
    columns: dict[str, Any] = {}
    if row is None:
        closure.created_at.CopyFrom(event.occurred_at)
        metadata.retry_group, metadata.spec_node_id = event.retry_group, event.spec_node_id
        columns |= {"node_execution_created_at": occurred // 1000, "parent_id": _parent(call, event, key)}
        columns |= {"parent_task_execution_id": _parent_task(call, event), "created_at": call.now_micros()}
        columns["event_version"] = event.event_version
    else:
        closure.ParseFromString(row["closure"])
        metadata.ParseFromString(row["node_execution_metadata"])
    metadata.is_parent_node = metadata.is_parent_node or event.is_parent
    metadata.is_dynamic = metadata.is_dynamic or event.is_dynamic
    metadata.is_array = metadata.is_array or event.is_array
    if hasattr(event, "is_eager"):
        metadata.is_eager = metadata.is_eager or event.is_eager
    columns |= _node_state(call, event, row, closure, occurred)
    columns |= _node_target(event, row, closure)
    if not (row is not None and row["input_uri"]):
        columns |= event_inputs(call, event, (*key.values(), event.id.node_id))
    columns["closure"] = closure.SerializeToString(deterministic=True)
    columns["node_execution_metadata"] = metadata.SerializeToString(deterministic=True)
    columns["updated_at"] = call.now_micros()
    if row is None:
        insert(call.db, "node_executions", {**key, "node_id": event.id.node_id, **columns})
    else:
        update(call.db, "node_executions", row["id"], columns)
    return event_pb2.NodeExecutionEventResponse()


def _check_node_phase(row: Row, event: Any) -> None:
    old, new = row["phase"], _NODE.Phase.Name(event.phase)
    if old == new:
        raise AdminError(ALREADY_EXISTS, f"This phase was already recorded {new} for {text(event.id)}")
    if old in TERMINAL_NODE:
        raise already_ended(f"Invalid phase change from {old} to {new} for node execution {row['id']}", new)


def _node_state(call: Call, event: Any, row: Row | None, closure: Any, occurred: int) -> dict[str, Any]:
    """Phase, times and result of a node, put into its closure; answers the columns that change."""
    phase = _NODE.Phase.Name(event.phase)
    closure.phase = event.phase
    reported = event.reported_at if nanos(event.reported_at) else event.occurred_at
    closure.updated_at.CopyFrom(reported)
    columns: dict[str, Any] = {"phase": phase, "node_execution_updated_at": nanos(reported) // 1000}
    if phase == "RUNNING":
        columns["started_at"] = occurred // 1000
        closure.started_at.CopyFrom(event.occurred_at)
        closure.deck_uri = event.deck_uri
    if phase in TERMINAL_NODE:
        if closure.HasField("started_at") and row is not None and row["started_at"] is not None:
            columns["duration"] = occurred - row["started_at"] * 1000
            closure.duration.CopyFrom(duration(columns["duration"]))
        if event.output_uri:
            closure.output_uri = event.output_uri
        elif event.HasField("output_data"):
            keys = (*execution_key(event.id.execution_id).values(), event.id.node_id)
            closure.output_uri = offload(call, event.output_data, *keys, "offloaded_outputs")
        elif event.HasField("error"):
            closure.error.CopyFrom(event.error)
            columns |= _error_columns(event.error)
        closure.deck_uri = event.deck_uri
    return columns


def _node_target(event: Any, row: Row | None, closure: Any) -> dict[str, Any]:
    """What the node ran: a child execution, or a task with its cache status and dynamic workflow."""
    columns: dict[str, Any] = {}
    # A child execution that comes with a node's first event is dropped, as Admin does.
    if row is not None and event.HasField("workflow_node_metadata") and not closure.HasField("workflow_node_metadata"):
        closure.workflow_node_metadata.executionId.CopyFrom(event.workflow_node_metadata.execution_id)
    if event.HasField("task_node_metadata"):
        task = event.task_node_metadata
        closure.task_node_metadata.Clear()
        closure.task_node_metadata.checkpoint_uri = task.checkpoint_uri
        if task.HasField("catalog_key"):
            closure.task_node_metadata.cache_status = task.cache_status
            closure.task_node_metadata.catalog_key.CopyFrom(task.catalog_key)
            columns["cache_status"] = _cache_status(task.cache_status)
        if task.HasField("dynamic_workflow"):
            dynamic = task.dynamic_workflow
            columns["dynamic_workflow"] = dynamic.compiled_workflow.SerializeToString(deterministic=True)
            name = "_".join((dynamic.id.project, dynamic.id.domain, dynamic.id.name, dynamic.id.version))
            columns["dynamic_workflow_remote_closure_reference"] = f"{event.id.node_id}/{name}"
            if row is not None and dynamic.dynamic_job_spec_uri:
                closure.dynamic_job_spec_uri = dynamic.dynamic_job_spec_uri
    return columns


def _cache_status(value: int) -> str:
    from flyteidl.core import catalog_pb2

    return str(catalog_pb2.CatalogCacheStatus.Name(value))


def _parent(call: Call, event: Any, key: dict[str, str]) -> int | None:
    if not event.HasField("parent_node_metadata"):
        return None
    row = find(call.db, "node_executions", {**key, "node_id": event.parent_node_metadata.node_id})
    if row is None:
        identifier = core_identifier(event, event.parent_node_metadata.node_id)
        raise not_found("node execution", identifier)
    return int(row["id"])


def core_identifier(event: Any, node_id: str) -> Any:
    from flyteidl.core import identifier_pb2

    return identifier_pb2.NodeExecutionIdentifier(node_id=node_id, execution_id=event.id.execution_id)


def _parent_task(call: Call, event: Any) -> int | None:
    if not event.HasField("parent_task_metadata"):
        return None
    identifier = event.parent_task_metadata.id
    row = find(call.db, "task_executions", task_execution_key(identifier))
    if row is None:
        raise not_found("task execution", identifier)
    return int(row["id"])


def task_execution_key(identifier: Any) -> dict[str, Any]:
    """The key columns of a TaskExecutionIdentifier."""
    task, node = identifier.task_id, identifier.node_execution_id
    return {
        **execution_key(node.execution_id),
        "node_id": node.node_id,
        "project": task.project,
        "domain": task.domain,
        "name": task.name,
        "version": task.version,
        "retry_attempt": identifier.retry_attempt,
    }


def event_inputs(call: Call, event: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    if event.input_uri:
        return {"input_uri": event.input_uri}
    if event.HasField("input_data"):
        return {"input_uri": offload(call, event.input_data, *keys, "offloaded_inputs")}
    return {}


def offload(call: Call, literals: Message, *keys: str) -> str:
    return call.write_blob(keys, literals.SerializeToString(deterministic=True))


def _occurred(event: Any, refusal: str) -> int:
    if not event.HasField("occurred_at"):
        raise AdminError(INTERNAL, refusal)
    return nanos(event.occurred_at)


def _error_columns(error: Any) -> dict[str, Any]:
    kind = core_execution_pb2.ExecutionError.ErrorKind.Name(error.kind)
    return {"error_kind": kind, "error_code": error.code}


def check_producer(execution: Row, producer: str, shown: str) -> None:
    if producer in ("", _PRODUCER) or producer == execution["cluster"]:
        return
    reason = event_pb2.EventFailureReason(
        incompatible_cluster=event_pb2.EventErrorIncompatibleCluster(cluster=execution["cluster"])
    )
    raise AdminError(
        FAILED_PRECONDITION,
        f"Cannot accept events for running/terminated execution [{shown}] from cluster [{producer}],"
        f"expected events to originate from [{execution['cluster']}]",
        [reason],
    )


def already_ended(message: str, phase: str) -> AdminError:
    reason = event_pb2.EventFailureReason(
        already_in_terminal_state=event_pb2.EventErrorAlreadyInTerminalState(current_phase=phase)
    )
    return AdminError(FAILED_PRECONDITION, message, [reason])
