"""Registration, creation of executions, lists of them, and their end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.local.admin import (
    CSV,
    ID,
    INTEGER,
    MOMENT,
    RUNS,
    Client,
    entity,
    execution,
    integer,
    interface,
    launch_plan,
    node,
    open_admin,
    promise,
    task,
    workflow,
)


async def test_registering_again(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        await client.register()
        for path, same, other in (
            ("tasks", task(), task(type="domino_job")),
            ("workflows", workflow(), workflow(nodes=[node("n0"), node("n1")])),
            ("launch_plans", launch_plan(), launch_plan(fixed_inputs={"literals": {"n": integer(1)}})),
        ):
            assert (await client.refused(path, same))[0] == 409
            status, message = await client.refused(path, other)
            assert (status, "different structure" in message) == (400, True)


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("tasks", {}, 400, "missing id"),
        ("tasks", task("", "v1"), 400, "missing name"),
        ("tasks", task(version=""), 400, "missing version"),
        ("tasks", {"id": {**entity("TASK", "t"), "project": "none"}, "spec": {}}, 400, "project [none] not found"),
        ("tasks", {"id": {**entity("TASK", "t"), "domain": "none"}, "spec": {}}, 400, "domain [none] is unrecognized"),
        ("tasks", {"id": entity("TASK", "t")}, 400, "missing template"),
        ("workflows", workflow(nodes=[node("n0", "gone")]), 404, 'missing entity of type TASK with identifier project'),
        ("launch_plans", {"id": entity("LAUNCH_PLAN", "x"), "spec": {"workflow_id": entity("WORKFLOW", "gone")}}, 404,
         "missing entity of type WORKFLOW"),
        ("launch_plans", launch_plan("x", fixed_inputs={"literals": {"gone": integer(1)}}), 400,
         "unexpected fixed_input gone"),
        ("launch_plans", launch_plan("x", fixed_inputs={"literals": {"n": {"scalar": {"none_type": {}}}}}), 400,
         "invalid fixed_input wrong type n"),
        ("executions", {}, 400, "missing project"),
        ("executions", {**ID}, 400, "missing spec"),
        ("executions", execution("9lives"), 400, "does not match regex"),
        ("executions", execution("x" * 64), 400, "size of name exceeded length 63"),
        ("executions", execution(plan="gone"), 404, "missing entity of type LAUNCH_PLAN"),
        ("executions", execution(spec={"launch_plan": entity("WORKFLOW", "flow")}), 400, "Invalid reference entity"),
        ("executions", execution(inputs={"literals": {}}), 400, "expected_inputs n missing"),
        ("executions", execution(inputs={"literals": {"n": integer(1), "m": integer(1)}}), 400, "invalid input m"),
        ("executions/relaunch", {"id": {**ID, "name": "gone"}}, 404, "missing entity of type execution"),
    ],
)  # fmt: skip
async def test_refused_creations(tmp_path: Path, path: str, body: Any, status: int, message: str) -> None:
    async with open_admin(tmp_path) as client:
        await client.register()
        got, said = await client.refused(path, body)
        assert (got, message in said) == (status, True), said
        assert (await client.get(RUNS, limit=5))["executions"] == []


async def test_inputs_come_from_request_default_and_launch_plan(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        await client.post("tasks", task(interface=interface({"n": INTEGER, "m": INTEGER, "k": INTEGER}, {"o0": CSV})))
        inputs = [promise("n"), promise("m"), promise("k")]
        whole = interface({"n": INTEGER, "m": INTEGER, "k": INTEGER}, {"o0": CSV})
        await client.post("workflows", workflow(nodes=[node("n0", inputs=inputs)], interface=whole))
        defaults = {"parameters": {"m": {"var": {"type": INTEGER}, "default": integer(7)}}}
        fixed = {"literals": {"k": integer(9)}}
        await client.post("launch_plans", launch_plan(default_inputs=defaults, fixed_inputs=fixed))
        plan = await client.get("/api/v1/launch_plans/flytesnacks/development/flow/v1")
        assert sorted(plan["closure"]["expected_inputs"]["parameters"]) == ["m", "n"]
        await client.post("executions", execution())
        data = await client.get("/api/v1/data/executions/flytesnacks/development/run-1")
        values = {n: v["scalar"]["primitive"]["integer"] for n, v in data["full_inputs"]["literals"].items()}
        assert values == {"n": "3", "m": "7", "k": "9"}
        body = execution("two", inputs={"literals": {"n": integer(1), "k": integer(1)}})
        assert await client.refused("executions", body) == (400, "invalid input k")


async def test_a_single_task_runs_in_a_made_up_workflow(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        await client.post("tasks", task("lab.count rows"))
        body = execution(spec={"launch_plan": entity("TASK", "lab.count rows")})
        await client.post("executions", body)
        run = await client.get(f"{RUNS}/run-1")
        assert run["closure"]["workflow_id"]["name"] == ".flytegen.lab.count rows"
        flow = await client.get("/api/v1/workflows/flytesnacks/development/.flytegen.lab.count rows/v1")
        nodes = flow["closure"]["compiled_workflow"]["primary"]["template"]["nodes"]
        assert [one["id"] for one in nodes] == ["start-node", "end-node", "labcountrows"]
        found = await client.get(RUNS, limit=5, filters="eq(task.name,lab.count rows)+eq(launch_entity,task)")
        assert [one["id"]["name"] for one in found["executions"]] == ["run-1"]
        named = await client.get("/api/v1/named_entities/WORKFLOW/flytesnacks/development", limit=5)
        assert named["entities"] == []
        await client.post("executions/relaunch", {"id": {**ID, "name": "run-1"}, "name": "run-2"})


async def test_labels_are_tags(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        await client.register()
        for name, labels in (("a", {"team": "x"}), ("b", {"team": "y", "study": "s"}), ("c", {})):
            await client.post("executions", execution(name, spec={"labels": {"values": labels}}))

        async def names(filters: str) -> list[str]:
            found = await client.get(RUNS, limit=9, filters=filters)
            return [one["id"]["name"] for one in found["executions"]]

        assert await names("eq(execution_tag.key,team)+eq(execution_tag.value,x)") == ["a"]
        assert await names("eq(admin_tag.name,study)") == ["b"]
        assert await names("value_in(execution_tag.key,team;study)") == ["a", "b", "b"]
        assert await names("contains(launch_plan.name,lo)+eq(workflow.name,flow)") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ("gt(execution_created_at,2027-01-15T08:00:01Z)", ["r2"]),
        ("gte(execution_created_at,2027-01-15T08:00:01Z)", ["r1", "r2"]),
        ("lt(execution_created_at,2027-01-15T08:00:01.000000400Z)", ["r0"]),
        ("lt(execution_created_at,2027-01-15T08:00:01.000000600Z)", ["r0", "r1"]),
        ("contains(execution_name,R)", []),
        ("contains(execution_name,r)", ["r0", "r1", "r2"]),
        ("contains(execution_name,_1)", ["r1"]),
        ("contains(execution_name,\\_1)", []),
        ("not_like(execution_name,%1)", ["r0", "r2"]),
        ("value_not_in(execution_name,r0;r1)", ["r2"]),
        ("eq(duration,1s)", []),
        ("gt(started_at,2020-01-01T00:00:00Z)", []),
        ("ne(error_kind,USER)", []),
    ],
)
async def test_filters(tmp_path: Path, filters: str, names: list[str]) -> None:
    moments = iter(MOMENT + second * 10**9 for second in (0, 1, 2))
    now = [MOMENT]
    async with open_admin(tmp_path, clock=lambda: now[0]) as client:
        await client.register()
        for number in range(3):
            now[0] = next(moments)
            await client.post("executions", execution(f"r{number}"))
        found = await client.get(RUNS, limit=9, filters=filters)
    assert [one["id"]["name"] for one in found["executions"]] == names


@pytest.mark.parametrize(
    ("filters", "status", "message"),
    [
        ("eq(name,x)", 400, "'e.name' is invalid filter"),
        ("eq(node_execution.phase,x)", 400, "cannot join"),
        ("eq(phase,a,b)", 400, "'e.phase,a' is invalid filter"),
        ("eq(phase,RUNNING) + eq(phase,RUNNING)", 400, "invalid value for filters"),
        ("like(phase,x)", 400, "invalid value for filters"),
        ("contains(mode,1)", 500, "failed database operation"),
        ("eq(mode,x)", 500, "invalid input syntax for type integer"),
        ("gt(created_at,yesterday)", 400, "invalid timestamp"),
    ],
)
async def test_refused_filters(tmp_path: Path, filters: str, status: int, message: str) -> None:
    async with open_admin(tmp_path) as client:
        answer = await client.http.get(RUNS, params={"limit": 5, "filters": filters})
    assert (answer.status_code, message in answer.text) == (status, True), answer.text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=30), max_size=4), st.text(max_size=20), st.text(max_size=20))
def test_any_filter_key_and_token_is_answered(tmp_path: Path, parts: list[str], sort_key: str, token: str) -> None:
    import asyncio

    async def ask() -> int:
        async with open_admin(tmp_path) as client:
            params = {"limit": 5, "filters": "+".join(parts), "sort_by.key": sort_key, "token": token}
            return (await client.http.get(RUNS, params=params)).status_code

    assert asyncio.run(ask()) in (200, 400, 500)


async def test_pages_of_equal_rows_neither_repeat_nor_skip(tmp_path: Path) -> None:
    async with open_admin(tmp_path, clock=lambda: MOMENT) as client:
        await client.register()
        for number in range(7):
            await client.post("executions", execution(f"r{number}"))
        for key in ("execution_created_at", "phase", "duration", ""):
            names: list[str] = []
            token = ""
            while token or not names:
                params = {"limit": 2, "token": token, **({"sort_by.key": key} if key else {})}
                page = await client.get(RUNS, **params)
                names += [one["id"]["name"] for one in page["executions"]]
                token = page["token"]
            assert sorted(names) == [f"r{number}" for number in range(7)]


async def test_terminating_and_archiving(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        await client.register()
        await client.post("executions", execution())
        await client.workflow_event("RUNNING")
        for cause in ("wrong", "again"):
            answer = await client.http.request("DELETE", f"{RUNS}/run-1", json={"cause": cause})
            assert answer.status_code == 200
        run = await client.get(f"{RUNS}/run-1")
        assert run["closure"]["phase"] == "ABORTING"
        assert run["closure"]["abort_metadata"] == {"cause": "again", "principal": ""}
        assert (await client.workflow_event("FAILING", 2)).status_code == 400
        assert (await client.workflow_event("ABORTED", 3)).status_code == 200
        answer = await client.http.request("DELETE", f"{RUNS}/run-1", json={"cause": "late"})
        assert (answer.status_code, answer.json()["code"]) == (400, 9)
        assert (await client.get(f"{RUNS}/run-1"))["closure"]["abort_metadata"]["cause"] == "again"
        await client.http.put(f"{RUNS}/run-1", json={"state": "EXECUTION_ARCHIVED"})
        assert (await client.get(RUNS, limit=5))["executions"] == []
        assert len((await client.get(RUNS, limit=5, filters="eq(state,1)"))["executions"]) == 1
        await client.http.put(f"{RUNS}/run-1", json={})
        assert len((await client.get(RUNS, limit=5))["executions"]) == 1


async def test_active_launch_plans(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        await client.register()
        path = "/api/v1/active_launch_plans/flytesnacks/development/flow"
        assert (await client.http.get(path)).status_code == 404
        await _activate(client, "ACTIVE")
        assert (await client.get(path))["id"]["version"] == "v1"
        listed = await client.get("/api/v1/active_launch_plans/flytesnacks/development", limit=5)
        assert [plan["closure"]["state"] for plan in listed["launch_plans"]] == ["ACTIVE"]
        await _activate(client, "INACTIVE")
        assert (await client.http.get(path)).status_code == 404


async def _activate(client: Client, state: str) -> None:
    path = "/api/v1/launch_plans/flytesnacks/development/flow/v1"
    assert (await client.http.put(path, json={"state": state})).status_code == 200
