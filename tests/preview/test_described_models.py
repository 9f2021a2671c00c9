"""Models that are described rather than shown: Core ML, MLflow, torch's exports, ONNX beside its data; and datasets."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
from pathlib import Path

import joblib
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview_directory
from flowtui.preview.tfrecord import masked_crc32c
from flowtui.storage import Entry
from tests.fuzz.makers import zip_file
from tests.preview.look import look, look_at, violations
from tests.preview.models_seen import MODELS, assert_bounded, assert_damage_is_bounded, at, leaves, model


async def test_core_ml_shows_its_ends_kind_and_metadata() -> None:
    found = await model("network.mlmodel")
    facts = dict(found.facts)
    assert (found.format, facts["specification version"], facts["kind"]) == ("coreml", "1", "neural network")
    assert (facts["author"], facts["version"], facts["study"]) == ("me", "1.2", "S1")
    assert (leaves(at(found, "inputs")), leaves(at(found, "outputs"))) == ({"x": "float64 4"}, {"y": "float64 2"})
    trees = await model("trees.mlmodel")
    assert dict(trees.facts)["kind"] == "tree ensemble classifier"
    assert leaves(at(trees, "inputs")) == {"image": "image 224 x 224 RGB", "age": "double (years)"}
    assert leaves(at(trees, "outputs")) == {"label": "string", "p": "dictionary"}


async def test_tfrecord_is_a_table_of_its_examples() -> None:
    found = await model("examples.tfrecord")
    assert (found.kind, found.format, found.total_rows, found.notices) == ("table", "tfrecord", 5, ())
    assert [(column.name, column.type) for column in found.columns] == [
        ("id", "integer"), ("name", "text"), ("x", "text"),
    ]  # fmt: skip
    assert found.rows[1] == (1, "abc", "[0.5, 1.0]")


def record(body: bytes) -> bytes:
    length = struct.pack("<Q", len(body))
    return length + struct.pack("<I", masked_crc32c(length)) + body + struct.pack("<I", masked_crc32c(body))


def test_the_checksum_is_that_of_rfc_3720() -> None:
    crc = (masked_crc32c(b"123456789") - 0xA282EAD8) & 0xFFFFFFFF
    assert (crc << 15 | crc >> 17) & 0xFFFFFFFF == 0xE3069283


async def test_records_that_are_no_examples_have_sizes_and_cut_ones_are_said() -> None:
    content = record(b"\xff\xff") + record(b"\xfe" * 5)
    found = await look(content, "model.bin")
    assert found.rows == ((0, 2), (1, 5))
    cut = await look(content[:-1], "model.bin")
    assert (cut.rows, cut.notices[-1]) == (((0, 2),), "the last record is cut")
    damaged = await look(content + b"\1" * 40, "model.bin")
    assert damaged.notices[-1] == "the file is damaged behind record 2: the checksum of a length is another one"


_MLMODEL = """artifact_path: model
flavors:
  python_function:
    loader_module: mlflow.sklearn
    model_path: model.skops
    python_version: 3.11.4
  sklearn:
    serialization_format: skops
    sklearn_version: 1.9.1
mlflow_version: 3.17.0
run_id: 0123abc
signature:
  inputs: '[{"type": "double", "name": "age", "required": true}, {"type": "long", "name": "n", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1, 3]}}]'
