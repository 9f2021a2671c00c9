"""Datasets of CDISC's Dataset-JSON 1.1 as tables: one JSON object, a line for each row (NDJSON), and compressed (dsjc).

The names of attributes are those of the standard: ``columns`` with ``name``, ``label``, ``dataType``, ``displayFormat``
and ``keySequence``, ``rows`` with an array for each record, ``records`` with their number. A decimal stands as text; a
date stands as ISO 8601 has it, whatever ``targetDataType`` says. A compressed dataset is NDJSON behind zlib (RFC 1950).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import replace

from flowtui.errors import PreviewError
from flowtui.preview.json import DEEPEST, parse
from flowtui.preview.json_cells import JsonNumber, JsonObject, cell_of, number_cell, short
from flowtui.preview.layout import depth_of
from flowtui.preview.result import Cell, Column, Preview
from flowtui.preview.subject import Subject
from flowtui.preview.text import LINE_BREAK
from flowtui.preview.unpacked import Unpacked
from flowtui.text import plain

_VERSION = b'"datasetJSONVersion"'
_FORMATS = ("json", "ndjson", "jsonl", "jsonlines", "dsjc")
_LOOKED_AT = 64 * 1024
_MOST_COLUMNS = 100_000
_ROWS = re.compile(r'"rows"\s*:\s*\[')
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TYPES = {
    "string": "text", "URI": "text", "integer": "integer", "decimal": "number", "float": "number", "double": "number",
    "boolean": "boolean", "date": "date", "datetime": "datetime", "time": "time",
}  # fmt: skip


def accepts(subject: Subject) -> bool:
    """JSON whose first attributes are those of a dataset."""
    sniffed = subject.sniffed
    if sniffed.encoding is None or sniffed.magic or (sniffed.formats and not sniffed.is_any(*_FORMATS)):
        return False
    return _VERSION in subject.head[:_LOOKED_AT]


async def show(subject: Subject) -> Preview:
    await subject.read_whole()
    return await asyncio.to_thread(_show, subject)


def accepts_compressed(subject: Subject) -> bool:
    """What calls itself a compressed dataset and begins like zlib's streams or gzip's."""
    return subject.sniffed.is_any("dsjc") and (subject.sniffed.magic == "gzip" or _is_zlib(subject.head))


async def show_compressed(subject: Subject) -> Preview:
    if subject.show_inside is None:
        raise PreviewError("compressed data within a compressed file or archive is not looked into")
    kind = "zlib" if _is_zlib(subject.head) else "gzip"
    source = Unpacked(subject.reader, kind, head=subject.head)
    if not await source.read(0, 1) and source.damage:
        raise PreviewError(f"{kind} data of which nothing can be unpacked: {source.damage}")
    found = await subject.show_inside(source, re.sub(r"(?i)\.dsjc$", ".ndjson", subject.name))
    notices = [f"the compressed data is not whole: {source.damage}"] if source.damage else []
    return replace(found, notices=(*notices, *found.notices), facts=(("compression", kind), *found.facts))


def _is_zlib(head: bytes) -> bool:
    return len(head) > 1 and head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0


def _show(subject: Subject) -> Preview:
    text = subject.text()
    if depth_of(text) > DEEPEST:
        raise PreviewError("a dataset nested deeper than one can be")
    first = next((line for line in text.split("\n", 1)[0].splitlines() if line.strip()), "")
    attributes = _attributes(first) if _ROWS.search(first) is None else None
    if attributes is not None and "columns" in attributes:
        rows, count, is_end = _rows_of_lines(subject, text[len(first) :])
    else:
        attributes, rows, count, is_end = _rows_of_object(subject, text)
    return _table(subject, attributes, rows, count, is_end)


def _attributes(text: str) -> dict[str, object] | None:
    """The attributes of an object; None where the text is none."""
    try:
        found = parse(text)
    except PreviewError:
        return None
    return dict(found) if isinstance(found, JsonObject) else None


_Rows = tuple[list[list[object]], int, bool]


def _rows_of_lines(subject: Subject, text: str) -> _Rows:
    """The first rows of NDJSON, how many there are in what was read, and whether that is all."""
    lines = LINE_BREAK.split(text)
    if not subject.whole:
        lines.pop()
    rows: list[list[object]] = []
    count = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        count += 1
        if len(rows) >= subject.limits.rows:
            continue
        row = parse(line)
        if not isinstance(row, list) or isinstance(row, JsonObject):
            raise PreviewError(f"line {number:,} is no row of the dataset")
        rows.append(row)
    return rows, count, subject.whole


def _rows_of_object(subject: Subject, text: str) -> tuple[dict[str, object], list[list[object]], int, bool]:
    """Attributes, the first rows, how many there are in what was read, and whether that is all."""
    if subject.whole:
        attributes = _attributes(text)
        if attributes is not None:
            rows = attributes.get("rows", [])
            if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
                raise PreviewError("a dataset whose rows are none")
            return attributes, rows[: subject.limits.rows], len(rows), True
    for found in _ROWS.finditer(text):
        attributes = _attributes(f"{text[: found.end()]}]}}")
        if attributes is not None and "columns" in attributes:
            rows, count, is_end = _decoded(text, found.end(), subject.limits.rows)
            return attributes, rows, count, is_end and subject.whole
    raise PreviewError("a dataset whose columns lie behind what was read")


def _is_row(row: object) -> bool:
    return isinstance(row, list) and not isinstance(row, JsonObject)


def _decoded(text: str, at: int, most: int) -> _Rows:
    """Arrays that follow each other in a text, as far as they are whole; and whether their end was reached."""
    decoder = json.JSONDecoder(
        object_pairs_hook=JsonObject, parse_int=JsonNumber, parse_float=JsonNumber, parse_constant=JsonNumber
    )
    rows: list[list[object]] = []
    blank = re.compile(r"[\s,]*")
    while len(rows) < most:
        at = blank.match(text, at).end()  # type: ignore[union-attr]
        if text[at : at + 1] == "]":
            return rows, len(rows), True
        try:
            row, at = decoder.raw_decode(text, at)
        except ValueError:
            break
        if not _is_row(row):
            raise PreviewError("a dataset whose rows are none")
        rows.append(row)
    return rows, len(rows), False


def _table(
    subject: Subject, attributes: dict[str, object], rows: list[list[object]], count: int, is_end: bool
) -> Preview:
    limits = subject.limits
    given = attributes.get("columns")
    if not isinstance(given, list) or not given or len(given) > _MOST_COLUMNS:
        raise PreviewError("a dataset without columns")
    columns = [dict(one) if isinstance(one, JsonObject) else {} for one in given]
    shown = columns[: limits.columns]
    types = [str(one.get("dataType", "")) for one in shown]
    rows = rows[: max(limits.cells // max(len(shown), 1), 1)]
    records = attributes.get("records")
    declared = int(records) if isinstance(records, JsonNumber) and records.isdecimal() and len(records) < 16 else None
    total = count if is_end else declared
    notices = subject.text_notices()
    if total is None or len(rows) < total:
        notices.append(f"first {len(rows):,} rows" if total is None else f"first {len(rows):,} of {total:,} rows")
    if not subject.whole:
        notices.append(subject.amount())
    if len(shown) < len(columns):
        notices.append(f"first {len(shown):,} of {len(columns):,} columns")
    if is_end and declared is not None and declared != count:
        notices.append(f"the dataset says that it has {declared:,} records, and has {count:,}")
    ragged = sum(len(row) != len(columns) for row in rows)
    if ragged:
        notices.append(f"{ragged:,} of these rows {'has' if ragged == 1 else 'have'} another length than the columns")
    odd = sum(_is_odd(value, type_) for row in rows for value, type_ in zip(row, types, strict=False))
    if odd:
        notices.append(f"{odd:,} {'value is' if odd == 1 else 'values are'} not of the type of the column")
    return Preview(
        kind="table",
        columns=tuple(_column(one, limits.cell) for one in shown),
        rows=tuple(_row(row, types, limits.cell) for row in rows),
        notices=tuple(notices),
        total_rows=total,
        more=total is None or len(rows) < total,
        format="dataset-json",
        facts=tuple(_facts(attributes, columns, limits.cell)),
        key=_key(columns, limits.cell),
    )


def _column(attributes: dict[str, object], width: int) -> Column:
    def text(name: str) -> str:
        value = attributes.get(name)
        return short(value, width) if isinstance(value, str) else ""

    return Column(text("name") or " ", _TYPES.get(text("dataType"), "text"), text("label"), text("displayFormat")[:80])


def _row(row: Sequence[object], types: Sequence[str], width: int) -> tuple[Cell, ...]:
    cells = [_cell(value, type_, width) for value, type_ in zip(row, types, strict=False)]
    return (*cells, *[None] * (len(types) - len(cells)))


def _cell(value: object, type_: str, width: int) -> Cell:
    if isinstance(value, str) and type_ == "decimal" and _DECIMAL.fullmatch(value):
        found = number_cell(value)
        return short(found, width) if isinstance(found, str) else found
    if isinstance(value, str) and not isinstance(value, JsonNumber):
        return short(value, width)
    return cell_of(value, width)


def _is_odd(value: object, type_: str) -> bool:
    """Whether a value is of another kind than its column's ``dataType``."""
    if value is None or type_ not in _TYPES:
        return False
    if isinstance(value, JsonNumber):
        return _TYPES[type_] not in ("integer", "number")
    if isinstance(value, bool):
        return type_ != "boolean"
    if isinstance(value, list) or type_ in ("integer", "float", "double", "boolean"):
        return True
    return type_ == "decimal" and not _DECIMAL.fullmatch(str(value))


def _key(columns: Sequence[dict[str, object]], width: int) -> tuple[str, ...]:
    """The names of the columns that tell records apart, in the order of ``keySequence``."""
    found = []
    for column in columns:
        at, name = column.get("keySequence"), column.get("name")
        if isinstance(at, JsonNumber) and at.isdecimal() and isinstance(name, str):
            found.append((int(at[:9]), short(name, width)))
    return tuple(name for _, name in sorted(found))


def _facts(attributes: dict[str, object], columns: Sequence[dict[str, object]], width: int) -> list[tuple[str, str]]:
    names = (
        ("name", "dataset"), ("label", "dataset label"), ("datasetJSONVersion", "format version"),
        ("datasetJSONCreationDateTime", "created"), ("dbLastModifiedDateTime", "modified"),
        ("originator", "originator"), ("studyOID", "study"), ("isReferenceData", "reference data"),
    )  # fmt: skip
    found = []
    for name, label in names:
        value = attributes.get(name)
        if isinstance(value, str | bool) and str(value):
            found.append((label, short(str(value).lower() if isinstance(value, bool) else value, width)))
    key = _key(columns, width)
    return [*found, ("key", plain(", ".join(key))[:width])] if key else found
