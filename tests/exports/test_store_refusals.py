"""What a store refuses, in words and without secrets, and what arrives damaged."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from flowtui.errors import ExportError, UsageError
from flowtui.exports import TargetAccess, parse_target
from flowtui.exports.targets.google_calls import GoogleCalls
from flowtui.storage import StoreAccess
from tests.exports.stores import Place, Stores
from tests.exports.test_store_stage import DictNotes, stage_of, upload
from tests.storage import s3
from tests.storage.clouds import azure_server


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with Stores(tmp_path_factory.mktemp("folders")) as started:
        yield started


async def test_refusals_say_why_and_tell_no_secret(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = stores.s3()
    nobody = Place("s3://nobody/p", TargetAccess(s3.access(url)), dict, lambda *_: None)
    with pytest.raises(ExportError, match=r"s3://nobody/p cannot be written: no such bucket") as missing:
        await upload(await stage_of(nobody, DictNotes()))
    assert "bucket has to be there" in missing.value.hint
    with azure_server({"study/x": b""}) as server:
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", server.connection_string)
        denied = Place("abfs://study/p", TargetAccess(StoreAccess()), dict, lambda *_: None)
        server.refuses = True
        with pytest.raises(ExportError, match=r"abfs://study/p cannot be written: access denied") as refused:
            await upload(await stage_of(denied, DictNotes()))
        server.refuses = False
        absent = Place("abfs://none/p", TargetAccess(StoreAccess()), dict, lambda *_: None)
        with pytest.raises(ExportError, match=r"abfs://none/p cannot be written: no such bucket"):
            await upload(await stage_of(absent, DictNotes()))
    assert "c2VjcmV0" not in str(refused.value)
    gone = Place("s3://study/p", TargetAccess(s3.access("http://127.0.0.1:1")), dict, lambda *_: None)
    with pytest.raises(ExportError, match=r"s3://study/p cannot be written: the store does not answer") as silent:
        await upload(await stage_of(gone, DictNotes()))
    assert s3.SECRET not in str(silent.value)
    assert "Look at the network" in silent.value.hint


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(ExportError, match="gcsfs") as missing:
        asyncio.run(parse_target("gs://study/p").existing(["a"]))
    assert "flowtui[stores]" in missing.value.hint


@pytest.mark.parametrize(
    "text",
    ["sftp://me:hunter2@host/p", "abfs://c@a.dfs.core.windows.net/p?sv=1&sig=hunter2", "zip://a::memory://hunter2"],
)
def test_places_with_a_secret_or_within_another_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_target(text)
    assert ("hunter2" in str(refused.value)) == ("::" in text)


async def test_what_arrives_damaged_is_not_taken(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    place = stores.place("google", monkeypatch)
    put = GoogleCalls.put

    async def damaged(self: Any, key: str, data: bytes, replaces: str | None = None) -> None:
        await put(self, key, data.replace(b"1", b"2"), replaces)

    monkeypatch.setattr(GoogleCalls, "put", damaged)
    with pytest.raises(ExportError, match="arrived damaged"):
        await upload(await stage_of(place, DictNotes()))
