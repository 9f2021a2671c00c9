"""What the embedded Domino knows: projects, datasets, snapshots, tags and grants, in SQLite; files lie beside it.

``domino/datasets/<id>/head`` of the home is the read-write snapshot, ``domino/datasets/<id>/<version>`` a snapshot.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flowtui.database import Database
from flowtui.local.domino.refusals import bad_request, not_found
from flowtui.local.domino.users import EDITOR, LOCAL_USER, OWNER, READER, ROLE_OF_PERMISSION, User, has_role, require
from flowtui.text import file_name

_MIGRATIONS = (
    """
    CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT NOT NULL, owner TEXT NOT NULL, owner_name TEXT NOT NULL,
        description TEXT NOT NULL);
    CREATE TABLE datasets (id TEXT PRIMARY KEY, name TEXT NOT NULL, project TEXT NOT NULL, description TEXT NOT NULL,
        author TEXT NOT NULL, created INTEGER NOT NULL, head TEXT NOT NULL);
    CREATE TABLE snapshots (id TEXT PRIMARY KEY, dataset TEXT NOT NULL, version INTEGER NOT NULL, status TEXT NOT NULL,
        author TEXT NOT NULL, created INTEGER NOT NULL);
    CREATE TABLE tags (dataset TEXT NOT NULL, name TEXT NOT NULL, snapshot TEXT NOT NULL, PRIMARY KEY (dataset, name));
    CREATE TABLE grants (dataset TEXT NOT NULL, user TEXT NOT NULL, role TEXT NOT NULL, PRIMARY KEY (dataset, user));
    CREATE TABLE uploads (key TEXT PRIMARY KEY, id TEXT NOT NULL, dataset TEXT NOT NULL, collision TEXT NOT NULL,
        touched INTEGER NOT NULL);
    CREATE TABLE chunks (upload TEXT NOT NULL, path TEXT NOT NULL, number INTEGER NOT NULL, total INTEGER NOT NULL,
        identifier TEXT NOT NULL, size INTEGER NOT NULL, checksum TEXT NOT NULL, PRIMARY KEY (upload, path, number));
    CREATE TABLE placed (upload TEXT NOT NULL, path TEXT NOT NULL, place TEXT NOT NULL, PRIMARY KEY (upload, path));
    CREATE TABLE jobs (id TEXT PRIMARY KEY, number INTEGER NOT NULL, project TEXT NOT NULL, command TEXT NOT NULL,
        title TEXT NOT NULL, author TEXT NOT NULL, status TEXT NOT NULL, submitted INTEGER NOT NULL, started INTEGER,
        completed INTEGER)
    """,
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot, or the head of a dataset with version 0; times are milliseconds since 1970."""

    id: str
    dataset: str
    version: int
    status: str
    author: str
    created: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset; ``role`` is that of the user who asks, None for none."""

    id: str
    name: str
    project: str
    project_name: str
    project_owner: str
    description: str
    author: str
    created: int
    head: str
    role: str | None
    snapshots: tuple[Snapshot, ...]
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class Project:
    """A project."""

    id: str
    name: str
    owner: str
    owner_name: str
    description: str


class DominoStore:
    """The embedded Domino of one home folder; several processes may use it at once.

    Args:
        folder: ``domino`` of the home; made where it is missing, with a project and two datasets to begin with.
        clock: milliseconds since 1970.
    """

    def __init__(self, folder: Path, clock: Callable[[], int]) -> None:
        self.folder = folder
        self.clock = clock
        self.database = Database(folder / "domino.sqlite3", "domino", _MIGRATIONS)
        with self.database.transaction() as connection:
            if connection.execute("SELECT 1 FROM projects").fetchone() is None:
                project = self._add_project(connection, LOCAL_USER, "quick-start", "A project to begin with")
                for name, description in (("quick-start", "The project's own dataset"), ("CDISC01-ADaM", "ADaM data")):
                    self._add_dataset(connection, LOCAL_USER, new_id(), name, project, description)

    def head(self, dataset: str) -> Path:
        """The folder of a dataset's read-write snapshot."""
        # Flows name datasets as they like, and the embedded Domino adopts them.
        return self.folder / "datasets" / file_name(dataset) / "head"

    def snapshot_folder(self, snapshot: Snapshot) -> Path:
        """The folder of a snapshot's files."""
        if snapshot.version == 0:
            return self.head(snapshot.dataset)
        return self.head(snapshot.dataset).with_name(str(snapshot.version))

    @property
    def uploads(self) -> Path:
        """The folder of what upload sessions have got."""
        return self.folder / "uploads"

    @contextlib.contextmanager
    def alone_in(self, dataset: str) -> Iterator[None]:
        """Hold a dataset's head against other requests, also of other processes, that move files there."""
        descriptor = os.open(self.head(dataset).parent, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def drop_upload(self, key: str) -> None:
        """Forget an upload session, with what of it is not in the head."""
        with self.database.transaction() as connection:
            _forget_upload(connection, key)
        shutil.rmtree(self.uploads / key, ignore_errors=True)

    def projects(self) -> list[Project]:
        """All projects by name."""
        with self.database.transaction(write=False) as connection:
            return [_project(row) for row in connection.execute("SELECT * FROM projects ORDER BY name, id")]

    def add_project(self, user: User, name: str, description: str) -> Project:
        """Make a project. Raises a Refusal (400) where the user has one of that name."""
        if not name.strip() or "/" in name:
            raise bad_request("A project needs a name without slashes")
        with self.database.transaction() as connection:
            if connection.execute("SELECT 1 FROM projects WHERE name = ? AND owner = ?", (name, user.id)).fetchone():
                raise bad_request(f"There is a project {name} already")
            id_ = self._add_project(connection, user, name, description)
            return _project(connection.execute("SELECT * FROM projects WHERE id = ?", (id_,)).fetchone())

    def project(self, id_: str) -> Project:
        """One project. Raises a Refusal (404)."""
        with self.database.transaction(write=False) as connection:
            row = connection.execute("SELECT * FROM projects WHERE id = ?", (id_,)).fetchone()
        if row is None:
            raise not_found(f"Project {id_}")
        return _project(row)

    def datasets(self, user: User, *, permission: str = "", projects: Sequence[str] = ()) -> list[Dataset]:
        """The datasets that a user may see, by name.

        Args:
            permission: the least permission that the user has on them; of ``DatasetRwPermissionV1``.
            projects: ids; empty for all.
        """
        wanted = ROLE_OF_PERMISSION.get(permission or "ListDatasetRwV2")
        if wanted is None:
            raise bad_request(f"{permission} is no permission")
        with self.database.transaction(write=False) as connection:
            rows = connection.execute("SELECT id FROM datasets ORDER BY name, id").fetchall()
            found = [self._dataset(connection, row["id"], user) for row in rows]
        return [one for one in found if has_role(one.role, wanted) and (not projects or one.project in projects)]

    def dataset(self, id_: str, user: User, role: str = READER) -> Dataset:
        """One dataset. Raises a Refusal (404, 403 where the user has less than ``role``)."""
        with self.database.transaction(write=False) as connection:
            found = self._dataset(connection, id_, user)
        require(found.role, role)
        return found

    def add_dataset(self, user: User, name: str, project: str, description: str) -> Dataset:
        """Make a dataset. Raises a Refusal where there is no such project, or a dataset of that name in it."""
        self.project(project)
        with self.database.transaction() as connection:
            _check_name(connection, name, project)
            id_ = self._add_dataset(connection, user, new_id(), name, project, description)
            return self._dataset(connection, id_, user)

    def adopt(self, id_: str, user: User) -> None:
        """Make a dataset of a given id where there is none: flows name ids of a Domino that is not this one."""
        with self.database.transaction() as connection:
            if connection.execute("SELECT 1 FROM datasets WHERE id = ?", (id_,)).fetchone() is None:
                project = connection.execute("SELECT id FROM projects ORDER BY rowid").fetchone()["id"]
                self._add_dataset(connection, user, id_, id_, project, "Named by a flow")

    def change(self, id_: str, user: User, *, name: str | None, description: str | None) -> Dataset:
        """Rename or describe a dataset."""
        found = self.dataset(id_, user, OWNER)
        with self.database.transaction() as connection:
            if name is not None and name != found.name:
                _check_name(connection, name, found.project)
            connection.execute(
                "UPDATE datasets SET name = coalesce(?, name), description = coalesce(?, description) WHERE id = ?",
                (name, description, id_),
            )
            return self._dataset(connection, id_, user)

    def remove(self, id_: str, user: User) -> Dataset:
        """Delete a dataset with all of its files."""
        found = self.dataset(id_, user, OWNER)
        with self.database.transaction() as connection:
            keys = [row["key"] for row in connection.execute("SELECT key FROM uploads WHERE dataset = ?", (id_,))]
            for key in keys:
                _forget_upload(connection, key)
            for table in ("snapshots", "tags", "grants"):
                connection.execute(f"DELETE FROM {table} WHERE dataset = ?", (id_,))  # noqa: S608
            connection.execute("DELETE FROM datasets WHERE id = ?", (id_,))
        for folder in (self.head(id_).parent, *(self.uploads / key for key in keys)):
            shutil.rmtree(folder, ignore_errors=True)
        return found

    def grants(self, id_: str) -> dict[str, str]:
        """User id to role."""
        with self.database.transaction(write=False) as connection:
            rows = connection.execute("SELECT user, role FROM grants WHERE dataset = ? ORDER BY user", (id_,))
            return {row["user"]: row["role"] for row in rows}

    def grant(self, id_: str, user: str, role: str | None) -> None:
        """Give a user a role on a dataset, or take it away. Raises a Refusal (400) where it is no role."""
        if role is not None and role not in (READER, EDITOR, OWNER):
            raise bad_request(f"{role} is no role")
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM grants WHERE dataset = ? AND user = ?", (id_, user))
            if role:
                connection.execute("INSERT INTO grants VALUES (?, ?, ?)", (id_, user, role))

    def snapshot(self, id_: str, user: User) -> Snapshot:
        """One snapshot, or the head of a dataset by the id of its read-write snapshot."""
        with self.database.transaction(write=False) as connection:
            row = connection.execute("SELECT * FROM snapshots WHERE id = ?", (id_,)).fetchone()
            head = connection.execute("SELECT id FROM datasets WHERE head = ?", (id_,)).fetchone()
        if row is None and head is None:
            raise not_found(f"Snapshot {id_}")
        dataset = self.dataset(head["id"] if row is None else row["dataset"], user)
        if row is None:
            return Snapshot(id_, dataset.id, 0, "Active", dataset.author, dataset.created)
        return _snapshot(row)

    def add_snapshot(self, id_: str, user: User) -> Snapshot:
        """Copy the head of a dataset as it is now; :meth:`finish_snapshot` makes a snapshot of the copy."""
        self.dataset(id_, user, EDITOR)
        found = Snapshot(new_id(), id_, 0, "Pending", user.id, self.clock())
        with self.alone_in(id_):
            # Files of a head are replaced and never written to, so a link is a copy.
            shutil.copytree(self.head(id_), self._copy_of(found), copy_function=_link)
            with self.database.transaction() as connection:
                row = connection.execute(
                    "SELECT max(version) AS last FROM snapshots WHERE dataset = ?", (id_,)
                ).fetchone()
                found = replace(found, version=(row["last"] or 0) + 1)
                connection.execute(
                    "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?)",
                    (found.id, id_, found.version, found.status, found.author, found.created),
                )
        return found

    def finish_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Give the copy of a pending snapshot its name, also where that was cut short; the snapshot as it is then."""
        with self.alone_in(snapshot.dataset):
            folder = self.snapshot_folder(snapshot)
            if not folder.exists():
                with contextlib.suppress(FileNotFoundError):
                    self._copy_of(snapshot).rename(folder)
            found = replace(snapshot, status="Active" if folder.exists() else "Failed")
            with self.database.transaction() as connection:
                connection.execute("UPDATE snapshots SET status = ? WHERE id = ?", (found.status, found.id))
        return found

    def _copy_of(self, snapshot: Snapshot) -> Path:
        return self.head(snapshot.dataset).with_name(f".{snapshot.id}")

    def tag(self, id_: str, name: str, snapshot: str | None, user: User) -> Dataset:
        """Let a tag name a snapshot of the dataset, or take it away."""
        found = self.dataset(id_, user, EDITOR)
        if snapshot is not None and snapshot not in {one.id for one in found.snapshots}:
            raise not_found(f"Snapshot {snapshot} of dataset {id_}")
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM tags WHERE dataset = ? AND name = ?", (id_, name))
            if snapshot is not None:
                connection.execute("INSERT INTO tags VALUES (?, ?, ?)", (id_, name, snapshot))
            return self._dataset(connection, id_, user)

    @staticmethod
    def _add_project(connection: sqlite3.Connection, user: User, name: str, description: str) -> str:
        id_ = new_id()
        connection.execute("INSERT INTO projects VALUES (?, ?, ?, ?, ?)", (id_, name, user.id, user.name, description))
        return id_

    def _add_dataset(
        self, connection: sqlite3.Connection, user: User, id_: str, name: str, project: str, description: str
    ) -> str:
        connection.execute(
            "INSERT INTO datasets VALUES (?, ?, ?, ?, ?, ?, ?)",
            (id_, name, project, description, user.id, self.clock(), new_id()),
        )
        connection.execute("INSERT INTO grants VALUES (?, ?, ?)", (id_, user.id, OWNER))
        self.head(id_).mkdir(parents=True, exist_ok=True)
        return id_

    def _dataset(self, connection: sqlite3.Connection, id_: str, user: User) -> Dataset:
        row = connection.execute(
            "SELECT datasets.*, projects.name AS project_name, projects.owner_name, projects.owner FROM datasets"
            " JOIN projects ON projects.id = datasets.project WHERE datasets.id = ?",
            (id_,),
        ).fetchone()
        if row is None:
            raise not_found(f"Dataset {id_}")
        grant = connection.execute("SELECT role FROM grants WHERE dataset = ? AND user = ?", (id_, user.id)).fetchone()
        role = OWNER if row["owner"] == user.id else grant["role"] if grant else None
        snapshots = connection.execute("SELECT * FROM snapshots WHERE dataset = ? ORDER BY version", (id_,))
        tags = connection.execute("SELECT name, snapshot FROM tags WHERE dataset = ? ORDER BY name", (id_,))
        return Dataset(
            id=row["id"],
            name=row["name"],
            project=row["project"],
            project_name=row["project_name"],
            project_owner=row["owner_name"],
            description=row["description"],
            author=row["author"],
            created=row["created"],
            head=row["head"],
            role=role,
            snapshots=tuple(map(_snapshot, snapshots)),
            tags={tag["name"]: tag["snapshot"] for tag in tags},
        )


def _check_name(connection: sqlite3.Connection, name: str, project: str) -> None:
    """Raises a Refusal (400) where a dataset of a project may not be called so."""
    if not name.strip() or "/" in name or "\0" in name:
        raise bad_request("A dataset needs a name without slashes")
    if connection.execute("SELECT 1 FROM datasets WHERE name = ? AND project = ?", (name, project)).fetchone():
        raise bad_request(f"There is a dataset {name} in this project already")


def _forget_upload(connection: sqlite3.Connection, key: str) -> None:
    for table, column in (("uploads", "key"), ("chunks", "upload"), ("placed", "upload")):
        connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (key,))  # noqa: S608


def new_id() -> str:
    """An id as Domino's are: 24 hex digits."""
    return secrets.token_hex(12)


def _project(row: sqlite3.Row) -> Project:
    return Project(row["id"], row["name"], row["owner"], row["owner_name"], row["description"])


def _snapshot(row: sqlite3.Row) -> Snapshot:
    return Snapshot(row["id"], row["dataset"], row["version"], row["status"], row["author"], row["created"])


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
