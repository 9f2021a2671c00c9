"""What of the row under the cursor is to be copied: one key each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from flowtui.text import plain
from flowtui.tui.bindings import KEYS, bindings, key_name
from flowtui.tui.contents.content import Copy
from flowtui.tui.context import Context
from flowtui.tui.formatting import Mark, cut
from flowtui.tui.widgets.lines import Line

_NAMES = ("copy_cell", "copy_row", "copy_name", "copy_place", "copy_uri", "copy_manifest")


class CopyScreen(ModalScreen[Copy | None]):
    """Asks at the bottom of the screen; anything but the key of a choice leaves it.

    Args:
        choices: what there is, in the order in which it is listed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*_NAMES), Binding("escape,q,enter", "leave", "back")]

    def __init__(self, context: Context, choices: Sequence[Copy]) -> None:
        super().__init__()
        self.choices = {choice.key: choice for choice in choices}
        self._signs = context.signs
        self.set_class(context.signs.ascii, "-ascii")

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            for _ in range(len(self.choices) + 1):
                yield Line(signs=self._signs)

    def on_mount(self) -> None:
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        lines = list(self.query(Line))
        lines[0].show((Mark("Copy", "strong"),), (Mark("esc", "key"), Mark(" back", "dim")))
        keys = {active.binding.id: key_name(active.binding) for active in reversed(self.active_bindings.values())}
        for line, choice in zip(lines[1:], self.choices.values(), strict=True):
            key = keys.get(choice.key, KEYS[choice.key].keys)
            text = cut(plain(choice.text), max(self.app.size.width - 26, 8), self._signs.ellipsis)
            line.show((Mark(f"{key:<3}", "key"), Mark(f"{choice.words:<13} "), Mark(text, "dim")))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action not in _NAMES or action in self.choices

    def action_copy_cell(self) -> None:
        self.dismiss(self.choices["copy_cell"])

    def action_copy_row(self) -> None:
        self.dismiss(self.choices["copy_row"])

    def action_copy_name(self) -> None:
        self.dismiss(self.choices["copy_name"])

    def action_copy_uri(self) -> None:
        self.dismiss(self.choices["copy_uri"])

    def action_copy_place(self) -> None:
        self.dismiss(self.choices["copy_place"])

    def action_copy_manifest(self) -> None:
        self.dismiss(self.choices["copy_manifest"])

    def action_leave(self) -> None:
        self.dismiss(None)
