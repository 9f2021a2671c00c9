"""The event API: what is recorded, and which orders are refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowtui.httpclient import httpx
from tests.local.admin import ID, RUNS, Client, at, entity, execution, integer, open_admin

NODES = "/api/v1/node_executions/flytesnacks/development/run-1"
TASKS = "/api/v1/task_executions/flytesnacks/development/run-1/n0"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with open_admin(tmp_path) as admin:
        await admin.register()
        await admin.post("executions", execution())
        yield admin


def refusal(answer: httpx.Response) -> tuple[int, int, str]:
    body = answer.json()
    reason = body["details"][0] if body.get("details") else {}
    return answer.status_code, body.get("code", 0), reason.get("already_in_terminal_state", {}).get("current_phase", "")


async def test_phases_of_an_execution(client: Client) -> None:
    run = await client.get(f"{RUNS}/run-1")
    assert (run["closure"]["phase"], run["closure"]["started_at"], run["closure"]["duration"]) == (
        "UNDEFINED",
        None,
        None,
    )
    assert (await client.workflow_event("QUEUED")).json() == {}
    assert (await client.workflow_event("QUEUED")).status_code == 200
    assert (await client.workflow_event("RUNNING", 2)).status_code == 200
    assert refusal(await client.workflow_event("RUNNING", 3))[:2] == (409, 6)
    assert refusal(await client.workflow_event("QUEUED", 3))[:2] == (400, 9)
    assert (await client.workflow_event("SUCCEEDING", 3)).status_code == 200
    assert (await client.workflow_event("RUNNING", 4)).status_code == 200
    assert (await client.workflow_event("SUCCEEDED", 9, output_uri="s3://b/o")).status_code == 200
    assert refusal(await client.workflow_event("SUCCEEDED", 9))[:2] == (409, 6)
    assert refusal(await client.workflow_event("FAILED", 9)) == (400, 9, "SUCCEEDED")
    closure = (await client.get(f"{RUNS}/run-1"))["closure"]
    assert (closure["started_at"], closure["duration"], closure["updated_at"]) == (at(4), "5s", at(9))
    assert closure["outputs"] == {"uri": "s3://b/o"}


async def test_an_end_without_a_start_has_no_duration(client: Client) -> None:
    error = {"code": "X", "kind": "USER", "message": "é" * 200}
    assert (await client.workflow_event("FAILED", error=error)).status_code == 200
    closure = (await client.get(f"{RUNS}/run-1"))["closure"]
    assert (closure["started_at"], closure["duration"], closure["error"]["message"]) == (None, None, "é" * 200)
    listed = (await client.get(RUNS, limit=1, filters="eq(error_kind,USER)+eq(error_code,X)"))["executions"]
    assert listed[0]["closure"]["error"]["message"] == "é" * 50


@pytest.mark.parametrize("producer", ["elsewhere"])
async def test_events_of_another_cluster_are_refused(client: Client, producer: str) -> None:
    for answer in (
        await client.workflow_event("RUNNING", producer_id=producer),
        await client.node_event("RUNNING", producer_id=producer),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, 9)
        assert "incompatible_cluster" in answer.json()["details"][0]


async def test_events_without_a_time(client: Client) -> None:
    run = {"event": {"execution_id": {**ID, "name": "run-1"}, "phase": "RUNNING"}}
    assert (await client.refused("events/workflows", run))[0] == 500
    node = {"event": {"id": {"node_id": "n0", "execution_id": {**ID, "name": "run-1"}}, "phase": "RUNNING"}}
    assert (await client.refused("events/nodes", node))[0] == 500
    task = {"event": {"parent_node_execution_id": node["event"]["id"], "phase": "RUNNING"}}
    assert (await client.refused("events/tasks", task))[0] == 400
    assert (await client.get(NODES, limit=5))["node_executions"] == []


async def test_events_of_what_is_not_there(client: Client) -> None:
    assert (await client.workflow_event("RUNNING", name="none")).status_code == 404
    assert (await client.node_event("RUNNING", name="none")).status_code == 404
    assert (await client.node_event("RUNNING", parent_node_metadata={"node_id": "none"})).status_code == 404
    assert (await client.task_event("RUNNING")).status_code == 404
    assert (await client.task_event("RUNNING", name="none")).status_code == 404
    assert (await client.node_event("QUEUED")).status_code == 200
    child = {"execution_id": {**ID, "name": "none"}}
    assert (await client.node_event("RUNNING", workflow_node_metadata=child)).status_code == 404


async def test_phases_of_a_node(client: Client) -> None:
    assert (await client.node_event("QUEUED", 1, spec_node_id="n0", input_uri="s3://b/i")).json() == {}
    assert (await client.node_event("RUNNING", 2, reported_at=at(3), spec_node_id="other")).status_code == 200
    assert refusal(await client.node_event("RUNNING", 3))[:2] == (409, 6)
    assert (await client.node_event("SUCCEEDED", 5, output_data={"literals": {"o0": integer(8)}})).status_code == 200
    assert refusal(await client.node_event("FAILED", 6)) == (400, 9, "FAILED")
    node = await client.get(f"{NODES}/n0")
    assert (node["input_uri"], node["metadata"]["spec_node_id"]) == ("s3://b/i", "n0")
    closure = node["closure"]
    assert (closure["created_at"], closure["started_at"], closure["duration"]) == (at(1), at(2), "3s")
    data = await client.get("/api/v1/data/node_executions/flytesnacks/development/run-1/n0")
    assert data["full_outputs"]["literals"]["o0"]["scalar"]["primitive"]["integer"] == "8"
    one = await client.get("/api/v1/data", flyte_url="flyte://v1/flytesnacks/development/run-1/n0/o/o0")
    assert one["literal"]["scalar"]["primitive"]["integer"] == "8"
    answer = await client.http.get(
        "/api/v1/data", params={"flyte_url": "flyte://v1/flytesnacks/development/run-1/n0/o/x"}
    )
    assert answer.status_code == 400


async def test_children_and_dynamic_nodes(client: Client) -> None:
    compiled = {"primary": {"template": {"id": entity("WORKFLOW", "dynamic"), "nodes": [{"id": "dn0"}]}}}
    dynamic = {"id": entity("WORKFLOW", "dynamic"), "compiled_workflow": compiled, "dynamic_job_spec_uri": "s3://b/f"}
    await client.node_event("RUNNING", 1)
    assert (await client.http.get(f"{NODES}/n0/dynamic_workflow")).status_code == 404
    more: dict[str, Any] = {"is_parent": True, "is_dynamic": True, "task_node_metadata": {"dynamic_workflow": dynamic}}
    await client.node_event("DYNAMIC_RUNNING", 2, **more)
    await client.node_event("SUCCEEDED", 2, "n0-0-dn0", parent_node_metadata={"node_id": "n0"}, retry_group="0")
    await client.node_event("SUCCEEDED", 3)
    assert [n["id"]["node_id"] for n in (await client.get(NODES, limit=5))["node_executions"]] == ["n0"]
    children = (await client.get(NODES, limit=5, unique_parent_id="n0"))["node_executions"]
    assert [(n["id"]["node_id"], n["metadata"]["retry_group"]) for n in children] == [("n0-0-dn0", "0")]
    got = await client.get(f"{NODES}/n0/dynamic_workflow")
    assert got["compiled_workflow"]["primary"]["template"]["nodes"][0]["id"] == "dn0"
    data = await client.get("/api/v1/data/node_executions/flytesnacks/development/run-1/n0")
    assert data["dynamic_workflow"]["dynamic_job_spec_uri"] == "s3://b/f"
    assert (await client.http.get(NODES, params={"limit": 5, "unique_parent_id": "none"})).status_code == 404


async def test_a_branch_shows_as_parent_in_lists_only(client: Client) -> None:
    await client.node_event("RUNNING", 1)
    await client.node_event("SUCCEEDED", 2, "n0-0-n1", parent_node_metadata={"node_id": "n0"})
    listed = (await client.get(NODES, limit=5))["node_executions"]
    single = await client.get(f"{NODES}/n0")
    assert (listed[0]["metadata"]["is_parent_node"], single["metadata"]["is_parent_node"]) == (True, False)


async def test_attempts_of_a_task(client: Client) -> None:
    await client.node_event("RUNNING", 1)
    log = {"uri": "file:///log", "name": "stdout"}
    assert (await client.task_event("QUEUED", 1, reason="waiting")).json() == {}
    assert (await client.task_event("RUNNING", 2, reason="started", logs=[log])).status_code == 200
    assert refusal(await client.task_event("RUNNING", 3))[:2] == (409, 6)
    assert (await client.task_event("RUNNING", 3, phase_version=1, custom_info={"job": {"a": 1}})).status_code == 200
    more = {"custom_info": {"job": {"b": 2}}, "error": {"message": "x" * 300}}
    assert (await client.task_event("FAILED", 7, **more)).status_code == 200
    assert refusal(await client.task_event("ABORTED", 8)) == (400, 9, "ABORTED")
    assert (await client.task_event("RUNNING", 9, 1)).status_code == 200
    attempts = (await client.get(TASKS, limit=5))["task_executions"]
    assert [one["id"]["retry_attempt"] for one in attempts] == [0, 1]
    closure = attempts[0]["closure"]
    assert (closure["started_at"], closure["duration"], closure["error"]["message"]) == (at(2), "5s", "x" * 300)
    assert (closure["custom_info"], closure["logs"][0]["uri"]) == ({"job": {"a": 1, "b": 2}}, "file:///log")
    assert [reason["message"] for reason in closure["reasons"]] == ["waiting", "started"]
    path = f"{TASKS}/flytesnacks/development/count/v1"
    assert (await client.get(f"{path}/1"))["closure"]["phase"] == "RUNNING"
    assert (await client.http.get(f"{path}/2")).status_code == 404


async def test_items_of_a_map_are_merged(client: Client) -> None:
    await client.node_event("RUNNING", 1)

    def items(*found: tuple[int, int, str]) -> dict[str, Any]:
        return {"external_resources": [{"index": i, "retry_attempt": r, "phase": p} for i, r, p in found]}

    await client.task_event("RUNNING", 1, metadata=items((1, 0, "QUEUED"), (0, 0, "QUEUED")))
    await client.task_event("RUNNING", 2, phase_version=1, metadata=items((0, 1, "RUNNING"), (0, 0, "FAILED")))
    (one,) = (await client.get(TASKS, limit=5))["task_executions"]
    found = [(r["index"], r["retry_attempt"], r["phase"]) for r in one["closure"]["metadata"]["external_resources"]]
    assert found == [(0, 0, "FAILED"), (0, 1, "RUNNING"), (1, 0, "QUEUED")]


async def test_a_child_execution(client: Client) -> None:
    await client.node_event("QUEUED", 1)
    parent = {"node_id": "n0", "execution_id": {**ID, "name": "run-1"}}
    metadata = {"mode": "CHILD_WORKFLOW", "parent_node_execution": parent}
    await client.post("executions", execution("child", spec={"metadata": metadata}))
    await client.node_event("RUNNING", 2, workflow_node_metadata={"execution_id": {**ID, "name": "child"}})
    node = await client.get(f"{NODES}/n0")
    assert node["closure"]["workflow_node_metadata"]["executionId"]["name"] == "child"
    child = await client.get(f"{RUNS}/child")
    assert child["spec"]["metadata"]["nesting"] == 1
    found = await client.get(RUNS, limit=5, filters="ne(mode,4)")
    assert [one["id"]["name"] for one in found["executions"]] == ["run-1"]


async def test_signals(client: Client) -> None:
    id_ = {"signal_id": "go", "execution_id": {**ID, "name": "run-1"}}
    value = {"scalar": {"primitive": {"boolean": True}}}
    await client.post("signals", {"id": id_, "value": value})
    listed = await client.get("/api/v1/signals/flytesnacks/development/run-1", limit=5)
    assert listed["signals"][0]["value"]["scalar"]["primitive"]["boolean"] is True
    assert (await client.refused("signals", {"id": {**id_, "execution_id": {**ID, "name": "x"}}, "value": value}))[
        0
    ] == 404
