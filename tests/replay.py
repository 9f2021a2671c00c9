"""A transport for httpx that answers with what a real Flyte Admin answered (``tests/data/recordings``).

Lists are put together from the recorded pages and served by the requested ``limit`` and ``token``, so that a reader
may choose its own page size. JSON is made from the binary answer, also in camelCase, which a gateway sends where a
proxy rewrites the Accept header.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import flyteidl.admin.execution_pb2
import flyteidl.admin.launch_plan_pb2
import flyteidl.admin.node_execution_pb2
import flyteidl.admin.project_pb2
import flyteidl.admin.task_execution_pb2
import flyteidl.admin.task_pb2
import flyteidl.admin.version_pb2
import flyteidl.admin.workflow_pb2
import flyteidl.service.dataproxy_pb2  # noqa: F401
from google.protobuf import json_format, symbol_database
from google.protobuf.message import Message
from google.rpc import status_pb2

from flowtui.httpclient import httpx

DATA = Path(__file__).parent / "data" / "recordings"
BINARY = "application/octet-stream"
BASE_URL = "http://flyte.test"

_LISTS = {"flyteidl.admin.NodeExecutionList": "node_executions", "flyteidl.admin.TaskExecutionList": "task_executions"}


def lines(name: str) -> Iterator[dict[str, Any]]:
    """The recorded requests of one file, such as ``errors``."""
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def expected() -> dict[str, dict[str, Any]]:
    """What a reader must find, by name of the execution."""
    found: dict[str, dict[str, Any]] = json.loads((DATA / "expected.json").read_text("utf-8"))
    return found


def message_of(line: dict[str, Any]) -> Message:
    """The protobuf message of a line whose answer is binary."""
    kind = symbol_database.Default().GetSymbol(line["message"])
    message: Message = kind.FromString(base64.b64decode(line.get("body_base64") or ""))
    return message


@lru_cache(maxsize=4)
def _recorded(names: tuple[str, ...]) -> tuple[dict[str, Message], dict[tuple[str, str], Message]]:
    """Single answers by path, and lists by (path, parent) put together from their pages."""
    single: dict[str, Message] = {}
    lists: dict[tuple[str, str], Message] = {}
    for name in names:
        for line in lines(name):
            if line["accept"] != BINARY or line["status"] != 200 or not line.get("message"):
                continue
            rows = _LISTS.get(line["message"])
            if rows is None:
                single[line["path"]] = message_of(line)
                continue
            if "filters" in line["params"] or "uniqueParentId" in line["params"]:
                continue
            key = line["path"], line["params"].get("unique_parent_id", "")
            page = message_of(line)
            if key not in lists or "token" not in line["params"]:
                lists[key] = page
            else:
                getattr(lists[key], rows).extend(getattr(page, rows))
    return single, lists


class Replay(httpx.AsyncBaseTransport):
    """Serves the recordings.

    Args:
        running: serve the executions as they were while they ran, where they were recorded then.
        prefix: path prefix under which Flyte Admin is served.
        json: ``None`` to keep to the Accept header, ``snake_case`` or ``camelCase`` for a proxy that rewrites it.

    Attributes:
        requests: method, path and query of every request, in order.
    """

    def __init__(self, *, running: bool = False, prefix: str = "", json: str | None = None) -> None:
        names = ("executions", "entities", *(("running",) if running else ()))
        self.single, self.lists = _recorded(names)
        self.prefix = prefix
        self.json = json
        self.requests: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0]
        params = dict(request.url.params)
        self.requests.append(f"{request.method} {path}" + (f"?{request.url.query.decode()}" if params else ""))
        if not path.startswith(self.prefix):
            return httpx.Response(404, html="<html><title>nothing here</title></html>")
        return self.answer(request, path[len(self.prefix) :], params)

    def answer(self, request: httpx.Request, path: str, params: dict[str, str]) -> httpx.Response:
        """The answer to one request; tests that need another overwrite this."""
        place = path.split("/")[3] if path.count("/") >= 3 else path
        if request.method == "GET" and path in self.single:
            return self.respond(request, 200, self.single[path])
        if (place, path.count("/")) in (("node_executions", 6), ("task_executions", 7)):
            return self._list(request, path, params)
        missing = status_pb2.Status(code=5, message=f"missing entity of type {place} with identifier {path}")
        return self.respond(request, 404, missing)

    def _list(self, request: httpx.Request, path: str, params: dict[str, str]) -> httpx.Response:
        if not params.get("limit", "").isdigit() or int(params["limit"]) < 1:
            return self.respond(request, 400, status_pb2.Status(code=3, message="invalid value for limit"))
        parent = params.get("unique_parent_id", "")
        whole = self.lists.get((path, parent))
        if whole is None and parent and f"{path}/{parent}" not in self.single:
            return self.respond(
                request, 404, status_pb2.Status(code=5, message="missing entity of type node execution")
            )
        rows = path.split("/")[3]
        kind = symbol_database.Default().GetSymbol(next(name for name, field in _LISTS.items() if field == rows))
        start, limit = int(params.get("token", "0")), int(params["limit"])
        found = list(getattr(whole, rows)) if whole is not None else []
        page = kind()
        getattr(page, rows).extend(found[start : start + limit])
        if len(found[start : start + limit]) == limit:
            page.token = str(start + limit)
        return self.respond(request, 200, page)

    def respond(self, request: httpx.Request, status: int, message: Message) -> httpx.Response:
        """A message in the form that the gateway would choose."""
        accept = request.headers.get("accept", "")
        if self.json is None and accept == BINARY:
            return httpx.Response(status, content=message.SerializeToString(), headers={"content-type": BINARY})
        snake = self.json == "snake_case" or (self.json is None and accept == "application/json")
        body = json_format.MessageToJson(
            message, preserving_proto_field_name=snake, always_print_fields_with_no_presence=True
        )
        return httpx.Response(status, content=body.encode(), headers={"content-type": "application/json"})