"""


async def test_the_description_of_an_mlflow_model() -> None:
    found = await look(_MLMODEL.encode(), "MLmodel")
    facts = dict(found.facts)
    assert (found.format, facts["MLflow"], facts["sklearn"], facts["Python"]) == ("mlflow", "3.17.0", "1.9.1", "3.11.4")
    assert (facts["flavors"], facts["loaded by"]) == ("python_function, sklearn", "mlflow.sklearn")
    assert leaves(at(found, "inputs")) == {"age": "double", "n": "long, optional"}
    assert leaves(at(found, "outputs")) == {"0": "int64 ? x 3"}
    assert leaves(at(found, "sklearn"))["serialization_format"] == "skops"
    assert found.lines[0] == "artifact_path: model"


@pytest.mark.parametrize(
    "text",
    ["flavors:\nrun_id: [", "flavors:\nrun_id: x\n",
     "flavors:\n  a: !!python/object/apply:os.system ['x']\nrun_id: x\n",
     "a: &a [1]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(50)) + "flavors:\n  x: *b1\nrun_id: 1\n",
     "a0: &a0 {x: 1}\n" + "".join(f"a{n + 1}: &a{n + 1} {{<<: [*a{n}, *a{n}]}}\n" for n in range(60))
     + "flavors: {}\nflavors:\nrun_id: 1\n",
     "flavors:\n  x: " + "{a: " * 3000 + "1" + "}" * 3000 + "\nrun_id: 1\n"],
)  # fmt: skip
async def test_descriptions_that_make_no_sense_are_text(text: str) -> None:
    found = await look(text.encode(), "MLmodel")
    assert found.kind in ("text", "tree")
    assert violations(found, Limits()) == []


def test_folders_that_are_a_model_are_named() -> None:
    names = ["MLmodel", "model.skops", "conda.yaml"]
    found = preview_directory(tuple(Entry(name, 1) for name in names))
    assert found.notices == ("an MLflow model: its file MLmodel describes it",)
    package = ("Manifest.json", "Data/com.apple.CoreML/model.mlmodel")
    assert preview_directory(tuple(Entry(name, 1) for name in package)).notices[0].startswith("a Core ML package")
    assert preview_directory((Entry("a.csv", 1),)).notices == ()


async def test_lance_and_vortex_are_named_with_their_versions() -> None:
    lance = await model("table.lance")
    facts = dict(lance.facts)
    assert (lance.format, facts["version"], facts["rows"]) == ("lance", "2.2", "3")
    assert leaves(at(lance, "columns")) == {
        "id": "int64", "name": "string", "x": "fixed_size_list:float:2", "s": "struct", "s.u": "int64", "s.v": "string",
    }  # fmt: skip
    vortex = await model("table.vortex")
    assert (vortex.format, dict(vortex.facts)["version"]) == ("vortex", "1")


def exported() -> bytes:
    """A program as ``torch.export.save`` writes it, of one linear layer."""
    shape = [{"as_int": 3}, {"as_int": 2}]
    graph = {
        "inputs": [],
        "nodes": [{"target": "torch.ops.aten.linear.default"}, {"target": "torch.ops.aten.relu.default"}],
        "tensor_values": {
            "p_w": {"dtype": 7, "sizes": shape},
            "x": {"dtype": 13, "sizes": [{"as_expr": {"expr_str": "s0"}}, {"as_int": 2}]},
            "linear": {"dtype": 7, "sizes": [{"as_int": 1}, {"as_int": 3}]},
        },
    }
    signature = {
        "input_specs": [
            {"parameter": {"arg": {"name": "p_w"}, "parameter_name": "layer.weight"}},
            {"user_input": {"arg": {"as_tensor": {"name": "x"}}}},
            {"user_input": {"arg": {"as_int": 4}}},
        ],
        "output_specs": [{"user_output": {"arg": {"as_tensor": {"name": "linear"}}}}],
    }
    program = {
        "graph_module": {"graph": graph, "signature": signature},
        "opset_version": {"aten": 10},
        "schema_version": {"major": 8, "minor": 17},
        "torch_version": "2.15.0",
    }
    return zip_file(
        {
            "m/archive_format": b"pt2",
            "m/models/model.json": json.dumps(program).encode(),
            "m/data/weights/weight_0": bytes(24),
            "m/.data/version": b"0",
        },
        0,
    )


async def test_a_program_that_torch_exported() -> None:
    for name in ("model.pt2", "model"):
        found = await look(exported(), name)
        facts = dict(found.facts)
        assert (found.format, facts["written by"], facts["schema version"]) == ("torch", "torch 2.15.0", "8.17")
        assert (facts["operator sets"], facts["parameters"], facts["tensor data"]) == ("aten 10", "6", "24 B")
        assert leaves(at(found, "inputs")) == {"x": "bfloat16 ? x 2", "input": "int"}
        assert leaves(at(found, "outputs")) == {"linear": "float32 1 x 3"}
        assert leaves(at(found, "operators")) == {"aten.linear.default": "1", "aten.relu.default": "1"}
        assert found.rows == (("layer.weight", "float32", "3 x 2", 6),)


async def test_a_program_that_was_compiled_ahead_of_time() -> None:
    content = zip_file(
        {"m/archive_format": b"pt2", "m/data/aotinductor/model/x.so": b"", "m/data/aotinductor/model/y": b""}
    )
    found = await look(content, "model.pt2")
    assert dict(found.facts)["kind"] == "compiled ahead of time (AOTInductor)"
    assert leaves(at(found, "compiled")) == {"model": "2 files"}


async def test_onnx_names_the_file_that_holds_its_tensors_and_whether_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    shutil.copy(MODELS / "external.onnx", path)
    found = await look_at(path, path.name)
    assert leaves(at(found, "initializers"))["W"] == "float32 400 x 200 in ext.onnx.data"
    assert dict(found.facts)["data in"] == "ext.onnx.data"
    assert found.notices[0] == "the data of 2 tensors is in the file ext.onnx.data, which is not there"
    data = tmp_path / "ext.onnx.data"
    data.write_bytes(bytes(1000))
    found = await look_at(path, path.name)
    assert found.notices[0].endswith("which is there with 1.0 KB, and 321 KB are needed: it is cut")
    data.write_bytes(bytes(320_800))
    found = await look_at(path, path.name)
    assert found.notices[0].endswith("which is there (321 KB)")


async def test_onnx_looks_for_nothing_outside_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "secret.file").write_bytes(bytes(400_000))
    path = tmp_path / "model" / "x.onnx"
    content = (MODELS / "external.onnx").read_bytes()
    path.write_bytes(content.replace(b"ext.onnx.data", b"../secret.fil"))
    found = await look_at(path, path.name)
    assert found.notices[0].endswith("a place outside the model's folder: it was not looked for")


async def test_a_pickle_of_polars_names_the_arrow_stream_in_it() -> None:
    frame = polars.DataFrame({"id": [1, 2], "name": ["a", None]})
    found = await look(pickle.dumps({"frame": frame, "column": frame["id"]}), "x.pkl")
    shown = leaves(at(found))
    assert shown["frame"].startswith("polars.dataframe.frame.DataFrame, an Arrow stream of ")
    assert shown["column"].startswith("polars.series.series.Series, an Arrow stream of ")


@pytest.mark.parametrize("packed", [False, True])
async def test_a_pickled_frame_of_polars_is_the_table_that_it_holds(packed: bool, tmp_path: Path) -> None:
    frame = polars.DataFrame({"id": [1, 2], "name": ["a", None], "long": ["x" * 100_000] * 2})
    path = tmp_path / "frame.pkl"
    joblib.dump(frame, path, compress=3 if packed else 0)
    found = await look_at(path, path.name)
    assert [column.name for column in found.columns] == ["id", "name", "long"]
    assert [row[:2] for row in found.rows] == [(1, "a"), (2, None)]
    assert any(notice.startswith("a pickle of polars.dataframe.frame.DataFrame") for notice in found.notices)
    assert found.notices[-1].startswith("nothing was executed; imports found: polars.dataframe.frame.DataFrame")


@pytest.mark.parametrize(
    "name", ["network.mlmodel", "examples.tfrecord", "table.lance", "table.vortex", "external.onnx"]
)
async def test_damaged_files_are_bounded(name: str) -> None:
    await assert_damage_is_bounded((MODELS / name).read_bytes(), name, steps=40)


async def test_a_damaged_export_is_bounded() -> None:
    await assert_damage_is_bounded(exported(), "x.pt2", steps=40)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([(b"\x08\x01\x12", "x.mlmodel"), (b"VTXF", "x.vortex"), (b"", "x.lance"),
                        (record(b"")[:12], "x")]),
       st.binary(max_size=150), st.sampled_from([b"", b"VTXF", b"LANC", b"\2\0\2\0LANC"]))  # fmt: skip
async def test_any_bytes_behind_a_beginning(begin: tuple[bytes, str], rest: bytes, end: bytes) -> None:
    await assert_bounded(begin[0] + rest + end, begin[1])
