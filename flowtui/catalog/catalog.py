"""The catalog: executions, artifacts, nodes, lineage and Launch Inputs of one Flyte Admin, as domain objects."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime

from flyteidl.admin import task_execution_pb2

from flowtui.admin.client import AdminClient
from flowtui.admin.failures import TooLargeError
from flowtui.admin.gather import gather
from flowtui.catalog import convert, join, lineage, same_names
from flowtui.catalog.cache import ResponseCache
from flowtui.catalog.entities import Entities
from flowtui.catalog.execution_lists import ExecutionLists
from flowtui.catalog.export_files import check_made, with_recovered
from flowtui.catalog.export_wait import ExportWait, Pauses
from flowtui.catalog.fetch import Fetcher
from flowtui.catalog.fetched import FetchedRun
from flowtui.catalog.nodes import (
    has_attempts,
    has_trimmed_error,
    launched_by,
    node_execution,
    node_tree,
    tolerates_failed_items,
)
from flowtui.catalog.refusals import with_refusals
from flowtui.catalog.run_nodes import RunNode, Scope
from flowtui.catalog.stored import ReadObject
from flowtui.catalog.values import launch_inputs
from flowtui.domain.artifact import RunArtifacts
from flowtui.domain.execution import (
    EntityId,
    Execution,
    ExecutionId,
    ExecutionPage,
    LaunchInput,
    NodeExecution,
    NodeId,
    Project,
)
from flowtui.domain.export_request import ExportRequest
from flowtui.domain.lineage import Lineage
from flowtui.errors import FlowtuiError, NotFoundError
from flowtui.storage import Trust

_TREES = 16
"""Runs whose nodes are remembered, so that opening one of them asks for that node only."""


class Catalog:
    """What a server has, as domain objects.

    Every method raises the errors of ``AdminClient``; what concerns a part of a run only is a notice in the answer.

    Args:
        cache: where answers that cannot change any more are kept; None to ask every time.
        read: reads objects of the blob store, for values that lie there; None to leave such values closed.
        trust: says which files are not read here, and is told where the server keeps its data; None to say nothing.
    """

    def __init__(
        self,
        client: AdminClient,
        cache: ResponseCache | None = None,
        read: ReadObject | None = None,
        trust: Trust | None = None,
    ) -> None:
        self._client = client
        self._trust = trust
        self._is_flowtui: bool | None = None
        self._lists = ExecutionLists(client)
        self._entities = Entities(client, cache)
        self._fetcher = Fetcher(client, cache, self._entities, read)
        self._trees: OrderedDict[ExecutionId, FetchedRun] = OrderedDict()
        self._declared: dict[EntityId, int] = {}

    async def projects(self) -> tuple[Project, ...]:
        """The projects of the server that are not archived, with their domains."""
        return tuple(
            Project(one.id, one.name, one.description, tuple(domain.id for domain in one.domains))
            for one in await self._client.list_projects()
        )

    async def executions(
        self,
        project: str,
        domain: str,
        *,
        limit: int = 50,
        token: str = "",
        query: str | None = None,
        filters_: Sequence[str] = (),
    ) -> ExecutionPage:
        """A page of executions, newest first; pages do not shift where runs are created or archived meanwhile.

        Args:
            limit: executions of the page; fewer may come, or some more where many were created at one time.
            token: of the page before.
            query: words of the filter, such as ``wf:adam !phase:aborted`` (``domain.query``).
            filters_: more of Flyte Admin's filters, as they are.

        Raises:
            UsageError: the query cannot be understood.
        """
        return await self._lists.page(project, domain, limit=limit, token=token, query=query, filters_=filters_)

    async def newest(self, project: str, domain: str, limit: int, query: str | None = None) -> tuple[Execution, ...]:
        """The newest executions that match a query, over as many pages as it takes.

        Raises:
            UsageError: the query cannot be understood.
        """
        return await self._lists.newest(project, domain, limit, query)

    async def changes(self, project: str, domain: str, since: datetime) -> ExecutionPage:
        """Executions that were created or changed since a time, newest first, in one call.

        Args:
            since: the server's time of an earlier answer (``ExecutionPage.as_of``); a little before it is asked for.

        Returns:
            A page whose token is not empty where more changed than one answer holds.
        """
        return await self._lists.changes(project, domain, since)

    async def execution(self, id_: ExecutionId) -> Execution:
        """One execution with its whole error."""
        return convert.execution(await self._fetcher.execution(id_))

    async def artifacts(self, id_: ExecutionId, *, undeclared: bool = False) -> RunArtifacts:
        """The artifacts of a run; sizes are not asked for.

        Args:
            undeclared: also ask for the URIs of outputs that belong to no artifact; done anyway where a run declares
                nothing.
        """
        return await self._joined(await self._fetch(id_), undeclared=undeclared)

    async def _joined(self, run: FetchedRun, *, undeclared: bool) -> RunArtifacts:
        plan = join.plan(run.tree)
        asked = undeclared or not plan.files
        await self._fetcher.data(run, join.needed(plan, undeclared=asked), join.variables(plan, undeclared=asked))
        await self._fetcher.inputs(run, same_names.wanted(plan.files, run.inputs))
        found = join.join(
            plan,
            convert.execution(run.message),
            run.outputs,
            undeclared=asked,
            failed=run.failed,
            notices=run.notices,
            launched=[one.id for children in run.eager.values() for one in children],
            inputs=run.inputs,
        )
        return found if self._trust is None else await with_refusals(found, self._trust, signs=self._signs_paths)

    async def _signs_paths(self) -> bool:
        """Whether the server may sign a path of its own machine, as ``flowtui serve`` does and Flyte does not."""
        if self._trust is not None and self._trust.is_embedded:
            return False
        if self._is_flowtui is None:
            try:
                self._is_flowtui = await self._client.is_flowtui()
            except FlowtuiError:
                return False
        return self._is_flowtui

    async def awaited_artifacts(
        self,
        id_: ExecutionId,
        request: ExportRequest,
        *,
        tell: Callable[[str], None],
        pauses: Pauses | None = None,
        deadline: float | None = None,
    ) -> RunArtifacts:
        """Wait in a run for the files that an export from inside it wants, and give its artifacts then.

        Of what is wanted every file is ``present`` but those that the run does not make by design: an optional output
        that is None, or a node that was skipped. Files of a node that was recovered as a whole are those of the
        earlier run.

        Args:
            tell: is told in a line what is waited for, whenever that changes.
            deadline: of ``time.monotonic()``; None for none.

        Raises:
            NotFoundError: a wanted file is not declared, or its node has failed.
            ExportError: the run has failed, the time is over, or a file is made after the export only.
        """
        wait = ExportWait(self._fetcher, id_, request, tell=tell, pauses=pauses or Pauses(), deadline=deadline)
        run = await wait.until_made()
        found = await self._joined(run, undeclared=False)
        found = await with_recovered(found, run, request, self.artifacts)
        await check_made(found, run, request, wait)
        return found

    async def nodes(self, id_: ExecutionId, *, attempts: bool = False) -> tuple[NodeExecution, ...]:
        """The node executions of a run as a tree, failed ones with their whole errors, launch plans with their runs.

        Args:
            attempts: also ask for the task executions of every node, one call each; else of maps alone that succeeded
                and may have items that failed.
        """
        run = await self._fetch(id_)
        nodes = list(run.tree.walk(earlier=True))
        cut = [node.id for node in nodes if has_trimmed_error(node)]
        tried = [node.id for node in nodes if has_attempts(node) and (attempts or tolerates_failed_items(node))]
        rows = await gather(self._fetcher.node(NodeId(id_, node), final=run.final) for node in cut)
        tries = await gather(self._fetcher.attempts(NodeId(id_, node), final=run.final) for node in tried)
        await self._fetcher.launched(run)
        whole, attempts_ = dict(zip(cut, rows, strict=True)), dict(zip(tried, tries, strict=True))
        return node_tree(run.tree, whole, attempts_, run.eager, run.launched)

    async def node(self, id_: NodeId) -> NodeExecution:
        """One node execution as it is now, with its attempts and its whole error."""
        run = self._trees.get(id_.execution) or await self._fetch(id_.execution)
        found = next((node for node in run.tree.walk(earlier=True) if node.id == id_.node), None)
        row = await self._fetcher.node(id_, final=run.final)
        if found is None:
            scope = Scope(run.tree.root.template, run.tree.root.closure, None)
            found = RunNode(id_.node, row.metadata.spec_node_id, "task", id_.node, row, scope, None)
        attempts: Sequence[task_execution_pb2.TaskExecution] = ()
        if has_attempts(found) or found.row is None:
            attempts = await self._fetcher.attempts(id_, final=run.final)
        return node_execution(found, row, attempts, launched=launched_by(found, run.eager, run.launched))

    async def lineage(self, id_: ExecutionId) -> Lineage:
        """The lineage of a run: files, node executions, Launch Inputs and other executions as one graph."""
        run, inputs = await self._fetch(id_), await self.inputs(id_)
        plan = join.plan(run.tree)
        wanted = join.variables(plan, undeclared=True)
        await self._fetcher.data(run, join.needed(plan, undeclared=False), wanted)
        if lineage.constants_without_source(plan, run, inputs):
            await self._fetcher.data(run, join.needed(plan, undeclared=True), wanted)
        await self._fetcher.inputs(run, same_names.wanted(plan.files, run.inputs))
        return lineage.graph(plan, run, convert.execution(run.message), inputs)

    async def inputs(self, id_: ExecutionId) -> tuple[LaunchInput, ...]:
        """The Launch Inputs of a run by name."""
        message = await self._fetcher.execution(id_)
        data = await self._fetcher.execution_data(message)
        try:
            workflow = await self._entities.workflow(convert.entity_id(message.closure.workflow_id))
        except (NotFoundError, TooLargeError):
            return launch_inputs(data.full_inputs, {})
        return launch_inputs(data.full_inputs, workflow.primary.interface.inputs.variables)

    async def declared_count(self, workflow: EntityId) -> int | None:
        """How many files a version of a workflow declares, as far as that is known before it runs.

        The workflow is asked for once and kept; None where the server cannot send it.
        """
        if workflow not in self._declared:
            try:
                tree = await self._fetcher.static_tree(workflow)
            except (NotFoundError, TooLargeError):
                return None
            self._declared[workflow] = len(join.plan(tree).files)
        return self._declared[workflow]

    async def relaunch(self, id_: ExecutionId, name: str = "") -> ExecutionId:
        """Start a run with the same Launch Inputs; the new run's id. An empty name makes one up."""
        return await self._client.relaunch(id_, name)

    async def terminate(self, id_: ExecutionId, cause: str) -> None:
        """Ask the engine to stop a run."""
        await self._client.terminate(id_, cause)

    async def _fetch(self, id_: ExecutionId) -> FetchedRun:
        run = await self._fetcher.run(id_)
        if self._trust is not None:
            await self._trust.learn(run.engine_uris())
        self._trees[id_] = run
        self._trees.move_to_end(id_)
        if len(self._trees) > _TREES:
            self._trees.popitem(last=False)
        return run
