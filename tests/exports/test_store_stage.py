"""The stage of a store, against real servers: what is uploaded, cut short, taken up, published and left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flowtui.errors import ExportError
from flowtui.exports import Selection, SourceRun, TargetAccess, TargetOptions, make_plan, parse_target, run
from flowtui.exports.manifest import NAME, merged_manifest
from flowtui.exports.targets import s3_calls, store, store_calls
from flowtui.exports.targets.base import IfExists, Stage, StagedFile, StageRequest
from flowtui.storage import Storage
from tests.exports.stores import Place, Stores, cut_at
from tests.exports.test_plan import RUN, artifact_file
from tests.storage import clouds
from tests.storage.clouds import azure_server
from tests.trusting import TrustsAll

KINDS = ("s3", "google", "azure", "memory", "folders")
WITH_CONDITIONS = ("s3", "google", "azure")
LARGE = bytes(range(256)) * 4096 * 11
FILES = {"ADaM/adsl é%41+.csv": b"USUBJID\n1\n", "ADaM/sub/empty.txt": b"", "top #1.bin": bytes(range(256)) * 300}


class DictNotes(dict[str, str]):
    """Notes in memory, where a new stage finds them as after a kill."""

    def get(self, name: str, default: Any = "") -> str:
        return super().get(name, default)

    def set(self, name: str, value: str) -> None:
        self[name] = value


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with Stores(tmp_path_factory.mktemp("folders")) as started:
        yield started


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Place:
    return stores.place(request.param, monkeypatch)


async def stage_of(
    place: Place,
    notes: DictNotes,
    *,
    layout: Any = "flat",
    export: str = "ab12",
    files: Mapping[str, bytes] = FILES,
    if_exists: IfExists = "replace",
) -> Stage:
    target = parse_target(place.url, TargetOptions(layout=layout), place.access)
    request = StageRequest(export, staged(files), if_exists, notes)
    return await target.stage(request)


def staged(files: Mapping[str, bytes] = FILES) -> tuple[StagedFile, ...]:
    return tuple(StagedFile(path, "k1", len(body)) for path, body in files.items())


async def upload(stage: Stage, files: Mapping[str, bytes] = FILES) -> None:
    for file in staged(files):
        sink = await stage.open(file)
        body = files[file.path]
        for start in range(0, len(body), 1 << 20):
            await sink.write(body[start : start + (1 << 20)])
        await sink.commit()


def manifest_of(export: str = "ab12", files: Mapping[str, bytes] = FILES) -> Any:
    def manifest(there: Mapping[str, Any]) -> bytes:
        entries = [{"path": path, "size": len(body), "export": export, "run": "r"} for path, body in files.items()]
        return merged_manifest(there, {export: {"user": "u"}}, {"r": {}}, entries)

    return manifest


def without_manifest(objects: dict[str, bytes], prefix: str = "") -> dict[str, bytes]:
    content = json.loads(objects.pop(f"{prefix}{NAME}"))
    assert {entry["path"] for entry in content["files"]} == {path[len(prefix) :] for path in objects}
    return objects


async def test_what_is_staged_is_hidden_then_published_and_nothing_is_left(place: Place) -> None:
    stage = await stage_of(place, DictNotes())
    await upload(stage)
    assert all(path.startswith(".flowtui/ab12/") for path in place.objects())
    assert [await stage.has(file) for file in staged()] == [True, True, True]
    assert not await stage.has(StagedFile("top #1.bin", "k2", 76_800))
    assert not await stage.has(StagedFile("top #1.bin", "k1", 76_801))
    publication = await stage.publish(manifest_of())
    assert publication.place == place.url
    assert without_manifest(place.objects()) == FILES
    await stage.aclose()

    target = parse_target(place.url, access=place.access)
    there = await target.existing([*FILES, "ADaM/none.csv"])
    assert {path: (one.size, one.directory) for path, one in there.items()} == {
        path: (len(body), False) for path, body in FILES.items()
    }
    assert json.loads(await target.read(NAME) or b"")["version"] == 2
    assert await target.read("none") is None
    assert await target.free() is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ["flat", "snapshots"])
async def test_a_publication_cut_anywhere_ends_when_it_is_taken_up(
    kind: str, layout: Any, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = "snapshots/2/" if layout == "snapshots" else ""
    # Requests are cut in the middle of the code, so some clients try them again.
    monkeypatch.setattr("asyncio.sleep", _short_sleep(asyncio.sleep))
    at, was_cut, kinds = 0, True, set()
    # Servers take their time: every second request is cut there, by turns before and after it is done.
    step = 2 if kind in ("s3", "azure") else 1
    while was_cut:
        at += step
        place = stores.place(kind, monkeypatch)
        place.put(f"{prefix}of somebody" if not prefix else "snapshots/1/cut short", b"precious")
        before = place.objects()
        notes = DictNotes()
        stage = await stage_of(place, notes, layout=layout)
        await upload(stage)
        with cut_at(at, is_done=at // step % 2 == 0) as cut:
            try:
                await stage.publish(manifest_of())
            except ExportError:
                kinds.add(bool(notes.get("publishing")))
            was_cut = cut.count >= at
        # A folder that has nothing in it yet is no half of an export.
        shown = {
            path: body
            for path, body in place.objects().items()
            if not path.startswith(".flowtui/") and (body != b"folder" or path in before)
        }
        expected = before | {prefix + path: body for path, body in FILES.items()}
        has_manifest = shown.pop(f"{prefix}{NAME}", None) is not None
        assert shown.items() <= expected.items()
        assert not has_manifest or shown == expected
        target = parse_target(place.url, TargetOptions(layout=layout), place.access)
        if layout == "snapshots":
            assert set(await target.existing(FILES)) == (set(FILES) if has_manifest else set())

        again = await stage_of(place, notes, layout=layout)
        assert [await again.has(file) for file in staged()] == [True, True, True]
        publication = await again.publish(manifest_of())
        assert publication.place == f"{place.url}/{prefix}".rstrip("/")
        objects = place.objects()
        assert json.loads(objects.pop(f"{prefix}{NAME}"))["exports"] == {"ab12": {"user": "u"}}
        assert objects == expected, f"cut at {at}"
        assert await again.publish(manifest_of()) == publication
        await again.aclose()
        await stage.aclose()
    assert kinds == {False, True} or (kinds == {True} and layout == "flat")


def _short_sleep(sleep: Any) -> Any:
    async def short(seconds: float, *more: Any) -> Any:
        return await sleep(min(seconds, 0.01), *more)

    return short


async def test_an_upload_cut_anywhere_is_not_there_and_can_be_made_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asyncio.sleep", _short_sleep(asyncio.sleep))
    files = {"large.bin": LARGE + b"!"}
    stage = await stage_of(place, DictNotes(), files=files)
    (file,) = staged(files)
    at, was_cut = 0, True
    while was_cut:
        at += 1
        with cut_at(at) as cut:
            try:
                await upload(stage, files)
            except ExportError as error:
                assert ".flowtui" not in str(error)  # noqa: PT017
            was_cut = cut.count >= at
        if was_cut:
            sink = await stage.open(file)
            await sink.write(b"x")
            await sink.abort(keep=True)
    assert await stage.has(file)
    await stage.publish(manifest_of(files=files))
    assert without_manifest(place.objects()) == files
    await stage.aclose()


async def test_an_upload_that_is_aborted_leaves_nothing(place: Place) -> None:
    stage = await stage_of(place, DictNotes())
    sink = await stage.open(StagedFile("a", "k", None))
    await sink.restart()
    for _ in range(3):
        await sink.write(LARGE)
    await sink.abort(keep=True)
    assert [part async for part in sink.written()] == []
    assert sink.offset == 0
    assert place.objects() == {}
    await sink.write(b"again")
    await sink.commit()
    assert list(place.objects().values()) == [b"again"]
    await stage.discard()
    assert place.objects() == {}
    await stage.discard()
    await stage.aclose()


async def test_discarding_throws_parts_away_that_a_killed_process_has_left(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = stores.place("s3", monkeypatch)
    _, client = stores.s3()
    other = client.create_multipart_upload(Bucket="study", Key="of somebody")
    stage = await stage_of(place, DictNotes())
    sink = await stage.open(StagedFile("a", "k", len(LARGE)))
    await sink.write(LARGE)
    assert len(client.list_multipart_uploads(Bucket="study")["Uploads"]) == 2
    # The process is gone here: nobody aborts the sink.
    await (await stage_of(place, DictNotes())).discard()
    assert [one["UploadId"] for one in client.list_multipart_uploads(Bucket="study")["Uploads"]] == [other["UploadId"]]
    client.abort_multipart_upload(Bucket="study", Key="of somebody", UploadId=other["UploadId"])
    await sink.abort(keep=False)
    await stage.aclose()


async def test_parts_of_one_object_are_sent_at_the_same_time(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    place = stores.place("s3", monkeypatch)
    running, most = 0, 0
    part = s3_calls.S3Calls.part

    async def watched(self: Any, key: str, upload: Any, number: int, offset: int, data: bytes) -> Any:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await part(self, key, upload, number, offset, data)
        finally:
            running -= 1

    monkeypatch.setattr(s3_calls.S3Calls, "part", watched)
    files = {"large.bin": LARGE * 5}
    stage = await stage_of(place, DictNotes(), files=files)
    await upload(stage, files)
    assert 1 < most <= s3_calls.S3Calls.parts_at_once
    await stage.publish(manifest_of(files=files))
    assert place.objects()["large.bin"] == LARGE * 5
    await stage.aclose()


async def test_large_objects_are_copied_in_parts(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_calls.S3Calls, "most_copied", 1 << 20)
    monkeypatch.setattr(s3_calls.S3Calls, "copied_part", 5 << 20)
    place = stores.place("s3", monkeypatch)
    files = {"larger é.bin": LARGE + b"!"}
    stage = await stage_of(place, DictNotes(), files=files)
    await upload(stage, files)
    await stage.publish(manifest_of(files=files))
    assert without_manifest(place.objects()) == files
    (key,) = [one["Key"] for one in _listed(stores, place) if one["ETag"].endswith('-2"')]
    assert key.endswith("/larger é.bin")
    await stage.aclose()


def _listed(stores: Stores, place: Place) -> list[Any]:
    prefix = place.url.partition("s3://study/")[2]
    found: list[Any] = stores.s3()[1].list_objects_v2(Bucket="study", Prefix=prefix)["Contents"]
    return found


@pytest.mark.parametrize("size", [None, 0, 1, 8 << 30, 5 << 40])
def test_parts_are_few_enough_for_the_store(size: int | None) -> None:
    part = store_calls.part_bytes(size, 10_000)
    assert part >= 5 << 20
    assert (size or 0) <= part * 9_999


async def test_a_copy_that_takes_its_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from flowtui.storage import StoreAccess

    monkeypatch.setattr("asyncio.sleep", _short_sleep(asyncio.sleep))
    with azure_server({"study/x": b""}) as server:
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", server.connection_string)
        server.pending = 3
        place = Place("abfs://study/p", TargetAccess(StoreAccess()), dict, lambda *_: None)
        stage = await stage_of(place, DictNotes())
        await upload(stage)
        await stage.publish(manifest_of())
        assert [name for name, left in server.copies.items() if left] == []
        assert {name: server.blobs[f"study/p/{name}"] for name in FILES} == FILES
        await stage.aclose()


async def test_exports_at_the_same_time_get_snapshots_of_their_own(place: Place) -> None:
    stages = [await stage_of(place, DictNotes(), layout="snapshots", export=f"e{n}") for n in range(1, 6)]
    for stage in stages:
        await upload(stage)
    published = await asyncio.gather(
        *(stage.publish(manifest_of(f"e{number}")) for number, stage in enumerate(stages, 1))
    )
    assert len({one.place for one in published}) == 5
    objects = place.objects()
    for number, one in enumerate(published, 1):
        prefix = one.place[len(place.url) + 1 :] + "/"
        mine = {path: objects.pop(path) for path in sorted(objects) if path.startswith(prefix)}
        assert set(json.loads(mine[f"{prefix}{NAME}"])["exports"]) == {f"e{number}"}
        assert without_manifest(mine, prefix) == {prefix + path: body for path, body in FILES.items()}
    assert objects == {}
    for stage in stages:
        await stage.aclose()


async def published_while(place: Place, change: Callable[[], object]) -> list[set[str]]:
    """Publish the export ``ab12``, and change the place when its manifest is made the first time.

    Gives the exports of the manifest that was there, each time that one was made.
    """
    stage = await stage_of(place, DictNotes())
    await upload(stage)
    seen: list[set[str]] = []

    def manifest(content: Mapping[str, Any]) -> bytes:
        seen.append(set(content.get("exports", {})))
        if len(seen) == 1:
            change()
        return bytes(manifest_of()(content))

    await stage.publish(manifest)
    await stage.aclose()
    return seen


def exports_of(place: Place) -> set[str]:
    return set(json.loads(place.objects()[NAME])["exports"])


@pytest.mark.parametrize("place", WITH_CONDITIONS, indirect=True)
@pytest.mark.parametrize("there", [False, True])
async def test_what_another_export_writes_into_the_manifest_at_the_same_time_stays(place: Place, there: bool) -> None:
    before = json.loads(manifest_of("first", {"a": b"1"})({})) if there else {}
    if there:
        place.put(NAME, json.dumps(before).encode())
    first = {"first"} if there else set()
    seen = await published_while(place, lambda: place.put(NAME, manifest_of("another", {"b": b"2"})(before)))
    assert seen == [first, {*first, "another"}]
    assert exports_of(place) == {*first, "another", "ab12"}


@pytest.mark.parametrize("place", WITH_CONDITIONS, indirect=True)
async def test_a_manifest_that_is_removed_at_the_same_time_is_written_anew(place: Place) -> None:
    place.put(NAME, manifest_of("first", {"a": b"1"})({}))
    assert await published_while(place, lambda: place.remove(NAME)) == [{"first"}, set()]
    assert exports_of(place) == {"ab12"}


@pytest.mark.parametrize("place", WITH_CONDITIONS, indirect=True)
async def test_a_large_manifest_that_changes_while_it_is_read_is_read_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_calls, "PART", 64)
    place.put(NAME, manifest_of("first", {"a": b"1"})({}))
    stage = await stage_of(place, DictNotes())
    await upload(stage)
    read = type(stage)._manifest
    client: Any = (await stage._files.calls())._client  # type: ignore[attr-defined]
    parts = client.read
    changed: list[str] = []

    async def changing(bucket: str, key: str, start: int, length: int) -> Any:
        found = await parts(bucket, key, start, length)
        if key.endswith(NAME) and not changed:
            changed.append(key)
            there = json.loads(place.objects()[NAME])
            await asyncio.to_thread(place.put, NAME, manifest_of("another", {"b": b"2"})(there))
        return found

    monkeypatch.setattr(client, "read", changing)
    content, _ = await read(stage)
    assert changed
    assert set(content["exports"]) == {"first", "another"}
    await stage.aclose()


@pytest.mark.parametrize("code", ["BlobImmutableDueToPolicy", "ContainerBeingDeleted"])
@pytest.mark.parametrize("refused", [NAME, "adsl"])
async def test_a_refusal_that_is_no_condition_is_told_as_it_is(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, code: str, refused: str
) -> None:
    place = stores.place("azure", monkeypatch)
    put = clouds._Azure.do_PUT

    def refusing(self: clouds._Azure) -> None:
        if (self.path.partition("?")[0].endswith(NAME)) == (refused == NAME) and "x-ms-copy-source" not in self.headers:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._refuse(409, code)
        else:
            put(self)

    monkeypatch.setattr(clouds._Azure, "do_PUT", refusing)
    stage = await stage_of(place, DictNotes())

    async def publish() -> None:
        await upload(stage)
        await stage.publish(manifest_of())

    with pytest.raises(ExportError, match=r"cannot be written: No\.") as failed:
        await publish()
    assert "by others" not in str(failed.value)
    await stage.aclose()


async def test_many_exports_at_once_are_all_in_the_manifest(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    place = stores.place("azure", monkeypatch)
    stages = [await stage_of(place, DictNotes(), export=f"e{number}") for number in range(12)]
    for stage in stages:
        await upload(stage)
    await asyncio.gather(
        *(stage.publish(manifest_of(f"e{number}", {f"f{number}": b""})) for number, stage in enumerate(stages))
    )
    assert exports_of(place) == {f"e{number}" for number in range(12)}
    for stage in stages:
        await stage.aclose()


@pytest.mark.parametrize("place", ["s3"], indirect=True)
async def test_a_server_that_knows_no_conditions_is_written_to_without(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = s3_calls.S3Calls._call

    async def refusing(self: s3_calls.S3Calls, method: str, **options: Any) -> Any:
        if {"IfMatch", "IfNoneMatch"} & set(options):
            answer: Any = {"Error": {"Code": "NotImplemented", "Message": "A header you provided implies more."}}
            raise OSError("not implemented") from ClientError(answer, method)
        return await call(self, method, **options)

    monkeypatch.setattr(s3_calls.S3Calls, "_call", refusing)
    stage = await stage_of(place, DictNotes())
    await upload(stage)
    await stage.publish(manifest_of())
    assert without_manifest(place.objects()) == FILES
    await stage.aclose()


@pytest.mark.parametrize("place", WITH_CONDITIONS, indirect=True)
async def test_a_manifest_that_is_written_all_the_time_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "pause", _short_sleep(asyncio.sleep))
    stage = await stage_of(place, DictNotes())
    await upload(stage)
    numbers = iter(range(100))

    def manifest(content: Mapping[str, Any]) -> bytes:
        place.put(NAME, manifest_of(f"e{next(numbers)}", {"b": b"2"})(content))
        return bytes(manifest_of()(content))

    with pytest.raises(ExportError, match="written by others all the time"):
        await stage.publish(manifest)
    await stage.aclose()


async def test_exports_of_no_journal_do_not_take_each_other_for_themselves(place: Place, tmp_path: Path) -> None:
    for body in (b"first", b"second"):
        (tmp_path / "a.txt").write_bytes(body)
        async with Storage(TrustsAll()) as storage:
            files = (artifact_file("a.txt", str(tmp_path / "a.txt"), format_=""),)
            target = parse_target(place.url, TargetOptions(), place.access)
            plan = await make_plan([Selection(SourceRun(RUN), files)], target, storage)
            await run(plan, storage)
        assert without_manifest(place.objects()) == {"ADaM/a.txt": body}


async def test_what_somebody_else_has_written_meanwhile_is_not_replaced(place: Place) -> None:
    stage = await stage_of(place, DictNotes(), if_exists="stop")
    await upload(stage)
    place.put("ADaM/adsl é%41+.csv", b"of somebody")
    with pytest.raises(ExportError, match="was written by somebody else"):
        await stage.publish(manifest_of())
    await stage.discard()
    assert place.objects() == {"ADaM/adsl é%41+.csv": b"of somebody"}
    await stage.aclose()


async def test_what_has_vanished_from_the_stage_is_not_published(place: Place) -> None:
    notes = DictNotes()
    stage = await stage_of(place, notes)
    await upload(stage)
    place.put("top #1.bin", FILES["top #1.bin"])
    await (await stage_of(place, DictNotes())).discard()
    # An older file of the same size at its place is not the staged one.
    assert [await stage.has(file) for file in staged()] == [False, False, False]
    with pytest.raises(ExportError, match="has vanished from"):
        await stage.publish(manifest_of())
    assert NAME not in place.objects()
    await stage.aclose()


async def test_many_files_of_a_folder_are_asked_for_at_once(place: Place) -> None:
    paths = [f"ADaM/f{number:02d}.csv" for number in range(30)]
    for path in paths[::3]:
        place.put(path, path.encode())
    place.put("ADaM/f01.csv/inside", b"1")
    target = parse_target(place.url, access=place.access)
    with cut_at() as cut:
        there = await target.existing(paths)
    folders = {path for path, one in there.items() if one.directory}
    assert {path: one.size for path, one in there.items() if path not in folders} == dict.fromkeys(paths[::3], 13 - 1)
    # A store has no folders that could be in the way.
    is_store = place.url.startswith(("s3", "gs", "abfs"))
    assert folders == (set() if is_store else {"ADaM/f01.csv"})
    assert cut.count <= 3


async def test_a_snapshot_number_is_a_number(place: Place) -> None:
    for name in ("007", "x", "-1", "9" * 5000 if "s3" not in place.url else "9" * 20, "3"):
        if len(name) < 200 or place.url.startswith("memory"):
            place.put(f"snapshots/{name}/{NAME}", b'{"version": 2, "files": []}')
    target = parse_target(place.url, TargetOptions(layout="snapshots"), place.access)
    assert await target.read(NAME) == b'{"version": 2, "files": []}'
    stage = await stage_of(place, DictNotes(), layout="snapshots")
    await upload(stage)
    assert (await stage.publish(manifest_of())).place.endswith("/snapshots/4")
    await stage.aclose()
