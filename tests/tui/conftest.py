"""The screen over recorded answers of a real Flyte, with what lay in its blob store behind signed URLs."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timezone
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flyteidl.admin import execution_pb2
from textual.pilot import Pilot
from textual.worker import WorkerCancelled, WorkerFailed

from flowtui.config import Settings
from flowtui.domain.execution import ExecutionId
from flowtui.errors import ExportError
from flowtui.exports.domino import DominoClient
from flowtui.httpclient import httpx
from flowtui.session import open_session
from flowtui.tui.app import FlowtuiApp
from tests.headless.conftest import DOMAIN, PROJECT, Server
from tests.replay import BASE_URL, lines
from tests.storage.store import Store

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=timezone.utc)
SMALL, LARGE = (80, 24), (140, 40)


class Admin(Server):
    """The recordings, the actions of a person, and answers that can be held back or refused.

    Attributes:
        posted: the bodies of POSTs and DELETEs by path.
        refuse: the status that every request is answered with, 0 to answer as recorded.
        extra: runs that came after the recording, newest first.
        gate: answers wait until it is set.
        clock: the time that the server says; None: it does not.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.posted: dict[str, bytes] = {}
        self.refuse = 0
        self.extra: list[execution_pb2.Execution] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.clock: datetime | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self.gate.wait()
        answer = await super().handle_async_request(request)
        if self.clock is not None:
            answer.headers["date"] = format_datetime(self.clock, usegmt=True)
        return answer

    def answer(self, request: httpx.Request, path: str, params: dict[str, str]) -> httpx.Response:
        if self.refuse:
            return httpx.Response(self.refuse, json={"error": "down", "message": "down for maintenance", "code": 14})
        if request.method == "POST" and path == "/api/v1/executions/relaunch":
            self.posted[path] = request.content
            name = execution_pb2.ExecutionRelaunchRequest.FromString(request.content).name or "fagain"
            answer = execution_pb2.ExecutionCreateResponse()
            answer.id.project, answer.id.domain, answer.id.name = PROJECT, DOMAIN, name
            return self.respond(request, 200, answer)
        if request.method == "DELETE":
            self.posted[path] = request.content
            return self.respond(request, 200, execution_pb2.ExecutionTerminateResponse())
        return super().answer(request, path, params)

    def executions(self) -> list[execution_pb2.Execution]:
        return [*self.extra, *super().executions()]


@cache
def blobs() -> dict[str, bytes]:
    """What lay in the blob store, by ``bucket/key``."""
    found = [line for line in lines("blobs") if "body_base64" in line]
    return {line["uri"].partition("://")[2]: base64.b64decode(line["body_base64"]) for line in found}


Open = Callable[..., AbstractAsyncContextManager["Person"]]


class Person:
    """Someone at the keyboard.

    Attributes:
        app, pilot: of Textual.
        admin: the server.
    """

    def __init__(self, app: FlowtuiApp, pilot: Pilot[None], admin: Admin) -> None:
        self.app = app
        self.pilot = pilot
        self.admin = admin

    async def press(self, *keys: str) -> None:
        """Press keys, and wait until what they started has ended."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def type(self, text: str) -> None:
        """Type a text."""
        await self.pilot.press(*("space" if char == " " else char for char in text))
        await self.settle()

    async def settle(self) -> None:
        """Wait until no worker is at work but the one that holds the session."""
        await self.pilot.pause()
        for _ in range(50):
            busy = [worker for worker in self.app.workers if worker.group != "session" and not worker.is_finished]
            if not busy:
                break
            for worker in busy:
                try:
                    await worker.wait()
                except WorkerCancelled:
                    continue
            await self.pilot.pause()
        await self.pilot.pause()

    async def exported(self) -> None:
        """Wait until every export that was started is at its end, and the screen has said so."""
        session = await self.app.context.connection.session()
        for one in session.transfers.active:
            with suppress(ExportError):
                await session.transfers.wait(one.id)
        await self.settle()

    async def open(self, name: str) -> None:
        """Open a run by its name, as ``:run NAME`` does."""
        self.app.open_run(name)
        await self.settle()

    @property
    def seen(self) -> str:
        """What is on the terminal."""
        strips = self.app.screen._compositor.render_strips(self.app.size)
        return "\n".join(strip.text.rstrip() for strip in strips)

    def line_of(self, text: str) -> str:
        """The first line with that text."""
        return next(line for line in self.seen.splitlines() if text in line)

    @property
    def keys(self) -> str:
        """The line of keys."""
        return self.seen.splitlines()[-1]


@pytest.fixture
def at_screen(tmp_path: Path) -> Open:
    """Opens the screen: ``async with at_screen(size) as person``."""

    @asynccontextmanager
    async def opened(
        size: tuple[int, int] = SMALL,
        *,
        admin: Admin | None = None,
        start: ExecutionId | None = None,
        store: Store | None = None,
        domino: Callable[[], DominoClient] | None = None,
        **changes: Any,
    ) -> AsyncIterator[Person]:
        settings = Settings(
            home=tmp_path / "home", cache=tmp_path / "cache", endpoint=BASE_URL, project=PROJECT, local=False
        )
        settings = replace(settings, **changes)
        server = admin or Admin()
        transport = (store or Store(dict(blobs()))).transport
        app = FlowtuiApp(
            settings,
            lambda: open_session(settings, transport=server, storage_transport=transport, domino=domino),
            start,
            now=lambda: NOW,
        )
        async with app.run_test(size=size) as pilot:
            person = Person(app, pilot, server)
            await (person.settle() if server.gate.is_set() else pilot.pause())
            yield person
            holding = [worker for worker in app.workers if worker.group == "session"]
        for worker in holding:
            # It closes what it holds, the processes of previews too.
            with suppress(WorkerCancelled, WorkerFailed):
                await worker.wait()

    return opened
