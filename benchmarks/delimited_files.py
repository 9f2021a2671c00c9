"""How many delimited files of known content flowtui and DuckDB's sniffer read rightly, by kind.

Run it with the development environment: ``python benchmarks/delimited_files.py [--seed N] [--count N]``. A
file is read rightly where the names of the columns and all values are those that were written. Missing values and empty
texts count as one, and DuckDB reads all columns as text.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[1]))

from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview
from flowtui.storage import Storage
from tests.trusting import TrustsAll

ROWS = 100_000
_WORDS = (
    "Placebo", "Xanomeline High Dose", "O'Neil", "Réunion", "mild", "N", "Y", "ALT (U/L)", "subject's wish", "5 mg",
    "lost to follow-up", "naïve", "x", "Total", "C:\\data", "50%", "a-b", "not done", "see p. 3", "ongoing",
)  # fmt: skip
_NAMES = (
    "USUBJID", "AGE", "SEX", "ARM", "LBTEST", "LBORRES", "VISIT", "AEDECOD", "WEIGHT", "TRTSDT", "SITE", "NOTE",
    "BMI", "DTHFL", "RACE", "COUNTRY",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class File:
    """A delimited file and what it holds; ``names`` is empty where it has no header."""

    kind: str
    text: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Table:
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def _table(draw: random.Random, *, extra: str = "", typed: bool = True, most: int = 30) -> _Table:
    """A table of texts, numbers and dates; ``extra``: a character that some texts hold."""
    width = draw.randint(2, 8)
    names = tuple(draw.sample(_NAMES, width))
    kinds = [draw.choice(("text", "integer", "number", "date")) for _ in range(width)]
    kinds[0] = "id"
    if typed:
        kinds[-1] = draw.choice(("integer", "number", "date"))
    else:
        kinds = ["id", *["text"] * (width - 1)]

    def value(kind: str) -> str:
        if kind == "id":
            return f"S1-{draw.randint(1, 99_999):05}"
        if draw.random() < 0.08:
            return ""
        if kind == "integer":
            return str(draw.randint(-50, 5000))
        if kind == "number":
            return f"{draw.uniform(-5, 500):.2f}"
        if kind == "date":
            return f"20{draw.randint(10, 29)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
        words = draw.sample(_WORDS, draw.randint(1, 2))
        return (f"{extra} " if extra and draw.random() < 0.4 else " ").join(words)

    rows = tuple(tuple(value(kind) for kind in kinds) for _ in range(draw.randint(3, most)))
    return _Table(names, rows)


def _written(
    table: _Table,
    delimiter: str = ",",
    quote: str = '"',
    *,
    escape: str = "",
    all_quoted: bool = False,
    header: bool = True,
    blank: str = "",
    end: str = "\n",
) -> str:
    def field(text: str) -> str:
        special = delimiter in text or "\n" in text or (quote and quote in text)
        if quote and (special or all_quoted):
            if escape == "\\":
                text = text.replace("\\", "\\\\")
            return f"{quote}{text.replace(quote, (escape or quote) + quote)}{quote}"
        return text

    lines = [table.names] * header + list(table.rows)
    return "".join(f"{delimiter}{blank}".join(map(field, line)) + end for line in lines)


def _plain(draw: random.Random) -> File:
    table = _table(draw)
    delimiter = draw.choice(",;\t|")
    return File("usual", _written(table, delimiter, end=draw.choice(("\n", "\r\n"))), table.names, table.rows)


def _quoted(draw: random.Random) -> File:
    delimiter = draw.choice(",;\t|")
    table = _table(draw, extra=draw.choice((delimiter, '"', "\n", f'{delimiter}"')), typed=draw.random() < 0.8)
    text = _written(table, delimiter, all_quoted=draw.random() < 0.5)
    return File("quotation marks", text, table.names, table.rows)


def _no_header(draw: random.Random) -> File:
    table = _table(draw)
    return File("no header", _written(table, draw.choice(",;\t|"), header=False), (), table.rows)


def _titled(draw: random.Random) -> File:
    table = _table(draw, typed=draw.random() < 0.8)
    titles = draw.choice(
        (
            ["Listing 16.2.7 Adverse events"],
            ["Listing 16.2.7 Adverse events", "Safety population"],
            ["Protocol: S1", "Exported 2024-01-02", ""],
            ["Laboratory data, final, locked", ""],
            ["Report", "", "Created by LIMS 3.1", ""],
        )
    )
    before = "".join(f"{line}\n" for line in titles)
    return File("title lines", before + _written(table, draw.choice(",;\t|")), table.names, table.rows)


def _commented(draw: random.Random) -> File:
    table = _table(draw, typed=draw.random() < 0.8)
    comments = draw.choice(
        (
            ["# made by lab X", "# 2024"],
            ["# a, b, c"],
            ["#", "# units: kg, cm", "#"],
            ["## generated", "## seed=1, version=2"],
        )
    )
    before = "".join(f"{line}\n" for line in comments)
    return File("comment lines", before + _written(table, draw.choice(",;\t|")), table.names, table.rows)


def _filled_title(draw: random.Random) -> File:
    table = _table(draw)
    while len(table.names) < 3:
        table = _table(draw)
    fill = "," * (len(table.names) - 1)
    return File("title of a spreadsheet", f"Table 1{fill}\n{fill}\n" + _written(table), table.names, table.rows)


def _backslashes(draw: random.Random) -> File:
    table = _table(draw, extra=draw.choice(('"', '",')))
    text = _written(table, ",", escape="\\", all_quoted=draw.random() < 0.5)
    # Only within quotation marks is a backslash doubled; a field without them keeps its own.
    return File("backslashes", text, table.names, table.rows)


def _single_quotes(draw: random.Random) -> File:
    delimiter = draw.choice(",;")
    table = _table(draw, extra=delimiter)
    text = _written(table, delimiter, "'", all_quoted=draw.random() < 0.5)
    return File("single quotation marks", text, table.names, table.rows)


def _blank_before_quote(draw: random.Random) -> File:
    table = _table(draw, extra=",")
    text = _written(table, ",", blank=" ")
    # Without a quotation mark nothing tells that the blanks do not belong to the values.
    text = text if '"' in text else _written(table, ",", blank=" ", all_quoted=True)
    return File("a blank before a quotation mark", text, table.names, table.rows)


def _long_delimiter(draw: random.Random) -> File:
    table = _table(draw)
    return File("long delimiters", _written(table, draw.choice(("||", "~|~", "::"))), table.names, table.rows)


def _rare_delimiter(draw: random.Random) -> File:
    table = _table(draw)
    return File("rare delimiters", _written(table, draw.choice("^~\x1f")), table.names, table.rows)


def _decimal_commas(draw: random.Random) -> File:
    table = _table(draw)
    rows = tuple(
        tuple(value.replace(".", ",") if value.replace(".", "").isdecimal() else value for value in row)
        for row in table.rows
    )
    table = _Table(table.names, rows)
    return File("decimal commas", _written(table, ";"), table.names, table.rows)


def _texts_only(draw: random.Random) -> File:
    table = _table(draw, typed=False)
    return File("texts only", _written(table, draw.choice(",;\t|")), table.names, table.rows)


def _single_column(draw: random.Random) -> File:
    table = _table(draw)
    return File(
        "one column",
        _written(_Table(table.names[:1], tuple(row[:1] for row in table.rows))),
        table.names[:1],
        tuple(row[:1] for row in table.rows),
    )


def _inches(draw: random.Random) -> File:
    table = _table(draw)
    rows = tuple((*row, f'{draw.randint(1, 9)}" pipe') for row in table.rows)
    names = (*table.names, "SIZE")
    lines = [names, *rows]
    text = "".join(",".join(line) + "\n" for line in lines)
    return File("marks within fields", text, names, rows)


KINDS: tuple[Callable[[random.Random], File], ...] = (
    _plain, _quoted, _no_header, _titled, _commented, _filled_title, _backslashes, _single_quotes, _blank_before_quote,
    _long_delimiter, _rare_delimiter, _decimal_commas, _texts_only, _single_column, _inches,
)  # fmt: skip

Read = tuple[tuple[str, ...], list[tuple[str, ...]]]


async def by_flowtui(storage: Storage, path: Path) -> Read:
    """Names and rows as flowtui shows them; no names where it found no header."""
    async with storage.open(str(path)) as reader:
        found = await preview(reader, name=path.name, limits=Limits(cell=100_000).for_rows(ROWS))
    names = tuple(column.name for column in found.columns)
    if all(name == f"column {place}" for place, name in enumerate(names, 1)):
        names = ()
    return names, [tuple("" if cell is None else str(cell) for cell in row) for row in found.rows]


def by_duckdb(path: Path) -> Read:
    """Names and rows as DuckDB's sniffer reads them; no names where it found no header."""
    table = duckdb.read_csv(str(path), all_varchar=True)
    names = tuple(table.columns)
    if all(name == f"column{place:0{len(str(len(names) - 1))}}" for place, name in enumerate(names)):
        names = ()
    return names, [tuple("" if cell is None else cell for cell in row) for row in table.fetchall()]


