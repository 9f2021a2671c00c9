"""``flowtui get RUN [ARTIFACT[/FILE]] -o DIR``: download, resumed where an earlier try broke off."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from flowtui.errors import UsageError
from flowtui.exports import make_plan
from flowtui.exports.targets.directory import parse as parse_directory
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
    target = parse_directory(options.output)
    if target is None:
        raise UsageError(f"{plain(options.output)!r} is no directory.", "Give a path: `-o results`.")
    run = await session.catalog.artifacts(options.run)
    if options.selector:
        files = select(run, options.selector, type_=options.type, node=options.node).files
    else:
        files = tuple(file for artifact in narrow(run, options.type, options.node) for file in artifact.files)
    plan = await make_plan(options.run, files, target, session.storage, if_exists=options.if_exists)
    elsewhere = "The run declares no artifacts: `flowtui artifacts RUN --undeclared` shows its other outputs."
    if run.children:
        children = ", ".join(plain(child.name) for child in run.children[:_SHOWN])
        elsewhere = f"The runs that it started have files of their own: {children}."
    return await carry_out(session, plan, style, dry_run=False, log=None, elsewhere=elsewhere)
