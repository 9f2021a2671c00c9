"""Jobs of Domino. Its public API (6.3) starts and looks at them, and stops none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flowtui.errors import ServerError
from flowtui.exports.domino.client import DominoClient, Params, segment
from flowtui.exports.domino.fields import flag, inner, items, moment, number, text
from flowtui.text import plain

_JOBS = "/api/jobs/beta/jobs"
_LOG_LINES = 10_000
_LOG_PAGES = 50
_LONGEST_LINE = 10_000


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A job to start; what is empty is the project's default.

    Attributes:
        command: what it runs (``runCommand``).
        hardware_tier: its id.
        environment_revision: ``ActiveRevision``, ``LatestRevision`` or ``SomeRevision(ID)``.
        git_ref: ``head``, or ``branches``, ``tags`` or ``commitId`` with ``git_value``.
    """

    project_id: str
    command: str
    title: str = ""
    hardware_tier: str = ""
    environment_id: str = ""
    environment_revision: str = ""
    commit_id: str = ""
    git_ref: str = ""
    git_value: str = ""
    external_volumes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """``NewJobV1``."""
        body: dict[str, Any] = {
            "projectId": self.project_id,
            "runCommand": self.command,
            "title": self.title,
            "hardwareTier": self.hardware_tier,
            "environmentId": self.environment_id,
            "environmentRevisionSpec": self.environment_revision,
            "commitId": self.commit_id,
            "externalVolumeMountIds": list(self.external_volumes),
        }
        body = {key: value for key, value in body.items() if value}
        if self.git_ref:
            body["mainRepoGitRef"] = {"refType": self.git_ref, **({"value": self.git_value} if self.git_value else {})}
        return body


@dataclass(frozen=True, slots=True)
class Job:
    """A job.

    Attributes:
        state: as Domino names it (``Queued``, ``Running``, ``Succeeded``, ``Failed``).
        completed: it has come to its end, whichever.
        number: in its project; None where Domino does not tell.
        url: a page that shows it; empty, since Domino's documents name none.
    """

    id: str
    state: str
    number: int | None = None
    title: str = ""
    completed: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class JobLog:
    """What a job has written.

    Attributes:
        lines: without control codes.
        complete: nothing more will come.
        problem: what Domino says went wrong, else empty.
        latest: what :func:`job_log` takes to go on behind these lines.
    """

    lines: tuple[str, ...]
    complete: bool
    problem: str = ""
    latest: str = ""


async def start_job(client: DominoClient, request: JobRequest) -> Job:
    """Start a job, once.

    Raises:
        UnreachableError: no answer came; :func:`jobs` tells whether it was started all the same.
        NotFoundError, AuthError, ServerError: as ``DominoClient.call``.
    """
    answer = await client.call("POST", "/api/jobs/v1/jobs", request.to_json(), what="a new job")
    return _job(inner(answer, "job"))


async def job(client: DominoClient, id_: str) -> Job:
    """One job. Raises as ``DominoClient.get``."""
    return _job(inner(await client.get(f"{_JOBS}/{segment(id_)}", what=f"job {id_}"), "job"))


async def jobs(client: DominoClient, project_id: str, *, limit: int = 25) -> tuple[Job, ...]:
    """The newest jobs of a project. Raises as ``DominoClient.get``."""
    params: Params = [("projectId", project_id), ("limit", limit), ("sortBy", "number"), ("ascending", "false")]
    answer = await client.get(_JOBS, params, what="the jobs of the project")
    return tuple(_job(one) for one in items(answer, "jobs") if text(one, "id"))


async def job_log(client: DominoClient, id_: str, *, since: str = "") -> JobLog:
    """What a job has written, behind ``since`` where that is given. Raises as ``DominoClient.get``."""
    lines: list[str] = []
    latest, complete, problem = since, False, ""
    for _ in range(_LOG_PAGES):
        params: list[tuple[str, str | int]] = [("logType", "complete"), ("limit", _LOG_LINES)]
        params += [("latestTimeNano", latest)] if latest else []
        answer = await client.get(f"{_JOBS}/{segment(id_)}/logs", params, what=f"the log of job {id_}")
        log = inner(answer, "logs")
        page = [text(one, "log", _LONGEST_LINE) for one in items(log, "logContent")]
        lines += page
        complete, problem = flag(log, "isComplete"), text(log, "problem") or problem
        after = text(inner(inner(answer, "metadata"), "pagination"), "latestTimeNano", 30)
        if not after or after == latest or len(page) < _LOG_LINES:
            latest = after or latest
            break
        latest = after
    return JobLog(tuple(lines), complete, problem, latest)


def _job(found: Any) -> Job:
    id_ = text(found, "id")
    if not id_:
        raise ServerError(f"Domino does not tell the id of a job: {plain(str(found)[:100])}.")
    status, times = inner(found, "status"), inner(found, "stageTimes")
    return Job(
        id_,
        text(status, "executionStatus"),
        number(found, "number"),
        text(found, "title"),
        flag(status, "isCompleted"),
        moment(times, "startTime"),
        moment(times, "completedTime"),
    )
