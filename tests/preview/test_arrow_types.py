"""Arrow files and streams of other writers, and types that pyarrow has no values for."""

from __future__ import annotations

import datetime as dt
import io
import struct
from pathlib import Path

import polars
import pyarrow as pa
import pytest

from flowtui.preview.flatbuffers import Table
from flowtui.preview.registry import preview
from flowtui.storage import Storage
from tests.preview.look import look, look_at
from tests.preview.test_arrow import written
from tests.preview.test_parquet import SHOWN, TYPES
from tests.storage.store import Store
from tests.trusting import TrustsAll

BIG = 2**70
FRAME = polars.DataFrame(
    {
        "c": polars.Series(["x", "y", "x"], dtype=polars.Categorical),
        "e": polars.Series(["x", None, "y"], dtype=polars.Enum(["x", "y"])),
        "s": ["x", "a long string of more than twelve characters", None],
        "l": [["a"], [None, "b" * 20], None],
        "st": [{"a": 1, "b": "q"}] * 3,
        "i": polars.Series([BIG, 3, None], dtype=polars.Int128),
        "d": polars.Series([None, 90_061_000_000_000, -2], dtype=polars.Duration("ns")),
        "t": polars.Series([dt.time(1, 2, 3), None, dt.time(0)]),
        "dec": polars.Series(["1.5", "2", "3"]).cast(polars.Decimal(38, 3)),
        "far": polars.Series([dt.datetime(9999, 12, 31), dt.datetime(1, 1, 1), None]),
    }
)
ROWS = (
    ("x", "x", "x", '["a"]', '{"a": 1, "b": "q"}', str(BIG), None, "01:02:03.000000000", "1.500",
     "9999-12-31 00:00:00.000000"),
    ("y", None, "a long string of more than twelve characters", '[null, "bbbbbbbbbbbbbbbbbbbb"]', '{"a": 1, "b": "q"}',
     3, "1 day 01:01:01", None, "2.000", "0001-01-01 00:00:00.000000"),
    ("x", "y", None, None, '{"a": 1, "b": "q"}', None, "-00:00:00.000000002", "00:00:00.000000000", "3.000", None),
)  # fmt: skip


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
async def test_files_of_polars_without_lengths_before_their_messages(compression: str, tmp_path: Path) -> None:
    path = tmp_path / "f.arrow"
    FRAME.write_ipc(path, compression=compression)
    found = await look_at(path, path.name)
    assert found.rows == ROWS
    assert (found.total_rows, found.notices) == (3, ())
    assert [column.type for column in found.columns[5:6]] == ["integer"]
    FRAME.lazy().sink_ipc(path, compression=compression)
    assert (await look_at(path, path.name)).rows == ROWS
    FRAME.write_ipc_stream(path, compression=compression)
    found = await look_at(path, "named-like-nothing")
    assert (found.rows, dict(found.facts)["form"]) == (ROWS, "IPC stream")


async def test_streams_are_known_by_what_they_begin_with() -> None:
    for compression in (None, "lz4", "zstd"):
        for name in ("part-0000", "f.bin", "f.arrow"):
            found = await look(written(TYPES, "stream", compression, 2), name)
            assert (found.format, found.rows, found.total_rows) == ("arrow", SHOWN, 3)
    # The mark alone is no schema.
    found = await look(b"\xff\xff\xff\xff\x10\0\0\0" + bytes(400), "f.bin")
    assert found.kind == "hex"


async def test_dictionaries_of_a_stream_grow_and_change() -> None:
    def batch(indices: list[int], words: list[str]) -> pa.RecordBatch:
        values = pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(words))
        return pa.record_batch([values], ["w"])

    batches = [batch([0, 1], ["a", "b"]), batch([2], ["a", "b", "c"]), batch([1, 0], ["x", "y"])]
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.ipc.new_stream(sink, batches[0].schema, options=options) as writer:
        for one in batches:
            writer.write_batch(one)
    found = await look(sink.getvalue(), "f.arrows")
    assert [row[0] for row in found.rows] == ["a", "b", "c", "y", "x"]


VIEWS = pa.table(
    {
        "view": pa.array(["a" * 30, None, "short"], pa.string_view()),
        "bytes": pa.array([b"\0" * 13, b"\1", None], pa.binary_view()),
        "lists": pa.array([[1, 2], None, [3]], pa.list_view(pa.int32())),
        "runs": pa.RunEndEncodedArray.from_arrays([2, 3], ["a", None]),
        "sparse": pa.UnionArray.from_sparse(pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, 3]), pa.array(["x"] * 3)]),
        "dense": pa.UnionArray.from_dense(
            pa.array([0, 1, 0], pa.int8()), pa.array([0, 0, 1], pa.int32()), [pa.array([1, 2]), pa.array(["x"])]
        ),
        "interval": pa.array([pa.MonthDayNano([14, 3, 1_500_000_000]), None, pa.MonthDayNano([0, 0, 0])]),
        "nested": pa.array([{"v": "b" * 20}, None, {"v": None}], pa.struct([("v", pa.string_view())])),
    }
)
VIEWED = (
    ("a" * 30, "0x" + "00" * 13, "[1, 2]", "a", "1", "1", "1 year 2 months 3 days 00:00:01.5",
     '{"v": "' + "b" * 20 + '"}'),
    (None, "0x01", None, "a", "x", "x", None, None),
    ("short", None, "[3]", None, "3", "2", "00:00:00", '{"v": null}'),
)  # fmt: skip


