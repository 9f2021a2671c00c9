"""The client over real sockets that reset, stall, cut, trickle, and close what was kept open."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from flyteidl.admin import execution_pb2

from flowtui.admin import AdminClient
from flowtui.domain.execution import ExecutionId
from flowtui.errors import UnreachableError
from tests.faults import Line, line_to
from tests.headless.conftest import DOMAIN, PROJECT
from tests.local.admin import execution, open_admin

RUN = ExecutionId(PROJECT, DOMAIN, "run-1")
PATIENCE = 30.0


class Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@asynccontextmanager
async def served(home: Path) -> AsyncIterator[Line]:
    """The embedded Admin on a port, with one run, behind a line."""
    async with open_admin(home) as admin:
        await admin.register()
        await admin.post("executions", execution("run-1"))
        config = uvicorn.Config(admin.app, port=0, log_config=None, lifespan="off", ws="none")
        server = Server(config)
        serving = asyncio.ensure_future(server.serve())
        await server.up.wait()
        try:
            async with line_to(server.servers[0].sockets[0].getsockname()[1]) as line:
                yield line
        finally:
            server.should_exit = True
            await serving


def client_of(line: Line, timeout: float = 20) -> AdminClient:
    return AdminClient(f"http://127.0.0.1:{line.port}", retry_delay=0, timeout=timeout)


async def test_connections_are_kept_and_used_again(tmp_path: Path) -> None:
    async with served(tmp_path) as line, client_of(line) as client:
        for _ in range(5):
            assert (await client.get_execution(RUN)).id.name == "run-1"
        assert (line.connections, line.requests, client.calls) == (1, 5, 5)


async def test_a_read_on_a_connection_that_the_server_closed_is_repeated(tmp_path: Path) -> None:
    """The server closes an idle connection while the next request is on its way."""
    async with served(tmp_path) as line, client_of(line) as client:
        line.manner = "close idle"
        for _ in range(4):
            assert (await client.get_execution(RUN)).id.name == "run-1"
        # Every second request finds its connection closed, and goes again on a new one.
        assert (line.connections, client.calls) == (4, 7)


async def test_so_is_the_start_of_a_run_and_it_starts_once(tmp_path: Path) -> None:
    async with served(tmp_path) as line, client_of(line) as client:
        line.manner = "close idle"
        await client.get_execution(RUN)
        created = await client.relaunch(RUN)
        line.manner = "pass"
        listed = (await client.list_executions(PROJECT, DOMAIN, limit=9)).executions
        assert {one.id.name for one in listed} == {"run-1", created.name}


async def test_a_write_without_a_name_is_not_repeated(tmp_path: Path) -> None:
    async with served(tmp_path) as line, client_of(line) as client:
        line.manner = "close idle"
        await client.get_execution(RUN)
        with pytest.raises(UnreachableError) as caught:
            await client.terminate(RUN, "wrong")
        assert client.calls == 2
        assert "may have been done" in caught.value.hint
        line.manner = "pass"
        assert not (await client.get_execution(RUN)).closure.abort_metadata.cause


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        ("reset", "ended the connection without an answer"),
        ("cut", "broke off in the middle"),
        ("stall", "did not answer about execution"),
        ("trickle", "did not answer about execution"),
    ],
)
async def test_what_lasts_is_an_error_in_time(tmp_path: Path, manner: str, said: str) -> None:
    async with served(tmp_path) as line, client_of(line, timeout=0.5) as client:
        line.manner = manner
        with pytest.raises(UnreachableError, match=said):
            await asyncio.wait_for(client.get_execution(RUN), PATIENCE)
        assert line.requests == client.calls <= 4
        line.manner = "pass"
        assert await client.get_execution(RUN) == await client.get_execution(RUN) != execution_pb2.Execution()
