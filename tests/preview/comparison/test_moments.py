"""Dates, moments, times and lengths of time that are the same in another unit or another file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.preview.comparison.moments import length_of, moment_of
from flowtui.preview.comparison.report import brief
from tests.preview.comparison.test_formats import compared

MOMENTS = [dt.datetime(2024, 1, 1, 10, 30, 0, 250_000), dt.datetime(2024, 6, 1), None]


def parquet(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table({"id": list(range(len(next(iter(columns.values()))))), **columns}), path)
    return path


async def test_moments_in_another_unit_are_the_same_values(tmp_path: Path) -> None:
    paths = []
    for unit in ("ns", "us"):
        at, zoned = pa.array(MOMENTS, pa.timestamp(unit)), pa.array(MOMENTS, pa.timestamp(unit, "UTC"))
        paths.append(parquet(tmp_path / f"{unit}.parquet", at=at, zoned=zoned))
    found = await compared(*paths)
    assert found.table is not None
    assert (found.table.changed, found.table.same) == (0, 3)
    assert [change.attributes for change in found.table.columns] == [
        (("format", "timestamp[ns]", "timestamp[us]"),),
        (("format", "timestamp[ns, tz=UTC]", "timestamp[us, tz=UTC]"),),
    ]
    assert brief(found).startswith("different: 2 columns with another definition")


async def test_moments_of_parquet_and_of_csv_are_the_same_values(tmp_path: Path) -> None:
    at = pa.array(MOMENTS, pa.timestamp("us"))
    day = pa.array([dt.date(2024, 2, 29)] * 3)
    clock = pa.array([dt.time(10, 30), dt.time(0), None], pa.time64("us"))
    midnight = pa.array([dt.datetime(2024, 6, 1)] * 3, pa.timestamp("ns"))
    path = parquet(tmp_path / "a.parquet", at=at, day=day, clock=clock, midnight=midnight)
    pq.read_table(path).to_pandas().to_csv(tmp_path / "b.csv", index=False)
    found = await compared(path, tmp_path / "b.csv")
    assert found.table is not None
    assert (found.table.changed, found.table.same) == (0, 3)
    frame = pq.read_table(path).to_pandas()
    frame.loc[1, "at"] += pandas.Timedelta(microseconds=1)
    frame.to_csv(tmp_path / "c.csv", index=False)
    found = await compared(path, tmp_path / "c.csv")
    assert found.table is not None
    assert [[cell.column for cell in row.cells] for row in found.table.rows] == [["at"]]


async def test_lengths_of_time_in_another_unit_or_file_are_the_same_values(tmp_path: Path) -> None:
    lengths = [dt.timedelta(hours=25), dt.timedelta(seconds=-3661, microseconds=-500), None]
    paths = [parquet(tmp_path / f"{unit}.parquet", d=pa.array(lengths, pa.duration(unit))) for unit in ("ns", "us")]
    found = await compared(*paths)
    assert found.table is not None
    assert (found.table.changed, found.table.same) == (0, 3)
    pandas.DataFrame({"id": [0, 1, 2], "d": lengths}).to_csv(tmp_path / "b.csv", index=False)
    found = await compared(paths[0], tmp_path / "b.csv")
    assert found.table is not None
    assert (found.table.changed, found.table.same) == (0, 3)


async def test_moments_pair_rows_in_any_unit(tmp_path: Path) -> None:
    moments = [dt.datetime(2024, 1, day) for day in range(1, 6)]
    for unit, values in (("ns", [1, 2, 3, 4, 5]), ("us", [1, 2, 9, 4, 5])):
        table = pa.table({"at": pa.array(moments, pa.timestamp(unit)), "v": pa.array(values, pa.float64())})
        pq.write_table(table, tmp_path / f"{unit}.parquet")
    found = await compared(tmp_path / "ns.parquet", tmp_path / "us.parquet", key=("at",))
    assert found.table is not None
    assert (found.table.changed, found.table.added, found.table.removed) == (1, 0, 0)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("2024-01-01 10:30:00.000000000", "2024-01-01T10:30"),
        ("2024-06-01", "2024-06-01 00:00:00"),
        ("2024-01-01 01:00:00+0100", "2024-01-01 00:00:00Z"),
        ("2024-01-01 00:00:00+00", "2023-12-31 19:00:00-05:00"),
        ("01JAN2024:10:30:00", "2024-01-01 10:30:00"),
        ("29FEB2024", "2024-02-29"),
        ("10:30:00.500", "10:30:00.5"),
        ("-0043-03-15", "-0043-03-15 00:00:00.000000"),
    ],
)
def test_the_same_moments(left: str, right: str) -> None:
    assert moment_of(left) == moment_of(right) is not None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("2024-01-01 10:30:00", "2024-01-01 10:30:00Z"),
        ("2024-01-01", "0024-01-01"),
        ("10:30:00", "-10:30:00"),
        ("2024-01-01 10:30:00.000001", "2024-01-01 10:30:00"),
    ],
)
def test_other_moments(left: str, right: str) -> None:
    assert moment_of(left) != moment_of(right)


@given(st.datetimes(min_value=dt.datetime(1, 1, 2)), st.integers(-14 * 60, 14 * 60))
def test_moments_against_the_standard_library(moment: dt.datetime, minutes: int) -> None:
    zoned = moment.replace(tzinfo=dt.timezone(dt.timedelta(minutes=minutes)))
    whole = (zoned - dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)) // dt.timedelta(seconds=1)
    digits = f"{moment.microsecond:06}".rstrip("0")
    assert moment_of(str(zoned)) == ("zoned", whole, digits)


@given(st.timedeltas(dt.timedelta(days=-100_000), dt.timedelta(days=100_000)))
def test_lengths_against_pandas(length: dt.timedelta) -> None:
    whole = length // dt.timedelta(microseconds=1)
    assert length_of(str(pandas.Timedelta(length).as_unit("us"))) == whole * 10**12


def test_texts_that_are_neither() -> None:
    for text in ("", "x", "2024", "1" * 100, "2024-13", "P"):
        assert moment_of(text) is None
    for text in ("", "x", "1", "1:2"):
        assert length_of(text) is None
