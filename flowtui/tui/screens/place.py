"""A place: one filtered list that fills the screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from flowtui.tui import filters
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.screens.base import BaseScreen
from flowtui.tui.widgets.columns import Column, Row
from flowtui.tui.widgets.filter import FilterLine
from flowtui.tui.widgets.lines import Problem, TabLine
from flowtui.tui.widgets.rows import Rows

PLACES = (("runs", "Runs"), ("artifacts", "Artifacts"), ("bookmarks", "Bookmarks"), ("exports", "Exports"))


@dataclass(frozen=True)
class Entry:
    """A row and the fields that the filter looks at."""

    row: Row
    fields: Mapping[str, str]


class Place(BaseScreen[None]):
    """One of the four places.

    A subclass names itself, its columns and its filter fields, gives :meth:`entries` and reads in :meth:`read`.
    """

    bare = False
    place: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    filter_fields: ClassVar[frozenset[str]] = frozenset()
    filter_hint: ClassVar[str] = "filter"
    rows_type: ClassVar[type[Rows]] = Rows
    BINDINGS: ClassVar[list[BindingType]] = bindings("filter")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.shown = 0

    def compose_body(self) -> Iterable[Widget]:
        yield TabLine(PLACES, self.place, numbers=True, signs=self.signs)
        yield FilterLine(self.filter_hint, signs=self.signs)
        yield Problem()
        yield self.rows_type(self.columns, signs=self.signs, id="list")

    @property
    def rows(self) -> Rows:
        """The list."""
        return self.query_one("#list", Rows)

    def on_mount(self) -> None:
        self.rows.focus()
        self.show_rows()
        super().on_mount()

    def entries(self) -> list[Entry]:
        """Every row that there is."""
        return []

    def empty(self) -> tuple[str, ...]:
        """What an empty list says: what to do."""
        return ("Nothing here.",)

    def unmatched(self) -> tuple[str, ...]:
        """What is said where the filter keeps no row."""
        return ("No row has these words.", "esc in the filter line clears it.")

    def counts(self, shown: int, total: int) -> str:
        """What the right end of the filter line says."""
        return f"{shown:,} of {total:,}" if shown != total else f"{total:,}" if total else ""

    def show_rows(self) -> None:
        """Build the rows again, keep those that the filter wants, and show them."""
        everything = self.entries()
        typed = self.query_one(FilterLine).words
        wanted = filters.parse(typed, self.filter_fields)
        kept = [entry.row for entry in everything if self.matches(wanted, entry)]
        self.shown = len(kept)
        if everything and not kept:
            self.rows.set_empty(*self.unmatched())
        elif self._answered is None and self.problem is None:
            self.rows.set_empty(self.waiting())
        elif self.problem is None:
            self.rows.set_empty(*self.empty())
        else:
            self.rows.set_empty()
        self.rows.set_rows(kept)
        self.query_one(FilterLine).show_counts(self.counts(len(kept), len(everything)))
        self.refresh_bindings()

    def matches(self, wanted: tuple[filters.Word, ...], entry: Entry) -> bool:
        """Whether the filter keeps a row."""
        return filters.matches(wanted, entry.fields)

    def waiting(self) -> str:
        """What is waited for, before the first answer."""
        return f"Asking {self.context.server} for {self.place}."

    def answered(self) -> None:
        self.show_rows()

    @on(FilterLine.Changed)
    def _on_filter(self) -> None:
        self.show_rows()

    @on(FilterLine.Left)
    def _on_filter_left(self) -> None:
        self.rows.focus()

    def action_filter(self) -> None:
        self.query_one(FilterLine).edit()

    def action_back(self) -> None:
        if self.query_one(FilterLine).words:
            self.query_one(FilterLine).clear()
        else:
            super().action_back()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "filter":
            return not (self.is_mounted and self.query_one(FilterLine).editing)
        if action == "back":
            return bool(self.is_mounted and self.query_one(FilterLine).words) or len(self.app.screen_stack) > 1
        return super().check_action(action, parameters)

    @on(Rows.Highlighted)
    def _on_highlighted(self) -> None:
        self.refresh_bindings()
