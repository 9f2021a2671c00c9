"""NetCDF's header as a table, and DuckDB's files by name."""

from __future__ import annotations

import struct
from pathlib import Path

import duckdb
import pytest

from tests.preview.look import look, look_at


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack(">I", len(data)) + data + bytes(-len(data) % 4)


def attributes(told: dict[str, str]) -> bytes:
    parts = [text(name) + struct.pack(">I", 2) + text(value) for name, value in told.items()]
    return (struct.pack(">II", 12, len(parts)) if parts else bytes(8)) + b"".join(parts)


def netcdf(version: int) -> bytes:
    """Time by station, and a global title, as NetCDF's specification has it."""
    begin = ">I" if version == 1 else ">Q"
    head = b"CDF" + bytes([version]) + struct.pack(">I", 7)
    dimensions = (
        struct.pack(">II", 10, 2) + text("time") + struct.pack(">I", 0) + text("station") + struct.pack(">I", 3)
    )
    variables = struct.pack(">II", 11, 2)
    for name, places, kind, told in (
        ("time", (0,), 6, {"units": "days since 1970-01-01", "long_name": "time of day"}), ("t2m", (0, 1), 5, {}),
    ):  # fmt: skip
        variables += text(name) + struct.pack(f">I{len(places)}I", len(places), *places) + attributes(told)
        variables += struct.pack(">II", kind, 8) + struct.pack(begin, 400)
    return head + dimensions + attributes({"title": "Stations"}) + variables + bytes(500)


@pytest.mark.parametrize("version", [1, 2])
async def test_variables_of_netcdf(version: int) -> None:
    found = await look(netcdf(version), "f.nc")
    assert (found.kind, found.format, found.total_rows) == ("table", "netcdf", 2)
    assert found.rows == (
        ("time", "double", "7", "time", "days since 1970-01-01", "time of day"),
        ("t2m", "float", "7 x 3", "time, station", None, None),
    )
    facts = dict(found.facts)
    assert facts["format"] == ("NetCDF classic" if version == 1 else "NetCDF 64-bit offset")
    assert (facts["dimension time"], facts["dimension station"], facts["title"]) == ("7 (unlimited)", "3", "Stations")


async def test_a_damaged_header_of_netcdf() -> None:
    for damaged in (netcdf(1)[:60], b"CDF\x01" + b"\xff" * 200):
        found = await look(damaged, "f.nc")
        assert found.kind == "hex"
        assert any(notice == "a NetCDF file whose header is damaged" for notice in found.notices)


async def test_databases_of_duckdb_are_named(tmp_path: Path) -> None:
    path = tmp_path / "study"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    found = await look_at(path, path.name)
    assert (found.kind, found.format) == ("tree", "duckdb")
    facts = dict(found.facts)
    assert facts["written by"] == f"DuckDB v{duckdb.__version__}"
    assert facts["storage version"].isdigit()
