"""What a flow says about exports, and how the task carries it."""

from datetime import timedelta
from typing import Annotated, Any

import pytest
from flytekit import workflow

from flowtui.domain.export_request import parse_request, request_of
from flowtui.errors import FlowError
from flowtui.plugin.artifact import (
    DATA,
    MODEL,
    REPORT,
    Artifact,
    ExportArtifactFilesToBundleSpec,
    ExportArtifactToDatasetsSpec,
    ExportArtifactToNetAppVolumesSpec,
    run_launch_export_artifacts_task,
)
from flowtui.plugin.export import export_request
from flowtui.plugin.file import PathConfig
from tests.plugin.serialising import Serialised, serialise

Data = Artifact("Merged Data", DATA)
Model = Artifact("Forest", MODEL)
Report = Artifact("Figures", REPORT)


def export_task(flow: Serialised) -> str:
    (name,) = [name for name in flow.tasks if export_request(flow.custom(name)) is not None]
    return name


def test_every_specification_is_in_custom() -> None:
    @workflow
    def flow():
        run_launch_export_artifacts_task(
            spec_list=[
                ExportArtifactToDatasetsSpec(artifact=Data, dataset_id="d1"),
                ExportArtifactToNetAppVolumesSpec(artifact=Report, netapp_volume_id="v1"),
                ExportArtifactToNetAppVolumesSpec(Report, "v2", target_relative_path="out/today"),
                ExportArtifactFilesToBundleSpec(
                    files=[
                        Model.File("forest.pkl"),
                        Annotated[Report.File("roc", type="png"), PathConfig(path="/mnt/roc.png")],
                    ],
                    bundles=["Validation"],
                ),
            ],
            use_project_defaults_for_omitted=False,
            environment_id="e1",
            environment_revision_id="r1",
            hardware_tier_name="Small",
            retries=2,
            timeout=timedelta(minutes=10),
        )

    serialised = serialise(flow)
    name = export_task(serialised)
    custom = serialised.custom(name)
    assert export_request(custom) == {
        "timeoutSeconds": 600,
        "specs": [
            {"kind": "dataset", "artifactName": "Merged Data", "artifactType": "data", "datasetId": "d1"},
            {"kind": "netAppVolume", "artifactName": "Figures", "artifactType": "report", "netAppVolumeId": "v1"},
            {
                "kind": "netAppVolume",
                "artifactName": "Figures",
                "artifactType": "report",
                "netAppVolumeId": "v2",
                "targetRelativePath": "out/today",
            },
            {
                "kind": "bundle",
                "bundles": ["Validation"],
                "files": [
                    {"artifactName": "Forest", "artifactType": "model", "fileName": "forest.pkl"},
                    {"artifactName": "Figures", "artifactType": "report", "fileName": "roc"},
                ],
            },
        ],
    }
    program, command, request = custom["Command"].split()
    assert (program, command) == ("flowtui", "export-artifacts")
    assert parse_request(request) == request_of(export_request(custom))
    assert custom["environmentId"] == "e1"
    assert custom["environmentRevisionSpec"] == {"revisionId": "r1"}
    assert custom["hardwareTierName"] == "Small"
    assert custom["useLatest"] is False
    template = serialised.tasks[name].template
    assert template.type == "domino_job"
    assert template.metadata.retries.retries == 2
    assert template.metadata.timeout.ToTimedelta() == timedelta(minutes=10)


def test_the_default_timeout_is_three_hours_without_retries() -> None:
    @workflow
    def flow():
        run_launch_export_artifacts_task([ExportArtifactToDatasetsSpec(Data, "d1")])

    serialised = serialise(flow)
    template = serialised.tasks[export_task(serialised)].template
    assert template.metadata.timeout.ToTimedelta() == timedelta(hours=3)
    assert template.metadata.retries.retries == 0


def test_two_exports_have_two_names_and_the_same_one_has_one() -> None:
    def name(dataset: str) -> str:
        @workflow
        def flow():
            run_launch_export_artifacts_task([ExportArtifactToDatasetsSpec(Data, dataset)])

        return export_task(serialise(flow))

    assert name("d1") == name("d1")
    assert name("d1") != name("d2")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: run_launch_export_artifacts_task(spec_list=[]),
        lambda: run_launch_export_artifacts_task(spec_list=[Data]),
        lambda: ExportArtifactToDatasetsSpec("Merged Data", "d1"),
        lambda: ExportArtifactToDatasetsSpec(Data, ""),
        lambda: ExportArtifactToNetAppVolumesSpec(Data, " "),
        lambda: ExportArtifactFilesToBundleSpec(files=[str], bundles=["b"]),
        lambda: ExportArtifactFilesToBundleSpec(files=[], bundles=["b"]),
        lambda: ExportArtifactFilesToBundleSpec(files=[Data.File("a.csv")], bundles=[""]),
        lambda: run_launch_export_artifacts_task(
            [ExportArtifactToDatasetsSpec(Data, "d")], hardware_tier_id="a", hardware_tier_name="b"
        ),
    ],
)
def test_wrong_specifications_are_refused(wrong: Any) -> None:
    with pytest.raises(FlowError):
        wrong()


def test_other_tasks_have_no_request() -> None:
    assert export_request({"Command": "python job.py"}) is None
    assert export_request({"exportArtifacts": "yes"}) is None
