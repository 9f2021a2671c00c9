"""Waiting for the files of an export, over recorded answers of a real Flyte."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest

from flowtui.admin import AdminClient
from flowtui.catalog import Catalog
from flowtui.catalog.entities import Entities
from flowtui.catalog.export_wait import Pauses
from flowtui.catalog.fetch import Fetcher
from flowtui.domain.artifact import RunArtifacts
from flowtui.domain.execution import ExecutionId
from flowtui.domain.export_request import ExportRequest, ExportSpec, Wanted
from flowtui.errors import ExportError, NotFoundError, UnreachableError
from flowtui.httpclient import httpx
from tests.replay import BASE_URL, Replay, expected

EXPECTED = expected()
PAUSES = Pauses(first=0.01, longest=0.02)


def execution(name: str) -> ExecutionId:
    return ExecutionId("flytesnacks", "development", name)


def request(*wanted: Wanted) -> ExportRequest:
    return ExportRequest((ExportSpec("dataset", "d", wanted),))


def of_all(name: str) -> ExportRequest:
    return request(*(Wanted(file["artifact"], file["type"], file["file"]) for file in EXPECTED[name]["files"]))


async def waited(
    name: str,
    wanted: ExportRequest,
    transport: httpx.AsyncBaseTransport | None = None,
    *,
    pauses: Pauses = PAUSES,
    seconds: float = 0.0,
    told: list[str] | None = None,
) -> RunArtifacts:
    """What the wait gives; without ``seconds`` it has no time at all."""
    async with AdminClient(BASE_URL, transport=transport or Replay(), retry_delay=0) as client:
        return await Catalog(client).awaited_artifacts(
            execution(name),
            wanted,
            tell=(told if told is not None else []).append,
            pauses=pauses,
            deadline=time.monotonic() + seconds,
        )


def states(files: Iterable[dict[str, object]]) -> set[object]:
    return {file["state"] for file in files}


@pytest.mark.parametrize(
    "name", [name for name, run in EXPECTED.items() if run["phase"] == "SUCCEEDED" and run["files"]]
)
async def test_a_run_that_has_succeeded_is_not_waited_for(name: str) -> None:
    if states(EXPECTED[name]["files"]) <= {"present", "not_produced"}:
        run = await waited(name, of_all(name))
        assert {file.state for file in run.files} == states(EXPECTED[name]["files"])
    else:
        with pytest.raises(NotFoundError, match="cannot be exported"):
            await waited(name, of_all(name))


@pytest.mark.parametrize(
    "name", [name for name, run in EXPECTED.items() if run["phase"] in ("FAILED", "ABORTED") and run["files"]]
)
async def test_a_run_that_has_failed_is_refused_with_its_reason(name: str) -> None:
    with pytest.raises((ExportError, NotFoundError)) as caught:
        await waited(name, of_all(name))
    assert any(word in caught.value.message for word in ("FAILED", "ABORTED", "TIMED_OUT")), caught.value.message


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fails-1", "Boom/never.pdf of node n1 (boom): FAILED: RuntimeError: no denominators in [bold]ADSL[/bold]"),
        ("timed-out-1", "timeout"),
    ],
)
async def test_the_reason_names_the_error_of_the_node(name: str, said: str) -> None:
    with pytest.raises((ExportError, NotFoundError)) as caught:
        await waited(name, of_all(name))
    assert said in caught.value.message
    assert len(caught.value.message) < 1000


async def test_what_no_run_declares_is_said_at_once() -> None:
    with pytest.raises(NotFoundError, match=r"declares no file of Nobody's \(data\)"):
        await waited("clinical-1", request(Wanted("Nobody's", "data")), seconds=60)


async def test_a_run_that_goes_on_is_not_there_in_time() -> None:
    told: list[str] = []
    with pytest.raises(ExportError, match="is not there after") as caught:
        await waited("gated-1", of_all("gated-1"), Replay(running=True), told=told)
    (line,) = told
    assert line.startswith("Waiting for n")
    assert "is not begun" in caught.value.message


class Ending(Replay):
    """A run that ends after some requests, and a server that does not answer for some time in between."""

    def __init__(self, *, after: int, silent: int = 0) -> None:
        super().__init__(running=True)
        self._ended = Replay()
        self._after, self._silent = after, silent

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._after -= 1
        if self._after < 0:
            self._silent -= 1
            if self._silent >= 0:
                raise httpx.ConnectError("nobody is here", request=request)
            return await self._ended.handle_async_request(request)
        return await super().handle_async_request(request)


async def test_a_run_that_ends_meanwhile_is_read_as_it_ended() -> None:
    told: list[str] = []
    run = await waited("gated-1", of_all("gated-1"), Ending(after=5), seconds=60, told=told)
    assert [file.state for file in run.files] == ["present", "present"]
    assert len(told) == 1


async def test_a_server_that_is_silent_for_a_while_is_asked_again() -> None:
    told: list[str] = []
    run = await waited("gated-1", of_all("gated-1"), Ending(after=5, silent=40), seconds=60, told=told)
    assert all(file.state == "present" for file in run.files)
    assert "It is asked again." in told[1]


async def test_a_server_that_is_silent_for_too_long_ends_the_wait() -> None:
    with pytest.raises(UnreachableError):
        await waited(
            "gated-1",
            of_all("gated-1"),
            Ending(after=5, silent=10_000),
            seconds=60,
            pauses=Pauses(first=0.01, longest=0.02, unreachable=0.05),
        )


@pytest.mark.parametrize("name", ["nested-1", "dynamics-1", "branches-1"])
async def test_a_second_look_asks_for_nothing_that_had_ended(name: str) -> None:
    transport = Replay()
    async with AdminClient(BASE_URL, transport=transport, retry_delay=0) as client:
        fetcher = Fetcher(client, None, Entities(client, None))
        first = fetcher.walk(execution(name))
        before = await fetcher.run(execution(name), first)
        asked = len(transport.requests)
        second = fetcher.walk(execution(name), first)
        after = await fetcher.run(execution(name), second)
        again = transport.requests[asked:]
    assert asked >= 4
    assert len([one for one in again if "/node_executions/" in one]) == 1, again
    assert [node.id for node in after.tree.walk()] == [node.id for node in before.tree.walk()]
    assert (second.rows, second.dynamic) == (first.rows, first.dynamic)
