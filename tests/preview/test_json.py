from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.preview.comparison.trees import tree_difference
from flowtui.preview.json import JsonTree, parse
from flowtui.preview.json_beginning import JsonBeginning
from flowtui.preview.json_cells import JsonNumber, NestedJson, leaf, script_value
from flowtui.preview.layout import depth_of, lay_out
from flowtui.preview.limits import Limits
from flowtui.preview.result import Column, Preview, TreeNode
from tests.preview.look import look


def leaves(node: TreeNode) -> dict[str, str]:
    return {child.label: child.value for child in node.children}


async def tree(content: bytes, **limits: int) -> tuple[TreeNode, Preview]:
    found = await look(content, "x.json", limits=Limits(**limits))
    assert found.tree is not None, found
    return found.tree, found


async def test_a_document_is_a_tree_and_its_text() -> None:
    root, found = await tree(b'{"auc": 0.910, "n": [1, 2], "ok": true, "none": null, "e": {}, "s": "a\\nb"}')
    assert leaves(root) == {"auc": "0.910", "n": "[2]", "ok": "true", "none": "null", "e": "{0}", "s": "a b"}
    assert leaves(root.children[1]) == {"0": "1", "1": "2"}
    assert found.lines[:4] == ("{", '  "auc": 0.910,', '  "n": [', "    1,")
    assert (found.kind, found.format, found.language, found.notices) == ("tree", "json", "json", ())


async def test_numbers_and_double_keys_stay_as_they_stand() -> None:
    big = "9" * 5000
    root, _ = await tree(f'{{"a": 1e400, "a": 12345678901234567890.10, "b": {big}, "c": NaN}}'.encode(), cell=6000)
    assert [(child.label, child.value) for child in root.children] == [
        ("a", "1e400"),
        ("a", "12345678901234567890.10"),
        ("b", big),
        ("c", "NaN"),
    ]


async def test_a_scalar_is_a_tree_of_one_node() -> None:
    root, _ = await tree(b'"text"')
    assert (root.label, root.value, root.children) == ("", "text", ())


async def test_many_values_and_deep_ones_are_cut() -> None:
    root, found = await tree(b"[" + b"1," * 9999 + b"1]")
    assert (root.value, len(root.children)) == ("[10,000]", 4999)
    assert "the tree shows the first 5,000 values" in found.notices
    _, found = await tree(b"[" * 150 + b"]" * 150)
    assert "levels below 100 are left out of the tree" in found.notices


async def test_a_hundred_thousand_brackets_are_text() -> None:
    found = await look(b"[" * 100_000 + b"]" * 100_000, "deep.json")
    assert found.kind == "text"
    assert found.notices[0] == "nested 100,000 levels deep, shown as text"
    found = await look(b'{"a":' * 100_000, "deep.json")
    assert found.kind == "text"


async def test_broken_json_is_text_with_the_reason() -> None:
    found = await look(b'{"a": 1,\n "b": }\n', "x.json")
    assert found.kind == "text"
    assert found.lines == ('{"a": 1,', ' "b": }')
    assert found.notices == ("not valid JSON: Expecting value in line 2",)


async def test_a_large_document_shows_its_beginning_as_a_tree() -> None:
    rows = [{"id": index, "text": "x" * 50, "tags": [1, {"a": None}]} for index in range(50_000)]
    content = json.dumps({"study": "S1", "rows": rows}).encode()
    found = await look(content, "x.json")
    assert (found.kind, found.format, found.more) == ("tree", "json", True)
    assert found.notices[0] == "the beginning of a large document, as a tree"
    assert found.tree is not None
    assert found.tree.value == "{2…}"
    assert leaves(found.tree)["study"] == "S1"
    shown = found.tree.children[1]
    assert shown.value == f"[{len(shown.children):,}…]"
    assert leaves(shown.children[7]) == {"id": "7", "text": "x" * 50, "tags": "[2]"}
    assert leaves(shown.children[7].children[2].children[1]) == {"a": "null"}
    assert found.lines[:5] == ("{", '  "study": "S1",', '  "rows": [', "    {", '      "id": 0,')
    assert "the tree shows the first 5,000 values" in found.notices


