"""Commands over recorded answers of a real Flyte, with an object store in process."""

from __future__ import annotations

import json
import operator
import re
from argparse import Namespace
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from flyteidl.admin import execution_pb2, project_pb2, version_pb2
from flyteidl.service import dataproxy_pb2
from google.protobuf import empty_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from flowtui.config import Settings
from flowtui.domain.execution import ExecutionId
from flowtui.headless.style import Style
from flowtui.httpclient import httpx
from flowtui.parser import parse
from flowtui.session import open_session
from tests.replay import BASE_URL, Replay
from tests.storage.store import Store

PROJECT, DOMAIN = "flytesnacks", "development"
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=timezone.utc)
ADSL = "s3://flyte/data/97/clinical-1-n1-0/5b3dab64aff011e105d945cc5372112a/adsl.csv"

_COMPARE = {"lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge}

Command = Callable[..., Awaitable[str]]


class Server(Replay):
    """The recordings with what commands ask for besides: lists of runs, projects, signed URLs."""

    def answer(self, request: httpx.Request, path: str, params: dict[str, str]) -> httpx.Response:
        if path == "/healthcheck":
            return self.respond(request, 200, empty_pb2.Empty())
        if path == "/api/v1/version":
            version = version_pb2.Version(Version="v1.16.8")
            return self.respond(request, 200, version_pb2.GetVersionResponse(control_plane_version=version))
        if path == "/api/v1/projects":
            domains = [project_pb2.Domain(id=DOMAIN, name=DOMAIN)]
            projects = [project_pb2.Project(id=PROJECT, name=PROJECT, domains=domains)]
            return self.respond(request, 200, project_pb2.Projects(projects=projects))
        if path == "/api/v1/dataproxy/artifact_urn":
            url = "http://store/" + params["native_url"].partition("://")[2]
            return self.respond(request, 200, dataproxy_pb2.CreateDownloadLocationResponse(signed_url=url))
        if path == f"/api/v1/executions/{PROJECT}/{DOMAIN}":
            start = int(params.get("token") or 0)
            found = [one for one in self.executions() if _meets(one, params.get("filters", ""))]
            return self.respond(request, 200, self._page(found, int(params["limit"]), start))
        return super().answer(request, path, params)

    def executions(self) -> list[execution_pb2.Execution]:
        """All executions, newest first."""
        prefix = f"/api/v1/executions/{PROJECT}/{DOMAIN}/"
        found: list[Any] = [message for path, message in self.single.items() if path.startswith(prefix)]
        found.sort(key=lambda one: one.closure.created_at.ToNanoseconds(), reverse=True)
        return found

    def _page(self, found: list[execution_pb2.Execution], limit: int, start: int) -> execution_pb2.ExecutionList:
        page = execution_pb2.ExecutionList(executions=found[start : start + limit]).executions
        for row in page:
            # Lists cut errors.
            if row.closure.HasField("error"):
                row.closure.error.message = row.closure.error.message[:100]
        return execution_pb2.ExecutionList(executions=page, token=str(start + limit) if len(page) == limit else "")


def _meets(one: execution_pb2.Execution, filters: str) -> bool:
    """Whether an execution meets what is said about times; the recording has no other ones to search by."""
    for name, column, value in re.findall(r"(\w+)\((\w+),([^)]*)\)", filters):
        if column not in ("execution_created_at", "updated_at"):
            continue
        moment = one.closure.created_at if column == "execution_created_at" else one.closure.updated_at
        stamp = Timestamp()
        stamp.FromJsonString(value)
        if not _COMPARE[name](moment.ToMicroseconds(), stamp.ToMicroseconds()):
            return False
    return True


@pytest.fixture
def store() -> Store:
    return Store({ADSL.partition("://")[2]: b"USUBJID,AGE\n01-701-1015,63\n01-701-1023,64\n"})


@pytest.fixture
def command(tmp_path: Path, store: Store) -> Command:
    """Runs a command as typed, over the recordings; its output as JSON unless ``text``."""
    settings = Settings(
        home=tmp_path / "home", cache=tmp_path / "cache", endpoint=BASE_URL, project=PROJECT, local=False
    )

    async def run(*words: str, text: bool = False, server: Server | None = None, style: Style | None = None) -> str:
        arguments = parse(words)
        options: Namespace = arguments.options
        if getattr(options, "run", None) is not None:
            options.run = ExecutionId(PROJECT, DOMAIN, options.run)
        module = import_module(f"flowtui.headless.{arguments.command}")
        async with open_session(settings, transport=server or Server(), storage_transport=store.transport) as session:
            output: str = await module.execute(session, options, style or Style(json=not text, now=NOW))
        return output

    return run


def load(output: str) -> Any:
    return json.loads(output)
