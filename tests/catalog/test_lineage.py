"""The lineage of recorded runs, checked by hand against the flows that ran."""

from __future__ import annotations

from flyteidl.admin import execution_pb2, node_execution_pb2
from flyteidl.core import literals_pb2

from flowtui.admin import AdminClient
from flowtui.catalog import Catalog, convert, join, lineage
from flowtui.catalog.fetch import FetchedRun
from flowtui.catalog.tree import Tree
from flowtui.domain.execution import ExecutionId
from flowtui.domain.lineage import Lineage
from tests.catalog import make
from tests.replay import BASE_URL, Replay

NUMBER = make.Binding(scalar=make.integer(1).scalar)


async def read(name: str) -> Lineage:
    async with AdminClient(BASE_URL, transport=Replay(), retry_delay=0) as client:
        return await Catalog(client).lineage(ExecutionId("flytesnacks", "development", name))


def short(graph: Lineage, id_: str) -> str:
    """A vertex in a word: ``study`` for an input, ``n1`` for a node, ``Artifact/file@node`` for a file."""
    node = graph.by_id[id_]
    if node.kind == "file":
        return f"{node.artifact}/{node.file}@{node.node}" if node.artifact else f"{node.label}@{node.node}"
    return node.node if node.kind == "node" else node.label.split(" = ")[0]


def arrows(graph: Lineage) -> set[str]:
    return {
        f"{short(graph, edge.source)} -{edge.name}-> {short(graph, edge.target)}" if edge.name
        else f"{short(graph, edge.source)} -> {short(graph, edge.target)}"
        for edge in graph.edges
    }  # fmt: skip


def around(graph: Lineage, file: str) -> tuple[set[str], set[str]]:
    """What a file was made of, and what was made of it."""
    (id_,) = [node.id for node in graph.nodes if short(graph, node.id) == file]
    up = {short(graph, node.id) for node in graph.upstream(id_)}
    return up, {short(graph, node.id) for node in graph.downstream(id_)}


async def test_clinical() -> None:
    graph = await read("clinical-1")
    assert arrows(graph) == {
        "study -study-> n0",
        "n0 -o0-> SDTM/dm.csv@n0",
        "SDTM/dm.csv@n0 -dm-> n1",
        "cutoff -cutoff-> n1",
        "n1 -o0-> ADaM Datasets/adsl.csv@n1",
        "n1 -o1-> o1@n1",
        "ADaM Datasets/adsl.csv@n1 -adsl-> n2",
        "n2 -o0-> ADaM Datasets/adae dataset@n2",
        "ADaM Datasets/adsl.csv@n1 -adsl-> n3",
        "ADaM Datasets/adae dataset@n2 -adae-> n3",
        "n3 -t_ae-> TFL/Reports/t_ae.txt@n3",
    }
    up, down = around(graph, "ADaM Datasets/adsl.csv@n1")
    assert up == {"n1", "cutoff", "SDTM/dm.csv@n0", "n0", "study"}
    assert down == {"n2", "n3", "ADaM Datasets/adae dataset@n2", "TFL/Reports/t_ae.txt@n3"}
    labels = {node.label for node in graph.nodes if node.kind == "input"}
    assert labels == {"study = CDISC01", "cutoff = 30"}


async def test_nested_sub_workflows_are_looked_through() -> None:
    graph = await read("nested-1")
    assert arrows(graph) == {
        "study -study-> n0-0-n0-0-n0",
        "study -study-> n0-0-n1",
        "study -study-> n1",
        "n0-0-n0-0-n0 -o0-> group/inner2 out.csv@n0-0-n0-0-n0",
        "n0-0-n0-0-n0 -o0-> SDTM/dm.csv@n0-0-n0-0-n0",
        "n0-0-n1 -o0-> SDTM/dm.csv@n0-0-n1",
        "n1 -o0-> SDTM/dm.csv@n1",
        "n1 -o0-> group/outer.csv@n1",
    }


async def test_all_items_of_a_map_task_are_one_file() -> None:
    graph = await read("mapped-1")
    assert arrows(graph) == {
        "n -n-> n0",
        "n0 -i-> n1",
        "n1 -o0-> Mapped/part.csv@n1",
        "Mapped/part.csv@n1 -parts-> n2",
        "n2 -o0-> Mapped/joined.csv@n2",
    }


