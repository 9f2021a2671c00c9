"""Running flows on this machine, recorded in the embedded Flyte Admin."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flyteidl.admin import common_pb2
from flyteidl.admin import execution_pb2 as admin_execution_pb2
from flyteidl.core import identifier_pb2

from flowtui.admin.client import AdminClient
from flowtui.admin.failures import BadRequestError, ConflictError
from flowtui.admin.ids import new_name
from flowtui.config import LOCAL_PROJECT
from flowtui.domain.execution import TERMINAL_PHASES, EntityId, ExecutionId
from flowtui.errors import FlowError, FlowtuiError, NotFoundError, ServerError, UsageError
from flowtui.httpclient import httpx
from flowtui.local.app import create_app
from flowtui.local.home import Home
from flowtui.local.runner import locks
from flowtui.local.runner.domino_job import TASK_TYPE
from flowtui.local.runner.flow_file import FlowFile
from flowtui.local.runner.flow_sources import FlowSources, runner_database
from flowtui.local.runner.progress import ProgressLines
from flowtui.local.runner.registration import Flow, ensure_project, read_flow, register
from flowtui.local.runner.reporter import Listener, WorkflowPhase
from flowtui.local.runner.run import Outcome, Run
from flowtui.local.runner.services import Services
from flowtui.local.runner.task_cache import TaskCache
from flowtui.local.runner.uploaded_code import uploaded_flow
from flowtui.local.runner.workers import Workers

INTERRUPTED = 130
MAX_PARALLELISM = 4
LOCK_VARIABLE = "FLOWTUI_RUN_LOCK"
"""Environment variable with the descriptor of a lock that the starting process already holds for this one."""

_CAUSE = "Interrupted on the keyboard."
_BASE_URL = "http://flowtui.local"


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        exit_code: 0 for a success, 1 for a failure, 130 where it was interrupted or terminated.
        phase: flyteidl's name.
        error: the message of the error, whole; empty without one.
    """

    execution: ExecutionId
    exit_code: int
    phase: str
    error: str = ""


@dataclass
class RunOptions:
    """How a flow is run.

    Attributes:
        name: of the execution; made up where empty.
        max_parallelism: tasks that run at the same time.
        overwrite_cache: run cached tasks again and keep the new results.
        labels: of the execution.
        listener: is told of every step of every node.
        created: is told of the execution before its first node starts.
        warned: is told of each warning about the flow's artifacts, before that.
        workers: worker processes to use; own ones where None.
        signals: Ctrl+C and SIGTERM abort the run.
    """

    project: str = LOCAL_PROJECT
    domain: str = "development"
    name: str = ""
    max_parallelism: int = MAX_PARALLELISM
    overwrite_cache: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    listener: Listener | None = None
    created: Callable[[ExecutionId], None] | None = None
    warned: Callable[[str], None] | None = None
    workers: Workers | None = None
    signals: bool = True
    poll_interval: float = 0.5


@contextlib.asynccontextmanager
async def embedded_client(home: Home) -> AsyncIterator[AdminClient]:
    """A client of the embedded Flyte Admin in this process."""
    app = create_app(home)
    async with (
        app.router.lifespan_context(app),
        AdminClient(_BASE_URL, transport=httpx.ASGITransport(app=app), concurrency=32, name="this machine") as client,
    ):
        yield client


