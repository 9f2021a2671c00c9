"""Two trees compared by path: the values of JSON, the tensors of a model."""

from __future__ import annotations

import re
from collections import Counter

from flowtui.preview.comparison.result import PathChange, TreeDifference
from flowtui.preview.result import TreeNode

_COUNT = re.compile(r"[\[({]?[\d,]*…?[\])}]?")
"""A value that only says how many children there are."""


def tree_difference(left: TreeNode, right: TreeNode, *, examples: int = 100) -> TreeDifference:
    """How two trees differ.

    The value of a node with children counts where it says more than how many they are: the class of an object.

    Args:
        examples: added, removed and changed nodes to give, of each.
    """
    counts: Counter[str] = Counter()
    paths: list[PathChange] = []

    def note(change: PathChange) -> None:
        counts[change.state] += 1
        if counts[change.state] <= examples:
            paths.append(change)

    stack: list[tuple[tuple[str, ...], TreeNode, TreeNode]] = [((), left, right)]
    while stack:
        path, one, two = stack.pop()
        if not (one.children and two.children):
            if one.value == two.value and not one.children and not two.children:
                counts["same"] += 1
            else:
                note(PathChange("changed", path, one.value, two.value))
            continue
        if one.value != two.value and not (_COUNT.fullmatch(one.value) and _COUNT.fullmatch(two.value)):
            note(PathChange("changed", path, one.value, two.value))
        first, second = _by_label(one), _by_label(two)
        for place, child in first.items():
            if place not in second:
                note(PathChange("removed", (*path, child.label), child.value, None))
        for place, child in second.items():
            if place not in first:
                note(PathChange("added", (*path, child.label), None, child.value))
        stack += [((*path, child.label), child, second[place]) for place, child in first.items() if place in second][
            ::-1
        ]
    return TreeDifference(counts["added"], counts["removed"], counts["changed"], counts["same"], tuple(paths))


def _by_label(node: TreeNode) -> dict[tuple[str, int], TreeNode]:
    """The children by label; of several with one label, the first is paired with the first."""
    seen: Counter[str] = Counter()
    found = {}
    for child in node.children:
        found[child.label, seen[child.label]] = child
        seen[child.label] += 1
    return found
