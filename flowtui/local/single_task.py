"""A single task as an execution: the workflow and launch plan that Admin makes up around it (``.flytegen.<task>``)."""

from __future__ import annotations

from typing import Any

from flyteidl.admin import common_pb2, launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.core import identifier_pb2, literals_pb2
from flyteidl.core import workflow_pb2 as core_workflow_pb2

from flowtui.local.call import Call
from flowtui.local.entities import entity_key, entity_row, save_launch_plan, save_workflow
from flowtui.local.named_entities import save_state
from flowtui.local.store import Row, find

_MAX_NODE_ID = 63
_RETRIES = 3


def launch_plan_of_task(call: Call, spec: Any) -> Row:
    """The row of the launch plan that runs the task which ``spec.launch_plan`` names; made where it is missing.

    Raises:
        AdminError: there is no such task.
    """
    task = spec.launch_plan
    identifier = identifier_pb2.Identifier(**{**entity_key(task), "name": f".flytegen.{task.name}"})
    plan = find(call.db, "launch_plans", entity_key(identifier))
    if plan is not None:
        return plan
    workflow = find(call.db, "workflows", entity_key(identifier))
    if workflow is None:
        workflow = _make_workflow(call, task, identifier)
    reference = identifier_pb2.Identifier(resource_type=identifier_pb2.WORKFLOW, **entity_key(task))
    made = launch_plan_pb2.LaunchPlanSpec(workflow_id=reference)
    for field in ("entity_metadata", "default_inputs", "fixed_inputs", "labels", "annotations"):
        getattr(made, field).SetInParent()
    if spec.HasField("auth_role"):
        made.auth_role.CopyFrom(spec.auth_role)
    if spec.HasField("security_context"):
        made.security_context.CopyFrom(spec.security_context)
    save_launch_plan(call, identifier, made, workflow)
    return entity_row(call, "launch_plans", identifier)


def _make_workflow(call: Call, task: Any, identifier: Any) -> Row:
    row = entity_row(call, "tasks", task)
    interface = task_pb2.TaskClosure.FromString(row["closure"]).compiled_task.template.interface
    name = node_name(task.name)
    node = core_workflow_pb2.Node(id=name, inputs=_bindings(interface.inputs, ""))
    node.metadata.name, node.metadata.retries.retries = name, _RETRIES
    node.task_node.reference_id.CopyFrom(
        identifier_pb2.Identifier(resource_type=identifier_pb2.TASK, **entity_key(task))
    )
    template = core_workflow_pb2.WorkflowTemplate(
        interface=interface, nodes=[node], outputs=_bindings(interface.outputs, name)
    )
    save_workflow(call, identifier, workflow_pb2.WorkflowSpec(template=template))
    metadata = common_pb2.NamedEntityMetadata(state=common_pb2.SYSTEM_GENERATED)
    save_state(call, identifier_pb2.WORKFLOW, identifier, metadata)
    return entity_row(call, "workflows", identifier)


def node_name(task: str) -> str:
    """The id of the only node: the letters, digits and hyphens of the end of the task's name."""
    return "".join(char for char in task[-_MAX_NODE_ID:] if char == "-" or char.isalnum())


def _bindings(variables: Any, node: str) -> list[Any]:
    bindings = []
    for name in sorted(variables.variables):
        binding = literals_pb2.Binding(var=name)
        binding.binding.promise.node_id, binding.binding.promise.var = node, name
        bindings.append(binding)
    return bindings
