"""Whatever a client sends, it gets an answer: never a crash, and nothing half written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from flyteidl.admin import event_pb2, execution_pb2, launch_plan_pb2, task_pb2, workflow_pb2
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from flowtui.httpclient import httpx
from flowtui.local.protojson import is_map, repeated
from tests.local.admin import Client, execution, open_app

REQUESTS: dict[str, type[Message]] = {
    "tasks": task_pb2.TaskCreateRequest,
    "workflows": workflow_pb2.WorkflowCreateRequest,
    "launch_plans": launch_plan_pb2.LaunchPlanCreateRequest,
    "executions": execution_pb2.ExecutionCreateRequest,
    "executions/relaunch": execution_pb2.ExecutionRelaunchRequest,
    "events/workflows": event_pb2.WorkflowExecutionEventRequest,
    "events/nodes": event_pb2.NodeExecutionEventRequest,
    "events/tasks": event_pb2.TaskExecutionEventRequest,
}
# Names that exist make the requests get far.
KNOWN = ["flytesnacks", "development", "flow", "count", "run-1", "n0", "v1", "RUNNING", "SUCCEEDED", "n", "o0", ""]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starlette]:
    async def prepare(app: Starlette) -> None:
        async with client_of(app) as http:
            client = Client(app, http)
            await client.register()
            await client.post("executions", execution())
            await client.node_event("QUEUED")

    with open_app(tmp_path_factory.mktemp("home")) as made:
        asyncio.run(prepare(made))
        yield made


def client_of(app: Starlette) -> httpx.AsyncClient:
    headers = {"accept": "application/json"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", headers=headers)


def messages(descriptor: Any, depth: int) -> st.SearchStrategy[Any]:
    """JSON of a message, some fields of it with values of another kind."""
    fields = {field.name: _field(field, depth) for field in descriptor.fields}
    return st.fixed_dictionaries({}, optional=fields)


def _field(field: Any, depth: int) -> st.SearchStrategy[Any]:
    wrong = st.one_of(st.none(), st.integers(), st.booleans(), st.just([]), st.just({}), st.sampled_from(KNOWN))
    if is_map(field):
        value = field.message_type.fields_by_name["value"]
        right = st.dictionaries(st.sampled_from(KNOWN), _value(value, depth), max_size=2)
        return st.one_of(right, right, wrong)
    right = _value(field, depth)
    return st.one_of(st.lists(right, max_size=2) if repeated(field) else right, wrong)


def _value(field: Any, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return st.sampled_from(["2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9Z", "x"])
        if field.message_type.full_name == "google.protobuf.Duration":
            return st.sampled_from(["1s", "-1.5s", "x"])
        return messages(field.message_type, depth - 1) if depth else st.just({})
    if field.enum_type is not None:
        return st.sampled_from([value.name for value in field.enum_type.values] + [99, "X"])
    return st.one_of(st.sampled_from(KNOWN), st.integers(), st.text(max_size=5), st.booleans(), st.floats())


@pytest.mark.parametrize("path", REQUESTS)
def test_any_json_is_answered(app: Starlette, path: str) -> None:
    @settings(deadline=None, max_examples=60)
    @given(messages(REQUESTS[path].DESCRIPTOR, 4))
    def check(body: Any) -> None:
        async def send() -> httpx.Response:
            async with client_of(app) as http:
                content = httpx.Request("POST", "http://x", json=body).content if _is_json(body) else b"{"
                headers = {"content-type": "application/json"}
                return await http.post(f"/api/v1/{path}", content=content, headers=headers)

        assert asyncio.run(send()).status_code in (200, 400, 404, 409, 500)

    check()


def _is_json(body: Any) -> bool:
    try:
        httpx.Request("POST", "http://x", json=body)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("seconds", [2**62, -(2**62), 253402300800])
async def test_times_out_of_range_are_refused(app: Starlette, seconds: int) -> None:
    event = event_pb2.NodeExecutionEventRequest()
    event.event.id.node_id = "n9"
    identifier = event.event.id.execution_id
    identifier.project, identifier.domain, identifier.name = "flytesnacks", "development", "run-1"
    event.event.phase = 2
    event.event.occurred_at.seconds = seconds
    async with client_of(app) as http:
        headers = {"content-type": "application/octet-stream"}
        answer = await http.post("/api/v1/events/nodes", content=event.SerializeToString(), headers=headers)
        assert answer.status_code == 500
        missing = await http.get("/api/v1/node_executions/flytesnacks/development/run-1/n9")
    assert missing.status_code == 404


async def test_what_fails_leaves_nothing_behind(app: Starlette) -> None:
    """The made-up workflow of a single task is not kept where its execution is refused."""
    body = execution("single", spec={"launch_plan": {**execution()["spec"]["launch_plan"], "resource_type": "TASK"}})
    body["spec"]["launch_plan"]["name"] = "count"
    body["inputs"] = {"literals": {}}
    async with client_of(app) as http:
        refused = await http.post("/api/v1/executions", json=body)
        assert refused.status_code == 400
        missing = await http.get("/api/v1/workflows/flytesnacks/development/.flytegen.count/v1")
    assert missing.status_code == 404
