"""flowtui against flytekit's FlyteRemote, opening the same runs on the same server over a link with a given latency.

The script starts `flowtui serve` on a temporary home with runs of ``--nodes`` task nodes, each with one attempt, puts
a proxy with the latency (``delay_proxy.py``) in front of its REST port and of its gRPC port, and measures

- ``FlyteRemote.sync``: ``sync(execution, sync_nodes=True)`` on a channel that is open and logged in, with an execution
  that is fetched already; ``again`` is the same once more;
- flowtui with an empty cache and no connection: what ``flowtui artifacts`` and the screen need to show the run's files;
- flowtui a second time: a new client, with the cache that the first left;
- flowtui, everything: also each node's inputs, outputs and attempts, which is what FlyteRemote fetches;
- a bare httpx script that knows what to ask, as the least that shows the run's files: the execution, its workflow, its
  nodes, the data of the two nodes that declare one.

Imports are not counted on either side. Calls, bytes (of both directions, headers included) and connections are counted
on the wire. Seconds are medians; the ratio is to ``FlyteRemote.sync``, more is faster. Needs flytekit.

    .venv/bin/python benchmarks/flyte_remote.py [--nodes 10 200 1000] [--rtt 1 30 150] [--runs 5]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
from delay_proxy import DelayProxy, Traffic
from flyteidl.admin import execution_pb2, node_execution_pb2, workflow_pb2
from wide_run import record

from flowtui.admin.client import AdminClient
from flowtui.catalog.cache import ResponseCache
from flowtui.catalog.catalog import Catalog
from flowtui.domain.execution import ExecutionId

SLOW = 60.0
"""Seconds that FlyteRemote may take for its measurement to be repeated."""


class Server:
    """`flowtui serve` in a process of its own, behind two proxies."""

    def __init__(self, home: Path) -> None:
        words = [sys.executable, "-m", "flowtui", "serve", "--port", "0", "--json", "--home", str(home)]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            text += self._process.stdout.readline()
        answer = json.loads(text)
        self.token: str = answer["token"]
        self.token_file: str = answer["token_file"]
        self.rest = DelayProxy(int(answer["url"].rpartition(":")[2]))
        self.grpc = DelayProxy(int(answer["grpc_endpoint"].rpartition(":")[2]))

    def set_round_trip(self, milliseconds: float) -> None:
        self.rest.set_round_trip(milliseconds / 1000)
        self.grpc.set_round_trip(milliseconds / 1000)

    def close(self) -> None:
        self.rest.close()
        self.grpc.close()
        self._process.send_signal(signal.SIGINT)
        self._process.wait()


class FlyteRemote:
    """FlyteRemote in a process of its own, since flytekit changes the one that it is imported in."""

    def __init__(self, server: Server, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FLYTE")}
        environment |= {"HOME": str(folder), "FLYTE_SDK_LOGGING_LEVEL": "40"}
        words = [sys.executable, __file__, "--flyte-remote", f"127.0.0.1:{server.grpc.port}", server.token_file]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, *words: str) -> float:
        """``fetch NAME`` or ``sync``: seconds that it took."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("FlyteRemote has failed")
        return float(line)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def flyte_remote(endpoint: str, token_file: str) -> None:
    """The other end of :class:`FlyteRemote`: reads requests from standard input, writes seconds."""
    from flytekit.configuration import Config, PlatformConfig
    from flytekit.remote import FlyteRemote as Remote

    platform = PlatformConfig(
        endpoint=endpoint, insecure=True, auth_mode="ExternalCommand", command=["cat", token_file]
    )
    remote = Remote(Config(platform=platform), default_project="flowtui", default_domain="development")
    execution: Any = None
    for line in sys.stdin:
        words = line.split()
        start = time.perf_counter()
        if words[0] == "fetch":
            execution = remote.fetch_execution(name=words[1])
        else:
            execution = remote.sync(execution, sync_nodes=True)
            nodes = [node for node in execution.node_executions.values() if node.task_executions]
            if len(nodes) != int(words[1]):
                raise SystemExit(f"FlyteRemote found {len(nodes)} nodes with attempts")
        print(time.perf_counter() - start, flush=True)


class Table:
    """Prints its rows as they come."""

    def __init__(self) -> None:
        print(f"{'nodes':>5} {'rtt ms':>6}  {'':22} {'calls':>6} {'bytes':>9} {'conns':>5} {'seconds':>8} {'ratio':>7}")

    def row(self, nodes: int, rtt: float, name: str, traffic: Traffic, seconds: float, base: float) -> None:
        print(
            f"{nodes:5} {rtt:6g}  {name:22} {traffic.calls:6} {traffic.bytes:9} {traffic.connections:5} "
            f"{seconds:8.3f} {base / seconds:7.1f}",
            flush=True,
        )


def sync(server: Server, remote: FlyteRemote, id_: ExecutionId, nodes: int, runs: int) -> tuple[Traffic, list[float]]:
    """What FlyteRemote needs: traffic of one sync, and the seconds of the first and of all further ones."""
    remote.ask("fetch", id_.name)
    server.grpc.traffic()
    seconds = [remote.ask("sync", str(nodes))]
    traffic = server.grpc.traffic()
    if seconds[0] < SLOW:
        seconds += [remote.ask("sync", str(nodes)) for _ in range(runs - 1)]
        server.grpc.traffic()
    return traffic, seconds


