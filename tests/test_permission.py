"""``--read-only``: every write is refused, and none goes around the one place that says so."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flyteidl.admin import execution_pb2
from google.protobuf import empty_pb2

import flowtui
from flowtui import cli
from flowtui.admin import AdminClient
from flowtui.config import load_settings
from flowtui.domain.execution import ExecutionId
from flowtui.embedded import session_of
from flowtui.errors import ReadOnlyError
from flowtui.exports import Plan, TargetOptions, parse_target
from flowtui.exports.domino.datasets import create_dataset
from flowtui.exports.domino.jobs import JobRequest, start_job
from flowtui.exports.domino.projects import projects
from flowtui.httpclient import httpx
from flowtui.permission import Permission

RUN = ExecutionId("flowtui", "development", "r")
SOURCES = Path(flowtui.__file__).parent
WRITES = re.compile(r"""["'](?:POST|PUT|DELETE|PATCH)["']|client\.(?:post|put|delete|patch)\(""")
KNOWN = {
    # Each asks the permission first, or is named here with why it need not.
    "admin/connection.py": "write() asks",
    "admin/client.py": "through Connection.write",
    "admin/creation.py": "through Connection.write",
    "admin/auth/channel.py": "a login",
    "admin/auth/device.py": "a login",
    "admin/auth/token_endpoint.py": "a login",
    "admin/probe.py": "doctor looks at what answers",
    "admin/diagnosis.py": "doctor looks at what answers",
    "exports/roads/flyte_execution.py": "through AdminClient.post",
    "exports/targets/google_calls.py": "below a stage, which Transfers asks for",
    "exports/domino/client.py": "call() and send() ask",
    "exports/domino/datasets.py": "through DominoClient.call",
    "exports/domino/jobs.py": "through DominoClient.call",
    "exports/domino/projects.py": "through DominoClient.call",
    "exports/domino/snapshots.py": "through DominoClient.call",
    "exports/domino/uploads.py": "through DominoClient.call and send",
}


def calls(client: AdminClient) -> Iterator[tuple[str, Any]]:
    """Every way of the client to write."""
    yield "post", client.post("/api/v1/executions", empty_pb2.Empty(), empty_pb2.Empty)
    yield "put", client.put("/api/v1/executions", empty_pb2.Empty(), empty_pb2.Empty)
    yield "delete", client.delete("/api/v1/executions", empty_pb2.Empty(), empty_pb2.Empty)
    yield "create_execution", client.create_execution(execution_pb2.ExecutionCreateRequest(name="r"))
    yield "relaunch", client.relaunch(RUN)
    yield "terminate", client.terminate(RUN, "why")


async def test_no_method_of_the_client_writes() -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        return httpx.Response(500)

    permission = Permission(read_only=True)
    transport = httpx.MockTransport(answer)
    async with AdminClient("http://flyte.test", transport=transport, permission=permission, retry_delay=0) as client:
        named = set()
        for name, call in calls(client):
            named.add(name)
            with pytest.raises(ReadOnlyError, match="read-only here"):
                await call
        assert sent == []
        # What reads gets out, whatever comes back; a new method has to be in one of the two.
        writing = {
            name
            for name, method in inspect.getmembers(AdminClient, inspect.iscoroutinefunction)
            if re.search(
                r"_connection\.write|\.post\(|\bcreate\(|self\.delete\(|self\.put\(", inspect.getsource(method)
            )
        }
        assert writing == named


async def test_a_session_writes_nothing_anywhere(tmp_path: Path) -> None:
    settings = load_settings({"home": str(tmp_path), "local": True, "read_only": True})
    async with session_of(settings) as session:
        plan = Plan(parse_target(str(tmp_path / "out")), "stop", ())
        with pytest.raises(ReadOnlyError):
            await session.transfers.start(plan, TargetOptions())
        for name in ("resume", "cancel"):
            with pytest.raises(ReadOnlyError):
                await getattr(session.transfers, name)("1234")
        with pytest.raises(ReadOnlyError):
            await session.catalog.relaunch(RUN)
        domino = session.target_access.domino()
        (project,) = await projects(domino)
        with pytest.raises(ReadOnlyError):
            await create_dataset(domino, "new", project.id)
        with pytest.raises(ReadOnlyError):
            await start_job(domino, JobRequest(project.id, "flowtui --version"))


@pytest.mark.parametrize("words", [("run", "flow.py", "wf"), ("serve",)])
def test_commands_that_write_are_refused(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*words[:1], "--read-only", "--home", str(tmp_path), "--json", *words[1:]]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err)["error"]["kind"] == "read_only"


def test_the_environment_says_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWTUI_READ_ONLY", "true")
    assert load_settings({"home": str(tmp_path)}).read_only
    assert not load_settings({"home": str(tmp_path), "read_only": False}).read_only


def test_writes_are_where_they_are_known() -> None:
    found = {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.py")
        if "local" not in path.relative_to(SOURCES).parts and WRITES.search(path.read_text(encoding="utf-8"))
    }
    assert found <= set(KNOWN)
