from dataclasses import replace
from datetime import datetime, timezone

import pytest

from flowtui.domain.artifact import Artifact, ArtifactFile, ArtifactVersionId, RunArtifacts, UndeclaredOutput
from flowtui.domain.execution import EntityId, Execution, ExecutionId
from flowtui.errors import NotFoundError, UsageError
from flowtui.headless.select import narrow, narrow_outputs, one_file, select

ID = ExecutionId("p", "d", "run-1")


def run_with(*files: tuple[str, str, str, str]) -> RunArtifacts:
    """A run with files given as (type, artifact, file, node)."""
    now = datetime(2026, 11, 24, tzinfo=timezone.utc)
    entity = EntityId("p", "d", "wf", "v1")
    execution = Execution(ID, "SUCCEEDED", entity, entity, "MANUAL", "me", now, 1.0, now, now)
    groups: dict[tuple[str, str], list[ArtifactFile]] = {}
    for type_, artifact, file, node in files:
        made = ArtifactFile(type_, artifact, file, "csv", node, "o0", (node,), "present", (f"s3://b/{file}",))
        groups.setdefault((type_, artifact), []).append(made)
    return RunArtifacts(execution, tuple(Artifact(*key, tuple(group)) for key, group in groups.items()))


RUN = run_with(
    ("data", "ADaM", "adsl.csv", "n0"),
    ("data", "ADaM", "adae.csv", "n1"),
    ("report", "TFL", "Reports", "n2"),
    ("report", "TFL/Reports", "t 1.rtf", "n3"),
    ("model", "Twice", "m.pkl", "n4"),
    ("data", "Twice", "m.csv", "n4"),
    ("data", "Same", "x.csv", "n5"),
    ("data", "Same", "x.csv", "n6"),
)


def test_files_of_one_name_are_named_by_their_titles() -> None:
    told = Artifact(
        "data",
        "Same",
        tuple(
            replace(file, distinction=f"name = {name}")
            for file, name in zip(RUN.artifacts[-1].files, "lr", strict=True)
        ),
    )
    run = replace(RUN, artifacts=(*RUN.artifacts[:-1], told))
    with pytest.raises(UsageError) as error:
        select(run, "Same/x.csv")
    assert (
        "  Same/x.csv (name = l)   --type data --node n5\n  Same/x.csv (name = r)   --type data --node n6"
        in error.value.hint
    )
    assert one_file(select(run, "Same/x.csv (name = r)")).node == "n6"
    assert one_file(select(run, "Same/x.csv", node="n5")).distinction == "name = l"
    with pytest.raises(NotFoundError, match="no artifact or file"):
        select(run, "Same/x.csv (name = q)")


def test_an_artifact_and_a_file_of_it() -> None:
    assert [file.file for file in select(RUN, "ADaM").files] == ["adsl.csv", "adae.csv"]
    assert [file.file for file in select(RUN, "ADaM/adae.csv").files] == ["adae.csv"]
    assert select(RUN, "TFL/Reports/t 1.rtf").artifact.name == "TFL/Reports"


@pytest.mark.parametrize(
    ("selector", "candidates"),
    [
        ("TFL/Reports", ["TFL/Reports   --type report --node n2", "TFL/Reports   --type report"]),
        ("Twice", ["Twice   --type model", "Twice   --type data"]),
        ("Same/x.csv", ["--node n5", "--node n6"]),
    ],
)
def test_several_matches_are_listed(selector: str, candidates: list[str]) -> None:
    with pytest.raises(UsageError) as raised:
        select(RUN, selector)
    assert all(candidate in raised.value.hint for candidate in candidates)


def test_type_and_node_narrow() -> None:
    assert select(RUN, "Twice", type_="model").artifact.type == "model"
    assert select(RUN, "Same/x.csv", node="n6").files[0].node == "n6"
    assert select(RUN, "TFL/Reports", node="n2").file is not None
    assert [artifact.name for artifact in narrow(RUN, "report", None)] == ["TFL", "TFL/Reports"]
    assert [file.node for artifact in narrow(RUN, None, "n5") for file in artifact.files] == ["n5"]


