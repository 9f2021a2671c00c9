"""Arrow IPC files and streams, as pyarrow writes them."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy
import pyarrow as pa
import pyarrow.feather as feather
import pytest

from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview
from flowtui.preview.workers import Workers
from flowtui.storage import Storage
from tests.preview.look import look
from tests.preview.test_parquet import NEUTRAL, SHOWN, TYPES
from tests.storage.store import Store
from tests.trusting import TrustsAll


def written(table: pa.Table, form: str = "file", compression: str | None = None, chunk: int | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    new = pa.ipc.new_file if form == "file" else pa.ipc.new_stream
    with new(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=chunk)
    return sink.getvalue()


async def test_every_type() -> None:
    async with Workers() as workers:
        for form in ("file", "stream"):
            for compression in (None, "lz4", "zstd"):
                found = await look(written(TYPES, form, compression, 2), "f.arrow", workers=workers)
                assert (found.kind, found.format, found.total_rows, found.more) == ("table", "arrow", 3, False)
                assert found.notices == ()
                assert found.rows == SHOWN
                assert [column.type for column in found.columns] == NEUTRAL
                facts = dict(found.facts)
                assert facts["form"] == f"IPC {form}"
                assert facts["compression"] == (compression or "none")


async def test_types_that_pyarrow_alone_reads() -> None:
    table = pa.table({"view": pa.array(["a" * 30, None], pa.string_view()), "n": [1, 2]})
    for form in ("file", "stream"):
        found = await look(written(table, form), "f.arrow")
        assert found.rows == (("a" * 30, 1), (None, 2))


async def test_dictionaries_within_structs_and_lists() -> None:
    words = pa.array(["a", "b", "a"]).dictionary_encode()
    table = pa.table({"s": pa.StructArray.from_arrays([words, pa.array([1, 2, 3])], ["w", "n"]), "d": words})
    found = await look(written(table), "f.arrow")
    assert found.rows == (('{"w": "a", "n": 1}', "a"), ('{"w": "b", "n": 2}', "b"), ('{"w": "a", "n": 3}', "a"))


async def test_dictionaries_that_grow_in_a_stream() -> None:
    first = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), pa.array(["a"]))
    second = pa.DictionaryArray.from_arrays(pa.array([1], pa.int32()), pa.array(["a", "b"]))
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.ipc.new_file(sink, pa.schema([("w", first.type)]), options=options) as writer:
        writer.write_batch(pa.record_batch([first], ["w"]))
        writer.write_batch(pa.record_batch([second], ["w"]))
    assert (await look(sink.getvalue(), "f.arrow")).rows == (("a",), ("b",))


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
async def test_feather_of_one_large_batch_is_not_read_as_a_whole(compression: str, tmp_path: Path) -> None:
    rows = 1_000_000
    random = numpy.random.default_rng(1)
    table = pa.table(
        {
            "id": numpy.arange(rows),
            "x": random.normal(size=rows),
            "name": [f"name {at}" for at in range(rows)],
            "list": pa.array([[at, at] for at in range(1000)] * 1000),
        }
    )
    path = tmp_path / "f.feather"
    feather.write_feather(table, path, compression=compression, chunksize=rows)
    content = path.read_bytes()
    assert len(content) > 15_000_000
    store = Store({"bucket/f.feather": content})
    async with (
        Storage(TrustsAll(), transport=store.transport) as storage,
        storage.open("http://store/bucket/f.feather") as reader,
    ):
        found = await preview(reader, name="f.feather")
        assert (len(found.rows), found.total_rows, found.more) == (100, rows, True)
        assert found.rows[99][0] == 99
        assert found.rows[99][2:] == ("name 99", "[99, 99]")
        assert found.notices == ("first 100 of 1,000,000 rows",)
        assert reader.round_trips <= 4
        assert reader.bytes_read < 512 * 1024
        found = await preview(reader, name="f.feather", limits=Limits().more())
        assert found.rows[399][2] == "name 399"


async def test_a_stream_that_goes_on_has_no_total() -> None:
    content = written(pa.table({"n": numpy.arange(200_000)}), "stream", chunk=10_000)
    found = await look(content, "f.arrows")
    assert (len(found.rows), found.total_rows, found.more) == (100, None, True)
    assert found.notices == ("first 100 rows",)


async def test_empty_and_batchless() -> None:
    for form in ("file", "stream"):
        found = await look(written(pa.table({"a": pa.array([], pa.int64())}), form), "f.arrow")
        assert (found.kind, found.rows, found.total_rows, found.more) == ("table", (), 0, False)


async def test_feather_of_version_1(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2], "s": ["x", None], "t": pa.array([0, 1], pa.timestamp("us", "UTC"))})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        feather.write_feather(table, tmp_path / "f.feather", version=1)
    found = await look((tmp_path / "f.feather").read_bytes(), "f.feather")
    assert found.rows == ((1, "x", "1970-01-01 00:00:00.000000Z"), (2, None, "1970-01-01 00:00:00.000001Z"))
    assert (found.format, found.total_rows, dict(found.facts)["form"]) == ("feather", 2, "Feather version 1")
    found = await look(b"FEA1" + bytes(400), "f.feather")
    assert any(notice.startswith("a damaged Feather file of version 1: ") for notice in found.notices)


async def test_damaged_files_are_bytes_with_a_reason() -> None:
    content = written(TYPES)
    async with Workers() as workers:
        for damaged, said in (
            (content[:-20], "it has no footer at its end"),
            (content[:300], "it has no footer at its end"),
            (content[:-10] + b"\xff\xff\xff\x7fARROW1", "the length of its footer is wrong"),
            (content[:-200] + bytes(150) + content[-50:], "damaged Arrow file"),
        ):
            found = await look(damaged, "f.arrow", workers=workers)
            assert found.kind in ("hex", "text")
            assert any(said in notice for notice in found.notices), found.notices
        # The schema stands in the footer too.
        found = await look(content[:8] + bytes(400) + content[408:], "f.arrow", workers=workers)
        assert found.rows == SHOWN
