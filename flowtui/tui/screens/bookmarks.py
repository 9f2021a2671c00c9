"""The third place: artifact versions and files that the person keeps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.message import Message

from flowtui.domain.artifact import ArtifactVersionId
from flowtui.errors import FlowtuiError
from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.formatting import Mark, when_mark
from flowtui.tui.screens.place import Entry, Place
from flowtui.tui.screens.run import RunScreen, cursor_key
from flowtui.tui.widgets.columns import Column, Row
from flowtui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from flowtui.catalog.bookmarks import Bookmark


def bookmark_key(id_: ArtifactVersionId) -> str:
    """The key of a bookmark's row."""
    return "\0".join((str(id_.execution), id_.type, id_.artifact, id_.file, id_.node))


class BookmarksScreen(Place):
    """Bookmarks, newest first; ``enter`` opens the run there."""

    place = "bookmarks"
    columns = (
        Column("type", least=6, most=8, leave=2),
        Column("artifact", least=14, most=40),
        Column("file", least=10, most=40),
        Column("run", least=12, most=40),
        Column("kept", least=11, leave=3),
        Column("note", least=6, most=40, leave=6, extra=True),
    )
    filter_fields = frozenset({"type", "artifact", "file", "run"})
    filter_hint = "filter: words, type:data, run:7f2"
    BINDINGS: ClassVar[list[BindingType]] = bindings("bookmark", "versions", "compare", bookmark="take away")

    class Read(Message):
        """The bookmarks were read."""

        def __init__(self, bookmarks: tuple[Bookmark, ...]) -> None:
            super().__init__()
            self.bookmarks = bookmarks

    class Removed(Message):
        """A bookmark was taken away."""

        def __init__(self, id_: ArtifactVersionId) -> None:
            super().__init__()
            self.id = id_

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.kept: dict[str, Bookmark] = {}

    async def read(self) -> None:
        session = await self.context.connection.session()
        self.post_message(self.Read(await asyncio.to_thread(session.bookmarks.list)))

    @on(Read)
    def _on_read(self, event: Read) -> None:
        self.kept = {bookmark_key(bookmark.id): bookmark for bookmark in event.bookmarks}
        self.context.memory.bookmarks = {bookmark.id for bookmark in event.bookmarks}
        self.show_rows()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self._answered is not None:
            self.reload()

    def waiting(self) -> str:
        return "Reading the bookmarks."

    def empty(self) -> tuple[str, ...]:
        return ("No bookmarks yet.", "b on an artifact or a file of it keeps it here.")

    def entries(self) -> list[Entry]:
        now = self.context.now()
        found = []
        for key, bookmark in self.kept.items():
            id_ = bookmark.id
            row = Row(
                key,
                (
                    (Mark(plain(id_.type).upper(), "accent"),),
                    (Mark(plain(id_.artifact), "strong"),),
                    (Mark(plain(id_.file)) if id_.file else Mark("all files", "dim"),),
                    (Mark(plain(id_.execution.name)),),
                    (when_mark(bookmark.created_at, now),),
                    (Mark(plain(getattr(bookmark, "note", "")), "dim"),),
                ),
            )
            values = {
                "type": id_.type,
                "artifact": plain(id_.artifact),
                "file": plain(id_.file),
                "run": plain(id_.execution.name),
            }
            found.append(Entry(row, values))
        return found

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "bookmark":
            return self.is_mounted and self.rows.cursor_key in self.kept
        if action in ("versions", "compare"):
            bookmark = self.kept.get(self.rows.cursor_key) if self.is_mounted else None
            return bookmark is not None
        return super().check_action(action, parameters)

    @on(Rows.Opened)
    def _on_opened(self, event: Rows.Opened) -> None:
        id_ = self.kept[event.key].id
        known = self.context.memory.artifacts.get(id_.execution)
        self.app.push_screen(RunScreen(self.context, id_.execution, cursor_key(id_, known)))

    def action_bookmark(self) -> None:
        bookmark = self.kept.get(self.rows.cursor_key)
        if bookmark is not None:
            self._remove(bookmark.id)

    def action_versions(self) -> None:
        from flowtui.tui.screens.versions import VersionsScreen

        bookmark = self.kept.get(self.rows.cursor_key)
        if bookmark is not None:
            self.app.push_screen(VersionsScreen(self.context, bookmark.id))

    def action_compare(self) -> None:
        self.action_versions()

    @work(group="bookmark", exit_on_error=False)
    async def _remove(self, id_: ArtifactVersionId) -> None:
        try:
            session = await self.context.connection.session()
            await asyncio.to_thread(session.bookmarks.remove, id_)
        except FlowtuiError as error:
            self.post_message(self.Failed(error))
        else:
            self.post_message(self.Removed(id_))

    @on(Removed)
    def _on_removed(self, event: Removed) -> None:
        self.kept.pop(bookmark_key(event.id), None)
        self.context.memory.bookmarks.discard(event.id)
        self.tell(f"{plain(event.id.file or event.id.artifact)} is no longer in Bookmarks")
        self.show_rows()
