"""Flows in every shape that the API has, serialised and read back."""

from datetime import timedelta
from typing import Annotated, Any, NamedTuple, TypeVar

import pytest
from flytekit import dynamic, task, workflow
from flytekit.types.file import FlyteFile

from flowtui.plugin.artifact import (
    DATA,
    MODEL,
    REPORT,
    Artifact,
    ExportArtifactToDatasetsSpec,
    run_launch_export_artifacts_task,
)
from flowtui.plugin.file import PathConfig
from flowtui.plugin.helpers import Input, Output, run_domino_job_task
from flowtui.plugin.task import DominoJobConfig, DominoJobTask
from tests.plugin.serialising import declared, serialise

Sdtm = Artifact(name="SDTM", type=DATA)
Adam = Artifact("ADaM", DATA)
Scores = Artifact(name="Risk Scores", type=MODEL)
Tables = Artifact("Tables and Figures", REPORT)

Csv = FlyteFile[TypeVar("csv")]
Pdf = FlyteFile[TypeVar("pdf")]
Pickle = FlyteFile[TypeVar("pkl")]


def job(name: str, inputs: dict[str, Any], outputs: dict[str, Any]) -> DominoJobTask:
    return DominoJobTask(
        name=name,
        domino_job_config=DominoJobConfig(Command=f"python {name}.py"),
        inputs=inputs,
        outputs=outputs,
        use_latest=True,
    )


@workflow
def scoring(source: str) -> Scores.File(name="scores.joblib"):
    cleaned = job("clean", {"source": str}, {"vitals": Sdtm.File(name="vs.csv")})(source=source)
    fitted = job("fit", {"vitals": Csv}, {"scores": FlyteFile[TypeVar("joblib")]})(vitals=cleaned["vitals"])
    return fitted["scores"]


def test_an_artifact_at_a_job_and_one_in_the_signature() -> None:
    flow = serialise(scoring)
    assert declared(flow.own_outputs) == {"o0": ("Risk Scores", "model", "scores.joblib", "joblib")}
    assert declared(flow.outputs("clean")) == {"vitals": ("SDTM", "data", "vs.csv", "csv")}
    assert declared(flow.outputs("fit")) == {}
    assert {name: spec.template.type for name, spec in flow.tasks.items()} == {
        "clean": "domino_job",
        "fit": "domino_job",
    }
    nodes = {node.id: node for node in flow.workflow.template.nodes}
    assert [node.metadata.name for node in nodes.values()] == ["clean", "fit"]
    assert list(nodes["n1"].upstream_node_ids) == ["n0"]
    assert flow.workflow.template.outputs[0].binding.promise.node_id == "n1"


@workflow
def scoring_with_export(source: str) -> Scores.File(name="scores.joblib"):
    cleaned = job("clean", {"source": str}, {"vitals": Sdtm.File(name="vs.csv")})(source=source)
    fitted = job("fit", {"vitals": Csv}, {"scores": FlyteFile[TypeVar("joblib")]})(vitals=cleaned["vitals"])
    run_launch_export_artifacts_task(
        spec_list=[ExportArtifactToDatasetsSpec(artifact=Sdtm, dataset_id="64ab00aa9c0f1e2d3c4b5a69")],
        environment_name="Slim",
        hardware_tier_id="tiny",
        use_project_defaults_for_omitted=True,
    )
    return fitted["scores"]


def test_the_export_is_a_node_without_edges() -> None:
    flow = serialise(scoring_with_export)
    node = flow.workflow.template.nodes[2]
    assert list(node.upstream_node_ids) == []
    assert list(node.inputs) == []
    assert node.task_node.reference_id.name.startswith("Launch export artifacts")


@workflow
def one_dataset() -> Adam.File(name="adlb.sas7bdat"):
    return run_domino_job_task(
        flyte_task_name="Derive ADLB",
        command="adlb.py",
        output_specs=[Output(name="adlb", type=FlyteFile[TypeVar("sas7bdat")])],
        use_project_defaults_for_omitted=True,
    )


@workflow
def three_datasets() -> tuple[
    Adam.File(name="adlb.sas7bdat"),
    Adam.File(name="adcm.sas7bdat"),
    Adam.File(name="subject level", type="sas7bdat"),
]:
    sas = FlyteFile[TypeVar("sas7bdat")]
    adlb, adcm = run_domino_job_task(
        flyte_task_name="Derive ADLB and ADCM",
        command="adlb_adcm.py",
        output_specs=[Output(name="adlb", type=sas), Output(name="adcm", type=sas)],
        use_project_defaults_for_omitted=True,
    )
    adsl = run_domino_job_task(
        flyte_task_name="Derive ADSL",
        command="adsl.py",
        output_specs=[Output(name="adsl", type=sas)],
        use_project_defaults_for_omitted=True,
    )
    return adlb, adcm, adsl


@workflow
def model_and_labels() -> tuple[Scores.File(name="scores.pkl"), Scores.File(name="labels", type="txt")]:
    return run_domino_job_task(
        flyte_task_name="Fit with labels",
        command="fit_with_labels.py",
        output_specs=[Output(name="fitted", type=Pickle), Output(name="labels", type=FlyteFile[TypeVar("txt")])],
        use_project_defaults_for_omitted=True,
    )


