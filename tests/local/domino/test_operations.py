"""Every operation of the embedded Domino, held against the documents; permissions, checksums, collisions, jobs."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
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


async def test_a_file_is_not_taken_for_one_of_its_name_in_another_folder(api: Api, tmp_path: Path) -> None:
    """python-domino calls a file by its size and last name, and does not send what ``test`` says is there."""
    id_ = (await api.dataset())["id"]
    key = await api.start(id_)
    params = {
        "resumableChunkNumber": 1,
        "resumableTotalChunks": 1,
        "resumableIdentifier": "1-x.csv",
        "key": key,
        "checksum": hashlib.md5(b"1", usedforsecurity=False).hexdigest().upper(),
    }
    await api.put(id_, key, "a/x.csv", b"1", resumableIdentifier="1-x.csv")
    await api.ask("GET", f"/v4/datasetrw/datasets/{id_}/snapshot/file/test", 204, params=params)
    await api.put(id_, key, "b/x.csv", b"1", resumableIdentifier="1-x.csv")
    await api.end(id_, key)
    assert sorted(head(tmp_path, id_)) == ["a/x.csv", "b/x.csv"]


async def test_sessions_that_end_at_the_same_time_end_once(api: Api, tmp_path: Path) -> None:
    id_ = (await api.dataset())["id"]
    url = f"/v4/datasetrw/datasets/{id_}/snapshot/file/end"
    for _ in range(5):
        key = await api.start(id_)
        for number in range(10):
            await api.put(id_, key, f"f{number}", b"1")
        answers = await asyncio.gather(*(api.client.get(f"{url}/{key}") for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 404, 404]
    keys = [await api.start(id_, "Rename") for _ in range(4)]
    for number, key in enumerate(keys):
        await api.put(id_, key, "f0", f"{number}".encode())
    await asyncio.gather(*(api.end(id_, key) for key in keys))
    renamed = {name: body for name, body in head(tmp_path, id_).items() if name.startswith("f0")}
    assert sorted(renamed) == ["f0", "f0_1", "f0_2", "f0_3", "f0_4"]
    assert sorted(renamed.values()) == [b"0", b"1", b"1", b"2", b"3"]


async def test_numbers_and_paths_have_bounds(api: Api) -> None:
    id_ = (await api.dataset())["id"]
    key = await api.start(id_)
    await api.put(id_, key, "x", b"1", total=10**30, status=400)
    await api.put(id_, key, "/".join(["d" * 200] * 30), b"1", status=400)
    await api.end(id_, key, 400, targetRelativePath="/".join(["d" * 200] * 30))


async def test_names_and_roles_are_checked_wherever_they_are_given(api: Api) -> None:
    made = await api.dataset()
    base = f"/api/datasetrw/v1/datasets/{made['id']}"
    for name in ("a/b", " ", "quick-start"):
        await api.ask("PATCH", base, 400, json={"name": name})
    await api.ask("POST", f"{base}/grants", 400, json={"targetId": BOB.id, "targetRole": "Everything"})
    await api.ask("PATCH", base, json={"name": made["name"], "description": "its own name is free"})


async def test_a_deleted_dataset_leaves_nothing(api: Api, tmp_path: Path) -> None:
    id_ = (await api.dataset())["id"]
    key = await api.start(id_)
    await api.put(id_, key, "x", b"1")
    await api.ask("DELETE", f"/api/datasetrw/v1/datasets/{id_}")
    left = [path for path in (tmp_path / "domino").rglob("*") if key in str(path) or id_ in str(path)]
    assert left == []
    database = sqlite3.connect(tmp_path / "domino" / "domino.sqlite3")
    try:
        assert database.execute("SELECT (SELECT count(*) FROM uploads), (SELECT count(*) FROM chunks)").fetchone() == (
            0,
            0,
        )
    finally:
        database.close()


async def test_a_snapshot_that_was_cut_short_has_the_head_of_its_time(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = (await api.dataset())["id"]
    await _write(api, id_, b"old")
    url = f"/api/datasetrw/v1/datasets/{id_}/snapshots"
    with monkeypatch.context() as patch:
        patch.setattr("flowtui.local.domino.store.DominoStore.finish_snapshot", _cut)
        with pytest.raises(Cut):
            await api.ask("POST", url, json={"relativeFilePaths": [""]})
    await _write(api, id_, b"new")
    (made,) = (await api.ask("GET", url))["snapshots"]
    found = (await api.ask("GET", f"/api/datasetrw/v1/snapshots/{made['id']}"))["snapshot"]
    assert (made["status"], found["status"]) == ("pending", "active")
    assert (tmp_path / "domino" / "datasets" / id_ / "1" / "x.csv").read_bytes() == b"old"
    assert not [path for path in (tmp_path / "domino" / "datasets" / id_).iterdir() if path.name.startswith(".")]


async def test_a_snapshot_whose_files_are_lost_has_failed(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = (await api.dataset())["id"]
    url = f"/api/datasetrw/v1/datasets/{id_}/snapshots"
    with monkeypatch.context() as patch:
        patch.setattr("flowtui.local.domino.store.DominoStore.finish_snapshot", _cut)
        with pytest.raises(Cut):
            await api.ask("POST", url, json={"relativeFilePaths": [""]})
    for path in (tmp_path / "domino" / "datasets" / id_).glob(".*"):
        shutil.rmtree(path)
    (made,) = (await api.ask("GET", url))["snapshots"]
    assert (await api.ask("GET", f"/api/datasetrw/v1/snapshots/{made['id']}"))["snapshot"]["status"] == "failed"


async def _write(api: Api, dataset: str, body: bytes) -> None:
    key = await api.start(dataset)
    await api.put(dataset, key, "x.csv", body)
    await api.end(dataset, key)


def _cut(*_: Any) -> None:
    raise Cut


SERVER = """
import asyncio, sys
from pathlib import Path
from flowtui.local.domino import create_domino_app
from flowtui.local.domino.serve import served
from tests.kill.export_child import Steps

