"""A run on the screen: tabs, previews, lineage, bookmarks and export, over the recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.tui.screens.preview import PreviewScreen
from flowtui.tui.screens.run import RunScreen
from flowtui.tui.widgets.facts import Facts
from flowtui.tui.widgets.rows import Rows
from flowtui.tui.widgets.viewer import Viewer
from tests.replay import expected
from tests.tui.conftest import LARGE, SMALL, Admin, Open, Person

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE])


def screen_of(person: Person) -> RunScreen:
    assert isinstance(person.app.screen, RunScreen)
    return person.app.screen


def list_of(person: Person) -> Rows:
    found = person.app.screen.query_one("#list", Rows)
    assert isinstance(found, Rows)
    return found


async def go_to(person: Person, artifact: str, file: str) -> None:
    """Put the cursor on a file."""
    rows = screen_of(person).artifacts_view.rows
    key = next(row.key for row in rows.rows if row.key.startswith("f\0") and f"\0{artifact}\0{file}\0" in row.key)
    assert rows.move_to(key)
    await person.settle()


PARTICULAR = (
    "clinical-1", "nested-1", "dynamics-1", "mapped-1", "cached-2", "partial-1-recovered", "duplicates-1", "branches-1",
    "values-1", "retried-parent-1", "frames-1", "wide-200-1",
)  # fmt: skip


async def test_the_tree_has_what_a_reader_must_find(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        for name in PARTICULAR:
            await person.open(name)
            rows = screen_of(person).artifacts_view.rows.rows
            listed = [row.key.split("\0")[1:5] for row in rows if row.key.startswith("f\0")]
            wanted = [[one["type"], one["artifact"], one["file"], one["node"]] for one in expected()[name]["files"]]
            assert sorted(listed) == sorted(wanted), name
            await person.press("escape")


@SIZES
async def test_nothing_foreign_reaches_the_terminal_unclean(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        await person.open("hostile-names-1")
        for tab in range(4):
            assert all(char.isprintable() or char == "\n" for char in person.seen), tab
            await person.press("right_square_bracket")
        assert "na[/red]" in person.seen


async def test_three_panes_follow_the_cursor(at_screen: Open) -> None:
    async with at_screen(LARGE) as person:
        await person.open("clinical-1")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        assert "USUBJID" in person.seen
        assert "rows x 3 columns" in person.seen
        facts = person.app.screen.query_one(Facts).text
        assert "made by" in facts
        assert "feeds" in facts
        await go_to(person, "SDTM", "dm.csv")
        assert screen_of(person).artifacts_view.pane.subject.name == "dm.csv"  # type: ignore[union-attr]


async def test_a_narrow_screen_reads_no_file_before_it_is_opened(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await person.open("clinical-1")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        assert screen_of(person).artifacts_view.pane.preview is None
        await person.press("enter")
        assert "USUBJID" in person.seen
        assert "made by" in person.seen


async def test_n_and_p_go_through_the_files_and_the_cursor_follows(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await person.open("clinical-1")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        await person.press("enter")
        assert isinstance(person.app.screen, PreviewScreen)
        await person.press("n")
        title = person.seen.splitlines()[0]
        assert "adsl.csv" not in title
        await person.press("escape")
        chosen = screen_of(person).artifacts_view.chosen
        assert getattr(chosen, "file", "") in title
        await person.press("enter", "p", "p", "p", "p", "p")
        assert "p previous" not in person.keys


async def test_a_file_that_is_gone_says_so_in_the_pane(at_screen: Open) -> None:
    async with at_screen(LARGE) as person:
        await person.open("fails-1")
        await go_to(person, "Boom", "never.pdf")
        assert "Not produced: the run or the node ended without it." in person.seen
        assert "enter open" not in person.keys
        assert "ValueError" in person.seen.splitlines()[1] or "RuntimeError" in person.seen.splitlines()[1]


async def test_other_outputs_are_asked_for_when_their_group_is_opened(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await person.open("clinical-1")
        before = len(person.admin.requests)
        await person.press("G")
        assert len(person.admin.requests) == before
        await person.press("l")
        outputs = [row for row in screen_of(person).artifacts_view.rows.rows if row.key.startswith("u\0")]
        assert outputs
        assert len(person.admin.requests) > before
        await person.press("h")
        assert not [row for row in screen_of(person).artifacts_view.rows.rows if row.key.startswith("u\0")]


@SIZES
async def test_a_failed_node_shows_its_whole_error(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        await person.open("fails-1")
        await person.press("right_square_bracket")
        assert "✖ failed" in person.line_of(" >")
        if size == SMALL:
            await person.press("enter")
        shown = person.app.screen.query(Viewer).filter("#detail, #node-detail").first(Viewer).text
        assert "Traceback" in shown
        assert "try 1" in shown


async def test_a_launch_plan_node_opens_the_run_that_it_started(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await person.open("lp-parent-1")
        await person.press("right_square_bracket", "enter")
        assert screen_of(person).run_id.name == "lp-parent-1-n0-0"
        assert "ADaM Datasets" in person.seen
        await person.press("escape")
        assert screen_of(person).run_id.name == "lp-parent-1"


async def test_the_graph_names_every_node_once_and_its_files(at_screen: Open) -> None:
    async with at_screen(LARGE) as person:
        await person.open("clinical-1")
        await person.press("right_square_bracket", "right_square_bracket")
        assert "adsl.csv" in person.seen
        assert "enter" not in person.keys


@SIZES
async def test_launch_inputs_have_name_value_and_type(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        await person.open("clinical-1")
        await person.press("left_square_bracket")
        rows = person.app.screen.query_one("#input-rows", Rows).rows
        assert rows
        assert rows[0].cells[0][0].text in person.seen
        assert rows[0].cells[1][0].text in person.seen


async def test_lineage_has_upstream_above_and_downstream_below(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await person.open("clinical-1")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        await person.press("L")
        lines = person.seen.splitlines()
        at = next(number for number, line in enumerate(lines) if "▶" in line)
        assert "adsl.csv" in lines[at]
        assert any("dm.csv" in line for line in lines[:at])
        assert any("adae dataset" in line for line in lines[at + 1 :])
        assert any(" input " in line for line in lines)
        await person.press("i")
        assert not any(" input " in line for line in person.seen.splitlines())


async def test_b_keeps_an_artifact_and_bookmarks_open_it_there(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await person.press("3")
        assert "No bookmarks yet." in person.seen
        await person.press("1")
        await person.open("clinical-1")
        await person.press("g", "b")
        assert "★" in person.line_of("ADaM Datasets")
        await go_to(person, "SDTM", "dm.csv")
        await person.press("b", "3")
        assert len(list_of(person).rows) == 2
        await person.press("enter")
        assert getattr(screen_of(person).artifacts_view.chosen, "file", "") == "dm.csv"
        await person.press("3", "b")
        assert len(list_of(person).rows) == 1


async def test_the_artifacts_place_lists_versions_across_runs(at_screen: Open) -> None:
    async with at_screen(LARGE) as person:
        await person.press("2")
        keys = [row.key for row in list_of(person).rows]
        wanted = {
            f"flytesnacks/development/{name}\0a\0{file['type']}\0{file['artifact']}"
            for name, run in expected().items()
            for file in run["files"]
        }
        assert wanted <= set(keys)
        await person.press("slash")
        await person.type("artifact:ADaM run:clinical-1")
        await person.press("enter", "enter")
        assert screen_of(person).run_id.name == "clinical-1"


async def test_export_shows_a_plan_before_it_writes_and_is_recorded(
    at_screen: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written = tmp_path / "exports" / "clinical-1" / "ADaM Datasets" / "adsl.csv"
    async with at_screen(SMALL) as person:
        await person.open("clinical-1")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        await person.press("e")
        assert "ADaM Datasets/adsl.csv" in person.seen
        assert " new" in person.seen
        assert not written.exists()
        await person.press("enter")
        await person.exported()
        assert written.read_bytes().startswith(b"USUBJID")
        assert "exported 1 file" in person.keys
        await person.press("e")
        assert "there already" in person.seen
        assert "enter" not in person.keys
        await person.press("escape", "4")
        assert "✔ done" in person.seen
        assert "clinical-1" in person.seen


async def test_export_asks_where_and_says_what_is_in_the_way(
    at_screen: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "here" / "ADaM Datasets" / "adsl.csv"
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    async with at_screen(SMALL) as person:
        await person.open("clinical-1")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        await person.press("e", "t")
        await person.pilot.press("ctrl+u")
        await person.type(str(tmp_path / "here"))
        await person.press("enter")
        assert "replaces 4 B" in person.seen
        await person.press("x")
        assert "in the way" in person.seen
        await person.press("enter")
        assert there.read_text() == "mine"
        await person.press("x")
        assert "keeps both" in person.seen
        await person.press("enter")
        await person.exported()
        assert there.read_text() == "mine"
        assert len(list(there.parent.iterdir())) == 2


async def test_y_puts_the_uri_on_the_clipboard(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await person.open("clinical-1")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        await person.press("y")
        assert person.app.clipboard.startswith("s3://flyte/")
        assert "copied s3://flyte/" in person.keys


async def test_a_run_that_ended_costs_no_call_the_second_time(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await person.open("clinical-1")
        await person.press("escape")
        before = [request for request in person.admin.requests if "dataproxy" not in request]
        await person.open("clinical-1")
        after = [request for request in person.admin.requests if "dataproxy" not in request]
        assert "ADaM Datasets" in person.seen
        assert len(after) - len(before) <= 1


async def test_a_running_run_is_live_and_keeps_the_cursor(at_screen: Open) -> None:
    async with at_screen(SMALL, admin=Admin(running=True)) as person:
        await person.open("long-running-1")
        assert "● running" in person.seen.splitlines()[0]
        assert "live" in person.seen.splitlines()[0]
        await go_to(person, "Slow", "sleeper.csv")
        assert "pending" in person.line_of("sleeper.csv")
        key = screen_of(person).artifacts_view.rows.cursor_key
        await person.press("r")
        assert screen_of(person).artifacts_view.rows.cursor_key == key


async def test_the_filter_of_a_run_keeps_artifacts_with_their_files(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await person.open("clinical-1")
        await person.press("slash")
        await person.type("adsl")
        shown = [row.key for row in screen_of(person).artifacts_view.rows.rows]
        assert len([key for key in shown if key.startswith("f\0")]) == 1
        await person.press("enter", "escape")
        assert len(screen_of(person).artifacts_view.rows.rows) > len(shown)
