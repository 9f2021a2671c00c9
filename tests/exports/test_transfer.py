from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from flowtui.domain.artifact import ArtifactFile
from flowtui.errors import ExportError
from flowtui.exports import (
    IfExists,
    Journal,
    Plan,
    Progress,
    Selection,
    SourceRun,
    Target,
    TargetAccess,
    Transfers,
    make_plan,
    parse_target,
    run,
)
from flowtui.exports import manifest as manifests
from flowtui.exports.targets.in_place import InPlaceTarget
from flowtui.exports.targets.part_file import open_part
from flowtui.httpclient import httpx
from flowtui.storage import Storage
from flowtui.storage.directory_tree import DirectoryTree
from tests.exports.test_plan import RUN, artifact_file
from tests.storage.store import Store
from tests.trusting import TrustsAll

BODY = bytes(index * 11 % 253 for index in range(3_000_000))


@pytest.fixture
def store() -> Store:
    return Store({"b/adsl": BODY, "b/adae": b"small", "b/empty": b""})


FILES = [artifact_file("adsl.csv", "s3://b/adsl"), artifact_file("adae", "s3://b/adae")]


async def plan_of(
    storage: Storage,
    to: Path | Target,
    files: list[ArtifactFile] = FILES,
    if_exists: IfExists = "replace",
) -> Plan:
    target = InPlaceTarget(to) if isinstance(to, Path) else to
    return await make_plan([Selection(SourceRun(RUN), tuple(files))], target, storage, if_exists=if_exists)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_files_arrive_whole_and_are_recorded(storage: Storage, journal: Journal, tmp_path: Path) -> None:
    to = tmp_path / "out"
    told: list[Progress] = []
    plan = await plan_of(storage, parse_target(str(to)))
    outcome = await run(plan, storage, told.append, journal=journal)
    assert names(to) == ["ADaM/adae.csv", "ADaM/adsl.csv", "flowtui-manifest.json"]
    assert (to / "ADaM" / "adsl.csv").read_bytes() == BODY
    assert (told[-1].state, told[-1].files_done, told[-1].bytes_done) == ("done", 2, len(BODY) + 5)
    assert [step.bytes_done for step in told] == sorted(step.bytes_done for step in told)

    manifest = json.loads((to / "flowtui-manifest.json").read_text())
    assert outcome.publication is not None
    assert outcome.publication.manifest == str(to / "flowtui-manifest.json")
    entry = next(entry for entry in manifest["files"] if entry["file"] == "adsl.csv")
    assert entry["sha256"] == hashlib.sha256(BODY).hexdigest()
    assert (entry["uri"], entry["size"], entry["path"]) == ("s3://b/adsl", len(BODY), "ADaM/adsl.csv")
    assert (entry["run"], entry["export"]) == (str(RUN), outcome.id)
    assert manifest["runs"][str(RUN)]["name"] == "adam-tfl-7f2"
    assert manifest["exports"][outcome.id]["target"] == str(to)

    (record,) = journal.list()
    assert (record.state, record.files, record.bytes, record.bytes_done) == ("done", 2, len(BODY) + 5, len(BODY) + 5)
    assert (record.target, record.manifest, record.error) == (str(to), outcome.publication.manifest, "")
    assert (record.place, record.executions, record.speed) == (str(to), (str(RUN),), 0)
    assert record.started_at is not None
    assert record.finished_at is not None
    assert journal.get(record.id) == record


async def test_a_second_export_adds_to_the_manifest(storage: Storage, tmp_path: Path) -> None:
    await run(await plan_of(storage, tmp_path, FILES[:1]), storage)
    outcome = await run(await plan_of(storage, tmp_path, FILES), storage)
    assert ([written.file.path for written in outcome.written], len(outcome.same)) == (["ADaM/adae.csv"], 1)
    manifest = json.loads((tmp_path / "flowtui-manifest.json").read_text())
    assert [entry["path"] for entry in manifest["files"]] == ["ADaM/adae.csv", "ADaM/adsl.csv"]


async def test_exports_without_a_journal_do_not_take_each_other_for_themselves(
    storage: Storage, tmp_path: Path
) -> None:
    to = tmp_path / "out"
    for files in (FILES[:1], FILES[1:]):
        await run(await plan_of(storage, parse_target(str(to)), files), storage)
    assert names(to) == ["ADaM/adae.csv", "ADaM/adsl.csv", "flowtui-manifest.json"]


