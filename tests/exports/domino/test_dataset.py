"""Exports to a dataset of the embedded Domino: what arrives, and what is refused."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from flowtui.errors import ExportError, FlowtuiError, NotFoundError, ServerError, UsageError
from flowtui.exports import (
    IfExists,
    Journal,
    Plan,
    Selection,
    SourceRun,
    Target,
    TargetOptions,
    Transfers,
    make_plan,
    parse_target,
    run,
)
from flowtui.exports.domino import DominoClient, create_dataset, dataset_details, datasets, projects, uploads
from flowtui.exports.domino.datasets import named_datasets
from flowtui.exports.domino.snapshots import entries, file_content, snapshots
from flowtui.local.domino import Fault
from flowtui.storage import Storage
from tests.exports.domino.conftest import Domino, Killed
from tests.exports.test_plan import RUN, artifact_file
from tests.storage.store import Store

BODY = bytes(index * 11 % 253 for index in range(300_000))
CHUNK = 100_000
FILES = [
    artifact_file("adsl.csv", "s3://b/adsl"),
    artifact_file("adae", "s3://b/adae"),
    artifact_file("empty", "s3://b/empty"),
]
PATHS = ["ADaM/adae.csv", "ADaM/adsl.csv", "ADaM/empty.csv", "flowtui-manifest.json"]
OPTIONS = TargetOptions(create=True, tag="locked")


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "CHUNK", CHUNK)


@pytest.fixture
def store() -> Store:
    return Store({"b/adsl": BODY, "b/adae": b"small", "b/empty": b""})


async def project_id(client: DominoClient) -> str:
    return (await projects(client))[0].id


async def target_of(domino: Domino, options: TargetOptions = OPTIONS, name: str = "adam") -> Target:
    project = (await projects(domino.client()))[0]
    return parse_target(f"dataset:{project.name}/{name}", options, domino.access())


async def plan_of(storage: Storage, target: Target, if_exists: IfExists = "replace") -> Plan:
    return await make_plan([Selection(SourceRun(RUN), tuple(FILES))], target, storage, if_exists=if_exists)


async def content(domino: Domino, name: str = "adam") -> dict[str, dict[str, bytes]]:
    """Every snapshot of a dataset by its number, the head included, with its files."""
    client = domino.client()
    (dataset,) = await named_datasets(client, name)
    found = {}
    for one in await snapshots(client, dataset.id):
        folder = domino.app.state.store.snapshot_folder(_row(domino, one.id))
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        found["head" if one.is_head else str(one.version)] = dict(sorted(files.items()))
    return found


def _row(domino: Domino, id_: str):  # type: ignore[no-untyped-def]
    from flowtui.local.domino import LOCAL_USER

    return domino.app.state.store.snapshot(id_, (domino.users or [LOCAL_USER])[0])


async def check_published(domino: Domino) -> None:
    """All is there, once."""
    found = await content(domino)
    assert sorted(found) == ["1", "head"]
    for files in found.values():
        assert list(files) == PATHS
        assert files["ADaM/adsl.csv"] == BODY
        assert (files["ADaM/adae.csv"], files["ADaM/empty.csv"]) == (b"small", b"")
    manifest = json.loads(found["1"]["flowtui-manifest.json"])
    assert [one["path"] for one in manifest["files"]] == PATHS[:3]
    assert all(one["modified"] and one["sha256"] for one in manifest["files"])
    client = domino.client()
    (dataset,) = await named_datasets(client, "adam")
    snapshot = next(one for one in await snapshots(client, dataset.id) if not one.is_head)
    assert (await dataset_details(client, dataset.id)).tags == {"locked": snapshot.id}


async def check_resumed(domino: Domino, storage: Storage, journal: Journal) -> None:
    """The one export of the journal is taken up and comes to its end; all is there, once."""
    transfers = Transfers(journal, storage, domino.access(), retry_delay=0)
    (record,) = journal.list()
    await transfers.resume(record.id)
    assert (await transfers.wait(record.id)).state == "done"
    await check_published(domino)


async def test_files_arrive_in_a_snapshot_with_its_tag(domino: Domino, storage: Storage, journal: Journal) -> None:
    plan = await plan_of(storage, await target_of(domino))
    outcome = await run(plan, storage, journal=journal, options=OPTIONS)
    assert outcome.publication is not None
    assert outcome.publication.place == "snapshot 1 of adam"
    await check_published(domino)
    # No chunk of a fresh session is asked for, and each is sent once: four of adsl.csv, and one of three others.
    assert domino.faults.count("isChunkAvailable") == 0
    assert domino.faults.count("uploadSnapshotFile") == 3 + 1 + 1 + 1


async def test_an_export_that_is_there_is_the_same(domino: Domino, storage: Storage, store: Store) -> None:
    await run(await plan_of(storage, await target_of(domino)), storage)
    again = await plan_of(storage, await target_of(domino))
    assert {file.action for file in again.files} == {"same"}
    assert (await run(again, storage)).publication is None
    store.objects["b/adae"] = b"other"
    changed = await plan_of(storage, await target_of(domino))
    assert {file.path: file.action for file in changed.files} == {
        "ADaM/adae.csv": "replaces",
        "ADaM/adsl.csv": "same",
        "ADaM/empty.csv": "same",
    }
    await run(changed, storage)
    found = await content(domino)
    assert (found["1"]["ADaM/adae.csv"], found["2"]["ADaM/adae.csv"]) == (b"small", b"other")
    manifest = json.loads(found["2"]["flowtui-manifest.json"])
    assert len(manifest["files"]) == 3


@pytest.mark.parametrize("if_exists", ["keep-both", "stop"])
async def test_what_is_there_is_kept(
    domino: Domino, storage: Storage, journal: Journal, store: Store, if_exists: IfExists
) -> None:
    options = TargetOptions(create=True)
    await run(await plan_of(storage, await target_of(domino, options)), storage, journal=journal, options=options)
    store.objects["b/adae"] = b"other"
    plan = await plan_of(storage, await target_of(domino, options), if_exists)
    if if_exists == "stop":
        with pytest.raises(ExportError, match="exist already"):
            await run(plan, storage, journal=journal, options=options)
        assert (await content(domino))["head"]["ADaM/adae.csv"] == b"small"
        return
    await run(plan, storage, journal=journal, options=options)
    head = (await content(domino))["head"]
    assert head["ADaM/adae.csv"] == b"small"
    assert b"other" in head.values()


@pytest.mark.parametrize("if_exists", ["keep-both", "stop"])
async def test_a_file_of_somebody_else_meanwhile_is_not_replaced(
    domino: Domino, storage: Storage, if_exists: IfExists
) -> None:
    options = TargetOptions(create=True)
    target = await target_of(domino, options)
    client = domino.client()
    await create_dataset(client, "adam", await project_id(client))
    plan = await plan_of(storage, target, if_exists)
    (dataset,) = await named_datasets(client, "adam")
    place = domino.app.state.store.head(dataset.id) / "ADaM" / "adae.csv"
    place.parent.mkdir()
    place.write_bytes(b"SMALL")
    with pytest.raises(ExportError, match="written to the dataset adam by somebody else"):
        await run(plan, storage)
    assert (await content(domino)) == {"head": {"ADaM/adae.csv": b"SMALL"}}


async def test_a_reader_is_refused_before_anything_is_sent(users_domino: Domino, storage: Storage) -> None:
    from flowtui.admin.auth.sources import GivenToken
    from flowtui.exports.domino.login import DominoLogin
    from tests.exports.domino.conftest import ADA, BOB, URL

    def login(token: str) -> DominoLogin:
        return DominoLogin(URL, GivenToken(token, "a test"))

    ada = users_domino.client(auth=login(ADA.token))
    made = await create_dataset(ada, "adam", await project_id(ada))
    users_domino.app.state.store.grant(made.id, BOB.id, "DatasetRwReader")
    for name in ("dataset:adam", f"dataset:{made.id}"):
        with pytest.raises(ExportError, match="You may read the dataset adam and not write"):
            await plan_of(storage, parse_target(name, None, users_domino.access(auth=login(BOB.token))))
    assert [one.may_write for one in await datasets(users_domino.client(auth=login(BOB.token)))] == [False]
    assert users_domino.faults.count("startSnapshotUpload") == 0
    users_domino.app.state.store.grant(made.id, BOB.id, "DatasetRwEditor")
    target = parse_target("dataset:adam", None, users_domino.access(auth=login(BOB.token)))
    await run(await plan_of(storage, target), storage)
    assert list((await content_of_ada(users_domino, ada))["1"]) == PATHS


async def content_of_ada(domino: Domino, client: DominoClient) -> dict[str, dict[str, int | None]]:
    (dataset,) = await named_datasets(client, "adam")
    found = {}
    for one in await snapshots(client, dataset.id):
        there = await entries(client, one.id, PATHS)
        found["head" if one.is_head else str(one.version)] = {path: there[path].size for path in sorted(there)}
    return found


async def test_datasets_are_named_in_several_ways(domino: Domino, storage: Storage) -> None:
    client = domino.client()
    (first,) = await projects(client)
    await client.call(
        "POST", "/api/projects/beta/projects", {"name": "other", "description": "", "visibility": "Private"}, what="x"
    )
    other = next(one for one in await projects(client) if one.name == "other")
    one, two = await create_dataset(client, "adam", first.id), await create_dataset(client, "adam", other.id)
    for text, options, project, id_ in [
        (f"dataset:{one.id}", None, "", one.id),
        ("dataset:other/adam", None, "", two.id),
        (f"dataset:{other.owner}/other/adam", None, "", two.id),
        (f"dataset:{other.id}/adam", None, "", two.id),
        ("dataset:adam", TargetOptions(project="other"), "", two.id),
        ("dataset:adam", None, "other", two.id),
    ]:
        target = parse_target(text, options, domino.access(project=project))
        assert (await target._dataset()).id == id_  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="2 datasets of the name adam") as caught:
        await parse_target("dataset:adam", None, domino.access()).existing(["x"])
    assert "dataset:" in caught.value.hint
    with pytest.raises(NotFoundError, match="no dataset sdtm") as missing:
        await parse_target("dataset:sdtm", None, domino.access()).existing(["x"])
    assert "--create" in missing.value.hint
    with pytest.raises(NotFoundError, match="no dataset"):
        await parse_target(f"dataset:{'0' * 24}", None, domino.access()).existing(["x"])
    for wrong in ("dataset:", "dataset:a/b/c/d", "dataset:/"):
        with pytest.raises(UsageError):
            parse_target(wrong)
    with pytest.raises(UsageError, match="tag"):
        parse_target("dataset:adam", TargetOptions(snapshot=False, tag="x"))


async def test_without_a_snapshot_files_are_in_the_head(domino: Domino, storage: Storage) -> None:
    options = TargetOptions(create=True, snapshot=False)
    outcome = await run(await plan_of(storage, await target_of(domino, options)), storage)
    assert outcome.publication is not None
    assert outcome.publication.place == "dataset adam"
    assert sorted(await content(domino)) == ["head"]


async def test_files_of_unknown_size_arrive(domino: Domino, storage: Storage, store: Store) -> None:
    from dataclasses import replace

    plan = await plan_of(storage, await target_of(domino))
    unknown = replace(plan, files=tuple(replace(file, size=None) for file in plan.files))
    await run(unknown, storage)
    await check_published(domino)


async def test_a_tag_is_moved_only_where_the_export_replaces(domino: Domino, storage: Storage, store: Store) -> None:
    await run(await plan_of(storage, await target_of(domino)), storage)
    store.objects["b/adae"] = b"other"
    with pytest.raises(ExportError, match="The tag locked"):
        await run(await plan_of(storage, await target_of(domino), "keep-both"), storage)
    await run(await plan_of(storage, await target_of(domino)), storage)
    client = domino.client()
    (dataset,) = await named_datasets(client, "adam")
    newest = max(await snapshots(client, dataset.id), key=lambda one: one.version or 0)
    assert (await dataset_details(client, dataset.id)).tags == {"locked": newest.id}
    data = await file_content(client, newest.id, "ADaM/adae.csv", limit=100)
    assert data == b"other"


STEPS = [
    "getDatasetsV2",
    "createDataset",
    "getDatasetsV4",
    "startSnapshotUpload",
    "uploadSnapshotFile",
    "endSnapshotUpload",
    "getFilesInSnapshot",
    "createSnapshot",
    "getSnapshot",
    "getSnapshotsV4",
    "addDatasetTag",
]


@pytest.mark.parametrize("operation", STEPS)
@pytest.mark.parametrize("manner", ["drop before", "drop after", "status"])
@pytest.mark.parametrize("call", [1, 2])
async def test_a_passing_fault_leaves_one_snapshot(
    domino: Domino, storage: Storage, journal: Journal, operation: str, manner: str, call: int
) -> None:
    domino.faults.on.append(Fault(operation, manner, frozenset([call]), status=503))  # type: ignore[arg-type]
    try:
        plan = await plan_of(storage, await target_of(domino))
        await run(plan, storage, journal=journal, options=OPTIONS, retry_delay=0)
    except (ServerError, ExportError):
        # What is not repeated by itself is taken up by a person.
        domino.faults.on.clear()
        transfers = Transfers(journal, storage, domino.access(), retry_delay=0)
        for record in journal.list():
            await transfers.resume(record.id)
            await transfers.wait(record.id)
    await check_published(domino)


@pytest.mark.parametrize("when", ["kill_before", "kill_after"])
@pytest.mark.parametrize("first", range(1, 5))
async def test_a_kill_at_any_request_is_taken_up(tmp_path: Path, storage: Storage, when: str, first: int) -> None:
    for number in range(first, 1000, 4):
        domino = Domino(tmp_path / f"domino-{number}")
        journal = Journal(tmp_path / f"state-{number}.sqlite3")
        wire = domino.wire()
        name = (await target_of(domino)).text
        plan = await plan_of(storage, parse_target(name, OPTIONS, domino.access(wire)))
        wire.requests.clear()
        setattr(wire, when, number)
        try:
            await run(plan, storage, journal=journal, options=OPTIONS, concurrency=1, retry_delay=0)
        except Killed:
            pass
        else:
            assert number > 15
            break
        (record,) = journal.list()
        assert record.state in ("interrupted", "planned")
        await check_resumed(domino, storage, journal)


async def test_a_resumed_session_asks_before_it_sends(domino: Domino, storage: Storage, journal: Journal) -> None:
    name, wire = (await target_of(domino)).text, domino.wire()
    plan = await plan_of(storage, parse_target(name, OPTIONS, domino.access(wire)))
    domino.faults.on.append(Fault("uploadSnapshotFile", calls=frozenset(range(4, 100)), status=403))
    with pytest.raises(ExportError):
        await run(plan, storage, journal=journal, options=OPTIONS, concurrency=1, retry_delay=0)
    domino.faults.on.clear()
    came = domino.faults.count("uploadSnapshotFile")
    await check_resumed(domino, storage, journal)
    assert domino.faults.count("startSnapshotUpload") == 2  # of the files, and of the manifest
    assert domino.faults.count("isChunkAvailable") > 0
    # 3 came before, of 5 chunks in all; and the manifest.
    assert domino.faults.count("uploadSnapshotFile") - came == 2 + 1


async def test_a_kill_behind_the_end_of_the_session_sends_nothing_again(
    domino: Domino, storage: Storage, journal: Journal
) -> None:
    name, wire = (await target_of(domino)).text, domino.wire()
    plan = await plan_of(storage, parse_target(name, OPTIONS, domino.access(wire)))
    wire.kill_behind = "/snapshot/file/end/"
    with pytest.raises(Killed):
        await run(plan, storage, journal=journal, options=OPTIONS)
    came = domino.faults.count("uploadSnapshotFile")
    await check_resumed(domino, storage, journal)
    # The manifest alone.
    assert domino.faults.count("uploadSnapshotFile") == came + 1


async def test_a_forgotten_session_begins_anew(domino: Domino, storage: Storage, journal: Journal) -> None:
    plan = await plan_of(storage, await target_of(domino))
    domino.faults.on.append(Fault("endSnapshotUpload", status=403))
    with pytest.raises(FlowtuiError, match="does not allow"):
        await run(plan, storage, journal=journal, options=OPTIONS)
    domino.faults.on.clear()
    (record,) = journal.list()
    client = domino.client()
    (dataset,) = await named_datasets(client, "adam")
    await uploads.cancel_upload(client, dataset.id, journal.notes(record.id).get("upload"))
    await check_resumed(domino, storage, journal)


async def test_a_session_that_is_forgotten_meanwhile_is_told(
    domino: Domino, storage: Storage, journal: Journal
) -> None:
    plan = await plan_of(storage, await target_of(domino))
    domino.faults.on.append(Fault("uploadSnapshotFile", calls=frozenset([3]), status=404))
    domino.faults.on.append(Fault("getSnapshotUploadSession", status=404))
    with pytest.raises(ExportError, match="forgotten the upload"):
        await run(plan, storage, journal=journal, options=OPTIONS, concurrency=1)
    domino.faults.on.clear()
    await check_resumed(domino, storage, journal)


async def test_a_damaged_chunk_is_sent_again(
    domino: Domino, storage: Storage, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await plan_of(storage, await target_of(domino))
    honest, times = uploads.send_chunk, iter([True])

    async def damaging(client: DominoClient, dataset: str, key: str, chunk: uploads.Chunk, checksum: str) -> None:
        if next(times, False):
            checksum = "0" * 32
        await honest(client, dataset, key, chunk, checksum)

    monkeypatch.setattr(uploads, "send_chunk", damaging)
    await run(plan, storage, journal=journal, options=OPTIONS)
    await check_published(domino)


async def test_a_cancelled_export_leaves_nothing(domino: Domino, storage: Storage, journal: Journal) -> None:
    options = TargetOptions(create=True)
    plan = await plan_of(storage, await target_of(domino, options))
    domino.faults.on.append(Fault("uploadSnapshotFile", "delay", frozenset([2]), seconds=30))
    transfers = Transfers(journal, storage, domino.access())
    id_ = await transfers.start(plan, options)
    while domino.faults.count("uploadSnapshotFile") < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await transfers.cancel(id_)
    assert journal.get(id_).state == "cancelled"
    assert await content(domino) == {"head": {}}
    assert domino.faults.count("cancelSnapshotUpload") == 1
    (key,) = [one.name for one in (domino.home / "domino" / "uploads").iterdir()] or [""]
    assert not key


async def test_a_snapshot_that_fails_is_made_anew(
    domino: Domino, storage: Storage, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flowtui.exports.domino.snapshots import Snapshot
    from flowtui.exports.targets import dataset_snapshot

    honest = dataset_snapshot.snapshot

    async def failing(client: DominoClient, id_: str) -> Snapshot:
        return Snapshot(id_, "failed")

    plan = await plan_of(storage, await target_of(domino))
    monkeypatch.setattr(dataset_snapshot, "snapshot", failing)
    with pytest.raises(ExportError, match="could not make the snapshot"):
        await run(plan, storage, journal=journal, options=OPTIONS)
    monkeypatch.setattr(dataset_snapshot, "snapshot", honest)
    transfers = Transfers(journal, storage, domino.access())
    (record,) = journal.list()
    await transfers.resume(record.id)
    assert (await transfers.wait(record.id)).state == "done"
    assert sorted(await content(domino)) == ["1", "2", "head"]
