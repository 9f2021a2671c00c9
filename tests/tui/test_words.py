"""Cuts, columns, trees, filters and tables: the pure parts of the screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from flowtui.domain.lineage import Lineage, LineageEdge, LineageNode
from flowtui.preview.result import Column as TableColumn
from flowtui.tui import tables
from flowtui.tui.filters import Word, matches, parse
from flowtui.tui.formatting import ASCII, Mark, age, cut, cut_end, outline, phase_mark
from flowtui.tui.outlines import graph_rows, lineage_rows
from flowtui.tui.widgets.columns import GAP, Column, fit
from flowtui.tui.widgets.facts import wrap


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "now"),
        (4.9, "now"),
        (5, "5 s ago"),
        (59, "55 s ago"),
        (60, "1 min ago"),
        (7200, "2 h ago"),
        (200_000, "2 d ago"),
    ],
)
def test_ages_are_short(seconds: float, said: str) -> None:
    assert age(seconds) == said


def test_a_phase_is_glyph_word_and_style() -> None:
    assert phase_mark("SUCCEEDED") == Mark("✔ done", "good")
    assert phase_mark("FAILED", ASCII) == Mark("x failed", "bad")
    assert phase_mark("NEW\x1b[31m_PHASE").style == "wait"
    assert "\x1b" not in phase_mark("NEW\x1b[31m_PHASE").text


@given(st.text(), st.integers(0, 60))
def test_cuts_fit(text: str, width: int) -> None:
    for cutter in (cut, cut_end):
        assert cell_len(cutter(text, width)) <= width


def test_a_cut_shows_both_ends() -> None:
    assert cut("adam_tfl_pipeline_final_v2_final", 20) == "adam_tfl_p…_v2_final"
    assert cut("日本語日本語", 5) == "日…語"


@given(st.lists(st.integers(0, 90), min_size=6, max_size=6), st.integers(4, 200))
def test_columns_fit_and_the_name_never_leaves(natural: list[int], width: int) -> None:
    columns = (
        Column("phase", least=9, most=13, leave=2),
        Column("run", least=4, most=48),
        Column("workflow", least=12, leave=3),
        Column("took", leave=1),
        Column("version", least=8, leave=7, extra=True),
        Column("by", least=6, leave=8, extra=True),
    )
    sizes = fit(columns, natural, width)
    kept = [size for size in sizes if size]
    assert sum(kept) + GAP * (len(kept) - 1) <= width
    assert sizes[1] > 0


def test_columns_leave_in_order() -> None:
    columns = (Column("name", least=10), Column("b", least=10, leave=1), Column("c", least=10, leave=2))
    assert [bool(size) for size in fit(columns, [30, 10, 10], 34)] == [True, True, True]
    assert [bool(size) for size in fit(columns, [30, 10, 10], 33)] == [True, True, False]
    assert [bool(size) for size in fit(columns, [30, 10, 10], 20)] == [True, False, False]


def test_guides_of_a_tree() -> None:
    assert outline([0, 1, 2, 2, 1, 0, 1]) == ["", "├ ", "│ ├ ", "│ └ ", "└ ", "", "└ "]


@given(st.text(), st.integers(8, 60))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    flat = cut_end(text, 500)
    lines = wrap((Mark(flat),), width, "…", most=1000)
    assert all(sum(cell_len(mark.text) for mark in line) <= width for line in lines)


def test_filter_words() -> None:
    fields = frozenset({"wf", "phase"})
    assert parse('wf:"my flow" !phase:aborted 7f2', fields) == (
        Word("my flow", "wf"), Word("aborted", "phase", True), Word("7f2"),
    )  # fmt: skip
    assert parse("s3://x wf:", fields) == (Word("s3://x"),)
    assert matches(parse("ADAM !phase:fail", fields), {"wf": "adam", "phase": "done"})
    assert not matches(parse("adam !phase:fail", fields), {"wf": "adam", "phase": "failed"})


@given(st.text())
def test_any_filter_line_is_parsed(line: str) -> None:
    matches(parse(line, {"wf"}), {"wf": "adam"})


def test_numbers_stand_right_and_long_texts_are_cut() -> None:
    columns = (TableColumn("N", "integer"), TableColumn("NAME", "text"), TableColumn("X", "number"))
    rows = ((1, "a" * 90, None), (1000, "b", 2.5))
    sizes = tables.widths(columns, rows)
    assert sizes == [4, tables.WIDEST, 3]
    texts = [tables.padded(tables.value(cell), *rest) for cell, *rest in zip(rows[0], columns, sizes, strict=True)]
    assert texts[0] == "   1"
    assert texts[1].startswith("aaa")
    assert [cell_len(text) for text in texts] == sizes
    assert tables.value(True) == "true"


def _diamond() -> Lineage:
    """An input and node a; a makes f; b and c take f; d takes of b and c."""
    nodes = (
        LineageNode("i", "input", "x = 1"), *(LineageNode(name, "node", name, phase="SUCCEEDED") for name in "abcd"),
        LineageNode("f", "file", "f.csv", "A", "f.csv", phase="present", node="a"),
    )  # fmt: skip
    edges = [("i", "a"), ("a", "f"), ("f", "b"), ("f", "c"), ("b", "d"), ("c", "d")]
    return Lineage(nodes, tuple(LineageEdge(*pair) for pair in edges))


def test_a_node_that_two_feed_is_drawn_once() -> None:
    rows = graph_rows(_diamond())
    shown = [row.guide + "".join(mark.text for mark in row.cells[0]) for row in rows]
    assert shown == ["a", "├ b", "│ └ d", "└ c"]
    assert rows[2].cells[2][0].text == "c"


def test_a_graph_that_goes_round_is_drawn_all_the_same() -> None:
    nodes = tuple(LineageNode(name, "node", name) for name in "abc")
    edges = tuple(LineageEdge(*pair) for pair in ("ab", "bc", "cb"))
    assert {row.key for row in graph_rows(Lineage(nodes, edges))} == {"a", "b", "c"}


def test_lineage_is_upstream_then_the_file_then_downstream() -> None:
    shown = ["".join(mark.text for mark in row.cells[1]) for row in lineage_rows(_diamond(), "f")]
    assert shown == ["x = 1", "a", "A / f.csv", "├ b", "│ └ d", "└ c", "  └ d"]
    assert "x = 1" not in ["".join(m.text for m in row.cells[1]) for row in lineage_rows(_diamond(), "f", inputs=False)]
