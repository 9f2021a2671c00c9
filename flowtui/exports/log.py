"""The record of exports, kept on this machine."""

from __future__ import annotations

import os
import platform
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal, cast

from flowtui.database import Database
from flowtui.domain.execution import ExecutionId
from flowtui.text import plain

ExportState = Literal["planned", "running", "done", "failed", "cancelled"]

_MIGRATIONS = (
    """
    CREATE TABLE exports (
        id TEXT PRIMARY KEY,
        execution TEXT NOT NULL,
        target TEXT NOT NULL,
        state TEXT NOT NULL,
        files INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        bytes_done INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        started_at TEXT,
        finished_at TEXT,
        error TEXT NOT NULL,
        manifest TEXT NOT NULL,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL
    )
    """,
)


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """One export.

    Attributes:
        execution: ``project/domain/name`` of the run that the files are of.
        target: where they go, as ``--to`` takes it.
        bytes: what is to be written, as far as sizes are known.
        error: why it failed, else empty.
        manifest: where the manifest is, empty until it is written.
    """

    id: str
    execution: str
    target: str
    state: ExportState
    files: int
    bytes: int
    bytes_done: int
    started_at: datetime | None
    finished_at: datetime | None
    error: str
    manifest: str


class ExportLog:
    """Exports in a SQLite file; several processes may use it at once.

    Every method raises ConfigError where the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, "exports", _MIGRATIONS)

    def add(self, execution: ExecutionId, target: str, *, files: int, bytes_: int) -> str:
        """Record a planned export of this process; its id."""
        id_ = secrets.token_hex(4)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO exports VALUES (?, ?, ?, 'planned', ?, ?, 0, ?, NULL, NULL, '', '', ?, ?)",
                (id_, str(execution), plain(target), files, bytes_, _now(), platform.node(), os.getpid()),
            )
        return id_

    def start(self, id_: str) -> None:
        """The transfer begins."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE exports SET state = 'running', started_at = ? WHERE id = ?", (_now(), id_))

    def advance(self, id_: str, bytes_done: int) -> None:
        """So many bytes are written."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE exports SET bytes_done = ? WHERE id = ?", (bytes_done, id_))

    def finish(self, id_: str, state: ExportState, *, bytes_done: int, error: str = "", manifest: str = "") -> None:
        """The export ended as ``done``, ``failed`` or ``cancelled``."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE exports SET state = ?, bytes_done = ?, error = ?, manifest = ?, finished_at = ? WHERE id = ?",
                (state, bytes_done, plain(error), plain(manifest), _now(), id_),
            )

    def get(self, id_: str) -> ExportRecord | None:
        """One export, None where there is none of this id."""
        with self._database.transaction(write=False) as connection:
            row = connection.execute("SELECT * FROM exports WHERE id = ?", (id_,)).fetchone()
        return _record(row) if row else None

    def list(self, limit: int = 100) -> tuple[ExportRecord, ...]:
        """The latest exports, newest first. One whose process is gone without a word is ``failed``."""
        with self._database.transaction(write=False) as connection:
            rows = connection.execute(
                "SELECT * FROM exports ORDER BY created_at DESC, rowid DESC LIMIT ?", (limit,)
            ).fetchall()
        return tuple(_record(row) for row in rows)


def _record(row: sqlite3.Row) -> ExportRecord:
    state, error = row["state"], row["error"]
    if state in ("planned", "running") and row["host"] == platform.node() and not _is_alive(row["pid"]):
        state, error = "failed", "interrupted: its process is gone"
    return ExportRecord(
        id=row["id"],
        execution=row["execution"],
        target=row["target"],
        state=cast(ExportState, state),
        files=row["files"],
        bytes=row["bytes"],
        bytes_done=row["bytes_done"],
        started_at=_time(row["started_at"]),
        finished_at=_time(row["finished_at"]),
        error=error,
        manifest=row["manifest"],
    )


def _is_alive(pid: int) -> bool:
    if os.name == "nt":  # os.kill would end the process there.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