def beginning(text: str, nodes: int = 100, depth: int = 20, width: int = 30) -> JsonBeginning:
    return JsonBeginning(text, nodes=nodes, depth=depth, width=width)


@pytest.mark.parametrize(
    ("text", "root", "members"),
    [
        ('{"a": 1, "b": "te', "{2…}", {"a": "1", "b": "te…"}),
        ('{"a": 1, "b": 12', "{2…}", {"a": "1", "b": "12…"}),
        ('{"a": 1, "b"', "{1…}", {"a": "1"}),
        ('{"a": [1, {"c": ', "{1…}", {"a": "[2…]"}),
        ('[NaN, 1e999, -0, "\\u00e9\\n"]', "[4]", {"0": "NaN", "1": "1e999", "2": "-0", "3": "é "}),
        ('{"a": 1, "a": 2}', "{2}", {"a": "2"}),
        ('["\\ud800", "\x1b[2J"]', "[2]", {"0": "\ufffd", "1": '"\\u001b[2J"'}),
        ("[1 2 ] ] }", "[2]", {"0": "1", "1": "2"}),
        ("[}", "[0]", {}),
        ("{:,:,}", "{0}", {}),
    ],
)
def test_a_text_that_is_cut_anywhere(text: str, root: str, members: dict[str, str]) -> None:
    found = beginning(text).tree
    assert found is not None
    assert (found.value, leaves(found)) == (root, members)


def test_a_beginning_is_bounded() -> None:
    found = beginning("[" * 300_000)
    assert found.is_deep
    assert found.tree is not None
    found = beginning('{"a": {"b": {"c": 1}}, "d": 2}', depth=0)
    assert (found.tree, found.is_deep) == (TreeNode("", "{2}", (TreeNode("d", "2"),)), True)
    found = beginning("[" + "1," * 1000, nodes=10)
    assert (found.count, found.is_cut) == (10, True)
    found = beginning('{"' + "k" * 1000 + '": "' + "v" * 1000 + '"}')
    assert found.tree is not None
    assert [len(part) for part in (found.tree.children[0].label, found.tree.children[0].value)] == [30, 30]
    assert beginning("no json").tree is None


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=50)
@given(_VALUES)
def test_a_beginning_that_is_whole_is_the_tree_of_the_whole(value: Any) -> None:
    text = json.dumps([value], indent=1)
    whole = JsonTree(100, 20, 30).node("", parse(text), 0)
    assert beginning(text).tree == whole
    for length in range(1, len(text)):
        assert beginning(text[:length]).tree is not None


async def test_json_lines_are_a_table() -> None:
    content = b'{"id": 1, "loss": 0.50}\n\n{"id": 2, "tags": ["a", {"b": null}], "ok": false}\n'
    for name in ("x.jsonl", "x.ndjson", "x.json"):
        found = await look(content, name)
        assert (found.kind, found.format, found.total_rows) == ("table", "jsonl", 2), name
        assert found.columns == (
            Column("id", "integer"),
            Column("loss", "number"),
            Column("tags", "text"),
            Column("ok", "boolean"),
        )
        assert found.rows == (
            (1, 0.5, None, None),
            (2, None, '["a", {"b": null}]', False),
        )


async def test_a_large_file_of_json_lines_is_read_at_its_head() -> None:
    found = await look(b'{"id": 1234567890}\n' * 200_000, "x.jsonl")
    assert (len(found.rows), found.total_rows, found.more) == (100, None, True)


async def test_lines_that_are_no_objects_are_text() -> None:
    found = await look(b"[1]\n[2]\n", "x.jsonl")
    assert (found.kind, found.notices) == ("text", ("line 1 is no JSON object",))
    found = await look(b"nothing of the kind", "x.jsonl")
    assert found.kind == "text"
    assert "not valid JSON" in found.notices[0]


