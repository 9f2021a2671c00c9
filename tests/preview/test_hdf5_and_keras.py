"""HDF5 files of h5py, and models of Keras 3.15 as archives and as HDF5."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import h5py
import numpy

from flowtui.preview.limits import Limits
from flowtui.preview.workers import Workers
from tests.preview.look import look, violations
from tests.preview.models_seen import MODELS, at, leaves, model


def hdf5(fill: Any) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w", libver="latest") as opened:
        fill(opened)
    return file.getvalue()


async def test_a_model_of_keras_shows_its_layers_and_weights() -> None:
    found = await model("layers.keras")
    facts = dict(found.facts)
    assert (facts["keras_version"], facts["layers"], facts["elements"]) == ("3.15.1", "4", "240")
    assert {node.label: node.value for node in at(found, "layers").children} == {
        "x": "InputLayer", "hidden": "Dense", "norm": "BatchNormalization", "out": "Dense",
    }  # fmt: skip
    assert leaves(at(found, "layers", "hidden")) == {"dtype": "float32", "units": "8", "activation": "relu"}
    assert leaves(at(found, "layers", "x"))["batch_shape"] == "? x 4"
    # The group is named after the class; the layer's own name is beside it.
    assert at(found, "weights", "layers", "dense_1").value == "layer out"
    kernel = at(found, "weights", "layers", "dense", "vars", "0")
    assert kernel.value == "float32 4 x 8"
    assert ("layers/dense/vars/0", "float32", "4 x 8", 32) in found.rows
    assert at(found, "config", "layers", "1", "config", "units").value == "8"
    assert found.notices == ()


async def test_weights_of_keras_that_are_damaged_leave_the_layers() -> None:
    content = (MODELS / "layers.keras").read_bytes()
    found = await look(content.replace(b"\x89HDF", b"\x89HDX"), "layers.keras")
    assert at(found, "layers").value == "4"
    assert found.notices == ("the weights are not shown: an HDF5 file that is cut or damaged",)


async def test_hdf5_of_keras_names_its_version_and_datasets() -> None:
    found = await model("keras.h5")
    assert (found.kind, found.format, dict(found.facts)["keras_version"]) == ("tree", "hdf5", "3.15.1")
    assert leaves(at(found, "model_weights", "hidden", "sequential", "hidden"))["kernel"] == "float32 4 x 8"
    assert leaves(at(found, "model_weights"))["@layer_names"] == "[hidden, norm, out]"
    assert leaves(at(found, "model_weights", "top_level_model_weights"))["@weight_names"] == "[]"


async def test_types_shapes_attributes_and_links(tmp_path: Path) -> None:
    (tmp_path / "secret.h5").write_bytes(hdf5(lambda file: file.create_dataset("s", data=[1])))

    def fill(file: Any) -> None:
        file.attrs["title"] = "a study"
        file.attrs["none"] = "None"
        file.attrs["three"] = numpy.arange(3.0)
        file.attrs["large"] = numpy.zeros(10_000)
        data = file.create_dataset("group/x", data=numpy.arange(6, dtype="i2").reshape(2, 3))
        data.attrs["unit"] = "mg"
        file["packed"] = numpy.zeros((100, 2), "f4")
        file.create_dataset("text", data=["a", "bb"], dtype=h5py.string_dtype())
        file.create_dataset("rows", data=numpy.zeros(2, [("id", "i4"), ("dose", "f8")]))
        file.create_dataset("grows", (0, 4), "f4", maxshape=(None, 4), chunks=(10, 4))
        file["group/again"] = file["group"]
        file["soft"] = h5py.SoftLink("/group/x")
        file["away"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/s")

    found = await look(hdf5(fill), "x.h5")
    shown = leaves(at(found))
    assert leaves(at(found, "group"))["x"] == "int16 2 x 3: 0, 1, 2, 3, 4, 5"
    assert leaves(at(found, "group", "x")) == {"@unit": "mg"}
    assert leaves(at(found, "group"))["again"] == "shown above"
    assert (shown["@none"], shown["@three"], shown["@large"]) == ("'None'", "[0.0, 1.0, 2.0]", "80,000 bytes")
    assert (shown["packed"], shown["text"], shown["grows"]) == ("float32 100 x 2", "string 2", "float32 0 x 4")
    assert shown["rows"] == "{id: int32, dose: float64} 2"
    assert (shown["soft"], shown["away"].startswith("link to /s of the file ")) == ("link to /group/x", True)
    assert "1 links lead to other files, which are not looked into" in found.notices
    assert ("title", "a study") in found.facts


async def test_hdf5_is_bounded() -> None:
    content = hdf5(lambda file: [file.create_dataset(f"d{n}/x", data=n) for n in range(200)])
    limits = Limits(nodes=50, depth=1, cell=40, rows=3)
    found = await look(content, "x.h5", limits=limits)
    assert violations(found, limits) == []
    assert found.more
    assert "levels below 1 are left out of the tree" in found.notices


async def test_damaged_hdf5_is_bounded() -> None:
    content = (MODELS / "keras.h5").read_bytes()
    async with Workers() as workers:
        for place in range(0, len(content), len(content) // 30):
            for damaged in (content[:place], content[:place] + b"\xff\xff\x7f\x01" + content[place + 4 :]):
                found = await look(damaged, "x.h5", workers=workers)
                assert violations(found, Limits()) == []
