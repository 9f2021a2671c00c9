"""Keys that arrive together with the one that opens a line of input."""

from __future__ import annotations

from collections.abc import Mapping

from textual import events
from textual.app import App
from textual.timer import Timer

from flowtui.tui.bindings import KEYS

PATIENCE = 0.3
"""Seconds after which it is certain that no line of input opened."""

OPENERS = ("command", "filter")
"""Actions that open a line of input."""


class TypeAhead(App[None]):
    """Holds what is typed behind ``:`` or ``/`` until the line has the keyboard.

    Over a slow link several keys arrive at once. Textual hands each to whatever has the focus at that moment, so that
    the ``d`` of ``/dm`` would start a download.
    """

    def __init__(self) -> None:
        super().__init__()
        self._held: list[events.Key] | None = None
        self._patience: Timer | None = None
        self._openers = frozenset(key for action in OPENERS for key in KEYS[action].keys.split(","))

    def learn_openers(self, keymap: Mapping[str, str]) -> None:
        """Go by the keys that the person has bound, too."""
        bound = (key for action in OPENERS for key in keymap.get(action, "").split(",") if key)
        self._openers = self._openers | frozenset(bound)

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
            return
        if self._held is not None:
            self._held.append(event)
            return
        # Before it is handed on, as the line may be open when that returns.
        if event.key in self._openers and not self._is_typing:
            self._held = []
            self._patience = self.set_timer(PATIENCE, self._release)
        await super().on_event(event)

    @property
    def _is_holding(self) -> bool:
        return self._held is not None

    @property
    def _is_typing(self) -> bool:
        from textual.widgets import Input

        return isinstance(self.focused, Input)

    def on_descendant_focus(self) -> None:
        if self._held is not None and self._is_typing:
            self.call_next(self._release)

    async def _release(self) -> None:
        held, self._held = self._held or [], None
        if self._patience is not None:
            self._patience.stop()
            self._patience = None
        while held and not self._is_holding:
            await self.on_event(held.pop(0))
        # One of them may have opened the next line.
        if held:
            self._held = [*(self._held or ()), *held]
