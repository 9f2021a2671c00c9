"""Task nodes: cache, attempts, retries, timeouts, and the children of dynamic ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flyteidl.admin import launch_plan_pb2
from flyteidl.admin import workflow_pb2 as admin_workflow_pb2
from flyteidl.core import (
    catalog_pb2,
    compiler_pb2,
    dynamic_job_pb2,
    identifier_pb2,
    literals_pb2,
    tasks_pb2,
    workflow_pb2,
)
from flyteidl.event import event_pb2

from flowtui.admin.wire import path
from flowtui.errors import FlowError
from flowtui.local.compiler import Interface, compile_workflow, key, requirements
from flowtui.local.runner.attempts import Attempt
from flowtui.local.runner.failures import AttemptFailedError, NodeFailedError, exhausted, user_error
from flowtui.local.runner.level import Closure, Level
from flowtui.local.runner.literals import digest, write_message
from flowtui.local.runner.names import Place
from flowtui.local.runner.reporter import NodePhase, TaskPhase
from flowtui.local.runner.task_cache import CacheKey

if TYPE_CHECKING:
    from flowtui.local.runner.nodes import Nodes


async def execute(
    nodes: Nodes, level: Level, node: workflow_pb2.Node, place: Place, inputs: literals_pb2.LiteralMap
) -> literals_pb2.LiteralMap:
    """Run a task to its end, as often as its retries allow.

    Raises:
        NodeFailedError: the last attempt has failed; it is reported.
        FlowError: the task is not in the closure.
    """
    template = level.closure.task(node.task_node.reference_id)
    if template is None:
        raise FlowError(f"The compiled workflow lacks the task {node.task_node.reference_id.name}.")
    return await _TaskNode(nodes, level, node, place, inputs, template).execute()


class _TaskNode:
    def __init__(
        self,
        nodes: Nodes,
        level: Level,
        node: workflow_pb2.Node,
        place: Place,
        inputs: literals_pb2.LiteralMap,
        template: tasks_pb2.TaskTemplate,
    ) -> None:
        self.nodes = nodes
        self.run = nodes.run
        self.reporter = nodes.reporter
        self.level = level
        self.node = node
        self.place = place
        self.inputs = inputs
        self.template = template
        self.cache_key = CacheKey.of(template, inputs) if template.metadata.discoverable else None
        self.attempts = 1 + max(node.metadata.retries.retries, template.metadata.retries.retries)
        timeout = node.metadata.timeout if node.metadata.HasField("timeout") else template.metadata.timeout
        self.timeout = timeout.ToTimedelta().total_seconds()

    async def execute(self) -> literals_pb2.LiteralMap:
        if (outputs := await self._from_cache()) is not None:
            return outputs
        await self.reporter.node(self.place, NodePhase.QUEUED, node=self.node)
        for number in range(self.attempts):
            last = number == self.attempts - 1
            attempt = Attempt(
                self.run, self.place, self.template, self.inputs, number, timeout=self.timeout, level=self.level
            )
            try:
                made = await attempt.execute(on_start=self._running if number == 0 else None)
            except AttemptFailedError as failed:
                if failed.recoverable and not last:
                    await attempt.report_failure(failed)
                    continue
                raise await self._failed(attempt, failed) from failed
            if isinstance(made, dynamic_job_pb2.DynamicJobSpec):
                return await self._dynamic(attempt, made)
            return await self._succeeded(attempt, made)
        raise AssertionError("the last attempt returns or raises")

    async def _running(self) -> None:
        await self.reporter.node(self.place, NodePhase.RUNNING, node=self.node)

    async def _failed(self, attempt: Attempt, failed: AttemptFailedError) -> NodeFailedError:
        error = failed.error
        if failed.aborted or (failed.recoverable and self.attempts > 1):
            error = exhausted(error, self.attempts)
        if failed.aborted:
            # The engine gives up on the node first and stops the attempt then.
            told = await self.nodes.fail(self.place, self.node, error)
            await attempt.report_failure(failed)
            return told
        await attempt.report_failure(failed)
        return await self.nodes.fail(
            self.place, self.node, error, task=event_pb2.TaskNodeMetadata(checkpoint_uri=attempt.checkpoint)
        )

    async def _from_cache(self) -> literals_pb2.LiteralMap | None:
        if self.cache_key is None or self.run.spec.overwrite_cache:
            return None
        found = self.run.services.cache.find(self.cache_key)
        if found is None:
            return None
        outputs, metadata = found
        write_message(self.place.outputs(), outputs)
        await self.reporter.node(
            self.place,
            NodePhase.SUCCEEDED,
            node=self.node,
            output=self.place.outputs(),
            task=event_pb2.TaskNodeMetadata(cache_status=catalog_pb2.CACHE_HIT, catalog_key=metadata),
            note=f"from the cache, made by {metadata.source_task_execution.node_execution_id.execution_id.name}",
        )
        return outputs

    def _into_cache(self, outputs: literals_pb2.LiteralMap, attempt: Attempt) -> event_pb2.TaskNodeMetadata:
        told = event_pb2.TaskNodeMetadata(checkpoint_uri=attempt.checkpoint)
        if self.cache_key is not None:
            source = identifier_pb2.TaskExecutionIdentifier(
                task_id=self.template.id,
                node_execution_id=identifier_pb2.NodeExecutionIdentifier(
                    node_id=self.place.node_id,
                    execution_id=identifier_pb2.WorkflowExecutionIdentifier(
                        project=self.run.id.project, domain=self.run.id.domain, name=self.run.id.name
                    ),
                ),
                retry_attempt=attempt.number,
            )
            self.run.services.cache.put(self.cache_key, outputs, source)
            told.cache_status = catalog_pb2.CACHE_POPULATED
            told.catalog_key.CopyFrom(self.cache_key.metadata())
            if self.run.spec.overwrite_cache:
                told.catalog_key.source_task_execution.CopyFrom(source)
        return told

    async def _succeeded(self, attempt: Attempt, outputs: literals_pb2.LiteralMap) -> literals_pb2.LiteralMap:
        missing = sorted(self.template.interface.outputs.variables.keys() - outputs.literals.keys())
        if missing:
            error = user_error("OutputsNotFound", f"The task did not give its output {', '.join(missing)}.")
            raise await self._failed(attempt, AttemptFailedError(error, recoverable=False))
        # flytekit writes the file itself, with what else belongs to it; other kinds of tasks leave that to the runner.
        if not self.place.outputs(attempt.number).exists():
            write_message(self.place.outputs(attempt.number), outputs)
        await attempt.report(TaskPhase.SUCCEEDED, output=self.place.outputs(attempt.number))
        await self.reporter.node(
            self.place,
            NodePhase.SUCCEEDED,
            node=self.node,
            output=self.place.outputs(attempt.number),
            task=self._into_cache(outputs, attempt),
            deck=attempt.deck,
        )
        return outputs

    async def _dynamic(self, attempt: Attempt, spec: dynamic_job_pb2.DynamicJobSpec) -> literals_pb2.LiteralMap:
        """Run what a dynamic task made."""
        await attempt.report(TaskPhase.SUCCEEDED, output=self.place.outputs(attempt.number))
        futures = self.place.attempt(attempt.number) / "futures.pb"
        plans = await self._launch_plans(spec)
        closure = dynamic_closure(spec, self.template, self.place, self.level.closure, plans)
        told = event_pb2.TaskNodeMetadata()
        told.dynamic_workflow.id.CopyFrom(closure.primary.template.id)
        told.dynamic_workflow.compiled_workflow.CopyFrom(closure)
        told.dynamic_workflow.dynamic_job_spec_uri = str(futures)
        await self.reporter.node(
            self.place, NodePhase.DYNAMIC_RUNNING, node=self.node, parent=True, dynamic=True, task=told
        )
        inner = Level(
            self.run,
            closure.primary.template,
            Closure(closure, self.level.closure),
            outer=self.level,
            parent=self.place,
            attempt=attempt.number,
            dynamic=True,
        )
        try:
            outputs = await inner.execute(literals_pb2.LiteralMap())
        except NodeFailedError as failed:
            raise await self.nodes.fail(self.place, self.node, failed.error, dynamic=True) from failed
        write_message(self.place.outputs(attempt.number), outputs)
        cached = self._into_cache(outputs, attempt) if self.cache_key is not None else None
        await self.reporter.node(
            self.place,
            NodePhase.SUCCEEDED,
            node=self.node,
            output=self.place.outputs(attempt.number),
            dynamic=True,
            task=cached,
        )
        return outputs

    async def _launch_plans(self, job: dynamic_job_pb2.DynamicJobSpec) -> dict[tuple[str, str, str, str], Interface]:
        template = workflow_pb2.WorkflowTemplate(nodes=job.nodes)
        client = self.run.services.client
        found = {}
        for id_ in requirements(template, job.subworkflows)[1]:
            address = path("launch_plans", id_.project, id_.domain, id_.name, id_.version)
            plan = await client.get(address, None, launch_plan_pb2.LaunchPlan, what=f"launch plan {id_.name}")
            found[key(id_)] = Interface.of_launch_plan(plan.closure)
        return found


def dynamic_closure(
    job: dynamic_job_pb2.DynamicJobSpec,
    template: tasks_pb2.TaskTemplate,
    place: Place,
    outer: Closure,
    launch_plans: Mapping[tuple[str, str, str, str], Interface],
) -> compiler_pb2.CompiledWorkflowClosure:
    """What a dynamic task made, compiled: the outputs are those of the task.

    Args:
        job: what the task made.
        template: the task.
        outer: has the tasks that ``job`` names and does not bring.
        launch_plans: interfaces of the launch plans that it names.

    Raises:
        FlowError: it does not compile, or refers to a task that nobody has.
    """
    spec = admin_workflow_pb2.WorkflowSpec(sub_workflows=job.subworkflows)
    workflow = spec.template
    workflow.nodes.extend(job.nodes)
    workflow.outputs.extend(job.outputs)
    workflow.interface.inputs.SetInParent()
    workflow.interface.outputs.CopyFrom(template.interface.outputs)
    workflow.id.CopyFrom(template.id)
    workflow.id.resource_type = identifier_pb2.WORKFLOW
    workflow.id.name = f"dynamic_{place.spec_id}"
    workflow.id.version = digest(job)[:10]
    workflow.metadata.SetInParent()
    tasks = {key(task.id): task for task in job.tasks}
    for reference in requirements(workflow, spec.sub_workflows)[0]:
        known = outer.task(reference)
        if known is not None:
            tasks.setdefault(key(reference), known)
    return compile_workflow(spec, tasks.values(), launch_plans)
