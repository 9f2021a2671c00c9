"""How files are compared on the screen: key columns, tolerance, and how much of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.message import Message

from flowtui.errors import UsageError
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.screens.base import BaseScreen

if TYPE_CHECKING:
    from flowtui.preview.comparison.looks import Options

FIRST_ROWS = 2000
"""Rows or lines of each that are compared at first: a screen is looked at now."""

EXAMPLES = 200
_KEYS = "names parted by commas; empty to find them"
_TOLERANCE = "two numbers that differ by no more than this are equal"


class Comparing(BaseScreen[None]):
    """For screens that compare; ``c`` and ``t`` ask how.

    Attributes:
        key: names of the columns that pair rows; empty to find them.
        tolerance: the largest difference of two numbers that counts as none.
        whole: whether as much as can be is compared.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("key_columns", "tolerance", "compare_more")

    class Unusable(Message):
        """There is no such key column."""

        def __init__(self, error: UsageError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.key: tuple[str, ...] = ()
        self.tolerance = 0.0
        self.whole = False
        self._before: tuple[str, ...] = ()

    @property
    def found_key(self) -> tuple[str, ...]:
        """The columns by which rows are paired now."""
        return self.key

    @property
    def has_tables(self) -> bool:
        """Whether there are rows to pair, and numbers to compare."""
        return True

    def compare_again(self, said: str) -> None:
        """Compare with what is wanted now."""
        self.tell(said)
        # What is being compared otherwise is given up.
        self._asked = None
        self.reload()

    def options(self) -> Options:
        """How to compare."""
        return self.options_of(self.key)

    def options_of(self, key: tuple[str, ...]) -> Options:
        """How to compare with other key columns."""
        from flowtui.preview.comparison.looks import MOST_ROWS, Options

        if self.whole:
            return Options(key=key, tolerance=self.tolerance, rows=MOST_ROWS, examples=EXAMPLES, hash_most=None)
        return Options(key=key, tolerance=self.tolerance, rows=FIRST_ROWS, examples=EXAMPLES)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("key_columns", "tolerance"):
            return self.has_tables
        return super().check_action(action, parameters)

    def action_key_columns(self) -> None:
        self._ask_key(", ".join(self.key or self.found_key))

    def _ask_key(self, value: str, problem: str = "") -> None:
        from flowtui.tui.screens.ask import AskScreen

        self.app.push_screen(AskScreen(self.context, "Key columns", value, _KEYS, problem), self._take_key)

    def _take_key(self, answer: str | None) -> None:
        if answer is None:
            return
        key = tuple(name.strip() for name in answer.split(",") if name.strip())
        if key != self.key:
            self._before, self.key = self.key, key
            self.compare_again(f"comparing by {', '.join(key)}" if key else "comparing by what is found")

    @on(Unusable)
    def _on_unusable(self, event: Unusable) -> None:
        typed, self.key = ", ".join(self.key), self._before
        self._ask_key(typed, f"{event.error.message} {event.error.hint}".strip())

    def action_tolerance(self) -> None:
        self._ask_tolerance(f"{self.tolerance:g}")

    def _ask_tolerance(self, value: str, problem: str = "") -> None:
        from flowtui.tui.screens.ask import AskScreen

        self.app.push_screen(AskScreen(self.context, "Tolerance", value, _TOLERANCE, problem), self._take_tolerance)

    def _take_tolerance(self, answer: str | None) -> None:
        if answer is None:
            return
        try:
            tolerance = float(answer or 0)
        except ValueError:
            tolerance = math.nan
        if not (tolerance >= 0 and math.isfinite(tolerance)):
            self._ask_tolerance(answer, f"{answer} is no number from 0 on.")
        elif tolerance != self.tolerance:
            self.tolerance = tolerance
            self.compare_again(f"comparing with a tolerance of {tolerance:g}")
