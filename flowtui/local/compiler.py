"""Compiles workflows as Flyte's compiler does: start and end node, connections, and the checks that refuse a workflow.

Used for registration, and by the runner for what a dynamic node yields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flyteidl.core import compiler_pb2, types_pb2, workflow_pb2

from flowtui.errors import FlowError
from flowtui.local.literal_types import castable, is_optional, scalar_type
from flowtui.local.status import text

START, END = "start-node", "end-node"

Types = dict[str, Any]
"""Variables by name, each a LiteralType."""


class CompileError(FlowError):
    """A workflow that Flyte's compiler refuses; ``problems`` are its sentences, one per mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        listed = "".join(f"\tError {number}: {problem}\n" for number, problem in enumerate(problems))
        super().__init__(f"Collected Errors: {len(problems)}\n{listed}")
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Interface:
    """Inputs and outputs of something that a node runs.

    Attributes:
        required: inputs that have to be bound; those with a default need not.
    """

    inputs: Types
    outputs: Types
    required: frozenset[str]

    @classmethod
    def of(cls, interface: Any) -> Interface:
        """The interface of a task or workflow (a TypedInterface)."""
        inputs = {name: variable.type for name, variable in interface.inputs.variables.items()}
        outputs = {name: variable.type for name, variable in interface.outputs.variables.items()}
        return cls(inputs, outputs, frozenset(name for name, kind in inputs.items() if not is_optional(kind)))

    @classmethod
    def of_launch_plan(cls, closure: Any) -> Interface:
        """The interface of a launch plan (a LaunchPlanClosure)."""
        parameters = closure.expected_inputs.parameters
        inputs = {name: parameter.var.type for name, parameter in parameters.items()}
        outputs = {name: variable.type for name, variable in closure.expected_outputs.variables.items()}
        needed = (name for name, parameter in parameters.items() if parameter.WhichOneof("behavior") == "required")
        return cls(inputs, outputs, frozenset(needed))


def key(identifier: Any) -> tuple[str, str, str, str]:
    """An Identifier without its resource type, as a key."""
    return identifier.project, identifier.domain, identifier.name, identifier.version


