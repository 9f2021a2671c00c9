"""Re-run and terminate, asked first."""

from __future__ import annotations

from textual import on, work
from textual.message import Message

from flowtui.domain.execution import Execution, ExecutionId
from flowtui.errors import FlowtuiError
from flowtui.text import plain
from flowtui.tui.screens.base import BaseScreen
from flowtui.tui.screens.confirm import ConfirmScreen


class Steering(BaseScreen[None]):
    """For screens with a run: ``R`` and ``ctrl+x`` on :attr:`steered`."""

    class Steered(Message):
        """The server took an order."""

        def __init__(self, done: str) -> None:
            super().__init__()
            self.done = done

    class Refused(Message):
        """The server did not take an order."""

        def __init__(self, error: FlowtuiError) -> None:
            super().__init__()
            self.error = error

    @property
    def steered(self) -> Execution | None:
        """The run that is meant."""
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("rerun", "terminate") and self.is_mounted:
            run = self.steered
            return run is not None and (action != "terminate" or not run.is_terminal)
        return super().check_action(action, parameters)

    def action_rerun(self) -> None:
        run = self.steered
        if run is None or not self.may_write("no run is started"):
            return
        question = f"Re-run {plain(run.id.name)} with the same Launch Inputs?"
        said = f"A new run of {plain(run.workflow.name)} {plain(run.workflow.version)} starts on {self.context.server}."
        self.app.push_screen(
            ConfirmScreen(self.context, question, said, "re-run"), lambda yes: self._steer(yes, run.id, True)
        )

    def action_terminate(self) -> None:
        run = self.steered
        if run is None or not self.may_write("no run is terminated"):
            return
        question = f"Terminate {plain(run.id.name)}?"
        said = "Its nodes are stopped; files that are there stay. This cannot be taken back."
        self.app.push_screen(
            ConfirmScreen(self.context, question, said, "terminate"), lambda yes: self._steer(yes, run.id, False)
        )

    def _steer(self, yes: bool | None, id_: ExecutionId, again: bool) -> None:
        if yes:
            (self._rerun if again else self._terminate)(id_)

    @work(group="steer", exit_on_error=False)
    async def _rerun(self, id_: ExecutionId) -> None:
        try:
            session = await self.context.connection.session()
            new = await session.catalog.relaunch(id_)
        except FlowtuiError as error:
            self.post_message(self.Refused(error))
        else:
            self.post_message(self.Steered(f"{new.name} starts"))

    @work(group="steer", exit_on_error=False)
    async def _terminate(self, id_: ExecutionId) -> None:
        try:
            session = await self.context.connection.session()
            await session.catalog.terminate(id_, "terminated in flowtui")
        except FlowtuiError as error:
            self.post_message(self.Refused(error))
        else:
            self.post_message(self.Steered(f"{id_.name} is being terminated"))

    @on(Steered)
    def _on_steered(self, event: Steered) -> None:
        self.tell(plain(event.done))
        self._asked = None
        self.reload()

    @on(Refused)
    def _on_refused(self, event: Refused) -> None:
        self.show_problem(event.error, "r shows how it stands.")
