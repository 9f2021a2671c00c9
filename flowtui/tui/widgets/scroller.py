"""Scrolling over content: what is drawn, the cursor on it, and the keys that move it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from flowtui.tui.bindings import bindings
from flowtui.tui.contents.content import Content, Match, Window
from flowtui.tui.contents.table import TableContent
from flowtui.tui.contents.tree import TreeContent
from flowtui.tui.formatting import UNICODE, Signs
from flowtui.tui.widgets.paint import Painted


class Scroller(Painted, ScrollView, can_focus=True):
    """Scrolls over content, or moves a cursor over it where it has one.

    Attributes:
        content: what is shown, by lines.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(
        "down", "up", "top", "bottom", "half_down", "half_up", "page_down", "page_up",
    )  # fmt: skip

    @dataclass
    class Moved(Message):
        """Something else is under the cursor, or ``rearranged``: columns or rows are shown otherwise."""

        rearranged: bool = False

    def __init__(self, *, signs: Signs = UNICODE, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.signs = signs
        self.content = Content()

    @property
    def _above(self) -> int:
        """Lines that stay in sight above the others."""
        return int(self.content.head(0, 1) is not None)

    @property
    def text(self) -> str:
        """What is shown, for tests."""
        head = self.content.head(0, max(self.content.width, 1))
        lines = [head.fixed + head.moving] if head else []
        lines += [self.content.line(number) for number in range(len(self.content))]
        return "\n".join("".join(mark.text for mark in line) for line in lines)

    @property
    def room(self) -> int:
        """Cells of a line."""
        return max(self.scrollable_content_region.width - 1, 1)

    def _measure(self) -> None:
        self.virtual_size = Size(self.content.width + self.content.slack, len(self.content) + self._above)

    def render_line(self, y: int) -> Strip:
        left = self.scroll_offset.x
        if y == 0 and (head := self.content.head(left, self.room)) is not None:
            return self._strip(head)
        number = y - self._above + self.scroll_offset.y
        if not 0 <= number < len(self.content):
            return Strip.blank(self.size.width, self.rich_style)
        return self._strip(self.content.window(number, left, self.room))

    def _strip(self, window: Window) -> Strip:
        base, width = self.rich_style, self.size.width
        fixed = Strip([Segment(" ", base), *self.segments(window.fixed, base)])
        moving = Strip(self.segments(window.moving, base))
        rest = max(width - fixed.cell_length, 0)
        moving = moving.crop_extend(window.skip, window.skip + rest, base)
        return Strip([*fixed, *moving]).adjust_cell_length(width, base)

    def mark(self, matches: Iterable[Match], here: Match | None, *, go: bool = True) -> None:
        """Mark what was found, and bring one of the matches into sight.

        Args:
            go: whether to go there.
        """
        self.content.mark(matches, here)
        if here is not None and go:
            self.content.reveal(here)
            line = self.content.position(here)
            self._see_line(line, middle=True)
            if self.content.cursor is None or isinstance(self.content, TreeContent):
                start, end = self.content.span(here)
                x = self.scroll_offset.x
                if start < x or end > x + self.room:
                    self.scroll_to(x=max(min(start - 8, end - self.room + 8), 0), animate=False, force=True)
            self._measure()
            self._see_column()
            self._tell()
        self.refresh()

    @property
    def place(self) -> int:
        """The line under the cursor, or the first one in sight."""
        return self.content.cursor if self.content.cursor is not None else self.scroll_offset.y

    def _see_line(self, line: int, *, middle: bool = False) -> None:
        """Scroll to a line; ``middle``: into the middle, where it is out of sight."""
        height = max(self.scrollable_content_region.height - self._above, 1)
        y = self.scroll_offset.y
        if not y <= line < y + height:
            y = line - height // 2 if middle else line if line < y else line - height + 1
            # What came just now is not laid out yet.
            self.scroll_to(y=max(y, 0), animate=False, force=True)

    def _see_column(self) -> None:
        if isinstance(self.content, TableContent):
            x = self.scroll_offset.x
            wanted = self.content.sideways(x, self.room)
            if wanted != x:
                self.scroll_to(x=wanted, animate=False, force=True)

    def _tell(self, *, rearranged: bool = False) -> None:
        self.post_message(self.Moved(rearranged))
        self._check_end()

    def _check_end(self) -> None:
        """More may be wanted."""

    def on_focus(self) -> None:
        self._activate(True)

    def on_blur(self) -> None:
        self._activate(False)

    def _activate(self, active: bool) -> None:
        self.content.is_active = active
        if self.content.cursor is not None:
            self._repaint(self.content.cursor)

    def _repaint(self, *lines: int, head: bool = False) -> None:
        """Paint some lines again, and with ``head`` the one above them."""
        tops = {line + self._above - self.scroll_offset.y for line in lines} | ({0} if head else set())
        self.refresh(*(Region(0, top, self.size.width, 1) for top in tops if 0 <= top < self.size.height))

    def _by(self, lines: int) -> None:
        self._to((self.content.cursor if self.content.cursor is not None else self.scroll_offset.y) + lines)

    def _to(self, line: int) -> None:
        if self.content.cursor is None:
            self.scroll_to(y=line, animate=False, force=True)
            return
        before = self.content.cursor
        self.content.move(line)
        self._repaint(before, self.content.cursor)
        self._see_line(self.content.cursor)
        self._tell()

    def _page(self) -> int:
        return max(self.scrollable_content_region.height - self._above, 2)

    def action_down(self) -> None:
        self._by(1)

    def action_up(self) -> None:
        self._by(-1)

    def action_top(self) -> None:
        self._to(0)

    def action_bottom(self) -> None:
        self._to(self.virtual_size.height)

    def action_half_down(self) -> None:
        self._by(self._page() // 2)

    def action_half_up(self) -> None:
        self._by(-(self._page() // 2))

    def action_page_down(self) -> None:
        self._by(self._page() - 1)

    def action_page_up(self) -> None:
        self._by(1 - self._page())

    def on_click(self, event: events.Click) -> None:
        line = event.y - self._above + self.scroll_offset.y
        if self.content.cursor is None or line < self.scroll_offset.y or line >= len(self.content):
            return
        if isinstance(self.content, TableContent):
            self.content.move_column(self.content.at(event.x - 1, self.scroll_offset.x, self.room))
            self.refresh()
        self._to(line)