def requirements(template: Any, sub_workflows: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """The identifiers of tasks and of launch plans that a workflow and its sub-workflows name, sorted, each once."""
    tasks: dict[tuple[str, ...], Any] = {}
    launch_plans: dict[tuple[str, ...], Any] = {}
    for one in (template, *sub_workflows):
        for node in all_nodes(one):
            target = node.WhichOneof("target")
            if target == "task_node":
                tasks[key(node.task_node.reference_id)] = node.task_node.reference_id
            elif target == "workflow_node" and node.workflow_node.WhichOneof("reference") == "launchplan_ref":
                launch_plans[key(node.workflow_node.launchplan_ref)] = node.workflow_node.launchplan_ref
    return [tasks[name] for name in sorted(tasks)], [launch_plans[name] for name in sorted(launch_plans)]


def all_nodes(template: Any) -> list[Any]:
    """Every node of a WorkflowTemplate: the failure node, those in the arms of conditions and in array nodes too."""
    waiting = list(template.nodes)
    if template.HasField("failure_node"):
        waiting.append(template.failure_node)
    found = []
    while waiting:
        node = waiting.pop()
        found.append(node)
        if node.WhichOneof("target") == "branch_node":
            waiting.extend(arms(node))
        elif node.WhichOneof("target") == "array_node":
            waiting.append(node.array_node.node)
    return found


def arms(node: Any) -> list[Any]:
    """The nodes in the arms of a condition."""
    block = node.branch_node.if_else
    found = [block.case.then_node, *(case.then_node for case in block.other)]
    if block.WhichOneof("default") == "else_node":
        found.append(block.else_node)
    return found


def compile_workflow(
    spec: Any,
    tasks: Iterable[Any],
    launch_plans: Mapping[tuple[str, str, str, str], Interface] | None = None,
) -> Any:
    """Compile a workflow.

    Args:
        spec: an ``admin.WorkflowSpec`` (template and sub-workflows); it is not changed.
        tasks: the TaskTemplates that it names, each once, in the order wanted.
        launch_plans: interfaces of the launch plans that it names, by :func:`key`.

    Returns:
        a CompiledWorkflowClosure.

    Raises:
        CompileError: with Flyte's words for each mistake.
    """
    templates = list(tasks)
    known_tasks = {key(template.id): Interface.of(template.interface) for template in templates}
    known_workflows = {key(template.id): Interface.of(template.interface) for template in spec.sub_workflows}
    context = _Context(known_tasks, known_workflows, dict(launch_plans or {}))
    closure = compiler_pb2.CompiledWorkflowClosure()
    closure.primary.CopyFrom(_Compilation(context, spec.template).run())
    for template in spec.sub_workflows:
        closure.sub_workflows.add().CopyFrom(_Compilation(context, template).run())
    for template in templates:
        closure.tasks.add().template.CopyFrom(template)
    if context.problems:
        raise CompileError(sorted(set(context.problems)))
    return closure


@dataclass(slots=True)
class _Context:
    tasks: dict[tuple[str, str, str, str], Interface]
    workflows: dict[tuple[str, str, str, str], Interface]
    launch_plans: dict[tuple[str, str, str, str], Interface]
    problems: list[str] = field(default_factory=list)

    def refuse(self, code: str, node: str, description: str) -> None:
        self.problems.append(f"Code: {code}, Node Id: {node}, Description: {description}")


class _Compilation:
    """One workflow or sub-workflow on its way."""

    def __init__(self, context: _Context, template: Any) -> None:
        self.context = context
        self.template = workflow_pb2.WorkflowTemplate()
        self.template.CopyFrom(template)
        self.upstream: dict[str, set[str]] = {}
        self.downstream: dict[str, set[str]] = {}
        self.interfaces: dict[str, Interface | None] = {}
        self.names: dict[str, str] = {}

    def run(self) -> Any:
        template = self.template
        if not template.nodes:
            self.context.refuse("NoNodesFound", text(template.id), "Can't find any nodes in workflow.")
        whole = Interface.of(template.interface)
        nodes = list(template.nodes)
        for node in all_nodes(template):
            node.upstream_node_ids.sort()
        self.interfaces[START] = Interface({}, whole.inputs, frozenset())
        self.interfaces[END] = Interface(whole.outputs, {}, frozenset(whole.outputs))
        for node in nodes:
            if node.id in self.interfaces:
                self.context.refuse("DuplicateNodeId", node.id, f"Node id [{node.id}] is used more than once.")
            self._declare(node)
        end = workflow_pb2.Node(id=END, inputs=template.outputs)
        for node in nodes:
            for upstream in node.upstream_node_ids:
                self._edge(upstream, node.id)
            self._bind(node, both=True)
        self._bind(end, both=True)
        # As in the end node, a promise of the workflow's own input names the start node now.
        del template.outputs[:]
        template.outputs.extend(end.inputs)
        if template.HasField("failure_node"):
            self._declare(template.failure_node)
            self._bind(template.failure_node, both=False)
        for node in nodes:
            if node.id not in self.upstream:
                self._edge(START, node.id)
            if node.id not in self.downstream:
                self._edge(node.id, END)
        self._check_cycles()
        ordered = [workflow_pb2.Node(id=START), end, *(_copy(node) for node in nodes)]
        del template.nodes[:]
        template.nodes.extend(ordered)
        compiled = compiler_pb2.CompiledWorkflow(template=template)
        compiled.connections.SetInParent()
        for name, ids in self.downstream.items():
            compiled.connections.downstream[name].ids.extend(sorted(ids))
        for name, ids in self.upstream.items():
            compiled.connections.upstream[name].ids.extend(sorted(ids))
        return compiled

    def _declare(self, node: Any) -> Interface | None:
        interface = self._interface(node)
        self.interfaces[node.id] = interface
        self.names[node.id] = node.metadata.name
        return interface

    def _interface(self, node: Any) -> Interface | None:
        """What a node takes and gives; None where that is unknown."""
        target = node.WhichOneof("target")
        if target == "task_node":
            identifier = node.task_node.reference_id
            found = self.context.tasks.get(key(identifier))
            if found is None:
                self.context.refuse(
                    "TaskReferenceNotFound", node.id, f"Referenced Task [{text(identifier)}] not found."
                )
            return found
        if target == "workflow_node":
            return self._workflow_interface(node)
        if target == "branch_node":
            return self._branch_interface(node)
        if target == "gate_node":
            return _gate_interface(node)
        if target == "array_node":
            # flytekit's map task declares the lists itself; Flyte 1.16 wraps nothing and refuses a mapped launch plan.
            return self._interface(node.array_node.node)
        self.context.refuse("ValueRequired", node.id, "Value required [Target].")
        return None

    def _workflow_interface(self, node: Any) -> Interface | None:
        reference = node.workflow_node.WhichOneof("reference")
        identifier = getattr(node.workflow_node, reference) if reference else node.workflow_node.sub_workflow_ref
        known = self.context.launch_plans if reference == "launchplan_ref" else self.context.workflows
        found = known.get(key(identifier))
        if found is None:
            self.context.refuse(
                "WorkflowReferenceNotFound", node.id, f"Referenced Workflow [{text(identifier)}] not found."
            )
        return found

    def _branch_interface(self, node: Any) -> Interface:
        """A condition gives what all its arms give."""
        common: Types | None = None
        for arm in arms(node):
            # An arm is known by the condition's id too: the arms of two conditions may share their names.
            arm.id = f"{node.id}-{arm.id}"
            interface = self._declare(arm)
            self._bind(arm, both=False)
            if interface is not None:
                given = interface.outputs
                common = dict(given) if common is None else {n: k for n, k in common.items() if n in given}
        inputs = {binding.var: types_pb2.LiteralType() for binding in node.inputs}
        return Interface(inputs, common or {}, frozenset(inputs))

    def _edge(self, source: str, target: str, *, both: bool = True) -> None:
        self.upstream.setdefault(target, set()).add(source or START)
        if both:
            self.downstream.setdefault(source or START, set()).add(target)

    def _bind(self, node: Any, *, both: bool) -> None:
        """Check a node's bindings, name the start node where a promise names none, and add the edges they imply."""
        interface = self.interfaces.get(node.id)
        if interface is None:
            return
        seen: set[str] = set()
        typed = node.WhichOneof("target") != "branch_node"
        for binding in node.inputs:
            if typed and binding.var not in interface.inputs:
                self._refuse_variable(node.id, node.id, binding.var)
            elif binding.var in seen:
                message = f"Input [{binding.var}] is bound more than once."
                self.context.refuse("ParameterBoundMoreThanOnce", node.id, message)
            else:
                seen.add(binding.var)
                expected = interface.inputs[binding.var] if typed else None
                for source in self._sources(node.id, binding.var, binding.binding, expected):
                    self._edge(source, node.id, both=both)
        for name in sorted(interface.required - seen):
            self.context.refuse("ParameterNotBound", node.id, f"Parameter not bound [{name}].")

    def _refuse_variable(self, node: str, owner: str, name: str) -> None:
        message = f"Variable [{name}] not found on node [{owner}]."
        self.context.refuse("VariableNameNotFound", node, message)

    def _sources(self, node: str, variable: str, data: Any, expected: Any) -> list[str]:
        """The nodes that a binding takes its value from."""
        kind = data.WhichOneof("value")
        if kind == "promise":
            return self._promise(node, variable, data.promise, expected)
        if kind == "collection":
            inner = _inner(expected, "collection_type")
            return [n for item in data.collection.bindings for n in self._sources(node, variable, item, inner)]
        if kind == "map":
            inner = _inner(expected, "map_value_type")
            names = sorted(data.map.bindings)
            return [n for name in names for n in self._sources(node, variable, data.map.bindings[name], inner)]
        if kind == "scalar":
            given = scalar_type(data.scalar)
            if expected is not None and given is not None and not castable(given, expected):
                self._mismatch(node, variable, given, expected)
            return []
        if kind is None:
            self.context.refuse("ParameterNotBound", node, f"Parameter not bound [{variable}].")
        return []

    def _promise(self, node: str, variable: str, promise: Any, expected: Any) -> list[str]:
        source = promise.node_id or START
        if source not in self.interfaces:
            self.context.refuse("NodeReferenceNotFound", node, f"Referenced node [{source}] not found.")
            return []
        interface = self.interfaces[source]
        if interface is not None:
            # ``name[3].field`` is read as ``name``.
            name = (
                promise.var.partition("[")[0].partition(".")[0] if promise.var not in interface.outputs else promise.var
            )
            if name not in interface.outputs:
                self._refuse_variable(node, source, promise.var)
                return []
            given = interface.outputs[name] if name == promise.var else None
            for step in promise.attr_path:
                given = _step(given, step) if given is not None else None
            if given is not None and expected is not None and not castable(given, expected):
                shown = f"'{self._named(node, variable)}' which has type type [{text(expected)}]"
                taken = f"'{self._named(source, promise.var)}' has type [{text(given)}]"
                message = f"The output variable {taken}, but it's assigned to the input variable {shown}."
                self.context.refuse("MismatchingTypes", node, message)
                return []
        promise.node_id = source
        return [source]

    def _named(self, node: str, variable: str) -> str:
        name = self.names.get(node, "")
        return f"{name}.{variable}" if name else variable

    def _mismatch(self, node: str, variable: str, given: Any, expected: Any) -> None:
        message = f"Variable [{variable}] (type [{text(given)}]) doesn't match expected type [{text(expected)}]."
        self.context.refuse("MismatchingTypes", node, message)

    def _check_cycles(self) -> None:
        done: set[str] = set()
        for first in sorted(self.downstream):
            path: list[str] = []
            waiting = [(first, False)]
            while waiting:
                name, left = waiting.pop()
                if left:
                    path.pop()
                    done.add(name)
                elif name in path:
                    shown = ">".join([*path[path.index(name) :], name])
                    message = f"A cycle has been detected while traversing the Workflow [{shown}]."
                    self.context.refuse("CycleDetected", START, message)
                    return
                elif name not in done:
                    path.append(name)
                    waiting.append((name, True))
                    waiting.extend((after, False) for after in sorted(self.downstream.get(name, ())))


def _copy(node: Any) -> Any:
    made = workflow_pb2.Node()
    made.CopyFrom(node)
    return made


def _gate_interface(node: Any) -> Interface:
    condition = node.gate_node.WhichOneof("condition")
    if condition == "signal":
        signal = node.gate_node.signal
        return Interface({}, {signal.output_variable_name: signal.type}, frozenset())
    # An approval and a pause pass on what they get; its type is that of its source.
    inputs: Types = {binding.var: types_pb2.LiteralType() for binding in node.inputs}
    return Interface(inputs, dict(inputs), frozenset())


def _inner(kind: Any, field: str) -> Any | None:
    return getattr(kind, field) if kind is not None and kind.WhichOneof("type") == field else None


def _step(kind: Any, step: Any) -> Any | None:
    """The type one step down an attribute path, None where it is not known."""
    name = kind.WhichOneof("type")
    if name in ("collection_type", "map_value_type"):
        return getattr(kind, name)
    return kind.structure.dataclass_type.get(step.string_value)
