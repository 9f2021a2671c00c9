"""Every construct on the screen, on the tabs Artifacts, Nodes and Graph, small and large."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flowtui.domain.execution import ExecutionId
from flowtui.httpclient import httpx
from flowtui.session import open_session
from flowtui.tui.app import FlowtuiApp
from flowtui.tui.screens.run import RunScreen
from flowtui.tui.widgets.viewer import Viewer
from tests.constructs import CONSTRUCTS, RECORDED
from tests.engine import Engine
from tests.tui.conftest import LARGE, NOW, SMALL, Open, Person

TABS = ("artifacts", "nodes", "graph")


@asynccontextmanager
async def at_run(engine: Engine, run: ExecutionId, size: tuple[int, int]) -> AsyncIterator[Person]:
    settings = engine.settings()

    def session() -> object:
        storage = httpx.ASGITransport(engine.app)
        return open_session(settings, transport=engine.between, storage_transport=storage)

    app = FlowtuiApp(settings, session, run, now=lambda: NOW)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        person = Person(app, pilot, None)  # type: ignore[arg-type]
        await person.settle()
        yield person


@pytest.mark.parametrize("name", CONSTRUCTS)
async def test_a_construct_on_the_screen(name: str, tmp_path: Path) -> None:
    construct, engine = CONSTRUCTS[name], Engine(tmp_path)
    run = await construct.record(engine)
    engine.between.requests.clear()
    async with at_run(engine, run, LARGE) as person:
        for tab in TABS:
            assert isinstance(person.app.screen, RunScreen)
            person.app.screen.choose_tab(tab)
            for size in (LARGE, SMALL):
                await person.pilot.resize_terminal(*size)
                await person.settle()
                missing = [text for text in construct.screen.get(tab, ()) if text not in person.seen]
                assert missing == [], f"{tab}\n{person.seen}"
                assert all(char.isprintable() or char == "\n" for char in person.seen)
    assert len(engine.between.requests) < 400
    engine.close()


async def test_recorded_constructs_on_the_screen(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        for construct, (name, screen) in RECORDED.items():
            await person.open(name)
            assert isinstance(person.app.screen, RunScreen)
            for tab, texts in screen.items():
                person.app.screen.choose_tab(tab)
                await person.settle()
                missing = [text for text in texts if text not in person.seen]
                assert missing == [], f"{construct}, {tab}\n{person.seen}"
            await person.press("escape")


async def test_a_child_of_an_eager_task_opens(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    run = await CONSTRUCTS["eager"].record(engine)
    async with at_run(engine, run, SMALL) as person:
        await person.press("right_square_bracket", "j", "enter")
        assert isinstance(person.app.screen, RunScreen)
        assert person.app.screen.run_id.name == "e-prepare-study-make-1a2b"
    engine.close()


async def test_a_child_that_may_not_be_read_says_so_when_it_is_opened(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    run = await CONSTRUCTS["children that may not be read"].record(engine)
    async with at_run(engine, run, SMALL) as person:
        await person.press("right_square_bracket", "enter")
        assert isinstance(person.app.screen, RunScreen)
        assert person.app.screen.run_id.name == "hidden-1"
        assert "you may not read hidden-1" in person.seen
        await person.press("escape")
        assert person.app.screen.run_id == run  # type: ignore[attr-defined]
    engine.close()


async def test_failed_items_of_a_large_map_are_named_and_bounded(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    run = await CONSTRUCTS["map of 5,000 items"].record(engine)
    async with at_run(engine, run, LARGE) as person:
        await person.press("right_square_bracket")
        shown = person.app.screen.query_one("#node-detail", Viewer).text
        assert "5,000 items, 50 not done" in shown
        assert "item 1900" in shown
        assert "and 30 more" in shown
        assert len(shown.splitlines()) < 60
    engine.close()


async def test_the_error_of_an_earlier_try_is_said_to_be_that(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    run = await CONSTRUCTS["earlier tries"].record(engine)
    async with at_run(engine, run, LARGE) as person:
        await person.press("right_square_bracket", "G")
        shown = person.app.screen.query_one("#node-detail", Viewer).text
        assert "n0-1-n0" in shown
        assert "Error of try 1" in shown
        assert "lost a node" in shown
    engine.close()


async def test_a_file_that_is_deleted_says_so_in_its_preview(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    run = await CONSTRUCTS["single task"].record(engine)
    async with at_run(engine, run, SMALL) as person:
        await person.press("enter")
        assert "There is no object s3://flyte/a." in person.seen
        assert "It may have been deleted since the run." in person.seen
    engine.close()
