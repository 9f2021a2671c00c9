"""Flows whose exports wait: for what, in which order, and in vain."""

import os
import time
from datetime import timedelta
from pathlib import Path

from flytekit import (
    LaunchPlan,
    WorkflowFailurePolicy,
    conditional,
    current_context,
    dynamic,
    task,
    wait_for_input,
    workflow,
)
from flytekit.core.node_creation import create_node
from flytekit.exceptions.user import FlyteRecoverableException
from flytekit.types.file import FlyteFile

from flowtui.plugin.artifact import (
    DATA,
    REPORT,
    Artifact,
    ExportArtifactFilesToBundleSpec,
    ExportArtifactToNetAppVolumesSpec,
    run_launch_export_artifacts_task,
)
from flowtui.plugin.encoding import FileKey, annotate

Tables = Artifact("Tables", DATA)
Figures = Artifact("Figures", REPORT)


def export(volume: str, artifact: Artifact = Tables, **options):
    """An export node; ``options`` as for the function of the plugin."""
    spec = ExportArtifactToNetAppVolumesSpec(artifact, volume)
    return run_launch_export_artifacts_task([spec], use_project_defaults_for_omitted=True, **options)


def written(name: str, text: str = "a\n1\n") -> FlyteFile:
    path = Path(current_context().working_directory) / name
    path.write_text(text)
    return FlyteFile(str(path))


@task
def make(text: str = "a\n1\n") -> FlyteFile:
    return written("made.csv", text)


@task
def make_slowly(seconds: float) -> Tables.File("slow.csv"):
    time.sleep(seconds)
    return written("slow.csv")


@task
def make_figure() -> Figures.File("figure.txt"):
    return written("figure.txt")


@task
def fail() -> Tables.File("never.csv"):
    if os.getpid():
        raise ValueError("no licence\nfor this")
    return written("never.csv")


@task(retries=1)
def fail_once() -> Tables.File("second.csv"):
    if os.environ["FLYTE_ATTEMPT_NUMBER"] == "0":
        raise FlyteRecoverableException("the first time")
    return written("second.csv")


@task
def say(text: str) -> str:
    return text


@task
def perhaps(there: bool) -> annotate(FlyteFile | None, FileKey("Tables", "data", "perhaps.csv")):
    return written("perhaps.csv") if there else None


@workflow
def first_in_the_file(seconds: float = 0.5) -> Tables.File("out.csv"):
    export("first")
    make_slowly(seconds=seconds)
    return make()


@workflow
def two_exports() -> Tables.File("out.csv"):
    export("tables")
    export("figures", Figures)
    make_figure()
    return make()


@workflow
def declared_nowhere() -> FlyteFile:
    export("nowhere", Figures)
    return make()


@workflow
def bundle_of_a_missing_file() -> Tables.File("out.csv"):
    spec = ExportArtifactFilesToBundleSpec([Tables.File("out.csv"), Tables.File("other.csv")], ["Bundle"])
    run_launch_export_artifacts_task([spec], use_project_defaults_for_omitted=True)
    return make()


@workflow
def producer_fails() -> Tables.File("out.csv"):
    export("in-vain", retries=2)
    fail()
    return make()


@workflow
def other_fails() -> Figures.File("figure.txt"):
    export("in-vain", Figures)
    fail()
    slow = make_slowly(seconds=600.0)
    figure = make_figure()
    slow >> figure
    return figure


@workflow(failure_policy=WorkflowFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE)
def other_fails_at_leisure() -> Figures.File("figure.txt"):
    export("at-leisure", Figures)
    fail()
    return make_figure()


@workflow
def too_slow() -> Tables.File("out.csv"):
    export("too-slow", timeout=timedelta(seconds=2))
    make_slowly(seconds=600.0)
    return make()


@workflow
def runs_after_export() -> Tables.File("out.csv"):
    exported = export("before")
    made = create_node(make)
    exported.ref.node >> made
    return made.o0


@workflow
def undeclared_runs_after_export() -> Tables.File("out.csv"):
    exported = export("beside")
    later = create_node(say, text="later")
    exported.ref.node >> later
    return make()


@workflow
def two_wait_for_each_other() -> tuple[Tables.File("out.csv"), Figures.File("figure.txt")]:
    tables, figures = export("a"), export("b", Figures)
    table, figure = create_node(make), create_node(make_figure)
    figures.ref.node >> table
    tables.ref.node >> figure
    return table.o0, figure.o0


@workflow
def inner() -> Tables.File("inner.csv"):
    make_figure()
    return make(text="inner\n")


@workflow
def sub_workflow() -> Tables.File("out.csv"):
    export("of-all")
    export("figures-of-inner", Figures)
    inner()
    return make()


@workflow
def inner_with_export() -> Tables.File("inner.csv"):
    export("from-inner")
    return make(text="inner\n")


@workflow
def export_in_sub_workflow() -> Tables.File("out.csv"):
    inner_with_export()
    return make()


@dynamic
def many(count: int) -> list[FlyteFile]:
    make_slowly(seconds=0.3)
    return [make(text=f"{number}\n") for number in range(count)]


@workflow
def of_dynamic() -> list[FlyteFile]:
    export("dynamic")
    return many(count=2)


@workflow
def one_arm(left: bool) -> str:
    export("arm")
    make_slowly(seconds=0.1)
    return conditional("arm").if_(left.is_true()).then(left_arm()).else_().then(say(text="right"))


@workflow
def left_arm() -> str:
    figure = create_node(make_in_left)
    return figure.o1


@task
def make_in_left() -> tuple[Tables.File("left.csv"), str]:
    return written("left.csv"), "left"


@workflow
def optional(there: bool) -> Tables.File("out.csv"):
    export("optional")
    perhaps(there=there)
    return make()


@workflow
def retried() -> Tables.File("out.csv"):
    export("retried", retries=1)
    fail_once()
    return make()


export_plan = LaunchPlan.get_or_create(first_in_the_file, "exports.child", default_inputs={"seconds": 0.1})


@workflow
def launch_plan_child() -> Tables.File("out.csv"):
    export("parent")
    child = create_node(export_plan)
    del child
    return make()


@workflow
def with_gate() -> Tables.File("out.csv"):
    export("gated")
    gated = wait_for_input("go-on", timeout=timedelta(hours=1), expected_type=str)
    return make(text=gated)


@workflow
def gated_without_export() -> Tables.File("out.csv"):
    figure = create_node(make_figure)
    gated = wait_for_input("go-on", timeout=timedelta(hours=1), expected_type=str)
    figure >> gated.ref.node
    return make(text=gated)


@workflow
def gate_at_the_end() -> str:
    figure = create_node(make_figure)
    del figure
    return wait_for_input("go-on", timeout=timedelta(hours=1), expected_type=str)
