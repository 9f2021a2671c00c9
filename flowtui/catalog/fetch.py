"""What is asked of the server about one execution, in few calls and as many at a time as are allowed.

The execution and its top-level nodes come first, together; then the workflow, and the children of every parent node as
soon as the parent is known; then the data of the nodes that the plan names. What cannot change any more is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from flyteidl.admin import execution_pb2, node_execution_pb2, task_execution_pb2
from flyteidl.core import literals_pb2, tasks_pb2

from flowtui.admin.client import AdminClient
from flowtui.admin.failures import TooLargeError
from flowtui.admin.gather import gather
from flowtui.catalog import convert
from flowtui.catalog.cache import Entry, ResponseCache
from flowtui.catalog.declared import declaration, file_type
from flowtui.catalog.entities import Entities
from flowtui.catalog.mapped import inner_task_of
from flowtui.catalog.tree import END, Closure, Fetched, RunNode, Tree, build, spec_id_of
from flowtui.catalog.walk import NodeData, Row, Walk
from flowtui.domain.execution import (
    TERMINAL_NODE_PHASES,
    TERMINAL_PHASES,
    WITH_OUTPUTS_PHASES,
    EntityId,
    ExecutionId,
    NodeId,
)
from flowtui.errors import NotFoundError, ServerError, UnreachableError

_RECENT = timedelta(minutes=1)
"""A run that ended less than this ago may have got nodes while its list was read."""

_SETTLED = timedelta(hours=1)
"""After this time a run that has ended is final, even where a node never reported its end."""


@dataclass
class FetchedRun:
    """What was fetched about an execution.

    Attributes:
        final: nothing of it can change any more.
        data: inputs and outputs of nodes, by their ids.
        failed: why the data of a node could not be had, by its id.
        notices: what could not be had, in words.
    """

    message: execution_pb2.Execution
    tree: Tree
    final: bool
    data: dict[str, NodeData] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    @property
    def outputs(self) -> dict[str, literals_pb2.LiteralMap]:
        """Outputs by node; those of the start node are the Launch Inputs."""
        return {node: data.full_outputs for node, data in self.data.items()}


class Fetcher:
    """Fetches executions of one server.

    Args:
        cache: where what cannot change any more is kept; None to ask every time.
    """

    def __init__(self, client: AdminClient, cache: ResponseCache | None, entities: Entities) -> None:
        self._client = client
        self._cache = cache
        self._entities = entities

    async def run(self, id_: ExecutionId) -> FetchedRun:
        """The execution with its tree of nodes, without data.

        Raises:
            NotFoundError: there is no such execution.
        """
        notices: list[str] = []
        kept = self._kept(id_)
        if kept is not None:
            message, walk = kept
            workflow = await self._workflow(message, notices)
        else:
            walk = Walk(self._client, id_)
            (message, workflow), _ = await gather([self._execution(id_, notices), _nothing(walk)])
            if convert.execution_phase(message) in TERMINAL_PHASES and _may_miss_nodes(message, walk):
                walk = Walk(self._client, id_)
                await walk.level("")
        tree = await self._tree(id_, message, workflow, walk)
        final = kept is not None or _is_final(message, walk)
        if kept is None and final and walk.complete:
            self._keep(id_, message, walk)
        return FetchedRun(message, tree, final, notices=[*notices, *walk.notices])

    async def execution(self, id_: ExecutionId) -> execution_pb2.Execution:
        """The execution alone; without a call where it is kept."""
        kept = self._get("execution", _owner(id_))
        return execution_pb2.Execution.FromString(kept) if kept is not None else await self._client.get_execution(id_)

    async def execution_data(self, message: execution_pb2.Execution) -> execution_pb2.WorkflowExecutionGetDataResponse:
        """Inputs and outputs of an execution."""
        id_ = convert.execution_id(message.id)
        kept = self._get("execution data", _owner(id_))
        if kept is not None:
            return execution_pb2.WorkflowExecutionGetDataResponse.FromString(kept)
        data = await self._client.get_execution_data(id_)
        if convert.execution_phase(message) in TERMINAL_PHASES:
            self._put([Entry("execution data", _owner(id_), "", data.SerializeToString())])
        return data

    async def static_tree(self, id_: EntityId) -> Tree:
        """The nodes of a workflow as they are before a run."""
        execution = ExecutionId(id_.project, id_.domain, "")
        walk = Walk(self._client, execution)
        return await self._tree(execution, execution_pb2.Execution(), await self._entities.workflow(id_), walk)

    async def data(self, run: FetchedRun, nodes: Iterable[str], variables: Mapping[str, Sequence[str]]) -> None:
        """Add the data of nodes to a run; what cannot be had is told in ``run.failed``.

        Args:
            variables: outputs of a node to ask for one by one where all of them together are too large.
        """
        id_ = run.tree.fetched.id
        wanted = [node for node in nodes if node not in run.data and node not in run.failed]
        if wanted and run.final:
            for node, body in self._get_all("data", _owner(id_)).items():
                run.data.setdefault(node, NodeData.FromString(body))
        wanted = [node for node in wanted if node not in run.data]
        await gather(self._node_data(run, node, variables.get(node, ())) for node in wanted)
        if run.final:
            # An empty answer may come from a store that is out of reach for a while.
            old = _age(run.message) > _SETTLED
            kept = [node for node in wanted if node not in run.failed and (old or run.data[node].full_outputs.literals)]
            self._put([Entry("data", _owner(id_), node, _slim(run.data[node])) for node in kept])

    async def node(self, id_: NodeId, *, final: bool) -> Row:
        """One node execution with its whole error; kept where its run is final."""
        kept = self._get("node", _owner(id_.execution), id_.node) if final else None
        if kept is not None:
            return Row.FromString(kept)
        row = await self._client.get_node_execution(id_)
        if final:
            self._put([Entry("node", _owner(id_.execution), id_.node, row.SerializeToString())])
        return row

    async def attempts(self, id_: NodeId, *, final: bool) -> list[task_execution_pb2.TaskExecution]:
        """The task executions of a node in order; kept where its run is final."""
        kept = self._get("attempts", _owner(id_.execution), id_.node) if final else None
        if kept is not None:
            return list(task_execution_pb2.TaskExecutionList.FromString(kept).task_executions)
        found = await self._client.list_task_executions(id_)
        if final:
            body = task_execution_pb2.TaskExecutionList(task_executions=found).SerializeToString()
            self._put([Entry("attempts", _owner(id_.execution), id_.node, body)])
        return found

    async def _node_data(self, run: FetchedRun, node: str, variables: Sequence[str]) -> None:
        id_ = NodeId(run.tree.fetched.id, node)
        try:
            run.data[node] = await self._client.get_node_data(id_)
        except TooLargeError:
            await self._one_by_one(run, id_, variables)
        except (NotFoundError, ServerError) as error:
            _pass_on(error)
            run.failed[node] = f"The outputs of {node} cannot be read: {error.message}"

    async def _one_by_one(self, run: FetchedRun, id_: NodeId, variables: Sequence[str]) -> None:
        data = NodeData()
        for variable in variables:
            try:
                literal = await self._client.get_output(id_, variable)
            except (NotFoundError, ServerError) as error:
                _pass_on(error)
                run.failed[id_.node] = f"Outputs of {id_.node} cannot be read: {error.message}"
            else:
                data.full_outputs.literals[variable].CopyFrom(literal)
        run.data[id_.node] = data

    async def _execution(self, id_: ExecutionId, notices: list[str]) -> tuple[execution_pb2.Execution, Closure | None]:
        message = await self._client.get_execution(id_)
        return message, await self._workflow(message, notices)

    async def _workflow(self, message: execution_pb2.Execution, notices: list[str]) -> Closure | None:
        try:
            return await self._entities.workflow(convert.entity_id(message.closure.workflow_id))
        except (NotFoundError, TooLargeError) as error:
            notices.append(f"What the run declares is not known: {error.message}")
            return None

    async def _tree(
        self, id_: ExecutionId, message: execution_pb2.Execution, workflow: Closure | None, walk: Walk
    ) -> Tree:
        phase = convert.execution_phase(message)
        inner: dict[EntityId, tasks_pb2.TaskTemplate] = {}
        asked: set[EntityId] = set()
        while True:
            dynamic = {node: Closure.of(one.compiled_workflow) for node, one in walk.dynamic.items()}
            tree = build(Fetched(id_, phase, workflow, walk.rows, dynamic, inner))
            # A branch that succeeded has a child, also where the list did not call it a parent.
            branches = [node.id for node in tree.walk() if _is_closed_branch(node) and node.id not in walk.rows]
            maps = {
                convert.entity_id(node.task.id): found
                for node in tree.walk()
                if _lost_its_artifact(node)
                and node.task is not None
                and (found := inner_task_of(node.task)) is not None
            }
            wanted = {outer: found for outer, found in maps.items() if outer not in asked}
            if not branches and not wanted:
                return tree
            asked |= set(wanted)
            await gather(walk.level(node) for node in branches)
            tasks = await gather(self._entities.task(found) for found in wanted.values())
            inner.update({outer: task for outer, task in zip(wanted, tasks, strict=True) if task is not None})

    def _kept(self, id_: ExecutionId) -> tuple[execution_pb2.Execution, Walk] | None:
        owner = _owner(id_)
        body = self._get("execution", owner)
        if body is None:
            return None
        walk = Walk(self._client, id_)
        for parent, list_ in self._get_all("nodes", owner).items():
            walk.rows[parent] = list(node_execution_pb2.NodeExecutionList.FromString(list_).node_executions)
        for node, closure in self._get_all("dynamic", owner).items():
            walk.dynamic[node] = node_execution_pb2.DynamicNodeWorkflowResponse.FromString(closure)
        return execution_pb2.Execution.FromString(body), walk

    def _keep(self, id_: ExecutionId, message: execution_pb2.Execution, walk: Walk) -> None:
        owner = _owner(id_)
        entries = [Entry("execution", owner, "", message.SerializeToString())]
        for parent, list_ in walk.rows.items():
            body = node_execution_pb2.NodeExecutionList(node_executions=list_).SerializeToString()
            entries.append(Entry("nodes", owner, parent, body))
        entries += [Entry("dynamic", owner, node, one.SerializeToString()) for node, one in walk.dynamic.items()]
        self._put(entries)

    def _get(self, kind: str, owner: tuple[str, ...], key: str = "") -> bytes | None:
        return None if self._cache is None else self._cache.get(self._client.base_url, kind, owner, key)

    def _get_all(self, kind: str, owner: tuple[str, ...]) -> dict[str, bytes]:
        return {} if self._cache is None else self._cache.get_all(self._client.base_url, kind, owner)

    def _put(self, entries: list[Entry]) -> None:
        if self._cache is not None:
            self._cache.put(self._client.base_url, entries)


async def _nothing(walk: Walk) -> tuple[execution_pb2.Execution, Closure | None]:
    await walk.level("")
    return execution_pb2.Execution(), None


def _pass_on(error: NotFoundError | ServerError) -> None:
    """Raise what concerns the whole server, not one node."""
    if isinstance(error, UnreachableError):
        raise error


def _is_closed_branch(node: RunNode) -> bool:
    return node.kind == "branch" and node.phase in WITH_OUTPUTS_PHASES


def _lost_its_artifact(node: RunNode) -> bool:
    return (
        node.kind == "map"
        and not any(declaration(variable, name) for name, variable in node.outputs.items())
        and any(file_type(variable.type) for variable in node.outputs.values())
    )


def _owner(id_: ExecutionId) -> tuple[str, ...]:
    return id_.project, id_.domain, id_.name


def _slim(data: NodeData) -> bytes:
    slim = NodeData()
    slim.CopyFrom(data)
    slim.ClearField("dynamic_workflow")
    return bytes(slim.SerializeToString())


def _age(message: execution_pb2.Execution) -> timedelta:
    updated = convert.instant(message.closure.updated_at)
    return timedelta(0) if updated is None else datetime.now(timezone.utc) - updated


def _all_ended(walk: Walk) -> bool:
    return all(convert.node_phase(row) in TERMINAL_NODE_PHASES for rows in walk.rows.values() for row in rows)


def _may_miss_nodes(message: execution_pb2.Execution, walk: Walk) -> bool:
    """Whether nodes may have begun after the list was read, which was at the same time as the execution."""
    if _age(message) > _RECENT:
        return False
    ends = [row for row in walk.rows.get("", ()) if spec_id_of(row) == END]
    return not (_all_ended(walk) and any(convert.node_phase(row) == "SUCCEEDED" for row in ends))


def _is_final(message: execution_pb2.Execution, walk: Walk) -> bool:
    if convert.execution_phase(message) not in TERMINAL_PHASES:
        return False
    return _all_ended(walk) or _age(message) > _SETTLED
