"""``flowtui get RUN [ARTIFACT[/FILE]] -o DIR``: download, resumed where an earlier try broke off."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from flowtui.errors import UsageError
from flowtui.exports import Selection, make_plan, source_run
from flowtui.exports.targets.directory import directory_path
from flowtui.exports.targets.in_place import InPlaceTarget
from flowtui.headless.export import carry_out
from flowtui.headless.select import narrow, select
from flowtui.headless.style import Style
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.session import Session

_SHOWN = 5
"""Runs that a hint names."""


async def execute(session: Session, options: Namespace, style: Style) -> str:
    """Downloads to ``DIR/<artifact>/<file>[.<format>]``.

    Args:
        options: ``run``, an ``ExecutionId``; ``selector``, ``type``, ``node``; ``output``; ``if_exists``.
    """
    path = directory_path(options.output)
    if path is None:
        raise UsageError(f"{plain(options.output)!r} is no directory.", "Give a path: `-o results`.")
    run = await session.catalog.artifacts(options.run)
    if options.selector:
        files = select(run, options.selector, type_=options.type, node=options.node).files
    else:
        files = tuple(file for artifact in narrow(run, options.type, options.node) for file in artifact.files)
    source = source_run(run.execution, await session.catalog.inputs(options.run))
    target = InPlaceTarget(path)
    plan = await make_plan([Selection(source, tuple(files))], target, session.storage, if_exists=options.if_exists)
    elsewhere = "The run declares no artifacts: `flowtui artifacts RUN --undeclared` shows its other outputs."
    if run.children:
        children = ", ".join(plain(child.name) for child in run.children[:_SHOWN])
        elsewhere = f"The runs that it started have files of their own: {children}."
    return await carry_out(session, plan, style, dry_run=False, journal=None, elsewhere=elsewhere)
