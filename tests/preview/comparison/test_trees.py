"""Trees compared by path."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowtui.preview.comparison.trees import tree_difference
from flowtui.preview.result import TreeNode

TREES = st.recursive(
    st.builds(TreeNode, st.sampled_from("abc"), st.sampled_from("123")),
    lambda children: st.builds(
        TreeNode, st.sampled_from("abc"), st.sampled_from("123"), st.lists(children, max_size=4).map(tuple)
    ),
    max_leaves=20,
)


def test_tensors_by_name() -> None:
    def model(*tensors: tuple[str, str]) -> TreeNode:
        return TreeNode("", f"{len(tensors)} tensors", tuple(TreeNode(name, said) for name, said in tensors))

    left = model(("fc.weight", "float32 [10, 20]"), ("fc.bias", "float32 [10]"), ("old", "int8 [1]"))
    right = model(("fc.bias", "float32 [10]"), ("fc.weight", "float16 [10, 20]"), ("new", "int8 [2]"))
    found = tree_difference(left, right)
    assert (found.added, found.removed, found.changed, found.same) == (1, 1, 1, 1)
    assert {(one.state, one.path, one.left, one.right) for one in found.paths} == {
        ("changed", ("fc.weight",), "float32 [10, 20]", "float16 [10, 20]"),
        ("removed", ("old",), "int8 [1]", None),
        ("added", ("new",), None, "int8 [2]"),
    }


@given(TREES)
def test_a_tree_does_not_differ_from_itself(tree: TreeNode) -> None:
    found = tree_difference(tree, tree)
    assert found.equal
    assert found.paths == ()


@given(TREES, TREES)
def test_counts_turn_round(left: TreeNode, right: TreeNode) -> None:
    there, back = tree_difference(left, right, examples=1000), tree_difference(right, left, examples=1000)
    assert (there.added, there.removed, there.changed, there.same) == (
        back.removed, back.added, back.changed, back.same,
    )  # fmt: skip
    assert len(there.paths) == there.added + there.removed + there.changed


def test_a_deep_tree_ends_no_stack() -> None:
    deep = TreeNode("x", "1")
    other = TreeNode("x", "2")
    for _ in range(5000):
        deep, other = TreeNode("x", "", (deep,)), TreeNode("x", "", (other,))
    assert tree_difference(deep, other).changed == 1
