"""``flowtui export-artifacts REQUEST``: what a flow's export task runs, on a cluster as on this machine.

It waits in the run that it is in for the nodes that make the wanted files, and exports these.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowtui import words
from flowtui.catalog.export_wait import Pauses
from flowtui.domain.artifact import RunArtifacts
from flowtui.domain.export_request import ENCODED, MAX_BYTES, ExportRequest, ExportSpec, parse_request
from flowtui.domain.size import human_size
from flowtui.errors import ExportError, FlowtuiError, NotFoundError, UsageError
from flowtui.exports import ExportRecord, Plan, Selection, SourceRun, Target, make_plan, source_run
from flowtui.exports.records import RESUMABLE
from flowtui.headless.export import require_own_places, shape, show
from flowtui.headless.export_places import OPTIONS, dataset_of, place_of
from flowtui.headless.json import dumps
from flowtui.headless.style import Style
from flowtui.headless.transfers import carried_out
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.session import Session

RUN_VARIABLE = "FLOWTUI_RUN"
_FLYTE_VARIABLES = tuple(f"FLYTE_INTERNAL_EXECUTION_{part}" for part in ("PROJECT", "DOMAIN", "ID"))

_LOOKED_AT = 100
"""Newest exports of the journal among which one that was begun is looked for."""

_LOCAL_PAUSES = Pauses(first=0.1, longest=1.0)
"""The embedded Admin is next door: a look costs next to nothing."""


@dataclass(frozen=True)
class _Done:
    spec: ExportSpec
    plan: Plan
    record: ExportRecord


def prepare(options: Namespace, environ: Mapping[str, str] = os.environ) -> None:
    """Reads the request of the options and finds the run, before any server is spoken to.

    Raises:
        UsageError: the request is none, or nobody says which run it is.
        NotFoundError: the file of the request is not there.
    """
    options.request = parse_request(_text(options.request))
    options.run = options.run or run_of_environment(environ)


def datasets(options: Namespace) -> list[str]:
    """Ids of the datasets that a prepared request names, as the embedded Domino may have them."""
    return [dataset_of(spec) for spec in options.request.specs if spec.kind == "dataset"]


def run_of_environment(environ: Mapping[str, str]) -> str:
    """The run that this process is part of, as ``NAME``, ``PROJECT/DOMAIN/NAME`` or a URL.

    ``FLOWTUI_RUN`` says it, else the variables that Flyte's engine sets in the pods of its tasks.

    Raises:
        UsageError: none of them is set.
    """
    if named := environ.get(RUN_VARIABLE, "").strip():
        return named
    parts = [environ.get(name, "") for name in _FLYTE_VARIABLES]
    if all(parts):
        return "/".join(parts)
    raise UsageError(
        "Which run the artifacts are of is not known: this process is not in a task of Flyte.",
        f"Name it with --run, or set {RUN_VARIABLE} to PROJECT/DOMAIN/NAME.",
    )


def _text(argument: str) -> bytes:
    """The bytes of a request: it is the argument itself, or in a file, or on stdin."""
    if argument.startswith(ENCODED):
        return argument.encode(errors="replace")
    # In base64 it is longer by a third.
    most = MAX_BYTES * 2
    try:
        if argument == "-":
            return sys.stdin.buffer.read(most)
        with open(argument, "rb") as file:
            return file.read(most)
    except OSError as error:
        raise NotFoundError(
            f"The request {plain(argument)} cannot be read: {error.strerror}.", "Name a file, - or base64:..."
        ) from error
    except ValueError as error:
        raise UsageError(f"{plain(argument)} is no path of a request.", "Name a file, - or base64:...") from error


async def execute(session: Session, options: Namespace, style: Style) -> str:
    """Waits, then exports to every place that there is a way to.

    Args:
        options: ``request``, an ``ExportRequest``; ``run``, an ``ExecutionId``.

    Raises:
        NotFoundError: a wanted file is not declared, or is not made.
        ExportError: the run has failed, the time is over, or an export failed; the others are done then.
    """
    request: ExportRequest = options.request
    deadline = time.monotonic() + request.timeout if request.timeout else None
    places, failed = _places(session, options, style)
    if not places:
        raise _failure(failed, len(request.specs))
    artifacts = await session.catalog.awaited_artifacts(
        options.run,
        request,
        tell=style.tell,
        pauses=_LOCAL_PAUSES if session.settings.local else None,
        deadline=deadline,
    )
    source = source_run(artifacts.execution, await session.catalog.inputs(options.run))
    done = []
    for spec, target in places:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            exporting = _export(session, options, style, spec, target, artifacts, source)
            done.append(await asyncio.wait_for(exporting, left))
        except asyncio.TimeoutError:
            # What is written is kept, and a later try goes on with it.
            failed.append(
                (spec, ExportError(f"The export to {plain(target.text)} took more than {request.timeout:g} seconds."))
            )
        except FlowtuiError as error:
            failed.append((spec, error))
    if failed:
        for one in done:
            style.tell(_told(one))
        raise _failure(failed, len(request.specs))
    if style.json:
        return dumps([{"kind": one.spec.kind, **shape(one.plan, one.record, {})} for one in done])
    return "".join(f"{_told(one)}\n" for one in done)


_Failed = list[tuple[ExportSpec, FlowtuiError]]


def _places(session: Session, options: Namespace, style: Style) -> tuple[list[tuple[ExportSpec, Target]], _Failed]:
    """The targets of a request; what there is no way to is said at once, not after hours."""
    places: list[tuple[ExportSpec, Target]] = []
    failed: _Failed = []
    for spec in options.request.specs:
        try:
            places.append((spec, place_of(spec, session, options.run)))
        except FlowtuiError as error:
            style.tell(error.message)
            failed.append((spec, error))
    return places, failed


async def _export(
    session: Session,
    options: Namespace,
    style: Style,
    spec: ExportSpec,
    target: Target,
    artifacts: RunArtifacts,
    source: SourceRun,
) -> _Done:
    files = tuple(
        file
        for file in artifacts.files
        if any(wanted.matches(file.artifact, file.type, file.file) for wanted in spec.wanted)
    )
    plan = await make_plan([Selection(source, files)], target, session.storage, if_exists="replace")
    await require_own_places(plan, style, allow=options.allow_elsewhere)
    begun = await _begun(session, plan)
    record: ExportRecord | None
    if begun:
        style.tell(f"Going on with export {begun} of an earlier try.")
        record = await carried_out(session, await session.transfers.resume(begun), style)
    else:
        record = await show(session, plan, style, OPTIONS, dry_run=False)
    if record is None or record.state != "done":
        state = record.state if record is not None else "gone"
        raise ExportError(f"The export to {plain(target.text)} is {state}: somebody has stopped it.")
    return _Done(spec, plan, record)


async def _begun(session: Session, plan: Plan) -> str:
    """The id of an export of these very files that an earlier try of the task has begun, empty where there is none."""
    wanted = {(file.path, file.uri) for file in plan.files}
    executions = tuple(str(one.id) for one in plan.runs)
    for record in await asyncio.to_thread(session.journal.list, _LOOKED_AT):
        same = (record.target, record.executions, record.road, record.server) == (
            plan.target.text,
            executions,
            "here",
            session.settings.endpoint or "",
        )
        if same and record.state in RESUMABLE:
            earlier = await asyncio.to_thread(session.journal.plan, record.id, plan.target)
            if {(file.path, file.uri) for file in earlier.files} == wanted:
                return record.id
    return ""


def _failure(failed: _Failed, count: int) -> FlowtuiError:
    """What to say of the exports that failed: of one its own error, so that its exit code tells, too."""
    if len(failed) == 1 and count == 1:
        return failed[0][1]
    reasons = " ".join(error.message for _, error in failed)
    hints = " ".join(dict.fromkeys(error.hint for _, error in failed if error.hint))
    return ExportError(f"{len(failed):,} of {count:,} exports failed: {reasons}", hints)


def _told(done: _Done) -> str:
    there, new = words.count(len(done.plan.files), "file"), len(done.plan.to_write)
    place = done.record.place or done.plan.target.text
    return f"{there} in {plain(place)}, {new:,} of them written now, {human_size(done.plan.bytes)}"
