"""Paths, forms of bodies and limits of the embedded Admin's gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flyteidl.admin import execution_pb2
from flyteidl.core import literals_pb2
from google.rpc import status_pb2

from flowtui.local.app import MAX_ANSWER
from tests.local.admin import ID, RUNS, Client, execution, launch_plan, open_admin, task, workflow

BINARY, JSON = "application/octet-stream", "application/json"


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({"accept": BINARY}, "binary"),
        ({"accept": JSON}, "snake"),
        ({"accept": "*/*"}, "camel"),
        ({"accept": "application/json; charset=utf-8"}, "camel"),
        ({"accept": "application/json, text/plain"}, "camel"),
        ({"accept": "Application/JSON"}, "camel"),
        ({"accept": "*/*", "content-type": "application/json; charset=utf-8"}, "snake"),
        ({"accept": "*/*", "content-type": "Application/Octet-Stream"}, "binary"),
        ({"accept": JSON, "content-type": BINARY}, "snake"),
    ],
)
@pytest.mark.parametrize(
    ("path", "status"), [("/api/v1/version", 200), (f"{RUNS}/none", 404), ("/nothing", 404), (RUNS, 400)]
)
async def test_the_form_of_the_answer(
    tmp_path: Path, headers: dict[str, str], form: str, path: str, status: int
) -> None:
    async with open_admin(tmp_path) as client:
        answer = await client.http.get(path, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == (BINARY if form == "binary" else JSON)
    if form == "binary":
        assert status == 200 or status_pb2.Status.FromString(answer.content).message
    elif status == 200:
        assert ("control_plane_version" in answer.json()) == (form == "snake")
    else:
        assert set(answer.json()) == {"code", "message", "details"}


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/api/v1/tasks", 501, "Method Not Allowed"),
        ("HEAD", "/api/v1/version", 501, ""),
        ("DELETE", "/api/v1/version", 501, "Method Not Allowed"),
        ("GET", "/api/v1/tasks/p/d/a%2Fb/v", 404, "Not Found"),
        ("GET", "/me", 501, "unknown service flyteidl.service.IdentityService"),
        ("GET", "/config/v1/flyte_client", 501, "unknown service flyteidl.service.AuthMetadataService"),
        ("GET", "/api/v1/matchable_attributes", 501, "unknown method ListMatchableAttributes"),
        ("GET", f"{RUNS}?limit=1&limit=2", 400, "too many values for field 'limit'"),
        ("GET", f"{RUNS}?limit=", 400, 'parsing field "limit": strconv.ParseUint: parsing "": invalid syntax'),
        ("GET", f"{RUNS}?limit=4294967296", 400, 'strconv.ParseUint: parsing "4294967296": value out of range'),
        ("GET", f"{RUNS}?limit=5;token=1", 400, "invalid semicolon separator in query"),
        ("GET", f"{RUNS}?limit=5&token=-1", 400, "invalid pagination token -1 for ListExecutions"),
        ("GET", f"{RUNS}?limit=5&sort_by.direction=ASCENDING", 400, "invalid sort key ''"),
    ],
)
async def test_refused_requests(tmp_path: Path, method: str, path: str, status: int, message: str) -> None:
    async with open_admin(tmp_path) as client:
        answer = await client.http.request(method, path)
    assert answer.status_code == status
    assert message in (answer.json()["message"] if answer.content else "")


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/api/v1//projects?limit=1", "/api/v1/projects?limit=1"),
        ("/api/v1/x/%2e%2e/projects", "/api/v1/projects"),
        ("/api/v1/executions/flytesnacks//", "/api/v1/executions/flytesnacks/"),
        ("/%2e%2e//evil", "/evil"),
    ],
)
async def test_unclean_paths_are_redirected(tmp_path: Path, path: str, location: str) -> None:
    async with open_admin(tmp_path) as client:
        answer = await client.http.get(path)
    assert (answer.status_code, answer.headers["location"]) == (307, location)


async def test_names_are_decoded_once(tmp_path: Path) -> None:
    name = "Prep 100%: a?b#c+d=ü"
    async with open_admin(tmp_path) as client:
        await client.post("tasks", task(name))
        quoted = "Prep%20100%25%3A%20a%3Fb%23c%2Bd%3D%C3%BC"
        got = await client.get(f"/api/v1/tasks/flytesnacks/development/{quoted}/v1")
    assert got["id"]["name"] == name


@pytest.mark.parametrize("content_type", [None, "text/plain"])
async def test_unknown_fields_count_only_as_json(tmp_path: Path, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    async with open_admin(tmp_path) as client:
        body = b'{"project": {"id": "p", "name": "P", "nothing": [1, {"x": null}]}}'
        refused = await client.http.post("/api/v1/projects", content=body, headers={"content-type": JSON})
        assert (refused.status_code, "unknown field" in refused.text) == (400, True)
        taken = await client.http.post("/api/v1/projects", content=body, headers=headers)
        assert taken.status_code == 200
        listed = await client.get("/api/v1/projects")
    assert [project["id"] for project in listed["projects"]] == ["flytesnacks", "p"]


@pytest.mark.parametrize("body", [b"{", b"[", b"[]", b"3", b'{"id": 3}', b"\xff", b'{"id": {"name": []}}', b"[" * 5000])
async def test_broken_json_is_refused(tmp_path: Path, body: bytes) -> None:
    async with open_admin(tmp_path) as client:
        answer = await client.http.post("/api/v1/tasks", content=body, headers={"content-type": JSON})
    assert answer.status_code == 400
    assert answer.json()["code"] == 3


async def test_broken_protobuf_is_refused(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        answer = await client.http.post("/api/v1/tasks", content=b"\xff\xff", headers={"content-type": BINARY})
    assert answer.status_code == 400


async def test_answers_above_the_limit_are_refused(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        await client.register()
        note = "x" * (MAX_ANSWER // 4)
        for number in range(5):
            spec = {"annotations": {"values": {"note": note}}}
            await client.post("executions", execution(f"run-{number}", spec=spec))
        answer = await client.http.get(RUNS, params={"limit": 5})
        assert (answer.status_code, answer.json()["code"]) == (429, 8)
        assert answer.json()["message"].startswith("grpc: received message larger than max (")
        halved = await client.get(RUNS, limit=2)
    assert (len(halved["executions"]), halved["token"]) == (2, "2")


async def test_a_path_prefix_is_kept(tmp_path: Path) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    from flowtui.httpclient import httpx
    from tests.local.admin import open_app

    with open_app(tmp_path) as inner:
        outer = Starlette(routes=[Mount("/flows", inner)])
        transport = httpx.ASGITransport(outer)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/flows") as http:
            assert (await http.get("/api/v1/projects")).status_code == 200
            params = {"native_url": "s3://b/x"}
            signed = (await http.get("/api/v1/dataproxy/artifact_urn", params=params)).json()["signedUrl"]
            assert signed.startswith("http://127.0.0.1/flows/blobs/")
            assert (await http.get(signed)).status_code == 404


async def test_projects(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        await client.post("projects", {"project": {"id": "study", "name": "Study"}})
        assert (await client.refused("projects", {"project": {"id": "study", "name": "x"}}))[0] == 409
        one = await client.get("/api/v1/projects/study")
        assert [domain["id"] for domain in one["domains"]] == ["development", "staging", "production"]
        await client.http.put("/api/v1/projects/study", json={"name": "Study", "state": "ARCHIVED"})
        assert [p["id"] for p in (await client.get("/api/v1/projects"))["projects"]] == ["flytesnacks"]
        page = await client.get("/api/v1/projects", limit=1, filters="eq(state,1)")
    assert ([p["id"] for p in page["projects"]], page["token"]) == (["study"], "1")


async def test_launched_after_the_commit(tmp_path: Path) -> None:
    seen: list[tuple[Any, str]] = []

    def launcher(id_: Any) -> None:
        with client.app.state.admin.store.read() as db:
            (phase,) = db.execute("SELECT phase FROM executions WHERE execution_name = ?", (id_.name,)).fetchone()
        seen.append((str(id_), phase))

    client: Client
    async with open_admin(tmp_path, launcher=launcher) as client:
        await client.register()
        await client.post("executions", execution("one"))
        assert (await client.refused("executions", execution("one")))[0] == 409
        await client.post("executions/relaunch", {"id": {**ID, "name": "one"}, "name": "two"})
        await client.post("executions/recover", {"id": {**ID, "name": "one"}, "name": "three"})
    prefix = "flytesnacks/development/"
    assert seen == [(f"{prefix}one", "UNDEFINED"), (f"{prefix}two", "UNDEFINED"), (f"{prefix}three", "UNDEFINED")]


async def test_a_run_whose_runner_cannot_start_has_failed(tmp_path: Path) -> None:
    def launcher(id_: Any) -> None:
        raise OSError(f"no memory for {id_.name}")

    async with open_admin(tmp_path, launcher=launcher) as client:
        await client.register()
        await client.post("executions", execution())
        closure = (await client.get(f"{RUNS}/run-1"))["closure"]
    assert (closure["phase"], closure["error"]["code"]) == ("FAILED", "RunnerNotStarted")
    assert "no memory for run-1" in closure["error"]["message"]


async def test_binary_bodies(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        await client.post("tasks", task())
        await client.post("workflows", workflow())
        await client.post("launch_plans", launch_plan())
        literals = literals_pb2.LiteralMap()
        literals.literals["n"].scalar.primitive.integer = 4
        request = execution_pb2.ExecutionCreateRequest(project="flytesnacks", domain="development", inputs=literals)
        request.spec.launch_plan.resource_type = 3
        for name, value in {**ID, "name": "flow", "version": "v1"}.items():
            setattr(request.spec.launch_plan, name, value)
        headers = {"content-type": BINARY, "accept": BINARY}
        answer = await client.http.post("/api/v1/executions", content=request.SerializeToString(), headers=headers)
        made = execution_pb2.ExecutionCreateResponse.FromString(answer.content)
        data = await client.get(f"/api/v1/data/executions/flytesnacks/development/{made.id.name}")
    assert len(made.id.name) == 20
    assert data["full_inputs"]["literals"]["n"]["scalar"]["primitive"]["integer"] == "4"
