"""Exports on their way and at their end: the header, the fourth place, one export, the question at quit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flowtui.exports import ExportRecord, Journal
from flowtui.tui.screens.confirm import ConfirmScreen
from flowtui.tui.screens.export_detail import ExportDetailScreen
from flowtui.tui.screens.exports import ExportsScreen
from flowtui.tui.screens.run import RunScreen
from tests.tui.conftest import LARGE, SMALL, Open, Person, blobs
from tests.tui.held_store import HeldStore
from tests.tui.test_run import go_to

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE])


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def store() -> HeldStore:
    return HeldStore(dict(blobs()))


def journal(person: Person) -> Journal:
    return Journal(person.app.context.settings.home / "state.sqlite3")


def latest(person: Person) -> ExportRecord:
    return journal(person).list()[0]


async def begin(person: Person, store: HeldStore | None = None) -> None:
    """Export the artifact ADaM Datasets of clinical-1; the store holds back what is not at hand yet."""
    await person.open("clinical-1")
    await go_to(person, "ADaM Datasets", "adsl.csv")
    await person.press("h", "e")
    assert "2 files, " in person.seen
    if store is not None:
        store.hold(adsl_key(person))
    await person.press("enter")


def adsl_key(person: Person) -> str:
    """Where adsl.csv of clinical-1 lies in the store."""
    known = person.app.context.memory.artifacts.values()
    (file,) = [
        file for run in known for file in run.files if (run.execution.id.name, file.file) == ("clinical-1", "adsl.csv")
    ]
    return file.uris[0].partition("://")[2]


async def come_true(condition: Callable[[], bool]) -> None:
    """Wait until something that goes on by itself has come so far."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def until(person: Person, state: str) -> None:
    """Wait until the newest export is in a state, and the screen has heard of it."""
    await come_true(lambda: latest(person).state == state)
    await person.settle()


async def half_way(person: Person) -> None:
    """Wait until one of the two files is copied, and the header says so."""
    await come_true(lambda: "⇡ 6%" in person.seen or "^ 6%" in person.seen)


@asynccontextmanager
async def moving(at_screen: Open, store: HeldStore, size: tuple[int, int] = SMALL) -> AsyncIterator[Person]:
    """The screen while an export stands still half-way."""
    async with at_screen(size, store=store) as person:
        await begin(person, store)
        await half_way(person)
        try:
            yield person
        finally:
            store.let_go()


@SIZES
async def test_the_header_shows_an_export_on_every_screen_until_it_ends(
    at_screen: Open, store: HeldStore, size: tuple[int, int]
) -> None:
    async with moving(at_screen, store, size) as person:
        for keys in ((), ("escape",), ("2",), ("3",), ("4",), ("1",)):
            await person.press(*keys)
            assert "⇡ 6%" in person.seen.splitlines()[0], keys
        store.let_go()
        await person.exported()
        assert "⇡" not in person.seen.splitlines()[0]
        assert "exported 2 files, " in person.keys
        assert "4 shows it" in person.keys


async def test_the_header_speaks_ascii(at_screen: Open, store: HeldStore) -> None:
    async with at_screen(SMALL, store=store, ascii=True) as person:
        await begin(person, store)
        await half_way(person)
        await person.press("4")
        assert "* running" in person.line_of("clinical-1")
        store.let_go()
        await person.exported()
        assert "+ done" in person.line_of("clinical-1")
        assert person.seen.isascii() or "…" not in person.seen


@SIZES
async def test_the_place_follows_an_export_to_its_end(at_screen: Open, store: HeldStore, size: tuple[int, int]) -> None:
    async with moving(at_screen, store, size) as person:
        await person.press("4")
        assert isinstance(person.app.screen, ExportsScreen)
        assert "● running" in person.line_of("clinical-1")
        assert "6%  29 B of 445 B" in person.seen
        assert "1/2 files" in person.seen
        assert "p pause" in person.keys
        assert "^x cancel" in person.keys
        assert "remove" not in person.keys
        store.let_go()
        await person.exported()
        assert "✔ done" in person.line_of("clinical-1")
        assert "1/2 files" not in person.seen


async def test_an_export_is_paused_and_resumed_with_the_keys_of_its_row(at_screen: Open, store: HeldStore) -> None:
    async with moving(at_screen, store) as person:
        await person.press("4", "p")
        assert "‖ paused" in person.line_of("clinical-1")
        assert "1 export unfinished" in person.seen.splitlines()[0]
        assert "paused: R resumes it" in person.keys
        assert person.app.screen.check_action("resume", ())
        assert not (Path.cwd() / "exports" / "clinical-1" / "ADaM Datasets").exists()
        store.let_go()
        await person.press("R")
        await person.exported()
        assert "✔ done" in person.line_of("clinical-1")
        written = Path.cwd() / "exports" / "clinical-1" / "ADaM Datasets"
        assert (written / "adsl.csv").read_bytes().startswith(b"USUBJID")


