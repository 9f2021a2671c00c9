"""What the tabs of a run list, as rows: artifacts, nodes, graph, Launch Inputs, lineage; pure functions."""

from __future__ import annotations

from collections.abc import Collection

from flowtui import words
from flowtui.domain.artifact import Artifact, ArtifactFile, ArtifactVersionId, RunArtifacts, UndeclaredOutput
from flowtui.domain.execution import ExecutionId, LaunchInput
from flowtui.domain.lineage import Lineage, LineageNode
from flowtui.domain.size import human_size
from flowtui.text import first_line, plain
from flowtui.tui.formatting import (
    UNICODE,
    Cell,
    Mark,
    Signs,
    outline,
    phase_glyph,
    phase_mark,
    phase_style,
    size_mark,
    state_mark,
)  # fmt: skip
from flowtui.tui.selection import FileSelection, files_of
from flowtui.tui.widgets.columns import Column, Row

_ALSO = 3
OTHER = "other"
"""The key of the group of undeclared outputs."""

ARTIFACT_COLUMNS = (
    Column("artifact", least=24, most=60),
    Column("size", right=True, least=12),
    Column("made by", least=8, most=28, leave=2),
)
GRAPH_COLUMNS = (
    Column("node", least=24, most=70),
    Column("phase", least=9, most=12),
    Column("also after", least=12, most=40, leave=2, sentence=True),
    Column("makes", least=12, most=60, leave=3, sentence=True),
)
INPUT_COLUMNS = (
    Column("input", least=12, most=40),
    Column("value", least=20, most=90),
    Column("type", least=6, most=30, leave=2),
)
LINEAGE_COLUMNS = (
    Column("kind", least=9, most=9),
    Column("what", least=30, most=90),
    Column("", least=10, most=60, leave=2, sentence=True),
)


def artifact_key(artifact: Artifact) -> str:
    """The key of an artifact's row."""
    return f"a\0{artifact.type}\0{artifact.name}"


def file_key(file: ArtifactFile) -> str:
    """The key of a file's row."""
    return f"f\0{file.type}\0{file.artifact}\0{file.file}\0{file.node}\0{file.variable}"


def output_key(output: UndeclaredOutput) -> str:
    """The key of an undeclared output's row."""
    return f"u\0{output.node}\0{output.variable}"


def version_id(run: ExecutionId, thing: Artifact | ArtifactFile) -> ArtifactVersionId:
    """What a bookmark on an artifact version or on one file of it is on."""
    if isinstance(thing, Artifact):
        return ArtifactVersionId(run, thing.name, thing.type)
    return ArtifactVersionId(run, thing.artifact, thing.type, thing.file, thing.node)


def _star(kept: bool, signs: Signs) -> Cell:
    return (Mark(f" {signs.star}", "accent"),) if kept else ()


def _format(name: str, declared: str) -> Cell:
    """The format behind a name that does not tell it."""
    return (Mark(f" {plain(declared)}", "dim"),) if declared and not name.lower().endswith(declared.lower()) else ()


def _distinction(file: ArtifactFile) -> Cell:
    """What tells a file apart from others of its name."""
    return (Mark(f" ({plain(file.distinction)})", "dim"),) if file.distinction else ()


def _origin(file: ArtifactFile, run: ExecutionId, signs: Signs) -> Cell:
    """A sign at a file that another run made, or that there is something to say about; the facts say it."""
    if file.made_by is not None and file.made_by.execution != run:
        return (Mark(" "), phase_glyph("CACHED", signs))
    return (Mark(" !", "busy"),) if file.notices else ()


