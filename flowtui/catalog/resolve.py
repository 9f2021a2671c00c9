"""From an output or a binding to the leaf node executions that made the value.

A workflow's output is bound to a node's output, that node may be a sub-workflow, a dynamic node or a branch, and so on
down to the leaf that ran; a promise on ``start-node`` leads up to what the workflow was given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flyteidl.core import literals_pb2

from flowtui.catalog.literals import Step
from flowtui.catalog.run_nodes import END, START, RunNode, Scope

MAX_SOURCES = 10_000
"""Sources of one value, such as of a list that is bound item by item."""

_MAX_STEPS = 500_000
_MAX_DEPTH = 200
_MAX_PATH = 64


@dataclass(frozen=True)
class Source:
    """Where a value comes from.

    Attributes:
        node: the leaf that made it; the start node for a Launch Input; for a constant the node that wrote it down.
        variable: its output variable; empty for a constant.
        steps: into the value, for an item of a list or a field of a dataclass.
        constant: the value itself, where the binding holds it.
    """

    node: RunNode
    variable: str
    steps: tuple[Step, ...] = ()
    constant: literals_pb2.Literal | None = None

    @property
    def key(self) -> tuple[str, str, tuple[Step, ...]]:
        """The same for two ways to the same value."""
        return self.node.id, self.variable, self.steps


class Resolver:
    """Follows bindings; one serves many values and takes a bounded number of steps for all of them together."""

    def __init__(self, steps: int = _MAX_STEPS) -> None:
        self._left = steps

    @property
    def is_exhausted(self) -> bool:
        """Whether there were more steps than are taken."""
        return self._left <= 0

    def output(self, node: RunNode, variable: str, steps: tuple[Step, ...] = (), *, depth: int = 0) -> list[Source]:
        """The sources of an output of a node; itself where it is a leaf."""
        here = [Source(node, variable, steps)]
        if self._is_spent(depth) or node.hollow:
            return here
        if node.kind == "branch":
            # While nothing is decided, the branch itself stands for its arms.
            return self.output(node.arms[0], variable, steps, depth=depth + 1) if len(node.arms) == 1 else here
        if node.inner is None:
            return here
        for bound in node.inner.template.outputs:
            if bound.var == variable:
                found = self.binding(node.inner, bound.binding, steps, depth=depth + 1)
                # A file that a dynamic node wrote itself is a constant of its closure.
                return found if found and all(source.constant is None for source in found) else here
        return here

    def workflow_output(self, scope: Scope, variable: str) -> list[Source]:
        """The sources of an output of the run's own workflow; empty where it is not bound."""
        for bound in scope.template.outputs:
            if bound.var == variable:
                return self.binding(scope, bound.binding)
        return []

    def inputs(self, node: RunNode) -> dict[str, list[Source]]:
        """The sources of every input of a node, by the input's name."""
        return {bound.var: self.binding(node.scope, bound.binding) for bound in (node.spec.inputs if node.spec else ())}

    def binding(
        self, scope: Scope, bound: literals_pb2.BindingData, steps: tuple[Step, ...] = (), *, depth: int = 0
    ) -> list[Source]:
        """The sources of a value that is bound in a workflow; empty where it leads nowhere."""
        if self._is_spent(depth):
            return []
        kind = bound.WhichOneof("value")
        if kind == "promise":
            path = tuple(_step(attribute) for attribute in bound.promise.attr_path[:_MAX_PATH])
            return self._promise(scope, bound.promise.node_id, bound.promise.var, (path + steps)[:_MAX_PATH], depth)
        if kind == "collection":
            items = bound.collection.bindings
            if steps and isinstance(steps[0], int):
                return self._all(scope, items[steps[0] : steps[0] + 1] if steps[0] >= 0 else [], steps[1:], depth)
            return self._all(scope, items, steps, depth)
        if kind == "map":
            keys = sorted(bound.map.bindings)
            if steps and isinstance(steps[0], str):
                keys, steps = [key for key in keys if key == steps[0]], steps[1:]
            return self._all(scope, [bound.map.bindings[key] for key in keys], steps, depth)
        if kind == "scalar":
            return _constant(scope, literals_pb2.Literal(scalar=bound.scalar), steps)
        if kind == "offloaded_metadata":
            return _constant(scope, literals_pb2.Literal(offloaded_metadata=bound.offloaded_metadata), steps)
        return []

    def _promise(self, scope: Scope, node_id: str, variable: str, steps: tuple[Step, ...], depth: int) -> list[Source]:
        if node_id in (START, ""):
            owner = scope.owner
            if owner is None:
                start = scope.nodes.get(START) or RunNode(START, START, "start", START, None, scope, None)
                return [Source(start, variable, steps)]
            for bound in owner.spec.inputs if owner.spec is not None else ():
                if bound.var == variable:
                    return self.binding(owner.scope, bound.binding, steps, depth=depth + 1)
            return []
        node = scope.nodes.get(node_id)
        return self.output(node, variable, steps, depth=depth + 1) if node is not None else []

    def _all(
        self, scope: Scope, items: Iterable[literals_pb2.BindingData], steps: tuple[Step, ...], depth: int
    ) -> list[Source]:
        found: list[Source] = []
        for item in items:
            found += self.binding(scope, item, steps, depth=depth + 1)
            if len(found) > MAX_SOURCES or self._left <= 0:
                break
        return found[:MAX_SOURCES]

    def _is_spent(self, depth: int) -> bool:
        # Bindings may lead in a circle, and in two directions from every node of it.
        self._left -= 1
        return self._left <= 0 or depth > _MAX_DEPTH


def _step(attribute: literals_pb2.PromiseAttribute) -> Step:
    return int(attribute.int_value) if attribute.WhichOneof("value") == "int_value" else str(attribute.string_value)


def _constant(scope: Scope, literal: literals_pb2.Literal, steps: tuple[Step, ...]) -> list[Source]:
    owner = scope.owner or scope.nodes.get(END) or RunNode(END, END, "end", END, None, scope, None)
    return [Source(owner, "", steps, literal)]
