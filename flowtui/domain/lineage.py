"""The lineage of a run: files, node executions, Launch Inputs and other executions as one directed graph."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

LineageKind = Literal["file", "node", "input", "execution"]


@dataclass(frozen=True, slots=True)
class LineageNode:
    """A vertex.

    Attributes:
        id: unique in the graph and stable for the same run.
        kind: ``file`` (of an artifact, or an undeclared output), ``node`` (node execution), ``input`` (Launch Input)
            or ``execution`` (another run: a launch-plan child, or the run that a cached output came from).
        label: what to show: file name, display name of the node, ``cutoff = 30``, execution name.
        artifact: name of the artifact, for a file of one.
        file: declared file name, for a file of an artifact.
        uri: URI of the bytes, where known.
        phase: phase of the node execution or execution; the file's state for a file.
        node: node execution id, for ``node`` and the producer of a ``file``.
        distinction: what tells a file apart from others of its artifact that have its name, as of an ``ArtifactFile``.
    """

    id: str
    kind: LineageKind
    label: str
    artifact: str = ""
    file: str = ""
    uri: str = ""
    phase: str = ""
    node: str = ""
    distinction: str = ""

    @property
    def title(self) -> str:
        """The label, with the distinction where there is one."""
        return f"{self.label} ({self.distinction})" if self.distinction else self.label


@dataclass(frozen=True, slots=True, order=True)
class LineageEdge:
    """An arrow from what was there first to what was made of it; ``name`` is the variable that carries it."""

    source: str
    target: str
    name: str = ""


@dataclass(frozen=True)
class Lineage:
    """The graph; ids in edges are those of ``nodes``. Cycles cannot occur in a run, yet walks are guarded.

    Attributes:
        notices: what is missing in it and why, in words.
    """

    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdge, ...]
    notices: tuple[str, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, LineageNode]:
        return {node.id: node for node in self.nodes}

    @cached_property
    def _up(self) -> dict[str, list[str]]:
        up: dict[str, list[str]] = defaultdict(list)
        for edge in self.edges:
            if edge.source not in up[edge.target]:
                up[edge.target].append(edge.source)
        return up

    @cached_property
    def _down(self) -> dict[str, list[str]]:
        down: dict[str, list[str]] = defaultdict(list)
        for edge in self.edges:
            if edge.target not in down[edge.source]:
                down[edge.source].append(edge.target)
        return down

    def parents(self, id_: str) -> tuple[LineageNode, ...]:
        """What ``id_`` was made of, one step up."""
        return tuple(self.by_id[up] for up in self._up.get(id_, ()))

    def children(self, id_: str) -> tuple[LineageNode, ...]:
        """What was made of ``id_``, one step down."""
        return tuple(self.by_id[down] for down in self._down.get(id_, ()))

    def upstream(self, id_: str) -> tuple[LineageNode, ...]:
        """Everything that ``id_`` was made of, nearest first."""
        return self._walk(id_, self._up)

    def downstream(self, id_: str) -> tuple[LineageNode, ...]:
        """Everything that was made of ``id_``, nearest first."""
        return self._walk(id_, self._down)

    def _walk(self, start: str, steps: dict[str, list[str]]) -> tuple[LineageNode, ...]:
        seen = {start}
        found: list[LineageNode] = []
        queue = deque([start])
        while queue:
            for step in steps.get(queue.popleft(), ()):
                if step not in seen:
                    seen.add(step)
                    found.append(self.by_id[step])
                    queue.append(step)
        return tuple(found)
