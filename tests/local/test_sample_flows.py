"""The sample flows: what they declare, what their data look like, and their scripts as jobs."""

import importlib
import importlib.util
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flowtui.local.demo import FLOWS, LANES

pytestmark = pytest.mark.skipif(importlib.util.find_spec("flytekit") is None, reason="flytekit is not installed")

DECLARED = {
    "study_report": {
        "data/SDTM Datasets": ["ae.xpt", "dm.xpt", "vs.xpt"],
        "data/ADaM Datasets": ["adae.xpt", "adam variables", "adsl.csv", "adsl.xpt", "advs.xpt"],
        "report/TFL Reports": [
            "t_14_1_1_demographics.rtf",
            "t_14_3_1_teae.csv",
            "t_14_3_1_teae.rtf",
            "tfl_report.pdf",
        ],
    },
    "train_readmission_model": {
        "data/Training Data": ["holdout.csv", "train.csv"],
        "model/Readmission Model": ["model.pkl"],
        "report/Model Evaluation": ["metrics.json", "roc.png"],
    },
    "training_workflow": {"data/My Data": ["data.csv"], "model/My Model": ["model.pt"]},
    "training_workflow_with_export": {"data/My Data": ["data.csv"], "model/My Model": ["model.pt"]},
    "enrolment_overview": {
        "data/Enrolment Data": ["enrolment_by_country.csv", "enrolment_by_site.csv"],
        "report/Enrolment Oversight": ["enrolment_status.md", "queries.csv", "screen_failure_rate.json"],
    },
}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Import a module that lies in the folder of a sample flow, as flytekit imports a flow's file."""
    before = set(sys.modules)

    def run(file: str) -> Any:
        path = FLOWS / file
        monkeypatch.syspath_prepend(str(path.parent))
        importlib.import_module("flytekit")
        return importlib.import_module(path.stem)

    yield run
    for name in set(sys.modules) - before:
        origin = getattr(sys.modules[name], "__file__", None)
        if origin and Path(origin).is_relative_to(FLOWS):
            del sys.modules[name]


@pytest.mark.parametrize(("file", "workflow"), sorted({(run.file, run.workflow) for lane in LANES for run in lane}))
def test_each_flow_declares_its_files(load: Any, file: str, workflow: str) -> None:
    from tests.plugin.serialising import declared, serialise

    module = load(file)
    flow = serialise(getattr(module, workflow))
    found: dict[str, set[str]] = {}
    for variables in [flow.own_outputs, *map(flow.outputs, flow.tasks)]:
        for artifact, type_, name, _ in declared(variables).values():
            found.setdefault(f"{type_}/{artifact}", set()).add(name)
    assert {key: sorted(names) for key, names in found.items()} == DECLARED[workflow]


def test_every_kind_of_flow_has_several_runs_and_one_fails() -> None:
    runs = [run for lane in LANES for run in lane]
    assert len({run.key for run in runs}) == len(runs)
    for workflow in DECLARED:
        assert len([run for run in runs if run.workflow == workflow and run.phase == "SUCCEEDED"]) >= 1
    for file in {run.file for run in runs}:
        assert len([run for run in runs if run.file == file and run.phase == "SUCCEEDED"]) >= 2
    assert [run.phase for run in runs].count("FAILED") >= 1


def test_the_study_is_the_same_every_time(load: Any) -> None:
    sdtm = load("clinical/sdtm.py")
    dm = sdtm.demographics("CDX-301", 60)
    assert dm.equals(sdtm.demographics("CDX-301", 60))
    assert not dm.equals(sdtm.demographics("CDX-302", 60))
    assert len(dm) == dm["USUBJID"].nunique() == 60
    assert sorted(dm["ARM"].value_counts()) == [30, 30]
    assert set(sdtm.adverse_events(dm)["USUBJID"]) <= set(dm["USUBJID"])
    assert set(sdtm.vital_signs(dm)["VSTESTCD"]) == {"SYSBP", "DIABP", "PULSE", "WEIGHT"}


def test_every_variable_has_a_label_that_fits_a_transport_file(load: Any) -> None:
    sdtm, adam = load("clinical/sdtm.py"), load("clinical/adam.py")
    dm = sdtm.demographics("CDX-301", 20)
    ae, vs = sdtm.adverse_events(dm), sdtm.vital_signs(dm)
    adsl = adam.subject_level(dm, date(2025, 6, 30))
    for labels, frames in (
        (sdtm.LABELS, (dm, ae, vs)),
        (adam.LABELS, (adsl, adam.adverse_events(adsl, ae), adam.vital_signs(adsl, vs))),
    ):
        for column in {column for frame in frames for column in frame}:
            assert len(column) <= 8
            assert 0 < len(labels[column]) <= 40


