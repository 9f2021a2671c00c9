"""The embedded Flyte Admin as an ASGI app: paths, forms of bodies, and which handler answers which call."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import formatdate
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from flowtui.config import LOCAL_PROJECT
from flowtui.local import marshal, routes
from flowtui.local.call import Admin, Call, Handler
from flowtui.local.dispatch import Dispatcher, Launcher
from flowtui.local.guard import Guard, path_below_root
from flowtui.local.home import Home
from flowtui.local.marshal import Form
from flowtui.local.status import NOT_FOUND, RESOURCE_EXHAUSTED, UNIMPLEMENTED, AdminError, invalid
from flowtui.local.store import Store

MAX_ANSWER = 4 * 1024 * 1024
"""The gateway's gRPC limit: a larger answer is refused with 429."""

MAX_BODY = 64 * 1024 * 1024
_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


def create_app(
    home: Home | Path,
    *,
    token: str | None = None,
    launcher: Launcher | None = None,
    clock: Callable[[], int] = time.time_ns,
    container: str | None = None,
    allowed_hosts: frozenset[str] | None = None,
    project: str = LOCAL_PROJECT,
) -> Starlette:
    """The app over one home folder, which is created where it is missing; runs whose runner is gone are aborted.

    Args:
        token: what clients must send as ``Authorization: Bearer`` or ``flyte-authorization: Bearer``; None: nothing.
        launcher: as for :class:`~flowtui.local.dispatch.Dispatcher`; called in a worker thread.
        clock: nanoseconds since 1970.
        container: prefix of the URIs of what Admin writes itself; the home's blob folder by default.
        allowed_hosts: names that a ``Host`` header may have, without port; None: any.
        project: a project that is there from the start.

    Raises:
        ConfigError: the folder or the database cannot be used.
    """
    home = home if isinstance(home, Home) else Home(home)
    home.ensure()
    key = home.read_secret(home.signing_key).encode()
    admin = Admin(home, Store(home.database), container or str(home.blobs), key, clock)
    _prepare(admin, project)
    dispatcher = Dispatcher(admin, handlers(), launcher)
    gateway = _Gateway(dispatcher)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(admin.store.close)

    from flowtui.local.blobs import blob_endpoint
    from flowtui.local.dataproxy import BLOB_PATH

    app = Starlette(
        routes=[
            StarletteRoute("/healthcheck", _healthcheck, methods=["GET", "HEAD"]),
            StarletteRoute(BLOB_PATH + "/{rest:path}", blob_endpoint(admin), methods=["GET", "PUT"]),
            StarletteRoute("/{path:path}", gateway.answer, methods=_METHODS),
        ],
        middleware=[Middleware(Guard, token=token, allowed_hosts=allowed_hosts)],
        lifespan=lifespan,
    )
    app.state.admin = admin
    app.state.dispatcher = dispatcher
    return app


def _prepare(admin: Admin, project: str) -> None:
    """Create the project, and abort the runs whose runner is gone."""
    from flowtui.local.orphans import abort_orphans
    from flowtui.local.projects import ensure_project
    from flowtui.local.store import find

    with admin.store.read() as db:
        is_missing = find(db, "projects", {"identifier": project}) is None
    if is_missing:
        with admin.store.write() as db:
            ensure_project(Call(admin, db, ""), project)
    abort_orphans(admin)


async def _healthcheck(request: Request) -> Response:
    return Response()


class _Gateway:
    """What grpc-gateway is in front of Flyte Admin."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def answer(self, request: Request) -> Response:
        if (clean := _cleaned(request.scope["path"])) is not None:
            return _redirect(request, clean)
        accepts = request.headers.getlist("accept")
        types = request.headers.getlist("content-type")
        form = marshal.answer_form(accepts, types)
        try:
            body = await _body(request)
            message = await run_in_threadpool(self._call, request, body, marshal.request_form(types))
            content = await run_in_threadpool(marshal.encode, message, form)
            status = 200
        except AdminError as error:
            content, status = marshal.encode(marshal.status_message(error), form), error.http_status
        date = formatdate(self._dispatcher.admin.clock() / 10**9, usegmt=True)
        return Response(content, status, {"date": date}, form.media_type)

    def _call(self, request: Request, body: bytes, form: Form) -> Any:
        segments = _segments(request)
        found = routes.find(request.method, segments)
        if found is None:
            if routes.is_known(segments):
                raise AdminError(UNIMPLEMENTED, "Method Not Allowed")
            raise AdminError(NOT_FOUND, "Not Found")
        route, fields = found
        handler = self._dispatcher.handler(route.service, route.call)
        message = route.new_request()
        if route.has_body:
            marshal.decode(body, message, form)
        query = _query(request)
        routes.fill(message, fields, query, has_body=route.has_body)
        base = f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
        answer = self._dispatcher.answer(handler, message, base, writes=request.method != "GET")
        size = answer.ByteSize()
        if size > MAX_ANSWER:
            raise AdminError(RESOURCE_EXHAUSTED, f"grpc: received message larger than max ({size} vs. {MAX_ANSWER})")
        return answer


def _cleaned(path: str) -> str | None:
    """The path without empty and dot segments, which Go's server sends a client to; None where it has none."""
    segments = path.split("/")[1:]
    if not any(segment in (".", "..") for segment in segments) and "" not in segments[:-1]:
        return None
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and segments[-1] in ("", ".", "..") else "")