async def test_cancel_asks_and_leaves_nothing_behind(at_screen: Open, store: HeldStore) -> None:
    async with moving(at_screen, store) as person:
        await person.press("4", "ctrl+x")
        assert isinstance(person.app.screen, ConfirmScreen)
        assert "nothing of it is seen" in person.seen
        await person.press("escape")
        assert latest(person).state == "running"
        await person.press("ctrl+x", "enter")
        assert "■ cancelled" in person.line_of("clinical-1")
        left = Path.cwd() / "exports"
        assert not [path for path in left.rglob("*") if path.is_file()]
        await person.press("D")
        assert "No exports yet." in person.seen
        assert journal(person).list() == ()


async def test_a_failed_export_says_why_and_is_tried_again(at_screen: Open, store: HeldStore) -> None:
    async with moving(at_screen, store) as person:
        key = adsl_key(person)
        body = store.objects.pop(key)
        store.let_go()
        await person.exported()
        assert "failed: 4 shows why" in person.keys
        await person.press("4")
        assert "✖ failed" in person.line_of("clinical-1")
        assert "1 of 2 files failed" in person.seen
        await person.press("enter")
        assert isinstance(person.app.screen, ExportDetailScreen)
        assert any("✖ failed" in line and "adsl.csv" in line for line in person.seen.splitlines())
        store.objects[key] = body
        await person.press("R")
        await person.exported()
        await person.press("r")
        assert any("✔ there" in line and "adsl.csv" in line for line in person.seen.splitlines())


@SIZES
async def test_one_export_has_its_facts_files_and_log(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        await begin(person)
        await person.exported()
        await person.press("4", "enter")
        to = str(Path.cwd() / "exports" / "clinical-1")
        facts = person.app.screen.query_one("#export-facts")
        assert isinstance(person.app.screen, ExportDetailScreen)
        for said in ("✔ done", "clinical-1", to, "flowtui-manifest.json"):
            assert said in facts.text  # type: ignore[attr-defined]
        assert "✔ there" in person.line_of("adsl.csv")
        assert "adae" in person.seen
        await person.press("tab")
        assert "done: " in person.seen
        await person.press("y", "y")
        assert person.app.clipboard == to
        await person.press("y", "m")
        assert person.app.clipboard == f"{to}/flowtui-manifest.json"
        await person.press("escape")
        assert "4 Exports" in person.seen


async def test_an_export_of_another_process_is_shown_and_paused(
    at_screen: Open, store: HeldStore, tmp_path: Path
) -> None:
    """A second session on the same home stands for the command line: its transfers are not those of the screen."""
    async with moving(at_screen, store) as other, at_screen(SMALL) as person:
        await person.press("4")
        assert "● running" in person.line_of("clinical-1")
        assert "⇡" not in person.seen.splitlines()[0]
        await person.press("p")
        await until(other, "paused")
        await person.press("r")
        assert "‖ paused" in person.line_of("clinical-1")


async def test_quit_asks_while_an_export_runs_and_pauses_it(at_screen: Open, store: HeldStore) -> None:
    async with moving(at_screen, store) as person:
        await person.press("q")
        assert "1 export is running. Quit?" in person.seen
        assert "can be resumed" in person.seen
        await person.press("escape")
        assert latest(person).state == "running"
        await person.press("colon")
        await person.type("q")
        await person.press("enter")
        assert "1 export is running. Quit?" in person.seen
        await person.pilot.press("enter")
        await come_true(lambda: person.app._exit)
        assert latest(person).state == "paused"
    async with at_screen(SMALL) as person:
        assert "1 export is unfinished: 4 shows, R resumes" in person.keys
        await person.press("4")
        assert "‖ paused" in person.line_of("clinical-1")
        await person.press("R")
        await person.exported()
        assert "✔ done" in person.line_of("clinical-1")


async def test_quit_does_not_ask_where_nothing_runs(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await begin(person)
        await person.exported()
        await person.pilot.press("q")
        await person.pilot.pause()
        assert person.app._exit


@SIZES
async def test_bookmarks_and_facts_say_where_a_version_was_exported(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        await begin(person)
        await person.exported()
        if size == LARGE:
            await go_to(person, "ADaM Datasets", "adsl.csv")
            assert "exported" in person.app.screen.query_one("#facts").text  # type: ignore[attr-defined]
        await go_to(person, "ADaM Datasets", "adsl.csv")
        await person.press("b", "h", "b", "3")
        marked = [line for line in person.seen.splitlines() if " → " in line]
        assert len(marked) == 2
        assert "exported" in person.seen


@pytest.mark.parametrize("key", ["e", "d", "R"])
async def test_read_only_says_so_instead_of_asking(at_screen: Open, key: str) -> None:
    async with at_screen(SMALL, read_only=True) as person:
        await person.open("clinical-1")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        assert "read-only" in person.seen.splitlines()[0]
        await person.press(key)
        assert isinstance(person.app.screen, RunScreen)
        assert "flowtui is read-only here: no" in person.keys


async def test_read_only_does_not_go_on_with_an_export(at_screen: Open, store: HeldStore) -> None:
    async with moving(at_screen, store) as person:
        await person.press("4", "p")
    async with at_screen(SMALL, read_only=True) as person:
        await person.press("4", "R")
        assert "flowtui is read-only here: no export goes on" in person.keys
        assert latest(person).state == "paused"
