"""Executions: creation, relaunch, recovery, termination, archiving, and reads."""

from __future__ import annotations

import re
import secrets
import sqlite3
import string
from typing import Any

from flyteidl.admin import event_pb2, execution_pb2, launch_plan_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import identifier_pb2, literals_pb2

from flowtui.domain.execution import ExecutionId
from flowtui.local import filters, inputs
from flowtui.local.call import Call, execution_key, require, trim_error
from flowtui.local.entities import check_project, entity_row
from flowtui.local.events import TERMINAL
from flowtui.local.filters import ENTITIES, Condition
from flowtui.local.nodes import node_row
from flowtui.local.status import ALREADY_EXISTS, FAILED_PRECONDITION, AdminError, invalid, missing, not_found
from flowtui.local.store import Row, find, insert, update

MAX_NAME = 63
_NAME = re.compile(r"^[a-z][a-z\-0-9]*$")
_ENTITY = ENTITIES["execution"]
_PARALLELISM = 25
_ACTIVE, _ARCHIVED = execution_pb2.EXECUTION_ACTIVE, execution_pb2.EXECUTION_ARCHIVED
_ABORTING = core_execution_pb2.WorkflowExecution.ABORTING


def execution_row(call: Call, identifier: Any) -> Row:
    """The row of a WorkflowExecutionIdentifier.

    Raises:
        AdminError: there is none, or the identifier is incomplete.
    """
    require(identifier, "project", "domain", "name")
    row = find(call.db, "executions", execution_key(identifier))
    if row is None:
        raise not_found("execution", identifier_pb2.WorkflowExecutionIdentifier(
            project=identifier.project, domain=identifier.domain, name=identifier.name))  # fmt: skip
    return row


def create_execution(call: Call, request: Any) -> Any:
    given = request.inputs if request.inputs.literals else request.spec.inputs
    return _create(call, request, given, source=None)


def relaunch_execution(call: Call, request: Any) -> Any:
    """Run again with the same inputs."""
    return _again(call, request, execution_pb2.ExecutionMetadata.RELAUNCH)


def recover_execution(call: Call, request: Any) -> Any:
    """Run again; what succeeded is taken over by whoever runs it."""
    return _again(call, request, execution_pb2.ExecutionMetadata.RECOVERED)


def _again(call: Call, request: Any, mode: int) -> Any:
    row = execution_row(call, request.id)
    spec = execution_pb2.ExecutionSpec.FromString(row["spec"])
    spec.metadata.mode = mode
    spec.metadata.reference_execution.CopyFrom(_identifier(row))
    if mode == execution_pb2.ExecutionMetadata.RELAUNCH:
        spec.overwrite_cache = request.overwrite_cache
    elif request.HasField("metadata"):
        spec.metadata.ClearField("parent_node_execution")
        if request.metadata.HasField("parent_node_execution"):
            spec.metadata.parent_node_execution.CopyFrom(request.metadata.parent_node_execution)
    made = execution_pb2.ExecutionCreateRequest(
        project=request.id.project, domain=request.id.domain, name=request.name, spec=spec
    )
    return _create(call, made, literals_pb2.LiteralMap.FromString(row["user_inputs"]), source=row["id"])


def _create(call: Call, request: Any, given: Any, source: int | None) -> Any:
    _validate(call, request)
    spec = execution_pb2.ExecutionSpec()
    spec.CopyFrom(request.spec)
    spec.ClearField("inputs")
    if spec.launch_plan.resource_type == identifier_pb2.TASK:
        from flowtui.local.single_task import launch_plan_of_task

        task_id: int | None = entity_row(call, "tasks", spec.launch_plan)["id"]
        plan_row, plan_id = launch_plan_of_task(call, spec), None
    else:
        task_id = None
        plan_row = entity_row(call, "launch_plans", spec.launch_plan)
        plan_id = plan_row["id"]
    plan = launch_plan_pb2.LaunchPlan(
        spec=launch_plan_pb2.LaunchPlanSpec.FromString(plan_row["spec"]),
        closure=launch_plan_pb2.LaunchPlanClosure.FromString(plan_row["closure"]),
    )
    merged = inputs.merge(given, plan.spec.fixed_inputs, plan.closure.expected_inputs)
    workflow = call.db.execute("SELECT * FROM workflows WHERE id = ?", (plan_row["workflow_id"],)).fetchone()
    parent_id, parent_source = _inherit(call, spec)
    _configure(spec, plan.spec if plan_id is not None else launch_plan_pb2.LaunchPlanSpec())
    spec.metadata.system_metadata.Clear()
    spec.metadata.system_metadata.namespace = f"{request.project}-{request.domain}"
    name = request.name or _random_name()
    identifier = identifier_pb2.WorkflowExecutionIdentifier(project=request.project, domain=request.domain, name=name)
    closure = _first_closure(call, spec, plan.spec, workflow)
    now = call.now_micros()
    columns = {
        **execution_key(identifier),
        **dict.fromkeys(("created_at", "updated_at", "execution_created_at", "execution_updated_at"), now),
        "phase": "UNDEFINED",
        "spec": spec.SerializeToString(deterministic=True),
        "closure": closure.SerializeToString(deterministic=True),
        "inputs": merged.SerializeToString(deterministic=True),
        "user_inputs": given.SerializeToString(deterministic=True),
        "mode": spec.metadata.mode,
        "user": spec.metadata.principal,
        "state": _ACTIVE,
        "launch_entity": "task" if task_id is not None else "launch_plan",
        "launch_plan_id": plan_id,
        "task_id": task_id,
        "workflow_id": plan_row["workflow_id"],
        "source_execution_id": source if source is not None else parent_source,
        "parent_node_execution_id": parent_id,
    }
    try:
        insert(call.db, "executions", columns)
    except sqlite3.IntegrityError as error:
        raise AdminError(
            ALREADY_EXISTS,
            'value with matching already exists (duplicate key value violates unique constraint "executions_pkey")',
        ) from error
    _save_tags(call, identifier, spec)
    call.launched.append(ExecutionId(request.project, request.domain, name))
    return execution_pb2.ExecutionCreateResponse(id=identifier)


