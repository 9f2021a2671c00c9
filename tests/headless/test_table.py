from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.headless.style import Style
from flowtui.headless.table import Column, Painted, fit, table, tree
from flowtui.text import cells

NOW = datetime(2026, 11, 24, tzinfo=timezone.utc)
COLUMNS = (Column("name", least=6), Column("size", leaves=1, right=True), Column("node", leaves=2, least=5))
ROWS = [["adam_tfl_pipeline_v2", "1.2 MB", "Create ADSL"], ["dm.csv", "88 KB", "Import"]]


def style(width: int | None = None, **more: bool) -> Style:
    return Style(width=width, now=NOW, **more)


def test_columns_are_aligned() -> None:
    assert table(COLUMNS, ROWS, style()).splitlines() == [
        "name                    size  node",
        "adam_tfl_pipeline_v2  1.2 MB  Create ADSL",
        "dm.csv                 88 KB  Import",
    ]


def test_long_cells_are_cut_in_the_middle_before_a_column_leaves() -> None:
    assert table(COLUMNS, ROWS, style(30)).splitlines() == [
        "name          size  node",
        "adam_…e_v2  1.2 MB  Creat…ADSL",
        "dm.csv       88 KB  Import",
    ]


def test_columns_leave_in_order_and_the_first_stays() -> None:
    assert table(COLUMNS, ROWS, style(15)).splitlines()[0].split() == ["name", "size"]
    assert table(COLUMNS, ROWS, style(9)).splitlines() == ["name", "adam…e_v2", "dm.csv"]


def test_a_column_without_values_is_left_out() -> None:
    assert "size" not in table(COLUMNS, [["a", "", "b"]], style())
    assert "size" in table(COLUMNS, [["a", "", "b"]], style(), keep_empty=True)


def test_no_rows_give_nothing() -> None:
    assert table(COLUMNS, [], style()) == ""


def test_a_note_stands_below_its_row() -> None:
    assert (
        table(COLUMNS, ROWS, style(20), {0: "boom: no denominators in ADSL"}).splitlines()[2] == "  boom: no … in ADSL"
    )


def test_foreign_text_moves_no_cursor() -> None:
    text = table(COLUMNS, [["a\x1b[31mb\nc\u202ed", "1", "\x9b2J"]], style(), {0: "x\x1b]0;title\x07y"})
    assert text.splitlines()[1:] == ["ab cd     1", "  xy"]


def test_colour_is_for_terminals_only() -> None:
    row = [[Painted("done", "green"), "1", "n"]]
    assert "\x1b" not in table(COLUMNS, row, style())
    assert "\x1b[32mdone\x1b[0m" in table(COLUMNS, row, style(color=True))


def test_wide_characters_take_two_cells() -> None:
    assert cells("試験") == 4
    assert cells("e\u0301") == 1
    assert fit("試験結果一覧", 7) == "試…一覧"
    assert fit("abcdef", 4, ascii_only=True) == "ab~f"


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"])), st.integers(0, 30))
def test_what_is_fitted_fits(text: str, width: int) -> None:
    assert cells(fit(text, width)) <= width


@given(
    st.lists(st.lists(st.text(max_size=30), min_size=3, max_size=3), min_size=1, max_size=5),
    st.integers(10, 80),
)
def test_a_table_fits_its_terminal(rows: list[list[str]], width: int) -> None:
    text = table(COLUMNS, rows, style(width))
    assert all(cells(line) <= width for line in text.split("\n"))
    assert text.count("\n") == len(rows) + 1


@pytest.mark.parametrize(
    ("ascii_only", "lines"),
    [
        (False, ["a", "├ b", "│ └ c", "└ d", "e"]),
        (True, ["a", "|- b", "|  `- c", "`- d", "e"]),
    ],
)
def test_trees(ascii_only: bool, lines: list[str]) -> None:
    rows = [(0, "a"), (1, "b"), (2, "c"), (1, "d"), (0, "e")]
    assert tree(rows, style(ascii=ascii_only)).splitlines() == lines
