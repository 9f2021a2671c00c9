"""SQLite files that several processes write: one connection per piece of work, one schema version per owner."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from flowtui.errors import ConfigError
from flowtui.text import plain

_BUSY_SECONDS = 10.0


class Database:
    """One owner's tables in a SQLite file that it may share with others.

    Args:
        path: the file; it and its folder are made at the first use, readable by this user alone.
        owner: the name under which the schema version is kept in the table ``schema_versions``.
        migrations: SQL scripts; script ``n`` leads from version ``n`` to ``n + 1``.
    """

    def __init__(self, path: Path, owner: str, migrations: Sequence[str]) -> None:
        self._path = path
        self._owner = owner
        self._migrations = migrations
        self._ready = False

    @contextmanager
    def transaction(self, *, write: bool = True, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction that is committed at the end and rolled back on an error.

        ``write`` takes the file's write lock at once, so that what is read first is still true when it is changed.
        Without ``durable`` the commit does not wait for the disk: a power cut may lose it, a killed process does not.

        Raises ConfigError where the file cannot be used.
        """
        try:
            is_new = not self._path.exists()
            with closing(self._connect()) as connection:
                if is_new or not self._ready:
                    self._migrate(connection)
                    self._ready = True
                if not durable:
                    connection.execute("PRAGMA synchronous=NORMAL")
                connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                try:
                    yield connection
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
        except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
            raise ConfigError(
                f"{plain(self._path)} cannot be used: {plain(error)}.",
                "Look at its permissions and the free space; a damaged file can be moved away.",
            ) from error

    def _connect(self) -> sqlite3.Connection:
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS schema_versions (owner TEXT PRIMARY KEY, version INTEGER NOT NULL)"
            )
            row = connection.execute("SELECT version FROM schema_versions WHERE owner = ?", (self._owner,)).fetchone()
            version = row["version"] if row else 0
            if version > len(self._migrations):
                raise ConfigError(
                    f"{plain(self._path)} was written by a newer flowtui.", "Update flowtui, or move the file away."
                )
            for script in self._migrations[version:]:
                for statement in script.split(";"):
                    if statement.strip():
                        connection.execute(statement)
            connection.execute(
                "INSERT OR REPLACE INTO schema_versions VALUES (?, ?)", (self._owner, len(self._migrations))
            )
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
