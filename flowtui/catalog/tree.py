"""The nodes of a run as a tree: the template's nodes joined with their node executions.

Ids of node executions are opaque and never taken apart; rows are matched by ``metadata.spec_node_id`` under their
parent. A node without an execution gets the id that the engine would give it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from flyteidl.admin import node_execution_pb2
from flyteidl.core import tasks_pb2, workflow_pb2

from flowtui.catalog import convert
from flowtui.catalog.ids import would_be_id
from flowtui.catalog.mapped import with_artifact
from flowtui.catalog.run_nodes import END, START, Closure, Fetched, RunNode, Scope, Tree, spec_id_of
from flowtui.domain.execution import TERMINAL_NODE_PHASES, TERMINAL_PHASES, WITH_OUTPUTS_PHASES, EntityId

MAX_DEPTH = 40
"""Levels of nodes that are read; a recursive flow may go deeper."""

MAX_NODES = 100_000
"""Nodes of a tree that are built."""

_MAPPED = re.compile(r"^(?:.*\.)?map_(?P<name>.+)_[0-9a-f]{32}(?:-arraynode)?$")


def attempt_number(group: str) -> int:
    """The number of a try, from 0; -1 where it has none."""
    return int(group) if group.isascii() and group.isdigit() and len(group) < 10 else -1


def latest_attempt(
    rows: Sequence[node_execution_pb2.NodeExecution],
) -> tuple[str, list[node_execution_pb2.NodeExecution]]:
    """Of the children of a node that was tried several times those of the last try, and its number."""
    groups = {str(row.metadata.retry_group) for row in rows}
    last = max(groups, key=attempt_number, default="0")
    return last or "0", [row for row in rows if row.metadata.retry_group == last]


def build(fetched: Fetched) -> Tree:
    """The tree of what was fetched. Pure; never raises, whatever the messages hold."""
    closure = fetched.workflow or Closure(workflow_pb2.WorkflowTemplate())
    tree = Tree(fetched, Scope(closure.primary, closure, None))
    _Builder(tree).fill(tree.root, list(fetched.rows.get("", ())), parent=None, attempt="", above=())
    return tree


class _Builder:
    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._fetched = tree.fetched
        self._left = MAX_NODES
        self._opened: set[str] = set()
        self._listed: set[str] = set()

    def fill(
        self,
        scope: Scope,
        rows: list[node_execution_pb2.NodeExecution],
        *,
        parent: RunNode | None,
        attempt: str,
        above: tuple[EntityId, ...],
    ) -> None:
        """Add the nodes of a workflow; ``above`` has the ids of the sub-workflows around it."""
        by_spec, others = self._by_spec(rows)
        specs: list[tuple[workflow_pb2.Node, bool]] = [(spec, False) for spec in scope.template.nodes]
        failure = scope.template.failure_node
        # A failure node is declared for a case that most often does not come: it is listed when it runs.
        if failure.id and (failure.id in by_spec or self._fetched.phase == "FAILING"):
            specs.append((failure, True))
        for spec, is_failure in specs:
            if self._is_full():
                return
            if spec.id in scope.nodes:
                continue
            row = by_spec.pop(spec.id, None)
            scope.nodes[spec.id] = self.node(spec, row, scope, parent, attempt, above, is_failure=is_failure)
        for row in (*by_spec.values(), *others):
            if self._is_full():
                return
            key = spec_id_of(row)
            scope.nodes[key if key not in scope.nodes else f"{key} {row.id.node_id}"] = self.unknown(row, scope, parent)

    def _by_spec(
        self, rows: Iterable[node_execution_pb2.NodeExecution]
    ) -> tuple[dict[str, node_execution_pb2.NodeExecution], list[node_execution_pb2.NodeExecution]]:
        """Node executions by the id in the template, and those that have the same one; none comes twice in a tree."""
        by_spec: dict[str, node_execution_pb2.NodeExecution] = {}
        others = []
        for row in rows:
            if row.id.node_id in self._listed:
                continue
            self._listed.add(row.id.node_id)
            if by_spec.setdefault(spec_id_of(row), row) is not row:
                others.append(row)
        return by_spec, others

    def node(
        self,
        spec: workflow_pb2.Node,
        row: node_execution_pb2.NodeExecution | None,
        scope: Scope,
        parent: RunNode | None,
        attempt: str,
        above: tuple[EntityId, ...],
        *,
        is_failure: bool = False,
    ) -> RunNode:
        self._left -= 1
        id_ = row.id.node_id if row is not None else (would_be_id(parent.id, attempt, spec.id) if parent else spec.id)
        node = RunNode(id_, spec.id, "task", spec.metadata.name or spec.id, row, scope, parent, spec)
        target = spec.WhichOneof("target")
        if spec.id in (START, END):
            node.kind = "start" if spec.id == START else "end"
        elif target == "task_node":
            self._task(node, spec.task_node, above)
        elif target == "array_node":
            self._map(node, spec.array_node)
            self._items(node, above)
        elif target == "workflow_node":
            self._workflow(node, spec.workflow_node, above)
        elif target == "branch_node":
            self._branch(node, spec.branch_node, above)
        elif target == "gate_node":
            node.kind = "gate"
        if is_failure:
            node.kind = "failure"
        return node

    def unknown(self, row: node_execution_pb2.NodeExecution, scope: Scope, parent: RunNode | None) -> RunNode:
        """A node execution that the template does not know, such as below a dynamic node without its closure."""
        self._left -= 1
        spec_id = spec_id_of(row)
        kind = "task"
        if spec_id in (START, END):
            kind = "start" if spec_id == START else "end"
        elif row.metadata.is_array:
            kind = "map"
        elif row.closure.workflow_node_metadata.executionId.name:
            kind = "launch_plan"
        elif row.metadata.is_dynamic:
            kind = "dynamic"
        elif row.metadata.is_parent_node:
            kind = "workflow"
        elif row.metadata.is_eager:
            kind = "eager"
        node = RunNode(row.id.node_id, spec_id, kind, spec_id, row, scope, parent)
        task = self._fetched.tasks.get(node.id)
        if task is not None:
            self._ran(node, task)
        closure = self._fetched.dynamic.get(node.id)
        if closure is not None:
            self._descend(node, closure.primary, closure.with_outer(scope.closure), (), dynamic=True)
        elif kind == "map":
            self._items(node, ())
        elif row.id.node_id in self._fetched.rows:
            self._descend(node, workflow_pb2.WorkflowTemplate(), scope.closure, ())
        return node

    def _ran(self, node: RunNode, task: tasks_pb2.TaskTemplate) -> None:
        """Fill in what is known of a node by the task that it ran."""
        inner = self._fetched.inner_tasks.get(convert.entity_id(task.id)) if node.kind == "map" else None
        node.task, node.entity = task, (inner or task).id.name
        node.inputs = dict(task.interface.inputs.variables)
        node.outputs = {
            name: with_artifact(variable, inner.interface.outputs.variables if inner is not None else {}, name)
            for name, variable in task.interface.outputs.variables.items()
        }
        whole = task.type == "domino_job"
        node.name = node.entity if whole else node.entity.rpartition(".")[2] or node.name

    def _task(self, node: RunNode, target: Any, above: tuple[EntityId, ...]) -> None:
        id_ = convert.entity_id(target.reference_id)
        node.entity = id_.name
        node.task = node.scope.closure.tasks.get(id_)
        if node.task is not None:
            node.inputs = dict(node.task.interface.inputs.variables)
            node.outputs = dict(node.task.interface.outputs.variables)
            # flytekit names a node after what follows the last dot: a job "Table 14.3.1" becomes "1".
            if node.task.type == "domino_job" and id_.name.endswith(f".{node.name}"):
                node.name = id_.name
        if node.row is None:
            return
        closure = self._fetched.dynamic.get(node.id)
        if node.row.metadata.is_eager or (node.task is not None and getattr(node.task.metadata, "is_eager", False)):
            node.kind = "eager"
        elif closure is not None:
            node.kind = "dynamic"
            self._descend(node, closure.primary, closure.with_outer(node.scope.closure), above, dynamic=True)
        elif node.row.metadata.is_dynamic:
            node.kind = "dynamic"
            if node.id in self._fetched.rows:
                self._descend(node, workflow_pb2.WorkflowTemplate(), node.scope.closure, above, dynamic=True)

    def _map(self, node: RunNode, target: Any) -> None:
        node.kind = "map"
        sub = target.node
        if sub.WhichOneof("target") != "task_node":
            node.entity = sub.workflow_node.launchplan_ref.name
            return
        id_ = convert.entity_id(sub.task_node.reference_id)
        node.task = node.scope.closure.tasks.get(id_)
        inner = self._fetched.inner_tasks.get(id_)
        mapped = _MAPPED.match(node.name)
        if mapped:
            node.name = mapped["name"]
        node.entity = inner.id.name if inner is not None else id_.name
        if node.task is None:
            return
        node.inputs = dict(node.task.interface.inputs.variables)
        node.outputs = {
            name: with_artifact(variable, inner.interface.outputs.variables if inner is not None else {}, name)
            for name, variable in node.task.interface.outputs.variables.items()
        }

    def _workflow(self, node: RunNode, target: Any, above: tuple[EntityId, ...]) -> None:
        if target.WhichOneof("reference") == "launchplan_ref":
            node.kind, node.entity = "launch_plan", target.launchplan_ref.name
            return
        node.kind = "workflow"
        id_ = convert.entity_id(target.sub_workflow_ref)
        node.entity = id_.name
        template = node.scope.closure.workflows.get(id_)
        if template is None:
            if node.id in self._fetched.rows:
                self._descend(node, workflow_pb2.WorkflowTemplate(), node.scope.closure, above)
            return
        node.inputs = dict(template.interface.inputs.variables)
        node.outputs = dict(template.interface.outputs.variables)
        # A compiled sub-workflow cannot hold itself; one that says so is foreign, and would never end.
        if id_ in above:
            self._say(f"Nodes below {node.id} are left out: the workflow {id_.name} holds itself.")
        else:
            self._descend(node, template, node.scope.closure, (*above, id_))

    def _branch(self, node: RunNode, target: Any, above: tuple[EntityId, ...]) -> None:
        node.kind = "branch"
        if_else = target.if_else
        arms = [if_else.case.then_node, *(other.then_node for other in if_else.other)]
        if if_else.WhichOneof("default") == "else_node":
            arms.append(if_else.else_node)
        # Ids are unique in a workflow; arms that share one are foreign, and would show one execution twice.
        specs = list({spec.id: spec for spec in reversed(arms)}.values())[::-1]
        again = node.row is not None and node.id in self._opened
        self._opened.add(node.id)
        attempt, rows = latest_attempt(self._fetched.rows.get(node.id, ()))
        by_spec, _ = self._by_spec(row for row in rows if convert.node_phase(row) != "SKIPPED")
        taken = [spec for spec in specs if spec.id in by_spec]
        over = self._fetched.phase in TERMINAL_PHASES or node.phase in TERMINAL_NODE_PHASES
        if self._is_full() or again:
            return
        if taken or not over:
            node.arms = tuple(
                self.node(spec, by_spec.get(spec.id), node.scope, node, attempt, above) for spec in (taken or specs)
            )
        # Such as an arm that was skipped, where an engine says so.
        self._others(node, specs, node.scope, attempt, above)

    def _descend(
        self,
        node: RunNode,
        template: workflow_pb2.WorkflowTemplate,
        closure: Closure,
        above: tuple[EntityId, ...],
        *,
        dynamic: bool = False,
    ) -> None:
        depth, up = 0, node.parent
        while up is not None:
            depth, up = depth + 1, up.parent
        if depth >= MAX_DEPTH:
            self._say(f"Nodes below {node.id} are left out: the flow is nested more than {MAX_DEPTH} levels deep.")
            return
        # Ids are unique in an execution; a node below itself would never end.
        if self._is_full() or (node.row is not None and node.id in self._opened):
            return
        self._opened.add(node.id)
        attempt, rows = latest_attempt(self._fetched.rows.get(node.id, ()))
        node.hollow = node.phase in WITH_OUTPUTS_PHASES and not rows
        node.inner = Scope(template, closure, node, dynamic)
        self.fill(node.inner, rows, parent=node, attempt=attempt, above=above)
        # A scope of their own: the promises of the last try must not lead to nodes of an earlier one.
        self._others(node, template.nodes, Scope(template, closure, node), attempt, above)

    def _items(self, node: RunNode, above: tuple[EntityId, ...]) -> None:
        """The items of a map, where the engine is set to report them as nodes; the files are the map's all the same."""
        attempt, _ = latest_attempt(self._fetched.rows.get(node.id, ()))
        self._others(node, (), node.scope, attempt, above)

    def _others(
        self,
        node: RunNode,
        specs: Iterable[workflow_pb2.Node],
        scope: Scope,
        attempt: str,
        above: tuple[EntityId, ...],
    ) -> None:
        """The node executions below a node that have no part in what it put out, such as those of earlier tries."""
        by_id = {spec.id: spec for spec in specs}
        for row in self._fetched.rows.get(node.id, ()):
            if self._is_full():
                return
            if row.id.node_id in self._listed or spec_id_of(row) in (START, END):
                continue
            self._listed.add(row.id.node_id)
            spec, group = by_id.get(spec_id_of(row)), str(row.metadata.retry_group)
            if spec is not None:
                other = self.node(spec, row, scope, node, group or "0", above)
            else:
                other = self.unknown(row, scope, node)
            other.parent_attempt = attempt_number(group) if (group or "0") != attempt else None
            node.others.append(other)

    def _is_full(self) -> bool:
        if self._left >= 0:
            return False
        self._say(f"The run has more than {MAX_NODES:,} nodes; the rest is left out.")
        return True

    def _say(self, notice: str) -> None:
        if notice not in self._tree.notices:
            self._tree.notices.append(notice)
