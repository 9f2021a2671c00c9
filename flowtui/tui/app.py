"""The app: wires places, session, theme and commands; everything else is in the screens."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ScreenStackError, SystemCommand
from textual.binding import BindingType
from textual.driver import Driver
from textual.screen import Screen

from flowtui.domain.execution import ExecutionId
from flowtui.text import plain
from flowtui.tui.bindings import KEYS, MOVE, Key, bindings, clean_keymap, key_name
from flowtui.tui.clipboard import osc52
from flowtui.tui.commands import Command
from flowtui.tui.context import Connection, Context, Servers
from flowtui.tui.formatting import ASCII, UNICODE
from flowtui.tui.graphics import Graphics, TerminalAnswer, answering
from flowtui.tui.screens.base import BaseScreen, Reconnect
from flowtui.tui.screens.place import PLACES, Place
from flowtui.tui.screens.runs import RunsScreen
from flowtui.tui.switching import Switching
from flowtui.tui.theme import DARK, DEFAULTS, LIGHT
from flowtui.tui.type_ahead import TypeAhead
from flowtui.tui.widgets.lines import TabLine

if TYPE_CHECKING:
    from flowtui.config import Settings
    from flowtui.session import Session

_OTHER = Key("", "", "")
_BLANK = "blank"
PLACE_NAMES = tuple(name for name, _ in PLACES)


class FlowtuiApp(TypeAhead, Switching):
    """The screen of flowtui."""

    CSS_PATH = "flowtui.tcss"
    TITLE = "flowtui"
    DEFAULT_MODE = "runs"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = bindings(
        "runs", "artifacts", "bookmarks", "exports", "command", "help", "quit"
    )

    def __init__(
        self,
        settings: Settings,
        open_session: Callable[[], AbstractAsyncContextManager[Session]],
        start: ExecutionId | None = None,
        *,
        now: Callable[[], datetime] | None = None,
        servers: Servers | None = None,
    ) -> None:
        if not settings.color:
            os.environ["NO_COLOR"] = "1"
        super().__init__()
        self.animation_level = "none"
        self.context = Context(settings, Connection(open_session), ASCII if settings.ascii else UNICODE)
        self.servers = servers
        self.context.graphics = Graphics(settings.images, os.environ, is_plain=settings.ascii or not settings.color)
        if now is not None:
            self.context.now = now
        for place in PLACE_NAMES:
            if place != self.DEFAULT_MODE:
                self.add_mode(place, partial(self._make_place, place))
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = "flowtui"
        self._start_at = start

    def _make_place(self, name: str) -> Place:
        """The screen of a place; those that are not the first are imported when they are opened."""
        if name == "artifacts":
            from flowtui.tui.screens.artifacts import ArtifactsScreen

            return ArtifactsScreen(self.context)
        if name == "bookmarks":
            from flowtui.tui.screens.bookmarks import BookmarksScreen

            return BookmarksScreen(self.context)
        from flowtui.tui.screens.exports import ExportsScreen

        return ExportsScreen(self.context)

    def clear_selection(self) -> None:
        # Textual starts its tasks eagerly, so an input is mounted before the first screen is on the stack.
        with contextlib.suppress(ScreenStackError):
            super().clear_selection()

    def get_default_screen(self) -> RunsScreen:
        # Not by its mode, for which Textual parses the whole stylesheet once more.
        return RunsScreen(self.context)

    @property
    def defect(self) -> Exception | None:
        """The exception that ended the app, None where nobody but the person did."""
        return self._exception

    def _fatal_error(self) -> None:
        # Textual's own prints the locals of every frame, tokens among them; the door of the command shows the defect.
        self.bell()
        self._close_messages_no_wait()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DEFAULTS

    def on_mount(self) -> None:
        self.add_mode(self.DEFAULT_MODE, self.get_default_screen)
        settings = self.context.settings
        known, unknown = clean_keymap(settings.keymap)
        self.set_keymap(known)
        self.learn_openers(known)
        # After the first frame, since opening a session loads what speaks to a server.
        self.call_after_refresh(self.hold_session, self.context.connection)
        if self._start_at is not None:
            self._open_run(self._start_at)
        elif not settings.project:
            self.call_after_refresh(self._choose_project)
        elif unknown:
            self.call_after_refresh(self.say, f"keys of the configuration that name no action: {', '.join(unknown)}")

    def _open_run(self, id_: ExecutionId) -> None:
        from flowtui.tui.screens.run import RunScreen

        self.push_screen(RunScreen(self.context, id_))

    def _choose_project(self) -> None:
        from flowtui.tui.screens.projects import ProjectsScreen

        def chosen(_: object) -> None:
            if isinstance(self.screen, BaseScreen):
                self.screen.action_refresh()

        self.push_screen(ProjectsScreen(self.context), chosen)

    def go(self, place: str) -> None:
        """To a place; to its list where it is the current one already."""
        if self.current_mode == place:
            while len(self.screen_stack) > 1:
                self.pop_screen()
        else:
            self.switch_mode(place)

    def action_runs(self) -> None:
        self.go("runs")

    def action_artifacts(self) -> None:
        self.go("artifacts")

    def action_bookmarks(self) -> None:
        self.go("bookmarks")

    def action_exports(self) -> None:
        self.go("exports")

    @on(TabLine.Chosen)
    def _on_place_chosen(self, event: TabLine.Chosen) -> None:
        if event.name in PLACE_NAMES:
            self.go(event.name)

    def action_help(self) -> None:
        from flowtui.tui.screens.help import HelpScreen, help_groups

        screen = self.screen
        if isinstance(screen, BaseScreen):
            place = screen.place.capitalize() if isinstance(screen, Place) else plain(screen.crumbs()[-1])
            fields = screen.filter_fields if isinstance(screen, Place) else ()
            self.push_screen(HelpScreen(self.context, help_groups(screen), fields, place))

    def action_command(self) -> None:
        from flowtui.tui.screens.command import CommandScreen

        self.push_screen(CommandScreen(self.context), self._run_command)

    def _run_command(self, command: Command | None) -> None:
        if command is None:
            return
        if command.name in PLACE_NAMES:
            self.go(command.name)
        elif command.name == "q":
            self.call_later(self.action_quit)
        elif command.name == "run":
            self.open_run(command.argument)
        elif command.name == "projects":
            self._choose_project()
        elif command.name == "help":
            self.action_help()
        elif command.name == "ctx" and not command.argument:
            self.choose_context()
        elif command.name in ("ctx", "local"):
            self.switch_context(command.argument or command.name)
        elif command.name == "connect":
            self.connect(command.argument)
        elif isinstance(self.screen, BaseScreen):
            self.screen.action_refresh()

    def open_run(self, name: str) -> None:
        """Open a run by its name in the current project and domain, or by PROJECT/DOMAIN/NAME."""
        settings = self.context.settings
        parts = name.split("/")
        if len(parts) == 1 and settings.project and name:
            parts = [settings.project, settings.domain, name]
        if len(parts) == 3 and all(parts):
            self._open_run(ExecutionId(*parts))
        elif isinstance(self.screen, BaseScreen):
            self.screen.tell(":run needs the name of a run, or PROJECT/DOMAIN/NAME")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette finds every action of this screen by name and shows its key."""
        seen: set[str] = set()
        for active in screen.active_bindings.values():
            binding = active.binding
            if not active.enabled or not binding.id or binding.id in seen or KEYS.get(binding.id, _OTHER).group == MOVE:
                continue
            seen.add(binding.id)
            run = partial(self.run_action, binding.action, active.node)
            yield SystemCommand(binding.description.capitalize(), f"key {key_name(binding)}", run)
        if self.servers is not None:
            yield SystemCommand("Choose a context", "another server, :ctx", self.choose_context)
        for theme in ("flowtui", "flowtui-light", "ansi-dark", "ansi-light"):
            yield SystemCommand(f"Theme {theme}", "colours of the screen", partial(setattr, self, "theme", theme))

    def get_driver_class(self) -> type[Driver]:
        return answering(super().get_driver_class())

    def on_terminal_answer(self, event: TerminalAnswer) -> None:
        from flowtui.tui.widgets.viewer import Viewer

        event.stop()
        if self.context.graphics.learn(event.text):
            for screen in self.screen_stack:
                for viewer in screen.query(Viewer):
                    viewer.canvas.lay_out()

    def copy_to_clipboard(self, text: str) -> None:
        """Put a text on the clipboard of the terminal, also through tmux and screen."""
        self._clipboard = text
        sequence = osc52(text, os.environ)
        if sequence and self._driver is not None:
            self._driver.write(sequence)

    @on(Reconnect)
    def _on_reconnect(self) -> None:
        self.context.connection.again()
        self.hold_session(self.context.connection)

    async def show_places(self) -> None:
        # What the screens hold is of the server that was left. A blank one stands in while they are made again.
        self.add_mode(_BLANK, Screen)
        await self.switch_mode(_BLANK)
        for place in PLACE_NAMES:
            await self.remove_mode(place)
            self.add_mode(
                place, self.get_default_screen if place == self.DEFAULT_MODE else partial(self._make_place, place)
            )
        await self.switch_mode(self.DEFAULT_MODE)
        await self.remove_mode(_BLANK)
        if not self.context.settings.project:
            self._choose_project()
