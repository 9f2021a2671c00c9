"""The SQLite file of the embedded Flyte Admin.

Columns are named as in Admin's own tables, since filters and sort keys name them. Times are microseconds since 1970,
cut as Admin's database cuts them; durations are nanoseconds; messages are kept whole in BLOBs.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flowtui.errors import ConfigError

VERSION = 1
_BUSY_SECONDS = 30.0

_ENTITY = """
    id INTEGER PRIMARY KEY, project TEXT NOT NULL, domain TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, digest BLOB NOT NULL"""
_EXECUTION = "execution_project TEXT NOT NULL, execution_domain TEXT NOT NULL, execution_name TEXT NOT NULL"
_SCHEMA = f"""
CREATE TABLE projects (identifier TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL, labels BLOB,
    state INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE TABLE tasks ({_ENTITY}, type TEXT NOT NULL, closure BLOB NOT NULL, description BLOB,
    short_description TEXT NOT NULL, UNIQUE (project, domain, name, version));
CREATE TABLE workflows ({_ENTITY}, typed_interface BLOB NOT NULL, closure BLOB NOT NULL, description BLOB,
    short_description TEXT NOT NULL, UNIQUE (project, domain, name, version));
CREATE TABLE launch_plans ({_ENTITY}, spec BLOB NOT NULL, closure BLOB NOT NULL, state INTEGER NOT NULL,
    workflow_id INTEGER NOT NULL, schedule_type TEXT NOT NULL, UNIQUE (project, domain, name, version));
CREATE TABLE named_entity_metadata (resource_type INTEGER NOT NULL, project TEXT NOT NULL, domain TEXT NOT NULL,
    name TEXT NOT NULL, description TEXT NOT NULL, state INTEGER NOT NULL,
    PRIMARY KEY (resource_type, project, domain, name)) WITHOUT ROWID;
CREATE TABLE executions (id INTEGER PRIMARY KEY, {_EXECUTION}, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    phase TEXT NOT NULL, spec BLOB NOT NULL, closure BLOB NOT NULL, inputs BLOB NOT NULL, user_inputs BLOB NOT NULL,
    execution_created_at INTEGER NOT NULL, execution_updated_at INTEGER NOT NULL, started_at INTEGER,
    duration INTEGER NOT NULL DEFAULT 0, abort_cause TEXT NOT NULL DEFAULT '', mode INTEGER NOT NULL,
    cluster TEXT NOT NULL DEFAULT '', inputs_uri TEXT NOT NULL DEFAULT '', user_inputs_uri TEXT NOT NULL DEFAULT '',
    error_kind TEXT, error_code TEXT, user TEXT NOT NULL DEFAULT '', state INTEGER NOT NULL,
    launch_entity TEXT NOT NULL,
    launch_plan_id INTEGER, workflow_id INTEGER NOT NULL, task_id INTEGER, source_execution_id INTEGER,
    parent_node_execution_id INTEGER, UNIQUE (execution_project, execution_domain, execution_name));
CREATE INDEX executions_created ON executions (execution_project, execution_domain, execution_created_at);
CREATE INDEX executions_updated ON executions (execution_project, execution_domain, updated_at);
CREATE INDEX executions_workflow ON executions (workflow_id);
CREATE TABLE execution_tags ({_EXECUTION}, key TEXT NOT NULL, value TEXT NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, PRIMARY KEY (execution_project, execution_domain, execution_name, key, value))
    WITHOUT ROWID;
CREATE INDEX execution_tags_key ON execution_tags (key, value);
CREATE TABLE node_executions (id INTEGER PRIMARY KEY, {_EXECUTION}, node_id TEXT NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, phase TEXT NOT NULL, input_uri TEXT NOT NULL DEFAULT '', closure BLOB NOT NULL,
    started_at INTEGER, node_execution_created_at INTEGER NOT NULL, node_execution_updated_at INTEGER NOT NULL,
    duration INTEGER NOT NULL DEFAULT 0, node_execution_metadata BLOB NOT NULL, parent_id INTEGER,
    parent_task_execution_id INTEGER, error_kind TEXT, error_code TEXT, cache_status TEXT,
    dynamic_workflow_remote_closure_reference TEXT NOT NULL DEFAULT '', dynamic_workflow BLOB,
    event_version INTEGER NOT NULL, UNIQUE (execution_project, execution_domain, execution_name, node_id));
CREATE INDEX node_executions_parent ON node_executions (parent_id);
CREATE TABLE task_executions (id INTEGER PRIMARY KEY, {_EXECUTION}, node_id TEXT NOT NULL, project TEXT NOT NULL,
    domain TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, retry_attempt INTEGER NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, phase TEXT NOT NULL, phase_version INTEGER NOT NULL,
    input_uri TEXT NOT NULL DEFAULT '', closure BLOB NOT NULL, started_at INTEGER,
    task_execution_created_at INTEGER NOT NULL, task_execution_updated_at INTEGER NOT NULL,
    duration INTEGER NOT NULL DEFAULT 0, UNIQUE (execution_project, execution_domain, execution_name, node_id,
    project, domain, name, version, retry_attempt));
CREATE TABLE signals ({_EXECUTION}, signal_id TEXT NOT NULL, type BLOB NOT NULL, value BLOB,
    PRIMARY KEY (execution_project, execution_domain, execution_name, signal_id)) WITHOUT ROWID;
"""

Row = sqlite3.Row
Connection = sqlite3.Connection


class Store:
    """Connections to one database file, safe for several threads and several processes.

    Raises:
        ConfigError: the file cannot be opened, or a newer flowtui wrote it.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._closed = False
        weakref.finalize(self, _close_all, self._idle)
        try:
            with self._connection() as db:
                _migrate(db)
        except sqlite3.Error as error:
            raise ConfigError(
                f"The database {database} cannot be opened: {error}.", "Name another folder with --home."
            ) from error

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection in a read transaction: what is read belongs together."""
        with self._connection() as db:
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.rollback()

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a write transaction, committed at the end, rolled back on an exception."""
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.rollback()
                raise
            db.commit()

    def close(self) -> None:
        """Close the connections; one that is still in use is closed when its user is done."""
        with self._lock:
            self._closed = True
            _close_all(self._idle)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self._lock:
            db = self._idle.pop() if self._idle else None
        if db is None:
            db = sqlite3.connect(self._database, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            # LIKE is case-sensitive in Admin's PostgreSQL.
            db.execute("PRAGMA case_sensitive_like = ON")
        try:
            yield db
        finally:
            with self._lock:
                if db.in_transaction or self._closed:
                    db.close()
                else:
                    self._idle.append(db)


def _close_all(connections: list[Connection]) -> None:
    while connections:
        connections.pop().close()


def _migrate(db: Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            raise ConfigError(
                f"The database was written by a newer flowtui (format {version}).",
                "Update flowtui, or use another home.",
            )
        if version == 0:
            for statement in _SCHEMA.split(";\n"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        db.rollback()
        raise
    db.commit()


def insert(db: Connection, table: str, columns: Mapping[str, Any]) -> int:
    """Insert one row and give its id.

    Raises:
        sqlite3.IntegrityError: the key is taken.
    """
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    cursor = db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(columns.values()))  # noqa: S608
    return int(cursor.lastrowid or 0)


def update(db: Connection, table: str, row_id: int, columns: Mapping[str, Any]) -> None:
    sets = ", ".join(f"{name} = ?" for name in columns)
    db.execute(f"UPDATE {table} SET {sets} WHERE id = ?", (*columns.values(), row_id))  # noqa: S608


def find(db: Connection, table: str, key: Mapping[str, Any]) -> Row | None:
    """The one row whose columns have these values."""
    where = " AND ".join(f"{name} = ?" for name in key)
    row: Row | None = db.execute(f"SELECT * FROM {table} WHERE {where}", tuple(key.values())).fetchone()  # noqa: S608
    return row


def select(db: Connection, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
    return db.execute(sql, tuple(arguments)).fetchall()
