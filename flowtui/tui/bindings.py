"""Every key of the screen in one table: what it does, where help lists it, and the id under which it is rebound.

Widgets and screens take their bindings from here, so that help, footer, palette and keymap cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from textual.binding import Binding, BindingType


class Key(NamedTuple):
    """A key binding.

    Attributes:
        keys: Textual's names of the keys, parted by commas; the first is the one that is shown.
        words: what it does, for the footer and help.
        group: the heading in help.
        rank: the order in the footer, low first; 0 is never in the footer.
        action: Textual's action where it is not the name of the binding.
        shown: how the key is written where Textual's name would not do.
    """

    keys: str
    words: str
    group: str
    rank: int = 0
    action: str = ""
    shown: str = ""


MOVE, ROW, GO, APP = "Move", "On this row", "Go to", "Everywhere"
GROUPS = (MOVE, ROW, GO, APP)

KEYS: dict[str, Key] = {
    "down": Key("j,down", "down", MOVE),
    "up": Key("k,up", "up", MOVE),
    "top": Key("g,home", "first", MOVE),
    "bottom": Key("G,end", "last", MOVE),
    "half_down": Key("ctrl+d", "half a page down", MOVE),
    "half_up": Key("ctrl+u", "half a page up", MOVE),
    "page_down": Key("pagedown", "page down", MOVE),
    "page_up": Key("pageup", "page up", MOVE),
    "collapse": Key("h,left", "close, or to the parent", MOVE),
    "expand": Key("l,right", "open the branch", MOVE),
    "scroll_left": Key("h,left", "left", MOVE),
    "scroll_right": Key("l,right", "right", MOVE),
    "next_pane": Key("tab", "next pane or tab", MOVE),
    "previous_pane": Key("shift+tab", "previous pane or tab", MOVE),
    "next_tab": Key("right_square_bracket", "next tab", MOVE, shown="]"),
    "previous_tab": Key("left_square_bracket", "previous tab", MOVE, shown="["),
    "next_page": Key("full_stop", "next page", MOVE, 3, shown="."),
    "previous_page": Key("comma", "previous page", MOVE, shown=","),
    "first_column": Key("0", "first column", MOVE),
    "last_column": Key("dollar_sign", "last column", MOVE, shown="$"),
    "open": Key("enter", "open", ROW, 1),
    "leave": Key("enter,down", "to the list", ROW, 1),
    "clear": Key("escape", "clear", ROW, 2, shown="esc"),
    "next_file": Key("n", "next", ROW, 2),
    "previous_file": Key("p", "previous", ROW, 3),
    "open_member": Key("enter", "open member", ROW, 1),
    "close_member": Key("escape", "to the archive", ROW, 1, shown="esc"),
    "next_member": Key("n", "next member", ROW, 2),
    "previous_member": Key("p", "previous member", ROW, 3),
    "more_picture": Key("m", "more of it", ROW, 2),
    "lineage": Key("L", "lineage", ROW, 4),
    "versions": Key("v", "versions", ROW, 4),
    "compare": Key("equals_sign", "compare", ROW, 8, shown="="),
    "compare_with": Key("equals_sign", "compare with this", ROW, 2, shown="="),
    "key_columns": Key("c", "key columns", ROW, 1),
    "tolerance": Key("t", "tolerance", ROW, 2),
    "compare_more": Key("m", "compare more", ROW, 3),
    "select": Key("space", "select", ROW, 2),
    "bookmark": Key("b", "bookmark", ROW, 5),
    "export": Key("e", "export", ROW, 3),
    "unselect": Key("u", "unselect all", ROW, 4),
    "download": Key("d", "download", ROW, 7),
    "copy": Key("y", "copy", ROW, 7),
    "copy_cell": Key("y,c", "cell", ROW, 1),
    "copy_row": Key("r", "row", ROW, 2),
    "copy_name": Key("n", "name", ROW, 3),
    "copy_uri": Key("u", "URI", ROW, 4),
    "copy_place": Key("y,p", "place", ROW, 1),
    "copy_manifest": Key("m", "manifest", ROW, 3),
    "sort": Key("s", "sort", ROW, 4),
    "hide_column": Key("minus", "hide column", ROW, shown="-"),
    "show_columns": Key("plus", "show all columns", ROW, 2, shown="+"),
    "pin": Key("P", "pin up to here", ROW),
    "labels": Key("V", "value labels", ROW, 4),
    "layout": Key("D", "delimiter", ROW),
    "next_match": Key("enter,down", "next match", ROW, 1),
    "previous_match": Key("up,backspace,shift+enter", "previous match", ROW, 2),
    "end_find": Key("escape", "end find", ROW, 3, shown="esc"),
    "rerun": Key("R", "re-run", ROW, 10),
    "terminate": Key("ctrl+x", "terminate", ROW, 9, shown="^x"),
    "picture": Key("i", "picture", ROW, 3),
    "hide_inputs": Key("i", "hide inputs", ROW, 3),
    "if_exists": Key("x", "if a file exists", ROW, 3),
    "elsewhere": Key("t", "another place", ROW, 2),
    "options": Key("tab,shift+tab", "options, plan", ROW, 3),
    "leave_out": Key("o", "leave them out", ROW, 1),
    "new_dataset": Key("n", "new dataset", ROW, 2),
    "rename": Key("t", "rename", ROW, 2),
    "change": Key("enter", "change", ROW, 1),
    "next_choice": Key("l,right", "next choice", ROW, 2, shown="h l"),
    "previous_choice": Key("h,left", "choice before", ROW),
    "accept": Key("enter,down,tab", "done", ROW, 1),
    "undo": Key("escape", "as it was", ROW, 2, shown="esc"),
    "pause": Key("p", "pause", ROW, 2),
    "resume": Key("R", "resume", ROW, 2),
    "cancel": Key("ctrl+x", "cancel", ROW, 3, shown="^x"),
    "remove": Key("D,delete", "remove", ROW, 8),
    "runs": Key("1", "Runs", GO),
    "artifacts": Key("2", "Artifacts", GO),
    "bookmarks": Key("3", "Bookmarks", GO),
    "exports": Key("4", "Exports", GO),
    "back": Key("escape", "back", GO, 30, shown="esc"),
    "filter": Key("slash", "filter", APP, 11, shown="/"),
    "find": Key("slash", "find", APP, 6, shown="/"),
    "command": Key("colon", "command", APP, 22, shown=":"),
    "palette": Key("ctrl+p", "find an action", APP, shown="^p"),
    "refresh": Key("r", "refresh", APP),
    "help": Key("question_mark", "help", APP, 31, shown="?"),
    "quit": Key("q", "quit", APP, 21),
}
"""The id of each binding is its key here; ``keymap`` of the configuration maps ids to other keys."""


def bindings(*names: str, **words: str) -> list[BindingType]:
    """Bindings for a class.

    Args:
        names: ids of ``KEYS`` whose actions the class has as ``action_NAME``.
        words: other words for some of them, as the place calls what they do there.
    """
    made: list[BindingType] = []
    for name in names:
        key = KEYS[name]
        made.append(
            Binding(
                key.keys,
                key.action or name,
                words.get(name, key.words),
                show=key.rank > 0,
                id=name,
                key_display=key.shown or None,
            )
        )
    return made


def clean_keymap(keymap: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The known part of a keymap, and the ids in it that name no binding."""
    known = {name: keys for name, keys in keymap.items() if name in KEYS}
    return known, tuple(sorted(set(keymap) - set(known)))


