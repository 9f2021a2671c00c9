"""Runs flows in tests, and says in a few words what the engine reported."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from flyteidl.admin import event_pb2, node_execution_pb2, task_execution_pb2
from flyteidl.core import execution_pb2

from flowtui.admin.client import AdminClient
from flowtui.domain.execution import ExecutionId, NodeId
from flowtui.local.home import Home
from flowtui.local.runner import RunOptions, RunResult, embedded_client, run_flow
from flowtui.local.runner.reporter import Progress
from flowtui.local.runner.workers import Workers
from tests.replay import lines

FLOWS = Path(__file__).parents[1] / "flows"
PROJECT, DOMAIN = "flytesnacks", "development"

_NODE = execution_pb2.NodeExecution.Phase.Name
_TASK = execution_pb2.TaskExecution.Phase.Name
_WORKFLOW = execution_pb2.WorkflowExecution.Phase.Name
_REQUESTS = {
    "CreateWorkflowEvent": event_pb2.WorkflowExecutionEventRequest,
    "CreateNodeEvent": event_pb2.NodeExecutionEventRequest,
    "CreateTaskEvent": event_pb2.TaskExecutionEventRequest,
}


class Runner:
    """Runs flows in one home with shared workers.

    Attributes:
        steps: what the last run told the person who watches.
    """

    def __init__(self, folder: Path, workers: Workers) -> None:
        self.home = Home(folder).ensure()
        self.workers = workers
        self.steps: list[Progress] = []

    def options(self, name: str = "", **given: Any) -> RunOptions:
        self.steps = []
        return RunOptions(
            project=PROJECT,
            domain=DOMAIN,
            name=name,
            workers=self.workers,
            listener=self.steps.append,
            signals=False,
            poll_interval=0.05,
            **given,
        )

    async def run(
        self,
        workflow: str,
        inputs: Mapping[str, str] | None = None,
        *,
        name: str = "",
        file: str = "constructs.py",
        **given: Any,
    ) -> RunResult:
        return await run_flow(self.home, FLOWS / file, workflow, inputs or {}, self.options(name, **given))

    async def outputs(self, execution: ExecutionId) -> dict[str, Any]:
        """Literals of an execution."""
        async with embedded_client(self.home) as client:
            data = await client.get_execution_data(execution)
        return dict(data.full_outputs.literals)

    async def nodes(self, execution: ExecutionId, parent: str = "") -> dict[str, node_execution_pb2.NodeExecution]:
        async with embedded_client(self.home) as client:
            listed = await client.list_node_executions(execution, parent)
        return {node.id.node_id: node for node in listed}

    async def node(self, execution: ExecutionId, node: str) -> node_execution_pb2.NodeExecution:
        async with embedded_client(self.home) as client:
            return await client.get_node_execution(NodeId(execution, node))

    async def attempts(self, execution: ExecutionId, node: str) -> list[task_execution_pb2.TaskExecution]:
        async with embedded_client(self.home) as client:
            return await client.list_task_executions(NodeId(execution, node))

    async def execution(self, execution: ExecutionId) -> Any:
        async with embedded_client(self.home) as client:
            return await client.get_execution(execution)


def said(message: Any) -> tuple[str, str, str] | None:
    """Execution, what the event is about, and what it says, in words that two engines can be compared by."""
    event = message.event
    if isinstance(message, event_pb2.WorkflowExecutionEventRequest):
        result = event.WhichOneof("output_result") or ""
        return event.execution_id.name, "workflow", f"{_WORKFLOW(event.phase)} {result}".strip()
    if isinstance(message, event_pb2.NodeExecutionEventRequest):
        words = [_NODE(event.phase), event.spec_node_id]
        if event.HasField("parent_node_metadata"):
            words.append(f"below {event.parent_node_metadata.node_id} in {event.retry_group}")
        flags = ("is_parent", "is_dynamic", "is_array", "is_in_dynamic_chain")
        words += [flag for flag in flags if getattr(event, flag)]
        words += ["inputs"] if event.input_uri else []
        words += [event.WhichOneof("output_result") or ""]
        if event.HasField("task_node_metadata"):
            metadata = event.task_node_metadata
            words.append(f"cache {metadata.cache_status}")
            words += ["has a source"] if metadata.catalog_key.HasField("source_task_execution") else []
            words += [metadata.dynamic_workflow.id.name] if metadata.HasField("dynamic_workflow") else []
        if event.HasField("workflow_node_metadata"):
            words.append(f"child {event.workflow_node_metadata.execution_id.name}")
        if event.HasField("target_entity"):
            words.append(f"kind {event.target_entity.resource_type}")
        return event.id.execution_id.name, event.id.node_id, " ".join(word for word in words if word)
    node = event.parent_node_execution_id
    words = ["task", str(event.retry_attempt), _TASK(event.phase), event.WhichOneof("output_result") or ""]
    return node.execution_id.name, node.node_id, " ".join(word for word in words if word)


def without_repeats(events: list[str]) -> list[str]:
    """A pod that waits, or a map whose items go on, is reported several times in the same words."""
    return [one for number, one in enumerate(events) if number == 0 or one != events[number - 1]]


@cache
def _recorded() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for line in lines("engine"):
        request = _REQUESTS.get(line["method"].rpartition("/")[2])
        if request is None or line.get("error"):
            continue
        what = said(request.FromString(base64.b64decode(line["request_base64"])))
        if what is not None:
            found.setdefault(what[0], []).append((what[1], what[2]))
    return found


def recorded_events(execution: str) -> list[tuple[str, str]]:
    """What a real engine said about an execution: (node, words), refused events left out."""
    return _recorded().get(execution, [])


@contextmanager
def listening(monkeypatch: Any) -> Any:
    """Collects what the runner tells Flyte Admin: a list of (execution, node, words)."""
    events: list[tuple[str, str, str]] = []
    post = AdminClient.post

    async def listen(self: AdminClient, path_: str, message: Any, answer_type: Any, *, what: str = "") -> Any:
        answer = await post(self, path_, message, answer_type, what=what)
        if "/events/" in path_:
            told = said(message)
            if told is not None:
                events.append(told)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(AdminClient, "post", listen)
        yield events


def by_node(events: list[tuple[str, str]]) -> dict[str, list[str]]:
    """The words about each node, in order, repetitions left out."""
    found: dict[str, list[str]] = {}
    for node, words in events:
        found.setdefault(node, []).append(words)
    return {node: without_repeats(words) for node, words in found.items()}
