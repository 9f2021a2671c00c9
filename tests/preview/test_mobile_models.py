"""Models for devices: TensorFlow Lite (written by TensorFlow 2.21) and ExecuTorch programs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.preview.limits import Limits
from tests.preview.flatbuffer_file import Number, Numbers, flatbuffer
from tests.preview.look import look
from tests.preview.models_seen import MODELS, assert_bounded, assert_damage_is_bounded, at, leaves, model


async def test_tensorflow_lite_shows_its_ends_operators_and_tensors() -> None:
    found = await model("model.tflite")
    facts = dict(found.facts)
    assert (found.format, facts["schema version"], facts["description"]) == ("tflite", "3", "MLIR Converted.")
    assert leaves(at(found, "inputs")) == {"serving_default_x:0": "float32 ? x 4"}
    assert leaves(at(found, "outputs")) == {"StatefulPartitionedCall_1:0": "float32 ? x 2"}
    assert leaves(at(found, "operators")) == {"FULLY_CONNECTED": "2"}
    assert leaves(at(found, "signatures")) == {"serving_default": "x -> output_0"}
    assert (facts["tensors"], facts["tensors with data"], facts["parameters"]) == ("5", "2", "48")
    assert ("sequential_1/hidden_1/MatMul", "float32", "8 x 4", 32) in found.rows
    assert found.rows[0][3] is None


async def test_operators_by_their_numbers() -> None:
    codes = [{0: Number("b", 127), 3: Number("i", 150)}, {0: Number("b", 32), 1: "MyOp"}, {3: Number("i", 9999)}]
    operators = [{0: Number("I", index)} for index in (0, 0, 1, 2, 7)]
    content = flatbuffer({0: Number("I", 3), 1: codes, 2: [{3: operators}]}, b"TFL3")
    found = await look(content, "model")
    assert leaves(at(found, "operators")) == {"GELU": "2", "MyOp": "1", "operator 9999": "1", "operator 7": "1"}


def program() -> bytes:
    """A program that adds two tensors, as ExecuTorch's own test has one."""
    tensor = {0: Number("b", 6), 2: Numbers("i", [2, 3]), 8: Number("b", 1)}
    named = {0: Number("b", 15), 2: Numbers("i", [4]), 9: {1: "linear.weight"}}
    values = [{0: Number("B", 5), 1: one} for one in (tensor, tensor, named)] + [{0: Number("B", 2), 1: {}}]
    plan = {
        0: "forward",
        2: values,
        3: Numbers("i", [0, 1]),
        4: Numbers("i", [1, 3]),
        6: [{0: "aten::add", 1: "out"}],
        7: [{0: "XnnpackBackend"}],
        8: Numbers("q", [0, 48]),
    }
    data = {0: Number("I", 0), 1: [plan], 4: [{1: Number("Q", 4096)}], 7: [{0: "linear.weight"}]}
    return flatbuffer(data, b"ET12")


async def test_executorch_shows_its_methods() -> None:
    found = await look(program(), "model.pte")
    facts = dict(found.facts)
    assert (found.format, facts["identifier"], facts["program version"]) == ("executorch", "ET12", "0")
    assert leaves(at(found, "forward inputs")) == {"0": "float32 2 x 3, at most", "1": "float32 2 x 3, at most"}
    assert leaves(at(found, "forward outputs")) == {"0": "float32 2 x 3, at most", "1": "int"}
    assert list(leaves(at(found, "forward operators"))) == ["aten::add.out"]
    assert list(leaves(at(found, "forward delegates"))) == ["XnnpackBackend"]
    assert (facts["segments"], at(found, "forward planned memory").value) == ("1 of 4.1 KB", "48 B")
    assert ("linear.weight", "bfloat16", "4", 4) in found.rows


async def test_a_model_whose_tables_are_behind_what_was_read_can_be_read_on() -> None:
    content = (17_000_000).to_bytes(4, "little") + b"TFL3" + bytes(17_500_000)
    found = await look(content, "x.tflite", limits=Limits(head=4096, whole=0))
    assert (found.kind, found.format, found.more) == ("tree", "tflite", True)
    assert found.notices[0].startswith("a TensorFlow Lite model whose description is behind what was read: ")
    damaged = await look(content[:5000], "x.tflite")
    assert (damaged.kind, damaged.notices[0]) == ("hex", "a TensorFlow Lite model that is cut or damaged")


async def test_damaged_models_are_bounded() -> None:
    await assert_damage_is_bounded((MODELS / "model.tflite").read_bytes(), "x.tflite")
    await assert_damage_is_bounded(program(), "x.pte")


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([b"\x10\0\0\0TFL3", b"\x10\0\0\0ET12"]), st.binary(max_size=300))
async def test_any_bytes_behind_a_beginning(beginning: bytes, rest: bytes) -> None:
    await assert_bounded(beginning + rest, "model")
