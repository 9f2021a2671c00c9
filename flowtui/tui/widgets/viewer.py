"""Viewer: a previewed text, table, tree or hex dump, drawn line by line."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from flowtui.preview.result import Preview, TreeNode
from flowtui.tui import tables
from flowtui.tui.bindings import bindings
from flowtui.tui.formatting import UNICODE, Cell, Mark, Signs, cell_width, outline
from flowtui.tui.graphics import Graphics
from flowtui.tui.widgets.canvas import Canvas
from flowtui.tui.widgets.facts import wrap
from flowtui.tui.widgets.paint import Painted

_JSON_KEY = re.compile(r'^(\s*)("(?:[^"\\]|\\.)*")(\s*:)')


class Viewer(Painted, ScrollView, can_focus=True):
    """Scrolls over what a preview holds; a table keeps its names in sight."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(
        "down", "up", "top", "bottom", "half_down", "half_up", "page_down", "page_up", "scroll_left", "scroll_right",
        "next_page", "previous_page", "picture",
    )  # fmt: skip

    @dataclass
    class NearEnd(Message):
        """The last line is in sight."""

    @dataclass
    class Turned(Message):
        """Another page is wanted: so many further on."""

        step: int

    @dataclass
    class PictureWanted(Message):
        """The picture of the page is wanted in place of its text, or the text again."""

    def __init__(
        self,
        *,
        signs: Signs = UNICODE,
        graphics: Graphics | None = None,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.signs = signs
        self.canvas = Canvas(self, graphics or Graphics())
        self._lines: list[Cell] = []
        self._unwrapped: list[Cell] = []
        self._head: Cell = ()
        self._preview: Preview | None = None
        self._sizes: list[int] = []
        self._width = 0

    def show(self, preview: Preview | None, *, keep: bool = False, picture: bool = False) -> None:
        """Show a preview, or nothing.

        Args:
            keep: the same file with more of it: the scroll stays.
            picture: of a page that has text and a picture the picture.
        """
        self._preview, self._lines, self._head, self._sizes, self._unwrapped = preview, [], (), [], []
        self._width = 0
        wanted = preview is not None and (picture or preview.kind == "image")
        self.canvas.show(preview.image if preview is not None and wanted else None)
        if preview is not None and self.canvas.image is None:
            self._take(preview)
        height = self._count() + bool(self._head) if self.canvas.image is None else 0
        self.virtual_size = Size(self._width + 3, height)
        if not keep:
            self.scroll_to(0, 0, animate=False, force=True)
        self.refresh()

    def show_lines(self, lines: list[Cell]) -> None:
        """Show lines of marks; those that are too long go on below themselves."""
        self._preview, self._head, self._sizes = None, (), []
        self.canvas.show(None)
        self._unwrapped = lines
        self._wrap()

    def _wrap(self) -> None:
        width = self.scrollable_content_region.width - 2
        lines = self._unwrapped
        if width > 10:
            lines = [part for line in lines for part in wrap(line, width, self.signs.ellipsis, most=50)]
        self._lines = lines
        self._width = 0
        self.virtual_size = Size(self.scrollable_content_region.width, len(lines))
        self.refresh()

    def _take(self, preview: Preview) -> None:
        if preview.kind == "table":
            self._sizes = tables.widths(preview.columns, preview.rows)
            names = tables.line([column.name for column in preview.columns], preview.columns, self._sizes)
            self._head = (Mark(names, "title"),)
            self._width = sum(self._sizes) + tables.GAP * max(len(self._sizes) - 1, 0)
        elif preview.kind == "tree" and preview.tree is not None:
            self._lines = tree_lines(preview.tree, self.signs)
            self._width = max((cell_width(line) for line in self._lines), default=0)
        elif preview.kind == "image" and not preview.lines:
            self._lines = [(Mark(f"{name}  ", "dim"), Mark(value)) for name, value in preview.facts]
            self._width = max((cell_width(line) for line in self._lines), default=0)
        else:
            self._width = max((cell_len(line) for line in preview.lines), default=0)

    def _count(self) -> int:
        if self._preview is None or self._lines:
            return len(self._lines)
        return len(self._preview.rows if self._preview.kind == "table" else self._preview.lines)

    @property
    def text(self) -> str:
        """What is shown, for tests."""
        lines = [self._line(number) for number in range(self._count())]
        return "\n".join("".join(mark.text for mark in line) for line in ([self._head] if self._head else []) + lines)

    def _line(self, number: int) -> Cell:
        if self._lines or self._preview is None:
            return self._lines[number] if number < len(self._lines) else ()
        if self._preview.kind == "table":
            row = self._preview.rows[number]
            text = tables.line([tables.value(cell) for cell in row], self._preview.columns, self._sizes)
            return (Mark(text),)
        line = self._preview.lines[number].expandtabs(4)
        if self._preview.kind == "hex":
            return (Mark(line[:10], "dim"), Mark(line[10:59]), Mark(line[59:], "wait"))
        if self._preview.language == "json" and (found := _JSON_KEY.match(line)):
            return (Mark(found[1]), Mark(found[2], "accent"), Mark(line[found.end(2) :]))
        return (Mark(line),)

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        if self.canvas.image is not None:
            return self.canvas.strip(y, base)
        width = self.size.width
        left = self.scroll_offset.x
        if self._head and y == 0:
            return self._strip(self._head, base, left, width)
        number = y - bool(self._head) + self.scroll_offset.y
        if not 0 <= number < self._count():
            return Strip.blank(width, base)
        return self._strip(self._line(number), base, left, width)

    def _strip(self, line: Cell, base: Style, left: int, width: int) -> Strip:
        strip = Strip([Segment(" ", base), *self.segments(line, base)])
        return strip.crop_extend(left, left + width, base)

    def on_resize(self, event: events.Resize) -> None:
        if self._unwrapped:
            self._wrap()
        self.canvas.lay_out()
        self._check_end()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._check_end()

    def on_unmount(self) -> None:
        self.canvas.show(None)

    def _check_end(self) -> None:
        if self._preview is not None and self._preview.more and self.canvas.image is None:
            bottom = self.scroll_offset.y + self.scrollable_content_region.height
            if bottom >= self._count() and self.scroll_offset.y > 0:
                self.post_message(self.NearEnd())

    def _by(self, lines: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False)

    def _page(self) -> int:
        return max(self.scrollable_content_region.height - bool(self._head), 2)

    def action_down(self) -> None:
        self._by(1)

    def action_up(self) -> None:
        self._by(-1)

    def action_top(self) -> None:
        self.scroll_to(y=0, animate=False)

    def action_bottom(self) -> None:
        self.scroll_to(y=self.virtual_size.height, animate=False)

    def action_half_down(self) -> None:
        self._by(self._page() // 2)

    def action_half_up(self) -> None:
        self._by(-(self._page() // 2))

    def action_page_down(self) -> None:
        self._by(self._page() - 1)

    def action_page_up(self) -> None:
        self._by(1 - self._page())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        preview = self._preview
        if action in ("next_page", "previous_page"):
            if preview is None or not preview.page:
                return False
            last = preview.pages
            return preview.page > 1 if action == "previous_page" else last is None or preview.page < last
        if action == "picture":
            return preview is not None and preview.kind == "text" and preview.page > 0 and preview.format == "pdf"
        return super().check_action(action, parameters)

    def action_next_page(self) -> None:
        self.post_message(self.Turned(1))

    def action_previous_page(self) -> None:
        self.post_message(self.Turned(-1))

    def action_picture(self) -> None:
        self.post_message(self.PictureWanted())

    def action_scroll_left(self) -> None:
        self._sideways(-1)

    def action_scroll_right(self) -> None:
        self._sideways(1)

    def _sideways(self, step: int) -> None:
        x = self.scroll_offset.x
        if self._sizes:
            stops = tables.stops(self._sizes)
            index = bisect_right(stops, x) if step > 0 else bisect_left(stops, x) - 1
            x = stops[max(0, min(index, len(stops) - 1))]
        else:
            x += step * 8
        self.scroll_to(x=x, animate=False)


def tree_lines(root: TreeNode, signs: Signs = UNICODE) -> list[Cell]:
    """The lines of a tree of keys and values, the root's own first."""
    nodes: list[tuple[int, TreeNode]] = []
    stack = [(0, root)]
    while stack:
        depth, node = stack.pop()
        nodes.append((depth, node))
        stack.extend((depth + 1, child) for child in reversed(node.children))
    guides = outline([depth for depth, _ in nodes], signs)
    lines: list[Cell] = []
    for guide, (_, node) in zip(guides, nodes, strict=True):
        name = f"{node.label}: " if node.label else ""
        lines.append((Mark(guide, "dim"), Mark(name, "accent"), Mark(node.value, "dim" if node.children else "")))
    return lines
