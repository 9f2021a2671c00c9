"""Foreign names and prefixes as keys: what the plan gives is what is there, on whatever store."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from typing import Any

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowtui.errors import UsageError
from flowtui.exports import TargetAccess, parse_target
from flowtui.exports.manifest import NAME
from flowtui.exports.targets.store import StoreTarget
from flowtui.storage import StoreAccess
from flowtui.text import file_name
from tests.exports.stores import Stores
from tests.exports.test_store_stage import DictNotes, manifest_of, stage_of, staged, upload
from tests.storage import s3
from tests.storage.clouds import azure_server, google_server

PARTS = st.text(max_size=12).map(file_name)
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
HARD = ("a#", "#1", "a%2Fb", "a+b &=;@", " é\u0301", "x?versionId=1", "{}", "100%", "~", "a#b/c#")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with Stores(tmp_path_factory.mktemp("folders")) as started:
        yield started


@given(PATHS, st.lists(st.sampled_from(("a", "", "b c", "ü")), max_size=4).map("/".join))
@settings(max_examples=60, deadline=None)
def test_names_are_kept_in_memory(path: str, prefix: str) -> None:
    url = f"memory://{secrets.token_hex(4)}/{prefix}".rstrip("/")
    fs, files = fsspec.filesystem("memory"), {path: path.encode()}

    async def export() -> None:
        stage = await stage_of_url(url, TargetAccess(), files)
        await stage.publish(manifest_of(files=files))

    asyncio.run(export())
    base = "/" + url.removeprefix("memory://")
    assert set(fs.find(base)) == {f"{base}/{path}", f"{base}/{NAME}"}
    assert fs.cat_file(f"{base}/{path}") == path.encode()


async def stage_of_url(url: str, access: TargetAccess, files: dict[str, bytes]) -> Any:
    from tests.exports.stores import Place

    stage = await stage_of(Place(url, access, dict, lambda *_: None), DictNotes(), files=files)
    await upload(stage, files)
    return stage


@pytest.fixture(scope="module")
def s3_place(stores: Stores) -> tuple[TargetAccess, Any]:
    url, client = stores.s3()
    return TargetAccess(s3.access(url)), client


@given(PATHS, st.sampled_from(("", "/", "/p", "p", "p//q", "p/q//", "//", "p?versionId=3", "p#1", "é %41")))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_keys_of_s3_are_those_of_the_plan(s3_place: tuple[TargetAccess, Any], path: str, prefix: str) -> None:
    access, client = s3_place
    bucket, files = f"b{secrets.token_hex(6)}", {path: path.encode(), "f.txt": b"1"}
    client.create_bucket(Bucket=bucket)

    async def export() -> None:
        stage = await stage_of_url(f"s3://{bucket}/{prefix}", access, files)
        await stage.publish(manifest_of(files=files))
        assert set(await parse_target(f"s3://{bucket}/{prefix}", access=access).existing(files)) == set(files)
        await stage.aclose()

    asyncio.run(export())
    # One slash at the end is how a person writes a prefix.
    base = f"/{prefix}".removesuffix("/")[1:] + "/" if prefix not in ("", "/") else ""
    keys = {one["Key"] for one in client.list_objects_v2(Bucket=bucket)["Contents"]}
    assert keys == {base + name for name in (*files, NAME)}


@pytest.mark.parametrize("kind", ["s3", "google", "azure"])
async def test_hard_names_are_kept(kind: str, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    place = stores.place(kind, monkeypatch)
    # The emulator of Google's store cuts a name at a semicolon where it is in a path.
    files = {name: name.encode() for name in HARD if kind != "google" or ";" not in name}
    stage = await stage_of_url(place.url, place.access, files)
    await stage.publish(manifest_of(files=files))
    objects = place.objects()
    assert objects.pop(NAME)
    assert objects == files
    assert [await stage.has(file) for file in staged(files)] == [True] * len(files)
    await stage.aclose()


@pytest.mark.parametrize("prefix", ["p//q", "/p", "p#", "p?x"])
async def test_prefixes_of_the_other_stores_are_kept(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with azure_server({"study/x": b""}) as server, google_server("study") as url:
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", server.connection_string)
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        access = TargetAccess(StoreAccess(environ={"STORAGE_EMULATOR_HOST": url}))
        for scheme in ("az", "gcs"):
            stage = await stage_of_url(f"{scheme}://study/{prefix}", access, {"f": b"1"})
            await stage.publish(manifest_of(files={"f": b"1"}))
            assert set(await parse_target(f"{scheme}://study/{prefix}", access=access).existing(["f", "g"])) == {"f"}
            await stage.aclose()
        assert set(server.blobs) == {"study/x", f"study/{prefix}/f", f"study/{prefix}/{NAME}"}


@given(st.one_of(st.text(), st.text().map("s3://".__add__), st.text().map("sftp://".__add__)))
def test_every_text_is_a_store_or_none(text: str) -> None:
    from flowtui.exports import TargetOptions
    from flowtui.exports.targets.store import parse

    try:
        target = parse(text, TargetOptions(), TargetAccess())
    except UsageError:
        return
    assert target is None or isinstance(target, StoreTarget)
    assert target is None or target.text.partition("://")[2] == text.partition("://")[2]
