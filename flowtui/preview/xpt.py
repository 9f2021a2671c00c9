"""SAS transport files (XPT), version 5 and 8: datasets with labels, formats and dates, from their first bytes.

The layout is that of SAS Technical Support TS-140 and of "Record Layout of a SAS Version 8 or 9 Data Set in SAS
Transport Format": records of 80 bytes, numbers of IBM's mainframes, rows one after the other up to the end. Version 5
says nowhere how many rows there are.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from flowtui.errors import PreviewError
from flowtui.preview.result import Cell, Column, Preview
from flowtui.preview.sas_values import format_kind, format_text, number_cell
from flowtui.preview.special_missing import SpecialMissing
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

_RECORD = 80
_NAMESTR = 140
_MARK = b"HEADER RECORD*******"
_MEMBERS = (_MARK + b"MEMBER  HEADER", _MARK + b"MEMBV8  HEADER")
_CPORT = b"**COMPRESSED** **COMPRESSED** **COMPRESSED**"
_MOST_VARIABLES = 32_767
_MOST_LENGTH = 1 << 15
_MOST_MEMBERS = 1000
_ROW_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable; ``start`` and ``length`` tell its bytes within a row."""

    name: str
    label: str
    format: str
    is_number: bool
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Member:
    """One dataset of a transport file.

    Attributes:
        start: where its rows begin in the file; end: where the next dataset begins, None where none was found.
        count: of rows, None where the file does not say.
    """

    name: str
    label: str
    created: str
    modified: str
    variables: tuple[Variable, ...]
    row_length: int
    start: int
    end: int | None
    count: int | None


def accepts(subject: Subject) -> bool:
    """Files that begin with a library header, or with that of a CPORT file, which is another format."""
    return subject.sniffed.magic == "xpt" or subject.head.startswith(_CPORT)


