"""HTML, Markdown and notebooks as lines: what is read is what a reader would see, and nothing is run or fetched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.errors import PreviewError
from flowtui.preview.blocks import Cell, Heading, Paragraph, Rule, Table, Verbatim, lines_of_blocks, table_lines, wrap
from flowtui.preview.html import blocks_of_html, show_html
from flowtui.preview.limits import Limits
from flowtui.preview.markdown import show_markdown
from flowtui.preview.notebook import show_notebook
from flowtui.preview.result import Preview
from flowtui.text import cells
from tests.preview.documents import look_in_store, show_here
from tests.preview.look import look, strings


def html(text: str) -> list[str]:
    found = show_here(show_html, text.encode(), "x.html")
    assert isinstance(found, Preview)
    return [line for line in found.lines if line]


def markdown(text: str) -> list[str]:
    found = show_here(show_markdown, text.encode(), "x.md")
    assert isinstance(found, Preview)
    return list(found.lines)


DECK = """<!DOCTYPE html><html><head><title>Deck &amp; data</title><style>p {color: red}</style>
<script>if (a < b) document.write("</p>")</script></head><body><h1>Report</h1>
<p>Some <b>bold</b> text, a <a href="https://example.com/x">link</a> and <a href="javascript:alert(1)">none</a>.</p>
<table class="dataframe"><thead><tr><th></th><th>AGE</th><th>SEX</th></tr></thead>
<tbody><tr><th>0</th><td>63</td><td>F</td></tr><tr><th>1</th><td>1,164.5</td><td>M</td></tr></tbody></table>
<ul><li>one<ul><li>inner</li></ul></li></ul><ol><li>first</li><li>second</li></ol><pre>  x
    y</pre><img alt="plot" src="http://example.com/x.png"></body></html>"""


async def test_a_deck() -> None:
    found = await look(DECK.encode(), "deck.html")
    assert (found.kind, found.format, found.facts) == ("text", "html", (("title", "Deck & data"),))
    assert found.notices == ("1 script is left out",)
    assert [line for line in found.lines if line] == [
        "Report", "══════", "Some bold text, a link <https://example.com/x> and none.", "       AGE  SEX", "─" * 15,
        "0       63  F", "1  1,164.5  M", "- one", "  - inner", "1. first", "2. second", "    x", "      y",
        "[picture: plot]",
    ]  # fmt: skip


async def test_a_login_page_in_place_of_a_table_is_recognised() -> None:
    found = await look(b"<!doctype html><html><title>Log in</title><form>User</form>", "adsl.csv", "csv")
    assert (found.format, found.lines) == ("html", ("User",))
    assert found.notices == ("this is a web page: is it a login page in place of the file?",)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("<table><tr><td rowspan=2>A<td colspan=2>B<tr><td>c<td>d</table>", ["A  B", "   c  d"]),
        ("<table><tr><td>x<table><tr><td>1<td>2</table><td>y</table>", ["x    y", "1 2"]),
        ("<p>one<p>two", ["one", "two"]),
        ("a<br>b", ["a", "b"]),
        ("<h3>t</h3>x", ["t", "x"]),
        ("<blockquote>q</blockquote>", ["  q"]),
        ("<svg><text>no</text></svg><iframe src=x>no</iframe>yes", ["yes"]),
        ("</table></td></tr></ul></li>x", ["x"]),
        ("<td>loose<tr>rows", ["loose", "rows"]),
        ("<p>&lt;script&gt; &#27;[2J</p>", ["<script>"]),
    ],
)
def test_pieces_of_html(text: str, lines: list[str]) -> None:
    shown = html(text)
    assert [line.replace(" [2J", "") for line in shown] == lines


async def test_fifty_megabytes_on_one_line_cost_their_beginning() -> None:
    content = b"<html><body>" + b"<p>text <b>bold</b></p>" * 2_200_000
    found, requests, read = await look_in_store(content, "big.html")
    assert len(content) > 50_000_000
    assert len(found.lines) == 1000
    assert requests == 1
    assert read == 256 * 1024
    assert found.more


@pytest.mark.parametrize(
    "piece", ["<table><tr><td>", "<ul><li>", "<div>", "<a href=x>", "<pre>", "<td colspan=9999999>"]
)
def test_nesting_is_bounded(piece: str) -> None:
    assert len(html(piece * 20_000 + "x")) <= 1000


_TAGS = st.sampled_from(
    ["<table>", "</table>", "<tr>", "<td>", "<th colspan=3>", "<td rowspan=2>", "</td>", "<thead>", "<ul>", "<ol>",
     "<li>", "</ul>", "<pre>", "</pre>", "<h2>", "</h2>", "<p>", "<a href=http://x>", "</a>", "<script>", "</script>",
     "<br>", "text ", "&#0;", "\x1b]0;x\x07", "\u202e", "<!--", "-->", "<![CDATA[", "<", "<img alt=a>", "<title>"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(_TAGS, max_size=50))
def test_any_sequence_of_tags(tags: list[str]) -> None:
    found = show_here(show_html, "".join(tags).encode(), "x.html", Limits(lines=20, line=80))
    assert isinstance(found, Preview)
    assert len(found.lines) <= 20
    assert all(char >= " " and char not in "\x1b\u202e" for text in strings(found) for char in text)


def test_markdown() -> None:
    text = """---
