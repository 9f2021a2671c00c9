"""One attempt of a task: it gets a slot, runs in a process of its own, and its outputs or its error are read."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from flyteidl.core import dynamic_job_pb2, errors_pb2, literals_pb2, tasks_pb2

from flowtui.errors import NotFoundError, StorageError
from flowtui.local.runner import domino_job, export_task, uploaded_code
from flowtui.local.runner.failures import TIMEOUT, AttemptFailedError, from_document, system_error, user_error
from flowtui.local.runner.literals import literal_map, read_message
from flowtui.local.runner.names import Place
from flowtui.local.runner.reporter import TaskPhase

if TYPE_CHECKING:
    from flowtui.local.runner.level import Level
    from flowtui.local.runner.run import Run

Made: TypeAlias = literals_pb2.LiteralMap | dynamic_job_pb2.DynamicJobSpec

_PYTHON_COMMANDS = ("pyflyte-execute", "pyflyte-map-execute", "pyflyte-fast-execute")
_TAIL_BYTES = 2000
_ARRAY_VARIABLE = "FLYTE_K8S_ARRAY_INDEX"


class Attempt:
    """One attempt of one task.

    Attributes:
        number: of the attempt, from 0.
        name: its generated name, unique in the home.
        log: what it prints goes there.
    """

    def __init__(
        self,
        run: Run,
        place: Place,
        template: tasks_pb2.TaskTemplate,
        inputs: literals_pb2.LiteralMap,
        number: int,
        *,
        timeout: float = 0.0,
        item: int | None = None,
        level: Level | None = None,
    ) -> None:
        """An attempt that has not begun.

        Args:
            level: where its node is, for a task that waits for others.
            timeout: seconds that it may take; 0 for no limit.
            item: the index of an item of a mapped task; None for a plain task.
        """
        self.run = run
        self.place = place
        self.template = template
        self.inputs = inputs
        self.number = number
        self.timeout = timeout
        self.item = item
        self.level = level
        if item is None:
            self.name = run.layout.task_name(place, number)
            self.folder = place.attempt(number)
        else:
            self.name = f"{run.layout.task_name(place, 0)}-n{item}-{number}"
            self.folder = place.attempt(0) / str(item) / str(number)
        self.raw = run.layout.raw(self.name)
        work = run.services.home.runs / f"{run.id.project}-{run.id.domain}-{run.id.name}"
        self.work = work / self.name.removeprefix(f"{run.id.name}-")
        self.log = self.work / "output.log"

    @property
    def checkpoint(self) -> str:
        return str(self.raw / "_flytecheckpoints")

    @property
    def deck(self) -> Path | None:
        deck = self.folder / "deck.html"
        return deck if deck.exists() else None

    async def report(self, phase: int, **details: object) -> None:
        """Report a phase of this attempt."""
        log = self.log if self.log.exists() else None
        await self.run.reporter.task(
            self.place,
            self.template.id,
            self.number,
            phase,
            task_type=self.template.type,
            generated_name=self.name,
            log=log,
            **details,  # type: ignore[arg-type]
        )

    async def report_failure(self, failed: AttemptFailedError) -> None:
        """Report that the attempt has failed, or that it was stopped."""
        if failed.aborted:
            await self.report(TaskPhase.ABORTED)
        else:
            await self.report(TaskPhase.FAILED, error=failed.error)

    async def execute(self, on_start: Callable[[], Awaitable[None]] | None = None) -> Made:
        """Run the attempt with its phases up to RUNNING; the caller reports how it ended.

        Args:
            on_start: awaited when the task has got its slot.

        Returns:
            The outputs, or what a dynamic task made.

        Raises:
            AttemptFailedError: it has failed.
            asyncio.CancelledError: it was stopped; that is reported.
        """
        started = False
        try:
            if export_task.is_export(self.template):
                # It waits for others and must not take the slot of one that it waits for.
                return await self._begin(on_start, self._run)
            async with self.run.services.slots:
                started = True
                return await self._begin(on_start, self._run)
        except asyncio.CancelledError:
            if started or export_task.is_export(self.template):
                await self.report(TaskPhase.ABORTED)
            raise

    async def _begin(self, on_start: Callable[[], Awaitable[None]] | None, work: Callable[[], Awaitable[Made]]) -> Made:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        await self.report(TaskPhase.QUEUED, reason="task submitted to the local runner")
        if on_start is not None:
            await on_start()
        self.log.touch(mode=0o600)
        await self.report(TaskPhase.RUNNING, phase_version=1)
        return await self.run_limited(work)

    async def run_limited(self, work: Callable[[], Awaitable[Made]]) -> Made:
        """Await the work, for no longer than the timeout allows.

        Raises:
            AttemptFailedError: the time is over.
        """
        if not self.timeout:
            return await work()
        try:
            return await asyncio.wait_for(work(), self.timeout)
        except asyncio.TimeoutError as error:
            told = f"task execution timeout [{self.timeout:g}s] expired"
            raise AttemptFailedError(user_error(TIMEOUT, told), recoverable=True, aborted=True) from error

    async def _run(self) -> Made:
        if export_task.is_export(self.template):
            return await export_task.execute(self)
        if self.template.type == domino_job.TASK_TYPE:
            return await domino_job.execute(self)
        if self.template.type == "echo":
            return self._echo()
        return await self.run_python()

    def _echo(self) -> literals_pb2.LiteralMap:
        inputs = sorted(self.template.interface.inputs.variables)
        outputs = sorted(self.template.interface.outputs.variables)
        return literal_map({out: self.inputs.literals[name] for name, out in zip(inputs, outputs, strict=True)})

    async def run_python(self) -> Made:
        """Run a task of flytekit in a process of its own, with the arguments of its container.

        Raises:
            AttemptFailedError: it has failed.
        """
        arguments = list(self.template.container.args)
        if not arguments or arguments[0] not in _PYTHON_COMMANDS:
            kind = "container" if self.template.HasField("container") else self.template.type
            told = f"A task of type {kind} runs on a Flyte cluster only: there is no Python in it to run here."
            raise AttemptFailedError(user_error("TaskNotSupported", told), recoverable=False)
        if getattr(self.template.metadata, "is_eager", False):
            told = "An eager workflow runs on a Flyte cluster only."
            raise AttemptFailedError(user_error("TaskNotSupported", told), recoverable=False)
        root = self.run.services.flow.root
        if archive := uploaded_code.archive_of(arguments):
            try:
                root = await asyncio.to_thread(uploaded_code.unpacked, self.run.services.home, archive)
            except (NotFoundError, StorageError) as error:
                raise AttemptFailedError(user_error("CodeNotFound", error.message), recoverable=False) from error
        scratch = Path(tempfile.mkdtemp(prefix="flowtui-"))
        try:
            status = await self.run.services.workers.run(
                "flowtui.local.runner.worker:execute",
                {"args": self._fill(arguments), "root": str(root)},
                log=self.log,
                env={**self.environment(), "TMPDIR": str(scratch)},
                cwd=self.run.services.flow.folder,
            )
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return self.read_result(status)

    def _fill(self, arguments: list[str]) -> list[str]:
        previous = str(self.run.layout.raw(self._previous) / "_flytecheckpoints") if self.number else ""
        values = {
            "{{.input}}": str(self.place.inputs),
            "{{.outputPrefix}}": str(self.folder),
            "{{.rawOutputDataPrefix}}": str(self.raw),
            "{{.checkpointOutputPrefix}}": self.checkpoint,
            "{{.prevCheckpointPrefix}}": previous or '""',
        }
        return [values.get(argument, argument) for argument in arguments]

    @property
    def _previous(self) -> str:
        return f"{self.name.rpartition('-')[0]}-{self.number - 1}"

    def environment(self) -> dict[str, str]:
        """Variables that Flyte sets for a task, those of the task itself, and those of the execution."""
        own = {pair.key: pair.value for pair in self.template.container.env}
        given = {pair.key: pair.value for pair in self.run.spec.envs.values}
        task = self.template.id
        flyte = {
            "FLYTE_INTERNAL_EXECUTION_ID": self.run.id.name,
            "FLYTE_INTERNAL_EXECUTION_PROJECT": self.run.id.project,
            "FLYTE_INTERNAL_EXECUTION_DOMAIN": self.run.id.domain,
            "FLYTE_INTERNAL_EXECUTION_WORKFLOW": (
                f"{self.run.id.project}:{self.run.id.domain}:{self.run.workflow_id.name}"
            ),
            "FLYTE_INTERNAL_EXECUTION_LAUNCHPLAN": (
                f"{self.run.id.project}:{self.run.id.domain}:{self.run.spec.launch_plan.name}"
            ),
            "FLYTE_INTERNAL_TASK_PROJECT": task.project,
            "FLYTE_INTERNAL_TASK_DOMAIN": task.domain,
            "FLYTE_INTERNAL_TASK_NAME": task.name,
            "FLYTE_INTERNAL_TASK_VERSION": task.version,
            "FLYTE_ATTEMPT_NUMBER": str(self.number),
        }
        if self.item is not None:
            flyte["BATCH_JOB_ARRAY_INDEX_VAR_NAME"] = _ARRAY_VARIABLE
            flyte[_ARRAY_VARIABLE] = str(self.item)
        return {**own, **given, **flyte}

    def read_result(self, status: int) -> Made:
        """What the attempt left in its folder.

        Args:
            status: the exit code of its process, or minus the signal that ended it.

        Raises:
            AttemptFailedError: an error, or nothing at all.
        """
        error = self.folder / "error.pb"
        if error.exists():
            raise from_document(read_message(error, errors_pb2.ErrorDocument))
        futures = self.folder / "futures.pb"
        if futures.exists():
            return read_message(futures, dynamic_job_pb2.DynamicJobSpec)
        outputs = self.folder / "outputs.pb"
        if outputs.exists() and status == 0:
            return read_message(outputs, literals_pb2.LiteralMap)
        told = f"The process of the task {how_it_ended(status)} and left no result.{self.tail()}"
        raise AttemptFailedError(system_error("NonZeroExit" if status else "OutputsNotFound", told), recoverable=True)

    def tail(self) -> str:
        """The end of what the attempt printed, for an error message."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
                text = file.read().decode(errors="replace").strip()
        except OSError:
            return ""
        return f"\n{text}" if text else ""


def how_it_ended(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"ended with exit code {status}"
    import signal

    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"was killed by {name}"
