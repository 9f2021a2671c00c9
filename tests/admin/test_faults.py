"""Every method of the client under every fault: no crash, no hang, no lie, no more requests than there should be."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Awaitable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from flyteidl.admin import execution_pb2, task_pb2
from flyteidl.core import literals_pb2
from flyteidl.service import dataproxy_pb2

from flowtui.admin import AdminClient, ConflictError, TooLargeError
from flowtui.admin.connection import READ_ATTEMPTS
from flowtui.domain.execution import EntityId, ExecutionId, NodeId
from flowtui.errors import FlowtuiError, UnreachableError
from flowtui.httpclient import httpx
from tests.faults import FAULTS, HANGING, LASTING, MASKED, PASSING, Faulty, bomb, sends
from tests.headless.conftest import DOMAIN, PROJECT, Server
from tests.local.admin import MOMENT, entity, open_admin
from tests.local.admin import execution as local_execution
from tests.replay import BASE_URL, BINARY

RUN = ExecutionId(PROJECT, DOMAIN, "clinical-1")
RAW = frozenset({"get", "post", "put", "delete", "pause", "aclose"})
"""What the methods below are made of."""
WRITES = frozenset({"create_execution", "relaunch", "terminate"})
NAMED = frozenset({"create_execution", "relaunch"})
"""Writes whose name makes a repetition harmless."""
METHODS = sorted(
    name
    for name, member in inspect.getmembers(AdminClient, inspect.iscoroutinefunction)
    if not name.startswith("_") and name not in RAW
)
PATIENCE = 30.0
"""Seconds after which a test says that something hangs; nothing waits for it."""


class Whole(Server):
    """The recordings, and an answer for every other method."""

    def answer(self, request: httpx.Request, path: str, params: dict[str, str]) -> httpx.Response:
        if request.method == "POST":
            kind = execution_pb2.ExecutionCreateRequest
            if path.endswith("/relaunch"):
                kind = execution_pb2.ExecutionRelaunchRequest
            answer = execution_pb2.ExecutionCreateResponse()
            answer.id.project, answer.id.domain, answer.id.name = PROJECT, DOMAIN, kind.FromString(request.content).name
            return self.respond(request, 200, answer)
        if request.method == "DELETE":
            return self.respond(request, 200, execution_pb2.ExecutionTerminateResponse())
        if path == "/api/v1/data":
            literal = literals_pb2.Literal(hash="x")
            return self.respond(request, 200, dataproxy_pb2.GetDataResponse(literal=literal))
        if path == f"/api/v1/tasks/{PROJECT}/{DOMAIN}":
            return self.respond(request, 200, task_pb2.TaskList(tasks=[self.single[TASK_PATH]]))
        return super().answer(request, path, params)


def entities() -> tuple[EntityId, EntityId]:
    """A recorded workflow and a recorded task."""
    found = {}
    for path in Whole().single:
        kind, *parts = path.removeprefix("/api/v1/").split("/")
        if kind in ("workflows", "tasks") and len(parts) == 4 and "%" not in path:
            found[kind] = EntityId(*parts)
    return found["workflows"], found["tasks"]


WORKFLOW, TASK = entities()
TASK_PATH = f"/api/v1/tasks/{TASK.project}/{TASK.domain}/{TASK.name}/{TASK.version}"
DYNAMIC = next(
    (ExecutionId(*path.split("/")[4:7]), path.split("/")[7])
    for path in Whole().single
    if path.endswith("/dynamic_workflow")
)
ARGUMENTS: dict[str, Any] = {
    "project": PROJECT,
    "domain": DOMAIN,
    "variable": "o0",
    "native_url": "s3://flyte/data/x.csv",
    "flyte_url": "flyte://v1/flytesnacks/development/clinical-1/n0/o",
    "cause": "wrong cutoff",
    "limit": 50,
}


def call(client: AdminClient, method: str) -> Awaitable[Any]:
    """Call a method with arguments chosen by the names and types of its parameters."""
    arguments: dict[str, Any] = {}
    for name, parameter in inspect.signature(getattr(client, method)).parameters.items():
        kind = str(parameter.annotation)
        if name == "id_" and "EntityId" in kind:
            arguments[name] = TASK if "task" in method else WORKFLOW
        elif name == "id_":
            run, node = (RUN, "n0") if "dynamic" not in method else DYNAMIC
            arguments[name] = NodeId(run, node) if "NodeId" in kind else run
        elif name == "request":
            arguments[name] = execution_pb2.ExecutionCreateRequest(project=PROJECT, domain=DOMAIN)
        elif name in ARGUMENTS:
            arguments[name] = ARGUMENTS[name]
        elif parameter.default is inspect.Parameter.empty:
            raise AssertionError(f"say in ARGUMENTS what {method} gets for {name}: {kind}")
    answer: Awaitable[Any] = getattr(client, method)(**arguments)
    return answer


def client_of(faulty: Faulty, **options: Any) -> AdminClient:
    return AdminClient(BASE_URL, transport=faulty, retry_delay=0, **{"timeout": 5, **options})


async def truth(method: str) -> Any:
    async with client_of(Faulty(Whole())) as client:
        return await call(client, method)


async def outcome(faulty: Faulty, method: str, **options: Any) -> tuple[Any, FlowtuiError | None]:
    """What a method gave, or its error; anything but an error of flowtui's own fails the test."""
    async with client_of(faulty, **options) as client:
        try:
            return await asyncio.wait_for(call(client, method), PATIENCE), None
        except FlowtuiError as error:
            return None, error
        finally:
            assert client.calls == len(faulty.seen)