def artifact_rows(
    run: RunArtifacts,
    shut: Collection[str],
    bookmarks: Collection[ArtifactVersionId] = (),
    signs: Signs = UNICODE,
    selection: FileSelection | None = None,
) -> list[Row]:
    """The tree of a run's artifacts and files, and the group of its other outputs.

    Args:
        shut: keys of the groups whose rows are hidden.
    """
    rows: list[Row] = []
    selection, id_ = selection or FileSelection(), run.execution.id
    for artifact in run.artifacts:
        key = artifact_key(artifact)
        total = len(artifact.files)
        count = words.count(total, "file") if artifact.present == total else f"{artifact.present} of {total}"
        name: Cell = (
            Mark(signs.shut if key in shut else signs.open, "dim"),
            Mark(f"{plain(artifact.type).upper():<7}", "accent"),
            Mark(plain(artifact.name), "strong"),
            *_star(version_id(run.execution.id, artifact) in bookmarks, signs),
        )
        cells: tuple[Cell, ...] = (name, (Mark(count, "dim"),), ())
        picked = selection.picked(id_, artifact.files)
        rows.append(Row(key, cells, expandable=True, expanded=key not in shut, picked=picked))
        if key in shut:
            continue
        for index, file in enumerate(artifact.files):
            several = (Mark(f" x{len(file.uris)}", "dim"),) if len(file.uris) > 1 else ()
            kept = version_id(run.execution.id, file) in bookmarks
            rows.append(
                Row(
                    file_key(file),
                    (
                        (
                            Mark(plain(file.file)),
                            *_format(file.file, file.format),
                            *_distinction(file),
                            *several,
                            *_star(kept, signs),
                        ),
                        (size_mark(file),),
                        (Mark(plain(file.node_name or file.node), "dim"), *_origin(file, run.execution.id, signs)),
                    ),
                    guide="  " + (signs.elbow if index == total - 1 else signs.tee),
                    openable=bool(file.uris),
                    parent=key,
                    picked=selection.picked(id_, (file,)),
                )
            )
    if run.undeclared:
        opened = OTHER not in shut
        total = len(run.undeclared)
        name = (Mark(signs.open if opened else signs.shut, "dim"), Mark("Other outputs", "strong"))
        rows.append(
            Row(OTHER, (name, (Mark(words.count(total, "output"), "dim"),), ()), expandable=True, expanded=opened)
        )
        if opened:
            for index, output in enumerate(run.undeclared):
                rows += _output_rows(output, shut, signs, selection, id_, is_last=index == total - 1)
    return rows


def _output_rows(
    output: UndeclaredOutput,
    shut: Collection[str],
    signs: Signs,
    selection: FileSelection,
    run: ExecutionId,
    *,
    is_last: bool,
) -> list[Row]:
    """An output, and below it its files where it has several."""
    key, parts = output_key(output), output.parts
    several, is_shut = len(parts) > 1, output_key(output) in shut
    size = Mark(human_size(output.size)) if output.uris is None or output.uris else Mark("none", "off")
    name: Cell = (
        *((Mark(signs.shut if is_shut else signs.open, "dim"),) if several else ()),
        Mark(f"{plain(output.node_name or output.node)} / {plain(output.variable)}"),
        *_format("", output.format),
        *((Mark(f" x{len(parts)}", "dim"),) if several else ()),
    )
    rows = [
        Row(
            key,
            (name, (size,), ()),
            guide="  " + (signs.elbow if is_last else signs.tee),
            openable=bool(output.uris),
            expandable=several,
            expanded=several and not is_shut,
            parent=OTHER,
            picked=selection.picked(run, files_of(output)),
        )
    ]
    if not several or is_shut:
        return rows
    behind = len(output.variable)
    for index, part in enumerate(parts):
        bar = signs.elbow if index == len(parts) - 1 else signs.tee
        rows.append(
            Row(
                output_key(part),
                ((Mark(plain(part.file_name)), Mark(f" {plain(part.variable[behind:])}", "dim")), (), ()),
                guide="  " + ("  " if is_last else signs.bar) + bar,
                parent=key,
                picked=selection.picked(run, files_of(part)),
            )
        )
    return rows


def input_rows(inputs: Collection[LaunchInput]) -> list[Row]:
    """The Launch Inputs of a run."""
    return [
        Row(
            one.name,
            ((Mark(plain(one.name), "strong"),), (Mark(first_line(one.value)),), (Mark(plain(one.type), "dim"),)),
        )
        for one in inputs
    ]


def graph_rows(lineage: Lineage, signs: Signs = UNICODE) -> list[Row]:
    """Which node feeds which, as a tree: every node once, below the last of those that it waits for.

    The others that it waits for are named beside it. Nodes follow each other through the files and values between them.
    """
    nodes = {node.id: node for node in lineage.nodes if node.kind in ("node", "execution")}
    after = {id_: _next_nodes(lineage, id_) for id_ in nodes}
    before: dict[str, list[str]] = {id_: [] for id_ in nodes}
    for id_, targets in after.items():
        for target in targets:
            before[target].append(id_)
    parent = _last_parents(before, after)
    below: dict[str, list[str]] = {}
    for id_ in nodes:
        below.setdefault(parent.get(id_, ""), []).append(id_)
    listed: list[tuple[int, str]] = []
    stack = [(0, id_) for id_ in reversed(below.get("", []))]
    while stack:
        depth, id_ = stack.pop()
        listed.append((depth, id_))
        stack.extend((depth + 1, child) for child in reversed(below.get(id_, [])))
    guides = outline([depth for depth, _ in listed], signs)
    rows = []
    for guide, (_, id_) in zip(guides, listed, strict=True):
        node = nodes[id_]
        files = [plain(child.title) for child in lineage.children(id_) if child.kind == "file"]
        also = list(dict.fromkeys(plain(nodes[one].label) for one in before[id_] if one != parent.get(id_)))
        more = f" and {len(also) - _ALSO} more" if len(also) > _ALSO else ""
        phase: Cell = (phase_mark(node.phase, signs),) if node.phase else ()
        name: Cell = (
            Mark("run " if node.kind == "execution" else "", "dim"),
            Mark(plain(node.label)),
        )
        others, made = Mark(f"{', '.join(also[:_ALSO])}{more}", "dim"), Mark(", ".join(files), "dim")
        rows.append(Row(id_, (name, phase, (others,), (made,)), guide=guide, openable=False))
    return rows


