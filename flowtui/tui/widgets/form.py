"""Lines of a label and a value that is chosen, typed, or taken from a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.formatting import UNICODE, Cell, Mark, Signs, cut_end
from flowtui.tui.widgets.lines import Line

LABEL = 17
"""Cells of the gutter and the label."""

_GAP, _SHORTEST = 3, 4


@dataclass(frozen=True)
class Field:
    """A line of a form.

    Attributes:
        value: the text, or the name of the choice.
        choices: name and words of each.
        kind: ``list`` is chosen elsewhere, which the form asks for with :class:`Form.Wanted`.
        hint: what is said behind the value.
        empty: what is said in the place of no value.
    """

    name: str
    label: str
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    kind: Literal["choice", "text", "list"] = "choice"
    hint: str = ""
    empty: str = ""


class FieldInput(Input):
    """The text of a field while it is typed; ``esc`` leaves it as it was."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("accept", "undo")

    class Left(Message):
        """The person is done.

        Attributes:
            kept: whether what was typed stays.
        """

        def __init__(self, kept: bool) -> None:
            super().__init__()
            self.kept = kept

    def action_accept(self) -> None:
        self.post_message(self.Left(True))

    def action_undo(self) -> None:
        self.post_message(self.Left(False))


class FieldLine(Horizontal):
    """One field."""

    def __init__(self, signs: Signs) -> None:
        super().__init__()
        self.signs = signs
        self.field: Field | None = None
        self.line = Line(signs=signs)
        self.input = FieldInput(compact=True, select_on_focus=False)
        self.input.cursor_blink = False
        self.input.can_focus = False
        self.input.display = False
        self._before = ""

    def compose(self) -> ComposeResult:
        yield self.line
        yield self.input

    @property
    def editing(self) -> bool:
        """Whether the text is being typed."""
        return self.input.display

    def show(self, field: Field | None, here: bool) -> None:
        """Draw a field, or nothing for None.

        Args:
            here: the cursor is on it.
        """
        self.field = field
        self.display = field is not None
        self.set_class(here, "-here")
        if field is None:
            return
        label: Cell = (
            Mark(f" {self.signs.cursor if here else ' '} ", "accent"),
            Mark(f"{field.label:<{LABEL - 3}}", "dim"),
        )
        self.line.show(label if self.editing else (*label, *self._value(field)))

    def _value(self, field: Field) -> Cell:
        hint = (Mark(f"  {field.hint}", "dim"),) if field.hint else ()
        if field.kind != "choice":
            said = Mark(plain(field.value), "strong") if field.value else Mark(field.empty, "wait")
            return (said, *hint)
        marks: list[Mark] = []
        gap, texts = fitted(field, self.size.width - LABEL, self.signs)
        for (name, _), text in zip(field.choices, texts, strict=True):
            chosen = name == field.value
            sign = self.signs.on if chosen else self.signs.off
            marks += [Mark(f"{sign} {text}", "here" if chosen else "dim"), Mark(" " * gap)]
        return (*marks[:-1], *hint)

    def on_resize(self) -> None:
        if self.field is not None:
            self.show(self.field, self.has_class("-here"))

    def edit(self) -> None:
        """Let the text be typed."""
        if self.field is None:
            return
        self._before = self.input.value = self.field.value
        self.input.cursor_position = len(self.input.value)
        self.add_class("-editing")
        self.input.display = self.input.can_focus = True
        self.show(self.field, True)
        self.input.focus()

    def leave(self, kept: bool) -> str:
        """End typing; the text."""
        self.input.display = self.input.can_focus = False
        self.remove_class("-editing")
        return self.input.value if kept else self._before


