"""Task events: attempts of a node, merged from several events into one closure."""

from __future__ import annotations

from typing import Any

from flyteidl.admin import event_pb2, task_execution_pb2
from flyteidl.core import catalog_pb2, identifier_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2

from flowtui.local.call import Call, duration, execution_key, from_nanos, nanos
from flowtui.local.events import already_ended, check_producer, event_inputs, offload, task_execution_key
from flowtui.local.status import ALREADY_EXISTS, AdminError, invalid, missing, not_found, text
from flowtui.local.store import Row, find, insert, update

_TASK = core_execution_pb2.TaskExecution
TERMINAL_TASK = frozenset({"SUCCEEDED", "FAILED", "ABORTED"})
_PENDING = frozenset({"QUEUED", "INITIALIZING"})


def create_task_event(call: Call, request: Any) -> Any:
    """Record a phase of a task execution; its first event creates it.

    Refused: the current phase without a higher ``phase_version``, anything after the end.
    """
    event = request.event
    if not request.HasField("event"):
        raise missing("event")
    if not event.HasField("occurred_at"):
        raise invalid("missing occurred_at")
    node = event.parent_node_execution_id
    execution = find(call.db, "executions", execution_key(node.execution_id))
    if execution is None:
        raise not_found("execution", node.execution_id)
    check_producer(execution, event.producer_id, text(node.execution_id))
    identifier = identifier_pb2.TaskExecutionIdentifier(
        task_id=event.task_id, node_execution_id=node, retry_attempt=event.retry_attempt
    )
    key = task_execution_key(identifier)
    row = find(call.db, "task_executions", key)
    phase = _TASK.Phase.Name(event.phase)
    if row is None:
        if find(call.db, "node_executions", {**execution_key(node.execution_id), "node_id": node.node_id}) is None:
            error = not_found("node execution", node)
            raise AdminError(
                error.code, f"Failed to get existing node execution id: [{text(node)}] with err: {error.message}"
            )
    elif row["phase"] == phase and row["phase_version"] >= event.phase_version:
        raise AdminError(
            ALREADY_EXISTS,
            f"have already recorded task execution phase {phase} (version: {event.phase_version}) "
            f"for {text(identifier)}",
        )
    elif row["phase"] in TERMINAL_TASK:
        raise already_ended(
            f"invalid phase change from {row['phase']} to {phase} for task execution {text(identifier)}", phase
        )
    closure = task_execution_pb2.TaskExecutionClosure()
    if row is not None:
        closure.ParseFromString(row["closure"])
    columns = _merge(call, event, row, closure, phase)
    if not (row is not None and row["input_uri"]):
        task = event.task_id
        keys = (*execution_key(node.execution_id).values(), node.node_id, task.project, task.domain, task.name)
        columns |= event_inputs(call, event, (*keys, task.version, str(event.retry_attempt)))
    columns["closure"] = closure.SerializeToString(deterministic=True)
    columns["updated_at"] = call.now_micros()
    if row is None:
        columns |= {"created_at": columns["updated_at"], "task_execution_created_at": nanos(event.occurred_at) // 1000}
        insert(call.db, "task_executions", {**key, **columns})
    else:
        update(call.db, "task_executions", row["id"], columns)
    return event_pb2.TaskExecutionEventResponse()


def _merge(call: Call, event: Any, row: Row | None, closure: Any, phase: str) -> dict[str, Any]:
    closure.phase = event.phase
    reported = event.reported_at if nanos(event.reported_at) else event.occurred_at
    closure.updated_at.CopyFrom(reported)
    columns: dict[str, Any] = {
        "phase": phase,
        "phase_version": event.phase_version,
        "task_execution_updated_at": nanos(reported) // 1000,
    }
    _merge_reasons(event, closure)
    started = row["started_at"] if row is not None else None
    if phase == "RUNNING" and started is None and (row is None or row["phase"] != "RUNNING"):
        columns["started_at"] = nanos(event.occurred_at) // 1000
        closure.started_at.CopyFrom(event.occurred_at)
    if phase in TERMINAL_TASK or phase == "RETRYABLE_FAILED":
        columns |= _result(call, event, closure, started)
    if row is None:
        closure.created_at.CopyFrom(event.occurred_at)
        closure.task_type = event.task_type
        closure.event_version = event.event_version
        closure.logs.extend(event.logs)
        if event.HasField("custom_info"):
            closure.custom_info.CopyFrom(event.custom_info)
        if event.HasField("metadata"):
            closure.metadata.CopyFrom(event.metadata)
            resources = sorted(closure.metadata.external_resources, key=_resource_key)
            _replace(closure.metadata.external_resources, resources)
    else:
        closure.event_version = max(closure.event_version, event.event_version)
        _replace(closure.logs, _shown(_merge_logs(list(closure.logs), list(event.logs)), phase))
        _merge_custom(event, closure)
        _merge_metadata(event, closure)
        if row["phase"] != phase:
            for resource in closure.metadata.external_resources:
                _replace(resource.logs, _shown(list(resource.logs), phase))
    if hasattr(closure, "log_context") and event.HasField("log_context"):
        closure.log_context.CopyFrom(event.log_context)
    return columns


def _result(call: Call, event: Any, closure: Any, started: int | None) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if started is not None:
        closure.started_at.CopyFrom(from_nanos(started * 1000))
        columns["duration"] = nanos(event.occurred_at) - started * 1000
        closure.duration.CopyFrom(duration(columns["duration"]))
    if event.output_uri:
        closure.output_uri = event.output_uri
    elif event.HasField("output_data"):
        node, task = event.parent_node_execution_id, event.task_id
        keys = (*execution_key(node.execution_id).values(), node.node_id, task.project, task.domain, task.name)
        keys = (*keys, task.version, str(event.retry_attempt), "offloaded_outputs")
        closure.output_uri = offload(call, event.output_data, *keys)
    elif event.HasField("error"):
        closure.error.CopyFrom(event.error)
    return columns


def _merge_reasons(event: Any, closure: Any) -> None:
    if event.reasons:
        for reason in event.reasons:
            closure.reasons.add(occurred_at=reason.occurred_at, message=reason.reason)
        closure.reason = event.reasons[-1].reason
    elif event.reason:
        if closure.reason != event.reason:
            closure.reasons.add(occurred_at=event.occurred_at, message=event.reason)
        closure.reason = event.reason


def _merge_logs(old: list[Any], new: list[Any]) -> list[Any]:
    """The new logs, and those of the old ones that no new one of the same URI or name replaces."""
    uris = {log.uri for log in new}
    names = {log.name for log in new if log.name}
    return new + [log for log in old if log.uri not in uris and log.name not in names] if new else old


def _shown(logs: list[Any], phase: str) -> list[Any]:
    """The logs that are to be shown in a phase."""

    def shown(log: Any) -> bool:
        if phase in TERMINAL_TASK and log.HideOnceFinished:
            return False
        return phase not in _PENDING or bool(log.ShowWhilePending)

    return [log for log in logs if shown(log)]


def _replace(field: Any, items: list[Any]) -> None:
    copies = [type(item).FromString(item.SerializeToString()) for item in items]
    del field[:]
    field.extend(copies)


def _merge_custom(event: Any, closure: Any) -> None:
    if not event.HasField("custom_info"):
        return
    if not closure.HasField("custom_info"):
        closure.custom_info.CopyFrom(event.custom_info)
        return
    from google.protobuf import json_format

    merged = _merge_patch(json_format.MessageToDict(closure.custom_info), json_format.MessageToDict(event.custom_info))
    closure.custom_info.Clear()
    json_format.ParseDict(merged, closure.custom_info)


def _merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    answer = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            answer.pop(key, None)
        else:
            answer[key] = _merge_patch(answer.get(key), value)
    return answer


def _merge_metadata(event: Any, closure: Any) -> None:
    if not event.HasField("metadata"):
        return
    new = event.metadata
    if not closure.HasField("metadata"):
        closure.metadata.CopyFrom(new)
        return
    old = closure.metadata
    old.generated_name = new.generated_name or old.generated_name
    old.plugin_identifier = new.plugin_identifier or old.plugin_identifier
    old.instance_class = new.instance_class or old.instance_class
    _replace(old.resource_pool_info, list(new.resource_pool_info))
    known = {_resource_key(resource): resource for resource in old.external_resources}
    for resource in new.external_resources:
        current = known.get(_resource_key(resource))
        if current is None:
            known[_resource_key(resource)] = resource
            continue
        current.external_id = resource.external_id or current.external_id
        current.phase = resource.phase
        if resource.cache_status != catalog_pb2.CACHE_DISABLED:
            current.cache_status = resource.cache_status
        if resource.HasField("custom_info"):
            current.custom_info.CopyFrom(resource.custom_info)
        _replace(current.logs, _merge_logs(list(current.logs), list(resource.logs)))
    _replace(old.external_resources, [known[key] for key in sorted(known)])


def _resource_key(resource: Any) -> tuple[int, int]:
    return resource.index, resource.retry_attempt
