"""Nodes and the executions that they started as the rows of a tree; pure functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from flowtui import words
from flowtui.domain.execution import TERMINAL_NODE_PHASES, ExecutionId, LaunchedExecution, NodeExecution
from flowtui.text import plain
from flowtui.tui.formatting import UNICODE, Cell, Mark, Signs, node_phase, outline, phase_mark
from flowtui.tui.widgets.columns import Column, Row

_RUNS_BELOW = 200
"""Executions that are listed below an eager node."""

NODE_COLUMNS = (
    Column("node", least=24, most=60),
    Column("phase", least=9, most=12),
    Column("took", right=True, leave=2),
    Column("tries", right=True, leave=4, extra=True),
    Column("task", least=10, most=40, leave=5, extra=True, dotted=True),
    Column("kind", leave=6, extra=True),
)


def walk(nodes: Collection[NodeExecution], shut: Collection[str], depth: int = 0) -> list[tuple[int, NodeExecution]]:
    """Nodes and what is below them in the order in which they are shown, with their depth; 20,000 at most."""
    found: list[tuple[int, NodeExecution]] = []
    stack = [(depth, node) for node in reversed(tuple(nodes))]
    while stack and len(found) < 20_000:
        level, node = stack.pop()
        found.append((level, node))
        if node.id.node not in shut:
            stack.extend((level + 1, child) for child in reversed(node.children))
    return found


def run_key(id_: ExecutionId) -> str:
    """The key of the row of an execution that an eager node started."""
    return f"x\0{id_.project}\0{id_.domain}\0{id_.name}"


def node_rows(
    nodes: Collection[NodeExecution],
    shut: Collection[str],
    now: datetime,
    signs: Signs = UNICODE,
    tried: Mapping[str, int] | None = None,
) -> list[Row]:
    """The tree of node executions; below a failed one the first line of its error, below a gate what it waits for.

    The executions that an eager node started stand below it.

    Args:
        tried: how many attempts there were, by node id, where that is known.
    """
    listed: list[tuple[int, NodeExecution | LaunchedExecution]] = []
    for depth, node in walk(nodes, shut):
        listed.append((depth, node))
        listed += [(depth + 1, one) for one in _runs_below(node, shut)]
    guides = outline([depth for depth, _ in listed], signs)
    parents: dict[int, str] = {}
    rows = []
    for guide, (depth, thing) in zip(guides, listed, strict=True):
        parent = parents.get(depth - 1, "")
        if isinstance(thing, LaunchedExecution):
            rows.append(_launched_row(thing, guide, parent, signs))
            continue
        parents[depth] = thing.id.node
        tries = len(thing.attempts) or (tried or {}).get(thing.id.node, 0)
        rows.append(_node_row(thing, guide, parent, thing.id.node in shut, tries, now, signs))
    return rows


def _runs_below(node: NodeExecution, shut: Collection[str]) -> tuple[LaunchedExecution, ...]:
    return node.launched[:_RUNS_BELOW] if node.kind == "eager" and node.id.node not in shut else ()


def _node_row(
    node: NodeExecution, guide: str, parent: str, is_shut: bool, tries: int, now: datetime, signs: Signs
) -> Row:
    took = node.duration
    if took is None and node.phase in ("RUNNING", "DYNAMIC_RUNNING") and node.started_at:
        took = (now - node.started_at).total_seconds()
    below = bool(node.children) or (node.kind == "eager" and bool(node.launched))
    arrow = (Mark(signs.shut if is_shut else signs.open, "dim"),) if below else ()
    earlier = (Mark(f" try {node.parent_attempt + 1}", "dim"),) if node.parent_attempt is not None else ()
    return Row(
        node.id.node,
        (
            (*arrow, Mark(plain(node.name)), *earlier),
            (phase_mark(node_phase(node), signs),),
            (Mark(words.duration(took)),),
            (Mark(str(tries) if tries else "", "bad" if tries > 1 else ""),),
            (Mark(plain(node.entity), "dim"),),
            (Mark(_kind(node), "dim"),),
        ),
        guide=guide,
        note=_node_note(node),
        expandable=below,
        expanded=not is_shut,
        parent=parent,
    )


def _kind(node: NodeExecution) -> str:
    """What a node is; of a plain task, its type."""
    plain_task = node.kind == "task" and node.task_type
    return plain(node.task_type) if plain_task else node.kind.replace("_", " ")


def _node_note(node: NodeExecution) -> Cell:
    """The line below a node: its error, what it waits for, or why what it started cannot be read."""
    error = words.error_line(node.error.message) if node.error and not node.children else ""
    if error:
        return (Mark(error),)
    if node.failed_items and not node.children:
        return (Mark(plain(words.failed_items(node))),)
    if node.gate is not None and node.phase not in TERMINAL_NODE_PHASES:
        return (Mark(plain(words.gate(node.gate)), "wait"),)
    if node.kind == "eager" and len(node.launched) > _RUNS_BELOW:
        return (Mark(f"started {len(node.launched):,} runs; the first {_RUNS_BELOW} are listed", "dim"),)
    closed = next((one.id.name for one in node.launched if one.problem), "")
    return (Mark(f"its run {plain(closed)} cannot be read"),) if closed else ()


def workflow_name(one: LaunchedExecution) -> str:
    """The name of the workflow that an execution runs; of a task that runs on its own, the task's."""
    return plain(one.workflow.removeprefix(".flytegen."))


def _launched_row(one: LaunchedExecution, guide: str, parent: str, signs: Signs) -> Row:
    phase: Cell = (phase_mark(one.phase, signs),) if one.phase else ()
    name: Cell = (Mark("run ", "dim"), Mark(plain(one.id.name)))
    cells: tuple[Cell, ...] = (name, phase, (), (), (Mark(workflow_name(one), "dim"),), (Mark("run", "dim"),))
    return Row(run_key(one.id), cells, guide=guide, parent=parent)
