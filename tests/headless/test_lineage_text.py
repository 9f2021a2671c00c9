"""The lineage as a tree, as Mermaid and as Graphviz, over a graph made by hand."""

from datetime import datetime, timezone

from hypothesis import given
from hypothesis import strategies as st

from flowtui.domain.lineage import Lineage, LineageEdge, LineageNode
from flowtui.headless import lineage
from flowtui.headless.style import Style

STYLE = Style(now=datetime(2026, 11, 24, tzinfo=timezone.utc))


def file(id_: str, artifact: str, name: str, state: str = "present") -> LineageNode:
    return LineageNode(id_, "file", name, artifact, name, f"s3://b/{name}", state, "n")


GRAPH = Lineage(
    (
        LineageNode("i", "input", "cutoff = 30"),
        LineageNode("n0", "node", "Import", phase="SUCCEEDED", node="n0"),
        file("f0", "SDTM", "dm.csv"),
        LineageNode("n1", "node", "Create ADSL", phase="SUCCEEDED", node="n1"),
        file("f1", "ADaM", "adsl.csv"),
        LineageNode("n2", "node", "Table", phase="FAILED", node="n2"),
        file("f2", "TFL", "t.rtf", "not_produced"),
    ),
    (
        LineageEdge("n0", "f0", "dm"),
        LineageEdge("f0", "n1", "dm"),
        LineageEdge("i", "n1", "cutoff"),
        LineageEdge("n1", "f1", "adsl"),
        LineageEdge("f1", "n2", "adsl"),
        LineageEdge("f0", "n2", "dm"),
        LineageEdge("n2", "f2", "t"),
    ),
)


def test_a_file_between_what_it_was_made_of_and_what_was_made_of_it() -> None:
    assert lineage._around(GRAPH, GRAPH.by_id["f1"], STYLE).splitlines() == [
        "  node   Import   ✔ done",
        "  input  cutoff = 30",
        "  file   SDTM / dm.csv",
        "  node   Create ADSL   ✔ done",
        "▶ file   ADaM / adsl.csv",
        "  └ node   Table   ✖ failed",
        "    └ file   TFL / t.rtf   not produced",
    ]


def test_a_run_from_its_beginnings_and_nothing_twice() -> None:
    assert lineage._forest(GRAPH, STYLE).splitlines() == [
        "input  cutoff = 30",
        "└ node   Create ADSL   ✔ done",
        "  └ file   ADaM / adsl.csv",
        "    └ node   Table   ✖ failed",
        "      └ file   TFL / t.rtf   not produced",
        "node   Import   ✔ done",
        "└ file   SDTM / dm.csv",
        "  ├ node   Create ADSL   ✔ done   (see above)",
        "  └ node   Table   ✖ failed   (see above)",
    ]


def test_the_part_of_a_file_leaves_out_what_passes_it_by() -> None:
    nodes, edges = lineage._part(GRAPH, (GRAPH.by_id["f1"],))
    assert {node.id for node in nodes} == {"i", "n0", "f0", "n1", "f1", "n2", "f2"}
    assert LineageEdge("f0", "n2", "dm") not in edges
    nodes, edges = lineage._part(GRAPH, (GRAPH.by_id["f0"],))
    assert {node.id for node in nodes} == {"n0", "f0", "n1", "f1", "n2", "f2"}
    assert LineageEdge("f0", "n2", "dm") in edges


def test_mermaid() -> None:
    lines = lineage._mermaid(*lineage._part(GRAPH, ())).splitlines()
    assert lines[0] == "flowchart TD"
    assert '  v0>"cutoff = 30"]' in lines
    assert '  v4(["ADaM / adsl.csv"])' in lines
    assert '  v0 -->|"cutoff"| v3' in lines


def test_dot() -> None:
    lines = lineage._dot(*lineage._part(GRAPH, ())).splitlines()
    assert lines[0] == "digraph lineage {"
    assert '  v4 [label="ADaM / adsl.csv", shape=note];' in lines
    assert '  v0 -> v3 [label="cutoff"];' in lines
    assert lines[-1] == "}"


@given(st.text())
def test_no_name_is_syntax(name: str) -> None:
    graph = Lineage(
        (LineageNode("a\nb", "input", name), LineageNode('"', "node", name)), (LineageEdge("a\nb", '"', name),)
    )
    assert len(lineage._mermaid(graph.nodes, graph.edges).splitlines()) == 4
    for line in lineage._mermaid(graph.nodes, graph.edges).splitlines()[1:3]:
        assert line.count('"') == 2
    dot = lineage._dot(graph.nodes, graph.edges)
    assert len(dot.splitlines()) == 6
    assert dot.replace("\\\\", "").replace('\\"', "").count('"') in (4, 6)


def test_a_long_chain_is_no_recursion() -> None:
    nodes = tuple(LineageNode(str(index), "node", f"n{index}") for index in range(5000))
    edges = tuple(LineageEdge(str(index), str(index + 1)) for index in range(4999))
    assert len(lineage._forest(Lineage(nodes, edges), STYLE).splitlines()) == 5000
