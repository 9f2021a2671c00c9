"""The embedded Admin with several processes: writers at once, runners that are killed, and ``serve``."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flowtui.domain.execution import ExecutionId
from flowtui.errors import ConfigError, UnreachableError, UsageError
from flowtui.httpclient import httpx
from flowtui.local.home import Home
from flowtui.local.orphans import CAUSE
from flowtui.local.serve import _listen as listen
from flowtui.local.serve import serve
from flowtui.local.store import Store
from tests.local.admin import RUNS, execution, open_admin

ROOT = Path(__file__).parents[2]
NODES = "/api/v1/node_executions/flytesnacks/development/run-1"


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


_WRITER = """
    import asyncio, sys
    from pathlib import Path
    from tests.local.admin import execution, open_admin

    async def main():
        async with open_admin(Path(sys.argv[1])) as client:
            for number in range(25):
                name = f"{sys.argv[2]}-{number}"
                await client.post("executions", execution(name))
                assert (await client.workflow_event("RUNNING", name=name)).status_code == 200
                assert (await client.node_event("RUNNING", name=name)).status_code == 200

    asyncio.run(main())
"""


async def test_several_processes_write_at_once(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        await client.register()
        writers = [python(_WRITER, str(tmp_path), name) for name in "abc"]
        for writer in writers:
            _, errors = writer.communicate(timeout=120)
            assert writer.returncode == 0, errors
        runs = (await client.get(RUNS, limit=100, filters="eq(phase,RUNNING)"))["executions"]
    assert len({run["id"]["name"] for run in runs}) == 75


_RUNNER = """
    import fcntl, sys
    file = open(sys.argv[1], "w")
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def runner(lock: Path) -> Iterator[subprocess.Popen[str]]:
    process = python(_RUNNER, str(lock))
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


async def test_a_run_is_aborted_once_its_runner_is_gone(tmp_path: Path) -> None:
    lock = Home(tmp_path).lock_file(ExecutionId("flytesnacks", "development", "run-1"))
    async with open_admin(tmp_path) as client:
        await client.register()
        for name in ("run-1", "foreign", "ended"):
            await client.post("executions", execution(name))
            await client.workflow_event("RUNNING", 1, name)
        await client.node_event("RUNNING", 1)
        await client.task_event("RUNNING", 1)
        await client.node_event("SUCCEEDED", 1, "n1")
        await client.workflow_event("SUCCEEDED", 2, "ended")
        ended = Home(tmp_path).lock_file(ExecutionId("flytesnacks", "development", "ended"))
        ended.touch()
        with runner(lock) as process:
            async with open_admin(tmp_path) as second:
                assert (await second.get(f"{RUNS}/run-1"))["closure"]["phase"] == "RUNNING"
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=30)
    async with open_admin(tmp_path) as client:
        closure = (await client.get(f"{RUNS}/run-1"))["closure"]
        assert (closure["phase"], closure["abort_metadata"]["cause"]) == ("ABORTED", CAUSE)
        assert closure["duration"] is not None
        nodes = {n["id"]["node_id"]: n["closure"] for n in (await client.get(NODES, limit=9))["node_executions"]}
        assert {name: node["phase"] for name, node in nodes.items()} == {"n0": "ABORTED", "n1": "SUCCEEDED"}
        assert CAUSE in nodes["n0"]["error"]["message"]
        path = "/api/v1/task_executions/flytesnacks/development/run-1/n0"
        (attempt,) = (await client.get(path, limit=9))["task_executions"]
        assert attempt["closure"]["phase"] == "ABORTED"
        # One that never had a runner here, and one that had ended, stay as they are.
        assert (await client.get(f"{RUNS}/foreign"))["closure"]["phase"] == "RUNNING"
        assert (await client.get(f"{RUNS}/ended"))["closure"]["phase"] == "SUCCEEDED"
        assert not lock.exists()
        assert (await client.workflow_event("SUCCEEDED", 9)).status_code == 400


