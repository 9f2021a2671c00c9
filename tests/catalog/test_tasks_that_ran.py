"""Files of runs whose workflow the server cannot send: found by the tasks that their nodes ran."""

from __future__ import annotations

from typing import Any

import pytest
from flyteidl.admin import task_pb2
from google.rpc import status_pb2

from flowtui.admin import AdminClient
from flowtui.catalog import Catalog
from flowtui.domain.execution import ExecutionId
from flowtui.httpclient import httpx
from tests.replay import BASE_URL, Replay, expected

LARGE = "grpc: received message larger than max (6108901 vs. 4194304)"

# Runs of versions whose tasks are not in the recording.
OTHER_VERSIONS = {"aborted-1", "clinical-3-v2", "clinical-4"}

# What only a workflow declares, not the task that made it, is not to be had without the workflow.
DECLARED_BY_WORKFLOWS = {
    ("domino-training-workflow-1", "model.pt"),
    ("nested-1", "inner2 out.csv"),
    ("nested-1", "outer.csv"),
}


class WithoutWorkflows(Replay):
    """The recordings of a server whose workflows are all too large, with the tasks of a version as a list."""

    def answer(self, request: httpx.Request, path: str, params: dict[str, str]) -> httpx.Response:
        if "/workflows/" in path:
            return self.respond(request, 429, status_pb2.Status(code=8, message=LARGE))
        if path == "/api/v1/tasks/flytesnacks/development":
            assert params["filters"].startswith("eq(version,")
            version = params["filters"].removeprefix("eq(version,").removesuffix(")")
            tasks = [one for place, one in self.single.items() if place.startswith("/api/v1/tasks/")]
            found = [one for one in tasks if one.id.version == version]  # type: ignore[attr-defined]
            return self.respond(request, 200, task_pb2.TaskList(tasks=found))
        return super().answer(request, path, params)


def run(name: str) -> ExecutionId:
    return ExecutionId("flytesnacks", "development", name)


@pytest.mark.parametrize("name", sorted(set(expected()) - OTHER_VERSIONS))
async def test_the_files_of_tasks_are_found_without_the_workflow(name: str) -> None:
    async with AdminClient(BASE_URL, transport=WithoutWorkflows(), retry_delay=0) as client:
        found = await Catalog(client).artifacts(run(name))
    files = {_key(vars_of(one)) for one in found.files}
    wanted = {_key(one) for one in expected()[name]["files"] if (name, one["file"]) not in DECLARED_BY_WORKFLOWS}
    assert files == wanted
    assert "What the run declares is not known" in found.notices[0]


async def test_nodes_have_the_names_of_their_tasks_and_lineage_follows_uris() -> None:
    async with AdminClient(BASE_URL, transport=WithoutWorkflows(), retry_delay=0) as client:
        catalog = Catalog(client)
        nodes = await catalog.nodes(run("clinical-1"))
        graph = await catalog.lineage(run("clinical-1"))
    assert (nodes[0].name, nodes[0].entity, nodes[0].kind) == ("sdtm", "labflows.sdtm", "task")
    table = next(node.id for node in graph.nodes if node.label == "t_ae.txt")
    assert {node.label for node in graph.upstream(table) if node.kind == "file"} == {
        "dm.csv",
        "adsl.csv",
        "adae dataset",
    }


async def test_what_a_node_ran_is_asked_for_once() -> None:
    transport = WithoutWorkflows()
    async with AdminClient(BASE_URL, transport=transport, retry_delay=0) as client:
        catalog = Catalog(client)
        await catalog.artifacts(run("clinical-1"))
        first = [request for request in transport.requests if "task_executions" in request]
        await catalog.artifacts(run("clinical-1"))
        second = [request for request in transport.requests if "task_executions" in request]
    assert (len(first), len(second)) == (4, 4)
    assert len([request for request in transport.requests if "/tasks/flytesnacks/development?" in request]) == 1
    assert len([request for request in transport.requests if "/workflows/" in request]) == 1


async def test_a_server_without_the_tasks_says_so() -> None:
    class Nothing(WithoutWorkflows):
        def answer(self, request: httpx.Request, path: str, params: dict[str, str]) -> httpx.Response:
            if path == "/api/v1/tasks/flytesnacks/development":
                return self.respond(request, 400, status_pb2.Status(code=3, message="no filters here"))
            return super().answer(request, path, params)

    async with AdminClient(BASE_URL, transport=Nothing(), retry_delay=0) as client:
        found = await Catalog(client).artifacts(run("clinical-1"))
    assert found.files == ()
    assert "Nor is known which tasks its nodes ran" in found.notices[1]


def vars_of(file: Any) -> dict[str, Any]:
    return {key: getattr(file, key) for key in ("type", "artifact", "file", "node", "state", "uris")}


def _key(file: dict[str, Any]) -> tuple[Any, ...]:
    return (*(file[key] for key in ("type", "artifact", "file", "node", "state")), tuple(file["uris"]))
