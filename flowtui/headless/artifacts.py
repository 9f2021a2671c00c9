"""``flowtui artifacts [RUN]``."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import TYPE_CHECKING

from flowtui import words
from flowtui.domain.artifact import Artifact, RunArtifacts
from flowtui.domain.execution import ExecutionId
from flowtui.domain.size import human_size
from flowtui.headless import shapes
from flowtui.headless.json import dumps
from flowtui.headless.select import narrow
from flowtui.headless.style import Style, phase_color
from flowtui.headless.table import Cell, Column, Painted, one_line, table

if TYPE_CHECKING:
    from flowtui.session import Session

_COLUMNS = (
    Column("type", leaves=4),
    Column("artifact", least=12),
    Column("file", least=12),
    Column("size", leaves=2, right=True),
    Column("state", leaves=1),
    Column("made by", leaves=3, least=12),
    Column("uri", leaves=5, least=24),
)
_UNDECLARED = (
    Column("output", least=12),
    Column("made by", least=12),
    Column("of the run", leaves=3),
    Column("file", leaves=4, least=12),
    Column("size", leaves=1, right=True),
    Column("uri", leaves=2, least=24),
)
_AT_ONCE = 8


async def execute(session: Session, options: Namespace, style: Style) -> str:
    """What a run declares and what exists of it; without a run, of the newest runs.

    Args:
        options: ``run``, an ``ExecutionId`` or None; ``limit`` of runs; ``type``, ``node``, ``sizes``, ``undeclared``.
    """
    if options.run is not None:
        run = await _of(session, options.run, options)
        artifacts = narrow(run, options.type, options.node)
        return dumps(shapes.run_artifacts(run, artifacts)) if style.json else _one(run, artifacts, style)
    settings = session.settings
    newest = await session.catalog.newest(settings.project, settings.domain, options.limit)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(id_: ExecutionId) -> RunArtifacts:
        async with gate:
            return await _of(session, id_, options)

    runs = await asyncio.gather(*(one(run.id) for run in newest))
    found = [(run, narrow(run, options.type, options.node)) for run in runs]
    if style.json:
        return dumps([shapes.run_artifacts(run, artifacts) for run, artifacts in found])
    if not any(artifacts for _, artifacts in found):
        looked = f"None of the newest {len(runs):,} runs" if runs else "No run"
        style.tell(f"{looked} of {settings.project}/{settings.domain} declares such artifacts.")
    return _many([(run, artifacts) for run, artifacts in found if artifacts], style)


async def _of(session: Session, id_: ExecutionId, options: Namespace) -> RunArtifacts:
    run = await session.catalog.artifacts(id_, undeclared=options.undeclared)
    return await session.with_sizes(run, remote=options.sizes)


def _rows(run: RunArtifacts, artifacts: tuple[Artifact, ...], style: Style) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for artifact in artifacts:
        for file in artifact.files:
            made_by = file.made_by
            elsewhere = made_by is not None and made_by.execution != run.execution.id
            state = f"from {made_by.execution.name}" if made_by and elsewhere else words.state(file.state)
            rows.append(
                [
                    artifact.type.upper(),
                    artifact.name,
                    file.file
                    + ("/" if file.directory else "")
                    + (f" ({file.distinction})" if file.distinction else ""),
                    human_size(file.size),
                    Painted(state, "dim" if elsewhere else phase_color(file.state)),
                    f"{file.node_name} ({file.node})" if file.node_name else file.node,
                    _uris(file.uris),
                ]
            )
    return rows


def _uris(uris: tuple[str, ...] | None) -> str:
    if not uris:
        return ""
    return uris[0] if len(uris) == 1 else f"{uris[0]} and {len(uris) - 1} more"


def _head(run: RunArtifacts, style: Style) -> str:
    of = run.execution
    phase = words.phase(of.phase, ascii_only=style.ascii)
    started = words.when(of.started_at or of.created_at, style.now)
    facts = [of.id.name, of.workflow.name, started, words.duration(of.duration)]
    told = one_line("   ".join(fact for fact in facts if fact), style, len(phase) + 3)
    return f"{style.paint(phase, phase_color(of.phase))}   {told}\n"


def _one(run: RunArtifacts, artifacts: tuple[Artifact, ...], style: Style) -> str:
    parts = [_head(run, style)]
    parts += [one_line(f"! {notice}", style) + "\n" for notice in run.notices]
    parts.append(table(_COLUMNS, _rows(run, artifacts, style), style))
    parts += [
        one_line(f"! {file.title}: {notice}" if file.distinction else f"! {file.file} ({file.node}): {notice}", style)
        + "\n"
        for artifact in artifacts
        for file in artifact.files
        for notice in file.notices
    ]
    if run.children:
        children = ", ".join(child.name for child in run.children)
        parts.append(one_line(f"started {children}: their files are theirs", style) + "\n")
    if run.undeclared:
        parts.append(f"\n{words.count(len(run.undeclared), 'other output')}\n")
        # Each with what names it for `preview` and `get`.
        rows = [
            (
                part.selector,
                output.node_name or output.node,
                ", ".join(output.workflow_outputs),
                part.file_name if part.uris else "",
                human_size(part.size),
                _uris(part.uris),
            )
            for output in run.undeclared
            for part in output.parts
        ]
        parts.append(table(_UNDECLARED, rows, style))
    return "".join(parts)


def _many(found: list[tuple[RunArtifacts, tuple[Artifact, ...]]], style: Style) -> str:
    columns = [Column("run", least=12), *_COLUMNS]
    rows: list[list[Cell]] = []
    for run, artifacts in found:
        rows += [[run.execution.id.name, *row] for row in _rows(run, artifacts, style)]
    return table(columns, rows, style)
