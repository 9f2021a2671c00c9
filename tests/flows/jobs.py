"""Flows of Domino jobs: values as files, paths of their own, failures, and exports."""

from datetime import timedelta
from typing import Annotated, TypeVar

from flytekit import task, workflow
from flytekit.types.file import FlyteFile
from flytekitplugins.domino.artifact import (
    DATA,
    REPORT,
    Artifact,
    ExportArtifactFilesToBundleSpec,
    ExportArtifactToDatasetsSpec,
    ExportArtifactToNetAppVolumesSpec,
    run_launch_export_artifacts_task,
)
from flytekitplugins.domino.file import PathConfig
from flytekitplugins.domino.helpers import Output, run_domino_job_task
from flytekitplugins.domino.task import DominoJobConfig, DominoJobTask

Tables = Artifact("Tables & more", DATA)
Report = Artifact("Report", REPORT)
Csv = FlyteFile[TypeVar("csv")]


def job(name, command, **options):
    return DominoJobTask(name=name, domino_job_config=DominoJobConfig(Command=command), use_latest=True, **options)


@workflow
def values(text: str = "a b", count: int = 7, ratio: float = 2.5, flag: bool = True) -> tuple[str, int, float, bool]:
    copy = job(
        "Copy values",
        'test "$DOMINO_IS_WORKFLOW_JOB" = true && cp /workflow/inputs/* /workflow/outputs/',
        inputs={"text": str, "count": int, "ratio": float, "flag": bool},
        outputs={"text": str, "count": int, "ratio": float, "flag": bool},
    )
    r = copy(text=text, count=count, ratio=ratio, flag=flag)
    return r["text"], r["count"], r.ratio, r.flag


@workflow
def files() -> Report.File("t.txt"):
    made = job(
        "Make table", "printf 'a,b\\n1,2\\n' > /workflow/outputs/table", outputs={"table": Tables.File("t.csv")}
    )()
    read = job(
        "Read table",
        "wc -l < /workflow/inputs/data.csv > /workflow/outputs/lines.txt; ln -s /workflow/outputs/lines.txt"
        " /workflow/outputs/same",
        inputs={"table": Annotated[Csv, PathConfig("data.csv")]},
        outputs={
            "lines": Annotated[FlyteFile[TypeVar("txt")], PathConfig("/workflow/outputs/lines.txt")],
            "same": FlyteFile[TypeVar("txt")],
        },
    )(table=made["table"])
    return read["lines"]


@workflow
def script() -> str:
    return run_domino_job_task(
        flyte_task_name="Run script",
        command="job_script.py 3",
        output_specs=[Output(name="told", type=str)],
        use_project_defaults_for_omitted=True,
    )


@workflow
def forgets() -> Tables.File("x.csv"):
    return job("Forgets its output", "true", outputs={"x": Csv})()


@workflow
def ends_badly() -> Csv:
    return job("Ends badly", "echo no licence for SAS >&2; exit 4", outputs={"x": Csv})()


@workflow
def writes_nonsense() -> int:
    return job("Writes nonsense", "echo seven > /workflow/outputs/n", outputs={"n": int})()


@workflow
def leads_out() -> Csv:
    return job("Leads out", "true", outputs={"x": Annotated[Csv, PathConfig("../../x")]})()


@workflow
def retries() -> str:
    return job(
        "Second time",
        'test "$FLYTE_ATTEMPT_NUMBER" = 1 && echo -n ok > /workflow/outputs/told',
        outputs={"told": str},
        retries=1,
    )()


@workflow
def portable() -> str:
    return job(
        "Portable",
        'cp "$FLOWTUI_WORKFLOW_DIR/inputs/a" "$FLOWTUI_WORKFLOW_DIR/outputs/b"',
        inputs={"a": str},
        outputs={"b": str},
    )(a="here")


@workflow
def portable_forgets() -> str:
    return job("Portable forgets", "true", outputs={"b": str})()


@task
def other() -> int:
    return 1


@workflow
def exported() -> Tables.File("first.csv"):
    run_launch_export_artifacts_task(
        spec_list=[
            ExportArtifactToDatasetsSpec(artifact=Tables, dataset_id="ds-1"),
            ExportArtifactToNetAppVolumesSpec(artifact=Tables, netapp_volume_id="vol-1", target_relative_path="a/b"),
            ExportArtifactFilesToBundleSpec(files=[Tables.File("second.csv")], bundles=["Bundle"]),
        ],
        use_project_defaults_for_omitted=True,
    )
    made = job(
        "Make two",
        "echo 1 > /workflow/outputs/first; echo 2 > /workflow/outputs/second",
        outputs={"first": Csv, "second": Tables.File("second.csv")},
    )()
    other()
    return made["first"]


@workflow
def export_of_failed() -> Tables.File("first.csv"):
    run_launch_export_artifacts_task(
        spec_list=[ExportArtifactToDatasetsSpec(artifact=Tables, dataset_id="ds-2")],
        use_project_defaults_for_omitted=True,
    )
    return job("Fails early", "exit 1", outputs={"first": Csv})()


@workflow
def export_too_slow() -> Tables.File("first.csv"):
    run_launch_export_artifacts_task(
        spec_list=[ExportArtifactToDatasetsSpec(artifact=Tables, dataset_id="ds-3")],
        use_project_defaults_for_omitted=True,
        timeout=timedelta(seconds=1),
    )
    return job("Takes for ever", "sleep 600", outputs={"first": Csv})()
