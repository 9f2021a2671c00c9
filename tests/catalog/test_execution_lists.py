"""Lists of executions over the embedded Admin: nothing is lost or doubled, whatever happens between two pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowtui.admin import AdminClient
from flowtui.catalog import Catalog
from flowtui.domain.execution import ExecutionPage
from flowtui.errors import UsageError
from flowtui.httpclient import httpx
from tests.local.admin import MOMENT, RUNS, Client, execution, open_admin

PROJECT, DOMAIN = "flytesnacks", "development"


class Lists:
    """An embedded Admin with a clock that is set, and a catalog of it."""

    def __init__(self, client: Client, catalog: Catalog, admin: AdminClient, clock: list[int]) -> None:
        self.client = client
        self.catalog = catalog
        self.admin = admin
        self.clock = clock

    async def start(self, name: str, *, micros: int = 0) -> None:
        """An execution that was created so long after the beginning."""
        self.clock[0] = MOMENT + micros * 1000 + 999
        await self.client.post("executions", execution(name))

    async def page(self, token: str = "", limit: int = 5) -> ExecutionPage:
        return await self.catalog.executions(PROJECT, DOMAIN, limit=limit, token=token)


@asynccontextmanager
async def lists(folder: Path) -> AsyncIterator[Lists]:
    clock = [MOMENT]
    async with open_admin(folder, clock=lambda: clock[0]) as client:
        await client.register()
        transport = httpx.ASGITransport(client.app)
        async with AdminClient("http://127.0.0.1", transport=transport, retry_delay=0) as admin:
            yield Lists(client, Catalog(admin), admin, clock)


def names(page: ExecutionPage) -> list[str]:
    return [run.id.name for run in page.executions]


async def test_pages_hold_every_run_once_while_new_ones_are_created_and_old_ones_archived(tmp_path: Path) -> None:
    async with lists(tmp_path) as here:
        for number in range(23):
            await here.start(f"run-{number:02}", micros=number)
        page = await here.page()
        found = names(page)
        while page.token:
            await here.start(f"new-{len(found)}", micros=1000 + len(found))
            await here.client.http.put(f"{RUNS}/{found[-1]}", json={"state": "EXECUTION_ARCHIVED"})
            page = await here.page(page.token)
            found += names(page)
        assert found == [f"run-{number:02}" for number in reversed(range(23))]


@given(
    moments=st.lists(st.integers(0, 3), min_size=1, max_size=14),
    limit=st.integers(1, 6),
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_runs_that_were_created_at_one_time_come_once(
    tmp_path_factory: pytest.TempPathFactory, moments: list[int], limit: int
) -> None:
    async def run() -> None:
        async with lists(tmp_path_factory.mktemp("home")) as here:
            wanted = []
            for number, moment in enumerate(moments):
                await here.start(f"run-{number}", micros=moment)
                wanted.append((moment, f"run-{number}"))
            page = await here.page(limit=limit)
            found = names(page)
            while page.token:
                page = await here.page(page.token, limit)
                assert page.executions or not page.token
                found += names(page)
            assert sorted(found) == sorted(name for _, name in wanted)
            order = {name: moment for moment, name in wanted}
            assert [order[name] for name in found] == sorted(order.values(), reverse=True)

    asyncio.run(run())


async def test_a_page_is_one_call_however_deep_it_is(tmp_path: Path) -> None:
    async with lists(tmp_path) as here:
        for number in range(12):
            await here.start(f"run-{number:02}", micros=number)
        page = await here.page()
        calls = here.admin.calls
        page = await here.page(page.token)
        page = await here.page(page.token)
        assert here.admin.calls == calls + 2
        assert names(page) == ["run-01", "run-00"]


async def test_the_newest_runs_over_several_pages(tmp_path: Path) -> None:
    async with lists(tmp_path) as here:
        for number in range(7):
            await here.start(f"run-{number}", micros=number)
        newest = await here.catalog.newest(PROJECT, DOMAIN, 4)
        assert [run.id.name for run in newest] == ["run-6", "run-5", "run-4", "run-3"]
        assert len(await here.catalog.newest(PROJECT, DOMAIN, 100)) == 7
        assert [run.id.name for run in await here.catalog.newest(PROJECT, DOMAIN, 100, "run:run-5")] == ["run-5"]


async def test_changes_are_what_was_created_or_moved_since_in_one_call(tmp_path: Path) -> None:
    async with lists(tmp_path) as here:
        for number in range(4):
            await here.start(f"run-{number}", micros=number)
        here.clock[0] += 120 * 10**9
        page = await here.page()
        assert page.as_of == datetime.fromtimestamp(here.clock[0] // 10**9, timezone.utc)
        assert names(await here.catalog.changes(PROJECT, DOMAIN, page.as_of)) == []
        here.clock[0] += 60 * 10**9
        await here.client.workflow_event("RUNNING", name="run-1")
        await here.client.http.request("DELETE", f"{RUNS}/run-2", json={"cause": "no more"})
        here.clock[0] += 10**9
        await here.client.post("executions", execution("run-9"))
        calls = here.admin.calls
        changed = await here.catalog.changes(PROJECT, DOMAIN, page.as_of)
        assert here.admin.calls == calls + 1
        assert {run.id.name: run.phase for run in changed.executions} == {
            "run-9": "UNDEFINED", "run-2": "ABORTING", "run-1": "RUNNING",
        }  # fmt: skip
        assert not changed.token


async def test_what_happened_just_before_the_answer_is_asked_for_again(tmp_path: Path) -> None:
    async with lists(tmp_path) as here:
        await here.start("run-1")
        page = await here.page()
        assert page.as_of is not None
        assert names(await here.catalog.changes(PROJECT, DOMAIN, page.as_of)) == ["run-1"]


async def test_a_foreign_token_is_refused(tmp_path: Path) -> None:
    async with lists(tmp_path) as here:
        with pytest.raises(UsageError, match="no token"):
            await here.page("50")
