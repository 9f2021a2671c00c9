"""``flowtui exports``: the exports so far."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from flowtui import words
from flowtui.domain.size import human_size
from flowtui.headless.json import dumps, instant
from flowtui.headless.style import Style
from flowtui.headless.table import Column, table

if TYPE_CHECKING:
    from flowtui.session import Session

_COLUMNS = (
    Column("state"),
    Column("run", leaves=3, least=12),
    Column("files", leaves=4, right=True),
    Column("size", leaves=2, right=True),
    Column("started", leaves=1),
    Column("target", least=16),
)


async def execute(session: Session, options: Namespace, style: Style) -> str:
    """The exports of this machine, newest first.

    Args:
        options: ``limit``.
    """
    found = session.journal.list(options.limit)
    if style.json:
        return dumps(
            [
                {
                    "id": one.id,
                    "execution": ", ".join(one.executions),
                    "executions": list(one.executions),
                    "target": one.target,
                    "state": one.state,
                    "files": one.files,
                    "bytes": one.bytes,
                    "bytes_done": one.bytes_done,
                    "started_at": instant(one.started_at),
                    "finished_at": instant(one.finished_at),
                    "error": one.error or None,
                    "manifest": one.manifest or None,
                }
                for one in found
            ]
        )
    if not found:
        style.tell("No exports yet. `flowtui export RUN ARTIFACT --to DIR` makes one.")
    rows = [
        (
            one.state,
            ", ".join(run.rpartition("/")[2] for run in one.executions),
            str(one.files),
            human_size(one.bytes),
            words.when(one.started_at, style.now),
            one.target,
        )
        for one in found
    ]
    return table(_COLUMNS, rows, style, {index: one.error for index, one in enumerate(found)})