def test_analysis_datasets_follow_the_cut_off(load: Any) -> None:
    sdtm, adam = load("clinical/sdtm.py"), load("clinical/adam.py")
    dm = sdtm.demographics("CDX-301", 60)
    early, late = (adam.subject_level(dm, day) for day in (date(2025, 1, 31), date(2025, 6, 30)))
    assert 0 < len(early) < len(late) == 60
    assert max(early["TRTEDT"]) <= date(2025, 1, 31)
    assert set(late["EOSSTT"]) == {"ONGOING", "COMPLETED", "DISCONTINUED"}
    advs = adam.vital_signs(late, sdtm.vital_signs(dm))
    assert (advs[advs["ABLFL"] == "Y"]["CHG"] == 0).all()
    adae = adam.adverse_events(late, sdtm.adverse_events(dm))
    assert set(adae["TRTEMFL"]) == {"Y", ""}
    with pytest.raises(ValueError, match="No subject was randomised by the data cut-off 2024-08-31"):
        adam.subject_level(dm, date(2024, 8, 31))


def test_tables_are_counted_with_percentages(load: Any, tmp_path: Path) -> None:
    sdtm, adam, tfl = (load(f"clinical/{name}.py") for name in ("sdtm", "adam", "tfl"))
    dm = sdtm.demographics("CDX-301", 60)
    adsl = adam.subject_level(dm, date(2025, 6, 30))
    table = tfl.demographics(adsl)
    assert table.columns == ("", "Placebo\n(N=30)", "CDX-301 10 mg\n(N=30)", "Total\n(N=60)")
    cells = {row[0].strip(): row[1:] for row in table.rows}
    women = (adsl["SEX"] == "F").sum()
    assert cells["F"][2] == f"{women} ({100 * women / 60:.1f})"
    tfl.write_rtf(table, tmp_path / "t.rtf")
    rtf = (tmp_path / "t.rtf").read_text()
    assert rtf.startswith(r"{\rtf1")
    assert rtf.count("{") == rtf.count("}")
    assert rtf.count(r"\row") >= len(table.rows)
    adae = adam.adverse_events(adsl, sdtm.adverse_events(dm))
    events = tfl.adverse_events(adsl, adae)
    assert events.rows[0][0] == "Any treatment-emergent adverse event"
    tfl.write_report([table, events], adam.vital_signs(adsl, sdtm.vital_signs(dm)), "CDX-301", tmp_path / "r.pdf")
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")


def test_the_model_learns(load: Any) -> None:
    risk = load("training/risk.py")
    rows = risk.patients(400, seed=3)
    assert rows == risk.patients(400, seed=3)
    model = risk.fit(rows, learning_rate=0.5, epochs=60)
    scores = [(model.probability(row), row[risk.TARGET]) for row in rows]
    assert 0.65 < risk.area(risk.roc_points(scores)) < 1


def job(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FLOWTUI_WORKFLOW_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, script], cwd=FLOWS / "domino", env=environment, capture_output=True, text=True, check=False
    )


def test_the_scripts_of_the_jobs_read_and_write_the_workflow_folder(tmp_path: Path) -> None:
    inputs, outputs = tmp_path / "inputs", tmp_path / "outputs"
    inputs.mkdir()
    outputs.mkdir()
    (inputs / "data_path").write_text("data/admissions_2024.csv")
    prepared = job("prep-data.py", tmp_path)
    assert prepared.returncode == 0, prepared.stderr
    (outputs / "processed_data").rename(inputs / "processed_data")
    trained = job("train-model.py", tmp_path)
    assert trained.returncode == 0, trained.stderr
    with zipfile.ZipFile(outputs / "model") as archive:
        checkpoint = pickle.loads(archive.read("model/data.pkl"))
    assert checkpoint["features"] == ["age", "prior_admissions"]
    assert all(weight > 0 for weight in checkpoint["weights"])
    (inputs / "data_path").write_text("data/admissions_2026.csv")
    failed = job("prep-data.py", tmp_path)
    assert failed.returncode == 1
    assert "data/admissions_2026.csv" in failed.stderr
