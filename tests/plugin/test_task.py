"""Domino jobs: their results in a workflow, their configuration, and what is serialised of them."""

import base64
from datetime import timedelta
from typing import Annotated, Any, TypeVar

import pytest
from flyteidl.core.interface_pb2 import TypedInterface, VariableMap
from flytekit import conditional, task, workflow
from flytekit.core.node_creation import create_node
from flytekit.types.file import FlyteFile

from flowtui.errors import FlowError
from flowtui.plugin.file import DominoFile, DominoFileLegacy, PathConfig
from flowtui.plugin.helpers import Output, run_domino_job_task
from flowtui.plugin.task import (
    ClusterProperties,
    ComputeClusterType,
    DatasetSnapshot,
    DominoJobConfig,
    DominoJobTask,
    EnvironmentRevisionSpecification,
    EnvironmentRevisionType,
    ExternalDataVolume,
    GitRef,
    NetAppVolumeSnapshot,
)
from tests.plugin.serialising import serialise

Csv = FlyteFile[TypeVar("csv")]


def job(name: str = "Job", outputs: dict[str, Any] | None = None, **kwargs: Any) -> DominoJobTask:
    config = kwargs.pop("config", DominoJobConfig(Command="python job.py"))
    return DominoJobTask(name=name, domino_job_config=config, outputs=outputs, **kwargs)


@task
def read(one: Csv, two: Csv) -> int:
    return 1


def test_several_results_by_name_by_attribute_and_by_unpacking() -> None:
    @workflow
    def flow() -> tuple[Csv, Csv, Csv]:
        results = job(outputs={"first": Csv, "second": Csv})()
        one, two = results
        assert (one.var, two.var) == ("first", "second")
        assert len(results) == 2
        read(one=results["first"], two=results.second)
        return results["second"], results.first, results[1]

    template = serialise(flow).workflow.template
    assert [output.binding.promise.var for output in template.outputs] == ["second", "first", "second"]
    assert {item.var: item.binding.promise.var for item in template.nodes[1].inputs} == {
        "one": "first",
        "two": "second",
    }


def test_a_single_result_is_the_output_and_answers_to_its_name() -> None:
    @workflow
    def flow() -> tuple[Csv, Csv, Csv, Csv]:
        result = job(outputs={"only": Csv})()
        (unpacked,) = result
        return result, result["only"], result.only, unpacked

    for output in serialise(flow).workflow.template.outputs:
        assert (output.binding.promise.node_id, output.binding.promise.var) == ("n0", "only")
        assert not output.binding.promise.attr_path


def test_a_single_result_of_a_map_is_indexed_like_any_promise() -> None:
    @workflow
    def flow() -> int:
        return job(outputs={"counts": dict[str, int]})()["rows"]

    promise = serialise(flow).workflow.template.outputs[0].binding.promise
    assert [part.string_value for part in promise.attr_path] == ["rows"]


@pytest.mark.parametrize("outputs", [{"only": Csv}, {"only": Csv, "other": Csv}])
def test_an_unknown_output_is_named(outputs: dict[str, Any]) -> None:
    @workflow
    def by_name() -> Csv:
        return job(outputs=outputs)()["onyl"]

    @workflow
    def by_attribute() -> Csv:
        return job(outputs=outputs)().onyl

    with pytest.raises(KeyError, match="no output 'onyl'; it has only"):
        serialise(by_name)
    with pytest.raises(AttributeError, match="no output 'onyl'; it has only"):
        serialise(by_attribute)


def test_several_results_returned_as_they_are() -> None:
    @workflow
    def flow() -> tuple[Csv, Csv]:
        return run_domino_job_task(
            flyte_task_name="Both", command="both.py", output_specs=[Output("a", Csv), Output("b", Csv)]
        )

    assert [out.binding.promise.var for out in serialise(flow).workflow.template.outputs] == ["a", "b"]


def test_results_stand_in_conditions_overrides_and_orders() -> None:
    @workflow
    def flow(how: int) -> Csv:
        before = job("Before", {"a": Csv, "b": Csv})().with_overrides(node_name="first")
        after = job("After", {"c": Csv})()
        before >> after
        return (
            conditional("how")
            .if_(how > 0)
            .then(job("Then", {"x": Csv})())
            .else_()
            .then(job("Else", {"x": Csv, "y": Csv})())
        )

    template = serialise(flow).workflow.template
    assert template.nodes[0].id == "first"
    assert list(template.nodes[1].upstream_node_ids) == ["first"]
    assert template.nodes[2].branch_node.if_else.else_node.task_node.reference_id.name == "Else"
    assert template.outputs[0].binding.promise.var == "x"


def test_a_job_goes_through_create_node() -> None:
    @workflow
    def flow() -> Csv:
        return create_node(job(outputs={"first": Csv, "second": Csv})).outputs["second"]

    assert serialise(flow).workflow.template.outputs[0].binding.promise.var == "second"


def test_a_job_without_outputs() -> None:
    @workflow
    def flow():
        job()()

    assert len(serialise(flow).workflow.template.nodes) == 1


