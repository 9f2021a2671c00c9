"""The join over messages made by hand, for what the recordings do not have."""

from __future__ import annotations

from flyteidl.admin import execution_pb2, node_execution_pb2
from flyteidl.core import compiler_pb2, literals_pb2
from hypothesis import given
from hypothesis import strategies as st

from flowtui.catalog import join, lineage
from flowtui.catalog.fetch import FetchedRun
from flowtui.catalog.ids import would_be_id
from flowtui.catalog.nodes import node_tree
from flowtui.catalog.tree import MAX_DEPTH, Closure, latest_attempt
from flowtui.domain.artifact import RunArtifacts
from flowtui.domain.execution import ExecutionId, NodeExecution, NodeId
from tests.catalog import make
from tests.replay import Replay

DATA = make.task("make", o0=make.variable("data/A/a.csv"))
PLAIN = make.task("plain", o0=make.variable())


def lines(run: RunArtifacts) -> list[str]:
    """Every file as ``artifact/file@node state uris``."""
    return [f"{one.artifact}/{one.file}@{one.node} {one.state} {','.join(one.uris)}".rstrip() for one in run.files]


def test_nodes_that_have_not_begun() -> None:
    closure = make.closure(make.workflow("w", [make.node("n0", runs="make")]), [DATA])
    assert lines(make.artifacts(make.tree(closure, {}, "RUNNING"), {})) == ["A/a.csv@n0 pending"]
    assert lines(make.artifacts(make.tree(closure, {}, "FAILED"), {})) == ["A/a.csv@n0 not_produced"]


def test_a_node_that_succeeded_without_a_value() -> None:
    closure = make.closure(make.workflow("w", [make.node("n0", runs="make")]), [DATA])
    tree = make.tree(closure, {"": [make.row("n0")]}, "SUCCEEDED")
    assert lines(make.artifacts(tree, {"n0": {}})) == ["A/a.csv@n0 unavailable"]
    failed = join.join(join.plan(tree), make.artifacts(tree, {}).execution, {}, undeclared=False, failed={"n0": "gone"})
    assert failed.files[0].notices == ("gone",)


def test_a_node_that_ended_while_the_run_goes_on() -> None:
    closure = make.closure(make.workflow("w", [make.node("n0", runs="make"), make.node("n1", runs="make")]), [DATA])
    rows = {"": [make.row("n0", "FAILED"), make.row("n1", "RUNNING")]}
    assert lines(make.artifacts(make.tree(closure, rows), {})) == ["A/a.csv@n0 not_produced", "A/a.csv@n1 pending"]


def test_nodes_below_one_that_ended() -> None:
    inner = make.workflow("inner", [make.node("n0", runs="make")])
    closure = make.closure(make.workflow("w", [make.node("n0", flow="inner")]), [DATA], [inner])
    for phase, state in [("RUNNING", "pending"), ("FAILED", "not_produced"), ("RECOVERED", "unavailable")]:
        run = make.artifacts(make.tree(closure, {"": [make.row("n0", phase)]}), {}, reference="before")
        assert lines(run) == [f"A/a.csv@n0-0-n0 {state}"]
    assert run.files[0].notices == ("Recovered as a whole with n0: see before.",)


def test_a_sub_workflow_that_was_recovered_as_a_whole_gives_its_own_outputs() -> None:
    outputs = {"o0": (make.variable("report/R/r.txt"), make.promise("n0"))}
    inner = make.workflow("inner", [make.node("n0", runs="plain")], outputs)
    closure = make.closure(make.workflow("w", [make.node("n0", flow="inner")]), [PLAIN], [inner])
    tree = make.tree(closure, {"": [make.row("n0", "RECOVERED")]}, "SUCCEEDED")
    run = make.artifacts(tree, {"n0": {"o0": make.blob("s3://b/r")}}, reference="before")
    assert lines(run) == ["R/r.txt@n0 present s3://b/r"]
    assert run.files[0].made_by == NodeId(ExecutionId("", "", "before"), "n0")


