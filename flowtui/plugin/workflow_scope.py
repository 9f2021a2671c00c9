"""The outputs of a workflow that declare files of artifacts, and the outputs that hold these files' bytes.

A declaration is an output, of a workflow or of a node, whose interface has an artifact id. Bindings are followed to the
outputs that hold the bytes: declarations that end at one and the same output are one file; outputs in different arms of
one condition never exist together. Files of sub-workflows belong to the run and count; those of a launch plan belong to
its own execution and do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from flowtui.plugin.encoding import FileKey, key_of_id, specification_of_type


class Arm(NamedTuple):
    """One arm of one condition; ``condition`` is the key of its node."""

    condition: tuple[int, ...]
    number: int


class Leaf(NamedTuple):
    """An output that holds a value itself, or an input of the run, and the arms in which it exists."""

    output: tuple[Any, ...]
    arms: tuple[Arm, ...]


class Declaration(NamedTuple):
    """An output that declares a file.

    Attributes:
        leaf: the output that holds the file's bytes.
        place: where it is declared, in words.
        interface: the signature or node that declares it, in its place in the run.
        variable: its name in that interface.
        call: what one call of ``Artifact.File`` made, the same object wherever its result is used, or ``Registered``.
    """

    key: FileKey
    leaf: Leaf
    place: str
    interface: tuple[int, ...]
    variable: str
    call: object


class Registered(NamedTuple):
    """Stands for a call of ``Artifact.File`` that nobody knows here, of a task whose interface comes from a server."""

    task: str
    variable: str


def exclude(one: tuple[Arm, ...], other: tuple[Arm, ...]) -> bool:
    """Whether two outputs never exist together, because they are in different arms of one condition."""
    numbers = dict(one)
    return any(numbers.get(arm.condition, arm.number) != arm.number for arm in other)


class Scope:
    """A workflow where a run uses it: the run's own, or one node that is a sub-workflow.

    Nodes are told apart by their objects: flytekit numbers the nodes in a condition's arms from zero again.

    Args:
        path: ids of the nodes that lead here, joined by a slash; empty for the run's own workflow.
        node: the node that is this sub-workflow, in ``parent``.
        arms: the arms of conditions that lead here.
    """

    def __init__(
        self,
        workflow: Any,
        path: str = "",
        node: Any = None,
        parent: Scope | None = None,
        arms: tuple[Arm, ...] = (),
    ) -> None:
        self.workflow = workflow
        self.path = path
        self.node = node
        self.parent = parent
        self.arms = arms
        self.key: tuple[int, ...] = parent._key(node) if parent is not None else ()
        self._names: dict[tuple[int, ...], str] = parent._names if parent is not None else {}
        """Nodes and sub-workflows in words, by their keys; one for all scopes of a run."""
        self._names[self.key] = parent._words(node) if parent is not None else "the workflow itself"
        self.bound = {binding.var: binding.binding for binding in workflow.output_bindings}
        self.leaves: dict[int, tuple[Any, tuple[Arm, ...]]] = {}
        self.children: dict[int, Scope] = {}
        for inner in workflow.nodes:
            self._add(inner, arms)
        if workflow.failure_node is not None:
            self._add(workflow.failure_node, arms)

    def _add(self, node: Any, arms: tuple[Arm, ...]) -> None:
        entity = node.flyte_entity
        if _is_branch(entity):
            for index, then in enumerate(_then_nodes(entity)):
                self._add(then, (*arms, Arm(self._key(node), index)))
        elif _is_workflow(entity):
            self.children[id(node)] = Scope(entity, self._path(node), node, self, arms)
        else:
            self.leaves[id(node)] = (node, arms)
            self._names[self._key(node)] = self._words(node)

    def _path(self, node: Any) -> str:
        return f"{self.path}/{node.id}" if self.path else str(node.id)

    def _words(self, node: Any) -> str:
        return f'{self._path(node)} "{node.metadata.name or node.flyte_entity.name}"'

    def _key(self, node: Any) -> tuple[int, ...]:
        return (*self.key, id(node))

    def declarations(self) -> Iterator[Declaration]:
        """What the signature, the nodes and the sub-workflows declare."""
        title = f"sub-workflow {self.workflow.name} at node {self.path}" if self.path else "the workflow"
        for var, key, call in declared(self.workflow):
            for leaf in self.output(var):
                # A passed-through input lies outside the arms that this declaration is in.
                arms = (*leaf.arms, *(arm for arm in self.arms if arm not in leaf.arms))
                place = f'output "{var}" of {title}'
                yield Declaration(key, Leaf(leaf.output, arms), place, self.key, var, call)
        for node, arms in self.leaves.values():
            if _is_launch_plan(node.flyte_entity):
                continue
            for var, key, call in declared(node.flyte_entity):
                place, own = f'output "{var}" of node {self._words(node)}', self._key(node)
                yield Declaration(key, Leaf((own, var), arms), place, own, var, call)
        for child in self.children.values():
            yield from child.declarations()

    def makers(self, leaves: Iterable[Leaf]) -> list[str]:
        """The nodes that hold outputs, in words and in the order of the workflow."""
        keys = {leaf.output[0] for leaf in leaves}
        return [words for key, words in self._names.items() if key in keys]

    def output(self, var: str) -> frozenset[Leaf]:
        """The outputs that hold the workflow output ``var``: one per arm where it comes out of a condition."""
        if var not in self.bound:
            return frozenset()
        return self._resolve(self.bound[var], f"output {var}")

    def _resolve(self, data: Any, consumer: str) -> frozenset[Leaf]:
        if data.promise is None:
            # A list, a map or a constant is made where it is bound.
            return frozenset({Leaf((self.key, consumer), self.arms)})
        node, var, attributes = data.promise.node, data.promise.var, tuple(data.promise.attr_path or ())
        leaves = self._input(var) if _is_start(node) else self._node_output(node, var)
        return frozenset(Leaf((*leaf.output, *attributes), leaf.arms) for leaf in leaves)

    def _input(self, var: str) -> frozenset[Leaf]:
        if self.parent is not None:
            for binding in self.node.bindings:
                if binding.var == var:
                    return self.parent._resolve(binding.binding, f"input {var} of {self.path}")
        return frozenset({Leaf((self.key, f"input {var}"), self.arms)})

    def _node_output(self, node: Any, var: str) -> frozenset[Leaf]:
        entity = node.flyte_entity
        if _is_branch(entity):
            return frozenset().union(*(self._node_output(then, var) for then in _then_nodes(entity)))
        if id(node) in self.children:
            return self.children[id(node)].output(var)
        if _is_approval(entity):
            for binding in node.bindings:
                return self._resolve(binding.binding, f"approval {self._path(node)}")
        arms = self.leaves[id(node)][1] if id(node) in self.leaves else self.arms
        return frozenset({Leaf((self._key(node), var), arms)})


def declared(entity: Any) -> list[tuple[str, FileKey, object]]:
    """Outputs of a workflow or task that declare files: name, file, and the call as in ``Declaration``."""
    interface = getattr(entity, "interface", None)
    if interface is None:
        return []
    python_interface = getattr(entity, "python_interface", None)
    types = python_interface.outputs if python_interface is not None else {}
    keys = ((var, key_of_id(variable.artifact_partial_id)) for var, variable in interface.outputs.items())
    return [
        (var, key, specification_of_type(types.get(var)) or Registered(str(getattr(entity, "id", entity.name)), var))
        for var, key in keys
        if key is not None
    ]


def _is_start(node: Any) -> bool:
    from flytekit.core.constants import GLOBAL_INPUT_NODE_ID

    return bool(node.id == GLOBAL_INPUT_NODE_ID)


def _is_branch(entity: Any) -> bool:
    from flytekit.core.condition import BranchNode

    return isinstance(entity, BranchNode)


def _then_nodes(branch: Any) -> list[Any]:
    block = branch._ifelse_block
    nodes = [block.case.then_node, *(case.then_node for case in block.other or ()), block.else_node]
    return [node for node in nodes if node is not None]


def _is_workflow(entity: Any) -> bool:
    """A workflow whose nodes are known here; a reference to a registered one is opaque."""
    from flytekit.core.reference_entity import ReferenceEntity
    from flytekit.core.workflow import WorkflowBase

    return isinstance(entity, WorkflowBase) and not isinstance(entity, ReferenceEntity)


def _is_launch_plan(entity: Any) -> bool:
    """A launch plan of this code, or one fetched from a server (``flytekit.remote``, which is slow to import)."""
    return any(base.__name__ in ("LaunchPlan", "FlyteLaunchPlan") for base in type(entity).__mro__)


def _is_approval(entity: Any) -> bool:
    from flytekit.core.gate import Gate

    return isinstance(entity, Gate) and entity._upstream_item is not None
