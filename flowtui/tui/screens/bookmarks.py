"""The third place: artifact versions and files that the person keeps."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.message import Message

from flowtui.domain.artifact import ArtifactFile, ArtifactVersionId, RunArtifacts
from flowtui.errors import FlowtuiError
from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.export_rows import exported_words
from flowtui.tui.exporting import read_exported
from flowtui.tui.formatting import Cell, Mark, when_mark
from flowtui.tui.screens.place import Entry, Place
from flowtui.tui.screens.run import RunScreen, cursor_key
from flowtui.tui.screens.selecting import Files, Selecting
from flowtui.tui.selection import Picked
from flowtui.tui.widgets.columns import Column, Row
from flowtui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from datetime import datetime

    from flowtui.catalog.bookmarks import Bookmark
    from flowtui.tui.exporting import Exported


def files_of_version(run: RunArtifacts, id_: ArtifactVersionId) -> tuple[ArtifactFile, ...]:
    """The files that a bookmark is on."""
    of_version = (file for file in run.files if (file.artifact, file.type) == (id_.artifact, id_.type))
    return tuple(file for file in of_version if not id_.file or (file.file, file.node) == (id_.file, id_.node))


def bookmark_key(id_: ArtifactVersionId) -> str:
    """The key of a bookmark's row."""
    return "\0".join((str(id_.execution), id_.type, id_.artifact, id_.file, id_.node))


class BookmarksScreen(Selecting, Place):
    """Bookmarks, newest first; ``enter`` opens the run there."""

    place = "bookmarks"
    columns = (
        Column("type", least=6, most=8, leave=2),
        Column("artifact", least=14, most=40),
        Column("file", least=10, most=40),
        Column("run", least=12, most=40),
        Column("kept", least=11, leave=4),
        Column("exported", least=12, most=40, leave=3),
        Column("note", least=6, most=40, leave=6, extra=True),
    )
    filter_fields = frozenset({"type", "artifact", "file", "run"})
    filter_hint = "filter: words, type:data, run:7f2"
    BINDINGS: ClassVar[list[BindingType]] = bindings("bookmark", "versions", "compare", bookmark="take away")

    class Read(Message):
        """The bookmarks were read."""

        def __init__(self, bookmarks: tuple[Bookmark, ...], exported: Exported) -> None:
            super().__init__()
            self.bookmarks = bookmarks
            self.exported = exported

    class Found(Message):
        """The files of a bookmark are known; ``selects``: they are to be selected, else exported."""

        def __init__(self, files: Files, selects: bool) -> None:
            super().__init__()
            self.files = files
            self.selects = selects

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
        kept = await asyncio.to_thread(session.bookmarks.list)
        ids = [bookmark.id for bookmark in kept]
        self.post_message(self.Read(kept, await read_exported(session, ids)))

    @on(Read)
    def _on_read(self, event: Read) -> None:
        self.kept = {bookmark_key(bookmark.id): bookmark for bookmark in event.bookmarks}
        self.context.memory.bookmarks = {bookmark.id for bookmark in event.bookmarks}
        self.context.memory.exported.update(event.exported)
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
                    self._file(id_),
                    (Mark(plain(id_.execution.name)),),
                    (when_mark(bookmark.created_at, now),),
                    self._exported(id_, now),
                    (Mark(plain(getattr(bookmark, "note", "")), "dim"),),
                ),
                picked=self._picked(id_),
            )
            values = {
                "type": id_.type,
                "artifact": plain(id_.artifact),
                "file": plain(id_.file),
                "run": plain(id_.execution.name),
            }
            found.append(Entry(row, values))
        return found

    def _file(self, id_: ArtifactVersionId) -> Cell:
        """The file as its run tells it apart, where that was read; else with its node, where its name is here twice."""
        if not id_.file:
            return (Mark("all files", "dim"),)
        known = self.context.memory.artifacts.get(id_.execution)
        apart = next((file.distinction for file in files_of_version(known, id_)), "") if known else ""
        if not apart and any(replace(one.id, node=id_.node) == id_ != one.id for one in self.kept.values()):
            apart = f"node {id_.node}"
        return Mark(plain(id_.file)), Mark(f" ({plain(apart)})" if apart else "", "dim")

    def _exported(self, id_: ArtifactVersionId, now: datetime) -> Cell:
        record = self.context.memory.exported.get(id_)
        return (Mark(exported_words(record, now, self.signs), "good"),) if record else ()

    def _picked(self, id_: ArtifactVersionId) -> Picked:
        """As far as the run was read, which it was where something of it is selected."""
        known = self.context.memory.artifacts.get(id_.execution)
        return self.context.selection.picked(id_.execution, files_of_version(known, id_)) if known else ""

    def selection_changed(self) -> None:
        self.show_rows()

    def action_select(self) -> None:
        self._find(selects=True)

    def action_export(self) -> None:
        selected = self.context.selection.files
        if selected:
            self.export(selected)
        else:
            self._find(selects=False)

    def _find(self, *, selects: bool) -> None:
        bookmark = self.kept.get(self.rows.cursor_key)
        if bookmark is not None:
            self._find_files(bookmark.id, selects)

    @work(group="find", exclusive=True, exit_on_error=False)
    async def _find_files(self, id_: ArtifactVersionId, selects: bool) -> None:
        """Read the run of a bookmark, unless it is known, for the files that are meant."""
        memory = self.context.memory
        known = memory.artifacts.get(id_.execution)
        try:
            if known is None or not known.complete or not known.execution.is_terminal:
                session = await self.context.connection.session()
                known = await session.catalog.artifacts(id_.execution)
                memory.keep(known)
        except FlowtuiError as error:
            self.post_message(self.Failed(error))
            return
        self.post_message(self.Found({id_.execution: files_of_version(known, id_)}, selects))

    @on(Found)
    def _on_found(self, event: Found) -> None:
        if not any(file.uris for files in event.files.values() for file in files):
            self.tell("None of its files exists.")
        elif event.selects:
            for run, files in event.files.items():
                self.context.selection.toggle(run, files)
            self._changed()
        else:
            self.export(event.files)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("select", "export"):
            return self.is_mounted and self.rows.cursor_key in self.kept
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
