"""Small flyteidl messages for tests: literals, interfaces, workflows, node executions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flyteidl.admin import execution_pb2, node_execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import interface_pb2, literals_pb2, tasks_pb2, workflow_pb2
from google.protobuf.message import DecodeError, Message
from hypothesis import strategies as st

from flowtui.catalog import convert, join
from flowtui.catalog.tree import Closure, Fetched, Tree, build
from flowtui.domain.artifact import RunArtifacts
from flowtui.domain.execution import EntityId, ExecutionId

RUN = ExecutionId("p", "d", "run-1")
Literal = literals_pb2.Literal
Binding = literals_pb2.BindingData


def blob(uri: str, *, directory: bool = False) -> Literal:
    literal = Literal()
    literal.scalar.blob.uri = uri
    literal.scalar.blob.metadata.type.dimensionality = int(directory)
    return literal


def integer(value: int) -> Literal:
    literal = Literal()
    literal.scalar.primitive.integer = value
    return literal


def none() -> Literal:
    literal = Literal()
    literal.scalar.none_type.SetInParent()
    return literal


def listed(*items: Literal) -> Literal:
    return Literal(collection=literals_pb2.LiteralCollection(literals=items))


def mapped(items: Mapping[str, Literal]) -> Literal:
    return Literal(map=literals_pb2.LiteralMap(literals=items))


def union(value: Literal) -> Literal:
    return Literal(scalar=literals_pb2.Scalar(union=literals_pb2.Union(value=value)))


def parses(message: Message, body: bytes) -> bool:
    """Whether foreign bytes are a message of this kind, which then holds them."""
    try:
        message.ParseFromString(body)
    except DecodeError:
        return False
    return True


def _binary(value: bytes) -> Literal:
    return Literal(scalar=literals_pb2.Scalar(binary=literals_pb2.Binary(tag="msgpack", value=value)))


def literals() -> st.SearchStrategy[Literal]:
    """Literals of every kind, nested."""
    leaves = st.one_of(
        st.text(max_size=8).map(blob),
        st.integers(-(2**63), 2**63 - 1).map(integer),
        st.builds(none),
        st.builds(Literal),
        st.binary(max_size=20).map(_binary),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4).map(lambda items: listed(*items)),
            st.dictionaries(st.text(max_size=3), inner, max_size=3).map(mapped),
            inner.map(union),
        ),
        max_leaves=12,
    )


def variable(declared: str = "", format_: str = "csv", *, many: bool = False) -> interface_pb2.Variable:
    """A file variable; ``declared`` is ``type/artifact/file``, empty for a plain one."""
    found = interface_pb2.Variable()
    type_ = found.type.collection_type if many else found.type
    type_.blob.format = format_
    if declared:
        kind, artifact, file = declared.split("/")
        found.artifact_partial_id.artifact_key.name = file
        found.artifact_partial_id.partitions.value["artifact_type"].static_value = kind
        found.artifact_partial_id.partitions.value["artifact_name"].static_value = artifact
    return found


def task(name: str, **outputs: interface_pb2.Variable) -> tasks_pb2.TaskTemplate:
    template = tasks_pb2.TaskTemplate()
    template.id.name = name
    for key, value in outputs.items():
        template.interface.outputs.variables[key].CopyFrom(value)
    return template


def promise(node: str, var: str = "o0", *steps: str | int) -> Binding:
    bound = Binding()
    bound.promise.node_id, bound.promise.var = node, var
    for step in steps:
        attribute = bound.promise.attr_path.add()
        if isinstance(step, int):
            attribute.int_value = step
        else:
            attribute.string_value = step
    return bound


def all_of(*items: Binding) -> Binding:
    return Binding(collection=literals_pb2.BindingDataCollection(bindings=items))


def node(id_: str, *, runs: str = "", flow: str = "", plan: str = "", **inputs: Binding) -> workflow_pb2.Node:
    """A node that runs a task, a sub-workflow or a launch plan."""
    found = workflow_pb2.Node(id=id_)
    for key, value in inputs.items():
        found.inputs.add(var=key, binding=value)
    if runs:
        found.task_node.reference_id.name = runs
    elif flow:
        found.workflow_node.sub_workflow_ref.name = flow
    elif plan:
        found.workflow_node.launchplan_ref.name = plan
    return found


def either(id_: str, *arms: workflow_pb2.Node) -> workflow_pb2.Node:
    """A branch node."""
    found = workflow_pb2.Node(id=id_)
    found.branch_node.if_else.case.then_node.CopyFrom(arms[0])
    for arm in arms[1:]:
        found.branch_node.if_else.other.add().then_node.CopyFrom(arm)
    return found


def workflow(
    name: str,
    nodes: Iterable[workflow_pb2.Node] = (),
    outputs: Mapping[str, tuple[interface_pb2.Variable, Binding]] | None = None,
) -> workflow_pb2.WorkflowTemplate:
    template = workflow_pb2.WorkflowTemplate(nodes=[workflow_pb2.Node(id="start-node"), *nodes])
    template.id.name = name
    for key, (declared, bound) in (outputs or {}).items():
        template.interface.outputs.variables[key].CopyFrom(declared)
        template.outputs.add(var=key, binding=bound)
    return template


def closure(
    primary: workflow_pb2.WorkflowTemplate,
    tasks: Iterable[tasks_pb2.TaskTemplate] = (),
    workflows: Iterable[workflow_pb2.WorkflowTemplate] = (),
) -> Closure:
    return Closure(
        primary,
        {EntityId("", "", one.id.name, ""): one for one in workflows},
        {EntityId("", "", one.id.name, ""): one for one in tasks},
    )


Row = node_execution_pb2.NodeExecution


def row(id_: str, phase: str = "SUCCEEDED", spec: str = "", group: str = "") -> Row:
    found = Row()
    found.id.node_id = id_
    found.id.execution_id.name = RUN.name
    found.metadata.spec_node_id = spec or id_
    found.metadata.retry_group = group
    found.closure.phase = core_execution_pb2.NodeExecution.Phase.Value(phase)
    return found


def tree(
    closure_: Closure | None,
    rows: Mapping[str, Iterable[Row]],
    phase: str = "RUNNING",
    dynamic: Mapping[str, Closure] | None = None,
) -> Tree:
    return build(Fetched(RUN, phase, closure_, {key: list(value) for key, value in rows.items()}, dynamic or {}))


def artifacts(tree_: Tree, data: Mapping[str, Mapping[str, Literal]], reference: str = "") -> RunArtifacts:
    """The join over a tree and outputs by node."""
    message = execution_pb2.Execution()
    message.id.name = RUN.name
    message.closure.phase = core_execution_pb2.WorkflowExecution.Phase.Value(tree_.fetched.phase)
    if reference:
        message.spec.metadata.reference_execution.name = reference
    outputs = {key: literals_pb2.LiteralMap(literals=value) for key, value in data.items()}
    return join.join(join.plan(tree_), convert.execution(message), outputs, undeclared=True)
