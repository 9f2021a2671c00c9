"""``flowtui runs``."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import TYPE_CHECKING

from flowtui import words
from flowtui.domain.execution import Execution
from flowtui.errors import NotFoundError
from flowtui.headless import shapes
from flowtui.headless.json import dumps
from flowtui.headless.style import Style, phase_color
from flowtui.headless.table import Column, Painted, table

if TYPE_CHECKING:
    from flowtui.session import Session

_COLUMNS = (
    Column("phase"),
    Column("run", least=12),
    Column("workflow", leaves=1, least=16),
    Column("started", leaves=2),
    Column("took", leaves=3, right=True),
    Column("by", leaves=5),
    Column("version", leaves=4, least=6),
)


_CUT = 100
"""Characters that lists of Flyte Admin leave of an error."""


async def execute(session: Session, options: Namespace, style: Style) -> str:
    """The newest runs of the project and domain.

    Args:
        options: ``limit``; ``query``, a part of the name.
    """
    settings = session.settings
    runs = await session.catalog.newest(settings.project, settings.domain, options.limit, options.query or None)
    whole = await asyncio.gather(*(_whole(session, run) for run in runs))
    if style.json:
        return dumps([shapes.execution(run) for run in whole])
    if not whole:
        where = f"{settings.project}/{settings.domain}"
        style.tell(f"No run of {where} matches." if options.query else f"No runs in {where}.")
    return _table(whole, style)


async def _whole(session: Session, run: Execution) -> Execution:
    """The run with its whole error, which lists cut; one that has ended is asked for once and kept."""
    if run.error is None or len(run.error.message) < _CUT:
        return run
    try:
        return await session.catalog.execution(run.id)
    except NotFoundError:
        return run


def _table(runs: list[Execution], style: Style) -> str:
    rows = [
        (
            Painted(words.phase(run.phase, ascii_only=style.ascii), phase_color(run.phase)),
            run.id.name,
            run.workflow.name.removeprefix(".flytegen."),
            words.when(run.started_at or run.created_at, style.now),
            words.duration(run.duration),
            run.principal,
            run.workflow.version,
        )
        for run in runs
    ]
    why = {
        index: words.error_line(run.error.message) if run.error else run.abort_cause
        for index, run in enumerate(runs)
        if run.error or run.abort_cause
    }
    return table(_COLUMNS, rows, style, why)
