"""One file name once per artifact: the check of a compiled workflow, and its place in flytekit.

The check looks at what a workflow compiled to, never at calls of ``Artifact.File``, because flytekit runs a workflow's
body more than once. A declaration is an output, of a workflow or of a node, whose interface has an artifact id.
Bindings are followed to the outputs that hold the bytes: declarations that end at one and the same output are one
file; outputs in different arms of one condition never exist together. Files of sub-workflows belong to the run and
count; those of a launch plan belong to its own execution and do not.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator
from typing import Any, NamedTuple

from flowtui.errors import ArtifactError, FlowError
from flowtui.plugin.encoding import FileKey, key_of_id

_MARK = "_flowtui_checks_artifacts"


def require_flytekit() -> None:
    """Raises FlowError with the way out where flytekit is not installed."""
    if importlib.util.find_spec("flytekit") is None:
        raise FlowError(
            "flytekit is not installed, and flows need it.",
            "flytekit supports Python 3.10 to 3.12: install flowtui with one of them, "
            'for example with "uv tool install --python 3.12 flowtui".',
        )


def install() -> None:
    """Have flytekit check every workflow that it compiles or serialises. Does nothing the second time.

    ``PythonFunctionWorkflow.compile`` is the one road of ``pyflyte``, of local execution and of dynamic tasks;
    ``translator.get_serializable_workflow`` sees imperative workflows too, which are never compiled.
    """
    from flytekit.core.workflow import PythonFunctionWorkflow
    from flytekit.tools import translator

    if hasattr(PythonFunctionWorkflow.compile, _MARK):
        return
    compile_workflow = PythonFunctionWorkflow.compile
    serialise_workflow = translator.get_serializable_workflow

    @functools.wraps(compile_workflow)
    def compile_and_check(self: Any, **kwargs: Any) -> Any:
        if self.compiled:
            return None
        result = compile_workflow(self, **kwargs)
        try:
            check(self)
        except ArtifactError:
            self.compiled = False  # so that a second attempt is refused too
            raise
        return result

    @functools.wraps(serialise_workflow)
    def check_and_serialise(entity_mapping: Any, settings: Any, entity: Any, *args: Any, **kwargs: Any) -> Any:
        check(entity)
        return serialise_workflow(entity_mapping, settings, entity, *args, **kwargs)

    setattr(compile_and_check, _MARK, True)
    PythonFunctionWorkflow.compile = compile_and_check
    translator.get_serializable_workflow = check_and_serialise


def check(workflow: Any) -> None:
    """Check a workflow object of flytekit.

    Raises:
        ArtifactError: one artifact has one file name at two outputs; it names artifact, file and both places.
    """
    found: dict[FileKey, dict[_Leaf, str]] = {}
    for key, leaf, place in _Scope(workflow).declarations():
        places = found.setdefault(key, {})
        for other, other_place in places.items():
            if other.output != leaf.output and not _exclude(other.arms, leaf.arms):
                raise ArtifactError(
                    f'The {key.type} artifact "{key.artifact}" has the file "{key.file}" twice in workflow '
                    f"{workflow.name}: as {other_place}, and as {place}.",
                    "Give one of the two another file name, or declare the file in one place only.",
                )
        places.setdefault(leaf, place)


class _Arm(NamedTuple):
    """One arm of one condition; ``condition`` is the key of its node."""

    condition: tuple[int, ...]
    number: int


class _Leaf(NamedTuple):
    """An output that holds a value itself, or an input of the run, and the arms in which it exists."""

    output: tuple[Any, ...]
    arms: tuple[_Arm, ...]


def _exclude(one: tuple[_Arm, ...], other: tuple[_Arm, ...]) -> bool:
    numbers = dict(one)
    return any(numbers.get(arm.condition, arm.number) != arm.number for arm in other)


class _Scope:
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
        parent: _Scope | None = None,
        arms: tuple[_Arm, ...] = (),
    ) -> None:
        self.workflow = workflow
        self.path = path
        self.node = node
        self.parent = parent
        self.arms = arms
        self.key: tuple[int, ...] = parent._key(node) if parent is not None else ()
        self.bound = {binding.var: binding.binding for binding in workflow.output_bindings}
        self.leaves: dict[int, tuple[Any, tuple[_Arm, ...]]] = {}
        self.children: dict[int, _Scope] = {}
        for inner in workflow.nodes:
            self._add(inner, arms)
        if workflow.failure_node is not None:
            self._add(workflow.failure_node, arms)

    def _add(self, node: Any, arms: tuple[_Arm, ...]) -> None:
        entity = node.flyte_entity
        if _is_branch(entity):
            for index, then in enumerate(_then_nodes(entity)):
                self._add(then, (*arms, _Arm(self._key(node), index)))
        elif _is_workflow(entity):
            self.children[id(node)] = _Scope(entity, self._path(node), node, self, arms)
        else:
            self.leaves[id(node)] = (node, arms)

    def _path(self, node: Any) -> str:
        return f"{self.path}/{node.id}" if self.path else str(node.id)

    def _key(self, node: Any) -> tuple[int, ...]:
        return (*self.key, id(node))

    def declarations(self) -> Iterator[tuple[FileKey, _Leaf, str]]:
        """File, output and place of what the signature, the nodes and the sub-workflows declare."""
        title = f"sub-workflow {self.workflow.name} at node {self.path}" if self.path else "the workflow"
        for var, key in _declared(self.workflow):
            for leaf in self.output(var):
                # A passed-through input lies outside the arms that this declaration is in.
                arms = (*leaf.arms, *(arm for arm in self.arms if arm not in leaf.arms))
                yield key, _Leaf(leaf.output, arms), f'output "{var}" of {title}'
        for node, arms in self.leaves.values():
            if _is_launch_plan(node.flyte_entity):
                continue
            for var, key in _declared(node.flyte_entity):
                place = f'output "{var}" of node {self._path(node)} "{node.metadata.name or node.flyte_entity.name}"'
                yield key, _Leaf((self._key(node), var), arms), place
        for child in self.children.values():
            yield from child.declarations()

    def output(self, var: str) -> frozenset[_Leaf]:
        """The outputs that hold the workflow output ``var``: one per arm where it comes out of a condition."""
        if var not in self.bound:
            return frozenset()
        return self._resolve(self.bound[var], f"output {var}")

    def _resolve(self, data: Any, consumer: str) -> frozenset[_Leaf]:
        if data.promise is None:
            # A list, a map or a constant is made where it is bound.
            return frozenset({_Leaf((self.key, consumer), self.arms)})
        node, var, attributes = data.promise.node, data.promise.var, tuple(data.promise.attr_path or ())
        leaves = self._input(var) if _is_start(node) else self._node_output(node, var)
        return frozenset(_Leaf((*leaf.output, *attributes), leaf.arms) for leaf in leaves)

    def _input(self, var: str) -> frozenset[_Leaf]:
        if self.parent is not None:
            for binding in self.node.bindings:
                if binding.var == var:
                    return self.parent._resolve(binding.binding, f"input {var} of {self.path}")
        return frozenset({_Leaf((self.key, f"input {var}"), self.arms)})

    def _node_output(self, node: Any, var: str) -> frozenset[_Leaf]:
        entity = node.flyte_entity
        if _is_branch(entity):
            return frozenset().union(*(self._node_output(then, var) for then in _then_nodes(entity)))
        if id(node) in self.children:
            return self.children[id(node)].output(var)
        if _is_approval(entity):
            for binding in node.bindings:
                return self._resolve(binding.binding, f"approval {self._path(node)}")
        arms = self.leaves[id(node)][1] if id(node) in self.leaves else self.arms
        return frozenset({_Leaf((self._key(node), var), arms)})


def _declared(entity: Any) -> list[tuple[str, FileKey]]:
    interface = getattr(entity, "interface", None)
    if interface is None:
        return []
    keys = ((var, key_of_id(variable.artifact_partial_id)) for var, variable in interface.outputs.items())
    return [(var, key) for var, key in keys if key is not None]


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
