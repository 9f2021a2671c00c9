"""Parquet files, as pyarrow writes them."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as encryption
import pytest

from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview
from flowtui.preview.workers import Workers
from flowtui.storage import Storage
from tests.preview.look import look
from tests.storage.store import Store
from tests.trusting import TrustsAll

TYPES = pa.table(
    {
        "int": pa.array([1, None, 3], pa.int8()),
        "big": pa.array([2**64 - 1, None, 0], pa.uint64()),
        "bool": [True, None, False],
        "float": [float("nan"), 1.5, None],
        "decimal": pa.array([decimal.Decimal("1.20"), None, decimal.Decimal("-3.00")], pa.decimal128(10, 2)),
        "category": pa.array(["a", None, "b"]).dictionary_encode(),
        "date": [dt.date(2020, 1, 31), None, dt.date(1, 1, 1)],
        "time": pa.array([0, None, 86_399_000_001], pa.time64("us")),
        "stamp": pa.array([0, None, 1], pa.timestamp("ns")),
        "zone": pa.array([0, None, 1500], pa.timestamp("ms", "Europe/Berlin")),
        "bytes": [b"\x00\xff", None, b""],
        "struct": [{"x": 1, "y": "q"}, None, {"x": None, "y": "é"}],
        "list": [[[1], [2, 3]], None, [[]]],
        "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
        "pair": pa.array([[1, 2], [0, 0], [3, 4]], pa.list_(pa.int32(), 2)),
        "nothing": pa.nulls(3),
    }
)
SHOWN = (
    (1, 2**64 - 1, True, "NaN", "1.20", "a", "2020-01-31", "00:00:00.000000", "1970-01-01 00:00:00.000000000",
     "1970-01-01 01:00:00.000+0100", "0x00ff", '{"x": 1, "y": "q"}', "[[1], [2, 3]]", '{"k": 1}', "[1, 2]", None),
    (None, None, None, 1.5, *[None] * 10, "[0, 0]", None),
    (3, 0, False, None, "-3.00", "b", "0001-01-01", "23:59:59.000001",
     "1970-01-01 00:00:00.000000001", "1970-01-01 01:00:01.500+0100", "0x", '{"x": null, "y": "é"}', "[[]]", "{}",
     "[3, 4]", None),
)  # fmt: skip
NEUTRAL = [
    "integer", "integer", "boolean", "number", "number", "text", "date", "time", "datetime", "datetime", "text", "text",
    "text", "text", "text", "",
]  # fmt: skip


def written(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


async def test_every_type() -> None:
    found = await look(written(TYPES), "f.parquet")
    assert (found.kind, found.format, found.total_rows, found.more, found.notices) == ("table", "parquet", 3, False, ())
    assert found.rows == SHOWN
    assert [column.type for column in found.columns] == NEUTRAL
    by_name = {column.name: column for column in found.columns}
    assert by_name["zone"].format == "timestamp[ms, tz=Europe/Berlin]"
    assert by_name["decimal"].format == "decimal128(10, 2)"
    assert (by_name["int"].nulls, by_name["int"].least, by_name["int"].most) == (1, 1, 3)
    assert (by_name["decimal"].least, by_name["decimal"].most) == ("-3.00", "1.20")
    assert (by_name["date"].least, by_name["date"].most) == ("0001-01-01", "2020-01-31")
    assert by_name["zone"].most == "1970-01-01 01:00:01.500+0100"
    assert (by_name["category"].least, by_name["category"].most) == ("a", "b")
    assert by_name["struct"].nulls is None


async def test_compressions_and_page_versions() -> None:
    async with Workers() as workers:
        for compression in ("none", "snappy", "gzip", "zstd", "brotli", "lz4"):
            for version in ("1.0", "2.0"):
                content = written(TYPES, compression=compression, data_page_version=version)
                found = await look(content, "f.parquet", workers=workers)
                assert found.rows == SHOWN, compression
                facts = dict(found.facts)
                assert facts["compression"] == ("uncompressed" if compression == "none" else compression)
                assert facts["row groups"] == "1"
                assert facts["created by"].startswith("parquet-cpp-arrow")


async def test_statistics_are_those_of_all_row_groups() -> None:
    values = [*range(100, 200), *[None] * 10, *range(100)]
    found = await look(written(pa.table({"n": values}), row_group_size=50), "f.parquet")
    assert (found.columns[0].nulls, found.columns[0].least, found.columns[0].most) == (10, 0, 199)
    assert dict(found.facts)["row groups"] == "5"
    # The first 100 rows are in two row groups.
    assert [row[0] for row in found.rows] == list(range(100, 200))
    assert (found.total_rows, found.more, found.notices) == (210, True, ("first 100 of 210 rows",))
    found = await look(written(pa.table({"n": values}), row_group_size=50), "f.parquet", limits=Limits().more())
    assert (len(found.rows), found.more) == (210, False)


async def test_no_statistics_are_not_made_up() -> None:
    found = await look(written(pa.table({"n": [1, 2]}), write_statistics=False), "f.parquet")
    assert (found.columns[0].nulls, found.columns[0].least, found.columns[0].most) == (None, None, None)


async def test_metadata_of_pandas_and_of_a_writer() -> None:
    frame = pandas.DataFrame({"a": [1]}, index=pandas.Index(["x"], name="subject"))
    table = pa.Table.from_pandas(frame)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), "study": "CDISC\x1b[31m01"})
    facts = dict((await look(written(table), "f.parquet")).facts)
    assert facts["pandas index"] == "subject"
    assert facts["study"] == "CDISC01"
    frame = pandas.DataFrame({"a": [1, 2]})
    facts = dict((await look(written(pa.Table.from_pandas(frame)), "f.parquet")).facts)
    assert facts["pandas index"] == "range (0, 2, 1)"


async def test_labels_of_fields() -> None:
    schema = pa.schema([pa.field("AGE", pa.int64(), metadata={"label": "Age in years"})])
    found = await look(written(pa.table({"AGE": [1]}, schema)), "f.parquet")
    assert found.columns[0].label == "Age in years"


async def test_wide_tables_and_doubled_or_dotted_names() -> None:
    wide = pa.table({f"c{index}": [index] for index in range(2000)})
    found = await look(written(wide), "f.parquet")
    assert (len(found.columns), found.rows[0][499]) == (500, 499)
    assert "first 500 of 2,000 columns" in found.notices
    odd = pa.table([[1], [2], [{"b": 3}]], names=["a.b", "x", "a"])
    found = await look(written(odd), "f.parquet")
    assert found.rows == ((1, 2, '{"b": 3}'),)
    doubled = pa.table([[1], [2]], names=["x", "x"])
    assert (await look(written(doubled), "f.parquet")).rows == ((1, 2),)


async def test_empty_tables() -> None:
    found = await look(written(pa.table({"a": pa.array([], pa.int64())})), "f.parquet")
    assert (found.kind, found.rows, found.total_rows, found.more) == ("table", (), 0, False)
    found = await look(written(pa.table({})), "f.parquet")
    assert (found.kind, found.columns, found.total_rows) == ("table", (), 0)


async def test_long_values_are_cut() -> None:
    table = pa.table({"s": ["x" * 10_000], "l": [list(range(100_000))], "b": [b"\xab" * 10_000]})
    found = await look(written(table), "f.parquet")
    assert all(isinstance(cell, str) and len(cell) == 500 and cell.endswith("…") for cell in found.rows[0])


@cache
def random_table(rows: int) -> pa.Table:
    random = numpy.random.default_rng(1)
    holes = random.random(rows) < 0.3
    return pa.table(
        {
            "id": numpy.arange(rows),
            "x": random.normal(size=rows),
            "single": random.normal(size=rows).astype("float32"),
            "holes": pa.array(random.normal(size=rows), mask=holes),
            "name": [f"name {at % 50}" for at in range(rows)],
            "text": pa.array([f"text number {at * 7919 % 100_003}" for at in range(rows)], mask=holes),
            "flag": random.random(rows) < 0.5,
            "day": pa.array(numpy.arange(rows, dtype="int32") % 40_000, pa.date32()),
            "amount": pa.array(numpy.arange(rows)).cast(pa.decimal128(21, 2)),
            "struct": pa.StructArray.from_arrays(
                [pa.array(random.normal(size=rows)), pa.array(["s"] * rows)], ["a", "b"]
            ),
            "list": pa.array([[at, at] for at in range(1000)] * (rows // 1000)),
        }
    )


@pytest.mark.parametrize(
    ("compression", "dictionary"),
    [("none", True), ("snappy", True), ("zstd", True), ("lz4", True), ("gzip", False), ("brotli", False)],
)
async def test_a_large_row_group_is_not_read_as_a_whole(compression: str, dictionary: bool) -> None:
    rows = 150_000
    table = random_table(rows)
    options: dict[str, Any] = {"max_rows_per_page": 1 << 30} if "max_rows_per_page" in pq.write_table.__doc__ else {}
    content = written(table, row_group_size=rows, compression=compression, use_dictionary=dictionary, **options)
    assert len(content) > 4_000_000
    expected = (await look(written(table[:100]), "f.parquet")).rows
    store = Store({"bucket/f.parquet": content})
    async with (
        Storage(TrustsAll(), transport=store.transport) as storage,
        storage.open("http://store/bucket/f.parquet") as reader,
    ):
        found = await preview(reader, name="f.parquet")
        assert found.total_rows == rows
        assert (len(found.rows), len(found.columns)) == (100, 11)
        for index, column in enumerate(found.columns):
            values = [row[index] for row in found.rows]
            assert values in ([row[index] for row in expected], ["…"] * 100), column.name
            if column.name != "list" and compression not in ("lz4", "zstd"):
                assert values[0] != "…", column.name
        assert reader.round_trips <= 4
        assert reader.bytes_read < 512 * 1024
        limits = Limits(rows=50)
        while any("…" in row for row in found.rows) and found.more:
            assert any(notice.startswith("not read yet, as their pages are large: ") for notice in found.notices)
            limits = limits.more()
            found = await preview(reader, name="f.parquet", limits=limits)
        assert found.rows[:100] == expected


async def test_a_small_file_is_one_request() -> None:
    content = written(random_table(1000))
    store = Store({"bucket/f.parquet": content})
    async with (
        Storage(TrustsAll(), transport=store.transport) as storage,
        storage.open("http://store/bucket/f.parquet") as reader,
    ):
        await preview(reader, name="f.parquet")
        # The head that Parquet gets, and the rest.
        assert reader.requests <= 2
        assert reader.bytes_read == len(content)


async def test_few_columns_of_a_huge_row_group_stay_under_the_budget_of_a_head() -> None:
    """512 KB and four round trips, the head and the footer among them."""
    rows = 1_000_000
    content = written(random_table(rows).select(["x", "name"]), row_group_size=rows)
    store = Store({"bucket/f.parquet": content})
    async with (
        Storage(TrustsAll(), transport=store.transport) as storage,
        storage.open("http://store/bucket/f.parquet") as reader,
    ):
        found = await preview(reader, name="f.parquet")
        assert found.rows[99][1] == "name 49"
        assert isinstance(found.rows[99][0], float)
        assert reader.round_trips <= 4
        assert reader.bytes_read <= 256 * 1024


async def test_a_dictionary_in_another_order_is_read_as_a_whole() -> None:
    rows = 300_000
    words = pa.array([f"{at:07}" for at in range(rows)])
    column = pa.DictionaryArray.from_arrays(pa.array(numpy.arange(rows)[::-1].astype("int32")), words)
    # A dictionary of Arrow's is written as it stands, so that the first rows refer to its end.
    content = written(pa.table({"w": column}), row_group_size=rows, dictionary_pagesize_limit=1 << 26)
    limits = Limits()
    found = await look(content, "f.parquet")
    while found.rows[0] == ("…",):
        limits = limits.more()
        found = await look(content, "f.parquet", limits=limits)
    assert found.rows[0] == (f"{rows - 1:07}",)


class _Keys(encryption.KmsClient):
    """Keeps keys in the clear, for tests."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        return base64.b64decode(wrapped_key)


