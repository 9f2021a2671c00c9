"""The screen under faults: what was there stays with its age, the error names the key that helps, nothing crashes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from flyteidl.admin import execution_pb2
from flyteidl.core import execution_pb2 as core
from google.protobuf.message import Message

from flowtui.httpclient import httpx
from flowtui.tui.screens.base import FIRST_RETRY, LAST_RETRY, BaseScreen
from flowtui.tui.widgets.rows import Rows
from tests.faults import FAULTS, HANGING, LASTING, PASSING, Fault
from tests.headless.conftest import DOMAIN, PROJECT
from tests.tui.conftest import LARGE, NOW, SMALL, Admin, Open, Person


@pytest.fixture(autouse=True)
def _one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own repetitions have their tests; here they would only take time."""
    monkeypatch.setattr("flowtui.admin.connection.READ_ATTEMPTS", 1)


class Flaky(Admin):
    """The recordings, with a fault while ``fault`` is set."""

    fault: Fault | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.fault is not None:
            return await self.fault(request, super().handle_async_request)
        return await super().handle_async_request(request)


def screen_of(person: Person) -> BaseScreen[Any]:
    found = person.app.screen
    assert isinstance(found, BaseScreen)
    return found


def words(person: Person) -> str:
    """What is on the terminal, whatever line it is broken into."""
    return " ".join(person.seen.split())


def title(person: Person) -> str:
    return person.seen.splitlines()[0]


async def some_time_later(person: Person) -> None:
    """As much time as may pass before something is tried again by itself."""
    screen = screen_of(person)
    screen._failed -= LAST_RETRY
    screen._tick()
    await person.settle()


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_server_that_goes_away_and_comes_back(at_screen: Open, size: tuple[int, int]) -> None:
    admin = Flaky()
    async with at_screen(size, admin=admin) as person:
        listed = person.app.screen.query_one("#list", Rows).rows
        assert "live" in title(person)
        admin.fault = PASSING["refused"]
        await person.press("r")
        assert "not reached since 18:00 · retrying" in title(person)
        assert "cannot be reached" in words(person)
        assert "r tries again. Below is what was there at 18:00." in words(person)
        assert person.app.screen.query_one("#list", Rows).rows == listed
        # Not at once, and then by itself.
        asked = len(admin.requests)
        screen_of(person)._tick()
        await person.settle()
        assert len(admin.requests) == asked
        admin.fault = None
        await some_time_later(person)
        assert "live" in title(person)
        assert "cannot be reached" not in person.seen


async def test_retries_come_less_often_the_longer_it_lasts(at_screen: Open) -> None:
    admin = Flaky()
    async with at_screen(admin=admin) as person:
        admin.fault = PASSING["503"]
        await person.press("r")
        screen = screen_of(person)
        waits = [screen._retry_after()]
        for _ in range(6):
            await some_time_later(person)
            waits.append(screen._retry_after())
        assert waits == [FIRST_RETRY, 10, 20, 40, LAST_RETRY, LAST_RETRY, LAST_RETRY]
        assert "failing since 18:00 · retrying" in title(person)


@pytest.mark.parametrize(("name", "said"), [("401", "not logged in since 18:00"), ("400", "no answer since 18:00")])
async def test_what_does_not_pass_is_not_tried_again(at_screen: Open, name: str, said: str) -> None:
    admin = Flaky()
    async with at_screen(admin=admin) as person:
        admin.fault = LASTING[name]
        await person.press("r")
        assert said in title(person)
        assert "retrying" not in title(person)
        asked = len(admin.requests)
        admin.fault = None
        await some_time_later(person)
        assert len(admin.requests) == asked
        await person.press("r")
        assert "live" in title(person)


KINDS = (
    "reset", "body shorter than told", "body without end", "gzip damaged", "429 slow down", "502 page",
    "403", "404", "302 to a login", "login page", "text", "stall", "drip without end",
)  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
async def test_no_fault_crashes_the_list_or_empties_it(at_screen: Open, name: str) -> None:
    admin = Flaky()
    async with at_screen(admin=admin, timeout=0.2 if name in HANGING else 30) as person:
        listed = person.app.screen.query_one("#list", Rows).rows
        admin.fault = FAULTS[name]
        await person.press("r")
        assert person.app.screen.query_one("#list", Rows).rows == listed
        assert "live" not in title(person)
        assert "r tries again" in words(person)
        assert "defect" not in person.seen
        admin.fault = None
        await person.press("r")
        assert "live" in title(person)


SHOWN = {
    "runs": (),
    "artifacts of all runs": ("2",),
    "bookmarks": ("3",),
    "exports": ("4",),
    "run": ("enter",),
    "nodes": ("enter", "right_square_bracket"),
    "graph": ("enter", "right_square_bracket", "right_square_bracket"),
    "inputs": ("enter", "left_square_bracket"),
    "lineage": ("enter", "down", "L"),
    "preview": ("enter", "down", "enter"),
}