class Form(Vertical, can_focus=True):
    """Fields with a cursor: up and down go through them, left and right choose, ``enter`` changes.

    Args:
        most: how many fields there are at most.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("down", "up", "previous_choice", "next_choice", "change")

    class Changed(Message):
        """A field has another value."""

        def __init__(self, name: str, value: str) -> None:
            super().__init__()
            self.name = name
            self.value = value

    class Wanted(Message):
        """The list of a field is to be opened."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class Left(Message):
        """The cursor goes on below the last field."""

    class Typed(Message):
        """A text was typed to its end, or left as it was."""

    def __init__(self, *, signs: Signs = UNICODE, most: int = 8, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.fields: tuple[Field, ...] = ()
        self._lines = [FieldLine(signs) for _ in range(most)]
        self._cursor = 0

    def compose(self) -> ComposeResult:
        yield from self._lines

    @property
    def here(self) -> Field | None:
        """The field under the cursor."""
        return self.fields[self._cursor] if self.fields else None

    @property
    def _line(self) -> FieldLine:
        return self._lines[self._cursor]

    @property
    def editing(self) -> bool:
        """Whether a text is being typed."""
        return self._line.editing

    @property
    def text(self) -> str:
        """What is shown, for tests."""
        return "\n".join(line.line.shown for line in self._lines[: len(self.fields)])

    def show(self, fields: Sequence[Field]) -> None:
        """Show these fields; the cursor stays on the one of its name."""
        name = self.here.name if self.here else ""
        self.fields = tuple(fields)
        names = [field.name for field in fields]
        self._cursor = names.index(name) if name in names else min(self._cursor, max(len(names) - 1, 0))
        self._draw()

    def go_to(self, name: str) -> None:
        """Put the cursor on a field."""
        names = [field.name for field in self.fields]
        if name in names:
            self._cursor = names.index(name)
            self._draw()

    def edit(self, name: str) -> None:
        """Change a field: type its text, or open its list."""
        self.go_to(name)
        self.action_change()

    def _draw(self) -> None:
        for number, line in enumerate(self._lines):
            field = self.fields[number] if number < len(self.fields) else None
            line.show(field, number == self._cursor and (self.has_focus or line.editing))
        if self.is_attached:
            self.screen.refresh_bindings()

    def watch_has_focus(self, focused: bool) -> None:
        super().watch_has_focus(focused)
        self._draw()

    def action_down(self) -> None:
        if self._cursor + 1 < len(self.fields):
            self._cursor += 1
            self._draw()
        else:
            self.post_message(self.Left())

    def action_up(self) -> None:
        self._cursor = max(self._cursor - 1, 0)
        self._draw()

    def action_next_choice(self) -> None:
        self._choose(1)

    def action_previous_choice(self) -> None:
        self._choose(-1)

    def _choose(self, step: int) -> None:
        field = self.here
        if field is None or field.kind != "choice" or len(field.choices) < 2:
            return
        names = [name for name, _ in field.choices]
        at = names.index(field.value) if field.value in names else 0
        self.post_message(self.Changed(field.name, names[(at + step) % len(names)]))

    def action_change(self) -> None:
        field = self.here
        if field is None:
            return
        if field.kind == "choice":
            self._choose(1)
        elif field.kind == "list":
            self.post_message(self.Wanted(field.name))
        else:
            self._line.edit()
            self.screen.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("next_choice", "previous_choice"):
            return self.here is not None and self.here.kind == "choice"
        return super().check_action(action, parameters)

    @on(Input.Changed)
    def _on_typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.editing and self.here is not None and event.value != self.here.value:
            self.post_message(self.Changed(self.here.name, event.value))

    @on(FieldInput.Left)
    def _on_left(self, event: FieldInput.Left) -> None:
        event.stop()
        field = self.here
        value = self._line.leave(event.kept)
        self.focus()
        if field is not None and value != field.value:
            self.post_message(self.Changed(field.name, value))
        self._draw()
        self.post_message(self.Typed())

    def on_click(self, event: events.Click) -> None:
        for number, line in enumerate(self._lines[: len(self.fields)]):
            if line.region.contains(*event.screen_offset):
                if number == self._cursor and not self.editing:
                    self.action_change()
                elif not self.editing:
                    self._cursor = number
                    self._draw()


def fitted(field: Field, width: int, signs: Signs) -> tuple[int, list[str]]:
    """The gap between choices and their words, so that all fit: the longest are cut, the chosen one last."""
    texts = [words for _, words in field.choices]
    sign = len(signs.on) + 1

    def over(gap: int) -> int:
        return sum(cell_len(text) + sign for text in texts) + gap * (len(texts) - 1) - width

    if width <= 0 or over(_GAP) <= 0:
        return _GAP, texts
    others = [index for index, (name, _) in enumerate(field.choices) if name != field.value]
    while over(1) > 0 and others:
        longest = max(others, key=lambda index: cell_len(texts[index]))
        room = cell_len(texts[longest]) - 1
        if room < _SHORTEST:
            break
        texts[longest] = cut_end(field.choices[longest][1], room, signs.ellipsis)
    return 1, texts
