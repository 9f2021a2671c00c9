"""An embedded Domino in process, with faults, lost connections and kills at any request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flowtui.exports import TargetAccess
from flowtui.exports.domino import DominoClient
from flowtui.httpclient import httpx
from flowtui.local.domino import Faults, User, create_domino_app
from flowtui.local.domino.app import ConnectionDroppedError
from tests.local.domino.contract import validated

ADA = User("a" * 24, "ada", token="token-of-ada", api_key="key-of-ada")
BOB = User("b" * 24, "bob", token="token-of-bob")
URL = "http://127.0.0.1:8888"


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Wire(httpx.AsyncBaseTransport):
    """Carries requests to an app; ``kill_before`` and ``kill_after`` are numbers of requests, from 1,
    ``kill_behind`` a part of a path."""

    app: object
    kill_before: int = 0
    kill_after: int = 0
    kill_behind: str = ""
    requests: list[httpx.Request] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.logins.append(request.headers.get("authorization", ""))
        number = len(self.requests)
        if (self.kill_before and number >= self.kill_before) or (self.kill_after and number > self.kill_after):
            raise Killed
        try:
            response = await httpx.ASGITransport(validated(self.app)).handle_async_request(request)  # type: ignore[arg-type]
        except ConnectionDroppedError:
            raise httpx.ReadError("dropped", request=request) from None
        if number == self.kill_after or (self.kill_behind and self.kill_behind in request.url.path):
            raise Killed
        return response

    def count(self, method: str, ending: str) -> int:
        """How many requests of a method had a path with this ending."""
        return sum(one.method == method and one.url.path.endswith(ending) for one in self.requests)


@dataclass
class Domino:
    """An embedded Domino, and clients of it."""

    home: Path
    faults: Faults = field(default_factory=Faults)
    users: list[User] | None = None
    clock: Callable[[], int] | None = None

    def __post_init__(self) -> None:
        more = {"clock": self.clock} if self.clock else {}
        self.app = create_domino_app(self.home, users=self.users, faults=self.faults, **more)  # type: ignore[arg-type]

    def wire(self, *, kill_before: int = 0, kill_after: int = 0) -> Wire:
        return Wire(self.app, kill_before, kill_after)

    def client(self, wire: Wire | None = None, **options: object) -> DominoClient:
        return DominoClient(URL, transport=wire or self.wire(), retry_delay=0, **options)  # type: ignore[arg-type]

    def access(self, wire: Wire | None = None, **options: object) -> TargetAccess:
        client = self.client(wire, **options)
        return TargetAccess(domino=lambda: client)


@pytest.fixture
async def domino(tmp_path: Path) -> AsyncIterator[Domino]:
    one = Domino(tmp_path / "domino-home")
    async with one.app.router.lifespan_context(one.app):
        yield one


@pytest.fixture
async def users_domino(tmp_path: Path) -> AsyncIterator[Domino]:
    """One that wants a login."""
    one = Domino(tmp_path / "users-home", users=[ADA, BOB])
    async with one.app.router.lifespan_context(one.app):
        yield one
