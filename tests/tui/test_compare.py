"""Versions of a file and what differs between two of them, over the recordings."""

from __future__ import annotations

import asyncio

import pytest
from textual.worker import WorkerState

from flowtui.preview.comparison import files
from flowtui.tui.screens.ask import AskScreen
from flowtui.tui.screens.compare import CompareScreen
from flowtui.tui.screens.compare_files import CompareFilesScreen
from flowtui.tui.screens.run import RunScreen
from flowtui.tui.screens.versions import VersionsScreen
from flowtui.tui.widgets.rows import Rows
from tests.replay import expected
from tests.tui.conftest import LARGE, SMALL, Open, Person, blobs
from tests.tui.test_run import go_to

ADSL = {
    name: next(file["uris"][0] for file in expected()[name]["files"] if file["file"] == "adsl.csv").partition("://")[2]
    for name in ("clinical-1", "clinical-4")
}
SIZES = pytest.mark.parametrize("size", [SMALL, LARGE])


def versions_of(person: Person) -> VersionsScreen:
    assert isinstance(person.app.screen, VersionsScreen)
    return person.app.screen


def differences(person: Person) -> str:
    assert isinstance(person.app.screen, CompareScreen)
    return "\n".join("".join(mark.text for mark in line) for line in person.app.screen.lines)


async def compare_with(person: Person, run: str) -> None:
    """Press what compares the row under the cursor with its version of another run."""
    await person.press("equals_sign")
    assert versions_of(person).rows.move_to(f"flytesnacks/development/{run}")
    await person.press("equals_sign")


async def compared_files(person: Person) -> CompareScreen:
    """The first and the last version of a dataset, compared by keys."""
    await person.open("clinical-4")
    await go_to(person, "ADaM Datasets", "adsl.csv")
    await compare_with(person, "clinical-1")
    assert isinstance(person.app.screen, CompareScreen)
    return person.app.screen


async def compared_artifacts(person: Person, left: str, right: str) -> CompareFilesScreen:
    """Two versions of the datasets, compared by keys."""
    await person.open(right)
    to_datasets(person)
    await compare_with(person, left)
    assert isinstance(person.app.screen, CompareFilesScreen)
    return person.app.screen


def to_datasets(person: Person) -> None:
    """Move the cursor to the artifact of the datasets."""
    assert person.app.screen.query_one("#tree", Rows).move_to("a\0data\0ADaM Datasets")


