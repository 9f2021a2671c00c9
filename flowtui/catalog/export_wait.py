"""Waiting inside a run for the files that an export wants: few calls, with a pause that grows while nothing changes.

Each look asks for the execution, its top-level nodes and the children of the parents that still run; nothing that had
ended at an earlier look is asked for again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flowtui.admin.failures import RETRIED_STATUSES, TooLargeError
from flowtui.catalog import convert, join
from flowtui.catalog.awaited import Awaited, FileAt, awaited
from flowtui.catalog.fetch import Fetcher
from flowtui.catalog.fetched import FetchedRun
from flowtui.catalog.run_nodes import RunNode
from flowtui.catalog.walk import Walk
from flowtui.domain.execution import ExecutionId, NodeId
from flowtui.domain.export_request import ExportRequest
from flowtui.errors import ExportError, NotFoundError, ServerError, UnreachableError
from flowtui.text import cut, first_line, plain
from flowtui.words import error_line

FAILED_PHASES = frozenset({"FAILING", "FAILED", "TIMED_OUT", "ABORTING", "ABORTED"})
"""Phases of a run in which no export of it begins any more."""

_NAMED = 5
"""Files or nodes that a message names."""

_LINE = 400
"""Characters of an error that a message holds."""

_GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds between two looks at a run.

    Attributes:
        first: after the first look, and after one that has seen a change.
        longest: what it grows to while nothing changes.
        unreachable: how long a server that does not answer is asked again.
    """

    first: float = 1.0
    longest: float = 15.0
    unreachable: float = 600.0


class ExportWait:
    """Waits in one run for what one export wants.

    Args:
        tell: is told in a line what is waited for, whenever that changes.
        deadline: of ``time.monotonic()``; None for none.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        id_: ExecutionId,
        request: ExportRequest,
        *,
        tell: Callable[[str], None],
        pauses: Pauses,
        deadline: float | None,
    ) -> None:
        self._fetcher = fetcher
        self._id = id_
        self._request = request
        self._tell = tell
        self._pauses = pauses
        self._deadline = deadline
        self._walk: Walk | None = None
        self._silent_since: float | None = None

    async def until_made(self) -> FetchedRun:
        """Wait until every node that makes wanted files has ended well; the run as it is then.

        Raises:
            NotFoundError: there is no such run, it does not declare what is wanted, or the node of a file has failed.
            ExportError: the run has failed or was aborted, a file is made after the export only, or the time is over.
            ServerError: the server says no, or does not answer for too long.
        """
        pause, said = self._pauses.first, ""
        state = Awaited()
        while True:
            run = await self._look()
            if run is not None:
                state = await self._examined(run)
                if state.is_over:
                    return run
                now = _waiting_for(state)
                if now != said:
                    self._tell(now)
                    pause, said = self._pauses.first, now
            left = pause if self._deadline is None else self._deadline - time.monotonic()
            if left <= 0:
                raise _too_late(state, self._request.timeout)
            await asyncio.sleep(min(pause, left))
            pause = min(pause * _GROWTH, self._pauses.longest)

    async def _look(self) -> FetchedRun | None:
        """The run as it is now; None where the server does not answer for the moment."""
        walk = self._fetcher.walk(self._id, self._walk)
        try:
            run = await self._fetcher.run(self._id, walk)
        except ServerError as error:
            if isinstance(error, TooLargeError) or not _is_passing(error):
                raise
            now = time.monotonic()
            if self._silent_since is None:
                self._silent_since = now
                self._tell(f"{first_line(error.message)} It is asked again.")
            if now - self._silent_since >= self._pauses.unreachable:
                raise
            return None
        self._walk, self._silent_since = walk, None
        return run

    async def _examined(self, run: FetchedRun) -> Awaited:
        phase = convert.execution_phase(run.message)
        if run.tree.fetched.workflow is None:
            raise ExportError(
                f"What {plain(self._id.name)} declares is not known, so nobody can wait for it.",
                first_line(run.notices[0]) if run.notices else "",
            )
        state = awaited(join.plan(run.tree), self._request, phase)
        if state.lost:
            raise NotFoundError(
                f"{_count(state.lost)} of this run cannot be exported: {await self._reasons(state.lost)}",
                "Repair the flow, and run or recover it.",
            )
        if phase in FAILED_PHASES:
            raise ExportError(
                f"The run {plain(self._id.name)} is {phase}: {_why(run)}", "What it has made can be exported by hand."
            )
        if state.later:
            raise ExportError(
                f"{_listed(state.later)} is made after this export only, which waits for nothing that comes after it.",
                "Let no producer of its files depend on the export.",
            )
        missing = [wanted for wanted in self._request.wanted if wanted not in state.declared]
        if missing and not state.open:
            names = ", ".join(f"{plain(one.text)} ({plain(one.type)})" for one in missing[:_NAMED])
            raise NotFoundError(
                f"This run declares no file of {names}.", "Declare it in the workflow whose task exports it."
            )
        return state

    async def _reasons(self, lost: Iterable[FileAt]) -> str:
        by_node: dict[str, list[FileAt]] = {}
        for file in lost:
            by_node.setdefault(file.node.id, []).append(file)
        told = [f"{_listed(files)}: {await self.reason(files[0].node)}" for files in list(by_node.values())[:_NAMED]]
        return " ".join(told)

    async def reason(self, node: RunNode) -> str:
        """Why a node has no outputs: its phase and the line of its error that says most."""
        up: RunNode | None = node
        phase = node.phase
        while up is not None:
            if up.row is not None and up.row.closure.error.message:
                whole = await self._fetcher.node(NodeId(self._id, up.id), final=False)
                message = str(whole.closure.error.message or up.row.closure.error.message)
                return f"{up.phase}: {_line(message)}"
            phase = phase or up.phase
            up = up.parent
        return f"{phase or 'not run'}."


def _line(message: str) -> str:
    return cut(error_line(message) or first_line(message), _LINE)


def _is_passing(error: ServerError) -> bool:
    return isinstance(error, UnreachableError) or error.status in RETRIED_STATUSES


def _why(run: FetchedRun) -> str:
    execution = convert.execution(run.message)
    if execution.error is not None and execution.error.message:
        return _line(execution.error.message)
    if execution.abort_cause:
        return _line(execution.abort_cause)
    return "no reason is given."


def _waiting_for(state: Awaited) -> str:
    named = [_node(node) for node in state.nodes]
    more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
    return f"Waiting for {', '.join(named[:_NAMED])}{more}."


def _too_late(state: Awaited, timeout: float) -> ExportError:
    still = ", ".join(f"{_node(node)} is {node.phase or 'not begun'}" for node in state.nodes[:_NAMED])
    files = f"{_listed(state.pending)} " if state.pending else "What it waits for "
    return ExportError(
        f"{files}is not there after {timeout:g} seconds: {still or 'the server has not answered'}.",
        "Give run_launch_export_artifacts_task a timeout that is longer than the flow takes.",
    )


def _node(node: RunNode) -> str:
    return plain(node.id) if node.name in ("", node.id) else f"{plain(node.id)} ({plain(node.name)})"


def _listed(files: Iterable[FileAt]) -> str:
    found = list(dict.fromkeys(f"{plain(file.wanted.text)} of node {_node(file.node)}" for file in files))
    more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more


def _count(files: Iterable[FileAt]) -> str:
    number = len({file.wanted for file in files})
    return f"{number:,} {'file' if number == 1 else 'files'}"