@pytest.mark.parametrize("plaintext_footer", [True, False])
async def test_encrypted_files(plaintext_footer: bool, tmp_path: Path) -> None:
    factory = encryption.CryptoFactory(lambda config: _Keys())
    properties = factory.file_encryption_properties(
        encryption.KmsConnectionConfig(),
        encryption.EncryptionConfiguration(
            footer_key="footer", column_keys={"key": ["secret"]}, plaintext_footer=plaintext_footer
        ),
    )
    table = pa.table({"open": [1, 2], "secret": ["a", "b"]})
    path = tmp_path / "f.parquet"
    with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    found = await look(path.read_bytes(), "f.parquet")
    if plaintext_footer:
        assert found.kind == "table"
        assert found.total_rows == 2
        assert [column.name for column in found.columns] == ["open", "secret"]
        # What is not encrypted is read; pyarrow would end the process at the other.
        assert found.rows == ((1, "…"), (2, "…"))
        assert found.notices == ("encrypted, to be read with their keys only: secret",)
        assert (found.columns[0].least, found.columns[0].most, found.more) == (1, 2, False)
    else:
        assert found.kind == "hex"
        assert any("encrypted Parquet file" in notice for notice in found.notices)


async def test_damaged_files_are_bytes_with_a_reason() -> None:
    content = written(TYPES)
    async with Workers() as workers:
        for damaged, said in (
            (content[:-100], "it has no footer at its end"),
            (content[:200], "it has no footer at its end"),
            (content[:9], "too short"),
            (content[:-8] + b"\xff\xff\xff\x7fPAR1", "the length of its footer is wrong"),
            (content[:-8] + b"\0\0\0\0PAR1", "the length of its footer is wrong"),
            (content[:-4000] + bytes(3900) + content[-100:], "a damaged Parquet file: "),
        ):
            found = await look(damaged, "f.parquet", workers=workers)
            assert found.kind in ("hex", "text")
            assert any(said in notice for notice in found.notices), found.notices
        # The schema of Arrow is there beside Parquet's own.
        found = await look(content[:-300] + bytes(200) + content[-100:], "f.parquet", workers=workers)
        assert found.rows[2][:2] == (3, 0)
        assert any("its schema of Arrow cannot be read" in notice for notice in found.notices)


async def test_a_damaged_column_loses_no_other() -> None:
    content = written(
        pa.table({"a": list(range(1000)), "b": ["x" * 50] * 1000}), compression="zstd", use_dictionary=False
    )
    chunk = pq.read_metadata(io.BytesIO(content)).row_group(0).column(0)
    at = chunk.data_page_offset
    broken = content[: at + 30] + bytes(100) + content[at + 130 :]
    found = await look(broken, "f.parquet")
    assert found.kind == "table"
    assert found.rows[5] == (None, "x" * 50)
    assert any(notice.startswith("a cannot be read: ") for notice in found.notices)


async def test_a_page_that_unpacks_to_gigabytes_is_bounded() -> None:
    content = written(pa.table({"s": ["\0" * 50_000_000] * 8}), compression="zstd", use_dictionary=False)
    assert len(content) < 1_000_000
    found = await look(content, "f.parquet")
    assert found.kind in ("table", "hex")
