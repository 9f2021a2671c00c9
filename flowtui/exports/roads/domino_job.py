"""A job of Domino that runs ``flowtui export``: it has the project's data and network, and Domino's login."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from flowtui.errors import ConfigError, ExportError, NotFoundError
from flowtui.exports import records
from flowtui.exports.domino.client import DominoClient
from flowtui.exports.domino.jobs import JobRequest, job, job_log, start_job
from flowtui.exports.domino.projects import projects
from flowtui.exports.records import ExportState
from flowtui.exports.roads.base import RemoteState, RemoteWork
from flowtui.text import plain

_STATES: dict[str, ExportState] = {"Succeeded": "done", "Failed": "failed", "Error": "failed", "Stopped": "cancelled"}


class DominoJobRoad:
    """Starts jobs in a project of Domino.

    Args:
        client: gives the client of the session; raises ConfigError where no Domino is configured.
    """

    name: ClassVar[records.Road] = "domino-job"

    def __init__(self, client: Callable[[], DominoClient]) -> None:
        self._client = client

    async def start(self, work: RemoteWork) -> str:
        client = self._client()
        request = JobRequest(
            await self._project(work.project or client.project),
            work.command,
            work.title,
            hardware_tier=work.hardware_tier,
            environment_id=work.environment_id,
        )
        return (await start_job(client, request)).id

    async def look(self, id_: str) -> RemoteState:
        client = self._client()
        found = await job(client, id_)
        log = await job_log(client, id_)
        if not found.completed:
            return RemoteState("running", log.lines)
        state = _STATES.get(found.state, "failed")
        last = next((line for line in reversed(log.lines) if line.strip()), "")
        error = f"Job {found.number or id_} is {found.state}. {log.problem or last}".strip() if state != "done" else ""
        return RemoteState(state, log.lines, error)

    async def stop(self, id_: str) -> None:
        raise ExportError(
            f"Domino's public API stops no job, so export job {id_} goes on.", "Stop it on Domino's page of jobs."
        )

    async def _project(self, wanted: str) -> str:
        """The id of the project that is named, or of the only one there is."""
        found = await projects(self._client())
        named = [one for one in found if wanted in (one.id, one.name, f"{one.owner}/{one.name}")]
        if not wanted and len(found) == 1:
            return found[0].id
        if not wanted:
            raise ConfigError(
                "A job needs a Domino project.", "Name it with --job-project, FLOWTUI_DOMINO_PROJECT or domino.project."
            )
        if len(named) != 1:
            raise NotFoundError(
                f"{'No' if not named else 'More than one'} Domino project is called {plain(wanted)!r}.",
                "Write it as OWNER/NAME: " + ", ".join(plain(f"{one.owner}/{one.name}") for one in found[:8]),
            )
        return named[0].id
