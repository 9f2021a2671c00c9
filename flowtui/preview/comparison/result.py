"""What a comparison of two files says, free of any screen. ``left`` is the older or first one, ``right`` the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flowtui.preview.result import Cell, Column

Result = Literal["identical", "equal", "different", "unknown"]
"""``identical``: the same bytes. ``equal``: the same content, read to the end, in other bytes or within the tolerance.
``unknown``: what was compared is equal, and that is not all."""

OF_WRITING = frozenset(
    [
        "created", "modified", "CreationDate", "ModDate", "compression", "encoding", "format version", "row groups",
        "rows of the first row group", "created by", "record batches", "form", "stripes", "codec",
    ]
)  # fmt: skip
"""Facts of when and how a file was written: its content is equal where only they differ."""

RowState = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column that differs.

    Attributes:
        state: ``added`` (only right), ``removed`` (only left) or ``changed``.
        left, right: the column, None where it is not there.
        left_at, right_at: its place, from 1; 0 where it is not there.
        moved: it stands elsewhere among the columns that both have.
        cells: how many values of paired rows differ.
        largest: the largest difference of two numbers in it; None where no two numbers differ.
        left_missing, right_missing: missing values in paired rows.
    """

    state: RowState
    left: Column | None
    right: Column | None
    left_at: int = 0
    right_at: int = 0
    moved: bool = False
    cells: int = 0
    largest: float | None = None
    left_missing: int = 0
    right_missing: int = 0

    @property
    def name(self) -> str:
        column = self.left or self.right
        return column.name if column else ""

    @property
    def attributes(self) -> tuple[tuple[str, str, str], ...]:
        """Type, label, format and missing values where they differ: name, left, right.

        No type is known of a column without values.
        """
        if self.left is None or self.right is None:
            return ()
        pairs = (
            ("type", self.left.type, self.right.type),
            ("label", self.left.label, self.right.label),
            ("format", self.left.format, self.right.format),
            ("missing values", ", ".join(self.left.missing_values), ", ".join(self.right.missing_values)),
        )
        return tuple(pair for pair in pairs if pair[1] != pair[2] and (pair[0] != "type" or (pair[1] and pair[2])))


@dataclass(frozen=True, slots=True)
class CellChange:
    """A value that differs; None where it is missing, or where the row is not there."""

    column: str
    left: Cell
    right: Cell


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that differs.

    Attributes:
        key: its values of the key columns; empty where rows are paired by position.
        left_row, right_row: its number, from 1; 0 where it is not there.
        cells: the values that differ, of an added or removed row all but the key; bounded.
        more: how many further values differ.
    """

    state: RowState
    key: tuple[Cell, ...]
    left_row: int
    right_row: int
    cells: tuple[CellChange, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class TableDifference:
    """How two tables differ.

    Attributes:
        key: names of the columns by which rows were paired; empty for by position.
        key_reason: why these, in words.
        columns: those that differ.
        column_counts: columns of left and of right.
        left_rows, right_rows: rows that were compared.
        left_total, right_total: rows of the whole files, None where that is not known.
        added, removed, changed, same: counts of rows.
        left_beyond, right_beyond: rows whose partner may follow in the part of the other file that was not read.
        doubled: rows whose key stands more than once in a table; they are paired in order.
        rows: examples.
    """

    key: tuple[str, ...]
    key_reason: str
    columns: tuple[ColumnChange, ...]
    column_counts: tuple[int, int]
    left_rows: int
    right_rows: int
    left_total: int | None
    right_total: int | None
    added: int
    removed: int
    changed: int
    same: int
    left_beyond: int
    right_beyond: int
    doubled: int
    rows: tuple[RowChange, ...]

    @property
    def whole(self) -> bool:
        """Whether all rows of both were compared."""
        return self.left_rows == self.left_total and self.right_rows == self.right_total

    @property
    def equal(self) -> bool:
        """Whether nothing that was compared differs."""
        return not (self.columns or self.added or self.removed or self.changed)


@dataclass(frozen=True, slots=True)
class LineChange:
    """A line of a unified diff: ``sign`` is ``+``, ``-``, a blank, or ``@`` for the head of a hunk.

    Attributes:
        left_line, right_line: its number, from 1; 0 where it is not there.
    """

    sign: str
    text: str
    left_line: int = 0
    right_line: int = 0


@dataclass(frozen=True, slots=True)
class TextDifference:
    """How two texts differ.

    Attributes:
        left_lines, right_lines: lines that were compared.
        added, removed: counts of lines.
        lines: a unified diff, bounded.
        cut: whether it has fewer lines than there are.
        coarse: lines of parts too different to be aligned: all removed, all added.
    """

    left_lines: int
    right_lines: int
    added: int
    removed: int
    lines: tuple[LineChange, ...]
    cut: bool = False
    coarse: int = 0

    @property
    def equal(self) -> bool:
        """Whether nothing that was compared differs."""
        return not (self.added or self.removed)


@dataclass(frozen=True, slots=True)
class PathChange:
    """A node of a tree that differs; ``left`` or ``right`` is None where it is not there."""

    state: RowState
    path: tuple[str, ...]
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class TreeDifference:
    """How two trees differ: counts of nodes, of a branch that one side lacks its top only; and examples."""

    added: int
    removed: int
    changed: int
    same: int
    paths: tuple[PathChange, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing that was compared differs."""
        return not (self.added or self.removed or self.changed)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of one of the two files.

    Attributes:
        format: what its content was taken for; empty where nobody looked.
        size: bytes, None where it is not known.
        sha256: hex, empty where it was not taken.
    """

    name: str
    uri: str
    format: str = ""
    size: int | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two files differ.

    Attributes:
        compared: what was compared, in words; empty for nothing but names.
        kind: ``table``, ``text``, ``tree`` or ``bytes``; empty where nobody had to look into the files.
        facts: what the formats say of the whole files and differs: name, left, right.
        notices: what was cut, guessed or not done.
        more: True where larger limits compare more.
        bytes_read, requests: what it cost, both files together.
    """

    result: Result
    left: FileFacts
    right: FileFacts
    compared: str
    kind: str = ""
    table: TableDifference | None = None
    text: TextDifference | None = None
    tree: TreeDifference | None = None
    facts: tuple[tuple[str, str, str], ...] = ()
    notices: tuple[str, ...] = ()
    more: bool = False
    bytes_read: int = 0
    requests: int = 0

    @property
    def telling_facts(self) -> tuple[tuple[str, str, str], ...]:
        """The facts that make the content different."""
        return tuple(fact for fact in self.facts if fact[0] not in OF_WRITING)