def _validate(call: Call, request: Any) -> None:
    require(request, "project", "domain")
    if request.name:
        check_name(request.name.lower())
    check_project(call, request.project, request.domain)
    if not request.HasField("spec"):
        raise missing("spec")
    if not request.spec.HasField("launch_plan"):
        raise missing("id")
    plan = request.spec.launch_plan
    if plan.resource_type not in (identifier_pb2.LAUNCH_PLAN, identifier_pb2.TASK):
        kind = identifier_pb2.ResourceType.Name(plan.resource_type)
        raise invalid(
            f"Invalid reference entity resource type [{kind}], only [map[LAUNCH_PLAN:<nil> TASK:<nil>]] allowed"
        )
    require(plan, "project", "domain", "name", "version")


def check_name(name: str) -> None:
    """Refuse a name that no execution can have.

    Raises:
        AdminError: with Admin's sentence.
    """
    if len(name) > MAX_NAME:
        raise invalid(f"size of name exceeded length {MAX_NAME} : {name}")
    if not _NAME.match(name):
        raise invalid(f"invalid name format: {name}, does not match regex '{_NAME.pattern}'")


def _random_name() -> str:
    """A name as Admin makes them: ``a`` and 19 characters (``avx7q9w2kbz5t8n4f2kd``)."""
    letters = string.ascii_lowercase + string.digits
    return "a" + "".join(secrets.choice(letters) for _ in range(19))


def _inherit(call: Call, spec: Any) -> tuple[int | None, int | None]:
    """Take nesting from the parent; gives the ids of the parent's node and of its execution."""
    # Nobody is logged in, so that there is no principal.
    spec.metadata.principal = ""
    spec.metadata.SetInParent()
    if not spec.metadata.HasField("parent_node_execution"):
        return None, None
    parent = spec.metadata.parent_node_execution
    node = node_row(call, parent)
    row = execution_row(call, parent.execution_id)
    above = execution_pb2.ExecutionSpec.FromString(row["spec"])
    spec.metadata.nesting = above.metadata.nesting + 1
    spec.metadata.principal = row["user"]
    return int(node["id"]), int(row["id"])


def _configure(spec: Any, plan: Any) -> None:
    """Put what the request leaves open into the spec: from the launch plan, else Admin's defaults."""
    role = spec.auth_role if spec.HasField("auth_role") else plan.auth_role
    context = spec.security_context if spec.HasField("security_context") else plan.security_context
    identity = context.run_as
    if not (identity.k8s_service_account or identity.iam_role or identity.execution_identity):
        identity.iam_role = role.assumable_iam_role
        identity.k8s_service_account = role.kubernetes_service_account
    resolved = type(context).FromString(context.SerializeToString())
    resolved.run_as.SetInParent()
    spec.security_context.CopyFrom(resolved)
    spec.max_parallelism = spec.max_parallelism or plan.max_parallelism or _PARALLELISM


def _first_closure(call: Call, spec: Any, plan: Any, workflow: Row) -> Any:
    now = call.now()
    notifications = list(plan.entity_metadata.notifications)
    if spec.notifications.notifications:
        notifications = list(spec.notifications.notifications)
    elif spec.disable_all:
        notifications = []
    identifier = identifier_pb2.Identifier(
        resource_type=identifier_pb2.WORKFLOW,
        **{name: workflow[name] for name in ("project", "domain", "name", "version")},
    )
    details = execution_pb2.ExecutionStateChangeDetails(
        state=_ACTIVE, occurred_at=now, principal=spec.metadata.principal
    )
    return execution_pb2.ExecutionClosure(
        created_at=now,
        updated_at=now,
        notifications=notifications,
        workflow_id=identifier,
        state_change_details=details,
    )


