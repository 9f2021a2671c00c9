"""A table with a cursor on a cell; its columns hide, stand still at the left, and sort what is loaded."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len

from flowtui.preview.result import Cell as Value
from flowtui.preview.result import Preview
from flowtui.preview.special_missing import MARKED_MISSING
from flowtui.tui import tables
from flowtui.tui.column_details import column_detail
from flowtui.tui.contents.content import SLICE, Content, Copy, Match, Window
from flowtui.tui.formatting import UNICODE, Cell, Mark, Signs, cut_end
from flowtui.tui.sorting import sorted_order

_SLICE_CELLS = 10 * SLICE


class TableContent(Content):
    """The rows of a preview.

    Attributes:
        column: the place of the column under the cursor among those that are shown.
        shown: the numbers of the shown columns.
        pinned: how many of the shown columns stand still at the left.
        sort: the number of the column that the rows are sorted by, and whether downwards; None as in the file.
        is_labelled: whether what values are called stands in their place.
    """

    unit = "rows"
    slack = tables.WIDEST + tables.GAP

    def __init__(self, preview: Preview, signs: Signs = UNICODE) -> None:
        super().__init__()
        self.cursor = 0
        self.column = 0
        self.pinned = 0
        self.sort: tuple[int, bool] | None = None
        self.shown = list(range(len(preview.columns)))
        self.is_labelled = False
        self._preview = preview
        self._labels = [dict(column.value_labels) for column in preview.columns]
        self._signs = signs
        self._order = list(range(len(preview.rows)))
        self._natural = tables.widths(preview.columns, preview.rows)
        self._lay_out()

    @property
    def is_whole(self) -> bool:
        """Whether all rows of the file are loaded."""
        total = self._preview.total_rows
        return total == len(self._preview.rows) if total is not None else not self._preview.more

    def __len__(self) -> int:
        return len(self._order)

    @property
    def order(self) -> tuple[int, ...]:
        """The numbers of the rows in the order in which they are shown."""
        return tuple(self._order)

    @property
    def row(self) -> int | None:
        """The number of the row under the cursor in the preview; None where there are no rows."""
        return self._order[self.cursor or 0] if self._order else None

    def move_to_row(self, row: int) -> None:
        """Put the cursor on a row by its number."""
        self.cursor = self._order.index(row)

    def _lay_out(self) -> None:
        sizes = list(self._natural)
        if self.is_labelled:
            for number, labels in enumerate(self._labels):
                sizes[number] = max([sizes[number], *(min(cell_len(one), tables.WIDEST) for one in labels.values())])
        if self.sort is not None:
            number = self.sort[0]
            sizes[number] = max(sizes[number], cell_len(self._name(number)))
        self._sizes = [sizes[number] for number in self.shown]
        self._stops = tables.stops(self._sizes)
        self.width = max(self._stops[-1] - tables.GAP, 0)

    def _name(self, number: int) -> str:
        name = self._preview.columns[number].name
        if self.sort is None or self.sort[0] != number:
            return name
        arrow = ("v" if self._signs.ascii else "↓") if self.sort[1] else ("^" if self._signs.ascii else "↑")
        return f"{cut_end(name, tables.WIDEST - 2, self._signs.ellipsis)} {arrow}"

    def head(self, left: int, width: int) -> Window:
        def style(place: int) -> str:
            return "here" if place == self.column else "title"

        return self._row(lambda place: self._name(self.shown[place]), style, left, width)

    def window(self, number: int, left: int, width: int) -> Window:
        row_number = self._order[number]
        row = self._preview.rows[row_number]
        found = {match.start for match in self._found.get(row_number, ())}
        here = self.here.start if self.here is not None and self.here.line == row_number else -1

        def style(place: int) -> str:
            if self.shown[place] == here:
                return "found-here"
            if number == self.cursor and place == self.column:
                return "cursor" if self.is_active else "cursor-blurred"
            if self.shown[place] in found:
                return "found"
            return "dim" if isinstance(row[self.shown[place]], MARKED_MISSING) else ""

        return self._row(lambda place: self._value(row, self.shown[place]), style, left, width)

    def _value(self, row: Sequence[Value], number: int) -> str:
        """A value, or what it is called; SAS calls the plain missing value a point."""
        text = tables.value(row[number])
        return self._labels[number].get(text or ".", text) if self.is_labelled else text

    def line(self, number: int) -> Cell:
        window = self.window(number, 0, self.width)
        return window.fixed + window.moving

    def still(self, width: int) -> int:
        """How many columns stand still in that width: as many of the pinned ones as leave room for others."""
        return min(self.pinned, bisect_right(self._stops, width * 2 // 3) - 1)

    def _row(self, text: Callable[[int], str], style: Callable[[int], str], left: int, width: int) -> Window:
        still = self.still(width)
        fixed = [mark for place in range(still) for mark in self._cell(place, text, style)]
        if still and left:
            fixed[-1] = Mark(self._signs.bar, "dim")
        begin = self._stops[still] + left
        first = max(bisect_right(self._stops, begin) - 1, still)
        moving: list[Mark] = []
        for place in range(first, len(self.shown)):
            if self._stops[place] >= begin + width:
                break
            moving += self._cell(place, text, style)
        return Window(tuple(fixed), tuple(moving), begin - self._stops[first])

    def _cell(self, place: int, text: Callable[[int], str], style: Callable[[int], str]) -> list[Mark]:
        column = self._preview.columns[self.shown[place]]
        padded = tables.padded(text(place), column, self._sizes[place], self._signs.ellipsis)
        gap = " " * tables.GAP if place < len(self.shown) - 1 else ""
        return [Mark(padded, style(place)), Mark(gap)]

    def sideways(self, left: int, width: int) -> int:
        """The scroll, at best ``left``, at which the column under the cursor is in sight."""
        still = self.still(width)
        if self.column < still or not self.shown:
            return left
        begin = self._stops[self.column] - self._stops[still]
        end = begin + self._sizes[self.column] + self._stops[still] - width
        if left < end:
            # Columns are not cut at the left.
            left = self._stops[bisect_left(self._stops, self._stops[still] + end)] - self._stops[still]
        return min(left, begin)

    def at(self, x: int, left: int, width: int) -> int:
        """The place of the column that is drawn at a cell."""
        still = self.still(width)
        full = x if x < self._stops[still] else x + left
        return max(min(bisect_right(self._stops, full) - 1, len(self.shown) - 1), 0)

    def move_column(self, place: int) -> None:
        """Put the cursor on a column, or on the nearest that there is."""
        self.column = max(0, min(place, len(self.shown) - 1))

    def hide(self) -> None:
        """Leave the column under the cursor out, unless it is the last one."""
        if len(self.shown) > 1:
            del self.shown[self.column]
            self.pinned -= self.column < self.pinned
            self._lay_out()
            self.move_column(self.column)

    @property
    def hidden(self) -> int:
        """How many columns are left out."""
        return len(self._preview.columns) - len(self.shown)

    def show_all(self) -> None:
        """Show the columns that were left out; the cursor stays on its column."""
        number = self.shown[self.column] if self.shown else 0
        pinned = self.shown[self.pinned - 1] + 1 if self.pinned else 0
        self.shown = list(range(len(self._preview.columns)))
        self.column, self.pinned = number, pinned
        self._lay_out()

    def pin(self) -> None:
        """Let the columns up to the cursor stand still, or none where the last one of them is under it."""
        upto = min(self.column + 1, len(self.shown))
        self.pinned = 0 if self.pinned == upto else upto

    @property
    def has_labels(self) -> bool:
        """Whether it is known of any column what its values are called."""
        return any(self._labels)

    def turn_labels(self) -> None:
        """Let what values are called stand in their place, or the values again."""
        self.is_labelled = not self.is_labelled and self.has_labels
        self._lay_out()

    def turn_sort(self) -> None:
        """Sort by the column under the cursor: upwards, downwards, as in the file; the cursor goes to the first row."""
        if not self.shown:
            return
        number = self.shown[self.column]
        if self.sort is None or self.sort[0] != number:
            self.sort = (number, False)
        else:
            self.sort = (number, True) if not self.sort[1] else None
        self._sort()
        self.cursor = 0

    def _sort(self) -> None:
        self._order = list(range(len(self._preview.rows)))
        if self.sort is not None:
            number, descending = self.sort
            cells = [one[number] for one in self._preview.rows]
            self._order = sorted_order(cells, self._preview.columns[number].type, descending=descending)
        self._lay_out()

    def take_over(self, old: Content) -> None:
        if not isinstance(old, TableContent) or not old.is_like(self):
            return
        self.shown, self.pinned, self.column, self.sort = list(old.shown), old.pinned, old.column, old.sort
        self.is_labelled = old.is_labelled and self.has_labels
        self._sort()
        row = old._order[old.cursor or 0] if old._order else 0
        self.cursor = self._order.index(row) if row < len(self._order) else 0

    def is_like(self, other: TableContent) -> bool:
        """Whether both have the same columns."""
        return [one.name for one in self._preview.columns] == [one.name for one in other._preview.columns]

    def note(self) -> str:
        said = []
        if self.hidden:
            said.append(f"{self.hidden:,} hidden")
        if self.is_labelled:
            said.append("value labels")
        if self.sort is not None:
            said.append("sorted" if self.is_whole else "sorted: loaded rows only")
        return f" {self._signs.dot} ".join(said)

    def detail(self) -> Cell:
        if not self.shown:
            return ()
        number = self.shown[self.column]
        values = [row[number] for row in self._preview.rows]
        return column_detail(self._preview.columns[number], values, whole=self.is_whole, signs=self._signs)

    def copies(self) -> tuple[Copy, ...]:
        if not self.shown:
            return ()
        number = self.shown[self.column]
        name = Copy("copy_name", "column name", self._preview.columns[number].name)
        if not self._order:
            return (name,)
        row = self._preview.rows[self._order[self.cursor or 0]]
        return (
            Copy("copy_cell", "cell", tables.value(row[number])),
            Copy("copy_row", "row", tables.tab_separated(row[one] for one in self.shown)),
            name,
        )

    def search(self, words: str) -> Iterator[Match | None]:
        wanted = words.casefold()
        looked = _SLICE_CELLS
        for row_number in self._order:
            row = self._preview.rows[row_number]
            looked += len(self.shown)
            if looked >= _SLICE_CELLS:
                looked = 0
                yield None
            for number in self.shown:
                if wanted in tables.value(row[number]).casefold():
                    yield Match(row_number, number, number + 1)

    def position(self, match: Match) -> int:
        return self._order.index(match.line)

    def reveal(self, match: Match) -> None:
        self.cursor = self.position(match)
        if match.start in self.shown:
            self.column = self.shown.index(match.start)
