"""Delimited text (csv, tsv, and others that read alike) as a table: RFC 4180 quoting, dialect and header sniffed."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flowtui.errors import PreviewError
from flowtui.preview.result import Column, Preview
from flowtui.preview.subject import Subject
from flowtui.preview.values import has_header, type_of_all
from flowtui.text import plain

_FORMATS = ("csv", "tsv", "tab", "psv")
_DELIMITERS = {"tsv": "\t", "tab": "\t", "psv": "|"}
_CANDIDATES = (",", "\t", ";", "|")
_SAMPLE_ROWS = 200
_TYPED_ROWS = 1000
_RUNAWAY_LINES = 200
_DECIMAL_COMMA = re.compile(r"^(\s*[+-]?[0-9]*),([0-9]+\s*)$")
_SEPARATOR_LINE = re.compile(r"sep=([^\w\s\"]|\t)\r?\n", re.IGNORECASE)

# The reader only sees what a preview read, so its own limit of 131,072 characters per field must not get in the way.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How fields are parted; ``quoted`` is False where quotation marks are ordinary characters."""

    delimiter: str
    quoted: bool = True

    def rows(self, text: str) -> Iterator[list[str]]:
        """The records of ``text``; blank lines are left out."""
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=self.delimiter,
            quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
        )
        try:
            for row in reader:
                if row:
                    yield row
        except csv.Error as error:
            raise PreviewError(f"not a table: {error}") from error


def accepts(subject: Subject) -> bool:
    """Text that calls itself delimited."""
    return subject.sniffed.encoding is not None and not subject.sniffed.magic and subject.sniffed.is_any(*_FORMATS)


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
    dialect = Dialect(named or sniff_delimiter(text))
    if _runs_away(text, dialect):
        dialect = Dialect(dialect.delimiter, quoted=False)
        notices.append("a quotation mark is never closed: quotation marks are shown as they stand")

    rows, total, complete = _read(text, dialect, subject)
    if not rows:
        raise PreviewError("no complete row within what was read" if text.strip() else "only blank lines")
    width = max(map(len, rows))
    header = has_header(rows)
    names = rows[0] if header else []
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
    )


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


def sniff_delimiter(text: str) -> str:
    """The delimiter that parts the first records into the most even number of fields; a comma where none does."""
    sample = text[: 64 * 1024]
    best, best_score = ",", 0.0
    for delimiter in _CANDIDATES:
        widths = []
        for row in Dialect(delimiter).rows(sample):
            widths.append(len(row))
            if len(widths) >= _SAMPLE_ROWS:
                break
        if len(widths) > 1 and len(sample) < len(text):
            widths.pop()
        if not widths:
            continue
        width, count = Counter(widths).most_common(1)[0]
        score = 0.0 if width == 1 else count / len(widths) + min(width, 50) / 1000
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _runs_away(text: str, dialect: Dialect) -> bool:
    """True where one field takes in so many lines that its opening quotation mark must be an ordinary character."""
    if '"' not in text:
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
