"""Upload sessions: chunks with checksums, assembled and moved into a dataset's head when the session ends.

A session's files lie in ``domino/uploads/<key>``: ``<path hash>/<number>`` is a chunk. ``end`` may be called again
after it was cut short: what was placed is not placed twice.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import sqlite3
from pathlib import Path, PurePosixPath

from flowtui.local.domino.refusals import bad_request, not_found
from flowtui.local.domino.store import DominoStore, new_id

COLLISIONS = ("Ignore", "Overwrite", "Rename")
MAX_CHUNK = 64 * 1024 * 1024
_BLOCK = 1024 * 1024
MAX_NUMBER = 2**31 - 1
"""Of chunks: the documents have 32 bits."""

_MAX_PATH = 1024
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


def safe_path(path: str) -> str:
    """A path relative to a dataset, parts joined by ``/``. Raises a Refusal (400) where it leads out of it."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    # What Domino itself hides in a dataset is not to be written by anybody.
    if (
        not parts
        or path.startswith("/")
        or ".." in parts
        or any("\0" in part or len(_encoded(part)) > 255 for part in parts)
        or len(_encoded(path)) > _MAX_PATH
    ):
        raise bad_request("The path of a file must be relative and stay within the dataset")
    return "/".join(parts)


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


class Uploads:
    """The upload sessions of one store."""

    def __init__(self, store: DominoStore) -> None:
        self._store = store
        self._folder = store.uploads

    def start(self, dataset: str, collision: str | None) -> str:
        """Begin a session; its key."""
        collision = collision or "Ignore"
        if collision not in COLLISIONS:
            raise bad_request(f"fileCollisionSetting must be one of {', '.join(COLLISIONS)}")
        key = secrets.token_urlsafe(24)
        with self._store.database.transaction() as connection:
            connection.execute(
                "INSERT INTO uploads VALUES (?, ?, ?, ?, ?)", (key, new_id(), dataset, collision, self._store.clock())
            )
        (self._folder / key).mkdir(parents=True)
        return key

    def session(self, key: str) -> sqlite3.Row:
        """The row of a session. Raises a Refusal (404)."""
        with self._store.database.transaction(write=False) as connection:
            row: sqlite3.Row | None = connection.execute("SELECT * FROM uploads WHERE key = ?", (key,)).fetchone()
        if row is None or not _KEY.fullmatch(key):
            raise not_found(f"Upload session {key}")
        return row

    def has(self, key: str, identifier: str, number: int, total: int, checksum: str) -> bool:
        """Whether a chunk with this checksum has come.

        An identifier that is only a size and the last name of a path, as python-domino's, does not tell which folder
        the file is of: the chunk is then said not to be there, and sent, rather than a file be left out.
        """
        self.session(key)
        with self._store.database.transaction(write=False) as connection:
            rows = connection.execute(
                "SELECT path FROM chunks WHERE upload = ? AND identifier = ? AND number = ? AND total = ?"
                " AND checksum = ?",
                (key, identifier, number, total, checksum.upper()),
            ).fetchall()
        return any(not identifier.endswith(f"-{row['path'].rpartition('/')[2]}") for row in rows)

    def put(
        self, key: str, path: str, identifier: str, number: int, total: int, checksum: str, body: bytes | memoryview
    ) -> None:
        """Keep a chunk. Raises a Refusal (400) where its checksum is another one."""
        self.session(key)
        path = safe_path(path)
        if not 1 <= number <= total <= MAX_NUMBER:
            raise bad_request(f"Chunk {number} of {total} makes no sense")
        if hashlib.md5(body, usedforsecurity=False).hexdigest().upper() != checksum.upper():
            raise bad_request(f"The checksum of chunk {number} of {path} does not match")
        place = self._chunk(key, path, number)
        place.parent.mkdir(exist_ok=True)
        scratch = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
        scratch.write_bytes(body)
        scratch.replace(place)
        with self._store.database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?)",
                (key, path, number, total, identifier, len(body), checksum.upper()),
            )
            connection.execute("UPDATE uploads SET touched = ? WHERE key = ?", (self._store.clock(), key))

    def end(self, key: str, folder: str | None) -> None:
        """Bring every file of a session into the head. Raises a Refusal (400) where a chunk is missing."""
        with self._store.alone_in(self.session(key)["dataset"]):
            self._end(key, folder)

    def _end(self, key: str, folder: str | None) -> None:
        # Another request may have ended it meanwhile.
        session = self.session(key)
        with self._store.database.transaction(write=False) as connection:
            rows = connection.execute(
                "SELECT path, count(*) AS there, max(total) AS total, min(total) AS least FROM chunks"
                " WHERE upload = ? GROUP BY path ORDER BY path",
                (key,),
            ).fetchall()
        for row in rows:
            if row["there"] != row["total"] or row["least"] != row["total"]:
                raise bad_request(f"{row['path']} has {row['there']} of {row['total']} chunks")
        below = f"{safe_path(folder)}/" if folder and folder.strip("/") else ""
        for row in rows:
            self._place(session, row["path"], below + row["path"], row["total"])
        self._store.drop_upload(key)

    def cancel(self, key: str) -> None:
        """Drop a session with all that has come."""
        with self._store.alone_in(self.session(key)["dataset"]):
            self.session(key)
            self._store.drop_upload(key)

    def _place(self, session: sqlite3.Row, path: str, wanted: str, total: int) -> None:
        key, head = session["key"], self._store.head(session["dataset"])
        first = self._chunk(key, path, 1)
        whole = first.with_name("whole")
        if not whole.exists():
            if not first.exists():
                return  # It was placed before the last end was cut short.
            if total == 1:
                first.rename(whole)
            else:
                self._assemble(key, path, total, whole)
        with self._store.database.transaction() as connection:
            row = connection.execute("SELECT place FROM placed WHERE upload = ? AND path = ?", (key, path)).fetchone()
            place = row["place"] if row else _free_place(head, wanted, session["collision"])
            if not row:
                connection.execute("INSERT INTO placed VALUES (?, ?, ?)", (key, path, place))
        if not place:
            whole.unlink()
            return
        target = head / place
        if target.is_dir():
            raise bad_request(f"{place} is a directory")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise bad_request(f"A part of {place} is a file") from None
        whole.replace(target)

    def _assemble(self, key: str, path: str, total: int, whole: Path) -> None:
        scratch = whole.with_name(".whole")
        with scratch.open("wb") as out:
            for number in range(1, total + 1):
                with self._chunk(key, path, number).open("rb") as chunk:
                    shutil.copyfileobj(chunk, out, _BLOCK)
        scratch.replace(whole)

    def _chunk(self, key: str, path: str, number: int) -> Path:
        digest = hashlib.sha256(path.encode()).hexdigest()[:32]
        return self._folder / key / digest / str(number)


def normalized(names: list[str]) -> list[str]:
    """File names as a dataset takes them."""
    return [re.sub(r"[^\w.()/ +-]", "_", name) for name in names]


def _free_place(head: Path, wanted: str, collision: str) -> str:
    """Where a file goes by the collision setting; empty where it is left out."""
    if collision == "Overwrite" or not os.path.lexists(head / wanted):
        return wanted
    if collision == "Ignore":
        return ""
    path = PurePosixPath(wanted)
    number = 1
    while True:
        place = str(path.with_name(f"{path.stem}_{number}{path.suffix}"))
        if not os.path.lexists(head / place):
            return place
        number += 1