def _redirect(request: Request, path: str) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    location = quote(path, safe="/:@!$&'()*+,;=~") + query
    body = f'<a href="{escape(location)}">Temporary Redirect</a>.\n\n'
    return Response(body, 307, {"location": location}, "text/html")


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise AdminError(RESOURCE_EXHAUSTED, f"request body larger than max ({size} vs. {MAX_BODY})")
        parts.append(part)
    return b"".join(parts)


def _segments(request: Request) -> list[str]:
    """The decoded segments below the path that the app is mounted at."""
    return path_below_root(request.scope)[1:].split("/")


def _query(request: Request) -> list[tuple[str, str]]:
    """Query parameters as Go reads them.

    Raises:
        AdminError: there is a semicolon, or a broken escape.
    """
    pairs: list[tuple[str, str]] = []
    for part in request.url.query.split("&"):
        if not part:
            continue
        if ";" in part:
            raise invalid("invalid semicolon separator in query")
        name, _, value = part.partition("=")
        pairs.append((_unescape(name), _unescape(value)))
    return pairs


def _unescape(value: str) -> str:
    if broken := re.search(r"%(?![0-9A-Fa-f]{2}).{0,2}", value):
        raise invalid(f'invalid URL escape "{broken[0]}"')
    return unquote_to_bytes(value.replace("+", " ")).decode("utf-8", "replace")


@lru_cache(maxsize=1)
def handlers() -> Mapping[str, Handler]:
    """Handlers by the name of the RPC."""
    from flyteidl.core import identifier_pb2

    from flowtui.local import (
        dataproxy,
        entities,
        events,
        executions,
        named_entities,
        nodes,
        projects,
        signals,
        task_events,
    )

    return {
        "GetVersion": projects.get_version,
        "RegisterProject": projects.register_project,
        "UpdateProject": projects.update_project,
        "GetProject": projects.get_project,
        "ListProjects": projects.list_projects,
        "GetDomains": projects.get_domains,
        "CreateTask": entities.create_task,
        "GetTask": entities.get_task,
        "ListTasks": entities.list_tasks,
        "CreateWorkflow": entities.create_workflow,
        "GetWorkflow": entities.get_workflow,
        "ListWorkflows": entities.list_workflows,
        "CreateLaunchPlan": entities.create_launch_plan,
        "UpdateLaunchPlan": entities.update_launch_plan,
        "GetLaunchPlan": entities.get_launch_plan,
        "ListLaunchPlans": entities.list_launch_plans,
        "GetActiveLaunchPlan": entities.get_active_launch_plan,
        "ListActiveLaunchPlans": entities.list_active_launch_plans,
        "ListTaskIds": named_entities.list_ids(identifier_pb2.TASK),
        "ListWorkflowIds": named_entities.list_ids(identifier_pb2.WORKFLOW),
        "ListLaunchPlanIds": named_entities.list_ids(identifier_pb2.LAUNCH_PLAN),
        "GetNamedEntity": named_entities.get_named_entity,
        "ListNamedEntities": named_entities.list_named_entities,
        "UpdateNamedEntity": named_entities.update_named_entity,
        "CreateExecution": executions.create_execution,
        "RelaunchExecution": executions.relaunch_execution,
        "RecoverExecution": executions.recover_execution,
        "GetExecution": executions.get_execution,
        "ListExecutions": executions.list_executions,
        "GetExecutionData": executions.get_execution_data,
        "UpdateExecution": executions.update_execution,
        "TerminateExecution": executions.terminate_execution,
        "GetNodeExecution": nodes.get_node_execution,
        "ListNodeExecutions": nodes.list_node_executions,
        "ListNodeExecutionsForTask": nodes.list_node_executions_for_task,
        "GetNodeExecutionData": nodes.get_node_execution_data,
        "GetDynamicNodeWorkflow": nodes.get_dynamic_node_workflow,
        "GetTaskExecution": nodes.get_task_execution,
        "ListTaskExecutions": nodes.list_task_executions,
        "GetTaskExecutionData": nodes.get_task_execution_data,
        "CreateWorkflowEvent": events.create_workflow_event,
        "CreateNodeEvent": events.create_node_event,
        "CreateTaskEvent": task_events.create_task_event,
        "CreateUploadLocation": dataproxy.create_upload_location,
        "CreateDownloadLocation": dataproxy.create_download_location,
        "CreateDownloadLink": dataproxy.create_download_link,
        "GetData": dataproxy.get_data,
        "ListSignals": signals.list_signals,
        "SetSignal": signals.set_signal,
    }
