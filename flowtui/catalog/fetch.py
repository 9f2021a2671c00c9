"""What is asked of the server about one execution, in few calls and as many at a time as are allowed.

The execution and its top-level nodes come first, together; then the workflow, and the children of every parent node as
soon as the parent is known; then the data of the nodes that the plan names. What cannot change any more is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from flyteidl.admin import execution_pb2, node_execution_pb2, task_execution_pb2
from flyteidl.core import tasks_pb2

from flowtui.admin.client import AdminClient
from flowtui.admin.failures import TooLargeError
from flowtui.admin.gather import gather
from flowtui.catalog import convert
from flowtui.catalog.cache import ResponseCache
from flowtui.catalog.declared import declaration, file_type
from flowtui.catalog.entities import Entities
from flowtui.catalog.fetched import FetchedRun, is_final, may_miss_nodes
from flowtui.catalog.kept import Kept
from flowtui.catalog.launched import LaunchedFetcher
from flowtui.catalog.mapped import inner_task_of
from flowtui.catalog.node_data import NodeDataFetcher
from flowtui.catalog.run_nodes import Closure, Fetched, RunNode, Tree
from flowtui.catalog.stored import ReadObject
from flowtui.catalog.tasks_that_ran import TasksThatRan
from flowtui.catalog.tree import build
from flowtui.catalog.walk import Row, Walk
from flowtui.domain.execution import TERMINAL_PHASES, WITH_OUTPUTS_PHASES, EntityId, ExecutionId, NodeId
from flowtui.errors import NotFoundError, ServerError, UnreachableError


class Fetcher:
    """Fetches executions of one server.

    Args:
        cache: where what cannot change any more is kept; None to ask every time.
        read: reads objects of the blob store; None where nothing can.
    """

    def __init__(
        self, client: AdminClient, cache: ResponseCache | None, entities: Entities, read: ReadObject | None = None
    ) -> None:
        self._client = client
        self._kept = Kept(cache, client.base_url)
        self._entities = entities
        self._tasks = TasksThatRan(client, entities)
        self._launched = LaunchedFetcher(client, self._kept)
        self._data = NodeDataFetcher(client, self._kept, read)

    def walk(self, id_: ExecutionId, earlier: Walk | None = None) -> Walk:
        """A walk for :meth:`run`, which asks for what has changed since an earlier one."""
        return Walk(self._client, id_, earlier)

    async def run(self, id_: ExecutionId, walk: Walk | None = None) -> FetchedRun:
        """The execution with its tree of nodes, without data.

        Args:
            walk: what lists the nodes; a new one where None.

        Raises:
            NotFoundError: there is no such execution.
        """
        notices: list[str] = []
        kept = self._run_kept(id_)
        if kept is not None:
            message, walk = kept
            workflow = await self._workflow(message, notices)
        else:
            walk = walk or self.walk(id_)
            (message, workflow), _ = await gather([self._execution(id_, notices), _nothing(walk)])
            if convert.execution_phase(message) in TERMINAL_PHASES and may_miss_nodes(
                message, walk, self._client.server_now()
            ):
                walk = Walk(self._client, id_)
                await walk.level("")
        final = kept is not None or is_final(message, walk, self._client.server_now())
        ran = {} if workflow is not None else await self._tasks_that_ran(message, walk, final, notices)
        tree = await self._tree(id_, message, workflow, walk, ran)
        if kept is None and final and walk.complete:
            self._keep(id_, message, walk)
        eager = await self._launched.eager(tree, message, final=final, notices=notices)
        return FetchedRun(message, tree, final, eager=eager, notices=[*notices, *walk.notices])

    async def execution(self, id_: ExecutionId) -> execution_pb2.Execution:
        """The execution alone; without a call where it is kept."""
        kept = self._kept.get("execution", id_)
        return execution_pb2.Execution.FromString(kept) if kept is not None else await self._client.get_execution(id_)

    async def execution_data(self, message: execution_pb2.Execution) -> execution_pb2.WorkflowExecutionGetDataResponse:
        """Inputs and outputs of an execution."""
        id_ = convert.execution_id(message.id)
        kept = self._kept.get("execution data", id_)
        if kept is not None:
            return execution_pb2.WorkflowExecutionGetDataResponse.FromString(kept)
        data = await self._client.get_execution_data(id_)
        if convert.execution_phase(message) in TERMINAL_PHASES:
            self._kept.put(id_, {("execution data", ""): data.SerializeToString()})
        return data

    async def static_tree(self, id_: EntityId) -> Tree:
        """The nodes of a workflow as they are before a run."""
        execution = ExecutionId(id_.project, id_.domain, "")
        walk = Walk(self._client, execution)
        return await self._tree(execution, execution_pb2.Execution(), await self._entities.workflow(id_), walk, {})

    async def data(self, run: FetchedRun, nodes: Iterable[str], variables: Mapping[str, Sequence[str]]) -> None:
        """Add the data of nodes to a run, as ``NodeDataFetcher.add``."""
        await self._data.add(run, nodes, variables)

    async def inputs(self, run: FetchedRun, nodes: Iterable[str]) -> None:
        """Add the inputs of nodes to a run; a notice tells of those that cannot be had."""
        asked = list(nodes)
        await self._data.add(run, asked, {})
        if [run.failed.pop(node) for node in asked if node in run.failed]:
            run.notices.append("Some inputs cannot be read: files of one name are told apart by their nodes only.")

    async def launched(self, run: FetchedRun) -> None:
        """Add to a run what is known of the children that launch plans started."""
        run.launched |= await self._launched.children(run)

    async def node(self, id_: NodeId, *, final: bool) -> Row:
        """One node execution with its whole error; kept where its run is final."""
        kept = self._kept.get("node", id_.execution, id_.node) if final else None
        if kept is not None:
            return Row.FromString(kept)
        row = await self._client.get_node_execution(id_)
        if final:
            self._kept.put(id_.execution, {("node", id_.node): row.SerializeToString()})
        return row

    async def attempts(self, id_: NodeId, *, final: bool) -> list[task_execution_pb2.TaskExecution]:
        """The task executions of a node in order; kept where its run is final."""
        kept = self._kept.get("attempts", id_.execution, id_.node) if final else None
        if kept is not None:
            return list(task_execution_pb2.TaskExecutionList.FromString(kept).task_executions)
        found = await self._client.list_task_executions(id_)
        if final:
            body = task_execution_pb2.TaskExecutionList(task_executions=found).SerializeToString()
            self._kept.put(id_.execution, {("attempts", id_.node): body})
        return found

    async def _execution(self, id_: ExecutionId, notices: list[str]) -> tuple[execution_pb2.Execution, Closure | None]:
        message = await self._client.get_execution(id_)
        return message, await self._workflow(message, notices)

    async def _workflow(self, message: execution_pb2.Execution, notices: list[str]) -> Closure | None:
        try:
            return await self._entities.workflow(convert.entity_id(message.closure.workflow_id))
        except (NotFoundError, TooLargeError) as error:
            notices.append(f"What the run declares is not known: {error.message}")
            return None

    async def _tasks_that_ran(
        self, message: execution_pb2.Execution, walk: Walk, final: bool, notices: list[str]
    ) -> dict[str, tasks_pb2.TaskTemplate]:
        """By node what it ran, where the workflow does not say it."""
        try:
            found, whole = await self._tasks.by_node(message, walk, lambda node: self.attempts(node, final=final))
        except UnreachableError:
            raise
        except (NotFoundError, ServerError) as error:
            notices.append(f"Nor is known which tasks its nodes ran: {error.message}")
            return {}
        if found:
            known = "Files are known of the tasks that have run" if whole else "Files are known of some tasks"
            notices.append(f"{known}; what has not begun, and what the workflow itself declares, is missing.")
        return found

    async def _tree(
        self,
        id_: ExecutionId,
        message: execution_pb2.Execution,
        workflow: Closure | None,
        walk: Walk,
        ran: Mapping[str, tasks_pb2.TaskTemplate],
    ) -> Tree:
        phase = convert.execution_phase(message)
        inner: dict[EntityId, tasks_pb2.TaskTemplate] = {}
        asked: set[EntityId] = set()
        while True:
            dynamic = {node: Closure.of(one.compiled_workflow) for node, one in walk.dynamic.items()}
            tree = build(Fetched(id_, phase, workflow, walk.rows, dynamic, inner, ran))
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
            await gather(walk.level(node, settled=True) for node in branches)
            tasks = await gather(self._entities.task(found) for found in wanted.values())
            inner.update({outer: task for outer, task in zip(wanted, tasks, strict=True) if task is not None})
            walk.notices += [
                f"What the map task of {found.name} declares is not known: the server has no such task."
                for found, task in zip(wanted.values(), tasks, strict=True)
                if task is None
            ]

    def _run_kept(self, id_: ExecutionId) -> tuple[execution_pb2.Execution, Walk] | None:
        body = self._kept.get("execution", id_)
        if body is None:
            return None
        walk = Walk(self._client, id_)
        for parent, list_ in self._kept.get_all("nodes", id_).items():
            walk.rows[parent] = list(node_execution_pb2.NodeExecutionList.FromString(list_).node_executions)
        for node, closure in self._kept.get_all("dynamic", id_).items():
            walk.dynamic[node] = node_execution_pb2.DynamicNodeWorkflowResponse.FromString(closure)
        return execution_pb2.Execution.FromString(body), walk

    def _keep(self, id_: ExecutionId, message: execution_pb2.Execution, walk: Walk) -> None:
        bodies = {("execution", ""): bytes(message.SerializeToString())}
        for parent, list_ in walk.rows.items():
            body = node_execution_pb2.NodeExecutionList(node_executions=list_).SerializeToString()
            bodies["nodes", parent] = body
        bodies |= {("dynamic", node): one.SerializeToString() for node, one in walk.dynamic.items()}
        self._kept.put(id_, bodies)


async def _nothing(walk: Walk) -> tuple[execution_pb2.Execution, Closure | None]:
    await walk.level("")
    return execution_pb2.Execution(), None


def _is_closed_branch(node: RunNode) -> bool:
    return node.kind == "branch" and node.phase in WITH_OUTPUTS_PHASES


def _lost_its_artifact(node: RunNode) -> bool:
    return (
        node.kind == "map"
        and not any(declaration(variable, name) for name, variable in node.outputs.items())
        and any(file_type(variable.type) for variable in node.outputs.values())
    )
