"""HTML as tokens: what browsers see, in linear time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.preview.html_tokens import Tag, tokens


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("a<B C=1 d=\"x > y\" e='&amp;' f>b", ["a", Tag("b", False, {"c": "1", "d": "x > y", "e": "&", "f": ""}), "b"]),
        ("</P ><br/>", [Tag("p", True, {}), Tag("br", False, {})]),
        ("a<!-- <p> -->b<!doctype html>c<?php ?>d", ["a", "b", "c", "d"]),
        ("1 < 2 &lt; 3 <", ["1 ", "<", " 2 < 3 ", "<"]),
        ("<script>if (a < b) '</p>'</script>x", [Tag("script", False, {}), Tag("script", True, {}), "x"]),
        ("<title>a <b> &amp; c</title>", [Tag("title", False, {}), "a <b> & c", Tag("title", True, {})]),
        ("<style>never closed <p>", [Tag("style", False, {})]),
        ("text<!-- never closed <p>", ["text"]),
        ("text<a href='never closed", ["text"]),
        ("<a b=1 b=2>", [Tag("a", False, {"b": "1"})]),
    ],
)
def test_tokens(source: str, found: list[object]) -> None:
    assert list(tokens(source)) == found


@pytest.mark.parametrize(
    "piece",
    ["<!--", "<!", "<![CDATA[", "<a b='", '<a b="', "<", "</", "<script>", "</a", "&amp", "<a b=", "<a =", "'>"],
)
def test_a_megabyte_of_what_is_never_closed(piece: str) -> None:
    assert sum(1 for _ in tokens(piece * (1_000_000 // len(piece)))) <= 2_000_000


@given(st.text(alphabet="<>/!-='\"ab &;#1 \n", max_size=60))
def test_any_text_ends(source: str) -> None:
    assert all(isinstance(token, str | Tag) for token in tokens(source))
    plain = source.replace("<", "").replace("&", "")
    assert "".join(token for token in tokens(plain) if isinstance(token, str)) == plain