def test_no_match_says_what_there_is() -> None:
    with pytest.raises(NotFoundError) as raised:
        select(RUN, "ADaM/adls.csv")
    assert "ADaM/adsl.csv" in raised.value.hint
    with pytest.raises(NotFoundError, match="no artifact or file of run-1"):
        select(RUN, "ADaM", type_="model")
    with pytest.raises(NotFoundError) as raised:
        select(run_with(), "ADaM")
    assert raised.value.hint == "The run declares no artifacts."


def test_a_long_list_is_cut_to_the_nearest() -> None:
    many = run_with(*(("data", "A", f"file{index:03}.csv", "n0") for index in range(300)))
    with pytest.raises(NotFoundError) as raised:
        select(many, "A/file299.cvs")
    assert "A/file299.csv" in raised.value.hint
    assert "and 288 more" in raised.value.hint


def test_one_file_of_an_artifact_of_one() -> None:
    assert one_file(select(RUN, "TFL/Reports", node="n3")).file == "t 1.rtf"
    with pytest.raises(UsageError) as raised:
        one_file(select(RUN, "ADaM"))
    assert "ADaM/adsl.csv" in raised.value.hint


def test_what_a_bookmark_is_on() -> None:
    assert select(RUN, "ADaM").version(RUN) == ArtifactVersionId(ID, "ADaM", "data")
    assert select(RUN, "ADaM/adsl.csv").version(RUN) == ArtifactVersionId(ID, "ADaM", "data", "adsl.csv", "n0")


def _blobs(*names: str) -> tuple[str, ...]:
    return tuple(f"s3://b/{index}/{name}" for index, name in enumerate(names))


OUTPUTS = replace(
    RUN,
    undeclared=(
        UndeclaredOutput("n7", "o0", "csv", _blobs("a.csv"), node_name="make", workflow_outputs=("listing",)),
        UndeclaredOutput("n8", "o0", "csv", _blobs("b.csv", "c.csv"), node_name="map", places=("[0]", "[2]")),
        UndeclaredOutput("n9-0-n0", "o0", "", _blobs("x", "y"), node_name="tables", places=(".first", ".others[0]")),
        UndeclaredOutput("n10", "o0", "", (), node_name="make"),
    ),
)


@pytest.mark.parametrize(
    ("selector", "files"),
    [
        ("n7.o0", ["a.csv"]),
        ("listing", ["a.csv"]),
        ("n7.o0/a.csv", ["a.csv"]),
        ("map.o0", ["b.csv", "c.csv"]),
        ("n8.o0[2]", ["c.csv"]),
        ("map.o0/c.csv", ["c.csv"]),
        ("n9-0-n0.o0.first", ["x"]),
        ("tables.o0.others[0]", ["y"]),
        ("n10.o0", []),
    ],
)
def test_an_output_that_no_artifact_declares(selector: str, files: list[str]) -> None:
    assert [file.file for file in select(OUTPUTS, selector, undeclared=True).files] == files
    with pytest.raises(NotFoundError):
        select(OUTPUTS, selector)


@pytest.mark.parametrize(
    ("selector", "kind", "candidates"),
    [
        ("make.o0", UsageError, ["n7.o0   make", "n10.o0   make"]),
        ("n8.o0[1]", NotFoundError, ["n8.o0"]),
        ("n7.o1", NotFoundError, ["n7.o0"]),
    ],
)
def test_an_output_that_is_not_plain_gives_candidates(
    selector: str, kind: type[Exception], candidates: list[str]
) -> None:
    with pytest.raises(kind) as caught:
        select(OUTPUTS, selector, undeclared=True)
    for candidate in candidates:
        assert candidate in caught.value.hint  # type: ignore[attr-defined]


def test_one_file_of_an_output_is_asked_for_by_its_place() -> None:
    with pytest.raises(UsageError) as caught:
        one_file(select(OUTPUTS, "n8.o0", undeclared=True))
    assert "n8.o0[0]   b.csv\n  n8.o0[2]   c.csv" in caught.value.hint
    with pytest.raises(NotFoundError):
        one_file(select(OUTPUTS, "n10.o0", undeclared=True))


def test_a_node_narrows_outputs_and_a_type_leaves_them_out() -> None:
    assert select(OUTPUTS, "o0", node="n7", undeclared=True).text == "n7.o0"
    assert [one.node for one in narrow_outputs(OUTPUTS, None, "make")] == ["n7", "n10"]
    assert narrow_outputs(OUTPUTS, "data", None) == ()
