"""The runs that nodes started: found in one call, and said to be unreadable where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.catalog import launched
from flowtui.domain.execution import Gate, LaunchedExecution, NodeExecution
from flowtui.httpclient import httpx
from tests.constructs import CONSTRUCTS
from tests.engine import Engine, refusal


async def nodes_of(engine: Engine, name: str) -> dict[str, NodeExecution]:
    run = await CONSTRUCTS[name].record(engine)
    async with engine.session() as session:
        engine.between.requests.clear()
        return {node.id.node: node for node in await session.catalog.nodes(run)}


def started(node: NodeExecution) -> list[tuple[str, str, str]]:
    return [(one.id.name, one.phase, one.workflow) for one in node.launched]


def lists_of(engine: Engine) -> list[str]:
    return [request for request in engine.between.requests if "execution_tag" in request]


async def test_several_children_come_in_one_call(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    nodes = await nodes_of(engine, "launch-plan children")
    assert started(nodes["n0"]) == [("top-1-n0-0", "SUCCEEDED", "leaf")]
    assert started(nodes["n1"]) == [("top-1-n1-0", "RUNNING", "middle")]
    assert len(lists_of(engine)) == 1
    assert not [request for request in engine.between.requests if request.endswith(("n0-0", "n1-0"))]
    engine.close()


async def test_without_searchable_labels_children_are_asked_for_one_by_one(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    engine.between.twist = lambda request: (
        refusal(400, 3, "unsupported filter expression") if b"execution_tag" in request.url.query else None
    )
    nodes = await nodes_of(engine, "launch-plan children")
    assert [started(nodes[node])[0][1] for node in ("n0", "n1")] == ["SUCCEEDED", "RUNNING"]
    engine.close()


async def test_a_child_that_may_not_be_read_says_so_and_its_parent_is_readable(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    nodes = await nodes_of(engine, "children that may not be read")
    (hidden,), (deleted,) = nodes["n0"].launched, nodes["n1"].launched
    assert (hidden.phase, "you may not read hidden-1" in hidden.problem) == ("", True)
    assert (deleted.phase, "There is no execution" in deleted.problem) == ("", True)
    assert nodes["n2"].launched == ()
    engine.close()


async def test_runs_of_eager_tasks_stand_at_the_task_that_started_them(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    nodes = await nodes_of(engine, "eager")
    assert [one.id.name for one in nodes["n0"].launched] == ["e-prepare-study-make-1a2b"]
    assert [one.id.name for one in nodes["n1"].launched] == [
        "e-train-mo-study-make-3c4d",
        "e-train-mo-study-make-5e6f",
    ]
    assert {one.phase for node in nodes.values() for one in node.launched} == {"SUCCEEDED"}
    assert len(lists_of(engine)) == 1
    engine.close()


async def test_a_server_that_cannot_search_labels_leaves_eager_runs_unknown(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    run = await CONSTRUCTS["eager"].record(engine)

    def twist(request: httpx.Request) -> httpx.Response | None:
        return refusal(400, 3, "unsupported filter") if b"execution_tag" in request.url.query else None

    engine.between.twist = twist
    async with engine.session() as session:
        found = await session.catalog.artifacts(run)
    assert any("eager nodes started is not known" in notice for notice in found.notices)
    assert found.children == ()
    engine.close()


async def test_more_runs_than_are_listed_are_said_to_be_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launched, "MAX_LISTED", 2)
    engine = Engine(tmp_path)
    run = await CONSTRUCTS["eager"].record(engine)
    async with engine.session() as session:
        found = await session.catalog.artifacts(run)
    assert len(found.children) == 2
    assert any("more than 2 runs" in notice for notice in found.notices)
    engine.close()


async def test_a_plan_that_launches_itself_costs_no_more_than_any_other(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    run = await CONSTRUCTS["launch plan that launches itself"].record(engine)
    async with engine.session() as session:
        engine.between.requests.clear()
        await session.catalog.nodes(run)
        await session.catalog.artifacts(run)
        await session.catalog.lineage(run)
        assert len(engine.between.requests) < 12
    engine.close()


async def test_what_gates_wait_for(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    nodes = await nodes_of(engine, "gates")
    assert [nodes[node].gate for node in ("n0", "n1", "n2", "n3")] == [
        None,
        Gate("sleep", seconds=600.0),
        Gate("approve", "qc ok"),
        Gate("signal", "cutoff", "int"),
    ]
    engine.close()


async def test_what_is_not_asked_for_is_the_name_of_the_child_only(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    run = await CONSTRUCTS["launch-plan children"].record(engine)
    async with engine.session() as session:
        await session.catalog.artifacts(run)
        node = await session.catalog.node((await session.catalog.nodes(run))[0].id)
        assert node.launched == (LaunchedExecution(node.child_execution, "SUCCEEDED", "leaf"),)
    engine.close()