async def show(subject: Subject) -> Preview:
    if subject.head.startswith(_CPORT):
        raise PreviewError("made with PROC CPORT: SAS alone reads it, with PROC CIMPORT")
    await subject.read_whole()
    members = await asyncio.to_thread(lambda: list(members_of(subject.head)))
    if not members:
        raise PreviewError("a transport file without a dataset within what was read")
    page = min(max(subject.limits.page, 1), len(members))
    member = members[page - 1]
    rows = subject.limits.rows
    rows = min(rows, subject.limits.cells // max(min(len(member.variables), subject.limits.columns), 1))
    # A row may be of 64 KB: what is read for rows is bounded like the head.
    rows = max(min(rows, max(subject.limits.head, len(subject.head) - member.start) // member.row_length), 1)
    end = member.start + rows * member.row_length
    if member.end is not None:
        end = min(end, member.end)
    data = subject.head[member.start : end]
    if end > len(subject.head) and not subject.whole:
        data += await subject.reader.read(member.start + len(data), end - member.start - len(data))
    total, is_exact = await _total(subject, member)
    shown = await asyncio.to_thread(_show, subject, member, data, total, is_exact)
    names = tuple(plain(one.name) for one in members)
    is_alone = len(members) == 1
    pages = len(members) if subject.whole else None
    return Preview(
        kind="table",
        columns=shown.columns,
        rows=shown.rows,
        notices=shown.notices,
        total_rows=shown.total_rows,
        more=shown.more,
        format="xpt",
        facts=shown.facts,
        page=0 if is_alone else page,
        pages=None if is_alone else pages,
        page_names=() if is_alone else names,
    )


async def _total(subject: Subject, member: Member) -> tuple[int | None, bool]:
    """How many rows the dataset has, and whether that is certain.

    The last record is filled with blanks; where a row is shorter than that, blank rows at the end are taken for these.
    """
    end = subject.size if member.end is None else member.end
    if end is None or end < member.start:
        return member.count, member.count is not None
    most = (end - member.start) // member.row_length
    if member.count is not None and most - _RECORD // member.row_length <= member.count <= most:
        return member.count, True
    if not most or member.row_length >= _RECORD:
        return most, True
    first = max(most - _RECORD // member.row_length - 1, 0)
    start, stop = member.start + first * member.row_length, member.start + most * member.row_length
    is_read = stop <= len(subject.head)
    tail = subject.head[start:stop] if is_read else await subject.reader.read(start, stop - start)
    count = most
    blank = b" " * member.row_length
    while count > first and stop - start == len(tail):
        at = (count - 1 - first) * member.row_length
        if tail[at : at + member.row_length] != blank or (most - count + 1) * member.row_length >= _RECORD:
            break
        count -= 1
    # A number is never all blanks, so a blank row of a dataset with numbers is no row.
    return count, count == most or any(variable.is_number for variable in member.variables)


def _show(subject: Subject, member: Member, data: bytes, total: int | None, is_exact: bool) -> Preview:
    limits = subject.limits
    variables = member.variables[: max(limits.columns, 1)]
    count = len(data) // member.row_length
    if total is not None:
        count = min(count, total)
    starts = [row * member.row_length for row in range(count)]
    texts = b"".join(
        data[start + one.start : start + one.start + one.length]
        for one in variables
        if not one.is_number
        for start in starts
    )
    encoding = encoding_of(texts)
    columns = [_column(one, limits.cell) for one in variables]
    rows = tuple(
        tuple(
            _cell(one, column.type, data, start, encoding, limits.cell)
            for one, column in zip(variables, columns, strict=True)
        )
        for start in starts
    )
    notices: list[str] = []
    if total is None or count < total:
        notices.append(f"first {count:,} of {total:,} rows" if total is not None else f"first {count:,} rows")
    if not is_exact:
        notices.append("a blank row at the end would not be told from the filling of the last record")
    if len(variables) < len(member.variables):
        notices.append(f"first {len(variables):,} of {len(member.variables):,} columns")
    if subject.size is not None and member.end is None and not count and total:
        notices.append("the file ends before its rows")
    return Preview(
        kind="table",
        columns=tuple(columns),
        rows=rows,
        notices=tuple(notices),
        total_rows=total,
        more=total is None or count < total,
        facts=tuple(_facts(subject, member, encoding)),
    )


def _facts(subject: Subject, member: Member, encoding: str) -> Iterator[tuple[str, str]]:
    yield "dataset", plain(member.name)
    if member.label:
        yield "dataset label", plain(member.label)
    yield "transport version", "8" if subject.head.startswith(_MARK + b"LIBV8") else "5"
    yield "encoding", f"{encoding} (guessed)" if encoding != "ascii" else encoding
    for name, moment in (("created", member.created), ("modified", member.modified)):
        if moment:
            yield name, moment
    release = _text(subject.head[104:112])
    system = _text(subject.head[112:120])
    if release or system:
        yield "written by", plain(f"SAS {release} {system}".strip())
    yield "row length", f"{member.row_length:,} bytes"


def members_of(head: bytes) -> Iterator[Member]:
    """The datasets whose headers are whole within the first bytes of a file.

    Raises PreviewError where a header makes no sense.
    """
    at = 3 * _RECORD
    for _ in range(_MOST_MEMBERS):
        if not head.startswith(_MEMBERS, at):
            return
        try:
            member = _member(head, at)
        except IndexError:
            return
        end = _next_member(head, member.start)
        yield Member(
            member.name, member.label, member.created, member.modified, member.variables, member.row_length,
            member.start, end, member.count,
        )  # fmt: skip
        if end is None:
            return
        at = end


def _next_member(head: bytes, start: int) -> int | None:
    at = start
    while True:
        found = min((hit for mark in _MEMBERS if (hit := head.find(mark, at)) >= 0), default=-1)
        if found < 0:
            return None
        if found % _RECORD == 0:
            return found
        at = found + 1


def _member(head: bytes, at: int) -> Member:
    """The dataset whose header begins at ``at``. Raises IndexError where the bytes end within it."""
    is_v8 = head.startswith(_MEMBERS[1], at)
    size = _number(_slice(head, at + 74, 6)) or _NAMESTR
    first, second = _slice(head, at + 2 * _RECORD, _RECORD), _slice(head, at + 3 * _RECORD, _RECORD)
    name = _text(first[8:40] if is_v8 else first[8:16])
    at += 4 * _RECORD
    record = _slice(head, at, _RECORD)
    if not record.startswith(_MARK + (b"NAMSTV8" if is_v8 else b"NAMESTR")):
        raise PreviewError("a damaged transport file: its variables are not where they must be")
    # Six digits in version 8 and TS-140's four in version 5, where the four before them are zero.
    count = _number(record[52:58]) if is_v8 else _number(record[54:58])
    if not count or count > _MOST_VARIABLES or size not in (136, _NAMESTR):
        raise PreviewError("a damaged transport file: the number of its variables makes no sense")
    at += _RECORD
    namestrs = [_slice(head, at + index * size, size) for index in range(count)]
    at += -(-count * size // _RECORD) * _RECORD
    record = _slice(head, at, _RECORD)
    long: dict[int, tuple[str, str, str]] = {}
    if record.startswith((_MARK + b"LABELV8", _MARK + b"LABELV9")):
        long, at = _long_labels(head, at, record)
        record = _slice(head, at, _RECORD)
    if not record.startswith(_MARK + b"OBS"):
        raise PreviewError("a damaged transport file: it has no header of its rows")
    variables = tuple(_variable(one, index + 1, long, is_v8) for index, one in enumerate(namestrs))
    row_length = max(one.start + one.length for one in variables)
    if not 0 < row_length <= _ROW_BYTES:
        raise PreviewError("a damaged transport file: its rows are too long")
    found = re.match(rb" *([0-9]+)", record[48:63]) if is_v8 else None
    return Member(
        name, _text(second[32:72]), _moment(first[64:80]), _moment(second[:16]), variables, row_length, at + _RECORD,
        None, int(found.group(1)) if found and int(found.group(1)) else None,
    )  # fmt: skip


def _long_labels(head: bytes, at: int, record: bytes) -> tuple[dict[int, tuple[str, str, str]], int]:
    """Names, formats and labels that are longer than version 5's, by the variable's number; and where they end."""
    has_formats = record.startswith(_MARK + b"LABELV9")
    count = _number(record[48:53]) or _number(record[48:80].split()[0] if record[48:80].split() else b"")
    if count is None or count > _MOST_VARIABLES:
        raise PreviewError("a damaged transport file: the number of its labels makes no sense")
    begin = at = at + _RECORD
    found: dict[int, tuple[str, str, str]] = {}
    for _ in range(count):
        lengths = [int.from_bytes(_slice(head, at + 2 * part, 2), "big") for part in range(5 if has_formats else 3)]
        at += 2 * len(lengths)
        parts = []
        for length in lengths[1:]:
            parts.append(_text(_slice(head, at, length)))
            at += length
        found[lengths[0]] = (parts[0], parts[1] if has_formats else "", parts[-1])
    return found, begin + -(-(at - begin) // _RECORD) * _RECORD


def _variable(namestr: bytes, number: int, long: dict[int, tuple[str, str, str]], is_v8: bool) -> Variable:
    def short(at: int) -> int:
        return int.from_bytes(namestr[at : at + 2], "big")

    start, length, is_number = int.from_bytes(namestr[84:88], "big"), short(4), short(0) == 1
    if not 0 < length <= _MOST_LENGTH or start > _ROW_BYTES or (is_number and not 2 <= length <= 8):
        raise PreviewError("a damaged transport file: the length of a variable makes no sense")
    name = _text(namestr[88:120]) if is_v8 else ""
    long_name, long_format, long_label = long.get(short(6), long.get(number, ("", "", "")))
    format_ = format_text(long_format or _text(namestr[56:64]), short(64), short(66))
    return Variable(
        long_name or name or _text(namestr[8:16]) or f"column {number}", long_label or _text(namestr[16:56]), format_,
        is_number, start, length,
    )  # fmt: skip


def _column(variable: Variable, width: int) -> Column:
    kind = (format_kind(variable.format) or "number") if variable.is_number else "text"
    return Column(
        plain(variable.name)[:width], kind, label=plain(variable.label)[:width], format=plain(variable.format)
    )


def _cell(variable: Variable, kind: str, data: bytes, row: int, encoding: str, width: int) -> Cell:
    at = row + variable.start
    value = data[at : at + variable.length]
    if variable.is_number:
        return special_missing(value) or number_cell(ibm_float(value), kind)
    text = value.rstrip(b" \0").decode(encoding, errors="replace")
    if not text:
        return None
    return plain(text if len(text) <= width else f"{text[: width - 1]}…")


def ibm_float(value: bytes) -> float:
    """A number of IBM's mainframes of 2 to 8 bytes; NaN for SAS's missing values ``.``, ``._`` and ``.A`` to ``.Z``."""
    first = value[0]
    if not any(value[1:]) and (first in b"._" or 65 <= first <= 90):
        return math.nan
    fraction = int.from_bytes(value[1:].ljust(7, b"\0"), "big")
    number = math.ldexp(fraction, 4 * ((first & 0x7F) - 64) - 56)
    return -number if first & 0x80 else number


def special_missing(value: bytes) -> SpecialMissing | None:
    """The special missing value that a number of 2 to 8 bytes is: its first byte is the letter, the others are zero."""
    first = value[0]
    if (first == ord("_") or 65 <= first <= 90) and not any(value[1:]):
        return SpecialMissing(chr(first))
    return None


def encoding_of(texts: bytes) -> str:
    """The encoding of a transport file's texts, which it does not tell: ASCII, UTF-8 where they are that, or
    Windows-1252."""
    for encoding in ("ascii", "utf-8"):
        try:
            texts.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "cp1252"


def _slice(head: bytes, start: int, length: int) -> bytes:
    part = head[start : start + length]
    if len(part) < length:
        raise IndexError
    return part


def _number(digits: bytes) -> int | None:
    stripped = digits.strip()
    return int(stripped) if stripped.isdigit() else None


def _text(value: bytes) -> str:
    stripped = value.strip(b" \0")
    return stripped.decode(encoding_of(stripped), errors="replace")


def _moment(value: Sequence[int]) -> str:
    try:
        # The year has two digits; no transport file is older than 1960.
        found = datetime.strptime(bytes(value).decode("ascii", "replace").title(), "%d%b%y:%H:%M:%S")
    except ValueError:
        return ""
    return found.isoformat(sep=" ")
