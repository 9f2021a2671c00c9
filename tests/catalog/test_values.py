"""Launch Inputs in words."""

from __future__ import annotations

import msgpack
import pytest
from flyteidl.core import interface_pb2, literals_pb2, types_pb2

from flowtui.catalog.values import launch_inputs, type_text, value_text
from flowtui.domain.execution import LaunchInput
from tests.catalog import make

INTEGER = types_pb2.LiteralType(simple=types_pb2.INTEGER)
FILE = types_pb2.LiteralType(blob=types_pb2.BlobType(format="csv"))
NONE = types_pb2.LiteralType(simple=types_pb2.NONE)


@pytest.mark.parametrize(
    ("type_", "words"),
    [
        (INTEGER, "int"),
        (FILE, "file (csv)"),
        (types_pb2.LiteralType(blob=types_pb2.BlobType(dimensionality=types_pb2.BlobType.MULTIPART)), "directory"),
        (types_pb2.LiteralType(collection_type=FILE), "list of file (csv)"),
        (types_pb2.LiteralType(map_value_type=INTEGER), "dict of int"),
        (types_pb2.LiteralType(union_type=types_pb2.UnionType(variants=[INTEGER, NONE])), "int or None"),
        (types_pb2.LiteralType(enum_type=types_pb2.EnumType(values=["a", "b"])), "one of a, b"),
        (types_pb2.LiteralType(structured_dataset_type=types_pb2.StructuredDatasetType()), "data frame"),
        (types_pb2.LiteralType(simple=types_pb2.STRUCT), "dict"),
        (types_pb2.LiteralType(simple=77), "77"),
        (types_pb2.LiteralType(), ""),
    ],
)
def test_types(type_: types_pb2.LiteralType, words: str) -> None:
    assert type_text(type_) == words


def primitive(**value: object) -> literals_pb2.Literal:
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=literals_pb2.Primitive(**value)))


def packed(value: object) -> literals_pb2.Literal:
    binary = literals_pb2.Binary(tag="msgpack", value=msgpack.packb(value))
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=binary))


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        (primitive(boolean=True), "True"),
        (primitive(string_value="a [/red] b"), "a [/red] b"),
        (primitive(float_value=2.5), "2.5"),
        (primitive(duration={"seconds": 90}), "90 s"),
        (primitive(datetime={"seconds": 1_800_000_000}), "2027-01-15T08:00:00+00:00"),
        (make.blob("s3://b/x"), "s3://b/x"),
        (make.listed(make.integer(1), make.none()), "[1, None]"),
        (make.mapped({"b": make.integer(2), "a": make.integer(1)}), "{a: 1, b: 2}"),
        (make.union(make.integer(3)), "3"),
        (packed({"n": 3, "tags": ["t"]}), '{"n": 3, "tags": ["t"]}'),
        (literals_pb2.Literal(), ""),
    ],
)
def test_values(literal: literals_pb2.Literal, text: str) -> None:
    assert value_text(literal) == text


def test_long_values_are_cut() -> None:
    assert value_text(make.listed(*(make.integer(number) for number in range(50)))).endswith("19, …]")
    assert len(value_text(primitive(string_value="x" * 10_000))) == 4001


def test_inputs_of_interface_and_data_together() -> None:
    given = literals_pb2.LiteralMap(literals={"f": make.blob("s3://b/x"), "extra": make.integer(1)})
    variables = {"f": interface_pb2.Variable(type=FILE), "missing": interface_pb2.Variable(type=INTEGER)}
    assert launch_inputs(given, variables) == (
        LaunchInput("extra", "", "1"),
        LaunchInput("f", "file (csv)", "s3://b/x", "s3://b/x"),
        LaunchInput("missing", "int", ""),
    )
