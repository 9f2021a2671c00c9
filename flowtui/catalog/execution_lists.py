"""Lists of executions, newest first: pages by time of creation, and what changed since.

Flyte Admin's own token is an offset, which shifts whenever a run is created or archived, and costs the more the deeper
it is. So a page asks for what was created at the time of the last row or before it, and leaves out the rows at that
time that were there already; the only index on time is that of ``execution_created_at``. Times in filters are cut to
microseconds as the columns are: the database rounds a filter's nanoseconds, and rows at the edge would come twice or
not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone

from flyteidl.admin import execution_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from flowtui.admin.client import AdminClient
from flowtui.catalog import convert
from flowtui.catalog.filters import filters, time_of
from flowtui.domain import query as queries
from flowtui.domain.execution import Execution, ExecutionPage
from flowtui.errors import UsageError

MOST_PER_PAGE = 10_000
"""Executions that one answer is asked to hold; larger ones would exceed a gateway's 4 MiB."""

OVERLAP = timedelta(seconds=30)
"""What is asked for again by :meth:`ExecutionLists.changes`: clocks of servers differ, and a commit takes a while."""

CHANGES = 1000
"""Changed executions that one call asks for."""


class ExecutionLists:
    """Lists executions of one server."""

    def __init__(self, client: AdminClient) -> None:
        self._client = client

    async def page(
        self,
        project: str,
        domain: str,
        *,
        limit: int = 50,
        token: str = "",
        query: str | None = None,
        filters_: Sequence[str] = (),
    ) -> ExecutionPage:
        """A page of executions, newest first; see ``Catalog.executions``."""
        wanted = filters(queries.parse(query or ""), project, domain, self._client.server_now())
        before, seen = _unpack(token)
        if before:
            wanted = (*wanted, f"lte(execution_created_at,{before})")
        limit += len(seen)
        while True:
            answer = await self._client.list_executions(project, domain, limit=limit, filters=(*wanted, *filters_))
            rows = [convert.execution(one) for one in answer.executions]
            last = _created(answer.executions[-1]) if rows else ""
            # Where all of a full page were created at one time, a larger page leads beyond it.
            if not answer.token or last != before or len(rows) < limit or limit >= MOST_PER_PAGE:
                break
            limit = min(limit * 2, MOST_PER_PAGE)
        new = {row.id: row for row in rows if row.id.name not in seen}
        next_ = ""
        # Without a time of creation, or where nothing new came, another page would be the same one.
        if answer.token and last and new:
            names = [one.id.name for one in answer.executions if _created(one) == last]
            next_ = _pack(last, {*names, *(seen if last == before else ())})
        return ExecutionPage(tuple(new.values()), next_, self._client.server_time)

    async def newest(self, project: str, domain: str, limit: int, query: str | None = None) -> tuple[Execution, ...]:
        """The newest executions, over as many pages as it takes.

        Args:
            limit: the most that come.
        """
        found: dict[object, Execution] = {}
        token = ""
        while len(found) < limit:
            wanted = min(limit - len(found), 1000)
            page = await self.page(project, domain, limit=wanted, token=token, query=query)
            found.update((run.id, run) for run in page.executions)
            token = page.token
            if not token:
                break
        return tuple(found.values())[:limit]

    async def changes(self, project: str, domain: str, since: datetime) -> ExecutionPage:
        """What was created or changed since a time, newest first; one call.

        Admin's ``updated_at`` moves with every event, and when a run is terminated. Runs that were archived meanwhile
        are not told, as lists leave them out.

        Args:
            since: the server's time at which the last answer was given (``ExecutionPage.as_of``).

        Returns:
            A page whose token is not empty where more changed than one answer holds.
        """
        edge = Timestamp()
        edge.FromDatetime((since - OVERLAP).astimezone(timezone.utc).replace(tzinfo=None))
        answer = await self._client.list_executions(
            project, domain, limit=CHANGES, filters=[f"gte(updated_at,{time_of(edge)})"]
        )
        rows = {row.id: row for row in map(convert.execution, answer.executions)}
        return ExecutionPage(tuple(rows.values()), answer.token, self._client.server_time)


def _created(message: execution_pb2.Execution) -> str:
    """When an execution was created, as a filter says it; empty where Admin does not tell."""
    return time_of(message.closure.created_at) if message.closure.HasField("created_at") else ""


def _pack(before: str, seen: Iterable[str]) -> str:
    return json.dumps([before, sorted(seen)])


def _unpack(token: str) -> tuple[str, frozenset[str]]:
    if not token:
        return "", frozenset()
    try:
        before, seen = json.loads(token)
        return str(before), frozenset(map(str, seen))
    except (ValueError, TypeError) as error:
        raise UsageError("That is no token of a page of runs.", "Begin with the first page.") from error
