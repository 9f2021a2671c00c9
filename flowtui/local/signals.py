"""Signals that gate nodes wait for."""

from __future__ import annotations

from typing import Any

from flyteidl.admin import signal_pb2
from flyteidl.core import identifier_pb2, literals_pb2, types_pb2

from flowtui.local import filters
from flowtui.local.call import Call, execution_key, require
from flowtui.local.executions import execution_row
from flowtui.local.literal_types import literal_type
from flowtui.local.status import missing
from flowtui.local.store import Row, select


def set_signal(call: Call, request: Any) -> Any:
    """Give a signal its value; it is created where its gate has not asked for it yet."""
    execution_row(call, request.id.execution_id)
    require(request.id, "signal_id")
    if request.value.WhichOneof("value") is None:
        raise missing("value")
    kind = literal_type(request.value) or types_pb2.LiteralType()
    columns = (*execution_key(request.id.execution_id).values(), request.id.signal_id)
    call.db.execute(
        "INSERT INTO signals (execution_project, execution_domain, execution_name, signal_id, type, value) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (execution_project, execution_domain, execution_name, signal_id) "
        "DO UPDATE SET value = excluded.value",
        (*columns, kind.SerializeToString(deterministic=True), request.value.SerializeToString(deterministic=True)),
    )
    return signal_pb2.SignalSetResponse()


def list_signals(call: Call, request: Any) -> Any:
    filters.require_limit(request.limit)
    start = filters.offset(request.token, "ListSignals")
    rows = select(
        call.db,
        "SELECT * FROM signals WHERE execution_project = ? AND execution_domain = ? AND execution_name = ? "
        "ORDER BY signal_id LIMIT ? OFFSET ?",
        (*execution_key(request.workflow_execution_id).values(), request.limit, start),
    )
    token = str(start + len(rows)) if len(rows) == request.limit else ""
    return signal_pb2.SignalList(signals=[_signal(row) for row in rows], token=token)


def _signal(row: Row) -> Any:
    execution = identifier_pb2.WorkflowExecutionIdentifier(
        project=row["execution_project"], domain=row["execution_domain"], name=row["execution_name"]
    )
    signal = signal_pb2.Signal(
        id=identifier_pb2.SignalIdentifier(signal_id=row["signal_id"], execution_id=execution),
        type=types_pb2.LiteralType.FromString(row["type"]),
    )
    if row["value"] is not None:
        signal.value.CopyFrom(literals_pb2.Literal.FromString(row["value"]))
    return signal
