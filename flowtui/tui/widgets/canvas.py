"""The part of a widget that a picture is drawn on, in the way that the terminal can."""

from __future__ import annotations

import asyncio
import itertools
import os

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from flowtui.preview.result import Image
from flowtui.preview.scaling import fitted, scaled
from flowtui.tui.graphics import Graphics
from flowtui.tui.widgets import picture

_numbers = itertools.count(os.getpid() % 4096 * 1024 + 1)
"""Numbers of pictures for kitty, unlike those of other programs on the same terminal."""

_MOST_NUMBER = 0xFFFFFF


class Canvas:
    """Draws one picture at a time.

    Attributes:
        image: what is shown, None for nothing.
    """

    def __init__(self, widget: Widget, graphics: Graphics) -> None:
        self._widget = widget
        self._graphics = graphics
        self.image: Image | None = None
        self._strips: list[Strip] = []
        self._cells = (0, 0)
        self._number = 0
        self._sixel = ""
        self._is_due = False

    def show(self, image: Image | None) -> None:
        """Draw another picture, or none."""
        self._forget()
        self.image = image if self._graphics.mode != "off" else None
        self._cells = (0, 0)
        self.lay_out()

    def lay_out(self) -> None:
        """Draw the picture for the size that the widget has now, and for what the terminal is known to do."""
        image = self.image
        width, height = self._widget.size
        if image is None or width < 3 or height < 1:
            self._strips = []
            return
        columns, rows = fitted(image, width - 1, height, self._graphics.cell)
        if self._graphics.mode == "kitty":
            rows = min(rows, len(picture.ROW_MARKS))
        self._forget()
        self._cells = columns, rows
        # In half cells first: what the other ways need takes a moment.
        self._strips = picture.half_cells(image, columns, rows)
        self._widget.refresh()
        if self._graphics.mode in ("kitty", "sixel"):
            self._widget.run_worker(self._prepare(image, columns, rows), group="picture", exclusive=True)

    def strip(self, y: int, base: Style) -> Strip:
        """A line of the widget."""
        width = self._widget.size.width
        if self._sixel:
            self._paint_soon()
        if not 0 <= y < len(self._strips):
            return Strip.blank(width, base)
        drawn = self._strips[y]
        rest = width - 1 - drawn.cell_length
        return Strip([Segment(" ", base), *drawn, Segment(" " * max(rest, 0), base)], width)

    async def _prepare(self, image: Image, columns: int, rows: int) -> None:
        wide, high = self._graphics.cell
        size = columns * wide, rows * high
        if self._graphics.mode == "kitty":
            number = next(_numbers) & _MOST_NUMBER or 1
            small = min(size[0], image.width), min(size[1], image.height)
            text = await asyncio.to_thread(_transmission, number, image, small, (columns, rows))
            if self.image is image and self._cells == (columns, rows):
                self._write(text)
                self._number = number
                self._strips = picture.kitty_placeholders(number, columns, rows)
                self._widget.refresh()
            return
        try:
            text = await asyncio.to_thread(_sixel, image, size)
        except ImportError:
            return
        if self.image is image and self._cells == (columns, rows):
            self._sixel = text
            self._strips = []
            self._widget.refresh()

    def _paint_soon(self) -> None:
        """Sixel is no text: it is painted over the blanks once they are on the terminal."""
        if not self._is_due:
            self._is_due = True
            self._widget.call_after_refresh(self._paint)

    def _paint(self) -> None:
        self._is_due = False
        # Another screen lies over this one.
        if not self._sixel or not self._widget.screen.is_current or not self._widget.is_on_screen:
            return
        region = self._widget.content_region
        self._write(f"\x1b7\x1b[{region.y + 1};{region.x + 2}H{self._sixel}\x1b8")

    def _forget(self) -> None:
        if self._number:
            self._write(picture.kitty_removal(self._number))
        self._number, self._sixel = 0, ""

    def _write(self, text: str) -> None:
        driver = self._widget.app._driver
        if driver is not None:
            driver.write(text)


def _transmission(number: int, image: Image, size: tuple[int, int], cells: tuple[int, int]) -> str:
    width, height = size
    small = Image(width, height, scaled(image, width, height), image.full_width, image.full_height)
    return picture.kitty_transmission(number, small, *cells)


def _sixel(image: Image, size: tuple[int, int]) -> str:
    from flowtui.tui.sixel import sixel

    return sixel(*size, scaled(image, *size))