def test_a_list_bound_item_by_item_is_one_file() -> None:
    outputs = {"o0": (make.variable("data/L/l.csv", many=True), make.all_of(make.promise("n0"), make.promise("n1")))}
    nodes = [make.node("n0", runs="plain"), make.node("n1", runs="plain")]
    closure = make.closure(make.workflow("w", nodes, outputs), [PLAIN])
    data = {name: {"o0": make.blob(name)} for name in ("n0", "n1")}
    run = make.artifacts(make.tree(closure, {"": [make.row("n0"), make.row("n1")]}), data)
    assert lines(run) == ["L/l.csv@n0 present n0,n1"]
    assert run.files[0].notices == ("Made by 2 nodes: n0, n1.",)
    half = make.artifacts(make.tree(closure, {"": [make.row("n0"), make.row("n1", "RUNNING")]}), data | {"n1": {}})
    assert lines(half) == ["L/l.csv@n0 pending"]


def test_an_item_of_a_list_and_a_file_of_a_sub_workflows_list() -> None:
    both = make.all_of(make.promise("n0"), make.promise("n1"))
    inner = make.workflow(
        "inner",
        [make.node("n0", runs="plain"), make.node("n1", runs="plain")],
        {"o0": (make.variable(many=True), both)},
    )
    outputs = {"o0": (make.variable("data/L/second.csv"), make.promise("n0", "o0", 1))}
    closure = make.closure(make.workflow("w", [make.node("n0", flow="inner")], outputs), [PLAIN], [inner])
    rows = {"": [make.row("n0")], "n0": [make.row("x", spec="n0", group="0"), make.row("y", spec="n1", group="0")]}
    run = make.artifacts(make.tree(closure, rows), {"x": {"o0": make.blob("1")}, "y": {"o0": make.blob("2")}})
    assert lines(run) == ["L/second.csv@y present 2"]


def test_a_field_of_a_nodes_output() -> None:
    outputs = {"o0": (make.variable("data/L/k.csv"), make.promise("n0", "o0", "k", 0))}
    closure = make.closure(make.workflow("w", [make.node("n0", runs="plain")], outputs), [PLAIN])
    data = {"n0": {"o0": make.mapped({"k": make.listed(make.blob("first"), make.blob("second"))})}}
    assert lines(make.artifacts(make.tree(closure, {"": [make.row("n0")]}), data)) == ["L/k.csv@n0 present first"]


def test_an_input_handed_through() -> None:
    outputs = {"o0": (make.variable("data/A/in.csv"), make.promise("start-node", "f"))}
    inner = make.workflow("inner", [], {"o0": (make.variable("data/B/in.csv"), make.promise("start-node", "g"))})
    main = make.workflow("w", [make.node("n0", flow="inner", g=make.promise("start-node", "f"))], outputs)
    rows = {"": [make.row("start-node"), make.row("n0")], "n0": [make.row("s", spec="start-node")]}
    run = make.artifacts(make.tree(make.closure(main, [], [inner]), rows), {"start-node": {"f": make.blob("u")}})
    assert lines(run) == ["A/in.csv@start-node present u", "B/in.csv@start-node present u"]
    assert run.files[0].made_by is None
    assert run.files[0].notices == ("Handed through from the Launch Inputs.",)


def test_a_constant_of_the_workflow() -> None:
    bound = make.Binding(scalar=make.blob("s3://b/constant").scalar)
    closure = make.closure(make.workflow("w", [], {"o0": (make.variable("data/A/c.csv"), bound)}))
    assert lines(make.artifacts(make.tree(closure, {}, "SUCCEEDED"), {})) == [
        "A/c.csv@end-node present s3://b/constant"
    ]
    assert lines(make.artifacts(make.tree(closure, {}, "RUNNING"), {})) == ["A/c.csv@end-node pending"]