def test_there_are_methods_of_every_kind() -> None:
    assert set(METHODS) >= WRITES | {"version", "sign", "list_executions", "list_node_executions", "get_workflow"}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", FAULTS)
async def test_a_lasting_fault_is_an_error_and_never_another_answer(name: str, method: str) -> None:
    options = {"timeout": 0.03} if name in HANGING else {}
    faulty = Faulty(Whole(), FAULTS[name])
    found, error = await outcome(faulty, method, **options)
    if error is None:
        # A health check has no content that could be wrong.
        assert method == "healthcheck" or (name, found) in (("404", "unknown"), ("404", False))
        return
    assert found is None
    assert error.message.isprintable()
    assert "secret" not in str(error)
    most = Counter(faulty.seen).most_common(1)[0][1]
    if method in NAMED:
        assert most <= 3
    elif method in WRITES:
        assert most == 1
    else:
        # In JSON once more, where binary does not come through.
        assert most <= READ_ATTEMPTS + 1
    if name in LASTING:
        assert most == 1


@pytest.mark.parametrize("method", [method for method in METHODS if method not in WRITES])
@pytest.mark.parametrize("name", [*PASSING, *MASKED])
async def test_a_read_gets_over_a_passing_fault(name: str, method: str) -> None:
    faulty = Faulty(Whole(), FAULTS[name], times=1)
    found, error = await outcome(faulty, method)
    if method == "sign" and name == "500":
        assert error is not None
        return
    assert error is None, error
    assert found == await truth(method)


