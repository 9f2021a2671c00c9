"""The embedded Domino as an ASGI app: which path is which operation of Domino's OpenAPI documents."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from flowtui.errors import ConfigError
from flowtui.local.domino import shapes
from flowtui.local.domino.call import Call, body_of
from flowtui.local.domino.faults import Faults
from flowtui.local.domino.jobs import Jobs
from flowtui.local.domino.refusals import Refusal, bad_request, error_body, not_found
from flowtui.local.domino.store import DominoStore
from flowtui.local.domino.uploads import Uploads, normalized, safe_path
from flowtui.local.domino.users import EDITOR, LOCAL_USER, OWNER, User, user_of
from flowtui.local.home import Home
from flowtui.text import plain

VERSION = "6.3.0"
"""The Domino whose documents are followed."""

Handler = Callable[[Call], Any]


class Operations:
    """What each operation does; called in a thread, except for chunks."""

    def __init__(self, store: DominoStore, home: Path, url: str, users: Sequence[User] | None) -> None:
        self.store = store
        self.uploads = Uploads(store)
        self.jobs = Jobs(store, home, url)
        self.users = list(users or [LOCAL_USER])

    def get_version(self, call: Call) -> Any:
        # Not in the documents; Domino's Python client asks for it first.
        return {"buildId": "embedded", "buildUrl": "", "commitId": "", "commitUrl": "", "version": VERSION}

    def get_current_user(self, call: Call) -> Any:
        return {"user": shapes.user(call.user), "metadata": shapes.metadata()}

    def get_projects(self, call: Call) -> Any:
        found, meta = call.paged(self.store.projects())
        return {"projects": list(map(shapes.project, found)), "metadata": meta}

    def create_project(self, call: Call) -> Any:
        made = self.store.add_project(call.user, call.text("name"), call.text("description"))
        return {"project": shapes.project(made), "metadata": shapes.metadata()}

    def get_datasets(self, call: Call) -> Any:
        project = call.query.get("projectId")
        found, meta = call.paged(self.store.datasets(call.user, projects=[project] if project else []))
        return {"datasets": list(map(shapes.dataset, found)), "metadata": meta}

    def get_datasets_v2(self, call: Call) -> Any:
        permission = call.query.get("minimumPermission", "")
        include, exclude = call.query.getlist("projectIdsToInclude"), call.query.getlist("projectIdsToExclude")
        every = self.store.datasets(call.user, permission=permission, projects=include)
        found, meta = call.paged([one for one in every if one.project not in exclude])
        return {"datasets": list(map(shapes.dataset_info, found)), "metadata": meta}

    def create_dataset(self, call: Call) -> Any:
        project = call.text("projectId")
        return self._dataset(
            self.store.add_dataset(call.user, call.text("name"), project, call.optional("description") or "")
        )

    def get_dataset(self, call: Call) -> Any:
        return self._dataset(self.store.dataset(call.path["dataset"], call.user))

    def update_dataset(self, call: Call) -> Any:
        name, description = call.optional("name"), call.optional("description")
        return self._dataset(self.store.change(call.path["dataset"], call.user, name=name, description=description))

    def delete_dataset(self, call: Call) -> Any:
        return self._dataset(self.store.remove(call.path["dataset"], call.user))

    def get_dataset_grants(self, call: Call) -> Any:
        self.store.dataset(call.path["dataset"], call.user)
        details = shapes.grant_details(self.store.grants(call.path["dataset"]), self.users)
        return {"grantDetails": details, "metadata": shapes.metadata()}

    def add_dataset_grant(self, call: Call) -> Any:
        return self._grant(call, call.text("targetRole"))

    def remove_dataset_grant(self, call: Call) -> Any:
        return self._grant(call, None)

    def get_dataset_snapshots(self, call: Call) -> Any:
        found, meta = call.paged(self.store.dataset(call.path["dataset"], call.user).snapshots)
        return {"snapshots": list(map(shapes.snapshot, found)), "metadata": meta}

    def create_snapshot(self, call: Call) -> Any:
        if not isinstance(call.body, dict) or not isinstance(call.body.get("relativeFilePaths"), list):
            raise bad_request("relativeFilePaths is missing")
        made = self.store.add_snapshot(call.path["dataset"], call.user)
        self.store.finish_snapshot(made)
        # Domino copies behind the answer.
        return {"snapshot": shapes.snapshot(made), "metadata": shapes.metadata()}

    def get_snapshot(self, call: Call) -> Any:
        found = self.store.snapshot(call.path["snapshot"], call.user)
        if found.status == "Pending":
            found = self.store.finish_snapshot(found)
        return {"snapshot": shapes.snapshot(found), "metadata": shapes.metadata()}

    def add_dataset_tag(self, call: Call) -> Any:
        tag, snapshot = call.text("tagName"), call.text("snapshotId")
        return self._dataset(self.store.tag(call.path["dataset"], tag, snapshot, call.user))

    def remove_dataset_tag(self, call: Call) -> Any:
        return self._dataset(self.store.tag(call.path["dataset"], call.path["tag"], None, call.user))

    def start_job(self, call: Call) -> Any:
        project = self.store.project(call.text("projectId"))
        id_ = self.jobs.start(project, call.text("runCommand"), call.optional("title") or "", call.user)
        return {"job": self.jobs.details(id_), "metadata": shapes.metadata()}

    def get_jobs(self, call: Call) -> Any:
        found, meta = call.paged(self.jobs.list(call.query.get("projectId", "")))
        return {"jobs": found, "metadata": meta}

    def get_job_details(self, call: Call) -> Any:
        return {"job": self.jobs.details(call.path["job"]), "metadata": shapes.metadata()}

    def get_job_logs(self, call: Call) -> Any:
        limit = call.number("limit", 1000)
        logs = self.jobs.logs(call.path["job"], limit)
        return {"logs": logs, "metadata": shapes.metadata(pagination={"limit": limit})}

    def get_datasets_v4(self, call: Call) -> Any:
        found = self.store.datasets(call.user, permission=call.query.get("minimumPermission", ""))
        wanted = call.query.getlist("datasetIds")
        return [shapes.dataset_v4(one, self.store.head(one.id)) for one in found if not wanted or one.id in wanted]

    def get_snapshots_v4(self, call: Call) -> Any:
        found = self.store.dataset(call.path["dataset"], call.user)
        head = self.store.snapshot(found.head, call.user)
        return [shapes.snapshot_v4(one) for one in (head, *found.snapshots)]

    def get_files_in_snapshot(self, call: Call) -> Any:
        root = self.store.snapshot_folder(self.store.snapshot(call.path["snapshot"], call.user))
        path = call.query.get("path", "").strip("/")
        below = f"{safe_path(path)}/" if path else ""
        folder = root / below
        if not folder.is_dir():
            raise not_found(f"{below or 'The snapshot'}")
        return shapes.files(folder, below)

    def get_file_raw(self, call: Call) -> Any:
        root = self.store.snapshot_folder(self.store.snapshot(call.path["snapshot"], call.user))
        path = root / safe_path(call.query.get("path", ""))
        if not path.is_file() or path.is_symlink():
            raise not_found("The file")
        return FileResponse(path, media_type="application/octet-stream")

    def start_snapshot_upload(self, call: Call) -> Any:
        self.store.dataset(call.path["dataset"], call.user, EDITOR)
        if not isinstance(call.body, dict) or not isinstance(call.body.get("filePaths"), list):
            raise bad_request("filePaths is missing")
        return self.uploads.start(call.path["dataset"], call.optional("fileCollisionSetting"))

    def is_chunk_available(self, call: Call) -> Any:
        self._session(call, call.query.get("key", ""))
        number, total = call.number("resumableChunkNumber"), call.number("resumableTotalChunks")
        identifier, checksum = call.query.get("resumableIdentifier", ""), call.query.get("checksum", "")
        is_there = self.uploads.has(call.query.get("key", ""), identifier, number, total, checksum)
        return Response(status_code=200 if is_there else 204)

    def upload_snapshot_file(self, call: Call) -> Any:
        key = call.query.get("key", "")
        self._session(call, key)
        self.uploads.put(
            key,
            call.query.get("resumableRelativePath", ""),
            call.query.get("resumableIdentifier", ""),
            call.number("resumableChunkNumber"),
            call.number("resumableTotalChunks"),
            call.query.get("checksum", ""),
            call.body,
        )
        return key

    def end_snapshot_upload(self, call: Call) -> Any:
        self._session(call, call.path["key"])
        self.uploads.end(call.path["key"], call.query.get("targetRelativePath"))
        return call.query.get("targetRelativePath") or ""

    def cancel_snapshot_upload(self, call: Call) -> Any:
        self._session(call, call.path["key"])
        self.uploads.cancel(call.path["key"])
        return Response(status_code=200)

    def get_snapshot_upload_session(self, call: Call) -> Any:
        row = self.uploads.session(call.path["key"])
        self.store.dataset(row["dataset"], call.user, EDITOR)
        return {"uploadKey": row["key"], "lastTouched": row["touched"], "datasetId": row["dataset"], "id": row["id"]}

    def get_normalized_file_names(self, call: Call) -> Any:
        names = call.body.get("fileNames") if isinstance(call.body, dict) else None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise bad_request("fileNames is missing")
        return normalized(names)

    def _session(self, call: Call, key: str) -> None:
        """The session belongs to the dataset of the path, and the user may write there."""
        self.store.dataset(call.path["dataset"], call.user, EDITOR)
        if self.uploads.session(key)["dataset"] != call.path["dataset"]:
            raise not_found(f"Upload session {key}")

    def _grant(self, call: Call, role: str | None) -> Any:
        self.store.dataset(call.path["dataset"], call.user, OWNER)
        self.store.grant(call.path["dataset"], call.text("targetId"), role)
        grants = [{"targetId": id_, "targetRole": one} for id_, one in self.store.grants(call.path["dataset"]).items()]
        return {"grants": grants, "metadata": shapes.metadata()}

    def _dataset(self, found: Any) -> Any:
        return {"dataset": shapes.dataset(found), "metadata": shapes.metadata()}


_D = "/api/datasetrw/v1/datasets"
_W = "/v4/datasetrw"
ROUTES: tuple[tuple[str, str, str], ...] = (
    ("GET", "/version", "getVersion"),
    ("GET", "/api/users/v1/self", "getCurrentUser"),
    ("GET", "/api/projects/beta/projects", "getProjects"),
    ("POST", "/api/projects/beta/projects", "createProject"),
    ("GET", _D, "getDatasets"),
    ("POST", _D, "createDataset"),
    ("GET", "/api/datasetrw/v2/datasets", "getDatasetsV2"),
    ("GET", f"{_D}/{{dataset}}", "getDataset"),
    ("PATCH", f"{_D}/{{dataset}}", "updateDataset"),
    ("DELETE", f"{_D}/{{dataset}}", "deleteDataset"),
    ("GET", f"{_D}/{{dataset}}/grants", "getDatasetGrants"),
    ("POST", f"{_D}/{{dataset}}/grants", "addDatasetGrant"),
    ("DELETE", f"{_D}/{{dataset}}/grants", "removeDatasetGrant"),
    ("GET", f"{_D}/{{dataset}}/snapshots", "getDatasetSnapshots"),
    ("POST", f"{_D}/{{dataset}}/snapshots", "createSnapshot"),
    ("GET", "/api/datasetrw/v1/snapshots/{snapshot}", "getSnapshot"),
    ("POST", f"{_D}/{{dataset}}/tags", "addDatasetTag"),
    ("DELETE", f"{_D}/{{dataset}}/tags/{{tag:path}}", "removeDatasetTag"),
    ("POST", "/api/jobs/v1/jobs", "startJob"),
    ("GET", "/api/jobs/beta/jobs", "getJobs"),
    ("GET", "/api/jobs/beta/jobs/{job}", "getJobDetails"),
    ("GET", "/api/jobs/beta/jobs/{job}/logs", "getJobLogs"),
    ("GET", f"{_W}/datasets-v2", "getDatasetsV4"),
    ("GET", f"{_W}/snapshots/{{dataset}}", "getSnapshotsV4"),
    ("GET", f"{_W}/files/{{snapshot}}", "getFilesInSnapshot"),
    ("GET", f"{_W}/snapshot/{{snapshot}}/file/raw", "getFileRaw"),
    ("POST", f"{_W}/datasets/{{dataset}}/snapshot/file/start", "startSnapshotUpload"),
    ("GET", f"{_W}/datasets/{{dataset}}/snapshot/file/test", "isChunkAvailable"),
    ("POST", f"{_W}/datasets/{{dataset}}/snapshot/file", "uploadSnapshotFile"),
    ("GET", f"{_W}/datasets/{{dataset}}/snapshot/file/end/{{key}}", "endSnapshotUpload"),
    ("GET", f"{_W}/datasets/{{dataset}}/snapshot/file/cancel/{{key}}", "cancelSnapshotUpload"),
    ("GET", f"{_W}/snapshot/upload/{{key}}", "getSnapshotUploadSession"),
    ("POST", f"{_W}/dataset/file/normalized", "getNormalizedFileNames"),
)
"""Method, path and operation, as Domino's documents name them; the V4 suffix tells two of one name apart."""