def _last_parents(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, str]:
    """For each node the one of its predecessors that is the farthest from the start; none in what goes round."""
    waiting = {id_: len(set(found)) for id_, found in before.items()}
    depth = dict.fromkeys(before, 0)
    parent: dict[str, str] = {}
    queue = [id_ for id_, count in waiting.items() if not count]
    for id_ in queue:
        for target in dict.fromkeys(after[id_]):
            if depth[id_] + 1 > depth[target]:
                depth[target] = depth[id_] + 1
                parent[target] = id_
            waiting[target] -= 1
            if not waiting[target]:
                queue.append(target)
    return {id_: found for id_, found in parent.items() if not waiting[id_]}


def _next_nodes(lineage: Lineage, id_: str) -> list[str]:
    """The nodes that take what this one made: through files, or at once."""
    found: list[str] = []
    seen = {id_}
    queue = [id_]
    while queue:
        for child in lineage.children(queue.pop(0)):
            if child.id in seen:
                continue
            seen.add(child.id)
            if child.kind in ("node", "execution"):
                found.append(child.id)
            else:
                queue.append(child.id)
    return found


def lineage_rows(lineage: Lineage, centre: str, *, inputs: bool = True, signs: Signs = UNICODE) -> list[Row]:
    """What a file was made of above it, the nearest last; below it what was made of it, as a tree.

    Args:
        centre: the id of the file.
        inputs: whether Launch Inputs are listed.
    """
    above = [node for node in reversed(lineage.upstream(centre)) if node.kind != "input" or inputs]
    rows = [_lineage_row(lineage, node, "", signs, f"up\0{node.id}") for node in above]
    own = lineage.by_id[centre]
    rows.append(_lineage_row(lineage, own, "", signs, own.id, here=True))
    listed: list[tuple[int, LineageNode]] = []
    seen = {centre}
    stack = [(1, child) for child in reversed(lineage.children(centre))]
    while stack and len(listed) < 20_000:
        depth, node = stack.pop()
        listed.append((depth, node))
        if node.id not in seen:
            seen.add(node.id)
            stack.extend((depth + 1, child) for child in reversed(lineage.children(node.id)))
    guides = outline([depth for depth, _ in listed], signs)
    for number, (guide, (_, node)) in enumerate(zip(guides, listed, strict=True)):
        rows.append(_lineage_row(lineage, node, guide, signs, f"{number}\0{node.id}"))
    return rows


def lineage_id(row_key: str) -> str:
    """The id of the vertex that a row of lineage or graph stands for."""
    return row_key.rpartition("\0")[2]


def _lineage_row(lineage: Lineage, node: LineageNode, guide: str, signs: Signs, key: str, *, here: bool = False) -> Row:
    label = plain(node.title)
    what: Cell = (Mark(f"{plain(node.artifact)} / ", "dim"), Mark(label)) if node.artifact else (Mark(label),)
    if here:
        what = tuple(Mark(mark.text, "here" if mark.style == "" else mark.style) for mark in what)
    tail: list[Mark] = []
    if node.kind == "file":
        makers = [plain(parent.label) for parent in lineage.parents(node.id) if parent.kind in ("node", "execution")]
        if node.phase and node.phase != "present":
            tail.append(state_mark(node.phase))
        elif makers and not guide:
            tail.append(Mark(f"made by {makers[0]}", "dim"))
    elif node.phase:
        tail.append(phase_glyph(node.phase, signs))
        tail.append(Mark(f" {words.phase_word(node.phase)}", phase_style(node.phase)))
    kind = {"execution": "run"}.get(node.kind, node.kind)
    sign = f"{signs.here} " if here else ""
    cells: tuple[Cell, ...] = (
        (Mark(sign, "accent"), Mark(kind, "accent" if here else "dim")), (Mark(guide, "dim"), *what), tuple(tail)
    )  # fmt: skip
    return Row(key, cells, openable=node.kind == "file" and bool(node.file) and node.phase == "present")
