"""Bookmarks on artifact versions and on single files of them, kept on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from flowtui.database import Database
from flowtui.domain.artifact import ArtifactVersionId
from flowtui.domain.execution import ExecutionId

_MIGRATIONS = (
    """
    CREATE TABLE bookmarks (
        server TEXT NOT NULL,
        project TEXT NOT NULL,
        domain TEXT NOT NULL,
        execution TEXT NOT NULL,
        artifact TEXT NOT NULL,
        type TEXT NOT NULL,
        file TEXT NOT NULL,
        node TEXT NOT NULL,
        created_at TEXT NOT NULL,
        note TEXT NOT NULL,
        PRIMARY KEY (server, project, domain, execution, artifact, type, file, node)
    ) WITHOUT ROWID
    """,
)
_COLUMNS = ("server", "project", "domain", "execution", "artifact", "type", "file", "node")
_KEY = " AND ".join(f"{column} = ?" for column in _COLUMNS)


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A bookmarked artifact version, or one file of it, and when it was bookmarked (UTC)."""

    id: ArtifactVersionId
    created_at: datetime
    note: str = ""


class Bookmarks:
    """The bookmarks of one server in a SQLite file; several processes may use it at once.

    Every method raises ConfigError where the file cannot be used.

    Args:
        path: the file.
        server: what tells servers apart, such as the endpoint; the same run names occur on several.
    """

    def __init__(self, path: Path, *, server: str = "") -> None:
        self._database = Database(path, "bookmarks", _MIGRATIONS)
        self._server = server

    def add(self, id_: ArtifactVersionId, note: str = "") -> bool:
        """Keep a bookmark; True where it is new. A new note replaces the one that is there."""
        now = datetime.now(timezone.utc).isoformat()
        with self._database.transaction() as connection:
            added = connection.execute(
                "INSERT OR IGNORE INTO bookmarks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*self._key(id_), now, note)
            ).rowcount
            if not added and note:
                connection.execute(f"UPDATE bookmarks SET note = ? WHERE {_KEY}", (note, *self._key(id_)))  # noqa: S608
        return bool(added)

    def remove(self, id_: ArtifactVersionId) -> bool:
        """Drop a bookmark; True where it was there."""
        with self._database.transaction() as connection:
            removed = connection.execute(f"DELETE FROM bookmarks WHERE {_KEY}", self._key(id_)).rowcount  # noqa: S608
        return bool(removed)

    def toggle(self, id_: ArtifactVersionId) -> bool:
        """Add the bookmark, or drop it where it is there; True where it is there afterwards."""
        now = datetime.now(timezone.utc).isoformat()
        with self._database.transaction() as connection:
            if connection.execute(f"DELETE FROM bookmarks WHERE {_KEY}", self._key(id_)).rowcount:  # noqa: S608
                return False
            connection.execute("INSERT INTO bookmarks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '')", (*self._key(id_), now))
        return True

    def contains(self, id_: ArtifactVersionId) -> bool:
        """True where exactly this is bookmarked; a bookmark on a version is none on its files."""
        with self._database.transaction(write=False) as connection:
            found = connection.execute(f"SELECT 1 FROM bookmarks WHERE {_KEY}", self._key(id_)).fetchone()  # noqa: S608
        return found is not None

    def list(self, execution: ExecutionId | None = None) -> tuple[Bookmark, ...]:
        """All bookmarks, or those of one execution, newest first."""
        with self._database.transaction(write=False) as connection:
            rows = connection.execute(
                "SELECT * FROM bookmarks WHERE server = ? ORDER BY created_at DESC, artifact, file, node",
                (self._server,),
            ).fetchall()
        return tuple(
            Bookmark(
                ArtifactVersionId(
                    ExecutionId(row["project"], row["domain"], row["execution"]),
                    row["artifact"],
                    row["type"],
                    row["file"],
                    row["node"],
                ),
                datetime.fromisoformat(row["created_at"]),
                row["note"],
            )
            for row in rows
            if execution in (None, ExecutionId(row["project"], row["domain"], row["execution"]))
        )

    def _key(self, id_: ArtifactVersionId) -> tuple[str, ...]:
        execution = id_.execution
        parts = (execution.project, execution.domain, execution.name, id_.artifact, id_.type, id_.file, id_.node)
        return (self._server, *parts)
