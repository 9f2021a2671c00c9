"""Every operation of the embedded Domino, held against the documents; permissions, checksums, collisions, jobs."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowtui.httpclient import httpx
from flowtui.local.domino import Faults, User, create_domino_app
from flowtui.local.domino.app import ROUTES
from flowtui.local.domino.jobs import flowtui_arguments
from flowtui.local.domino.refusals import Refusal
from flowtui.local.domino.serve import served
from flowtui.local.domino.uploads import safe_path
from tests.local.domino.contract import contract, validated

ANN = User("a" * 24, "ann", token="token-of-ann", api_key="key-of-ann")
BOB = User("b" * 24, "bob", token="token-of-bob")
CHUNK = 8 * 1024 * 1024


class Api:
    """Requests of one user, each checked."""

    def __init__(self, app: Any, user: User | None = None) -> None:
        headers = {"Authorization": f"Bearer {user.token}"} if user else {}
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(validated(app)), base_url="http://domino.test", headers=headers
        )

    async def ask(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        answer = await self.client.request(method, path, **options)
        assert answer.status_code == status, answer.text
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.json() if is_json else answer.content

    async def dataset(self, name: str = "adam") -> Any:
        project = (await self.ask("GET", "/api/projects/beta/projects"))["projects"][0]["id"]
        body = {"name": name, "projectId": project, "description": "d"}
        return (await self.ask("POST", "/api/datasetrw/v1/datasets", json=body))["dataset"]

    async def start(self, dataset: str, collision: str | None = "Overwrite") -> str:
        body = {"filePaths": ["x"], **({"fileCollisionSetting": collision} if collision else {})}
        key: str = await self.ask("POST", f"/v4/datasetrw/datasets/{dataset}/snapshot/file/start", json=body)
        return key

    async def put(
        self,
        dataset: str,
        key: str,
        path: str,
        body: bytes,
        number: int = 1,
        total: int = 1,
        status: int = 200,
        **more: Any,
    ) -> None:
        params = {
            "key": key,
            "resumableChunkNumber": number,
            "resumableTotalChunks": total,
            "resumableChunkSize": CHUNK,
            "resumableCurrentChunkSize": len(body),
            "resumableIdentifier": f"9-{path}",
            "resumableRelativePath": path,
            "checksum": hashlib.md5(body, usedforsecurity=False).hexdigest().upper(),
            **more,
        }
        url = f"/v4/datasetrw/datasets/{dataset}/snapshot/file"
        await self.ask("POST", url, status, params=params, files={"file": ("x", body)})

    async def end(self, dataset: str, key: str, status: int = 200, **params: Any) -> Any:
        return await self.ask("GET", f"/v4/datasetrw/datasets/{dataset}/snapshot/file/end/{key}", status, params=params)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    app = create_domino_app(tmp_path)
    async with app.router.lifespan_context(app):
        yield Api(app)


def head(tmp_path: Path, dataset: str) -> dict[str, bytes]:
    root = tmp_path / "domino" / "datasets" / dataset / "head"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


async def test_every_operation_answers_as_documented(api: Api, tmp_path: Path) -> None:
    seen: set[str] = set()
    original = api.ask

    async def ask(method: str, path: str, status: int = 200, **options: Any) -> Any:
        operation = contract().find(method, path)
        seen.add(operation.id if operation else path)
        return await original(method, path, status, **options)

    api.ask = ask  # type: ignore[method-assign]
    await api.ask("GET", "/version")
    await api.ask("GET", "/api/users/v1/self")
    project = await api.ask(
        "POST", "/api/projects/beta/projects", json={"name": "p", "description": "", "visibility": "Private"}
    )
    dataset = await api.dataset()
    id_ = dataset["id"]
    base = f"/api/datasetrw/v1/datasets/{id_}"
    await api.ask("GET", "/api/datasetrw/v1/datasets", params={"projectId": dataset["projectId"], "limit": 2})
    await api.ask("GET", base)
    await api.ask("PATCH", base, json={"description": "new"})
    await api.ask("POST", f"{base}/grants", json={"targetId": BOB.id, "targetRole": "DatasetRwReader"})
    await api.ask("GET", f"{base}/grants")
    await api.ask("DELETE", f"{base}/grants", json={"targetId": BOB.id, "targetRole": "DatasetRwReader"})
    found = await api.ask(
        "GET",
        "/api/datasetrw/v2/datasets",
        params={"minimumPermission": "UpdateDatasetRwV2", "includeProjectInfo": "true"},
    )
    assert "adam" in [one["dataset"]["name"] for one in found["datasets"]]
    key = await api.start(id_)
    await api.ask("GET", f"/v4/datasetrw/snapshot/upload/{key}")
    await api.put(id_, key, "a/b.csv", b"1,2\n")
    params = {
        "resumableChunkNumber": 1,
        "resumableTotalChunks": 1,
        "resumableIdentifier": "9-a/b.csv",
        "key": key,
        "checksum": hashlib.md5(b"1,2\n", usedforsecurity=False).hexdigest().upper(),
    }
    test = f"/v4/datasetrw/datasets/{id_}/snapshot/file/test"
    await api.ask("GET", test, 200, params=params)
    await api.ask("GET", test, 204, params={**params, "checksum": "0" * 32})
    await api.end(id_, key)
    await api.ask("GET", f"/v4/datasetrw/datasets/{id_}/snapshot/file/cancel/{await api.start(id_)}")
    await api.ask("POST", "/v4/datasetrw/dataset/file/normalized", json={"fileNames": ["a:b"]})
    (info,) = await api.ask("GET", "/v4/datasetrw/datasets-v2", params={"datasetIds": id_})
    read_write = info["datasetRwDto"]["readWriteSnapshotId"]
    files = await api.ask("GET", f"/v4/datasetrw/files/{read_write}", params={"path": "a"})
    assert [row["name"]["fileName"] for row in files["rows"]] == ["a/b.csv"]
    raw = f"/v4/datasetrw/snapshot/{read_write}/file/raw"
    assert await api.ask("GET", raw, params={"path": "a/b.csv"}) == b"1,2\n"
    made = (await api.ask("POST", f"{base}/snapshots", json={"relativeFilePaths": [""]}))["snapshot"]
    active = (await api.ask("GET", f"/api/datasetrw/v1/snapshots/{made['id']}"))["snapshot"]
    assert (made["status"], active["status"]) == ("pending", "active")
    await api.ask("GET", f"{base}/snapshots")
    await api.ask("GET", f"/v4/datasetrw/snapshots/{id_}")
    tagged = await api.ask("POST", f"{base}/tags", json={"tagName": "v1", "snapshotId": made["id"]})
    assert tagged["dataset"]["tags"] == {"v1": made["id"]}
    await api.ask("DELETE", f"{base}/tags/v1")
    body = {"projectId": project["project"]["id"], "runCommand": "flowtui --version", "title": "t"}
    job = (await api.ask("POST", "/api/jobs/v1/jobs", json=body))["job"]
    await api.ask("GET", f"/api/jobs/beta/jobs/{job['id']}")
    await api.ask("GET", "/api/jobs/beta/jobs", params={"projectId": body["projectId"]})
    await api.ask("GET", f"/api/jobs/beta/jobs/{job['id']}/logs", params={"limit": 10})
    await api.ask("DELETE", base)
    await api.ask("GET", base, 404)
    served_here = {name.removesuffix("V4") for _, _, name in ROUTES if name != "getVersion"}
    assert {name.removesuffix("V2") for name in seen if name != "/version"} == {
        name.removesuffix("V2") for name in served_here
    }


async def test_a_snapshot_keeps_what_the_head_loses(api: Api, tmp_path: Path) -> None:
    id_ = (await api.dataset())["id"]
    for body in (b"old", b"new"):
        key = await api.start(id_)
        await api.put(id_, key, "x.csv", body)
        await api.end(id_, key)
        await api.ask("POST", f"/api/datasetrw/v1/datasets/{id_}/snapshots", json={"relativeFilePaths": [""]})
    folder = tmp_path / "domino" / "datasets" / id_
    assert [(folder / name / "x.csv").read_bytes() for name in ("1", "2", "head")] == [b"old", b"new", b"new"]


async def test_damaged_missing_and_strange_chunks_are_refused(api: Api, tmp_path: Path) -> None:
    id_ = (await api.dataset())["id"]
    key = await api.start(id_)
    await api.put(id_, key, "x", b"1", status=400, checksum="0" * 32)
    await api.put(id_, key, "../x", b"1", status=400)
    await api.put(id_, key, "x", b"1", number=3, total=2, status=400)
    await api.put(id_, "none", "x", b"1", status=404)
    await api.put(id_, key, "x", b"1", number=1, total=2)
    await api.end(id_, key, 400)
    assert head(tmp_path, id_) == {}
    await api.put(id_, key, "x", b"2", number=2, total=2)
    await api.end(id_, key, targetRelativePath="sub")
    assert head(tmp_path, id_) == {"sub/x": b"12"}
    await api.end(id_, key, 404)
    other = (await api.dataset("other"))["id"]
    await api.put(other, await api.start(id_), "x", b"1", status=404)


@pytest.mark.parametrize(
    ("collision", "expected"),
    [
        ("Overwrite", {"x.csv": b"new"}),
        ("Ignore", {"x.csv": b"old"}),
        (None, {"x.csv": b"old"}),
        ("Rename", {"x.csv": b"old", "x_1.csv": b"new"}),
    ],
)
async def test_collisions(api: Api, tmp_path: Path, collision: str | None, expected: dict[str, bytes]) -> None:
    id_ = (await api.dataset())["id"]
    for body, setting in ((b"old", "Overwrite"), (b"new", collision)):
        key = await api.start(id_, setting)
        await api.put(id_, key, "x.csv", body)
        await api.end(id_, key)
    assert head(tmp_path, id_) == expected
    await api.ask(
        "POST",
        f"/v4/datasetrw/datasets/{id_}/snapshot/file/start",
        400,
        json={"filePaths": [], "fileCollisionSetting": "?"},
    )


async def test_an_end_that_was_cut_short_is_ended_once(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = (await api.dataset())["id"]
    for setting in ("Overwrite", "Rename"):
        key = await api.start(id_, setting)
        for name in ("a", "b", "c"):
            await api.put(id_, key, name, setting.encode())
        moved = 0
        replace = Path.replace

        def cut(self: Path, target: Any, replace: Callable[..., Any] = replace) -> Any:
            nonlocal moved
            moved += "head" in str(target)
            if moved == 2:
                raise Cut
            return replace(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", cut)
            with pytest.raises(Cut):
                await api.end(id_, key)
        await api.end(id_, key)
    assert sorted(head(tmp_path, id_)) == ["a", "a_1", "b", "b_1", "c", "c_1"]


class Cut(BaseException):
    """The server dies here."""


async def test_who_may_do_what(tmp_path: Path) -> None:
    app = create_domino_app(tmp_path, users=[ANN, BOB])
    ann, bob, nobody = Api(app, ANN), Api(app, BOB), Api(app)
    await nobody.ask("GET", "/api/users/v1/self", 401)
    await nobody.ask("GET", "/v4/datasetrw/datasets-v2", 401)
    assert (await bob.ask("GET", "/api/users/v1/self"))["user"]["userName"] == "bob"
    id_ = (await ann.dataset())["id"]
    base = f"/api/datasetrw/v1/datasets/{id_}"
    await bob.ask("GET", base, 403)
    for role, upload in (("DatasetRwReader", 403), ("DatasetRwEditor", 200)):
        await ann.ask("POST", f"{base}/grants", json={"targetId": BOB.id, "targetRole": role})
        await bob.ask("GET", base)
        start = f"/v4/datasetrw/datasets/{id_}/snapshot/file/start"
        await bob.ask("POST", start, upload, json={"filePaths": []})
        writable = await bob.ask("GET", "/api/datasetrw/v2/datasets", params={"minimumPermission": "UpdateDatasetRwV2"})
        assert len(writable["datasets"]) == (upload == 200)
    await bob.ask("DELETE", base, 403)
    await bob.ask("POST", f"{base}/grants", 403, json={"targetId": BOB.id, "targetRole": "DatasetRwOwner"})
    for secret in (ANN.token, ANN.api_key, BOB.token):
        assert secret not in repr([ANN, BOB])


async def test_jobs_run_commands_of_flowtui_and_nothing_else(api: Api, tmp_path: Path) -> None:
    project = (await api.ask("GET", "/api/projects/beta/projects"))["projects"][0]["id"]
    for command, state in (
        ("flowtui --version", "Succeeded"),
        ("python -m flowtui runs --limit none", "Failed"),
        ("touch here", "Failed"),
        ("flowtui --version; touch here", "Failed"),
    ):
        body = {"projectId": project, "runCommand": command}
        id_ = (await api.ask("POST", "/api/jobs/v1/jobs", json=body))["job"]["id"]
        for _ in range(200):
            status = (await api.ask("GET", f"/api/jobs/beta/jobs/{id_}"))["job"]["status"]
            if status["isCompleted"]:
                break
            await asyncio.sleep(0.1)
        assert status["executionStatus"] == state, command
        log = (await api.ask("GET", f"/api/jobs/beta/jobs/{id_}/logs"))["logs"]
        assert log["isComplete"]
        assert log["logContent"]
    assert not Path("here").exists()  # noqa: ASYNC240
    await api.ask("POST", "/api/jobs/v1/jobs", 404, json={"projectId": "0" * 24, "runCommand": "flowtui --version"})


async def test_faults_are_counted_and_hit(tmp_path: Path) -> None:
    faults = Faults()
    api = Api(create_domino_app(tmp_path, faults=faults))
    from flowtui.local.domino import Fault

    faults.on = [Fault("getCurrentUser", "status", frozenset({2}), status=500)]
    for status in (200, 500, 200):
        await api.ask("GET", "/api/users/v1/self", status)
    assert faults.count("getCurrentUser") == 3


@given(st.text(max_size=80))
def test_no_path_leads_out_of_a_dataset(path: str) -> None:
    try:
        clean = safe_path(path)
    except Refusal:
        return
    root = Path("/root-of-a-dataset")
    assert Path(os.path.normpath(root / clean)).is_relative_to(root)
    assert clean
    assert safe_path(clean) == clean


@given(st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_only_flowtui_is_run(command: str) -> None:
    assert flowtui_arguments(command) is None or command.split()[0] in ("flowtui", "python", "python3")


PYTHON = Path(os.environ.get("FLOWTUI_DOMINO_PYTHON", Path(__file__).parents[3] / ".venv-domino" / "bin" / "python"))

UPLOAD = """
import json, sys
from domino import Domino

