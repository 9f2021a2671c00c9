"""Artifact files inside lists, optional types and dataclasses: flytekit drops them, so a warning says it."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, Optional, TypeVar

import pytest
from flytekit import map_task, task, workflow
from flytekit.types.file import FlyteFile

from flowtui.plugin.artifact import DATA, Artifact
from flowtui.plugin.artifact_warning import ArtifactWarning
from flowtui.plugin.file import PathConfig
from flowtui.plugin.task import DominoJobConfig, DominoJobTask
from tests.plugin.serialising import declared, serialise

Data = Artifact("Study Data", DATA)
Csv = FlyteFile[TypeVar("csv")]
Dm = Data.File("dm.csv")


@dataclass
class Inner:
    listing: Data.File("inner.csv")


@dataclass
class Summary:
    rows: int
    inner: Inner


@task
def plain(source: str) -> Csv:
    return FlyteFile(source)


def told(flow: Callable[..., Any]) -> list[str]:
    """The warnings of a flow that is serialised twice."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", ArtifactWarning)
        first = serialise(flow)
        serialise(flow)
    declares = [declared(first.outputs(name)) for name in first.tasks] + [declared(first.own_outputs)]
    assert bool(found) != any(declares), "what is told is lost, and what is not told is there"
    return [str(one.message) for one in found]


def test_a_list_of_files() -> None:
    @task
    def listings(source: str) -> list[Dm]:
        return [FlyteFile(source)]

    @workflow
    def flow(source: str):
        listings(source=source)
        listings(source=source)

    (message,) = told(flow)
    for part in ('Output "o0"', "listings", '"dm.csv"', 'data artifact "Study Data"', "inside a list", "map_task"):
        assert part in message


@pytest.mark.parametrize("type_", [Optional[Dm], Dm | None, Annotated[Optional[Dm], PathConfig("x")]])  # noqa: UP045
def test_an_optional_file(type_: Any) -> None:
    @workflow
    def flow():
        DominoJobTask(
            name="Maybe",
            domino_job_config=DominoJobConfig(Command="python maybe.py"),
            outputs={"found": type_},
        )()

    (message,) = told(flow)
    assert 'Output "found" of task Maybe' in message
    assert "inside an optional type" in message


def test_a_member_of_a_dataclass_at_any_depth() -> None:
    @task
    def summarise(source: str) -> Summary:
        return Summary(1, Inner(FlyteFile(source)))

    @workflow
    def flow(source: str):
        summarise(source=source)

    (message,) = told(flow)
    assert "inside a dataclass" in message
    assert '"inner.csv"' in message


def test_a_signature_tells_it_at_its_own_place() -> None:
    @workflow
    def flow(source: str) -> list[Dm]:
        return [plain(source=source)]

    with pytest.warns(ArtifactWarning, match='Output "o0" of workflow') as found:
        serialise(flow)
    assert found[0].filename == __file__


def test_a_task_that_no_workflow_calls() -> None:
    @task
    def alone(source: str) -> dict[str, Dm]:
        return {}

    from flytekit.configuration import ImageConfig, SerializationSettings
    from flytekit.tools import translator

    settings = SerializationSettings(
        image_config=ImageConfig.auto(img_name="flowtui.test/none:1"), project="p", domain="d", version="v"
    )
    with pytest.warns(ArtifactWarning, match="inside a list or another type"):
        translator.get_serializable({}, settings, alone)


class Two(NamedTuple):
    dm: Dm
    other: Annotated[Data.File("ae.csv"), PathConfig("ae.csv")]


def test_what_flytekit_keeps_needs_no_word() -> None:
    @task
    def both(source: str) -> Two:
        return Two(FlyteFile(source), FlyteFile(source))

    @task
    def of_a_list(files: list[Csv], named: dict[str, int]) -> tuple[int, list[Csv], Optional[Csv]]:  # noqa: UP045
        return 1, files, None

    @workflow
    def flow(source: str) -> Csv:
        made = both(source=source)
        of_a_list(files=[made.dm], named={})
        return made.other

    assert told(flow) == []


def test_a_map_of_a_task_that_declares_needs_no_word() -> None:
    @workflow
    def flow(sources: list[str]):
        map_task(make_dm)(source=sources)
        map_task(make_dm, min_success_ratio=0.5)(source=sources)

    serialise(flow)


@task
def make_dm(source: str) -> Dm:
    return FlyteFile(source)


@dataclass
class Chain:
    """A dataclass that holds itself, and a name that nobody has."""

    next: "Chain | None"
    value: "Nowhere"  # noqa: F821
    file: Data.File("chain.csv")


def test_a_dataclass_that_cannot_be_resolved_does_not_fail() -> None:
    from flowtui.plugin import nested_files

    assert [key.file for _, key in nested_files._nested(Chain)] == ["chain.csv"]
