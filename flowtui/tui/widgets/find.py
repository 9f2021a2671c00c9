"""The line in which words are looked for in a preview: what is typed, and how many matches there are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message

from flowtui.tui.contents.content import Match
from flowtui.tui.formatting import Mark
from flowtui.tui.widgets.lines import Line
from flowtui.tui.widgets.viewer import Viewer

if TYPE_CHECKING:
    from textual.widgets import Input

    from flowtui.tui.widgets.find_input import FindInput

MOST = 10_000
"""Matches that are counted and marked."""


class FindLine(Horizontal):
    """Looks for words in what a viewer shows, and in more of the file when there is no further match.

    Attributes:
        is_open: whether words are looked for.
        is_seeking: whether more of the file is read for it.
        can_go_further: whether there is more of the file that may be read.
        is_partial: whether only a part of the file was read.
    """

    @dataclass
    class Further(Message):
        """More of the file is wanted, as the match is not in what was read."""

    class Ended(Message):
        """Nothing is looked for any more; the viewer is to have the keyboard."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(id="find-line")
        self._viewer = viewer
        self._slash = Line(signs=viewer.signs, id="find-slash")
        self._counts = Line(signs=viewer.signs, id="find-counts")
        self._input: FindInput | None = None
        self._matches: list[Match] = []
        self._index = -1
        self._origin = 0
        self._is_cut = False
        self._looked_at = 0
        self.is_open = False
        self.is_seeking = False
        self.can_go_further = False
        self.is_partial = False

    def compose(self) -> ComposeResult:
        yield self._slash
        yield self._counts

    def on_mount(self) -> None:
        self.display = False
        self._slash.show((Mark("/", "accent"),))

    @property
    def words(self) -> str:
        """What is typed."""
        return self._input.value if self._input is not None else ""

    @property
    def counts(self) -> str:
        """What is said of the matches."""
        return self._counts.shown

    def edit(self) -> None:
        """Take the keyboard."""
        from flowtui.tui.widgets.find_input import FindInput

        if self._input is None:
            self._input = FindInput()
            self.mount(self._input, after=self._slash)
        if not self.is_open:
            self._origin = self._viewer.place
            self._say("")
        self.is_open = self.display = True
        self._input.focus()
        if self.words:
            self.look()

    def end(self) -> None:
        """Look for nothing any more; what was typed is kept for the next time."""
        self.is_open = self.is_seeking = self.display = False
        self._search_nothing()

    def _search_nothing(self) -> None:
        self.workers.cancel_group(self, "find")
        self._matches, self._index = [], -1
        self._viewer.mark((), None)

    def look(self) -> None:
        """Look again, as what is shown is another file, or has more or other lines; the match stays."""
        if self.is_open:
            here = self._matches[self._index] if self._index >= 0 else None
            self._search(here, self._looked_at if self.is_seeking else -1)

    def stop(self) -> None:
        """No more of the file comes."""
        if self.is_seeking:
            self.is_seeking = False
            self._tell()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.is_seeking = False
        if self.is_open:
            self._search(None, -1)

    def on_find_input_wanted(self, event: FindInput.Wanted) -> None:
        self.step(event.step)

    def on_find_input_ended(self) -> None:
        self.post_message(self.Ended())

    def step(self, by: int) -> None:
        """Go to the next match or, with -1, to the previous one; behind the last one more of the file is read."""
        if not self.words or self.is_seeking:
            return
        index = self._index + by
        if 0 <= index < len(self._matches):
            self._go(index)
        elif by > 0 and self.can_go_further and not self._is_cut:
            self.is_seeking = True
            self._looked_at = self._viewer.content.lines_read
            self._say("reading further")
            self.post_message(self.Further())
        elif self._matches:
            self._go(index % len(self._matches))
        else:
            self._tell()

    @work(group="find", exclusive=True)
    async def _search(self, here: Match | None, behind: int) -> None:
        """Find and mark every match.

        Args:
            here: the match to stay on.
            behind: the number of lines in which there was no further match; -1 to begin where the person was.
        """
        words = self.words
        if not words:
            self._search_nothing()
            self._say("")
            return
        content = self._viewer.content
        found: list[Match] = []
        for match in content.search(words):
            if match is None:
                await asyncio.sleep(0)
            elif len(found) == MOST:
                break
            else:
                found.append(match)
        self._is_cut = len(found) == MOST
        self._matches, self._index = found, -1
        self.is_seeking = False
        if behind >= 0:
            new = [number for number, match in enumerate(found) if match.line >= behind]
            if not new and self.can_go_further:
                self.is_seeking = True
                self._looked_at = content.lines_read
                self._say(f"reading further: {content.lines_read:,} {content.unit} so far")
                self.post_message(self.Further())
                self._viewer.mark(found, here, go=False)
                return
            if new:
                self._go(new[0])
                return
        if here is not None and here in found:
            self._index = found.index(here)
            self._viewer.mark(found, here, go=False)
            self._tell()
        elif found:
            at = next((number for number, one in enumerate(found) if content.position(one) >= self._origin), 0)
            self._go(at)
        else:
            self._viewer.mark((), None)
            self._tell()

    def _go(self, index: int) -> None:
        self._index = index
        self._viewer.mark(self._matches, self._matches[index])
        self._tell()

    def _tell(self) -> None:
        """How many there are, and how far was looked."""
        content = self._viewer.content
        where = f"in the first {content.lines_read:,} {content.unit}"
        further = self.can_go_further and not self._is_cut
        if not self._matches:
            says = f"not {where}: enter reads on" if further else f"not {where}" if self.is_partial else "not found"
        else:
            many = f"{len(self._matches):,}{'+' if self._is_cut else ''}"
            number = f"{self._index + 1:,} of " if self._index >= 0 else ""
            says = f"{number}{many}{f' {where}' if self.is_partial else ''}"
        self._say(says)

    def _say(self, text: str) -> None:
        self._counts.styles.width = cell_len(text) + 1
        self._counts.show((), (Mark(text, "dim"),) if text else ())