async def run_flow(
    home: Home, file: Path, workflow: str, inputs: Mapping[str, str | None], options: RunOptions | None = None
) -> RunResult:
    """Register the flows of a file and run one of them.

    Args:
        inputs: texts of the workflow's inputs by name; None for a flag without a value.

    Raises:
        UsageError: no such file, workflow or input, a text that cannot be its input, or a name that is taken
            or none.
        FlowError: the file does not load or compile.
        ServerError: the embedded Flyte Admin refuses the flow.
    """
    options = options or RunOptions()
    flow_file = FlowFile.of(file)
    async with _workers(options, flow_file) as workers, embedded_client(home) as client:
        flow = await read_flow(
            workers, home, flow_file, workflow, project=options.project, domain=options.domain, values=inputs
        )
        for warning in flow.said:
            if options.warned is not None:
                options.warned(warning)
        await ensure_project(client, options.project)
        target = await register(client, home, flow, options.project, options.domain)
        id_ = ExecutionId(options.project, options.domain, options.name or new_name())
        with locks.held(home, id_):
            async with _aborted_when_cancelled(client, id_):
                try:
                    await client.create_execution(_request(id_, target, flow, options))
                except ConflictError as error:
                    raise UsageError(f"There is a run {id_.name} already.", "Give it another name.") from error
                except BadRequestError as error:
                    raise UsageError(error.message, error.hint) from error
                return await _execute(home, client, workers, flow_file, id_, options)


async def run_execution(
    home: Home, id_: ExecutionId, options: RunOptions | None = None, *, lock: int | None = None
) -> RunResult:
    """Run an execution that exists: created, relaunched or recovered through the API.

    Args:
        lock: descriptor of its lock, held already.

    Raises:
        NotFoundError: there is no such execution, or its code is not known here.
        FlowError: another process runs it, or it has ended.
    """
    options = options or RunOptions()
    with locks.held(home, id_, lock):
        async with embedded_client(home) as client:
            execution = await client.get_execution(id_)
            phase = WorkflowPhase.Phase.Name(execution.closure.phase)
            if phase in TERMINAL_PHASES:
                raise FlowError(f"{id_} has ended already: {phase}.", "Re-run it to have a new execution.")
            workflow = execution.closure.workflow_id
            try:
                flow_file = await _flow_file(home, client, workflow)
                async with _workers(options, flow_file) as workers:
                    return await _execute(home, client, workers, flow_file, id_, options)
            except FlowtuiError as error:
                await _give_up(client, id_, error)
                raise


async def _flow_file(home: Home, client: AdminClient, workflow: identifier_pb2.Identifier) -> FlowFile:
    """The code of a workflow's version: as registered from here, else as uploaded; none where it is of jobs alone."""
    sources = FlowSources(home)
    if not sources.knows(workflow.project, workflow.domain, workflow.version):
        uploaded = await uploaded_flow(home, client, workflow)
        if uploaded is not None:
            return uploaded
        if await _is_of_jobs(client, workflow):
            return _no_code(home)
    return sources.find(workflow.project, workflow.domain, workflow.version)


async def _is_of_jobs(client: AdminClient, workflow: identifier_pb2.Identifier) -> bool:
    """Whether every task of a workflow is a job: a command, for which no Python of the flow is needed."""
    id_ = EntityId(workflow.project, workflow.domain, workflow.name, workflow.version)
    closure = (await client.get_workflow(id_)).closure.compiled_workflow
    return bool(closure.tasks) and all(task.template.type == TASK_TYPE for task in closure.tasks)


def _no_code(home: Home) -> FlowFile:
    """An empty flow file, in a folder of its own that is the working folder of the jobs."""
    path = home.path / "sources" / "jobs" / "jobs.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return FlowFile.of(path)


@contextlib.asynccontextmanager
async def _aborted_when_cancelled(client: AdminClient, id_: ExecutionId) -> AsyncIterator[None]:
    """Ctrl+C before the run listens for it must not leave an execution behind that waits for a runner for ever."""
    from flowtui.local.runner.reporter import Reporter, RunEndedError

    try:
        yield
    except asyncio.CancelledError:
        # Refused where it was not created yet, or has ended and said so.
        with contextlib.suppress(NotFoundError, ServerError, RunEndedError):
            await client.terminate(id_, _CAUSE)
            await Reporter(client, id_, lambda _: None).workflow(WorkflowPhase.ABORTED)
        raise


