"""From an output or a binding to the leaf node executions that made the value.

A workflow's output is bound to a node's output, that node may be a sub-workflow, a dynamic node or a branch, and so on
down to the leaf that ran; a promise on ``start-node`` leads up to what the workflow was given.
"""

from __future__ import annotations

from dataclasses import dataclass

from flyteidl.core import literals_pb2

from flowtui.catalog.literals import Step
from flowtui.catalog.tree import END, START, RunNode, Scope

MAX_SOURCES = 10_000
"""Sources of one value, such as of a list that is bound item by item."""

_MAX_STEPS = 300


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


def output(node: RunNode, variable: str, steps: tuple[Step, ...] = (), *, left: int = _MAX_STEPS) -> list[Source]:
    """The sources of an output of a node; itself where it is a leaf."""
    here = [Source(node, variable, steps)]
    if left <= 0 or node.hollow:
        return here
    if node.kind == "branch":
        # While nothing is decided, the branch itself stands for its arms.
        return output(node.arms[0], variable, steps, left=left - 1) if len(node.arms) == 1 else here
    if node.inner is None:
        return here
    for bound in node.inner.template.outputs:
        if bound.var == variable:
            found = binding(node.inner, bound.binding, steps, left=left - 1)
            # A file that a dynamic node wrote itself is a constant of its closure.
            return found if found and all(source.constant is None for source in found) else here
    return here


def workflow_output(scope: Scope, variable: str) -> list[Source]:
    """The sources of an output of the run's own workflow; empty where it is not bound."""
    for bound in scope.template.outputs:
        if bound.var == variable:
            return binding(scope, bound.binding)
    return []


def binding(
    scope: Scope, bound: literals_pb2.BindingData, steps: tuple[Step, ...] = (), *, left: int = _MAX_STEPS
) -> list[Source]:
    """The sources of a value that is bound in a workflow; empty where it leads nowhere."""
    if left <= 0:
        return []
    kind = bound.WhichOneof("value")
    if kind == "promise":
        path = tuple(_step(attribute) for attribute in bound.promise.attr_path)
        return _promise(scope, bound.promise.node_id, bound.promise.var, path + steps, left)
    if kind == "collection":
        items = list(bound.collection.bindings)
        if steps and isinstance(steps[0], int):
            items, steps = items[steps[0] : steps[0] + 1] if steps[0] >= 0 else [], steps[1:]
        return _all(scope, items, steps, left)
    if kind == "map":
        keys = sorted(bound.map.bindings)
        if steps and isinstance(steps[0], str):
            keys, steps = [key for key in keys if key == steps[0]], steps[1:]
        return _all(scope, [bound.map.bindings[key] for key in keys], steps, left)
    if kind == "scalar":
        return _constant(scope, literals_pb2.Literal(scalar=bound.scalar), steps)
    if kind == "offloaded_metadata":
        return _constant(scope, literals_pb2.Literal(offloaded_metadata=bound.offloaded_metadata), steps)
    return []


def inputs(node: RunNode) -> dict[str, list[Source]]:
    """The sources of every input of a node, by the input's name."""
    return {bound.var: binding(node.scope, bound.binding) for bound in (node.spec.inputs if node.spec else ())}


def _step(attribute: literals_pb2.PromiseAttribute) -> Step:
    return int(attribute.int_value) if attribute.WhichOneof("value") == "int_value" else str(attribute.string_value)


def _promise(scope: Scope, node_id: str, variable: str, steps: tuple[Step, ...], left: int) -> list[Source]:
    if node_id in (START, ""):
        owner = scope.owner
        if owner is None:
            start = scope.nodes.get(START) or RunNode(START, START, "start", START, None, scope, None)
            return [Source(start, variable, steps)]
        for bound in owner.spec.inputs if owner.spec is not None else ():
            if bound.var == variable:
                return binding(owner.scope, bound.binding, steps, left=left - 1)
        return []
    node = scope.nodes.get(node_id)
    return output(node, variable, steps, left=left - 1) if node is not None else []


def _all(scope: Scope, items: list[literals_pb2.BindingData], steps: tuple[Step, ...], left: int) -> list[Source]:
    found: list[Source] = []
    for item in items:
        found += binding(scope, item, steps, left=left - 1)
        if len(found) > MAX_SOURCES:
            break
    return found[:MAX_SOURCES]


def _constant(scope: Scope, literal: literals_pb2.Literal, steps: tuple[Step, ...]) -> list[Source]:
    owner = scope.owner or scope.nodes.get(END) or RunNode(END, END, "end", END, None, scope, None)
    return [Source(owner, "", steps, literal)]
