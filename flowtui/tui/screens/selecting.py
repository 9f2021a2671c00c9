"""``space`` selects what is under the cursor, ``e`` exports the selection, or else what is under the cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import BindingType

from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import ExecutionId
from flowtui.tui.bindings import bindings
from flowtui.tui.screens.base import BaseScreen
from flowtui.tui.widgets.lines import KeyLine

Files = Mapping[ExecutionId, tuple[ArtifactFile, ...]]
"""Files by the run that they are of."""


class Selecting(BaseScreen[None]):
    """For screens with artifacts or files; a subclass says which are :attr:`under_cursor`."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("select", "unselect", "export")

    @property
    def under_cursor(self) -> Files:
        """The files under the cursor; they need not exist."""
        return {}

    def selection_changed(self) -> None:
        """Mark the rows that are selected now."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "unselect":
            return len(self.context.selection) > 0
        if action in ("select", "export") and self.is_mounted:
            there = any(file.uris for files in self.under_cursor.values() for file in files)
            return there or (action == "export" and len(self.context.selection) > 0)
        return super().check_action(action, parameters)

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        # It may have been changed on the screen that was on top.
        if self.is_mounted:
            self.selection_changed()

    def action_select(self) -> None:
        for run, files in self.under_cursor.items():
            self.context.selection.toggle(run, files)
        self._changed()

    def action_unselect(self) -> None:
        self.context.selection.clear()
        self._changed()

    def _changed(self) -> None:
        self.selection_changed()
        self.refresh_bindings()
        self.query_one(KeyLine).draw()

    def action_export(self) -> None:
        self.export(self.context.selection.files or self.under_cursor)

    def export(self, files: Files, *, download: bool = False) -> None:
        """Ask where to, and show the plan."""
        from flowtui.tui.screens.export import ExportScreen

        if not any(files.values()) or not self.may_write("nothing is exported"):
            return
        self.app.push_screen(ExportScreen(self.context, files, download=download))
