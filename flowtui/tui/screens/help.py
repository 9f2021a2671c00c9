"""The keys of this place, from its real bindings, in three columns."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen

from flowtui.tui.bindings import APP, GO, GROUPS, KEYS, MOVE, ROW, key_name
from flowtui.tui.context import Context
from flowtui.tui.formatting import Cell, Mark
from flowtui.tui.widgets.paint import cell_width
from flowtui.tui.widgets.viewer import Viewer

FILTER_HELP = (
    ("word", "in any column"),
    ("!word", "in none"),
    ("wf:adam", "in one column: wf, phase, run, by,"),
    ("", "version, type, artifact, file, to"),
    ('"two words"', "as they stand"),
)


def help_groups(screen: Screen[object]) -> dict[str, list[tuple[str, str]]]:
    """The active bindings of a screen: for each group its keys and what they do, several keys of one action together."""
    found: dict[str, dict[str, tuple[list[str], str]]] = {group: {} for group in GROUPS}
    for active in screen.active_bindings.values():
        binding = active.binding
        if not active.enabled or not binding.id or not binding.description:
            continue
        group = KEYS[binding.id].group if binding.id in KEYS else ROW
        keys, _ = found[group].setdefault(binding.id, ([], binding.description))
        keys.append(key_name(binding))
    order = list(KEYS)
    return {
        group: [
            (" ".join(keys), said)
            for _, (keys, said) in sorted(
                actions.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)
            )
        ]
        for group, actions in found.items()
    }


def help_lines(groups: dict[str, list[tuple[str, str]]], width: int) -> list[Cell]:
    """Three columns where there is room for them, else two or one."""
    blocks = {
        name: [(Mark(name, "strong"),), *((Mark(f"{keys:<9}", "key"), Mark(f" {said}")) for keys, said in groups[name])]
        for name in GROUPS
        if groups.get(name)
    }
    filter_block: list[Cell] = [(Mark("Filter", "strong"),)]
    filter_block += [(Mark(f"{keys:<11}", "key"), Mark(f" {said}", "dim")) for keys, said in FILTER_HELP]
    columns: list[list[Cell]] = [
        blocks.get(MOVE, []),
        [*blocks.get(ROW, []), (), *blocks.get(GO, [])],
        [*blocks.get(APP, []), (), *filter_block],
    ]
    count = 3 if width >= 78 else 2 if width >= 56 else 1
    if count < 3:
        flat = [line for column in columns for line in [*column, ()]]
        size = -(-len(flat) // count)
        columns = [flat[start : start + size] for start in range(0, len(flat), size)]
    each = width // count
    lines: list[Cell] = []
    for number in range(max(len(column) for column in columns)):
        line: list[Mark] = []
        for column in columns:
            cell = column[number] if number < len(column) else ()
            line += [*cell, Mark(" " * max(each - cell_width(cell), 1))]
        lines.append(tuple(line))
    return lines


class HelpScreen(ModalScreen[None]):
    """Lists the keys of the screen below it."""

    BINDINGS: list[BindingType] = [Binding("escape,question_mark,q,enter", "close", "back")]

    def __init__(self, context: Context, groups: dict[str, list[tuple[str, str]]], place: str) -> None:
        super().__init__()
        self.groups = groups
        self.place = place
        self.viewer = Viewer(signs=context.signs, id="help")
        if context.signs.ascii:
            self.add_class("-ascii")

    def compose(self) -> ComposeResult:
        with Vertical(id="help-panel"):
            yield self.viewer

    def on_mount(self) -> None:
        self.viewer.focus()

    def on_resize(self) -> None:
        width = self.app.size.width - 4
        title: Cell = (Mark(f"Keys of {self.place}", "accent"),)
        gap = " " * max(width - cell_len(title[0].text) - 8, 1)
        lines: list[Cell] = [(*title, Mark(gap), Mark("esc", "key"), Mark(" back", "dim")), ()]
        self.viewer.show_lines(lines + help_lines(self.groups, width))

    def action_close(self) -> None:
        self.dismiss()
