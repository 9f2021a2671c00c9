"""Steps that tests of models share: the nodes of a tree by their labels, and previews of damaged copies."""

from __future__ import annotations

from pathlib import Path

from flowtui.preview.limits import DEFAULT, Limits
from flowtui.preview.result import Preview, TreeNode
from tests.preview.look import look, look_at, violations

MODELS = Path(__file__).parents[1] / "data" / "models"


async def model(name: str, limits: Limits = DEFAULT) -> Preview:
    """The preview of a file of the models that are kept for tests."""
    return await look_at(MODELS / name, name, limits=limits)


def at(found: Preview, *path: str) -> TreeNode:
    """The node under these labels."""
    assert found.tree is not None, found.notices
    node = found.tree
    for label in path:
        node = next(child for child in node.children if child.label == label)
    return node


def leaves(node: TreeNode) -> dict[str, str]:
    """The values of a node's children by their labels."""
    return {child.label: child.value for child in node.children}


SMALL = Limits(head=4096, whole=100_000, nodes=50, depth=5, cell=40, rows=5)


async def assert_bounded(content: bytes, name: str) -> None:
    """A preview of any bytes keeps its limits and does not fail."""
    assert violations(await look(content, name, limits=SMALL), SMALL) == []


async def assert_damage_is_bounded(content: bytes, name: str, *, steps: int = 60) -> None:
    """Cut at many places, and with bytes changed there, a file is shown within limits."""
    for place in range(0, len(content), max(len(content) // steps, 1)):
        await assert_bounded(content[:place], name)
        await assert_bounded(content[:place] + b"\xff\xff\x7f" + content[place + 3 :], name)