async def test_an_empty_object_becomes_an_empty_file(storage: Storage, tmp_path: Path) -> None:
    await run(await plan_of(storage, tmp_path, [artifact_file("e.csv", "s3://b/empty")]), storage)
    assert (tmp_path / "ADaM" / "e.csv").read_bytes() == b""


async def test_directories_are_copied_with_what_is_in_them(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "model" / "sub").mkdir(parents=True)
    (tmp_path / "model" / "sub" / "weights").write_bytes(b"w")
    (tmp_path / "model" / "card.md").write_bytes(b"c")
    files = [artifact_file("model", str(tmp_path / "model"), directory=True)]
    await run(await plan_of(storage, tmp_path / "out", files), storage)
    assert names(tmp_path / "out") == ["ADaM/model/card.md", "ADaM/model/sub/weights", "flowtui-manifest.json"]


async def test_nothing_is_written_where_a_file_is_in_the_way(
    storage: Storage, journal: Journal, tmp_path: Path
) -> None:
    to = tmp_path / "out"
    (to / "ADaM").mkdir(parents=True)
    (to / "ADaM" / "adsl.csv").write_bytes(b"mine")
    plan = await plan_of(storage, parse_target(str(to)), if_exists="stop")
    with pytest.raises(ExportError, match="1 of 2 files exist already: ADaM/adsl"):
        await run(plan, storage, journal=journal)
    assert names(to) == ["ADaM/adsl.csv"]
    assert (to / "ADaM" / "adsl.csv").read_bytes() == b"mine"
    assert journal.list() == ()


async def test_one_failure_leaves_the_others_of_a_download(store: Store, storage: Storage, tmp_path: Path) -> None:
    plan = await plan_of(storage, tmp_path / "out")
    del store.objects["b/adsl"]
    with pytest.raises(ExportError, match=r"1 of 2 files failed: ADaM/adsl.csv: There is no object s3://b/adsl"):
        await run(plan, storage)
    assert names(tmp_path / "out") == ["ADaM/adae.csv", "flowtui-manifest.json"]


async def test_one_failure_keeps_an_export_from_being_seen(
    store: Store, storage: Storage, journal: Journal, tmp_path: Path
) -> None:
    plan = await plan_of(storage, parse_target(str(tmp_path / "out")))
    body = store.objects.pop("b/adsl")
    with pytest.raises(
        ExportError, match=r"1 of 2 files failed: ADaM/adsl.csv: There is no object s3://b/adsl"
    ) as failed:
        await run(plan, storage, journal=journal)
    assert not (tmp_path / "out").exists()
    (record,) = journal.list()
    assert (record.state, record.bytes_done) == ("failed", 5)
    assert "s3://b/adsl" in record.error
    assert f"exports resume {record.id}" in failed.value.hint
    assert {one.path: one.state for one in journal.files(record.id)} == {
        "ADaM/adae.csv": "staged",
        "ADaM/adsl.csv": "failed",
    }

    store.objects["b/adsl"] = body
    store.seen.clear()
    transfers = Transfers(journal, storage, TargetAccess())
    await transfers.resume(record.id)
    assert (await transfers.wait(record.id)).state == "done"
    assert len(store.seen) == 1
    assert names(tmp_path / "out") == ["ADaM/adae.csv", "ADaM/adsl.csv", "flowtui-manifest.json"]


async def test_what_the_plan_could_not_find_is_a_failure(storage: Storage, tmp_path: Path) -> None:
    plan = await plan_of(storage, tmp_path, [*FILES, artifact_file("gone", "s3://b/gone")])
    with pytest.raises(ExportError, match="1 of 3 files failed: There is no object s3://b/gone"):
        await run(plan, storage)
    assert "ADaM/adsl.csv" in names(tmp_path)


async def test_bytes_that_are_not_the_stores_are_thrown_away(store: Store, storage: Storage, tmp_path: Path) -> None:
    plan = await plan_of(storage, tmp_path, FILES[:1])
    etag = f'"{hashlib.md5(BODY).hexdigest()}"'
    damaged = BODY[:-1] + b"!"
    store.manner = lambda request, body: Response(damaged, headers={"etag": etag})
    with pytest.raises(ExportError, match="arrived damaged"):
        await run(plan, storage, retry_delay=0)
    assert names(tmp_path) == []


