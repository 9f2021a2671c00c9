"""One call of a service: its handler in a transaction, then the launcher. REST and gRPC answer through this."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flyteidl.admin import event_pb2 as admin_event_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.event import event_pb2

from flowtui.domain.execution import ExecutionId
from flowtui.errors import FlowtuiError
from flowtui.local.call import Admin, Call, Handler, from_nanos
from flowtui.local.events import create_workflow_event
from flowtui.local.status import UNIMPLEMENTED, AdminError, database

_WITH_LOGIN = ("flyteidl.service.AuthMetadataService", "flyteidl.service.IdentityService")
"""Services that Admin has only where there is a login."""

Launcher = Callable[[ExecutionId], None]


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Answers calls of Flyte's services.

    Attributes:
        handlers: by the name of the RPC.
        launcher: called with the id of an execution that was created, relaunched or recovered, after the commit.
    """

    admin: Admin
    handlers: Mapping[str, Handler]
    launcher: Launcher | None = None

    def handler(self, service: str, rpc: str) -> Handler:
        """The handler of an RPC.

        Args:
            service: the full name of the service.

        Raises:
            AdminError: there is none.
        """
        found = self.handlers.get(rpc)
        if found is None:
            unknown = f"method {rpc} for service" if service not in _WITH_LOGIN else "service"
            raise AdminError(UNIMPLEMENTED, f"unknown {unknown} {service}")
        return found

    def answer(self, handler: Handler, request: Any, base_url: str, *, writes: bool) -> Any:
        """Run a handler, in a transaction of its own, and have what it created run.

        Args:
            base_url: scheme, host and path prefix of the REST port, for URLs in answers.
            writes: the handler may change something.

        Raises:
            AdminError: the request is refused.
        """
        store = self.admin.store
        try:
            with store.write() if writes else store.read() as db:
                call = Call(self.admin, db, base_url)
                answer = handler(call, request)
        except sqlite3.Error as error:
            raise database(str(error)) from error
        if self.launcher is not None:
            for execution in call.launched:
                self._launch(self.launcher, execution)
        return answer

    def _launch(self, launcher: Launcher, execution: ExecutionId) -> None:
        """Have the execution run; where that fails it is kept as FAILED, as Admin does."""
        try:
            launcher(execution)
        except (FlowtuiError, OSError) as error:
            event = event_pb2.WorkflowExecutionEvent(phase=core_execution_pb2.WorkflowExecution.FAILED)
            identifier = event.execution_id
            identifier.project, identifier.domain, identifier.name = execution.project, execution.domain, execution.name
            event.occurred_at.CopyFrom(from_nanos(self.admin.clock()))
            event.error.code, event.error.kind = "RunnerNotStarted", core_execution_pb2.ExecutionError.SYSTEM
            event.error.message = f"The runner could not be started: {error}"
            with self.admin.store.write() as db:
                request = admin_event_pb2.WorkflowExecutionEventRequest(event=event)
                create_workflow_event(Call(self.admin, db, ""), request)
