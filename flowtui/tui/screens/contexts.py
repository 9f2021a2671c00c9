"""The contexts of the configuration, to see another server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from textual import on
from textual.message import Message

from flowtui.config import ContextEntry
from flowtui.text import plain
from flowtui.tui.context import Context, Servers
from flowtui.tui.formatting import Mark
from flowtui.tui.screens.place import Entry, Place
from flowtui.tui.widgets.columns import Column, Row
from flowtui.tui.widgets.rows import Rows


class ContextsScreen(Place):
    """Every context that can be chosen; ``enter`` sees its server."""

    place = "contexts"
    columns = (
        Column("context", least=10, most=24),
        Column("server", least=16, most=48),
        Column("project", least=8, most=30, leave=2),
        Column("domain", least=8, most=24, leave=3),
        Column("from", least=10, most=60, leave=4),
    )
    filter_fields = frozenset({"context", "server", "project", "domain"})

    class Read(Message):
        """The configuration was read."""

        def __init__(self, contexts: tuple[ContextEntry, ...]) -> None:
            super().__init__()
            self.contexts = contexts

    def __init__(self, context: Context, servers: Servers, choose: Callable[[str], None]) -> None:
        super().__init__(context)
        self._servers = servers
        self._choose = choose
        self.contexts: tuple[ContextEntry, ...] = ()

    async def read(self) -> None:
        self.post_message(self.Read(await asyncio.to_thread(self._servers.contexts)))

    @on(Read)
    def _on_read(self, event: Read) -> None:
        self.contexts = event.contexts
        self.show_rows()

    def waiting(self) -> str:
        return "Reading the configuration."

    def entries(self) -> list[Entry]:
        found = []
        for one in self.contexts:
            settings = self.context.settings
            here = one.name == settings.context or (not settings.context and one.endpoint == settings.endpoint)
            here = here and not one.problem
            server = urlsplit(one.endpoint).netloc + urlsplit(one.endpoint).path if one.endpoint else "this machine"
            texts = {
                "context": plain(one.name),
                "server": "" if one.problem else plain(server),
                "project": plain(one.project),
                "domain": plain(one.domain),
            }
            cells = (
                (Mark(texts["context"], "accent" if here else "strong"), Mark(" *" if here else "", "accent")),
                (Mark(texts["server"]),),
                (Mark(texts["project"]),),
                (Mark(texts["domain"]),),
                (Mark(plain(one.source), "dim"),),
            )
            note = (Mark(plain(one.problem), "bad"),) if one.problem else ()
            found.append(Entry(Row(one.name, cells, note=note), texts))
        return found

    @on(Rows.Opened)
    def _on_opened(self, event: Rows.Opened) -> None:
        self._choose(event.key)
