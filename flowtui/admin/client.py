"""Flyte Admin's endpoints, one method each; what comes out are flyteidl's messages."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import TypeVar
from urllib.parse import quote

from flyteidl.admin import (
    execution_pb2,
    node_execution_pb2,
    project_pb2,
    task_execution_pb2,
    task_pb2,
    version_pb2,
    workflow_pb2,
)
from flyteidl.core import literals_pb2
from flyteidl.service import dataproxy_pb2
from google.protobuf import empty_pb2
from google.protobuf.message import Message

from flowtui.admin.connection import Connection
from flowtui.admin.creation import create
from flowtui.admin.failures import RETRIED_STATUSES, ElsewhereError
from flowtui.admin.ids import entity_name, entity_parts, execution_message, execution_parts, new_name
from flowtui.admin.paging import Pager, all_pages
from flowtui.admin.wire import M, path
from flowtui.domain.execution import EntityId, ExecutionId, NodeId
from flowtui.domain.signed import SignedUrl
from flowtui.errors import NotFoundError, ServerError
from flowtui.httpclient import httpx
from flowtui.permission import EVERYTHING, Permission

C = TypeVar("C", bound="AdminClient")

NODE_PAGE = 1000
"""Node executions per page: about 300 kB, far below what a gateway can send."""

_PAGE = 100


class AdminClient:
    """A client of one Flyte Admin; use it as ``async with AdminClient(url) as client``.

    Every method raises NotFoundError, AuthError, ServerError (with TooLargeError, ConflictError and BadRequestError of
    ``flowtui.admin.failures`` below it) or UnreachableError. Reads are tried again after 5xx, 429 and timeouts; writes
    are sent once, except where a name makes them idempotent.

    Args:
        base_url: address of Flyte Admin with its path prefix, such as ``https://host/flows``.
        headers: sent with every request; never shown.
        auth, verify, proxy: credentials, TLS and proxy, as for ``Connection``.
        transport: what carries the requests, such as ``httpx.ASGITransport``; the network where None.
        timeout: seconds for one answer, from request to last byte, repetitions included.
        concurrency: requests at one time.
        retry_delay: seconds before the first retry of a read; doubled each time, with jitter.
        name: what messages call the server; its address where empty.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
        verify: ssl.SSLContext | bool = True,
        proxy: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 30.0,
        concurrency: int = 16,
        retry_delay: float = 0.2,
        name: str = "",
        permission: Permission = EVERYTHING,
    ) -> None:
        self._connection = Connection(
            base_url,
            headers=headers,
            auth=auth,
            verify=verify,
            proxy=proxy,
            transport=transport,
            timeout=timeout,
            concurrency=concurrency,
            retry_delay=retry_delay,
            name=name,
            permission=permission,
        )

    async def __aenter__(self: C) -> C:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connection.aclose()

    def __repr__(self) -> str:
        return f"AdminClient({self.base_url!r})"

    @property
    def connection(self) -> Connection:
        """What carries the requests."""
        return self._connection

    @property
    def base_url(self) -> str:
        """The address of the server, without user and password."""
        return self._connection.base_url

    @property
    def calls(self) -> int:
        """Requests sent so far, retries included."""
        return self._connection.calls

    @property
    def server_time(self) -> datetime | None:
        """When the last answer was given, by the server's own clock; None where none said."""
        return self._connection.server_time

    @property
    def skew(self) -> timedelta:
        """How much the server's clock is ahead of this machine's, as its last answer told."""
        return self._connection.skew

    def server_now(self) -> datetime:
        """The time by the server's clock, which its timestamps are to be compared with."""
        return self._connection.server_now()

    @property
    def bytes_read(self) -> int:
        """Bytes of all answers as they came over the wire."""
        return self._connection.bytes_read

    async def pause(self, attempt: int) -> None:
        """Wait before something is tried again, longer each time."""
        await self._connection.pause(attempt)

    async def get(self, path_: str, params: Mapping[str, str] | None, message_type: type[M], *, what: str = "") -> M:
        """GET one message. ``path_`` is percent-encoded and starts with ``/`` (see ``wire.path``)."""
        return await self._connection.read(path_, params or {}, message_type, what=what)

    async def post(self, path_: str, message: Message, answer_type: type[M], *, what: str = "") -> M:
        """POST one message, once."""
        return await self._connection.write("POST", path_, message, answer_type, what=what)

    async def put(self, path_: str, message: Message, answer_type: type[M], *, what: str = "") -> M:
        """PUT one message, once."""
        return await self._connection.write("PUT", path_, message, answer_type, what=what)

    async def delete(self, path_: str, message: Message, answer_type: type[M], *, what: str = "") -> M:
        """DELETE with a body, once."""
        return await self._connection.write("DELETE", path_, message, answer_type, what=what)

    async def version(self) -> str:
        """The version of Flyte Admin, ``unknown`` where the build does not say or is very old.

        Raises:
            ElsewhereError: there is no Flyte Admin of version 1 at this address (Flyte 2 speaks another protocol).
        """
        return str((await self._version()).Version) or "unknown"

    async def is_flowtui(self) -> bool:
        """Whether the server is ``flowtui serve``. Raises as :meth:`version`."""
        return bool((await self._version()).Build == "flowtui")

    async def _version(self) -> version_pb2.Version:
        try:
            answer = await self.get(path("version"), None, version_pb2.GetVersionResponse, what="the version")
        except NotFoundError:
            # Flyte's gateway, of a time before versions were told.
            return version_pb2.Version()
        except ElsewhereError as error:
            if error.status != 404:
                raise
            hint = f"{error.hint} Flyte 2 speaks another protocol, which flowtui does not read."
            raise ElsewhereError(
                f"There is no Flyte Admin (Flyte 1) at {self._connection.name}.", hint, status=404
            ) from error
        if not answer.HasField("control_plane_version"):
            raise self._hollow("the version")
        return answer.control_plane_version

    async def healthcheck(self) -> None:
        """Ask whether the server is there; raises where it is not."""
        await self.get("/healthcheck", None, empty_pb2.Empty, what="health check")

    async def list_projects(self) -> list[project_pb2.Project]:
        """All projects that are not archived."""
        answer = await self.get(path("projects"), None, project_pb2.Projects, what="the projects")
        return list(answer.projects)

    async def get_execution(self, id_: ExecutionId) -> execution_pb2.Execution:
        """One execution, with its whole error."""
        what = f"execution {id_}"
        found = await self.get(path("executions", *execution_parts(id_)), None, execution_pb2.Execution, what=what)
        return self._named(found, found.id.name, id_.name, what)

    async def list_executions(
        self,
        project: str,
        domain: str,
        *,
        limit: int,
        token: str = "",
        filters: Sequence[str] = (),
        sort_key: str = "execution_created_at",
        descending: bool = True,
    ) -> execution_pb2.ExecutionList:
        """One page of executions, newest first unless told otherwise.

        Args:
            limit: rows of the page; fewer come where that is more than the server can send.
            token: of the page before.
            filters: such as ``eq(phase,FAILED)``, joined by AND.
            sort_key: a column of executions; ``execution_created_at`` is the one with an index.
        """
        params = {"sort_by.key": sort_key, "sort_by.direction": "DESCENDING" if descending else "ASCENDING"}
        if filters:
            params["filters"] = "+".join(filters)

        async def fetch(limit: int, token: str) -> execution_pb2.ExecutionList:
            page = {**params, "limit": str(limit), **({"token": token} if token else {})}
            return await self.get(
                path("executions", project, domain),
                page,
                execution_pb2.ExecutionList,
                what=f"the executions of {project}/{domain}",
            )

        return await Pager(fetch, limit).page(token)

    async def get_execution_data(self, id_: ExecutionId) -> execution_pb2.WorkflowExecutionGetDataResponse:
        """Inputs and outputs of an execution."""
        return await self.get(
            path("data", "executions", *execution_parts(id_)),
            None,
            execution_pb2.WorkflowExecutionGetDataResponse,
            what=f"data of execution {id_}",
        )

    async def list_node_executions(self, id_: ExecutionId, parent: str = "") -> list[node_execution_pb2.NodeExecution]:
        """All node executions of one level, oldest first, start and end nodes included.

        An execution that does not exist gives an empty list; an unknown parent is a NotFoundError. Errors in the
        rows are cut to 100 characters by the server.

        Args:
            parent: id of the parent node execution; empty for the top level.
        """
        params = {"sort_by.key": "created_at", "sort_by.direction": "ASCENDING"}
        if parent:
            params["unique_parent_id"] = parent

        async def fetch(limit: int, token: str) -> node_execution_pb2.NodeExecutionList:
            page = {**params, "limit": str(limit), **({"token": token} if token else {})}
            return await self.get(
                path("node_executions", *execution_parts(id_)),
                page,
                node_execution_pb2.NodeExecutionList,
                what=f"the nodes of execution {id_}",
            )

        return await all_pages(fetch, lambda page: page.node_executions, lambda row: row.id.node_id, NODE_PAGE)

    async def get_node_execution(self, id_: NodeId) -> node_execution_pb2.NodeExecution:
        """One node execution, with its whole error."""
        what = f"node {id_.node} of execution {id_.execution}"
        found = await self.get(
            path("node_executions", *execution_parts(id_.execution), id_.node),
            None,
            node_execution_pb2.NodeExecution,
            what=what,
        )
        return self._named(found, found.id.node_id, id_.node, what)

    async def get_node_data(self, id_: NodeId) -> node_execution_pb2.NodeExecutionGetDataResponse:
        """Inputs and outputs of a node execution, and the closure of a dynamic one."""
        return await self.get(
            path("data", "node_executions", *execution_parts(id_.execution), id_.node),
            None,
            node_execution_pb2.NodeExecutionGetDataResponse,
            what=f"data of node {id_.node} of execution {id_.execution}",
        )

    async def get_output(self, id_: NodeId, variable: str) -> literals_pb2.Literal:
        """One output of a node, for nodes whose data is larger than the server can send."""
        url = f"flyte://v1/{id_.execution}/{id_.node}/o/{variable}"
        answer = await self.get(
            path("data"),
            {"flyte_url": url},
            dataproxy_pb2.GetDataResponse,
            what=f"output {variable} of node {id_.node} of execution {id_.execution}",
        )
        return answer.literal

    async def get_data(self, flyte_url: str) -> dataproxy_pb2.GetDataResponse:
        """What a ``flyte://v1/...`` reference names: literals, one of them, or signed URLs of a deck."""
        return await self.get(
            path("data"), {"flyte_url": flyte_url}, dataproxy_pb2.GetDataResponse, what=f"what {flyte_url} names"
        )

    async def get_dynamic_workflow(self, id_: NodeId) -> node_execution_pb2.DynamicNodeWorkflowResponse:
        """The closure that a dynamic node compiled; NotFoundError where there is none."""
        return await self.get(
            path("node_executions", *execution_parts(id_.execution), id_.node, "dynamic_workflow"),
            None,
            node_execution_pb2.DynamicNodeWorkflowResponse,
            what=f"dynamic workflow of node {id_.node} of execution {id_.execution}",
        )

    async def list_task_executions(self, id_: NodeId) -> list[task_execution_pb2.TaskExecution]:
        """The attempts of a node, in order, with whole errors."""

        async def fetch(limit: int, token: str) -> task_execution_pb2.TaskExecutionList:
            return await self.get(
                path("task_executions", *execution_parts(id_.execution), id_.node),
                {"limit": str(limit), **({"token": token} if token else {})},
                task_execution_pb2.TaskExecutionList,
                what=f"the attempts of node {id_.node} of execution {id_.execution}",
            )

        found = await all_pages(
            fetch,
            lambda page: page.task_executions,
            lambda row: (row.id.task_id.name, row.id.task_id.version, row.id.retry_attempt),
            _PAGE,
        )
        return sorted(found, key=lambda row: row.id.retry_attempt)

    async def get_workflow(self, id_: EntityId) -> workflow_pb2.Workflow:
        """One version of a workflow with its compiled closure: tasks, sub-workflows, bindings."""
        what = f"workflow {entity_name(id_)}"
        found = await self.get(path("workflows", *entity_parts(id_)), None, workflow_pb2.Workflow, what=what)
        return self._named(found, found.id.name, id_.name, what)

    async def get_task(self, id_: EntityId) -> task_pb2.Task:
        """One version of a task."""
        if "/" not in id_.name + id_.version:
            what = f"task {entity_name(id_)}"
            found = await self.get(path("tasks", *entity_parts(id_)), None, task_pb2.Task, what=what)
            return self._named(found, found.id.name, id_.name, what)
        # The gateway reads an encoded slash as a separator, so that such a name is found by a list only.
        filters = [f"eq(name,{id_.name})", f"eq(version,{id_.version})"]
        listed = await self.list_tasks(id_.project, id_.domain, filters=filters)
        if not listed:
            raise NotFoundError(f"There is no task {entity_name(id_)} on {self._connection.name}.")
        return listed[0]

    async def list_tasks(self, project: str, domain: str, *, filters: Iterable[str] = ()) -> list[task_pb2.Task]:
        """All tasks that meet the filters, with their templates."""
        params = {"sort_by.key": "created_at", "sort_by.direction": "ASCENDING", "filters": "+".join(filters)}

        async def fetch(limit: int, token: str) -> task_pb2.TaskList:
            page = {**params, "limit": str(limit), **({"token": token} if token else {})}
            return await self.get(
                path("tasks", project, domain), page, task_pb2.TaskList, what=f"the tasks of {project}/{domain}"
            )

        return await all_pages(fetch, lambda page: page.tasks, lambda row: (row.id.name, row.id.version), _PAGE)

    async def create_execution(self, request: execution_pb2.ExecutionCreateRequest) -> ExecutionId:
        """Start an execution; a request without a name gets one, so that a repetition cannot start a second."""
        own = request.name
        if not own:
            named = execution_pb2.ExecutionCreateRequest()
            named.CopyFrom(request)
            named.name = new_name()
            request = named
        wanted = ExecutionId(request.project, request.domain, request.name)
        return await create(self, "executions", request, wanted, made_up=not own)

    async def relaunch(self, id_: ExecutionId, name: str = "", *, overwrite_cache: bool = False) -> ExecutionId:
        """Start an execution with the inputs of another, under a new name.

        Raises:
            ConflictError: the name is taken.
        """
        request = execution_pb2.ExecutionRelaunchRequest(
            id=execution_message(id_), name=name or new_name(), overwrite_cache=overwrite_cache
        )
        wanted = ExecutionId(id_.project, id_.domain, request.name)
        return await create(self, "executions/relaunch", request, wanted, made_up=not name)

    def _named(self, message: M, found: str, wanted: str, what: str) -> M:
        """The message, where it is what was asked for: a damaged one may read as an empty one, or be another's."""
        if found != wanted:
            raise self._hollow(what)
        return message

    def _hollow(self, what: str) -> ServerError:
        return ServerError(f"{self._connection.name} answered about {what} with something else.", "Try again.")

    async def terminate(self, id_: ExecutionId, cause: str) -> None:
        """Ask the engine to stop an execution; twice is fine, an ended one is a BadRequestError."""
        request = execution_pb2.ExecutionTerminateRequest(id=execution_message(id_), cause=cause)
        await self.delete(
            path("executions", *execution_parts(id_)),
            request,
            execution_pb2.ExecutionTerminateResponse,
            what=f"execution {id_}",
        )

    async def sign(self, native_url: str, expires_in: timedelta = timedelta(minutes=10)) -> SignedUrl:
        """A URL that reads an object of Admin's own store; whether the object exists is not checked.

        Args:
            native_url: the URI as the literal holds it; its key is quoted here, since Admin parses it as a URL.
            expires_in: at most what the server allows (an hour by default).
        """
        scheme, separator, rest = native_url.partition("://")
        quoted = f"{scheme}{separator}{quote(rest, safe='/')}" if separator else native_url
        answer = await self._connection.read(
            path("dataproxy", "artifact_urn"),
            {"native_url": quoted, "expires_in": f"{int(expires_in.total_seconds())}s"},
            dataproxy_pb2.CreateDownloadLocationResponse,
            what=f"a signed URL for {native_url}",
            retried=RETRIED_STATUSES - {500},  # 500 is the answer to a URI that cannot be signed
        )
        expires = answer.expires_at.ToDatetime(tzinfo=timezone.utc) if answer.HasField("expires_at") else None
        if not answer.signed_url:
            raise self._hollow(f"a signed URL for {native_url}")
        # By this machine's clock, which others compare it with.
        return SignedUrl(answer.signed_url, None if expires is None else expires - self._connection.skew)
