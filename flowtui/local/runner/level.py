"""The walk through the nodes of one workflow: what can run runs, at the same time where nothing stands between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from flyteidl.core import compiler_pb2, execution_pb2, identifier_pb2, literals_pb2, tasks_pb2, workflow_pb2

from flowtui.local.runner.bindings import resolve_all, upstream
from flowtui.local.runner.failures import AUTO_ABORTED, WORKFLOW_ABORTED, NodeFailedError
from flowtui.local.runner.literals import write_message
from flowtui.local.runner.names import END, START, Place
from flowtui.local.runner.reporter import NodePhase

if TYPE_CHECKING:
    from flowtui.local.runner.run import Run

Hook = Callable[[], Awaitable[None]]
FailingHook = Callable[[execution_pb2.ExecutionError], Awaitable[None]]


async def _nothing(*_: object) -> None:
    return


class Level:
    """One execution of one workflow's nodes: the top level, a sub-workflow, or what a dynamic node made.

    Attributes:
        run: the execution.
        closure: the closure in which tasks and sub-workflows are looked up.
        outputs: of the nodes that have ended, by node id; those of the start node are the inputs.
        parent: the node execution that this level belongs to, None for the top level.
        attempt: the attempt of the parent.
        dynamic: the level comes from a dynamic node.
    """

    def __init__(
        self,
        run: Run,
        workflow: workflow_pb2.WorkflowTemplate,
        closure: Closure,
        *,
        outer: Level | None = None,
        parent: Place | None = None,
        attempt: int = 0,
        dynamic: bool = False,
    ) -> None:
        self.run = run
        self.workflow = workflow
        self.closure = closure
        self.outputs: dict[str, literals_pb2.LiteralMap] = {}
        self.outer = outer
        self.parent = parent
        self.attempt = attempt
        self.dynamic = dynamic
        self._reason = ""
        self._ended: dict[str, asyncio.Future[bool]] = {}
        self._waits: dict[str, set[str]] = {}

    async def ended(self, waiter: str, nodes: set[str]) -> set[str]:
        """Wait until nodes of this level have ended.

        Args:
            waiter: id of the node that waits; it may end after a failure before it is stopped.

        Returns:
            Those that have not succeeded; as soon as there is one.
        """
        self._waits[waiter] = nodes
        futures = {self._end_of(spec_id): spec_id for spec_id in nodes}
        pending = set(futures)
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            lost = {futures[one] for one in done if not one.result()}
            if lost:
                return lost
        return set()

    def _end_of(self, spec_id: str) -> asyncio.Future[bool]:
        if spec_id not in self._ended:
            self._ended[spec_id] = asyncio.get_running_loop().create_future()
        return self._ended[spec_id]

    def place(self, spec_id: str) -> Place:
        """Where a node of this level stands."""
        if self.parent is None:
            return self.run.layout.place(spec_id)
        return self.parent.child(spec_id, self.attempt, dynamic=self.dynamic)

    @property
    def reason(self) -> str:
        """Why nodes that still run are stopped."""
        if self.run.aborting:
            return WORKFLOW_ABORTED
        return self._reason or (self.outer.reason if self.outer is not None else WORKFLOW_ABORTED)

    @property
    def _fails_at_once(self) -> bool:
        return bool(self.workflow.metadata.on_failure == workflow_pb2.WorkflowMetadata.FAIL_IMMEDIATELY)

    async def execute(
        self, inputs: literals_pb2.LiteralMap, *, started: Hook = _nothing, failing: FailingHook = _nothing
    ) -> literals_pb2.LiteralMap:
        """Run all nodes.

        Args:
            inputs: of the workflow.
            started: awaited once the start node is reported.
            failing: awaited with the error when a node has failed, before others are stopped.

        Returns:
            The outputs of the workflow.

        Raises:
            NodeFailedError: a node has failed, and the failure node, if any, has run.
        """
        start = self.place(START)
        write_message(start.outputs(), inputs)
        await self.run.reporter.node(start, NodePhase.SUCCEEDED, output=start.outputs())
        self.outputs[START] = inputs
        await started()
        failed = await self._walk(failing)
        if failed is not None:
            if not self._fails_at_once:
                await self._skip_end()
                await failing(failed.error)
            await self._run_failure_node(failed)
            raise failed
        return await self._end()

    async def _end(self) -> literals_pb2.LiteralMap:
        end = self.place(END)
        outputs = resolve_all(self.workflow.outputs, self.outputs)
        write_message(end.inputs, outputs)
        write_message(end.outputs(), outputs)
        await self.run.reporter.node(end, NodePhase.QUEUED)
        await self.run.reporter.node(end, NodePhase.SUCCEEDED)
        return outputs

    async def _skip_end(self) -> None:
        await self.run.reporter.node(self.place(END), NodePhase.SKIPPED)

    async def _walk(self, failing: FailingHook) -> NodeFailedError | None:
        """Run what can run until nothing can any more; the first failure, or None."""
        nodes = [node for node in self.workflow.nodes if node.id not in (START, END)]
        ids = {node.id for node in nodes}
        waiting = {node.id: upstream(node) & ids for node in nodes}
        by_id = {node.id: node for node in nodes}
        running: dict[asyncio.Task[literals_pb2.LiteralMap], str] = {}
        lost: set[str] = set()
        first: NodeFailedError | None = None
        try:
            while True:
                for spec_id in [one for one in waiting if waiting[one] <= self.outputs.keys()]:
                    del waiting[spec_id]
                    task = asyncio.ensure_future(self.run.nodes.execute(self, by_id[spec_id]))
                    running[task] = spec_id
                if not running:
                    return first
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                # A set has no order, and which failure counts must not depend on one.
                for task in [one for one in running if one in done]:
                    spec_id = running.pop(task)
                    try:
                        self.outputs[spec_id] = task.result()
                        self._end_of(spec_id).set_result(True)
                    except NodeFailedError as failed:
                        first = first or failed
                        lost.add(spec_id)
                        self._end_of(spec_id).set_result(False)
                if first is not None:
                    if self._fails_at_once:
                        await failing(first.error)
                        await self._let_waiters_end(running, lost)
                        return first
                    await self._skip(waiting, by_id, lost)
        finally:
            if running:
                self._reason = AUTO_ABORTED
                await _stop(list(running))

    async def _let_waiters_end(self, running: dict[asyncio.Task[literals_pb2.LiteralMap], str], lost: set[str]) -> None:
        """Nodes that have waited for a failed one fail too, which says more than that they were stopped."""
        told = [task for task, spec_id in running.items() if self._waits.get(spec_id, set()) & lost]
        if told:
            await asyncio.wait(told)

    async def _skip(self, waiting: dict[str, set[str]], by_id: dict[str, workflow_pb2.Node], lost: set[str]) -> None:
        """Report as skipped what waits for a node that has failed."""
        while unreachable := [one for one in waiting if waiting[one] & lost]:
            for spec_id in unreachable:
                del waiting[spec_id]
                lost.add(spec_id)
                self._end_of(spec_id).set_result(False)
                await self.run.reporter.node(self.place(spec_id), NodePhase.SKIPPED, node=by_id[spec_id])

    async def _run_failure_node(self, failed: NodeFailedError) -> None:
        node = self.workflow.failure_node
        if not self.workflow.HasField("failure_node") or not node.id:
            return
        try:
            await self.run.nodes.execute(self, node, failure=failed)
        except NodeFailedError:
            return  # it is reported; the execution keeps the error of the node that failed first


class Closure:
    """Tasks and sub-workflows of a compiled closure, by id."""

    def __init__(self, compiled: compiler_pb2.CompiledWorkflowClosure, outer: Closure | None = None) -> None:
        self._outer = outer
        self._tasks = {_key(task.template.id): task.template for task in compiled.tasks}
        self._workflows = {_key(one.template.id): one.template for one in compiled.sub_workflows}

    def task(self, id_: identifier_pb2.Identifier) -> tasks_pb2.TaskTemplate | None:
        """The template of a task; None where the closure does not have it."""
        found = self._tasks.get(_key(id_))
        return found if found is not None or self._outer is None else self._outer.task(id_)

    def workflow(self, id_: identifier_pb2.Identifier) -> workflow_pb2.WorkflowTemplate | None:
        """The template of a sub-workflow; None where the closure does not have it."""
        found = self._workflows.get(_key(id_))
        return found if found is not None or self._outer is None else self._outer.workflow(id_)


def _key(id_: identifier_pb2.Identifier) -> tuple[str, str, str, str]:
    return id_.project, id_.domain, id_.name, id_.version


async def _stop(tasks: list[asyncio.Task[literals_pb2.LiteralMap]]) -> None:
    """Cancel tasks and wait until each has reported that."""
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, NodeFailedError):
            raise result
