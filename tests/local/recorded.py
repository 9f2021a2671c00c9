"""Replays what an engine sent to a real Flyte Admin into the embedded one."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flyteidl.admin import execution_pb2, launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.service import admin_pb2, dataproxy_pb2  # noqa: F401
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.message import Message

from flowtui.httpclient import httpx
from flowtui.local.app import create_app
from flowtui.local.home import Home
from tests.replay import BINARY, lines, message_of

BASE_URL = "http://127.0.0.1:5000"
CODES = {"INVALID_ARGUMENT": 3, "NOT_FOUND": 5, "ALREADY_EXISTS": 6, "FAILED_PRECONDITION": 9}
_PATHS = {
    "CreateTask": "/api/v1/tasks",
    "CreateWorkflow": "/api/v1/workflows",
    "CreateLaunchPlan": "/api/v1/launch_plans",
    "CreateExecution": "/api/v1/executions",
    "CreateWorkflowEvent": "/api/v1/events/workflows",
    "CreateNodeEvent": "/api/v1/events/nodes",
    "CreateTaskEvent": "/api/v1/events/tasks",
    "CreateUploadLocation": "/api/v1/dataproxy/artifact_urn",
}
_REGISTRATIONS = {
    "CreateTask": task_pb2.TaskCreateRequest,
    "CreateWorkflow": workflow_pb2.WorkflowCreateRequest,
    "CreateLaunchPlan": launch_plan_pb2.LaunchPlanCreateRequest,
}
# The recorded Admin refused more than 100 nodes until its limit was raised, after it had refused them four times.
_NODE_LIMIT, _REFUSED = 100, 4
# The recorded times of DELETE lie after the events that they caused: put them before.
_DELETE_EARLIER = 0.03
_RECOVERED_AT = 1795454176.88


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.nanos = 0

    def __call__(self) -> int:
        return self.nanos


class Recorded:
    """The embedded Admin after the replay.

    Args:
        running: stop where the first execution is terminated, while some still run.

    Attributes:
        differences: requests of the engine that were answered otherwise than recorded.
    """

    def __init__(self, folder: Path, *, running: bool = False) -> None:
        self.running = running
        self.home = Home(folder)
        self.clock = Clock()
        self.app = create_app(self.home, clock=self.clock, container="s3://flyte", project="flytesnacks")
        self._fill_blobs()
        self.differences = asyncio.run(self._replay())

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=BASE_URL)

    def _fill_blobs(self) -> None:
        for line in lines("blobs"):
            if line.get("body_base64") is not None:
                path = self.home.resolve(line["uri"])
                assert path is not None
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(base64.b64decode(line["body_base64"]))

    async def _replay(self) -> list[str]:
        times = _created_times()
        differences = []
        async with self.client() as client:
            described = {"name": "flytesnacks", "description": "flytesnacks description"}
            assert (await client.put("/api/v1/projects/flytesnacks", json=described)).status_code == 200
            refused = 0
            self.app.state.admin.max_workflow_nodes = _NODE_LIMIT
            for line in _merged():
                if self.running and line["method"] == "DELETE":
                    break
                self.clock.nanos = _moment(line, times)
                answer = await _send(client, line)
                got = (answer.status_code, answer.json())
                if not _agrees(line, *got):
                    differences.append(f"{line.get('n', line.get('path'))}: {got} instead of {_wanted(line)}")
                refused += "exceeds limit" in str(got[1])
                if refused == _REFUSED:
                    self.app.state.admin.max_workflow_nodes = None
            await _record_huge(client)
        return differences


async def _record_huge(client: httpx.AsyncClient) -> None:
    """The execution whose nodes are more than an answer can hold: few and large here, 20,000 in the recording."""
    project = {"id": "big", "name": "big", "domains": [{"id": "development", "name": "development"}]}
    plan = {"resource_type": "LAUNCH_PLAN", "project": "flytesnacks", "domain": "development", "version": "v1"}
    run = {"project": "big", "domain": "development", "name": "huge-1"}
    body = {**run, "spec": {"launch_plan": {**plan, "name": "labflows.clinical"}}}
    answers = [
        await client.post("/api/v1/projects", json={"project": project}),
        await client.post("/api/v1/executions", json=body),
    ]
    for number in range(5):
        event = {"id": {"node_id": f"n{number}", "execution_id": run}, "phase": "RUNNING", "event_version": 1}
        event |= {"occurred_at": "2026-11-23T17:00:00Z", "input_uri": "s3://flyte/" + "x" * 2**20}
        answers.append(await client.post("/api/v1/events/nodes", json={"event": event}))
    # The recorded lists of projects are older than this one.
    answers.append(await client.put("/api/v1/projects/big", json={"id": "big", "name": "big", "state": "ARCHIVED"}))
    assert [answer.status_code for answer in answers] == [200] * len(answers)


def _merged() -> Iterator[dict[str, Any]]:
    """Requests of the engine in order, with those of a client put in by time."""
    actions = list(lines("actions"))
    for action in actions:
        if action["method"] == "DELETE":
            action["at"] -= _DELETE_EARLIER
    actions.append(_recovery())
    for line in lines("engine"):
        while actions and actions[0]["at"] <= line["at"]:
            yield actions.pop(0)
        yield line
    yield from actions


def _recovery() -> dict[str, Any]:
    """The recovery that was tried in three forms, of which a fourth before them had succeeded."""
    tried = next(line for line in lines("errors") if line["path"].endswith("/recover"))
    name = {"project": "flytesnacks", "domain": "development", "name": "rec-of-success", "org": ""}
    return {**tried, "at": _RECOVERED_AT, "request": json.loads(tried["request"]), "status": 200, "body": {"id": name}}


def _created_times() -> dict[tuple[Any, ...], int]:
    """When Admin made what it lists: the only times that it takes from its own clock."""
    times: dict[tuple[Any, ...], int] = {}
    for name in ("executions", "lists", "entities"):
        for line in lines(name):
            if line["accept"] != BINARY or line["status"] != 200 or not line.get("message"):
                continue
            message = message_of(line)
            for one in _members(message):
                times[_key(one.id)] = one.closure.created_at.ToNanoseconds()
    return times


def _members(message: Message) -> list[Any]:
    if message.DESCRIPTOR.name in ("Execution", "Workflow", "Task", "LaunchPlan"):
        return [message]
    if message.DESCRIPTOR.name in ("ExecutionList", "TaskList"):
        return list(getattr(message, "executions", None) or getattr(message, "tasks", ()))
    return []


def _key(identifier: Any) -> tuple[Any, ...]:
    return identifier.DESCRIPTOR.name, getattr(identifier, "resource_type", 0), identifier.name, getattr(
        identifier, "version", ""
    )  # fmt: skip


def _moment(line: dict[str, Any], times: dict[tuple[Any, ...], int]) -> int:
    """The time to which the clock is set: the recorded one of what the request makes, else that of the request."""
    key: tuple[Any, ...] = ()
    if "method" in line and "request_base64" in line:
        call, body = line["method"].rpartition("/")[2], base64.b64decode(line["request_base64"])
        if call == "CreateExecution":
            name = execution_pb2.ExecutionCreateRequest.FromString(body).name
            key = ("WorkflowExecutionIdentifier", 0, name, "")
        elif call in _REGISTRATIONS and not line.get("error"):
            key = _key(_REGISTRATIONS[call].FromString(body).id)
    elif line["method"] == "POST":
        key = ("WorkflowExecutionIdentifier", 0, line["request"].get("name"), "")
    return times.get(key, int(line["at"] * 10**9))


async def _send(client: httpx.AsyncClient, line: dict[str, Any]) -> httpx.Response:
    if "request_base64" not in line:
        return await client.request(
            line["method"], line["path"], json=line["request"], headers={"accept": "application/json"}
        )
    call = line["method"].rpartition("/")[2]
    body = base64.b64decode(line["request_base64"])
    return await client.post(_PATHS[call], content=body, headers={"content-type": BINARY, "accept": "application/json"})


def _response(line: dict[str, Any]) -> Any:
    """The recorded answer of a call that succeeded."""
    service, _, call = line["method"].strip("/").partition("/")
    method = descriptor_pool.Default().FindServiceByName(service).methods_by_name[call]
    return message_factory.GetMessageClass(method.output_type).FromString(
        base64.b64decode(line.get("response_base64") or "")
    )


def _wanted(line: dict[str, Any]) -> Any:
    return line.get("error") or line.get("body") or "success"


def _agrees(line: dict[str, Any], status: int, body: Any) -> bool:
    if "request_base64" not in line:
        return bool(status == line["status"] and body == line["body"])
    error = line.get("error")
    if error is None:
        recorded = _response(line)
        given = type(recorded)()
        json_format.ParseDict(body, given)
        # The signed URL of an upload has its own signature; where it leads to does not.
        for one in (recorded, given):
            if one.DESCRIPTOR.name == "CreateUploadLocationResponse":
                one.ClearField("expires_at")
                one.signed_url = urlsplit(one.signed_url).path.removeprefix("/blobs/blobs")
        return bool(status == 200 and given == recorded)
    return bool(body["code"] == CODES[error["code"]] and body["message"] == error["message"])
