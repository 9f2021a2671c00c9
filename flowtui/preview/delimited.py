"""Delimited text (csv, tsv, and others that read alike) as a table: RFC 4180 quoting, dialect and header sniffed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace

from flowtui.errors import PreviewError
from flowtui.preview.delimited_dialect import Dialect, lacks_row_names, lines_before, sniff_dialect
from flowtui.preview.result import Column, Preview
from flowtui.preview.subject import Subject
from flowtui.preview.values import has_header, type_of_all
from flowtui.text import cut, plain

_FORMATS = ("csv", "tsv", "tab", "psv")
_DELIMITERS = {"tsv": "\t", "tab": "\t", "psv": "|"}
_TYPED_ROWS = 1000
_RUNAWAY_LINES = 200
_DECIMAL_COMMA = re.compile(r"^(\s*[+-]?[0-9]*),([0-9]+\s*)$")
_SEPARATOR_LINE = re.compile(r"sep=([^\w\s\"]|\t)\r?\n", re.IGNORECASE)


def accepts(subject: Subject) -> bool:
    """Text that calls itself delimited, or that the person takes for it."""
    is_text = subject.sniffed.encoding is not None and not subject.sniffed.magic
    return is_text and (subject.sniffed.is_any(*_FORMATS) or subject.limits.has_dialect)


async def show(subject: Subject) -> Preview:
    await subject.read_whole()
    return await asyncio.to_thread(_show, subject)


def _show(subject: Subject) -> Preview:
    limits = subject.limits
    text = subject.text()
    named = next((_DELIMITERS[name] for name in subject.sniffed.formats if name in _DELIMITERS), "")
    separator = _SEPARATOR_LINE.match(text)
    if separator:
        named, text = separator.group(1), text[separator.end() :]
    notices = subject.text_notices()
    dialect = sniff_dialect(text, delimiter=limits.delimiter or named, quote=limits.quote, skip=limits.skip)
    if limits.quote is None:
        if _runs_away(text, replace(dialect, quote=dialect.quote or '"')):
            dialect = replace(dialect, quote="", has_backslashes=False, has_blanks=False)
            notices.append("a quotation mark is never closed: quotation marks are shown as they stand")
        elif not dialect.quote:
            notices.append("quotation marks do not enclose whole fields: they are shown as they stand")

    rows, total, complete = _read(text, dialect, subject)
    if not rows:
        raise PreviewError("no complete row within what was read" if text.strip() else "only blank lines")
    width = max(map(len, rows))
    header = has_header(rows)
    names = rows[0] if header else []
    if dialect.skip:
        notices.append(f"{_lines(dialect.skip)} before the {'header' if header else 'table'}")
    if header and lacks_row_names(rows, width):
        names = ["", *names]
        notices.append("the header has no name for the first column, as R writes row names")
    notices += dialect.words()
    body = rows[1:] if header else rows
    total -= header
    columns = min(width, limits.columns)
    shown = body[: max(min(limits.rows, limits.cells // max(columns, 1)), 1)]

    long = sum(len(cell) > limits.cell for row in shown for cell in row[:columns])
    ragged = sum(len(row) != width for row in shown)
    if len(shown) < total or not complete:
        notices.append(f"first {len(shown):,} of {total:,} rows" if complete else f"first {len(shown):,} rows")
    if not complete:
        notices.append(subject.amount())
    if columns < width:
        # A first row that is not read to its end has more columns than are known.
        is_cut = total + header <= 1 and not complete and len(rows) == 1
        notices.append(f"first {columns:,} of {f'more than {width - 1:,}' if is_cut else f'{width:,}'} columns")
    if long:
        notices.append(f"{long:,} {'cell is' if long == 1 else 'cells are'} longer than {limits.cell:,} characters")
    if ragged:
        notices.append(f"{ragged:,} of these rows {'has' if ragged == 1 else 'have'} fewer fields than others")
    return Preview(
        kind="table",
        columns=_columns(names, body[:_TYPED_ROWS], columns, limits.cell, dialect.delimiter == ";"),
        rows=tuple(_cells(row, columns, limits.cell) for row in shown),
        notices=tuple(notices),
        total_rows=total if complete else None,
        more=len(shown) < total or not complete,
        format="tsv" if dialect.delimiter == "\t" else "csv",
        facts=(("before the table", cut(lines_before(text, dialect), limits.cell)),) if dialect.skip else (),
    )


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"


def _read(text: str, dialect: Dialect, subject: Subject) -> tuple[list[list[str]], int, bool]:
    """The rows to look at, how many there are in what was read, and whether that is the whole file.

    Where the file goes on, the last row may be cut and is left out.
    """
    keep = max(subject.limits.rows, _TYPED_ROWS) + 2
    rows: list[list[str]] = []
    total = 0
    for row in dialect.rows(text):
        total += 1
        if len(rows) < keep:
            rows.append(row)
        elif not subject.whole:
            return rows, total - 1, False
    if not subject.whole and total and not (total == 1 and len(rows[0]) > subject.limits.columns):
        total -= 1
        rows = rows[:total]
    return rows, total, subject.whole


def _runs_away(text: str, dialect: Dialect) -> bool:
    """True where one field takes in so many lines that its opening quotation mark must be an ordinary character."""
    if not dialect.quote or dialect.quote not in text:
        return False
    for index, row in enumerate(dialect.rows(text)):
        if any(field.count("\n") > _RUNAWAY_LINES for field in row if len(field) > _RUNAWAY_LINES):
            return True
        if index >= _TYPED_ROWS:
            return False
    return False


def _columns(
    names: Sequence[str], rows: Sequence[Sequence[str]], count: int, width: int, decimal_commas: bool
) -> tuple[Column, ...]:
    columns = []
    for index in range(count):
        name = plain(names[index][:width]).strip() if index < len(names) else ""
        kind = type_of_all(row[index] for row in rows if index < len(row))
        if decimal_commas and kind == "text":
            # Where semicolons part the fields, commas part decimals; the cells stay as they stand.
            kind = type_of_all(_DECIMAL_COMMA.sub(r"\1.\2", row[index]) for row in rows if index < len(row))
        columns.append(Column(name or f"column {index + 1}", kind))
    return tuple(columns)


def _cells(row: Sequence[str], count: int, width: int) -> tuple[str | None, ...]:
    cells: list[str | None] = [plain(cell if len(cell) <= width else f"{cell[: width - 1]}…") for cell in row[:count]]
    cells += [None] * (count - len(cells))
    return tuple(cells)
