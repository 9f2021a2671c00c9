"""Sorting, column details, and what is found and folded in text, dumps, tables and trees: the pure parts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from flowtui.preview.hex import dump
from flowtui.preview.result import Cell as Value
from flowtui.preview.result import Column, Preview, TreeNode
from flowtui.preview.special_missing import SpecialMissing, UserMissing
from flowtui.tui import tables
from flowtui.tui.column_details import column_detail, extent
from flowtui.tui.contents.content import Content, Match, marked
from flowtui.tui.contents.kinds import content_of
from flowtui.tui.contents.table import TableContent
from flowtui.tui.contents.text import HexContent, TextContent
from flowtui.tui.contents.tree import TreeContent
from flowtui.tui.formatting import ASCII, Cell, Mark
from flowtui.tui.sorting import is_missing, sorted_order

MARKED = st.sampled_from("_AZb").map(SpecialMissing) | st.sampled_from([99, -1.5, "ZZ"]).map(UserMissing)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | MARKED
MISSING_IN_ORDER: list[Value] = [
    SpecialMissing("_"), None, SpecialMissing("A"), SpecialMissing("B"), UserMissing(8), UserMissing(99),
]  # fmt: skip


def text_of(cell: Cell) -> str:
    return "".join(mark.text for mark in cell)


def found(content: Content, words: str) -> list[Match]:
    return [match for match in content.search(words) if match is not None]


@pytest.mark.parametrize(
    ("cells", "type_", "ascending", "descending"),
    [
        (("10", "9", None, "-2.5"), "number", ["-2.5", "9", "10", None], ["10", "9", "-2.5", None]),
        (("10", "9", ""), "text", ["10", "9", ""], ["9", "10", ""]),
        ((3, None, 1, math.inf), "integer", [1, 3, math.inf, None], [math.inf, 3, 1, None]),
        (("b", "A", "a", "B"), "text", ["A", "a", "b", "B"], ["b", "B", "A", "a"]),
        (("7", "n/a", "2"), "integer", ["2", "7", "n/a"], ["n/a", "7", "2"]),
        ((True, False, None), "boolean", [False, True, None], [True, False, None]),
        (("9" * 400, "1e999", "8"), "integer", ["8", "9" * 400, "1e999"], ["1e999", "9" * 400, "8"]),
        (
            (
                SpecialMissing("B"),
                UserMissing(99),
                1,
                None,
                SpecialMissing("_"),
                UserMissing(8),
                SpecialMissing("A"),
                2,
            ),
            "number",
            [1, 2, *MISSING_IN_ORDER],
            [2, 1, *MISSING_IN_ORDER],
        ),
    ],
)
def test_numbers_are_sorted_as_numbers_and_missing_values_come_last(
    cells: tuple[Value, ...], type_: str, ascending: list[Value], descending: list[Value]
) -> None:
    assert [cells[at] for at in sorted_order(cells, type_)] == ascending
    assert [cells[at] for at in sorted_order(cells, type_, descending=True)] == descending


@given(st.lists(VALUES), st.sampled_from(["integer", "number", "text", ""]), st.booleans())
def test_any_values_have_an_order(cells: list[Value], type_: str, descending: bool) -> None:
    order = sorted_order(cells, type_, descending=descending)
    assert sorted(order) == list(range(len(cells)))
    missing = [is_missing(cells[at]) for at in order]
    assert missing == sorted(missing)
    assert sorted_order([cells[at] for at in order], type_, descending=descending) == list(range(len(cells)))


def test_the_detail_of_a_column_is_what_its_file_says() -> None:
    column = Column("AGE", "integer", "Age", "8.", nulls=0, least=50, most=89)
    said = text_of(column_detail(column, (63, 64), whole=False))
    assert said == 'AGE integer 8. "Age" · 0 missing · 50 to 89'
    assert text_of(column_detail(column, (), whole=True, signs=ASCII)).endswith("| 0 missing | 50 to 89")


def test_what_the_loaded_rows_say_of_a_column_is_said_to_be_that() -> None:
    column = Column("AGE", "integer")
    values = ("9", None, "10")
    assert text_of(column_detail(column, values, whole=False)) == "AGE integer · 1 missing · 9 to 10 · in 3 loaded rows"
    assert text_of(column_detail(column, values, whole=True)) == "AGE integer · 1 missing · 9 to 10"
    half_known = Column("AGE", "integer", nulls=7)
    assert text_of(column_detail(half_known, values, whole=False)).endswith("7 missing · 9 to 10 · in 3 loaded rows")
    assert text_of(column_detail(column, ("5", "5"), whole=True)).endswith("all 5")
    assert text_of(column_detail(Column("X"), (None,), whole=True)) == "X · 1 missing"


def test_missing_values_that_say_more_are_counted_by_what_they_say() -> None:
    values = (1.5, SpecialMissing("B"), None, SpecialMissing("A"), SpecialMissing("B"), UserMissing(99))
    said = text_of(column_detail(Column("N", "number"), values, whole=True))
    assert said == "N number · 5 missing (1 .A, 2 .B, 1 99 (missing)) · all 1.5"
    assert text_of(column_detail(Column("N", nulls=9), values, whole=False)).endswith("in 6 loaded rows")


def test_a_special_missing_value_is_drawn_dim_and_is_found() -> None:
    preview = Preview("table", (Column("N", "number"),), ((1.5,), (SpecialMissing("A"),)), total_rows=2)
    content = TableContent(preview)
    content.cursor = 0
    assert [(mark.text.strip(), mark.style) for mark in content.line(1)] == [(".A", "dim"), ("", "")]
    assert [match.line for match in found(content, ".a")] == [1]


@given(st.lists(VALUES), st.booleans())
def test_any_values_have_an_extent(values: list[Value], whole: bool) -> None:
    column = Column("A\x1b[31m", "number")
    assert extent(column, values, whole=whole).missing == sum(map(is_missing, values))
    assert "\x1b" not in text_of(column_detail(column, values, whole=whole))


@given(st.lists(st.text(max_size=10), max_size=4), st.lists(st.integers(0, 30), max_size=6, unique=True))
def test_marking_changes_no_character(texts: list[str], bounds: list[int]) -> None:
    bounds.sort()
    spans = [(start, end, "found") for start, end in zip(bounds[::2], bounds[1::2], strict=False)]
    cell = tuple(Mark(text, "dim") for text in texts)
    shown = marked(cell, spans)
    whole = "".join(texts)
    assert text_of(shown) == whole
    assert "".join(mark.text for mark in shown if mark.style == "found") == "".join(whole[s:e] for s, e, _ in spans)


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20), max_size=8),
    st.text("aB日é.*[", min_size=1, max_size=3),
)
def test_what_is_found_in_text_is_there_whatever_its_case(lines: list[str], words: str) -> None:
    content = TextContent(lines)
    matches = found(content, words)
    for match in matches:
        assert lines[match.line][match.start : match.end].casefold() == words.casefold()
        start, end = content.span(match)
        assert start + end - start <= cell_len(lines[match.line])
    assert {match.line for match in matches} >= {number for number, line in enumerate(lines) if words in line}


def test_bytes_are_found_as_characters_and_as_digits_across_lines() -> None:
    data = bytes(range(13)) + b"Hello, World" + bytes(20)
    content = HexContent(dump(data))
    (match,) = found(content, "hello, w")
    assert (match.line, match.start, match.end) == (0, 13, 21)
    content.mark([match], match)
    here = ["".join(mark.text for mark in content.line(number) if mark.style == "found-here") for number in (0, 1)]
    assert here == ["48656c" + "Hel", "6c6f2c2057" + "lo, W"]
    assert [one.start for one in found(content, "0c 48")] == [12]
    assert found(content, "日") == []
    for number, line in enumerate(dump(data)):
        assert text_of(content.line(number)) == line


@given(st.binary(max_size=80), st.binary(min_size=1, max_size=3))
def test_bytes_that_are_there_are_found(data: bytes, wanted: bytes) -> None:
    at = data.find(wanted)
    assert any(match.start <= at < match.end for match in found(HexContent(dump(data)), wanted.hex())) == (at >= 0)


def table(rows: int = 6, *, total: int | None = None, columns: int = 8) -> Preview:
    named = (Column("ID", "text"), *(Column(f"V{number}", "integer") for number in range(1, columns)))
    cells = tuple((f"s{row}", *(str((row * 7 + number) % 11) for number in range(1, columns))) for row in range(rows))
    return Preview("table", columns=named, rows=cells, total_rows=total, more=total is not None and total > rows)


def column_of(content: TableContent, name: str) -> list[str]:
    """The values of a column as they are shown."""
    lines = [text_of(content.line(number)).split() for number in range(len(content))]
    names = [word for word in text_of(content.head(0, content.width).moving).split() if word not in "↑↓"]
    return [line[names.index(name)] for line in lines]


def test_sorting_goes_up_down_and_off_and_says_what_is_sorted() -> None:
    content = TableContent(table(total=100))
    content.move_column(1)
    content.move(3)
    content.turn_sort()
    assert column_of(content, "V1") == ["0", "1", "3", "4", "7", "8"]
    assert content.note() == "sorted: loaded rows only"
    assert "V1 ↑" in text_of(content.head(0, 99).moving)
    assert content.cursor == 0
    content.turn_sort()
    assert column_of(content, "V1") == ["8", "7", "4", "3", "1", "0"]
    content.turn_sort()
    assert column_of(content, "ID") == [f"s{number}" for number in range(6)]
    assert content.note() == ""
    whole = TableContent(table(total=6))
    whole.turn_sort()
    assert whole.note() == "sorted"


def test_value_labels_stand_in_the_place_of_values_and_go_again() -> None:
    columns = (
        Column(
            "SEX",
            "number",
            format="SEXF8.",
            value_labels=(("1", "Male"), ("2", "Female"), (".A", "refused"), (".", "none")),
        ),
        Column("N", "number"),
    )
    rows: tuple[tuple[Value, ...], ...] = ((1, 1), (2, 2), (SpecialMissing("A"), None), (None, 3), (9, 1))
    content = TableContent(Preview("table", columns, rows, total_rows=5))
    assert content.has_labels
    plain = [text_of(content.line(number)).split() for number in range(5)]
    assert plain == [["1", "1"], ["2", "2"], [".A"], ["3"], ["9", "1"]]
    content.turn_labels()
    labelled = [text_of(content.line(number)).split() for number in range(5)]
    assert labelled == [["Male", "1"], ["Female", "2"], ["refused"], ["none", "3"], ["9", "1"]]
    assert "value labels" in content.note()
    again = TableContent(Preview("table", columns, rows, total_rows=5))
    again.take_over(content)
    assert again.is_labelled
    content.turn_labels()
    assert [text_of(content.line(number)).split() for number in range(5)] == plain
    assert "1 Male, 2 Female, .A refused, . none" in text_of(content.detail())


def test_a_table_without_value_labels_does_not_turn_to_them() -> None:
    content = TableContent(Preview("table", (Column("N"),), ((1,),), total_rows=1))
    content.turn_labels()
    assert not content.has_labels
    assert not content.is_labelled


def test_a_table_without_columns_is_shown() -> None:
    content = TableContent(Preview("table", total_rows=3))
    for act in (content.turn_sort, content.hide, content.pin, content.show_all, content.turn_labels):
        act()
    assert (len(content), content.detail(), content.head(0, 40).fixed) == (0, (), ())


def test_columns_hide_and_come_back_under_the_cursor() -> None:
    content = TableContent(table())
    content.pinned = 2
    content.move_column(1)
    content.hide()
    assert "V1" not in text_of(content.head(0, 99).fixed + content.head(0, 99).moving)
    assert content.pinned == 1
    assert content.note() == "1 hidden"
    assert text_of(content.detail()).startswith("V2")
    content.show_all()
    assert text_of(content.detail()).startswith("V2")
    assert content.hidden == 0
    for _ in range(20):
        content.hide()
    assert len(content.shown) == 1


def test_pinned_columns_stand_still_and_leave_room() -> None:
    content = TableContent(table(columns=30))
    content.move_column(1)
    content.pin()
    content.move_column(29)
    left = content.sideways(0, 30)
    window = content.window(0, left, 30)
    assert text_of(window.fixed).startswith("s0  ")
    assert text_of(window.moving)[window.skip :].split()[-1] == text_of(content.line(0)).split()[-1]
    content.pin()
    assert content.pinned == 30
    assert content.still(30) < 10
    content.pin()
    assert content.pinned == 0


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 45), st.integers(0, 60), st.integers(3, 90))
def test_the_column_under_the_cursor_is_in_sight_and_lines_are_not_too_long(
    columns: int, place: int, pinned: int, left: int, width: int
) -> None:
    content = TableContent(table(2, columns=columns))
    content.move_column(pinned)
    content.pin()
    content.move_column(place)
    at = content.sideways(left, width)
    assert at >= 0
    for window in (content.head(at, width), content.window(0, at, width)):
        names = text_of(window.fixed) + text_of(window.moving)[window.skip :]
        assert names
    head = content.head(at, width)
    name = content._name(content.shown[content.column])
    seen = (text_of(head.fixed) + text_of(head.moving)[head.skip :])[:width]
    assert name in seen or width < 12
    assert content.at(seen.find(name), at, width) == content.column or name not in seen


def test_cells_are_found_in_the_order_of_the_screen_and_hidden_columns_left_out() -> None:
    content = TableContent(table())
    content.move_column(1)
    content.turn_sort()
    content.turn_sort()
    first = found(content, "s")[0]
    assert content.position(first) == 0
    content.reveal(first)
    assert (content.cursor, content.column) == (0, 0)
    content.hide()
    assert found(content, "s") == []


def test_more_of_a_table_keeps_cursor_order_and_columns() -> None:
    old = TableContent(table(6, total=50))
    old.move_column(2)
    old.turn_sort()
    old.move(4)
    row = old.copies()[1].text
    old.move_column(3)
    old.hide()
    new = TableContent(table(20, total=50))
    new.take_over(old)
    assert len(new) == 20
    assert new.hidden == 1
    assert new.note() == "1 hidden · sorted: loaded rows only"
    assert new.copies()[1].text.split("\t")[0] == row.split("\t")[0]
    other = TableContent(table(6, columns=3))
    other.take_over(old)
    assert other.hidden == 0


def test_a_cell_a_row_and_a_name_can_be_copied() -> None:
    content = TableContent(Preview("table", columns=(Column("A"), Column("B")), rows=((1, None), (True, "x"))))
    content.move(1)
    assert [copy.text for copy in content.copies()] == ["true", "true\tx", "A"]
    assert [copy.text for copy in TableContent(Preview("table", columns=(Column("A"),))).copies()] == ["A"]
    assert TableContent(Preview("table")).copies() == ()
    assert tables.tab_separated((None, 2.5, "a")) == "\t2.5\ta"


def test_a_table_without_columns_or_rows_moves_nothing() -> None:
    for preview in (Preview("table"), Preview("table", columns=(Column("A"),))):
        content = TableContent(preview)
        for act in (content.turn_sort, content.hide, content.pin, content.show_all, content.turn_sort):
            act()
        content.move(5)
        content.move_column(3)
        assert len(content) == 0
        assert content.head(0, 20) is not None
        assert found(content, "a") == []


ROOT = TreeNode(
    "", "{2}", (TreeNode("arms", "[2]", (TreeNode("0", "Placebo"), TreeNode("1", "High"))), TreeNode("n", "306"))
)


def shown(content: Content) -> list[str]:
    return [text_of(content.line(number)) for number in range(len(content))]


def test_branches_shut_and_open() -> None:
    content = TreeContent(ROOT)
    assert shown(content) == ["▾ {2}", "├ ▾ arms: [2]", "│ ├ 0: Placebo", "│ └ 1: High", "└ n: 306"]
    content.move(2)
    assert content.collapse()
    assert content.cursor == 1
    assert content.collapse()
    assert shown(content) == ["▾ {2}", "├ ▸ arms: [2]", "└ n: 306"]
    assert content.expand()
    assert not content.expand()
    assert len(content) == 5
    content.move(0)
    assert content.collapse()
    assert not content.collapse()
    assert shown(content) == ["▸ {2}"]


def test_a_match_in_a_shut_branch_opens_it() -> None:
    content = TreeContent(ROOT)
    content.collapse()
    (match,) = found(content, "high")
    assert content.position(match) == 0
    content.reveal(match)
    assert content.cursor == 3
    content.mark([match], match)
    assert ("High", "found-here") in content.line(3)
    assert content.span(match) == (7, 11)
    assert [copy.text for copy in content.copies()] == ["High", "arms.1"]


def test_more_of_a_tree_keeps_what_is_shut() -> None:
    old = TreeContent(ROOT)
    old.move(1)
    old.collapse()
    more = TreeContent(TreeNode("", "{3}", (*ROOT.children, TreeNode("z", "1"))))
    more.take_over(old)
    assert more.cursor == 1
    assert shown(more) == ["▾ {3}", "├ ▸ arms: [2]", "├ n: 306", "└ z: 1"]


trees = st.recursive(
    st.builds(TreeNode, st.text(max_size=3), st.text(max_size=3)),
    lambda inner: st.builds(TreeNode, st.text(max_size=3), st.text(max_size=3), st.lists(inner, max_size=3).map(tuple)),
    max_leaves=12,
)


@given(trees, st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=12))
def test_any_tree_folds_and_unfolds(root: TreeNode, moves: list[tuple[bool, int]]) -> None:
    content = TreeContent(root)
    everything = shown(content)
    for opens, line in moves:
        content.move(line)
        before = content._index
        changed = content.expand() if opens else content.collapse()
        assert changed or content._index == before
        assert 0 <= (content.cursor or 0) < len(content)
    for number in range(len(everything)):
        content.reveal(Match(number, 0, 0))
    assert shown(content) == everything


def test_every_kind_of_preview_has_content() -> None:
    assert isinstance(content_of(Preview("hex", lines=dump(b"x"))), HexContent)
    assert isinstance(content_of(Preview("hex", lines=("0000: no digits at all",))), TextContent)
    facts = content_of(Preview("image", facts=(("size", "6 x 4"),)))
    assert shown(facts) == ["size  6 x 4"]
    assert found(facts, "6 X") == [Match(0, 6, 9)]
    assert len(content_of(Preview("text"))) == 0


def test_a_table_without_columns_can_be_walked_through() -> None:
    content = TableContent(Preview("table", (), (), total_rows=0))
    content.move_column(1)
    content.turn_sort()
    content.hide()
    content.pin()
    assert (len(content), content.column, content.row, content.copies(), content.detail()) == (0, 0, None, (), ())
    assert content.head(0, 80).moving == ()
    assert content.at(5, 0, 80) == 0
    assert found(content, "x") == []
