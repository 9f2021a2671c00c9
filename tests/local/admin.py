"""A small workflow in an embedded Admin, and short ways to ask it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from flowtui.httpclient import httpx
from flowtui.local.app import create_app
from flowtui.local.home import Home

ID = {"project": "flytesnacks", "domain": "development"}
RUNS = "/api/v1/executions/flytesnacks/development"
INTEGER = {"simple": "INTEGER"}
CSV = {"blob": {"format": "csv"}}
MOMENT = 1_800_000_000 * 10**9


def entity(kind: str, name: str, version: str = "v1") -> dict[str, str]:
    return {**ID, "resource_type": kind, "name": name, "version": version}


def promise(variable: str, node: str = "", source: str = "") -> dict[str, Any]:
    return {"var": variable, "binding": {"promise": {"node_id": node, "var": source or variable}}}


def interface(inputs: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "inputs": {"variables": {name: {"type": kind} for name, kind in inputs.items()}},
        "outputs": {"variables": {name: {"type": kind} for name, kind in outputs.items()}},
    }


def task(name: str = "count", version: str = "v1", **changes: Any) -> dict[str, Any]:
    id_ = entity("TASK", name, version)
    template = {"id": id_, "type": "python-task", "interface": interface({"n": INTEGER}, {"o0": CSV}), **changes}
    return {"id": id_, "spec": {"template": template}}


def node(id_: str, task_name: str = "count", inputs: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "metadata": {"name": task_name},
        "inputs": [promise("n")] if inputs is None else inputs,
        "task_node": {"reference_id": entity("TASK", task_name)},
        **more,
    }


def workflow(name: str = "flow", nodes: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    id_ = entity("WORKFLOW", name)
    template = {
        "id": id_,
        "interface": interface({"n": INTEGER}, {"o0": CSV}),
        "nodes": nodes or [node("n0")],
        "outputs": [promise("o0", "n0")],
        **changes,
    }
    return {"id": id_, "spec": {"template": template}}


def launch_plan(name: str = "flow", **spec: Any) -> dict[str, Any]:
    return {
        "id": entity("LAUNCH_PLAN", name),
        "spec": {"workflow_id": entity("WORKFLOW", "flow"), **spec},
    }


def integer(value: int) -> dict[str, Any]:
    return {"scalar": {"primitive": {"integer": str(value)}}}


def execution(name: str = "run-1", plan: str = "flow", **more: Any) -> dict[str, Any]:
    spec = {"launch_plan": entity("LAUNCH_PLAN", plan), **more.pop("spec", {})}
    return {**ID, "name": name, "spec": spec, "inputs": {"literals": {"n": integer(3)}}, **more}


class Client:
    """Asks the app and says what is wrong when it refuses."""

    def __init__(self, app: Starlette, http: httpx.AsyncClient) -> None:
        self.app = app
        self.http = http

    @property
    def home(self) -> Home:
        home: Home = self.app.state.admin.home
        return home

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any) -> Any:
        answer = await self.http.post(f"/api/v1/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, path: str, body: Any) -> tuple[int, str]:
        """HTTP status and message of a POST that is refused."""
        answer = await self.http.post(f"/api/v1/{path}", json=body)
        assert answer.status_code != 200, answer.text
        return answer.status_code, answer.json()["message"]

    async def register(self) -> None:
        await self.post("tasks", task())
        await self.post("workflows", workflow())
        await self.post("launch_plans", launch_plan())

    async def workflow_event(self, phase: str, second: int = 1, name: str = "run-1", **more: Any) -> httpx.Response:
        event = {"execution_id": {**ID, "name": name}, "phase": phase, "occurred_at": at(second), **more}
        return await self.http.post("/api/v1/events/workflows", json={"event": event})

    async def node_event(self, phase: str, second: int = 1, node_id: str = "n0", **more: Any) -> httpx.Response:
        id_ = {"node_id": node_id, "execution_id": {**ID, "name": more.pop("name", "run-1")}}
        event = {"id": id_, "phase": phase, "occurred_at": at(second), "event_version": 1, **more}
        return await self.http.post("/api/v1/events/nodes", json={"event": event})

    async def task_event(self, phase: str, second: int = 1, attempt: int = 0, **more: Any) -> httpx.Response:
        parent = {"node_id": "n0", "execution_id": {**ID, "name": more.pop("name", "run-1")}}
        event = {
            "task_id": entity("TASK", "count"),
            "parent_node_execution_id": parent,
            "retry_attempt": attempt,
            "phase": phase,
            "occurred_at": at(second),
            **more,
        }
        return await self.http.post("/api/v1/events/tasks", json={"event": event})


def at(second: int) -> str:
    return f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z"


@contextmanager
def open_app(home: Path, **options: Any) -> Iterator[Starlette]:
    app = create_app(home, **{"project": "flytesnacks", **options})
    try:
        yield app
    finally:
        app.state.admin.store.close()


@asynccontextmanager
async def open_admin(home: Path, **options: Any) -> AsyncIterator[Client]:
    """An embedded Admin and a client of it that reads snake_case JSON."""
    with open_app(home, **options) as app:
        transport = httpx.ASGITransport(app)
        headers = {"accept": "application/json"}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as http:
            yield Client(app, http)


Factory = Callable[..., Any]