@SIZES
async def test_versions_are_those_of_the_same_workflow(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        await person.open("clinical-3-v2")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        await person.press("v")
        screen = versions_of(person)
        names = [row.key.rpartition("/")[2] for row in screen.rows.rows]
        assert names[:3] == ["clinical-4", "clinical-2-relaunched", "clinical-3-v2"]
        assert names[-1] == "clinical-1"
        assert "cached-2" not in names
        # The cursor begins on the version before this one.
        assert screen.rows.cursor_key.endswith(names[3])
        assert "clinical-3-v2" in person.line_of("▶")
        assert "= compare with this" in person.keys
        await person.press("enter")
        assert isinstance(person.app.screen, RunScreen)
        assert person.app.screen.run_id.name == names[3]


@SIZES
async def test_two_keys_compare_with_the_version_before(
    at_screen: Open, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(blobs(), ADSL["clinical-1"], b"USUBJID,AGE\n01-1,63\n01-2,64\n01-3,70\n")
    monkeypatch.setitem(blobs(), ADSL["clinical-4"], b"USUBJID,AGE,SEX\n01-1,63,F\n01-3,71,M\n01-4,50,M\n")
    async with at_screen(size) as person:
        await compared_files(person)
        # The older one is left, whichever was chosen.
        assert person.line_of("- clinical-1").index("clinical-1") < 10
        assert "+ clinical-4" in person.seen
        shown = differences(person)
        assert "~ version: v1 -> v2" in shown
        assert "different: 1 row added, 1 row removed, 1 row changed, 1 column added" in shown
        assert "rows paired by USUBJID: the subject, unique in both" in shown
        assert "+ SEX" in shown
        assert "70 -> 71" in shown
        assert "- row 2  USUBJID=01-2" in person.seen
        await person.press("escape", "escape")
        assert isinstance(person.app.screen, RunScreen)


async def test_what_differs_scrolls(at_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"01-{number},{number}\n" for number in range(60)).encode()
    monkeypatch.setitem(blobs(), ADSL["clinical-1"], b"USUBJID,AGE\n" + rows)
    monkeypatch.setitem(blobs(), ADSL["clinical-4"], b"USUBJID,AGE\n" + rows.replace(b",", b",1"))
    async with at_screen(SMALL) as person:
        await compared_files(person)
        assert "59 -> 159" not in person.seen
        await person.press("G")
        assert "59 -> 159" in person.seen
        assert "+ clinical-4" in person.seen
        assert "compare more" not in person.keys


async def test_more_is_compared_when_it_is_asked_for(at_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{number},{number % 7}" for number in range(5000)]
    monkeypatch.setitem(blobs(), ADSL["clinical-1"], "\n".join(["USUBJID,AGE", *rows]).encode())
    rows[4000] = "4000,77"
    monkeypatch.setitem(blobs(), ADSL["clinical-4"], "\n".join(["USUBJID,AGE", *rows]).encode())
    async with at_screen(SMALL) as person:
        await compared_files(person)
        assert "no difference found" in person.seen
        assert "first 2,000 rows of each" in person.seen
        assert "m compare more" in person.keys
        await person.press("m")
        assert "different: 1 row changed" in person.seen
        assert "all rows" in person.seen


async def test_the_current_version_is_not_compared_with_itself(at_screen: Open) -> None:
    async with at_screen(LARGE) as person:
        await person.open("clinical-2")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        await person.press("v")
        screen = versions_of(person)
        screen.rows.move_to("flytesnacks/development/clinical-2")
        await person.pilot.pause()
        assert "= compare" not in person.keys
        await person.press("equals_sign")
        assert person.app.screen is screen
        await person.press("v")
        assert person.app.screen is screen


async def test_a_bookmarked_file_has_versions(at_screen: Open) -> None:
    async with at_screen(LARGE) as person:
        await person.open("clinical-2")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        await person.press("b", "escape", "3")
        assert "= compare" in person.keys
        await person.press("equals_sign")
        assert versions_of(person).rows.cursor_key
        await person.press("equals_sign")
        assert isinstance(person.app.screen, CompareScreen)
        assert "+ clinical-2" in person.seen


async def test_a_bookmarked_artifact_has_versions(at_screen: Open) -> None:
    async with at_screen(LARGE) as person:
        await person.open("clinical-2")
        to_datasets(person)
        await person.press("b", "escape", "3")
        assert "= compare" in person.keys
        await person.press("equals_sign")
        assert "versions / ADaM Datasets" in person.seen
        assert versions_of(person).rows.cursor_key
        await person.press("equals_sign")
        assert isinstance(person.app.screen, CompareFilesScreen)


def words_of(screen: CompareFilesScreen) -> dict[str, str]:
    """The word for each file."""
    return {"".join(m.text for m in row.cells[1]): "".join(m.text for m in row.cells[2]) for row in screen.rows.rows}


@SIZES
async def test_artifacts_are_compared_file_by_file(
    at_screen: Open, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(blobs(), ADSL["clinical-1"], b"USUBJID,AGE\n01-1,63\n01-2,64\n")
    monkeypatch.setitem(blobs(), ADSL["clinical-4"], b"USUBJID,AGE\n01-1,63\n01-2,65\n")
    async with at_screen(size) as person:
        screen = await compared_artifacts(person, "clinical-1", "clinical-4")
        names = {
            name: {file["file"] for file in expected()[name]["files"] if file["artifact"] == "ADaM Datasets"}
            for name in ("clinical-1", "clinical-4")
        }
        words = words_of(screen)
        assert set(words) == names["clinical-1"] | names["clinical-4"]
        assert words["adsl.csv"] == "changed"
        for name in names["clinical-1"] - names["clinical-4"]:
            assert words[name] == "removed"
        for name in names["clinical-4"] - names["clinical-1"]:
            assert words[name] == "added"
        assert "~ version: v1 -> v2" in person.seen
        assert "1 changed" in person.seen.splitlines()[0]
        assert person.line_of("- clinical-1")
        assert person.line_of("+ clinical-4")
        assert screen.rows.move_to(str([pair.name for pair in screen.pairs].index("adsl.csv")))
        await person.press("enter")
        assert isinstance(person.app.screen, CompareScreen)
        assert "64 -> 65" in person.seen
        await person.press("escape")
        assert person.app.screen is screen


async def test_the_tolerance_is_for_all_files(at_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(blobs(), ADSL["clinical-1"], b"USUBJID,AGE\n01-1,63\n01-2,64\n")
    monkeypatch.setitem(blobs(), ADSL["clinical-4"], b"USUBJID,AGE\n01-1,63\n01-2,65\n")
    async with at_screen(LARGE) as person:
        screen = await compared_artifacts(person, "clinical-1", "clinical-4")
        assert "t tolerance" in person.keys
        await person.press("t", "backspace", "1", "enter")
        assert words_of(screen)["adsl.csv"] == "same"
        assert screen.rows.move_to(str([pair.name for pair in screen.pairs].index("adsl.csv")))
        await person.press("enter")
        assert "equal in content" in differences(person)


async def test_a_key_of_one_file_leaves_the_others_theirs(at_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(blobs(), ADSL["clinical-1"], b"USUBJID,SEQ\n01-1,1\n01-2,2\n")
    monkeypatch.setitem(blobs(), ADSL["clinical-4"], b"USUBJID,SEQ\n01-1,2\n01-2,1\n")
    async with at_screen(SMALL) as person:
        screen = await compared_artifacts(person, "clinical-1", "clinical-4")
        before = words_of(screen)
        await person.press("c")
        await person.type("NOSUCH")
        await person.press("enter")
        assert isinstance(person.app.screen, AskScreen)
        assert "NOSUCH is no column of both tables." in person.seen
        person.app.screen.input.value = "SEQ"
        await person.press("enter")
        assert person.app.screen is screen
        assert words_of(screen) == before
        place = [pair.name for pair in screen.pairs].index("adsl.csv")
        assert screen.key_of(place) == ("SEQ",)
        assert screen.rows.move_to(str(place))
        await person.press("enter")
        assert "rows paired by SEQ: as given" in differences(person)


@SIZES
async def test_key_columns_are_asked_for_with_what_was_found(
    at_screen: Open, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(blobs(), ADSL["clinical-1"], b"USUBJID,SEQ,AGE\n01-1,1,63\n01-2,2,64\n")
    monkeypatch.setitem(blobs(), ADSL["clinical-4"], b"USUBJID,SEQ,AGE\n01-1,2,63\n01-2,1,64\n")
    async with at_screen(size) as person:
        screen = await compared_files(person)
        assert "rows paired by USUBJID" in differences(person)
        assert "c key columns" in person.keys
        await person.press("c")
        assert isinstance(person.app.screen, AskScreen)
        assert person.app.screen.input.value == "USUBJID"
        # A name that no table has is told where it was typed.
        await person.type("X")
        await person.press("enter")
        assert isinstance(person.app.screen, AskScreen)
        assert person.app.screen.input.value == "USUBJIDX"
        assert "USUBJIDX is no column of both tables." in person.seen
        person.app.screen.input.value = "seq"
        await person.press("enter")
        assert person.app.screen is screen
        assert "rows paired by SEQ: as given" in differences(person)
        assert screen.problem is None
        await person.press("c")
        assert isinstance(person.app.screen, AskScreen)
        person.app.screen.input.value = ""
        await person.press("enter")
        assert "rows paired by USUBJID" in differences(person)
        await person.press("c", "escape")
        assert person.app.screen is screen


@SIZES
async def test_a_tolerance_makes_numbers_equal(
    at_screen: Open, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(blobs(), ADSL["clinical-1"], b"USUBJID,AGE\n01-1,63\n01-2,64.001\n")
    monkeypatch.setitem(blobs(), ADSL["clinical-4"], b"USUBJID,AGE\n01-1,63\n01-2,64.002\n")
    async with at_screen(size) as person:
        await compared_files(person)
        assert "1 row changed" in person.seen
        await person.press("t")
        await person.type("x")
        await person.press("enter")
        assert "0x is no number from 0 on." in person.seen
        assert isinstance(person.app.screen, AskScreen)
        person.app.screen.input.value = "0.01"
        await person.press("enter")
        assert "equal in content" in person.seen
        assert "1 row changed" not in person.seen


async def test_a_comparison_is_copied_as_text(at_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(blobs(), ADSL["clinical-1"], b"USUBJID,AGE\n01-1,63\n01-2,64\n")
    monkeypatch.setitem(blobs(), ADSL["clinical-4"], b"USUBJID,AGE\n01-1,63\n01-2,65\n")
    async with at_screen(SMALL) as person:
        await compared_files(person)
        assert "y copy this" in person.keys
        await person.press("y")
        copied = person.app.clipboard
        assert copied.startswith("- clinical-1 ")
        assert "64 -> 65" in copied


async def test_what_is_compared_is_given_up_when_it_is_left(at_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def for_ever(*_: object, **__: object) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with at_screen(SMALL) as person:
        await person.open("clinical-2")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        await person.press("equals_sign")
        monkeypatch.setattr(files, "compare", for_ever)
        await person.pilot.press("equals_sign")
        await asyncio.wait_for(started.wait(), 10)
        assert "Comparing." in person.seen
        # Keys are answered meanwhile.
        await person.pilot.press("escape")
        await asyncio.wait_for(cancelled.wait(), 10)
        assert isinstance(person.app.screen, VersionsScreen)
        assert all(worker.state is not WorkerState.ERROR for worker in person.app.workers)


async def test_a_file_that_is_gone_is_told_in_place(at_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(blobs(), ADSL["clinical-1"])
    async with at_screen(LARGE) as person:
        await person.open("clinical-2")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        await person.press("equals_sign", "equals_sign")
        assert isinstance(person.app.screen, CompareScreen)
        assert "There is no object" in person.seen
        assert "Comparing." not in person.seen
