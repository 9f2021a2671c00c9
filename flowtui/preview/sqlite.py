"""SQLite databases (https://sqlite.org/fileformat2.html): a page for each table, with its first rows.

The standard library's reader opens a copy in memory, as it cannot read in parts. It may read tables and nothing else:
no trigger runs, no view, and no function of the database's own.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview.arrow_values import column_names, short
from flowtui.preview.bounded_file import BoundedFile, OverBudgetError
from flowtui.preview.limits import Limits, chosen_places
from flowtui.preview.plain_values import cell_of
from flowtui.preview.reasons import reason_of
from flowtui.preview.result import Cell, Column, Preview
from flowtui.preview.worker import Request

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

MAGIC = b"SQLite format 3\0"
_MOST_LOCAL = 128 << 20
"""Bytes of a database of this machine that are copied; of one in a store as many as a look may cost."""

_CHUNK = 8 << 20
_VERSIONS = slice(18, 20)
_STEPS = 1000
_MOST_STEPS = 20_000
"""A preview ends after so many thousands of steps of SQLite's machine."""

_MOST_TABLES = 1000
_VIRTUAL = re.compile(r"\s*CREATE\s+VIRTUAL\s", re.IGNORECASE)
_TEXT = 3 << 20


def accepts(subject: Subject) -> bool:
    """Files that begin like SQLite's."""
    return subject.sniffed.magic == "sqlite"


async def show(subject: Subject) -> Preview:
    await subject.read_whole()
    return await subject.workers.show(table, subject)


def table(file: BinaryIO, request: Request) -> Preview:
    """The preview of a table of a database; runs in a worker."""
    content = _content(file, request)
    with contextlib.ExitStack() as stack:
        try:
            connection = _opened(content, stack)
            return _table(connection, content, request.limits)
        except sqlite3.Error as error:
            raise PreviewError(f"a database that SQLite cannot read: {reason_of(error)}") from error


def _content(file: BinaryIO, request: Request) -> bytes:
    """A copy of the database."""
    size = request.size
    if size is None:
        raise PreviewError("a SQLite database, which is read as a whole, and its size is not known")
    too_large = f"a SQLite database of {human_size(size)}: it is read as a whole and is too large for a preview"
    if request.is_local:
        if size > _MOST_LOCAL:
            raise PreviewError(too_large)
        bounded = BoundedFile(file, free=request.at_hand, budget=_MOST_LOCAL)
    else:
        bounded = BoundedFile.of(file, request)
    try:
        bounded.fetch([(0, size)])
    except OverBudgetError:
        raise PreviewError(too_large) from None
    return bounded.read(size)


def _opened(content: bytes, stack: contextlib.ExitStack) -> sqlite3.Connection:
    # In write-ahead mode SQLite would look for a file beside it: what that holds is not in this file.
    copy = bytearray(content)
    copy[_VERSIONS] = b"\x01\x01"
    # Python 3.10 has no such method.
    deserialize = getattr(sqlite3.Connection, "deserialize", None)
    if deserialize is not None:
        connection = stack.enter_context(contextlib.closing(sqlite3.connect(":memory:")))
        deserialize(connection, bytes(copy))
    else:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        path = Path(folder) / "copy"
        path.write_bytes(copy)
        uri = f"{path.as_uri()}?mode=ro&immutable=1"
        connection = stack.enter_context(contextlib.closing(sqlite3.connect(uri, uri=True)))
    connection.text_factory = _text
    for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.set_authorizer(_authorized)
    connection.set_progress_handler(_Steps().is_spent, _STEPS)
    return connection


def _text(data: bytes) -> str:
    return data[:_TEXT].decode(errors="replace")


_ALLOWED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ)


def _authorized(action: int, first: str | None, second: str | None, database: str | None, inner: str | None) -> int:
    """Reading of columns; of functions only the count of rows. Nothing that a view or trigger does."""
    if action in _ALLOWED and inner is None:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and second in ("count", "substr") and inner is None:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


class _Steps:
    """Ends a query that takes too many steps."""

    def __init__(self) -> None:
        self._left = _MOST_STEPS

    def is_spent(self) -> int:
        self._left -= 1
        return int(self._left < 0)