def create_domino_app(
    home: Home | Path,
    *,
    users: Sequence[User] | None = None,
    faults: Faults | None = None,
    url: str = "",
    clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> Starlette:
    """The app over one home folder.

    Args:
        users: who may log in; None: everybody is the one local user, without a login.
        faults: what is to go wrong.
        url: where it is served, for its jobs; empty where it answers in its own process only.
        clock: milliseconds since 1970.
    """
    path = home.path if isinstance(home, Home) else home
    operations = Operations(DominoStore(path / "domino", clock), path, url, users)
    faults = faults or Faults()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(operations.jobs.close)

    routes = [
        Route(path, _endpoint(name, getattr(operations, _snake(name)), users, faults), methods=[method])
        for method, path, name in ROUTES
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.store = operations.store
    return app


def _endpoint(
    name: str, handler: Handler, users: Sequence[User] | None, faults: Faults
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        fault = faults.hit(name)
        try:
            if fault is not None and fault.manner == "status":
                raise Refusal(fault.status, "A fault that this server was told to have")
            if fault is not None and fault.manner == "drop before":
                raise ConnectionDroppedError
            if fault is not None and fault.manner == "delay":
                await asyncio.sleep(fault.seconds)
            user = user_of(request.headers, users)
            body = await body_of(request)
            answer = await run_in_threadpool(handler, Call(request, user, body))
        except Refusal as refusal:
            return JSONResponse(error_body(request.url.path, refusal.status, refusal.message), refusal.status)
        except (OSError, ConfigError) as error:
            return JSONResponse(error_body(request.url.path, 500, plain(error)), 500)
        if fault is not None and fault.manner == "drop after":
            raise ConnectionDroppedError
        if fault is not None and fault.manner == "corrupt":
            return Response("<html>a login page</html>", media_type="text/html")
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    return endpoint


class ConnectionDroppedError(Exception):
    """Ends a connection without an answer; the server that carries the app closes it."""


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