async def test_a_cache_hit_leads_to_the_run_that_filled_the_cache() -> None:
    graph = await read("cached-2")
    assert arrows(graph) == {
        "study -study-> n0",
        "cached-1 -cache-> n0",
        "n0 -o0-> Cached/dm.csv@n0",
        "Cached/dm.csv@n0 -dm-> n1",
        "n1 -o0-> ADaM Datasets/adsl.csv@n1",
        "n1 -o1-> o1@n1",
    }
    assert "cached-1" in around(graph, "ADaM Datasets/adsl.csv@n1")[0]


async def test_dynamic_nodes_lead_to_what_they_made() -> None:
    graph = await read("dynamics-1")
    deep, sub = "n2-0-dn0-0-dn0-0-dn0", "n3-0-dn0-0-dn0-0-dn0"
    assert arrows(graph) == {
        "n -n-> n0",
        *(f"n0 -study-> n0-0-dn{index}" for index in range(3)),
        *(f"n0-0-dn{index} -o0-> SDTM/dm.csv@n0-0-dn{index}" for index in range(3)),
        "n0-0-dn2 -o0-> Fan/fan.csv@n0-0-dn2",
        "n2 -n-> n2-0-dn0",
        "n2-0-dn0 -n-> n2-0-dn0-0-dn0",
        f"n2-0-dn0-0-dn0 -study-> {deep}",
        f"{deep} -o0-> SDTM/dm.csv@{deep}",
        f"{deep} -o0-> Deep/deep.csv@{deep}",
        f"n3 -study-> {sub}",
        "n3 -study-> n3-0-dn0-0-dn1",
        f"{sub} -o0-> SDTM/dm.csv@{sub}",
        f"{sub} -o0-> Fan/fansub.csv@{sub}",
        f"{sub} -o0-> group/inner2 out.csv@{sub}",
        "n3-0-dn0-0-dn1 -o0-> SDTM/dm.csv@n3-0-dn0-0-dn1",
    }
    assert around(graph, "Fan/fan.csv@n0-0-dn2") == ({"n0-0-dn2", "n0", "n"}, set())


async def test_launch_plan_children_and_parents_are_executions() -> None:
    graph = await read("lp-parent-1")
    assert arrows(graph) == {"study -study-> lp-parent-1-n0-0", "study -study-> lp-parent-1-n1-0"}
    child = await read("lp-parent-1-n0-0")
    assert "lp-parent-1" in around(child, "SDTM/dm.csv@n0")[0]


async def test_recovered_nodes_lead_to_the_run_before() -> None:
    graph = await read("partial-1-recovered")
    assert {"partial-1 -recovered-> n0", "partial-1 -recovered-> n2"} < arrows(graph)
    states = {short(graph, node.id): node.phase for node in graph.nodes if node.kind == "file"}
    assert states["Boom/never.pdf@n1"] == "not_produced"


async def hand_made(tree: Tree, data: dict[str, dict[str, make.Literal]]) -> Lineage:
    message = execution_pb2.Execution()
    answers = {
        node: node_execution_pb2.NodeExecutionGetDataResponse(full_outputs=literals_pb2.LiteralMap(literals=literals))
        for node, literals in data.items()
    }
    run = FetchedRun(message, tree, final=False, data=answers)
    return lineage.graph(join.plan(tree), run, convert.execution(message), ())


async def test_a_list_bound_item_by_item_is_made_of_the_items() -> None:
    nodes = [
        make.node("n0", runs="make"),
        make.node("n1", runs="plain", f=make.promise("n0")),
        make.node("n2", runs="plain", f=make.promise("n1")),
    ]
    both = make.variable("data/L/both.csv", many=True), make.all_of(make.promise("n0"), make.promise("n1"))
    tasks = [make.task("make", o0=make.variable("data/A/a.csv")), make.task("plain", o0=make.variable())]
    closure = make.closure(make.workflow("w", nodes, {"o0": both}), tasks)
    tree = make.tree(closure, {"": [make.row(node) for node in ("n0", "n1", "n2")]})
    graph = await hand_made(tree, {node: {"o0": make.blob(node)} for node in ("n0", "n1")})
    assert arrows(graph) == {
        "n0 -o0-> A/a.csv@n0",
        "A/a.csv@n0 -f-> n1",
        "n1 -f-> n2",
        "n2 -o0-> o0@n2",
        "A/a.csv@n0 -o0-> L/both.csv@n0",
        "n1 -o0-> L/both.csv@n0",
    }


