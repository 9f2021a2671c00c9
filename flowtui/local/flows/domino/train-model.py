"""Fit the length of stay to age and prior admissions by least squares, and save the model.

The file has PyTorch's checkpoint format: a zip archive with a pickle. There are no tensors in it, so that neither
writing nor reading it needs PyTorch.
"""

import csv
import os
import pickle
import zipfile
from pathlib import Path

FEATURES = ("age", "prior_admissions")

workflow = Path(os.environ.get("FLOWTUI_WORKFLOW_DIR", "/workflow"))

with open(workflow / "inputs" / "processed_data", newline="") as file:
    rows = list(csv.DictReader(file))
inputs = [[1.0, *(float(row[name]) for name in FEATURES)] for row in rows]
targets = [float(row["stay_days"]) for row in rows]

# Normal equations, solved by elimination.
size = len(FEATURES) + 1
system = [
    [sum(row[i] * row[j] for row in inputs) for j in range(size)]
    + [sum(row[i] * target for row, target in zip(inputs, targets, strict=True))]
    for i in range(size)
]
for pivot in range(size):
    system[pivot] = [value / system[pivot][pivot] for value in system[pivot]]
    for other in range(size):
        if other != pivot:
            factor = system[other][pivot]
            system[other] = [value - factor * base for value, base in zip(system[other], system[pivot], strict=True)]
intercept, *weights = (row[-1] for row in system)

checkpoint = {"features": list(FEATURES), "weights": weights, "intercept": intercept, "rows": len(rows)}
with zipfile.ZipFile(workflow / "outputs" / "model", "w", zipfile.ZIP_STORED) as archive:
    archive.writestr("model/data.pkl", pickle.dumps(checkpoint, protocol=2))
    archive.writestr("model/byteorder", "little")
    archive.writestr("model/version", "3\n")

print(f"stay = {intercept:.2f} " + " ".join(f"{w:+.3f} {name}" for name, w in zip(FEATURES, weights, strict=True)))
