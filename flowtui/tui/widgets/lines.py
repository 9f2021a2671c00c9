"""The one-line parts: where am I, which place or tab, which keys, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip
from textual.timer import Timer
from textual.widgets import Static

from flowtui.errors import FlowtuiError
from flowtui.text import plain
from flowtui.tui.bindings import KEYS, key_name
from flowtui.tui.formatting import UNICODE, Cell, Mark, Signs, cell_width, cut, cut_end
from flowtui.tui.widgets.paint import Painted


class Line(Painted, can_focus=False):
    """One line of marks at the left and at the right; where both do not fit, the left side is cut.

    Attributes:
        right_yields: the right side is cut instead.
    """

    right_yields = False

    def __init__(self, *, signs: Signs = UNICODE, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.signs = signs
        self._left: Cell = ()
        self._right: Cell = ()

    def show(self, left: Cell, right: Cell = ()) -> None:
        """Draw these marks; nothing is painted where nothing changed."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    @property
    def shown(self) -> str:
        """The text of both sides, for tests and readers of the screen."""
        return "".join(mark.text for mark in (*self._left, *self._right))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        base = self.rich_style
        if y > 0:
            return Strip.blank(width, base)
        right = self._right
        if self.right_yields and right:
            spare = max(width - cell_width(self._left) - 2, 0)
            text = cut_end("".join(mark.text for mark in right), spare, self.signs.ellipsis)
            right = (Mark(text, right[0].style),) if text else ()
        right_width = cell_width(right)
        room = max(width - right_width - (2 if right else 0), 0)
        segments: list[Segment] = []
        used = 0
        overflow = cell_width(self._left) - room
        for index, mark in enumerate(self._left):
            text = mark.text
            if overflow > 0 and (cell_len(text) > 16 or index == len(self._left) - 1):
                own = max(cell_len(text) - overflow, 12)
                overflow -= cell_len(text) - own
                text = cut(text, own, self.signs.ellipsis)
            text = text if used + cell_len(text) <= room else cut_end(text, room - used, self.signs.ellipsis)
            used += cell_len(text)
            segments.append(Segment(text, base + self.mark_style(mark.style)))
        segments.append(Segment(" " * max(width - used - right_width, 0), base))
        segments += self.segments(right, base)
        return Strip(segments).adjust_cell_length(width, base)


class TitleLine(Line):
    """Where am I, is it live, how old."""


class TabLine(Line):
    """The places, or the tabs of a run; the current one is told by weight and colour."""

    right_yields = True

    class Chosen(Message):
        """A name was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(
        self, names: Sequence[tuple[str, str]], current: str, *, numbers: bool = False, signs: Signs = UNICODE
    ) -> None:
        super().__init__(signs=signs)
        self.names = tuple(names)
        self.numbers = numbers
        self._spans: list[tuple[int, int, str]] = []
        self.current = current
        self.note: Cell = ()

    def on_mount(self) -> None:
        self.choose(self.current)

    def choose(self, current: str, note: Cell = ()) -> None:
        """Mark one of the names as the current one; ``note`` is shown at the right."""
        self.current, self.note = current, note
        marks: list[Mark] = []
        self._spans = []
        x = 0
        for number, (name, words) in enumerate(self.names, 1):
            text = f" {number} {words} " if self.numbers else f" {words} "
            marks += [Mark(text, "here" if name == current else "dim"), Mark(" ")]
            self._spans.append((x, x + cell_len(text), name))
            x += cell_len(text) + 1
        self.show(tuple(marks), note)

    def on_click(self, event: events.Click) -> None:
        for start, end, name in self._spans:
            if start <= event.x - self.styles.padding.left < end:
                self.post_message(self.Chosen(name))


class KeyLine(Line):
    """At most eight keys that do something here, from the real bindings of the screen.

    Args:
        beside: what stands at the right of them.
    """

    MOST = 8
    _told = ""
    _until: Timer | None = None

    def __init__(self, *, signs: Signs = UNICODE, beside: Callable[[], Cell] = tuple) -> None:
        super().__init__(signs=signs)
        self._beside = beside

    def tell(self, text: str, seconds: float = 4) -> None:
        """Say something instead of the keys for a moment."""
        if self._until is not None:
            self._until.stop()
        self._told = text
        self._until = self.set_timer(seconds, self._forget)
        self._update(self.screen)

    def _forget(self) -> None:
        self._told = ""
        self._update(self.screen)

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._update)
        self.call_after_refresh(self._update, self.screen)

    def on_resize(self) -> None:
        self._update(self.screen)

    def draw(self) -> None:
        """Draw it again, with what stands beside the keys now."""
        self._update(self.screen)

    def _update(self, screen: Screen[object]) -> None:
        if not self.is_mounted or not screen.is_current:
            return
        if self._told:
            self.show((Mark(cut(self._told, self.size.width, self.signs.ellipsis), "accent"),))
            return
        keys = footer_keys(screen)
        # The way back and help are always among them: help has all the others.
        last = [key for key in keys if key[2] in ("back", "help")]
        beside = self._beside()
        room = self.size.width + 2 - (cell_width(beside) + 2 if beside else 0)
        chosen: list[tuple[str, str, str]] = []
        for key in [*last, *(key for key in keys if key not in last)][: self.MOST]:
            room -= cell_len(key[0]) + cell_len(key[1]) + 3
            if room < 0:
                break
            chosen.append(key)
        marks: list[Mark] = []
        for name, words, _ in [*chosen[len(last) :], *chosen[: len(last)]]:
            marks += [Mark(name, "key"), Mark(f" {words}  ", "dim")]
        if marks:
            marks[-1] = Mark(marks[-1].text.rstrip(), "dim")
        self.show(tuple(marks), beside)


def footer_keys(screen: Screen[object]) -> list[tuple[str, str, str]]:
    """The enabled bindings of a screen with a rank, as (key, words, id), the most wanted first."""
    found: dict[str, tuple[int, Binding]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        rank = KEYS[binding.id].rank if binding.id in KEYS else 0
        if not (rank and active.enabled and binding.show and binding.id):
            continue
        # Of several keys the one is shown that the table names first.
        if binding.id not in found or _order(binding) < _order(found[binding.id][1]):
            found[binding.id] = (rank, binding)
    chosen = sorted(found.values(), key=lambda item: item[0])
    return [(key_name(binding), binding.description, binding.id or "") for _, binding in chosen]


def _order(binding: Binding) -> int:
    keys = KEYS[binding.id or ""].keys.split(",")
    return keys.index(binding.key) if binding.key in keys else len(keys)


class Problem(Static):
    """What went wrong, shown in place: the message, and the hint or the key that helps."""

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self.text = ""

    def tell(self, error: FlowtuiError | None, kept: str = "") -> None:
        """Show an error, or nothing for None.

        Args:
            kept: what is still to be seen and how old it is.
        """
        self.set_class(error is not None, "-shown")
        if error is None:
            self.text = ""
            return
        # The key that tries again is named anyway.
        advice = plain(error.hint).removeprefix("Try again.").strip()
        hint = " ".join(part for part in (advice, kept) if part)
        message = plain(error.message)
        self.text = f"{message}\n{hint}" if hint else message
        self.update(Content.assemble((message, "$error"), ("\n" + hint if hint else "", "$foreground 70%")))
