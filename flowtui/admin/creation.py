"""Starting an execution, once, also where an answer is lost on the way."""

from __future__ import annotations

import time
from datetime import timedelta, timezone
from typing import TYPE_CHECKING

from flyteidl.admin import execution_pb2
from google.protobuf.message import Message

from flowtui.admin.failures import RETRIED_STATUSES, ConflictError, ElsewhereError, TooLargeError
from flowtui.admin.ids import execution_id
from flowtui.domain.execution import ExecutionId
from flowtui.errors import ServerError, UnreachableError

if TYPE_CHECKING:
    from flowtui.admin.client import AdminClient

_ATTEMPTS = 3
_CLOCK_SLACK = timedelta(seconds=6)


async def create(
    client: AdminClient, place: str, request: Message, wanted: ExecutionId, *, made_up: bool
) -> ExecutionId:
    """POST a request that names the execution to create, again where no answer came: the name makes that safe.

    Args:
        place: below ``/api/v1``.
        wanted: the id that the request asks for.
        made_up: nobody else can have taken that name.

    Raises:
        ConflictError: the name is taken by an execution that is not of this request.
    """
    what = f"execution {wanted}"
    begun = time.monotonic()
    for attempt in range(_ATTEMPTS):
        try:
            answer = await client.post(f"/api/v1/{place}", request, execution_pb2.ExecutionCreateResponse, what=what)
            return execution_id(answer.id) if answer.id.name else wanted
        except ConflictError:
            # After a try whose answer was lost, "exists already" may mean that it was this very request.
            if attempt == 0 or not (made_up or await _is_new(client, wanted, time.monotonic() - begun)):
                raise
            return wanted
        except ServerError as error:
            # An answer that says yes and cannot be read is as good as lost.
            lost = isinstance(error, UnreachableError) or (isinstance(error, ElsewhereError) and not error.status)
            passing = lost or error.status in RETRIED_STATUSES
            if attempt == _ATTEMPTS - 1 or not passing or isinstance(error, TooLargeError):
                raise
            await client.pause(attempt)
    raise AssertionError("the last attempt returns or raises")


async def _is_new(client: AdminClient, id_: ExecutionId, seconds: float) -> bool:
    """Whether an execution was created within the last seconds, by the server's own clock."""
    created = (await client.get_execution(id_)).closure.created_at.ToDatetime(tzinfo=timezone.utc)
    return bool(created >= client.server_now() - timedelta(seconds=seconds) - _CLOCK_SLACK)
