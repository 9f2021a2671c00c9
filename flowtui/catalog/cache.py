"""Answers of the server that do not change any more, kept on disk.

A version of a workflow or task never changes; an execution that has ended, with its nodes and their data, does not
either, but for its archive state. The file is a cache: it may be deleted at any time, and a damaged one is replaced.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_VERSION = 1
"""Raised when the meaning of a row changes: an older file is emptied."""

_SIZE_LIMIT = 1 << 30
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One message to keep.

    Attributes:
        kind: what it is (``execution``, ``nodes``, ``data``, ``workflow``, ...).
        owner: the parts of the id of the execution or entity that it belongs to.
        key: which of its owner's messages it is, such as a node's id.
        body: the message in binary.
    """

    kind: str
    owner: tuple[str, ...]
    key: str
    body: bytes


class ResponseCache:
    """Messages by server, kind, owner and key, in one SQLite file that several processes may share.

    Never raises: where the file cannot be used, nothing is kept and everything is asked of the server.

    Args:
        path: the file; its folder is made where it is missing.
        size_limit: bytes; a larger file is emptied when it is opened.
    """

    def __init__(self, path: Path, *, size_limit: int = _SIZE_LIMIT) -> None:
        self._path = path
        self._size_limit = size_limit
        self._connection: sqlite3.Connection | None = None
        self._usable = True

    def __repr__(self) -> str:
        return f"ResponseCache({str(self._path)!r})"

    def __del__(self) -> None:
        self.close()

    def get(self, server: str, kind: str, owner: tuple[str, ...], key: str = "") -> bytes | None:
        """The message that was kept; None where there is none."""

        def read(database: sqlite3.Connection) -> bytes | None:
            row = database.execute(
                "SELECT body FROM response WHERE server = ? AND kind = ? AND owner = ? AND key = ?",
                (server, kind, _joined(owner), key),
            ).fetchone()
            return None if row is None else bytes(row[0])

        return self._use(read, None)

    def get_all(self, server: str, kind: str, owner: tuple[str, ...]) -> dict[str, bytes]:
        """All messages of one kind of an owner, by key."""

        def read(database: sqlite3.Connection) -> dict[str, bytes]:
            rows = database.execute(
                "SELECT key, body FROM response WHERE server = ? AND kind = ? AND owner = ?",
                (server, kind, _joined(owner)),
            )
            return {str(key): bytes(body) for key, body in rows}

        return self._use(read, {})

    def put(self, server: str, entries: Iterable[Entry]) -> None:
        """Keep messages, all of them or none."""
        rows = [(server, one.kind, _joined(one.owner), one.key, one.body) for one in entries]

        def write(database: sqlite3.Connection) -> None:
            with database:
                database.executemany("INSERT OR REPLACE INTO response VALUES (?, ?, ?, ?, ?)", rows)

        if rows:
            self._use(write, None)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _use(self, action: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        for _ in range(2):
            if not self._usable:
                break
            try:
                if self._connection is None:
                    self._connection = self._open()
                return action(self._connection)
            except sqlite3.OperationalError:
                # Locked for long by another process, or a disk that is full or read-only: do without this once.
                return otherwise
            except (sqlite3.DatabaseError, UnicodeDecodeError):
                # SQLite may quote the damaged bytes in its message, which sqlite3 then cannot decode.
                self.close()
                self._replace()
            except OSError:
                self._usable = False
        return otherwise

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The messages tell names and URIs of a company's data: for this user only.
        self._path.touch(mode=0o600)
        database = sqlite3.connect(self._path, timeout=_PATIENCE, check_same_thread=False)
        try:
            # It is a cache: after a power failure it may be damaged, and is then replaced.
            database.execute("PRAGMA synchronous = OFF")
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION) or self._path.stat().st_size > self._size_limit:
                with database:
                    database.execute("DROP TABLE IF EXISTS response")
                database.execute("VACUUM")
            with database:
                database.execute(
                    "CREATE TABLE IF NOT EXISTS response (server TEXT, kind TEXT, owner TEXT, key TEXT, body BLOB,"
                    " PRIMARY KEY (server, kind, owner, key)) WITHOUT ROWID"
                )
                database.execute(f"PRAGMA user_version = {_VERSION}")
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            database.close()
            raise
        return database

    def _replace(self) -> None:
        # Under its own name another process may be using it; moved aside, that one goes on with the old file.
        aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns()}")
        try:
            self._path.replace(aside)
        except FileNotFoundError:
            pass
        except OSError:
            self._usable = False
        for leftover in (aside, self._path.with_name(self._path.name + "-journal")):
            with contextlib.suppress(OSError):
                leftover.unlink()


def _joined(parts: tuple[str, ...]) -> str:
    return "\x1f".join(parts)
