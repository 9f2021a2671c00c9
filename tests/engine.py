"""An engine for tests: it registers workflows in the embedded Admin and reports runs through its event API.

So a test can record what no recording has, such as a map of 5,000 items or a run whose outputs are gone, and everything
above is read over the same protocol as from a real Flyte.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from flyteidl.admin import event_pb2, execution_pb2, launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.core import catalog_pb2, compiler_pb2, identifier_pb2, interface_pb2, literals_pb2, tasks_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import workflow_pb2 as core_workflow_pb2
from flyteidl.event import event_pb2 as core_event_pb2
from google.protobuf.message import Message
from google.rpc import status_pb2

from flowtui.admin import AdminClient
from flowtui.config import Settings
from flowtui.domain.execution import ExecutionId, NodeId
from flowtui.httpclient import httpx
from flowtui.local.app import create_app
from flowtui.local.home import Home
from flowtui.session import Session, open_session

PROJECT, DOMAIN = "flytesnacks", "development"
BASE_URL = "http://127.0.0.1:5000"
BINARY = "application/octet-stream"
_START = 1_795_000_000
_KINDS = {"task_node": 1, "sub_workflow_ref": 2, "launchplan_ref": 3}

WorkflowPhase = core_execution_pb2.WorkflowExecution.Phase.Value
NodePhase = core_execution_pb2.NodeExecution.Phase.Value
TaskPhase = core_execution_pb2.TaskExecution.Phase.Value
Twist = Callable[[httpx.Request], "httpx.Response | None"]


class Between(httpx.AsyncBaseTransport):
    """Carries requests to the embedded Admin, but for those that a test answers otherwise.

    Attributes:
        requests: method, path and query of every request, in order.
        twist: an answer of the test's own, or None; a changed answer of the embedded Admin where it asks ``carry``.
    """

    def __init__(self, app: Any) -> None:
        self.carry = httpx.ASGITransport(app)
        self.requests: list[str] = []
        self.twist: Twist = lambda request: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(f"{request.method} {request.url.raw_path.decode()}")
        answer = self.twist(request)
        return answer if answer is not None else await self.carry.handle_async_request(request)


def refusal(status: int, code: int, message: str) -> httpx.Response:
    """An answer of Flyte Admin that says no."""
    body = status_pb2.Status(code=code, message=message).SerializeToString()
    return httpx.Response(status, content=body, headers={"content-type": BINARY})


class Engine:
    """The embedded Admin of one folder, and what an engine tells it."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "admin")
        self.app = create_app(self.home, container="s3://flyte", project=PROJECT)
        self.between = Between(self.app)
        self.folder = folder
        self._client = AdminClient(BASE_URL, transport=httpx.ASGITransport(self.app), retry_delay=0)
        self._second = 0

    def close(self) -> None:
        self.app.state.admin.store.close()

    @asynccontextmanager
    async def session(self, name: str = "cache") -> AsyncIterator[Session]:
        """What commands and the screen work with, on this Admin; signed URLs are read from it, too."""
        settings = self.settings(name)
        async with open_session(
            settings, transport=self.between, storage_transport=httpx.ASGITransport(self.app)
        ) as session:
            yield session

    def settings(self, name: str = "cache") -> Settings:
        return Settings(
            home=self.folder / "home", cache=self.folder / name, endpoint=BASE_URL, project=PROJECT, local=False
        )

    def put(self, uri: str, body: bytes | Message) -> None:
        """Put an object into the blob store."""
        path = self.home.resolve(uri)
        assert path is not None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body if isinstance(body, bytes) else body.SerializeToString())

    def remove(self, uri: str) -> None:
        """Remove an object from the blob store."""
        path = self.home.resolve(uri)
        assert path is not None
        path.unlink()

    async def register(
        self,
        primary: core_workflow_pb2.WorkflowTemplate,
        tasks: Iterable[tasks_pb2.TaskTemplate] = (),
        workflows: Iterable[core_workflow_pb2.WorkflowTemplate] = (),
    ) -> None:
        """Register a workflow with what it needs, and its default launch plan."""
        for template in tasks:
            spec = task_pb2.TaskSpec(template=identified(_typed(template)))
            await self._post("tasks", task_pb2.TaskCreateRequest(id=spec.template.id, spec=spec))
        templates = [identified(_raw(one)) for one in (primary, *workflows)]
        spec = workflow_pb2.WorkflowSpec(template=templates[0], sub_workflows=templates[1:])
        await self._post("workflows", workflow_pb2.WorkflowCreateRequest(id=templates[0].id, spec=spec))
        plan = launch_plan_pb2.LaunchPlanSpec(workflow_id=templates[0].id)
        plan.default_inputs.SetInParent()
        plan.fixed_inputs.SetInParent()
        id_ = identifier("LAUNCH_PLAN", primary.id.name)
        await self._post("launch_plans", launch_plan_pb2.LaunchPlanCreateRequest(id=id_, spec=plan))

    async def start(
        self,
        name: str,
        workflow: str,
        *,
        labels: Mapping[str, str] | None = None,
        parent: NodeId | None = None,
        task: bool = False,
        inputs: Mapping[str, literals_pb2.Literal] | None = None,
    ) -> ExecutionId:
        """Create an execution that runs.

        Args:
            parent: the node that launched it; it runs then.
            task: ``workflow`` is the name of a task, which is run on its own.
        """
        spec = execution_pb2.ExecutionSpec(launch_plan=identifier("TASK" if task else "LAUNCH_PLAN", workflow))
        if parent is not None:
            await self.node(parent.execution.name, parent.node, "RUNNING")
            spec.metadata.mode = execution_pb2.ExecutionMetadata.CHILD_WORKFLOW
            spec.metadata.parent_node_execution.CopyFrom(node_id(parent.execution.name, parent.node))
        spec.labels.values.update(labels or {})
        request = execution_pb2.ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name=name, spec=spec)
        for key, value in (inputs or {}).items():
            request.inputs.literals[key].CopyFrom(value)
        await self._post("executions", request)
        await self.end(name, "RUNNING")
        return ExecutionId(PROJECT, DOMAIN, name)

    async def end(self, name: str, phase: str = "SUCCEEDED") -> None:
        """Report a phase of an execution."""
        event = core_event_pb2.WorkflowExecutionEvent(execution_id=_run_id(name), phase=WorkflowPhase(phase))
        self._stamp(event)
        await self._post("events/workflows", event_pb2.WorkflowExecutionEventRequest(event=event))

    async def node(
        self,
        name: str,
        node: str,
        phase: str = "SUCCEEDED",
        *,
        spec: str = "",
        parent: str = "",
        group: str = "0",
        outputs: Mapping[str, literals_pb2.Literal] | None = None,
        output_uri: str = "",
        error: str = "",
        flags: Sequence[str] = (),
        dynamic: core_workflow_pb2.WorkflowTemplate | None = None,
        tasks: Iterable[tasks_pb2.TaskTemplate] = (),
        child: str = "",
        cached_from: NodeId | None = None,
    ) -> None:
        """Report a node execution: that it runs, unless it is there already, and the phase.

        Args:
            flags: of the event, such as ``is_parent`` and ``is_eager``.
            dynamic: what a dynamic node compiled, with the tasks of its nodes.
            child: the execution that a launch-plan node started.
        """
        running = core_event_pb2.NodeExecutionEvent(id=node_id(name, node), phase=NodePhase("RUNNING"), event_version=1)
        running.spec_node_id = spec or node
        if parent:
            running.parent_node_metadata.node_id = parent
            running.retry_group = group
        for flag in flags:
            setattr(running, flag, True)
        if dynamic is not None:
            running.is_dynamic = running.is_parent = True
        self._stamp(running)
        first = await self._post("events/nodes", event_pb2.NodeExecutionEventRequest(event=running), again=True)
        if phase == "RUNNING" and (first and not child and dynamic is None):
            return
        event = core_event_pb2.NodeExecutionEvent()
        event.CopyFrom(running)
        # Admin refuses the same phase twice, and drops a child that comes with the first event.
        event.phase = NodePhase(phase) if phase != "RUNNING" else NodePhase("DYNAMIC_RUNNING")
        self._stamp(event)
        if dynamic is not None:
            compiled = event.task_node_metadata.dynamic_workflow
            compiled.id.CopyFrom(identifier("WORKFLOW", f"dynamic-{node}"))
            compiled.compiled_workflow.CopyFrom(
                compiler_pb2.CompiledWorkflowClosure(
                    primary={"template": identified(dynamic)},
                    tasks=[{"template": identified(_typed(one))} for one in tasks],
                )
            )
        if child:
            event.workflow_node_metadata.execution_id.CopyFrom(_run_id(child))
        if cached_from is not None:
            metadata = event.task_node_metadata
            metadata.cache_status = catalog_pb2.CACHE_HIT
            source = metadata.catalog_key.source_task_execution.node_execution_id
            source.CopyFrom(node_id(cached_from.execution.name, cached_from.node))
        if error:
            event.error.code, event.error.message = "USER:ValueError", error
        elif output_uri or outputs is not None:
            event.output_uri = output_uri or f"s3://flyte/metadata/{name}/{node}/outputs.pb"
            if outputs is not None:
                self.put(event.output_uri, literals_pb2.LiteralMap(literals=outputs))
        await self._post("events/nodes", event_pb2.NodeExecutionEventRequest(event=event))

    async def task(
        self,
        name: str,
        node: str,
        task: str,
        phase: str = "SUCCEEDED",
        *,
        attempt: int = 0,
        error: str = "",
        items: Iterable[core_event_pb2.ExternalResourceInfo] = (),
    ) -> None:
        """Report a task execution of a node."""
        event = core_event_pb2.TaskExecutionEvent(
            task_id=identifier("TASK", task),
            parent_node_execution_id=node_id(name, node),
            retry_attempt=attempt,
            phase=TaskPhase(phase),
            task_type="python-task",
            event_version=1,
        )
        event.metadata.external_resources.extend(items)
        if error:
            event.error.code, event.error.message = "USER:ValueError", error
        self._stamp(event)
        await self._post("events/tasks", event_pb2.TaskExecutionEventRequest(event=event))

    def _stamp(self, event: Any) -> None:
        self._second += 1
        event.producer_id = "propeller" if "producer_id" in event.DESCRIPTOR.fields_by_name else ""
        event.occurred_at.seconds = _START + self._second

    async def _post(self, path: str, message: Message, *, again: bool = False) -> bool:
        """Whether it was recorded; False where it was there and may be."""
        url = f"{BASE_URL}/api/v1/{path}"
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app)) as http:
            answer = await http.post(
                url, content=message.SerializeToString(), headers={"content-type": BINARY, "accept": "application/json"}
            )
        assert answer.status_code == 200 or (again and answer.status_code in (400, 409)), answer.text
        return bool(answer.status_code == 200)


