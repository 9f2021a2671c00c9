"""A tree of keys and values whose branches open and shut."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len

from flowtui.preview.result import TreeNode
from flowtui.tui.contents.content import Content, Copy, Match, span_of
from flowtui.tui.formatting import UNICODE, Cell, Mark, Signs, outline


class TreeContent(Content):
    """The nodes of a tree in order, each by its number from the root on."""

    unit = "values"

    def __init__(self, root: TreeNode, signs: Signs = UNICODE) -> None:
        super().__init__()
        self.cursor = 0
        self._signs = signs
        self._nodes: list[TreeNode] = []
        self._depths: list[int] = []
        self._parents: list[int] = []
        stack = [(0, -1, root)]
        while stack:
            depth, parent, node = stack.pop()
            number = len(self._nodes)
            self._nodes.append(node)
            self._depths.append(depth)
            self._parents.append(parent)
            stack.extend((depth + 1, number, child) for child in reversed(node.children))
        # A guide does not change when branches shut: who is seen is seen with all of its siblings.
        self._guides = outline(self._depths, signs)
        self._shut: set[int] = set()
        self._seen = list(range(len(self._nodes)))
        self.width = max(
            (cell_len(self._front(number)) + cell_len(self._text(number)) for number in self._seen), default=0
        )

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def lines_read(self) -> int:
        return len(self._nodes)

    def line(self, number: int) -> Cell:
        index = self._seen[number]
        node = self._nodes[index]
        front = self._front(index)
        name = f"{node.label}: " if node.label else ""
        cell: Cell = (Mark(front, "dim"), Mark(name, "accent"), Mark(node.value, "dim" if node.children else ""))
        cell = self._marked(cell, index, len(front))
        if number != self.cursor:
            return cell
        cursor = "cursor" if self.is_active else "cursor-blurred"
        return tuple(mark if mark.style.startswith("found") or mark.text == front else Mark(mark.text, cursor)
                     for mark in cell)  # fmt: skip

    def _front(self, index: int) -> str:
        sign = (self._signs.shut if index in self._shut else self._signs.open) if self._nodes[index].children else ""
        return self._guides[index] + sign

    def _text(self, index: int) -> str:
        node = self._nodes[index]
        return f"{node.label}: {node.value}" if node.label else node.value

    def _texts(self) -> Iterable[str]:
        return map(self._text, range(len(self._nodes)))

    @property
    def _index(self) -> int:
        return self._seen[self.cursor or 0]

    def expand(self) -> bool:
        """Open the branch under the cursor; False where it is open or has nothing below it."""
        if self._index not in self._shut:
            return False
        self._shut.discard(self._index)
        self._look()
        return True

    def collapse(self) -> bool:
        """Shut the branch under the cursor, or go to the one that it is in; False at the root."""
        index = self._index
        if self._nodes[index].children and index not in self._shut:
            self._shut.add(index)
            self._look()
            return True
        if self._parents[index] < 0:
            return False
        self.move(self._seen.index(self._parents[index]))
        return True

    def _look(self) -> None:
        """Find out again which nodes are seen; the cursor stays on its node."""
        index = self._index
        seen = []
        hidden_below = -1
        for number, depth in enumerate(self._depths):
            if 0 <= hidden_below < depth:
                continue
            hidden_below = depth if number in self._shut else -1
            seen.append(number)
        self._seen = seen
        self.cursor = seen.index(index)

    def take_over(self, old: Content) -> None:
        # The nodes of the smaller part come first, in the same order.
        if isinstance(old, TreeContent):
            self._shut = {number for number in old._shut if number < len(self._nodes)}
            self._look()
            if old._index in self._seen:
                self.cursor = self._seen.index(old._index)

    def position(self, match: Match) -> int:
        index = match.line
        while self._parents[index] >= 0 and self._is_hidden(index):
            index = self._parents[index]
        return self._seen.index(index)

    def _is_hidden(self, index: int) -> bool:
        parent = self._parents[index]
        while parent >= 0:
            if parent in self._shut:
                return True
            parent = self._parents[parent]
        return False

    def reveal(self, match: Match) -> None:
        parent = self._parents[match.line]
        while parent >= 0:
            self._shut.discard(parent)
            parent = self._parents[parent]
        self._look()
        self.cursor = self._seen.index(match.line)

    def span(self, match: Match) -> tuple[int, int]:
        front = self._front(match.line)
        start, end = span_of(self._text(match.line), match.start, match.end)
        return cell_len(front) + start, cell_len(front) + end

    def copies(self) -> tuple[Copy, ...]:
        node = self._nodes[self._index]
        path = []
        index = self._index
        while index >= 0:
            path.append(self._nodes[index].label)
            index = self._parents[index]
        name = ".".join(label for label in reversed(path) if label)
        found = [] if node.children else [Copy("copy_cell", "value", node.value)]
        return (*found, *([Copy("copy_name", "path", name)] if name else []))
