"""One export, or the resuming of one, in a process that may kill itself at a step that it is told.

    python -m tests.kill.export_child HOME SOURCE TARGET OPTIONS IF_EXISTS KILL_AT [ID]

``OPTIONS`` is JSON of ``TargetOptions``. A step is a call that changes something: of the file system, of the journal or
over the network. At step ``KILL_AT`` the process gets SIGKILL, by the parity of the step before or after it is done; 0
lets it end. The number of steps is printed at the end.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from flowtui.database import Database
from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import ExecutionId
from flowtui.exports import (
    Journal,
    Selection,
    SourceRun,
    TargetOptions,
    Transfers,
    make_plan,
    parse_target,
)
from flowtui.httpclient import httpx
from flowtui.storage import Storage
from tests.trusting import TrustsAll

RUN = ExecutionId("p", "d", "run")


class Steps:
    """Counts steps and kills at one of them."""

    def __init__(self, kill_at: int) -> None:
        self.kill_at = kill_at
        self.number = 0
        self._lock = threading.Lock()

    def take(self) -> bool:
        """The next step begins; whether the process dies after it."""
        with self._lock:
            self.number += 1
            is_last = self.number == self.kill_at
        if is_last and self.number % 2:
            die()
        return is_last

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function as a step."""

        def call(*args: Any, **options: Any) -> Any:
            is_last = self.take()
            try:
                return function(*args, **options)
            finally:
                if is_last:
                    die()

        return call

    def watch(self) -> None:
        """Make steps of what changes something."""
        for name in ("replace", "rename", "pwrite", "mkdir", "unlink", "rmdir"):
            setattr(os, name, self.counted(getattr(os, name)))
        original = Database.transaction

        def transaction(
            database: Database, *, write: bool = True, durable: bool = True
        ) -> AbstractContextManager[sqlite3.Connection]:
            if write:
                self.take()
            return original(database, write=write, durable=durable)

        Database.transaction = transaction  # type: ignore[method-assign, assignment]
        send = httpx.AsyncClient.send

        async def counted_send(client: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
            is_last = self.take()
            try:
                return await send(client, request, **options)
            finally:
                if is_last:
                    die()

        self._watch_stores()
        httpx.AsyncClient.send = counted_send  # type: ignore[method-assign, assignment]

    def _watch_stores(self) -> None:
        if "KILL_S3" not in os.environ:
            return
        import aiohttp

        ask = aiohttp.ClientSession._request

        async def counted_ask(session: Any, *args: Any, **options: Any) -> Any:
            is_last = self.take()
            try:
                return await ask(session, *args, **options)
            finally:
                if is_last:
                    die()

        aiohttp.ClientSession._request = counted_ask


def die() -> None:
    """End at once, as ``kill -9`` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def selection(source: Path) -> Selection:
    """Every file below a folder as an artifact file."""
    files = [
        ArtifactFile("data", "ADaM", path.name, "", "n0", "o0", ("n0",), "present", (str(path),))
        for path in sorted(source.iterdir())
    ]
    return Selection(SourceRun(RUN, workflow="flow", version="v1", inputs={"study": "CDISC01"}), tuple(files))


async def main(home: Path, source: Path, target: str, options: TargetOptions, if_exists: Any, id_: str) -> None:
    from tests.kill.access import target_access

    journal = Journal(home / "state.sqlite3")
    async with Storage(TrustsAll()) as storage, target_access() as access:
        transfers = Transfers(journal, storage, access, retry_delay=0.1)
        if id_:
            id_ = await transfers.resume(id_)
        else:
            place = parse_target(target, options, access)
            plan = await make_plan([selection(source)], place, storage, if_exists=if_exists, folder=options.folder)
            id_ = await transfers.start(plan, options)
        await transfers.wait(id_)


if __name__ == "__main__":
    home_, source_, target_, options_, if_exists_, kill_at_, *ids = sys.argv[1:]
    steps = Steps(int(kill_at_))
    steps.watch()
    asyncio.run(
        main(Path(home_), Path(source_), target_, TargetOptions(**json.loads(options_)), if_exists_, (ids or [""])[0])
    )
    sys.stdout.write(f"{steps.number}\n")
