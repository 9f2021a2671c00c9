"""The nodes of a run that an export from inside it must not wait for: they end after it, or wait for it themselves.

Every node has two moments, its start and its end. A node starts after the end of what it depends on and after the
start of the node around it; a node around others ends after them; and an export ends after the nodes that it waits
for. What can be reached from the end of an export comes later than that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from flyteidl.core import literals_pb2, workflow_pb2

from flowtui.catalog.run_nodes import START, RunNode, Tree

_MAX_BINDINGS = 10_000

_Moment = tuple[int, str]
"""A node by its identity, and ``start`` or ``end``."""


class Order:
    """What comes after what in a run."""

    def __init__(self, tree: Tree) -> None:
        self._later: dict[_Moment, list[_Moment]] = defaultdict(list)
        for node in tree.walk():
            self._add(node)

    def _add(self, node: RunNode) -> None:
        self._later[_start(node)].append(_end(node))
        if node.parent is not None:
            self._later[_start(node.parent)].append(_start(node))
            self._later[_end(node)].append(_end(node.parent))
        for id_ in _upstream(node.spec) if node.spec is not None else ():
            before = node.scope.nodes.get(id_)
            if before is not None and before is not node:
                self._later[_end(before)].append(_start(node))

    def waiting(self, exports: Mapping[RunNode, Iterable[RunNode]]) -> None:
        """Take in what exports wait for; what comes after one of them anyway it does not wait for."""
        found = []
        for export, nodes in exports.items():
            after = self.after([export])
            found += [(_end(node), _end(export)) for node in nodes if not after.holds(node)]
        for before, later in found:
            self._later[before].append(later)

    def after(self, nodes: Iterable[RunNode]) -> After:
        """What ends after the end of one of these nodes, so that they cannot wait for it."""
        stack = [_end(node) for node in nodes]
        reached = set(stack)
        while stack:
            for moment in self._later.get(stack.pop(), ()):
                if moment not in reached:
                    reached.add(moment)
                    stack.append(moment)
        return After(reached)


class After:
    """Moments that come after others."""

    def __init__(self, moments: set[_Moment]) -> None:
        self._moments = moments

    def holds(self, node: RunNode) -> bool:
        """Whether the end of a node is among them."""
        return _end(node) in self._moments


def _start(node: RunNode) -> _Moment:
    return id(node), "start"


def _end(node: RunNode) -> _Moment:
    return id(node), "end"


def _upstream(spec: workflow_pb2.Node) -> set[str]:
    found = set(spec.upstream_node_ids)
    for bound in spec.inputs:
        found.update(_promised(bound.binding))
    return found - {START, ""}


def _promised(binding: literals_pb2.BindingData) -> Iterator[str]:
    stack, left = [binding], _MAX_BINDINGS
    while stack and left:
        left -= 1
        one = stack.pop()
        kind = one.WhichOneof("value")
        if kind == "promise":
            yield one.promise.node_id
        elif kind == "collection":
            stack.extend(one.collection.bindings)
        elif kind == "map":
            stack.extend(one.map.bindings.values())
