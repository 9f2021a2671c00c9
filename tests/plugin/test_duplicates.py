"""One file name once per artifact and workflow: what is refused, what is told, and what is neither."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from flytekit import (
    LaunchPlan,
    Workflow,
    approve,
    conditional,
    dynamic,
    map_task,
    reference_task,
    task,
    workflow,
)
from flytekit.configuration import ImageConfig, SerializationSettings
from flytekit.core.context_manager import ExecutionState, FlyteContextManager
from flytekit.core.workflow import PythonFunctionWorkflow
from flytekit.remote.entities import FlyteTask
from flytekit.tools.translator import get_serializable
from flytekit.types.file import FlyteFile

from flowtui.errors import ArtifactError
from flowtui.plugin import duplicates
from flowtui.plugin.artifact import DATA, REPORT, Artifact
from flowtui.plugin.artifact_warning import ArtifactWarning
from flowtui.plugin.task import DominoJobConfig, DominoJobTask
from tests.plugin.serialising import serialise

Data = Artifact("Study Data", DATA)
Report = Artifact("Study Data", REPORT)

Csv = FlyteFile[TypeVar("csv")]
Dm = Data.File("dm.csv")
Ae = Data.File("ae.csv")


@task
def plain(source: str) -> Csv:
    return FlyteFile(source)


@task
def make_dm(source: str) -> Dm:
    return FlyteFile(source)


@task
def again_dm(source: str) -> Data.File("dm.csv"):
    return FlyteFile(source)


@task
def make_ae(source: str) -> Ae:
    return FlyteFile(source)


@task
def count_rows(file: Csv) -> int:
    return 1


def refused(flow: Callable[..., Any] | PythonFunctionWorkflow) -> str:
    with pytest.raises(ArtifactError) as error:
        serialise(flow)
    return str(error.value)


def told(flow: Callable[..., Any] | PythonFunctionWorkflow) -> str:
    """The one warning of a flow that is legal."""
    with pytest.warns(ArtifactWarning) as found:
        serialise(flow)
    serialise(flow)  # said once: a second warning would be an error here
    (warning,) = found
    assert warning.filename == __file__
    return str(warning.message)


@contextmanager
def running_task() -> Iterator[None]:
    """As in the container of a task on a cluster."""
    image = ImageConfig.auto(img_name="flowtui.test/none:1")
    settings = SerializationSettings(image_config=image, project="p", domain="d", version="v")
    context = FlyteContextManager.current_context().with_serialization_settings(settings)
    execution = context.new_execution_state().with_params(mode=ExecutionState.Mode.TASK_EXECUTION)
    with FlyteContextManager.with_context(context.with_execution_state(execution)):
        yield


def test_signature_and_job_with_the_same_file() -> None:
    @workflow
    def flow(source: str) -> Data.File(name="dm.csv"):
        job = DominoJobTask(
            name="Split",
            domino_job_config=DominoJobConfig(Command="python split.py"),
            inputs={"source": str},
            outputs={"raw": Data.File(name="dm.csv"), "clean": Csv},
        )
        return job(source=source)["clean"]

    message = refused(flow)
    for part in ('"Study Data"', '"dm.csv"', 'output "o0" of the workflow', 'output "raw" of node n0 "Split"'):
        assert part in message
    # Refused as often as it is tried, whatever the road.
    with pytest.raises(ArtifactError):
        flow.compile()
    with pytest.raises(ArtifactError):
        flow(source="x")


def test_two_nodes_with_the_same_file() -> None:
    @workflow
    def flow(source: str):
        make_dm(source=source)
        again_dm(source=source)

    message = refused(flow)
    assert "node n0" in message
    assert "node n1" in message


def test_one_task_called_twice() -> None:
    @workflow
    def flow(source: str):
        make_dm(source=source)
        make_dm(source="other")

    message = told(flow)
    for part in ('data artifact "Study Data"', '"dm.csv"', "2 nodes", 'n0 "make_dm"', 'n1 "make_dm"'):
        assert part in message


def test_two_tasks_with_one_declaration() -> None:
    @task
    def other_dm(source: str) -> Dm:
        return FlyteFile(source)

    @workflow
    def flow(source: str):
        make_dm(source=source)
        other_dm(source=source)

    assert 'n1 "other_dm"' in told(flow)


def test_declarations_in_text_are_each_task_s_own() -> None:
    @task
    def first(source: str) -> "Data.File('text.csv')":
        return FlyteFile(source)

    @task
    def other(source: str) -> "Data.File('text.csv')":
        return FlyteFile(source)

    @workflow
    def twice(source: str):
        first(source=source)
        first(source=source)

    @workflow
    def both(source: str):
        first(source=source)
        other(source=source)

    told(twice)
    refused(both)


def test_many_calls_are_told_in_one_warning() -> None:
    @workflow
    def flow(source: str):
        for _ in range(12):
            make_dm(source=source)

    message = told(flow)
    assert "12 nodes" in message
    assert "and 7 more" in message


def test_one_job_with_the_file_at_two_outputs() -> None:
    @workflow
    def flow():
        DominoJobTask(
            name="Twice",
            domino_job_config=DominoJobConfig(Command="python twice.py"),
            outputs={"first": Dm, "second": Dm},
        )()

    message = refused(flow)
    assert 'output "first" of node n0' in message
    assert 'output "second" of node n0' in message


def test_two_outputs_of_the_signature_from_two_nodes() -> None:
    @workflow
    def flow(source: str) -> tuple[Dm, Dm]:
        return plain(source=source), plain(source=source)

    message = refused(flow)
    assert 'output "o0" of the workflow' in message
    assert 'output "o1" of the workflow' in message


def test_one_output_declared_at_the_task_and_in_the_signature_is_one_file() -> None:
    @workflow
    def flow(source: str) -> tuple[Dm, Ae]:
        return make_dm(source=source), make_ae(source=source)

    serialise(flow)


def test_one_output_twice_in_the_signature_is_one_file() -> None:
    @workflow
    def flow(source: str) -> tuple[Dm, Dm]:
        made = plain(source=source)
        return made, made

    serialise(flow)


def test_artifacts_of_another_type_or_name_do_not_clash() -> None:
    other = Artifact("Other Data", DATA)

    @workflow
    def flow(source: str) -> tuple[Dm, Report.File("dm.csv"), other.File("dm.csv")]:
        return plain(source=source), plain(source=source), plain(source=source)

    serialise(flow)


def test_many_files_and_artifacts() -> None:
    @workflow
    def flow():
        for number in range(30):
            artifact = Artifact(f"Domain {number % 5}", DATA)
            DominoJobTask(
                name=f"Job {number}",
                domino_job_config=DominoJobConfig(Command="python many.py"),
                outputs={f"out{index}": artifact.File(f"{number}_{index}.csv") for index in range(4)},
            )()

    serialise(flow)


@workflow
def inner(source: str) -> Dm:
    return make_dm(source=source)


@workflow
def second(source: str) -> Dm:
    return again_dm(source=source)


@workflow
def silent(source: str) -> Csv:
    make_ae(source=source)
    return plain(source=source)


def test_workflows_of_one_module_may_share_an_artifact_and_its_file_names() -> None:
    for flow in (inner, second, silent):
        serialise(flow)


def test_files_of_one_artifact_from_tasks_and_sub_workflows() -> None:
    @workflow
    def flow(source: str) -> tuple[Dm, Data.File("vs.csv")]:
        made = inner(source=source)
        silent(source=source)
        return made, plain(source=source)

    serialise(flow)


def test_a_sub_workflow_and_a_task_with_the_same_file() -> None:
    @workflow
    def flow(source: str) -> Data.File("dm.csv"):
        inner(source=source)
        return plain(source=source)

    message = refused(flow)
    assert "inner at node n0" in message


def test_a_file_deep_in_a_sub_workflow_counts() -> None:
    @workflow
    def flow(source: str) -> Data.File("ae.csv"):
        silent(source=source)
        return plain(source=source)

    assert 'node n0/n0 "make_ae"' in refused(flow)


def test_a_sub_workflow_called_twice() -> None:
    @workflow
    def flow(source: str):
        silent(source=source)
        silent(source="other")

    message = told(flow)
    assert 'n0/n0 "make_ae"' in message
    assert 'n1/n0 "make_ae"' in message


def test_a_sub_workflow_with_a_job_of_its_own_called_twice() -> None:
    @workflow
    def fitted(source: str) -> Data.File("fit.csv"):
        fit = DominoJobTask(
            name="Fit",
            domino_job_config=DominoJobConfig(Command="python fit.py"),
            inputs={"source": str},
            outputs={"fit": Data.File("fit.csv")},  # the same output as the signature's: one file
        )
        return fit(source=source)

    @workflow
    def flow(source: str):
        fitted(source=source)
        fitted(source="other")

    told(flow)


def test_a_sub_workflow_that_calls_one_twice_is_told_once() -> None:
    @workflow
    def pair(source: str):
        silent(source=source)
        silent(source=source)

    @workflow
    def above(source: str):
        pair(source=source)
        count_rows(file=plain(source=source))

    message = told(above)
    assert "pair" in message
    assert "n0/n0" in message


def test_one_declaration_in_arms_that_exclude_each_other_needs_no_word() -> None:
    @workflow
    def flow(source: str, how: int) -> Csv:
        return (
            conditional("how")
            .if_(how > 1)
            .then(make_dm(source=source))
            .elif_(how > 0)
            .then(make_dm(source="other"))
            .else_()
            .then(inner(source=source))
        )

    serialise(flow)


def test_a_file_passed_through_a_sub_workflow_is_one_file() -> None:
    @workflow
    def through(file: Csv) -> Dm:
        count_rows(file=file)
        return file

    @workflow
    def flow(source: str) -> Dm:
        return through(file=make_dm(source=source))

    serialise(flow)


def test_the_arms_of_a_condition_exclude_each_other() -> None:
    @workflow
    def flow(source: str, how: int) -> Dm:
        return (
            conditional("how")
            .if_(how > 1)
            .then(make_dm(source=source))
            .elif_(how > 0)
            .then(again_dm(source=source))
            .else_()
            .then(inner(source=source))
        )

    serialise(flow)


def test_nested_conditions_exclude_each_other() -> None:
    @workflow
    def flow(source: str, how: int) -> Csv:
        return (
            conditional("outer")
            .if_(how > 1)
            .then(conditional("inner").if_(how > 2).then(make_dm(source=source)).else_().then(again_dm(source=source)))
            .else_()
            .then(second(source=source))
        )

    serialise(flow)


def test_an_arm_and_a_node_outside_do_not_exclude_each_other() -> None:
    @workflow
    def flow(source: str, how: int):
        make_dm(source=source)
        conditional("how").if_(how > 0).then(again_dm(source=source)).else_().then(plain(source=source))

    refused(flow)


def test_arms_of_two_conditions_do_not_exclude_each_other() -> None:
    @workflow
    def flow(source: str, how: int):
        conditional("one").if_(how > 0).then(make_dm(source=source)).else_().then(plain(source=source))
        conditional("two").if_(how > 0).then(plain(source=source)).else_().then(again_dm(source=source))

    refused(flow)


def test_an_approval_passes_its_file_through() -> None:
    @workflow
    def flow(source: str) -> Dm:
        return approve(make_dm(source=source), "check", timeout=timedelta(hours=1))

    serialise(flow)


def test_files_of_a_launch_plan_belong_to_its_own_execution() -> None:
    plan = LaunchPlan.get_or_create(inner, name="inner_plan")

    @workflow
    def flow(source: str) -> Dm:
        plan(source=source)
        return plain(source=source)

    serialise(flow)


def test_a_failure_handler_counts() -> None:
    @task
    def report_failure(source: str) -> Data.File("dm.csv"):
        return FlyteFile(source)

    @workflow(on_failure=report_failure)
    def flow(source: str) -> Dm:
        return plain(source=source)

    refused(flow)


def test_a_map_task_declares_nothing() -> None:
    @workflow
    def flow(sources: list[str]) -> Dm:
        map_task(make_dm)(source=sources)
        return plain(source="x")

    serialise(flow)


def test_a_reference_task_counts_as_its_interface_says() -> None:
    @reference_task(project="p", domain="d", name="t", version="v")
    def elsewhere(source: str) -> Data.File("dm.csv"): ...

    @workflow
    def flow(source: str) -> Dm:
        elsewhere(source=source)
        return plain(source=source)

    refused(flow)


def fetched(entity: Any, version: str) -> FlyteTask:
    """A task as a server sends it: with its interface, without the types that it was written with."""
    settings = SerializationSettings(
        image_config=ImageConfig.auto(img_name="flowtui.test/none:1"), project="p", domain="d", version=version
    )
    return FlyteTask.promote_from_model(get_serializable({}, settings, entity).template)


def test_of_a_task_from_a_server_nobody_knows_the_declaration() -> None:
    there = fetched(make_dm, "1")

    @workflow
    def twice(source: str):
        there(source=source)
        there(source=source)

    @workflow
    def beside(source: str):
        there(source=source)
        make_dm(source=source)

    assert "declared once" in told(twice)
    assert "cannot be known" in told(beside)


def test_an_imperative_workflow_is_checked_when_it_is_serialised() -> None:
    flow = Workflow(name="imperative")
    flow.add_workflow_input("source", str)
    first = flow.add_entity(make_dm, source=flow.inputs["source"])
    flow.add_workflow_output("dm", first.outputs["o0"])
    serialise(flow)
    flow.add_entity(again_dm, source=flow.inputs["source"])
    refused(flow)


def test_a_dynamic_workflow_is_never_refused_while_it_runs() -> None:
    @dynamic
    def flow(source: str) -> Data.File("dm.csv"):
        make_dm(source=source)
        return plain(source=source)

    with running_task(), pytest.warns(ArtifactWarning, match=r'"dm\.csv" twice') as found:
        spec = flow.dynamic_execute(flow.task_function, source="x")
    assert len(spec.nodes) == 2
    assert "the run goes on" in str(found[0].message)


def test_a_sub_workflow_in_the_loop_of_a_dynamic_workflow() -> None:
    @dynamic
    def flow(sources: list[str]):
        for source in sources:
            inner(source=source)

    with running_task(), pytest.warns(ArtifactWarning) as found:
        spec = flow.dynamic_execute(flow.task_function, sources=["l", "r"])
    assert len(spec.nodes) == 2
    assert [str(one.message).partition(":")[0] for one in found] == [
        'The data artifact "Study Data" has the file "dm.csv" from 2 nodes of workflow '
        "tests.plugin.test_duplicates.flow"
    ]


def test_warnings_that_are_errors_do_not_stop_a_dynamic_workflow() -> None:
    @dynamic
    def flow(source: str):
        make_dm(source=source)
        again_dm(source=source)

    with running_task(), warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("error")
        assert len(flow.dynamic_execute(flow.task_function, source="x").nodes) == 2
    assert len(found) == 1


def test_a_workflow_that_is_wrong_itself_does_not_stop_the_dynamic_one_that_calls_it() -> None:
    @workflow
    def wrong(source: str):
        make_dm(source=source)
        again_dm(source=source)

    @dynamic
    def flow(source: str):
        wrong(source=source)

    with running_task(), pytest.warns(ArtifactWarning, match="twice"):
        assert len(flow.dynamic_execute(flow.task_function, source="x").nodes) == 1
    refused(wrong)


def test_a_loop_of_thousands_is_told_in_one_warning() -> None:
    @dynamic
    def flow(count: int):
        for number in range(count):
            inner(source=f"s{number}")

    with running_task(), pytest.warns(ArtifactWarning, match="3,000 nodes"):
        flow.dynamic_execute(flow.task_function, count=3000)


def test_the_body_may_run_as_often_as_flytekit_likes() -> None:
    calls = 0

    @workflow
    def flow(source: str) -> Csv:
        nonlocal calls
        calls += 1
        job = DominoJobTask(
            name="Once",
            domino_job_config=DominoJobConfig(Command="python once.py"),
            inputs={"source": str},
            outputs={"dm": Data.File("dm.csv")},
        )
        return job(source=source)["dm"]

    serialise(flow)
    flow.compiled = False
    flow.compile()
    serialise(flow)
    assert calls == 2


def test_the_hook_is_installed_once() -> None:
    compile_workflow = PythonFunctionWorkflow.compile
    duplicates.install()
    assert PythonFunctionWorkflow.compile is compile_workflow