url, dataset, folder = sys.argv[1:]
domino = Domino("ann/quick-start", api_key="key-of-ann", host=url)
domino.datasets_upload_files(dataset, folder, file_upload_setting="Overwrite", target_relative_path="from python")
"""


@pytest.mark.skipif(
    not PYTHON.exists(), reason=f"Domino's Python client is not at {PYTHON}: sh scripts/setup_domino.sh"
)
async def test_dominos_own_client_uploads(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "large.bin").write_bytes(os.urandom(2 * CHUNK + 5))
    (source / "adsl é.csv").write_bytes(b"USUBJID\n")
    home = tmp_path / "home"
    async with served(lambda url: validated(create_domino_app(home, users=[ANN], url=url))) as url:
        headers = {"X-Domino-Api-Key": ANN.api_key}
        async with httpx.AsyncClient(base_url=url, headers=headers) as client:
            project = (await client.get("/api/projects/beta/projects")).json()["projects"][0]["id"]
            body = {"name": "adam", "projectId": project}
            dataset = (await client.post("/api/datasetrw/v1/datasets", json=body)).json()["dataset"]["id"]
        process = await asyncio.create_subprocess_exec(
            *(str(PYTHON), "-c", UPLOAD, url, dataset, "source"),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert head(home, dataset) == {f"from python/source/{path.name}": path.read_bytes() for path in source.iterdir()}
