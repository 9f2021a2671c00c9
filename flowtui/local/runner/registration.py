"""A flow's file to registered entities: read in a worker process, registered through Flyte Admin's API."""

from __future__ import annotations

import base64
import contextlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flyteidl.admin import launch_plan_pb2, project_pb2, task_pb2, workflow_pb2
from flyteidl.core import identifier_pb2, literals_pb2

from flowtui.admin.client import AdminClient
from flowtui.admin.failures import BadRequestError, ConflictError
from flowtui.admin.wire import path
from flowtui.errors import ArtifactError, FlowError, NotFoundError, UsageError
from flowtui.local.home import Home
from flowtui.local.runner.flow_file import FlowFile
from flowtui.local.runner.flow_inputs import FlowInput
from flowtui.local.runner.flow_sources import FlowSources
from flowtui.local.runner.workers import Workers


@dataclass(frozen=True)
class Flow:
    """What a flow's file holds, as the worker process has read it.

    Attributes:
        name: of the workflow, launch plan or task.
        kind: ``workflow``, ``launch_plan`` or ``task``.
        version: changes with the code.
        specs: entities, each after those that it needs, as (kind, bytes).
        needed: how many of them, from the first, belong to the workflow itself.
        files: hash of each source file.
        literals: the inputs that were given.
        skipped: other flows of the file that could not be compiled, and why.
        said: warnings about the artifacts of this one.
    """

    file: FlowFile
    name: str
    kind: str
    summary: str
    inputs: tuple[FlowInput, ...]
    version: str
    specs: tuple[tuple[str, bytes], ...]
    needed: int
    files: Mapping[str, str]
    literals: literals_pb2.LiteralMap
    skipped: tuple[str, ...]
    said: tuple[str, ...]


async def read_flow(
    workers: Workers,
    home: Home,
    file: FlowFile,
    workflow: str,
    *,
    project: str,
    domain: str,
    values: Mapping[str, str | None] | None = None,
    uploads: Path | None = None,
) -> Flow:
    """Load a flow's file in a process of its own.

    Args:
        values: texts of inputs as on a command line, None for one without a value; files are copied below ``uploads``.

    Raises:
        UsageError: there is no such workflow in the file, or an input cannot be what its text says.
        ArtifactError: an artifact is declared wrongly.
        FlowError: the file fails.
    """
    home.ensure()
    with tempfile.TemporaryDirectory(prefix="flowtui-") as folder:
        answer_file, log = Path(folder) / "answer.json", Path(folder) / "output.log"
        request: dict[str, Any] = {
            "path": str(file.path),
            "root": str(file.root),
            "module": file.module,
            "folder": str(file.folder),
            "workflow": workflow,
            "project": project,
            "domain": domain,
            "answer": str(answer_file),
            "values": None if values is None else dict(values),
            "uploads": str(uploads or home.blobs / "data" / project / domain / "uploads"),
        }
        status = await workers.run(
            "flowtui.local.runner.worker:read_flow", request, log=log, env={"TMPDIR": folder}, cwd=_here()
        )
        if not answer_file.exists():
            printed = log.read_text("utf-8", "replace").strip()[-2000:] if log.exists() else ""
            raise FlowError(f"The process that reads {file.path.name} ended with {status}.\n{printed}".rstrip())
        answer: dict[str, Any] = json.loads(answer_file.read_text("utf-8"))
    return _flow(file, workflow, answer)


def _here() -> Path | None:
    """The folder of the person: paths of files that are given as inputs count from it."""
    try:
        return Path.cwd()
    except OSError:
        return None


