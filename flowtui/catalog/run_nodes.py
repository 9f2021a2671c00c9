"""The nodes of a run in the places where they run: the parts of the tree that ``tree.build`` makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flyteidl.admin import node_execution_pb2
from flyteidl.core import compiler_pb2, interface_pb2, tasks_pb2, workflow_pb2

from flowtui.catalog import convert
from flowtui.domain.execution import EntityId, ExecutionId

START, END = "start-node", "end-node"

Rows = Mapping[str, Sequence[node_execution_pb2.NodeExecution]]
"""Node executions by the id of their parent, ``""`` for the top level."""


@dataclass(frozen=True)
class Closure:
    """A compiled workflow with its sub-workflows and tasks by id."""

    primary: workflow_pb2.WorkflowTemplate
    workflows: Mapping[EntityId, workflow_pb2.WorkflowTemplate] = field(default_factory=dict)
    tasks: Mapping[EntityId, tasks_pb2.TaskTemplate] = field(default_factory=dict)

    @classmethod
    def of(cls, compiled: compiler_pb2.CompiledWorkflowClosure) -> Closure:
        return cls(
            compiled.primary.template,
            {convert.entity_id(one.template.id): one.template for one in compiled.sub_workflows},
            {convert.entity_id(one.template.id): one.template for one in compiled.tasks},
        )

    def with_outer(self, outer: Closure) -> Closure:
        """This closure, with what it leaves out looked up in the one around it."""
        return Closure(self.primary, {**outer.workflows, **self.workflows}, {**outer.tasks, **self.tasks})


@dataclass(frozen=True)
class Fetched:
    """What was fetched of a run, besides the data of its nodes.

    Attributes:
        workflow: None where the server does not send it.
        dynamic: closures of dynamic nodes by the node's id.
        inner_tasks: the tasks that map tasks run, by the id of the map task's own task.
        tasks: the tasks that nodes ran, by the node's id, where the workflow cannot be had.
    """

    id: ExecutionId
    phase: str
    workflow: Closure | None
    rows: Rows
    dynamic: Mapping[str, Closure] = field(default_factory=dict)
    inner_tasks: Mapping[EntityId, tasks_pb2.TaskTemplate] = field(default_factory=dict)
    tasks: Mapping[str, tasks_pb2.TaskTemplate] = field(default_factory=dict)


@dataclass(eq=False)
class Scope:
    """A workflow in the tree: the run's own, a sub-workflow, or what a dynamic node compiled.

    Attributes:
        owner: the node that runs it; None for the run itself.
        dynamic: True where a dynamic node compiled it, so that inputs of its nodes may be constants that were files.
    """

    template: workflow_pb2.WorkflowTemplate
    closure: Closure
    owner: RunNode | None
    dynamic: bool = False
    nodes: dict[str, RunNode] = field(default_factory=dict)


@dataclass(eq=False)
class RunNode:
    """A node of the template in the place where it runs, with its node execution if there is one.

    Attributes:
        id: of the node execution, or the one that it would get.
        kind: as ``NodeExecution.kind`` of the domain; ``start`` and ``end`` for those two.
        row: its node execution.
        scope: where the promises of its inputs look.
        parent: the node under which its execution is listed.
        outputs: the interface's outputs, as far as they are known.
        inner: the workflow that it runs.
        arms: of a branch: the one taken, or all that may still be.
        hollow: it succeeded and nothing ran below it, as when a recovered run takes it over as a whole.
        others: node executions below it that are no part of what it put out: those of earlier tries.
        parent_attempt: the earlier try of its parent that it belongs to.
    """

    id: str
    spec_id: str
    kind: str
    name: str
    row: node_execution_pb2.NodeExecution | None
    scope: Scope
    parent: RunNode | None
    spec: workflow_pb2.Node | None = None
    entity: str = ""
    task: tasks_pb2.TaskTemplate | None = None
    inputs: Mapping[str, interface_pb2.Variable] = field(default_factory=dict)
    outputs: Mapping[str, interface_pb2.Variable] = field(default_factory=dict)
    inner: Scope | None = None
    arms: tuple[RunNode, ...] = ()
    hollow: bool = False
    others: list[RunNode] = field(default_factory=list)
    parent_attempt: int | None = None

    @property
    def phase(self) -> str:
        """The phase of its execution; empty where it has none yet."""
        return "" if self.row is None else convert.node_phase(self.row)

    @property
    def children(self) -> tuple[RunNode, ...]:
        if self.inner is not None:
            return tuple(node for node in self.inner.nodes.values() if node.kind not in ("start", "end"))
        return self.arms

    @property
    def is_leaf(self) -> bool:
        return self.inner is None and self.kind not in ("branch", "start", "end")


@dataclass(eq=False)
class Tree:
    """The nodes of a run.

    Attributes:
        root: the run's own workflow; None where it is not known.
        notices: what was left out, in words.
    """

    fetched: Fetched
    root: Scope
    notices: list[str] = field(default_factory=list)

    def walk(self, *, earlier: bool = False) -> Iterator[RunNode]:
        """All nodes but start and end, parents before children.

        Args:
            earlier: also those of earlier tries of their parents.
        """
        stack = [node for node in reversed(self.root.nodes.values()) if node.kind not in ("start", "end")]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed((*node.children, *node.others) if earlier else node.children))


def spec_id_of(row: node_execution_pb2.NodeExecution) -> str:
    return str(row.metadata.spec_node_id or row.id.node_id)
