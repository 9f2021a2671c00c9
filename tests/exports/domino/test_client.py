"""The client of Domino: repetitions, errors, jobs, and answers that nobody should have sent."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowtui.errors import AuthError, ConfigError, FlowtuiError, NotFoundError, ServerError, UnreachableError
from flowtui.exports.domino import (
    DominoClient,
    JobRequest,
    create_dataset,
    current_user,
    dataset_details,
    datasets,
    job,
    job_log,
    jobs,
    project,
    projects,
    start_job,
    uploads,
)
from flowtui.exports.domino.client import ATTEMPTS, segment
from flowtui.exports.domino.datasets import named_datasets
from flowtui.exports.domino.snapshots import entries, file_content, snapshot, snapshots
from flowtui.exports.domino.uploads import Chunk
from flowtui.httpclient import httpx
from flowtui.local.domino import Fault
from flowtui.local.domino.serve import served
from tests.exports.domino.conftest import URL, Domino


def answering(status: int, body: bytes, headers: dict[str, str] | None = None) -> DominoClient:
    async def answer(_: Request) -> Response:
        return Response(body, status, headers)

    methods = ["GET", "POST", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", answer, methods=methods)])
    return DominoClient(URL, transport=httpx.ASGITransport(app), retry_delay=0)


async def test_reads_are_repeated_and_writes_are_not(domino: Domino) -> None:
    client = domino.client()
    domino.faults.on.append(Fault("getCurrentUser", calls=frozenset(range(1, ATTEMPTS)), status=503))
    await current_user(client)
    assert domino.faults.count("getCurrentUser") == ATTEMPTS
    (home,) = await projects(client)
    for manner in ("drop after", "status"):
        domino.faults.on[:] = [Fault("createDataset", manner)]  # type: ignore[arg-type]
        before = domino.faults.count("createDataset")
        with pytest.raises(ServerError):
            await create_dataset(client, manner, home.id)
        assert domino.faults.count("createDataset") == before + 1


async def test_errors_name_what_was_asked_for() -> None:
    cases: list[tuple[int, bytes, type[FlowtuiError], str]] = [
        (401, b'{"errors": ["no \x1b[31mred"]}', AuthError, "wants a login for your user"),
        (403, b'{"message": "not \\u001b[31mallowed"}', AuthError, "allow you your user: not allowed"),
        (404, b'{"error": "gone"}', NotFoundError, "no your user: gone"),
        (400, b"plain words", ServerError, r"refuses your user \(400\): plain words"),
        (503, b"<html><title>Bad gateway</title>", ServerError, r"failed on your user \(503\): Bad gateway"),
        (407, b"", AuthError, "proxy"),
        (200, b"<html>", ServerError, "something else than JSON"),
        (200, b"[" * 100_000, ServerError, "something else than JSON"),
    ]
    for status, body, kind, words in cases:
        with pytest.raises(kind, match=words) as caught:
            await current_user(answering(status, body))
        assert "\x1b" not in str(caught.value)


async def test_an_answer_without_end_is_not_read_to_it() -> None:
    client = answering(200, b'"' + b"x" * 3_000_000 + b'"')
    with pytest.raises(ServerError, match="larger than"):
        await file_content(client, "s1", "x", limit=1_000_000)


async def test_nobody_there() -> None:
    async with served(lambda _: Starlette()) as url:
        pass
    client = DominoClient(url, retry_delay=0)
    with pytest.raises(UnreachableError, match="refuses the connection"):
        await current_user(client)
    assert client.calls == ATTEMPTS
    await client.aclose()
    for wrong in ("", "ftp://host", "https://user:secret@host"):
        with pytest.raises(ConfigError) as caught:
            DominoClient(wrong)
        assert "secret" not in str(caught.value)


def test_an_id_stays_one_segment() -> None:
    assert segment("0" * 24) == "0" * 24
    for wrong in ("", "..", ".", "a/b", "a?b", "\x1b", "x" * 201):
        with pytest.raises(ServerError):
            segment(wrong)


@pytest.mark.parametrize(("command", "state"), [("flowtui --version", "Succeeded"), ("ls /", "Failed")])
async def test_a_job_runs_and_its_log_is_read(domino: Domino, command: str, state: str) -> None:
    async with served(lambda _: domino.app) as url:
        client = DominoClient(url)
        home = await project(client, "quick-start")
        seen = started = await start_job(client, JobRequest(home.id, command, "a title", hardware_tier="small"))
        while not seen.completed:
            await asyncio.sleep(0.05)
            seen = await job(client, started.id)
        assert (seen.state, seen.title) == (state, "a title")
        assert seen.finished_at is not None
        log = await job_log(client, started.id)
        assert log.complete
        assert any("flowtui" in line for line in log.lines)
        assert [one.id for one in await jobs(client, home.id)] == [started.id]
        await client.aclose()
    with pytest.raises(NotFoundError):
        await job(domino.client(), "0" * 24)


async def test_lists_are_read_page_by_page(domino: Domino, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowtui.exports.domino.fields._PAGE", 2)
    client = domino.client()
    (home,) = await projects(client)
    for number in range(5):
        await create_dataset(client, f"data-{number}", home.id, "words")
    found = await datasets(client, search="DATA-", project=home.id)
    assert [one.name for one in found] == [f"data-{number}" for number in range(5)]
    assert found[0].description == "words"
    assert (found[0].size, found[0].snapshots, found[0].may_write, found[0].project) == (0, 0, True, "quick-start")


async def test_v4_requests_say_that_they_are_no_browsers(domino: Domino) -> None:
    wire = domino.wire()
    await datasets(domino.client(wire))
    for request in wire.requests:
        assert request.headers.get("csrf-token", "") == ("nocheck" if request.url.path.startswith("/v4/") else "")


async def test_large_chunks_arrive_over_a_socket(domino: Domino) -> None:
    async with served(lambda _: domino.app) as url:
        client = DominoClient(url)
        (home,) = await projects(client)
        made = await create_dataset(client, "big", home.id)
        key = await uploads.start_upload(client, made.id, ["a/b"], "Overwrite")
        pieces = [bytes([number]) * 1_048_576 for number in range(8)]
        for number in (1, 2):
            chunk = Chunk("a/b", "id", number, 2, pieces, sum(map(len, pieces)))
            assert not await uploads.has_chunk(client, made.id, key, chunk, chunk.checksum())
            await uploads.send_chunk(client, made.id, key, chunk, chunk.checksum())
            assert await uploads.has_chunk(client, made.id, key, chunk, chunk.checksum())
        await uploads.end_upload(client, made.id, key)
        head = (await dataset_details(client, made.id)).head
        assert (await entries(client, head, ["a/b", "a/c", "x/y"]))["a/b"].size == 2 * 8 * 1_048_576
        assert await file_content(client, head, "a/b", limit=20 << 20) == b"".join(pieces) * 2
        await client.aclose()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\x1b]0;x\x07") | st.just("a" * 24),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KEYS = [
    "dataset", "datasets", "projectInfo", "projects", "user", "userName", "id", "name", "label", "fileName", "size",
    "rows", "lastModified", "sizeInBytes", "isDirectory", "metadata", "pagination", "totalCount", "snapshot", "status",
    "snapshots", "snapshotIds", "version", "lifecycleStatus", "datasetRwDto", "tags", "readWriteSnapshotId", "job",
    "jobs", "number", "stageTimes", "startTime", "executionStatus", "logs", "logContent", "log", "latestTimeNano",
]  # fmt: skip
answers = st.recursive(
    json_values | st.integers(-(2**70), 2**70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)


def texts_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in texts_in(one)]
    if isinstance(value, (tuple, list)):
        return [text for one in value for text in texts_in(one)]
    if hasattr(value, "__slots__"):
        return [text for name in value.__slots__ for text in texts_in(getattr(value, name))]
    return []


@given(answers, st.sampled_from([200, 200, 200, 400, 404, 418]))
async def test_whatever_comes_is_an_answer_or_an_error(answer: Any, status: int) -> None:
    client = answering(status, json.dumps(answer).encode())
    one = "a" * 24
    for call in (
        lambda: current_user(client),
        lambda: projects(client),
        lambda: datasets(client),
        lambda: named_datasets(client, "x"),
        lambda: dataset_details(client, one),
        lambda: snapshots(client, one),
        lambda: snapshot(client, one),
        lambda: entries(client, one, ["a/b"]),
        lambda: job(client, one),
        lambda: jobs(client, one),
        lambda: job_log(client, one),
        lambda: start_job(client, JobRequest(one, "x")),
        lambda: create_dataset(client, "x", one),
        lambda: uploads.is_open(client, one, "key"),
        lambda: uploads.start_upload(client, one, [], "Ignore"),
    ):
        try:
            found = await call()  # type: ignore[no-untyped-call]
        except FlowtuiError as error:
            found = error.message + error.hint
        assert not any(char in text for text in texts_in(found) for char in "\x1b\x07\n\r")
