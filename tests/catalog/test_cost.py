"""How many calls opening a run costs, and that a run that has ended costs none the second time."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.admin import AdminClient
from flowtui.catalog import Catalog, ResponseCache
from flowtui.domain.artifact import RunArtifacts
from flowtui.domain.execution import EntityId, ExecutionId
from tests.replay import BASE_URL, Replay, expected


def execution(name: str) -> ExecutionId:
    return ExecutionId("flytesnacks", "development", name)


async def open_run(name: str, cache: ResponseCache | None, transport: Replay | None = None) -> tuple[RunArtifacts, int]:
    """The artifacts as a new process would read them, and the calls that it took."""
    async with AdminClient(BASE_URL, transport=transport or Replay(), retry_delay=0) as client:
        return await Catalog(client, cache).artifacts(execution(name)), client.calls


async def test_a_run_of_200_nodes_takes_five_calls_and_none_the_second_time(tmp_path: Path) -> None:
    cold, calls = await open_run("wide-200-1", ResponseCache(tmp_path / "responses.sqlite3"))
    assert calls == 5
    warm, calls = await open_run("wide-200-1", ResponseCache(tmp_path / "responses.sqlite3"))
    assert (warm, calls) == (cold, 0)


async def test_a_second_run_of_the_same_workflow_does_not_ask_for_it(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "responses.sqlite3")
    _, first = await open_run("clinical-1", cache)
    _, second = await open_run("fgedug4g3xky25", cache)
    assert (first, second) == (7, 6)


@pytest.mark.parametrize("name", sorted(set(expected()) - {"long-running-1"}))
async def test_every_run_that_has_ended_is_kept(name: str, tmp_path: Path) -> None:
    cold, _ = await open_run(name, ResponseCache(tmp_path / "responses.sqlite3"))
    warm, calls = await open_run(name, ResponseCache(tmp_path / "responses.sqlite3"))
    assert (warm, calls) == (cold, 0)


async def test_a_running_run_is_read_anew(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "responses.sqlite3")
    await open_run("gated-1", cache, Replay(running=True))
    ended, calls = await open_run("gated-1", cache)
    assert ended.execution.phase == "SUCCEEDED"
    assert calls == 4


async def test_only_nodes_that_declare_files_are_asked_for_data() -> None:
    transport = Replay()
    await open_run("wide-200-1", None, transport)
    data = [request for request in transport.requests if "/data/" in request]
    assert {request.rsplit("/", 1)[1] for request in data} == {"n0", "n199"}


async def test_servers_do_not_share_what_is_kept(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "responses.sqlite3")
    await open_run("fails-1", cache)
    async with AdminClient("http://other.test", transport=Replay(), retry_delay=0) as client:
        await Catalog(client, cache).artifacts(execution("fails-1"))
        assert client.calls > 0


async def test_nodes_attempts_lineage_and_inputs_are_kept_too(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "responses.sqlite3")
    async with AdminClient(BASE_URL, transport=Replay(), retry_delay=0) as client:
        catalog, id_ = Catalog(client, cache), execution("fails-1")
        first = await catalog.nodes(id_, attempts=True), await catalog.lineage(id_), await catalog.inputs(id_)
        calls = client.calls
        again = Catalog(client, cache)
        assert (await again.nodes(id_, attempts=True), await again.lineage(id_), await again.inputs(id_)) == first
        assert client.calls == calls


async def test_the_number_of_declared_files_costs_one_call_per_version(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "responses.sqlite3")
    workflow = EntityId("flytesnacks", "development", "labflows.clinical", "v1")
    async with AdminClient(BASE_URL, transport=Replay(), retry_delay=0) as client:
        catalog = Catalog(client, cache)
        assert [await catalog.declared_count(workflow) for _ in range(3)] == [4, 4, 4]
        assert client.calls == 1
        assert await Catalog(client, cache).declared_count(workflow) == 4
        assert client.calls == 1
        assert await catalog.declared_count(EntityId("p", "d", "nothing", "v1")) is None
