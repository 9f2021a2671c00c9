"""Files of one name from several nodes: what tells them apart, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from flyteidl.core import literals_pb2

from flowtui.admin import AdminClient
from flowtui.catalog import Catalog, ResponseCache, join, same_names
from flowtui.catalog.run_nodes import Tree
from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import ExecutionId
from tests.catalog import make
from tests.replay import BASE_URL, Replay

MAKE = make.task("make", o0=make.variable("data/A/a.csv"))
PLAIN = make.task("plain", o0=make.variable())


def text(value: str) -> make.Literal:
    literal = make.Literal()
    literal.scalar.primitive.string_value = value
    return literal


def constant(literal: make.Literal) -> make.Binding:
    return make.Binding(scalar=literal.scalar)


def inputs(**nodes: Mapping[str, make.Literal]) -> dict[str, literals_pb2.LiteralMap]:
    return {key.replace("_", "-"): literals_pb2.LiteralMap(literals=value) for key, value in nodes.items()}


def said(tree: Tree, known: Mapping[str, literals_pb2.LiteralMap] | None = None) -> list[str]:
    """The titles of a run's files, in the order of their nodes."""
    files = join.join(
        join.plan(tree), make.artifacts(tree, {}).execution, {}, undeclared=False, inputs=known or {}
    ).files
    return [file.title for file in files]


def called(*calls: make.Binding, leaf: Mapping[str, make.Binding] | None = None) -> Tree:
    """A run that calls one sub-workflow several times, each with another value for ``name``; all have ended."""
    inner = make.workflow(
        "inner",
        [make.node("n0", runs="make", **(leaf if leaf is not None else {"text": make.promise("start-node", "name")}))],
    )
    nodes = [make.node(f"n{number}", flow="inner", name=value) for number, value in enumerate(calls)]
    rows = {"": [make.row("start-node"), *(make.row(node.id) for node in nodes)]}
    rows |= {node.id: [make.row(f"{node.id}-0-n0", spec="n0", group="0")] for node in nodes}
    return make.tree(make.closure(make.workflow("w", nodes), [MAKE, PLAIN], [inner]), rows, "SUCCEEDED")


def test_constants_of_the_calls_tell_files_apart_and_nothing_is_asked() -> None:
    tree = called(constant(text("l")), constant(text("r")))
    assert said(tree) == ["a.csv (name = l)", "a.csv (name = r)"]
    assert same_names.wanted(join.plan(tree).files, {}) == []


def test_a_name_of_its_own_has_no_distinction() -> None:
    tree = called(constant(text("l")))
    assert said(tree) == ["a.csv"]


def test_launch_inputs_are_asked_for_once_where_they_differ() -> None:
    tree = called(make.promise("start-node", "left"), make.promise("start-node", "right"))
    plan = join.plan(tree)
    assert same_names.wanted(plan.files, inputs(n0_0_n0={"text": text("L")}, n1_0_n0={"text": text("R")})) == [
        "start-node"
    ]
    known = inputs(start_node={"left": text("l"), "right": text("r")})
    assert said(tree, known) == ["a.csv (name = l)", "a.csv (name = r)"]
    assert same_names.wanted(plan.files, known) == []


def test_one_launch_input_for_all_calls_is_not_asked_for() -> None:
    tree = called(make.promise("start-node", "all"), make.promise("start-node", "all"))
    assert same_names.wanted(join.plan(tree).files, {}) == []
    assert said(tree) == ["a.csv (node n0-0-n0)", "a.csv (node n1-0-n0)"]


def test_values_that_other_nodes_made_are_asked_of_the_calls() -> None:
    tree = called(make.promise("n8", "o0"), make.promise("n9", "o0"), leaf={})
    for node in ("n8", "n9"):
        tree.root.nodes[node] = make.tree(
            make.closure(make.workflow("x", [make.node(node, runs="plain")]), [PLAIN]), {}
        ).root.nodes[node]
    assert same_names.wanted(join.plan(tree).files, {}) == ["n0", "n1"]
    known = inputs(n0={"name": text("l")}, n1={"name": text("r")})
    assert said(tree, known) == ["a.csv (name = l)", "a.csv (name = r)"]


def test_equal_inputs_leave_the_nodes() -> None:
    tree = called(constant(text("l")), constant(text("l")), constant(text("r")))
    assert said(tree) == ["a.csv (name = l, node n0-0-n0)", "a.csv (name = l, node n1-0-n0)", "a.csv (name = r)"]


def test_only_what_inputs_do_not_tell_alone_has_a_notice() -> None:
    tree = called(constant(text("l")), constant(text("l")), constant(text("r")))
    files = make.artifacts(tree, {}).files
    assert [bool(file.notices) for file in files] == [True, True, False]
    assert "3 times" in files[0].notices[0]


