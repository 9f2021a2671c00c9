"""A tree of the beginning of a JSON text that is cut, token by token and without recursion."""

from __future__ import annotations

from dataclasses import dataclass, field

from flowtui.preview.json_cells import leaf
from flowtui.preview.layout import TOKEN
from flowtui.preview.result import TreeNode
from flowtui.text import cut

_TOKENS_PER_NODE = 20
"""Brackets of levels that are left out make no nodes, and would be gone through for nothing."""


@dataclass(slots=True)
class _Open:
    """An object or array whose end was not reached yet."""

    label: str
    is_object: bool
    members: int = 0
    children: list[TreeNode] = field(default_factory=list)
    key: str | None = None


class JsonBeginning:
    """Takes a cut JSON text for what it says so far.

    Attributes:
        tree: its values; a container that is not closed in the text has ``…`` behind the number of its members. None
            where the text does not begin with an object or array.
        count: how many nodes it has.
        is_cut: True where there are more values in the text than nodes may be; is_deep: True where levels were left
            out.
    """

    def __init__(self, text: str, *, nodes: int, depth: int, width: int) -> None:
        self._nodes = nodes
        self._depth = depth
        self._width = width
        self._stack: list[_Open] = []
        self._too_deep = 0
        self.count = 0
        self.is_cut = False
        self.is_deep = False
        self.tree = self._read(text)

    def _read(self, text: str) -> TreeNode | None:
        for number, token in enumerate(TOKEN.finditer(text)):
            if number > _TOKENS_PER_NODE * (self._nodes + 1):
                self.is_cut = True
                break
            word = text[token.start() : min(token.end(), token.start() + 4 * self._width + 2)]
            first = word[0]
            if not self._stack and first not in "[{":
                return None
            # The last token may be the beginning of a longer one.
            is_last = token.end() == len(text) and first not in "[]{},:"
            if first in "[{":
                if self._too_deep or len(self._stack) > self._depth:
                    if not self._too_deep:
                        self._label()
                    self._too_deep += 1
                    self.is_deep = True
                elif not self._open(first == "{"):
                    break
            elif first in "]}":
                root = self._close()
                if root:
                    return root
            elif self._too_deep or first in ",:":
                continue
            elif not self._scalar(word, is_last=is_last):
                break
        while len(self._stack) > 1:
            self._end(is_closed=False)
        return self._node(self._stack[0], is_closed=False) if self._stack else None

    def _open(self, is_object: bool) -> bool:
        label = self._label()
        if not self._may_add():
            return False
        self._stack.append(_Open(label, is_object))
        return True

    def _close(self) -> TreeNode | None:
        """The root where this was its end."""
        if self._too_deep:
            self._too_deep -= 1
            return None
        if len(self._stack) == 1:
            return self._node(self._stack[0], is_closed=True)
        self._end(is_closed=True)
        return None

    def _end(self, *, is_closed: bool) -> None:
        one = self._stack.pop()
        self._stack[-1].children.append(self._node(one, is_closed=is_closed))

    def _node(self, one: _Open, *, is_closed: bool) -> TreeNode:
        more = "" if is_closed else "…"
        summary = f"{{{one.members:,}{more}}}" if one.is_object else f"[{one.members:,}{more}]"
        return TreeNode(one.label, summary, tuple(one.children))

    def _scalar(self, word: str, *, is_last: bool) -> bool:
        owner = self._stack[-1]
        if owner.is_object and owner.key is None:
            owner.key = _text(word)
            return True
        label = self._label()
        if not self._may_add():
            return False
        value = _text(word) if word[0] == '"' else word
        value = f"{value}…" if is_last else leaf(value) if word[0] == '"' else value
        owner.children.append(TreeNode(label, self._short(value)))
        return True

    def _may_add(self) -> bool:
        if self.count >= self._nodes:
            self.is_cut = True
            return False
        self.count += 1
        return True

    def _label(self) -> str:
        """The key or index of the next value; it is counted as a member."""
        if not self._stack:
            return ""
        owner = self._stack[-1]
        label = owner.key if owner.is_object else str(owner.members)
        owner.members += 1
        owner.key = None
        return self._short(label or "")

    def _short(self, text: str) -> str:
        return cut(text, self._width)


def _text(word: str) -> str:
    """A string without its quotation marks; escapes are read where it is whole."""
    import json

    if word[0] != '"':
        return word
    try:
        found = json.loads(word)
    except ValueError:
        return word[1:].removesuffix('"')
    return found if isinstance(found, str) else word
