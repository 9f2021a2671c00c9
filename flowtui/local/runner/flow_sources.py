"""Which file a registered version came from, with a copy of its code: what a re-run needs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from flowtui.errors import NotFoundError, StorageError
from flowtui.local.home import Home
from flowtui.local.runner.flow_file import FlowFile

_TABLE = """
CREATE TABLE IF NOT EXISTS flow_sources (
    project TEXT NOT NULL, domain TEXT NOT NULL, version TEXT NOT NULL,
    path TEXT NOT NULL, root TEXT NOT NULL, module TEXT NOT NULL, files TEXT NOT NULL,
    registered_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (project, domain, version)
) WITHOUT ROWID
"""


def runner_database(home: Home) -> Path:
    """The runner's own tables: cached results and sources."""
    return home.path / "runner.sqlite3"


class FlowSources:
    """The sources of registered versions."""

    def __init__(self, home: Home) -> None:
        self._home = home

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        path = runner_database(self._home)
        try:
            with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
                connection.execute(_TABLE)
                with connection:
                    yield connection
        except sqlite3.Error as error:
            raise StorageError(f"{path} cannot be used: {error}.") from error

    def record(self, project: str, domain: str, version: str, flow: FlowFile, files: Mapping[str, str]) -> None:
        """Keep where a version's code is, and a copy of it.

        Args:
            files: hash of each source file by its path from the flow's root.
        """
        with self._open() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO flow_sources (project, domain, version, path, root, module, files)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (project, domain, version, str(flow.path), str(flow.root), flow.module, json.dumps(dict(files))),
            )
        copy = self._copy(version)
        for name in files:
            target = copy / name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(flow.root / name, target)

    @property
    def copies(self) -> Path:
        """The folder of the copies, one folder for each version."""
        return self._home.path / "sources"

    def _copy(self, version: str) -> Path:
        return self.copies / version

    def folders(self) -> list[Path]:
        """The folders of the flow files that were registered here, and those that their modules are found from.

        Raises:
            StorageError: the runner's database cannot be read.
        """
        if not runner_database(self._home).exists():
            return []
        with self._open() as connection:
            rows = connection.execute("SELECT DISTINCT path, root FROM flow_sources").fetchall()
        return list(dict.fromkeys(folder for path, root in rows for folder in (Path(path).parent, Path(root))))

    def find(self, project: str, domain: str, version: str) -> FlowFile:
        """The flow file of a version: the original where its code is unchanged, else the copy.

        Raises:
            NotFoundError: the version was not registered by this runner, or its code is gone.
        """
        with self._open() as connection:
            row = connection.execute(
                "SELECT path, root, module, files FROM flow_sources WHERE project = ? AND domain = ? AND version = ?",
                (project, domain, version),
            ).fetchone()
        if row is None:
            raise NotFoundError(
                f"Version {version} was not registered by `flowtui run` on this machine, nor with its code by "
                "`pyflyte register`, so its code is not known.",
                "Run the flow's file with `flowtui run FILE WORKFLOW`. pyflyte uploads the code of Python tasks only, "
                "and none with `--copy none`.",
            )
        path, root, module, files = Path(row[0]), Path(row[1]), row[2], json.loads(row[3])
        flow = FlowFile(path, root, module, path.parent)
        if all(_same(root / name, digest) for name, digest in files.items()):
            return flow
        copy = flow.copied(self._copy(version))
        if not copy.path.is_file():
            raise NotFoundError(f"The code of version {version} is gone: {path}.", "Run the flow's file again.")
        return copy

    def knows(self, project: str, domain: str, version: str) -> bool:
        """Whether the code of a version is known."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT 1 FROM flow_sources WHERE project = ? AND domain = ? AND version = ?",
                (project, domain, version),
            ).fetchone()
        return row is not None


def _same(path: Path, digest: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except OSError:
        return False
