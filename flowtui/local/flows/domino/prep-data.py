"""Clean the admissions of a year: drop incomplete rows, add the length of stay.

A job finds its inputs and leaves its outputs below ``/workflow``; where that folder cannot be there,
``FLOWTUI_WORKFLOW_DIR`` says where they are.
"""

import csv
import os
from datetime import date
from pathlib import Path

workflow = Path(os.environ.get("FLOWTUI_WORKFLOW_DIR", "/workflow"))
data_path = (workflow / "inputs" / "data_path").read_text().strip()

with open(data_path, newline="") as file:
    admissions = list(csv.DictReader(file))

complete = [row for row in admissions if all(row.values())]
for row in complete:
    row["stay_days"] = (date.fromisoformat(row["discharged"]) - date.fromisoformat(row["admitted"])).days

with open(workflow / "outputs" / "processed_data", "w", newline="") as file:
    writer = csv.DictWriter(file, complete[0])
    writer.writeheader()
    writer.writerows(complete)

print(f"{data_path}: {len(complete)} of {len(admissions)} admissions are complete")
