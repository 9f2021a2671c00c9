from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.errors import PreviewError
from flowtui.preview.limits import DEFAULT, Limits
from flowtui.preview.numpy_files import header_of
from tests.fuzz.makers import MAKERS, npy_file, zip_file
from tests.preview.look import look, violations


def npy(header: str, data: bytes = b"", version: int = 1) -> bytes:
    body = header.encode()
    length = struct.pack("<H" if version == 1 else "<I", len(body))
    return b"\x93NUMPY" + bytes((version, 0)) + length + body + data


async def test_a_vector() -> None:
    found = await look(npy_file(numpy.arange(250, dtype="<i4")), "x.npy")
    assert (found.kind, found.format, found.total_rows, found.more) == ("table", "npy", 250, True)
    assert (found.columns[0].name, found.columns[0].type) == ("values", "integer")
    assert found.rows[:3] == ((0,), (1,), (2,))
    assert found.notices == ("first 100 of 250 rows",)
    assert dict(found.facts) == {"dtype": "int32", "shape": "250", "order": "C"}


@pytest.mark.parametrize("order", ["C", "F"])
async def test_matrices_in_both_orders(order: Any) -> None:
    array = numpy.arange(24.0).reshape(2, 3, 4).copy(order=order)
    found = await look(npy_file(array), "x.npy")
    assert found.rows == tuple(map(tuple, array.reshape(6, 4).tolist()))
    assert dict(found.facts)["shape"] == "2 x 3 x 4"


async def test_fields_of_a_structured_array() -> None:
    fields = [("id", "<i4"), ("dose", ">f8"), ("arm", "U5"), ("code", "S2"), ("day", "M8[D]"), ("xy", "<f4", (2,))]
    array = numpy.array([(1, 2.5, "placé", b"ab", "2024-02-29", (1, 2)), (2, 0, "", b"", "NaT", (0, 0))], fields)
    found = await look(npy_file(array), "x.npy")
    assert [(column.name, column.type) for column in found.columns] == [
        ("id", "integer"), ("dose", "number"), ("arm", "text"), ("code", "text"), ("day", "datetime"), ("xy", "text"),
    ]  # fmt: skip
    assert found.rows[0][:5] == (1, 2.5, "placé", "ab", "2024-02-29")
    assert found.rows[1][:5] == (2, 0.0, "", "", "NaT")
    assert "xy: float32 2" in dict(found.facts)["dtype"]


@pytest.mark.parametrize(
    ("array", "first"),
    [
        (numpy.array([1 + 2j]), "1+2j"),
        (numpy.array([True]), True),
        (numpy.array(["2024-01-02T03:04:05"], "M8[s]"), "2024-01-02 03:04:05"),
        (numpy.array([90], "m8[m]"), "90 m"),
        (numpy.array([b"\x00\x01"], "V2"), "00 01"),
        (numpy.array(7, "u1"), 7),
        (numpy.array([0.5], "f2"), 0.5),
    ],
)
async def test_values_of_every_kind(array: Any, first: object) -> None:
    found = await look(npy_file(array), "x.npy")
    assert found.rows[0][0] == first


async def test_names_of_fields_may_hold_anything() -> None:
    array = numpy.zeros(2, [("it's (a) - b+c", "i4"), ('say "x"', "f8"), ("back\\slash", "f8"), ("größe", "i2")])
    found = await look(npy_file(array), "x.npy")
    assert [column.name for column in found.columns] == ["it's (a) - b+c", 'say "x"', "back\\slash", "größe"]


async def test_an_empty_array() -> None:
    for shape in ((0,), (3, 0), (0, 3)):
        found = await look(npy_file(numpy.zeros(shape)), "x.npy")
        assert (found.rows, found.kind) == ((), "table")


async def test_objects_are_a_pickle_that_is_not_read() -> None:
    file = io.BytesIO()
    numpy.save(file, numpy.array([{"a": 1}], dtype=object), allow_pickle=True)
    found = await look(file.getvalue(), "x.npy")
    assert (found.rows, found.notices) == ((), ("an array of objects: they are a pickle, which is not read",))


async def test_a_wide_matrix_is_cut() -> None:
    found = await look(npy_file(numpy.zeros((3, 2000), "i1")), "x.npy")
    assert (len(found.columns), len(found.rows)) == (500, 3)
    assert found.notices == ("first 500 of 2,000 columns",)


async def test_a_file_that_is_cut_says_so() -> None:
    found = await look(npy_file(numpy.zeros(1000))[:900], "x.npy")
    assert "the file is cut: 8.1 KB were written, 900 B are there" in found.notices
    assert not found.more


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1.5,), }",
        "{'descr': '<q99', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': [], 'fortran_order': False, 'shape': (1,), }",
        "{'descr': [('a',)], 'fortran_order': False, 'shape': (1,), }",
        "{'descr': [('a', '<f8', (-1,))], 'fortran_order': False, 'shape': (1,), }",
        "{'shape': (1,)}",
        "__import__('os').system('true')",
        "[" * 900,
        "(" * 2000,
        "'a" * 100,
        "-" * 50_000 + "1",
        "{'shape': " + "1+" * 25_000 + "1}",
        "{'shape': (1,), 'descr': 'f8', 'fortran_order': " + "not " * 9000 + "True}",
        "9" * 9000,
    ],
)
def test_headers_that_make_no_sense(header: str) -> None:
    with pytest.raises(PreviewError):
        header_of(npy(header))


def test_shapes_beyond_all_memory_are_only_numbers() -> None:
    found = header_of(npy("{'descr': '<f8', 'fortran_order': True, 'shape': (" + "4611686018427387903," * 60 + ")}"))
    assert found.count > 1 << 3000


async def test_an_archive_lists_its_arrays() -> None:
    file = io.BytesIO()
    numpy.savez(file, weights=numpy.zeros((10, 3), "f4"), names=numpy.array(["a"]))
    found = await look(file.getvalue(), "x.npz")
    assert (found.kind, found.format, found.total_rows) == ("table", "npz", 2)
    assert found.rows == (("weights", "float32", "10 x 3", 30, 248), ("names", "str[1]", "1", 1, 132))
    file = io.BytesIO()
    numpy.savez_compressed(file, weights=numpy.random.default_rng(1).normal(size=(500, 300)))
    assert (await look(file.getvalue(), "model.bin")).rows == (("weights", "float64", "500 x 300", 150_000, 1_200_128),)


async def test_an_archive_with_a_damaged_array() -> None:
    content = zip_file({"a.npy": b"\x93NUMPY\x01\x00 damaged", "b.npy": npy_file(numpy.zeros(2))}, zipfile.ZIP_STORED)
    found = await look(content, "x.npz")
    assert [row[:4] for row in found.rows] == [("a", None, None, None), ("b", "float64", "2", 2)]


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(["table.npy", "arrays.npz"]),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6),
    kept=st.floats(0.01, 1),
)
async def test_damaged_arrays(name: str, changes: list[tuple[float, int]], kept: float) -> None:
    content = bytearray(MAKERS[name]())
    for place, byte in changes:
        content[int(place * len(content))] = byte
    for limits in (DEFAULT, Limits(head=300, whole=0, rows=1, columns=1, cell=4, lines=2)):
        found = await look(bytes(content[: int(len(content) * kept)]), name, limits=limits)
        assert violations(found, limits) == []
