"""Carries out one export: brings its files into the target's stage, verifies, publishes and records."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Literal, TypeVar

from flowtui.errors import ExportError, FlowtuiError
from flowtui.exports.copying import Copier
from flowtui.exports.export_manifest import export_manifest
from flowtui.exports.journal import Journal
from flowtui.exports.pace import Pace, Progress
from flowtui.exports.plan import Plan
from flowtui.exports.records import ExportState
from flowtui.exports.targets.base import Notes, Publication, Stage, StageRequest, TargetOptions
from flowtui.exports.written import Failure, Written
from flowtui.storage import Storage
from flowtui.text import plain

Listener = Callable[[Progress], None]
"""Is told how far an export is, in the event loop, about ten times a second."""

_T = TypeVar("_T")

_TICK_SECONDS = 0.1
_JOURNAL_TICKS = 5
_NAMED_FAILURES = 3
_CHECKS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an export did.

    Attributes:
        written: files that are in the target now and were not before.
        same: paths of files that were there already.
        publication: where it is to be seen; None where nothing was to be done.
    """

    id: str
    written: tuple[Written, ...]
    same: tuple[str, ...]
    publication: Publication | None


async def run(
    plan: Plan,
    storage: Storage,
    listener: Listener | None = None,
    *,
    journal: Journal | None = None,
    options: TargetOptions | None = None,
    server: str = "",
    concurrency: int | None = None,
    retry_delay: float = 1.0,
) -> Outcome:
    """Carry out a plan from its beginning.

    Cancelling is safe: nothing is seen that is not whole, and with a journal the export is ``paused``.

    Args:
        journal: where the export is recorded, so that it can be resumed; without one only the stage knows of it.
        server: the endpoint that the runs are on, for the journal.
        concurrency: files that move at the same time; None for what suits the target.
        retry_delay: seconds before a file is tried again; doubled each time.

    Raises:
        ExportError: a file is in the way or cannot be read (nothing is written then), or some files failed.
    """
    check(plan)
    id_ = ""
    if journal is not None:
        id_ = await asyncio.to_thread(journal.add, plan, options or TargetOptions(), server=server)
    transfer = Transfer(id_, plan, storage, listener, journal=journal, concurrency=concurrency, retry_delay=retry_delay)
    return await transfer.run()


def check(plan: Plan) -> None:
    """Raises ExportError where a plan cannot be carried out as it is."""
    if plan.blocked:
        paths = ", ".join(plain(file.path) for file in plan.blocked[:_NAMED_FAILURES])
        raise ExportError(
            f"{len(plan.blocked):,} of {len(plan.files):,} files exist already: {paths}.",
            "Replace them or keep both, or choose another place.",
        )
    if plan.problems and not plan.target.in_place:
        named = " ".join(problem.message for problem in plan.problems[:_NAMED_FAILURES])
        raise ExportError(
            f"{len(plan.problems):,} of {len(plan.files) + len(plan.problems):,} files cannot be read: {named}",
            "Leave them out, or make them readable first. Nothing is written yet.",
        )


