"""An execution on Flyte of a task that runs ``flowtui export``: a ``domino_job`` task without inputs and outputs.

The task is registered once for each command, under the version that its content has; who runs tasks of that type, a
Domino deployment or the embedded Admin, runs its command.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import ClassVar

from flyteidl.admin import execution_pb2, task_pb2
from flyteidl.core import identifier_pb2, interface_pb2, tasks_pb2
from flyteidl.core.execution_pb2 import WorkflowExecution

from flowtui.admin import AdminClient
from flowtui.admin.failures import ConflictError
from flowtui.domain.execution import ExecutionId
from flowtui.errors import ExportError
from flowtui.exports import records
from flowtui.exports.records import ExportState
from flowtui.exports.roads.base import RemoteState, RemoteWork
from flowtui.plugin.config import DominoJobConfig

TASK_NAME = "flowtui.export"

_STATES: dict[str, ExportState] = {
    "SUCCEEDED": "done",
    "FAILED": "failed",
    "TIMED_OUT": "failed",
    "ABORTED": "cancelled",
    "ABORTING": "running",
}


class FlyteRoad:
    """Starts executions in a project and domain of Flyte.

    Args:
        client: of the server that the runs are on.
    """

    name: ClassVar[records.Road] = "flyte"

    def __init__(self, client: AdminClient, project: str, domain: str) -> None:
        self._client = client
        self._project = project
        self._domain = domain

    async def start(self, work: RemoteWork) -> str:
        template = task_template(work, self._project, self._domain)
        create = task_pb2.TaskCreateRequest(id=template.id, spec=task_pb2.TaskSpec(template=template))
        # The same command may have been registered before.
        with contextlib.suppress(ConflictError):
            await self._client.post(
                "/api/v1/tasks", create, task_pb2.TaskCreateResponse, what=f"task {TASK_NAME} {template.id.version}"
            )
        request = execution_pb2.ExecutionCreateRequest(
            project=self._project,
            domain=self._domain,
            spec=execution_pb2.ExecutionSpec(
                launch_plan=template.id,
                metadata=execution_pb2.ExecutionMetadata(mode=execution_pb2.ExecutionMetadata.MANUAL),
            ),
        )
        return str(await self._client.create_execution(request))

    async def look(self, id_: str) -> RemoteState:
        found = await self._client.get_execution(_id(id_))
        name = _phase(found)
        state = _STATES.get(name, "running")
        error = ""
        if found.closure.WhichOneof("output_result") == "error":
            error = found.closure.error.message
        elif state in ("failed", "cancelled"):
            error = f"Execution {id_} is {name}."
        return RemoteState(state, (), error)

    async def stop(self, id_: str) -> None:
        await self._client.terminate(_id(id_), "the export was cancelled in flowtui")


def task_template(work: RemoteWork, project: str, domain: str) -> tasks_pb2.TaskTemplate:
    """The task that runs a command, as ``flowtui.plugin.task`` writes one."""
    config = DominoJobConfig(
        Command=work.command,
        Title=work.title,
        HardwareTierId=work.hardware_tier or None,
        EnvironmentId=work.environment_id or None,
    )
    template = tasks_pb2.TaskTemplate(
        id=identifier_pb2.Identifier(resource_type=identifier_pb2.TASK, project=project, domain=domain, name=TASK_NAME),
        type="domino_job",
        metadata=tasks_pb2.TaskMetadata(
            runtime=tasks_pb2.RuntimeMetadata(type=tasks_pb2.RuntimeMetadata.FLYTE_SDK, version="1", flavor="python"),
            retries={"retries": 0},
        ),
        interface=interface_pb2.TypedInterface(inputs={}, outputs={}),
    )
    template.custom.update(config.to_json())
    template.id.version = hashlib.sha256(template.SerializeToString(deterministic=True)).hexdigest()[:16]
    return template


def _phase(found: execution_pb2.Execution) -> str:
    names = {number: name for name, number in WorkflowExecution.Phase.items()}
    return str(names.get(found.closure.phase, found.closure.phase))


def _id(text: str) -> ExecutionId:
    parts = text.split("/")
    if len(parts) != 3:
        raise ExportError(f"{text!r} is no execution.", "Start the export anew.")
    return ExecutionId(*parts)
