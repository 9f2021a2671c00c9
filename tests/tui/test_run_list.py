"""The list of runs over pages, searches and changes: pure, and at the screen."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from flyteidl.admin import execution_pb2
from flyteidl.core import execution_pb2 as core
from hypothesis import given
from hypothesis import strategies as st

from flowtui.domain.execution import EntityId, Execution, ExecutionId, ExecutionPage
from flowtui.httpclient import httpx
from flowtui.tui.run_list import RunList, created
from flowtui.tui.screens.runs import RunsScreen
from tests.headless.conftest import DOMAIN, PROJECT
from tests.tui.conftest import NOW, Admin, Open

BEGIN = datetime(2026, 11, 1, tzinfo=timezone.utc)


def run(number: int, phase: str = "SUCCEEDED") -> Execution:
    entity = EntityId("p", "d", "flow", "v1")
    moment = BEGIN + timedelta(seconds=number)
    id_ = ExecutionId("p", "d", f"run-{number}")
    return Execution(id_, phase, entity, entity, "MANUAL", "", moment, 1.0, moment, moment)


def page(*numbers: int, token: str = "") -> ExecutionPage:
    return ExecutionPage(tuple(run(number) for number in numbers), token, BEGIN)


def numbers(runs: RunList) -> list[int]:
    return [int(key.rpartition("-")[2]) for key in runs.runs]


def test_a_refresh_keeps_what_was_scrolled_to() -> None:
    runs = RunList()
    runs.begin(page(9, 8, 7, token="t1"))
    runs.extend(page(6, 5, token="t2"))
    runs.begin(page(10, 9, 8, token="t3"))
    assert numbers(runs) == [10, 9, 8, 7, 6, 5]
    assert runs.next_token() == "t2"


def test_what_is_gone_from_the_first_page_is_gone() -> None:
    runs = RunList()
    runs.begin(page(9, 8, 7, token="t1"))
    runs.extend(page(6, token="t2"))
    runs.begin(page(9, 7, 6, token="t3"))
    assert numbers(runs) == [9, 7, 6]
    assert runs.next_token() == "t3"


def test_older_runs_are_forgotten_rather_than_a_gap_left() -> None:
    runs = RunList()
    runs.begin(page(3, 2, 1, token="t1"))
    runs.begin(page(90, 89, 88, token="t2"))
    assert numbers(runs) == [90, 89, 88]
    assert runs.next_token() == "t2"


def test_the_whole_list_on_one_page_is_the_whole_list() -> None:
    runs = RunList()
    runs.begin(page(3, 2, 1, token="t1"))
    runs.begin(page(3))
    assert (numbers(runs), runs.next_token()) == ([3], "")


def test_a_search_has_its_own_pages() -> None:
    runs = RunList()
    runs.begin(page(9, 8, token="t1"))
    runs.extend(page(5, 3, token="s1"), "wf:x", first=True)
    runs.extend(page(2, token=""), "wf:x")
    assert numbers(runs) == [9, 8, 5, 3, 2]
    assert runs.found("wf:x") == {"p/d/run-5", "p/d/run-3", "p/d/run-2"}
    assert (runs.next_token(), runs.next_token("wf:x")) == ("t1", "")


def test_changes_say_whether_anything_changed() -> None:
    runs = RunList()
    runs.begin(page(2, 1, token="t1"))
    same = runs.runs["p/d/run-1"]
    assert not runs.merge(page(2, 1))
    assert runs.runs["p/d/run-1"] is same
    assert runs.merge(ExecutionPage((run(1, "RUNNING"), run(3)), "", BEGIN))
    assert numbers(runs) == [3, 2, 1]
    assert runs.goes_on


@given(st.lists(st.lists(st.integers(0, 30), max_size=6), max_size=8), st.lists(st.booleans(), min_size=8, max_size=8))
def test_runs_are_newest_first_whatever_comes(pages: list[list[int]], more: list[bool]) -> None:
    runs = RunList()
    for index, rows in enumerate(pages):
        one = page(*sorted(set(rows), reverse=True), token="t" if more[index] else "")
        (runs.begin, runs.extend, runs.merge)[index % 3](one)
        moments = [created(one) for one in runs.runs.values()]
        assert moments == sorted(moments, reverse=True)
        assert set(rows) <= set(numbers(runs))


class Many(Admin):
    """As many runs as a test wants, one a minute."""

    def __init__(self, count: int) -> None:
        super().__init__()
        template = super().executions()[0]
        self.made = []
        for number in range(count):
            one = execution_pb2.Execution()
            one.CopyFrom(template)
            one.id.name = f"many-{number:05}"
            moment = NOW - timedelta(minutes=number + 1)
            one.closure.created_at.FromDatetime(moment.replace(tzinfo=None))
            one.closure.updated_at.CopyFrom(one.closure.created_at)
            one.closure.started_at.CopyFrom(one.closure.created_at)
            self.made.append(one)

    def executions(self) -> list[execution_pb2.Execution]:
        return [*self.extra, *self.made]

    def answer(self, request: httpx.Request, path: str, params: dict[str, str]) -> httpx.Response:
        name = path.rpartition("/")[2]
        if path == f"/api/v1/executions/{PROJECT}/{DOMAIN}/{name}" and name.startswith("many-"):
            return self.respond(request, 200, self.made[int(name[5:])])
        return super().answer(request, path, params)

    def asked(self) -> list[dict[str, Any]]:
        """The parameters of the requests for lists of runs."""
        from urllib.parse import parse_qsl

        lists = [one for one in self.requests if f"/executions/{PROJECT}/{DOMAIN}?" in one]
        return [dict(parse_qsl(one.partition("?")[2])) for one in lists]


async def test_a_long_list_is_scrolled_to_its_end(at_screen: Open) -> None:
    admin = Many(1234)
    async with at_screen(admin=admin) as person:
        assert "50+" in person.seen
        for _ in range(12):
            await person.press("G")
        assert "many-01233" in person.seen
        assert "1,234" in person.seen
        assert len(admin.asked()) <= 8
        assert not any("token" in asked for asked in admin.asked())


async def test_a_refresh_is_one_call_that_asks_for_what_changed(
    at_screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunsScreen, "period", 3600)
    admin = Many(120)
    admin.clock = NOW
    async with at_screen(admin=admin) as person:
        await person.press("G", "G")
        screen = person.app.screen
        assert isinstance(screen, RunsScreen)
        old = admin.made[100]
        old.closure.phase = core.WorkflowExecution.FAILED
        old.closure.updated_at.FromDatetime(NOW.replace(tzinfo=None))
        asked = len(admin.asked())
        screen.reload()
        await person.settle()
        new = admin.asked()[asked:]
        assert [one["filters"] for one in new] == ["gte(updated_at,2026-11-23T17:59:30.000000Z)"]
        assert screen.executions[f"{PROJECT}/{DOMAIN}/many-00100"].phase == "FAILED"
        assert len(screen.executions) == 120


async def test_r_lets_go_of_what_was_archived(at_screen: Open) -> None:
    admin = Many(60)
    admin.clock = NOW
    async with at_screen(admin=admin) as person:
        assert "many-00003" in person.seen
        del admin.made[3]
        await person.press("r")
        assert "many-00003" not in person.seen
        assert "many-00004" in person.seen


async def test_files_and_errors_are_asked_for_where_somebody_looks(at_screen: Open) -> None:
    admin = Many(300)
    for number, one in enumerate(admin.made):
        one.closure.workflow_id.version = f"v{number}"
    async with at_screen(admin=admin) as person:
        asked = {one for one in admin.requests if "/workflows/" in one}
        assert 5 < len(asked) < 30
        await person.press("ctrl+d", "ctrl+d", "ctrl+d")
        assert len({one for one in admin.requests if "/workflows/" in one}) > len(asked)


async def test_words_that_no_run_has_are_asked_for_first(at_screen: Open) -> None:
    admin = Many(60)
    async with at_screen(admin=admin) as person:
        await person.press("slash")
        admin.gate.clear()
        await person.pilot.press("z", "z")
        await person.pilot.pause()
        assert "No run that was read so far has these words." in person.seen
        assert "Asking flyte.test for older ones." in person.seen
        admin.gate.set()
        admin.refuse = 400
        await person.settle()
        assert "Older ones:" in person.seen
        assert "down for maintenance" in person.seen


async def test_a_word_that_cannot_be_searched_for_says_why(at_screen: Open) -> None:
    async with at_screen() as person:
        await person.press("slash")
        await person.type("before:banana")
        assert "banana is not a time" in person.seen
        assert "2026-01-31" in person.seen


async def test_artifacts_of_older_runs_are_read_when_somebody_scrolls_there(at_screen: Open) -> None:
    admin = Many(120)
    template = next(path for path in admin.single if path.endswith("/development/clinical-1"))
    workflow = admin.single[template].closure.workflow_id  # type: ignore[attr-defined]
    for one in admin.made:
        one.closure.workflow_id.CopyFrom(workflow)
    async with at_screen(admin=admin) as person:
        await person.press("2")
        assert "many-00000" in person.seen
        assert "+" in person.seen.splitlines()[3]
        for _ in range(4):
            await person.press("G")
        assert "many-00119" in person.seen
        assert "+" not in person.seen.splitlines()[3]
