"""How a node fails, and what the error looks like that Flyte Admin keeps."""

from __future__ import annotations

from flyteidl.core import errors_pb2, execution_pb2

Kind = execution_pb2.ExecutionError

WORKFLOW_ABORTED = "Workflow aborted."
AUTO_ABORTED = "Some node execution failed, auto-abort."
TIMEOUT = "TimeoutExpired"
_EXHAUSTED = "RetriesExhausted"


class NodeFailedError(Exception):
    """A node has failed and is reported; what depends on it cannot run."""

    def __init__(self, error: execution_pb2.ExecutionError, node_id: str = "") -> None:
        super().__init__(error.message)
        self.error = error
        self.node_id = node_id


class AttemptFailedError(Exception):
    """An attempt of a task has failed.

    Attributes:
        error: for Flyte Admin.
        recoverable: another attempt may succeed.
        aborted: the attempt was stopped from outside: it counts as ABORTED, not as FAILED.
    """

    def __init__(self, error: execution_pb2.ExecutionError, *, recoverable: bool, aborted: bool = False) -> None:
        super().__init__(error.message)
        self.error = error
        self.recoverable = recoverable
        self.aborted = aborted


def user_error(code: str, message: str) -> execution_pb2.ExecutionError:
    return execution_pb2.ExecutionError(code=code, message=message, kind=Kind.USER)


def system_error(code: str, message: str) -> execution_pb2.ExecutionError:
    return execution_pb2.ExecutionError(code=code, message=message, kind=Kind.SYSTEM)


def from_document(document: errors_pb2.ErrorDocument) -> AttemptFailedError:
    """The failure that a task wrote into its ``error.pb``."""
    told = document.error
    error = execution_pb2.ExecutionError(
        code=told.code, message=told.message, kind=told.origin, timestamp=told.timestamp, worker=told.worker
    )
    return AttemptFailedError(error, recoverable=told.kind == errors_pb2.ContainerError.RECOVERABLE)


def exhausted(error: execution_pb2.ExecutionError, attempts: int) -> execution_pb2.ExecutionError:
    """The error of a node whose last attempt failed in a way that another attempt might have cured."""
    kind = Kind.ErrorKind.Name(error.kind)
    return execution_pb2.ExecutionError(
        code=f"{_EXHAUSTED}|{error.code}",
        message=f"[{attempts}/{attempts}] currentAttempt done. Last Error: {kind}::{error.message}",
        kind=error.kind,
    )