@pytest.mark.parametrize("method", [method for method in METHODS if method.startswith("list_")])
async def test_a_list_that_is_too_large_comes_in_smaller_pages(method: str) -> None:
    faulty = Faulty(Whole(), FAULTS["429 too large"], times=2)
    found, error = await outcome(faulty, method)
    if "limit=" not in faulty.seen[0]:
        # Projects come without pages.
        assert isinstance(error, TooLargeError)
        return
    limits = [int(seen.partition("limit=")[2].partition("&")[0]) for seen in faulty.seen]
    assert limits[:3] == [limits[0], limits[0] // 2, limits[0] // 4]
    true = await truth(method)
    assert error is None
    if isinstance(true, list):
        assert found == true
    else:
        # A page is asked for, not the whole list.
        assert list(found.executions) == list(true.executions)[: limits[2]]


@pytest.mark.parametrize("name", [*PASSING, *MASKED])
async def test_a_write_without_a_name_is_sent_once(name: str) -> None:
    faulty = Faulty(Whole(), FAULTS[name], times=1)
    _, error = await outcome(faulty, "terminate")
    assert error is not None
    assert len(faulty.seen) == 1


@pytest.mark.parametrize("name", [name for name in PASSING if name not in ("refused", "connect timeout")])
async def test_a_write_that_may_have_been_done_says_so(name: str) -> None:
    faulty = Faulty(Whole(), FAULTS[name], times=1)
    _, error = await outcome(faulty, "terminate")
    assert error is not None
    assert ("may have been done" in error.hint) == isinstance(error, UnreachableError)


@pytest.mark.parametrize("name", PASSING)
async def test_no_run_is_started_twice(name: str, tmp_path: Path) -> None:
    """Over the embedded Admin, which refuses a name that is taken."""
    async with open_admin(tmp_path) as admin:
        await admin.register()
        for times in (1, 2):
            faulty = Faulty(httpx.ASGITransport(admin.app), PASSING[name], lambda request: request.method == "POST")
            faulty.times = times
            request = execution_pb2.ExecutionCreateRequest(project=PROJECT, domain=DOMAIN)
            plan = entity("LAUNCH_PLAN", "flow")
            request.spec.launch_plan.resource_type = 3
            for field in ("project", "domain", "name", "version"):
                setattr(request.spec.launch_plan, field, plan[field])
            request.inputs.literals["n"].scalar.primitive.integer = 3
            async with AdminClient("http://127.0.0.1", transport=faulty, retry_delay=0) as client:
                before = {one.id.name for one in (await client.list_executions(PROJECT, DOMAIN, limit=9)).executions}
                created = await client.create_execution(request)
                after = {one.id.name for one in (await client.list_executions(PROJECT, DOMAIN, limit=9)).executions}
            assert after - before == {created.name}


async def test_a_name_that_somebody_took_before_is_a_conflict_after_a_lost_answer_too(tmp_path: Path) -> None:
    moment = [MOMENT]
    async with open_admin(tmp_path, clock=lambda: moment[0]) as admin:
        await admin.register()
        await admin.post("executions", local_execution("run-1"))
        await admin.post("executions", local_execution("taken"))
        moment[0] += 3600 * 10**9
        faulty = Faulty(httpx.ASGITransport(admin.app), PASSING["503"], lambda request: request.method == "POST")
        faulty.times = 1
        async with AdminClient("http://127.0.0.1", transport=faulty, retry_delay=0) as client:
            with pytest.raises(ConflictError):
                await client.relaunch(ExecutionId(PROJECT, DOMAIN, "run-1"), "taken")


async def test_a_damaged_answer_does_not_change_the_format_for_good() -> None:
    faulty = Faulty(Whole(), FAULTS["garbage"], times=1)
    asked: list[str] = []
    inner = faulty.inner.handle_async_request

    async def note(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["accept"])
        return await inner(request)

    faulty.inner.handle_async_request = note  # type: ignore[method-assign]
    async with client_of(faulty) as client:
        for _ in range(3):
            await client.get_execution(RUN)
    assert asked == [BINARY, "application/json", BINARY, BINARY]


async def test_two_damaged_answers_in_a_row_do() -> None:
    faulty = Faulty(Whole(), FAULTS["garbage"], lambda request: request.headers["accept"] == BINARY)
    async with client_of(faulty) as client:
        for _ in range(4):
            await client.get_execution(RUN)
        assert client.calls == 6


async def test_a_bomb_is_defused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowtui.admin.connection.ANSWER_LIMIT", 4 << 20)
    small = bomb(64)
    assert len(small) < 1 << 20
    faulty = Faulty(Whole(), sends(200, small, BINARY, content_encoding="gzip"))
    _, error = await outcome(faulty, "get_execution")
    assert error is not None
    assert "more than 4 MiB" in error.message
    assert len(faulty.seen) == 1


@pytest.mark.parametrize("name", HANGING)
async def test_one_stalled_read_does_not_hold_up_the_others(name: str) -> None:
    faulty = Faulty(Whole(), HANGING[name], lambda request: request.url.path == "/api/v1/version")
    async with client_of(faulty, timeout=0.05, concurrency=2) as client:
        stalled = [asyncio.ensure_future(client.version()) for _ in range(3)]
        assert await asyncio.wait_for(client.get_execution(RUN), PATIENCE)
        found = await asyncio.gather(*stalled, return_exceptions=True)
    assert all(isinstance(one, UnreachableError) for one in found)


async def test_the_wait_for_a_free_connection_is_not_counted() -> None:
    """Many reads at once take longer than one may take, and none of them fails for that."""

    class Slow(Whole):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(0.02)
            return await super().handle_async_request(request)

    async with AdminClient(BASE_URL, transport=Slow(), timeout=1, concurrency=1) as client:
        found = await asyncio.gather(*(client.get_execution(RUN) for _ in range(60)))
    assert len(found) == 60


async def test_a_retry_that_is_asked_for_beyond_the_timeout_is_not_waited_for() -> None:
    faulty = Faulty(Whole(), PASSING["503"])
    async with AdminClient(BASE_URL, transport=faulty, timeout=5, retry_delay=0.01) as client:
        with pytest.raises(FlowtuiError, match="unavailable"):
            await asyncio.wait_for(client.get_execution(RUN), PATIENCE)
    assert len(faulty.seen) == 1


@pytest.mark.parametrize("hours", [-5, 0, 5])
async def test_the_servers_clock_is_told_and_its_times_are_translated(hours: int) -> None:
    theirs = datetime.now(timezone.utc) + timedelta(hours=hours)

    class Skewed(Whole):
        def respond(self, request: httpx.Request, status: int, message: Any) -> httpx.Response:
            if isinstance(message, dataproxy_pb2.CreateDownloadLocationResponse):
                message.expires_at.FromDatetime(theirs.replace(tzinfo=None) + timedelta(minutes=10))
            answer = super().respond(request, status, message)
            answer.headers["date"] = format_datetime(theirs, usegmt=True)
            return answer

    async with client_of(Faulty(Skewed())) as client:
        signed = await client.sign("s3://flyte/x")
        assert signed.expires_at is not None
        left = signed.expires_at - datetime.now(timezone.utc)
        assert timedelta(minutes=8) < left < timedelta(minutes=12)
        assert abs(client.skew - timedelta(hours=hours)) < timedelta(minutes=1)
        assert abs(client.server_now() - theirs) < timedelta(minutes=1)
