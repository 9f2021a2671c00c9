"""Files that scikit-learn, pandas, joblib, torch, onnx, safetensors and gguf wrote, by what is in them."""

from __future__ import annotations

import json
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import joblib
import numpy
import pytest

from flowtui.preview.limits import Limits
from flowtui.preview.result import Preview, TreeNode
from tests.fuzz.makers import MAKERS, zip_file
from tests.preview.look import look, look_at, violations

MODELS = Path(__file__).parents[1] / "data" / "models"


async def model(name: str, limits: Limits = Limits()) -> Preview:  # noqa: B008
    return await look_at(MODELS / name, name, limits=limits)


def at(found: Preview, *path: str) -> TreeNode:
    """The node under these labels."""
    assert found.tree is not None, found.notices
    node = found.tree
    for label in path:
        node = next(child for child in node.children if child.label == label)
    return node


def leaves(node: TreeNode) -> dict[str, str]:
    return {child.label: child.value for child in node.children}


@pytest.mark.parametrize("name", ["pipeline_protocol2.pkl", "pipeline_protocol5.pkl"])
async def test_a_pipeline_of_scikit_learn_shows_its_parameters(name: str) -> None:
    found = await model(name)
    assert (found.kind, found.format) == ("tree", "pickle")
    assert at(found).value == "sklearn.pipeline.Pipeline"
    step = at(found, "steps", "1", "1")
    assert step.value == "sklearn.linear_model._logistic.LogisticRegression"
    assert leaves(step)["C"] == "0.5"
    assert leaves(step)["coef_"].startswith("array float64 1 x 3: 3.7769")
    scaler = at(found, "steps", "0", "1")
    assert leaves(at(found, "steps", "0", "1", "feature_names_in_")) == {"0": "age", "1": "bmi", "2": "dose"}
    assert leaves(scaler)["n_samples_seen_"] == "200"
    facts = dict(found.facts)
    assert facts["scikit-learn"] == "1.9.1"
    assert "sklearn.pipeline.Pipeline" in facts["imports"]
    assert found.notices[-1].startswith("nothing was executed; imports found: ")
    assert not any("safe" in text.lower() for text in (*found.notices, *facts))


async def test_a_frame_of_pandas_shows_its_size_and_columns() -> None:
    found = await model("frame.pkl")
    assert at(found).value == "pandas.DataFrame 200 rows x 5 columns"
    assert list(leaves(at(found)).values()) == ["age", "bmi", "dose", "arm", "t"]


async def test_values_that_everybody_knows_are_said_in_words() -> None:
    found = await model("mixed.pkl")
    values = leaves(at(found))
    assert values["series"] == "pandas.Series 200 values"
    assert values["when"] == "2024-05-06 07:08:09"
    assert values["arr"] == "array float32 3 x 4: 0, 0, 0, 0, 0, 0, 0, 0, …"
    assert values["rec"] == "array {a: int32, b: str[5]} 3"
    assert values["obj"] == "array object 2"
    assert (values["s"], values["i"], values["dt"]) == ("1.5", "3", "dtype float32")
    assert leaves(at(found, "od")) == {"a": "1"}
    assert at(found, "dd", "a").value == "[1]"


async def test_joblib_keeps_arrays_between_the_opcodes() -> None:
    found = await model("mixed.joblib")
    assert at(found, "last").value == "end"
    assert at(found, "X").value == "array float64 200 x 3"
    assert leaves(at(found, "obj")) == {"0": "a", "1": "{1}"}
    assert at(found, "obj", "1", "k").value.startswith("array float64 200 x 3")
    forest = await model("forest.joblib")
    assert at(forest, "estimators_").value == "[5]"
    assert leaves(at(forest, "estimators_", "4", "tree_"))["node_count"] == "3"


@pytest.mark.parametrize("kind", ["zlib", "gzip", "bz2", "xz", "lzma", "lz4"])
async def test_compressed_joblib_is_unpacked(kind: str) -> None:
    found = await model(f"linear_{kind}.joblib")
    assert at(found, "X").value == "array float64 200 x 3"
    assert dict(found.facts)["compression"] == {"bz2": "bzip2"}.get(kind, kind)


