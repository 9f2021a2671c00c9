"""``flowtui export RUN ARTIFACT... --to TARGET``: copy artifacts to a place, recorded and resumable."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from flowtui import words
from flowtui.domain.artifact import RunArtifacts
from flowtui.domain.execution import ExecutionId
from flowtui.domain.size import human_size
from flowtui.errors import ExportError, NotFoundError, UsageError
from flowtui.exports import (
    ExportRecord,
    Plan,
    PlannedFile,
    Selection,
    SourceRun,
    TargetOptions,
    make_plan,
    parse_target,
    source_run,
)
from flowtui.exports.encoded_selection import decoded_selection, selected
from flowtui.exports.roads import Road
from flowtui.exports.roads.base import remote_work
from flowtui.headless.json import dumps
from flowtui.headless.select import select
from flowtui.headless.style import Style
from flowtui.headless.table import Column, table
from flowtui.headless.transfers import carried_out
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.session import Session

_NAMED = 3
"""Files that an error names."""

COLUMNS = (
    Column("file", least=16),
    Column("size", leaves=1, right=True),
    Column("what", leaves=2),
    Column("note", leaves=3, least=12),
)
"""Of the files of a plan."""


async def execute(session: Session, options: Namespace, style: Style) -> str:
    """Exports what the selectors name, or with ``dry_run`` says what would be done.

    Args:
        options: ``run``, an ``ExecutionId``; ``selectors``, ``type``, ``node``; ``more``, lists of a run and its
            selectors; ``to`` and the fields of ``TargetOptions``; ``if_exists``; ``dry_run``; ``leave_out``.
    """
    target_options = TargetOptions(
        layout=options.layout,
        folder=options.folder,
        snapshot=options.snapshot,
        tag=options.tag,
        create=options.create,
        project=options.dataset_project,
    )
    target = parse_target(options.to, target_options, session.target_access)
    selections = await _selections(session, options)
    plan = await make_plan(
        selections, target, session.storage, if_exists=options.if_exists, folder=target_options.folder
    )
    if options.leave_out:
        plan = without_problems(plan)
    if not options.dry_run:
        await require_own_places(plan, style, allow=options.allow_elsewhere, ask=not options.yes)
    record = await show(session, plan, style, target_options, dry_run=options.dry_run, via=_via(session, options))
    if style.json:
        return dumps(shape(plan, record, await _sums(session, record)))
    planned = "blocked" if plan.blocked else words.count(len(plan.to_write), "file") + " to write"
    done = f"{words.count(len(plan.to_write), 'file')} written" if record else planned
    place = record.place if record and record.place else plan.target.text
    style.tell(f"{done}, {human_size(plan.bytes)}, {place}")
    return table(COLUMNS, [row(file) for file in plan.files], style)


async def require_own_places(plan: Plan, style: Style, *, allow: bool, ask: bool = False) -> None:
    """Let a plan pass whose files lie where runs of the server keep theirs: a run may name any place of others.

    Args:
        allow: let others pass too.
        ask: ask the person about them, where one sits at the terminal.

    Raises:
        ExportError: there are others; nothing is written.
    """
    if allow or not plan.elsewhere:
        return
    named = ", ".join(f"{plain(file.path)} ({plain(file.uri)})" for file in plan.elsewhere[:_NAMED])
    more = f" and {len(plan.elsewhere) - _NAMED:,} more" if len(plan.elsewhere) > _NAMED else ""
    said = f"{words.count(len(plan.elsewhere), 'file')} from elsewhere, where no runs of this server keep theirs"
    if ask and not style.json and sys.stdin.isatty() and sys.stderr.isatty():
        sys.stderr.write(f"{said}: {named}{more}.\nExport them all the same? [y/N] ")
        sys.stderr.flush()
        if (await asyncio.to_thread(sys.stdin.readline)).strip().lower() in ("y", "yes"):
            return
    raise ExportError(
        f"{said}: {named}{more}. Nothing is written.",
        "--allow-elsewhere exports them all the same; [storage] buckets in flowtui's file names buckets of the runs.",
    )


def without_problems(plan: Plan) -> Plan:
    """The plan without the files that cannot be read; notices say which."""
    left = tuple(f"left out: {problem.message}" for problem in plan.problems)
    return replace(plan, problems=(), notices=(*plan.notices, *left))


async def show(
    session: Session, plan: Plan, style: Style, options: TargetOptions, *, dry_run: bool, via: _Via | None = None
) -> ExportRecord | None:
    """Tells what is particular about a plan and carries it out; what the journal has of it then.

    Args:
        via: who else carries it out; None for this process.

    Raises:
        NotFoundError: none of the files exists.
        ExportError: files are in the way, or cannot be read, or some failed.
    """
    if not plan.files and not plan.problems:
        raise NotFoundError("None of these files exists.", "; ".join(plan.notices))
    for line in (*plan.notices, *(problem.message for problem in plan.problems)):
        style.tell(line)
    if dry_run:
        return None
    if via is None or not plan.to_write:
        return await carried_out(session, await session.transfers.start(plan, options), style)
    work = replace(remote_work(plan, options, session.server_options), **via.more)
    return await carried_out(session, await session.transfers.start_remote(via.road, plan, options, work), style)


def row(file: PlannedFile) -> list[str]:
    """A planned file as a row of a table."""
    note = "; ".join(part for part in (file.note, "elsewhere" if file.elsewhere else "") if part)
    if file.replaced and file.action in ("replaces", "blocked", "keeps both"):
        note = "; ".join(part for part in (note, f"there: {human_size(file.replaced.size)}") if part)
    return [file.path, human_size(file.size), file.action, note]


def shape(plan: Plan, record: ExportRecord | None, sums: dict[str, str]) -> dict[str, Any]:
    """An export as JSON; ``record`` is None where it was not carried out."""
    return {
        "id": record.id if record else None,
        "target": plan.target.text,
        "dry_run": record is None,
        "state": record.state if record else None,
        "files": [
            {
                "path": file.path,
                "run": str(file.run.id),
                "type": file.source.type,
                "artifact": file.source.artifact,
                "file": file.source.file,
                "node": file.source.node,
                "uri": file.uri,
                "size": file.size,
                "action": file.action,
                "sha256": sums.get(file.path),
                "note": file.note,
                "elsewhere": file.elsewhere,
            }
            for file in plan.files
        ],
        "bytes": plan.bytes,
        "problems": [{"file": problem.file.file, "message": problem.message} for problem in plan.problems],
        "notices": list(plan.notices),
        "place": record.place or None if record else None,
        "url": record.url or None if record else None,
        "manifest": record.manifest or None if record else None,
    }


class _Via(NamedTuple):
    """A road, and what a person has said of it."""

    road: Road
    more: dict[str, str]


def _via(session: Session, options: Namespace) -> _Via | None:
    more = {
        "project": options.job_project,
        "hardware_tier": options.hardware_tier,
        "environment_id": options.environment_id,
    }
    return None if options.via == "here" else _Via(session.road(options.via), more)


async def _selections(session: Session, options: Namespace) -> list[Selection]:
    if options.selection:
        found = []
        for run, keys in decoded_selection(options.selection).items():
            artifacts = await session.catalog.artifacts(run)
            found.append(selected(artifacts, await _source(session, artifacts), keys))
        return found
    if options.run is None or not options.selectors:
        raise UsageError("flowtui export needs RUN and ARTIFACT.", "`flowtui export --help` shows what it takes.")
    chosen = [(options.run, options.selectors), *_more(options.more, options.run)]
    return [await _selection(session, run, selectors, options) for run, selectors in chosen]


async def _source(session: Session, artifacts: RunArtifacts) -> SourceRun:
    return source_run(artifacts.execution, await session.catalog.inputs(artifacts.execution.id))


async def _selection(session: Session, run: ExecutionId, selectors: Sequence[str], options: Namespace) -> Selection:
    artifacts = await session.catalog.artifacts(run)
    selected = [select(artifacts, one, type_=options.type, node=options.node) for one in selectors]
    files = dict.fromkeys(file for selection in selected for file in selection.files)
    return Selection(await _source(session, artifacts), tuple(files))


def _more(more: Sequence[Sequence[str]], first: ExecutionId) -> list[tuple[ExecutionId, list[str]]]:
    """Further runs of the first one's project and domain, each with its selectors."""
    found = []
    for run, *selectors in more:
        if not selectors:
            raise UsageError(f"--and {plain(run)} names no artifact.", "Write --and RUN ARTIFACT [ARTIFACT ...].")
        found.append((replace(first, name=run), selectors))
    return found


async def _sums(session: Session, record: ExportRecord | None) -> dict[str, str]:
    if record is None:
        return {}
    files = await asyncio.to_thread(session.journal.files, record.id)
    return {file.path: file.sha256 for file in files if file.sha256}
