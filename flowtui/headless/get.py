"""``flowtui get RUN [ARTIFACT[/FILE] | NODE.OUTPUT] -o DIR``: download, resumed where an earlier try broke off."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from flowtui import words
from flowtui.domain.size import human_size
from flowtui.errors import NotFoundError, UsageError
from flowtui.exports import Outcome, Plan, Selection, make_plan, run, source_run
from flowtui.exports.targets.directory import directory_path
from flowtui.exports.targets.in_place import InPlaceTarget
from flowtui.headless.export import COLUMNS, row, shape
from flowtui.headless.json import dumps
from flowtui.headless.progress import progress
from flowtui.headless.select import find, narrow, narrow_outputs
from flowtui.headless.style import Style
from flowtui.headless.table import table
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.session import Session

_SHOWN = 5
"""Runs that a hint names."""


async def execute(session: Session, options: Namespace, style: Style) -> str:
    """Downloads to ``DIR/<artifact>/<file>[.<format>]``, what no artifact declares to ``DIR/<node>.<output>/<file>``.

    Args:
        options: ``run``, an ``ExecutionId``; ``selector``, ``type``, ``node``; ``undeclared``; ``output``;
            ``if_exists``.
    """
    path = directory_path(options.output)
    if path is None:
        raise UsageError(f"{plain(options.output)!r} is no directory.", "Give a path: `-o results`.")
    if options.selector:
        found, selection = await find(
            session.catalog, options.run, options.selector, type_=options.type, node=options.node
        )
        files = selection.files
    else:
        found = await session.catalog.artifacts(options.run, undeclared=options.undeclared)
        artifacts = narrow(found, options.type, options.node)
        if options.undeclared:
            artifacts += tuple(output.artifact for output in narrow_outputs(found, options.type, options.node))
        files = tuple(file for artifact in artifacts for file in artifact.files)
    source = source_run(found.execution, await session.catalog.inputs(options.run))
    target = InPlaceTarget(path)
    plan = await make_plan([Selection(source, tuple(files))], target, session.storage, if_exists=options.if_exists)
    elsewhere = "The run declares no artifacts."
    if found.undeclared and not options.undeclared:
        elsewhere = (
            "`--undeclared` downloads its outputs that no artifact declares, too; `flowtui artifacts RUN` lists them."
        )
    if found.children:
        children = ", ".join(plain(child.name) for child in found.children[:_SHOWN])
        elsewhere = f"The runs that it started have files of their own: {children}."
    if not plan.files and not plan.problems:
        raise NotFoundError("None of these files exists.", "; ".join(plan.notices) or elsewhere)
    outcome = await _download(session, plan, style)
    if style.json:
        return dumps(_shape(plan, outcome))
    style.tell(f"{words.count(len(outcome.written), 'file')} written, {human_size(plan.bytes)}, {plan.target.text}")
    return table(COLUMNS, [row(file) for file in plan.files], style)


async def _download(session: Session, plan: Plan, style: Style) -> Outcome:
    for line in (*plan.notices, *(problem.message for problem in plan.problems)):
        style.tell(line)
    with progress(style) as show:
        return await run(plan, session.storage, show)


def _shape(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    sums = {written.file.path: written.sha256 for written in outcome.written}
    publication = outcome.publication
    found = shape(plan, None, sums)
    for name in ("id", "state", "place", "url"):
        del found[name]
    return {**found, "dry_run": False, "manifest": publication.manifest if publication else None}