def full_config() -> DominoJobConfig:
    return DominoJobConfig(
        Command="Rscript adsl.R",
        Title="ADSL",
        CommitId="c0ffee",
        MainRepoGitRef=GitRef("branches", "release"),
        HardwareTierId="small-k8s",
        EnvironmentId="e1",
        EnvironmentRevisionSpec=EnvironmentRevisionSpecification(EnvironmentRevisionType.SomeRevision, "r7"),
        ComputeClusterProperties=ClusterProperties(
            ClusterType=ComputeClusterType.Spark,
            ComputeEnvironmentId="e2",
            WorkerHardareTierId="large",
            WorkerCount=3,
            WorkerStorageGiB=20,
        ),
        VolumeSizeGiB=10,
        DatasetSnapshots=[DatasetSnapshot(Id="d1", Version=2), DatasetSnapshot(Name="raw")],
        ExternalVolumeMountIds=["v1", ExternalDataVolume(Name="nas"), ExternalDataVolume(Id="v2")],
        NetAppVolumeSnapshots=[NetAppVolumeSnapshot(Id="n1", Version=1)],
    )


def test_the_configuration_is_in_custom() -> None:
    @workflow
    def flow():
        job("Configured", {"adsl": Csv}, config=full_config())()

    custom = serialise(flow).custom("Configured")
    interface = TypedInterface.FromString(base64.b64decode(custom.pop("inputOutputInterfaceBase64")))
    assert list(interface.outputs.variables) == ["adsl"]
    assert VariableMap.FromString(base64.b64decode(custom.pop("inputInterfaceBase64"))) == VariableMap()
    assert custom == {
        "Command": "Rscript adsl.R",
        "command": "Rscript adsl.R",
        "title": "ADSL",
        "commitId": "c0ffee",
        "mainRepoGitRef": {"type": "branches", "value": "release"},
        "hardwareTierId": {"value": "small-k8s"},
        "environmentId": "e1",
        "environmentRevisionSpec": {"revisionId": "r7"},
        "computeClusterProperties": {
            "clusterType": "Spark",
            "computeEnvironmentId": "e2",
            "workerHardwareTierId": {"value": "large"},
            "workerCount": 3,
            "workerStorage": {"value": 20, "unit": "GiB"},
        },
        "volumeSizeGiB": 10,
        "datasetSnapshots": [{"datasetId": "d1", "snapshotVersion": 2}, {"datasetName": "raw"}],
        "netAppVolumeSnapshots": [{"volumeId": "n1", "snapshotVersion": 1}],
        "externalVolumeMountIds": ["v1", "v2"],
        "externalVolumeMountNames": ["nas"],
        "useLatest": False,
    }


def test_an_unresolved_configuration_compiles_and_fails_only_where_it_must_be_resolved() -> None:
    config = DominoJobConfig(Command="python job.py")
    assert not config.is_resolved()
    assert "HardwareTierId" in config.unresolved_fields()

    @workflow
    def flow():
        job("Unresolved", config=config)()

    serialise(flow)
    with pytest.raises(FlowError, match="HardwareTierId"):
        config.resolve_job_properties()


def test_a_full_configuration_needs_no_resolving() -> None:
    config = full_config()
    assert config.is_resolved()
    config.resolve_job_properties()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: GitRef("head2"),
        lambda: GitRef("tags"),
        lambda: EnvironmentRevisionSpecification(EnvironmentRevisionType.SomeRevision),
        lambda: DatasetSnapshot(),
        lambda: DatasetSnapshot(Id="d", Version=0),
        lambda: NetAppVolumeSnapshot(Version=1),
        lambda: ExternalDataVolume(),
        lambda: job(config={"Command": "x"}),
        lambda: run_domino_job_task("t", "c", environment_name="a", environment_id="b"),
    ],
)
def test_wrong_configurations_are_refused(wrong: Any) -> None:
    with pytest.raises(FlowError):
        wrong()


def test_the_cache_version_follows_the_job() -> None:
    def version(command: str, **kwargs: Any) -> str:
        return job(config=DominoJobConfig(Command=command), cache=True, **kwargs).metadata.cache_version

    assert version("a", cache_version="1.0") == version("a", cache_version="1.0")
    assert version("a", cache_version="1.0").startswith("1.0-")
    assert len({version("a"), version("b"), version("a", cache_version="1"), version("a", use_latest=True)}) == 4
    assert job(outputs={"a": Csv}).metadata.cache is False


def test_retries_and_timeout() -> None:
    metadata = job(retries=2, timeout=90).metadata
    assert metadata.retries == 2
    assert metadata.timeout == timedelta(seconds=90)
    assert job().metadata.timeout == timedelta(hours=3)


def test_paths_that_differ_from_the_name_are_in_custom() -> None:
    @workflow
    def flow(file: Csv):
        DominoJobTask(
            name="Paths",
            domino_job_config=DominoJobConfig(Command="python paths.py"),
            inputs={
                "plain": Csv,
                "modern": DominoFile[TypeVar("csv")],
                "legacy": DominoFileLegacy[TypeVar("csv")],
                "bare": DominoFile,
            },
            outputs={
                "plot": Annotated[FlyteFile[TypeVar("png")], PathConfig(path="/mnt/plots/a.png")],
                "log": FlyteFile,
            },
        )(plain=file, modern=file, legacy=file, bare=file)

    custom = serialise(flow).custom("Paths")
    assert custom["inputPaths"] == {"modern": ["modern.csv"], "legacy": ["legacy", "legacy.csv"]}
    assert custom["outputPaths"] == {"plot": ["/mnt/plots/a.png"]}


def test_a_job_does_not_run_inside_python() -> None:
    @workflow
    def flow() -> Csv:
        return job(outputs={"a": Csv})()

    with pytest.raises(FlowError, match="flowtui run"):
        flow()


def test_a_node_has_the_whole_name_of_its_job() -> None:
    @workflow
    def flow() -> None:
        job("Table 14.3.1")()

    assert serialise(flow).workflow.template.nodes[0].metadata.name == "Table 14.3.1"
