"""Walks over the lineage graph."""

from __future__ import annotations

from flowtui.domain.lineage import Lineage, LineageEdge, LineageNode


def _graph(*edges: tuple[str, str]) -> Lineage:
    ids = sorted({id_ for edge in edges for id_ in edge})
    return Lineage(
        tuple(LineageNode(id_, "file", id_) for id_ in ids),
        tuple(LineageEdge(source, target) for source, target in edges),
    )


def test_upstream_and_downstream_come_nearest_first() -> None:
    lineage = _graph(("dm", "ADSL"), ("ADSL", "adsl"), ("adsl", "ADAE"), ("ADAE", "adae"), ("cutoff", "ADSL"))
    assert [node.id for node in lineage.upstream("adsl")] == ["ADSL", "dm", "cutoff"]
    assert [node.id for node in lineage.downstream("dm")] == ["ADSL", "adsl", "ADAE", "adae"]
    assert [node.id for node in lineage.parents("ADSL")] == ["dm", "cutoff"]
    assert [node.id for node in lineage.children("adsl")] == ["ADAE"]


def test_a_diamond_is_walked_once() -> None:
    lineage = _graph(("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("b", "d"))
    assert [node.id for node in lineage.upstream("d")] == ["b", "c", "a"]
    assert [node.id for node in lineage.downstream("a")] == ["b", "c", "d"]


def test_a_cycle_in_foreign_data_ends() -> None:
    lineage = _graph(("a", "b"), ("b", "a"))
    assert [node.id for node in lineage.downstream("a")] == ["b"]


def test_an_unknown_id_has_no_neighbours() -> None:
    assert _graph(("a", "b")).upstream("nowhere") == ()
