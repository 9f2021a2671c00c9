"""Missing values that say more: what they are called, how they pass a worker's pipe, JSON and comparisons."""

from __future__ import annotations

import string
from typing import Any

import pytest

from flowtui.headless.json import cell_value
from flowtui.preview.comparison.cells import Values, number_of
from flowtui.preview.comparison.tables import table_difference
from flowtui.preview.limits import DEFAULT
from flowtui.preview.result import Cell, Column, Preview
from flowtui.preview.special_missing import SpecialMissing, UserMissing
from flowtui.preview.wire import MalformedPreviewError, pack, unpack
from tests.preview.comparison.tables_of import table_of

EVERY = [SpecialMissing(letter) for letter in (*string.ascii_uppercase, *string.ascii_lowercase, "_")]
ROWS: tuple[tuple[Cell, ...], ...] = (
    (SpecialMissing("A"), UserMissing(99)),
    (SpecialMissing("_"), UserMissing("ZZ")),
    (None, UserMissing(-1.5)),
)


def test_they_are_called_as_their_programs_do() -> None:
    assert [str(one) for one in (SpecialMissing("A"), SpecialMissing("_"), SpecialMissing("z"))] == [".A", "._", ".z"]
    assert [str(one) for one in (UserMissing(99), UserMissing("ZZ"))] == ["99 (missing)", "ZZ (missing)"]


@pytest.mark.parametrize("letter", ["", "AB", "1", ".", "é", " "])
def test_no_other_letter_is_one(letter: str) -> None:
    with pytest.raises(ValueError, match="letter"):
        SpecialMissing(letter)


def test_they_pass_the_pipe_of_a_worker() -> None:
    columns = (Column("A", "number"), Column("B", "text", missing_values=("99", "-9 to -1")))
    found = Preview("table", columns, ROWS, total_rows=3)
    assert unpack(pack(found), DEFAULT) == found


@pytest.mark.parametrize(
    "cell",
    [{}, {"letter": 1}, {"letter": "AB"}, {"letter": "\x1b"}, {"value": None}, {"value": True},
     {"value": {"letter": "A"}}, {"value": 1, "more": 2}, {"letter": "A", "value": 1}],
)  # fmt: skip
def test_what_is_none_does_not_pass_the_pipe(cell: Any) -> None:
    shape = pack(Preview("table", (Column("A"),), ((None,),)))
    shape["rows"] = [[cell]]
    with pytest.raises(MalformedPreviewError):
        unpack(shape, DEFAULT)


def test_json_has_the_letter_and_the_value() -> None:
    assert [[cell_value(cell) for cell in row] for row in ROWS] == [[".A", 99], ["._", "ZZ"], [None, -1.5]]


@pytest.mark.parametrize("type_", ["number", "date", "text"])
def test_each_letter_is_the_same_as_itself_only(type_: str) -> None:
    values = Values(type_, type_)
    for one in EVERY:
        assert values.is_missing(one)
        assert number_of(one) is None
        assert not values.same(one, None)
        assert not values.same(0, one)
        assert values.identity(one) is not None
        for other in EVERY:
            is_same = one.letter.upper() == other.letter.upper()
            assert values.same(one, other) == is_same
            assert (values.identity(one) == values.identity(other)) == is_same


def test_a_text_format_has_the_letter_as_text() -> None:
    assert Values("number", "text").same(SpecialMissing("A"), ".A")
    assert not Values("number", "text").same(SpecialMissing("A"), ".")
    assert not Values("number", "number").same(SpecialMissing("A"), "NA")


def test_a_user_missing_value_is_its_value() -> None:
    values = Values("number", "number", tolerance=0.5)
    assert values.is_missing(UserMissing(99))
    assert values.same(UserMissing(99), 99.0)
    assert values.same(UserMissing(99), UserMissing(99.25))
    assert not values.same(UserMissing(99), UserMissing(98))
    assert not values.same(UserMissing(99), None)
    assert values.identity(UserMissing(99)) == values.identity("99")


def test_another_letter_is_a_change_and_so_is_another_definition() -> None:
    left = table_of([Column("ID"), Column("N", "number")], [(1, SpecialMissing("A")), (2, 5)])
    right = table_of([Column("ID"), Column("N", "number", missing_values=("5",))], [(1, None), (2, UserMissing(5))])
    found = table_difference(left, right, key=["ID"])
    assert (found.changed, found.same) == (1, 1)
    change = found.columns[0]
    assert (change.cells, change.left_missing, change.right_missing) == (1, 1, 2)
    assert change.attributes == (("missing values", "", "5"),)
    assert [(cell.left, cell.right) for cell in found.rows[0].cells] == [(SpecialMissing("A"), None)]
