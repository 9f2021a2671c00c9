"""The journal of exports on this machine: what each is to do and what of it is done, written before it is relied on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import secrets
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from flowtui.database import Database
from flowtui.domain.artifact import ArtifactVersionId
from flowtui.errors import ExportError, NotFoundError
from flowtui.exports.plan import Plan
from flowtui.exports.records import (
    MIGRATIONS,
    Event,
    ExportRecord,
    ExportRequest,
    ExportState,
    FileRecord,
    Road,
    export_record,
    file_record,
    file_row,
    planned_file,
)
from flowtui.exports.source import SourceRun
from flowtui.exports.targets.base import IfExists, Publication, Target, TargetOptions
from flowtui.text import plain

if sys.platform != "win32":
    import fcntl

_EVENTS = 1000
"""Lines of the log that are kept for an export."""


class Journal:
    """Exports in a SQLite file; several processes may use it at once.

    How far an export is, is written without waiting for the disk, which would hold up the files themselves: what a
    power cut takes of it is done again.

    Every method raises ConfigError where the file cannot be used.

    Args:
        path: the file; locks of running exports are kept in ``exports`` beside it.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, "exports", MIGRATIONS)
        self._locks = path.parent / "exports"

    def add(self, plan: Plan, options: TargetOptions, *, road: Road = "here", server: str = "") -> str:
        """Record a planned export with all of its files; its id, eight hex digits.

        Args:
            server: the endpoint that the runs are on; empty for the embedded Admin.
        """
        id_ = secrets.token_hex(4)
        runs = {str(run.id): run.to_json() for run in plan.runs}
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO exports (id, execution, target, state, files, bytes, bytes_done, created_at, error,"
                " manifest, host, pid, road, options, if_exists, runs, server, kind, unknown_sizes)"
                " VALUES (?, ?, ?, 'planned', ?, ?, 0, ?, '', '', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    id_,
                    ", ".join(runs),
                    plan.target.text,
                    len(plan.to_write),
                    plan.bytes,
                    _now(),
                    platform.node(),
                    os.getpid(),
                    road,
                    json.dumps(options.to_json()),
                    plan.if_exists,
                    json.dumps(runs),
                    server,
                    plan.target.kind,
                    plan.unknown_sizes,
                ),
            )
            connection.executemany(
                "INSERT INTO export_files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (file_row(id_, number, file) for number, file in enumerate(plan.files)),
            )
        return id_

    @contextlib.contextmanager
    def claim(self, id_: str) -> Iterator[None]:
        """Hold an export for this process; a process that dies lets go.

        Raises ExportError where another process holds it.
        """
        self._locks.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._locks / f"{id_}.lock"
        with _locked(path) as is_ours:
            if not is_ours:
                raise ExportError(
                    f"Export {id_} is being carried out by another process.",
                    f"`flowtui exports` shows it; `flowtui exports pause {id_}` stops it there.",
                )
            with self._database.transaction() as connection:
                connection.execute(
                    "UPDATE exports SET host = ?, pid = ?, request = '' WHERE id = ?",
                    (platform.node(), os.getpid(), id_),
                )
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    path.unlink()

    @contextlib.asynccontextmanager
    async def claimed(self, id_: str) -> AsyncIterator[None]:
        """As :meth:`claim`, with its waiting for the file in a thread."""
        with contextlib.ExitStack() as stack:
            await asyncio.to_thread(stack.enter_context, self.claim(id_))
            yield

    def is_held(self, id_: str) -> bool:
        """Whether some process of this machine carries the export out now."""
        try:
            with (self._locks / f"{id_}.lock").open("rb") as file:
                return not _lock(file.fileno())
        except OSError:
            return False

    def begin(self, id_: str) -> None:
        """The transfer begins, or goes on."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE exports SET state = 'running', started_at = coalesce(started_at, ?), finished_at = NULL,"
                " error = '' WHERE id = ?",
                (_now(), id_),
            )

    def advance(self, id_: str, bytes_done: int, speed: float = 0.0) -> ExportRequest:
        """So many bytes are in the stage, at so many a second; what another process asks of this export."""
        with self._database.transaction(durable=False) as connection:
            connection.execute(
                "UPDATE exports SET bytes_done = ?, speed = ?, updated_at = ? WHERE id = ?",
                (bytes_done, speed, _now(), id_),
            )
            row = connection.execute("SELECT request FROM exports WHERE id = ?", (id_,)).fetchone()
        return row["request"] if row else ""

    def staged(self, id_: str, files: Iterable[tuple[str, int, str, str]]) -> None:
        """Files are whole in the stage: path, bytes, SHA-256 in hex and time of change as the manifest has it."""
        rows = [(size, sha256, modified, id_, path) for path, size, sha256, modified in files]
        with self._database.transaction(durable=False) as connection:
            connection.executemany(
                "UPDATE export_files SET state = 'staged', written = ?, sha256 = ?, modified = ?, error = ''"
                " WHERE export = ? AND path = ?",
                rows,
            )

    def unstaged(self, id_: str, paths: Iterable[str]) -> None:
        """Files that were whole in the stage are not there any more."""
        with self._database.transaction(durable=False) as connection:
            connection.executemany(
                "UPDATE export_files SET state = 'pending', written = NULL, sha256 = '' WHERE export = ? AND path = ?",
                ((id_, path) for path in paths),
            )

    def files_failed(self, id_: str, failures: Iterable[tuple[str, str]]) -> None:
        """Files could not be brought into the stage: path and reason."""
        with self._database.transaction(durable=False) as connection:
            connection.executemany(
                "UPDATE export_files SET state = 'failed', error = ? WHERE export = ? AND path = ?",
                ((plain(error), id_, path) for path, error in failures),
            )

    def publishing(self, id_: str) -> None:
        """All files are in the stage and get their names from now on; there is no way back, only resuming."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE exports SET state = 'publishing', is_publishing = 1 WHERE id = ?", (id_,))

    def finish(
        self, id_: str, state: ExportState, *, error: str = "", publication: Publication | None = None
    ) -> ExportRecord:
        """The export ended, for now or for good."""
        place, manifest, url = (publication.place, publication.manifest, publication.url) if publication else ("",) * 3
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE exports SET state = ?, error = ?, manifest = ?, place = ?, url = ?, finished_at = ?, speed = 0,"
                " request = '' WHERE id = ?",
                (state, plain(error), plain(manifest), plain(place), plain(url), _now(), id_),
            )
            if state == "done":
                connection.execute("UPDATE exports SET bytes_done = max(bytes_done, bytes) WHERE id = ?", (id_,))
                connection.execute(
                    "UPDATE export_files SET state = 'published' WHERE export = ? AND state = 'staged'", (id_,)
                )
        return self.get(id_)

    def restart(self, id_: str) -> None:
        """Forget what was done of an export, so that it begins again."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE export_files SET state = 'pending', sha256 = '', error = '' WHERE export = ?", (id_,)
            )
            connection.execute(
                "UPDATE exports SET state = 'planned', bytes_done = 0, started_at = NULL, notes = '{}',"
                " is_publishing = 0 WHERE id = ?",
                (id_,),
            )

    def ask(self, id_: str, request: ExportRequest) -> None:
        """Ask the process that carries an export out to ``pause`` or ``cancel`` it."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE exports SET request = ? WHERE id = ?", (request, id_))

    def notes(self, id_: str) -> JournalNotes:
        """What the export's stage keeps."""
        return JournalNotes(self._database, id_)

    def tell(self, id_: str, *lines: str) -> None:
        """Add lines to the export's log."""
        now = _now()
        with self._database.transaction(durable=False) as connection:
            connection.executemany(
                "INSERT INTO export_events VALUES (?, ?, ?)", ((id_, now, plain(line)) for line in lines)
            )
            connection.execute(
                "DELETE FROM export_events WHERE export = ? AND rowid NOT IN"
                " (SELECT rowid FROM export_events WHERE export = ? ORDER BY rowid DESC LIMIT ?)",
                (id_, id_, _EVENTS),
            )

    def events(self, id_: str) -> tuple[Event, ...]:
        """The export's log, oldest first."""
        with self._database.transaction(write=False) as connection:
            rows = connection.execute(
                "SELECT at, text FROM export_events WHERE export = ? ORDER BY rowid", (id_,)
            ).fetchall()
        return tuple(Event(datetime.fromisoformat(row["at"]), row["text"]) for row in rows)

    def get(self, id_: str) -> ExportRecord:
        """One export, by its id or by as much of its beginning as tells it apart. Raises NotFoundError."""
        pattern = id_.replace("%", "").replace("_", "") + "%"
        with self._database.transaction(write=False) as connection:
            rows = connection.execute("SELECT * FROM exports WHERE id LIKE ? LIMIT 2", (pattern,)).fetchall()
        if len(rows) != 1 or not id_:
            raise NotFoundError(
                f"{'No' if not rows else 'More than one'} export is called {plain(id_)!r}.",
                "`flowtui exports` lists them.",
            )
        return export_record(rows[0], self.is_held)

    def list(self, limit: int = 100) -> tuple[ExportRecord, ...]:
        """The latest exports, newest first. One whose process is gone without a word is ``interrupted``."""
        with self._database.transaction(write=False) as connection:
            rows = connection.execute(
                "SELECT * FROM exports ORDER BY created_at DESC, rowid DESC LIMIT ?", (limit,)
            ).fetchall()
        return tuple(export_record(row, self.is_held) for row in rows)

    def files(self, id_: str) -> tuple[FileRecord, ...]:
        """The files of an export, in the order of its plan."""
        with self._database.transaction(write=False) as connection:
            rows = connection.execute(
                "SELECT * FROM export_files WHERE export = ? ORDER BY position", (id_,)
            ).fetchall()
        return tuple(file_record(row) for row in rows)

    def plan(self, id_: str, target: Target) -> Plan:
        """The plan of an export as it was recorded."""
        record = self.get(id_)
        with self._database.transaction(write=False) as connection:
            row = connection.execute("SELECT runs, if_exists FROM exports WHERE id = ?", (record.id,)).fetchone()
            rows = connection.execute(
                "SELECT * FROM export_files WHERE export = ? ORDER BY position", (record.id,)
            ).fetchall()
        runs = {key: SourceRun.from_json(facts) for key, facts in json.loads(row["runs"]).items()}
        if_exists: IfExists = row["if_exists"]
        return Plan(target, if_exists, tuple(planned_file(one, runs) for one in rows), runs=tuple(runs.values()))

    def exported(self, versions: Sequence[ArtifactVersionId]) -> Mapping[ArtifactVersionId, ExportRecord]:
        """Of these artifact versions, or files of them, those that were exported, and the latest export of each."""
        found: dict[ArtifactVersionId, ExportRecord] = {}
        with self._database.transaction(write=False) as connection:
            for version in versions:
                row = connection.execute(
                    "SELECT exports.* FROM export_files JOIN exports ON exports.id = export_files.export"
                    " WHERE run = ? AND artifact = ? AND type = ? AND (? = '' OR file = ?) AND (? = '' OR node = ?)"
                    " AND exports.state = 'done' ORDER BY exports.finished_at DESC LIMIT 1",
                    (str(version.execution), version.artifact, version.type, *[version.file] * 2, *[version.node] * 2),
                ).fetchone()
                if row:
                    found[version] = export_record(row, self.is_held)
        return found

    def remove(self, id_: str) -> None:
        """Forget an export that is at its end; what it has written stays."""
        with self._database.transaction() as connection:
            for table, column in (("export_files", "export"), ("export_events", "export"), ("exports", "id")):
                connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (id_,))  # noqa: S608


class JournalNotes:
    """``flowtui.exports.targets.Notes`` in the journal."""

    def __init__(self, database: Database, id_: str) -> None:
        self._database = database
        self._id = id_

    def get(self, name: str) -> str:
        with self._database.transaction(write=False) as connection:
            return str(self._all(connection).get(name, ""))

    def set(self, name: str, value: str) -> None:
        with self._database.transaction() as connection:
            notes = {**self._all(connection), name: value}
            connection.execute("UPDATE exports SET notes = ? WHERE id = ?", (json.dumps(notes), self._id))

    def _all(self, connection: Any) -> dict[str, Any]:
        row = connection.execute("SELECT notes FROM exports WHERE id = ?", (self._id,)).fetchone()
        return dict(json.loads(row["notes"])) if row else {}


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool]:
    while True:
        with path.open("ab") as file:
            if not _lock(file.fileno()):
                yield False
                return
            # Its last holder may have removed the file between opening and locking.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    yield True
                    return


def _lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")
