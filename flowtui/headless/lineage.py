"""``flowtui lineage RUN [ARTIFACT[/FILE]]``: as a tree, JSON, Mermaid or Graphviz."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flowtui import words
from flowtui.domain.lineage import Lineage, LineageEdge, LineageNode
from flowtui.errors import NotFoundError
from flowtui.headless import shapes
from flowtui.headless.json import dumps
from flowtui.headless.select import Selection, select
from flowtui.headless.style import Style
from flowtui.headless.table import one_line, tree
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.session import Session

_SHAPES = {"file": ("([", "])"), "node": ("[", "]"), "input": (">", "]"), "execution": ("[[", "]]")}
_DOT_SHAPES = {"file": "note", "node": "box", "input": "cds", "execution": "box3d"}


async def execute(session: Session, options: Namespace, style: Style) -> str:
    """The lineage of a run, or of an artifact or file of it.

    Args:
        options: ``run``, an ``ExecutionId``; ``selector``, ``type``, ``node``; ``mermaid`` or ``dot``.
    """
    graph = await session.catalog.lineage(options.run)
    focus: tuple[LineageNode, ...] = ()
    if options.selector:
        run = await session.catalog.artifacts(options.run)
        selection = select(run, options.selector, type_=options.type, node=options.node)
        focus = _focus(graph, selection, options.selector)
    nodes, edges = _part(graph, focus)
    if style.json:
        return dumps(shapes.lineage(nodes, edges, graph.notices))
    if options.mermaid:
        return _mermaid(nodes, edges)
    if options.dot:
        return _dot(nodes, edges)
    told = "".join(one_line(f"! {notice}", style) + "\n" for notice in graph.notices)
    if focus:
        return "\n".join(_around(graph, node, style) for node in focus) + told
    return _forest(graph, style) + told


def _focus(graph: Lineage, selection: Selection, selector: str) -> tuple[LineageNode, ...]:
    wanted = {(file.artifact, file.file, file.node) for file in selection.files}
    found = tuple(
        node for node in graph.nodes if node.kind == "file" and (node.artifact, node.file, node.node) in wanted
    )
    if not found:
        raise NotFoundError(
            f"There is no lineage of {plain(selector)!r}.", "`flowtui lineage RUN` shows what there is."
        )
    return found


def _part(graph: Lineage, focus: tuple[LineageNode, ...]) -> tuple[tuple[LineageNode, ...], tuple[LineageEdge, ...]]:
    """The vertices above and below the focus with the edges between them; everything without a focus."""
    if not focus:
        return graph.nodes, graph.edges
    up = {above.id for node in focus for above in graph.upstream(node.id)} | {node.id for node in focus}
    down = {below.id for node in focus for below in graph.downstream(node.id)} | {node.id for node in focus}
    # Within each half only: an edge from above to below that passes the file by is not its lineage.
    edges = tuple(
        edge
        for edge in graph.edges
        if (edge.source in up and edge.target in up) or (edge.source in down and edge.target in down)
    )
    return tuple(node for node in graph.nodes if node.id in up | down), edges


def _say(node: LineageNode, style: Style) -> str:
    if node.kind == "file":
        name = f"{node.artifact} / {node.title}" if node.artifact else node.title
        state = words.state(node.phase)
        return f"file   {name}" + (f"   {state}" if state else "")
    if node.kind == "input":
        return f"input  {node.label}"
    phase = f"   {words.phase(node.phase, ascii_only=style.ascii)}" if node.phase else ""
    return f"{'node ' if node.kind == 'node' else 'run  '}  {node.label}{phase}"


def _below(graph: Lineage, start: LineageNode, depth: int, seen: set[str], style: Style) -> list[tuple[int, str]]:
    """Rows of the tree under ``start``; what was shown before is named again and not opened again."""
    rows: list[tuple[int, str]] = []
    stack = [(start, depth)]
    while stack:
        node, at = stack.pop()
        children = graph.children(node.id)
        again = node.id in seen and bool(children)
        rows.append((at, _say(node, style) + ("   (see above)" if again else "")))
        if node.id not in seen:
            seen.add(node.id)
            stack += [(child, at + 1) for child in reversed(children)]
    return rows


def _around(graph: Lineage, focus: LineageNode, style: Style) -> str:
    """What the file was made of, farthest first, then the file and the tree of what was made of it."""
    above = [(0, "  " + _say(node, style)) for node in reversed(graph.upstream(focus.id))]
    rows = _below(graph, focus, 0, set(), style)
    mark = "> " if style.ascii else "▶ "
    return tree([*above, (0, mark + rows[0][1]), *((depth + 1, text) for depth, text in rows[1:])], style)


def _forest(graph: Lineage, style: Style) -> str:
    seen: set[str] = set()
    rows: list[tuple[int, str]] = []
    for root in _roots(graph):
        rows += _below(graph, root, 0, seen, style)
    return tree(rows, style)


def _roots(graph: Lineage) -> list[LineageNode]:
    roots = [node for node in graph.nodes if not graph.parents(node.id)]
    return roots or list(graph.nodes[:1])


def _ids(nodes: Iterable[LineageNode]) -> dict[str, str]:
    """Short ids that every graph language takes: ids of vertices hold foreign text."""
    return {node.id: f"v{index}" for index, node in enumerate(nodes)}


def _label(node: LineageNode) -> str:
    return f"{node.artifact} / {node.title}" if node.kind == "file" and node.artifact else node.label


def _mermaid(nodes: tuple[LineageNode, ...], edges: tuple[LineageEdge, ...]) -> str:
    ids = _ids(nodes)
    lines = ["flowchart TD"]
    for node in nodes:
        opening, closing = _SHAPES[node.kind]
        lines.append(f'  {ids[node.id]}{opening}"{_mermaid_text(_label(node))}"{closing}')
    for edge in edges:
        name = f'|"{_mermaid_text(edge.name)}"|' if edge.name else ""
        lines.append(f"  {ids[edge.source]} -->{name} {ids[edge.target]}")
    return "\n".join(lines) + "\n"


def _mermaid_text(text: str) -> str:
    """Text as Mermaid's character entities, so that no character of it is syntax or HTML."""
    return "".join(char if char.isalnum() or char in " ._-/=,:()" else f"#{ord(char)};" for char in plain(text))


def _dot(nodes: tuple[LineageNode, ...], edges: tuple[LineageEdge, ...]) -> str:
    ids = _ids(nodes)
    lines = ["digraph lineage {", "  rankdir=TB;"]
    lines += [f"  {ids[node.id]} [label={_dot_text(_label(node))}, shape={_DOT_SHAPES[node.kind]}];" for node in nodes]
    for edge in edges:
        name = f" [label={_dot_text(edge.name)}]" if edge.name else ""
        lines.append(f"  {ids[edge.source]} -> {ids[edge.target]}{name};")
    return "\n".join([*lines, "}"]) + "\n"


def _dot_text(text: str) -> str:
    escaped = plain(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
