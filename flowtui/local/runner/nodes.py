"""One node execution: its inputs, its phases, and the kinds of nodes other than tasks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flyteidl.admin import signal_pb2
from flyteidl.core import execution_pb2, literals_pb2, types_pb2, workflow_pb2
from google.protobuf.message import Message

from flowtui.admin.wire import path
from flowtui.domain.execution import EntityId, NodeId
from flowtui.errors import FlowError, NotFoundError, StorageError
from flowtui.local.runner import array_nodes, launch_plans, task_nodes
from flowtui.local.runner.bindings import resolve_all
from flowtui.local.runner.branches import taken
from flowtui.local.runner.failures import TIMEOUT, NodeFailedError, system_error, user_error
from flowtui.local.runner.level import Level
from flowtui.local.runner.literals import write_message
from flowtui.local.runner.names import Place
from flowtui.local.runner.reporter import NodePhase, RunEndedError
from flowtui.local.runner.workers import WorkerLostError

if TYPE_CHECKING:
    from flowtui.local.runner.run import Run


class Nodes:
    """Executes the nodes of one execution."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.reporter = run.reporter

    async def execute(
        self,
        level: Level,
        node: workflow_pb2.Node,
        *,
        place: Place | None = None,
        failure: NodeFailedError | None = None,
    ) -> literals_pb2.LiteralMap:
        """Run one node to its end and report every phase.

        Args:
            level: where its inputs come from.
            place: where it stands, if not directly on the level.
            failure: what happened, for a failure node.

        Returns:
            Its outputs.

        Raises:
            NodeFailedError: it has failed, and that is reported.
        """
        place = place or level.place(node.id)
        try:
            inputs = resolve_all(node.inputs, level.outputs)
            if failure is not None:
                self._tell_failure(level, node, inputs, failure)
            write_message(place.inputs, inputs)
            recovered = await self._recover(place, node)
            return recovered if recovered is not None else await self._by_kind(level, node, place, inputs)
        except asyncio.CancelledError:
            await self.reporter.aborted(place, node, level.reason)
            raise
        except (RunEndedError, WorkerLostError):
            raise
        except (FlowError, StorageError, OSError) as error:
            raise await self.fail(place, node, system_error("LocalRunner", str(error))) from error

    async def fail(
        self, place: Place, node: workflow_pb2.Node, error: execution_pb2.ExecutionError, **reported: object
    ) -> NodeFailedError:
        """Report that a node has failed; the error to raise."""
        await self.reporter.node(place, NodePhase.FAILED, node=node, error=error, **reported)  # type: ignore[arg-type]
        return NodeFailedError(error, place.node_id)

    async def _by_kind(
        self, level: Level, node: workflow_pb2.Node, place: Place, inputs: literals_pb2.LiteralMap
    ) -> literals_pb2.LiteralMap:
        kind = node.WhichOneof("target")
        if kind == "task_node":
            return await task_nodes.execute(self, level, node, place, inputs)
        if kind == "array_node":
            return await array_nodes.execute(self, level, node, place, inputs)
        if kind == "branch_node":
            return await self._branch(level, node, place, inputs)
        if kind == "gate_node":
            return await self._gate(node, place)
        if kind == "workflow_node" and node.workflow_node.WhichOneof("reference") == "launchplan_ref":
            return await launch_plans.execute(self, node, place, inputs)
        if kind == "workflow_node":
            return await self._sub_workflow(level, node, place, inputs)
        raise FlowError(f"Node {node.id} is of a kind that runs on a cluster only.")

    async def _sub_workflow(
        self, level: Level, node: workflow_pb2.Node, place: Place, inputs: literals_pb2.LiteralMap
    ) -> literals_pb2.LiteralMap:
        reference = node.workflow_node.sub_workflow_ref
        workflow = level.closure.workflow(reference)
        if workflow is None:
            raise FlowError(f"The compiled workflow lacks the sub-workflow {reference.name}.")
        await self.reporter.node(place, NodePhase.QUEUED, node=node, parent=True)
        inner = Level(self.run, workflow, level.closure, outer=level, parent=place, dynamic=place.dynamic)

        async def started() -> None:
            await self.reporter.node(place, NodePhase.RUNNING, node=node, parent=True)

        try:
            outputs = await inner.execute(inputs, started=started)
        except NodeFailedError as failed:
            raise await self.fail(place, node, failed.error, parent=True) from failed
        return await self.succeed(place, node, outputs, parent=True)

    async def succeed(
        self, place: Place, node: workflow_pb2.Node, outputs: literals_pb2.LiteralMap, **reported: object
    ) -> literals_pb2.LiteralMap:
        """Write the outputs and report that a node has ended well."""
        write_message(place.outputs(), outputs)
        await self.reporter.node(
            place,
            NodePhase.SUCCEEDED,
            node=node,
            output=place.outputs(),
            **reported,  # type: ignore[arg-type]
        )
        return outputs

    async def _branch(
        self, level: Level, node: workflow_pb2.Node, place: Place, inputs: literals_pb2.LiteralMap
    ) -> literals_pb2.LiteralMap:
        await self.reporter.node(place, NodePhase.QUEUED, node=node)
        try:
            arm = taken(node.branch_node, inputs)
        except FlowError as error:
            raise await self.fail(place, node, system_error("BranchNodeError", error.message)) from error
        if isinstance(arm, str):
            raise await self.fail(place, node, user_error("UserProvidedError", f"[UserProvidedError] {arm}"))
        await self.reporter.node(place, NodePhase.RUNNING, node=node)
        try:
            outputs = await self.execute(level, arm, place=place.child(arm.id, 0))
        except NodeFailedError as failed:
            raise await self.fail(place, node, failed.error) from failed
        return await self.succeed(place, node, outputs)

    async def _gate(self, node: workflow_pb2.Node, place: Place) -> literals_pb2.LiteralMap:
        gate = node.gate_node
        await self.reporter.node(place, NodePhase.QUEUED, node=node)
        await self.reporter.node(place, NodePhase.RUNNING, node=node)
        if gate.WhichOneof("condition") == "sleep":
            await asyncio.sleep(gate.sleep.duration.ToTimedelta().total_seconds())
            return await self.succeed(place, node, literals_pb2.LiteralMap())
        return await self._signalled(node, place)

    async def _signalled(self, node: workflow_pb2.Node, place: Place) -> literals_pb2.LiteralMap:
        """Wait until somebody gives the signal through Flyte Admin's API."""
        gate = node.gate_node
        approval = gate.WhichOneof("condition") == "approve"
        signal_id = gate.approve.signal_id if approval else gate.signal.signal_id
        what = "approval" if approval else "input"
        self.reporter.tell(place, node, f"waits for the {what} {signal_id}: POST /api/v1/signals of `flowtui serve`")
        try:
            value = await asyncio.wait_for(
                self._signal(signal_id), node.metadata.timeout.ToTimedelta().total_seconds() or None
            )
        except asyncio.TimeoutError as error:
            told = user_error(TIMEOUT, f"Nobody gave the {what} {signal_id} in time.")
            raise await self.fail(place, node, told) from error
        if not approval:
            outputs = literals_pb2.LiteralMap()
            outputs.literals[gate.signal.output_variable_name].CopyFrom(value)
            return await self.succeed(place, node, outputs)
        if not value.scalar.primitive.boolean:
            raise await self.fail(place, node, user_error("UserProvidedError", f"{signal_id} was not approved."))
        return await self.succeed(place, node, literals_pb2.LiteralMap())

    async def _signal(self, signal_id: str) -> literals_pb2.Literal:
        id_ = self.run.id
        while True:
            answer = await self.run.services.client.get(
                path("signals", id_.project, id_.domain, id_.name), {"limit": "1000"}, signal_pb2.SignalList
            )
            for signal in answer.signals:
                if signal.id.signal_id == signal_id and signal.HasField("value"):
                    return signal.value
            await asyncio.sleep(self.run.services.poll_interval)

    def _tell_failure(
        self,
        level: Level,
        node: workflow_pb2.Node,
        inputs: literals_pb2.LiteralMap,
        failure: NodeFailedError,
    ) -> None:
        """Give a failure node the error, where it has an input for one."""
        template = level.closure.task(node.task_node.reference_id) if node.HasField("task_node") else None
        if template is None and node.HasField("workflow_node"):
            template = level.closure.workflow(node.workflow_node.sub_workflow_ref)
        if template is None:
            return
        error = types_pb2.Error(failed_node_id=failure.node_id, message=failure.error.message)
        literal = literals_pb2.Literal(scalar=literals_pb2.Scalar(error=error))
        for name, variable in template.interface.inputs.variables.items():
            wanted = variable.type
            if wanted.simple == types_pb2.ERROR:
                inputs.literals[name].CopyFrom(literal)
            for variant in wanted.union_type.variants:
                if variant.simple == types_pb2.ERROR:
                    union = literals_pb2.Union(value=literal, type=variant)
                    inputs.literals[name].scalar.union.CopyFrom(union)

    async def _recover(self, place: Place, node: workflow_pb2.Node) -> literals_pb2.LiteralMap | None:
        """The outputs that the node has in the execution that this one recovers; None where it has to run."""
        source = self.run.recovers
        if source is None:
            return None
        node_id = NodeId(source, place.node_id)
        try:
            earlier = await self.run.services.client.get_node_execution(node_id)
        except NotFoundError:
            return None
        if earlier.closure.phase not in (NodePhase.SUCCEEDED, NodePhase.RECOVERED):
            return None
        data = await self.run.services.client.get_node_data(node_id)
        outputs: literals_pb2.LiteralMap = data.full_outputs
        write_message(place.outputs(), outputs)
        await self.reporter.node(
            place, NodePhase.RECOVERED, node=node, output=place.outputs(), note=f"from {source.name}"
        )
        return outputs


def entity(id_: Message) -> EntityId:
    """The domain's id of a task, workflow or launch plan."""
    return EntityId(id_.project, id_.domain, id_.name, id_.version)  # type: ignore[attr-defined]