def test_what_a_dynamic_node_wrote_itself() -> None:
    bound = make.Binding(scalar=make.blob("s3://b/own").scalar)
    compiled = make.closure(make.workflow("dynamic", [make.node("dn0", runs="make")], {"o0": (make.variable(), bound)}))
    fan = make.task("fan", o0=make.variable("data/F/f.csv"))
    closure = make.closure(make.workflow("w", [make.node("n0", runs="fan")]), [fan, DATA])
    rows = {"": [make.row("n0")], "n0": [make.row("n0-0-dn0", spec="dn0", group="0")]}
    data = {"n0": {"o0": make.blob("s3://b/own")}, "n0-0-dn0": {"o0": make.blob("a")}}
    run = make.artifacts(make.tree(closure, rows, dynamic={"n0": compiled}), data)
    assert lines(run) == ["A/a.csv@n0-0-dn0 present a", "F/f.csv@n0 present s3://b/own"]


def test_a_dynamic_node_without_its_closure() -> None:
    fan = make.task("fan", o0=make.variable("data/F/f.csv"))
    closure = make.closure(make.workflow("w", [make.node("n0", runs="fan")]), [fan])
    parent = make.row("n0", "DYNAMIC_RUNNING")
    parent.metadata.is_dynamic = True
    assert lines(make.artifacts(make.tree(closure, {"": [parent]}), {})) == ["F/f.csv@n0 pending"]


def test_the_last_try_of_a_parent_counts() -> None:
    inner = make.workflow("inner", [make.node("n0", runs="make"), make.node("n1", runs="make")])
    closure = make.closure(make.workflow("w", [make.node("n0", flow="inner")]), [DATA], [inner])
    tries = [make.row(f"n0-{try_}-n0", phase, "n0", try_) for try_, phase in [("9", "FAILED"), ("10", "SUCCEEDED")]]
    run = make.artifacts(
        make.tree(closure, {"": [make.row("n0", "RUNNING")], "n0": tries}), {"n0-10-n0": {"o0": make.blob("u")}}
    )
    assert lines(run) == ["A/a.csv@n0-10-n0 present u", "A/a.csv@n0-10-n1 pending"]
    assert latest_attempt([]) == ("0", [])


SMALL = make.task("small", o0=make.variable("data/B/small.csv"))
LARGE = make.task("large", o0=make.variable("data/B/large.csv"))


def branch(*rows: make.Row, phase: str = "RUNNING", parent: str = "RUNNING") -> list[str]:
    arms = make.either("n0", make.node("n0-n0", runs="small"), make.node("n0-n1", runs="large"))
    outputs = {"o0": (make.variable("data/W/w.csv"), make.promise("n0"))}
    closure = make.closure(make.workflow("w", [arms], outputs), [SMALL, LARGE])
    tree = make.tree(closure, {"": [make.row("n0", parent)] if parent else [], "n0": rows}, phase)
    return lines(make.artifacts(tree, {row.id.node_id: {"o0": make.blob("u")} for row in rows}))


def test_arms_of_a_branch() -> None:
    undecided = ["B/large.csv@n0-0-n0-n1 pending", "B/small.csv@n0-0-n0-n0 pending", "W/w.csv@n0 pending"]
    assert branch() == undecided
    assert branch(parent="") == undecided
    taken = make.row("x", spec="n0-n1", group="0")
    assert branch(taken, phase="SUCCEEDED", parent="SUCCEEDED") == [
        "B/large.csv@x present u",
        "W/w.csv@x present u",
    ]
    skipped = make.row("y", "SKIPPED", spec="n0-n0", group="0")
    assert branch(taken, skipped, parent="SUCCEEDED") == ["B/large.csv@x present u", "W/w.csv@x present u"]
    assert branch(phase="FAILED", parent="FAILED") == ["W/w.csv@n0 not_produced"]
    assert branch(phase="FAILED", parent="") == ["W/w.csv@n0 not_produced"]


