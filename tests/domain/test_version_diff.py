"""Which files of two versions belong together, and what of their runs differs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import EntityId, Execution, ExecutionId, LaunchInput
from flowtui.domain.version_diff import Change, file_pairs, run_difference, same_file


def file(name: str, node: str = "n0", variable: str = "o0", node_name: str = "") -> ArtifactFile:
    return ArtifactFile("data", "ADaM", name, "csv", node, variable, ("",), "present", node_name=node_name)


def run(name: str, version: str) -> Execution:
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    workflow = EntityId("p", "d", "wf", version)
    return Execution(ExecutionId("p", "d", name), "SUCCEEDED", workflow, workflow, "MANUAL", "", now, 1.0, now, now)


def test_files_by_name_then_by_node() -> None:
    left = [file("a"), file("b", "n1"), file("b", "n2"), file("gone")]
    right = [file("b", "n2"), file("b", "n9"), file("a", "other"), file("new")]
    pairs = file_pairs(left, right)
    assert [(pair.name, pair.left and pair.left.node, pair.right and pair.right.node) for pair in pairs] == [
        ("a", "n0", "other"), ("b", "n1", "n9"), ("b", "n2", "n2"), ("gone", "n0", None), ("new", None, "n0"),
    ]  # fmt: skip


def with_input(node: str, value: str) -> ArtifactFile:
    return replace(
        file("x", node, node_name="fill"), differing_inputs=(("name", value),), distinction=f"name = {value}"
    )


def test_files_of_one_name_belong_together_by_their_inputs() -> None:
    left = [with_input("n0", "l"), with_input("n1", "r")]
    right = [with_input("n0", "r"), with_input("n1", "s"), file("x", "n2", node_name="fill")]
    pairs = file_pairs(left, right)
    assert [(pair.name, pair.left and pair.left.node, pair.right and pair.right.node) for pair in pairs] == [
        ("x (name = l)", "n0", "n2"), ("x (name = r)", "n1", "n0"), ("x (name = s)", None, "n1"),
    ]  # fmt: skip
    assert same_file(left[1], right) is right[0]
    assert same_file(left[0], right) is right[2]
    assert same_file(left[0], right[:2]) is None


def test_every_file_is_in_one_pair_only() -> None:
    files = [file("x", f"n{number}") for number in range(3)]
    pairs = file_pairs(files, files[::-1])
    assert all(pair.left is pair.right for pair in pairs)
    assert len(file_pairs(files, files[:1])) == 3


def test_the_same_file_of_another_run() -> None:
    files = [
        replace(file("x"), artifact="Other"),
        file("x", "hash-1", node_name="Derive"),
        file("x", "hash-2", node_name="Copy"),
    ]
    assert same_file(file("x", "n5", node_name="Copy"), files) is files[2]
    assert same_file(file("x", "n5", node_name="Gone"), files) is files[1]
    assert same_file(file("y"), files) is None


def test_versions_and_inputs_that_differ() -> None:
    both = LaunchInput("dm", "file", "dm.csv", "s3://b/1")
    left = [LaunchInput("cutoff", "str", "2025"), both, LaunchInput("old", "int", "1")]
    right = [LaunchInput("cutoff", "str", "2026"), both, LaunchInput("new", "int", "2")]
    found = run_difference(run("a", "v1"), run("b", "v2"), left, right)
    assert found.facts == (Change("version", "v1", "v2"),)
    assert found.inputs == (Change("cutoff", "2025", "2026"), Change("old", "1", None), Change("new", None, "2"))
    assert run_difference(run("a", "v1"), run("b", "v1"), left, left) == type(found)((), ())
