"""Viewer: a previewed text, table, tree, picture or hex dump, drawn line by line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from flowtui.preview.result import Preview
from flowtui.tui.bindings import bindings
from flowtui.tui.contents.content import Content
from flowtui.tui.contents.kinds import content_of
from flowtui.tui.contents.table import TableContent
from flowtui.tui.contents.text import MarkedContent
from flowtui.tui.contents.tree import TreeContent
from flowtui.tui.formatting import UNICODE, Cell, Signs
from flowtui.tui.graphics import Graphics
from flowtui.tui.widgets.canvas import Canvas
from flowtui.tui.widgets.facts import wrap
from flowtui.tui.widgets.scroller import Scroller

_COLUMNS = ("first_column", "last_column", "sort", "hide_column", "show_columns", "pin", "labels")


class Viewer(Scroller):
    """Shows a preview; its table and tree have a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(
        "collapse", "expand", "scroll_left", "scroll_right", "next_page", "previous_page", "picture", *_COLUMNS,
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
        super().__init__(signs=signs, id=id)
        self.canvas = Canvas(self, graphics or Graphics())
        self._unwrapped: list[Cell] = []
        self._preview: Preview | None = None

    def show(self, preview: Preview | None, *, keep: bool = False, picture: bool = False) -> None:
        """Show a preview, or nothing.

        Args:
            keep: the same file with more of it: cursor, scroll and the order of its columns stay.
            picture: of a page that has text and a picture the picture.
        """
        old, self._preview, self._unwrapped = self.content, preview, []
        wanted = preview is not None and (picture or preview.kind == "image")
        self.canvas.show(preview.image if preview is not None and wanted else None)
        is_listed = preview is not None and self.canvas.image is None
        self.content = content_of(preview, self.signs) if preview is not None and is_listed else Content()
        self.content.is_active = self.has_focus
        if keep:
            self.content.take_over(old)
        self._measure()
        if not keep:
            self.scroll_to(0, 0, animate=False, force=True)
        self.refresh()
        self.post_message(self.Moved())

    def show_again(self, preview: Preview, content: Content, scroll: tuple[int, int]) -> None:
        """Show content that was shown before, where it was scrolled to."""
        self.show(preview)
        self.content = content
        content.is_active = self.has_focus
        self._measure()
        self.refresh()

        def go_back() -> None:
            self.scroll_to(scroll[0], scroll[1], animate=False, force=True)
            self._see_line(content.cursor or 0)

        # How far it can be scrolled is known when lines below it are laid out again.
        self.call_after_refresh(go_back)

    def show_lines(self, lines: list[Cell]) -> None:
        """Show lines of marks; those that are too long go on below themselves."""
        self._preview = None
        self.canvas.show(None)
        self._unwrapped = lines
        self._wrap()

    def _wrap(self) -> None:
        width = self.scrollable_content_region.width - 2
        lines = self._unwrapped
        if width > 10:
            lines = [part for line in lines for part in wrap(line, width, self.signs.ellipsis, most=50)]
        self.content = MarkedContent(lines)
        self.virtual_size = Size(self.scrollable_content_region.width, len(lines))
        self.refresh()

    def _measure(self) -> None:
        super()._measure()
        if self.canvas.image is not None:
            self.virtual_size = Size(0, 0)

    def render_line(self, y: int) -> Strip:
        return self.canvas.strip(y, self.rich_style) if self.canvas.image is not None else super().render_line(y)

    def on_resize(self, event: events.Resize) -> None:
        if self._unwrapped:
            self._wrap()
        self.canvas.lay_out()
        self._see_column()
        self._check_end()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._check_end()

    def on_unmount(self) -> None:
        self.canvas.show(None)

    def _check_end(self) -> None:
        if self._preview is not None and self._preview.more and self.canvas.image is None:
            bottom = self.scroll_offset.y + self.scrollable_content_region.height
            is_last = self.content.cursor is not None and self.content.cursor >= len(self.content) - 1 > 0
            if is_last or (bottom >= len(self.content) and self.scroll_offset.y > 0):
                self.post_message(self.NearEnd())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        preview = self._preview
        if action in ("next_page", "previous_page"):
            if preview is None or not preview.page:
                return False
            last = preview.pages
            return preview.page > 1 if action == "previous_page" else last is None or preview.page < last
        if action == "picture":
            return preview is not None and preview.kind == "text" and preview.page > 0 and preview.format == "pdf"
        if action in ("collapse", "expand"):
            return isinstance(self.content, TreeContent)
        if action in ("scroll_left", "scroll_right"):
            return not isinstance(self.content, TreeContent)
        if action == "show_columns":
            return isinstance(self.content, TableContent) and self.content.hidden > 0
        if action == "labels":
            return isinstance(self.content, TableContent) and self.content.has_labels
        if action in _COLUMNS:
            return isinstance(self.content, TableContent)
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
        if isinstance(self.content, TableContent):
            self._to_column(self.content.column + step)
        else:
            self.scroll_to(x=self.scroll_offset.x + step * 8, animate=False, force=True)

    def _to_column(self, place: int) -> None:
        if isinstance(self.content, TableContent):
            self.content.move_column(place)
            self._repaint(self.content.cursor or 0, head=True)
            self._see_column()
            self._tell()

    def action_first_column(self) -> None:
        self._to_column(0)

    def action_last_column(self) -> None:
        if isinstance(self.content, TableContent):
            self._to_column(len(self.content.shown) - 1)

    def action_expand(self) -> None:
        # At the end of a branch there may be a long value.
        if isinstance(self.content, TreeContent) and not self.content.expand():
            self._sideways(1)
        self._rearranged()

    def action_collapse(self) -> None:
        if self.scroll_offset.x > 0:
            self._sideways(-1)
        elif isinstance(self.content, TreeContent):
            self.content.collapse()
        self._rearranged()

    def action_sort(self) -> None:
        if isinstance(self.content, TableContent):
            self.content.turn_sort()
            self._rearranged()

    def action_hide_column(self) -> None:
        if isinstance(self.content, TableContent):
            self.content.hide()
            self._rearranged()

    def action_show_columns(self) -> None:
        if isinstance(self.content, TableContent):
            self.content.show_all()
            self._rearranged()

    def action_pin(self) -> None:
        if isinstance(self.content, TableContent):
            self.content.pin()
            self._rearranged()

    def action_labels(self) -> None:
        if isinstance(self.content, TableContent):
            self.content.turn_labels()
            self._rearranged()

    def _rearranged(self) -> None:
        self._measure()
        self._see_line(self.content.cursor or 0)
        self._see_column()
        self.refresh()
        self.screen.refresh_bindings()
        self._tell(rearranged=True)
