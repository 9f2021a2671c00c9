"""The preview pane: one title line, what was cut, and the viewer; it reads late, and stops when told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from flowtui.errors import FlowtuiError, UsageError
from flowtui.preview.limits import Limits
from flowtui.preview.result import Preview
from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.delimited_layout import HINT, typed_layout, with_layout
from flowtui.tui.formatting import Cell, Mark
from flowtui.tui.preview_words import has_pages_of_text, is_delimited, is_only_a_picture, shown_name, title_facts
from flowtui.tui.subject import Subject, read_preview
from flowtui.tui.widgets.find import FindLine
from flowtui.tui.widgets.lines import Line, Problem
from flowtui.tui.widgets.listing import Listing, listing_of
from flowtui.tui.widgets.viewer import Viewer

DEBOUNCE = 0.09
"""Seconds that the cursor must rest on a file before it is read."""

PATIENCE = 0.15
"""Seconds before waiting is said."""


class PreviewPane(Vertical):
    """Shows one file."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(
        "find", "next_match", "previous_match", "end_find", "open_member", "close_member", "next_member",
        "previous_member", "more_picture", "layout",
    )  # fmt: skip

    class Arrived(Message):
        """A preview was read."""

        def __init__(self, subject: Subject, preview: Preview, limits: Limits) -> None:
            super().__init__()
            self.subject = subject
            self.preview = preview
            self.limits = limits

    class Shown(Message):
        """What is shown changed: a file was read, or there is none."""

        def __init__(self, preview: Preview | None) -> None:
            super().__init__()
            self.preview = preview

    class Refused(Message):
        """There is no preview."""

        def __init__(self, subject: Subject, error: FlowtuiError) -> None:
            super().__init__()
            self.subject = subject
            self.error = error

    def __init__(self, context: Context, *, named: bool = True, id: str | None = None) -> None:  # noqa: A002
        """A pane; ``named``: whether its title begins with the name of the file."""
        super().__init__(id=id)
        self.context = context
        self._named = named
        self.subject: Subject | None = None
        self.preview: Preview | None = None
        self.viewer = Viewer(signs=context.signs, graphics=context.graphics, id="viewer")
        self.find_line = FindLine(self.viewer)
        self.column_line = Line(signs=context.signs, id="column-detail")
        self._line = Line(signs=context.signs, id="preview-title")
        self._cuts = Static("", id="notices", markup=False)
        self._trouble = Problem()
        self._said = ""
        self._limits = self._read_limits = Limits()
        self._picture = False
        self._inside: Listing | None = None
        self._since: float | None = None
        self._clock: Timer | None = None
        self._reading: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        yield self._line
        yield self._cuts
        yield self._trouble
        yield self.viewer
        yield self.column_line
        yield self.find_line

    def on_mount(self) -> None:
        self.column_line.display = False

    def show(self, subject: Subject | None, *, late: bool = True) -> None:
        """Read and show a file; what is being read for another one is given up.

        Args:
            late: wait a moment first, as the cursor may only pass by.
        """
        if subject == self.subject and (subject is None or self.preview is not None or self._reading is not None):
            return
        if self._inside is not None:
            if subject == self._inside.subject:
                # Its own archive is shown again where the list that it is chosen in was read anew.
                return
            if subject is None or subject.archive is None:
                self._inside = None
        self.stop()
        self.find_line.stop()
        self.subject, self.preview = subject, None
        self._picture = False
        self._limits = self._first_limits()
        if subject is None or subject.absence or not subject.uris:
            self._clear(subject)
            return
        self._start(late)

    def _first_limits(self, page: int = 1) -> Limits:
        """Of a page that has text, the picture is made when it is asked for: it can cost many bytes."""
        is_wanted = self._picture or self.subject is None or not has_pages_of_text(self.subject)
        pixels = Limits().pixels if is_wanted and self.context.graphics.mode != "off" else 0
        return replace(Limits(), page=page, pixels=pixels)

    def stop(self) -> None:
        """Give up what is being read."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        if self._clock is not None:
            self._clock.stop()
            self._clock = None
        self._since = None

    def again(self) -> None:
        """Read the same file anew."""
        subject, self.subject = self.subject, None
        self.show(subject, late=False)

    def on_descendant_focus(self) -> None:
        self._title()

    def on_descendant_blur(self) -> None:
        self._title()

    def _start(self, late: bool) -> None:
        assert self.subject is not None
        self._since = time.monotonic()
        self._clock = self.set_timer(DEBOUNCE + PATIENCE, self._begin_to_wait)
        self._reading = self._read(self.subject, self._limits, DEBOUNCE if late else 0)

    def _begin_to_wait(self) -> None:
        if self._since is None:
            return
        if self.preview is None:
            self._trouble.tell(None)
            self._cuts.update("")
            self.viewer.show(None)
        self._title()
        self._clock = self.set_interval(1, self._title)

    @work(group="preview", exclusive=True, exit_on_error=False)
    async def _read(self, subject: Subject, limits: Limits, delay: float) -> None:
        await asyncio.sleep(delay)
        try:
            session = await self.context.connection.session()
            self.post_message(self.Arrived(subject, await read_preview(session, subject, limits), limits))
        except FlowtuiError as error:
            self.post_message(self.Refused(subject, error))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and self.subject is not None:
            error = FlowtuiError(
                f"{type(event.worker.error).__name__}: {plain(event.worker.error)}",
                "This is a defect of flowtui; please report it.",
            )
            self.post_message(self.Refused(self.subject, error))

    @on(Arrived)
    def _on_arrived(self, event: Arrived) -> None:
        event.stop()
        if event.subject != self.subject:
            return
        keep = self.preview is not None and event.limits.head > Limits().head
        self.stop()
        self.preview = event.preview
        self._limits = self._read_limits = event.limits
        if event.preview.image is not None:
            self.context.graphics.ask(self.app)
        elif is_only_a_picture(event.preview) and not event.limits.pixels and self.context.graphics.mode != "off":
            self._limits = replace(event.limits, pixels=Limits().pixels)
            self._start(late=False)
        self._trouble.tell(None)
        self._notices(event.preview.notices)
        self.viewer.show(event.preview, keep=keep, picture=self._picture)
        self._shown()
        self._title()
        self.screen.refresh_bindings()

    @on(Refused)
    def _on_refused(self, event: Refused) -> None:
        event.stop()
        if event.subject != self.subject:
            return
        self.stop()
        if self.preview is None:
            self._notices(())
            self.viewer.show(None)
        self._trouble.tell(event.error, "r tries again.")
        self.find_line.stop()
        self._title()

    def _shown(self) -> None:
        """Tell those that look at what is shown that it is another file, or more of it."""
        preview = self.preview
        self.find_line.can_go_further = preview is not None and preview.more
        self.find_line.is_partial = preview is not None and (
            preview.more or not self._read_limits.can_grow or _has_further_rows(preview)
        )
        self.find_line.look()
        self.post_message(self.Shown(preview))

    @on(Viewer.NearEnd)
    @on(FindLine.Further)
    def _on_near_end(self) -> None:
        if self.preview is not None and self.preview.more and self._reading is None:
            self._limits = self._read_limits.more()
            self._start(late=False)

    @on(Viewer.Moved)
    def _on_moved(self, event: Viewer.Moved) -> None:
        event.stop()
        detail = self.viewer.content.detail()
        self.column_line.display = bool(detail)
        self.column_line.show(detail)
        self._title()
        if self.preview is not None and self.preview.members:
            self.screen.refresh_bindings()
        if event.rearranged:
            self.find_line.look()

    def action_find(self) -> None:
        self.find_line.edit()
        self.screen.refresh_bindings()

    def action_next_match(self) -> None:
        self.find_line.step(1)

    def action_previous_match(self) -> None:
        self.find_line.step(-1)

    @on(FindLine.Ended)
    def action_end_find(self) -> None:
        if self.find_line.is_seeking:
            self.stop()
            self._title()
        self.find_line.end()
        self.viewer.focus()
        self.screen.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "find":
            return self.preview is not None and self.viewer.canvas.image is None and not self.find_line.has_focus_within
        if action in ("next_match", "previous_match", "end_find"):
            return self.find_line.is_open
        if action == "open_member":
            listing = self._listing
            return listing is not None and listing.here() is not None and not self.find_line.is_open
        if action == "close_member":
            return self._inside is not None and not self.find_line.is_open
        if action in ("next_member", "previous_member"):
            step = 1 if action == "next_member" else -1
            return self._inside is not None and self._inside.beside(step) is not None
        if action == "layout":
            return is_delimited(self.preview) and not self.find_line.is_open
        if action == "more_picture":
            preview = self.preview
            return preview is not None and preview.kind == "image" and preview.more and self._reading is None
        return super().check_action(action, parameters)

    @property
    def _listing(self) -> Listing | None:
        """The listing of an archive, where that is shown."""
        x, y = self.viewer.scroll_offset
        return listing_of(self.subject, self.preview, self._read_limits, self.viewer.content, (x, y))

    @property
    def member(self) -> tuple[int, int] | None:
        """Which of an archive's members is shown, from 1, and how many there are; None outside of archives."""
        return self._inside.place if self._inside is not None else None

    def action_open_member(self) -> None:
        listing = self._listing
        member = listing.here() if listing is not None else None
        if member is not None:
            self._inside = listing
            self.show(member, late=False)
            self._entered()

    def action_next_member(self) -> None:
        self._go_beside(1)

    def action_previous_member(self) -> None:
        self._go_beside(-1)

    def _go_beside(self, step: int) -> None:
        inside = self._inside
        row = inside.beside(step) if inside is not None else None
        if inside is not None and row is not None:
            inside.content.move_to_row(row)
            self.show(inside.here())
            self._entered()

    def action_close_member(self) -> None:
        """The listing again, with the cursor on the member that was seen last."""
        inside, self._inside = self._inside, None
        if inside is None:
            return
        self.stop()
        self.find_line.stop()
        self.subject, self.preview, self._picture = inside.subject, inside.preview, False
        self._limits = self._read_limits = inside.limits
        self._trouble.tell(None)
        self._notices(inside.preview.notices)
        self.viewer.show_again(inside.preview, inside.content, inside.scroll)
        self._entered()

    def _entered(self) -> None:
        self._shown()
        self._title()
        self.screen.refresh_bindings()

    def action_more_picture(self) -> None:
        self._limits = self._read_limits.more_bytes()
        self._start(late=False)
        self.screen.refresh_bindings()

    def action_layout(self) -> None:
        self._ask_layout(typed_layout(self._read_limits))

    def _ask_layout(self, value: str, problem: str = "") -> None:
        from flowtui.tui.screens.ask import AskScreen

        self.app.push_screen(AskScreen(self.context, "Layout", value, HINT, problem), self._take_layout)

    def _take_layout(self, answer: str | None) -> None:
        if answer is None or self.subject is None:
            return
        try:
            limits = with_layout(self._first_limits(), answer)
        except UsageError as error:
            self._ask_layout(answer, error.message)
            return
        self.stop()
        self.find_line.stop()
        self._limits = limits
        self._start(late=False)

    @on(Viewer.Turned)
    def _on_turned(self, event: Viewer.Turned) -> None:
        event.stop()
        if self.preview is None or not self.preview.page:
            return
        # Pages that are passed by quickly are not read.
        waiting = self._limits.page if self._reading is not None else self.preview.page
        page = max(waiting + event.step, 1)
        if self.preview.pages is not None:
            page = min(page, self.preview.pages)
        self.stop()
        self._limits = self._first_limits(page)
        self._start(late=False)

    @on(Viewer.PictureWanted)
    def _on_picture_wanted(self, event: Viewer.PictureWanted) -> None:
        event.stop()
        if self.preview is None:
            return
        self._picture = not self._picture
        if self._picture and self.preview.image is None:
            self.stop()
            self._limits = self._first_limits(self.preview.page)
            self._start(late=False)
        else:
            self.viewer.show(self.preview, picture=self._picture)
            self._shown()

    def _clear(self, subject: Subject | None) -> None:
        self._trouble.tell(None)
        self._notices((subject.absence,) if subject and subject.absence else ())
        self.viewer.show(None)
        self._shown()
        self._title()

    def _notices(self, notices: Iterable[str]) -> None:
        """A short notice stands at the end of the title, more of them below it."""
        dot = f" {self.context.signs.dot} "
        text = dot.join(notices)
        title = dot.join(title_facts(self.subject, self.preview)) if self.subject is not None else ""
        named = cell_len(shown_name(self.subject)) + 3 if self._named and self.subject is not None else 0
        room = self.size.width - 4 - named - cell_len(title)
        self._said = text if cell_len(text) <= room else ""
        self._cuts.display = bool(text) and not self._said
        self._cuts.update(Content(text if not self._said else ""))

    def _title(self) -> None:
        subject, preview = self.subject, self.preview
        if subject is None:
            self._line.show(())
            return
        dot = f" {self.context.signs.dot} "
        note = self.viewer.content.note()
        said = Mark(dot.join([*title_facts(subject, preview), *([note] if note else [])]), "dim")
        name = Mark(shown_name(subject), "here" if self.viewer.has_focus else "strong")
        left = (name, Mark("   "), said) if self._named else (said,)
        waited = time.monotonic() - self._since if self._since is not None else 0
        right: Cell
        if waited >= PATIENCE:
            right = (Mark(f"reading {int(waited)} s" if waited >= 1 else "reading", "wait"),)
        else:
            right = (Mark(self._said, "dim"),) if self._said else ()
        self._line.show(left, right)


def _has_further_rows(preview: Preview) -> bool:
    return preview.total_rows is not None and preview.total_rows > len(preview.rows)
