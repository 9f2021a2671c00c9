"""How delimited text is laid out: its delimiter, its quotation marks, and the lines that stand before the table.

RFC 4180 says how it should be. Spark, Hive and MySQL put a backslash before a quotation mark within a field; reports of
SAS and exports of laboratories have lines of a title or of comments before the header; R's ``write.table`` leaves out
the name of the column of row names.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from flowtui.errors import PreviewError
from flowtui.preview.reasons import reason_of
from flowtui.preview.values import has_header, type_of_all

_USUAL = (",", "\t", ";", "|")
_UNUSUAL = ("^", "~", "::", "\x01", "\x1f", "¦", "§", "þ", "#", " ")
_AROUND = frozenset("~^|:;#@$%&*+=!")
"""Characters that stand on both sides of another delimiter, as in ``~|~``."""

_MARKS = ("\ue000", "\ue001", "\ue002", "\ue003", "\ue004", "\ue005")
"""Private characters that stand for a longer delimiter, or a quotation mark behind a backslash, while it is read."""

_SAMPLE = 64 * 1024
_SAMPLE_ROWS = 200
_MOST_BEFORE = 50
_EVEN = 0.9
_CLEAN = 0.99
_COMMENT = "#"
_NAMED = re.compile(rf"{_COMMENT}+\w")
_WORD = re.compile(r"[\w.$-]+")

# The reader only sees what a preview read, so its own limit of 131,072 characters per field must not get in the way.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How fields are parted.

    Attributes:
        delimiter: one character or more.
        quote: the quotation mark; empty where quotation marks are ordinary characters.
        has_backslashes: a backslash stands before a quotation mark, or another backslash, that belongs to the field.
        has_blanks: blanks behind a delimiter do not belong to the field, so that a quotation mark may follow them.
        skip: lines before the table.
    """

    delimiter: str
    quote: str = '"'
    has_backslashes: bool = False
    has_blanks: bool = False
    skip: int = 0

    def rows(self, text: str) -> Iterator[list[str]]:
        """The records of ``text``, whose first lines are left out as ``skip`` says; blank lines are left out too.

        Raises PreviewError where the text is none, with a carriage return in the middle of a field.
        """
        for _, row in self._records(text[_after_lines(text, self.skip) :] if self.skip else text):
            yield row

    def _records(self, text: str, strict: Strict | None = None) -> Iterator[tuple[int, list[str]]]:
        """Records and the number of the line that each begins in, from 0."""
        delimiter, escaped = self.delimiter, ""
        free = [mark for mark in _MARKS if mark not in text]
        if self.has_backslashes and self.quote and free:
            escaped = free.pop()
            pattern = re.compile(rf"\\([\\{self.quote}])")
            text = pattern.sub(lambda found: escaped if found[1] == self.quote else "\\", text)
        if len(delimiter) > 1 and free:
            delimiter = free.pop()
            text = text.replace(self.delimiter, delimiter)
        lines = iter(io.StringIO(text, newline=""))
        done = 0
        while True:
            reader = csv.reader(
                lines,
                delimiter=delimiter,
                quotechar=self.quote or None,
                quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
                skipinitialspace=self.has_blanks,
                strict=strict is not None,
            )
            begin = 0
            try:
                for row in reader:
                    if row:
                        if escaped:
                            row = [field.replace(escaped, self.quote) for field in row]
                        if delimiter != self.delimiter:
                            row = [field.replace(delimiter, self.delimiter) for field in row]
                        yield done + begin, row
                    begin = reader.line_num
                return
            except csv.Error as error:
                if strict is None:
                    raise PreviewError(f"not a table: {reason_of(error)}") from error
                strict.violations += 1
                done += reader.line_num

    def words(self) -> list[str]:
        """What is to be said of it, where it is not the usual one."""
        said = []
        if len(self.delimiter) > 1 or self.delimiter not in _USUAL:
            said.append(f"the delimiter is {_spelled(self.delimiter)}")
        if self.quote == "'":
            said.append("fields are quoted with single quotation marks")
        if self.has_backslashes:
            said.append("a backslash stands before quotation marks within a field")
        if self.has_blanks:
            said.append("blanks behind a delimiter are left out")
        return said


