"""What it costs to scroll a list of many runs to its end: by time of creation, as flowtui does, against offsets.

`flowtui serve` holds ``--runs`` executions of one project. In one run of this script it is asked, in pages of the same
size, by

- a bare httpx script that follows the server's own tokens, which are offsets;
- flowtui's catalog, whose pages begin where the last one ended in time;

then for what a refresh costs once a few runs have changed: every row that is held, read again by its offset, against
what changed since, which flowtui asks for. Nothing is delayed: round trips cost both sides the same.

    .venv/bin/python benchmarks/run_list.py [--runs 100000] [--page 1000] [--repeat 3]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import httpx
from flyte_remote import Server
from flyteidl.admin import execution_pb2
from wide_run import DOMAIN, PROJECT, record

from flowtui.admin.client import AdminClient
from flowtui.catalog.catalog import Catalog
from flowtui.local.home import Home
from flowtui.local.store import Store

Cost = tuple[int, int, int]
"""Runs that came, calls, bytes."""


def address(server: Server) -> str:
    return f"http://127.0.0.1:{server.rest.port}"


def login(server: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token}"}


def multiply(home: Path, name: str, runs: int) -> None:
    """Make ``runs`` copies of one execution, created a second apart, straight in the database."""
    store = Store(Home(home).database)
    with store.write() as db:
        row = dict(db.execute("SELECT * FROM executions WHERE execution_name = ?", (name,)).fetchone())
        closure = execution_pb2.ExecutionClosure.FromString(row["closure"])
        columns = [column for column in row if column != "id"]
        statement = f"INSERT INTO executions ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"

        def copy(number: int) -> list[object]:
            created = row["execution_created_at"] - (number + 1) * 10**6
            closure.created_at.FromMicroseconds(created)
            times = {"execution_created_at": created, "created_at": created, "updated_at": created}
            changed = {**row, **times, "execution_name": f"copy-{number:06}", "closure": closure.SerializeToString()}
            return [changed[column] for column in columns]

        db.executemany(statement, map(copy, range(runs)))
    store.close()


async def by_offset(server: Server, runs: int, page: int) -> Cost:
    """All runs by the server's own tokens; each id once."""
    found: set[str] = set()
    calls = size = 0
    params = {"limit": str(page), "sort_by.key": "execution_created_at", "sort_by.direction": "DESCENDING"}
    headers = {"Accept": "application/octet-stream", **login(server)}
    async with httpx.AsyncClient(base_url=address(server), headers=headers, timeout=60) as client:
        token = ""
        while len(found) < runs:
            answer = await client.get(f"/api/v1/executions/{PROJECT}/{DOMAIN}", params={**params, "token": token})
            rows = execution_pb2.ExecutionList.FromString(answer.content)
            calls, size = calls + 1, size + len(answer.content)
            found.update(one.id.name for one in rows.executions)
            token = rows.token
            if not token:
                break
    return len(found), calls, size


async def by_time(server: Server, runs: int, page: int) -> Cost:
    """All runs as the screen and the commands page them."""
    found: set[object] = set()
    async with AdminClient(address(server), headers=login(server)) as client:
        catalog = Catalog(client)
        token = ""
        while len(found) < runs:
            rows = await catalog.executions(PROJECT, DOMAIN, limit=page, token=token)
            found.update(run.id for run in rows.executions)
            token = rows.token
            if not token:
                break
        return len(found), client.calls, client.bytes_read


async def changed(server: Server, since: datetime) -> Cost:
    """What changed since a time."""
    async with AdminClient(address(server), headers=login(server)) as client:
        rows = await Catalog(client).changes(PROJECT, DOMAIN, since)
        return len(rows.executions), client.calls, client.bytes_read


async def measure(ask: Callable[[], Awaitable[Cost]], repeat: int) -> tuple[Cost, float]:
    """What one run of it costs, and the median of its seconds."""
    seconds, cost = [], (0, 0, 0)
    for _ in range(repeat):
        start = time.perf_counter()
        cost = await ask()
        seconds.append(time.perf_counter() - start)
    return cost, statistics.median(seconds)


async def compare(server: Server, arguments: argparse.Namespace) -> None:
    total, page = arguments.runs + 1, arguments.page
    print(f"{total:,} runs, pages of {page:,}, median of {arguments.repeat}")
    print(f"{'':34} {'runs':>7} {'calls':>6} {'bytes':>11} {'seconds':>8} {'ratio':>6}")

    async def row(name: str, ask: Callable[[], Awaitable[Cost]], base: float | None = None) -> float:
        (runs, calls, size), seconds = await measure(ask, arguments.repeat)
        ratio = seconds / base if base else 1.0
        print(f"{name:34} {runs:7} {calls:6} {size:11} {seconds:8.3f} {ratio:6.2f}")
        return seconds

    base = await row("scroll all: bare httpx, offsets", lambda: by_offset(server, total, page))
    await row("scroll all: flowtui", lambda: by_time(server, total, page), base)
    async with AdminClient(address(server), headers=login(server)) as client:
        since = (await Catalog(client).executions(PROJECT, DOMAIN, limit=1)).as_of
        assert since is not None
        for number in range(3):
            await client.relaunch((await Catalog(client).newest(PROJECT, DOMAIN, 1))[0].id, f"again-{number}")
    held = min(10_000, total)
    base = await row(f"refresh {held:,} rows: offsets", lambda: by_offset(server, held, page))
    await row(f"refresh {held:,} rows: flowtui", lambda: changed(server, since), base)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--page", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        multiply(home, asyncio.run(record(home, 2)).name, arguments.runs)
        server = Server(home)
        try:
            asyncio.run(compare(server, arguments))
        finally:
            server.close()


if __name__ == "__main__":
    main()
