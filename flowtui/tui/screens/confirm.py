"""A question before something that others notice."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from flowtui.tui.context import Context


class ConfirmScreen(ModalScreen[bool]):
    """Asks at the bottom of the screen; ``enter`` or ``y`` is yes, anything that leaves is no.

    Args:
        deed: the word for it, as the key line names it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "answer(True)", "yes"),
        Binding("escape,n,q", "answer(False)", "no"),
    ]

    def __init__(self, context: Context, question: str, said: str, deed: str) -> None:
        super().__init__()
        self.question = question
        self.said = said
        self.deed = deed
        if context.signs.ascii:
            self.add_class("-ascii")

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Content.assemble((self.question, "bold")), id="question")
            yield Static(Content(self.said), id="said")
            yield Static(
                Content.assemble(
                    ("enter", "bold $accent"),
                    (f" {self.deed}   ", "$dim"),
                    ("esc", "bold $accent"),
                    (" leave it", "$dim"),
                ),
                id="answers",
            )

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)
