"""A finished run of one wide workflow, recorded in an embedded Flyte Admin through its API, as an engine would.

The first and the last task node declare an artifact file, those between hand it on: the shape of a run with many
intermediate outputs and few results. Every node has one attempt, and there are a start and an end node, as an engine
reports them.
"""

from __future__ import annotations

import contextlib
import datetime
from pathlib import Path

import httpx
from flyteidl.admin import event_pb2, execution_pb2, launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.core import execution_pb2 as phases
from flyteidl.core import identifier_pb2, interface_pb2, literals_pb2, types_pb2
from flyteidl.event import event_pb2 as events

from flowtui.admin.client import AdminClient
from flowtui.admin.failures import ConflictError
from flowtui.domain.execution import ExecutionId
from flowtui.local.app import create_app

PROJECT, DOMAIN, VERSION = "flowtui", "development", "v1"
_START = datetime.datetime(2026, 11, 23, 9, tzinfo=datetime.timezone.utc)
_BLOB = types_pb2.LiteralType(blob=types_pb2.BlobType(format="csv"))


def _identifier(resource_type: int, name: str) -> identifier_pb2.Identifier:
    return identifier_pb2.Identifier(
        resource_type=resource_type, project=PROJECT, domain=DOMAIN, name=name, version=VERSION
    )


def _variable(file: str = "") -> interface_pb2.Variable:
    variable = interface_pb2.Variable(type=_BLOB, description="o0")
    if file:
        partial = variable.artifact_partial_id
        partial.artifact_key.name = file
        partial.partitions.value["artifact_type"].static_value = "data"
        partial.partitions.value["artifact_name"].static_value = "Wide"
    return variable


def _interface(inputs: bool, file: str = "") -> interface_pb2.TypedInterface:
    interface = interface_pb2.TypedInterface()
    if inputs:
        interface.inputs.variables["a"].CopyFrom(_variable())
    interface.outputs.variables["o0"].CopyFrom(_variable(file))
    return interface


def task_name(index: int, nodes: int) -> str:
    """The task of a node."""
    return "first" if index == 0 else "last" if index == nodes - 1 else "echo"


async def _register(client: AdminClient, nodes: int) -> None:
    tasks = {"first": _interface(False, "first.csv"), "echo": _interface(True), "last": _interface(True, "last.csv")}
    for name, interface in tasks.items():
        id_ = _identifier(identifier_pb2.TASK, name)
        request = task_pb2.TaskCreateRequest(id=id_)
        request.spec.template.id.CopyFrom(id_)
        request.spec.template.type = "python-task"
        request.spec.template.interface.CopyFrom(interface)
        request.spec.template.container.image = "none"
        with contextlib.suppress(ConflictError):
            await client.post("/api/v1/tasks", request, task_pb2.TaskCreateResponse)
    workflow = workflow_pb2.WorkflowCreateRequest(id=_identifier(identifier_pb2.WORKFLOW, f"wide_{nodes}"))
    template = workflow.spec.template
    template.id.CopyFrom(workflow.id)
    template.interface.outputs.variables["o0"].CopyFrom(_variable())
    for index in range(nodes):
        node = template.nodes.add(id=f"n{index}")
        name = task_name(index, nodes)
        node.metadata.name = name
        node.task_node.reference_id.CopyFrom(_identifier(identifier_pb2.TASK, name))
        if index:
            source = "n0" if index % 10 else f"n{index - 1}"
            binding = node.inputs.add(var="a")
            binding.binding.promise.node_id, binding.binding.promise.var = source, "o0"
            node.upstream_node_ids.append(source)
    output = template.outputs.add(var="o0")
    output.binding.promise.node_id, output.binding.promise.var = f"n{nodes - 1}", "o0"
    await client.post("/api/v1/workflows", workflow, workflow_pb2.WorkflowCreateResponse)
    plan = launch_plan_pb2.LaunchPlanCreateRequest(id=_identifier(identifier_pb2.LAUNCH_PLAN, f"wide_{nodes}"))
    plan.spec.workflow_id.CopyFrom(workflow.id)
    await client.post("/api/v1/launch_plans", plan, launch_plan_pb2.LaunchPlanCreateResponse)


async def _report(client: AdminClient, id_: identifier_pb2.WorkflowExecutionIdentifier, nodes: int) -> None:
    async def workflow(phase: int, second: int) -> None:
        event = events.WorkflowExecutionEvent(execution_id=id_, producer_id="propeller", phase=phase)
        event.occurred_at.FromDatetime(_START + datetime.timedelta(seconds=second))
        request = event_pb2.WorkflowExecutionEventRequest(event=event)
        await client.post("/api/v1/events/workflows", request, event_pb2.WorkflowExecutionEventResponse)

    async def node(name: str, phase: int, second: int, uri: str = "", task: str = "") -> None:
        event = events.NodeExecutionEvent(producer_id="propeller", phase=phase, event_version=1, spec_node_id=name)
        event.id.node_id, event.node_name = name, name
        event.id.execution_id.CopyFrom(id_)
        event.occurred_at.FromDatetime(_START + datetime.timedelta(seconds=second))
        event.reported_at.CopyFrom(event.occurred_at)
        if uri:
            scalar = literals_pb2.Scalar(blob=literals_pb2.Blob(uri=uri))
            scalar.blob.metadata.type.format = "csv"
            event.output_data.literals["o0"].scalar.CopyFrom(scalar)
        request = event_pb2.NodeExecutionEventRequest(event=event)
        await client.post("/api/v1/events/nodes", request, event_pb2.NodeExecutionEventResponse)
        if task:
            await attempt(event, task)

    async def attempt(of: events.NodeExecutionEvent, task: str) -> None:
        event = events.TaskExecutionEvent(
            task_id=_identifier(identifier_pb2.TASK, task),
            parent_node_execution_id=of.id,
            phase=phases.TaskExecution.Phase.Value(phases.NodeExecution.Phase.Name(of.phase)),
            occurred_at=of.occurred_at,
            task_type="python-task",
            event_version=1,
        )
        if of.HasField("output_data"):
            event.output_data.CopyFrom(of.output_data)
        request = event_pb2.TaskExecutionEventRequest(event=event)
        await client.post("/api/v1/events/tasks", request, event_pb2.TaskExecutionEventResponse)

    await workflow(phases.WorkflowExecution.RUNNING, 0)
    await node("start-node", phases.NodeExecution.SUCCEEDED, 0)
    for index in range(nodes):
        task = task_name(index, nodes)
        uri = f"s3://bucket/data/{index}/file.csv"
        await node(f"n{index}", phases.NodeExecution.RUNNING, index, task=task)
        await node(f"n{index}", phases.NodeExecution.SUCCEEDED, index + 1, uri, task)
    await node("end-node", phases.NodeExecution.SUCCEEDED, nodes + 1)
    await workflow(phases.WorkflowExecution.SUCCEEDED, nodes + 1)


async def record(home: Path, nodes: int) -> ExecutionId:
    """Record a succeeded run of ``nodes`` task nodes in the embedded Flyte Admin at ``home``; its id comes back."""
    async with AdminClient("http://admin", transport=httpx.ASGITransport(create_app(home))) as client:
        await _register(client, nodes)
        request = execution_pb2.ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name=f"wide-{nodes}")
        request.spec.launch_plan.CopyFrom(_identifier(identifier_pb2.LAUNCH_PLAN, f"wide_{nodes}"))
        request.spec.metadata.mode = execution_pb2.ExecutionMetadata.MANUAL
        created = await client.create_execution(request)
        id_ = identifier_pb2.WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=created.name)
        await _report(client, id_, nodes)
    return created
