"""How often a preview waits for a store, and for how much: four round trips and 512 KB of the largest file."""

from __future__ import annotations

import json
import os
import pickle
import struct
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from flowtui.preview.arrow_values import UNREAD
from flowtui.preview.limits import DEFAULT
from flowtui.preview.registry import preview
from flowtui.preview.result import Preview
from flowtui.storage import Storage
from tests.fuzz.makers import npy_file
from tests.preview import large_files
from tests.preview.far import far
from tests.preview.large_files import sparse_zip
from tests.trusting import TrustsAll

GIGABYTES = 2 << 30
TERM, OF = "Adverse event number", "of the dictionary"
MOST_BYTES = 512 * 1024
MOST_ROUND_TRIPS = 4
SIZED = {"size": GIGABYTES}
REPEATED = {**SIZED, "real": 4 << 20}


def _varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes((value & 127 | 128,))
        value >>= 7
    return found + bytes((value,))


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def onnx(path: Path) -> None:
    """300 initializers with their data, then an input and an output, then the operators' version."""
    each = GIGABYTES // 300 - 1000
    dimension = _field(1, b"\x08" + _varint(64))
    shape = _field(2, _field(1, b"\x08\x01" + _field(2, dimension)))
    ends = _field(11, _field(1, b"tokens") + shape) + _field(12, _field(1, b"logits") + shape)
    nodes = b"".join(_field(1, _field(4, b"MatMul")) for _ in range(500))
    tensors = [
        b"\x08" + _varint(each // 4) + b"\x10\x01" + _field(8, b"layer.%d" % n) + _varint(9 << 3 | 2) + _varint(each)
        for n in range(300)
    ]
    heads = [_varint(5 << 3 | 2) + _varint(len(tensor) + each) + tensor for tensor in tensors]
    length = len(nodes) + sum(len(head) + each for head in heads) + len(ends)
    with path.open("wb") as file:
        file.write(b"\x08\x09" + _field(2, b"pytorch") + _varint(7 << 3 | 2) + _varint(length) + nodes)
        for head in heads:
            file.write(head)
            file.seek(each, os.SEEK_CUR)
        file.write(ends + _field(8, b"\x10\x11"))


def safetensors(path: Path) -> None:
    each = GIGABYTES // 300
    tensors = {
        f"model.layers.{n}.weight": {"dtype": "BF16", "shape": [each // 2], "data_offsets": [n * each, (n + 1) * each]}
        for n in range(300)
    }
    header = json.dumps(tensors).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + 300 * each)


def torchscript(path: Path) -> None:
    """The storages first, then a long pickle and further members, so that it is in the middle of nowhere."""
    content = pickle.dumps({f"layer.{n}.weight": [n, "x" * 50] for n in range(3000)}, 2)
    rest = {f"m/code/{n}.py": b"x" * 2000 for n in range(100)}
    sparse_zip(path, {}, [f"m/data/{n}" for n in range(300)], last={"m/data.pkl": content, **rest})


def npz(path: Path) -> None:
    import numpy

    head = npy_file(numpy.zeros(0)).replace(b"(0,)", b"(9,)")
    sparse_zip(path, {}, [f"layer{n}.npy" for n in range(20)], begin=head)


def archive(path: Path) -> None:
    sparse_zip(path, {"readme.txt": b"text"}, [f"study/adam/file-{n:05}.csv" for n in range(5000)])


def tar(path: Path) -> None:
    with path.open("wb") as file:
        for n in range(20):
            member = tarfile.TarInfo(f"{n}.bin")
            member.size = GIGABYTES // 20
            file.write(member.tobuf(tarfile.USTAR_FORMAT))
            file.seek(-(-member.size // 512) * 512, os.SEEK_CUR)
        file.write(bytes(1024))


def document(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'{"study": "S1", "rows": [' + b'{"id": 1, "text": "x"}, ' * 20_000)
        file.truncate(GIGABYTES)


def log(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"first line\n" * 30_000)
        file.truncate(GIGABYTES)
        file.seek(GIGABYTES)
        file.write(b"\nthe end\n")


def pickled(path: Path) -> None:
    """A list of two arrays of a gigabyte each, and then a text."""
    half = GIGABYTES // 2
    with path.open("wb") as file:
        file.write(b"\x80\x04](")
        for _ in range(2):
            file.write(b"\x8e" + half.to_bytes(8, "little"))
            file.seek(half, os.SEEK_CUR)
        file.write(pickle.dumps("the end", 4)[11:-1] + b"e.")


def forest(path: Path) -> None:
    """A list of many objects with arrays of 100 KB, as a forest of decision trees is."""
    each = 100_000
    with path.open("wb") as file:
        file.write(b"\x80\x04](")
        for n in range(GIGABYTES // each):
            file.write(b"}(\x8c\x04name" + pickle.dumps(n, 2)[2:-1] + b"\x8c\x06valuesB" + each.to_bytes(4, "little"))
            file.seek(each, os.SEEK_CUR)
            file.write(b"u")
        file.write(b"e.")


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("m.onnx", onnx, ("operator sets", "ai.onnx 17")),
        ("m.safetensors", safetensors, ("tensors", "300")),
        ("m.pt", partial(large_files.pt, **SIZED), ("tensor data", "2.1 GB")),
        ("script.pt", torchscript, ("files of code", "100")),
        ("m.npz", npz, ("arrays", "20")),
        ("m.zip", archive, ("members", "5,001")),
        ("m.tar", tar, None),
        ("m.json", document, None),
        ("m.log", log, None),
        ("m.pkl", pickled, ("protocol", "4")),
        ("forest.pkl", forest, ("protocol", "4")),
        ("m.csv", partial(large_files.csv, **REPEATED), None),
        ("m.sas7bdat", partial(large_files.sas7bdat, **REPEATED), ("pages", "32,767")),
        ("m.xpt", partial(large_files.xpt, **REPEATED), ("transport version", "5")),
        ("m.parquet", partial(large_files.parquet, **SIZED), ("compression", "snappy")),
        ("m.feather", partial(large_files.feather, **SIZED), ("compression", "lz4")),
        ("m.pdf", partial(large_files.pdf, **SIZED), ("page size", "210 x 297 mm (A4)")),
    ],
)
async def test_two_gigabytes(
    name: str, make: Callable[[Path], None], said: tuple[str, str] | None, tmp_path: Path
) -> None:
    path = tmp_path / name
    make(path)
    async with far(path) as reader:
        found = await preview(reader, name=name)
        assert found.kind != "hex", found.notices
        assert reader.round_trips <= MOST_ROUND_TRIPS
        assert reader.bytes_read < MOST_BYTES
        if said:
            assert said in found.facts
        before = reader.requests
        assert await preview(reader, name=name) == found
        assert reader.requests == before


@pytest.mark.parametrize("make", [large_files.parquet, large_files.feather])
async def test_columns_are_shown_as_the_budget_allows_and_the_others_later(
    make: Callable[..., None], tmp_path: Path
) -> None:
    path = tmp_path / f"m.{make.__name__}"
    make(path, GIGABYTES)
    async with far(path) as reader:
        found = await preview(reader, name=path.name)
        assert found.rows[99] == ("CDISC01-99", 99, "site 009", found.rows[99][3], "2019-07-22", f"{TERM} 99 {OF}")
        assert not any("not read yet" in notice for notice in found.notices)
    make(path, GIGABYTES, columns=49)
    async with far(path) as reader:
        first = await preview(reader, name=path.name)
        assert first.rows[99][:6] == found.rows[99][:6]
        assert first.rows[0][48] == UNREAD
        assert any("not read yet" in notice for notice in first.notices)
        assert first.more
        assert reader.round_trips <= MOST_ROUND_TRIPS
        assert reader.bytes_read < MOST_BYTES
        before = reader.round_trips
        later = await preview(reader, name=path.name, limits=DEFAULT.more())
        shown = [sum(cell != UNREAD for cell in one.rows[0]) for one in (first, later)]
        assert shown[0] < shown[1]
        assert reader.round_trips - before <= 4 * MOST_ROUND_TRIPS
    # A file of this machine costs nothing to look at.
    async with Storage(TrustsAll()) as storage, storage.open(str(path)) as local:
        assert sum(cell != UNREAD for cell in (await preview(local, name=path.name)).rows[0]) == 49


async def test_a_file_that_is_not_what_its_name_says_is_read_as_far_as_any(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    log(path)
    async with far(path) as reader:
        found = await preview(reader, name=path.name)
        assert (found.kind, found.lines[:2]) == ("text", ("first line", "first line"))
        assert any(notice.startswith("262 KB of ") for notice in found.notices), found.notices
        assert reader.round_trips == 2
        assert DEFAULT.head <= reader.bytes_read <= DEFAULT.head + 64 * 1024


async def shown(make: Callable[[Path], None], path: Path) -> Preview:
    make(path)
    async with far(path) as reader:
        return await preview(reader, name=path.name)


async def test_the_ends_of_a_large_onnx_graph_are_found(tmp_path: Path) -> None:
    found = await shown(onnx, tmp_path / "m.onnx")
    assert found.tree is not None
    groups = {group.label: group for group in found.tree.children}
    assert [child.label for child in groups["inputs"].children] == ["tokens"]
    assert [(child.label, child.value) for child in groups["outputs"].children] == [("logits", "float32 64")]
    assert groups["operators"].children[0].value == "500"
    assert groups["initializers"].children[0].label == "layer.0"
    assert found.more


async def test_a_pickle_goes_on_behind_what_is_passed_over(tmp_path: Path) -> None:
    found = await shown(pickled, tmp_path / "m.pkl")
    assert found.tree is not None
    assert [child.value for child in found.tree.children] == ["1,073,741,824 bytes", "1,073,741,824 bytes", "the end"]


async def test_a_further_look_fetches_further_headers(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    npz(path)
    async with far(path) as reader:
        first = await preview(reader, name=path.name)
        assert first.more
        second = await preview(reader, name=path.name, limits=DEFAULT.more())
        known = [sum(row[1] is not None for row in found.rows) for found in (first, second)]
        assert 0 < known[0] < known[1]
