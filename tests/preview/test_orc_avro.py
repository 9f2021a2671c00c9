"""ORC and Avro files, as pyarrow and fastavro write them."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import struct
import uuid
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from pyarrow import orc

from flowtui.preview.bounded_file import BoundedFile
from flowtui.preview.limits import Limits
from flowtui.preview.orc_tail import orc_tail
from flowtui.preview.registry import preview
from tests.preview.far import far
from tests.preview.look import look

TABLE = pa.table(
    {
        "n": [1, None, 3],
        "s": ["x", "é", None],
        "day": [dt.date(9999, 12, 31), None, dt.date(1, 1, 1)],
        "at": pa.array([0, 1500, None], pa.timestamp("ms")),
        "dec": pa.array([decimal.Decimal("1.20"), None, decimal.Decimal("-3")], pa.decimal128(20, 2)),
        "list": [["a"], None, []],
        "struct": [{"x": 1, "y": "q"}, {"x": 2, "y": None}, {"x": 3, "y": "r"}],
        "flag": [True, None, False],
        "bytes": [b"\0", None, b"x"],
        "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    }
)
SHOWN = (
    (1, "x", "9999-12-31", "1970-01-01 00:00:00.000000000", "1.20", '["a"]', '{"x": 1, "y": "q"}', True, "0x00",
     '{"k": 1}'),
    (None, "é", None, "1970-01-01 00:00:01.500000000", None, None, '{"x": 2, "y": null}', None, None, None),
    (3, None, "0001-01-01", None, "-3.00", "[]", '{"x": 3, "y": "r"}', False, "0x78", "{}"),
)  # fmt: skip


def orc_written(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    orc.write_table(table, sink, **options)
    return sink.getvalue()


@pytest.mark.parametrize("compression", ["uncompressed", "zlib", "snappy", "zstd", "lz4"])
async def test_orc_of_every_type(compression: str) -> None:
    found = await look(orc_written(TABLE, compression=compression), "f.orc")
    assert (found.kind, found.format, found.rows, found.total_rows) == ("table", "orc", SHOWN, 3)
    assert dict(found.facts)["compression"] == compression
    assert found.notices == ()


async def test_moments_of_orc_that_nanoseconds_do_not_hold_are_no_other_moments() -> None:
    far_ = pa.array([dt.datetime(9999, 12, 31), dt.datetime(1500, 1, 1)], pa.timestamp("us"))
    for compression in ("uncompressed", "zlib", "snappy", "zstd", "lz4"):
        content = orc_written(pa.table({"t": far_, "n": [1, 2]}), compression=compression)
        # pyarrow wraps them or refuses, as its version may be.
        tail = orc_tail(BoundedFile(io.BytesIO(content), free=0, budget=1 << 20))
        assert tail.moments in ((-14_831_769_600_000, 253_402_214_400_000), None)
        found = await look(content, "f.orc")
        assert found.rows == (("…", 1), ("…", 2))
        assert any("moments before 1677 or after 2262" in notice for notice in found.notices)


async def test_a_large_orc_file_in_a_store_is_read_as_far_as_a_look_may_cost(tmp_path: Path) -> None:
    rows = 400_000
    path = tmp_path / "f.orc"
    table = pa.table(
        {"small": pa.array([7] * rows, pa.int8()), "large": [f"a text {at * 7919 % 1_000_003}" for at in range(rows)]}
    )
    path.write_bytes(orc_written(table, compression="uncompressed", stripe_size=1 << 30))
    async with far(path) as reader:
        found = await preview(reader, name=path.name)
        assert found.rows[0] == (7, "…")
        assert (found.total_rows, found.more) == (rows, True)
        assert reader.round_trips <= 6
        assert reader.bytes_read < 2 << 20


async def test_damaged_orc_files_are_bytes_with_a_reason() -> None:
    content = orc_written(TABLE)
    for damaged in (content[:-40], content[: len(content) // 2], b"ORC" + bytes(100)):
        found = await look(damaged, "f.orc")
        assert found.kind == "hex"
        assert any(notice.startswith("a damaged ORC file") for notice in found.notices)


SCHEMA = {
    "type": "record",
    "name": "org.example.Row",
    "fields": [
        {"name": "id", "type": "long", "doc": "the number"},
        {"name": "s", "type": ["null", "string"]},
        {"name": "t", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "local", "type": ["null", {"type": "long", "logicalType": "local-timestamp-millis"}]},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "dec", "type": {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2}},
        {"name": "u", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "a", "type": {"type": "array", "items": ["null", "int"]}},
        {"name": "m", "type": {"type": "map", "values": "double"}},
        {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
        {"name": "f", "type": {"type": "fixed", "name": "F", "size": 3}},
        {"name": "length", "type": {"type": "fixed", "name": "L", "size": 12, "logicalType": "duration"}},
        {"name": "union", "type": ["null", "int", "string"]},
    ],
}
RECORD = {
    "id": 1, "s": "é", "t": 253_402_300_800_000_001, "local": -1, "day": 2_932_897, "clock": 1500,
    "dec": decimal.Decimal("123456789012345678901234567.89"), "u": uuid.UUID(int=5), "a": [1, None], "m": {"k": 1.5},
    "e": "B", "f": b"abc", "length": struct.pack("<III", 3, 2, 1500), "union": "x",
}  # fmt: skip
AVRO_ROW = (
    1, "é", "10000-01-01 00:00:00.000001Z", "1969-12-31 23:59:59.999", "10000-01-01", "00:00:01.500",
    "123456789012345678901234567.89", str(uuid.UUID(int=5)), "[1, null]", '{"k": 1.5}', "B", "0x616263",
    "3 months 2 days 00:00:01.5", "x",
)  # fmt: skip


def avro_written(records: list[Any], schema: Any = SCHEMA, codec: str = "null", **options: Any) -> bytes:
    sink = io.BytesIO()
    fastavro.writer(sink, schema, records, codec=codec, **options)
    return sink.getvalue()


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "bzip2", "xz"])
async def test_avro_of_every_type(codec: str) -> None:
    found = await look(avro_written([RECORD, {**RECORD, "s": None, "union": 5}], codec=codec), "f.avro")
    assert (found.kind, found.format, found.total_rows, found.notices) == ("table", "avro", 2, ())
    assert found.rows[0] == AVRO_ROW
    assert (found.rows[1][1], found.rows[1][-1]) == (None, 5)
    assert [(one.name, one.type, one.format, one.label) for one in found.columns[:3]] == [
        ("id", "integer", "long", "the number"), ("s", "text", "string", ""),
        ("t", "datetime", "timestamp-micros", ""),
    ]  # fmt: skip
    assert dict(found.facts) == {"codec": codec, "record": "org.example.Row"}


async def test_avro_without_records_and_of_single_values() -> None:
    found = await look(avro_written([]), "f.avro")
    assert (found.kind, found.rows, found.total_rows) == ("table", (), 0)
    found = await look(avro_written([1, 2], "long"), "f.avro")
    assert ([one.name for one in found.columns], found.rows) == (["value"], ((1,), (2,)))


async def test_a_large_avro_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    schema = {
        "type": "record",
        "name": "R",
        "fields": [{"name": "id", "type": "long"}, {"name": "s", "type": "string"}],
    }
    records = [{"id": at, "s": f"a text of some length {at}" * 4} for at in range(100_000)]
    path = tmp_path / "f.avro"
    path.write_bytes(avro_written(records, schema))
    async with far(path) as reader:
        found = await preview(reader, name=path.name)
        assert (len(found.rows), found.total_rows, found.more) == (100, None, True)
        assert found.notices == ("first 100 rows",)
        assert reader.bytes_read < 512 * 1024
        found = await preview(reader, name=path.name, limits=Limits().for_rows(300))
        assert found.rows[299][0] == 299


async def test_damaged_avro_files() -> None:
    content = avro_written([RECORD] * 3)
    found = await look(content[:-30], "f.avro")
    assert any(notice.startswith(("it cannot be read further", "an Avro file that cannot")) for notice in found.notices)
    found = await look(b"Obj\x01" + bytes(100), "f.avro")
    assert found.kind == "hex"
    assert any("an Avro file that cannot be read" in notice for notice in found.notices)
