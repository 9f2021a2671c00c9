"""Two tables compared: their columns, and their rows by a key or by position."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flowtui.preview.comparison.cells import Values, distance, number_of
from flowtui.preview.comparison.keys import Identity, Key, Pair, find_key, given_key, identities
from flowtui.preview.comparison.result import CellChange, ColumnChange, RowChange, RowState, TableDifference
from flowtui.preview.result import Column, Preview

_CELLS = 40
"""Values that an example of a row holds."""


def table_difference(
    left: Preview, right: Preview, *, key: Sequence[str] = (), tolerance: float = 0.0, examples: int = 100
) -> TableDifference:
    """How two tables differ, as far as their previews hold them.

    Args:
        key: names of the columns that pair rows; found where empty.
        tolerance: the largest absolute difference of two numbers that counts as none.
        examples: added, removed and changed rows to give, of each.

    Raises:
        UsageError: a name of ``key`` is no column of both.
    """
    pairs, only_left, only_right = _pair_columns(left.columns, right.columns, tolerance)
    named = left.key if left.key == right.key else ()
    chosen = given_key(key, pairs) if key else find_key(pairs, left.rows, right.rows, named)
    partners, doubled = _by_key(left, right, chosen) if chosen.pairs else (_by_position(left, right, pairs), 0)
    tally = _Tally(pairs, [pair for pair in pairs if pair not in chosen.pairs])
    unpaired = [_Rows(tally, examples), _Rows(tally, examples)]
    same = changed = 0
    found: list[RowChange] = []
    last_left = max((one for one, _ in partners.both), default=-1)
    last_right = max((two for _, two in partners.both), default=-1)
    for one, two in partners.both:
        cells, count = tally.compare(left.rows[one], right.rows[two])
        if not count:
            same += 1
            continue
        changed += 1
        if changed <= examples:
            values = tuple(left.rows[one][pair.left] for pair in chosen.pairs)
            found.append(RowChange("changed", values, one + 1, two + 1, cells, count - len(cells)))
    removed, left_beyond = unpaired[0].take(left, right, partners.left, last_left, chosen, "removed")
    added, right_beyond = unpaired[1].take(right, left, partners.right, last_right, chosen, "added")
    return TableDifference(
        key=tuple(pair.name for pair in chosen.pairs),
        key_reason=chosen.reason,
        columns=(*tally.columns(left.columns, right.columns), *only_left, *only_right),
        column_counts=(len(left.columns), len(right.columns)),
        left_rows=len(left.rows),
        right_rows=len(right.rows),
        left_total=left.total_rows,
        right_total=right.total_rows,
        added=added,
        removed=removed,
        changed=changed,
        same=same,
        left_beyond=left_beyond,
        right_beyond=right_beyond,
        doubled=doubled,
        rows=(*unpaired[0].found, *unpaired[1].found, *found),
    )


def _is_whole(table: Preview) -> bool:
    return table.total_rows == len(table.rows)


def _pair_columns(
    left: Sequence[Column], right: Sequence[Column], tolerance: float
) -> tuple[list[Pair], list[ColumnChange], list[ColumnChange]]:
    """Columns by name, of several with one name the first with the first; then those of one side only."""
    places: dict[str, list[int]] = defaultdict(list)
    for index, column in enumerate(right):
        places[column.name].append(index)
    for found in places.values():
        found.reverse()
    pairs, removed = [], []
    for index, column in enumerate(left):
        if places.get(column.name):
            other = places[column.name].pop()
            pairs.append(Pair(index, other, column, Values.of(column, right[other], tolerance)))
        else:
            removed.append(ColumnChange("removed", column, None, left_at=index + 1))
    rest = sorted(index for found in places.values() for index in found)
    added = [ColumnChange("added", None, right[index], right_at=index + 1) for index in rest]
    return pairs, removed, added


@dataclass(frozen=True, slots=True)
class _Partners:
    """Places of rows: pairs in the order of right, and those without a partner."""

    both: list[tuple[int, int]]
    left: list[int]
    right: list[int]


def _by_key(left: Preview, right: Preview, key: Key) -> tuple[_Partners, int]:
    """Rows with the same key, several with one key in their order; and how many rows share theirs with another."""
    first: dict[Identity, list[int]] = defaultdict(list)
    for index, identity in enumerate(identities(left.rows, key.pairs, right=False)):
        first[identity].append(index)
    second = identities(right.rows, key.pairs, right=True)
    counts = (*(len(found) for found in first.values()), *Counter(second).values())
    doubled = sum(count for count in counts if count > 1)
    for found in first.values():
        found.reverse()
    both, only_right = [], []
    for index, identity in enumerate(second):
        partners = first.get(identity)
        if partners:
            both.append((partners.pop(), index))
        else:
            only_right.append(index)
    return _Partners(both, sorted(index for found in first.values() for index in found), only_right), doubled


def _by_position(left: Preview, right: Preview, pairs: Sequence[Pair]) -> _Partners:
    """The first row with the first; where both are whole, equal rows at the end are paired from the end."""
    one, two = len(left.rows), len(right.rows)
    tail = 0
    if _is_whole(left) and _is_whole(right) and one != two:
        same = _same_row(pairs)
        while tail < min(one, two) and same(left.rows[one - 1 - tail], right.rows[two - 1 - tail]):
            tail += 1
    head = min(one, two) - tail
    both = [(index, index) for index in range(head)]
    both += [(one - tail + index, two - tail + index) for index in range(tail)]
    return _Partners(both, list(range(head, one - tail)), list(range(head, two - tail)))


def _same_row(pairs: Sequence[Pair]) -> Callable[[Sequence[object], Sequence[object]], bool]:
    def same(left: Sequence[object], right: Sequence[object]) -> bool:
        return all(pair.values.same(left[pair.left], right[pair.right]) for pair in pairs)  # type: ignore[arg-type]

    return same


@dataclass(slots=True)
class _Count:
    cells: int = 0
    largest: float | None = None
    left_missing: int = 0
    right_missing: int = 0


class _Tally:
    """Compares rows, and counts by column what differs."""

    def __init__(self, pairs: Sequence[Pair], compared: Sequence[Pair]) -> None:
        self.pairs = pairs
        self.compared = compared
        self._counts = {(pair.left, pair.right): _Count() for pair in pairs}

    def compare(self, left: Sequence[object], right: Sequence[object]) -> tuple[tuple[CellChange, ...], int]:
        """The values that differ, bounded, and how many there are."""
        cells: list[CellChange] = []
        count = 0
        for pair in self.compared:
            one, two = left[pair.left], right[pair.right]
            tally = self._counts[pair.left, pair.right]
            values = pair.values
            tally.left_missing += values.is_missing(one)  # type: ignore[arg-type]
            tally.right_missing += values.is_missing(two)  # type: ignore[arg-type]
            if values.same(one, two):  # type: ignore[arg-type]
                continue
            count += 1
            tally.cells += 1
            if values.numeric:
                first, second = number_of(one), number_of(two)  # type: ignore[arg-type]
                if first is not None and second is not None:
                    tally.largest = max(tally.largest or 0.0, distance(first, second))
            if len(cells) < _CELLS:
                cells.append(CellChange(pair.name, one, two))  # type: ignore[arg-type]
        return tuple(cells), count

    def columns(self, left: Sequence[Column], right: Sequence[Column]) -> list[ColumnChange]:
        """The columns of both tables that differ."""
        staying = _in_order([pair.right for pair in self.pairs])
        found = []
        for pair in self.pairs:
            count = self._counts[pair.left, pair.right]
            change = ColumnChange(
                "changed",
                left[pair.left],
                right[pair.right],
                pair.left + 1,
                pair.right + 1,
                pair.right not in staying,
                count.cells,
                count.largest,
                count.left_missing,
                count.right_missing,
            )
            if change.moved or change.cells or change.attributes:
                found.append(change)
        return found


def _in_order(places: Sequence[int]) -> set[int]:
    """A longest increasing part of distinct numbers: the columns that need not be moved."""
    ends: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for index, place in enumerate(places):
        length = bisect_left(ends, place)
        before.append(at[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        at[length : length + 1] = [index]
    kept = set()
    index = at[-1] if at else -1
    while index >= 0:
        kept.add(places[index])
        index = before[index]
    return kept


@dataclass(slots=True)
class _Rows:
    """Rows of one side without a partner."""

    tally: _Tally
    examples: int
    found: list[RowChange] = field(default_factory=list)

    def take(
        self, own: Preview, other: Preview, places: Sequence[int], last: int, key: Key, state: RowState
    ) -> tuple[int, int]:
        """Counts of rows that the other side lacks, and of those whose partner may follow in its unread part."""
        beyond = 0 if _is_whole(other) else sum(place > last for place in places)
        kept = places[: len(places) - beyond]
        is_left = state == "removed"
        keys = [pair.left if is_left else pair.right for pair in key.pairs]
        for place in kept[: self.examples]:
            row = own.rows[place]
            values = [(at, column.name) for at, column in enumerate(own.columns) if at not in keys]
            cells = tuple(
                CellChange(name, row[at] if is_left else None, None if is_left else row[at])
                for at, name in values[:_CELLS]
            )
            numbers = (place + 1, 0) if is_left else (0, place + 1)
            self.found.append(
                RowChange(state, tuple(row[at] for at in keys), *numbers, cells, len(values) - len(cells))
            )
        return len(kept), beyond
