"""Versions of workflows and tasks: they never change, so that each is asked for once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict

from flyteidl.admin import task_pb2, workflow_pb2
from flyteidl.core import tasks_pb2

from flowtui.admin.client import AdminClient
from flowtui.admin.failures import TooLargeError
from flowtui.catalog.cache import Entry, ResponseCache
from flowtui.catalog.run_nodes import Closure
from flowtui.domain.execution import EntityId
from flowtui.errors import NotFoundError

_IN_MEMORY = 64


class Entities:
    """Compiled workflows and task templates of one server, from memory, the cache on disk or the server."""

    def __init__(self, client: AdminClient, cache: ResponseCache | None) -> None:
        self._client = client
        self._cache = cache
        self._closures: OrderedDict[EntityId, Closure] = OrderedDict()
        self._refused: dict[EntityId, TooLargeError] = {}
        self._locks: defaultdict[EntityId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def workflow(self, id_: EntityId) -> Closure:
        """The compiled closure of a workflow; several that wait for the same one make one call.

        Raises:
            NotFoundError: the server has no such version.
            TooLargeError: the server cannot send it.
        """
        async with self._locks[id_]:
            if id_ in self._closures:
                self._closures.move_to_end(id_)
                return self._closures[id_]
            body = self._kept("workflow", id_)
            if body is not None:
                message = workflow_pb2.Workflow.FromString(body)
            else:
                message = await self._from_server(id_)
                self._keep("workflow", id_, message.SerializeToString())
            closure = Closure.of(message.closure.compiled_workflow)
            self._closures[id_] = closure
            if len(self._closures) > _IN_MEMORY:
                self._closures.popitem(last=False)
            return closure

    async def _from_server(self, id_: EntityId) -> workflow_pb2.Workflow:
        known = self._refused.get(id_)
        if known is not None:
            raise TooLargeError(known.message, known.hint, status=known.status)
        try:
            return await self._client.get_workflow(id_)
        except TooLargeError as error:
            # A version does not change: the server would read it in vain each time.
            self._refused[id_] = error
            raise

    async def task(self, id_: EntityId) -> tasks_pb2.TaskTemplate | None:
        """The template of a task; None where the server has no such version."""
        async with self._locks[id_]:
            body = self._kept("task", id_)
            if body is not None:
                message = task_pb2.Task.FromString(body)
            else:
                try:
                    message = await self._client.get_task(id_)
                except NotFoundError:
                    return None
                self._keep("task", id_, message.SerializeToString())
            return message.closure.compiled_task.template

    def _kept(self, kind: str, id_: EntityId) -> bytes | None:
        return None if self._cache is None else self._cache.get(self._client.base_url, kind, _owner(id_))

    def _keep(self, kind: str, id_: EntityId, body: bytes) -> None:
        if self._cache is not None:
            self._cache.put(self._client.base_url, [Entry(kind, _owner(id_), "", body)])


def _owner(id_: EntityId) -> tuple[str, ...]:
    return id_.project, id_.domain, id_.name, id_.version