def test_a_failure_node_is_listed_when_it_runs() -> None:
    main = make.workflow("w", [make.node("n0", runs="make")])
    main.failure_node.CopyFrom(make.node("fn0", runs="small"))
    closure = make.closure(main, [DATA, SMALL])
    data = {"n0": {"o0": make.blob("u")}, "fn0": {"o0": make.blob("v")}}
    assert lines(make.artifacts(make.tree(closure, {"": [make.row("n0")]}), data)) == ["A/a.csv@n0 present u"]
    ran = make.tree(closure, {"": [make.row("n0", "FAILED"), make.row("fn0")]}, "FAILED")
    assert lines(make.artifacts(ran, data)) == ["A/a.csv@n0 not_produced", "B/small.csv@fn0 present v"]


def test_a_file_of_a_launch_plan_child_belongs_to_the_child() -> None:
    outputs = {"o0": (make.variable("data/A/child.csv"), make.promise("n0"))}
    closure = make.closure(make.workflow("w", [make.node("n0", plan="child")], outputs))
    row = make.row("n0")
    row.closure.workflow_node_metadata.executionId.name = "run-1-n0-0"
    run = make.artifacts(make.tree(closure, {"": [row]}), {"n0": {"o0": make.blob("u")}})
    child = ExecutionId("", "", "run-1-n0-0")
    assert run.children == (child,)
    assert run.files[0].made_by == NodeId(child, "")


def test_maps_with_failed_items_and_none() -> None:
    closure = make.closure(make.workflow("w", [make.node("n0", runs="make")]), [DATA])
    tree = make.tree(closure, {"": [make.row("n0")]})
    some = make.artifacts(tree, {"n0": {"o0": make.listed(make.blob("a"), make.none())}})
    assert lines(some) == ["A/a.csv@n0 present a"]
    assert some.files[0].notices == ("1 of 2 items is None: their tasks gave no file.",)
    assert lines(make.artifacts(tree, {"n0": {"o0": make.none()}})) == ["A/a.csv@n0 not_produced"]
    number = make.artifacts(tree, {"n0": {"o0": make.integer(1)}})
    assert (number.files[0].state, number.files[0].notices) == ("present", ("The value holds no file.",))


def test_an_offloaded_value_has_its_uri_and_a_notice() -> None:
    value = make.Literal()
    value.offloaded_metadata.uri, value.offloaded_metadata.size_bytes = "s3://b/o.pb", 3_000_000
    closure = make.closure(make.workflow("w", [make.node("n0", runs="make")]), [DATA])
    (file,) = make.artifacts(make.tree(closure, {"": [make.row("n0")]}), {"n0": {"o0": value}}).files
    assert (file.state, file.uris) == ("present", ("s3://b/o.pb",))
    assert "3,000,000 bytes" in file.notices[0]


def test_older_partition_keys_and_missing_ones() -> None:
    old = make.variable("data/A/a.csv")
    partitions = old.artifact_partial_id.partitions.value
    partitions["type"].static_value, partitions["group"].static_value = "model", "Old"
    del partitions["artifact_type"], partitions["artifact_name"]
    nameless = make.variable("data/A/b.csv")
    del nameless.artifact_partial_id.partitions.value["artifact_name"]
    untyped = make.variable("data/A/c.csv")
    del untyped.artifact_partial_id.partitions.value["artifact_type"]
    task = make.task("t", x=old, y=nameless, z=untyped)
    closure = make.closure(make.workflow("w", [make.node("n0", runs="t")]), [task])
    run = make.artifacts(make.tree(closure, {"": [make.row("n0")]}), {"n0": {}})
    assert [(one.type, one.name) for one in run.artifacts] == [("model", "Old"), ("unknown", "A")]
    assert [one.variable for one in run.undeclared] == ["y"]


