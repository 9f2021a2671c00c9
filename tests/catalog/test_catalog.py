"""Executions, nodes, attempts and Launch Inputs, over recordings and over a server that misbehaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from flyteidl.admin import execution_pb2, project_pb2
from google.rpc import status_pb2

from flowtui.admin import AdminClient
from flowtui.catalog import Catalog, ResponseCache
from flowtui.domain.execution import EntityId, ExecutionId, LaunchInput, NodeExecution, NodeId
from flowtui.errors import AuthError, NotFoundError, ServerError, UnreachableError
from flowtui.httpclient import httpx
from tests.replay import BASE_URL, Replay, lines, message_of


def run(name: str) -> ExecutionId:
    return ExecutionId("flytesnacks", "development", name)


def catalog(transport: httpx.AsyncBaseTransport | None = None) -> Catalog:
    return Catalog(AdminClient(BASE_URL, transport=transport or Replay(), retry_delay=0))


def flat(nodes: tuple[NodeExecution, ...]) -> dict[str, NodeExecution]:
    found = {}
    for node in nodes:
        found[node.id.node] = node
        found |= flat(node.children)
    return found


class Twisted(Replay):
    """The recordings, but for requests that a test answers otherwise."""

    def __init__(self, answer: Callable[[str, httpx.Request], httpx.Response | None]) -> None:
        super().__init__()
        self._answer = answer

    def answer(self, request: httpx.Request, path: str, params: dict[str, str]) -> httpx.Response:
        return self._answer(path, request) or super().answer(request, path, params)

    def refuse(self, request: httpx.Request, status: int, code: int, message: str) -> httpx.Response:
        return self.respond(request, status, status_pb2.Status(code=code, message=message))


LARGE = "grpc: received message larger than max (6108901 vs. 4194304)"


async def test_an_execution() -> None:
    found = await catalog().execution(run("clinical-4"))
    assert (found.phase, found.mode, found.is_terminal) == ("SUCCEEDED", "MANUAL", True)
    assert found.workflow == EntityId("flytesnacks", "development", "labflows.clinical", "v2")
    assert found.labels == {"team": "y"}
    assert found.started_at is not None
    assert found.started_at.tzinfo is timezone.utc
    assert found.duration is not None
    assert found.duration > 0


async def test_where_executions_come_from() -> None:
    child = await catalog().execution(run("lp-parent-1-n0-0"))
    assert child.parent == NodeId(run("lp-parent-1"), "n0")
    recovered = await catalog().execution(run("partial-1-recovered"))
    assert (recovered.mode, recovered.reference) == ("RECOVERED", run("partial-1"))
    relaunched = await catalog().execution(run("clinical-2-relaunched"))
    assert relaunched.mode == "RELAUNCH"
    aborted = await catalog().execution(run("aborted-1"))
    assert (aborted.phase, aborted.abort_cause) == ("ABORTED", "again")
    running = await catalog(Replay(running=True)).execution(run("long-running-1"))
    assert (running.phase, running.duration, running.is_terminal) == ("RUNNING", None, False)


async def test_an_execution_that_is_not_there() -> None:
    for read in (catalog().execution, catalog().artifacts, catalog().nodes, catalog().lineage, catalog().inputs):
        with pytest.raises(NotFoundError):
            await read(run("no-such-run"))


async def test_the_whole_error_of_a_failed_run_and_node() -> None:
    failed = await catalog().execution(run("fails-1"))
    assert failed.error is not None
    assert "no denominators" in failed.error.message
    (node,) = [one for one in flat(await catalog().nodes(run("fails-1"))).values() if one.error]
    assert node.id.node == "n1"
    assert node.error is not None
    assert node.error.message.count("x") > 300
    assert node.error.code == "USER:RuntimeError"


async def test_nodes_as_a_tree() -> None:
    nodes = await catalog().nodes(run("nested-1"))
    assert {(node.id.node, node.kind, node.name) for node in nodes} == {
        ("n0", "workflow", "inner1"),
        ("n1", "task", "sdtm"),
    }
    inner = flat(nodes)["n0-0-n0"]
    assert (inner.kind, inner.entity, [one.id.node for one in inner.children]) == (
        "workflow",
        "labflows.inner2",
        ["n0-0-n0-0-n0"],
    )
    assert not [id_ for id_ in flat(nodes) if "start" in id_ or "end" in id_]


@pytest.mark.parametrize(
    ("name", "node", "kind"),
    [
        ("dynamics-1", "n0", "dynamic"),
        ("dynamics-1", "n1", "task"),
        ("branches-1", "n0", "branch"),
        ("mapped-1", "n1", "map"),
        ("gated-1", "n1", "gate"),
        ("lp-parent-1", "n0", "launch_plan"),
        ("fails-with-handler-1", "fn0", "failure"),
    ],
)
async def test_kinds_of_nodes(name: str, node: str, kind: str) -> None:
    assert flat(await catalog().nodes(run(name)))[node].kind == kind


async def test_cache_hits_and_children_of_launch_plans() -> None:
    hit = flat(await catalog().nodes(run("cached-2")))["n0"]
    assert (hit.cache, hit.cached_from) == ("CACHE_HIT", NodeId(run("cached-1"), "n0"))
    filled = flat(await catalog().nodes(run("cached-1")))["n0"]
    assert (filled.cache, filled.cached_from) == ("CACHE_POPULATED", None)
    assert flat(await catalog().nodes(run("lp-parent-1")))["n1"].child_execution == run("lp-parent-1-n1-0")


async def test_attempts_with_logs_and_items() -> None:
    (node,) = await catalog().nodes(run("retried-1"), attempts=True)
    assert [(one.attempt, one.phase) for one in node.attempts] == [(0, "FAILED"), (1, "SUCCEEDED")]
    assert node.attempts[0].error is not None
    assert "first attempt fails" in node.attempts[0].error.message
    assert node.attempts[0].logs[0].uri.endswith("retried-1-n0-0")
    assert node.task_type == "python-task"
    mapped = await catalog().node(NodeId(run("mapped-fail-1"), "n1"))
    assert [(item.index, item.phase) for item in mapped.attempts[0].items][:3] == [
        (0, "SUCCEEDED"),
        (1, "ABORTED"),
        (2, "FAILED"),
    ]
    assert (mapped.name, mapped.kind) == ("some_fail", "map")


async def test_opening_one_node_asks_for_that_node_only() -> None:
    transport = Replay()
    found = catalog(transport)
    await found.nodes(run("fails-1"))
    before = len(transport.requests)
    node = await found.node(NodeId(run("fails-1"), "n1"))
    assert node.error is not None
    assert len(node.error.message) > 300
    assert len(transport.requests) - before == 2
    with pytest.raises(NotFoundError):
        await found.node(NodeId(run("fails-1"), "nope"))


async def test_launch_inputs() -> None:
    assert await catalog().inputs(run("clinical-1")) == (
        LaunchInput("cutoff", "int", "30"),
        LaunchInput("study", "str", "CDISC01"),
    )
    assert await catalog().inputs(run("values-1")) == ()


async def test_undeclared_outputs_are_known_and_fetched_when_asked() -> None:
    known = await catalog().artifacts(run("values-1"))
    assert [(one.variable, one.uris) for one in known.undeclared] == [("dc", None), ("dct", None), ("lst", None)]
    asked = await catalog().artifacts(run("values-1"), undeclared=True)
    assert [len(one.uris or ()) for one in asked.undeclared] == [1, 1, 2]
    nothing_declared = await catalog().artifacts(run("frames-1"))
    assert [(one.variable, one.format, len(one.uris or ())) for one in nothing_declared.undeclared] == [
        ("o0", "parquet", 1),
        ("o1", "parquet", 1),
    ]


async def test_what_made_the_files() -> None:
    cached = {one.file: one for one in (await catalog().artifacts(run("cached-2"))).files}
    assert cached["dm.csv"].made_by == NodeId(run("cached-1"), "n0")
    assert cached["dm.csv"].notices == ("From the cache: made by cached-1 n0.",)
    assert cached["adsl.csv"].made_by == NodeId(run("cached-2"), "n1")
    recovered = {one.file: one for one in (await catalog().artifacts(run("partial-1-recovered"))).files}
    assert recovered["dm.csv"].made_by == NodeId(run("partial-1"), "n0")
    assert recovered["never.pdf"].made_by is None


async def test_where_files_are_declared() -> None:
    files = {(one.artifact, one.file): one for one in (await catalog().artifacts(run("clinical-1"))).files}
    assert files["ADaM Datasets", "adsl.csv"].declared_at == ("", "n1")
    assert files["SDTM", "dm.csv"].declared_at == ("n0",)
    assert files["ADaM Datasets", "adae dataset"].format == "csv"
    deep = {one.file: one for one in (await catalog().artifacts(run("dynamics-1"))).files}["deep.csv"]
    assert deep.declared_at == ("n2", "n2-0-dn0", "n2-0-dn0-0-dn0")
    plots = {one.file: one for one in (await catalog().artifacts(run("values-1"))).files}["plots"]
    assert plots.directory


async def test_duplicates_have_a_notice() -> None:
    files = (await catalog().artifacts(run("duplicates-1"))).files
    assert [one.notices for one in files] == [
        ("The artifact has this file name 2 times: also from n1.",),
        ("The artifact has this file name 2 times: also from n0.",),
    ]


async def test_artifacts_are_sorted() -> None:
    files = (await catalog().artifacts(run("dynamics-1"))).files
    order = [(one.type, one.artifact, one.file, one.node) for one in files]
    assert order == sorted(order)


async def test_a_workflow_that_cannot_be_sent_is_a_notice() -> None:
    def large(path: str, request: httpx.Request) -> httpx.Response | None:
        return server.refuse(request, 429, 8, LARGE) if "/workflows/" in path else None

    server = Twisted(large)
    found = await catalog(server).artifacts(run("clinical-1"))
    assert (found.files, found.execution.phase) == ((), "SUCCEEDED")
    assert "not known" in found.notices[0]
    assert [one.id.node for one in await catalog(server).nodes(run("clinical-1"))]


async def test_data_that_is_too_large_is_asked_for_one_by_one() -> None:
    recorded = [line for line in lines("dataproxy") if str(line.get("params")).endswith("clinical-1/n1/o/o0'}")]
    literal = message_of(recorded[0])

    def large(path: str, request: httpx.Request) -> httpx.Response | None:
        if path.endswith("/data/node_executions/flytesnacks/development/clinical-1/n1"):
            return server.refuse(request, 429, 8, LARGE)
        if request.url.params.get("flyte_url") == "flyte://v1/flytesnacks/development/clinical-1/n1/o/o0":
            return server.respond(request, 200, literal)
        return None

    server = Twisted(large)
    expected = await catalog().artifacts(run("clinical-1"))
    assert await catalog(server).artifacts(run("clinical-1")) == expected


@pytest.mark.parametrize("status", [500, 404, 400])
async def test_data_that_cannot_be_had_is_unavailable_and_not_kept(status: int, tmp_path: Path) -> None:
    def gone(path: str, request: httpx.Request) -> httpx.Response | None:
        return server.refuse(request, status, 2, "no") if "/data/node" in path and path.endswith("/n1") else None

    server = Twisted(gone)
    cache = ResponseCache(tmp_path / "c")
    client = AdminClient(BASE_URL, transport=server, retry_delay=0)
    states = {one.file: one for one in (await Catalog(client, cache).artifacts(run("clinical-1"))).files}
    assert (states["adsl.csv"].state, states["dm.csv"].state) == ("unavailable", "present")
    assert "cannot be read" in states["adsl.csv"].notices[0]
    healthy = AdminClient(BASE_URL, transport=Replay(), retry_delay=0)
    again = {one.file: one.state for one in (await Catalog(healthy, cache).artifacts(run("clinical-1"))).files}
    assert set(again.values()) == {"present"}


async def test_a_login_that_is_wanted_in_between_is_an_error() -> None:
    def login(path: str, request: httpx.Request) -> httpx.Response | None:
        return server.refuse(request, 401, 16, "expired") if "/data/node" in path else None

    server = Twisted(login)
    with pytest.raises(AuthError):
        await catalog(server).artifacts(run("clinical-1"))


async def test_a_server_that_goes_away_in_between_is_an_error() -> None:
    def leave(path: str, request: httpx.Request) -> httpx.Response | None:
        if "/data/node" in path:
            raise httpx.ConnectError("refused")
        return None

    with pytest.raises(UnreachableError):
        await catalog(Twisted(leave)).artifacts(run("clinical-1"))


async def test_a_dynamic_closure_of_an_older_server_comes_with_the_data() -> None:
    def older(path: str, request: httpx.Request) -> httpx.Response | None:
        return server.refuse(request, 404, 5, "Not Found") if path.endswith("/dynamic_workflow") else None

    server = Twisted(older)
    assert await catalog(server).artifacts(run("dynamics-1")) == await catalog().artifacts(run("dynamics-1"))


async def test_a_dynamic_closure_that_is_missing_is_a_notice() -> None:
    def missing(path: str, request: httpx.Request) -> httpx.Response | None:
        lost = path.endswith("/dynamic_workflow") or ("/data/node" in path and path.endswith("/n0"))
        return server.refuse(request, 404, 5, "gone") if lost else None

    server = Twisted(missing)
    found = await catalog(server).artifacts(run("dynamics-1"))
    assert any("n0" in notice for notice in found.notices)
    fan = {one.file: one for one in found.files}["fan.csv"]
    assert (fan.node, fan.state) == ("n0", "unavailable")
    assert not [one for one in found.files if one.node.startswith("n0-")]


async def test_the_inner_task_of_a_map_that_is_missing_makes_its_files_undeclared() -> None:
    def missing(path: str, request: httpx.Request) -> httpx.Response | None:
        return server.refuse(request, 404, 5, "gone") if path.endswith("/labflows.one/v1") else None

    server = Twisted(missing)
    found = await catalog(server).artifacts(run("mapped-1"), undeclared=True)
    assert [one.file for one in found.files] == ["joined.csv"]
    assert [(one.node, len(one.uris or ())) for one in found.undeclared] == [("n1", 4)]


async def test_pages_of_executions() -> None:
    rows = [execution_pb2.Execution() for _ in range(3)]
    for row, name in zip(rows, ["a", "b", "a"], strict=True):
        row.id.name = name
        row.closure.phase = 77
        row.closure.created_at.FromNanoseconds(1_800_000_000_123_456_789)

    def page(path: str, request: httpx.Request) -> httpx.Response | None:
        if path != "/api/v1/executions/p/d":
            return None
        seen.append(dict(request.url.params))
        return server.respond(request, 200, execution_pb2.ExecutionList(executions=rows, token="3"))

    seen: list[dict[str, str]] = []
    server = Twisted(page)
    found = await catalog(server).executions("p", "d", limit=3, query="wf:adam !phase:aborted 7f2")
    assert [(one.id.name, one.phase) for one in found.executions] == [("a", "77"), ("b", "77")]
    assert found.token
    assert seen == [
        {
            "limit": "3",
            "sort_by.key": "execution_created_at",
            "sort_by.direction": "DESCENDING",
            "filters": "contains(workflow.name,adam)+eq(workflow.project,p)+eq(workflow.domain,d)"
            "+ne(phase,ABORTED)+contains(execution_name,7f2)",
        }
    ]
    # The next page is asked for by time, cut to microseconds; a server that repeats itself does not lead in circles.
    again = await catalog(server).executions("p", "d", limit=3, token=found.token)
    assert seen[-1]["filters"] == "lte(execution_created_at,2027-01-15T08:00:00.123456Z)"
    assert seen[-1]["limit"] != "3"
    assert (again.executions, again.token) == ((), "")


async def test_projects() -> None:
    def projects(path: str, request: httpx.Request) -> httpx.Response | None:
        if path != "/api/v1/projects":
            return None
        found = project_pb2.Project(id="p", name="Study", description="x")
        found.domains.add(id="development")
        return server.respond(request, 200, project_pb2.Projects(projects=[found]))

    server = Twisted(projects)
    (project,) = await catalog(server).projects()
    assert (project.id, project.name, project.domains) == ("p", "Study", ("development",))


async def test_a_run_that_has_just_ended_is_read_again_before_it_is_kept(tmp_path: Path) -> None:
    lists = 0

    def just_now(path: str, request: httpx.Request) -> httpx.Response | None:
        nonlocal lists
        recorded = Replay().single
        if path.endswith("/executions/flytesnacks/development/fails-1") and "/data/" not in path:
            message = execution_pb2.Execution()
            message.CopyFrom(recorded[path])
            message.closure.updated_at.FromDatetime(datetime.now(timezone.utc))
            return server.respond(request, 200, message)
        if path.endswith("/node_executions/flytesnacks/development/fails-1"):
            lists += 1
        return None

    server = Twisted(just_now)
    cache = ResponseCache(tmp_path / "c")
    client = AdminClient(BASE_URL, transport=server, retry_delay=0)
    first = await Catalog(client, cache).artifacts(run("fails-1"))
    assert lists == 2
    calls = client.calls
    assert await Catalog(client, cache).artifacts(run("fails-1")) == first
    assert client.calls == calls


async def test_an_answer_that_is_no_message_is_an_error() -> None:
    def page(path: str, request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(200, html="<html><title>Out of order</title></html>")

    with pytest.raises(ServerError, match="web page"):
        await catalog(Twisted(page)).artifacts(run("clinical-1"))
