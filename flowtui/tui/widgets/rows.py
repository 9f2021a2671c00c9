"""Rows: the one list and tree of the screen, drawn line by line.

It takes finished rows and draws what is visible, so that a thousand rows cost what twenty do. Columns that do not fit
leave in order, and long names are cut in the middle. Setting rows again keeps the cursor on its row and the scroll
where it was, and repaints only the lines that differ.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, zip_longest
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from flowtui.tui.bindings import bindings
from flowtui.tui.formatting import UNICODE, Cell, Mark, Signs, cell_width, cut, cut_end
from flowtui.tui.widgets.columns import GAP, Column, Row, fit
from flowtui.tui.widgets.paint import Painted

GUTTER = 3


@dataclass
class _RowsMessage(Message):
    rows: Rows

    @property
    def control(self) -> Rows:
        return self.rows


class Rows(Painted, ScrollView, can_focus=True):
    """A list or tree of rows with a cursor.

    Attributes:
        show_titles: whether the first line holds the titles of the columns.
        from_top: until the person moves the cursor, it stays on the first row whatever rows come.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(
        "down", "up", "top", "bottom", "half_down", "half_up", "page_down", "page_up", "collapse", "expand", "open",
    )  # fmt: skip

    @dataclass
    class Highlighted(_RowsMessage):
        """The cursor is on another row, or the row under it is gone (``key`` empty)."""

        key: str

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Rows.Highlighted) and message.rows is self.rows

    @dataclass
    class Opened(_RowsMessage):
        """``enter`` or a second click on a row."""

        key: str

    @dataclass
    class Toggled(_RowsMessage):
        """A row is to be expanded or collapsed."""

        key: str
        expand: bool

    class NearEnd(_RowsMessage):
        """The cursor or the scroll is near the last row: a further page may be read."""

    class Scrolled(_RowsMessage):
        """Other rows are seen than before."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Rows.Scrolled) and message.rows is self.rows

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        show_titles: bool = True,
        signs: Signs = UNICODE,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.show_titles = show_titles
        self.from_top = False
        self.signs = signs
        self.rows: tuple[Row, ...] = ()
        self._index: dict[str, int] = {}
        self._tops: list[int] = []
        self._natural: list[int] = [0] * len(self.columns)
        self._widths: list[int] = []
        self._cursor = 0
        self._empty: tuple[Cell, ...] = ()
        self._told = ""

    @property
    def cursor_key(self) -> str:
        """The key of the row under the cursor; empty where there is none."""
        return self.rows[self._cursor].key if self.rows else ""

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self._cursor] if self.rows else None

    def visible_keys(self) -> tuple[str, ...]:
        """The keys of the rows that are seen."""
        top = self.scroll_offset.y
        first = max(bisect_right(self._tops, top) - 1, 0)
        last = bisect_right(self._tops, top + self.scrollable_content_region.height)
        return tuple(row.key for row in self.rows[first:last])

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Scrolled(self))
            if self.rows and new_value + 2 * self._page() >= self._content_height():
                self.post_message(self.NearEnd(self))

    def set_empty(self, *lines: Cell | str) -> None:
        """Say what the list shows while it has no row."""
        self._empty = tuple((Mark(line, "dim"),) if isinstance(line, str) else line for line in lines)
        if not self.rows:
            self.refresh()

    def set_rows(self, rows: Sequence[Row], *, cursor: str | None = None) -> None:
        """Show these rows; the cursor stays on the row with its key and the row stays on its line of the screen.

        Args:
            rows: the rows; their keys must be unique.
            cursor: the key to put the cursor on instead, and to bring into view.
        """
        old, old_tops = self.rows, self._tops
        offset = self._tops[self._cursor] - self.scroll_offset.y if old else 0
        kept = cursor if cursor is not None else self.cursor_key
        if self.from_top and cursor is None and rows:
            kept = rows[0].key
        self.rows = tuple(rows)
        if self.rows == old and cursor is None:
            return
        self._index = {row.key: index for index, row in enumerate(self.rows)}
        self._measure()
        position = self._index.get(kept)
        found = position is not None
        self._cursor = self._landing(position if position is not None else min(self._cursor, len(self.rows) - 1))
        same_shape = old_tops == self._tops and len(old) == len(self.rows)
        widths = self._widths
        self._fit()
        height = self._content_height()
        self.virtual_size = Size(self.scrollable_content_region.width, height)
        if cursor is not None:
            self.call_after_refresh(self.scroll_to_cursor)
        elif old and found and self._tops and not same_shape:
            self.set_scroll_y(self._tops[self._cursor] - offset)
        if same_shape and widths == self._widths and cursor is None:
            for index, (before, after) in enumerate(zip(old, self.rows, strict=False)):
                if before is not after and before != after:
                    self._refresh_row(index)
        else:
            self.refresh()
        self._tell()

    def set_scroll_y(self, y: int) -> None:
        """Scroll to a line at once."""
        self.scroll_to(y=max(y, 0), animate=False, force=True)

    def move_to(self, key: str) -> bool:
        """Put the cursor on the row with this key and bring it into view; False where there is no such row."""
        index = self._index.get(key)
        if index is None:
            return False
        self._move(index)
        return True

    def _landing(self, index: int) -> int:
        """The nearest row that is no heading, downwards first."""
        if not self.rows:
            return 0
        index = max(0, min(index, len(self.rows) - 1))
        for step in (1, -1):
            at = index
            while 0 <= at < len(self.rows):
                if not self.rows[at].heading:
                    return at
                at += step
        return index

    def _measure(self) -> None:
        heights = (2 if row.note else 1 for row in self.rows)
        self._tops = list(accumulate(heights, initial=0))[:-1]
        widths = (row.widths for row in self.rows if not row.heading)
        natural = [max(of_column) for of_column in zip_longest(*widths, fillvalue=0)]
        self._natural = (natural + [0] * len(self.columns))[: len(self.columns)]

    def _content_height(self) -> int:
        last = self.rows[-1] if self.rows else None
        return (self._tops[-1] + (2 if last and last.note else 1) if self.rows else 0) + self.show_titles

    def _fit(self) -> None:
        width = self.scrollable_content_region.width - GUTTER - 1
        self._widths = fit(self.columns, self._natural, width) if width > 0 else []

    def on_resize(self, event: events.Resize) -> None:
        self._fit()
        self.virtual_size = Size(self.scrollable_content_region.width, self._content_height())
        self.scroll_to_cursor()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()

    def _refresh_row(self, index: int) -> None:
        top = self._tops[index] + self.show_titles - self.scroll_offset.y
        height = 2 if self.rows[index].note else 1
        self.refresh(Region(0, top, self.size.width, height))

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        width = self.size.width
        if self.show_titles and y == 0 and self.rows:
            return self._title_line(base, width)
        if not self.rows:
            return self._empty_line(y, base, width)
        line = y - self.show_titles + self.scroll_offset.y
        index = bisect_right(self._tops, line) - 1
        if index < 0 or line > self._tops[-1] + (1 if self.rows[-1].note else 0):
            return Strip.blank(width, base)
        row = self.rows[index]
        if index == self._cursor and not row.heading:
            base = base + self.mark_style("cursor" if self.has_focus else "cursor-blurred")
        if line > self._tops[index]:
            return self._note_line(row, base, width)
        return self._row_line(row, index == self._cursor, base, width)

    def _title_line(self, base: Style, width: int) -> Strip:
        style = base + self.mark_style("title")
        cells = tuple((Mark(column.title),) for column in self.columns)
        return self._cells_line(Row("", cells), " " * GUTTER, style, width)

    def _empty_line(self, y: int, base: Style, width: int) -> Strip:
        at = y - 1
        if not 0 <= at < len(self._empty):
            return Strip.blank(width, base)
        segments = [Segment(" " * GUTTER, base)]
        segments += self.segments(self._empty[at], base)
        return Strip(segments).adjust_cell_length(width, base)

    def _row_line(self, row: Row, under_cursor: bool, base: Style, width: int) -> Strip:
        if row.heading:
            style = base + self.mark_style("heading")
            text = "".join(mark.text for mark in row.cells[0])
            return Strip([Segment(f" {cut_end(text, width - 2)}", style)]).adjust_cell_length(width, base)
        picked = {"all": self.signs.picked, "some": self.signs.partly}.get(row.picked, " ")
        gutter = f"{picked}{self.signs.cursor if under_cursor else ' '} "
        if row.picked == "all":
            base = base + self.mark_style("accent")
        return self._cells_line(row, gutter, base, width)

    def _note_line(self, row: Row, base: Style, width: int) -> Strip:
        indent = GUTTER + 2
        segments, room = [Segment(" " * indent, base)], width - indent - 1
        for mark in row.note:
            text = cut_end(mark.text, room, self.signs.ellipsis)
            segments.append(Segment(text, base + self.mark_style(mark.style or "note")))
            room -= cell_len(text)
        return Strip(segments).adjust_cell_length(width, base)

    def _cells_line(self, row: Row, gutter: str, base: Style, width: int) -> Strip:
        segments = [Segment(gutter, base + self.mark_style("accent") if gutter.strip() else base)]
        last = max((index for index, size in enumerate(self._widths) if size), default=0)
        for index, (column, size) in enumerate(zip(self.columns, self._widths, strict=False)):
            if not size:
                continue
            cell: Cell = row.cells[index] if index < len(row.cells) else ()
            if index == 0 and row.guide:
                cell = (Mark(row.guide, "dim"), *cell)
            marks, used = self._fit_cell(cell, size, column)
            padding = Segment(" " * (size - used), base)
            if column.right:
                segments.append(padding)
            segments += self.segments(tuple(marks), base)
            if not column.right:
                segments.append(padding)
            if index != last:
                segments.append(Segment(" " * GAP, base))
        return Strip(segments).adjust_cell_length(width, base)

    def _fit_cell(self, cell: Cell, size: int, column: Column) -> tuple[list[Mark], int]:
        if column.dotted and len(cell) == 1 and cell_len(cell[0].text) > size:
            cell = (Mark(cell[0].text.rpartition(".")[2], cell[0].style),)
        marks: list[Mark] = []
        room = size
        rest = cell_width(cell)
        for mark in cell:
            length = cell_len(mark.text)
            if rest <= room or length <= 2:
                text = mark.text if length <= room else ""
            else:
                # The longest mark of the cell is its name: what follows it keeps its room where there is some.
                after = rest - length
                own = room - after if room - after >= min(length, 8) else room
                text = (cut_end if column.sentence else cut)(mark.text, own, self.signs.ellipsis)
            marks.append(Mark(text, mark.style))
            room -= cell_len(text)
            rest -= length
        return marks, size - room

    def watch_has_focus(self, focused: bool) -> None:
        super().watch_has_focus(focused)
        if self.rows:
            self._refresh_row(self._cursor)

    def scroll_to_cursor(self) -> None:
        """Bring the row under the cursor into view."""
        if not self.rows:
            return
        top = self._tops[self._cursor]
        bottom = top + (2 if self.rows[self._cursor].note else 1)
        height = self.scrollable_content_region.height - self.show_titles
        y = self.scroll_offset.y
        if height <= 0:
            return
        if top < y:
            self.set_scroll_y(0 if self._cursor == 0 else top)
        elif bottom > y + height:
            self.set_scroll_y(bottom - height)

    def _move(self, index: int) -> None:
        if not self.rows:
            return
        self.from_top = False
        step = 1 if index >= self._cursor else -1
        index = max(0, min(index, len(self.rows) - 1))
        while 0 <= index < len(self.rows) and self.rows[index].heading:
            index += step
        if not 0 <= index < len(self.rows):
            self.set_scroll_y(0 if step < 0 else self._content_height())
            return
        if index != self._cursor:
            self._refresh_row(self._cursor)
            self._cursor = index
            self._refresh_row(index)
        if index <= 1 and self.rows[0].heading:
            self.set_scroll_y(0)
        self.scroll_to_cursor()
        self._tell()
        if index >= len(self.rows) - 5:
            self.post_message(self.NearEnd(self))

    def _tell(self) -> None:
        if self.cursor_key != self._told:
            self._told = self.cursor_key
            self.post_message(self.Highlighted(self, self._told))

    def _page(self) -> int:
        return max(self.scrollable_content_region.height - self.show_titles, 2)

    def action_down(self) -> None:
        self._move(self._cursor + 1)

    def action_up(self) -> None:
        self._move(self._cursor - 1)

    def action_top(self) -> None:
        self._move(0)

    def action_bottom(self) -> None:
        self._move(len(self.rows) - 1)

    def action_half_down(self) -> None:
        self._move(self._cursor + self._page() // 2)

    def action_half_up(self) -> None:
        self._move(self._cursor - self._page() // 2)

    def action_page_down(self) -> None:
        self._move(self._cursor + self._page() - 1)

    def action_page_up(self) -> None:
        self._move(self._cursor - self._page() + 1)

    def action_expand(self) -> None:
        row = self.cursor_row
        if row and row.expandable and not row.expanded:
            self.post_message(self.Toggled(self, row.key, True))

    def action_collapse(self) -> None:
        row = self.cursor_row
        if row and row.expandable and row.expanded:
            self.post_message(self.Toggled(self, row.key, False))
        elif row and row.parent:
            self.move_to(row.parent)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "open":
            return bool(self.rows) and self.rows[self._cursor].openable
        return super().check_action(action, parameters)

    def action_open(self) -> None:
        if self.rows and self.rows[self._cursor].openable:
            self.post_message(self.Opened(self, self.cursor_key))

    def on_click(self, event: events.Click) -> None:
        line = event.y - self.show_titles + self.scroll_offset.y
        index = bisect_right(self._tops, line) - 1
        if not 0 <= index < len(self.rows) or line < 0 or line >= self._content_height() - self.show_titles:
            return
        if index == self._cursor:
            self.action_open()
        elif not self.rows[index].heading:
            self._move(index)
