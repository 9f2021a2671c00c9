"""``flowtui nodes RUN``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from flowtui import words
from flowtui.domain.execution import TERMINAL_NODE_PHASES, ExecutionId, NodeExecution
from flowtui.headless import shapes
from flowtui.headless.json import dumps
from flowtui.headless.style import Style, phase_color
from flowtui.headless.table import Column, Painted, table

if TYPE_CHECKING:
    from flowtui.session import Session

_COLUMNS = (
    Column("phase"),
    Column("node", least=16),
    Column("id", leaves=1),
    Column("kind", leaves=4),
    Column("task", leaves=5, least=12),
    Column("took", leaves=2, right=True),
    Column("tries", leaves=3, right=True),
    Column("run", leaves=6, least=12),
)
_NAMED = 6
_HITS = ("CACHE_HIT", "CACHE_LOOKUP_FAILURE_HIT")


async def execute(session: Session, options: Namespace, style: Style) -> str:
    """The node executions of a run as a tree.

    Args:
        options: ``run``, an ``ExecutionId``; ``attempts``, to ask for every attempt (JSON always does).
    """
    run: ExecutionId = options.run
    nodes = await session.catalog.nodes(run, attempts=options.attempts or style.json)
    if not nodes:
        # A list of the nodes of a run that does not exist is empty, so ask for the run itself.
        await session.catalog.execution(run)
    if style.json:
        return dumps([shapes.node(node) for node in nodes])
    flat = list(_flat(nodes, 0))
    rows = [
        (
            _phase(node, style),
            "  " * depth + node.name + _try(node),
            node.id.node,
            node.kind.replace("_", " "),
            node.entity if node.entity != node.name else "",
            words.duration(node.duration),
            str(len(node.attempts)) if len(node.attempts) > 1 else "",
            node.child_execution.name if node.child_execution else "",
        )
        for depth, node in flat
    ]
    notes = {index: _note(node, options.attempts) for index, (_, node) in enumerate(flat)}
    return table(_COLUMNS, rows, style, notes)


def _flat(nodes: tuple[NodeExecution, ...], depth: int) -> Iterator[tuple[int, NodeExecution]]:
    for node in nodes:
        yield depth, node
        yield from _flat(node.children, depth + 1)


def _phase(node: NodeExecution, style: Style) -> Painted:
    shown = "PARTLY_SUCCEEDED" if node.is_partly_done else node.phase
    return Painted(words.phase(shown, cached=node.cache in _HITS, ascii_only=style.ascii), phase_color(shown))


def _try(node: NodeExecution) -> str:
    return f" (try {node.parent_attempt + 1})" if node.parent_attempt is not None else ""


def _note(node: NodeExecution, with_logs: bool) -> str:
    parts = [words.error_line(node.error.message)] if node.error else []
    parts.append(words.failed_items(node))
    if node.gate is not None and node.phase not in TERMINAL_NODE_PHASES:
        parts.append(words.gate(node.gate))
    if node.kind == "eager" and node.launched:
        names = ", ".join(one.id.name for one in node.launched[:_NAMED])
        more = f" and {len(node.launched) - _NAMED:,} more" if len(node.launched) > _NAMED else ""
        parts.append(f"started {names}{more}")
    parts += [one.problem for one in node.launched if one.problem]
    if with_logs and node.attempts:
        items = node.attempts[-1].items
        failed = [item for item in items if item.phase not in ("SUCCEEDED", "UNDEFINED")]
        if len(failed) > len(node.failed_items):
            numbers = ", ".join(str(item.index) for item in failed[:_NAMED])
            more = f" and {len(failed) - _NAMED:,} more" if len(failed) > _NAMED else ""
            parts.append(f"{len(failed):,} of {words.count(len(items), 'item')} not done: {numbers}{more}")
        parts += [f"log {log.uri}" for log in node.attempts[-1].logs]
    return "  ".join(part for part in parts if part)
