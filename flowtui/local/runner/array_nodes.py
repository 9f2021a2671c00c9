"""Mapped tasks: one node, one task execution, and an attempt in a process of its own for every item."""

from __future__ import annotations

import asyncio
import itertools
import math
from typing import TYPE_CHECKING

from flyteidl.core import catalog_pb2, execution_pb2, literals_pb2, tasks_pb2, workflow_pb2
from flyteidl.event import event_pb2

from flowtui.errors import FlowError
from flowtui.local.runner.attempts import Attempt
from flowtui.local.runner.failures import AttemptFailedError, exhausted, user_error
from flowtui.local.runner.level import Level
from flowtui.local.runner.literals import collection, literal_map, none, write_message
from flowtui.local.runner.names import Place
from flowtui.local.runner.reporter import NodePhase, TaskPhase, task_log

if TYPE_CHECKING:
    from flowtui.local.runner.nodes import Nodes

TASK_TYPE = "container_array"
PLUGIN = "k8s-array"


async def execute(
    nodes: Nodes, level: Level, node: workflow_pb2.Node, place: Place, inputs: literals_pb2.LiteralMap
) -> literals_pb2.LiteralMap:
    """Run a task for every item of its lists.

    Raises:
        NodeFailedError: too few items have succeeded; it is reported.
        FlowError: what is mapped is not a Python task.
    """
    inner = node.array_node.node
    if inner.WhichOneof("target") != "task_node":
        raise FlowError("A map over a launch plan runs on a Flyte cluster only.")
    template = level.closure.task(inner.task_node.reference_id)
    if template is None:
        raise FlowError(f"The compiled workflow lacks the task {inner.task_node.reference_id.name}.")
    return await _ArrayNode(nodes, node, place, inputs, template).execute()


def item_count(node: workflow_pb2.ArrayNode, template: tasks_pb2.TaskTemplate, inputs: literals_pb2.LiteralMap) -> int:
    """How many items there are: the length of the lists that are not bound as a whole.

    Raises:
        FlowError: two lists differ in length, or there is none.
    """
    bound = set(node.bound_inputs) | _bound_by_arguments(list(template.container.args))
    lengths = {
        name: len(literal.collection.literals)
        for name, literal in inputs.literals.items()
        if name not in bound and literal.WhichOneof("value") == "collection"
    }
    if not lengths:
        raise FlowError("A mapped task has no list to go through.")
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in sorted(lengths.items()))
        raise FlowError(f"The lists of a mapped task differ in length: {told}.")
    return next(iter(lengths.values()))


def _bound_by_arguments(arguments: list[str]) -> set[str]:
    """The inputs that flytekit's resolver takes as bound: behind ``vars`` in the container's arguments."""
    for first, second in itertools.pairwise(arguments):
        if first == "vars":
            return set(second.split(",")) - {""}
    return set()


class _Item:
    def __init__(self, index: int) -> None:
        self.index = index
        self.phase: int = TaskPhase.UNDEFINED
        self.attempt: Attempt | None = None
        self.outputs: literals_pb2.LiteralMap | None = None
        self.error: execution_pb2.ExecutionError | None = None