@pytest.mark.parametrize("compress", [0, 3, ("lzma", 6), ("bz2", 2)])
@pytest.mark.parametrize(
    "array",
    [
        numpy.zeros((3, 4), ">i2"),
        numpy.asfortranarray(numpy.ones((5, 2))),
        numpy.array(["a", "bb"]),
        numpy.array([{"k": [1]}, None], dtype=object),
        numpy.zeros(0),
        numpy.array(3.0),
        numpy.zeros(2, [("a", "i4"), ("b", "U3")]),
    ],
    ids=str,
)
async def test_what_joblib_writes_now_is_read_to_its_end(array: Any, compress: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.joblib"
    joblib.dump({"before": 1, "array": array, "after": "the end"}, path, compress=compress)
    found = await look_at(path, path.name)
    assert at(found, "after").value == "the end"
    assert at(found, "array").value.startswith("array ")


@pytest.mark.parametrize("protocol", range(6))
async def test_arrays_of_numpy_in_every_protocol(protocol: int) -> None:
    content = pickle.dumps({"a": numpy.arange(6, dtype="<i4").reshape(2, 3), "s": numpy.float32(1.5)}, protocol)
    found = await look(content, "x.pkl")
    assert at(found, "s").value == "1.5"
    assert at(found, "a").value.startswith("array int32 2 x 3")
    assert found.rows == (("a", "int32", "2 x 3", 6),)


class Harmful:
    def __reduce__(self) -> Any:
        return os.system, ("touch flowtui-was-here",)


async def test_a_harmful_pickle_names_what_it_would_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = await look(pickle.dumps({"model": [1, 2], "x": Harmful(), "v": numpy.float64(1)}), "model.pkl")
    name = f"{os.system.__module__}.system"
    assert at(found, "x").value == f"{name}('touch flowtui-was-here',)"
    # What is in every model comes last, so that the rest is seen.
    assert found.notices[-1].startswith(f"nothing was executed; imports found: {name}, numpy.")
    assert not os.listdir(tmp_path)


async def test_a_pickle_without_imports_says_so() -> None:
    found = await look(pickle.dumps([1, {"a": None}]), "x.pkl")
    assert found.notices == ("nothing was executed; no imports found",)
    assert dict(found.facts) == {"protocol": "4"}


async def test_texts_are_told_from_other_values_and_numbers_have_all_their_digits() -> None:
    values = {
        "none": None,
        "text": "None",
        "number": "1.5",
        "true": "True",
        "empty": "",
        "plain": "l2",
        "third": 0.1 + 0.2,
    }
    found = leaves(at(await look(pickle.dumps(values), "x.pkl")))
    assert (found["none"], found["text"], found["number"], found["true"]) == ("None", "'None'", "'1.5'", "'True'")
    assert (found["empty"], found["plain"], found["third"]) == ("''", "l2", "0.30000000000000004")


async def test_a_pickle_without_its_end_says_so() -> None:
    content = pickle.dumps({"a": 1, "b": [1, 2]})
    found = await look(content[:-4], "x.pkl")
    assert found.notices[0] == "the end of the pickle is missing: this is what is there"
    assert at(found, "a").value == "1"
    assert not found.more
    damaged = await look(content[:-3] + b"\xff" * 3, "x.pkl")
    assert damaged.notices[0] == f"the pickle is damaged at byte {len(content) - 3}: this is what comes before"


async def test_several_pickles_in_one_file() -> None:
    found = await look(pickle.dumps("first") + pickle.dumps([2]) + pickle.dumps({"third": 3}), "x.pkl")
    assert at(found).value == "[3]"
    assert list(leaves(at(found)).values()) == ["first", "[1]", "{1}"]


async def test_text_that_calls_itself_a_pickle_is_text() -> None:
    found = await look(b"not a pickle\nat all\n", "x.pkl")
    assert found.kind == "text"
    assert (await look(b"(a list of things)\n", "notes.txt")).kind == "text"


async def test_old_protocols_are_known_by_the_name() -> None:
    found = await look(pickle.dumps({"a": (1, 2)}, 0), "x.pkl")
    assert (found.format, leaves(at(found))) == ("pickle", {"a": "(1, 2)"})


async def test_a_state_dict_of_torch() -> None:
    found = await model("state.pt")
    assert (found.kind, found.format) == ("tree", "torch")
    assert leaves(at(found)) == {
        "0.weight": "float32 8 x 4",
        "0.bias": "float32 8",
        "2.weight": "bfloat16 2 x 8",
        "2.bias": "float32 2",
        "_metadata": "collections.OrderedDict {4}",
    }
    assert [column.name for column in found.columns] == ["name", "dtype", "shape", "elements"]
    assert found.rows[2] == ("2.weight", "bfloat16", "2 x 8", 16)
    facts = dict(found.facts)
    assert (facts["tensors"], facts["parameters"], facts["tensor data"]) == ("4", "58", "200 B")


async def test_a_checkpoint_of_torch() -> None:
    found = await model("checkpoint.pt")
    assert (at(found, "epoch").value, at(found, "best").value) == ("7", "0.93")
    assert at(found, "size").value == "torch.Size((8, 4),)"
    assert at(found, "model", "2.bias").value == "float32 2"
    assert at(found, "optimizer", "state", "0", "exp_avg").value == "float32 8 x 4"
    assert ("model.0.weight", "float32", "8 x 4", 32) in found.rows


async def test_a_whole_module_of_torch_and_its_classes() -> None:
    found = await model("module.pt")
    assert at(found).value == "torch.nn.modules.container.Sequential"
    assert at(found, "_modules", "0", "_parameters", "weight").value == "parameter float32 8 x 4"
    assert "torch.nn.modules.linear.Linear" in dict(found.facts)["imports"]


async def test_the_format_of_torch_before_1_6() -> None:
    found = await model("legacy.pth")
    assert leaves(at(found))["0.weight"] == "float32 8 x 4"
    assert dict(found.facts)["written by"] == "torch, before 1.6"


async def test_tensors_that_share_memory_are_counted_once() -> None:
    found = await model("tied.pt")
    assert leaves(at(found)) == {"a": "float32 5 x 5", "b": "float32 5 x 5", "c": "float32 5"}
    assert dict(found.facts)["parameters"] == "30"


async def test_torchscript_lists_its_code() -> None:
    found = await model("script.pt")
    assert at(found, "0", "weight").value == "float32 8 x 4"
    assert at(found, "code", "__torch__/torch/nn/functional.py").value == "161 B"
    assert dict(found.facts)["written by"] == "torch (TorchScript)"


async def test_torch_is_known_by_its_members_under_any_name() -> None:
    content = (MODELS / "state.pt").read_bytes()
    assert (await look(content, "model")).format == "torch"
    assert (await look(content, "model.bin")).format == "torch"
    assert (await look(zip_file({"a.txt": b"x"}), "model.pt")).format == "zip"


async def test_safetensors() -> None:
    found = await model("model.safetensors")
    assert (found.kind, found.format, found.total_rows) == ("table", "safetensors", 3)
    assert set(found.rows) == {
        ("embed.weight", "float32", "10 x 4", 40, 160),
        ("head.bias", "float16", "4", 4, 8),
        ("scalar", "int64", "scalar", 1, 8),
    }
    assert dict(found.facts) == {"tensors": "3", "parameters": "45", "format": "pt", "made": "test"}
    assert found.notices == ()


@pytest.mark.parametrize(
    "header",
    [b"{}", b'{"a": 1}', b'{"a": {"dtype": "F32", "shape": [-1, 2.5], "data_offsets": [9, 1]}}', b'{"a": {"shape": 0}}',
     b'{"a": {"dtype": {}, "shape": [999999999999999999999999], "data_offsets": []}}', b'{"__metadata__": [1]}'],
)  # fmt: skip
async def test_safetensors_that_make_no_sense(header: bytes) -> None:
    found = await look(struct.pack("<Q", len(header)) + header, "x.safetensors")
    assert found.kind == "table"
    assert violations(found, Limits()) == []


async def test_cut_safetensors_say_so() -> None:
    content = (MODELS / "model.safetensors").read_bytes()
    assert "the file is shorter than its header says: it is cut" in (await look(content[:-1], "x.safetensors")).notices
    found = await look(content[:100], "x.safetensors")
    assert (found.kind, found.notices[0]) == ("hex", "a safetensors file whose header is cut")


async def test_a_header_of_many_megabytes_is_shown_from_its_beginning() -> None:
    tensors = {f"t{n}": {"dtype": "F32", "shape": [2, 3], "data_offsets": [24 * n, 24 * n + 24]} for n in range(60_000)}
    header = json.dumps(tensors, separators=(",", ":")).encode()
    content = struct.pack("<Q", len(header)) + header + bytes(24 * 60_000)
    found = await look(content, "x.safetensors")
    assert (found.kind, found.total_rows, found.more) == ("table", None, True)
    assert found.rows[1] == ("t1", "float32", "2 x 3", 6, 24)
    assert found.notices[1] == "459 KB of the header's 4.2 MB read"
    assert dict(found.facts)["tensors"].endswith(" at least")
    whole = await look(content, "x.safetensors", limits=Limits().more().more())
    assert (whole.total_rows, dict(whole.facts)["parameters"]) == (60_000, "360,000")


async def test_operations_of_a_preview_are_bounded_and_grow() -> None:
    content = pickle.dumps([(n, [n]) for n in range(100_000)])
    found = await look(content, "x.pkl")
    assert found.notices[0] == "first 200,000 operations of the pickle"
    assert found.more
    assert (await look(content, "x.pkl", limits=Limits().more())).notices[0] == "the tree shows the first 20,000 values"


async def test_onnx() -> None:
    found = await model("model.onnx")
    assert at(found).value == "net"
    assert leaves(at(found, "inputs")) == {"X": "float32 batch x 4"}
    assert leaves(at(found, "outputs")) == {"Y": "float32 batch x 2"}
    assert leaves(at(found, "operators")) == {"Gemm": "1", "Relu": "1"}
    assert leaves(at(found, "initializers")) == {"W": "float32 4 x 2", "B": "float32 2"}
    facts = dict(found.facts)
    assert (facts["producer"], facts["producer version"], facts["author"]) == ("pytorch", "2.15", "me")
    assert facts["operator sets"] == "ai.onnx 17, ai.onnx.ml 3"
    assert (facts["tensors"], facts["parameters"]) == ("2", "10")


async def test_gguf() -> None:
    found = await model("model.gguf")
    assert leaves(at(found, "tensors")) == {"blk.0.attn_q.weight": "float32 8 x 8", "norm": "float16 8"}
    assert at(found, "metadata", "tokenizer.ggml.tokens").value == "3 values: a, b, c"
    assert (at(found).value, dict(found.facts)["parameters"]) == ("tiny", "72")


async def test_keras() -> None:
    found = await look(MAKERS["model.keras"](), "model.keras")
    assert at(found, "config", "layers", "0", "config", "units").value == "8"
    assert dict(found.facts)["keras_version"] == "3.3.3"
    found = await look(zip_file({"x": b""}), "model.keras")
    assert (found.format, found.notices[0]) == (
        "zip",
        "a ZIP archive that is no model of Keras: it has no config.json that can be read",
    )


async def test_hdf5_says_what_it_is() -> None:
    found = await look(b"\x89HDF\r\n\x1a\n" + bytes(100), "weights.h5")
    assert found.notices == (
        "an HDF5 file that is cut or damaged",
        "an HDF5 file, as Keras, MATLAB and h5py write them: no preview of it, shown as bytes",
    )


@pytest.mark.parametrize("name", [path.name for path in sorted(MODELS.iterdir()) if path.suffix != ".md"])
async def test_a_model_that_is_cut_anywhere_is_shown_as_far_as_it_goes(name: str) -> None:
    content = (MODELS / name).read_bytes()
    for length in range(1, len(content), max(len(content) // 25, 1)):
        found = await look(content[:length], name)
        assert violations(found, Limits()) == []
