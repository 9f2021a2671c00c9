"""Worker processes, really started: what they may, and what becomes of those that misbehave."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.errors import PreviewError
from flowtui.preview import workers as workers_module
from flowtui.preview.limits import Limits
from flowtui.preview.result import Preview
from flowtui.preview.sniff import sniff
from flowtui.preview.subject import Subject
from flowtui.preview.wire import MalformedPreviewError, pack, unpack
from flowtui.preview.workers import Show, Workers
from flowtui.storage import Storage
from tests.preview import showing
from tests.trusting import TrustsAll


@asynccontextmanager
async def subject_of(path: Path, content: bytes, workers: Workers, **limits: Any) -> AsyncIterator[Subject]:
    await asyncio.to_thread(path.write_bytes, content)
    async with Storage(TrustsAll()) as storage, storage.open(str(path)) as reader:
        head = await reader.read(0, 16)
        yield Subject(
            reader, path.name, sniff(head, name=path.name), head, len(content), replace(Limits(), **limits), workers
        )


async def show(
    function: Show, tmp_path: Path, content: bytes = b"head" + bytes(200_000) + b"tail", **options: Any
) -> Preview:
    async with Workers(**options) as workers, subject_of(tmp_path / "f.bin", content, workers) as subject:
        return await workers.show(function, subject)


async def test_a_worker_reads_what_it_needs_and_its_noise_is_lost(tmp_path: Path) -> None:
    async with Workers() as workers, subject_of(tmp_path / "f.bin", b"head" + bytes(9 << 20) + b"tail", workers) as one:
        found = await workers.show(showing.ends, one)
    assert found.lines == ("head", "tail")
    assert found.facts == (("name", "f.bin"),)


async def test_a_worker_reads_several_parts_at_once(tmp_path: Path) -> None:
    found = await show(showing.several_parts, tmp_path)
    assert found.lines == ("head", "100000", "tail")


async def test_everything_that_a_preview_can_hold_comes_through_without_control_codes(tmp_path: Path) -> None:
    found = await show(showing.everything, tmp_path)
    assert found.columns[0].name == "A B"
    assert (found.columns[0].nulls, found.columns[0].least, found.columns[0].most) == (1, 0, 2.5)
    assert found.rows == ((1,), (None,))
    assert found.tree is not None
    assert (found.tree.label, found.tree.value, found.tree.children[0].label) == ("ab", "value", "c")
    assert found.image is not None
    assert (found.image.pixels, found.image.full_height) == (bytes(6), 200)
    assert (found.total_rows, found.page, found.pages, found.page_names) == (2, 1, 3, ("x", "y", "z"))


async def test_a_worker_is_used_again(tmp_path: Path) -> None:
    async with Workers() as workers, subject_of(tmp_path / "f", b"content", workers) as subject:
        first = await workers.show(showing.process_id, subject)
        with pytest.raises(PreviewError):
            await workers.show(showing.refuses, subject)
        assert await workers.show(showing.process_id, subject) == first


async def test_two_files_are_shown_by_two_workers(tmp_path: Path) -> None:
    async with Workers() as workers, subject_of(tmp_path / "f", b"content", workers) as subject:
        found = await asyncio.gather(*(workers.show(showing.process_id, subject) for _ in range(2)))
        assert found[0] != found[1]


async def test_a_worker_has_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWTUI_TOKEN", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    found = await show(showing.environment, tmp_path)
    assert not {"FLOWTUI_TOKEN", "AWS_SECRET_ACCESS_KEY", "HOME"} & set(found.lines)
    assert os.sep in found.lines


async def test_a_worker_loads_no_server_and_no_screen(tmp_path: Path) -> None:
    found = await show(showing.modules, tmp_path)
    assert not {"httpx", "textual", "google", "flowtui.admin", "flowtui.storage"} & set(found.lines)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (showing.refuses, "not what it seems"),
        (showing.breaks, "its reader failed on it: it is damaged, or has something that its reader does not know"),
        (showing.crashes, "its reader broke on it"),
        (showing.asks_for_too_much, "asked for more of the file"),
        (showing.asks_for_many_large_parts, "asked for more of the file"),
        (showing.asks_for_nothing, "asked for parts of the file that make no sense"),
        (showing.asks_for_nonsense, "asked for parts of the file that make no sense"),
        (showing.asks_for_very_many_parts, "asked for parts of the file that make no sense"),
        (showing.lies, "makes no sense"),
        (showing.misses, "needs pyarrow_that_is_not_there: pip install 'flowtui"),
    ],
)
async def test_what_goes_wrong_in_a_worker_is_said(function: Show, said: str, tmp_path: Path) -> None:
    content = bytes(1000) if function is not showing.asks_for_too_much else b""
    path = tmp_path / "f.bin"
    async with Workers() as workers, subject_of(path, content, workers) as subject:
        if function is showing.asks_for_too_much:
            subject.size = 1 << 31
        with pytest.raises(PreviewError, match=said):
            await workers.show(function, subject)
        again = await workers.show(showing.process_id, subject)
        assert again.lines


async def test_a_worker_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(PreviewError, match=r"took more than 0\.3 s and was stopped"):
        await show(showing.runs_for_ever, tmp_path, seconds=0.3)


async def test_memory_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(PreviewError, match="memory"):
        await show(showing.grows, tmp_path, memory=1 << 30)


async def test_an_answer_is_cut_to_the_limits(tmp_path: Path) -> None:
    async with Workers() as workers, subject_of(tmp_path / "f", b"content", workers, lines=3, line=10) as subject:
        with suppress(PreviewError):
            found = await workers.show(showing.talks_too_much, subject)
            assert len(found.lines) == 3
            assert max(map(len, found.lines)) <= 20


async def test_a_preview_that_nobody_waits_for_any_more_is_killed(tmp_path: Path) -> None:
    async with Workers() as workers, subject_of(tmp_path / "f", b"content", workers) as subject:
        # The only idle process is taken and asked, when the task is cancelled.
        pid = int((await workers.show(showing.process_id, subject)).lines[0])
        task = asyncio.create_task(workers.show(showing.runs_for_ever, subject))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_given_up_while_it_starts_no_process_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[asyncio.subprocess.Process] = []
    sent = workers_module._send

    async def send(process: asyncio.subprocess.Process, message: Any) -> None:
        started.append(process)
        task.cancel()
        await asyncio.sleep(0)
        await sent(process, message)

    monkeypatch.setattr(workers_module, "_send", send)
    async with Workers() as workers, subject_of(tmp_path / "f", b"content", workers) as subject:
        task = asyncio.create_task(workers.show(showing.process_id, subject))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(started) == 1
        assert started[0].returncode is not None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = list(pack(Preview(kind="text")))


@given(_JSON, st.sampled_from(_FIELDS))
def test_whatever_a_worker_sends_is_a_preview_or_refused(value: Any, field: str) -> None:
    for shape in (value, {**pack(Preview(kind="text")), field: value}):
        with suppress(MalformedPreviewError):
            assert isinstance(unpack(shape, Limits()), Preview)
