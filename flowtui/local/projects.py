"""Projects, domains and the version."""

from __future__ import annotations

from typing import Any

from flyteidl.admin import common_pb2, project_pb2, version_pb2

import flowtui
from flowtui.local import filters
from flowtui.local.call import Call, require
from flowtui.local.filters import ENTITIES, Condition
from flowtui.local.status import ALREADY_EXISTS, NOT_FOUND, AdminError, invalid
from flowtui.local.store import Row, find, insert

DOMAINS = ("development", "staging", "production")


def ensure_project(call: Call, name: str) -> None:
    """Create a project where it is missing, so that a fresh home can be used at once."""
    if find(call.db, "projects", {"identifier": name}) is None:
        _insert(call, project_pb2.Project(id=name, name=name, description="Flows that ran on this machine"))


def _insert(call: Call, project: Any) -> None:
    now = call.now_micros()
    labels = project.labels.SerializeToString(deterministic=True) if project.HasField("labels") else None
    row = {"identifier": project.id, "name": project.name, "description": project.description, "labels": labels}
    insert(call.db, "projects", {**row, "state": project.state, "created_at": now, "updated_at": now})


def register_project(call: Call, request: Any) -> Any:
    project = request.project
    require(project, "id", "name")
    if len(project.name) > 64:
        raise invalid("project_name cannot exceed 64 characters")
    if find(call.db, "projects", {"identifier": project.id}) is not None:
        raise AdminError(ALREADY_EXISTS, f"project [{project.id}] already exists")
    _insert(call, project)
    return project_pb2.ProjectRegisterResponse()


def update_project(call: Call, request: Any) -> Any:
    if find(call.db, "projects", {"identifier": request.id}) is None:
        raise AdminError(NOT_FOUND, f"project [{request.id}] not found")
    labels = request.labels.SerializeToString(deterministic=True) if request.HasField("labels") else None
    call.db.execute(
        "UPDATE projects SET name = coalesce(nullif(?, ''), name), description = coalesce(nullif(?, ''), description), "
        "labels = coalesce(?, labels), state = ?, updated_at = ? WHERE identifier = ?",
        (request.name, request.description, labels, request.state, call.now_micros(), request.id),
    )
    return project_pb2.ProjectUpdateResponse()


def get_project(call: Call, request: Any) -> Any:
    row = find(call.db, "projects", {"identifier": request.id})
    if row is None:
        raise AdminError(NOT_FOUND, f"project [{request.id}] not found")
    return _project(row)


def list_projects(call: Call, request: Any) -> Any:
    """Projects; without a limit all of them, without a filter no archived ones."""
    entity = ENTITIES["project"]
    conditions = filters.parse(request.filters, entity)
    if not conditions:
        conditions = [Condition("project", "p.state <> ?", (project_pb2.Project.ARCHIVED,), "state")]
    ordering = filters.order(request.sort_by, entity, "p.identifier")
    start = filters.offset(request.token, "ListProjects")
    rows, token = filters.page(call.db, entity, conditions, ordering, request.limit or -1, start)
    return project_pb2.Projects(projects=[_project(row) for row in rows], token=token if request.limit else "")


def _project(row: Row) -> Any:
    domains = [project_pb2.Domain(id=name, name=name) for name in DOMAINS]
    project = project_pb2.Project(
        id=row["identifier"], name=row["name"], description=row["description"], state=row["state"], domains=domains
    )
    if row["labels"] is not None:
        project.labels.CopyFrom(common_pb2.Labels.FromString(row["labels"]))
    return project


def get_domains(call: Call, request: Any) -> Any:
    return project_pb2.GetDomainsResponse(domains=[project_pb2.Domain(id=name, name=name) for name in DOMAINS])


def get_version(call: Call, request: Any) -> Any:
    version = version_pb2.Version(Build="flowtui", Version=flowtui.__version__, BuildTime="")
    return version_pb2.GetVersionResponse(control_plane_version=version)
