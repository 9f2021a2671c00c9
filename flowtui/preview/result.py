"""What a preview shows, free of any screen: a table, text, a tree, an image or a hex dump.

Every string in a result has passed :mod:`flowtui.text`: no control codes, no line breaks within a line or cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flowtui.preview.formatted_value import FormattedValue
from flowtui.preview.special_missing import SpecialMissing, UserMissing

Kind = Literal["table", "text", "tree", "image", "hex"]

Cell = str | int | float | bool | FormattedValue | SpecialMissing | UserMissing | None
"""One value of a table; None where it is missing, another kind where it is missing and the file says more of it, or
where its program prints it in its own way.

Text formats give the text as it stands in the file.
"""

MOST_VALUE_LABELS = 1000
"""Labels of the values of one column."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: its header; ``column 3`` where the file has none.
        type: ``integer``, ``number``, ``boolean``, ``date``, ``datetime``, ``time`` or ``text``; empty where no value
            is known.
        label: a longer name, in formats that have one.
        format: how the values are displayed (``DATE9.``), in formats that have one.
        nulls: missing values in the whole file, where the format knows them without reading the data.
        least, most: the smallest and the largest value of the whole file, likewise.
        missing_values: the values that count as missing by the variable's definition (``99``, ``-9 to -1``), in formats
            that have such.
        value_labels: values and what they are called (``1``, ``Male``), where the format or a file beside it tells so.
    """

    name: str
    type: str = ""
    label: str = ""
    format: str = ""
    nulls: int | None = None
    least: Cell = None
    most: Cell = None
    missing_values: tuple[str, ...] = ()
    value_labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One node of a tree: ``label`` is a key or index, ``value`` the scalar there or a summary of the children."""

    label: str
    value: str = ""
    children: tuple[TreeNode, ...] = ()


@dataclass(frozen=True, slots=True)
class Image:
    """A picture, scaled down to what a screen can show.

    Attributes:
        width, height: of ``pixels``.
        pixels: red, green and blue bytes, row by row.
        full_width, full_height: of the picture in the file.
    """

    width: int
    height: int
    pixels: bytes
    full_width: int
    full_height: int


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
        image: the picture; a page of a document may have it beside its text.
        facts: what the format says of the whole file, as names and values (``encoding``, ``dataset label``).
        page: the page or sheet that is shown, from 1; 0 where the format has none.
        pages: how many there are, None where that is not known.
        page_names: names of the sheets.
        column_names: of a table of which not all columns are shown, the names of all, where they are known; else empty.
        key: names of the columns that tell rows apart, in formats that say so.
        members: of an archive whose members can be shown, the name for each row as the archive has it, which is to ask
            for it and not to be printed; empty where there is no content.
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
    image: Image | None = None
    facts: tuple[tuple[str, str], ...] = ()
    page: int = 0
    pages: int | None = None
    page_names: tuple[str, ...] = ()
    column_names: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