class Transfer:
    """One export on its way.

    Args:
        id_: of the journal; empty without one.
        plan: what is to be done; what the journal has as done is not done again.
        listener: is told how far it is.
    """

    def __init__(
        self,
        id_: str,
        plan: Plan,
        storage: Storage,
        listener: Listener | None = None,
        *,
        journal: Journal | None = None,
        concurrency: int | None = None,
        retry_delay: float = 1.0,
    ) -> None:
        self.id = id_
        # Without a journal nobody comes back to this export, but another one to its manifest.
        self._key = id_ or secrets.token_hex(4)
        self._plan = plan
        self._storage = storage
        self._listener = listener
        self._journal = journal
        self._concurrency = concurrency
        self._retry_delay = retry_delay
        self._pace = Pace(plan.bytes)
        self._state: ExportState = "planned"
        self._written: dict[str, Written] = {}
        self._failures: list[Failure] = []
        self._unrecorded: list[Written] = []
        self._unrecorded_failures: list[Failure] = []
        self._flushing = threading.Lock()
        self._lines: list[str] = []
        self._started_at = datetime.now(timezone.utc)
        self._task: asyncio.Task[Any] | None = None
        self._is_publishing = False
        self._is_new = False
        self._end: Literal["paused", "cancelled"] = "paused"

    @property
    def progress(self) -> Progress:
        """How far it is now."""
        speed = self._pace.look() if self._state == "running" else 0.0
        return Progress(
            self.id,
            self._state,
            files=len(self._plan.to_write),
            files_done=len(self._written),
            bytes=self._pace.total,
            bytes_done=self._pace.done,
            speed=speed,
            seconds_left=None if self._plan.unknown_sizes else self._pace.seconds_left(speed),
            path=self._pace.path,
        )

    def stop(self, end: Literal["paused", "cancelled"]) -> bool:
        """End the transfer early; a cancelled one leaves nothing in the target. False once it is being published."""
        if self._state in ("publishing", "done") or (end == "cancelled" and self._is_publishing):
            return False
        self._end = end
        if self._task is not None:
            self._task.cancel()
        return True

    async def run(self) -> Outcome:
        """Carry it out, from where it is. Raises as :func:`flowtui.exports.run`."""
        same = tuple(file.path for file in self._plan.files if file.action == "same")
        if not self._plan.to_write and not self._plan.problems:
            if self._journal is not None:
                await asyncio.to_thread(self._journal.finish, self.id, "done")
            self._tell("done")
            return Outcome(self.id, (), same, None)
        self._task = asyncio.current_task()
        async with AsyncExitStack() as stack:
            if self._journal is not None:
                await stack.enter_async_context(self._journal.claimed(self.id))
            try:
                publication = await self._carry_out(stack)
            except asyncio.CancelledError:
                if self._state != "done":
                    await self._finish(self._end)
                raise
            except FlowtuiError as error:
                await self._finish("failed", error=error)
                raise
        return Outcome(self.id, tuple(self._written.values()), same, publication)

    async def _carry_out(self, stack: AsyncExitStack) -> Publication:
        plan = self._plan
        request = StageRequest(self._key, tuple(file.staged for file in plan.to_write), plan.if_exists, self._notes())
        if self._journal is not None:
            record = await asyncio.to_thread(self._journal.get, self.id)
            self._is_publishing, self._is_new = record.is_publishing, record.state == "planned"
            await asyncio.to_thread(self._journal.begin, self.id)
        self._tell("running")
        stage = await plan.target.stage(request)
        stack.push_async_callback(stage.aclose)
        async with self._ticking():
            try:
                await self._take_up(stage)
                await self._all(stage)
            except asyncio.CancelledError:
                if self._end == "cancelled":
                    await _shielded(stage.discard())
                raise
            await _shielded(asyncio.to_thread(self._flush))
            if self._failures or plan.problems:
                if self._written and plan.target.in_place:
                    await stage.publish(self._manifest)
                raise self._failed()
            return await self._publish(stage)

    async def _publish(self, stage: Stage) -> Publication:
        if self._journal is not None:
            await asyncio.to_thread(self._journal.publishing, self.id)
        self._tell("publishing")
        # Names are given to the end, also while the person leaves: the half of them is what nobody should see.
        return await _shielded(self._give_names(stage))

    async def _give_names(self, stage: Stage) -> Publication:
        publication = await stage.publish(self._manifest)
        if self._journal is not None:
            await asyncio.to_thread(self._journal.finish, self.id, "done", publication=publication)
            await asyncio.to_thread(self._journal.tell, self.id, f"done: {publication.place}")
        self._tell("done")
        return publication

    async def _take_up(self, stage: Stage) -> None:
        """Believe the journal about files that are whole in the stage, after a look at each."""
        if self._journal is None or self._is_new:
            return
        records = await asyncio.to_thread(self._journal.files, self.id)
        staged = {one.path: one for one in records if one.state == "staged"}
        files = [file for file in self._plan.to_write if file.path in staged]
        gate = asyncio.Semaphore(_CHECKS_AT_ONCE)
        lost: list[str] = []

        async def look(path: str) -> None:
            record, file = staged[path], by_path[path]
            async with gate:
                if await stage.has(replace(file.staged, size=record.written)):
                    written = Written(file, record.written or 0, record.sha256, record.modified)
                    self._written[path] = written
                    self._pace.add(written.size, path)
                else:
                    lost.append(path)

        by_path = {file.path: file for file in files}
        await asyncio.gather(*(look(path) for path in by_path))
        if lost:
            await asyncio.to_thread(self._journal.unstaged, self.id, lost)
        if files:
            self._lines.append(f"taken up: {len(self._written):,} of {len(self._plan.to_write):,} files are there")

    async def _all(self, stage: Stage) -> None:
        def moved(file: Any, count: int) -> None:
            self._pace.add(count, file.path)

        with closing(Copier(stage, self._storage, moved, self._lines.append, retry_delay=self._retry_delay)) as copier:
            await self._bring(copier, stage)

    async def _bring(self, copier: Copier, stage: Stage) -> None:
        concurrency = self._concurrency or stage.files_at_once
        missing = [file for file in self._plan.to_write if file.path not in self._written]
        portions = deque(await copier.portions(missing))

        async def worker() -> None:
            while portions:
                for result in await copier.bring(portions.popleft()):
                    if isinstance(result, Written):
                        self._written[result.file.path] = result
                        self._unrecorded.append(result)
                    else:
                        self._failures.append(result)
                        self._unrecorded_failures.append(result)

        workers = [asyncio.create_task(worker()) for _ in range(min(concurrency, len(portions)))]
        try:
            await asyncio.gather(*workers)
        except BaseException as error:
            # A cancelled gather has cancelled its tasks; cancelling them twice would cut their cleaning up short.
            if not isinstance(error, asyncio.CancelledError):
                for one in workers:
                    one.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            raise

    @contextlib.asynccontextmanager
    async def _ticking(self) -> AsyncIterator[None]:
        ticker = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            ticker.cancel()
            await asyncio.gather(ticker, return_exceptions=True)
            await _shielded(asyncio.to_thread(self._flush))

    async def _tick(self) -> None:
        number = 0
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            number += 1
            self._tell(self._state)
            if self._journal is not None and number % _JOURNAL_TICKS == 0:
                asked = await asyncio.to_thread(self._record)
                if asked:
                    self.stop("paused" if asked == "pause" else "cancelled")

    def _record(self) -> str:
        assert self._journal is not None
        self._flush()
        return self._journal.advance(self.id, self._pace.done, self._pace.look())

    def _flush(self) -> None:
        """Write what is known now to the journal; called in a thread or at the end."""
        if self._journal is None:
            return
        with self._flushing:
            written, self._unrecorded = self._unrecorded, []
            failures, self._unrecorded_failures = self._unrecorded_failures, []
            lines, self._lines[:] = list(self._lines), []
            if written:
                self._journal.staged(self.id, [(one.file.path, one.size, one.sha256, one.modified) for one in written])
            if failures:
                self._journal.files_failed(self.id, [(one.file.path, one.error.message) for one in failures])
            for line in lines:
                self._journal.tell(self.id, line)

    async def _finish(self, state: ExportState, error: FlowtuiError | None = None) -> None:
        self._tell(state)
        if self._journal is not None:
            message = error.message if error else ""
            await _shielded(asyncio.to_thread(self._ended, state, message))

    def _ended(self, state: ExportState, message: str) -> None:
        assert self._journal is not None
        self._journal.advance(self.id, self._pace.done)
        self._journal.finish(self.id, state, error=message)
        self._journal.tell(self.id, f"{state}: {message}" if message else state)

    def _tell(self, state: ExportState) -> None:
        self._state = state
        if self._listener is not None:
            self._listener(self.progress)

    def _notes(self) -> Notes:
        return self._journal.notes(self.id) if self._journal is not None else _Memory()

    def _manifest(self, there: Mapping[str, Any]) -> bytes:
        return export_manifest(there, self._key, self._plan, self._written.values(), self._started_at)

    def _failed(self) -> ExportError:
        failures = [f"{plain(one.file.path)}: {one.error.message}" for one in self._failures]
        failures += [problem.message for problem in self._plan.problems]
        count, total = len(failures), len(self._plan.to_write) + len(self._plan.problems)
        named = "; ".join(failures[:_NAMED_FAILURES])
        more = f"; and {count - _NAMED_FAILURES:,} more" if count > _NAMED_FAILURES else ""
        hint = f"{len(self._written):,} files are written. The same command goes on with the rest."
        if self._journal is not None:
            hint = f"Nothing is published yet. `flowtui exports resume {self.id}` goes on with the rest."
        return ExportError(f"{count:,} of {total:,} files failed: {named}{more}", hint)


class _Memory:
    """Notes of an export without a journal."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def get(self, name: str) -> str:
        return self._values.get(name, "")

    def set(self, name: str, value: str) -> None:
        self._values[name] = value


async def _shielded(work: Awaitable[_T]) -> _T:
    """Await to the end, and only then let a cancellation through."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            # Looked at, or asyncio complains of an error that nobody has seen.
            task.exception()
        raise
