"""What lies in a target already is not written through, and what is not whole is for nobody else's eyes."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import ExecutionId
from flowtui.errors import ExportError
from flowtui.exports import Plan, Selection, SourceRun, TargetOptions, make_plan, parse_target, run
from flowtui.exports.manifest import NAME
from flowtui.exports.targets import part_file
from flowtui.exports.targets.base import Target
from flowtui.exports.targets.in_place import InPlaceTarget
from flowtui.exports.targets.part_file import open_part
from flowtui.storage import Storage, Trust
from flowtui.storage.directory_tree import DirectoryTree
from tests.trusting import TrustsAll

BODY = b"USUBJID,AGE\n01,63\n"


@pytest.fixture
async def storage() -> AsyncIterator[Storage]:
    async with Storage(TrustsAll(), retry_delay=0) as storage:
        yield storage


@pytest.fixture
def places(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "adsl.csv").write_bytes(b"precious")
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "adsl.csv").write_bytes(BODY)
    return tmp_path


async def planned(storage: Storage, places: Path, target: Target, **fields: Any) -> Plan:
    file = ArtifactFile(
        **{
            "type": "data", "artifact": "ADaM", "file": "adsl.csv", "format": "csv", "node": "n0", "variable": "o0",
            "declared_at": ("n0",), "state": "present", "uris": (str(places / "from" / "adsl.csv"),), **fields,
        }
    )  # fmt: skip
    source = SourceRun(ExecutionId("p", "d", "r"))
    return await make_plan([Selection(source, (file,))], target, storage)


def targets(root: Path) -> list[Target]:
    return [
        InPlaceTarget(root),
        parse_target(str(root)),
        parse_target(str(root), TargetOptions(layout="snapshots")),
    ]


@pytest.mark.parametrize("kind", range(3))
@pytest.mark.parametrize("link", ["ADaM", "snapshots", NAME])
async def test_no_folder_of_a_target_leads_elsewhere(storage: Storage, places: Path, kind: int, link: str) -> None:
    out = places / "out"
    out.mkdir()
    target = targets(out)[kind]
    leads_elsewhere = link == ("snapshots" if kind == 2 else "ADaM")
    (out / link).symlink_to(places / "elsewhere" / ("adsl.csv" if link == NAME else ""))
    if leads_elsewhere or (link == NAME and kind != 2):
        with pytest.raises(ExportError, match=f"{link} is a link, and nothing is written through one"):
            await run(await planned(storage, places, target), storage)
        assert not [path for path in out.rglob("*") if path.is_file() and not path.is_symlink()]
    else:
        await run(await planned(storage, places, target), storage)
    assert (places / "elsewhere" / "adsl.csv").read_bytes() == b"precious"
    assert os.listdir(places / "elsewhere") == ["adsl.csv"]


@pytest.mark.parametrize("kind", range(2))
async def test_a_link_at_the_place_of_a_file_is_replaced_itself(storage: Storage, places: Path, kind: int) -> None:
    out = places / "out"
    (out / "ADaM").mkdir(parents=True)
    (out / "ADaM" / "adsl.csv").symlink_to(places / "elsewhere" / "adsl.csv")
    plan = await planned(storage, places, targets(out)[kind])
    assert [file.action for file in plan.files] == ["replaces"]
    await run(plan, storage)
    assert (out / "ADaM" / "adsl.csv").read_bytes() == BODY
    assert not (out / "ADaM" / "adsl.csv").is_symlink()
    assert (places / "elsewhere" / "adsl.csv").read_bytes() == b"precious"


@pytest.mark.parametrize("kind", range(3))
async def test_the_target_itself_may_be_a_link(storage: Storage, places: Path, kind: int) -> None:
    (places / "real").mkdir()
    (places / "out").symlink_to(places / "real")
    await run(await planned(storage, places, targets(places / "out")[kind]), storage)
    assert [path.read_bytes() for path in (places / "real").rglob("adsl.csv")] == [BODY]


@pytest.mark.parametrize("kind", range(2))
async def test_a_link_that_comes_after_the_plan_is_not_written_through(
    storage: Storage, places: Path, kind: int
) -> None:
    out = places / "out"
    out.mkdir()
    plan = await planned(storage, places, targets(out)[kind])
    (out / "ADaM").symlink_to(places / "elsewhere")
    with pytest.raises(ExportError, match="ADaM is a link, and nothing is written through one"):
        await run(plan, storage)
    assert (places / "elsewhere" / "adsl.csv").read_bytes() == b"precious"
    assert os.listdir(places / "elsewhere") == ["adsl.csv"]


@pytest.mark.parametrize("kind", range(3))
async def test_what_is_whole_has_the_permissions_of_new_files(storage: Storage, places: Path, kind: int) -> None:
    await run(await planned(storage, places, targets(places / "out")[kind]), storage)
    umask = os.umask(0o022)
    os.umask(umask)
    files = [path for path in (places / "out").rglob("*") if path.is_file()]
    folders = [places / "out", *(path for path in (places / "out").rglob("*") if path.is_dir())]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o666 & ~umask}
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o777 & ~umask}


@pytest.mark.parametrize("kind", range(1, 3))
async def test_a_folder_that_is_slow_to_be_made_is_awaited_by_all_of_its_files(
    storage: Storage, places: Path, kind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are copied in several threads, and one of them makes the folder."""
    mkdir = os.mkdir

    def slow(path: str, *rest: Any, **options: Any) -> None:
        if path == "ADaM":
            time.sleep(0.2)
        mkdir(path, *rest, **options)

    monkeypatch.setattr(os, "mkdir", slow)
    files = []
    for number in range(8):
        (places / "from" / f"{number}.csv").write_bytes(BODY)
        uris = (str(places / "from" / f"{number}.csv"),)
        files.append((await planned(storage, places, InPlaceTarget(places), file=f"{number}.csv", uris=uris)).files[0])
    selection = Selection(files[0].run, tuple(file.source for file in files))
    plan = await make_plan([selection], targets(places / "out")[kind], storage)
    await run(plan, storage, retry_delay=0)
    assert len([path for path in (places / "out").rglob("*.csv") if path.read_bytes() == BODY]) == 8


