"""What can be done with the artifact or file under the cursor, on every screen that shows one."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.message import Message

from flowtui.domain.artifact import Artifact, ArtifactFile, ArtifactVersionId
from flowtui.domain.execution import ExecutionId
from flowtui.errors import FlowtuiError
from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.contents.content import Copy
from flowtui.tui.outlines import version_id
from flowtui.tui.screens.selecting import Files, Selecting
from flowtui.tui.selection import Thing, files_of
from flowtui.tui.widgets.viewer import Viewer


def uri_of(thing: Thing | None) -> str:
    """The first URI of a file or output; empty where there is none."""
    uris = getattr(thing, "uris", None) or ()
    return uris[0] if uris else ""


class FileActions(Selecting):
    """Bookmark, export, download, copy, lineage and versions of :attr:`thing` of the execution :attr:`owner`."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("versions", "compare")

    class Bookmarked(Message):
        """A bookmark was set or taken away."""

        def __init__(self, id_: ArtifactVersionId, kept: bool) -> None:
            super().__init__()
            self.id = id_
            self.kept = kept

    @property
    def thing(self) -> Thing | None:
        """The artifact, file or output under the cursor."""
        return None

    @property
    def owner(self) -> ExecutionId | None:
        """The execution that it belongs to."""
        return None

    def bookmarks_changed(self) -> None:
        """Show the new stars."""

    @property
    def under_cursor(self) -> Files:
        owner = self.owner
        return {owner: files_of(self.thing)} if owner is not None else {}

    def selection_changed(self) -> None:
        self.bookmarks_changed()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("bookmark", "copy", "lineage", "versions", "compare", "download") and self.is_mounted:
            thing = self.thing
            if action == "copy":
                return bool(uri_of(thing))
            if action == "lineage":
                return isinstance(thing, ArtifactFile)
            if action == "versions":
                return isinstance(thing, (Artifact, ArtifactFile))
            if action == "compare":
                return (
                    bool(thing.present)
                    if isinstance(thing, Artifact)
                    else isinstance(thing, ArtifactFile) and bool(thing.uris)
                )
            if action == "bookmark":
                return isinstance(thing, (Artifact, ArtifactFile))
            if isinstance(thing, Artifact):
                return thing.present > 0
            return bool(uri_of(thing))
        return super().check_action(action, parameters)

    def action_bookmark(self) -> None:
        thing, owner = self.thing, self.owner
        if owner is not None and isinstance(thing, (Artifact, ArtifactFile)):
            self._toggle_bookmark(version_id(owner, thing))

    @work(group="bookmark", exit_on_error=False)
    async def _toggle_bookmark(self, id_: ArtifactVersionId) -> None:
        try:
            session = await self.context.connection.session()
            kept = await asyncio.to_thread(session.bookmarks.toggle, id_)
        except FlowtuiError as error:
            self.post_message(self.Failed(error))
        else:
            self.post_message(self.Bookmarked(id_, kept))

    @on(Bookmarked)
    def _on_bookmarked(self, event: Bookmarked) -> None:
        known = self.context.memory.bookmarks
        (known.add if event.kept else known.discard)(event.id)
        what = plain(event.id.file or event.id.artifact)
        self.tell(f"{what} is in Bookmarks (3)" if event.kept else f"{what} is no longer in Bookmarks")
        self.bookmarks_changed()

    def action_copy(self) -> None:
        """Copy the URI, or ask what where there is a cell under the cursor of the preview."""
        uri = uri_of(self.thing)
        choices = self.focused.content.copies() if isinstance(self.focused, Viewer) else ()
        if choices:
            from flowtui.tui.screens.copy import CopyScreen

            choices += (Copy("copy_uri", "URI", uri),) if uri else ()
            self.app.push_screen(CopyScreen(self.context, choices), self._copy)
        elif uri:
            self._copy(Copy("copy_uri", "URI", uri))

    def _copy(self, choice: Copy | None) -> None:
        if choice is not None:
            self.app.copy_to_clipboard(choice.text)
            what = "" if choice.key == "copy_uri" else f"{choice.words} "
            self.tell(f"copied {what}{plain(choice.text)}" if choice.text else f"the {choice.words} is empty")

    def action_lineage(self) -> None:
        thing, owner = self.thing, self.owner
        if owner is not None and isinstance(thing, ArtifactFile):
            from flowtui.tui.screens.lineage import LineageScreen

            self.app.push_screen(LineageScreen(self.context, owner, thing))

    def action_versions(self) -> None:
        thing, owner = self.thing, self.owner
        if owner is not None and isinstance(thing, (Artifact, ArtifactFile)):
            from flowtui.tui.screens.versions import VersionsScreen

            self.app.push_screen(VersionsScreen(self.context, version_id(owner, thing)))

    def action_compare(self) -> None:
        # With which version is chosen there; the cursor begins on the one before.
        self.action_versions()

    def action_download(self) -> None:
        self.export(self.under_cursor, download=True)


__all__ = ["FileActions", "Thing", "uri_of"]