def test_thousands_of_files_of_one_name() -> None:
    nodes = [make.node(f"n{index}", runs="make") for index in range(3000)]
    run = make.artifacts(make.tree(make.closure(make.workflow("w", nodes), [DATA]), {}), {})
    assert len(run.files) == 3000
    assert run.files[0].notices == (
        "The artifact has this file name 3,000 times: also from n1, n2, n3, n4, n5 and 2,994 more.",
    )


def test_a_recursive_flow_is_cut_with_a_notice() -> None:
    fan = make.task("fan", o0=make.variable("data/F/f.csv"))
    compiled = make.closure(
        make.workflow("d", [make.node("dn0", runs="fan")], {"o0": (make.variable(), make.promise("dn0"))}), [fan]
    )
    rows, dynamic, parent = {"": [make.row("n0")]}, {"n0": compiled}, "n0"
    for depth in range(MAX_DEPTH + 5):
        rows[parent] = [make.row(f"x{depth}", spec="dn0", group="0")]
        parent = f"x{depth}"
        dynamic[parent] = compiled
    closure = make.closure(make.workflow("w", [make.node("n0", runs="fan")]), [fan])
    last = f"x{MAX_DEPTH - 1}"
    run = make.artifacts(make.tree(closure, rows, dynamic=dynamic), {last: {"o0": make.blob("u")}})
    assert lines(run) == [f"F/f.csv@{last} present u"]
    assert any("40 levels" in notice for notice in run.notices)


def test_workflows_that_hold_each_other_end() -> None:
    outputs = {"o0": (make.variable("data/A/a.csv"), make.promise("n0"))}
    one = make.workflow("one", [make.node("n0", flow="two")], outputs)
    two = make.workflow("two", [make.node("n0", flow="one")], outputs)
    closure = make.closure(make.workflow("w", [make.node("n0", flow="one")]), [], [one, two])
    run = make.artifacts(make.tree(closure, {}), {})
    assert lines(run) == ["A/a.csv@n0-0-n0-0-n0 pending"]
    assert any("the workflow one holds itself" in notice for notice in run.notices)


def test_bindings_that_lead_in_a_circle_end() -> None:
    through = {"o0": (make.variable("data/A/a.csv"), make.promise("start-node", "x"))}
    main = make.workflow(
        "w",
        [make.node("n0", flow="through", x=make.promise("n1")), make.node("n1", flow="through", x=make.promise("n0"))],
    )
    run = make.artifacts(make.tree(make.closure(main, [], [make.workflow("through", [], through)]), {}), {})
    assert {one.state for one in run.files} == {"pending"}


def test_without_the_workflow_only_what_ran_is_known() -> None:
    run = make.artifacts(make.tree(None, {"": [make.row("n0"), make.row("end-node")], "n0": [make.row("x")]}), {})
    assert (run.files, run.undeclared) == ((), ())


def test_ids_are_those_that_the_engine_gives() -> None:
    assert would_be_id("n0", "0", "n0-n1") == "n0-0-n0-n1"
    assert would_be_id("n2-0-dn0", "0", "start-node") == "fbjhf24q"
    assert would_be_id("n3-0-dn0", "0", "start-node") == "fu5ivexy"


