"""The node executions of an execution, level by level: Flyte Admin has no flat list."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeAlias

from flyteidl.admin import node_execution_pb2

from flowtui.admin.client import AdminClient
from flowtui.admin.failures import TooLargeError
from flowtui.admin.gather import gather
from flowtui.catalog.tree import MAX_DEPTH
from flowtui.domain.execution import ExecutionId, NodeId
from flowtui.errors import NotFoundError, ServerError, UnreachableError

Row: TypeAlias = node_execution_pb2.NodeExecution
NodeData: TypeAlias = node_execution_pb2.NodeExecutionGetDataResponse


class Walk:
    """Lists the children of every parent as soon as the parent is known, and the closures of dynamic nodes.

    Attributes:
        rows: node executions by the id of their parent, ``""`` for the top level.
        dynamic: what dynamic nodes compiled, by the node's id.
        complete: False where something could not be had.
        notices: what that was, in words.
    """

    def __init__(self, client: AdminClient, id_: ExecutionId) -> None:
        self._client = client
        self._id = id_
        self.rows: dict[str, list[Row]] = {}
        self.dynamic: dict[str, node_execution_pb2.DynamicNodeWorkflowResponse] = {}
        self.complete = True
        self.notices: list[str] = []

    async def level(self, parent: str, depth: int = 0) -> None:
        """Read the children of a node and everything below them."""
        self.rows[parent] = []
        rows = await self._client.list_node_executions(self._id, parent)
        self.rows[parent] = rows
        steps: list[Coroutine[Any, Any, None]] = []
        for row in rows:
            node = row.id.node_id
            if row.metadata.is_parent_node and depth < MAX_DEPTH and node not in self.rows:
                steps.append(self.level(node, depth + 1))
            # A dynamic node is a parent once it has yielded nodes; one that yields none compiles nothing.
            if row.metadata.is_dynamic and row.metadata.is_parent_node:
                steps.append(self._closure(node))
        await gather(steps)

    async def _closure(self, node: str) -> None:
        id_ = NodeId(self._id, node)
        compiled = None
        try:
            compiled = (await self._client.get_dynamic_workflow(id_)).compiled_workflow
        except UnreachableError:
            raise
        except (NotFoundError, ServerError):
            # Before Flyte 1.11 the closure comes with the node's data only.
            try:
                compiled = (await self._client.get_node_data(id_)).dynamic_workflow.compiled_workflow
            except (NotFoundError, TooLargeError):
                compiled = None
        if compiled is not None and compiled.primary.template.nodes:
            self.dynamic[node] = node_execution_pb2.DynamicNodeWorkflowResponse(compiled_workflow=compiled)
        else:
            self.complete = False
            self.notices.append(f"What {node} compiled while it ran is not known; files declared below it are missing.")
