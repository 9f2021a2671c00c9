"""``flowtui export RUN ARTIFACT... --to TARGET``: copy artifacts to a place, recorded."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from flowtui import words
from flowtui.domain.size import human_size
from flowtui.errors import NotFoundError
from flowtui.exports import Journal, Outcome, Plan, PlannedFile, Selection, make_plan, parse_target, run, source_run
from flowtui.headless.json import dumps
from flowtui.headless.progress import progress
from flowtui.headless.select import select
from flowtui.headless.style import Style
from flowtui.headless.table import Column, table

if TYPE_CHECKING:
    from flowtui.session import Session

_COLUMNS = (
    Column("file", least=16),
    Column("size", leaves=1, right=True),
    Column("what", leaves=2),
    Column("note", leaves=3, least=12),
)


async def execute(session: Session, options: Namespace, style: Style) -> str:
    """Exports what the selectors name, or with ``dry_run`` says what would be done.

    Args:
        options: ``run``, an ``ExecutionId``; ``selectors``, ``type``, ``node``; ``to``; ``if_exists``; ``dry_run``.
    """
    target = parse_target(options.to)
    artifacts = await session.catalog.artifacts(options.run)
    selected = [select(artifacts, one, type_=options.type, node=options.node) for one in options.selectors]
    files = dict.fromkeys(file for selection in selected for file in selection.files)
    run_ = source_run(artifacts.execution, await session.catalog.inputs(options.run))
    plan = await make_plan([Selection(run_, tuple(files))], target, session.storage, if_exists=options.if_exists)
    return await carry_out(session, plan, style, dry_run=options.dry_run, journal=session.journal)


async def carry_out(
    session: Session, plan: Plan, style: Style, *, dry_run: bool, journal: Journal | None, elsewhere: str = ""
) -> str:
    """Carries out a plan, or only shows it.

    Args:
        elsewhere: the hint for a plan without files.

    Raises:
        NotFoundError: none of the files exists.
        ExportError: files are in the way, or some failed.
    """
    if not plan.files and not plan.problems:
        raise NotFoundError("None of these files exists.", "; ".join(plan.notices) or elsewhere)
    for line in (*plan.notices, *(problem.message for problem in plan.problems)):
        style.tell(line)
    outcome = None
    if not dry_run:
        with progress(style) as show:
            outcome = await run(plan, session.storage, show, journal=journal, server=session.settings.endpoint or "")
    if style.json:
        return dumps(_shape(plan, outcome))
    planned = "blocked" if plan.blocked else words.count(len(plan.to_write), "file") + " to write"
    done = f"{words.count(len(outcome.written), 'file')} written" if outcome else planned
    style.tell(f"{done}, {human_size(plan.bytes)}, {plan.target.text}")
    return table(_COLUMNS, [_row(file) for file in plan.files], style)


def _row(file: PlannedFile) -> list[str]:
    note = file.note
    if file.replaced and file.action in ("replaces", "blocked", "keeps both"):
        note = "; ".join(part for part in (note, f"there: {human_size(file.replaced.size)}") if part)
    return [file.path, human_size(file.size), file.action, note]


def _shape(plan: Plan, outcome: Outcome | None) -> dict[str, Any]:
    sums = {written.file.path: written.sha256 for written in outcome.written} if outcome else {}
    return {
        "target": plan.target.text,
        "dry_run": outcome is None,
        "files": [
            {
                "path": file.path,
                "type": file.source.type,
                "artifact": file.source.artifact,
                "file": file.source.file,
                "node": file.source.node,
                "uri": file.uri,
                "size": file.size,
                "action": file.action,
                "sha256": sums.get(file.path),
                "note": file.note,
            }
            for file in plan.files
        ],
        "bytes": plan.bytes,
        "problems": [{"file": problem.file.file, "message": problem.message} for problem in plan.problems],
        "notices": list(plan.notices),
        "manifest": outcome.publication.manifest if outcome and outcome.publication else None,
    }