@dataclass(slots=True)
class Strict:
    """Counts the records that break the rules of quoting."""

    violations: int = 0


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well a dialect explains a sample."""

    dialect: Dialect
    width: int
    score: float
    is_clean: bool
    rows: Sequence[Sequence[str]] = ()


def sniff_dialect(text: str, *, delimiter: str = "", quote: str | None = None, skip: int | None = None) -> Dialect:
    """The dialect in which the first records of a text are most even; commas where none is.

    Args:
        delimiter, quote, skip: what is known of it already.
    """
    offset = _after_lines(text, skip or 0)
    sample = text[offset : offset + _SAMPLE]
    is_cut = offset + _SAMPLE < len(text)
    usual = (delimiter,) if delimiter else _USUAL
    finds_start = skip is None

    def fits(dialects: Sequence[Dialect]) -> list[_Fit]:
        return [_fit(dialect, sample, is_cut, finds_start=finds_start) for dialect in dialects]

    if quote is not None:
        variants = [Dialect(one, quote) for one in usual]
        if quote:
            variants += [dialect for one in usual for dialect in _variants(one, sample) if dialect.quote == quote]
        found = fits(variants)
    else:
        found = fits([Dialect(one) for one in usual])
        best = max(found, key=lambda fit: fit.score)
        if not best.is_clean:
            found += fits([dialect for one in usual for dialect in _variants(one, sample)])
    best = max(found, key=lambda fit: fit.score)
    if not delimiter:
        longer = _longer(best)
        if longer:
            fit = fits([replace(best.dialect, delimiter=longer, skip=0)])[0]
            best = fit if fit.score > _EVEN else best
        if best.score < _EVEN:
            rare = [one for one in _UNUSUAL if one in sample]
            unusual = fits([Dialect(one, '"' if quote is None else quote) for one in rare])
            other = max(unusual, key=lambda fit: fit.score, default=best)
            best = other if other.score > max(best.score, _EVEN) else best
    return replace(best.dialect, skip=best.dialect.skip + (skip or 0))


def _variants(delimiter: str, sample: str) -> list[Dialect]:
    """Other ways of quoting that a sample has signs of."""
    found: list[Dialect] = []
    for quote in ('"', "'"):
        if quote not in sample:
            continue
        mark, parted = re.escape(quote), re.escape(delimiter)
        if quote == "'":
            if not re.search(rf"(?m)(?:^|{parted}) *'(?:[^'\n]|'')*' *(?:\r?$|{parted})", sample):
                continue
            found.append(Dialect(delimiter, quote))
        has_blanks = delimiter != " " and re.search(rf"{parted} +{mark}", sample) is not None
        has_backslashes = f"\\{quote}" in sample
        found += [Dialect(delimiter, quote, has_blanks=True)] * has_blanks
        found += [Dialect(delimiter, quote, has_backslashes=True)] * has_backslashes
        found += [Dialect(delimiter, quote, has_backslashes=True, has_blanks=True)] * (has_blanks and has_backslashes)
    if '"' in sample:
        found.append(Dialect(delimiter, ""))
    return found


def _fit(dialect: Dialect, sample: str, is_cut: bool, *, finds_start: bool) -> _Fit:
    strict = Strict()
    records = []
    try:
        for record in dialect._records(sample, strict):
            records.append(record)
            if len(records) >= _SAMPLE_ROWS:
                break
    except PreviewError:
        return _Fit(dialect, 1, 0.0, False)
    ends_early = len(records) < _SAMPLE_ROWS
    if is_cut and ends_early:
        if len(records) > 1:
            records.pop()
        # A field that is open at the end of the sample breaks no rule.
        strict.violations = max(strict.violations - 1, 0)
    rows = [row for _, row in records]
    if not rows:
        return _Fit(dialect, 1, 0.0, False)
    start = _start(rows, [line for line, _ in records]) if finds_start else 0
    body = rows[start:]
    width, count = _most_common([len(row) for row in body])
    fields = [field.strip() for row in body for field in row]
    left = sum(len(field) > 1 and field[0] == field[-1] and field[0] in "\"'" for field in fields) / len(fields)
    broken = strict.violations / (len(rows) + strict.violations)
    score = 0.0 if width == 1 else count / len(body) + min(width, 50) / 1000
    score -= 0.2 * broken + 0.1 * left + 0.01 * min(start, 10)
    is_clean = width > 1 and count >= _CLEAN * len(body) and not broken and not left
    return _Fit(replace(dialect, skip=records[start][0]), width, score, is_clean, body)


def _most_common(widths: Sequence[int]) -> tuple[int, int]:
    """The width that most rows have, of several the largest, and how many rows have it."""
    counts = Counter(widths)
    width = max(counts, key=lambda one: (counts[one], one))
    return width, counts[width]


def _start(rows: Sequence[Sequence[str]], lines: Sequence[int]) -> int:
    """The first row of the table: behind a title, comments, and what else has other widths than the even rest."""
    main, _ = _most_common([len(row) for row in rows])
    comments = len(list(itertools.takewhile(lambda row: row[0].startswith(_COMMENT), rows)))
    if comments and comments < len(rows):
        before = rows[comments - 1]
        # The last line of comments may be the header, as in VCF and BED.
        is_header = len(before) == main > 1 and _NAMED.match(before[0]) and not _has_typed_header(rows[comments:])
        return comments - 1 if is_header else comments
    if main == 1:
        return 0
    first = next((at for at, row in enumerate(rows) if len(row) == main and not _is_title(row)), 0)
    if not 0 < first <= _MOST_BEFORE or len(rows) - first < 2:
        return 0
    rest = rows[first:]
    if sum(len(row) == main for row in rest) < _EVEN * len(rest):
        return 0
    if first == 1 and _is_short_header(rows[0], main):
        return 0
    has_gap = lines[first] > first
    if main == 2 and first == 1 and not has_gap and len(rows[0]) == 1:
        # One name over rows with a comma in them is a column of texts.
        is_title = _WORD.fullmatch(rows[0][0].strip()) is None
        return 1 if is_title and _has_typed_header(rest) else 0
    return first


def _is_title(row: Sequence[str]) -> bool:
    """A line of text that a spreadsheet has filled up with empty fields."""
    return len(row) > 2 and sum(bool(field.strip()) for field in row) <= 1


def _is_short_header(row: Sequence[str], width: int) -> bool:
    """Whether it may be the names of all columns but that of the row names, as R writes them."""
    names = [field.strip().strip("\"'") for field in row]
    return (
        len(names) == width - 1
        and len(set(names)) == len(names)
        and all(_WORD.fullmatch(name) and type_of_all([name]) == "text" for name in names)
    )


def _has_typed_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns of which at least one is none of text."""
    if len(rows) < 2 or not has_header(rows):
        return False
    return any(
        type_of_all(row[at] for row in rows[1:] if at < len(row)) not in ("", "text") for at in range(len(rows[0]))
    )


