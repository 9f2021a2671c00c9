"""Types of Parquet that one library wraps, cuts or refuses: shown as they are, beside the library that is right."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import struct
import uuid
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flowtui.preview.parquet_footer import BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY, INT32, INT64
from flowtui.preview.result import Cell, Preview
from flowtui.preview.thrift import zigzag
from tests.preview.look import look, look_at
from tests.preview.parquet_files import node, with_schema, written

FAR = [dt.datetime(9999, 12, 31), dt.datetime(2024, 1, 1, 10, 30), dt.datetime(1500, 1, 1), None]


def column(found: Preview, name: str) -> list[Cell]:
    place = [one.name for one in found.columns].index(name)
    return [row[place] for row in found.rows]


async def duck(folder: Path, query: str, **options: Any) -> Preview:
    path = folder / "duck.parquet"
    told = "".join(f", {name} {value}" for name, value in options.items())
    duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet{told})")
    return await look_at(path, path.name)


async def test_moments_of_int96_never_wrap(tmp_path: Path) -> None:
    content = written(pa.table({"t": pa.array(FAR, pa.timestamp("us"))}), use_deprecated_int96_timestamps=True)
    found = await look(content, "f.parquet")
    shown = column(found, "t")
    assert shown == [
        "9999-12-31 00:00:00.000000000", "2024-01-01 10:30:00.000000000", "1500-01-01 00:00:00.000000000", None,
    ]  # fmt: skip
    (tmp_path / "f.parquet").write_bytes(content)
    right = duckdb.sql(f"SELECT t::VARCHAR FROM '{tmp_path / 'f.parquet'}'").fetchall()
    assert [None if cell is None else str(cell).removesuffix(".000000000") for cell in shown] == [
        one for (one,) in right
    ]
    # Within what nanoseconds hold they keep their last digits.
    near = pa.array([1_700_000_000_123_456_789, -1], pa.timestamp("ns"))
    found = await look(written(pa.table({"t": near}), use_deprecated_int96_timestamps=True), "f.parquet")
    assert column(found, "t") == ["2023-11-14 22:13:20.123456789", "1969-12-31 23:59:59.999999999"]


async def test_moments_of_int96_that_their_writer_wrapped_are_not_guessed() -> None:
    # 290000-12-31 as Spark writes it: neither its day nor its nanoseconds are such.
    wrapped = struct.pack("<qi", -32_509_551_616_000, -105_862_232)
    moments = pa.array([dt.datetime(2000, 1, 1), FAR[0], None], pa.timestamp("us"))
    content = written(
        pa.table({"t": moments}), use_deprecated_int96_timestamps=True, use_dictionary=False, compression="none"
    )
    first = struct.pack("<qi", 0, 2_451_545)
    assert content.count(first) == 1
    found = await look(content.replace(first, wrapped), "f.parquet")
    assert column(found, "t") == ["…", "9999-12-31 00:00:00.000000000", None]
    assert found.notices == ("moments that make no sense, as their writer wrapped them: t",)


async def test_nested_moments_of_int96_never_wrap() -> None:
    inner = pa.array([[FAR[0]], [FAR[2], None], None], pa.list_(pa.timestamp("us")))
    found = await look(written(pa.table({"t": inner}), use_deprecated_int96_timestamps=True), "f.parquet")
    assert column(found, "t") == ["[9999-12-31 00:00:00]", "[1500-01-01 00:00:00, null]", None]
    # In whole seconds, as nothing holds both: that is said where digits are lost.
    inner = pa.array([[FAR[0]], [dt.datetime(2024, 1, 1, 0, 0, 0, 500_000)]], pa.list_(pa.timestamp("us")))
    found = await look(written(pa.table({"t": inner}), use_deprecated_int96_timestamps=True), "f.parquet")
    assert found.notices == ("fractions of seconds are left out: t",)


async def test_infinity_and_far_years_of_duckdb(tmp_path: Path) -> None:
    found = await duck(
        tmp_path,
        "SELECT 'infinity'::TIMESTAMPTZ z, '-infinity'::TIMESTAMP t, 'infinity'::TIMESTAMP_NS n, 'infinity'::DATE d,"
        " '-infinity'::DATE e, TIMESTAMPTZ '40000-01-01 00:00:00+00' f, '0044-03-15 (BC)'::DATE bc, '24:00'::TIME m,"
        " ['infinity'::DATE] l",
    )
    assert found.rows == (
        ("infinity", "-infinity", "infinity", "infinity", "-infinity", "40000-01-01 00:00:00.000000Z", "-0043-03-15",
         "24:00:00.000000", "[infinity]"),
    )  # fmt: skip
    told = {one.name: (one.least, one.most) for one in found.columns}
    assert told["z"] == ("infinity", "infinity")
    assert told["f"] == ("40000-01-01 00:00:00.000000Z",) * 2
    assert told["bc"] == ("-0043-03-15", "-0043-03-15")


async def test_the_greatest_moment_of_others_is_a_moment() -> None:
    table = pa.table(
        {"t": pa.array([2**63 - 1, -(2**63)], pa.timestamp("us")), "d": pa.array([2**31 - 1, 0], pa.date32())}
    )
    found = await look(written(table), "f.parquet")
    assert found.rows[0] == ("294247-01-10 04:00:54.775807", "5881580-07-11")
    assert found.rows[1][0] == "-290308-12-21 19:59:05.224192"


async def test_intervals_uuids_geometries_of_duckdb(tmp_path: Path) -> None:
    query = (
        "SELECT INTERVAL '14 months 3 days 25:00:01.5' i, 'a1b2c3d4-0000-4000-8000-123456789abc'::UUID u,"
        " 'LINESTRING (0 0, 1.5 2)'::GEOMETRY g, [INTERVAL '3 months'] l"
    )
    for version in ("V1", "V2", "NONE"):
        found = await duck(tmp_path, query, geoparquet_version=f"'{version}'")
        assert found.rows == (
            ("1 year 2 months 3 days 25:00:01.5", "a1b2c3d4-0000-4000-8000-123456789abc", "LINESTRING (0 0, 1.5 2)",
             "[3 months]"),
        )  # fmt: skip
        assert [one.format for one in found.columns[:3]] == ["interval", "uuid", "geometry"]


async def test_variants_are_put_together(tmp_path: Path) -> None:
    query = (
        "SELECT {'a': 1, 'b': 'x'}::VARIANT v UNION ALL SELECT 5::VARIANT UNION ALL SELECT [1, 2]::VARIANT UNION ALL"
        " SELECT NULL::VARIANT UNION ALL SELECT {'a': 2, 'b': 'q\"', 'c': DATE '2024-01-01'}::VARIANT UNION ALL"
        " SELECT {'n': {'deep': [true::VARIANT, NULL::VARIANT, 1.5::DECIMAL(9, 2)::VARIANT, 'y'::VARIANT]}}::VARIANT"
    )
    found = await duck(tmp_path, query)
    assert column(found, "v") == [
        '{"a": 1, "b": "x"}', "5", "[1, 2]", None, '{"a": 2, "b": "q\\"", "c": "2024-01-01"}',
        '{"n": {"deep": [true, null, 1.50, "y"]}}',
    ]  # fmt: skip
    assert found.columns[0].format == "variant"
    shredded = await duck(tmp_path, "SELECT {'a': i, 'b': ['x' || i]}::VARIANT v FROM range(3) t(i)")
    assert column(shredded, "v") == [f'{{"a": {at}, "b": ["x{at}"]}}' for at in range(3)]


async def test_wide_integers_of_polars(tmp_path: Path) -> None:
    values = [2**70, 3, -1, None, -(2**127), 2**127 - 1]
    frame = polars.DataFrame(
        {
            "id": range(6),
            "big": polars.Series(values, dtype=polars.Int128),
            "l": [["a"]] * 6,
            "d": polars.Series([dt.timedelta(hours=25)] * 6),
        }
    )
    frame.write_parquet(tmp_path / "f.parquet")
    found = await look_at(tmp_path / "f.parquet", "f.parquet")
    assert column(found, "big") == [str(value) if value and abs(value) > 2**64 else value for value in values]
    assert column(found, "d") == ["1 day 01:00:00"] * 6
    assert (found.columns[1].type, found.columns[1].format) == ("integer", "int128")
    assert found.notices == ()


@pytest.mark.parametrize("precision", [39, 76])
async def test_wide_decimals(precision: int) -> None:
    values = [decimal.Decimal("9" * (precision - 4) + ".1234"), None, decimal.Decimal("-0.0001")]
    table = pa.table({"d": pa.array(values, pa.decimal256(precision, 4))})
    found = await look(written(table), "f.parquet")
    assert column(found, "d") == [None if value is None else str(value) for value in values]


async def test_an_annotation_that_pyarrow_refuses_costs_no_other_column() -> None:
    unscaled = -(10**80)
    raw = pa.array([unscaled.to_bytes(34, "big", signed=True)], pa.binary(34))
    content = written(pa.table({"a": [1], "wide": raw, "z": ["text"]}), store_schema=False)
    decimal_80 = b"\x15" + zigzag(5) + b"\x15" + zigzag(2) + b"\x15" + zigzag(80)
    odd = with_schema(
        content,
        [
            node("a", physical=INT64),
            node("wide", physical=FIXED_LEN_BYTE_ARRAY, length=34, rest=decimal_80),
            node("z", physical=BYTE_ARRAY, rest=b"\x15" + zigzag(0)),
        ],
        3,
    )
    found = await look(odd, "f.parquet")
    assert found.rows == ((1, "-1" + "0" * 78 + ".00", "text"),)
    assert (found.columns[1].type, found.columns[1].format) == ("number", "decimal(scale 2)")


async def test_an_annotation_of_a_group_that_pyarrow_refuses() -> None:
    inner = pa.array([[{"k": b"a", "v": 1}], None], pa.list_(pa.struct([("k", pa.binary()), ("v", pa.int64())])))
    content = written(pa.table({"id": [1, 2], "m": inner}), store_schema=False)
    as_map = b"\x15" + zigzag(1)
    odd = with_schema(
        content,
        [
            node("id", physical=INT64),
            node("m", children=1, rest=as_map),
            # A map whose keys may be missing, as old writers of Hive have them.
            node("key_value", children=1, repeated=True),
            node("entry", children=2),
            node("k", physical=BYTE_ARRAY),
            node("v", physical=INT64),
        ],
        2,
    )
    found = await look(odd, "f.parquet")
    assert found.rows[0][0] == 1
    assert '"v": 1' in str(found.rows[0][1])


async def test_groups_without_fields() -> None:
    content = written(pa.table({"a": [1, 2], "b": pa.array([3, 4], pa.int32())}), store_schema=False)
    nodes = [
        node("a", physical=INT64), node("nothing", children=1), node("inner"), node("b", physical=INT32),
    ]  # fmt: skip
    found = await look(with_schema(content, nodes, 3), "f.parquet")
    assert found.rows == ((1, '{"inner": {}}', 3), (2, '{"inner": {}}', 4))


async def test_strings_without_annotation_are_text_where_all_of_them_are() -> None:
    table = pa.table(
        {
            "text": pa.array([b"ALGERIA", None, "Réunion".encode()], pa.binary()),
            "bytes": [b"ALGERIA", None, b"\x00\x01"],
            "latin": ["Réunion".encode("latin-1"), b"a", b"b"],
            "list": pa.array([[b"a"], None, [b"b", None]], pa.list_(pa.binary())),
        }
    )
    found = await look(written(table, store_schema=False), "f.parquet")
    assert column(found, "text") == ["ALGERIA", None, "Réunion"]
    assert column(found, "bytes") == ["0x414c4745524941", None, "0x0001"]
    assert column(found, "latin") == ["0x52e9756e696f6e", "0x61", "0x62"]
    assert column(found, "list") == ['["a"]', None, '["b", null]']
    assert (found.columns[0].least, found.columns[0].most) == ("ALGERIA", "Réunion")
    assert found.notices == ("bytes shown as text, as they read as such; the file does not say so: text, list",)


async def test_extension_types() -> None:
    identifier = uuid.UUID("a1b2c3d4-0000-4000-8000-123456789abc")
    periods = pandas.period_range("2024-01", periods=2, freq="M")
    single = pa.array([identifier.bytes], pa.binary(16))
    table = pa.table(
        {
            "u": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([identifier.bytes, None], pa.binary(16))),
            "b": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0], pa.int8())),
            "p": pa.array(pandas.Series(periods)),
            "w": pa.array(pandas.Series(pandas.period_range("2024-01", periods=2, freq="W-WED"))),
            "i": pa.array(pandas.Series(pandas.interval_range(0, 2))),
            "l": pa.ListArray.from_arrays([0, 1, 1], pa.ExtensionArray.from_storage(pa.uuid(), single)),
        }
    )
    found = await look(written(table), "f.parquet")
    weeks = [str(one) for one in pandas.period_range("2024-01", periods=2, freq="W-WED")]
    assert found.rows == (
        (str(identifier), True, "2024-01", weeks[0], "(0, 1]", f"[{identifier}]"),
        (None, False, "2024-02", weeks[1], "(1, 2]", "[]"),
    )
    assert [one.format for one in found.columns[:4]] == ["uuid", "bool8", "period[M]", "period[W-WED]"]
    assert (found.columns[1].type, found.columns[2].least, found.columns[2].most) == ("boolean", "2024-01", "2024-02")


async def test_statistics_of_halves_and_of_nanoseconds() -> None:
    table = pa.table(
        {
            "h": pa.array([1.5, 65504.0, -2.0], pa.float16()),
            "t": pa.array([36_000_123_456_789, 1, 2], pa.time64("ns")),
            "n": pa.array([2**62 + 7, 0, -5], pa.timestamp("ns")),
            "far": pa.array([253_402_300_800_000_000, 0, 1], pa.timestamp("us")),
        }
    )
    found = await look(written(table), "f.parquet")
    assert [(one.least, one.most) for one in found.columns] == [
        (-2.0, 65504.0),
        ("00:00:00.000000001", "10:00:00.123456789"),
        ("1969-12-31 23:59:59.999999995", "2116-02-20 23:53:38.427387911"),
        ("1970-01-01 00:00:00.000000", "10000-01-01 00:00:00.000000"),
    ]


async def test_lengths_of_time() -> None:
    table = pa.table(
        {unit: pa.array([90_061, -1, None], pa.int64()).cast(pa.duration(unit)) for unit in ("s", "ms", "us", "ns")}
    )
    found = await look(written(table), "f.parquet")
    assert found.rows[0] == ("1 day 01:01:01", "00:01:30.061", "00:00:00.090061", "00:00:00.000090061")
    assert found.rows[1] == ("-00:00:01", "-00:00:00.001", "-00:00:00.000001", "-00:00:00.000000001")
    longest = pa.table({"d": pa.array([2**63 - 1], pa.duration("s"))})
    assert (await look(written(longest), "f.parquet")).rows == (("106751991167300 days 15:30:07",),)


async def test_moments_of_zones_that_nobody_knows() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"z": pa.array([0, 2**62], pa.timestamp("us", "Mars/Base"))}), sink)
    found = await look(sink.getvalue(), "f.parquet")
    assert column(found, "z") == ["1970-01-01 00:00:00.000000Z", "148108-07-06 14:00:27.387904Z"]
