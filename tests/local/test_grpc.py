"""The gRPC services answer as the REST gateway does, over the same store."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flyteidl.admin import common_pb2, event_pb2, execution_pb2, project_pb2, signal_pb2, task_pb2
from flyteidl.core import identifier_pb2
from flyteidl.service import auth_pb2, dataproxy_pb2, identity_pb2
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import status_pb2

from flowtui.domain.execution import ExecutionId
from flowtui.errors import UnreachableError
from flowtui.httpclient import httpx
from flowtui.local import routes
from flowtui.local.app import MAX_ANSWER
from flowtui.local.grpc_server import MAX_MESSAGE, GrpcServer, shortened
from flowtui.local.status import RESOURCE_EXHAUSTED, AdminError
from tests.local.admin import ID, RUNS, execution, open_admin, open_app, task
from tests.local.recorded import _NODE_LIMIT as NODE_LIMIT
from tests.local.recorded import _REFUSED as REFUSED
from tests.local.recorded import Recorded
from tests.local.recorded import _merged as merged
from tests.local.recorded import _send as send
from tests.replay import BINARY, lines

grpc = pytest.importorskip("grpc")

from flyteidl.service import (  # noqa: E402
    admin_pb2_grpc,
    auth_pb2_grpc,
    dataproxy_pb2_grpc,
    identity_pb2_grpc,
    signal_pb2_grpc,
)

REST = "http://127.0.0.1:8188"
TOKEN = "the-token"
_STUBS = (
    admin_pb2_grpc.AdminServiceStub,
    dataproxy_pb2_grpc.DataProxyServiceStub,
    signal_pb2_grpc.SignalServiceStub,
    auth_pb2_grpc.AuthMetadataServiceStub,
    identity_pb2_grpc.IdentityServiceStub,
)
_RUN = {**ID, "name": "run-1"}


class Client:
    """Calls RPCs by their names."""

    def __init__(self, endpoint: str, options: tuple[tuple[str, Any], ...] = ()) -> None:
        self.channel = grpc.insecure_channel(endpoint, options=options)
        self._stubs = [stub(self.channel) for stub in _STUBS]

    def call(self, rpc: str, request: Message, **metadata: str) -> Any:
        """The answer of a call; ``_`` in names of metadata stand for ``-``."""
        method = next(getattr(stub, rpc) for stub in self._stubs if hasattr(stub, rpc))
        return method(request, metadata=[(key.replace("_", "-"), value) for key, value in metadata.items()])

    def refused(self, rpc: str, request: Message, **metadata: str) -> tuple[int, str]:
        """Code and message of a call that is refused."""
        with pytest.raises(grpc.RpcError) as caught:
            self.call(rpc, request, **metadata)
        return caught.value.code().value[0], caught.value.details()

    def details(self, rpc: str, request: Message) -> list[Any]:
        """The details of a refusal."""
        with pytest.raises(grpc.RpcError) as caught:
            self.call(rpc, request)
        body = dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
        return list(status_pb2.Status.FromString(body).details)


class Served:
    """An app and the gRPC server over it."""

    def __init__(self, app: Any, **options: Any) -> None:
        self.app = app
        self.server = GrpcServer(app.state.dispatcher, **{"base_url": REST, "token": None, **options})
        self.server.start()
        self.clients: list[Client] = []

    def client(self, *options: tuple[str, Any]) -> Client:
        self.clients.append(Client(self.server.endpoint, options))
        return self.clients[-1]

    def close(self) -> None:
        for client in self.clients:
            client.channel.close()
        self.server.stop()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with open_app(tmp_path) as app:
        served = Served(app)
        yield served
        served.close()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Client]:
    with open_app(tmp_path) as app:
        served = Served(app, token=TOKEN)
        yield served.client()
        served.close()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Recorded, Client]]:
    admin = Recorded(tmp_path_factory.mktemp("home"))
    served = Served(admin.app)
    yield admin, served.client()
    served.close()
    admin.app.state.admin.store.close()


def _read_requests() -> Iterator[tuple[str, dict[str, str]]]:
    """Path and parameters of every recorded GET, each once."""
    seen = set()
    for name in ("executions", "entities", "lists", "errors", "dataproxy"):
        for line in lines(name):
            key = line["path"], json.dumps(line.get("params") or {}, sort_keys=True)
            if line["method"] == "GET" and line["path"].startswith("/api/v1/") and key not in seen:
                seen.add(key)
                yield line["path"], line.get("params") or {}


async def test_reads_answer_as_rest_does(recorded: tuple[Recorded, Client]) -> None:
    admin, client = recorded
    wrong, compared, refused = [], 0, 0
    async with admin.client() as http:
        for path, params in _read_requests():
            url = httpx.URL(path, params=params)
            found = routes.find("GET", url.path[1:].split("/"))
            if found is None:
                continue
            route, fields = found
            request = route.new_request()
            try:
                routes.fill(request, fields, url.params.multi_items(), has_body=False)
            except AdminError:
                # What is no value of its field cannot be sent over gRPC.
                continue
            answer = await http.get(path, params=params, headers={"accept": BINARY})
            try:
                got: Any = client.call(route.call, request)
            except grpc.RpcError as error:
                status = status_pb2.Status.FromString(answer.content)
                want: Any = status.code, status.message
                got = error.code().value[0], error.details()
                if got[0] == want[0] == RESOURCE_EXHAUSTED:
                    # The gateway and a client of gRPC word the same limit each in its way.
                    got = want
                refused += 1
            else:
                want = type(got).FromString(answer.content)
                for message in (want, got):
                    _without_signature(message)
            compared += 1
            if got != want:
                wrong.append(f"{path} {params}: {got} instead of {want}"[:1000])
    assert wrong == []
    assert (compared > 1500, refused > 10) == (True, True)


def _without_signature(message: Any) -> None:
    if "signed_url" in message.DESCRIPTOR.fields_by_name:
        url = message.signed_url if isinstance(message.signed_url, str) else message.signed_url[0]
        assert url.startswith(("http://127.0.0.1:5000/blobs/", f"{REST}/blobs/"))
        message.ClearField("signed_url")
        message.ClearField("expires_at")


async def test_the_engine_gets_the_recorded_answers(tmp_path: Path) -> None:
    """All that pyflyte and the engine sent to the real Admin over gRPC, sent over gRPC here."""
    wrong, sent, refused = [], 0, 0
    with open_app(tmp_path, container="s3://flyte") as app:
        served = Served(app)
        client = served.client()
        app.state.admin.max_workflow_nodes = NODE_LIMIT
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=REST) as http:
            for line in merged():
                if "request_base64" not in line:
                    await send(http, line)
                    continue
                got = await asyncio.to_thread(_outcome, client, line)
                error = line.get("error")
                want = (error["code"], error["message"]) if error else ("OK", line.get("response_base64") or "")
                sent += 1
                refused += "exceeds limit" in got[1]
                if refused == REFUSED:
                    app.state.admin.max_workflow_nodes = None
                if got != want and not (error is None and "CreateUploadLocation" in line["method"] and got[0] == "OK"):
                    wrong.append(f"{line['n']} {line['method']}: {got} instead of {want}")
        served.close()
    assert wrong == []
    assert sent > 1000


def _outcome(client: Client, line: dict[str, Any]) -> tuple[str, str]:
    """Code and message of a refusal, or OK and the answer in base 64."""
    rpc = line["method"].rpartition("/")[2]
    request = next(route for route in routes.routes() if route.call == rpc and route.method == "POST").new_request()
    request.ParseFromString(base64.b64decode(line["request_base64"]))
    try:
        return "OK", base64.b64encode(client.call(rpc, request).SerializeToString()).decode()
    except grpc.RpcError as refusal:
        return refusal.code().name, refusal.details()


def test_a_token_is_wanted(guarded: Client) -> None:
    request = project_pb2.ProjectListRequest()
    for metadata in ({}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}, {"token": f"Bearer {TOKEN}"}):
        code, message = guarded.refused("ListProjects", request, **metadata)
        assert (code, "flowtui serve" in message) == (16, True)
    for key in ("authorization", "flyte_authorization"):
        assert guarded.call("ListProjects", request, **{key: f"Bearer {TOKEN}"}).projects
    assert guarded.refused("UserInfo", identity_pb2.UserInfoRequest())[0] == 16


def test_who_has_a_token_is_told_how_to_send_it(guarded: Client) -> None:
    config = guarded.call("GetPublicClientConfig", auth_pb2.PublicClientAuthConfigRequest())
    assert config.authorization_metadata_key == "flyte-authorization"
    metadata = guarded.call("GetOAuth2Metadata", auth_pb2.OAuth2MetadataRequest())
    assert metadata == auth_pb2.OAuth2MetadataResponse()


def test_without_a_token_there_is_no_login_and_no_identity(served: Served) -> None:
    client = served.client()
    for rpc, request, service in (
        ("GetOAuth2Metadata", auth_pb2.OAuth2MetadataRequest(), "AuthMetadataService"),
        ("UserInfo", identity_pb2.UserInfoRequest(), "IdentityService"),
    ):
        assert client.refused(rpc, request) == (12, f"unknown service flyteidl.service.{service}")


def test_a_call_that_is_not_served(served: Served) -> None:
    code, message = served.client().refused("GetOrCreateSignal", signal_pb2.SignalGetOrCreateRequest())
    assert (code, message) == (12, "unknown method GetOrCreateSignal for service flyteidl.service.SignalService")


def _register(client: Client, **changes: Any) -> None:
    body = json_format.ParseDict(task(**changes), task_pb2.TaskCreateRequest())
    client.call("CreateTask", body)


def test_sizes(served: Served) -> None:
    """A request may have more than 4 MiB; an answer that has is for the client to take or to refuse."""
    _register(served.client(), custom={"text": "x" * (MAX_ANSWER + 1)})
    request = _get_request("count")
    code, message = served.client().refused("GetTask", request)
    assert (code, "larger than max" in message) == (8, True)
    wide = served.client(("grpc.max_receive_message_length", 20 * 2**20))
    assert len(wide.call("GetTask", request).closure.compiled_task.template.custom["text"]) == MAX_ANSWER + 1


def _get_request(name: str) -> Any:
    return common_pb2.ObjectGetRequest(
        id=identifier_pb2.Identifier(resource_type=identifier_pb2.TASK, **ID, name=name, version="v1")
    )


def test_a_long_refusal_comes_cut_and_not_as_a_broken_stream(served: Served) -> None:
    client = served.client()
    for name in ("x" * 100_000, "ä" * 100_000, "%\n" * 50_000):
        code, message = client.refused("GetTask", _get_request(name))
        assert (code, message.endswith(" ..."), "missing entity of type TASK" in message) == (5, True, True)
    assert shortened("a" * MAX_MESSAGE, MAX_MESSAGE) == "a" * MAX_MESSAGE
    assert shortened("ab%c", 4) == "ab ..."


async def test_a_refusal_has_its_details(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as admin:
        await admin.register()
        await admin.post("executions", execution())
        await admin.workflow_event("SUCCEEDED")
        served = Served(admin.app)
        request = execution_pb2.ExecutionTerminateRequest(id=_RUN, cause="enough")
        (detail,) = served.client().details("TerminateExecution", request)
        served.close()
    reason = event_pb2.EventFailureReason()
    assert detail.Unpack(reason)
    assert reason.already_in_terminal_state.current_phase == "SUCCEEDED"


async def test_what_is_created_is_launched(tmp_path: Path) -> None:
    launched: list[ExecutionId] = []

    def launch(id_: ExecutionId) -> None:
        launched.append(id_)
        raise OSError("no process can be started")

    async with open_admin(tmp_path, launcher=launch) as admin:
        await admin.register()
        served = Served(admin.app)
        request = json_format.ParseDict(execution(), execution_pb2.ExecutionCreateRequest())
        assert served.client().call("CreateExecution", request).id.name == "run-1"
        served.close()
        assert launched == [ExecutionId("flytesnacks", "development", "run-1")]
        closure = (await admin.get(f"{RUNS}/run-1"))["closure"]
    assert (closure["phase"], "no process" in closure["error"]["message"]) == ("FAILED", True)


def test_uploads_go_to_the_rest_port(served: Served) -> None:
    request = dataproxy_pb2.CreateUploadLocationRequest(**ID, filename="a.txt", content_md5=b"0" * 16)
    answer = served.client().call("CreateUploadLocation", request)
    assert answer.signed_url.startswith(f"{REST}/blobs/")
    assert answer.native_url.endswith("/a.txt")


def test_a_port_that_is_taken(served: Served) -> None:
    port = int(served.server.endpoint.rpartition(":")[2])
    with pytest.raises(UnreachableError, match=rf"Port {port} on 127\.0\.0\.1 .*gRPC") as caught:
        GrpcServer(served.app.state.dispatcher, base_url=REST, token=None, port=port)
    assert "--grpc-port" in caught.value.hint
