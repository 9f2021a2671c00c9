"""Runs whose runner is gone: aborted, with all that still ran in them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flyteidl.admin import execution_pb2, node_execution_pb2, task_execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2

from flowtui.domain.execution import ExecutionId
from flowtui.local.call import Admin, Call, duration, from_nanos
from flowtui.local.events import TERMINAL, TERMINAL_NODE
from flowtui.local.store import Row, select, update
from flowtui.local.task_events import TERMINAL_TASK

CAUSE = "the runner is gone"


def abort_orphans(admin: Admin) -> list[ExecutionId]:
    """Abort the executions that have not ended though the lock file of their runner is free; gives their ids.

    An execution without a lock file never had a runner here, or has one that is about to start: it stays as it is.
    """
    if not any(admin.home.locks.glob("*.lock")):
        return []
    marks = ", ".join("?" * len(TERMINAL))
    sql = f"SELECT * FROM executions WHERE phase NOT IN ({marks}) ORDER BY id"  # noqa: S608
    aborted: list[ExecutionId] = []
    with admin.store.write() as db:
        for row in select(db, sql, sorted(TERMINAL)):
            execution = ExecutionId(row["execution_project"], row["execution_domain"], row["execution_name"])
            with _free(admin.home.lock_file(execution)) as free:
                if free:
                    _abort(Call(admin, db, ""), row)
                    aborted.append(execution)
    return aborted


@contextmanager
def _free(path: Path) -> Iterator[bool]:
    """Whether the lock file is there and nobody holds it; meanwhile nobody can take it, and afterwards it is gone."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _abort(call: Call, row: Row) -> None:
    now = call.admin.clock()
    key = (row["execution_project"], row["execution_domain"], row["execution_name"])
    where = "WHERE execution_project = ? AND execution_domain = ? AND execution_name = ?"
    for task in select(call.db, f"SELECT * FROM task_executions {where}", key):  # noqa: S608
        if task["phase"] not in TERMINAL_TASK:
            _abort_task(call, task, now)
    for node in select(call.db, f"SELECT * FROM node_executions {where}", key):  # noqa: S608
        if node["phase"] not in TERMINAL_NODE:
            _abort_node(call, node, now)
    closure = execution_pb2.ExecutionClosure.FromString(row["closure"])
    closure.phase = core_execution_pb2.WorkflowExecution.ABORTED
    closure.updated_at.CopyFrom(from_nanos(now))
    # Who terminated it has said why already.
    if not closure.HasField("abort_metadata"):
        closure.abort_metadata.cause = CAUSE
    columns = {"phase": "ABORTED", "abort_cause": closure.abort_metadata.cause, "execution_updated_at": now // 1000}
    if row["started_at"] is not None:
        columns["duration"] = now - row["started_at"] * 1000
        closure.duration.CopyFrom(duration(columns["duration"]))
    columns |= {"closure": closure.SerializeToString(deterministic=True), "updated_at": now // 1000}
    update(call.db, "executions", row["id"], columns)


def _error() -> core_execution_pb2.ExecutionError:
    kind = core_execution_pb2.ExecutionError.SYSTEM
    return core_execution_pb2.ExecutionError(code="RunnerGone", message=f"Workflow aborted: {CAUSE}.", kind=kind)


def _abort_node(call: Call, row: Row, now: int) -> None:
    closure = node_execution_pb2.NodeExecutionClosure.FromString(row["closure"])
    closure.phase = core_execution_pb2.NodeExecution.ABORTED
    columns = {"phase": "ABORTED", "node_execution_updated_at": now // 1000, "error_kind": "SYSTEM"}
    columns |= {"error_code": "RunnerGone"}
    _finish(call, "node_executions", row, closure, columns, now)


def _abort_task(call: Call, row: Row, now: int) -> None:
    closure = task_execution_pb2.TaskExecutionClosure.FromString(row["closure"])
    closure.phase = core_execution_pb2.TaskExecution.ABORTED
    columns = {"phase": "ABORTED", "task_execution_updated_at": now // 1000}
    _finish(call, "task_executions", row, closure, columns, now)


def _finish(call: Call, table: str, row: Row, closure: object, columns: dict[str, object], now: int) -> None:
    closure.updated_at.CopyFrom(from_nanos(now))  # type: ignore[attr-defined]
    closure.error.CopyFrom(_error())  # type: ignore[attr-defined]
    if row["started_at"] is not None:
        columns["duration"] = now - row["started_at"] * 1000
        closure.duration.CopyFrom(duration(columns["duration"]))  # type: ignore[attr-defined,arg-type]
    body = closure.SerializeToString(deterministic=True)  # type: ignore[attr-defined]
    update(call.db, table, row["id"], {**columns, "closure": body, "updated_at": now // 1000})
