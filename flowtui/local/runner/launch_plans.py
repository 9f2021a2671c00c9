"""Launch-plan nodes: an execution of its own, run by the same runner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.admin import common_pb2
from flyteidl.admin import execution_pb2 as admin_execution_pb2
from flyteidl.core import identifier_pb2, literals_pb2, workflow_pb2

from flowtui.admin.failures import ConflictError
from flowtui.domain.execution import ExecutionId
from flowtui.local.runner import locks
from flowtui.local.runner.failures import system_error
from flowtui.local.runner.names import Place, child_execution_name
from flowtui.local.runner.reporter import NodePhase, identifier

if TYPE_CHECKING:
    from flowtui.local.runner.nodes import Nodes


async def execute(
    nodes: Nodes, node: workflow_pb2.Node, place: Place, inputs: literals_pb2.LiteralMap
) -> literals_pb2.LiteralMap:
    """Create the child execution, run it, and take over its outputs.

    Raises:
        NodeFailedError: the child has failed or was aborted; it is reported.
    """
    run = nodes.run
    reporter = nodes.reporter
    name = child_execution_name(run.id.name, place.node_id, 0)
    child_id = ExecutionId(run.id.project, run.id.domain, name)
    await reporter.node(place, NodePhase.QUEUED, node=node)
    request = _request(nodes, node, place, child_id, inputs)
    with locks.held(run.services.home, child_id):
        try:
            await run.services.client.create_execution(request)
        except ConflictError as error:
            raise await nodes.fail(place, node, system_error("ChildExists", error.message)) from error
        await reporter.node(place, NodePhase.RUNNING, node=node, child=child_id)
        outcome = await run.run_child(child_id)
    if outcome.outputs is None:
        failure = outcome.error or system_error("ChildAborted", f"Execution {name} was aborted.")
        raise await nodes.fail(place, node, failure, child=child_id)
    return await nodes.succeed(place, node, outcome.outputs, child=child_id)


def _request(
    nodes: Nodes,
    node: workflow_pb2.Node,
    place: Place,
    child: ExecutionId,
    inputs: literals_pb2.LiteralMap,
) -> admin_execution_pb2.ExecutionCreateRequest:
    run = nodes.run
    metadata = admin_execution_pb2.ExecutionMetadata(
        mode=admin_execution_pb2.ExecutionMetadata.CHILD_WORKFLOW,
        nesting=run.spec.metadata.nesting + 1,
        parent_node_execution=identifier_pb2.NodeExecutionIdentifier(
            node_id=place.node_id, execution_id=identifier(run.id)
        ),
    )
    labels = common_pb2.Labels()
    # The engine's labels name the outermost execution at every depth: one list finds all its descendants.
    labels.values.update(run.child_labels)
    spec = admin_execution_pb2.ExecutionSpec(
        launch_plan=node.workflow_node.launchplan_ref,
        metadata=metadata,
        labels=labels,
        max_parallelism=run.spec.max_parallelism,
        overwrite_cache=run.spec.overwrite_cache,
    )
    return admin_execution_pb2.ExecutionCreateRequest(
        project=child.project, domain=child.domain, name=child.name, spec=spec, inputs=inputs
    )
