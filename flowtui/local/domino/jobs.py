"""Domino jobs that run on this machine: ``flowtui`` commands only, each a process of its own without a shell."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flowtui.local.domino.refusals import bad_request, not_found
from flowtui.local.domino.shapes import instant
from flowtui.local.domino.store import DominoStore, Project, new_id
from flowtui.local.domino.users import User
from flowtui.text import plain

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "SSL_CERT_FILE")
_MOST_LOG = 1024 * 1024
_MOST_LINES = 10_000


class Jobs:
    """The jobs of one store.

    Args:
        home: of the embedded Admin, which the commands of jobs read and write.
        url: where this Domino answers; empty where it does in its own process only.
    """

    def __init__(self, store: DominoStore, home: Path, url: str) -> None:
        self._store = store
        self._home = home
        self._url = url
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, project: Project, command: str, title: str, user: User) -> str:
        """Queue a job and start it; its id."""
        if not command.strip():
            raise bad_request("runCommand is empty")
        id_ = new_id()
        with self._store.database.transaction() as connection:
            row = connection.execute("SELECT max(number) AS last FROM jobs").fetchone()
            connection.execute(
                "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, 'Queued', ?, NULL, NULL)",
                (id_, (row["last"] or 0) + 1, project.id, command, title, user.id, self._store.clock()),
            )
        self._log(id_).parent.mkdir(parents=True, exist_ok=True)
        arguments = flowtui_arguments(command)
        if arguments is None:
            self._log(id_).write_text(
                f"This Domino runs on one machine and runs flowtui commands only, not {plain(command)!r}.\n"
            )
            self._set(id_, "Failed", completed=True)
            return id_
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment |= self._variables(id_, project, user)
        with self._log(id_).open("wb") as log, self._lock(id_).open("wb") as lock:
            # The job has the lock as long as it lives, also where this server dies.
            fcntl.flock(lock, fcntl.LOCK_EX)
            process = subprocess.Popen(
                [sys.executable, "-m", "flowtui", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
                pass_fds=[lock.fileno()],
            )
        self._processes[id_] = process
        self._set(id_, "Running", started=True)
        threading.Thread(target=self._follow, args=(id_, process), daemon=True).start()
        return id_

    def stop(self, id_: str) -> None:
        """End a job."""
        process = self._processes.get(id_)
        if process is not None and process.poll() is None:
            self._set(id_, "Stopped", completed=True)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)

    def close(self) -> None:
        """End all jobs of this process."""
        for id_ in list(self._processes):
            self.stop(id_)

    def details(self, id_: str) -> dict[str, Any]:
        """``JobDetailsV1``. Raises a Refusal (404)."""
        self._bury(id_)
        with self._store.database.transaction(write=False) as connection:
            row = connection.execute("SELECT * FROM jobs WHERE id = ?", (id_,)).fetchone()
        if row is None:
            raise not_found(f"Job {id_}")
        return _details(dict(row))

    def list(self, project: str) -> list[dict[str, Any]]:
        """``JobV1`` for the jobs of a project, newest first."""
        with self._store.database.transaction(write=False) as connection:
            running = connection.execute("SELECT id FROM jobs WHERE status = 'Running'").fetchall()
        for row in running:
            self._bury(row["id"])
        with self._store.database.transaction(write=False) as connection:
            rows = connection.execute(
                "SELECT * FROM jobs WHERE project = ? ORDER BY number DESC", (project,)
            ).fetchall()
        found = [_details(dict(row)) for row in rows]
        for one in found:
            for name in ("commentsCount", "goalIds", "tags"):
                one.pop(name)
        return found

    def logs(self, id_: str, limit: int) -> dict[str, Any]:
        """``JobLogsV1``: the last lines of a job's output."""
        details = self.details(id_)
        try:
            data = self._log(id_).read_bytes()[-_MOST_LOG:]
        except FileNotFoundError:
            data = b""
        when = details["stageTimes"].get("startTime", details["stageTimes"]["submissionTime"])
        lines = [plain(line) for line in data.decode(errors="replace").splitlines()][-min(limit, _MOST_LINES) :]
        return {
            "isComplete": details["status"]["isCompleted"],
            "logContent": [{"log": line, "logType": "stdOut", "size": len(line), "timestamp": when} for line in lines],
        }

    def _bury(self, id_: str) -> None:
        """A job of another server that runs no more, and nobody knows how it ended, has failed."""
        if id_ in self._processes or not self._lock(id_).exists():
            return
        with self._lock(id_).open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            with self._store.database.transaction() as connection:
                left = connection.execute(
                    "UPDATE jobs SET status = 'Failed', completed = ? WHERE id = ? AND status = 'Running'",
                    (self._store.clock(), id_),
                ).rowcount
            if left:
                with self._log(id_).open("a") as log:
                    log.write("The server of this job was stopped, so how it ended is not known.\n")

    def _follow(self, id_: str, process: subprocess.Popen[bytes]) -> None:
        status = process.wait()
        if self.details(id_)["status"]["executionStatus"] == "Running":
            self._set(id_, "Failed" if status else "Succeeded", completed=True)

    def _variables(self, id_: str, project: Project, user: User) -> dict[str, str]:
        variables = {
            "FLOWTUI_HOME": str(self._home),
            "DOMINO_RUN_ID": id_,
            "DOMINO_PROJECT_ID": project.id,
            "DOMINO_PROJECT_NAME": project.name,
            "DOMINO_PROJECT_OWNER": project.owner_name,
            "DOMINO_STARTING_USERNAME": user.name,
        }
        if self._url:
            variables |= {"DOMINO_API_HOST": self._url, "DOMINO_USER_HOST": self._url}
            # A job of Domino has its starter's login.
            if user.api_key:
                variables["DOMINO_USER_API_KEY"] = user.api_key
        return variables

    def _set(self, id_: str, status: str, *, started: bool = False, completed: bool = False) -> None:
        now = self._store.clock()
        with self._store.database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET status = ?, started = coalesce(started, ?), completed = ? WHERE id = ?",
                (status, now if started else None, now if completed else None, id_),
            )

    def _lock(self, id_: str) -> Path:
        return self._store.folder / "jobs" / f"{id_}.lock"

    def _log(self, id_: str) -> Path:
        return self._store.folder / "jobs" / f"{id_}.log"


def flowtui_arguments(command: str) -> list[str] | None:
    """The arguments of a command of flowtui; None for any other command."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if words[:1] == ["flowtui"]:
        return words[1:]
    if words[:3] in (["python", "-m", "flowtui"], ["python3", "-m", "flowtui"]):
        return words[3:]
    return None


def _details(row: Mapping[str, Any]) -> dict[str, Any]:
    times = {"submissionTime": instant(row["submitted"])}
    if row["started"] is not None:
        times["startTime"] = instant(row["started"])
    if row["completed"] is not None:
        times["completedTime"] = instant(row["completed"])
    return {
        "id": row["id"],
        "number": row["number"],
        "title": row["title"],
        "runCommand": row["command"],
        "startedById": row["author"],
        "status": {
            "executionStatus": row["status"],
            "isCompleted": row["completed"] is not None,
            "isArchived": False,
            "isScheduled": False,
        },
        "stageTimes": times,
        "commitDetails": {"inputCommitId": "0" * 40},
        "commentsCount": 0,
        "datasetMounts": [],
        "dominoStats": [],
        "externalVolumeMounts": [],
        "netAppVolumeMounts": [],
        "gitRepos": [],
        "goalIds": [],
        "projects": [],
        "tags": [],
    }