def test_nested_loops_take_one_input_of_each() -> None:
    leaf = make.task("make", o0=make.variable("data/A/a.csv"))
    inner = make.workflow("inner", [make.node("n0", runs="make", x=make.promise("start-node", "arm"))])
    middle = make.workflow(
        "middle", [make.node(f"n{n}", flow="inner", arm=constant(text(arm))) for n, arm in enumerate(("low", "high"))]
    )
    nodes = [make.node(f"n{n}", flow="middle", study=constant(text(study))) for n, study in enumerate(("A", "B"))]
    tree = make.tree(make.closure(make.workflow("w", nodes), [leaf], [inner, middle]), {})
    assert said(tree) == [f"a.csv (study = {study}, arm = {arm})" for study in "AB" for arm in ("low", "high")]


def test_all_inputs_of_a_call_that_differ_are_shown_at_most_three() -> None:
    def call(number: int) -> dict[str, make.Binding]:
        return {key: constant(make.integer(number)) for key in ("age", "dose", "name", "visit")} | {
            "study": constant(text("S"))
        }

    nodes = [make.node(f"n{number}", runs="make", **call(number)) for number in range(2)]
    tree = make.tree(make.closure(make.workflow("w", nodes), [MAKE]), {})
    assert said(tree) == ["a.csv (age = 0, dose = 0, name = 0)", "a.csv (age = 1, dose = 1, name = 1)"]


def test_a_file_is_said_by_the_name_that_it_is_declared_with() -> None:
    dm = make.task("dm", o0=make.variable("data/B/dm.csv"))
    ae = make.task("ae", o0=make.variable("data/B/ae.csv"))
    nodes = [make.node("n0", runs="dm"), make.node("n1", runs="ae")]
    nodes += [make.node(f"n{number + 2}", runs="make", data=make.promise(f"n{number}")) for number in range(2)]
    tree = make.tree(make.closure(make.workflow("w", nodes), [MAKE, dm, ae]), {})
    assert said(tree)[:2] == ["a.csv (data = dm.csv)", "a.csv (data = ae.csv)"]
    far = inputs(n2={"data": make.blob("s3://b/x/o0")}, n3={"data": make.blob("s3://b/y/o0")})
    assert said(tree, far)[:2] == ["a.csv (data = dm.csv)", "a.csv (data = ae.csv)"]


def test_two_outputs_of_one_node_are_told_by_the_output() -> None:
    both = make.task("both", o0=make.variable("data/A/a.csv"), o1=make.variable("data/A/a.csv"))
    tree = make.tree(make.closure(make.workflow("w", [make.node("n0", runs="both")]), [both]), {})
    assert said(tree) == ["a.csv (node n0 output o0)", "a.csv (node n0 output o1)"]


def test_a_long_value_is_shortened_in_its_middle() -> None:
    values = [text("/data/" + "x" * 50 + f"/study_{arm}.yaml") for arm in ("low", "high")]
    titles = said(called(*map(constant, values)))
    assert titles[0].endswith("/study_low.yaml)")
    assert all(len(title) < 60 for title in titles)
    assert len(set(titles)) == 2


def test_too_many_calls_are_told_by_their_nodes() -> None:
    count = same_names.MAX_WANTED + 1
    tree = called(*(make.promise(f"m{number}") for number in range(count)), leaf={})
    source = make.tree(make.closure(make.workflow("x", [make.node("m", runs="plain")]), [PLAIN]), {}).root.nodes["m"]
    tree.root.nodes |= {f"m{number}": source for number in range(count)}
    assert same_names.wanted(join.plan(tree).files, {}) == []


async def files_of(name: str, cache: ResponseCache | None = None) -> tuple[tuple[ArtifactFile, ...], list[str]]:
    """The files of a recorded run, and the requests for data."""
    transport = Replay()
    async with AdminClient(BASE_URL, transport=transport, retry_delay=0) as client:
        run = await Catalog(client, cache).artifacts(ExecutionId("flytesnacks", "development", name))
    return run.files, [request.rpartition("/")[2] for request in transport.requests if "/data/node" in request]


async def test_a_recorded_loop_costs_nothing_more(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "responses.sqlite3")
    files, asked = await files_of("dynamics-1", cache)
    of_loop = [file for file in files if file.node.startswith("n0-0-dn") and file.file == "dm.csv"]
    assert [file.title for file in of_loop] == [f"dm.csv (study = d{number})" for number in range(3)]
    assert set(asked) == {file.node for file in files}
    assert await files_of("dynamics-1", cache) == (files, [])


@pytest.mark.parametrize("name", ["nested-1", "duplicates-1"])
async def test_recorded_calls_with_one_input_are_told_by_their_nodes_and_cost_nothing_more(name: str) -> None:
    files, asked = await files_of(name)
    assert {file.title for file in files if file.file == "dm.csv"} == {
        f"dm.csv (node {file.node})" for file in files if file.file == "dm.csv"
    }
    assert set(asked) == {file.node for file in files}
