"""A comparison in lines for people, with a sign before everything that is told by colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flowtui.domain.size import human_size
from flowtui.preview.comparison.cells import text_of
from flowtui.preview.comparison.result import (
    CellChange,
    ColumnChange,
    Comparison,
    RowChange,
    TableDifference,
    TextDifference,
    TreeDifference,
)
from flowtui.preview.formatted_value import FormattedValue
from flowtui.preview.result import Cell
from flowtui.text import plain
from flowtui.words import count

_RESULTS = {
    "identical": "identical",
    "equal": "equal in content",
    "different": "different",
    "unknown": "no difference found",
}
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_VALUE = 60
_NAME = 24
_SHOWN = 4
"""Values of an added or removed row that its line holds beside the key."""

_INDENT = "    "


class ReportLine(NamedTuple):
    """A line and its style: ``added``, ``removed``, ``changed``, ``heading``, ``dim``, ``note`` or nothing."""

    text: str
    style: str = ""


def result_words(found: Comparison) -> str:
    """The result in a few words."""
    return _RESULTS[found.result]


def brief(found: Comparison) -> str:
    """What differs in one line, for a list of files."""
    parts: list[str] = []
    table, text, tree = found.table, found.text, found.tree
    if table is not None:
        parts = _counts(table.added, table.removed, table.changed, "row")
        for state, word in (("added", "added"), ("removed", "removed")):
            number = sum(change.state == state for change in table.columns)
            parts += [f"{count(number, 'column')} {word}"] if number else []
        schema = sum(bool(change.attributes) or change.moved for change in table.columns)
        parts += [f"{count(schema, 'column')} with another definition"] if schema else []
    elif text is not None:
        parts = _counts(text.added, text.removed, 0, "line")
    elif tree is not None:
        parts = _counts(tree.added, tree.removed, tree.changed, "value")
    parts += [f"another {fact[0]}" for fact in found.telling_facts]
    if not parts and found.result == "different":
        parts = _sizes(found)
    said = result_words(found)
    return f"{said}: {', '.join(parts)}" if parts else f"{said} ({found.compared})" if found.compared else said


def _counts(added: int, removed: int, changed: int, noun: str) -> list[str]:
    pairs = ((added, "added"), (removed, "removed"), (changed, "changed"))
    return [f"{count(number, noun)} {word}" for number, word in pairs if number]


def _sizes(found: Comparison) -> list[str]:
    first, second = human_size(found.left.size), human_size(found.right.size)
    if found.left.size == found.right.size:
        return [f"other bytes, {first} each"] if first else []
    return [f"{first or 'unknown size'} -> {second or 'unknown size'}"]


def report(found: Comparison) -> list[ReportLine]:
    """The summary of a comparison, then what differs: columns, rows, lines or paths."""
    return [*summary(found), *details(found)]


def summary(found: Comparison) -> list[ReportLine]:
    """What was compared, and how it differs in counts."""
    style = "note" if found.result == "unknown" else "changed" if found.result == "different" else ""
    said = brief(found)
    lines = [ReportLine(said, style)]
    if found.compared and found.compared not in said:
        lines.append(ReportLine(f"compared: {found.compared}", "dim"))
    table = found.table
    if table is not None:
        left, right = _rows_of(table.left_rows, table.left_total), _rows_of(table.right_rows, table.right_total)
        total = f"rows: {left} -> {right}; {table.same:,} of them equal"
        lines.append(ReportLine(f"{total}   columns: {table.column_counts[0]:,} -> {table.column_counts[1]:,}"))
        by = f"by {', '.join(map(plain, table.key))}" if table.key else "by position"
        lines.append(ReportLine(f"rows paired {by}: {table.key_reason}", "dim"))
        if table.doubled:
            lines.append(ReportLine(f"! {count(table.doubled, 'row')} share a key: paired in order", "note"))
        for number, side in ((table.left_beyond, "left"), (table.right_beyond, "right")):
            if number:
                beyond = f"! {count(number, 'row')} of the {side} file may have a partner behind what was read"
                lines.append(ReportLine(beyond, "note"))
    if found.text is not None and found.text.coarse:
        lines.append(ReportLine(f"! {count(found.text.coarse, 'line')} too different to be aligned", "note"))
    if found.left.sha256:
        lines.append(ReportLine(f"sha256: {found.left.sha256[:16]} -> {found.right.sha256[:16]}", "dim"))
    for name, left, right in found.facts:
        lines.append(ReportLine(f"~ {plain(name)}: {_value(left or None)} -> {_value(right or None)}", "changed"))
    lines += [ReportLine(f"! {plain(notice)}", "note") for notice in found.notices]
    return lines


def _rows_of(rows: int, total: int | None) -> str:
    if total is None:
        return f"first {rows:,}"
    return f"{rows:,}" if rows == total else f"{rows:,} of {total:,}"


def details(found: Comparison) -> Iterator[ReportLine]:
    """What differs, one by one, as far as the comparison holds it."""
    if found.table is not None:
        yield from _column_lines(found.table.columns)
        yield from _row_lines(found.table)
    elif found.tree is not None:
        yield from _tree_lines(found.tree)
    elif found.text is not None:
        yield from _text_lines(found.text)


def _column_lines(changes: Sequence[ColumnChange]) -> Iterator[ReportLine]:
    if changes:
        yield ReportLine("")
        yield ReportLine("Columns", "heading")
    for change in changes:
        column = change.left or change.right
        parts: list[str] = []
        if change.state != "changed" and column is not None:
            parts = [part for part in (column.type, plain(column.label), plain(column.format)) if part]
        parts += [
            f"{name} {_value(left or None)} -> {_value(right or None)}" for name, left, right in change.attributes
        ]
        if change.moved:
            parts.append(f"moved, column {change.left_at} -> {change.right_at}")
        if change.cells:
            largest = f", by {change.largest:g} at most" if change.largest is not None else ""
            parts.append(f"{count(change.cells, 'value')} changed{largest}")
        if change.left_missing != change.right_missing:
            parts.append(f"missing {change.left_missing:,} -> {change.right_missing:,}")
        yield ReportLine(
            f"{_SIGNS[change.state]} {plain(change.name):<{_NAME}}  {'; '.join(parts)}".rstrip(), change.state
        )


def _row_lines(table: TableDifference) -> Iterator[ReportLine]:
    for state, number in (("removed", table.removed), ("added", table.added), ("changed", table.changed)):
        rows = [row for row in table.rows if row.state == state]
        if not number:
            continue
        shown = f", the first {len(rows):,}" if len(rows) < number else ""
        yield ReportLine("")
        yield ReportLine(f"{count(number, 'row')} {state}{shown}", "heading")
        for row in rows:
            yield from _row(row, table.key)


def _row(row: RowChange, key: Sequence[str]) -> Iterator[ReportLine]:
    where = [f"row {row.left_row or row.right_row:,}"]
    if row.left_row and row.right_row and row.left_row != row.right_row:
        where = [f"row {row.left_row:,} -> {row.right_row:,}"]
    named = [f"{plain(name)}={_value(value)}" for name, value in zip(key, row.key, strict=True)]
    parts = [*where, *named]
    if row.state != "changed":
        sides = ((cell.column, cell.left if row.state == "removed" else cell.right) for cell in row.cells)
        values = [f"{plain(name)}={_value(value)}" for name, value in sides if value not in (None, "")]
        more = row.more + len(values) - _SHOWN
        parts += [*values[:_SHOWN], *([f"and {more:,} more"] if more > 0 else [])]
        yield ReportLine(f"{_SIGNS[row.state]} {'  '.join(parts)}", row.state)
        return
    yield ReportLine(f"~ {'  '.join(parts)}", row.state)
    width = min(max((len(plain(cell.column)) for cell in row.cells), default=0), _NAME)
    for cell in row.cells:
        yield ReportLine(f"{_INDENT}{plain(cell.column):<{width}}  {_both(cell)}")
    if row.more:
        yield ReportLine(f"{_INDENT}and {row.more:,} more", "dim")


def _both(cell: CellChange) -> str:
    left, right = cell.left, cell.right
    if isinstance(left, FormattedValue) and isinstance(right, FormattedValue) and left.text == right.text:
        # A format may hide what differs, as MONYY7. hides the day.
        left, right = left.value, right.value
    return f"{_value(left)} -> {_value(right)}"


def _value(value: Cell) -> str:
    if value is None or value == "":
        return "(missing)"
    text = plain(text_of(value))
    return text if len(text) <= _VALUE else f"{text[: _VALUE - 3]}..."


def _tree_lines(tree: TreeDifference) -> Iterator[ReportLine]:
    shown = len(tree.paths)
    total = tree.added + tree.removed + tree.changed
    if total:
        yield ReportLine("")
        yield ReportLine("Paths" + (f", {shown:,} of {total:,}" if shown < total else ""), "heading")
    for change in tree.paths:
        path = " / ".join(map(plain, change.path)) or "the whole"
        if change.state == "changed":
            said = f"{_value(change.left)} -> {_value(change.right)}"
        else:
            said = _value(change.left if change.state == "removed" else change.right)
        yield ReportLine(f"{_SIGNS[change.state]} {path}   {said}", change.state)


def _text_lines(text: TextDifference) -> Iterator[ReportLine]:
    styles = {"+": "added", "-": "removed", "@": "dim"}
    if text.lines:
        yield ReportLine("")
    for line in text.lines:
        shown = line.text if line.sign == "@" else f"{line.sign}{line.text}"
        yield ReportLine(plain(shown), styles.get(line.sign, ""))
    if text.cut:
        yield ReportLine("! the diff goes on: its beginning is shown", "note")
