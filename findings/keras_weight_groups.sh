#!/bin/sh
# Keras 3: in `model.weights.h5` (the file itself, and the one within a `.keras` archive) the groups below `layers` are
# named after the CLASS of a layer and counted, not after the layer. Where a model's layers are called `dense_1` and
# `dense`, in that order, the group `layers/dense` holds the weights of the layer `dense_1`, and `layers/dense_1` those of
# `dense`. The layer's own name is only in the attribute `name` of the group `vars` within.
# It hurts whoever reads weights with h5py by the layer's name, as was right for Keras 2's HDF5: shapes fit, nothing
# fails, and the weights are another layer's. A viewer must show the attribute beside the group.
#
# Installs pinned packages into a temporary folder; exits 0 while it is so, 1 when it changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'tensorflow-cpu==2.21.0' 'keras==3.15.1' 'h5py<4'
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= "$folder/venv/bin/python" - <<'PYTHON'
import io
import sys
import zipfile

import h5py
import keras
import numpy

given = keras.Input((2,))
first = keras.layers.Dense(2, name="dense_1", use_bias=False)
second = keras.layers.Dense(2, name="dense", use_bias=False)
model = keras.Model(given, second(first(given)))
first.set_weights([numpy.full((2, 2), 1.0)])
second.set_weights([numpy.full((2, 2), 2.0)])
model.save("model.keras")

weights = h5py.File(io.BytesIO(zipfile.ZipFile("model.keras").read("model.weights.h5")))["layers"]
print("keras", keras.__version__, "h5py", h5py.__version__)
swapped = True
for group in ("dense", "dense_1"):
    stored = weights[group]["vars"]
    of_layer = model.get_layer(group).get_weights()[0][0, 0]
    print(f"group layers/{group}: weights {stored['0'][0, 0]}, attribute name {stored.attrs['name']!r};"
          f" the layer {group!r} has weights {of_layer}")
    swapped = swapped and stored["0"][0, 0] != of_layer and stored.attrs["name"] != group
print("the groups hold the other layer's weights" if swapped else "CHANGED: groups are named after their layers")
sys.exit(0 if swapped else 1)
PYTHON