PHASES = ["SUCCEEDED", "FAILED", "RUNNING", "RECOVERED", "SKIPPED", "QUEUED"]
IDS = st.sampled_from(["n0", "n1", "n0-n0", "start-node", "end-node", "", "x"])
NAMES = st.sampled_from(["make", "plain", "one", "two", ""])
BINDINGS = st.recursive(
    st.builds(make.promise, IDS, st.sampled_from(["o0", "x", ""]), st.integers(0, 2) | st.text(max_size=2))
    | make.literals().map(lambda literal: make.Binding(scalar=literal.scalar)),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: make.all_of(*items)),
    max_leaves=4,
)
NODES = st.recursive(
    st.builds(make.node, IDS, runs=NAMES, flow=NAMES, plan=NAMES, x=BINDINGS),
    lambda inner: st.builds(lambda id_, arms: make.either(id_, *arms), IDS, st.lists(inner, min_size=1, max_size=3)),
    max_leaves=3,
)
OUTPUTS = st.dictionaries(
    st.sampled_from(["o0", "x", ""]), st.tuples(st.sampled_from([make.variable(), make.variable("data/A/a")]), BINDINGS)
)
WORKFLOWS = st.builds(make.workflow, NAMES, st.lists(NODES, max_size=3), OUTPUTS)
CLOSURES = st.builds(make.closure, WORKFLOWS, st.just([DATA, PLAIN]), st.lists(WORKFLOWS, max_size=3))
ROWS = st.builds(make.row, IDS, st.sampled_from(PHASES), IDS, st.sampled_from(["", "0", "1", "x"]))


@given(
    CLOSURES | st.none(),
    st.dictionaries(IDS, st.lists(ROWS, max_size=4)),
    st.sampled_from(["RUNNING", "FAILED", "SUCCEEDED", "FAILING", "UNDEFINED"]),
    st.dictionaries(IDS, CLOSURES, max_size=2),
    st.dictionaries(IDS, st.dictionaries(st.sampled_from(["o0", "x"]), make.literals(), max_size=2)),
)
def test_any_run_is_joined(
    closure: Closure | None,
    rows: dict[str, list[make.Row]],
    phase: str,
    dynamic: dict[str, Closure],
    data: dict[str, dict[str, make.Literal]],
) -> None:
    tree = make.tree(closure, rows, phase, dynamic)
    run = make.artifacts(tree, data)
    assert {file.state for file in run.files} <= {"present", "pending", "not_produced", "unavailable"}
    assert all(not file.uris or file.state == "present" for file in run.files)
    assert run == make.artifacts(tree, data)
    answers = {
        node: node_execution_pb2.NodeExecutionGetDataResponse(full_outputs=literals_pb2.LiteralMap(literals=literals))
        for node, literals in data.items()
    }
    fetched = FetchedRun(execution_pb2.Execution(), tree, final=False, data=answers)
    plan = join.plan(tree)
    graph = lineage.graph(plan, fetched, run.execution, ())
    assert all(edge.source in graph.by_id and edge.target in graph.by_id for edge in graph.edges)
    assert isinstance(lineage.constants_without_source(plan, fetched, ()), bool)
    listed = ids_of(node_tree(tree, {}, {}))
    assert len(listed) == len(set(listed))
    assert set(listed) <= {row.id.node_id for one in rows.values() for row in one}


def ids_of(nodes: tuple[NodeExecution, ...]) -> list[str]:
    return [id_ for node in nodes for id_ in (node.id.node, *ids_of(node.children))]


@st.composite
def trees_of_rows(draw: st.DrawFn) -> dict[str, list[make.Row]]:
    """Node executions below each other: parents of any kind, several tries, and now and then an id that comes again."""
    rows: dict[str, list[make.Row]] = {}
    waiting = [""]
    for number in range(draw(st.integers(1, 25))):
        parent = draw(st.sampled_from(waiting))
        id_ = draw(st.sampled_from([f"x{number}", "x0", "n0"]))
        row = make.row(id_, draw(st.sampled_from(PHASES)), draw(IDS), draw(st.sampled_from(["", "0", "1"])))
        for flag in draw(st.sets(st.sampled_from(["is_parent_node", "is_dynamic", "is_array", "is_eager"]))):
            setattr(row.metadata, flag, True)
        if draw(st.booleans()):
            row.closure.workflow_node_metadata.executionId.name = "child"
        rows.setdefault(parent, []).append(row)
        waiting.append(id_)
    return rows


