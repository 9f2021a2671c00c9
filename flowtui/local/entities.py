"""Tasks, workflows and launch plans: registration, single ones and lists."""

from __future__ import annotations

import hashlib
from typing import Any

from flyteidl.admin import launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.core import compiler_pb2, identifier_pb2, interface_pb2
from google.protobuf.message import Message

from flowtui.local import compiler, filters
from flowtui.local.call import Call, from_nanos, require
from flowtui.local.differences import differences
from flowtui.local.filters import ENTITIES, Condition
from flowtui.local.status import ALREADY_EXISTS, AdminError, invalid, missing, not_found, text
from flowtui.local.store import Row, find, insert, update

ACTIVE, INACTIVE = launch_plan_pb2.ACTIVE, launch_plan_pb2.INACTIVE
_KINDS = {"tasks": "TASK", "workflows": "WORKFLOW", "launch_plans": "LAUNCH_PLAN"}
_WORDS = {"tasks": "task", "workflows": "workflow", "launch_plans": "launch plan"}


def entity_key(identifier: Any) -> dict[str, str]:
    """The key columns of an Identifier."""
    return {name: getattr(identifier, name) for name in ("project", "domain", "name", "version")}


def entity_row(call: Call, table: str, identifier: Any) -> Row:
    """The row of a task, workflow or launch plan.

    Raises:
        AdminError: there is none, or the identifier is incomplete.
    """
    require(identifier, "project", "domain", "name", "version")
    row = find(call.db, table, entity_key(identifier))
    if row is None:
        raise not_found(_KINDS[table], identifier_pb2.Identifier(**entity_key(identifier)))
    return row


def check_project(call: Call, project: str, domain: str) -> None:
    """Refuse a project or domain that does not exist.

    Raises:
        AdminError: with Admin's sentence.
    """
    from flowtui.local.projects import DOMAINS

    row = find(call.db, "projects", {"identifier": project})
    if row is None:
        raise invalid(
            f"failed to validate that project [{project}] and domain [{domain}] are registered, "
            f"err: [project [{project}] not found]"
        )
    if domain not in DOMAINS:
        raise invalid(f"domain [{domain}] is unrecognized by system")


def _check(call: Call, request: Any, kind: int) -> None:
    identifier = request.id
    if not request.HasField("id"):
        raise missing("id")
    check_project(call, identifier.project, identifier.domain)
    if identifier.resource_type not in (kind, identifier_pb2.UNSPECIFIED):
        expected = identifier_pb2.ResourceType.Name(kind)
        given = identifier_pb2.ResourceType.Name(identifier.resource_type)
        raise invalid(
            f"unexpected resource type {given.lower()} for identifier [{text(identifier)}], expected {expected}"
        )
    require(identifier, "project", "domain", "name", "version")


def _refuse_again(call: Call, table: str, identifier: Any, digest: bytes, new: Any) -> None:
    """Refuse what is registered already: 409 where it is the same, 400 where it differs."""
    row = find(call.db, table, entity_key(identifier))
    if row is None:
        return
    word = _WORDS[table]
    if row["digest"] == digest:
        raise AdminError(ALREADY_EXISTS, f"{word} with identical structure already exists")
    found = differences(_MESSAGES[table](row), new)
    raise invalid(
        f"{identifier.name} {word} with different structure already exists. "
        f"(Please register a new version of the {word}):\n{found}"
    )


def _digest(*messages: Message) -> bytes:
    digest = hashlib.sha256()
    for message in messages:
        body = message.SerializeToString(deterministic=True)
        digest.update(len(body).to_bytes(8, "big") + body)
    return digest.digest()


def _typed(identifier: Any, kind: int) -> Any:
    return identifier_pb2.Identifier(resource_type=kind, **entity_key(identifier))


def _common(call: Call, identifier: Any, digest: bytes) -> dict[str, Any]:
    now = call.now_micros()
    return {**entity_key(identifier), "created_at": now, "updated_at": now, "digest": digest}


def create_task(call: Call, request: Any) -> Any:
    _check(call, request, identifier_pb2.TASK)
    if not request.spec.HasField("template"):
        raise missing("template")
    template = request.spec.template
    if not template.type:
        raise missing("type")
    compiled = compiler_pb2.CompiledTask(template=template)
    compiled.template.id.CopyFrom(_typed(request.id, identifier_pb2.TASK))
    digest = _digest(compiled)
    _refuse_again(call, "tasks", request.id, digest, compiled)
    closure = task_pb2.TaskClosure(compiled_task=compiled)
    row = _common(call, request.id, digest)
    description = request.spec.description
    row |= {"type": template.type, "closure": closure.SerializeToString(deterministic=True)}
    row |= {"short_description": description.short_description}
    row["description"] = (
        description.SerializeToString(deterministic=True) if request.spec.HasField("description") else None
    )
    insert(call.db, "tasks", row)
    return task_pb2.TaskCreateResponse()


