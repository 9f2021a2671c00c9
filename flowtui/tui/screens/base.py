"""What all screens share: header, keys, loading with age and errors in place, live refresh, the way back."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from flowtui import words
from flowtui.errors import AuthError, FlowtuiError, ReadOnlyError, ServerError, UnreachableError
from flowtui.permission import Permission
from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.formatting import Cell, Mark, age, cell_width
from flowtui.tui.widgets.lines import KeyLine, Problem, TitleLine
from flowtui.tui.widgets.split import NARROW

Result = TypeVar("Result")

FIRST_RETRY, LAST_RETRY = 5.0, 60.0
"""Seconds after a failure at which it is tried again by itself: at first, doubled each time, and at most."""

PASSING_STATUSES = frozenset({429, 500, 502, 503, 504})


class BaseScreen(Screen[Result], Generic[Result]):
    """A screen with a header line, a body and a line of keys.

    A subclass gives :meth:`compose_body`, :meth:`crumbs`, and :meth:`read` where it shows what the server says.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW, "-medium"), (130, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = bindings("back", "refresh", "next_pane", "previous_pane")
    bare: ClassVar[bool] = True
    """Without a line of places or tabs: a thin line parts the header from the body."""

    class Loaded(Message):
        """An answer came."""

    class Failed(Message):
        """No answer came."""

        def __init__(self, error: FlowtuiError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.signs = context.signs
        self._asked: float | None = None
        self._answered: float | None = None
        self._answered_at: datetime | None = None
        self._failed: float = 0
        self._failures = 0
        self.problem: FlowtuiError | None = None
        self.set_class(self.signs.ascii, "-ascii")
        self.set_class(self.bare, "-bare")

    def compose(self) -> ComposeResult:
        yield TitleLine(signs=self.signs)
        yield from self.compose_body()
        yield KeyLine(signs=self.signs, beside=self.selected)

    def compose_body(self) -> Iterable[Widget]:
        """The widgets between the header and the keys."""
        return ()

    def crumbs(self) -> list[str]:
        """Where this is, below the domain."""
        return []

    def facts(self) -> Cell:
        """What the header says at the right, before the age."""
        return ()

    def selected(self) -> Cell:
        """What the line of keys says at the right: how much is selected."""
        said = self.context.selection.words
        return (Mark(said, "here"),) if said else ()

    def exports_moved(self, *, changed: bool) -> None:
        """An export of this process is further; ``changed``: it is in another state, or ended."""
        self.update_title()

    def on_mount(self) -> None:
        self.update_title()
        self.set_interval(1, self._tick)
        if type(self).read is not BaseScreen.read:
            self.reload()

    def on_screen_resume(self) -> None:
        self.update_title()
        self._tick()

    async def read(self) -> None:
        """Ask the server and post messages with what it says; a ``FlowtuiError`` is shown in place."""

    def answered(self) -> None:
        """An answer or an error came; what it holds was shown already."""

    def reload(self) -> None:
        """Start to read, unless that is under way."""
        if self._asked is None:
            self._asked = time.monotonic()
            self._load()
            self.update_title()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _load(self) -> None:
        try:
            await self.read()
            await self._note_clock()
        except FlowtuiError as error:
            self.post_message(self.Failed(error))
        else:
            self.post_message(self.Loaded())

    async def _note_clock(self) -> None:
        if type(self).read is not BaseScreen.read:
            self.context.skew = (await self.context.connection.session()).client.skew

    @on(Loaded)
    def _on_loaded(self) -> None:
        self._asked, self._answered, self.problem = None, time.monotonic(), None
        self._answered_at, self._failures = self.context.now(), 0
        self.show_problem(None)
        self.update_title()
        self.answered()

    @on(Failed)
    def _on_failed(self, event: Failed) -> None:
        self._asked, self.problem = None, event.error
        self._failed, self._failures = time.monotonic(), self._failures + 1
        self.show_problem(event.error)
        self.update_title()
        self.answered()

    def show_problem(self, error: FlowtuiError | None, helps: str = "r tries again.") -> None:
        """Show an error in place, with the key that helps and what is still to be seen."""
        for problem in self.query(Problem):
            kept = "" if self._answered is None else f"Below is what was there at {self._since()}."
            back = ":ctx - goes back. " if self.context.previous is not None else ""
            problem.tell(error, f"{helps} {back}{kept}".strip() if error else "")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A defect in a worker is told, not swallowed."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            self._asked = None
            told = error if isinstance(error, FlowtuiError) else FlowtuiError(
                f"{type(error).__name__}: {plain(error)}", "This is a defect of flowtui; please report it."
            )  # fmt: skip
            self.post_message(self.Failed(told))

    def _tick(self) -> None:
        if not self.is_current:
            return
        self.update_title()
        if self._asked is not None or not self.app.app_focus:
            return
        if self.problem is not None:
            if self.retries() and time.monotonic() - self._failed >= self._retry_after():
                self.reload()
            return
        if not self.period:
            return
        if self._answered is not None and time.monotonic() - self._answered >= self.period:
            self.reload()

    @property
    def period(self) -> float:
        """Seconds after which an answer is asked for again while the screen is seen; 0 is never."""
        return 0

    def _age(self) -> str:
        return age(time.monotonic() - self._answered) if self._answered is not None else ""

    def _since(self) -> str:
        """When the last answer came, by the clock on the wall: what an age says changes while one reads it."""
        if self._answered_at is None:
            return ""
        return words.when(self._answered_at, self.context.now()).removeprefix("today ")

    def retries(self) -> bool:
        """Whether what went wrong may pass, so that it is tried again by itself."""
        error = self.problem
        return (
            isinstance(error, ServerError)
            and (isinstance(error, UnreachableError) or error.status in PASSING_STATUSES)
            and type(self).read is not BaseScreen.read
        )

    def _retry_after(self) -> float:
        return min(FIRST_RETRY * (1 << min(self._failures - 1, 10)), LAST_RETRY)

    def live(self) -> bool:
        """Whether what is shown is asked for again by itself."""
        return bool(self.period)

    def freshness(self) -> Cell:
        """The right end of the header: connecting, live, or how old."""
        waiting = 0 if self._asked is None else int(time.monotonic() - self._asked)
        if self.problem is not None:
            return self._trouble(self.problem)
        if self._answered is None:
            return (Mark("reading" + (f" {waiting} s" if waiting else ""), "wait"),) if self._asked is not None else ()
        if waiting >= 2:
            return (Mark(f"waiting {waiting} s {self.signs.dot} {self._age()}", "wait"),)
        if self.live():
            return (Mark("live", "good"), Mark(f" {self.signs.dot} {self._age()}", "dim"))
        return (Mark(self._age(), "dim"),)

    def _trouble(self, problem: FlowtuiError) -> Cell:
        """What does not work, since when, and whether it is tried again."""
        said = "no answer"
        if isinstance(problem, UnreachableError):
            said = "not reached"
        elif isinstance(problem, AuthError):
            said = "not logged in"
        elif self.retries():
            said = "failing"
        since = f" since {self._since()}" if self._since() else ""
        again = f" {self.signs.dot} retrying" if self.retries() else ""
        return (Mark(f"{said}{since}", "bad"), Mark(again, "wait"))

    def update_title(self) -> None:
        """Draw the header again."""
        if not self.is_mounted or not self.is_attached:
            return
        settings = self.context.settings
        right: list[Mark] = []
        read_only: Cell = (Mark("read-only", "busy"),) if settings.read_only else ()
        for cell in (self.context.exporting.mark(self.signs), read_only, self.facts(), self.freshness()):
            right += [Mark(f" {self.signs.dot} ", "dim")] if right and cell else []
            right += cell
        path = [self.context.server, plain(settings.project), plain(settings.domain), *map(plain, self.crumbs())]
        path = [part for part in path if part]
        room = self.size.width - 2 - len("flowtui   ") - cell_width(tuple(right)) - 2
        own = max(len(self.crumbs()), 1)
        while len(path) > own and cell_width((Mark(" / ".join(path)),)) > room:
            path = path[1:]
        left: list[Mark] = [Mark("flowtui", "accent"), Mark("   ")]
        for index, part in enumerate(path):
            left += [Mark(" / ", "dim")] if index else []
            left.append(Mark(part, "dim" if index < len(path) - 1 and self.crumbs() else ""))
        self.query_one(TitleLine).show(tuple(left), tuple(right))

    def on_resize(self) -> None:
        self.update_title()

    def tell(self, text: str, seconds: float = 4) -> None:
        """Say in the line of keys, for a moment, what was done."""
        self.query_one(KeyLine).tell(text, seconds)

    def may_write(self, deed: str) -> bool:
        """Whether something may be written; where not, that is said.

        Args:
            deed: what is to be done, as ``Permission.require`` takes it.
        """
        try:
            Permission(read_only=self.context.settings.read_only).require(deed)
        except ReadOnlyError as error:
            self.tell(error.message, 8)
            return False
        return True

    def panes(self) -> list[Widget]:
        """What ``tab`` goes through."""
        return [widget for widget in self.focus_chain if widget.display]

    def action_next_pane(self) -> None:
        self.focus_next()

    def action_previous_pane(self) -> None:
        self.focus_previous()

    def action_back(self) -> None:
        if len(self.app.screen_stack) > 1:
            self.dismiss()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "back":
            return len(self.app.screen_stack) > 1
        return super().check_action(action, parameters)

    def action_refresh(self) -> None:
        if self.context.connection.failed:
            self.app.post_message(Reconnect())
        self.reload()


class Reconnect(Message):
    """The session is to be opened again."""