def test_two_arms_of_one_id_are_one() -> None:
    """No compiler makes such a branch; a closure that was damaged may hold it."""
    arms = [make.node(id_, runs="make") for id_ in ("n0", "n1", "n1")]
    closure = make.closure(make.workflow("flow", [make.either("n1", *arms)], {}), [], [])
    tree = make.tree(closure, {"": [make.row("x1", spec="n1")], "x1": [make.row("x2", spec="n1")]}, "RUNNING", {})
    assert ids_of(node_tree(tree, {}, {})) == ["x1", "x2"]


@given(trees_of_rows(), CLOSURES | st.none(), st.dictionaries(IDS, CLOSURES, max_size=2))
def test_no_node_of_any_tree_is_listed_twice_and_none_at_the_top_is_lost(
    rows: dict[str, list[make.Row]], closure: Closure | None, dynamic: dict[str, Closure]
) -> None:
    tree = make.tree(closure, rows, "RUNNING", dynamic)
    listed = ids_of(node_tree(tree, {}, {}))
    assert len(listed) == len(set(listed))
    ends = ("start-node", "end-node")
    top = [row.id.node_id for row in rows.get("", ()) if row.metadata.spec_node_id not in ends]
    inner = {id_ for id_ in top if id_ not in ends and sum(row.id.node_id == id_ for row in rows[""]) == 1}
    assert inner <= set(listed)
    assert make.artifacts(tree, {}) == make.artifacts(tree, {})


def recorded_workflow(name: str) -> bytes:
    path = f"/api/v1/workflows/flytesnacks/development/labflows.{name}/v1"
    return bytes(Replay().single[path].closure.compiled_workflow.SerializeToString())  # type: ignore[attr-defined]


@given(
    st.sampled_from(["nested", "branches", "mapped", "fails_with_handler"]).map(recorded_workflow),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
)
def test_any_damaged_workflow_is_joined(body: bytes, damage: list[tuple[float, int]]) -> None:
    damaged = bytearray(body)
    for place, byte in damage:
        damaged[int(place * len(damaged))] = byte
    compiled = compiler_pb2.CompiledWorkflowClosure()
    if make.parses(compiled, bytes(damaged)):
        run = make.artifacts(make.tree(Closure.of(compiled), {}), {})
        assert {file.state for file in run.files} <= {"pending"}


def test_a_node_below_itself_ends() -> None:
    rows = {key: [make.row("n0"), make.row("n1"), make.row("x")] for key in ("", "n0", "n1", "x")}
    inner = make.workflow("inner", [make.node("n0", runs="make"), make.node("n1", runs="make")])
    main = make.workflow("w", [make.node("n0", flow="inner"), make.node("n1", flow="inner")])
    tree = make.tree(make.closure(main, [DATA], [inner]), rows)
    assert len(list(tree.walk())) < 20


def test_lists_of_lists_in_a_circle_end() -> None:
    twice = make.all_of(*[make.promise(node, "o0") for node in ("n0", "n1")] * 2)
    through = {"o0": (make.variable("data/A/a.csv"), make.all_of(*[make.promise("start-node", "x")] * 2))}
    nodes = [make.node(node, flow="through", x=twice) for node in ("n0", "n1")]
    closure = make.closure(make.workflow("w", nodes), [], [make.workflow("through", [], through)])
    run = make.artifacts(make.tree(closure, {}), {})
    assert {one.state for one in run.files} <= {"pending"}
    assert any("too many" in notice for notice in run.notices)


def test_a_domino_job_has_its_whole_name() -> None:
    names = []
    for type_ in ("domino_job", "python-task"):
        task = make.task("Table 14.3.1", o0=make.variable("report/TFL/t.csv"))
        task.type = type_
        ran = make.node("n0", runs="Table 14.3.1")
        ran.metadata.name = "1"
        run = make.artifacts(make.tree(make.closure(make.workflow("w", [ran]), [task]), {}), {})
        names += [file.node_name for file in run.files]
    assert names == ["Table 14.3.1", "1"]