def create_workflow(call: Call, request: Any) -> Any:
    _check(call, request, identifier_pb2.WORKFLOW)
    if not request.spec.HasField("template"):
        raise missing("template")
    save_workflow(call, request.id, request.spec)
    return workflow_pb2.WorkflowCreateResponse()


def save_workflow(call: Call, identifier: Any, spec: Any) -> int:
    """Compile and keep a workflow; gives its row's id.

    Raises:
        AdminError: a task or launch plan that it names is not there, it does not compile, or it exists already.
    """
    spec.template.id.CopyFrom(_typed(identifier, identifier_pb2.WORKFLOW))
    tasks, launch_plans = compiler.requirements(spec.template, spec.sub_workflows)
    templates = [_template(entity_row(call, "tasks", task)) for task in tasks]
    interfaces = {}
    for plan in launch_plans:
        closure = launch_plan_pb2.LaunchPlanClosure.FromString(entity_row(call, "launch_plans", plan)["closure"])
        interfaces[compiler.key(plan)] = compiler.Interface.of_launch_plan(closure)
    try:
        compiled = compiler.compile_workflow(spec, templates, interfaces)
    except compiler.CompileError as error:
        raise invalid(f"failed to compile workflow for [{text(identifier)}] with err: {error.message}") from error
    nodes, most = len(spec.template.nodes), call.admin.max_workflow_nodes
    if most is not None and nodes > most:
        raise invalid(f"number of nodes in workflow [{text(identifier)}] exceeds limit ({nodes} > {most})")
    digest = _digest(compiled)
    _refuse_again(call, "workflows", identifier, digest, compiled)
    row = _common(call, identifier, digest)
    row["typed_interface"] = spec.template.interface.SerializeToString(deterministic=True)
    row["closure"] = compiled.SerializeToString(deterministic=True)
    row["short_description"] = spec.description.short_description
    row["description"] = (
        spec.description.SerializeToString(deterministic=True) if spec.HasField("description") else None
    )
    return insert(call.db, "workflows", row)


def _template(row: Row) -> Any:
    return task_pb2.TaskClosure.FromString(row["closure"]).compiled_task.template


def create_launch_plan(call: Call, request: Any) -> Any:
    _check(call, request, identifier_pb2.LAUNCH_PLAN)
    if not request.HasField("spec"):
        raise missing("spec")
    workflow = entity_row(call, "workflows", request.spec.workflow_id)
    save_launch_plan(call, request.id, request.spec, workflow)
    return launch_plan_pb2.LaunchPlanCreateResponse()


def save_launch_plan(call: Call, identifier: Any, spec: Any, workflow: Row) -> None:
    """Keep a launch plan, with what it expects and gives from its workflow's interface.

    Raises:
        AdminError: a default or fixed input does not fit, or it exists already.
    """
    from flowtui.local.inputs import expected_inputs

    interface = interface_pb2.TypedInterface.FromString(workflow["typed_interface"])
    closure = launch_plan_pb2.LaunchPlanClosure(
        expected_inputs=expected_inputs(spec, interface), expected_outputs=interface.outputs
    )
    whole = launch_plan_pb2.LaunchPlan(id=_typed(identifier, identifier_pb2.LAUNCH_PLAN), spec=spec, closure=closure)
    digest = _digest(whole)
    _refuse_again(call, "launch_plans", identifier, digest, spec)
    row = _common(call, identifier, digest)
    row |= {
        "spec": spec.SerializeToString(deterministic=True),
        "closure": closure.SerializeToString(deterministic=True),
    }
    row |= {"state": INACTIVE, "workflow_id": workflow["id"], "schedule_type": _schedule_type(spec)}
    insert(call.db, "launch_plans", row)


def _schedule_type(spec: Any) -> str:
    kind = spec.entity_metadata.schedule.WhichOneof("ScheduleExpression")
    return {"cron_expression": "CRON", "cron_schedule": "CRON", "rate": "RATE"}.get(kind or "", "NONE")


def update_launch_plan(call: Call, request: Any) -> Any:
    """Activate or deactivate; activating one version deactivates the others of its name."""
    row = entity_row(call, "launch_plans", request.id)
    now = call.now_micros()
    if request.state == ACTIVE:
        call.db.execute(
            "UPDATE launch_plans SET state = ?, updated_at = ? "
            "WHERE project = ? AND domain = ? AND name = ? AND state = ?",
            (INACTIVE, now, row["project"], row["domain"], row["name"], ACTIVE),
        )
    update(call.db, "launch_plans", row["id"], {"state": request.state, "updated_at": now})
    return launch_plan_pb2.LaunchPlanUpdateResponse()


def get_task(call: Call, request: Any) -> Any:
    return task_message(entity_row(call, "tasks", request.id))


def get_workflow(call: Call, request: Any) -> Any:
    return workflow_message(entity_row(call, "workflows", request.id))


def get_launch_plan(call: Call, request: Any) -> Any:
    return launch_plan_message(entity_row(call, "launch_plans", request.id))


