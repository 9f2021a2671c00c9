"""A list and what is under its cursor: side by side where there is room, below each other, or the list alone."""

from __future__ import annotations

from textual.containers import Container

NARROW = 100
"""Columns of the terminal below which there is one pane."""


class Split(Container):
    """Two panes parted by one thin line; the stylesheet places them by the width of the screen.

    The second pane has the class ``side``; it is hidden on a narrow screen.
    """
