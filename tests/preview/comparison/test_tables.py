"""Tables compared: columns, keys, rows by key and by position, heads, and what must hold for any two tables."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.errors import UsageError
from flowtui.preview.comparison.cells import Values
from flowtui.preview.comparison.result import TableDifference
from flowtui.preview.comparison.tables import table_difference
from flowtui.preview.result import Cell, Column, Preview
from tests.preview.comparison.tables_of import table_of

AE = "USUBJID:text AESEQ:integer AETERM:text AVAL:number"


def counts(found: TableDifference) -> tuple[int, int, int, int]:
    return found.added, found.removed, found.changed, found.same


def test_rows_by_subject_and_sequence_variable() -> None:
    left = table_of(AE, [("01", 1, "HEADACHE", 1.0), ("01", 2, "COLD", 2.5), ("02", 1, "FEVER", None)])
    right = table_of(AE, [("02", 1, "FEVER", math.nan), ("01", 1, "MIGRAINE", 1.5), ("01", 3, "COLD", 2.5)])
    found = table_difference(left, right)
    assert found.key == ("USUBJID", "AESEQ")
    assert "AESEQ" in found.key_reason
    assert counts(found) == (1, 1, 1, 1)
    removed, added, changed = found.rows
    assert (removed.key, removed.left_row, removed.right_row) == (("01", 2), 2, 0)
    assert (added.key, added.left_row, added.right_row) == (("01", 3), 0, 3)
    assert [(cell.column, cell.left, cell.right) for cell in changed.cells] == [
        ("AETERM", "HEADACHE", "MIGRAINE"), ("AVAL", 1.0, 1.5),
    ]  # fmt: skip
    by_name = {change.name: change for change in found.columns}
    assert by_name["AVAL"].cells == 1
    assert by_name["AVAL"].largest == 0.5
    assert (by_name["AVAL"].left_missing, by_name["AVAL"].right_missing) == (1, 1)


def test_columns_added_removed_moved_and_defined_anew() -> None:
    left = table_of([Column("ID", "integer"), Column("A", "text", "old"), Column("B", "text"), Column("C", "text")], [])
    right = table_of(
        [Column("ID", "integer"), Column("C", "text", format="$8."), Column("A", "number", "new"), Column("D")], []
    )
    found = table_difference(left, right)
    by_name = {change.name: change for change in found.columns}
    assert {name: change.state for name, change in by_name.items()} == {
        "A": "changed", "B": "removed", "C": "changed", "D": "added",
    }  # fmt: skip
    assert by_name["A"].attributes == (("type", "text", "number"), ("label", "old", "new"))
    assert by_name["C"].attributes == (("format", "", "$8."),)
    assert [change.name for change in found.columns if change.moved] == ["A"]
    assert found.column_counts == (4, 4)


def test_a_column_that_is_only_pushed_aside_is_not_moved() -> None:
    rows = [("x", "y", "z")]
    found = table_difference(
        table_of("A:text B:text C:text", rows), table_of("N:text A:text B:text C:text", [("n", *rows[0])])
    )
    assert [(change.name, change.state, change.moved) for change in found.columns] == [("N", "added", False)]


@pytest.mark.parametrize(
    ("columns", "rows", "key"),
    [
        ("STUDYID:text USUBJID:text AGE:integer", [("S", "01", 50), ("S", "02", 50)], ("USUBJID",)),
        (
            "USUBJID:text PARAMCD:text AVISITN:integer AVAL:number",
            [("01", p, v, 1.5) for p in ("SBP", "DBP") for v in (1, 2)] + [("02", "SBP", 1, 2.5)],
            ("USUBJID", "PARAMCD", "AVISITN"),
        ),
        ("value:number site_id:text", [(1.5, "a"), (2.5, "b")], ("site_id",)),
        ("value:integer site_id:text", [(1, "a"), (2, "b")], ("site_id",)),
        ("a:text b:integer", [("x", 1), ("x", 2), ("y", 1)], ("a", "b")),
        ("a:number b:number", [(1.5, 2.5), (3.5, 4.5)], ()),
        ("a:text", [("x",), ("x",)], ()),
    ],
)  # fmt: skip
def test_the_key_that_is_found(columns: str, rows: list[tuple[Cell, ...]], key: tuple[str, ...]) -> None:
    found = table_difference(table_of(columns, rows), table_of(columns, rows[::-1]))
    assert set(found.key) == set(key)
    assert found.key_reason
    if key:
        assert counts(found) == (0, 0, 0, len(rows))


@pytest.mark.parametrize(
    ("columns", "rows", "key"),
    [
        (
            "STUDYID:text DOMAIN:text TSSEQ:integer TSPARMCD:text TSVAL:text",
            [("S", "TS", 1, "ADDON", "Y"), ("S", "TS", 1, "INDIC", "a"), ("S", "TS", 2, "INDIC", "b")],
            ("TSPARMCD", "TSSEQ"),
        ),
        (
            "RDOMAIN:text USUBJID:text IDVAR:text IDVARVAL:text QNAM:text QVAL:text",
            [("AE", "1", "AESEQ", at, name, f"{at}{name}") for at, name in (("1", "A"), ("2", "A"), ("1", "B"))],
            ("RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM"),
        ),
        (
            "USUBJID:text LBTESTCD:text VISITNUM:integer LBORRES:text",
            [("1", "ALT", 1, "3"), ("1", "ALT", 2, "4"), ("1", "AST", 1, "5"), ("2", "ALT", 1, "6")],
            ("USUBJID", "LBTESTCD", "VISITNUM"),
        ),
        (
            "ARMCD:text TAETORD:integer ETCD:text",
            [("A", 1, "SCR"), ("A", 2, "TRT"), ("B", 1, "SCR")],
            ("ARMCD", "TAETORD"),
        ),
        ("DOMAIN:text XXSEQ:integer XXVAL:text", [("XX", 1, "a"), ("XX", 2, "b")], ("DOMAIN", "XXSEQ")),
        # Results pair no rows, nor does a count that differs in every row.
        ("STUDYID:text TSVAL:text", [("S", "a"), ("S", "b"), ("S", "c")], ()),
        ("arm:text n:integer", [("A", 40), ("A", 12), ("B", 77), ("B", 5)], ()),
        ("arm:text line:integer", [("A", 1), ("A", 2), ("B", 3), ("B", 4)], ("line",)),
    ],
)  # fmt: skip
def test_the_key_of_clinical_data(columns: str, rows: list[tuple[Cell, ...]], key: tuple[str, ...]) -> None:
    assert table_difference(table_of(columns, rows), table_of(columns, rows)).key == key


def test_a_changed_result_of_trial_summary_is_one_changed_value() -> None:
    columns = "STUDYID:text TSSEQ:integer TSPARMCD:text TSVAL:text"
    old = [("S", 1, "ADDON", "Y"), ("S", 1, "AGEMIN", "50 years"), ("S", 1, "INDIC", "x")]
    new = [("S", 1, "ADDON", "N"), ("S", 1, "AGEMIN", "P50Y"), ("S", 1, "INDIC", "x"), ("S", 1, "SPONSOR", "ACME")]
    assert counts(table_difference(table_of(columns, old), table_of(columns, new))) == (1, 0, 2, 1)


def test_a_measurement_that_is_unique_by_chance_is_no_key() -> None:
    left = table_of("day:integer result:integer", [(1, 10), (1, 20), (2, 30), (2, 40)])
    right = table_of("day:integer result:integer", [(1, 11), (1, 21), (2, 31), (2, 41)])
    found = table_difference(left, right)
    assert found.key == ()
    assert counts(found) == (0, 0, 4, 0)


def test_a_given_key_and_one_that_is_not_there() -> None:
    left = table_of("Id:text V:integer", [("a", 1), ("a", 2), ("b", 3)])
    right = table_of("Id:text V:integer", [("b", 3), ("a", 1), ("a", 4)])
    found = table_difference(left, right, key=["ID"])
    assert found.key == ("Id",)
    assert counts(found) == (0, 0, 1, 2)
    assert found.doubled == 4
    with pytest.raises(UsageError, match="NOPE is no column of both") as raised:
        table_difference(left, right, key=["NOPE"])
    assert "Id, V" in raised.value.hint


def test_by_position_equal_rows_at_the_end_find_each_other() -> None:
    left = table_of("v:number", [(value,) for value in (1.5, 1.5, 2.5, 3.5)])
    right = table_of("v:number", [(value,) for value in (1.5, 9.5, 1.5, 2.5, 3.5)])
    found = table_difference(left, right)
    assert found.key == ()
    assert counts(found) == (1, 0, 0, 4)


def test_heads_do_not_call_rows_removed_that_may_follow() -> None:
    rows = [(str(number), number) for number in range(100, 200)]
    left = table_of("USUBJID:text V:integer", rows[:50], total=None)
    right = table_of("USUBJID:text V:integer", [("099", 99), *rows[:49]], total=1000)
    found = table_difference(left, right)
    assert counts(found) == (1, 0, 0, 49)
    assert (found.left_beyond, found.right_beyond) == (1, 0)
    assert not found.whole


def test_examples_are_bounded_and_counts_are_not() -> None:
    left = table_of("USUBJID:text V:integer", [(str(number), number) for number in range(500)])
    right = table_of("USUBJID:text V:integer", [(str(number), -1 - number) for number in range(250, 750)])
    found = table_difference(left, right, examples=10)
    assert counts(found) == (250, 250, 250, 0)
    assert len(found.rows) == 30
    wide = " ".join(f"C{number}:text" for number in range(100))
    row = table_difference(
        table_of(f"ID:text {wide}", [("1", *["a"] * 100)]), table_of(f"ID:text {wide}", [("1", *["b"] * 100)])
    )
    assert len(row.rows[0].cells) + row.rows[0].more == 100
    assert row.rows[0].more == 60


@pytest.mark.parametrize(
    ("types", "left", "right", "same"),
    [
        (("integer", "number"), "1", "1.0", True),
        (("number", "number"), "0.1", 0.1, True),
        (("integer", "integer"), "9007199254740993", "9007199254740992", False),
        (("integer", "integer"), "1,204", 1204, True),
        (("text", "text"), "1", "1.0", False),
        (("text", "text"), "NA", "", False),
        (("text", "text"), None, "", True),
        (("number", "number"), ".", None, True),
        (("number", "number"), math.nan, "NA", True),
        (("number", "number"), None, 0, False),
        (("date", "date"), "NA", None, True),
        (("boolean", "boolean"), True, "true", True),
        (("", "integer"), "", 1, False),
        (("number", "number"), "1_0", "10", False),
        (("number", "number"), 10**400, 1.5, False),
        (("number", "number"), math.inf, math.inf, True),
    ],
)  # fmt: skip
def test_when_values_are_the_same(types: tuple[str, str], left: Cell, right: Cell, same: bool) -> None:
    assert Values(*types).same(left, right) is same
    assert Values(types[1], types[0]).same(right, left) is same


def test_the_tolerance() -> None:
    values = Values("number", "number", 0.01)
    assert values.same(1.0, 1.01 - 1e-9)
    assert not values.same(1.0, 1.02)
    assert not values.same(10**400, 1.5)
    assert not values.same(math.inf, -math.inf)
    assert not values.same("1.0", "x")


CELLS = st.one_of(
    st.none(), st.integers(-3, 3), st.sampled_from(["", "a", "b", "NA", "1", "1.0", "."]), st.floats(width=16)
)
TYPES = st.sampled_from(["", "integer", "number", "text", "date"])


@st.composite
def tables(draw: st.DrawFn) -> Preview:
    names = draw(st.lists(st.sampled_from(["USUBJID", "AESEQ", "A", "B", "C"]), min_size=1, max_size=5))
    columns = [Column(name, draw(TYPES), draw(st.sampled_from(["", "label"]))) for name in names]
    rows = draw(st.lists(st.tuples(*[CELLS] * len(names)), max_size=8))
    total = draw(st.sampled_from([len(rows), len(rows), None, len(rows) + 5]))
    return table_of(columns, rows, total=total)


@given(tables())
def test_a_table_does_not_differ_from_itself(table: Preview) -> None:
    found = table_difference(table, table)
    assert found.equal
    assert found.rows == ()
    assert found.same == len(table.rows)


@given(tables(), tables())
def test_counts_add_up_and_turn_round(left: Preview, right: Preview) -> None:
    found = table_difference(left, right, examples=1000)
    paired = found.same + found.changed
    assert paired + found.removed + found.left_beyond == len(left.rows)
    assert paired + found.added + found.right_beyond == len(right.rows)
    states = [row.state for row in found.rows]
    assert [states.count(state) for state in ("added", "removed", "changed")] == list(counts(found)[:3])
    added = sum(change.state == "added" for change in found.columns)
    removed = sum(change.state == "removed" for change in found.columns)
    assert len(left.columns) - removed == len(right.columns) - added
    if found.key and len(set(found.key)) == len(found.key):
        back = table_difference(right, left, key=found.key, examples=1000)
        again = table_difference(left, right, key=found.key, examples=1000)
        if not back.doubled:
            assert counts(back) == (again.removed, again.added, again.changed, again.same)
            assert (back.left_beyond, back.right_beyond) == (again.right_beyond, again.left_beyond)


@given(
    st.lists(st.integers(0, 99), unique=True, max_size=30),
    st.lists(st.integers(0, 99), unique=True, max_size=30),
    st.randoms(),
)
def test_what_was_done_to_a_table_is_what_is_found(first: list[int], second: list[int], order: random.Random) -> None:
    left = [(str(number), number) for number in first]
    right = [(str(number), number + (number % 3 == 0)) for number in second]
    order.shuffle(right)
    found = table_difference(
        table_of("USUBJID:text V:integer", left),
        table_of("USUBJID:text V:integer", right),
        key=["USUBJID"],
        examples=100,
    )
    kept = set(first) & set(second)
    changed = sum(number % 3 == 0 for number in kept)
    assert counts(found) == (len(second) - len(kept), len(first) - len(kept), changed, len(kept) - changed)
    # Applied to left, the changes make right.
    table = dict(left)
    for row in found.rows:
        subject = str(row.key[0])
        if row.state == "removed":
            del table[subject]
        else:
            table[subject] = row.cells[0].right  # type: ignore[assignment]
    assert table == dict(right)
