"""The datasets and variables of SAS transport files (XPT), version 5 and 8, from their first bytes.

The layout is that of SAS Technical Support TS-140 and of "Record Layout of a SAS Version 8 or 9 Data Set in SAS
Transport Format": records of 80 bytes, numbers of IBM's mainframes, rows one after the other up to the end. Version 5
says nowhere how many rows there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flowtui.errors import PreviewError
from flowtui.preview.sas_values import format_text

RECORD = 80
"""Bytes of a record, of which the file is made."""

_NAMESTR = 140
_MARK = b"HEADER RECORD*******"
_MEMBERS = (_MARK + b"MEMBER  HEADER", _MARK + b"MEMBV8  HEADER")
_MOST_VARIABLES = 32_767
_MOST_LENGTH = 1 << 15
_MOST_MEMBERS = 1000
_ROW_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable.

    Attributes:
        start: of its bytes within a row, where all lengths are added up; length: of these.
        position: of its bytes as the header tells it (``npos``).
    """

    name: str
    label: str
    format: str
    is_number: bool
    start: int
    length: int
    position: int


@dataclass(frozen=True, slots=True)
class Member:
    """One dataset of a transport file.

    Attributes:
        start: where its rows begin in the file; end: where the next dataset begins, None where none was found.
        count: of rows, None where the file does not say.
        row_length: 0 for a dataset without variables.
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


def members_of(head: bytes) -> Iterator[Member]:
    """The datasets whose headers are whole within the first bytes of a file.

    Raises PreviewError where a header makes no sense.
    """
    at = 3 * RECORD
    for _ in range(_MOST_MEMBERS):
        if not head.startswith(_MEMBERS, at):
            return
        try:
            member = _member(head, at)
        except IndexError:
            return
        end = _next_member(head, member.start)
        yield replace(member, end=end)
        if end is None:
            return
        at = end


def _next_member(head: bytes, start: int) -> int | None:
    at = start
    while True:
        found = min((hit for mark in _MEMBERS if (hit := head.find(mark, at)) >= 0), default=-1)
        if found < 0:
            return None
        if found % RECORD == 0:
            return found
        at = found + 1


def _member(head: bytes, at: int) -> Member:
    """The dataset whose header begins at ``at``. Raises IndexError where the bytes end within it."""
    is_v8 = head.startswith(_MEMBERS[1], at)
    size = _number(_slice(head, at + 74, 6)) or _NAMESTR
    first, second = _slice(head, at + 2 * RECORD, RECORD), _slice(head, at + 3 * RECORD, RECORD)
    name = _text(first[8:40] if is_v8 else first[8:16])
    at += 4 * RECORD
    record = _slice(head, at, RECORD)
    if not record.startswith(_MARK + (b"NAMSTV8" if is_v8 else b"NAMESTR")):
        raise PreviewError("a damaged transport file: its variables are not where they must be")
    # Six digits in version 8 and TS-140's four in version 5, where the four before them are zero.
    count = _number(record[52:58]) if is_v8 else _number(record[54:58])
    if count is None or count > _MOST_VARIABLES or size not in (136, _NAMESTR):
        raise PreviewError("a damaged transport file: the number of its variables makes no sense")
    at += RECORD
    namestrs = [_slice(head, at + index * size, size) for index in range(count)]
    at += -(-count * size // RECORD) * RECORD
    record = _slice(head, at, RECORD)
    long: dict[int, tuple[str, str, str]] = {}
    if record.startswith((_MARK + b"LABELV8", _MARK + b"LABELV9")):
        long, at = _long_labels(head, at, record)
        record = _slice(head, at, RECORD)
    if not record.startswith(_MARK + b"OBS"):
        raise PreviewError("a damaged transport file: it has no header of its rows")
    variables: list[Variable] = []
    row_length = 0
    for index, namestr in enumerate(namestrs):
        variables.append(_variable(namestr, index + 1, long, is_v8, row_length))
        row_length += variables[-1].length
    if row_length > _ROW_BYTES:
        raise PreviewError("a damaged transport file: its rows are too long")
    found = re.match(rb" *([0-9]+)", record[48:63]) if is_v8 else None
    return Member(
        name, _text(second[32:72]), _moment(first[64:80]), _moment(second[:16]), tuple(variables), row_length,
        at + RECORD, None, int(found.group(1)) if found and int(found.group(1)) else None,
    )  # fmt: skip


def _long_labels(head: bytes, at: int, record: bytes) -> tuple[dict[int, tuple[str, str, str]], int]:
    """Names, formats and labels that are longer than version 5's, by the variable's number; and where they end."""
    has_formats = record.startswith(_MARK + b"LABELV9")
    count = _number(record[48:53]) or _number(record[48:80].split()[0] if record[48:80].split() else b"")
    if count is None or count > _MOST_VARIABLES:
        raise PreviewError("a damaged transport file: the number of its labels makes no sense")
    begin = at = at + RECORD
    found: dict[int, tuple[str, str, str]] = {}
    for _ in range(count):
        lengths = [int.from_bytes(_slice(head, at + 2 * part, 2), "big") for part in range(5 if has_formats else 3)]
        at += 2 * len(lengths)
        parts = []
        for length in lengths[1:]:
            parts.append(_text(_slice(head, at, length)))
            at += length
        found[lengths[0]] = (parts[0], parts[1] if has_formats else "", parts[-1])
    return found, begin + -(-(at - begin) // RECORD) * RECORD


def _variable(namestr: bytes, number: int, long: dict[int, tuple[str, str, str]], is_v8: bool, start: int) -> Variable:
    def short(at: int) -> int:
        return int.from_bytes(namestr[at : at + 2], "big")

    position, length, is_number = int.from_bytes(namestr[84:88], "big"), short(4), short(0) == 1
    if not 0 < length <= _MOST_LENGTH or (is_number and not 2 <= length <= 8):
        raise PreviewError("a damaged transport file: the length of a variable makes no sense")
    name = _text(namestr[88:120]) if is_v8 else ""
    long_name, long_format, long_label = long.get(short(6), long.get(number, ("", "", "")))
    format_ = format_text(long_format or _text(namestr[56:64]), short(64), short(66))
    return Variable(
        long_name or name or _text(namestr[8:16]) or f"column {number}", long_label or _text(namestr[16:56]), format_,
        is_number, start, length, position,
    )  # fmt: skip


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


def is_version_8(head: bytes) -> bool:
    """Whether a file begins like one of version 8."""
    return head.startswith(_MARK + b"LIBV8")


def writer_of(head: bytes) -> str:
    """The release of SAS and the system that the file's header tells; empty where it does not."""
    release, system = _text(head[104:112]), _text(head[112:120])
    return f"SAS {release} {system}".strip() if release or system else ""
