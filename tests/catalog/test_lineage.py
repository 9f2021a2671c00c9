"""The lineage of recorded runs, checked by hand against the flows that ran."""

from __future__ import annotations

from flowtui.admin import AdminClient
from flowtui.catalog import Catalog
from flowtui.domain.execution import ExecutionId
from flowtui.domain.lineage import Lineage
from tests.replay import BASE_URL, Replay


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


async def test_ids_are_the_same_every_time() -> None:
    assert await read("hostile-names-1") == await read("hostile-names-1")
    graph = await read("hostile-names-1")
    assert len({node.id for node in graph.nodes}) == len(graph.nodes)
    assert all(edge.source in graph.by_id and edge.target in graph.by_id for edge in graph.edges)