def is_right(read: Read, file: File) -> bool:
    """Whether names and values are those that were written; a preview shows line breaks and tabs as blanks."""
    names, rows = read

    def on_one_line(rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        return [tuple(cell.replace("\n", " ").replace("\t", " ") for cell in row) for row in rows]

    return names == file.names and on_one_line(rows) == on_one_line(file.rows)


async def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="How many delimited files flowtui and DuckDB read rightly.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20, help="files of each kind")
    parser.add_argument("--wrong", metavar="KIND", help="print the files of a kind that flowtui reads wrongly")
    options = parser.parse_args(arguments)
    draw = random.Random(options.seed)
    right: dict[str, Counter[str]] = {"flowtui": Counter(), "DuckDB": Counter()}
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        async with Storage(TrustsAll()) as storage:
            for make in KINDS:
                for number in range(options.count):
                    file = make(draw)
                    total[file.kind] += 1
                    path = Path(folder, f"{make.__name__.strip('_')}_{number}.csv")
                    await asyncio.to_thread(path.write_bytes, file.text.encode())
                    read = await by_flowtui(storage, path)
                    right["flowtui"][file.kind] += is_right(read, file)
                    if options.wrong == file.kind and not is_right(read, file):
                        print(file.text[:400], read, sep="\n")
                    try:
                        right["DuckDB"][file.kind] += is_right(by_duckdb(path), file)
                    except duckdb.Error:
                        continue
    print(f"{'kind':34}{'files':>7}{'flowtui':>9}{'DuckDB ' + duckdb.__version__:>15}")
    for kind, count in total.items():
        print(f"{kind:34}{count:7}{right['flowtui'][kind]:9}{right['DuckDB'][kind]:15}")
    print(f"{'all':34}{total.total():7}{right['flowtui'].total():9}{right['DuckDB'].total():15}")


if __name__ == "__main__":
    asyncio.run(main())