class _ArrayNode:
    def __init__(
        self,
        nodes: Nodes,
        node: workflow_pb2.Node,
        place: Place,
        inputs: literals_pb2.LiteralMap,
        template: tasks_pb2.TaskTemplate,
    ) -> None:
        self.nodes = nodes
        self.run = nodes.run
        self.node = node
        self.place = place
        self.inputs = inputs
        self.template = template
        self.array = node.array_node
        metadata = self.array.node.metadata
        self.attempts = 1 + max(metadata.retries.retries, template.metadata.retries.retries)
        timeout = metadata.timeout if metadata.HasField("timeout") else template.metadata.timeout
        self.timeout = timeout.ToTimedelta().total_seconds()
        self.items = [_Item(index) for index in range(item_count(self.array, template, inputs))]
        self.phase_version = 0
        self.writing = asyncio.Lock()

    @property
    def _needed(self) -> int:
        criterion = self.array.WhichOneof("success_criteria")
        if criterion == "min_successes":
            return min(int(self.array.min_successes), len(self.items))
        if criterion == "min_success_ratio":
            return math.ceil(float(self.array.min_success_ratio) * len(self.items))
        return len(self.items)

    async def execute(self) -> literals_pb2.LiteralMap:
        await self.nodes.reporter.node(self.place, NodePhase.QUEUED, node=self.node)
        await self._report(TaskPhase.QUEUED, self.items)
        await self.nodes.reporter.node(self.place, NodePhase.RUNNING, node=self.node)
        for item in self.items:
            item.phase = TaskPhase.QUEUED
        await self._running(*self.items)
        try:
            enough = await self._all()
        except asyncio.CancelledError:
            await self._report(TaskPhase.ABORTED, self.items)
            raise
        if not enough:
            error = self._error()
            await self._report(TaskPhase.FAILED, self.items, error=error)
            raise await self.nodes.fail(self.place, self.node, error)
        outputs = self._collect()
        write_message(self.place.outputs(), outputs)
        await self._report(TaskPhase.SUCCEEDED, self.items, output=True)
        return await self.nodes.succeed(self.place, self.node, outputs)

    async def _all(self) -> bool:
        """Run the items; False as soon as too many have failed."""
        limit = asyncio.Semaphore(self.array.parallelism or max(len(self.items), 1))
        running = {asyncio.ensure_future(self._one(item, limit)) for item in self.items}
        try:
            while running:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                failed = sum(item.phase == TaskPhase.FAILED for item in self.items)
                runs_on = getattr(self.array, "run_all_sub_nodes", False)
                if len(self.items) - failed < self._needed and not runs_on:
                    return False
            return sum(item.outputs is not None for item in self.items) >= self._needed
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _one(self, item: _Item, limit: asyncio.Semaphore) -> None:
        async with limit:
            for number in range(self.attempts):
                item.attempt = Attempt(
                    self.run, self.place, self.template, self.inputs, number, timeout=self.timeout, item=item.index
                )
                try:
                    async with self.run.services.slots:
                        item.outputs = await self._attempt(item, item.attempt)
                    item.phase = TaskPhase.SUCCEEDED
                    break
                except AttemptFailedError as failed:
                    again = failed.recoverable and number < self.attempts - 1
                    tired = failed.aborted or (failed.recoverable and self.attempts > 1)
                    item.error = exhausted(failed.error, self.attempts) if tired else failed.error
                    item.phase = TaskPhase.RETRYABLE_FAILED if again else TaskPhase.FAILED
                    if not again:
                        break
                    await self._running(item)
                except asyncio.CancelledError:
                    item.phase = TaskPhase.ABORTED
                    raise
        await self._running(item)

    async def _attempt(self, item: _Item, attempt: Attempt) -> literals_pb2.LiteralMap:
        item.phase = TaskPhase.RUNNING
        attempt.log.parent.mkdir(parents=True, exist_ok=True)
        attempt.log.touch(mode=0o600)
        await self._running(item)
        made = await attempt.run_limited(attempt.run_python)
        if not isinstance(made, literals_pb2.LiteralMap):
            raise AttemptFailedError(user_error("BadTask", "A mapped task cannot be dynamic."), recoverable=False)
        return made

    def _collect(self) -> literals_pb2.LiteralMap:
        """A list for every output: the items in order, nothing for those that have failed."""
        return literal_map(
            {
                name: collection(
                    [none() if item.outputs is None else item.outputs.literals[name] for item in self.items]
                )
                for name in self.template.interface.outputs.variables
            }
        )

    def _error(self) -> execution_pb2.ExecutionError:
        failed = [item for item in self.items if item.error is not None and item.phase == TaskPhase.FAILED]
        told = "\n".join(f"[{item.index}]: {item.error.message}" for item in failed if item.error is not None)
        first = failed[0].error if failed else None
        return execution_pb2.ExecutionError(
            code=first.code if first is not None else "", message=told, kind=first.kind if first is not None else 0
        )

    async def _running(self, *items: _Item) -> None:
        async with self.writing:
            self.phase_version += 1
            await self._report(TaskPhase.RUNNING, items, version=self.phase_version)

    async def _report(
        self,
        phase: int,
        items: list[_Item] | tuple[_Item, ...],
        *,
        version: int = 0,
        output: bool = False,
        error: execution_pb2.ExecutionError | None = None,
    ) -> None:
        await self.nodes.reporter.task(
            self.place,
            self.template.id,
            0,
            phase,
            task_type=TASK_TYPE,
            plugin=PLUGIN,
            phase_version=version,
            output=self.place.outputs() if output else None,
            error=error,
            items=[self._resource(item) for item in items],
        )

    def _resource(self, item: _Item) -> event_pb2.ExternalResourceInfo:
        number = item.attempt.number if item.attempt is not None else 0
        resource = event_pb2.ExternalResourceInfo(
            external_id=f"{self.run.id.name}-{self.place.node_id}-0-n{item.index}-{number}",
            index=item.index,
            retry_attempt=number,
            phase=item.phase,
            cache_status=catalog_pb2.CACHE_DISABLED,
        )
        if item.error is not None and item.phase == TaskPhase.FAILED:
            # Flyte has no place for it where the map as a whole succeeds.
            resource.custom_info.update({"error": {"code": item.error.code, "message": item.error.message}})
        if item.attempt is not None and item.attempt.log.exists():
            resource.logs.append(task_log(item.attempt.log, f"Output-{item.index}"))
        return resource
