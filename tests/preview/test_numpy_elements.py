"""Elements of numpy arrays as numpy prints them: moments to their last digit, sub-arrays, long doubles, padding."""

from __future__ import annotations

import platform
from typing import Any

import numpy
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flowtui.preview.numpy_elements import element_of
from flowtui.preview.pickled_arrays import Dtype, dtype_named
from tests.fuzz.makers import npy_file
from tests.preview.look import look

_UNITS = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "25s", "3D", "10ms", "2Y", "7M", "ps", "as"]


def dtype(name: str) -> Dtype:
    found = dtype_named(name)
    assert found is not None
    return found


def as_numpy_prints(count: int, unit: str) -> str:
    """The moment as numpy prints it, with a blank for the T, and without a fraction or a year's sign that is empty."""
    text = str(numpy.array([count], "i8").view(f"M8[{unit}]")[0]).replace("T", " ")
    if "." in text and not text.partition(".")[2].strip("0"):
        text = text.partition(".")[0]
    return (
        {13: f"{text}:00:00", 16: f"{text}:00"}.get(len(text), text)
        if ":" not in text[10:14] and " " in text
        else (f"{text}:00" if text.count(":") == 1 else text)
    )


@settings(max_examples=300, deadline=None)
@given(st.integers(-(1 << 40), 1 << 40), st.sampled_from(_UNITS))
def test_moments_are_those_of_numpy(count: int, unit: str) -> None:
    if "s" not in unit and abs(count) > 100_000:
        count %= 100_000
    printed = as_numpy_prints(count, unit)
    # Of years before 0 numpy prints a digit less than ISO 8601 has.
    assume(not printed.startswith("-"))
    data = count.to_bytes(8, "little", signed=True)
    assert element_of(dtype(f"M8[{unit}]"), data, 100) == printed


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (numpy.array(["1600-01-01T00:00:00.123456"], "M8[us]"), "1600-01-01 00:00:00.123456"),
        (numpy.array(["2024-01-01T00:00:00.123456789"], "M8[ns]"), "2024-01-01 00:00:00.123456789"),
        (numpy.array(["2020-01-01"], "M8[25s]"), "2020-01-01 00:00:00"),
        (numpy.array([2], "m8[25s]"), "50 s"),
        (numpy.array(["NaT"], "m8[25s]"), "NaT"),
        (numpy.array(["2024-05"], "M8[M]"), "2024-05"),
        (numpy.array([0.1 + 2j]), "0.1+2j"),
    ],
)
async def test_one_value(array: Any, expected: str) -> None:
    assert (await look(npy_file(array), "x.npy")).rows == ((expected,),)


async def test_sub_arrays_and_fields_within_fields_have_values() -> None:
    fields = [("id", "i4"), ("xyz", "f4", (3,)), ("when", [("day", "M8[D]"), ("n", "i2")]), ("long", "u1", (30,))]
    array = numpy.zeros(1, fields)
    array["xyz"] = [0.5, 1, 2]
    found = await look(npy_file(array), "x.npy")
    assert found.rows[0][:3] == (0, "[0.5, 1.0, 2.0]", "{day: 1970-01-01, n: 0}")
    assert str(found.rows[0][3]).endswith("0, …]")


async def test_padding_between_fields_is_no_column() -> None:
    array = numpy.array([(1, 2.5)], numpy.dtype([("a", "i1"), ("b", "f8")], align=True))
    found = await look(npy_file(array), "x.npy")
    assert [column.name for column in found.columns] == ["a", "b"]
    assert found.rows == ((1, 2.5),)
    assert dict(found.facts)["dtype"] == "{a: int8, b: float64}"


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64") or numpy.dtype("longdouble").itemsize == 8, reason="x87"
)
async def test_long_doubles_are_numbers_and_their_form_is_said() -> None:
    array = numpy.array([1.5, -2, 0, numpy.inf, -numpy.inf, 1e-300, 0.1], "longdouble")
    found = await look(npy_file(array), "x.npy")
    assert [row[0] for row in found.rows[:6]] == [1.5, -2.0, 0.0, float("inf"), float("-inf"), 1e-300]
    assert found.rows[6] == (0.1,)
    assert found.notices == ("numbers of 16 or 12 bytes are read as those of x86 processors, which have 80 bits",)
    large = await look(npy_file(numpy.array([numpy.longdouble("1.25e4000"), numpy.longdouble("nan")])), "x.npy")
    assert str(large.rows[0][0]).startswith("1.25")
    assert str(large.rows[0][0]).endswith("E+4000")
    assert str(large.rows[1][0]) == "nan"
    third = await look(npy_file(numpy.array([numpy.longdouble(1) / 3])), "x.npy")
    assert str(third.rows[0][0]).startswith("0.3333333333333333333")


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["f16", "M8[ns]", "M8[Y]", "m8[7h]", "M8", "c16", "U2", "S3"]), st.binary(min_size=16, max_size=16)
)
def test_any_bytes(name: str, data: bytes) -> None:
    kind = dtype(name)
    assert isinstance(element_of(kind, data[: kind.size], 40), str | float)