_SERVER = """
    import sys
    from flowtui.local.home import Home
    from flowtui.local.serve import serve
    from pathlib import Path
    serve(Path(sys.argv[1]), started=lambda served: print(served.url, served.token, flush=True))
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    home = tmp_path_factory.mktemp("served")
    process = python(_SERVER, str(home))
    assert process.stdout is not None
    line = process.stdout.readline().split()
    assert len(line) == 2, process.communicate()
    yield line[0], line[1], home
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors or "KeyboardInterrupt" in errors


def test_serve_wants_its_token(served: tuple[str, str, Path]) -> None:
    url, token, home = served
    path = home / "serve-token"
    assert (path.read_text(), path.stat().st_mode & 0o777) == (token, 0o600)
    with httpx.Client(base_url=url) as http:
        assert http.get("/healthcheck").status_code == 200
        refused = http.get("/api/v1/projects", headers={"accept": "application/json"})
        assert (refused.status_code, refused.json()["code"]) == (401, 16)
        assert refused.headers["www-authenticate"] == refused.json()["message"]
        for header, value, status in (
            ("authorization", f"Bearer {token}", 200),
            ("flyte-authorization", f"bearer {token}", 200),
            ("authorization", token, 401),
            ("authorization", f"Bearer {token}x", 401),
            ("authorization", "Bearer é".encode(), 401),
            ("authorization", "", 401),
        ):
            assert http.get("/api/v1/projects", headers={header: value}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example:80"}, 403),
        ({"host": ""}, 403),
        ({"host": "[::1"}, 403),
        ({"host": "localhost:1"}, 200),
        ({"host": "[::1]:1"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:3000"}, 200),
    ],
)
def test_serve_answers_to_its_own_names_only(
    served: tuple[str, str, Path], headers: dict[str, str], status: int
) -> None:
    url, token, _ = served
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}) as http:
        assert http.get("/api/v1/projects", headers=headers).status_code == status


def test_a_signed_url_needs_no_token(served: tuple[str, str, Path]) -> None:
    url, token, home = served
    (home / "blobs" / "b").mkdir()
    (home / "blobs" / "b" / "x.csv").write_bytes(b"0123456789" * 100_000)
    with httpx.Client(base_url=url) as http:
        answer = http.get(
            "/api/v1/dataproxy/artifact_urn",
            params={"native_url": "s3://b/x.csv"},
            headers={"authorization": f"Bearer {token}", "accept": "application/json"},
        )
        signed: Any = answer.json()["signed_url"]
        assert signed.startswith(url)
        part = http.get(signed, headers={"range": "bytes=999990-"})
        assert (part.status_code, part.content) == (206, b"0123456789")
        assert len(http.get(signed).content) == 1_000_000


def test_serve_refuses_other_addresses_and_taken_ports(tmp_path: Path, served: tuple[str, str, Path]) -> None:
    for host in ("0.0.0.0", "192.0.2.1", "example.org", "::"):
        with pytest.raises(UsageError):
            serve(tmp_path, host)
    with pytest.raises(UnreachableError, match="--port"):
        serve(tmp_path, port=int(served[0].rpartition(":")[2]))


async def test_answers_are_sent_without_nagles_delay() -> None:
    """uvicorn sends head and body apart: with Nagle's algorithm the second waits for the first's acknowledgement."""
    found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        found.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listen("127.0.0.1", 0) as listener:
        async with await asyncio.start_server(accepted, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            assert await found
            writer.close()


def test_a_database_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "admin.sqlite3"
    Store(path).close()
    with Store(path).write() as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigError, match="newer flowtui"):
        Store(path)


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "admin.sqlite3"
    path.write_bytes(json.dumps({"no": "database"}).encode() * 100)
    with pytest.raises(ConfigError, match="cannot be opened"):
        Store(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError):
        Home(tmp_path / "home").ensure()