async def main():
    steps = Steps(0)
    async with served(lambda url: create_domino_app(Path(sys.argv[1]), url=url)) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        steps.kill_at = int(sys.argv[2])
        steps.watch()
        print("armed", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def test_a_server_that_is_killed_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """SIGKILL for real, at every second step of the end of a session and of the snapshot after it."""
    bodies = {f"f{number}": f"body {number}".encode() for number in range(3)}
    kill_at, is_killed = 1, True
    while is_killed:
        home = tmp_path / str(kill_at)
        base = key = ""
        for kill in (kill_at, 0):
            command = [sys.executable, "-c", SERVER, str(home), str(kill)]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
                assert server.stdin is not None
                assert server.stdout is not None
                try:
                    with httpx.Client(base_url=server.stdout.readline().strip(), timeout=30) as client:
                        if not base:
                            base, key = _begun(client, bodies)
                        server.stdin.write("\n")
                        server.stdin.flush()
                        assert server.stdout.readline() == "armed\n"
                        is_cut = not _ended(client, base, key)
                finally:
                    server.kill()
            if kill:
                is_killed = is_cut
        folder = home / "domino" / "datasets" / base.rpartition("/")[2]
        assert not is_cut
        for name in ("head", max(path.name for path in folder.iterdir() if path.name.isdigit())):
            assert {path.name: path.read_bytes() for path in (folder / name).iterdir()} == bodies, kill_at
        kill_at += 2
    assert kill_at > 5


def _begun(client: httpx.Client, bodies: dict[str, bytes]) -> tuple[str, str]:
    """A dataset with a session that has all files: the dataset's path in the API, and the session's key."""
    id_ = client.get("/api/datasetrw/v1/datasets").json()["datasets"][0]["id"]
    upload = f"/v4/datasetrw/datasets/{id_}/snapshot/file"
    key = client.post(f"{upload}/start", json={"filePaths": [], "fileCollisionSetting": "Rename"}).json()
    for name, body in bodies.items():
        params = {
            "key": key,
            "resumableChunkNumber": 1,
            "resumableTotalChunks": 1,
            "resumableIdentifier": name,
            "resumableRelativePath": name,
            "checksum": hashlib.md5(body, usedforsecurity=False).hexdigest(),
        }
        client.post(upload, params=params, files={"file": ("x", body)}).raise_for_status()
    return f"/api/datasetrw/v1/datasets/{id_}", key


def _ended(client: httpx.Client, base: str, key: str) -> bool:
    """End the session, where it is still there, and make a snapshot; False where the server died meanwhile."""
    upload = f"/v4/datasetrw/datasets/{base.rpartition('/')[2]}/snapshot/file"
    try:
        assert client.get(f"{upload}/end/{key}").status_code in (200, 404)
        made = client.post(f"{base}/snapshots", json={"relativeFilePaths": [""]}).json()["snapshot"]
        assert client.get(f"/api/datasetrw/v1/snapshots/{made['id']}").json()["snapshot"]["status"] == "active"
    except httpx.TransportError:
        return False
    return True


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


async def test_a_job_of_a_server_that_was_killed_has_failed(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, sys, time\n"
        "from pathlib import Path\n"
        "from flowtui.local.domino import create_domino_app, LOCAL_USER\n"
        "from flowtui.local.domino.jobs import Jobs\n"
        "store = create_domino_app(Path(sys.argv[1])).state.store\n"
        "jobs = Jobs(store, Path(sys.argv[1]), '')\n"
        "print(jobs.start(store.projects()[0], 'flowtui serve --port 0', 't', LOCAL_USER), flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    id_ = ended.stdout.strip()
    api = Api(create_domino_app(tmp_path))

    async def status() -> Any:
        return (await api.ask("GET", f"/api/jobs/beta/jobs/{id_}"))["job"]["status"]["executionStatus"]

    assert await status() == "Running"
    # It goes on without its server, and who kills it is nobody that the new one knows.
    for process in Path("/proc").glob("[0-9]*"):  # noqa: ASYNC240
        with contextlib.suppress(OSError):
            if id_.encode() in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
    for _ in range(100):
        if await status() != "Running":
            break
        await asyncio.sleep(0.05)
    assert await status() == "Failed"
    log = (await api.ask("GET", f"/api/jobs/beta/jobs/{id_}/logs"))["logs"]
    assert "stopped" in log["logContent"][-1]["log"]


async def test_faults_are_counted_and_hit(tmp_path: Path) -> None:
    faults = Faults()
    api = Api(create_domino_app(tmp_path, faults=faults))
    from flowtui.local.domino import Fault

    faults.on = [Fault("getCurrentUser", "status", frozenset({2}), status=500)]
    for status in (200, 500, 200):
        await api.ask("GET", "/api/users/v1/self", status)
    assert faults.count("getCurrentUser") == 3
    faults.on = [Fault("getCurrentUser", "corrupt")]
    with pytest.raises(AssertionError, match="getCurrentUser answers 200 as text/html"):
        await api.ask("GET", "/api/users/v1/self")


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
    broken: list[str] = []
    async with served(lambda url: validated(create_domino_app(home, users=[ANN], url=url), broken)) as url:
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
    assert broken == []
    assert head(home, dataset) == {f"from python/source/{path.name}": path.read_bytes() for path in source.iterdir()}
