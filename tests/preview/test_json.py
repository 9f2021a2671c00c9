from __future__ import annotations

import json

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


async def test_a_large_document_shows_its_beginning_laid_out() -> None:
    content = json.dumps([{"id": index, "text": "x" * 50} for index in range(50_000)]).encode()
    found = await look(content, "x.json")
    assert found.kind == "text"
    assert found.lines[:4] == ("[", "  {", '    "id": 0,', f'    "text": "{"x" * 50}"')
    assert found.notices[0] == "too large to be shown as a tree: its beginning, laid out"
    assert found.more


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
            ("1", "0.50", None, None),
            ("2", None, '["a", {"b": null}]', "false"),
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