async def test_a_file_without_extension_is_json_where_it_begins_so() -> None:
    assert (await look(b' {"a": 1}', "metrics")).kind == "tree"
    assert (await look(b"[not json", "notes")).kind == "text"
    assert (await look(b'{"a": 1}', "notes.txt")).kind == "text"


def test_layout_keeps_tokens_and_takes_broken_text() -> None:
    assert lay_out('{"a":[],"b":{},"c":[1,"x,]"]}', 99).split("\n") == [
        "{",
        '  "a": [],',
        '  "b": {},',
        '  "c": [',
        "    1,",
        '    "x,]"',
        "  ]",
        "}",
    ]
    assert lay_out('[1,"cut', 99) == '[\n  1,\n  "cut'
    assert lay_out("]]]}", 99).split("\n")[-1] == "}"
    assert lay_out("[1,2,3,4]", 2) == "[\n  1,"
    assert depth_of('[["[[[["]]') == 2


def test_layout_is_linear_in_hostile_text() -> None:
    """Unclosed strings and escapes must not make the tokens' pattern go back over what it read."""
    hostile = '"\\' * 500_000
    assert depth_of(hostile) == 0
    assert len(lay_out(hostile, 9)) == len(hostile)


async def test_a_text_that_reads_like_another_value_stands_in_quotation_marks() -> None:
    content = (
        b'{"a": null, "b": "null", "c": 1, "d": "1", "e": true, "f": "true", "g": "", "h": "{2}", "i": "x", "j": "NaN"}'
    )
    root, _ = await tree(content)
    assert leaves(root) == {
        "a": "null", "b": '"null"', "c": "1", "d": '"1"', "e": "true", "f": '"true"', "g": '""', "h": '"{2}"',
        "i": "x", "j": '"NaN"',
    }  # fmt: skip
    left, right = await tree(b'{"a": [null, 1]}'), await tree(b'{"a": ["null", "1"]}')
    found = tree_difference(left[0], right[0])
    assert (found.changed, found.same) == (2, 0)


async def test_values_of_json_lines_keep_their_type() -> None:
    content = (
        b'{"n": 1, "t": "1", "m": 1, "z": null, "e": "", "big": 12345678901234567890123, "exact": 0.1}\n'
        b'{"n": 2, "t": "null", "m": "1", "z": "null", "e": "x", "big": 1, "exact": 0.12345678901234567890}\n'
        b'{"n": null, "t": null, "m": [1, "1"], "z": true, "e": null, "big": 1e400, "exact": -0}\n'
    )
    found = await look(content, "x.ndjson")
    assert found.rows == (
        (1, "1", 1, None, "", 12345678901234567890123, 0.1),
        (2, "null", "1", "null", "x", 1, "0.12345678901234567890"),
        (None, None, '[1, "1"]', True, None, "1e400", -0.0),
    )
    assert [column.type for column in found.columns] == [
        "integer", "text", "text", "text", "text", "number", "number",
    ]  # fmt: skip
    # Among values of other kinds a text is shown in quotation marks, and so is one of no characters.
    assert [str(cell) for cell in (found.rows[1][2], found.rows[1][3], found.rows[0][4])] == ['"1"', '"null"', '""']
    assert str(found.rows[0][1]) == "1"
    assert [type(cell) for cell in found.rows[0][:3]] == [int, str, int]
    assert script_value(NestedJson('[1, "1", {"a": null}]')) == [1, "1", {"a": None}]


@given(st.text(max_size=20))
def test_a_text_and_what_it_reads_like_never_look_the_same(text: str) -> None:
    shown = leaf(text)
    for other in (None, True, False, JsonNumber("1"), JsonNumber("1.5e3"), JsonNumber("NaN")):
        assert shown != leaf(other)
    if text.startswith('"'):
        assert json.loads(shown) == text