def key_name(binding: Binding) -> str:
    """How a key is written: ``j``, ``^x``, ``esc``, ``space``."""
    default = KEYS.get(binding.id or "")
    if default and default.shown and binding.key == default.keys:
        return default.shown
    named = {
        "escape": "esc", "question_mark": "?", "slash": "/", "colon": ":", "left_square_bracket": "[",
        "right_square_bracket": "]", "pagedown": "pgdn", "pageup": "pgup", "equals_sign": "=",
    }  # fmt: skip
    key = binding.key
    if key == "shift+tab":
        return "S-tab"
    if key.startswith("ctrl+"):
        return f"^{key[5:]}"
    if key.startswith("upper_"):
        return key[6:].upper()
    return named.get(key, key)


PAIRS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("down", "up"), "down, up"),
    (("top", "bottom"), "first, last"),
    (("half_down", "half_up"), "half a page"),
    (("page_down", "page_up"), "a page"),
    (("collapse", "expand"), "close, open"),
    (("scroll_left", "scroll_right"), "left, right"),
    (("first_column", "last_column"), "row's two ends"),
    (("next_pane", "previous_pane"), "panes, tabs"),
    (("previous_tab", "next_tab"), "tabs"),
    (("next_page", "previous_page"), "page, sheet"),
    (("next_file", "previous_file"), "next, previous"),
    (("next_member", "previous_member"), "next, previous member"),
    (("hide_column", "show_columns"), "hide, show all"),
    (("next_match", "previous_match"), "next, last match"),
    (("runs", "artifacts", "bookmarks", "exports"), "places"),
)
"""Bindings that help lists in one line."""
