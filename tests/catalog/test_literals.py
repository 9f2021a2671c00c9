"""Files inside literals of every shape, and of none."""

from __future__ import annotations

import msgpack
import pytest
from flyteidl.core import literals_pb2, types_pb2
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from flowtui.catalog import literals
from flowtui.catalog.values import type_text, value_text
from tests.catalog import make


def packed(value: object) -> literals_pb2.Literal:
    binary = literals_pb2.Binary(tag="msgpack", value=msgpack.packb(value))
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=binary))


def generic(value: dict[str, object]) -> literals_pb2.Literal:
    struct = struct_pb2.Struct()
    struct.update(value)
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(generic=struct))


SUMMARY = {"n": 3, "file": {"path": "s3://b/x.csv"}, "more": [{"path": "s3://b/y.csv", "metadata": {"a": "b"}}]}


@pytest.mark.parametrize(
    ("literal", "uris"),
    [
        (make.blob("s3://b//k"), ("s3://b//k",)),
        (make.listed(make.blob("b"), make.none(), make.blob("a")), ("b", "a")),
        (make.mapped({"y": make.blob("2"), "x": make.blob("1")}), ("1", "2")),
        (make.union(make.listed(make.blob("a"))), ("a",)),
        (make.union(make.none()), ()),
        (make.integer(1), ()),
        (packed(SUMMARY), ("s3://b/x.csv", "s3://b/y.csv")),
        (generic(SUMMARY), ("s3://b/x.csv", "s3://b/y.csv")),
        (packed({"f": {"uri": "/tmp/00000", "file_format": "parquet"}}), ("/tmp/00000",)),
        (packed({"path": "not a place"}), ()),
        (packed({"path": "s3://b/x", "other": 1}), ()),
        (packed([1, None, "s3://b/x"]), ()),
        (literals_pb2.Literal(), ()),
    ],
)
def test_uris_come_in_order(literal: literals_pb2.Literal, uris: tuple[str, ...]) -> None:
    assert literals.files(literal).uris == uris


def test_data_frames() -> None:
    literal = literals_pb2.Literal()
    frame = literal.scalar.structured_dataset
    frame.uri = "s3://b/frame"
    frame.metadata.structured_dataset_type.format = "parquet"
    assert literals.files(literal) == literals.Found(("s3://b/frame",), format="parquet", places=("",))
    legacy = literals_pb2.Literal()
    legacy.scalar.schema.uri = "s3://b/schema"
    assert literals.files(legacy).uris == ("s3://b/schema",)


def test_directories_none_and_offloaded_values_are_told() -> None:
    assert literals.files(make.blob("d", directory=True)).directory
    assert literals.files(make.listed(make.none(), make.none())).nones == 2
    stored = literals_pb2.Literal()
    stored.offloaded_metadata.uri, stored.offloaded_metadata.size_bytes = "s3://b/o.pb", 7
    assert literals.files(stored) == literals.Found(("s3://b/o.pb",), offloaded=7, places=("",))


@pytest.mark.parametrize("tag", ["msgpack", "cbor"])
def test_a_damaged_dataclass_holds_no_file(tag: str) -> None:
    binary = literals_pb2.Binary(tag=tag, value=b"\xc1\x93\xff")
    assert literals.files(literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=binary))).uris == ()


def test_a_nested_dataclass_bomb_holds_no_file() -> None:
    binary = literals_pb2.Binary(tag="msgpack", value=b"\x91" * 100_000 + b"\xc0")
    assert literals.files(literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=binary))).uris == ()


def test_very_many_files_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(literals, "MAX_FILES", 3)
    found = literals.files(make.listed(*(make.blob(str(index)) for index in range(5))))
    assert found.uris == ("0", "1", "2")
    assert found.more


@pytest.mark.parametrize(
    ("literal", "steps", "uris"),
    [
        (make.listed(make.blob("a"), make.blob("b")), (1,), ("b",)),
        (make.mapped({"k": make.listed(make.blob("a"))}), ("k", 0), ("a",)),
        (make.union(make.listed(make.blob("a"))), (0,), ("a",)),
        (packed(SUMMARY), ("file",), ("s3://b/x.csv",)),
        (packed(SUMMARY), ("more", 0), ("s3://b/y.csv",)),
        (packed(SUMMARY), ("more",), ("s3://b/y.csv",)),
    ],
)
def test_steps_into_a_value(literal: literals_pb2.Literal, steps: tuple[literals.Step, ...], uris: object) -> None:
    found = literals.step_into(literal, steps)
    assert found is not None
    assert literals.files(found).uris == uris


@pytest.mark.parametrize("steps", [(2,), (-1,), ("k",), (0, "k")])
def test_steps_that_lead_nowhere(steps: tuple[literals.Step, ...]) -> None:
    assert literals.step_into(make.listed(make.blob("a"), packed({})), steps) is None
    assert literals.step_into(packed(SUMMARY), steps) is None


@given(make.literals(), st.lists(st.integers(-2, 3) | st.text(max_size=2), max_size=3))
def test_any_literal_is_read(literal: literals_pb2.Literal, steps: list[literals.Step]) -> None:
    found = literals.files(literal)
    assert all(isinstance(uri, str) for uri in found.uris)
    part = literals.step_into(literal, steps)
    assert part is None or literals.files(part) is not None
    assert isinstance(value_text(literal), str)


@given(st.binary(max_size=60))
def test_any_bytes_that_are_a_literal_are_read(body: bytes) -> None:
    literal, type_ = literals_pb2.Literal(), types_pb2.LiteralType()
    if make.parses(literal, body):
        assert isinstance(literals.files(literal).uris, tuple)
        assert isinstance(value_text(literal), str)
    if make.parses(type_, body):
        assert isinstance(type_text(type_), str)


@given(st.binary(max_size=80))
def test_any_msgpack_is_read(body: bytes) -> None:
    binary = literals_pb2.Binary(tag="msgpack", value=body)
    literal = literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=binary))
    assert isinstance(literals.files(literal).uris, tuple)
    assert isinstance(value_text(literal), str)


def test_each_file_has_its_place_in_the_value() -> None:
    found = literals.files(make.listed(make.union(make.blob("s3://b/0")), make.none(), make.blob("s3://b/2")))
    assert dict(zip(found.uris, found.places, strict=True)) == {"s3://b/0": "[0]", "s3://b/2": "[2]"}
    found = literals.files(make.mapped({"a b": make.blob("s3://b/x"), "c": make.listed(make.blob("s3://b/y"))}))
    assert dict(zip(found.uris, found.places, strict=True)) == {"s3://b/x": '["a b"]', "s3://b/y": ".c[0]"}
    value = msgpack.packb({"first": {"path": "s3://b/1"}, "others": [{"path": "s3://b/2"}, {"path": "s3://b/3"}]})
    binary = literals_pb2.Binary(tag="msgpack", value=value)
    found = literals.files(literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=binary)))
    assert found.places == (".first", ".others[0]", ".others[1]")


def test_long_keys_are_cut_in_places() -> None:
    inner = make.mapped({"k" * 10_000: make.blob("s3://b/x")})
    for _ in range(30):
        inner = make.mapped({"k" * 10_000: inner})
    (place,) = literals.files(inner).places
    assert len(place) < 500
