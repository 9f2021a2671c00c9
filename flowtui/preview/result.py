"""What a preview shows, free of any screen: a table, text, a tree, an image or a hex dump.

Every string in a result has passed :mod:`flowtui.text`: no control codes, no line breaks within a line or cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["table", "text", "tree", "image", "hex"]

Cell = str | int | float | bool | None
"""One value of a table; None where it is missing. Text formats give the text as it stands in the file."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: its header; ``column 3`` where the file has none.
        type: ``integer``, ``number``, ``boolean``, ``date``, ``datetime``, ``time`` or ``text``; empty where no value
            is known.
        label: a longer name, in formats that have one.
        format: how the values are displayed (``DATE9.``), in formats that have one.
    """

    name: str
    type: str = ""
    label: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One node of a tree: ``label`` is a key or index, ``value`` the scalar there or a summary of the children."""

    label: str
    value: str = ""
    children: tuple[TreeNode, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """The result of a previewer.

    Attributes:
        kind: which of the fields below to show.
        columns: of a table.
        rows: of a table; each has as many cells as there are columns.
        lines: of a text or hex dump; a tree has its source text here.
        tree: the root of a tree.
        notices: sentences that say what was cut or guessed.
        total_rows: rows of the whole file, where known; None for anything but a table.
        language: of a text, as Pygments names it; empty for prose.
        more: True where the same file with ``limits.more()`` shows more.
        format: what the content was taken for (``csv``, ``json``, ``text``, ``hex``).
    """

    kind: Kind
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    lines: tuple[str, ...] = ()
    tree: TreeNode | None = None
    notices: tuple[str, ...] = ()
    total_rows: int | None = None
    language: str = ""
    more: bool = False
    format: str = ""
