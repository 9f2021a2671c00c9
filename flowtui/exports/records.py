"""Rows of the journal and what they mean."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from flowtui.domain.artifact import ArtifactFile
from flowtui.exports.plan import Action, PlannedFile
from flowtui.exports.source import SourceRun
from flowtui.exports.targets.base import TargetOptions

ExportState = Literal["planned", "running", "publishing", "paused", "done", "failed", "cancelled", "interrupted"]
"""``publishing``: files get their names. ``interrupted``: it ran, and its process is gone; it can be resumed."""

RESUMABLE: frozenset[ExportState] = frozenset({"planned", "paused", "failed", "interrupted"})

ExportRequest = Literal["", "pause", "cancel"]

Road = Literal["here", "domino-job", "flyte"]
"""Who moves the bytes: this process, a Domino job, or an execution of an export task on Flyte."""

FileRecordState = Literal["pending", "staged", "published", "failed", "same"]

MIGRATIONS = (
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
    """
    ALTER TABLE exports ADD COLUMN kind TEXT NOT NULL DEFAULT 'directory';
    ALTER TABLE exports ADD COLUMN road TEXT NOT NULL DEFAULT 'here';
    ALTER TABLE exports ADD COLUMN server TEXT NOT NULL DEFAULT '';
    ALTER TABLE exports ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE exports ADD COLUMN if_exists TEXT NOT NULL DEFAULT 'replace';
    ALTER TABLE exports ADD COLUMN runs TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE exports ADD COLUMN request TEXT NOT NULL DEFAULT '';
    ALTER TABLE exports ADD COLUMN notes TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE exports ADD COLUMN speed REAL NOT NULL DEFAULT 0;
    ALTER TABLE exports ADD COLUMN updated_at TEXT;
    ALTER TABLE exports ADD COLUMN place TEXT NOT NULL DEFAULT '';
    ALTER TABLE exports ADD COLUMN url TEXT NOT NULL DEFAULT '';
    ALTER TABLE exports ADD COLUMN is_publishing INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE exports ADD COLUMN unknown_sizes INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE export_files (
        export TEXT NOT NULL,
        position INTEGER NOT NULL,
        path TEXT NOT NULL,
        run TEXT NOT NULL,
        type TEXT NOT NULL,
        artifact TEXT NOT NULL,
        file TEXT NOT NULL,
        node TEXT NOT NULL,
        uri TEXT NOT NULL,
        size INTEGER,
        etag TEXT NOT NULL,
        md5 TEXT NOT NULL,
        action TEXT NOT NULL,
        note TEXT NOT NULL,
        state TEXT NOT NULL,
        written INTEGER,
        sha256 TEXT NOT NULL,
        modified TEXT NOT NULL DEFAULT '',
        error TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (export, position)
    );
    CREATE UNIQUE INDEX export_files_path ON export_files (export, path);
    CREATE INDEX export_files_artifact ON export_files (run, artifact, type);
    CREATE TABLE export_events (export TEXT NOT NULL, at TEXT NOT NULL, text TEXT NOT NULL);
    CREATE INDEX export_events_export ON export_events (export)
    """,
)


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """One export.

    Attributes:
        executions: ``project/domain/name`` of the runs that the files are of.
        target: where they go, as ``--to`` takes it; kind: of the target.
        road: who moves the bytes.
        server: the endpoint that the runs are on; empty for the embedded Admin.
        files: how many are to be written; bytes: of these, as far as sizes are known (``unknown_sizes`` are not).
        speed: bytes a second, 0 while nothing moves.
        is_publishing: some of its files may have their names, so that it can be resumed and not be cancelled.
        error: why it failed, else empty.
        place, url, manifest: where the export is to be seen; empty until it is published.
    """

    id: str
    executions: tuple[str, ...]
    target: str
    kind: str
    road: Road
    server: str
    options: TargetOptions
    state: ExportState
    is_publishing: bool
    files: int
    bytes: int
    unknown_sizes: int
    bytes_done: int
    speed: float
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str
    place: str
    url: str
    manifest: str

    @property
    def seconds_left(self) -> float | None:
        """Until all bytes are in the stage at this speed; None where that cannot be said."""
        if self.speed <= 0 or self.unknown_sizes or self.state != "running":
            return None
        return max(self.bytes - self.bytes_done, 0) / self.speed


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file of an export and what became of it."""

    path: str
    run: str
    type: str
    artifact: str
    file: str
    node: str
    uri: str
    size: int | None
    action: Action
    state: FileRecordState
    written: int | None
    sha256: str
    modified: str
    error: str


@dataclass(frozen=True, slots=True)
class Event:
    """A line of an export's log (UTC)."""

    at: datetime
    text: str


def file_row(export: str, position: int, file: PlannedFile) -> tuple[object, ...]:
    """The row of a planned file."""
    source = file.source
    state: FileRecordState = "same" if file.action == "same" else "pending"
    return (
        export,
        position,
        file.path,
        str(file.run.id),
        source.type,
        source.artifact,
        source.file,
        source.node,
        file.uri,
        file.size,
        file.etag,
        file.md5,
        file.action,
        file.note,
        state,
        None,
        "",
        "",
        "",
    )


def planned_file(row: sqlite3.Row, runs: Mapping[str, SourceRun]) -> PlannedFile:
    """The planned file of a row."""
    source = ArtifactFile(
        type=row["type"],
        artifact=row["artifact"],
        file=row["file"],
        format="",
        node=row["node"],
        variable="",
        declared_at=(),
        state="present",
        uris=(row["uri"],),
        size=row["size"],
    )
    return PlannedFile(
        source=source,
        run=runs[row["run"]],
        uri=row["uri"],
        path=row["path"],
        size=row["size"],
        action=cast(Action, row["action"]),
        md5=row["md5"],
        etag=row["etag"],
        note=row["note"],
    )


def file_record(row: sqlite3.Row) -> FileRecord:
    """The file of a row."""
    names = FileRecord.__slots__
    return FileRecord(**{name: row[name] for name in names})


def export_record(row: sqlite3.Row, is_held: Callable[[str], bool]) -> ExportRecord:
    """The export of a row.

    Args:
        is_held: whether a process carries out the export of an id.
    """
    state = cast(ExportState, row["state"])
    if state in ("running", "publishing") and row["road"] == "here" and not is_held(row["id"]):
        state = "interrupted"
    return ExportRecord(
        id=row["id"],
        executions=tuple(row["execution"].split(", ")),
        target=row["target"],
        kind=row["kind"],
        road=cast(Road, row["road"]),
        server=row["server"],
        options=TargetOptions(**json.loads(row["options"])),
        state=state,
        is_publishing=bool(row["is_publishing"]) and state != "done",
        files=row["files"],
        bytes=row["bytes"],
        unknown_sizes=row["unknown_sizes"],
        bytes_done=row["bytes_done"],
        speed=row["speed"],
        created_at=datetime.fromisoformat(row["created_at"]),
        started_at=_time(row["started_at"]),
        finished_at=_time(row["finished_at"]),
        error=row["error"],
        place=row["place"],
        url=row["url"],
        manifest=row["manifest"],
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
