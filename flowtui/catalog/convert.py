"""flyteidl's messages as domain objects.

Numbers of enums that this flyteidl does not know become their decimal text; times out of Python's range become None.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from flyteidl.admin import execution_pb2, node_execution_pb2, task_execution_pb2
from flyteidl.core import catalog_pb2, identifier_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from flowtui.domain.execution import (
    TERMINAL_PHASES,
    Attempt,
    EntityId,
    Execution,
    ExecutionError,
    ExecutionId,
    Log,
    MapItem,
    NodeId,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TERMINAL_TASK_PHASES = frozenset({"SUCCEEDED", "ABORTED", "FAILED", "RETRYABLE_FAILED"})


def name_of(enum: Any, number: int) -> str:
    """The name of an enum's number; the number as text where it is unknown."""
    value = enum.DESCRIPTOR.values_by_number.get(number)
    return str(number) if value is None else str(value.name)


def node_phase(row: node_execution_pb2.NodeExecution) -> str:
    return name_of(core_execution_pb2.NodeExecution.Phase, row.closure.phase)


def execution_phase(message: execution_pb2.Execution) -> str:
    return name_of(core_execution_pb2.WorkflowExecution.Phase, message.closure.phase)


def instant(stamp: Timestamp) -> datetime | None:
    """A time in UTC, cut to microseconds; None where it is unset or out of range."""
    if not stamp.seconds and not stamp.nanos:
        return None
    # As Timestamp.ToDatetime, in a tenth of its time: a list has three of them in every row.
    try:
        return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
    except OverflowError:
        return None


def seconds(duration: Duration) -> float:
    return float(duration.seconds) + float(duration.nanos) / 1e9


def execution_id(id_: identifier_pb2.WorkflowExecutionIdentifier) -> ExecutionId:
    return ExecutionId(id_.project, id_.domain, id_.name)


def node_id(id_: identifier_pb2.NodeExecutionIdentifier) -> NodeId:
    return NodeId(execution_id(id_.execution_id), id_.node_id)


def entity_id(id_: identifier_pb2.Identifier) -> EntityId:
    return EntityId(id_.project, id_.domain, id_.name, id_.version)


def error_of(error: core_execution_pb2.ExecutionError) -> ExecutionError:
    kind = name_of(core_execution_pb2.ExecutionError.ErrorKind, error.kind)
    return ExecutionError(error.code, error.message, "" if kind == "UNKNOWN" else kind)


def execution(message: execution_pb2.Execution) -> Execution:
    """An execution of a list or a single answer (lists cut the error's message)."""
    spec, closure = message.spec, message.closure
    phase = execution_phase(message)
    result = closure.WhichOneof("output_result")
    abort_cause = ""
    if result == "abort_metadata":
        abort_cause = closure.abort_metadata.cause
    elif result == "abort_cause":
        abort_cause = closure.abort_cause
    parent = node_id(spec.metadata.parent_node_execution) if spec.metadata.HasField("parent_node_execution") else None
    reference = (
        execution_id(spec.metadata.reference_execution) if spec.metadata.HasField("reference_execution") else None
    )
    return Execution(
        id=execution_id(message.id),
        phase=phase,
        workflow=entity_id(closure.workflow_id),
        launch_plan=entity_id(spec.launch_plan),
        mode=name_of(execution_pb2.ExecutionMetadata.ExecutionMode, spec.metadata.mode),
        principal=spec.metadata.principal,
        started_at=instant(closure.started_at),
        duration=seconds(closure.duration) if phase in TERMINAL_PHASES and closure.HasField("duration") else None,
        created_at=instant(closure.created_at),
        updated_at=instant(closure.updated_at),
        labels=dict(spec.labels.values),
        tags=tuple(spec.tags),
        error=error_of(closure.error) if result == "error" else None,
        abort_cause=abort_cause,
        parent=parent if parent is not None and parent.execution.name else None,
        reference=reference if reference is not None and reference.name else None,
    )


def cache_status(row: node_execution_pb2.NodeExecution) -> str:
    """The name of the cache status of a task node; ``CACHE_DISABLED`` for all others."""
    return name_of(catalog_pb2.CatalogCacheStatus, row.closure.task_node_metadata.cache_status)


def cached_from(row: node_execution_pb2.NodeExecution) -> NodeId | None:
    """The node execution whose outputs a cache hit took."""
    if cache_status(row) != "CACHE_HIT":
        return None
    source = row.closure.task_node_metadata.catalog_key.source_task_execution.node_execution_id
    return node_id(source) if source.execution_id.name else None


def child_execution(row: node_execution_pb2.NodeExecution) -> ExecutionId | None:
    """The execution that a launch-plan node started."""
    child = row.closure.workflow_node_metadata.executionId
    return execution_id(child) if child.name else None


def attempt(message: task_execution_pb2.TaskExecution) -> Attempt:
    closure = message.closure
    phase = _task_phase(closure.phase)
    ended = phase in _TERMINAL_TASK_PHASES
    return Attempt(
        attempt=message.id.retry_attempt,
        phase=phase,
        logs=_logs(closure.logs),
        error=error_of(closure.error) if closure.WhichOneof("output_result") == "error" else None,
        started_at=instant(closure.started_at),
        duration=seconds(closure.duration) if ended and closure.HasField("duration") else None,
        items=tuple(
            MapItem(
                index=item.index,
                phase=_task_phase(item.phase),
                attempt=item.retry_attempt,
                cache=name_of(catalog_pb2.CatalogCacheStatus, item.cache_status),
                logs=_logs(item.logs),
                error=_item_error(item.custom_info),
            )
            for item in closure.metadata.external_resources
        ),
    )


def _item_error(info: Any) -> ExecutionError | None:
    """The error of an item, where the engine tells it in the free part of the message."""
    fields = info.fields["error"].struct_value.fields if "error" in info.fields else {}
    message = fields["message"].string_value if "message" in fields else ""
    code = fields["code"].string_value if "code" in fields else ""
    return ExecutionError(code, message, "") if message else None


def _task_phase(number: int) -> str:
    return name_of(core_execution_pb2.TaskExecution.Phase, number)


def _logs(logs: Any) -> tuple[Log, ...]:
    return tuple(Log(log.name, log.uri) for log in logs)
