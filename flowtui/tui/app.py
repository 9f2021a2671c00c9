"""The app: wires places, session, theme and commands; everything else is in the screens."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import App
from textual.binding import BindingType

from flowtui.tui.bindings import bindings, clean_keymap
from flowtui.tui.context import Connection, Context
from flowtui.tui.formatting import ASCII, UNICODE
from flowtui.tui.screens.base import Reconnect
from flowtui.tui.screens.runs import RunsScreen
from flowtui.tui.theme import DARK, DEFAULTS, LIGHT

if TYPE_CHECKING:
    from flowtui.config import Settings
    from flowtui.session import Session


class FlowtuiApp(App[None]):
    """The screen of flowtui."""

    CSS_PATH = "flowtui.tcss"
    TITLE = "flowtui"
    DEFAULT_MODE = "runs"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = bindings(
        "runs", "artifacts", "bookmarks", "exports", "next_pane", "previous_pane", "command", "help", "quit"
    )

    def __init__(
        self,
        settings: Settings,
        open_session: Callable[[], AbstractAsyncContextManager[Session]],
        start: object | None = None,
        *,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__()
        self.animation_level = "none"
        self.context = Context(settings, Connection(open_session), ASCII if settings.ascii else UNICODE)
        if now is not None:
            self.context.now = now
        self.add_mode("runs", lambda: RunsScreen(self.context))
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = "flowtui"
        self.unknown_keys: tuple[str, ...] = ()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DEFAULTS

    def on_mount(self) -> None:
        known, self.unknown_keys = clean_keymap(self.context.settings.keymap)
        self.set_keymap(known)
        self._hold_session()

    @work(group="session", exclusive=True, exit_on_error=False)
    async def _hold_session(self) -> None:
        await self.context.connection.hold()

    @on(Reconnect)
    def _on_reconnect(self) -> None:
        self.context.connection.again()
        self._hold_session()
