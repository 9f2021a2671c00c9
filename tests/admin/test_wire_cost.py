"""What requests cost on the wire, against a real HTTP server on loopback behind a proxy that compresses."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from flyteidl.admin import execution_pb2

from flowtui.admin import AdminClient
from flowtui.domain.execution import ExecutionId

RUNS = [ExecutionId("p", "d", f"run-{number}") for number in range(40)]
ERROR = "Traceback: the same line once more. " * 200


class Server:
    """Answers every GET with an execution; as gzip where the client takes that.

    Attributes:
        together: as many requests wait for each other before the first is answered.
        bytes_sent: of bodies, as they went over the wire.
    """

    def __init__(self, together: int = 1) -> None:
        self.together = together
        self.connections = self.requests = self.at_once = self.most_at_once = self.bytes_sent = 0
        self.gzipped = 0
        self._all_here = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                self.requests += 1
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                if self.at_once >= self.together:
                    self._all_here.set()
                await self._all_here.wait()
                project, domain, name = head.split(" ", 2)[1].rpartition("/executions/")[2].split("/")
                message = execution_pb2.Execution()
                message.id.project, message.id.domain, message.id.name = project, domain, name
                message.closure.error.message = ERROR
                body, headers = message.SerializeToString(), ["content-type: application/octet-stream"]
                if "gzip" in next(line for line in head.splitlines() if line.startswith("accept-encoding:")):
                    body = gzip.compress(body)
                    headers.append("content-encoding: gzip")
                    self.gzipped += 1
                headers.append(f"content-length: {len(body)}")
                self.bytes_sent += len(body)
                self.at_once -= 1
                writer.write("\r\n".join(["HTTP/1.1 200 OK", *headers, "", ""]).encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[AdminClient]:
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            async with AdminClient(f"http://127.0.0.1:{port}") as client:
                yield client
        finally:
            server.close()
            # A test that fails may have left connections open.
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(server.wait_closed(), 5)


async def test_one_connection_is_kept_for_requests_after_each_other() -> None:
    server = Server()
    async with server.client() as client:
        for run in RUNS:
            await client.get_execution(run)
    assert (server.requests, server.connections, client.calls) == (40, 1, 40)


async def test_sixteen_requests_go_out_at_once_and_no_more() -> None:
    server = Server(together=16)
    async with server.client() as client:
        await asyncio.wait_for(asyncio.gather(*map(client.get_execution, RUNS)), 60)
    assert (server.requests, server.most_at_once) == (40, 16)
    assert server.connections == 16


async def test_answers_come_compressed_where_a_proxy_can_and_count_as_they_came() -> None:
    server = Server()
    async with server.client() as client:
        found = [await client.get_execution(run) for run in RUNS]
        assert client.bytes_read == server.bytes_sent
    assert {one.closure.error.message for one in found} == {ERROR}
    assert server.gzipped == 40
    assert server.bytes_sent < 40 * len(ERROR) / 10
