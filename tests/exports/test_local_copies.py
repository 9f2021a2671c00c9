"""Files of this machine on their way into a directory: all sizes, in groups, changed meanwhile, and stopped."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import ExecutionId
from flowtui.errors import ExportError
from flowtui.exports import Plan, Selection, SourceRun, TargetAccess, TargetOptions, make_plan, parse_target, run
from flowtui.exports.local_copies import SMALL, LocalCopies
from flowtui.exports.plan import PlannedFile
from flowtui.exports.targets.base import StagedFile, StageRequest
from flowtui.exports.targets.directory_stage import DirectoryStage
from flowtui.storage import Storage
from tests.trusting import TrustsAll

SIZES = (0, 1, SMALL - 1, SMALL, SMALL + 1, 8 * SMALL, 8 * SMALL + 1, 33 * SMALL)


@pytest.fixture
async def storage() -> AsyncIterator[Storage]:
    async with Storage(TrustsAll(), retry_delay=0) as storage:
        yield storage


class Notes:
    """Notes that nobody reads again."""

    def get(self, name: str) -> str:
        return ""

    def set(self, name: str, value: str) -> None:
        """Nothing is kept."""


def body(size: int) -> bytes:
    return (hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1))[:size]


def made(folder: Path, bodies: dict[str, bytes]) -> list[Path]:
    folder.mkdir()
    for name, content in bodies.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in bodies]


async def plan_of(paths: list[Path], to: Path, storage: Storage) -> Plan:
    files = tuple(
        ArtifactFile("data", "ADaM", path.name, "", "n0", "o0", ("n0",), "present", (str(path),)) for path in paths
    )
    selection = Selection(SourceRun(ExecutionId("p", "d", "run")), files)
    return await make_plan([selection], parse_target(str(to), TargetOptions(), TargetAccess()), storage)


async def test_every_size_arrives_with_its_checksum(storage: Storage, tmp_path: Path) -> None:
    bodies = {f"f{size}.bin": body(size) for size in SIZES}
    plan = await plan_of(made(tmp_path / "from", bodies), tmp_path / "to", storage)
    outcome = await run(plan, storage)
    assert {one.file.source.file: one.sha256 for one in outcome.written} == {
        name: hashlib.sha256(content).hexdigest() for name, content in bodies.items()
    }
    assert {path.name: path.read_bytes() for path in (tmp_path / "to" / "ADaM").iterdir()} == bodies


async def test_groups_hold_every_file_once(storage: Storage, tmp_path: Path) -> None:
    bodies = {f"f{number:03d}": b"x" * number for number in range(300)} | {"large": body(SMALL + 1)}
    plan = await plan_of(made(tmp_path / "from", bodies), tmp_path / "to", storage)
    groups = LocalCopies.together(plan.files)
    assert sorted(file.path for group in groups for file in group) == sorted(file.path for file in plan.files)
    # Every thread has some of them, and a large one is alone.
    assert len(groups) >= 16
    assert [len(group) for group in groups if any(file.source.file == "large" for file in group)] == [1]


@pytest.mark.parametrize("size", [100, SMALL, 9 * SMALL])
async def test_a_file_that_grew_since_the_plan_is_not_taken_for_it(size: int, storage: Storage, tmp_path: Path) -> None:
    (path,) = made(tmp_path / "from", {"adsl.csv": body(size)})
    plan = await plan_of([path], tmp_path / "to", storage)
    with path.open("ab") as file:
        file.write(b"more than that")
    with pytest.raises(ExportError, match=f"gave {size + 14:,} bytes instead of {size:,}"):
        await run(plan, storage)
    assert not (tmp_path / "to").exists()


async def test_a_file_that_became_shorter_is_not_taken_for_it(storage: Storage, tmp_path: Path) -> None:
    (path,) = made(tmp_path / "from", {"adsl.csv": b"abcdef"})
    plan = await plan_of([path], tmp_path / "to", storage)
    path.write_bytes(b"abc")
    with pytest.raises(ExportError, match="gave 3 bytes instead of 6"):
        await run(plan, storage)


async def test_a_pipe_is_not_waited_for(storage: Storage, tmp_path: Path) -> None:
    (path,) = made(tmp_path / "from", {"adsl.csv": b"abcdef"})
    plan = await plan_of([path], tmp_path / "to", storage)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ExportError, match="not a regular file"):
        await run(plan, storage, retry_delay=0)


async def test_what_has_become_a_pipe_since_it_was_looked_at_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    stage = DirectoryStage(tmp_path / "to", StageRequest("ab12", (), "replace", Notes()), snapshots=False)
    pipe = TrustsAll().open_file(str(tmp_path / "pipe"))
    copying = asyncio.to_thread(stage.copy, pipe, StagedFile("a", "k", 3), lambda _: None, threading.Event())
    with pytest.raises(OSError, match="not a regular file"):
        await asyncio.wait_for(copying, 5)
    os.close(pipe)


async def test_a_file_that_cannot_be_opened_is_named(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = made(tmp_path / "from", {"adae.csv": b"abc", "adsl.csv": b"abcdef"})
    plan = await plan_of([first, second], tmp_path / "to", storage)
    opened = os.open

    def refused(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == second.name and not flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied", path)
        return opened(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(ExportError, match=r"1 of 2 .*adsl.csv cannot be read: Permission denied"):
        await run(plan, storage)


async def test_cancelling_waits_for_the_file_at_hand_and_leaves_the_others(storage: Storage, tmp_path: Path) -> None:
    paths = made(tmp_path / "from", {f"f{number}": b"abc" for number in range(5)})
    plan = await plan_of(paths, tmp_path / "to", storage)
    stage = DirectoryStage(tmp_path / "to", StageRequest("ab12", (), "replace", Notes()), snapshots=False)
    begun, go_on = threading.Event(), threading.Event()

    def moved(_: PlannedFile, __: int) -> None:
        begun.set()
        go_on.wait(10)

    copies = LocalCopies(stage, moved, TrustsAll())
    task = asyncio.create_task(copies.copy(plan.files))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(list((stage.folder / "ADaM").iterdir())) == 1
    copies.close()
