"""One execution from its first event to its last."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from flyteidl.admin import execution_pb2 as admin_execution_pb2
from flyteidl.core import execution_pb2, literals_pb2

from flowtui.admin.failures import BadRequestError
from flowtui.domain.execution import ExecutionId
from flowtui.errors import FlowError, ServerError
from flowtui.local.runner.failures import NodeFailedError, system_error
from flowtui.local.runner.level import Closure, Level
from flowtui.local.runner.names import END, Layout
from flowtui.local.runner.nodes import Nodes, entity
from flowtui.local.runner.reporter import Reporter, RunEndedError, WorkflowPhase
from flowtui.local.runner.services import Services

_MODE = admin_execution_pb2.ExecutionMetadata


@dataclass(frozen=True)
class Outcome:
    """How an execution ended: with outputs, with an error, or aborted with neither."""

    outputs: literals_pb2.LiteralMap | None = None
    error: execution_pb2.ExecutionError | None = None


class Run:
    """One execution being run.

    Attributes:
        id: the execution.
        spec: what it was created with.
        interrupted: why the person at the keyboard has stopped it; empty otherwise.
        recovers: the execution whose results are taken over, for a recovered one.
    """

    def __init__(
        self,
        services: Services,
        id_: ExecutionId,
        execution: admin_execution_pb2.Execution,
        *,
        parent: Run | None = None,
    ) -> None:
        self.services = services
        self.id = id_
        self.spec = execution.spec
        self.workflow_id = execution.closure.workflow_id
        self.parent = parent
        self._aborting = False
        self.interrupted = ""
        self.layout = Layout(services.home.blobs, id_.project, id_.domain, id_.name)
        self.reporter = Reporter(services.client, id_, services.listener)
        self.nodes = Nodes(self)
        self.top: Level | None = None
        self.failed: execution_pb2.ExecutionError | None = None
        self.recovers: ExecutionId | None = None
        if self.spec.metadata.mode == _MODE.RECOVERED:
            source = self.spec.metadata.reference_execution
            self.recovers = ExecutionId(source.project, source.domain, source.name)

    @property
    def aborting(self) -> bool:
        return self._aborting or (self.parent is not None and self.parent.aborting)

    @property
    def child_labels(self) -> dict[str, str]:
        """Labels of the executions that this one starts."""
        if self.parent is not None:
            return self.parent.child_labels
        workflow = self.workflow_id.name.replace(".", "-").replace("_", "-")
        return {
            "workflow-name": workflow,
            "project": self.id.project,
            "domain": self.id.domain,
            "execution-id": self.id.name,
        }

    async def execute(self) -> Outcome:
        """Run it and report every phase; the caller holds its lock.

        Raises:
            asyncio.CancelledError: the caller was cancelled; the execution is reported as aborted.
            ServerError: Flyte Admin refused what the runner told it.
        """
        work = asyncio.ensure_future(self._work())
        watch = asyncio.ensure_future(self._watch(work))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if work.cancelled():
                # Somebody has terminated the execution: only it ends, not what awaits it.
                await self._report_aborted()
                return Outcome()
            await self._stop(work)
            raise
        except RunEndedError:
            return Outcome()
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    async def _stop(self, work: asyncio.Future[Outcome]) -> None:
        if self.interrupted:
            with contextlib.suppress(ServerError):
                await self.services.client.terminate(self.id, self.interrupted)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError, RunEndedError):
            await work
        if work.cancelled():
            await self._report_aborted()

    async def _watch(self, work: asyncio.Future[Outcome]) -> None:
        """Stop the work when somebody has terminated the execution."""
        while True:
            await asyncio.sleep(self.services.poll_interval)
            if await self._is_terminated():
                work.cancel()
                return

    async def _is_terminated(self) -> bool:
        """Whether somebody has terminated the execution, as far as the server answers."""
        with contextlib.suppress(ServerError):
            execution = await self.services.client.get_execution(self.id)
            if execution.closure.phase in (WorkflowPhase.ABORTING, WorkflowPhase.ABORTED):
                self._aborting = True
        return self._aborting

    def interrupt(self, cause: str, task: asyncio.Task[Any]) -> None:
        """Stop because the person who started the run, or the machine, says so.

        Args:
            cause: recorded as the cause of the abort.
            task: the one that awaits :meth:`execute`; it is cancelled.
        """
        self.interrupted = cause
        self._aborting = True
        task.cancel()

    async def _report_aborted(self) -> None:
        with contextlib.suppress(RunEndedError):
            await self.reporter.workflow(WorkflowPhase.ABORTED)

    async def _work(self) -> Outcome:
        try:
            return await self._levels()
        except NodeFailedError as failed:
            self.failed = failed.error
            await self.reporter.workflow(WorkflowPhase.FAILED, error=failed.error)
            return Outcome(error=failed.error)
        except BadRequestError:
            # A phase that cannot follow ABORTING is refused, where that came before anybody here saw it.
            if not await self._is_terminated():
                raise
            await self._report_aborted()
            return Outcome()
        except (FlowError, OSError) as error:
            if isinstance(error, RunEndedError):
                raise
            failure = system_error("LocalRunner", str(error))
            await self.reporter.workflow(WorkflowPhase.FAILED, error=failure)
            return Outcome(error=failure)

    async def _levels(self) -> Outcome:
        client = self.services.client
        workflow = await client.get_workflow(entity(self.workflow_id))
        data = await client.get_execution_data(self.id)
        compiled = workflow.closure.compiled_workflow
        await self.reporter.workflow(WorkflowPhase.RUNNING)
        self.top = Level(self, compiled.primary.template, Closure(compiled))

        async def failing(error: execution_pb2.ExecutionError) -> None:
            self.failed = error
            await self.reporter.workflow(WorkflowPhase.FAILING, error=error)

        outputs = await self.top.execute(data.full_inputs, failing=failing)
        await self.reporter.workflow(WorkflowPhase.SUCCEEDING)
        end = self.layout.place(END).outputs()
        await self.reporter.workflow(WorkflowPhase.SUCCEEDED, output_uri=str(end))
        return Outcome(outputs=outputs)

    async def run_child(self, id_: ExecutionId) -> Outcome:
        """Run an execution that a launch-plan node of this one has created."""
        execution = await self.services.client.get_execution(id_)
        return await Run(self.services, id_, execution, parent=self).execute()