async def artifacts(catalog: Catalog, id_: ExecutionId) -> None:
    found = await catalog.artifacts(id_)
    if [file.file for file in found.files if file.state == "present"] != ["first.csv", "last.csv"]:
        raise SystemExit(f"flowtui found {found.files}")


async def everything(catalog: Catalog, id_: ExecutionId) -> None:
    await catalog.artifacts(id_, undeclared=True)
    await catalog.nodes(id_, attempts=True)
    await catalog.inputs(id_)


async def bare(url: str, headers: dict[str, str], id_: ExecutionId, nodes: int) -> None:
    run = f"{id_.project}/{id_.domain}/{id_.name}"
    headers = {"Accept": "application/octet-stream", **headers}
    # Over plain HTTP no certificates are needed, and loading them takes longer than the answers.
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30, verify=False) as client:
        answers = await asyncio.gather(
            client.get(f"/api/v1/executions/{run}"),
            client.get(f"/api/v1/node_executions/{run}", params={"limit": nodes + 3}),
        )
        execution = execution_pb2.Execution.FromString(answers[0].content)
        node_execution_pb2.NodeExecutionList.FromString(answers[1].content)
        workflow = execution.closure.workflow_id
        answer = await client.get(
            f"/api/v1/workflows/{workflow.project}/{workflow.domain}/{workflow.name}/{workflow.version}"
        )
        workflow_pb2.Workflow.FromString(answer.content)
        data = await asyncio.gather(
            *(client.get(f"/api/v1/data/node_executions/{run}/{node}") for node in ("n0", f"n{nodes - 1}"))
        )
        for answer in data:
            node_execution_pb2.NodeExecutionGetDataResponse.FromString(answer.content)


Question = Callable[[Catalog, ExecutionId], Awaitable[None]]


async def ask(server: Server, id_: ExecutionId, cache: Path, question: Question | int) -> float:
    """Seconds that flowtui needs for a question, or the bare script for a run of as many nodes."""
    start = time.perf_counter()
    url, headers = f"http://127.0.0.1:{server.rest.port}", {"Authorization": f"Bearer {server.token}"}
    if isinstance(question, int):
        await bare(url, headers, id_, question)
    else:
        async with AdminClient(url, headers=headers) as client:
            await question(Catalog(client, ResponseCache(cache)), id_)
    return time.perf_counter() - start


async def flowtui(
    server: Server, id_: ExecutionId, folder: Path, runs: int, question: Question | int, *, warm: bool
) -> tuple[Traffic, float]:
    """Traffic of the last run and the median seconds of all but one that goes before."""
    seconds = []
    with tempfile.TemporaryDirectory(dir=folder) as caches:
        for run in range(runs + 1):
            server.rest.traffic()
            took = await ask(server, id_, Path(caches) / ("warm" if warm else f"cold-{run}"), question)
            if run:
                seconds.append(took)
    return server.rest.traffic(), statistics.median(seconds)


def compare(server: Server, remote: FlyteRemote, ids: dict[int, ExecutionId], arguments: Any, folder: Path) -> None:
    table = Table()
    for nodes, id_ in ids.items():
        for rtt in arguments.rtt:
            server.set_round_trip(rtt)
            traffic, all_seconds = sync(server, remote, id_, nodes, arguments.runs)
            base = statistics.median(all_seconds)
            table.row(nodes, rtt, f"FlyteRemote.sync (n={len(all_seconds)})", traffic, base, base)
            for name, question, warm in (
                ("flowtui, first time", artifacts, False),
                ("flowtui, again", artifacts, True),
                ("flowtui, everything", everything, False),
                ("bare httpx", nodes, False),
            ):
                found, seconds = asyncio.run(flowtui(server, id_, folder, arguments.runs, question, warm=warm))
                table.row(nodes, rtt, name, found, seconds, base)


def check_round_trip(server: Server, rtt: float) -> None:
    """Say how long a round trip really is, with what this machine itself needs for the smallest answer."""
    server.set_round_trip(rtt)
    with httpx.Client(base_url=f"http://127.0.0.1:{server.rest.port}") as client:
        client.get("/healthcheck")
        seconds = []
        for _ in range(20):
            start = time.perf_counter()
            client.get("/healthcheck")
            seconds.append(time.perf_counter() - start)
    print(f"round trip of {rtt:g} ms: the smallest answer takes {statistics.median(seconds) * 1000:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10, 200, 1000])
    parser.add_argument("--rtt", type=float, nargs="+", default=[1, 30, 150], help="milliseconds")
    parser.add_argument("--runs", type=int, default=5, help="of which the median counts; FlyteRemote over 60 s: one")
    parser.add_argument("--flyte-remote", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.flyte_remote:
        flyte_remote(*arguments.flyte_remote)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ids = {nodes: asyncio.run(record(folder / "home", nodes)) for nodes in arguments.nodes}
        server = Server(folder / "home")
        try:
            for rtt in arguments.rtt:
                check_round_trip(server, rtt)
            remote = FlyteRemote(server, folder)
            compare(server, remote, ids, arguments, folder)
            remote.close()
        finally:
            server.close()


if __name__ == "__main__":
    main()
