"""The node executions of an execution, level by level: Flyte Admin has no flat list."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeAlias

from flyteidl.admin import node_execution_pb2

from flowtui.admin.client import AdminClient
from flowtui.admin.failures import TooLargeError
from flowtui.admin.gather import gather
from flowtui.catalog import convert
from flowtui.catalog.tree import MAX_DEPTH
from flowtui.domain.execution import TERMINAL_NODE_PHASES, ExecutionId, NodeId
from flowtui.errors import NotFoundError, ServerError, UnreachableError

Row: TypeAlias = node_execution_pb2.NodeExecution
NodeData: TypeAlias = node_execution_pb2.NodeExecutionGetDataResponse


class Walk:
    """Lists the children of every parent as soon as the parent is known, and the closures of dynamic nodes.

    Args:
        earlier: a walk through the same run before; what had ended then is not asked for again.

    Attributes:
        rows: node executions by the id of their parent, ``""`` for the top level.
        dynamic: what dynamic nodes compiled, by the node's id.
        settled: parents that had ended before their children were listed.
        complete: False where something could not be had.
        notices: what that was, in words.
    """

    def __init__(self, client: AdminClient, id_: ExecutionId, earlier: Walk | None = None) -> None:
        self._client = client
        self._id = id_
        # Not the earlier walk itself, which would keep alive all those before it.
        settled = earlier.settled if earlier is not None else set()
        self._rows = {node: earlier.rows[node] for node in settled} if earlier is not None else {}
        self._dynamic = {node: one for node, one in earlier.dynamic.items() if node in settled} if earlier else {}
        self.settled: set[str] = set()
        self.rows: dict[str, list[Row]] = {}
        self.dynamic: dict[str, node_execution_pb2.DynamicNodeWorkflowResponse] = {}
        self.complete = True
        self.notices: list[str] = []

    async def level(self, parent: str, depth: int = 0, *, settled: bool = False) -> None:
        """Read the children of a node and everything below them.

        Args:
            settled: the node has ended.
        """
        self.rows[parent] = []
        rows = self._rows.get(parent)
        if rows is None:
            rows = await self._client.list_node_executions(self._id, parent)
        self.rows[parent] = rows
        if settled:
            self.settled.add(parent)
        steps: list[Coroutine[Any, Any, None]] = []
        for row in rows:
            node = row.id.node_id
            if row.metadata.is_parent_node and depth < MAX_DEPTH and node not in self.rows:
                ended = settled or convert.node_phase(row) in TERMINAL_NODE_PHASES
                steps.append(self.level(node, depth + 1, settled=ended))
            # A dynamic node is a parent once it has yielded nodes; one that yields none compiles nothing.
            if row.metadata.is_dynamic and row.metadata.is_parent_node:
                steps.append(self._closure(node))
        await gather(steps)

    async def _closure(self, node: str) -> None:
        if node in self._dynamic:
            self.dynamic[node] = self._dynamic[node]
            return
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
