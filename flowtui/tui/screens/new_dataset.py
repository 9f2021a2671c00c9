"""A dataset that is still to be made: its name, and the project that it is to be in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.domino_lists import read_projects
from flowtui.tui.formatting import Mark
from flowtui.tui.screens.base import BaseScreen
from flowtui.tui.widgets.columns import Column, Row
from flowtui.tui.widgets.form import Field, Form
from flowtui.tui.widgets.lines import Line, Problem
from flowtui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from flowtui.exports.domino import Project

_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_COLUMNS = (
    Column("project", least=16, most=48),
    Column("owner", least=10, most=40),
)


class NewDatasetScreen(BaseScreen[tuple[str, str] | None]):
    """Asks for a name and a project; ``enter`` on a project takes both. It is made when the export begins.

    Args:
        name: to begin with.
        taken: whether a project has a dataset of a name.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("rename")

    class Read(Message):
        """Domino answered."""

        def __init__(self, projects: tuple[Project, ...], here: str) -> None:
            super().__init__()
            self.projects = projects
            self.here = here

    def __init__(self, context: Context, name: str, taken: Callable[[Project, str], bool]) -> None:
        super().__init__(context)
        # Domino takes letters, digits, hyphens and underscores.
        self.name_ = _UNFIT.sub("-", name).strip("-")
        self._taken = taken
        self.projects: tuple[Project, ...] = ()
        self.form = Form(signs=self.signs, most=1)
        self.rows = Rows(_COLUMNS, signs=self.signs, id="list")

    def crumbs(self) -> list[str]:
        return ["export", "datasets", "new"]

    def selected(self) -> tuple[Mark, ...]:
        return ()

    def compose_body(self) -> Iterable[Widget]:
        yield self.form
        yield Problem()
        yield Line(signs=self.signs, id="in-project")
        yield self.rows

    def on_mount(self) -> None:
        self.query_one("#in-project", Line).show((Mark("   In which project? It is made when the export begins."),))
        self.rows.set_empty("Asking Domino for projects.")
        self._show_name()
        self.rows.focus()
        super().on_mount()

    def _show_name(self) -> None:
        self.form.show([Field("name", "New dataset", self.name_, kind="text", empty="enter names it")])

    async def read(self) -> None:
        session = await self.context.connection.session()
        client = session.target_access.domino()
        self.post_message(self.Read(await read_projects(session), client.project))

    @on(Read)
    def _on_read(self, event: Read) -> None:
        self.projects = event.projects
        here = [one.id for one in event.projects if event.here in (one.id, one.name, one.label)]
        rows = [Row(one.id, ((Mark(plain(one.name), "strong"),), (Mark(plain(one.owner)),))) for one in event.projects]
        self.rows.set_empty("Domino has no project that you can see.")
        self.rows.set_rows(rows, cursor=here[0] if here else None)

    @on(Form.Changed)
    def _on_changed(self, event: Form.Changed) -> None:
        self.name_ = event.value
        self._show_name()

    @on(Form.Left)
    def _on_left(self) -> None:
        self.rows.focus()

    def action_rename(self) -> None:
        self.form.focus()
        self.form.edit("name")

    @on(Rows.Opened)
    def _on_opened(self, event: Rows.Opened) -> None:
        project = next(one for one in self.projects if one.id == event.key)
        name = self.name_.strip()
        if not name or _UNFIT.search(name):
            self.tell("A dataset's name has letters, digits, - and _ only: t renames it", 8)
        elif self._taken(project, name):
            self.tell(f"{plain(project.name)} has a dataset {plain(name)} already: t renames it", 8)
        else:
            self.dismiss((f"{project.label}/{name}", f"{name}  ({plain(project.name)})"))