def identifier(kind: str, name: str) -> identifier_pb2.Identifier:
    return identifier_pb2.Identifier(
        resource_type=identifier_pb2.ResourceType.Value(kind), project=PROJECT, domain=DOMAIN, name=name, version="v1"
    )


def identified(message: Any) -> Any:
    """The same template with whole identifiers of itself and of what it refers to."""
    own = 1 if isinstance(message, tasks_pb2.TaskTemplate) else 2
    message.id.CopyFrom(identifier("TASK" if own == 1 else "WORKFLOW", message.id.name))
    stack: list[Any] = [*message.nodes, message.failure_node] if own == 2 else []
    while stack:
        node = stack.pop()
        target = node.WhichOneof("target")
        if target == "task_node":
            node.task_node.reference_id.CopyFrom(identifier("TASK", node.task_node.reference_id.name))
        elif target == "workflow_node":
            reference = node.workflow_node.WhichOneof("reference")
            id_ = getattr(node.workflow_node, reference)
            id_.CopyFrom(identifier("WORKFLOW" if reference == "sub_workflow_ref" else "LAUNCH_PLAN", id_.name))
        elif target == "branch_node":
            if_else = node.branch_node.if_else
            stack += [if_else.case.then_node, *(one.then_node for one in if_else.other)]
            if if_else.WhichOneof("default") == "else_node":
                stack.append(if_else.else_node)
        elif target == "array_node":
            stack.append(node.array_node.node)
    return message


