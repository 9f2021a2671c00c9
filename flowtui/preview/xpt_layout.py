"""Where the values of a transport file lie within a row, and where its rows end.

TS-140 gives each variable a position (``npos``) within the row, and the variables lie one after the other in their
order. Not all writers keep both: SAS's own macro for version 8 (%LOC2XPT) puts the positions of the dataset that it
was made from, with numbers first, while rows lie in the order of the variables; others leave the positions zero, or
let the variables stand in another order than their values. ReadStat and pandas add the lengths up.

The last record is filled with blanks by SAS and with NUL bytes by others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from flowtui.preview.ibm_float import is_likely
from flowtui.preview.xpt_members import RECORD, Member

_JUDGED_ROWS = 200
_LOOKED_THROUGH = 64 * 1024
_BREAKS = frozenset(b"\t\n\r")

POSITIONS_TAKEN = (
    "values are read at the positions (npos) that the header tells, since they make sense there only; readers that add "
    "lengths up show others"
)
BOTH_POSSIBLE = (
    "the header tells other positions (npos) than the lengths of the variables add up to, and the values fit both: the "
    "lengths are added up, as other readers do"
)

Read = Callable[[int, int], Awaitable[bytes]]
"""Gets the bytes of the file from a place on, so many."""


def has_other_positions(member: Member) -> bool:
    """Whether the header tells positions that could be true and are others than the lengths add up to."""
    if all(one.position == one.start for one in member.variables):
        return False
    end = 0
    for one in sorted(member.variables, key=lambda one: one.position):
        if one.position < end:
            return False
        end = one.position + one.length
    # Holes between values are none that a row could not have, but they are not much wider than the values.
    return end <= 2 * member.row_length + 8 * len(member.variables)


def placed(member: Member, sample: bytes) -> tuple[Member, str]:
    """The dataset with its values where the beginning of its rows makes sense, and a notice, empty where none is due.

    Where both ways make as much sense, lengths are added up.

    Args:
        member: one of ``has_other_positions``.
    """
    moved = tuple(replace(one, start=one.position) for one in member.variables)
    length = max(one.start + one.length for one in moved)
    other = replace(member, variables=moved, row_length=length)
    if len(sample) < max(member.row_length, length):
        return member, ""
    added, told = _senseless(member, sample), _senseless(other, sample)
    if told < added:
        return other, POSITIONS_TAKEN
    return member, BOTH_POSSIBLE if told == added and length == member.row_length else ""


def _senseless(member: Member, sample: bytes) -> float:
    """The share of values that make no sense: numbers that no program writes, texts with control codes."""
    rows = min(len(sample) // member.row_length, _JUDGED_ROWS)
    found = 0
    for row in range(rows):
        for one in member.variables:
            at = row * member.row_length + one.start
            value = sample[at : at + one.length]
            found += not (is_likely(value) if one.is_number else _is_text(value))
    return found / (rows * len(member.variables))


def _is_text(value: bytes) -> bool:
    return all(byte >= 32 or byte in _BREAKS for byte in value.rstrip(b"\0"))


async def row_count(member: Member, end: int, read: Read, *, at_hand: bool) -> tuple[int | None, bool]:
    """How many rows lie before ``end``, None where that is not known, and whether that is certain.

    Rows of filling are none: of blanks in a dataset with numbers, which are never all blanks, and of NUL bytes in one
    with texts, which are never all NUL bytes. In others a row within the last record may be either.

    Args:
        at_hand: whether reading the end costs nothing. Else rows that are as long as a record, and so longer than a
            filling that is right, are not looked at before they are shown.
    """
    length = member.row_length
    if not length:
        return 0, True
    most = max(end - member.start, 0) // length
    if member.count is not None and most - RECORD // length <= member.count <= most:
        return member.count, True
    if length >= RECORD and not at_hand:
        return most, True
    count = most
    # The last row tells nearly always; a long filling is looked through once, and not to its beginning at any price.
    for rows in (1, max(_LOOKED_THROUGH // length, 1)):
        rows = min(rows, count)
        filling = filling_rows(member, await read(member.start + (count - rows) * length, rows * length))
        count -= filling
        if filling < rows or not count:
            break
    else:
        return None, False
    if count < most or length >= RECORD:
        return count, True
    return await _less_the_record(member, count, end, read)


def filling_rows(member: Member, data: bytes) -> int:
    """How many rows at the end of whole rows are of filling."""
    length = member.row_length
    rows = len(data) // length if length else 0
    found = 0
    while found < rows and _is_filling(member, data[(rows - found - 1) * length : (rows - found) * length]):
        found += 1
    return found


def _is_filling(member: Member, row: bytes) -> bool:
    if row.strip(b" \0"):
        return False
    fields = [(one, row[one.start : one.start + one.length]) for one in member.variables]
    return any(field.strip(b"\0") if one.is_number else field.strip(b" ") for one, field in fields)


async def _less_the_record(member: Member, count: int, end: int, read: Read) -> tuple[int, bool]:
    """Less the rows of the last record that are all of the byte that fills it, where rows can look so."""
    first = max(count - RECORD // member.row_length - 1, 0)
    start = member.start + first * member.row_length
    tail = await read(start, end - start)
    filler, kept = tail[-1:], count
    if filler not in (b" ", b"\0"):
        return count, True
    rest = tail[(count - first) * member.row_length :]
    while kept > first and (end - member.start - (kept - 1) * member.row_length) < RECORD:
        at = (kept - 1 - first) * member.row_length
        if tail[at : at + member.row_length].strip(filler):
            break
        kept -= 1
    if kept == count:
        return count, True
    # Zeros fill a record of numbers only where no row of them would leave the rest of it to NUL bytes.
    return (kept if filler == b" " or rest else count), False
