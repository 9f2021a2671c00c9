"""The tree and the table of what a model holds: groups of names and values, tensors by name, type and shape."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from flowtui.errors import PreviewError
from flowtui.preview.limits import Limits
from flowtui.preview.pickle_tree import TENSOR_COLUMNS
from flowtui.preview.result import Cell, Column, Preview, TreeNode
from flowtui.preview.source import is_local
from flowtui.preview.subject import Subject
from flowtui.text import cut

_MOST_DIMENSIONS = 64
_MOST_LOCAL = 16 * 1024 * 1024


class Tensor(NamedTuple):
    """A tensor: ``shape`` has -1 where a dimension is not fixed."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int | None:
        """How many elements it has; None where that is not fixed."""
        total = 1
        for length in self.shape:
            if length < 0:
                return None
            total *= length
        return total

    @property
    def words(self) -> str:
        """Its shape in words."""
        lengths = (str(length) if length >= 0 else "?" for length in self.shape[:_MOST_DIMENSIONS])
        return " x ".join(lengths) or "scalar"


class ModelTree:
    """Makes groups of nodes within the limit of a tree.

    Attributes:
        is_cut: True where nodes were left out.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = max(limits.nodes - 1, 0)
        self._groups: list[TreeNode] = []
        self.is_cut = False

    def group(self, label: str, value: str, children: Iterable[tuple[str, str]] = ()) -> None:
        """Add a group; one without a value and children is left out."""
        given = iter(children)
        nodes = [self._node(name, words) for name, words in islice(given, max(self._left - 1, 0))]
        if next(given, None) is not None:
            self.is_cut = True
        if not nodes and not value:
            return
        if not self._left:
            self.is_cut = True
            return
        self._left -= 1 + len(nodes)
        self._groups.append(self._node(label, value, tuple(nodes)))

    def tensors(self, label: str, tensors: list[Tensor]) -> None:
        """Add a group of tensors; nothing where there are none."""
        if tensors:
            self.group(label, f"{len(tensors):,}", ((one.name, f"{one.dtype} {one.words}") for one in tensors))

    def root(self, value: str) -> TreeNode:
        """The tree of the groups."""
        return self._node("", value, tuple(self._groups))

    def notices(self) -> list[str]:
        """What was left out."""
        return [f"the tree shows the first {self._limits.nodes:,} values"] if self.is_cut else []

    def _node(self, label: str, value: str, children: tuple[TreeNode, ...] = ()) -> TreeNode:
        return TreeNode(cut(label, self._limits.cell), cut(value, self._limits.cell), children)


def tensor_table(tensors: list[Tensor], limits: Limits) -> tuple[tuple[Column, ...], tuple[tuple[Cell, ...], ...]]:
    """Columns and rows of the first tensors."""
    rows = tuple(
        (cut(one.name, limits.cell), cut(one.dtype, limits.cell), cut(one.words, limits.cell), one.elements)[
            : limits.columns
        ]
        for one in tensors[: limits.rows]
    )
    return (TENSOR_COLUMNS[: limits.columns] if rows else ()), rows


def parameters_of(tensors: Iterable[Tensor]) -> int:
    """Elements of all tensors whose shape is fixed."""
    return sum(one.elements or 0 for one in tensors)


def facts_of(facts: Iterable[tuple[str, str]], limits: Limits) -> tuple[tuple[str, str], ...]:
    """Facts that have a value, cut to a cell."""
    return tuple((cut(name, 80), cut(value, limits.cell)) for name, value in facts if value and name)


async def read_model(subject: Subject) -> None:
    """Read a file whose tables may lie anywhere: to its end where it is small, or of this machine and not too large."""
    await subject.read_whole(_MOST_LOCAL if is_local(subject.reader) else 0)


def unread_model(subject: Subject, kind: str, format_: str) -> Preview:
    """What is shown of a model whose tables are not in what was read of it.

    Raises:
        PreviewError: all of it was read, so that it is damaged.
    """
    if subject.whole:
        raise PreviewError(f"{kind} that is cut or damaged")
    notice = f"{kind} whose description is behind what was read: {subject.amount()}"
    return Preview(kind="tree", tree=TreeNode("", kind), notices=(notice,), more=True, format=format_)
