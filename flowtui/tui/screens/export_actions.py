"""What can be done with an export: pause, resume, cancel, copy where it is, remove it from the list."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.message import Message

from flowtui.errors import FlowtuiError
from flowtui.tui.bindings import bindings
from flowtui.tui.contents.content import Copy
from flowtui.tui.export_rows import place_words, run_words
from flowtui.tui.screens.base import BaseScreen
from flowtui.tui.screens.confirm import ConfirmScreen
from flowtui.tui.screens.copy import CopyScreen

if TYPE_CHECKING:
    from flowtui.exports import ExportRecord
    from flowtui.session import Session

_MOVING = ("running", "publishing")
_RESUMABLE = ("planned", "paused", "failed", "interrupted", "cancelled")
_CANCELLABLE = ("planned", "running", "paused", "failed", "interrupted")
_ENDED = ("done", "cancelled")


class ExportActions(BaseScreen[None]):
    """For screens with an export; a subclass says which is the :attr:`record` under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("pause", "resume", "cancel", "copy", "remove")

    class Acted(Message):
        """Something was done."""

        def __init__(self, said: str) -> None:
            super().__init__()
            self.said = said

    class Refused(Message):
        """It could not be done."""

        def __init__(self, error: FlowtuiError) -> None:
            super().__init__()
            self.error = error

    @property
    def record(self) -> ExportRecord | None:
        """The export that is meant."""
        return None

    def removed(self) -> None:
        """The export is no longer in the list."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("pause", "resume", "cancel", "copy", "remove"):
            record = self.record if self.is_mounted else None
            if record is None:
                return False
            is_here = record.id in self.context.exporting.moving
            if action == "pause":
                return record.state in _MOVING or (record.state == "planned" and is_here)
            if action == "resume":
                return record.state in _RESUMABLE and record.road == "here" and not is_here
            if action == "cancel":
                return record.state in _CANCELLABLE and not record.is_publishing
            return action == "copy" or record.state in _ENDED
        return super().check_action(action, parameters)

    @work(group="act", exit_on_error=False)
    async def _act(self, deed: Callable[[Session], Awaitable[object]], said: str) -> None:
        try:
            await deed(await self.context.connection.session())
        except FlowtuiError as error:
            self.post_message(self.Refused(error))
        else:
            self.post_message(self.Acted(said))

    @on(Acted)
    def _on_acted(self, event: Acted) -> None:
        self.tell(event.said)
        self._asked = None
        self.reload()

    @on(Refused)
    def _on_refused(self, event: Refused) -> None:
        self.show_problem(event.error, "r shows how it stands.")

    def action_pause(self) -> None:
        record = self.record
        if record is not None:
            self._act(lambda session: session.transfers.pause(record.id), "paused: R resumes it")

    def action_resume(self) -> None:
        record = self.record
        if record is not None and self.may_write("no export goes on"):
            again = "begins again" if record.state == "cancelled" else "goes on"
            self._act(lambda session: session.transfers.resume(record.id), f"it {again}")

    def action_cancel(self) -> None:
        record = self.record
        if record is None:
            return
        question = f"Cancel the export of {run_words(record)} to {place_words(record)}?"
        said = "What was copied so far is removed; nothing of it is seen in the target."
        self.app.push_screen(
            ConfirmScreen(self.context, question, said, "cancel it"), lambda yes: self._cancel(yes, record.id)
        )

    def _cancel(self, yes: bool | None, id_: str) -> None:
        if yes:
            self._act(lambda session: session.transfers.cancel(id_), "cancelled")

    def action_remove(self) -> None:
        record = self.record
        if record is not None:
            self._act(
                lambda session: asyncio.to_thread(session.journal.remove, record.id),
                "removed from the list; what it wrote stays",
            )
            self.removed()

    def action_copy(self) -> None:
        record = self.record
        if record is None:
            return
        choices = [Copy("copy_place", "place", record.place or record.target)]
        choices += [Copy("copy_uri", "URL", record.url)] if record.url else []
        choices += [Copy("copy_manifest", "manifest", record.manifest)] if record.manifest else []
        if len(choices) == 1:
            self._copy(choices[0])
        else:
            self.app.push_screen(CopyScreen(self.context, choices), self._copy)

    def _copy(self, choice: Copy | None) -> None:
        if choice is not None:
            self.app.copy_to_clipboard(choice.text)
            self.tell(f"copied {choice.text}")
