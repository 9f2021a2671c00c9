"""Texts compared: a unified diff like difflib's, in bounded time for any text."""

from __future__ import annotations

import difflib

from hypothesis import given
from hypothesis import strategies as st

from flowtui.preview.comparison.lines import text_difference
from flowtui.preview.comparison.result import TextDifference

TEXTS = st.lists(st.sampled_from("abcdefg"), max_size=40)


def unified(found: TextDifference) -> list[str]:
    return [line.text if line.sign == "@" else line.sign + line.text for line in found.lines]


def applied(left: list[str], found: TextDifference) -> list[str]:
    """Left with the diff applied, as patch(1) does it."""
    made: list[str] = []
    at = 0
    for line in found.lines:
        if line.left_line:
            made += left[at : line.left_line - 1]
            at = line.left_line
            assert left[at - 1] == line.text
        if line.sign in " +":
            made.append(line.text)
    return made + left[at:]


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: list[str]) -> None:
    found = text_difference(text, list(text))
    assert found.equal
    assert found.lines == ()


@given(TEXTS, TEXTS)
def test_left_with_its_diff_is_right(left: list[str], right: list[str]) -> None:
    found = text_difference(left, right)
    assert found.equal == (left == right)
    assert len(left) - found.removed == len(right) - found.added
    signs = [line.sign for line in found.lines]
    assert (signs.count("+"), signs.count("-")) == (found.added, found.removed)
    kept = [line.right_line for line in found.lines if line.sign != "@" and line.right_line]
    assert kept == sorted(kept)
    assert applied(left, found) == right
    back = text_difference(right, left)
    assert back.added - back.removed == found.removed - found.added


def test_hunks_are_those_of_difflib() -> None:
    left = [f"line {number}" for number in range(60)]
    right = [*left[:10], "new", *left[10:14], "changed", *left[15:40], *left[41:]]
    expected = list(difflib.unified_diff(left, right, lineterm=""))[2:]
    assert unified(text_difference(left, right)) == expected


def test_a_head_does_not_call_lines_removed_that_may_follow() -> None:
    left = [f"line {number}" for number in range(50)]
    right = ["new", *left[:49]]
    found = text_difference(left, right, left_whole=False, right_whole=False)
    assert (found.added, found.removed) == (1, 0)
    assert (found.left_lines, found.right_lines) == (49, 50)
    assert text_difference(left, right).removed == 1


def test_texts_that_have_nothing_in_common_are_not_aligned() -> None:
    left = [f"a {number}" for number in range(20_000)]
    right = [f"b {number}" for number in range(20_000)]
    found = text_difference(left, right, most_lines=100)
    assert (found.added, found.removed, found.coarse) == (20_000, 20_000, 40_000)
    assert len(found.lines) == 100
    assert found.cut


def test_repeated_lines_take_bounded_time() -> None:
    left = ["x", "y"] * 10_000
    right = ["y", "z", "x"] * 7000
    found = text_difference(left, right)
    assert len(left) - found.removed == len(right) - found.added
    assert found.coarse
    backwards = [f"{number}" for number in range(20_000)]
    assert text_difference(backwards, backwards[::-1]).added == 19_999
