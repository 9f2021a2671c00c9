"""SAS transport files (XPT), version 5 and 8: datasets with labels, formats and dates, from their first bytes.

The layout is that of SAS Technical Support TS-140 and of "Record Layout of a SAS Version 8 or 9 Data Set in SAS
Transport Format": records of 80 bytes, numbers of IBM's mainframes, rows one after the other up to the end. Version 5
says nowhere how many rows there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from flowtui.errors import PreviewError
from flowtui.preview.ibm_float import ibm_float
from flowtui.preview.number_cells import number_cells
from flowtui.preview.result import Cell, Column, Preview
from flowtui.preview.sas_values import format_kind, formatted, language_notice
from flowtui.preview.xpt_layout import filling_rows, has_other_positions, placed, row_count
from flowtui.preview.xpt_members import Member, Variable, encoding_of, is_version_8, members_of, writer_of
from flowtui.text import cut, plain

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

_CPORT = b"**COMPRESSED** **COMPRESSED** **COMPRESSED**"
_SAMPLE = 64 * 1024


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
    member, notices = members[page - 1], []
    if has_other_positions(member):
        sample = await _read(subject, member.start, _rows_end(member, subject, _SAMPLE) - member.start)
        member, notice = await asyncio.to_thread(placed, member, sample)
        notices += [notice] if notice else []
    rows = subject.limits.rows
    rows = min(rows, subject.limits.cells // max(min(len(member.variables), subject.limits.columns), 1))
    # A row may be of 64 KB: what is read for rows is bounded like the head.
    most = max(subject.limits.head, len(subject.head) - member.start)
    rows = max(min(rows, most // max(member.row_length, 1)), 1)
    end = _rows_end(member, subject, rows * member.row_length)
    data, (total, is_exact) = await asyncio.gather(
        _read(subject, member.start, end - member.start), _total(subject, member)
    )
    shown = await asyncio.to_thread(_show, subject, member, data, total, is_exact)
    names = tuple(plain(one.name) for one in members)
    is_alone = len(members) == 1
    pages = len(members) if subject.whole else None
    return Preview(
        kind="table",
        columns=shown.columns,
        rows=shown.rows,
        notices=(*shown.notices, *notices),
        total_rows=shown.total_rows,
        more=shown.more,
        format="xpt",
        facts=shown.facts,
        page=0 if is_alone else page,
        pages=None if is_alone else pages,
        page_names=() if is_alone else names,
    )


def _rows_end(member: Member, subject: Subject, length: int) -> int:
    """Where so many bytes of rows end, or the dataset."""
    ends = [end for end in (member.end, subject.size) if end is not None]
    return max(min(member.start + length, *ends), member.start) if ends else member.start + length


async def _read(subject: Subject, start: int, length: int) -> bytes:
    """A part of the file; what was read before costs nothing."""
    data = subject.head[start : start + length]
    if len(data) < length and not subject.whole:
        data += await subject.reader.read(start + len(data), length - len(data))
    return data


async def _total(subject: Subject, member: Member) -> tuple[int | None, bool]:
    """How many rows the dataset has, and whether that is certain."""
    end = subject.size if member.end is None else member.end
    if end is None or end < member.start:
        return member.count, member.count is not None
    at_hand = end <= len(subject.head)
    return await row_count(member, end, lambda start, length: _read(subject, start, length), at_hand=at_hand)


def _show(subject: Subject, member: Member, data: bytes, total: int | None, is_exact: bool) -> Preview:
    limits = subject.limits
    variables = member.variables[: max(limits.columns, 1)]
    count = len(data) // member.row_length if member.row_length else 0
    is_end = total is None or count >= total
    count = count if total is None else min(count, total)
    if is_end and member.count is None and (filling := filling_rows(member, data[: count * member.row_length])):
        count -= filling
        total = None if total is None else count
    starts = range(0, count * member.row_length, member.row_length or 1)
    texts = b"".join(
        data[start + one.start : start + one.start + one.length]
        for one in variables
        if not one.is_number
        for start in starts
    )
    encoding = encoding_of(texts)
    values = [
        _numbers(one, data, starts) if one.is_number else _texts(one, data, starts, encoding, limits.cell)
        for one in variables
    ]
    notices: list[str] = []
    if not member.variables:
        notices.append("a dataset without variables")
    if total is None or count < total:
        notices.append(f"first {count:,} of {total:,} rows" if total is not None else f"first {count:,} rows")
    if not is_exact and total is not None:
        row = "a row of zeros" if all(one.is_number for one in member.variables) else "a blank row"
        notices.append(f"{row} at the end would not be told from the filling of the last record")
    elif not is_exact and subject.size is not None:
        notices.append("the end of the file is filled with blanks or NUL bytes: how many rows there are is not known")
    if len(variables) < len(member.variables):
        notices.append(f"first {len(variables):,} of {len(member.variables):,} columns")
    if notice := language_notice(plain(one.format) for one in variables):
        notices.append(notice)
    if subject.size is not None and member.end is None and not count and total:
        notices.append("the file ends before its rows")
    return Preview(
        kind="table",
        columns=tuple(_column(one, limits.cell) for one in variables),
        rows=tuple(zip(*values, strict=True)),
        notices=tuple(notices),
        total_rows=total,
        more=total is None or count < total,
        facts=tuple(_facts(subject, member, encoding)),
    )


def _facts(subject: Subject, member: Member, encoding: str) -> Iterator[tuple[str, str]]:
    yield "dataset", plain(member.name)
    if member.label:
        yield "dataset label", plain(member.label)
    yield "transport version", "8" if is_version_8(subject.head) else "5"
    yield "encoding", f"{encoding} (guessed)" if encoding != "ascii" else encoding
    for name, moment in (("created", member.created), ("modified", member.modified)):
        if moment:
            yield name, moment
    if writer := writer_of(subject.head):
        yield "written by", plain(writer)
    yield "row length", f"{member.row_length:,} bytes"


def _column(variable: Variable, width: int) -> Column:
    kind = (format_kind(variable.format) or "number") if variable.is_number else "text"
    return Column(
        plain(variable.name)[:width], kind, label=plain(variable.label)[:width], format=plain(variable.format)
    )


def _numbers(variable: Variable, data: bytes, starts: range) -> list[Cell]:
    first, length = variable.start, variable.length
    numbers = [ibm_float(data[start + first : start + first + length]) for start in starts]
    return number_cells(numbers, variable.format, formatted if format_kind(variable.format) else None)


def _texts(variable: Variable, data: bytes, starts: range, encoding: str, width: int) -> list[Cell]:
    first, length = variable.start, variable.length
    texts = [data[start + first : start + first + length].rstrip(b" \0") for start in starts]
    return [cut(text.decode(encoding, errors="replace"), width) if text else None for text in texts]