@pytest.mark.parametrize("form", ["file", "stream"])
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
async def test_views_runs_unions_and_intervals(form: str, compression: str | None) -> None:
    found = await look(written(VIEWS, form, compression), "f.arrow")
    assert (found.rows, found.notices) == (VIEWED, ())


def with_interval_unit(content: bytes, unit: int) -> bytes:
    """A stream of pyarrow whose first column is said to hold intervals of another unit (``Interval`` of Schema.fbs)."""
    schema = Table.root(content[8:]).table(2)
    assert schema is not None
    interval = next(schema.tables(1)).table(3)
    assert interval is not None
    changed = bytearray(content)
    struct.pack_into("<h", changed, 8 + interval.position(0), unit)
    return bytes(changed)


@pytest.mark.parametrize(
    ("unit", "storage", "shown"),
    [
        (0, pa.array([14, -3], pa.int32()), ["1 year 2 months", "-3 months"]),
        (1, pa.array([3 | 90_061_500 << 32, -1 & 0xFFFFFFFF], pa.uint64()), ["3 days 25:01:01.5", "-1 day"]),
    ],
)
async def test_intervals_that_pyarrow_has_no_values_for(unit: int, storage: pa.Array, shown: list[str]) -> None:
    intervals = pa.Array.from_buffers(
        pa.month_day_nano_interval(), 2, [None, pa.py_buffer(storage.buffers()[1].to_pybytes().ljust(32, b"\0"))]
    )
    content = written(pa.table({"i": intervals, "n": [1, 2]}), "stream")
    found = await look(with_interval_unit(content, unit), "f.arrows")
    assert [row[0] for row in found.rows] == shown
    assert [row[1] for row in found.rows] == [1, 2]


async def test_texts_in_views_of_one_large_batch_are_not_read_as_a_whole() -> None:
    rows = 300_000
    frame = polars.DataFrame(
        {"id": range(rows), "name": [f"a name of more than twelve letters {at}" for at in range(rows)]}
    )
    sink = io.BytesIO()
    frame.write_ipc(sink, record_batch_size=rows)
    store = Store({"bucket/f.arrow": sink.getvalue()})
    assert len(sink.getvalue()) > 10_000_000
    async with (
        Storage(TrustsAll(), transport=store.transport) as storage,
        storage.open("http://store/bucket/f.arrow") as reader,
    ):
        found = await preview(reader, name="f.arrow")
        assert found.rows[99] == (99, "a name of more than twelve letters 99")
        assert found.total_rows == rows
        assert reader.round_trips <= 4
        assert reader.bytes_read < 512 * 1024


def told_big_endian(content: bytes) -> bytes:
    """A stream whose schema says that its numbers have their highest byte first (``endianness`` of Schema.fbs)."""
    length = struct.unpack_from("<i", content, 4)[0]
    data = bytearray(content[8 : 8 + length])
    schema = Table.root(bytes(data)).table(2)
    assert schema is not None
    # pyarrow leaves that field out: a list of the fields' places behind the message has it.
    places = schema.at - struct.unpack_from("<i", data, schema.at)[0]
    size, *offsets = struct.unpack_from(f"<{struct.unpack_from('<H', data, places)[0] // 2}H", data, places)
    begin = len(data)
    offsets[1] = begin + 32 - schema.at
    data += struct.pack(f"<{len(offsets) + 1}H", size, *offsets).ljust(32, b"\0") + struct.pack("<h", 1).ljust(8, b"\0")
    struct.pack_into("<i", data, schema.at, schema.at - begin)
    return struct.pack("<Ii", 0xFFFFFFFF, len(data)) + bytes(data) + content[8 + length :]


async def test_numbers_of_big_endian_machines_are_turned_around() -> None:
    content = written(pa.table({"n": pa.array([1, -2, 2**40])}), "stream")
    numbers = struct.pack("<3q", 1, -2, 2**40)
    assert content.count(numbers) == 1
    found = await look(told_big_endian(content.replace(numbers, struct.pack(">3q", 1, -2, 2**40))), "f.arrows")
    assert [row[0] for row in found.rows] == [1, -2, 2**40]


async def test_streams_without_marks_of_old_writers() -> None:
    sink = io.BytesIO()
    table = pa.table({"n": [1, 2], "s": ["a", None]})
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(use_legacy_format=True)) as writer:
        writer.write_table(table)
    assert not sink.getvalue().startswith(b"\xff\xff\xff\xff")
    for name in ("f.arrows", "f.stream", "f"):
        assert (await look(sink.getvalue(), name)).rows == ((1, "a"), (2, None))


async def test_values_outside_of_the_range_of_their_type_are_shown() -> None:
    table = pa.table(
        {
            "t": pa.array([90_061], pa.int32()).view(pa.time32("s")),
            "d": pa.array([86_400_500], pa.int64()).view(pa.date64()),
        }
    )
    found = await look(written(table), "f.arrow")
    assert (found.rows, found.notices) == ((("25:01:01", "1970-01-02"),), ())


async def test_dictionaries_within_dictionaries() -> None:
    inner = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array(["a", "b"]))
    values = pa.ListArray.from_arrays([0, 1, 2], inner)
    table = pa.table({"d": pa.DictionaryArray.from_arrays(pa.array([1, 0, 1], pa.int8()), values)})
    found = await look(written(table), "f.arrow")
    assert ([row[0] for row in found.rows], found.notices) == (['["b"]', '["a"]', '["b"]'], ())
