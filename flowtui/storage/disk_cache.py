"""Blocks of remote objects on disk, so that a file seen in an earlier session is not fetched again.

The file is a cache: it may be deleted at any time, several processes may use it, and a damaged one is replaced. URIs
are kept as hashes, since some hold a signature.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_VERSION = 1
"""Raised when the meaning of a row changes: an older file is emptied."""

_PATIENCE = 2.0
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS object (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, etag TEXT NOT NULL,"
    " size INTEGER NOT NULL, bytes INTEGER NOT NULL, used REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS block (id INTEGER PRIMARY KEY, object INTEGER NOT NULL, position INTEGER NOT NULL,"
    " crc INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (object, position))",
)


class DiskCache:
    """Blocks by URI, version and index in one SQLite file, bounded: objects looked at longest ago leave first.

    Blocking, for a thread. Never raises: where the file cannot be used, nothing is kept.

    Args:
        path: the file; its folder is made where it is missing.
        place: the server whose objects these are; the same URI may name another object elsewhere.
        max_bytes: of all blocks together.
    """

    def __init__(self, path: Path, place: str, max_bytes: int) -> None:
        self._path = path
        self._place = place
        self._max_bytes = max_bytes
        self._connection: sqlite3.Connection | None = None
        self._usable = max_bytes > 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"DiskCache({str(self._path)!r})"

    def has(self, uri: str, index: int) -> bool:
        """Whether a block of some version of the object is kept."""

        def look(database: sqlite3.Connection) -> bool:
            query = "SELECT 1 FROM object JOIN block ON object.id = block.object WHERE name = ? AND position = ?"
            return database.execute(query, (self._name(uri), index)).fetchone() is not None

        return self._use(look, False)

    def blocks(self, uri: str, size: int, etag: str, first: int, last: int) -> dict[int, bytes]:
        """The kept blocks ``first`` to ``last`` of this very version, by index."""

        def read(database: sqlite3.Connection) -> dict[int, bytes]:
            row = database.execute(
                "SELECT id, used FROM object WHERE name = ? AND etag = ? AND size = ?", (self._name(uri), etag, size)
            ).fetchone()
            if row is None:
                return {}
            found = database.execute(
                "SELECT position, crc, body FROM block WHERE object = ? AND position BETWEEN ? AND ?",
                (row[0], first, last),
            ).fetchall()
            now = time.time()
            if now - row[1] > 60:
                with database:
                    database.execute("UPDATE object SET used = ? WHERE id = ?", (now, row[0]))
            return {int(index): bytes(body) for index, crc, body in found if zlib.crc32(body) == crc}

        return self._use(read, {})

    def put(self, uri: str, size: int, etag: str, blocks: Mapping[int, bytes]) -> None:
        """Keep blocks of a version; those of another version are dropped, all of it or nothing."""
        if not blocks or not is_lasting(etag):
            return

        def write(database: sqlite3.Connection) -> None:
            name = self._name(uri)
            database.execute("BEGIN IMMEDIATE")
            with database:
                row = database.execute("SELECT id, etag, size FROM object WHERE name = ?", (name,)).fetchone()
                if row is not None and (row[1], row[2]) != (etag, size):
                    _drop(database, row[0])
                    row = None
                if row is None:
                    query = "INSERT INTO object (name, etag, size, bytes, used) VALUES (?, ?, ?, 0, 0)"
                    row = (database.execute(query, (name, etag, size)).lastrowid,)
                database.executemany(
                    "INSERT OR REPLACE INTO block (object, position, crc, body) VALUES (?, ?, ?, ?)",
                    [(row[0], index, zlib.crc32(body), body) for index, body in blocks.items()],
                )
                database.execute(
                    "UPDATE object SET used = ?, bytes ="
                    " (SELECT total(length(body)) FROM block WHERE object = object.id) WHERE id = ?",
                    (time.time(), row[0]),
                )
                self._shrink(database)

        self._use(write, None)

    def parts(self, uri: str, size: int, etag: str, ranges: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """Those of the exact ranges, by start and length, that were kept of this very version."""
        found = {}
        for start, length in ranges:
            at = _position(start)
            data = self.blocks(uri, size, etag, at, at).get(at)
            if data is not None and len(data) == length:
                found[start, length] = data
        return found

    def put_parts(self, uri: str, size: int, etag: str, parts: Mapping[int, bytes]) -> None:
        """Keep exact ranges by their starts, as :meth:`put` does blocks; one for each start."""
        self.put(uri, size, etag, {_position(start): data for start, data in parts.items()})

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _name(self, uri: str) -> str:
        return hashlib.sha256(f"{self._place}\n{uri}".encode(errors="surrogatepass")).hexdigest()

    def _shrink(self, database: sqlite3.Connection) -> None:
        (total,) = database.execute("SELECT total(bytes) FROM object").fetchone()
        if total <= self._max_bytes:
            return
        for identity, size in database.execute("SELECT id, bytes FROM object ORDER BY used").fetchall():
            _drop(database, identity)
            total -= size
            # Some room at once, so that not every block has to make its own.
            if total <= self._max_bytes * 0.9:
                break

    def _use(self, action: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        with self._lock:
            for _ in range(2):
                if not self._usable:
                    break
                try:
                    if self._connection is None:
                        self._connection = self._open()
                    return action(self._connection)
                except sqlite3.OperationalError:
                    # Locked for long by another process, or a disk that is full or read-only: do without this once.
                    self._close()
                    return otherwise
                except (sqlite3.DatabaseError, UnicodeDecodeError):
                    # SQLite may quote the damaged bytes in its message, which sqlite3 then cannot decode.
                    self._close()
                    self._replace()
                except OSError:
                    self._usable = False
            return otherwise

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # What files hold is for this user only; the files that SQLite puts beside it get the same mode.
        self._path.touch(mode=0o600)
        self._path.chmod(0o600)
        database = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("BEGIN IMMEDIATE")
            with database:
                (version,) = database.execute("PRAGMA user_version").fetchone()
                if version not in (0, _VERSION):
                    for table in ("object", "block"):
                        database.execute(f"DROP TABLE IF EXISTS {table}")
                for statement in _SCHEMA:
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {_VERSION}")
                self._shrink(database)
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
        beside = [self._path.with_name(self._path.name + end) for end in ("-wal", "-shm")]
        for leftover in (aside, *beside):
            with contextlib.suppress(OSError):
                leftover.unlink()


def _position(start: int) -> int:
    """Where an exact range is kept: below zero, where no block is."""
    return -1 - start


def is_lasting(etag: str) -> bool:
    """Whether a mark tells versions apart byte by byte: a weak one does not (RFC 9110 section 8.8.1)."""
    return bool(etag) and not etag.startswith("W/")


def _drop(database: sqlite3.Connection, identity: int) -> None:
    database.execute("DELETE FROM block WHERE object = ?", (identity,))
    database.execute("DELETE FROM object WHERE id = ?", (identity,))
