"""From one server to another on the screen: ``:ctx``, ``:connect``, ``:local``, and the way back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flyteidl.admin import execution_pb2

from flowtui.config import Settings, list_contexts, load_settings, switched_settings
from flowtui.errors import ConfigError
from flowtui.httpclient import httpx
from flowtui.session import Session, open_session
from flowtui.tui.app import FlowtuiApp
from flowtui.tui.context import Servers
from flowtui.tui.screens.artifacts import ArtifactsScreen
from flowtui.tui.screens.contexts import ContextsScreen
from flowtui.tui.screens.runs import RunsScreen
from tests.tui.conftest import LARGE, NOW, SMALL, Admin, Person

CONFIG = """
endpoint = "https://first.test"
project = "flytesnacks"
[contexts.prod]
endpoint = "https://prod.test/flows"
project = "flytesnacks"
[contexts.down]
endpoint = "https://down.test"
project = "flytesnacks"
[contexts.bare]
endpoint = "https://bare.test"
project = ""
[contexts.closed]
endpoint = "https://closed.test"
project = "flytesnacks"
[contexts.off]
endpoint = "ftp://off.test"
"""


class Recorder(Admin):
    """Admin with what it was called by, and the tokens that it was sent."""

    def __init__(self, prefix: str = "") -> None:
        super().__init__(prefix=prefix)
        self.bases: set[str] = set()
        self.tokens: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.bases.add(str(request.url).partition("/api/")[0])
        self.tokens.add(request.headers.get("authorization", ""))
        return await super().handle_async_request(request)


@dataclass
class World:
    """Servers by host, and what became of the sessions with them.

    Attributes:
        open: hosts with an open session; opened: all that ever were.
        slow: set once a session with ``slow.test`` is being opened, which never ends.
    """

    admins: dict[str, Recorder] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    slow: asyncio.Event = field(default_factory=asyncio.Event)

    @contextmanager
    def counted(self, host: str) -> Iterator[None]:
        self.open.append(host)
        self.opened.append(host)
        try:
            yield
        finally:
            self.open.remove(host)

    def session(self, settings: Settings) -> AbstractAsyncContextManager[Session]:
        host = (settings.endpoint or "https://here").split("/")[2]
        admin = self.admins.setdefault(host, Recorder(prefix="/flows" if host == "prod.test" else ""))

        @asynccontextmanager
        async def opened() -> AsyncIterator[Session]:
            with self.counted(host):
                if host == "closed.test":
                    raise ConfigError("/ca.pem cannot be read: no such file.", "Correct tls.ca_file.")
                if host == "broken.test":
                    raise RuntimeError("a defect")
                if host == "slow.test":
                    self.slow.set()
                    await asyncio.Event().wait()
                base = None if settings.endpoint else "http://here"
                async with open_session(settings, transport=admin, base_url=base) as session:
                    yield session

        return opened()


At = Callable[..., AbstractAsyncContextManager[tuple[Person, World]]]


@pytest.fixture
def at_servers(tmp_path: Path) -> At:
    """The screen with a configuration: ``async with at_servers(size) as (person, world)``."""

    @asynccontextmanager
    async def opened(
        size: tuple[int, int] = SMALL, *, config: str = CONFIG, **environ: str
    ) -> AsyncIterator[tuple[Person, World]]:
        file = tmp_path / "config.toml"
        file.write_text(config)
        environ |= {"HOME": str(tmp_path), "FLOWTUI_HOME": str(tmp_path / "home"), "FLOWTUI_CONFIG": str(file)}
        world = World()
        world.admins["down.test"] = Recorder()
        world.admins["down.test"].refuse = 503
        settings = load_settings({}, environ)
        servers = Servers(
            contexts=lambda: list_contexts({}, environ, start=settings),
            of_context=lambda name: switched_settings(settings, {}, environ, context=name),
            of_url=lambda url: switched_settings(settings, {}, environ, endpoint=url),
            open_session=world.session,
        )
        app = FlowtuiApp(settings, lambda: world.session(settings), now=lambda: NOW, servers=servers)
        async with app.run_test(size=size) as pilot:
            person = Person(app, pilot, world.admins.setdefault("first.test", Recorder()))
            await person.settle()
            yield person, world
        assert not world.open

    return opened


async def command(person: Person, text: str) -> None:
    await person.press("colon")
    await person.type(text)
    await person.press("enter")


def header(person: Person) -> str:
    return person.seen.splitlines()[0]


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_ctx_with_a_name_shows_that_server(at_servers: At, size: tuple[int, int]) -> None:
    async with at_servers(size) as (person, world):
        assert header(person).startswith(" flowtui   first.test / flytesnacks / development")
        admin = world.admins["prod.test"] = Recorder(prefix="/flows")
        run = execution_pb2.Execution()
        run.id.project, run.id.domain, run.id.name = "flytesnacks", "development", "only-in-prod"
        run.closure.created_at.FromDatetime(NOW)
        admin.extra = [run]
        await command(person, "ctx prod")
        assert header(person).startswith(" flowtui   prod / flytesnacks / development")
        assert "only-in-prod" in person.seen
        assert world.open == ["prod.test"]
        assert admin.bases == {"https://prod.test/flows"}
        await command(person, "ctx -")
        assert header(person).startswith(" flowtui   first.test /")
        assert "only-in-prod" not in person.seen
        assert world.open == ["first.test"]


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_ctx_alone_lists_the_contexts(at_servers: At, size: tuple[int, int]) -> None:
    async with at_servers(size) as (person, world):
        await command(person, "ctx")
        assert isinstance(person.app.screen, ContextsScreen)
        assert " prod " in person.line_of("prod.test/flows")
        assert "this machine" in person.line_of(" local ")
        assert "contexts.off.endpoint: ftp:// is" in person.seen
        assert " start *" in person.line_of("first.test  ")
        await person.press("j", "enter")
        assert header(person).startswith(" flowtui   prod /")
        assert isinstance(person.app.screen, RunsScreen)
        await command(person, "ctx")
        assert " prod *" in person.line_of("prod.test/flows")
        assert "start *" not in person.seen
        await person.press("escape")
        assert isinstance(person.app.screen, RunsScreen)
        assert world.open == ["prod.test"]


async def test_nothing_of_the_server_that_was_left_is_shown(at_servers: At) -> None:
    async with at_servers() as (person, world):
        await person.press("2")
        assert isinstance(person.app.screen, ArtifactsScreen)
        await person.press("1", "G", "enter")
        assert person.app.context.memory.artifacts
        before = person.app.context
        await command(person, "ctx prod")
        assert isinstance(person.app.screen, RunsScreen)
        assert len(person.app.screen_stack) == 1
        assert person.app.context is not before
        asked = len(world.admins["first.test"].requests)
        await person.press("2", "3", "4", "1")
        assert len(world.admins["first.test"].requests) == asked
        assert all(screen.context is person.app.context for screen in person.app.screen_stack)  # type: ignore[attr-defined]


async def test_a_server_that_does_not_answer_says_so_and_how_to_go_back(at_servers: At) -> None:
    async with at_servers() as (person, world):
        await command(person, "ctx down")
        assert header(person).startswith(" flowtui   down /")
        assert "retrying" in header(person)
        assert ":ctx - goes back." in " ".join(person.seen.split())
        await command(person, "ctx -")
        assert "labflows" in person.seen
        assert world.open == ["first.test"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("ctx nobody", "has no context 'nobody'"),
        ("ctx closed", "/ca.pem cannot be read"),
        ("ctx off", "ftp:// is not a scheme"),
        ("connect ftp://x", "ftp:// is not a scheme"),
        ("connect https://broken.test", "RuntimeError: a defect"),
    ],
)
async def test_where_it_cannot_be_opened_nothing_changes(at_servers: At, typed: str, said: str) -> None:
    async with at_servers(LARGE) as (person, world):
        await command(person, typed)
        seen = " ".join(person.seen.split())
        assert said in seen
        assert "This is still first.test." in seen
        assert header(person).startswith(" flowtui   first.test /")
        assert world.open == ["first.test"]
        await person.press("r")
        assert said not in person.seen
        assert "labflows" in person.seen


async def test_a_defect_in_opening_the_first_session_is_told_and_can_be_tried_again(at_servers: At) -> None:
    async with at_servers(config="endpoint = 'https://broken.test'\nproject = 'p'") as (person, world):
        assert "RuntimeError: a defect" in person.seen
        await person.press("r")
        assert world.opened == ["broken.test"] * 2
        assert "RuntimeError: a defect" in person.seen
        await command(person, "ctx local")
        assert "this machine" in header(person)


async def test_there_is_nothing_to_go_back_to_at_first(at_servers: At) -> None:
    async with at_servers() as (person, _):
        await command(person, "ctx -")
        assert "There is no other server to go back to." in person.keys


async def test_connect_and_local(at_servers: At) -> None:
    async with at_servers() as (person, world):
        await command(person, "connect new.test/flows")
        assert header(person).startswith(" flowtui   new.test /")
        assert world.open == ["new.test"]
        await command(person, "local")
        assert "this machine" in header(person)
        await command(person, "ctx")
        assert [line.split()[0] for line in person.seen.splitlines() if " * " in line] == ["local"]
        await person.press("escape")
        assert world.open == ["here"]
        await command(person, "local")
        assert "These are the runs of this machine already." in person.keys
        await command(person, "ctx start")
        assert header(person).startswith(" flowtui   first.test /")
        assert world.opened == ["first.test", "new.test", "here", "first.test"]


async def test_a_server_without_a_project_asks_for_one(at_servers: At) -> None:
    config = CONFIG.replace('project = "flytesnacks"', "", 1)
    async with at_servers(config=config) as (person, _):
        await person.press("enter")
        await command(person, "ctx bare")
        assert "development" in person.seen
        await person.press("enter")
        assert header(person).startswith(" flowtui   bare / flytesnacks / development")
        assert "labflows" in person.seen


async def test_another_choice_while_one_is_opened_leaves_no_session_behind(at_servers: At) -> None:
    async with at_servers() as (person, world):
        # Without waiting for what the keys start: it does not end.
        await person.pilot.press("colon", *"connect", "space", *"slow.test", "enter")
        await world.slow.wait()
        assert sorted(world.open) == ["first.test", "slow.test"]
        await person.pilot.press("colon", *"ctx", "space", *"prod", "enter")
        await person.settle()
        assert header(person).startswith(" flowtui   prod /")
        assert world.open == ["prod.test"]


async def test_a_token_of_the_environment_stays_with_its_server(at_servers: At) -> None:
    async with at_servers(FLOWTUI_TOKEN="hush") as (person, world):
        await command(person, "ctx prod")
        await command(person, "ctx -")
        tokens = {host: admin.tokens for host, admin in world.admins.items()}
        assert tokens["first.test"] == {"Bearer hush"}
        assert tokens["prod.test"] == {""}


async def test_the_palette_has_the_contexts(at_servers: At) -> None:
    async with at_servers() as (person, _):
        found = {command.title: command for command in person.app.get_system_commands(person.app.screen)}
        found["Choose a context"].callback()
        await person.settle()
        assert isinstance(person.app.screen, ContextsScreen)