def taking(template: tasks_pb2.TaskTemplate, **inputs: interface_pb2.Variable) -> tasks_pb2.TaskTemplate:
    """The task with inputs."""
    for name, variable in inputs.items():
        template.interface.inputs.variables[name].CopyFrom(variable)
    return template


def _typed(template: tasks_pb2.TaskTemplate) -> tasks_pb2.TaskTemplate:
    found = tasks_pb2.TaskTemplate()
    found.CopyFrom(template)
    found.type = found.type or "python-task"
    found.metadata.SetInParent()
    found.container.image = "image"
    if not found.container.args:
        found.container.args.append("run")
    return found


def _raw(template: core_workflow_pb2.WorkflowTemplate) -> core_workflow_pb2.WorkflowTemplate:
    """A workflow as it is registered: without the start node that the compiler adds."""
    found = core_workflow_pb2.WorkflowTemplate()
    found.CopyFrom(template)
    nodes = [node for node in template.nodes if node.id != "start-node"]
    del found.nodes[:]
    found.nodes.extend(nodes)
    return found


def _run_id(name: str) -> identifier_pb2.WorkflowExecutionIdentifier:
    return identifier_pb2.WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=name)


def node_id(name: str, node: str) -> identifier_pb2.NodeExecutionIdentifier:
    return identifier_pb2.NodeExecutionIdentifier(node_id=node, execution_id=_run_id(name))