def _save_tags(call: Call, identifier: Any, spec: Any) -> None:
    """Labels become tags that lists can be filtered by, and so do the old ``spec.tags``."""
    now = call.now_micros()
    pairs = set(spec.labels.values.items()) | {(tag, "") for tag in spec.tags}
    for name, value in sorted(pairs):
        columns = {**execution_key(identifier), "key": name, "value": value, "created_at": now, "updated_at": now}
        insert(call.db, "execution_tags", columns)


def get_execution(call: Call, request: Any) -> Any:
    return execution_message(execution_row(call, request.id))


def list_executions(call: Call, request: Any) -> Any:
    """Executions of a domain, with errors cut; the archived ones only where ``state`` is filtered on."""
    require(request.id, "project", "domain")
    filters.require_limit(request.limit)
    conditions = [
        Condition("execution", f"e.execution_{column} = ?", (getattr(request.id, column),), column)
        for column in ("project", "domain", "name")
        if getattr(request.id, column)
    ]
    asked = filters.parse(request.filters, _ENTITY)
    ordering = filters.order(request.sort_by, _ENTITY, "e.id")
    start = filters.offset(request.token, "ListExecutions")
    if not any(condition.field == "state" for condition in asked):
        conditions.append(Condition("execution", "e.state = ?", (_ACTIVE,), "state"))
    rows, token = filters.page(call.db, _ENTITY, [*conditions, *asked], ordering, request.limit, start)
    executions = [execution_message(row) for row in rows]
    for execution in executions:
        if execution.closure.HasField("error"):
            trim_error(execution.closure.error)
    return execution_pb2.ExecutionList(executions=executions, token=token)


def _identifier(row: Row) -> Any:
    return identifier_pb2.WorkflowExecutionIdentifier(
        project=row["execution_project"], domain=row["execution_domain"], name=row["execution_name"]
    )


def execution_message(row: Row) -> Any:
    closure = execution_pb2.ExecutionClosure.FromString(row["closure"])
    if row["phase"] == "ABORTED" and not closure.HasField("abort_metadata"):
        closure.abort_metadata.cause = row["abort_cause"]
    return execution_pb2.Execution(
        id=_identifier(row), spec=execution_pb2.ExecutionSpec.FromString(row["spec"]), closure=closure
    )


def get_execution_data(call: Call, request: Any) -> Any:
    row = execution_row(call, request.id)
    closure = execution_pb2.ExecutionClosure.FromString(row["closure"])
    result = closure.WhichOneof("output_result")
    outputs = literals_pb2.LiteralMap()
    if result == "outputs":
        whole = closure.outputs.WhichOneof("data") == "values"
        outputs = closure.outputs.values if whole else call.read_literals(closure.outputs.uri)
    elif result == "output_data":
        outputs = closure.output_data
    answer = execution_pb2.WorkflowExecutionGetDataResponse(
        full_inputs=literals_pb2.LiteralMap.FromString(row["inputs"]), full_outputs=outputs
    )
    answer.inputs.SetInParent()
    answer.outputs.SetInParent()
    return answer


def update_execution(call: Call, request: Any) -> Any:
    """Archive or bring back, in any phase."""
    row = execution_row(call, request.id)
    closure = execution_pb2.ExecutionClosure.FromString(row["closure"])
    closure.state_change_details.CopyFrom(
        execution_pb2.ExecutionStateChangeDetails(state=request.state, occurred_at=call.now())
    )
    columns = {"state": request.state, "closure": closure.SerializeToString(deterministic=True)}
    update(call.db, "executions", row["id"], {**columns, "updated_at": call.now_micros()})
    return execution_pb2.ExecutionUpdateResponse()


def terminate_execution(call: Call, request: Any) -> Any:
    """Note the wish; the run is ABORTED when its engine says so."""
    row = execution_row(call, request.id)
    if row["phase"] in TERMINAL:
        reason = event_pb2.EventFailureReason(
            already_in_terminal_state=event_pb2.EventErrorAlreadyInTerminalState(current_phase=row["phase"])
        )
        raise AdminError(FAILED_PRECONDITION, "Cannot abort an already terminate workflow execution", [reason])
    closure = execution_pb2.ExecutionClosure.FromString(row["closure"])
    closure.abort_metadata.CopyFrom(execution_pb2.AbortMetadata(cause=request.cause))
    closure.phase = _ABORTING
    columns = {"phase": "ABORTING", "abort_cause": request.cause, "updated_at": call.now_micros()}
    columns["closure"] = closure.SerializeToString(deterministic=True)
    update(call.db, "executions", row["id"], columns)
    return execution_pb2.ExecutionTerminateResponse()