@pytest.mark.parametrize("place", SHOWN)
@pytest.mark.parametrize("name", ["refused", "garbage"])
async def test_no_place_crashes_or_says_that_there_is_nothing(at_screen: Open, name: str, place: str) -> None:
    admin = Flaky()
    async with at_screen(admin=admin) as person:
        assert person.app.screen.query_one("#list", Rows).move_to(f"{PROJECT}/{DOMAIN}/clinical-1")
        await person.settle()
        # Each place is entered, and then opened anew, with everything failing.
        admin.fault = FAULTS[name]
        await person.press(*SHOWN[place])
        seen = person.seen
        assert "defect" not in seen
        for claim in ("No runs in", "declares an artifact", "not produced", "No row has these words"):
            assert claim not in seen
        if place in ("artifacts of all runs", "run", "nodes", "graph", "inputs"):
            assert "r tries again" in words(person)
        admin.fault = None
        await person.press("r")
        assert "r tries again" not in words(person)
        assert "defect" not in person.seen


async def test_a_run_whose_files_cannot_be_read_is_not_taken_for_one_without(at_screen: Open) -> None:
    class OneFails(Admin):
        broken = True

        def answer(self, request: httpx.Request, path: str, params: dict[str, str]) -> httpx.Response:
            if self.broken and path.startswith("/api/v1/data/node_executions"):
                return httpx.Response(500, json={"code": 13, "message": "the store is out of reach"})
            return super().answer(request, path, params)

    admin = OneFails()
    async with at_screen(LARGE, admin=admin) as person:
        await person.open("clinical-1")
        assert "unavailable" in person.seen
        await person.press("down")
        assert "cannot be read" in person.seen
        admin.broken = False
        await person.press("r")
        assert "unavailable" not in person.seen


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_node_whose_details_cannot_be_read_keeps_what_is_known(at_screen: Open, size: tuple[int, int]) -> None:
    admin = Flaky()
    async with at_screen(size, admin=admin) as person:
        await person.open("clinical-1")
        await person.press("right_square_bracket")
        admin.fault = FAULTS["500"]
        await person.press("down", "enter")
        assert "deadlock" in words(person)
        assert "r tries again" in words(person)
        assert "n1" in person.seen


async def test_what_could_not_be_counted_is_counted_later(at_screen: Open) -> None:
    class NoWorkflows(Admin):
        broken = True

        def answer(self, request: httpx.Request, path: str, params: dict[str, str]) -> httpx.Response:
            if self.broken and path.startswith("/api/v1/workflows"):
                return httpx.Response(503, json={"code": 14, "message": "unavailable"})
            return super().answer(request, path, params)

    admin = NoWorkflows()
    async with at_screen(admin=admin) as person:
        rows = person.app.screen.query_one("#list", Rows)
        assert rows.move_to(f"{PROJECT}/{DOMAIN}/clinical-1")
        await person.settle()
        admin.broken = False
        await person.press("r")
        counts = {row.key.rpartition("/")[2]: row.cells[5] for row in rows.rows}
        assert counts["clinical-1"][0].text == "4"


async def test_a_refused_action_says_how_to_see_what_became_of_it(at_screen: Open) -> None:
    admin = Flaky()
    async with at_screen(admin=admin) as person:
        await person.press("R")
        admin.fault = LASTING["403"]
        await person.press("enter")
        assert "does not allow" in words(person)
        assert "r shows how it stands" in words(person)


@pytest.mark.parametrize("hours", [-3, 3])
async def test_a_clock_that_is_off_makes_no_odd_times(at_screen: Open, hours: int) -> None:
    """Something that began 90 seconds ago by the server's clock has been running for 90 seconds."""

    class Skewed(Admin):
        def respond(self, request: httpx.Request, status: int, message: Message) -> httpx.Response:
            answer = super().respond(request, status, message)
            theirs = datetime.now(timezone.utc) + timedelta(hours=hours)
            answer.headers["date"] = format_datetime(theirs, usegmt=True)
            return answer

    admin = Skewed()
    run = execution_pb2.Execution()
    run.CopyFrom(admin.single[f"/api/v1/executions/{PROJECT}/{DOMAIN}/clinical-1"])
    run.id.name = "young"
    run.closure.phase = core.WorkflowExecution.RUNNING
    run.closure.ClearField("duration")
    began = NOW + timedelta(hours=hours) - timedelta(seconds=90)
    for field in (run.closure.started_at, run.closure.created_at, run.closure.updated_at):
        field.FromDatetime(began.replace(tzinfo=None))
    admin.extra = [run]
    async with at_screen(LARGE, admin=admin) as person:
        await person.press("r")
        line = person.line_of("young")
        assert any(took in line for took in ("1m28", "1m29", "1m30", "1m31")), line
        assert " in " not in line
        assert "-1" not in line.replace("young", "")
