"""NetCDF of the classic formats, as scipy 1.17 wrote it, and of 64-bit data."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.preview.look import look
from tests.preview.models_seen import MODELS, assert_bounded, assert_damage_is_bounded, at, leaves, model


@pytest.mark.parametrize(("name", "form"), [("classic.nc", "classic"), ("offsets.nc", "64-bit offset")])
async def test_netcdf_shows_its_dimensions_variables_and_attributes(name: str, form: str) -> None:
    found = await model(name)
    assert (found.format, dict(found.facts)["form"], found.notices) == ("netcdf", form, ())
    assert leaves(at(found, "dimensions")) == {"time": "4 (records)", "x": "3"}
    assert at(found, "dose").value == "float32 4 x 3 (time, x)"
    assert leaves(at(found, "dose")) == {"valid_range": "0, 5"}
    assert leaves(at(found, "time")) == {"units": "days since 1970-01-01"}
    assert leaves(at(found, "attributes")) == {"title": "a study"}
    assert found.rows == (("time", "float64", "4", 4), ("dose", "float32", "4 x 3", 12))


def large(records: int) -> bytes:
    """64-bit data with one dimension that grows and one variable along it."""
    name = struct.pack(">Q", 1)
    dimension = struct.pack(">IQ", 10, 1) + name + b"t\0\0\0" + struct.pack(">Q", 0)
    variable = name + b"v\0\0\0" + struct.pack(">QQ", 1, 0) + struct.pack(">IQ", 0, 0) + struct.pack(">IQQ", 11, 8, 0)
    header = struct.pack(">Q", records) + dimension + struct.pack(">IQ", 0, 0) + struct.pack(">IQ", 11, 1) + variable
    return b"CDF\x05" + header


async def test_64_bit_data_and_records_that_are_not_counted() -> None:
    found = await look(large(5_000_000_000), "model")
    assert at(found, "v").value == "uint64 5000000000 (t)"
    streaming = await look(large((1 << 64) - 1), "model")
    assert leaves(at(streaming, "dimensions")) == {"t": "? (records)"}
    assert at(streaming, "v").value == "uint64 ? (t)"
    cut = await look(large(1)[:50], "x.nc")
    assert cut.notices[0].startswith("the beginning of the header: ")


async def test_damaged_headers_are_bounded() -> None:
    await assert_damage_is_bounded((MODELS / "classic.nc").read_bytes(), "x.nc")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([b"CDF\1", b"CDF\2", b"CDF\5"]), st.binary(max_size=200))
async def test_any_bytes_behind_a_beginning(beginning: bytes, rest: bytes) -> None:
    await assert_bounded(beginning + rest, "x.nc")