async def test_a_file_of_another_size_than_planned_is_thrown_away(
    store: Store, storage: Storage, tmp_path: Path
) -> None:
    plan = await plan_of(storage, tmp_path, FILES[:1])
    store.manner = lambda request, body: Response(body + b"more")
    with pytest.raises(ExportError, match="3,000,004 bytes instead of 3,000,000"):
        await run(plan, storage, retry_delay=0)
    assert names(tmp_path) == []


class Stalling(httpx.AsyncByteStream):
    """Half of a body, and then nothing."""

    def __init__(self, body: bytes, reached: asyncio.Event) -> None:
        self.body = body
        self.reached = reached

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.body[: len(self.body) // 2]
        self.reached.set()
        await asyncio.Event().wait()


async def stopped_export(store: Store, journal: Journal | None, to: Path | Target) -> None:
    """Export the large file and cancel when half of it has come."""
    reached = asyncio.Event()

    class Transport(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.headers.get("range") == "bytes=0-0":
                return await store.transport.handle_async_request(request)
            headers = {"content-length": str(len(BODY)), "etag": f'"{hashlib.md5(BODY).hexdigest()}"'}
            return httpx.Response(200, headers=headers, stream=Stalling(BODY, reached))

    async with Storage(TrustsAll(), sign=store.sign, transport=Transport(), retry_delay=0) as storage:
        plan = await plan_of(storage, to, FILES[:1])
        export = asyncio.create_task(run(plan, storage, journal=journal))
        await reached.wait()
        export.cancel()
        with pytest.raises(asyncio.CancelledError):
            await export


async def test_a_stopped_export_is_paused_and_goes_on(
    store: Store, storage: Storage, journal: Journal, tmp_path: Path
) -> None:
    to = tmp_path / "out"
    await stopped_export(store, journal, parse_target(str(to)))
    assert not to.exists()
    (record,) = journal.list()
    assert (record.state, [one.text for one in journal.events(record.id)]) == ("paused", ["paused"])
    store.seen.clear()
    transfers = Transfers(journal, storage, TargetAccess())
    await transfers.resume(record.id[:4])
    await transfers.wait(record.id)
    (begun,) = store.seen
    assert begun not in ("bytes=0-", "bytes=0-0")
    assert (to / "ADaM" / "adsl.csv").read_bytes() == BODY
    assert names(tmp_path) == ["out/ADaM/adsl.csv", "out/flowtui-manifest.json", "state.sqlite3"]


async def test_a_stopped_download_is_taken_up_again(
    store: Store, storage: Storage, journal: Journal, tmp_path: Path
) -> None:
    to = tmp_path / "out"
    await stopped_export(store, None, to)
    (part,) = names(to)
    assert part.startswith("ADaM/adsl.csv.")
    assert part.endswith(".part")
    have = (to / part).stat().st_size
    assert 0 < have < len(BODY)

    store.seen.clear()
    plan = await plan_of(storage, to, FILES[:1])
    await run(plan, storage)
    assert store.seen == ["bytes=0-0", f"bytes={have}-"]
    assert (to / "ADaM" / "adsl.csv").read_bytes() == BODY
    assert names(to) == ["ADaM/adsl.csv", "flowtui-manifest.json"]


async def test_a_damaged_part_is_read_anew(store: Store, storage: Storage, journal: Journal, tmp_path: Path) -> None:
    to = tmp_path / "out"
    await stopped_export(store, None, to)
    part = to / names(to)[0]
    part.write_bytes(b"?" * part.stat().st_size)
    await run(await plan_of(storage, to, FILES[:1]), storage)
    assert (to / "ADaM" / "adsl.csv").read_bytes() == BODY


async def test_a_part_of_another_version_is_not_taken_up(
    store: Store, storage: Storage, journal: Journal, tmp_path: Path
) -> None:
    to = tmp_path / "out"
    await stopped_export(store, None, to)
    store.objects["b/adsl"] = BODY[::-1]
    await run(await plan_of(storage, to, FILES[:1]), storage)
    assert (to / "ADaM" / "adsl.csv").read_bytes() == BODY[::-1]


async def test_no_more_files_move_at_once_than_allowed(store: Store, storage: Storage, tmp_path: Path) -> None:
    moving = most = 0

    class Counting(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal moving, most
            moving += 1
            most = max(most, moving)
            await asyncio.to_thread(os.getpid)
            moving -= 1
            return await store.transport.handle_async_request(request)

    files = [artifact_file(f"{index}.csv", "s3://b/adae") for index in range(20)]
    plan = await plan_of(storage, tmp_path, files)
    async with Storage(TrustsAll(), sign=store.sign, transport=Counting()) as counting:
        await run(plan, counting, concurrency=3)
    assert 1 < most <= 3
    assert len(names(tmp_path)) == 21


async def test_cancelling_while_files_are_opened_leaves_none_open(storage: Storage, tmp_path: Path) -> None:
    files = [artifact_file(f"{index}.csv", "s3://b/adae") for index in range(20)]
    plan = await plan_of(storage, tmp_path, files)
    for steps in range(1, 40):
        export = asyncio.create_task(run(plan, storage, concurrency=20))
        for _ in range(steps):
            await asyncio.sleep(0)
        export.cancel()
        await asyncio.wait([export])
    await run(plan, storage)
    assert not [name for name in names(tmp_path) if name.endswith(".part")]


async def test_two_exports_of_one_file_do_not_mix(tmp_path: Path) -> None:
    first = await open_part(DirectoryTree(tmp_path), "a/x.csv", "key")
    with pytest.raises(ExportError, match="being written by another export"):
        await open_part(DirectoryTree(tmp_path), "a/x.csv", "key")
    await first.write(b"1")
    await first.commit()
    again = await open_part(DirectoryTree(tmp_path), "a/x.csv", "key")
    assert again.offset == 0
    await again.abort(keep=True)
    assert names(tmp_path) == ["a/x.csv"]


async def test_a_link_under_the_parts_name_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "x.csv.key.part").symlink_to(tmp_path / "precious")
    with pytest.raises(ExportError, match=r"x\.csv\.key\.part is a link, and nothing is written through one"):
        await open_part(DirectoryTree(tmp_path), "x.csv", "key")
    assert (tmp_path / "precious").read_bytes() == b"precious"


async def test_a_target_that_takes_nothing_is_named(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    plan = await plan_of(storage, tmp_path / "file", FILES[:1])
    with pytest.raises(ExportError, match="cannot be written"):
        await run(plan, storage)
    with pytest.raises(ExportError, match="is not a directory"):
        await run(await plan_of(storage, parse_target(str(tmp_path / "file")), FILES[:1]), storage)


async def test_the_longest_names_have_room_for_their_part(storage: Storage, tmp_path: Path) -> None:
    files = [artifact_file("é" * 400 + ".csv", "s3://b/adae")]
    await run(await plan_of(storage, tmp_path, files), storage)
    (name,) = os.listdir(tmp_path / "ADaM")
    assert len(os.fsencode(name)) <= 255
    assert name.endswith(".csv")


async def test_an_older_file_is_not_taken_for_one_that_is_lost_from_the_stage(
    store: Store, storage: Storage, journal: Journal, tmp_path: Path
) -> None:
    """It has the same size, and is replaced only once the new one has its name."""
    to = tmp_path / "out"
    (to / "ADaM").mkdir(parents=True)
    (to / "ADaM" / "adae.csv").write_bytes(b"older")
    plan = await plan_of(storage, parse_target(str(to)))
    body = store.objects.pop("b/adsl")
    with pytest.raises(ExportError, match="1 of 2 files failed"):
        await run(plan, storage, journal=journal)
    (record,) = journal.list()
    for stage in to.glob(".flowtui-*"):
        shutil.rmtree(stage)
    store.objects["b/adsl"] = body
    transfers = Transfers(journal, storage, TargetAccess())
    await transfers.resume(record.id)
    assert (await transfers.wait(record.id)).state == "done"
    assert (to / "ADaM" / "adae.csv").read_bytes() == b"small"


async def test_a_manifest_is_read_once_however_many_files_are_taken_up(
    store: Store, storage: Storage, journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = tmp_path / "out"
    await run(await plan_of(storage, parse_target(str(to)), FILES[:1]), storage)
    files = [artifact_file(f"{index}.csv", "s3://b/adae") for index in range(30)]
    plan = await plan_of(storage, parse_target(str(to)), [*files, artifact_file("gone.csv", "s3://b/empty")])
    del store.objects["b/empty"]
    with pytest.raises(ExportError):
        await run(plan, storage, journal=journal)
    store.objects["b/empty"] = b""
    read = 0
    original = manifests.parse_manifest

    def counted(data: bytes, where: str) -> Any:
        nonlocal read
        read += 1
        return original(data, where)

    monkeypatch.setattr(manifests, "parse_manifest", counted)
    transfers = Transfers(journal, storage, TargetAccess())
    await transfers.resume(journal.list()[0].id)
    await transfers.wait(journal.list()[0].id)
    assert read <= 3