@workflow
def one_report() -> Tables.File(name="t_demog.pdf"):
    return run_domino_job_task(
        flyte_task_name="Demographics",
        command="t_demog.py",
        output_specs=[Output(name="demog", type=Pdf)],
        use_project_defaults_for_omitted=True,
    )


@workflow
def reports_at_the_jobs():
    for name, file in (("demog", Tables.File(name="t_demog.pdf")), ("km", Tables.File("f_km figure", type="pdf"))):
        run_domino_job_task(
            flyte_task_name=f"Produce {name}",
            command=f"{name}.py",
            output_specs=[Output(name=name, type=file)],
            use_project_defaults_for_omitted=True,
        )


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        (one_dataset, {"o0": ("ADaM", "data", "adlb.sas7bdat", "sas7bdat")}),
        (
            three_datasets,
            {
                "o0": ("ADaM", "data", "adlb.sas7bdat", "sas7bdat"),
                "o1": ("ADaM", "data", "adcm.sas7bdat", "sas7bdat"),
                "o2": ("ADaM", "data", "subject level", "sas7bdat"),
            },
        ),
        (
            model_and_labels,
            {
                "o0": ("Risk Scores", "model", "scores.pkl", "pkl"),
                "o1": ("Risk Scores", "model", "labels", "txt"),
            },
        ),
        (one_report, {"o0": ("Tables and Figures", "report", "t_demog.pdf", "pdf")}),
        (reports_at_the_jobs, {}),
    ],
    ids=lambda value: getattr(value, "short_name", ""),
)
def test_signatures_keep_their_declarations(flow: Any, expected: dict[str, Any]) -> None:
    assert declared(serialise(flow).own_outputs) == expected


def test_jobs_keep_their_declarations() -> None:
    flow = serialise(reports_at_the_jobs)
    assert declared(flow.outputs("Produce demog")) == {"demog": ("Tables and Figures", "report", "t_demog.pdf", "pdf")}
    assert declared(flow.outputs("Produce km")) == {"km": ("Tables and Figures", "report", "f_km figure", "pdf")}


class Delivery(NamedTuple):
    adsl: Adam.File("adsl.csv")
    demog: Tables.File("t_demog.pdf")
    count: int


@task
def derive(source: str) -> Delivery:
    return Delivery(FlyteFile(source), FlyteFile(source), 1)


@task
def plot(data: Csv) -> Annotated[Tables.File("f_forest.png"), PathConfig(path="/mnt/plots/forest.png")]:
    return FlyteFile(data.path)


@dynamic
def plots(data: Csv, count: int) -> Tables.File("f_all.pdf"):
    return FlyteFile(data.path)


@workflow
def named(source: str) -> Delivery:
    derived = derive(source=source)
    plot(data=derived.adsl)
    plots(data=derived.adsl, count=derived.count)
    return Delivery(derived.adsl, derived.demog, derived.count)


def test_native_tasks_named_tuples_and_dynamic_tasks() -> None:
    flow = serialise(named)
    both = {
        "adsl": ("ADaM", "data", "adsl.csv", "csv"),
        "demog": ("Tables and Figures", "report", "t_demog.pdf", "pdf"),
    }
    found = {name.rpartition(".")[2]: declared(flow.outputs(name)) for name in flow.tasks}
    assert found == {
        "derive": both,
        "plot": {"o0": ("Tables and Figures", "report", "f_forest.png", "png")},
        "plots": {"o0": ("Tables and Figures", "report", "f_all.pdf", "pdf")},
    }
    assert declared(flow.own_outputs) == both


@workflow
def with_inputs(folder: str, cutoff: int) -> Adam.File("adae.csv"):
    raw = run_domino_job_task(
        flyte_task_name="Read",
        command="read.py",
        environment_name="R and Python",
        hardware_tier_name="Small",
        inputs=[Input(name="folder", type=str, value=folder)],
        output_specs=[Output(name="ae", type=Csv), Output(name="ds", type=Csv)],
        use_project_defaults_for_omitted=True,
        retries=2,
        timeout=timedelta(minutes=5),
    )
    return run_domino_job_task(
        flyte_task_name="Derive",
        command="derive.py",
        inputs=[
            Input(name="ae", type=Csv, value=raw.ae),
            Input(name="ds", type=Csv, value=raw["ds"]),
            Input(name="cutoff", type=int, value=cutoff),
            Input(name="study", type=str, value="CDX-301"),
        ],
        output_specs=[Output(name="adae", type=Csv)],
    )["adae"]


def test_inputs_are_bound_to_values_and_promises() -> None:
    flow = serialise(with_inputs)
    node = flow.workflow.template.nodes[1]
    bindings = {binding.var: binding.binding for binding in node.inputs}
    assert (bindings["ae"].promise.node_id, bindings["ae"].promise.var) == ("n0", "ae")
    assert (bindings["ds"].promise.node_id, bindings["ds"].promise.var) == ("n0", "ds")
    assert (bindings["cutoff"].promise.node_id, bindings["cutoff"].promise.var) == ("", "cutoff")
    assert bindings["study"].scalar.primitive.string_value == "CDX-301"
    metadata = flow.tasks["Read"].template.metadata
    assert metadata.retries.retries == 2
    assert metadata.timeout.ToTimedelta() == timedelta(minutes=5)
    assert flow.custom("Read")["environmentName"] == "R and Python"
    assert flow.custom("Read")["hardwareTierName"] == "Small"
