"""What a handler of one request works with, and small helpers that all handlers share."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flyteidl.core import literals_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from flowtui.domain.execution import ExecutionId
from flowtui.local.home import Home
from flowtui.local.status import INTERNAL, AdminError, missing, text
from flowtui.local.store import Connection, Store

MAX_DOWNLOAD = 10 * 1024 * 1024
"""Bytes of a literal map that data calls read at most, as Flyte's charts set ``storage.limits.maxDownloadMBs``."""

TRIMMED_ERROR = 100
_FIRST_SECOND, _LAST_SECOND = -62135596800, 253402300800


@dataclass(slots=True)
class Admin:
    """The embedded Admin of one home.

    Attributes:
        clock: the time in nanoseconds since 1970.
        container: prefix of the URIs of what Admin itself writes.
        signing_key: signs URLs of blobs.
        max_workflow_nodes: nodes that a workflow may have; None for any number (Flyte's own default is 100).
    """

    home: Home
    store: Store
    container: str
    signing_key: bytes
    clock: Callable[[], int] = time.time_ns
    max_workflow_nodes: int | None = None


@dataclass(slots=True)
class Call:
    """One request in its transaction.

    Attributes:
        base_url: scheme, host and path prefix as the client sees them, for URLs in answers.
        launched: executions that were created, for the launcher after the commit.
        after_rollback: removes what was written beside the database, should the transaction fail.
    """

    admin: Admin
    db: Connection
    base_url: str
    launched: list[ExecutionId] = field(default_factory=list)

    def now(self) -> Timestamp:
        return from_nanos(self.admin.clock())

    def now_micros(self) -> int:
        return self.admin.clock() // 1000

    def read_literals(self, uri: str) -> Any:
        """The literal map at ``uri``; empty where it is missing, too large, unreadable or no literal map."""
        literals = literals_pb2.LiteralMap()
        body = self.read_blob(uri)
        try:
            literals.ParseFromString(body or b"")
        except DecodeError:
            literals.Clear()
        return literals

    def read_blob(self, uri: str, limit: int = MAX_DOWNLOAD) -> bytes | None:
        path = self.admin.home.resolve(uri) if uri else None
        try:
            if path is None or path.stat().st_size > limit:
                return None
            return path.read_bytes()
        except OSError:
            return None

    def write_blob(self, keys: tuple[str, ...], body: bytes) -> str:
        """Write below the container and give the URI; the file appears whole or not at all."""
        safe = [key.replace("/", "_").replace("\0", "_") or "_" for key in keys]
        uri = "/".join((self.admin.container, "metadata", *("_" if key in (".", "..") else key for key in safe)))
        path = self.admin.home.resolve(uri)
        if path is None:
            raise AdminError(INTERNAL, f"cannot write {uri}")
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{secrets.token_hex(8)}")
        scratch.write_bytes(body)
        os.replace(scratch, path)
        return uri


Handler = Callable[[Call, Any], Any]


def nanos(moment: Timestamp) -> int:
    """Nanoseconds since 1970.

    Raises:
        AdminError: the time lies outside of the years 1 to 9999.
    """
    if not (_FIRST_SECOND <= moment.seconds < _LAST_SECOND and 0 <= moment.nanos < 10**9):
        raise AdminError(INTERNAL, f"timestamp: {text(moment)} is out of range")
    return int(moment.seconds) * 10**9 + int(moment.nanos)


def from_nanos(value: int) -> Timestamp:
    return Timestamp(seconds=value // 10**9, nanos=value % 10**9)


def duration(value: int) -> Duration:
    made = Duration()
    made.FromNanoseconds(value)
    return made


def execution_key(identifier: Any) -> dict[str, str]:
    """The key columns of a WorkflowExecutionIdentifier."""
    return {
        "execution_project": identifier.project,
        "execution_domain": identifier.domain,
        "execution_name": identifier.name,
    }


def require(identifier: Any, *fields: str) -> None:
    """Refuse an identifier with an empty field.

    Raises:
        AdminError: ``missing project``, for example.
    """
    for name in fields:
        if not getattr(identifier, name):
            raise missing(name)


def trim_error(error: Any) -> None:
    """Cut an error's message as Admin does in lists: 100 bytes, broken characters dropped."""
    body = error.message.encode()
    if len(body) > TRIMMED_ERROR:
        error.message = body[:TRIMMED_ERROR].decode("utf-8", "ignore")
