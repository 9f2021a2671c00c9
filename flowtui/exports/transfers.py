"""The exports that this process carries out in the background."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Literal

from flowtui.errors import ExportError, FlowtuiError, UsageError
from flowtui.exports.journal import Journal
from flowtui.exports.pace import Progress
from flowtui.exports.plan import Plan
from flowtui.exports.records import RESUMABLE, ExportRecord
from flowtui.exports.roads.base import RemoteWork, Road
from flowtui.exports.roads.following import REMOTE, Follower
from flowtui.exports.targets.base import StageRequest, TargetAccess, TargetOptions
from flowtui.exports.targets.registry import parse_target
from flowtui.exports.transfer import Transfer, check
from flowtui.permission import EVERYTHING, Permission
from flowtui.storage import Storage
from flowtui.text import plain

_AT_ONCE = 2


def _no_road(name: str) -> Road:
    raise UsageError(f"{plain(name)!r} is no road for an export.", "Exports are carried out here.")


class Transfers:
    """Exports in the background of the running event loop, some at a time, the others waiting for their turn.

    Args:
        server: the endpoint whose runs are exported here; empty for the embedded Admin.
        at_once: exports that move bytes at the same time.
        retry_delay: seconds before a file is tried again.
        permission: whether anything may be written.
        roads: gives the road of a name, which carries exports out elsewhere; raises UsageError for another name.
    """

    def __init__(
        self,
        journal: Journal,
        storage: Storage,
        access: TargetAccess,
        *,
        server: str = "",
        at_once: int = _AT_ONCE,
        retry_delay: float = 1.0,
        permission: Permission = EVERYTHING,
        roads: Callable[[str], Road] = _no_road,
    ) -> None:
        self._roads = roads
        self._permission = permission
        self._journal = journal
        self._storage = storage
        self._access = access
        self._server = server
        self._gate = asyncio.Semaphore(at_once)
        self._retry_delay = retry_delay
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._transfers: dict[str, Transfer] = {}
        self._progress: dict[str, Progress] = {}
        self._errors: dict[str, FlowtuiError] = {}
        self._listeners: list[Callable[[str], None]] = []

    async def start(self, plan: Plan, options: TargetOptions) -> str:
        """Begin an export; it goes on in the background. Its id.

        Raises ExportError where the plan cannot be carried out.
        """
        self._permission.require("nothing is exported")
        check(plan)
        id_ = await asyncio.to_thread(self._journal.add, plan, options, server=self._server)
        self._begin(id_, plan)
        return id_

    async def resume(self, id_: str) -> str:
        """Go on with an export that is not at its end; a cancelled one begins again. Its whole id.

        Raises ExportError where it cannot be, NotFoundError where there is none.
        """
        self._permission.require("no export goes on")
        record = await asyncio.to_thread(self._journal.get, id_)
        if record.id in self._tasks:
            return record.id
        if record.road != "here":
            return await self._resume_remote(record)
        if record.state == "cancelled":
            await asyncio.to_thread(self._journal.restart, record.id)
        elif record.state not in RESUMABLE:
            raise ExportError(f"Export {record.id} is {record.state}.", "There is nothing to resume.")
        self._check_server(record)
        target = parse_target(record.target, record.options, self._access)
        plan = await asyncio.to_thread(self._journal.plan, record.id, target)
        if record.files and not plan.files:
            raise ExportError(f"An older flowtui recorded export {record.id} without its files.", "Export them anew.")
        self._begin(record.id, plan)
        return record.id

    async def start_remote(self, road: Road, plan: Plan, options: TargetOptions, work: RemoteWork) -> str:
        """Have an export carried out elsewhere; it is followed here while this session lasts. Its id.

        Raises ExportError where the plan cannot be carried out, and what the road raises.
        """
        self._permission.require("nothing is exported")
        check(plan)
        id_ = await asyncio.to_thread(self._journal.add, plan, options, road=road.name, server=self._server)
        try:
            remote = await road.start(work)
        except FlowtuiError as error:
            await asyncio.to_thread(self._journal.finish, id_, "failed", error=error.message)
            raise
        await asyncio.to_thread(self._journal.notes(id_).set, REMOTE, remote)
        await asyncio.to_thread(self._journal.tell, id_, f"started {remote}: {work.title}")
        await asyncio.to_thread(self._journal.begin, id_)
        self._follow(id_, road)
        return id_

    async def follow_elsewhere(self) -> None:
        """Follow the exports that are carried out elsewhere and that nobody follows here, each to its end."""
        for record in await self._elsewhere():
            self._follow(record.id, self._roads(record.road))

    async def look_elsewhere(self) -> None:
        """Look once at the exports that are carried out elsewhere; what gives no answer stays as it is recorded."""
        for record in await self._elsewhere():
            with contextlib.suppress(FlowtuiError):
                await self._follower(record.id, self._roads(record.road)).look()

    async def _elsewhere(self) -> list[ExportRecord]:
        records = await asyncio.to_thread(self._journal.list)
        return [
            one
            for one in records
            if one.road != "here"
            and one.state == "running"
            and one.server == self._server
            and one.id not in self._tasks
            # What could not be followed is not tried again at every look.
            and one.id not in self._errors
        ]

    async def _resume_remote(self, record: ExportRecord) -> str:
        if record.state != "running":
            raise ExportError(
                f"Export {record.id} was carried out elsewhere ({record.road}) and is {record.state}.",
                "Start it anew: what is there already is not written again.",
            )
        self._check_server(record)
        self._follow(record.id, self._roads(record.road))
        return record.id

    def _check_server(self, record: ExportRecord) -> None:
        if record.server != self._server:
            raise ExportError(
                f"Export {record.id} is of runs on {plain(record.server) or 'this machine'}.",
                "Go on with it on the same server: --endpoint, --context or --local.",
            )

    def _follower(self, id_: str, road: Road) -> Follower:
        return Follower(id_, road, self._journal, lambda: self._tell(id_))

    def _follow(self, id_: str, road: Road) -> None:
        """Keep the journal's record of an export elsewhere up to date until its end."""
        task = asyncio.create_task(self._followed(self._follower(id_, road)))
        self._tasks[id_] = task
        task.add_done_callback(lambda _: self._ended(id_))
        self._tell(id_)

    async def _followed(self, follower: Follower) -> None:
        try:
            await follower.run()
        except FlowtuiError as error:
            self._errors[follower.id] = error

    async def pause(self, id_: str) -> None:
        """Stop an export for now, also one of another process; what is in the stage stays."""
        await self._stop(id_, "paused")

    async def cancel(self, id_: str) -> None:
        """Stop an export for good and remove what it has not published; nothing of it is seen in the target."""
        self._permission.require("no export is cancelled")
        await self._stop(id_, "cancelled")

    def progress(self, id_: str) -> Progress | None:
        """How far an export of this process is; None for another."""
        return self._progress.get(id_)

    @property
    def active(self) -> tuple[Progress, ...]:
        """The exports of this process that are not at their end."""
        return tuple(self._progress[id_] for id_ in self._tasks if id_ in self._progress)

    async def wait(self, id_: str) -> ExportRecord:
        """Wait for an export of this process; what the journal has of it then.

        Raises the error that it failed with.
        """
        task = self._tasks.get(id_)
        if task is not None:
            await asyncio.wait([task])
        error = self._errors.get(id_)
        if error is not None:
            raise error
        return await asyncio.to_thread(self._journal.get, id_)

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Have a function told the id of every export that moves or changes its state; what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def aclose(self) -> None:
        """Pause what runs, and wait until it has stopped."""
        for id_, task in list(self._tasks.items()):
            # What is carried out elsewhere goes on there.
            transfer = self._transfers.get(id_)
            if transfer is None or not transfer.stop("paused"):
                task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    def _begin(self, id_: str, plan: Plan) -> None:
        self._errors.pop(id_, None)
        self._progress[id_] = Progress(id_, "planned", len(plan.to_write), 0, plan.bytes, 0)
        task = asyncio.create_task(self._carry_out(id_, plan))
        self._tasks[id_] = task
        task.add_done_callback(lambda _: self._ended(id_))
        self._tell(id_)

    async def _carry_out(self, id_: str, plan: Plan) -> None:
        def listener(progress: Progress) -> None:
            self._progress[id_] = progress
            self._tell(id_)

        async with self._gate:
            transfer = Transfer(
                id_, plan, self._storage, listener, journal=self._journal, retry_delay=self._retry_delay
            )
            self._transfers[id_] = transfer
            try:
                await transfer.run()
            except FlowtuiError as error:
                self._errors[id_] = error

    def _ended(self, id_: str) -> None:
        self._tasks.pop(id_, None)
        self._transfers.pop(id_, None)
        self._progress.pop(id_, None)
        self._tell(id_)

    async def _stop(self, id_: str, end: Literal["paused", "cancelled"]) -> None:
        record = await asyncio.to_thread(self._journal.get, id_)
        if record.road != "here" and record.state == "running":
            await self._stop_remote(record, end)
            return
        task, transfer = self._tasks.get(record.id), self._transfers.get(record.id)
        if task is not None:
            if transfer is not None and transfer.stop(end):
                await asyncio.wait([task])
            elif transfer is None:
                task.cancel()
                await asyncio.wait([task])
                await self._settle(record, end)
            return
        if record.state in ("running", "publishing"):
            await asyncio.to_thread(self._journal.ask, record.id, "pause" if end == "paused" else "cancel")
            return
        await self._settle(record, end)

    async def _stop_remote(self, record: ExportRecord, end: Literal["paused", "cancelled"]) -> None:
        if end == "paused":
            raise ExportError(
                f"Export {record.id} is carried out elsewhere ({record.road}) and cannot be paused.", "Cancel it."
            )
        self._check_server(record)
        remote = await asyncio.to_thread(self._journal.notes(record.id).get, REMOTE)
        await self._roads(record.road).stop(remote)
        if record.id not in self._tasks:
            await self._follower(record.id, self._roads(record.road)).look()

    async def _settle(self, record: ExportRecord, end: Literal["paused", "cancelled"]) -> None:
        """Pause or cancel an export that nobody carries out now."""
        if record.state in ("done", "cancelled"):
            raise ExportError(f"Export {record.id} is {record.state}.", "There is nothing to stop.")
        if end == "cancelled" and record.is_publishing:
            raise ExportError(
                f"Export {record.id} was cut short while its files got their names.", "Resume it: half of it is seen."
            )
        if end == "cancelled" and record.road == "here":
            await self._discard(record)
        await asyncio.to_thread(self._journal.finish, record.id, end, error=record.error if end == "paused" else "")
        self._tell(record.id)

    async def _discard(self, record: ExportRecord) -> None:
        target = parse_target(record.target, record.options, self._access)
        plan = await asyncio.to_thread(self._journal.plan, record.id, target)
        notes = self._journal.notes(record.id)
        async with self._journal.claimed(record.id):
            files = tuple(file.staged for file in plan.to_write)
            stage = await target.stage(StageRequest(record.id, files, plan.if_exists, notes))
            try:
                await stage.discard()
            finally:
                await stage.aclose()

    def _tell(self, id_: str) -> None:
        for listener in list(self._listeners):
            listener(id_)
