"""Marks to segments for the line-API widgets.

Their styles are made of the theme's variables once per theme. Component classes would do the same by the stylesheet,
which looks each of them up for every widget whenever one is mounted or changes its classes: that was half of the time
of opening a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.widget import Widget

from flowtui.tui.formatting import Cell

_LOOKS: dict[str, tuple[str, str, bool]] = {
    "good": ("success", "", False),
    "bad": ("error", "", False),
    "busy": ("warning", "", False),
    "wait": ("wait", "", False),
    "off": ("dim", "", False),
    "dim": ("dim", "", False),
    "accent": ("accent", "", False),
    "strong": ("", "", True),
    "title": ("dim", "", False),
    "note": ("error", "", False),
    "heading": ("dim", "", False),
    "here": ("accent", "", True),
    "key": ("accent", "", True),
    "cursor": ("", "cursor", False),
    "cursor-blurred": ("", "cursor-blurred", False),
    "found": ("found-text", "found", False),
    "found-here": ("found-here-text", "found-here", True),
}
"""Foreground and background as variables of the theme, and whether it is bold, by name of the style."""

_made: WeakKeyDictionary[App[object], tuple[str, dict[str, Style]]] = WeakKeyDictionary()


def make_styles(variables: Mapping[str, str]) -> dict[str, Style]:
    """The style of every name, from the variables of a theme."""

    def colour(name: str) -> str | None:
        return variables.get(name) if name else None

    styles = {"": Style.null()}
    for name, (front, back, bold) in _LOOKS.items():
        foreground, background = colour(front), colour(back)
        styles[name] = Style(
            color=Color.parse(foreground).rich_color if foreground else None,
            bgcolor=Color.parse(background).rich_color if background else None,
            bold=bold or None,
        )
    return styles


class Painted(Widget):
    """A widget that draws marks."""

    def mark_style(self, name: str) -> Style:
        """The style of that name, without what it does not set; nothing for the empty name."""
        theme, styles = _made.get(self.app, ("", {}))
        if theme != self.app.theme:
            styles = make_styles(self.app.get_css_variables())
            _made[self.app] = self.app.theme, styles
        return styles[name]

    def segments(self, cell: Cell, base: Style) -> list[Segment]:
        """The marks on top of a base style."""
        return [Segment(mark.text, base + self.mark_style(mark.style)) for mark in cell if mark.text]
