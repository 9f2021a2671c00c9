"""Two versions of a file side by side in words: which runs, why they may differ, and what differs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from flowtui import words
from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import Execution
from flowtui.domain.size import human_size
from flowtui.domain.version_diff import Change, RunDifference, run_difference
from flowtui.errors import UsageError
from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.formatting import Cell, Mark, Signs
from flowtui.tui.run_rows import workflow_name
from flowtui.tui.screens.comparing import Comparing
from flowtui.tui.widgets.lines import Line, Problem
from flowtui.tui.widgets.viewer import Viewer
from flowtui.words import count

if TYPE_CHECKING:
    from flowtui.preview.comparison.report import ReportLine
    from flowtui.preview.comparison.result import Comparison

_STYLES = {"added": "good", "removed": "bad", "changed": "busy", "heading": "strong", "dim": "dim", "note": "wait"}


@dataclass(frozen=True)
class Side:
    """One of the two versions: a file and the run that made it."""

    run: Execution
    file: ArtifactFile


class CompareScreen(Comparing):
    """What differs between two versions; ``left`` is the older one.

    Attributes:
        comparison: of the files, None before they were compared.
        lines: what is shown.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("copy", copy="copy this")

    class Read(Message):
        """The files were compared."""

        def __init__(self, found: Comparison, runs: RunDifference, lines: list[ReportLine]) -> None:
            super().__init__()
            self.found = found
            self.runs = runs
            self.lines = lines

    def __init__(self, context: Context, left: Side, right: Side) -> None:
        super().__init__(context)
        self.left, self.right = left, right
        self.comparison: Comparison | None = None
        self.lines: list[Cell] = []

    def crumbs(self) -> list[str]:
        return ["compare", self.right.file.artifact, self.right.file.title]

    def compose_body(self) -> Iterable[Widget]:
        yield Line(signs=self.signs, id="compare-left")
        yield Line(signs=self.signs, id="compare-right")
        yield Problem()
        yield Viewer(signs=self.signs, id="differences")

    def on_mount(self) -> None:
        for name, sign, style, side in (("left", "-", "bad", self.left), ("right", "+", "good", self.right)):
            head = head_line(sign, style, side.run, self.context.now(), self.signs, human_size(side.file.size))
            self.query_one(f"#compare-{name}", Line).show(head)
        viewer = self.query_one(Viewer)
        viewer.show_lines([(), (Mark("Comparing.", "dim"),)])
        viewer.focus()
        super().on_mount()

    async def read(self) -> None:
        from flowtui.preview.comparison.files import compare
        from flowtui.preview.comparison.pairs import version_of
        from flowtui.preview.comparison.report import report

        session = await self.context.connection.session()
        left, right = self.left, self.right
        sides = version_of(left.file), version_of(right.file)
        try:
            found = await compare(session.storage, *sides, options=self.options(), workers=session.workers)
        except UsageError as error:
            self.post_message(self.Unusable(error))
            return
        inputs = await asyncio.gather(*(session.catalog.inputs(side.run.id) for side in (left, right)))
        lines = await asyncio.to_thread(report, found)
        self.post_message(self.Read(found, run_difference(left.run, right.run, *inputs), lines))

    @on(Read)
    def _on_read(self, event: Read) -> None:
        self.comparison = event.found
        shown = [(Mark(line.text, _STYLES.get(line.style, "")),) for line in event.lines]
        self.lines = [*why(event.runs), (), *shown]
        self.query_one(Viewer).show_lines(self.lines)
        self.refresh_bindings()

    def answered(self) -> None:
        if self.problem is not None and self.comparison is None:
            self.query_one(Viewer).show_lines([])

    @property
    def found_key(self) -> tuple[str, ...]:
        table = self.comparison.table if self.comparison else None
        return table.key if table else ()

    @property
    def has_tables(self) -> bool:
        return self.comparison is not None and self.comparison.kind in ("table", "")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "compare_more":
            return self.comparison is not None and self.comparison.more and not self.whole
        if action == "copy":
            return bool(self.lines)
        return super().check_action(action, parameters)

    def action_compare_more(self) -> None:
        """Compare more rows, and read files to their end for their hashes."""
        self.whole = True
        size = (self.left.file.size or 0) + (self.right.file.size or 0)
        self.compare_again(f"comparing more{f', up to {human_size(size)}' if size else ''}; esc gives up")

    def action_copy(self) -> None:
        """Copy what is shown, as text."""
        heads = [self.query_one(f"#compare-{side}", Line).shown for side in ("left", "right")]
        told = [*heads, "", *("".join(mark.text for mark in line) for line in self.lines)]
        self.app.copy_to_clipboard("\n".join(told))
        self.tell(f"copied {count(len(told), 'line')}")


def head_line(sign: str, style: str, run: Execution, now: datetime, signs: Signs, size: str = "") -> Cell:
    """Which run, when, of which version of the workflow, in one line."""
    started = words.when(run.started_at or run.created_at, now)
    told = [started, f"{workflow_name(run).rpartition('.')[2]} {plain(run.workflow.version)[:12]}", size]
    said = f" {signs.dot} ".join(part for part in told if part)
    return (Mark(f"{sign} {plain(run.id.name)}", style), Mark("   "), Mark(said, "dim"))


def why(runs: RunDifference) -> Iterator[Cell]:
    """What of the runs differs, a line each."""
    for change in runs.facts:
        yield (Mark(f"~ {plain(change.name)}: {_sides(change)}", "busy"),)
    for change in runs.inputs:
        yield (Mark(f"~ input {plain(change.name)}: {_sides(change)}", "busy"),)
    if not (runs.facts or runs.inputs):
        yield (Mark("same workflow version, same inputs", "dim"),)


def _sides(change: Change) -> str:
    return " -> ".join("(none)" if side is None else plain(side) for side in (change.left, change.right))
