"""Exports to object stores: a real S3 server and fsspec's own file system in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowtui.config import StorageSettings
from flowtui.errors import ExportError, UsageError
from flowtui.exports import (
    Journal,
    Selection,
    SourceRun,
    TargetAccess,
    TargetOptions,
    Transfers,
    make_plan,
    parse_target,
)
from flowtui.exports.targets.store import StoreTarget
from flowtui.storage import Storage, StoreAccess
from tests.exports.test_plan import RUN, artifact_file
from tests.storage.s3 import KEY, SECRET, s3_client, s3_server
from tests.trusting import TrustsAll


@pytest.fixture(scope="module")
def s3() -> Iterator[tuple[Any, str]]:
    with s3_server() as url:
        client = s3_client(url)
        client.create_bucket(Bucket="study")
        yield client, url


@pytest.fixture
def access(s3: tuple[Any, str]) -> TargetAccess:
    environ = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    settings = StorageSettings(
        endpoint=s3[1], addressing_style="path", access_key_id=KEY, secret_access_key=SECRET, region="us-east-1"
    )
    return TargetAccess(StoreAccess(settings, environ=environ))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "adsl.csv").write_bytes(b"USUBJID\n1\n")
    (folder / "large.bin").write_bytes(bytes(range(256)) * 80_000)
    (folder / "empty é.txt").write_bytes(b"")
    return folder


async def export(
    source: Path, to: str, access: TargetAccess, journal: Path, options: TargetOptions | None = None
) -> Any:
    options = options or TargetOptions()
    files = tuple(artifact_file(path.name, str(path), format_="") for path in sorted(source.iterdir()))  # noqa: ASYNC240
    async with Storage(TrustsAll()) as storage:
        transfers = Transfers(Journal(journal), storage, access, retry_delay=0)
        target = parse_target(to, options, access)
        plan = await make_plan([Selection(SourceRun(RUN), files)], target, storage, folder=options.folder)
        return plan, await transfers.wait(await transfers.start(plan, options))


def objects(client: Any, prefix: str) -> dict[str, bytes]:
    found = client.list_objects_v2(Bucket="study", Prefix=prefix).get("Contents", ())
    return {one["Key"]: client.get_object(Bucket="study", Key=one["Key"])["Body"].read() for one in found}


async def test_objects_arrive_whole_and_nothing_else_is_left(
    s3: tuple[Any, str], access: TargetAccess, source: Path, tmp_path: Path
) -> None:
    _, record = await export(source, "s3://study/flat", access, tmp_path / "j", TargetOptions(folder="a"))
    found = objects(s3[0], "flat/")
    manifest = json.loads(found.pop("flat/flowtui-manifest.json"))
    assert found == {f"flat/a/ADaM/{path.name}": path.read_bytes() for path in source.iterdir()}  # noqa: ASYNC240
    assert [entry["path"] for entry in manifest["files"]] == sorted(name[len("flat/") :] for name in found)
    assert (record.place, record.manifest) == ("s3://study/flat", "s3://study/flat/flowtui-manifest.json")

    plan, _ = await export(source, "s3://study/flat", access, tmp_path / "j", TargetOptions(folder="a"))
    assert {file.action for file in plan.files} == {"same"}
    (source / "adsl.csv").write_bytes(b"changed")
    plan, _ = await export(source, "s3://study/flat", access, tmp_path / "j", TargetOptions(folder="a"))
    assert sorted(file.action for file in plan.files) == ["replaces", "same", "same"]
    assert objects(s3[0], "flat/")["flat/a/ADaM/adsl.csv"] == b"changed"


async def test_every_export_is_a_snapshot_where_it_is_told_to_be(
    s3: tuple[Any, str], access: TargetAccess, source: Path, tmp_path: Path
) -> None:
    options = TargetOptions(layout="snapshots")
    s3[0].put_object(Bucket="study", Key="snap/snapshots/4/cut short", Body=b"")
    _, record = await export(source, "s3://study/snap", access, tmp_path / "j", options)
    assert record.place == "s3://study/snap/snapshots/5"
    plan, record = await export(source, "s3://study/snap", access, tmp_path / "j", options)
    assert ({file.action for file in plan.files}, record.place) == ({"same"}, "")
    (source / "adsl.csv").write_bytes(b"changed")
    _, record = await export(source, "s3://study/snap", access, tmp_path / "j", options)
    assert record.place == "s3://study/snap/snapshots/6"
    assert len(objects(s3[0], "snap/snapshots/6/")) == 4


async def test_a_cancelled_export_leaves_nothing_in_the_store(
    s3: tuple[Any, str], access: TargetAccess, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Any, *_: Any) -> None:
        raise ExportError("cut")

    with monkeypatch.context() as patch:
        patch.setattr("flowtui.exports.targets.store.StoreStage.publish", broken)
        with pytest.raises(ExportError, match="cut"):
            await export(source, "s3://study/cut", access, tmp_path / "j")
    journal = Journal(tmp_path / "j")
    (record,) = journal.list()
    assert all("/.flowtui/" in key for key in objects(s3[0], "cut/"))
    async with Storage(TrustsAll()) as storage:
        transfers = Transfers(journal, storage, access)
        with pytest.raises(ExportError, match="while its files got their names"):
            await transfers.cancel(record.id)
        await transfers.resume(record.id)
        assert (await transfers.wait(record.id)).state == "done"
    assert not [key for key in objects(s3[0], "cut/") if "/.flowtui/" in key]


async def test_refusals_are_told_without_secrets(source: Path, access: TargetAccess, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="s3://no-such-bucket/x cannot be written") as refused:
        await export(source, "s3://no-such-bucket/x", access, tmp_path / "j")
    assert SECRET not in str(refused.value)
    with pytest.raises(ExportError, match="no kind of place that fsspec knows"):
        await export(source, "nosuchscheme://x/y", access, tmp_path / "j")
    with pytest.raises(UsageError):
        parse_target("s3://")


async def test_other_file_systems_of_fsspec_take_exports(source: Path, tmp_path: Path) -> None:
    import fsspec

    assert isinstance(parse_target("memory://place"), StoreTarget)
    _, record = await export(source, "memory://place", TargetAccess(), tmp_path / "j")
    fs = fsspec.filesystem("memory")
    assert (record.state, record.place) == ("done", "memory://place")
    assert fs.cat_file("/place/ADaM/adsl.csv") == b"USUBJID\n1\n"
    assert not [path for path in fs.find("/place") if ".flowtui/" in path]
