"""The catalog: executions, artifacts, nodes, lineage and Launch Inputs of one Flyte Admin, as domain objects."""

from __future__ import annotations

from flowtui.admin.client import AdminClient
from flowtui.catalog import convert, join
from flowtui.catalog.cache import ResponseCache
from flowtui.catalog.entities import Entities
from flowtui.catalog.fetch import Fetcher
from flowtui.domain.artifact import RunArtifacts
from flowtui.domain.execution import ExecutionId


class Catalog:
    def __init__(self, client: AdminClient, cache: ResponseCache | None = None) -> None:
        self._client = client
        self._entities = Entities(client, cache)
        self._fetcher = Fetcher(client, cache, self._entities)

    async def artifacts(self, id_: ExecutionId, *, undeclared: bool = False) -> RunArtifacts:
        run = await self._fetcher.run(id_)
        plan = join.plan(run.tree)
        asked = undeclared or not plan.files
        await self._fetcher.data(run, join.needed(plan, undeclared=asked), join.variables(plan))
        return join.join(
            plan,
            convert.execution(run.message),
            run.outputs,
            undeclared=asked,
            failed=run.failed,
            notices=run.notices,
        )