def _table(connection: sqlite3.Connection, content: bytes, limits: Limits) -> Preview:
    found = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY rowid"
    ).fetchmany(_MOST_TABLES)
    others = [kind != "table" or _VIRTUAL.match(str(sql or "")) is not None for kind, _, sql in found]
    names = [
        str(name)
        for (_, name, _), is_other in zip(found, others, strict=True)
        if not is_other and not str(name).startswith("sqlite_")
    ]
    facts = tuple(_facts(content, len(names), sum(others)))
    if not names:
        return Preview(kind="table", notices=("a database without tables",), total_rows=0, format="sqlite", facts=facts)
    page = min(max(limits.page, 1), len(names))
    name = names[page - 1]
    quoted = '"' + name.replace('"', '""') + '"'
    notices: list[str] = []
    all_names, found_rows = _rows(connection, quoted, max(limits.rows, 1), notices)
    places = chosen_places(all_names, limits)
    rows = max(min(limits.rows, limits.cells // max(len(places), 1)), 1)
    values = [tuple(cell_of(row[at], limits.cell) for at in places) for row in found_rows[:rows]]
    total = _count(connection, quoted) if len(values) >= rows else None if notices else len(values)
    if total is None or len(values) < total:
        shown = f"first {len(values):,} of {total:,} rows" if total is not None else f"first {len(values):,} rows"
        notices.insert(0, shown)
    return Preview(
        kind="table",
        columns=tuple(
            Column(short(all_names[at], limits.cell), _type(values, index)) for index, at in enumerate(places)
        ),
        rows=tuple(values),
        notices=tuple(notices),
        total_rows=total,
        column_names=column_names(all_names, len(places), limits),
        more=total is not None and len(values) < total,
        format="sqlite",
        facts=facts,
        page=page,
        pages=len(names),
        page_names=tuple(short(one, 80) for one in names),
    )


def _rows(
    connection: sqlite3.Connection, quoted: str, rows: int, notices: list[str]
) -> tuple[list[str], list[tuple[object, ...]]]:
    """The names of the columns and the first rows, as many of them as can be read."""
    names: list[str] = []
    found: list[tuple[object, ...]] = []
    try:
        cursor = connection.execute(f"SELECT * FROM {quoted} LIMIT {rows}")  # noqa: S608
        # A declaration is not parsed here: a query names the columns.
        names = [str(part[0]) for part in cursor.description]
        for row in cursor:
            found.append(row)  # noqa: PERF402
    except (sqlite3.Error, OverflowError) as error:
        notices.append(f"it cannot be read further: {reason_of(error)}")
    return names, found


def _count(connection: sqlite3.Connection, quoted: str) -> int | None:
    try:
        return int(connection.execute(f"SELECT count(*) FROM {quoted}").fetchone()[0])  # noqa: S608
    except sqlite3.Error:
        return None


def _type(values: list[tuple[Cell, ...]], at: int) -> str:
    """The type of what stands in a column: SQLite has types of values, not of columns."""
    kinds = {type(row[at]) for row in values if row[at] is not None}
    if not kinds:
        return ""
    if kinds == {int}:
        return "integer"
    return "number" if kinds <= {int, float} else "text"


def _facts(content: bytes, tables: int, others: int) -> Iterator[tuple[str, str]]:
    size = int.from_bytes(content[16:18], "big")
    version = int.from_bytes(content[96:100], "big")
    encoding = {1: "UTF-8", 2: "UTF-16le", 3: "UTF-16be"}.get(int.from_bytes(content[56:60], "big"), "")
    yield "tables", f"{tables:,}"
    if others:
        yield "views and virtual tables", f"{others:,}"
    yield "page size", f"{65536 if size == 1 else size:,}"
    yield "SQLite version", f"{version // 1_000_000}.{version // 1000 % 1000}.{version % 1000}"
    if encoding:
        yield "encoding", encoding
    if content[_VERSIONS] == b"\x02\x02":
        yield "journal", "write-ahead: what was not written back yet is in another file"
