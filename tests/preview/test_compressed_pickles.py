"""Pickles that joblib packs: every compression of it, the streams of its old versions, and other packed files."""

from __future__ import annotations

import gzip
import lzma
import pickle
import zlib
from pathlib import Path
from typing import Any

import joblib
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib.numpy_pickle_compat import NDArrayWrapper, ZNDArrayWrapper, write_zfile

from flowtui.preview.limits import Limits
from flowtui.preview.result import Preview
from tests.preview.look import look, look_at, violations

MODEL = {"w": numpy.arange(6.0).reshape(2, 3), "names": ["age", "bmi"], "alpha": 0.5}


def values(found: Preview) -> dict[str, str]:
    assert found.tree is not None, found.notices
    return {child.label: child.value for child in found.tree.children}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("model.pkl.z", "zlib"), ("model.z", "zlib"), ("model.pkl.gz", "gzip"), ("model.pkl.bz2", "bzip2"),
        ("model.pkl.lzma", "lzma"), ("model.lzma", "lzma"), ("model.pkl.xz", "xz"), ("model.pkl.lz4", "lz4"),
    ],
)  # fmt: skip
async def test_the_name_tells_joblib_how_to_compress(name: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / name
    joblib.dump(MODEL, path)
    found = await look_at(path, name)
    assert found.format == "pickle"
    shown = values(found)
    assert shown["w"].startswith("array float64 2 x 3")
    assert (shown["names"], shown["alpha"]) == ("[2]", "0.5")
    assert dict(found.facts)["compression"] == kind


@pytest.mark.parametrize("kind", ["zlib", "gzip", "bz2", "lzma", "xz", "lz4"])
@pytest.mark.parametrize("name", ["model.joblib", "model.pkl", "model"])
async def test_compressed_under_any_name(kind: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    joblib.dump(MODEL, path, compress=(kind, 3))
    found = await look_at(path, name)
    assert values(found)["alpha"] == "0.5"
    assert dict(found.facts)["compression"] == {"bz2": "bzip2"}.get(kind, kind)


def zfile(content: bytes, *, python2: bool = False) -> bytes:
    """What joblib wrote before 0.10: ``ZF``, the unpacked length in 19 characters of hex, and a zlib stream."""
    return b"ZF" + hex(len(content)).ljust(20 if python2 else 19).encode() + zlib.compress(content)


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model.pkl.z", "model"])
@pytest.mark.parametrize("python2", [False, True])
async def test_old_versions_of_joblib_wrote_zf(name: str, python2: bool) -> None:
    found = await look(zfile(pickle.dumps({"alpha": 0.5}, 2), python2=python2), name)
    assert found.format == "pickle"
    assert values(found) == {"alpha": "0.5"}
    assert dict(found.facts)["compression"] == "zlib (ZF, joblib before 0.10)"


async def test_what_joblibs_own_old_writer_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.pkl"
    with path.open("wb") as file:
        write_zfile(file, pickle.dumps({"alpha": 0.5}, 2))
    assert values(await look_at(path, path.name)) == {"alpha": "0.5"}


async def test_arrays_of_old_joblib_are_named_by_the_files_that_hold_them() -> None:
    state = (1, (2, 3), numpy.dtype("float64"), False)
    packed: Any = ZNDArrayWrapper("x.pkl_01.npy.z", (numpy.ndarray, (0,), b"b"), state)
    stored: Any = NDArrayWrapper("x.pkl_02.npy", numpy.ndarray)
    found = await look(zfile(pickle.dumps({"w": packed, "v": stored}, 2)), "x.pkl")
    assert values(found) == {
        "w": "array float64 2 x 3 in the file x.pkl_01.npy.z",
        "v": "array in the file x.pkl_02.npy",
    }
    assert found.rows[0] == ("w", "float64", "2 x 3", 6)


async def test_a_table_that_is_packed_alone_is_a_table() -> None:
    table = b"USUBJID,AGE\nS-1,47\n" * 5
    for name, packed, kind in (
        ("dm.csv.z", zlib.compress(table), "zlib"),
        ("dm.csv.lzma", lzma.compress(table, lzma.FORMAT_ALONE), "lzma"),
        ("dm.csv.z", gzip.compress(table), "gzip"),
    ):
        found = await look(packed, name)
        assert (found.kind, found.columns[0].name) == ("table", "USUBJID")
        assert dict(found.facts)["compression"] == kind


@pytest.mark.parametrize(
    "text", [b"x^2 + y^2\n" * 20, b"ZF is a word\n", b"x\x01", b"]\0\0\x80\0", b"ZF0x10               x\x9cnonsense"]
)
async def test_what_only_begins_like_a_stream_is_shown_as_it_is(text: bytes) -> None:
    found = await look(text, "notes")
    assert found.kind in ("text", "hex")
    assert violations(found, Limits()) == []


async def test_a_cut_stream_is_shown_as_far_as_it_goes() -> None:
    content = pickle.dumps({"alpha": 0.5, "rest": list(range(5000))}, 4)
    found = await look(zlib.compress(content)[:-40], "x.pkl.z")
    assert values(found)["alpha"] == "0.5"
    assert any("not whole" in notice or "missing" in notice for notice in found.notices)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([zfile(pickle.dumps(MODEL)), zlib.compress(pickle.dumps(MODEL)),
                     lzma.compress(pickle.dumps(MODEL), lzma.FORMAT_ALONE)]),
    st.integers(0, 400), st.binary(min_size=1, max_size=4), st.sampled_from(["x.pkl", "x.z", "x"]),
)  # fmt: skip
async def test_damaged_streams_are_bounded(content: bytes, place: int, change: bytes, name: str) -> None:
    found = await look(content[:place] + change + content[place + len(change) :], name)
    assert violations(found, Limits()) == []