def _flow(file: FlowFile, workflow: str, answer: Mapping[str, Any]) -> Flow:
    if "error" in answer:
        if answer["artifact_error"]:
            raise ArtifactError(answer["error"].partition(": ")[2])
        raise FlowError(f"{file.path.name} cannot be loaded: {answer['error']}", answer["traceback"])
    if not answer.get("kind"):
        names = ", ".join(answer["workflows"])
        hint = f"It has: {names}." if names else "It has no workflow: a function with @workflow is one."
        raise UsageError(
            f"{file.path.name} has no workflow {workflow}." if workflow else f"Which workflow of {file.path.name}?",
            hint,
        )
    if answer.get("input_error"):
        raise UsageError(answer["input_error"], answer["input_hint"])
    inputs = tuple(FlowInput(**item) for item in answer["inputs"])
    return Flow(
        file=file,
        name=answer["name"],
        kind=answer["kind"],
        summary=answer["doc"],
        inputs=inputs,
        version=answer["version"],
        specs=tuple((item["kind"], base64.b64decode(item["spec"])) for item in answer["specs"]),
        needed=answer["needed"],
        files=answer["sources"],
        literals=literals_pb2.LiteralMap.FromString(base64.b64decode(answer.get("literals", ""))),
        skipped=tuple(answer["skipped"]),
        said=tuple(answer["said"]),
    )


async def ensure_project(client: AdminClient, project: str) -> None:
    """Create a project of this machine where there is none of the name.

    Raises:
        ServerError: the name is refused.
    """
    try:
        await client.get(path("projects", project), None, project_pb2.Project, what=f"project {project}")
    except NotFoundError:
        request = project_pb2.ProjectRegisterRequest(project=project_pb2.Project(id=project, name=project))
        with contextlib.suppress(ConflictError):
            await client.post(
                "/api/v1/projects", request, project_pb2.ProjectRegisterResponse, what=f"project {project}"
            )


async def register(client: AdminClient, home: Home, flow: Flow, project: str, domain: str) -> identifier_pb2.Identifier:
    """Register all entities of a flow; what is registered already stays.

    Returns:
        The launch plan (or task) to start.

    Raises:
        ServerError: Flyte Admin refuses one.
    """
    kind = identifier_pb2.TASK if flow.kind == "task" else identifier_pb2.LAUNCH_PLAN
    target = identifier_pb2.Identifier(
        resource_type=kind, project=project, domain=domain, name=flow.name, version=flow.version
    )
    if not await _is_registered(client, target):
        for number, (entity_kind, spec) in enumerate(flow.specs):
            try:
                await _register_one(client, entity_kind, spec)
            except (BadRequestError, NotFoundError):
                if number < flow.needed:
                    raise  # what is wrong with another flow of the file must not stop this one
    FlowSources(home).record(project, domain, flow.version, flow.file, flow.files)
    return target


async def _is_registered(client: AdminClient, target: identifier_pb2.Identifier) -> bool:
    task = target.resource_type == identifier_pb2.TASK
    segments = (target.project, target.domain, target.name, target.version)
    try:
        if task:
            await client.get(path("tasks", *segments), None, task_pb2.Task)
        else:
            await client.get(path("launch_plans", *segments), None, launch_plan_pb2.LaunchPlan)
    except NotFoundError:
        return False
    return True


async def _register_one(client: AdminClient, kind: str, spec: bytes) -> None:
    if kind == "task":
        task = task_pb2.TaskSpec.FromString(spec)
        request = task_pb2.TaskCreateRequest(id=task.template.id, spec=task)
        place, answer, name = "tasks", task_pb2.TaskCreateResponse, task.template.id.name
    elif kind == "workflow":
        workflow = workflow_pb2.WorkflowSpec.FromString(spec)
        request = workflow_pb2.WorkflowCreateRequest(id=workflow.template.id, spec=workflow)
        place, answer, name = "workflows", workflow_pb2.WorkflowCreateResponse, workflow.template.id.name
    else:
        plan = launch_plan_pb2.LaunchPlan.FromString(spec)
        request = launch_plan_pb2.LaunchPlanCreateRequest(id=plan.id, spec=plan.spec)
        place, answer, name = "launch_plans", launch_plan_pb2.LaunchPlanCreateResponse, plan.id.name
    try:
        await client.post(f"/api/v1/{place}", request, answer, what=f"{kind.replace('_', ' ')} {name}")
    except ConflictError:
        return  # the same is registered already
