"""What the runner tells Flyte Admin: workflow, node and task events, as Flyte's engine sends them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from flyteidl.admin import event_pb2 as admin_event_pb2
from flyteidl.core import execution_pb2, identifier_pb2, workflow_pb2
from flyteidl.event import event_pb2
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from flowtui.admin.client import AdminClient
from flowtui.admin.failures import BadRequestError, ConflictError
from flowtui.domain.execution import ExecutionId
from flowtui.errors import FlowError
from flowtui.local.runner.names import END, START, Place

NodePhase = execution_pb2.NodeExecution
TaskPhase = execution_pb2.TaskExecution
WorkflowPhase = execution_pb2.WorkflowExecution

_PRODUCER = "propeller"
_EVENT_VERSION = 1
ABORTED_NODE = "NodeAborted"


class RunEndedError(FlowError):
    """Flyte Admin says that the execution has ended already: another process ended it."""


@dataclass(frozen=True)
class Progress:
    """One step of one node, for the person who watches.

    Attributes:
        execution: name of the execution.
        place: where the node stands.
        name: what the node is called in the flow.
        phase: flyteidl's name of the phase.
        note: the error, or where a result came from.
    """

    execution: str
    place: Place
    name: str
    phase: str
    note: str = ""


Listener = Callable[[Progress], None]


def now() -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(dt.datetime.now(dt.timezone.utc))
    return stamp


def identifier(execution: ExecutionId) -> identifier_pb2.WorkflowExecutionIdentifier:
    return identifier_pb2.WorkflowExecutionIdentifier(
        project=execution.project, domain=execution.domain, name=execution.name
    )


class Reporter:
    """Sends the events of one execution."""

    def __init__(self, client: AdminClient, execution: ExecutionId, listener: Listener) -> None:
        self._client = client
        self.execution = execution
        self._id = identifier(execution)
        self._listener = listener
        self._reported: set[str] = set()

    async def _post(self, kind: str, request: Message, answer: type[Message]) -> None:
        try:
            await self._client.post(f"/api/v1/events/{kind}", request, answer, what=f"an event of {self.execution}")
        except ConflictError:
            return  # Admin has this phase already
        except BadRequestError as error:
            if not error.terminal:
                raise
            if kind == "workflows":
                raise RunEndedError(f"Execution {self.execution} has ended already.") from error

    async def workflow(
        self,
        phase: int,
        *,
        output_uri: str = "",
        error: execution_pb2.ExecutionError | None = None,
    ) -> None:
        """Report a phase of the execution itself.

        Raises:
            RunEndedError: it has ended already.
        """
        event = event_pb2.WorkflowExecutionEvent(
            execution_id=self._id, producer_id=_PRODUCER, phase=phase, occurred_at=now()
        )
        if output_uri:
            event.output_uri = output_uri
        elif error is not None:
            event.error.CopyFrom(error)
        request = admin_event_pb2.WorkflowExecutionEventRequest(event=event)
        await self._post("workflows", request, admin_event_pb2.WorkflowExecutionEventResponse)

    def was_reported(self, place: Place) -> bool:
        """Whether a node has been reported at all."""
        return place.node_id in self._reported

    async def node(
        self,
        place: Place,
        phase: int,
        *,
        node: workflow_pb2.Node | None = None,
        output: Path | None = None,
        error: execution_pb2.ExecutionError | None = None,
        parent: bool = False,
        dynamic: bool = False,
        task: event_pb2.TaskNodeMetadata | None = None,
        child: ExecutionId | None = None,
        deck: Path | None = None,
        note: str = "",
    ) -> None:
        """Report a phase of a node.

        Args:
            node: the node of the workflow; None for start and end nodes.
            output: the file with its outputs.
            parent: it has children.
            dynamic: it is a dynamic node that has made its closure.
            task: cache and dynamic closure.
            child: the execution that a launch-plan node started.
        """
        stamp = now()
        event = event_pb2.NodeExecutionEvent(
            id=identifier_pb2.NodeExecutionIdentifier(node_id=place.node_id, execution_id=self._id),
            producer_id=_PRODUCER,
            phase=phase,
            occurred_at=stamp,
            reported_at=stamp,
            spec_node_id=place.spec_id,
            event_version=_EVENT_VERSION,
            is_parent=parent,
            is_dynamic=dynamic,
            is_in_dynamic_chain=place.dynamic,
        )
        if place.spec_id != START:
            event.input_uri = str(place.inputs)
        if place.parent is not None:
            event.parent_node_metadata.node_id = place.parent.node_id
            event.retry_group = str(place.parent_attempt)
        if output is not None:
            event.output_uri = str(output)
        elif error is not None:
            event.error.CopyFrom(error)
        if task is not None:
            event.task_node_metadata.CopyFrom(task)
        if child is not None:
            event.workflow_node_metadata.execution_id.CopyFrom(identifier(child))
        if deck is not None:
            event.deck_uri = str(deck)
        if node is not None:
            _describe(event, node)
        await self._send(place, event, event.node_name, note or (error.message if error is not None else ""))

    async def aborted(self, place: Place, node: workflow_pb2.Node, reason: str) -> None:
        """Report that a node was stopped, where it has been reported before."""
        if not self.was_reported(place):
            return
        stamp = now()
        event = event_pb2.NodeExecutionEvent(
            id=identifier_pb2.NodeExecutionIdentifier(node_id=place.node_id, execution_id=self._id),
            producer_id=_PRODUCER,
            phase=NodePhase.ABORTED,
            occurred_at=stamp,
            reported_at=stamp,
            error=execution_pb2.ExecutionError(code=ABORTED_NODE, message=reason),
        )
        if node.WhichOneof("target") == "task_node":
            event.target_entity.CopyFrom(node.task_node.reference_id)
        await self._send(place, event, node.metadata.name, reason)

    async def _send(self, place: Place, event: event_pb2.NodeExecutionEvent, name: str, note: str) -> None:
        self._reported.add(place.node_id)
        request = admin_event_pb2.NodeExecutionEventRequest(event=event)
        await self._post("nodes", request, admin_event_pb2.NodeExecutionEventResponse)
        if place.spec_id not in (START, END):
            phase = NodePhase.Phase.Name(event.phase)
            self._listener(Progress(self.execution.name, place, name or place.spec_id, phase, note))

    def tell(self, place: Place, node: workflow_pb2.Node, note: str) -> None:
        """Tell the person who watches something about a running node that Flyte Admin has no place for."""
        self._listener(Progress(self.execution.name, place, node.metadata.name or place.spec_id, "RUNNING", note))

    async def task(
        self,
        place: Place,
        task_id: identifier_pb2.Identifier,
        attempt: int,
        phase: int,
        *,
        task_type: str,
        generated_name: str = "",
        plugin: str = "local",
        phase_version: int = 0,
        log: Path | None = None,
        output: Path | None = None,
        error: execution_pb2.ExecutionError | None = None,
        reason: str = "",
        items: Iterable[event_pb2.ExternalResourceInfo] = (),
    ) -> None:
        """Report a phase of an attempt of a task.

        Args:
            phase_version: a higher number for the same phase again.
            log: the file with what it printed.
            items: of a mapped task, its items.
        """
        stamp = now()
        event = event_pb2.TaskExecutionEvent(
            task_id=task_id,
            parent_node_execution_id=identifier_pb2.NodeExecutionIdentifier(
                node_id=place.node_id, execution_id=self._id
            ),
            retry_attempt=attempt,
            phase=phase,
            phase_version=phase_version,
            producer_id=_PRODUCER,
            occurred_at=stamp,
            reported_at=stamp,
            input_uri=str(place.inputs),
            task_type=task_type,
            event_version=_EVENT_VERSION,
            reason=reason,
        )
        if reason:
            event.reasons.add(reason=reason, occurred_at=stamp)
        event.metadata.generated_name = generated_name
        event.metadata.plugin_identifier = plugin
        event.metadata.external_resources.extend(items)
        if log is not None:
            event.logs.append(task_log(log))
        if output is not None:
            event.output_uri = str(output)
        elif error is not None:
            event.error.CopyFrom(error)
        request = admin_event_pb2.TaskExecutionEventRequest(event=event)
        await self._post("tasks", request, admin_event_pb2.TaskExecutionEventResponse)


def task_log(log: Path, name: str = "Output") -> execution_pb2.TaskLog:
    """The link to what an attempt printed."""
    return execution_pb2.TaskLog(uri=log.as_uri(), name=name)


def _describe(event: event_pb2.NodeExecutionEvent, node: workflow_pb2.Node) -> None:
    event.node_name = node.metadata.name
    target = node.WhichOneof("target")
    if target == "task_node":
        event.target_entity.CopyFrom(node.task_node.reference_id)
    elif target == "workflow_node" and node.workflow_node.WhichOneof("reference") == "launchplan_ref":
        event.target_entity.CopyFrom(node.workflow_node.launchplan_ref)
    elif target == "array_node":
        event.is_array = True