@pytest.mark.parametrize("kind", range(3))
async def test_folders_belong_to_the_group_of_a_shared_place(storage: Storage, places: Path, kind: int) -> None:
    shared = places / "shared"
    shared.mkdir()
    shared.chmod(0o2775)
    await run(await planned(storage, places, targets(shared / "out")[kind]), storage)
    folders = [path for path in shared.rglob("*") if path.is_dir()]
    assert len(folders) >= 2
    assert [path for path in folders if not path.stat().st_mode & stat.S_ISGID] == []


@pytest.mark.parametrize("kind", range(3))
async def test_a_file_system_with_rules_of_its_own_is_written_where_they_give_as_much(
    storage: Storage, places: Path, kind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a volume with permissions of Windows, which refuses to change those of POSIX."""

    def refused(descriptor: int, mode: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "fchmod", refused)
    monkeypatch.setattr(part_file, "_umask", lambda: 0o022)
    with pytest.raises(ExportError, match="Operation not permitted"):
        await run(await planned(storage, places, targets(places / "less")[kind]), storage, retry_delay=0)
    monkeypatch.setattr(part_file, "_umask", lambda: 0o077)
    await run(await planned(storage, places, targets(places / "out")[kind]), storage)
    assert [path.read_bytes() for path in (places / "out").rglob("adsl.csv")] == [BODY]


async def test_what_an_earlier_version_left_of_a_file_is_for_nobody_else_while_it_is_taken_up(places: Path) -> None:
    tree = DirectoryTree(places)
    (places / "adsl.csv.key.part").write_bytes(b"USUB")
    (places / "adsl.csv.key.part").chmod(0o644)
    part = await open_part(tree, "adsl.csv", "key")
    assert part.offset == 4
    assert (places / "adsl.csv.key.part").stat().st_mode & 0o777 == 0o600
    await part.abort(keep=True)


@pytest.mark.parametrize("kind", range(3))
@pytest.mark.parametrize("size", [1000, 12_000_000])
async def test_what_is_not_whole_is_for_nobody_else(
    places: Path, kind: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (places / "from" / "adsl.csv").write_bytes(b"x" * size)
    before: list[int] = []
    fchmod = os.fchmod

    def looking(descriptor: int, mode: int) -> None:
        before.append(os.fstat(descriptor).st_mode & 0o777)
        fchmod(descriptor, mode)

    async with Storage(TrustsAll(), retry_delay=0) as storage:
        plan = await planned(storage, places, targets(places / "out")[kind])
        monkeypatch.setattr(os, "fchmod", looking)
        await run(plan, storage)
    # The file and the manifest, and the folder of what is staged, when all in it is whole.
    assert before == [0o600, 0o600, *([0o700] if kind else [])]


@pytest.mark.parametrize("kind", range(1, 3))
async def test_the_stage_is_for_nobody_else(places: Path, kind: int, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    fchmod = os.fchmod

    def looking(descriptor: int, mode: int) -> None:
        modes.extend(path.stat().st_mode & 0o777 for path in places.rglob(".*flowtui-*"))
        fchmod(descriptor, mode)

    async with Storage(TrustsAll(), retry_delay=0) as storage:
        plan = await planned(storage, places, targets(places / "out")[kind])
        monkeypatch.setattr(os, "fchmod", looking)
        await run(plan, storage)
    assert set(modes) == {0o700}


def left_of_adsl(places: Path) -> list[Path]:
    return [path for path in places.rglob("*adsl.csv*") if path.parent.name not in ("from", "elsewhere")]


@pytest.mark.parametrize("kind", range(3))
async def test_a_file_that_fails_on_its_size_leaves_nothing(storage: Storage, places: Path, kind: int) -> None:
    """As one of /proc does, whose size is 0 and which has bytes all the same."""
    plan = await planned(storage, places, targets(places / "out")[kind])
    (places / "from" / "adsl.csv").write_bytes(BODY + b"more than was planned")
    with pytest.raises(ExportError, match="bytes instead of"):
        await run(plan, storage, retry_delay=0)
    assert left_of_adsl(places) == []


async def test_what_is_not_read_for_a_run_is_a_problem_of_the_plan(places: Path) -> None:
    async with Storage(Trust(), retry_delay=0) as storage:
        plan = await planned(storage, places, targets(places / "out")[1])
        assert plan.problems[0].message.startswith(f"{places}/from/adsl.csv is not read")
        with pytest.raises(ExportError, match="1 of 1 files cannot be read"):
            await run(plan, storage)
    assert not (places / "out").exists()


async def test_a_plan_of_before_is_not_carried_out_with_other_rights(storage: Storage, places: Path) -> None:
    """An export that was planned where the folder was allowed, and goes on where it is not."""
    plan = await planned(storage, places, targets(places / "out")[1])
    async with Storage(Trust(), retry_delay=0) as other:
        with pytest.raises(ExportError, match="is not read"):
            await run(plan, other, retry_delay=0)
    assert not (places / "out").exists()
