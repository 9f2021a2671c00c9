"""The executions that the nodes of a run started.

The node execution of a launch plan names its child. The engine labels all descendants of a run with ``execution-id``,
the name of the outermost one, so that one list has them all (labels are searchable from Flyte 1.13 on). An eager task
starts executions while it runs; its nodes do not name them, but flytekit labels them with ``eager-exec``, the name of
the execution in which the task runs, and begins their names with ``e-TASK-EXECUTION``, both cut (``core/worker_queue``
and ``core/python_function_task`` of flytekit 1.16).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from flyteidl.admin import execution_pb2

from flowtui.admin.client import AdminClient
from flowtui.admin.failures import BadRequestError
from flowtui.admin.gather import gather
from flowtui.catalog import convert
from flowtui.catalog.fetched import FetchedRun
from flowtui.catalog.kept import Kept
from flowtui.catalog.run_nodes import RunNode, Tree
from flowtui.domain.execution import TERMINAL_PHASES, ExecutionId, LaunchedExecution
from flowtui.errors import AuthError, NotFoundError, ServerError, UnreachableError

MAX_LISTED = 1000
"""Executions of one list of descendants; the rest is asked for one by one."""

MAX_ASKED = 100
"""Children that are asked for one by one."""

_DESCENDANTS, _EAGER = "execution-id", "eager-exec"


class LaunchedFetcher:
    """Reads the executions that nodes started."""

    def __init__(self, client: AdminClient, kept: Kept) -> None:
        self._client = client
        self._kept = kept

    async def eager(self, tree: Tree, message: execution_pb2.Execution, *, final: bool, notices: list[str]) -> Eager:
        """The executions that the eager nodes of a run started, by the node's id; no call where it has none."""
        nodes = [node for node in tree.walk() if node.kind == "eager"]
        if not nodes:
            return {}
        id_ = tree.fetched.id
        body = self._kept.get("eager", id_) if final else None
        if body is not None:
            list_ = execution_pb2.ExecutionList.FromString(body)
        else:
            try:
                list_ = await self._labelled(id_, _EAGER, id_.name)
            except (BadRequestError, NotFoundError) as error:
                notices.append(f"Which runs the eager nodes started is not known: {error.message}")
                return {}
            if final and all(convert.execution_phase(one) in TERMINAL_PHASES for one in list_.executions):
                self._kept.put(id_, {("eager", ""): list_.SerializeToString()})
        if list_.token:
            notices.append(f"The eager nodes started more than {MAX_LISTED:,} runs; the first of them are listed.")
        found: dict[str, list[LaunchedExecution]] = {}
        for one in list_.executions:
            found.setdefault(_starter(one.id.name, nodes, id_).id, []).append(_launched(one))
        return {node: tuple(children) for node, children in found.items()}

    async def children(self, run: FetchedRun) -> dict[ExecutionId, LaunchedExecution]:
        """What is known of the children that launch plans started: in one call where they are several.

        A child that cannot be read is there with the problem that it has.
        """
        id_ = run.tree.fetched.id
        wanted = list(
            dict.fromkeys(
                child
                for node in run.tree.walk(earlier=True)
                if node.row is not None and (child := convert.child_execution(node.row)) is not None
            )
        )
        if not wanted:
            return {}
        body = self._kept.get("children", id_) if run.final else None
        if body is not None:
            return _by_id(execution_pb2.ExecutionList.FromString(body).executions)
        found: dict[ExecutionId, execution_pb2.Execution] = {}
        near = [child for child in wanted if (child.project, child.domain) == (id_.project, id_.domain)]
        if len(near) > 1:
            found = await self._descendants(run.message, near)
        missing = [child for child in wanted if child not in found][:MAX_ASKED]
        asked = await gather(self._child(child) for child in missing)
        problems = {child: one for child, one in zip(missing, asked, strict=True) if isinstance(one, str)}
        found |= {child: one for child, one in zip(missing, asked, strict=True) if not isinstance(one, str)}
        ended = all(convert.execution_phase(one) in TERMINAL_PHASES for one in found.values())
        if run.final and ended and not problems and len(found) == len(wanted):
            list_ = execution_pb2.ExecutionList(executions=found.values())
            self._kept.put(id_, {("children", ""): list_.SerializeToString()})
        told = {child: LaunchedExecution(child, problem=problem) for child, problem in problems.items()}
        return _by_id(found.values()) | told

    async def _descendants(
        self, message: execution_pb2.Execution, wanted: Sequence[ExecutionId]
    ) -> dict[ExecutionId, execution_pb2.Execution]:
        id_ = convert.execution_id(message.id)
        root = message.spec.labels.values.get(_DESCENDANTS) or id_.name
        try:
            list_ = await self._labelled(id_, _DESCENDANTS, root)
        except (BadRequestError, NotFoundError):
            # Before Flyte 1.13 labels are not searchable.
            return {}
        by_id = {convert.execution_id(one.id): one for one in list_.executions}
        return {child: by_id[child] for child in wanted if child in by_id}

    async def _labelled(self, id_: ExecutionId, key: str, value: str) -> execution_pb2.ExecutionList:
        filters = [f"eq(execution_tag.key,{key})", f"eq(execution_tag.value,{value})"]
        return await self._client.list_executions(
            id_.project, id_.domain, limit=MAX_LISTED, filters=filters, descending=False
        )

    async def _child(self, id_: ExecutionId) -> execution_pb2.Execution | str:
        """A child; in words why it cannot be read."""
        try:
            return await self._client.get_execution(id_)
        except UnreachableError:
            raise
        except (NotFoundError, AuthError, ServerError) as error:
            return error.message


Eager = dict[str, tuple[LaunchedExecution, ...]]
"""The executions that eager nodes started, by the node's id."""


def _by_id(found: Iterable[execution_pb2.Execution]) -> dict[ExecutionId, LaunchedExecution]:
    return {convert.execution_id(one.id): _launched(one) for one in found}


def _launched(one: execution_pb2.Execution) -> LaunchedExecution:
    return LaunchedExecution(
        convert.execution_id(one.id), convert.execution_phase(one), str(one.closure.workflow_id.name)
    )


def _starter(name: str, nodes: Sequence[RunNode], run: ExecutionId) -> RunNode:
    """The eager node that started an execution of this name; the first where its name does not tell."""
    return next((node for node in nodes if name.startswith(_prefix(node, run))), nodes[0])


def _prefix(node: RunNode, run: ExecutionId) -> str:
    task = node.entity.rpartition(".")[2]
    spelled = f"e-{task[:8]}-{run.name[:5]}"
    # As flytekit makes a name of it: capitals become small behind a dash, dots and underlines dashes.
    spelled = re.sub(r"(?<=[^-_.])([A-Z])", r"-\1", spelled).lower()
    return re.sub(r"[^a-z0-9-]", "", re.sub(r"[._]", "-", spelled)).strip("-") + "-"