async def test_an_item_of_a_list_feeds_who_reads_that_item() -> None:
    nodes = [
        make.node("n0", runs="list"),
        make.node("n1", runs="plain", f=make.promise("n0", "o0", 0)),
        make.node("n2", runs="plain", f=make.promise("n0", "o0", 1)),
        make.node("n3", runs="plain", f=make.promise("n0", "o0")),
    ]
    first = {"o0": (make.variable("data/L/first.csv"), make.promise("n0", "o0", 0))}
    tasks = [make.task("list", o0=make.variable(many=True)), make.task("plain")]
    tree = make.tree(make.closure(make.workflow("w", nodes, first), tasks), {"": [make.row("n0")]})
    assert arrows(await hand_made(tree, {"n0": {"o0": make.listed(make.blob("1"), make.blob("2"))}})) == {
        "n0 -o0-> L/first.csv@n0",
        "L/first.csv@n0 -f-> n1",
        "n0 -f-> n2",
        "L/first.csv@n0 -f-> n3",
    }


async def test_files_that_a_dynamic_node_hands_on_are_joined_by_their_uri() -> None:
    handed = make.Binding(scalar=make.blob("s3://b/a").scalar)
    compiled = make.closure(make.workflow("dynamic", [make.node("dn0", runs="plain", f=handed, n=NUMBER)]))
    tasks = [make.task("make", o0=make.variable("data/A/a.csv")), make.task("plain"), make.task("fan")]
    nodes = [make.node("n0", runs="make"), make.node("n1", runs="fan", f=make.promise("n0"))]
    rows = {"": [make.row("n0"), make.row("n1")], "n1": [make.row("n1-0-dn0", spec="dn0", group="0")]}
    tree = make.tree(make.closure(make.workflow("w", nodes), tasks), rows, dynamic={"n1": compiled})
    assert arrows(await hand_made(tree, {"n0": {"o0": make.blob("s3://b/a")}})) == {
        "n0 -o0-> A/a.csv@n0",
        "A/a.csv@n0 -f-> n1",
        "A/a.csv@n0 -f-> n1-0-dn0",
        "n1 -n-> n1-0-dn0",
    }


async def test_a_dynamic_node_that_hands_a_file_through_does_not_make_a_circle() -> None:
    handed = make.Binding(scalar=make.blob("s3://b/a").scalar)
    compiled = make.closure(make.workflow("dynamic", [make.node("dn0", runs="echo", f=handed)]))
    tasks = [make.task("make", o0=make.variable("data/A/a.csv")), make.task("echo", o0=make.variable("data/B/b.csv"))]
    tasks.append(make.task("fan"))
    nodes = [make.node("n0", runs="make"), make.node("n1", runs="fan", f=make.promise("n0"))]
    later = make.row("n1-0-dn0", spec="dn0", group="0")
    later.closure.created_at.seconds = 10
    rows = {"": [make.row("n0"), make.row("n1")], "n1": [later]}
    tree = make.tree(make.closure(make.workflow("w", nodes), tasks), rows, dynamic={"n1": compiled})
    same = {"o0": make.blob("s3://b/a")}
    assert arrows(await hand_made(tree, {"n0": same, "n1-0-dn0": same})) == {
        "n0 -o0-> A/a.csv@n0",
        "A/a.csv@n0 -f-> n1",
        "A/a.csv@n0 -f-> n1-0-dn0",
        "n1-0-dn0 -o0-> B/b.csv@n1-0-dn0",
    }


async def test_ids_are_the_same_every_time() -> None:
    assert await read("hostile-names-1") == await read("hostile-names-1")
    graph = await read("hostile-names-1")
    assert len({node.id for node in graph.nodes}) == len(graph.nodes)
    assert all(edge.source in graph.by_id and edge.target in graph.by_id for edge in graph.edges)