async def _give_up(client: AdminClient, id_: ExecutionId, error: FlowtuiError) -> None:
    """An execution that cannot be run must not look as if it were waiting."""
    from flowtui.local.runner.failures import system_error
    from flowtui.local.runner.reporter import Reporter, RunEndedError

    with contextlib.suppress(RunEndedError):
        reporter = Reporter(client, id_, lambda _: None)
        await reporter.workflow(WorkflowPhase.FAILED, error=system_error("LocalRunner", str(error)))


@contextlib.asynccontextmanager
async def _workers(options: RunOptions, flow: FlowFile) -> AsyncIterator[Workers]:
    if options.workers is not None:
        async with options.workers.attached():
            yield options.workers
        return
    workers = Workers(flow.preload())
    try:
        async with workers.attached():
            yield workers
    finally:
        workers.close()


def _request(
    id_: ExecutionId, target: identifier_pb2.Identifier, flow: Flow, options: RunOptions
) -> admin_execution_pb2.ExecutionCreateRequest:
    spec = admin_execution_pb2.ExecutionSpec(
        launch_plan=target,
        metadata=admin_execution_pb2.ExecutionMetadata(mode=admin_execution_pb2.ExecutionMetadata.MANUAL),
        overwrite_cache=options.overwrite_cache,
        max_parallelism=options.max_parallelism,
    )
    labels = common_pb2.Labels()
    labels.values.update(options.labels)
    spec.labels.CopyFrom(labels)
    return admin_execution_pb2.ExecutionCreateRequest(
        project=id_.project, domain=id_.domain, name=id_.name, spec=spec, inputs=flow.literals
    )


async def _execute(
    home: Home, client: AdminClient, workers: Workers, flow: FlowFile, id_: ExecutionId, options: RunOptions
) -> RunResult:
    if options.created is not None:
        options.created(id_)
    services = Services(
        home=home,
        client=client,
        workers=workers,
        flow=flow,
        slots=asyncio.Semaphore(max(1, options.max_parallelism)),
        cache=TaskCache(runner_database(home)),
        listener=options.listener or ProgressLines(),
        poll_interval=options.poll_interval,
    )
    run = Run(services, id_, await client.get_execution(id_))
    with _interruptible(run, workers, enabled=options.signals):
        try:
            outcome = await run.execute()
        except asyncio.CancelledError:
            if not run.interrupted:
                raise
            outcome = Outcome()
    return _result(id_, outcome)


def _result(id_: ExecutionId, outcome: Outcome) -> RunResult:
    if outcome.outputs is not None:
        return RunResult(id_, 0, "SUCCEEDED")
    if outcome.error is not None:
        return RunResult(id_, 1, "FAILED", outcome.error.message)
    return RunResult(id_, INTERRUPTED, "ABORTED")


@contextlib.contextmanager
def _interruptible(run: Run, workers: Workers, *, enabled: bool):  # type: ignore[no-untyped-def]
    """Ctrl+C aborts the run and records that; a second one ends the process at once."""
    if not enabled:
        yield
        return
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    pressed = 0

    def interrupt(number: int) -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 1:
            workers.close()
            os._exit(INTERRUPTED)
        cause = _CAUSE if number == signal.SIGINT else "The runner was asked to end."
        if task is not None:
            run.interrupt(cause, task)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt, number)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def launcher(home: Home) -> Callable[[ExecutionId], None]:
    """What ``create_app`` calls for a new execution: starts a process that runs it, if its code is known here.

    The lock of the execution is taken first and inherited by that process, so that the execution is at no time without
    a runner.
    """
    import subprocess
    import threading

    def launch(id_: ExecutionId) -> None:
        log = home.runs / f"{id_.project}-{id_.domain}-{id_.name}" / "runner.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with locks.handed_over(home, id_) as descriptor, log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "flowtui", "run", "--execution", str(id_), "--home", str(home.path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(descriptor,),
                env={**os.environ, LOCK_VARIABLE: str(descriptor)},
                start_new_session=True,
            )
        # Somebody has to take notice of its end, or it stays in the process table.
        threading.Thread(target=process.wait, daemon=True).start()

    return launch
