"""The keys of this place, from its real bindings, in three columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen

from flowtui.tui.bindings import APP, GO, GROUPS, KEYS, MOVE, PAIRS, ROW, key_name
from flowtui.tui.context import Context
from flowtui.tui.formatting import Cell, Mark, cell_width, cut_end
from flowtui.tui.widgets.viewer import Viewer

Groups = dict[str, list[tuple[str, str]]]


def help_groups(screen: Screen[object]) -> Groups:
    """The active bindings of a screen: for each group its keys and what they do.

    Of several keys for one action the first of the table is named; bindings that belong together share a line.
    """
    found: dict[str, tuple[str, str]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if active.enabled and binding.id and binding.description:
            default = KEYS[binding.id].keys.split(",")[0] if binding.id in KEYS else ""
            if binding.id not in found or binding.key == default:
                found[binding.id] = (key_name(binding), binding.description)
    groups: Groups = {group: [] for group in GROUPS}
    paired = {name: (names, said) for names, said in PAIRS for name in names}
    for name in [*KEYS, *(name for name in found if name not in KEYS)]:
        if name not in found:
            continue
        group = KEYS[name].group if name in KEYS else ROW
        names, said = paired.get(name, ((name,), found[name][1]))
        keys = [found.pop(one)[0] for one in names if one in found]
        groups[group].append((" ".join(keys), said))
    return groups


def help_lines(groups: Groups, fields: Iterable[str], width: int) -> list[Cell]:
    """Three columns where there is room for them, else two or one; ``fields`` are those of the filter."""
    field_names = [f"{name}:" for name in sorted(fields)]
    filter_words = [("word", "is in the row"), ("!word", "is not"), ("wf:word", "in one field:")]
    filter_words += [("", " ".join(field_names[start : start + 2])) for start in range(0, len(field_names), 2)]
    blocks = {**groups, "Filter": filter_words if field_names else []}
    three = ((MOVE,), (ROW, GO), (APP, "Filter"))
    count = 3 if width >= 72 else 2 if width >= 48 else 1
    each = width // count
    columns: list[list[Cell]] = []
    for names in three:
        column: list[Cell] = []
        for name in names:
            lines = blocks.get(name) or []
            if lines:
                column += [(), (Mark(name, "strong"),)]
            for keys, said in lines:
                room = each - 11
                column.append((Mark(f"{keys:<9} ", "key"), Mark(cut_end(said, room), "")))
        columns.append(column)
    if count < 3:
        flat = [line for column in columns for line in column]
        size = -(-len(flat) // count)
        columns = [flat[start : start + size] for start in range(0, len(flat), size)]
    found: list[Cell] = []
    for number in range(max(len(column) for column in columns)):
        line: list[Mark] = []
        for column in columns:
            cell = column[number] if number < len(column) else ()
            line += [*cell, Mark(" " * max(each - cell_width(cell), 1))]
        found.append(tuple(line))
    return found


class HelpScreen(ModalScreen[None]):
    """Lists the keys of the screen below it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q,enter", "close", "back")]

    def __init__(self, context: Context, groups: Groups, fields: Iterable[str], place: str) -> None:
        super().__init__()
        self.groups = groups
        self.fields = tuple(fields)
        self.place = place
        self.viewer = Viewer(signs=context.signs, id="help")
        self.set_class(context.signs.ascii, "-ascii")

    def compose(self) -> ComposeResult:
        with Vertical(id="help-panel"):
            yield self.viewer

    def on_mount(self) -> None:
        self.viewer.focus()

    def on_resize(self) -> None:
        width = self.app.size.width - 4
        title = f"Keys of {self.place}"
        gap = " " * max(width - cell_len(title) - 8, 1)
        lines: list[Cell] = [(Mark(title, "accent"), Mark(gap), Mark("esc", "key"), Mark(" back", "dim"))]
        self.viewer.show_lines(lines + help_lines(self.groups, self.fields, width))

    def action_close(self) -> None:
        self.dismiss()