def get_active_launch_plan(call: Call, request: Any) -> Any:
    require(request.id, "project", "domain", "name")
    key = {name: getattr(request.id, name) for name in ("project", "domain", "name")}
    row = find(call.db, "launch_plans", {**key, "state": ACTIVE})
    if row is None:
        raise AdminError(5, f"No active launch plan could be found: {key['project']}:{key['domain']}:{key['name']}")
    return launch_plan_message(row)


def list_tasks(call: Call, request: Any) -> Any:
    rows, token = _list(call, request, "task", "ListTasks")
    return task_pb2.TaskList(tasks=[task_message(row) for row in rows], token=token)


def list_workflows(call: Call, request: Any) -> Any:
    """Workflows with no more than their interface, as Admin's lists have them."""
    rows, token = _list(call, request, "workflow", "ListWorkflows")
    workflows = []
    for row in rows:
        workflow = workflow_pb2.Workflow(id=_identifier(row, identifier_pb2.WORKFLOW))
        interface = interface_pb2.TypedInterface.FromString(row["typed_interface"])
        workflow.closure.compiled_workflow.primary.template.interface.CopyFrom(interface)
        _finish(workflow, row)
        workflows.append(workflow)
    return workflow_pb2.WorkflowList(workflows=workflows, token=token)


def list_launch_plans(call: Call, request: Any) -> Any:
    rows, token = _list(call, request, "launch_plan", "ListLaunchPlans")
    return launch_plan_pb2.LaunchPlanList(launch_plans=[launch_plan_message(row) for row in rows], token=token)


def list_active_launch_plans(call: Call, request: Any) -> Any:
    require(request, "project", "domain")
    filters.require_limit(request.limit)
    entity = ENTITIES["launch_plan"]
    conditions = [
        Condition("launch_plan", "l.project = ? AND l.domain = ?", (request.project, request.domain), "project"),
        Condition("launch_plan", "l.state = ?", (ACTIVE,), "state"),
    ]
    ordering = filters.order(request.sort_by, entity, "l.id")
    start = filters.offset(request.token, "ListActiveLaunchPlans")
    rows, token = filters.page(call.db, entity, conditions, ordering, request.limit, start)
    return launch_plan_pb2.LaunchPlanList(launch_plans=[launch_plan_message(row) for row in rows], token=token)


def _list(call: Call, request: Any, name: str, rpc: str) -> tuple[list[Row], str]:
    entity = ENTITIES[name]
    require(request.id, "project", "domain")
    filters.require_limit(request.limit)
    conditions = [
        Condition(name, f"{entity.alias}.{column} = ?", (getattr(request.id, column),), column)
        for column in ("project", "domain", "name")
        if getattr(request.id, column)
    ]
    conditions += filters.parse(request.filters, entity)
    ordering = filters.order(request.sort_by, entity, entity.tie)
    start = filters.offset(request.token, rpc)
    return filters.page(call.db, entity, conditions, ordering, request.limit, start)


def _identifier(row: Row, kind: int) -> Any:
    return identifier_pb2.Identifier(
        resource_type=kind, project=row["project"], domain=row["domain"], name=row["name"], version=row["version"]
    )


def task_message(row: Row) -> Any:
    closure = task_pb2.TaskClosure.FromString(row["closure"])
    task = task_pb2.Task(id=_identifier(row, identifier_pb2.TASK), closure=closure)
    return _finish(task, row)


def workflow_message(row: Row) -> Any:
    compiled = compiler_pb2.CompiledWorkflowClosure.FromString(row["closure"])
    closure = workflow_pb2.WorkflowClosure(compiled_workflow=compiled)
    return _finish(workflow_pb2.Workflow(id=_identifier(row, identifier_pb2.WORKFLOW), closure=closure), row)


def launch_plan_message(row: Row) -> Any:
    plan = launch_plan_pb2.LaunchPlan(
        id=_identifier(row, identifier_pb2.LAUNCH_PLAN),
        spec=launch_plan_pb2.LaunchPlanSpec.FromString(row["spec"]),
        closure=launch_plan_pb2.LaunchPlanClosure.FromString(row["closure"]),
    )
    plan.closure.state = row["state"]
    plan.closure.created_at.CopyFrom(from_nanos(row["created_at"] * 1000))
    plan.closure.updated_at.CopyFrom(from_nanos(row["updated_at"] * 1000))
    return plan


def _finish(message: Any, row: Row) -> Any:
    message.closure.created_at.CopyFrom(from_nanos(row["created_at"] * 1000))
    if hasattr(message, "short_description"):
        message.short_description = row["short_description"]
    return message


# What of a row says whether it is the same as another registration.
_MESSAGES = {
    "tasks": lambda row: task_pb2.TaskClosure.FromString(row["closure"]).compiled_task,
    "workflows": lambda row: compiler_pb2.CompiledWorkflowClosure.FromString(row["closure"]),
    "launch_plans": lambda row: launch_plan_pb2.LaunchPlanSpec.FromString(row["spec"]),
}
