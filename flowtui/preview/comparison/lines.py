"""Two texts compared line by line, as a unified diff.

difflib takes quadratic time, and cubic at its worst. So equal beginnings and ends are taken off, lines that are unique
in both texts part the rest (Bram Cohen's patience diff), and difflib aligns the small pieces in between. A piece that
is still large is given as removed and added as a whole.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from flowtui.preview.comparison.result import LineChange, TextDifference

_PIECE = 40_000
"""Lines of one piece times lines of the other that difflib is given."""

_PASSES = 50
"""How often every line is looked at, at most, for lines that are unique."""

_CONTEXT = 3
_MOST_LINES = 5000

Block = tuple[int, int, int]
"""Equal lines: where they begin in left and in right, and how many they are."""


def text_difference(
    left: Sequence[str],
    right: Sequence[str],
    *,
    left_whole: bool = True,
    right_whole: bool = True,
    most_lines: int = _MOST_LINES,
) -> TextDifference:
    """How two texts differ.

    Args:
        left_whole, right_whole: whether these are all lines; lines at the end whose partner may follow in the unread
            part of the other text are left out.
        most_lines: of the unified diff.
    """
    blocks, coarse = _blocks(left, right)
    left_end, right_end = len(left), len(right)
    if not (left_whole and right_whole):
        last = blocks[-1] if blocks else (0, 0, 0)
        rest_left, rest_right = left_end - last[0] - last[2], right_end - last[1] - last[2]
        if not right_whole and not rest_right:
            left_end -= rest_left
        if not left_whole and not rest_left:
            right_end -= rest_right
    opcodes = list(_opcodes(blocks, left_end, right_end))
    removed = sum(op[2] - op[1] for op in opcodes if op[0] != "equal")
    added = sum(op[4] - op[3] for op in opcodes if op[0] != "equal")
    lines: list[LineChange] = []
    for line in _unified(left, right, opcodes):
        if len(lines) >= most_lines:
            return TextDifference(left_end, right_end, added, removed, tuple(lines), True, coarse)
        lines.append(line)
    return TextDifference(left_end, right_end, added, removed, tuple(lines), False, coarse)


Opcode = tuple[str, int, int, int, int]


def _opcodes(blocks: Sequence[Block], left_end: int, right_end: int) -> Iterator[Opcode]:
    """Tags and ranges as those of ``difflib.SequenceMatcher``."""
    one = two = 0
    for start, other, count in (*blocks, (left_end, right_end, 0)):
        if one < start or two < other:
            tag = "replace" if one < start and two < other else "delete" if one < start else "insert"
            yield tag, one, start, two, other
        if count:
            yield "equal", start, start + count, other, other + count
        one, two = start + count, other + count


def _unified(left: Sequence[str], right: Sequence[str], opcodes: Sequence[Opcode]) -> Iterator[LineChange]:
    for hunk in _hunks(opcodes):
        (_, one, _, two, _), (_, _, one_end, _, two_end) = hunk[0], hunk[-1]
        yield LineChange("@", f"@@ -{_range(one, one_end)} +{_range(two, two_end)} @@")
        for tag, start, end, other, other_end in hunk:
            if tag == "equal":
                for index in range(end - start):
                    yield LineChange(" ", left[start + index], start + index + 1, other + index + 1)
                continue
            for index in range(start, end):
                yield LineChange("-", left[index], index + 1, 0)
            for index in range(other, other_end):
                yield LineChange("+", right[index], 0, index + 1)


def _hunks(opcodes: Sequence[Opcode]) -> Iterator[list[Opcode]]:
    """Changes with the equal lines around them; those nearer than two contexts share a hunk."""
    hunk: list[Opcode] = []
    for index, (tag, one, one_end, two, two_end) in enumerate(opcodes):
        if tag != "equal":
            hunk.append((tag, one, one_end, two, two_end))
            continue
        count = one_end - one
        is_last = index == len(opcodes) - 1
        after = min(count, _CONTEXT) if hunk else 0
        before = 0 if is_last else min(count, _CONTEXT)
        if hunk and not is_last and count <= 2 * _CONTEXT:
            hunk.append((tag, one, one_end, two, two_end))
            continue
        if hunk:
            yield [*hunk, (tag, one, one + after, two, two + after)]
        hunk = [(tag, one_end - before, one_end, two_end - before, two_end)] if before else []
    if any(op[0] != "equal" for op in hunk):
        yield hunk


def _range(start: int, end: int) -> str:
    """A range of lines as unified diffs write it."""
    count = end - start
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"


def _blocks(left: Sequence[str], right: Sequence[str]) -> tuple[list[Block], int]:
    """The equal parts in order, and how many lines are in pieces too large to be aligned."""
    found: list[Block] = []
    coarse = 0
    budget = _PASSES * (len(left) + len(right))
    stack = [(0, len(left), 0, len(right))]
    while stack:
        one, one_end, two, two_end = stack.pop()
        budget -= one_end - one + two_end - two
        head = 0
        while one + head < one_end and two + head < two_end and left[one + head] == right[two + head]:
            head += 1
        if head:
            found.append((one, two, head))
            one, two = one + head, two + head
        tail = 0
        while one < one_end - tail and two < two_end - tail and left[one_end - tail - 1] == right[two_end - tail - 1]:
            tail += 1
        if tail:
            one_end, two_end = one_end - tail, two_end - tail
            found.append((one_end, two_end, tail))
        if one == one_end or two == two_end:
            continue
        anchors = _anchors(left, right, (one, one_end, two, two_end)) if budget > 0 else []
        if anchors:
            for anchor, other in (*anchors, (one_end, two_end)):
                stack.append((one, anchor, two, other))
                if anchor < one_end and other < two_end:
                    found.append((anchor, other, 1))
                one, two = anchor + 1, other + 1
        elif (one_end - one) * (two_end - two) <= _PIECE:
            matcher = difflib.SequenceMatcher(None, left[one:one_end], right[two:two_end], autojunk=False)
            found += [(one + start, two + other, count) for start, other, count in matcher.get_matching_blocks()[:-1]]
        else:
            coarse += one_end - one + two_end - two
    return _joined(sorted(found)), coarse


def _joined(blocks: Sequence[Block]) -> list[Block]:
    joined: list[Block] = []
    for start, other, count in blocks:
        if joined and joined[-1][0] + joined[-1][2] == start and joined[-1][1] + joined[-1][2] == other:
            joined[-1] = (joined[-1][0], joined[-1][1], joined[-1][2] + count)
        else:
            joined.append((start, other, count))
    return joined


def _anchors(left: Sequence[str], right: Sequence[str], piece: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    """Lines that are unique in both pieces, as many as stand in the same order."""
    one, one_end, two, two_end = piece
    first = Counter(left[index] for index in range(one, one_end))
    second = Counter(right[index] for index in range(two, two_end))
    places = {right[index]: index for index in range(two, two_end) if second[right[index]] == 1}
    matches = [
        (index, places[left[index]])
        for index in range(one, one_end)
        if first[left[index]] == 1 and left[index] in places
    ]
    ends: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for index, (_, place) in enumerate(matches):
        length = bisect_left(ends, place)
        before.append(at[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        at[length : length + 1] = [index]
    chain = []
    index = at[-1] if at else -1
    while index >= 0:
        chain.append(matches[index])
        index = before[index]
    return chain[::-1]
