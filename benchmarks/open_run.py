"""What it costs to open a run of many nodes over a slow link: calls, bytes and seconds.

An embedded Flyte Admin on loopback holds one run of ``--nodes`` task nodes, and every answer waits ``--delay``
milliseconds, as a round trip would. In one run of this script the same server is asked by

- a bare httpx script that knows what to ask: the execution, its workflow, its nodes, the data of two nodes;
- flowtui, with an empty cache: everything that ``flowtui artifacts`` and the screen need to show the run's files;
- flowtui again, with what it kept.

Calls and bytes are counted by the server. Seconds are medians of fresh clients in this process.

    .venv/bin/python benchmarks/open_run.py [--nodes 200] [--delay 30] [--runs 7]
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import socket
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from flyteidl.admin import execution_pb2, workflow_pb2
from wide_run import record

from flowtui.admin.client import AdminClient
from flowtui.catalog.cache import ResponseCache
from flowtui.catalog.catalog import Catalog
from flowtui.domain.execution import ExecutionId
from flowtui.local.app import create_app


def serve(home: Path, delay: float, channel: Connection) -> None:
    """Serve the embedded Flyte Admin, each answer ``delay`` seconds late; calls and bytes are read at ``/counted``."""
    app = create_app(home)
    counted = {"calls": 0, "bytes": 0}

    async def delayed(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        if scope["path"] == "/counted":
            text = f"{counted['calls']} {counted['bytes']}".encode()
            counted.update(calls=0, bytes=0)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": text})
            return
        counted["calls"] += 1

        async def count(message: Any) -> None:
            counted["bytes"] += len(message.get("body", b""))
            await send(message)

        await asyncio.sleep(delay)
        await app(scope, receive, count)

    listener = socket.create_server(("127.0.0.1", 0))
    channel.send(listener.getsockname()[1])
    uvicorn.Server(uvicorn.Config(delayed, log_level="error", lifespan="off")).run(sockets=[listener])


async def bare(url: str, id_: ExecutionId, nodes: int) -> None:
    """The least that shows the run's files, by one who knows which nodes declare them."""
    run = f"{id_.project}/{id_.domain}/{id_.name}"
    headers = {"Accept": "application/octet-stream"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
        answers = await asyncio.gather(
            client.get(f"/api/v1/executions/{run}"),
            client.get(f"/api/v1/node_executions/{run}", params={"limit": 1000}),
        )
        execution = execution_pb2.Execution.FromString(answers[0].content)
        workflow = execution.closure.workflow_id
        answer = await client.get(
            f"/api/v1/workflows/{workflow.project}/{workflow.domain}/{workflow.name}/{workflow.version}"
        )
        workflow_pb2.Workflow.FromString(answer.content)
        await asyncio.gather(
            *(client.get(f"/api/v1/data/node_executions/{run}/{node}") for node in ("n0", f"n{nodes - 1}"))
        )


async def flowtui(url: str, id_: ExecutionId, cache: Path) -> None:
    async with AdminClient(url) as client:
        found = await Catalog(client, ResponseCache(cache)).artifacts(id_)
    if [file.file for file in found.files if file.state == "present"] != ["first.csv", "last.csv"]:
        raise SystemExit(f"flowtui found {found.files}")


async def measure(url: str, runs: int, ask: Callable[[int], Awaitable[None]]) -> tuple[int, int, list[float]]:
    """Calls and bytes of the last run, and the seconds of each; the first run is a warm-up."""
    seconds: list[float] = []
    async with httpx.AsyncClient(base_url=url) as client:
        for run in range(runs + 1):
            await client.get("/counted")
            start = time.perf_counter()
            await ask(run)
            if run:
                seconds.append(time.perf_counter() - start)
        calls, size = (await client.get("/counted")).text.split()
    return int(calls), int(size), seconds


async def compare(url: str, id_: ExecutionId, arguments: argparse.Namespace, folder: Path) -> None:
    sides = {
        "bare httpx": lambda run: bare(url, id_, arguments.nodes),
        "flowtui, first time": lambda run: flowtui(url, id_, folder / f"cold-{run}.sqlite3"),
        "flowtui, again": lambda run: flowtui(url, id_, folder / "warm.sqlite3"),
    }
    base = 0.0
    print(f"{arguments.nodes} task nodes, {arguments.delay} ms per answer, median of {arguments.runs} runs")
    print(f"{'':20} {'calls':>6} {'bytes':>9} {'seconds':>8} {'ratio':>6}")
    for name, ask in sides.items():
        calls, size, seconds = await measure(url, arguments.runs, ask)
        median = statistics.median(seconds)
        base = base or median
        print(f"{name:20} {calls:6} {size:9} {median:8.3f} {median / base:6.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--delay", type=float, default=30, help="milliseconds")
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        id_ = asyncio.run(record(home, arguments.nodes))
        context = multiprocessing.get_context("spawn")
        mine, theirs = context.Pipe()
        server = context.Process(target=serve, args=(home, arguments.delay / 1000, theirs), daemon=True)
        server.start()
        try:
            port = mine.recv()
            asyncio.run(compare(f"http://127.0.0.1:{port}", id_, arguments, Path(folder)))
        finally:
            server.terminate()
            server.join()


if __name__ == "__main__":
    main()
