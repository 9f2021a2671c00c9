"""The Runs place, at both sizes, over the recordings."""

from __future__ import annotations

import pytest
from flyteidl.admin import execution_pb2
from flyteidl.core import execution_pb2 as core

from flowtui.tui.screens.runs import RunsScreen
from flowtui.tui.widgets.rows import Rows
from tests.headless.conftest import DOMAIN, PROJECT
from tests.replay import expected
from tests.tui.conftest import LARGE, SMALL, Admin, Open

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE])


def rows_of(person) -> Rows:  # type: ignore[no-untyped-def]
    found = person.app.screen.query_one("#list", Rows)
    assert isinstance(found, Rows)
    return found


@SIZES
async def test_every_recorded_run_is_listed_with_phase_and_workflow(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        shown = {row.key.rpartition("/")[2]: row for row in rows_of(person).rows}
        assert set(shown) >= set(expected())
        assert "✖ failed" in shown["fails-1"].cells[0][0].text
        assert shown["clinical-1"].cells[5][0].text == "4"
        assert "labflows" in person.seen
        assert "live" in person.seen.splitlines()[0]


@SIZES
async def test_a_failed_run_says_why_below_itself(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        await person.press("slash")
        await person.type("run:fails-1")
        lines = person.seen.splitlines()
        at = next(number for number, line in enumerate(lines) if "✖ failed" in line and "fails-1" in line)
        assert "RuntimeError: no denominators in [bold]ADSL[/bold]" in lines[at + 1]


async def test_the_filter_narrows_and_esc_clears_it(at_screen: Open) -> None:
    async with at_screen() as person:
        everything = len(rows_of(person).rows)
        await person.press("slash")
        await person.type("wf:clinical !run:lp-parent")
        kept = [row.key.rpartition("/")[2] for row in rows_of(person).rows]
        assert kept
        assert all("clinical" in name or name.startswith("f") for name in kept)
        assert f"{len(kept)} of {everything}" in person.seen
        await person.press("escape")
        assert len(rows_of(person).rows) == everything


async def test_words_that_no_run_has_say_so(at_screen: Open) -> None:
    async with at_screen() as person:
        await person.press("slash")
        await person.type("nothing-is-called-so")
        assert "No row has these words." in person.seen


async def test_going_back_finds_cursor_and_scroll_where_they_were(at_screen: Open) -> None:
    async with at_screen() as person:
        await person.press("G", "k", "k")
        before = rows_of(person).cursor_key, rows_of(person).scroll_offset
        assert before[1].y > 0
        await person.press("enter")
        assert "Launch Inputs" in person.seen
        await person.press("escape")
        assert (rows_of(person).cursor_key, rows_of(person).scroll_offset) == before


async def test_a_new_run_leaves_the_cursor_on_its_row(at_screen: Open) -> None:
    admin = Admin()
    async with at_screen(admin=admin) as person:
        await person.press("ctrl+d", "ctrl+d", "ctrl+d")
        rows = rows_of(person)
        key = rows.cursor_key
        line = next(number for number, text in enumerate(person.seen.splitlines()) if text.startswith(" >"))
        run = execution_pb2.Execution()
        run.CopyFrom(admin.executions()[0])
        run.id.name = "brand-new"
        run.closure.phase = core.WorkflowExecution.RUNNING
        admin.extra = [run]
        await person.press("r")
        assert rows.rows[0].key == f"{PROJECT}/{DOMAIN}/brand-new"
        assert rows.cursor_key == key
        assert person.seen.splitlines()[line].startswith(" >")


async def test_the_first_frame_does_not_wait_for_the_server(at_screen: Open) -> None:
    admin = Admin()
    admin.gate.clear()
    async with at_screen(admin=admin) as person:
        assert "1 Runs" in person.seen
        assert "Asking flyte.test for runs." in person.seen
        assert "? help" in person.keys
        admin.gate.set()
        await person.settle()
        assert "✔ done" in person.seen


@SIZES
async def test_an_error_is_shown_in_place_and_what_was_there_stays(at_screen: Open, size: tuple[int, int]) -> None:
    admin = Admin()
    async with at_screen(size, admin=admin) as person:
        listed = rows_of(person).rows
        admin.refuse = 400
        await person.press("r")
        assert "down for maintenance" in person.seen
        assert "r tries again" in person.seen
        assert "no answer" in person.seen.splitlines()[0]
        assert rows_of(person).rows == listed
        admin.refuse = 0
        await person.press("r")
        assert "down for maintenance" not in person.seen


async def test_re_run_asks_first(at_screen: Open) -> None:
    async with at_screen() as person:
        await person.press("R")
        assert "Re-run" in person.seen
        await person.press("escape")
        assert person.admin.posted == {}
        await person.press("R", "enter")
        name = rows_of(person).cursor_key.rpartition("/")[2]
        sent = execution_pb2.ExecutionRelaunchRequest.FromString(person.admin.posted["/api/v1/executions/relaunch"])
        assert sent.id.name == name


async def test_only_a_run_that_goes_on_can_be_terminated(at_screen: Open) -> None:
    async with at_screen(admin=Admin(running=True)) as person:
        screen = person.app.screen
        assert isinstance(screen, RunsScreen)
        assert rows_of(person).move_to(f"{PROJECT}/{DOMAIN}/clinical-1")
        await person.press("ctrl+x")
        assert person.app.screen is screen
        assert rows_of(person).move_to(f"{PROJECT}/{DOMAIN}/long-running-1")
        await person.settle()
        assert "^x terminate" in person.keys
        await person.press("ctrl+x")
        assert "Terminate long-running-1?" in person.seen
        await person.press("enter")
        assert list(person.admin.posted) == [f"/api/v1/executions/{PROJECT}/{DOMAIN}/long-running-1"]


async def test_without_a_project_the_projects_are_listed(at_screen: Open) -> None:
    async with at_screen(project="") as person:
        assert PROJECT in person.seen
        await person.press("enter")
        assert "clinical-1" in {row.key.rpartition("/")[2] for row in rows_of(person).rows}


async def test_ascii_draws_nothing_else(at_screen: Open) -> None:
    async with at_screen(ascii=True) as person:
        assert person.seen.isascii()
        assert "x failed" in person.seen
        assert rows_of(person).move_to(f"{PROJECT}/{DOMAIN}/clinical-1")
        await person.press("enter")
        assert person.seen.isascii()
        await person.press("question_mark")
        assert person.seen.isascii()


async def test_a_start_at_a_run_opens_it_over_the_runs(at_screen: Open) -> None:
    from flowtui.domain.execution import ExecutionId

    async with at_screen(start=ExecutionId(PROJECT, DOMAIN, "clinical-1")) as person:
        assert "ADaM Datasets" in person.seen
        await person.press("escape")
        assert "1 Runs" in person.seen


@pytest.mark.parametrize("theme", ["flowtui-light", "ansi-dark", "ansi-light"])
async def test_other_themes_draw_the_same(at_screen: Open, theme: str) -> None:
    async with at_screen() as person:
        before = person.seen
        person.app.theme = theme
        await person.settle()
        assert person.seen == before


async def test_what_runs_is_asked_for_again_only_while_it_is_seen(
    at_screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunsScreen, "period", 0.001)
    async with at_screen(admin=Admin(running=True)) as person:
        screen = person.app.screen
        assert isinstance(screen, RunsScreen)
        asked = len(person.admin.requests)
        screen._tick()
        await person.settle()
        assert len(person.admin.requests) > asked
        asked = len(person.admin.requests)
        person.app.app_focus = False
        screen._tick()
        await person.settle()
        assert len(person.admin.requests) == asked
        person.app.app_focus = True
        await person.press("3")
        asked = len(person.admin.requests)
        screen._tick()
        await person.settle()
        assert len(person.admin.requests) == asked


async def test_runs_of_this_machine_say_how_to_see_a_server(at_screen: Open) -> None:
    async with at_screen(local=True) as person:
        assert "this machine" in person.seen.splitlines()[0]
        assert ":connect for a Flyte server" in person.seen.splitlines()[1]
