"""Which task each node ran, where the server cannot send the workflow that would say so.

A workflow that is larger than an answer can be is refused with 429. All tasks of a registration have its version, and
come in pages; which of them a node ran stands in its task executions, one call for each node. A node that was recovered
has none: those of the run that it was recovered from tell; a cache hit names the task execution that it took.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from flyteidl.admin import execution_pb2, task_execution_pb2
from flyteidl.core import tasks_pb2

from flowtui.admin.client import AdminClient
from flowtui.admin.gather import gather
from flowtui.catalog import convert
from flowtui.catalog.entities import Entities
from flowtui.catalog.run_nodes import END, START, spec_id_of
from flowtui.catalog.walk import Walk
from flowtui.domain.execution import EntityId, ExecutionId, NodeId

MAX_NODES = 1000
"""Nodes whose task is asked for."""

_REMEMBERED = 16

Attempts = Callable[[NodeId], Awaitable[Sequence[task_execution_pb2.TaskExecution]]]


class TasksThatRan:
    """Finds the templates of the tasks that nodes ran; what a node ran does not change, and is asked for once."""

    def __init__(self, client: AdminClient, entities: Entities) -> None:
        self._client = client
        self._entities = entities
        self._versions: OrderedDict[tuple[str, str, str], dict[EntityId, tasks_pb2.TaskTemplate]] = OrderedDict()
        self._ran: OrderedDict[ExecutionId, dict[str, EntityId]] = OrderedDict()

    async def by_node(
        self, message: execution_pb2.Execution, walk: Walk, attempts: Attempts
    ) -> tuple[dict[str, tasks_pb2.TaskTemplate], bool]:
        """The template of each node that has run a task, by the node's id, and whether all nodes were asked for."""
        id_, reference = convert.execution_id(message.id), convert.execution(message).reference
        workflow = convert.entity_id(message.closure.workflow_id)
        known = self._remembered(id_)
        rows = [
            row
            for below in walk.rows.values()
            for row in below
            if spec_id_of(row) not in (START, END) and convert.child_execution(row) is None
            if not row.metadata.is_parent_node or row.metadata.is_dynamic
        ]  # fmt: skip
        for row in rows:
            source = row.closure.task_node_metadata.catalog_key.source_task_execution.task_id
            if source.name:
                known.setdefault(row.id.node_id, convert.entity_id(source))
        asked = [row for row in rows if row.id.node_id not in known][:MAX_NODES]
        owners = [reference if convert.node_phase(row) == "RECOVERED" and reference else id_ for row in asked]
        told = await gather(
            _list(attempts, NodeId(owner, row.id.node_id)) for owner, row in zip(owners, asked, strict=True)
        )
        for row, found in zip(asked, told, strict=True):
            if found:
                known[row.id.node_id] = convert.entity_id(found[-1].id.task_id)
        templates = await self._version(workflow)
        others = sorted(set(known.values()) - set(templates))[:MAX_NODES]
        fetched = await gather(self._entities.task(other) for other in others)
        templates |= {other: one for other, one in zip(others, fetched, strict=True) if one is not None}
        return {node: templates[task] for node, task in known.items() if task in templates}, len(rows) <= MAX_NODES

    def _remembered(self, id_: ExecutionId) -> dict[str, EntityId]:
        known = self._ran.setdefault(id_, {})
        self._ran.move_to_end(id_)
        if len(self._ran) > _REMEMBERED:
            self._ran.popitem(last=False)
        return known

    async def _version(self, workflow: EntityId) -> dict[EntityId, tasks_pb2.TaskTemplate]:
        key = workflow.project, workflow.domain, workflow.version
        if key not in self._versions:
            tasks = await self._client.list_tasks(
                workflow.project, workflow.domain, filters=[f"eq(version,{workflow.version})"]
            )
            self._versions[key] = {convert.entity_id(one.id): one.closure.compiled_task.template for one in tasks}
            if len(self._versions) > _REMEMBERED:
                self._versions.popitem(last=False)
        return self._versions[key]


async def _list(attempts: Attempts, node: NodeId) -> Sequence[task_execution_pb2.TaskExecution]:
    return await attempts(node)
