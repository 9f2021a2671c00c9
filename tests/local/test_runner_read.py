"""Flows that really ran here, read by the catalog: the same constructs as of a real Flyte."""

from __future__ import annotations

from pathlib import Path

from flowtui.catalog import Catalog
from flowtui.domain.execution import ExecutionId
from flowtui.local.runner import embedded_client
from flowtui.local.runner.workers import Workers
from tests.constructs.construct import said_of_files, said_of_nodes
from tests.local.running import Runner


async def read(runner: Runner, run: ExecutionId) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Nodes and files in a line each, and the runs that nodes started with their phases."""
    async with embedded_client(runner.home) as client:
        catalog = Catalog(client)
        nodes = await catalog.nodes(run)
        files = said_of_files(await catalog.artifacts(run))
    started = [f"{one.workflow} {one.phase}{one.problem}" for node in nodes for one in node.launched]
    return said_of_nodes(nodes), tuple(file.rpartition(" ")[0] for file in files), started


async def test_children_of_launch_plans_and_their_children(tmp_path: Path, workers: Workers) -> None:
    runner = Runner(tmp_path, workers)
    result = await runner.run("plans", name="plans-1")
    nodes, _, started = await read(runner, result.execution)
    assert nodes == ("n0 launch_plan SUCCEEDED", "n1 launch_plan SUCCEEDED")
    assert started == ["constructs.chain SUCCEEDED", "constructs.middle SUCCEEDED"]
    async with embedded_client(runner.home) as client:
        (middle,) = (await Catalog(client).nodes(result.execution))[1].launched
    nodes, _, started = await read(runner, middle.id)
    assert (nodes, started) == (("n0 launch_plan SUCCEEDED",), ["constructs.chain SUCCEEDED"])


async def test_a_dynamic_node_that_fails_half_way(tmp_path: Path, workers: Workers) -> None:
    runner = Runner(tmp_path, workers)
    result = await runner.run("dynamic_fails", name="half-1")
    nodes, files, _ = await read(runner, result.execution)
    assert nodes == ("n0 dynamic FAILED", "n0-0-dn0 task SUCCEEDED", "n0-0-dn1 task FAILED")
    assert files == ("Notes/note@n0-0-dn1",)


async def test_a_failure_node_and_a_map_with_failed_items(tmp_path: Path, workers: Workers) -> None:
    runner = Runner(tmp_path, workers)
    result = await runner.run("fails_with_handler", name="handled-1")
    nodes, _, _ = await read(runner, result.execution)
    assert nodes == ("n0 task SUCCEEDED", "n1 task FAILED", "fn0 failure SUCCEEDED")
    result = await runner.run("mapped_some", name="some-1")
    async with embedded_client(runner.home) as client:
        _, mapped = await Catalog(client).nodes(result.execution, attempts=True)
    assert mapped.kind == "map"
    assert [item.phase for item in mapped.attempts[-1].items].count("FAILED") == 2