title: card
---
# Model card

Some *emphasised* text with `code` and a [link](https://example.com),
on two lines.

- one
  - inner
1. first
2. second

| name | AUC |
|:-----|----:|
| rf   | 0.9 |
| long | 0.12 |

```python
x = 1
```
> quoted

![plot](x.png)
***
"""
    assert [line for line in markdown(text) if line] == [
        "  title: card", "Model card", "═" * 10,
        "Some emphasised text with `code` and a link <https://example.com>, on two lines.",
        "- one", "  - inner", "1. first", "2. second", "name   AUC", "─" * 10, "rf     0.9", "long  0.12", "  x = 1",
        "  quoted", "[picture: plot]", "─" * 100,
    ]  # fmt: skip


async def test_markdown_is_shown_as_such() -> None:
    found = await look(b"# T\n\ntext\n", "README.md")
    assert (found.format, found.lines) == ("markdown", ("T", "═", "", "text"))


@pytest.mark.parametrize(
    "text", [">" * 5000 + "x", "[" * 5000, "*a " * 5000, "- " * 3000 + "x", "`" * 9999, "|a" * 3000]
)
def test_hostile_markdown_is_bounded(text: str) -> None:
    assert len(markdown(text)) <= 1000


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab\n#*_`[]()|->1. \t<!&\x1b\u202e", max_size=120))
def test_any_markdown(text: str) -> None:
    assert all(char >= " " and char not in "\x1b\u202e" for line in markdown(text) for char in line)


def notebook(*cells_: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells_, **more}).encode()


async def test_a_notebook() -> None:
    content = notebook(
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {
            "cell_type": "code",
            "execution_count": 3,
            "source": "df.head()\n1/0",
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["10%\r", "100%\n"]},
                {
                    "output_type": "execute_result",
                    "data": {"text/html": "<table><tr><th>a<tr><td>1</table>", "text/plain": "no"},
                },
                {"output_type": "display_data", "data": {"image/png": "iVBOR", "text/plain": "<Figure>"}},
                {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mZeroDivision\x1b[0m"]},
            ],
        },
        metadata={
            "kernelspec": {"display_name": "Python 3", "name": "python3"},
            "language_info": {"name": "python", "version": "3.12"},
        },
    )
    found = await look(content, "analysis.ipynb")
    assert found.format == "ipynb"
    assert dict(found.facts) == {"language": "python 3.12", "kernel": "Python 3", "cells": "2"}
    assert [line for line in found.lines if line] == [
        "Title", "═════", "text", "── in [3] ".ljust(100, "─"), "  df.head()", "  1/0", "out", "  100%", "a", "─", "1",
        "  <Figure>", "  [image/png, 5 characters]", "  ZeroDivision",
    ]  # fmt: skip


async def test_what_is_no_notebook_is_shown_as_json() -> None:
    found = await look(b'{"a": 1}', "x.ipynb")
    assert (found.kind, found.notices[0]) == ("tree", "not a notebook: it has no cells")
    found = await look(b"[" * 5000, "x.ipynb")
    assert found.notices[0] == "nested too deep for a notebook"


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["cells", "cell_type", "source", "outputs", "data", "text/html", "output_type", "metadata"]
            ),
            inner | st.sampled_from(["code", "markdown", "stream", "error"]),
            max_size=5,
        )
    ),
    max_leaves=30,
)


@settings(max_examples=200, deadline=None)
@given(_JSON)
def test_any_json_is_a_notebook_or_refused(value: Any) -> None:
    for book in (value, {"cells": value}, {"cells": [value]}, {"cells": [{"cell_type": "code", "outputs": [value]}]}):
        found = show_here(show_notebook, json.dumps(book).encode(), "x.ipynb")
        assert isinstance(found, Preview | PreviewError)


def test_wide_tables_are_wrapped_and_long_words_broken() -> None:
    table = Table([[Cell("name"), Cell("text")], [Cell("a"), Cell("word " * 60)], [Cell("b"), Cell("x" * 200)]], 1)
    shown = list(table_lines(table, 60))
    assert max(map(cells, shown)) <= 60
    assert "".join(shown).count("word") == 60
    assert "".join(shown).count("x") == 201


def test_parts_of_a_document_are_parted_by_one_empty_line() -> None:
    blocks = [Heading("H"), Paragraph("a", tight=True), Paragraph("b", tight=True), Verbatim("c\n\n\nd", 0), Rule()]
    assert lines_of_blocks(blocks, 100, 40) == ["H", "═", "", "a", "b", "", "c", "", "d", "", "─" * 40]


@given(st.text(alphabet="ab 試e\u0301\n", max_size=80), st.integers(1, 20))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    lines = list(wrap(text, width))
    assert all(cells(line) <= max(width, 2) for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(
    st.lists(st.lists(st.builds(Cell, st.text("ab \n試", max_size=30), st.integers(1, 5)), max_size=5), max_size=6),
    st.integers(10, 60),
)
def test_any_table(rows: list[list[Cell]], width: int) -> None:
    lines = list(table_lines(Table(rows, 1), width))
    assert len(lines) <= 1 + 12 * sum(31 * len(row) + 1 for row in rows)


def test_blocks_of_nothing() -> None:
    assert blocks_of_html("") == []
    assert lines_of_blocks([Table()], 5) == []
