"""Two versions of a whole artifact: its files, and whether each is the same, changed, added or removed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message
from textual.widget import Widget

from flowtui.domain.artifact import Artifact
from flowtui.domain.execution import Execution
from flowtui.domain.version_diff import FilePair, RunDifference, file_pairs, run_difference
from flowtui.errors import UsageError
from flowtui.text import plain
from flowtui.tui.context import Context
from flowtui.tui.formatting import Cell, Mark
from flowtui.tui.screens.compare import CompareScreen, Side, head_line, why
from flowtui.tui.screens.comparing import Comparing
from flowtui.tui.widgets.columns import Column, Row
from flowtui.tui.widgets.lines import Line, Problem
from flowtui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from flowtui.preview.comparison.pairs import FileAnswer

AT_ONCE = 3
_STYLES = {"-": "bad", "+": "good", "~": "busy", "!": "bad", "?": "wait"}
_WORDS = {"-": "removed", "+": "added", "~": "changed", "!": "not compared", "?": "same so far", "=": "same"}
_COLUMNS = (
    Column("", least=1, most=1),
    Column("file", least=22, most=60),
    Column("", least=9, most=12),
    Column("difference", least=16, most=120, leave=1, sentence=True),
)


@dataclass(frozen=True)
class ArtifactSide:
    """One of the two versions: an artifact and the run that filled it."""

    run: Execution
    artifact: Artifact


class CompareFilesScreen(Comparing):
    """The files of two versions of an artifact; ``enter`` compares one in full. ``left`` is the older version.

    Attributes:
        pairs: the files, each in both versions.
        answers: what is known of them, by their place.
    """

    class Compared(Message):
        """A file was compared; ``pass_``: with which options, counted."""

        def __init__(self, place: int, answer: FileAnswer, pass_: int) -> None:
            super().__init__()
            self.place = place
            self.answer = answer
            self.pass_ = pass_

    class Runs(Message):
        """It is known what of the runs differs."""

        def __init__(self, found: RunDifference) -> None:
            super().__init__()
            self.found = found

    def __init__(self, context: Context, left: ArtifactSide, right: ArtifactSide) -> None:
        super().__init__(context)
        self.left, self.right = left, right
        self.pairs: Sequence[FilePair] = file_pairs(left.artifact.files, right.artifact.files)
        self.answers: dict[int, FileAnswer] = {}
        self._pass = 0

    @property
    def rows(self) -> Rows:
        """The list."""
        return self.query_one(Rows)

    def crumbs(self) -> list[str]:
        return ["compare", self.right.artifact.name]

    def facts(self) -> Cell:
        if len(self.answers) < len(self.pairs):
            return (Mark(f"{len(self.answers)} of {len(self.pairs)} compared", "wait"),)
        signs = [answer.sign for answer in self.answers.values()]
        said = [f"{signs.count(sign)} {word}" for sign, word in _WORDS.items() if sign in signs]
        return (Mark(", ".join(said), "dim"),)

    def compose_body(self) -> Iterable[Widget]:
        yield Line(signs=self.signs, id="compare-left")
        yield Line(signs=self.signs, id="compare-right")
        yield Line(signs=self.signs, id="compare-why")
        yield Problem()
        yield Rows(_COLUMNS, signs=self.signs, id="list")

    def on_mount(self) -> None:
        now = self.context.now()
        for name, sign, style, side in (("left", "-", "bad", self.left), ("right", "+", "good", self.right)):
            self.query_one(f"#compare-{name}", Line).show(head_line(sign, style, side.run, now, self.signs))
        self.rows.set_empty("Neither version has a file.")
        self.rows.focus()
        self._show()
        super().on_mount()

    async def read(self) -> None:
        from flowtui.preview.comparison.pairs import compare_pair

        session = await self.context.connection.session()
        self._pass += 1
        pass_, options = self._pass, self.options()
        gate = asyncio.Semaphore(AT_ONCE)
        refused: list[UsageError] = []
        taken: list[int] = []

        async def one(place: int, pair: FilePair) -> None:
            async with gate:
                try:
                    found = await compare_pair(session.storage, session.workers, pair, options)
                    if found.comparison is not None and found.comparison.table is not None:
                        taken.append(place)
                except UsageError as error:
                    # A key that is wanted of all files is not in this one: its own is found.
                    refused.append(error)
                    found = await compare_pair(session.storage, session.workers, pair, self.options_of(()))
            self.post_message(self.Compared(place, found, pass_))

        inputs = await asyncio.gather(*(session.catalog.inputs(side.run.id) for side in (self.left, self.right)))
        self.post_message(self.Runs(run_difference(self.left.run, self.right.run, *inputs)))
        await asyncio.gather(*(one(place, pair) for place, pair in enumerate(self.pairs)))
        if refused and not taken:
            self.post_message(self.Unusable(refused[0]))

    @on(Runs)
    def _on_runs(self, event: Runs) -> None:
        marks: list[Mark] = []
        for line in why(event.found):
            marks += [Mark("   ")] if marks else []
            marks += line
        self.query_one("#compare-why", Line).show(tuple(marks))

    @on(Compared)
    def _on_compared(self, event: Compared) -> None:
        if event.pass_ == self._pass:
            self.answers[event.place] = event.answer
            self._show()

    def compare_again(self, said: str) -> None:
        self.answers.clear()
        self._show()
        super().compare_again(said)

    def _show(self) -> None:
        self.rows.set_rows([self._row(place, pair) for place, pair in enumerate(self.pairs)])
        self.update_title()
        self.refresh_bindings()

    def _row(self, place: int, pair: FilePair) -> Row:
        answer = self.answers.get(place)
        name = (Mark(plain(pair.name), "strong"),)
        if answer is None:
            return Row(str(place), ((), name, (Mark("comparing", "wait"),), ()))
        style = _STYLES.get(answer.sign, "dim")
        word = _WORDS[answer.sign] if answer.result != "neither" else "in neither"
        told = (
            "" if answer.state.startswith("only_") and not answer.message else answer.words.removeprefix("different: ")
        )
        cells = ((Mark(answer.sign, style),), name, (Mark(word, style),), (Mark(plain(told), "dim"),))
        return Row(str(place), cells, openable=_is_comparable(pair))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "compare_more":
            unsure = any(answer.comparison and answer.comparison.more for answer in self.answers.values())
            return unsure and not self.whole
        return super().check_action(action, parameters)

    def action_compare_more(self) -> None:
        """Compare more rows, and read files to their end for their hashes."""
        self.whole = True
        self.compare_again("comparing more; esc gives up")

    @on(Rows.Highlighted)
    def _on_highlighted(self) -> None:
        self.refresh_bindings()

    @on(Rows.Opened)
    def _on_opened(self, event: Rows.Opened) -> None:
        pair = self.pairs[int(event.key)]
        if pair.left is not None and pair.right is not None and _is_comparable(pair):
            screen = CompareScreen(self.context, Side(self.left.run, pair.left), Side(self.right.run, pair.right))
            screen.key, screen.tolerance, screen.whole = self.key_of(int(event.key)), self.tolerance, self.whole
            self.app.push_screen(screen)

    def key_of(self, place: int) -> tuple[str, ...]:
        """The key that is wanted of all files, where it is one of this file."""
        answer = self.answers.get(place)
        table = answer.comparison.table if answer and answer.comparison else None
        wanted = {name.lower() for name in self.key}
        return self.key if table is not None and {name.lower() for name in table.key} == wanted else ()


def _is_comparable(pair: FilePair) -> bool:
    return bool(pair.left and pair.right and pair.left.uris and pair.right.uris)
