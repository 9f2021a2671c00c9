"""What a construct is: how a run with it is recorded, and what every room has to say of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from flowtui.domain.artifact import RunArtifacts
from flowtui.domain.execution import ExecutionId, NodeExecution
from flowtui.domain.lineage import Lineage
from tests.engine import Engine


@dataclass(frozen=True)
class Construct:
    """One construct.

    Attributes:
        record: records a run with it in the embedded Admin.
        nodes: every node as ``id kind phase``, in the order of the tree.
        files: every file as ``Artifact/file@node state uris``.
        arrows: of the lineage, as ``from -name-> to``.
        notices: parts of notices, of the run or of a file, that have to be there; where there are none, none may be.
        children: names of the runs that it started.
        screen: what has to be seen on the tabs Artifacts, Nodes and Graph.
    """

    record: Callable[[Engine], Awaitable[ExecutionId]]
    nodes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    arrows: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    screen: dict[str, tuple[str, ...]] = field(default_factory=dict)


def said_of_nodes(nodes: tuple[NodeExecution, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for node in nodes:
        found.append(f"{node.id.node} {node.kind} {node.phase}")
        found += said_of_nodes(node.children)
    return tuple(found)


def said_of_files(run: RunArtifacts) -> tuple[str, ...]:
    return tuple(f"{one.artifact}/{one.file}@{one.node} {one.state} {','.join(one.uris)}".rstrip() for one in run.files)


def said_of_lineage(graph: Lineage) -> tuple[str, ...]:
    def short(id_: str) -> str:
        node = graph.by_id[id_]
        if node.kind == "file":
            return f"{node.artifact}/{node.file}@{node.node}" if node.artifact else f"{node.label}@{node.node}"
        return node.node if node.kind == "node" else node.label.split(" = ")[0]

    return tuple(sorted(f"{short(edge.source)} -{edge.name}-> {short(edge.target)}" for edge in graph.edges))


def said_in_notices(run: RunArtifacts) -> tuple[str, ...]:
    return (*run.notices, *(notice for file in run.files for notice in file.notices))
