"""The client over httpx's transport seam: retries, fallback, limits, secrets, writes."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import Callable
from datetime import datetime, timezone

import pytest
from flyteidl.admin import event_pb2, execution_pb2, node_execution_pb2, project_pb2, task_pb2, version_pb2
from flyteidl.service import dataproxy_pb2
from google.protobuf.message import Message
from google.rpc import status_pb2

from flowtui.admin import AdminClient, BadRequestError, ConflictError, TooLargeError
from flowtui.admin.wire import path
from flowtui.domain.execution import EntityId, ExecutionId, NodeId
from flowtui.errors import AuthError, ConfigError, NotFoundError, ServerError, UnreachableError
from flowtui.httpclient import httpx
from tests.replay import BASE_URL, BINARY, Replay

RUN = ExecutionId("p", "d", "run-1")
LARGE = status_pb2.Status(code=8, message="grpc: received message larger than max (6108901 vs. 4194304)")
Answer = httpx.Response | Exception


def binary(message: Message, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=message.SerializeToString(), headers={"content-type": BINARY})


def refusal(status: int, code: int, message: str) -> httpx.Response:
    return binary(status_pb2.Status(code=code, message=message), status)


def execution() -> execution_pb2.Execution:
    message = execution_pb2.Execution()
    message.id.project, message.id.domain, message.id.name = "p", "d", "run-1"
    return message


class Script:
    """A server that gives prepared answers in order, and notes what it was asked."""

    def __init__(self, *answers: Answer | Callable[[httpx.Request], Answer]) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, base_url: str = BASE_URL, **options: object) -> AdminClient:
        return AdminClient(base_url, transport=httpx.MockTransport(self), retry_delay=0, **options)  # type: ignore[arg-type]


async def test_the_path_prefix_is_kept_and_binary_is_asked_for() -> None:
    server = Script(binary(execution()))
    async with server.client("https://host.test/flows/") as client:
        assert await client.get_execution(RUN) == execution()
    (request,) = server.requests
    assert str(request.url) == "https://host.test/flows/api/v1/executions/p/d/run-1"
    assert request.headers["accept"] == "application/octet-stream"


async def test_names_are_quoted_once() -> None:
    found = task_pb2.Task()
    found.id.name = "Create ADSL?#%41"
    server = Script(binary(found))
    async with server.client() as client:
        await client.get_task(EntityId("p", "d", "Create ADSL?#%41", "v+1=="))
    assert server.requests[0].url.raw_path == b"/api/v1/tasks/p/d/Create%20ADSL%3F%23%2541/v%2B1%3D%3D"


async def test_a_task_with_a_slash_in_its_name_is_found_by_a_list() -> None:
    found = task_pb2.Task()
    found.id.name = "Prod/QC"
    server = Script(binary(task_pb2.TaskList(tasks=[found])), binary(task_pb2.TaskList()))
    async with server.client() as client:
        assert await client.get_task(EntityId("p", "d", "Prod/QC", "v1")) == found
        with pytest.raises(NotFoundError):
            await client.get_task(EntityId("p", "d", "Prod/QC", "v1"))
    assert dict(server.requests[0].url.params)["filters"] == "eq(name,Prod/QC)+eq(version,v1)"
    assert b"%2B" in server.requests[0].url.query


PASSING: list[Answer] = [
    refusal(500, 2, "failed database operation with deadlock"),
    httpx.Response(502, html="<html><title>Bad Gateway</title></html>"),
    refusal(503, 14, "unavailable"),
    refusal(504, 4, "context deadline exceeded"),
    httpx.Response(429, json={"code": 8, "message": "slow down"}, headers={"retry-after": "1"}),
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("slow"),
    httpx.RemoteProtocolError("Server disconnected"),
]


@pytest.mark.parametrize("answer", PASSING, ids=lambda answer: f"{getattr(answer, 'status_code', answer)}")
async def test_a_read_is_tried_again(answer: Answer) -> None:
    server = Script(answer, answer, binary(execution()))
    async with server.client() as client:
        assert await client.get_execution(RUN) == execution()
        assert client.calls == 3


@pytest.mark.parametrize("answer", PASSING, ids=lambda answer: f"{getattr(answer, 'status_code', answer)}")
async def test_a_read_is_given_up_at_last(answer: Answer) -> None:
    server = Script(*[answer] * 9)
    async with server.client() as client:
        with pytest.raises(ServerError) as caught:
            await client.get_execution(RUN)
        assert isinstance(caught.value, UnreachableError) == isinstance(answer, Exception)
        assert client.calls == 4


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(400, 3, "invalid value for limit"), BadRequestError),
        (refusal(404, 5, "missing entity"), NotFoundError),
        (refusal(401, 16, "token parse error"), AuthError),
        (refusal(403, 7, "permission denied"), AuthError),
        (binary(LARGE, 429), TooLargeError),
        (refusal(501, 12, "Method Not Allowed"), ServerError),
        (httpx.Response(302, headers={"location": "https://login.test/"}), AuthError),
    ],
)
async def test_what_will_not_pass_is_not_tried_again(answer: httpx.Response, kind: type[Exception]) -> None:
    server = Script(answer)
    async with server.client() as client:
        with pytest.raises(kind):
            await client.get_execution(RUN)
        assert client.calls == 1


@pytest.mark.parametrize("answer", PASSING, ids=lambda answer: f"{getattr(answer, 'status_code', answer)}")
async def test_an_event_is_sent_once(answer: Answer) -> None:
    server = Script(answer)
    async with server.client() as client:
        with pytest.raises(ServerError):
            await client.post(
                path("events", "nodes"), event_pb2.NodeExecutionEventRequest(), event_pb2.NodeExecutionEventResponse
            )
    assert len(server.requests) == 1
    assert server.requests[0].headers["content-type"] == BINARY


async def test_a_large_list_is_asked_for_in_halves() -> None:
    rows = [node_execution_pb2.NodeExecution() for _ in range(300)]
    for index, row in enumerate(rows):
        row.id.node_id = f"n{index}"

    def page(request: httpx.Request) -> httpx.Response:
        limit, start = int(request.url.params["limit"]), int(request.url.params.get("token", 0))
        if limit > 200:
            return binary(LARGE, 429)
        token = str(start + limit) if start + limit <= len(rows) else ""
        return binary(node_execution_pb2.NodeExecutionList(node_executions=rows[start : start + limit], token=token))

    server = Script(*[page] * 20)
    async with server.client() as client:
        found = await client.list_node_executions(RUN)
    assert [row.id.node_id for row in found] == [f"n{index}" for index in range(300)]
    assert [request.url.params["limit"] for request in server.requests] == ["1000", "500", "250", "125", "125", "125"]


@pytest.mark.parametrize(
    "broken",
    [
        httpx.Response(200, content=b"\xef\xbf\xbd\x08\xef", headers={"content-type": BINARY}),
        httpx.Response(406, text="Not Acceptable"),
        httpx.Response(415, text="Unsupported Media Type"),
        httpx.Response(200, html="<html><title>Attack detected</title></html>"),
    ],
    ids=["damaged", "406", "415", "page"],
)
async def test_json_is_asked_for_where_binary_does_not_come_through(broken: httpx.Response) -> None:
    answer = {"id": {"project": "p", "domain": "d", "name": "run-1"}, "spec": None, "closure": None}
    server = Script(broken, httpx.Response(200, json=answer), httpx.Response(200, json={}))
    async with server.client() as client:
        assert await client.get_execution(RUN) == execution()
        await client.terminate(RUN, "wrong cutoff")
    assert [request.headers["accept"] for request in server.requests] == [BINARY, *["application/json"] * 2]
    assert json.loads(server.requests[-1].content)["cause"] == "wrong cutoff"


@pytest.mark.parametrize("status", [200, 406])
async def test_requests_that_are_out_together_all_fall_back_to_json(status: int) -> None:
    out, all_out = 0, asyncio.Event()

    class Gateway(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal out
            if request.headers["accept"] == BINARY:
                out += 1
                if out == 3:
                    all_out.set()
                await all_out.wait()
                return httpx.Response(status, html="<html><title>Attack detected</title></html>")
            return httpx.Response(200, json={"id": {"project": "p", "domain": "d", "name": "run-1"}})

    async with AdminClient(BASE_URL, transport=Gateway()) as client:
        assert await asyncio.gather(*(client.get_execution(RUN) for _ in range(3))) == [execution()] * 3


async def test_the_last_try_falls_back_too() -> None:
    busy = refusal(503, 14, "unavailable")
    damaged = httpx.Response(200, content=b"\xff", headers={"content-type": BINARY})
    answer = httpx.Response(200, json={"id": {"project": "p", "domain": "d", "name": "run-1"}})
    async with Script(busy, busy, busy, damaged, answer).client() as client:
        assert await client.get_execution(RUN) == execution()


async def test_messages_call_the_server_by_its_name() -> None:
    transport = httpx.MockTransport(Script(refusal(404, 5, "missing entity")))
    async with AdminClient(BASE_URL, transport=transport, name="this machine") as client:
        with pytest.raises(NotFoundError) as caught:
            await client.get_execution(RUN)
    assert caught.value.message == "There is no execution p/d/run-1 on this machine."


async def test_a_web_page_in_both_forms_is_an_error() -> None:
    page = httpx.Response(200, html="<html><title>Log in</title></html>")
    async with Script(page, page).client() as client:
        with pytest.raises(AuthError, match="a login page"):
            await client.get_execution(RUN)


async def test_a_write_whose_answer_is_damaged_is_not_sent_again() -> None:
    server = Script(httpx.Response(200, content=b"\xff", headers={"content-type": BINARY}))
    async with server.client() as client:
        with pytest.raises(ServerError):
            await client.post(path("x"), event_pb2.TaskExecutionEventRequest(), event_pb2.TaskExecutionEventResponse)
    assert len(server.requests) == 1


async def test_compressed_answers_are_read_and_counted_as_they_came() -> None:
    message = execution()
    message.spec.inputs.literals["x"].hash = "y" * 10_000
    body = gzip.compress(message.SerializeToString())
    headers = {"content-type": BINARY, "content-encoding": "gzip"}
    answer = httpx.Response(200, stream=httpx.ByteStream(body), headers=headers)
    async with Script(answer).client() as client:
        assert await client.get_execution(RUN) == message
        assert client.bytes_read == len(body)
        assert client.calls == 1


async def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowtui.admin.connection.ANSWER_LIMIT", 1000)
    answer = httpx.Response(200, content=b"x" * 1001, headers={"content-type": BINARY})
    async with Script(answer).client() as client:
        with pytest.raises(ServerError, match="more than"):
            await client.get_execution(RUN)


async def test_no_secret_is_shown_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    signed = dataproxy_pb2.CreateDownloadLocationResponse(signed_url="https://s3.test/k?X-Amz-Signature=hidden3")
    server = Script(refusal(401, 16, "bad token"), binary(signed))
    headers = {"flyte-authorization": "Bearer hidden1"}
    async with server.client("https://me:hidden2@host.test/flows", headers=headers) as client:
        with pytest.raises(AuthError) as caught:
            await client.get_execution(RUN)
        url = await client.sign("s3://bucket/key")
        shown = [repr(client), client.base_url, str(caught.value), repr(url), caplog.text, repr(client._connection)]
    assert server.requests[0].headers["flyte-authorization"] == "Bearer hidden1"
    assert server.requests[0].headers["authorization"].startswith("Basic ")
    assert not [text for text in shown if "hidden" in text]


async def test_at_most_so_many_requests_run_at_one_time() -> None:
    running = most = 0
    gate = asyncio.Event()

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal running, most
            running += 1
            most = max(most, running)
            if running == 3:
                gate.set()
            await gate.wait()
            await asyncio.sleep(0)
            running -= 1
            return binary(execution())

    async with AdminClient(BASE_URL, transport=Slow(), concurrency=3) as client:
        await asyncio.gather(*(client.get_execution(RUN) for _ in range(20)))
        assert client.calls == 20
    assert most == 3


async def test_a_cancelled_request_frees_its_place() -> None:
    begun, hangs = asyncio.Event(), True

    class Hangs(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            begun.set()
            if hangs:
                await asyncio.Event().wait()
            return binary(execution())

    async with AdminClient(BASE_URL, transport=Hangs(), concurrency=1) as client:
        request = asyncio.ensure_future(client.get_execution(RUN))
        await begun.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        hangs = False
        assert await client.get_execution(RUN) == execution()


@pytest.mark.parametrize("address", ["", "host:8088", "dns:///host", "ftp://host", "http://", "file:///etc"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigError):
        AdminClient(address)


async def test_a_server_that_is_not_there() -> None:
    async with AdminClient("http://127.0.0.1:1", retry_delay=0) as client:
        with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1"):
            await client.healthcheck()


async def test_no_flyte_at_this_address() -> None:
    async with Script(httpx.Response(404, html="<html></html>")).client() as client:
        with pytest.raises(ServerError, match="Flyte 1"):
            await client.version()


async def test_version_health_and_projects() -> None:
    projects = project_pb2.Projects(projects=[project_pb2.Project(id="p")])
    nameless = version_pb2.GetVersionResponse(control_plane_version=version_pb2.Version())
    server = Script(binary(nameless), httpx.Response(200), binary(projects))
    async with server.client() as client:
        assert await client.version() == "unknown"
        await client.healthcheck()
        assert [one.id for one in await client.list_projects()] == ["p"]


async def test_creating_is_repeated_under_the_same_name() -> None:
    taken = refusal(409, 6, "value with matching already exists")
    server = Script(httpx.ReadTimeout("lost"), taken)
    async with server.client() as client:
        created = await client.create_execution(execution_pb2.ExecutionCreateRequest(project="p", domain="d"))
    names = {execution_pb2.ExecutionCreateRequest.FromString(one.content).name for one in server.requests}
    assert names == {created.name}
    assert 0 < len(created.name) <= 63
    assert created.name[0].isalpha()


async def test_a_name_that_is_taken_is_a_conflict() -> None:
    async with Script(refusal(409, 6, "value with matching already exists")).client() as client:
        with pytest.raises(ConflictError):
            await client.relaunch(RUN, "run-2")


async def test_relaunching_gives_the_new_run() -> None:
    answer = execution_pb2.ExecutionCreateResponse()
    answer.id.project, answer.id.domain, answer.id.name = "p", "d", "run-2"
    server = Script(binary(answer))
    async with server.client() as client:
        assert await client.relaunch(RUN, "run-2") == ExecutionId("p", "d", "run-2")
    sent = execution_pb2.ExecutionRelaunchRequest.FromString(server.requests[0].content)
    assert (sent.id.name, sent.name) == ("run-1", "run-2")


async def test_terminating_sends_the_cause() -> None:
    server = Script(httpx.Response(200, content=b"", headers={"content-type": BINARY}))
    async with server.client() as client:
        await client.terminate(RUN, "wrong cutoff")
    assert server.requests[0].method == "DELETE"
    assert execution_pb2.ExecutionTerminateRequest.FromString(server.requests[0].content).cause == "wrong cutoff"


async def test_signing_quotes_the_key_and_keeps_double_slashes() -> None:
    answer = dataproxy_pb2.CreateDownloadLocationResponse(signed_url="https://s3.test/x")
    answer.expires_at.FromSeconds(1_800_000_000)
    server = Script(binary(answer))
    async with server.client() as client:
        signed = await client.sign("s3://bucket//a b/%41?#ä.csv")
    assert server.requests[0].url.params["native_url"] == "s3://bucket//a%20b/%2541%3F%23%C3%A4.csv"
    assert signed.url == "https://s3.test/x"
    assert signed.expires_at == datetime(2027, 1, 15, 8, 0, tzinfo=timezone.utc)


async def test_a_uri_that_cannot_be_signed_is_not_tried_again() -> None:
    server = Script(refusal(500, 13, "failed to create download url"))
    async with server.client() as client:
        with pytest.raises(ServerError):
            await client.sign("/etc/passwd")


async def test_recorded_lists_of_nodes_and_attempts() -> None:
    id_ = ExecutionId("flytesnacks", "development", "retried-1")
    async with AdminClient(BASE_URL, transport=Replay(), retry_delay=0) as client:
        nodes = await client.list_node_executions(ExecutionId("flytesnacks", "development", "nested-1"), "n0")
        assert {node.metadata.spec_node_id for node in nodes} == {"start-node", "n0", "n1", "end-node"}
        attempts = await client.list_task_executions(NodeId(id_, "n0"))
        assert [one.id.retry_attempt for one in attempts] == [0, 1]
        assert await client.list_node_executions(ExecutionId("flytesnacks", "development", "nothing")) == []
        with pytest.raises(NotFoundError, match="node nope of execution"):
            await client.get_node_execution(NodeId(id_, "nope"))