def lacks_row_names(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the header leaves out the name of the first column: one name fewer than all rows below have fields."""
    below = rows[1:]
    if len(below) < 2 or len(rows[0]) != width - 1 or any(len(row) != width for row in below):
        return False
    types = {type_of_all(row[at] for row in below) for at in range(1, width)}
    if width == 2 and types <= {"", "text"}:
        # Texts with a comma in them below one name.
        return False
    # A delimiter at the end of every row makes an empty last column.
    return any(row[-1].strip() for row in below)


def _longer(best: _Fit) -> str:
    """A delimiter of several characters of which the best one is a part, as ``||`` and ``~|~``; empty where none is."""
    rows = [row for row in best.rows if len(row) == best.width > 1]
    if not rows:
        return ""
    one = best.dialect.delimiter
    if best.width % 2 and all(not any(row[1::2]) for row in rows):
        return one * 2
    around = {field[:1] for row in rows for field in row[1:]} | {field[-1:] for row in rows for field in row[:-1]}
    mark = around.pop() if len(around) == 1 else ""
    return f"{mark}{one}{mark}" if mark in _AROUND else ""


def lines_before(text: str, dialect: Dialect) -> str:
    """What stands before the table, its lines parted by semicolons."""
    lines = text[: _after_lines(text, dialect.skip)].splitlines()
    return "; ".join(line.strip() for line in lines if line.strip())


def _after_lines(text: str, count: int) -> int:
    """Where the text behind so many lines begins."""
    at = 0
    for _ in range(count):
        ends = [end for end in (text.find("\n", at), text.find("\r", at)) if end >= 0]
        if not ends:
            return len(text)
        at = min(ends) + (2 if text.startswith("\r\n", min(ends)) else 1)
    return at


def _spelled(delimiter: str) -> str:
    """A delimiter in words where it is not seen."""
    named = {"\t": "a tab", " ": "a blank", "\x01": "the control code 1", "\x1f": "the control code 31"}
    return named.get(delimiter, f"`{delimiter}`")
