"""Projects and domains, where none is chosen yet."""

from __future__ import annotations

from dataclasses import replace

from textual import on
from textual.message import Message

from flowtui.domain.execution import Project
from flowtui.text import plain
from flowtui.tui.context import Context
from flowtui.tui.formatting import Mark
from flowtui.tui.screens.place import Entry, Place
from flowtui.tui.widgets.columns import Column, Row
from flowtui.tui.widgets.rows import Rows


class ProjectsScreen(Place):
    """Every project with every domain of it; ``enter`` shows the runs there."""

    place = "projects"
    columns = (
        Column("project", least=12, most=40),
        Column("domain", least=8, most=24),
        Column("description", least=10, most=70, leave=2, sentence=True),
    )
    filter_fields = frozenset({"project", "domain"})

    class Read(Message):
        """The projects were read."""

        def __init__(self, projects: tuple[Project, ...]) -> None:
            super().__init__()
            self.projects = projects

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.projects: tuple[Project, ...] = ()
        self._choices: dict[str, tuple[str, str]] = {}

    async def read(self) -> None:
        session = await self.context.connection.session()
        self.post_message(self.Read(await session.catalog.projects()))

    @on(Read)
    def _on_read(self, event: Read) -> None:
        self.projects = event.projects
        self.show_rows()

    def empty(self) -> tuple[str, ...]:
        return (f"{self.context.server} shows no project.", "flowtui -p PROJECT names one that is not listed.")

    def entries(self) -> list[Entry]:
        found = []
        self._choices = {}
        for project in self.projects:
            for domain in project.domains:
                key = f"{project.id}\0{domain}"
                self._choices[key] = (project.id, domain)
                name, said = Mark(plain(project.id), "strong"), Mark(plain(project.description), "dim")
                cells = ((name,), (Mark(plain(domain)),), (said,))
                found.append(Entry(Row(key, cells), {"project": plain(project.id), "domain": plain(domain)}))
        return found

    @on(Rows.Opened)
    def _on_opened(self, event: Rows.Opened) -> None:
        project, domain = self._choices[event.key]
        self.context.settings = replace(self.context.settings, project=project, domain=domain)
        self.dismiss()
