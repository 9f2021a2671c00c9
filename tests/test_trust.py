"""A run of another server names files of this machine: no command, screen, job or export task reads them.

Every way is tried with a run of the embedded Admin that is looked at as another server's, whose version says Flyte. The
file is harmless; its name is looked for among all that this process opens.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from flyteidl.admin import version_pb2

import flowtui
from flowtui.config import Settings, StorageSettings
from flowtui.domain.execution import ExecutionId
from flowtui.domain.export_request import ExportRequest, ExportSpec, Wanted
from flowtui.errors import FlowtuiError
from flowtui.exports import TargetOptions
from flowtui.headless import artifacts, diff, export, export_artifacts, get, preview
from flowtui.headless.export_places import MOUNTS_VARIABLE
from flowtui.headless.style import Style
from flowtui.httpclient import httpx
from flowtui.parser import parse
from flowtui.session import open_session
from flowtui.tui.app import FlowtuiApp
from tests.catalog import make
from tests.engine import BINARY, DOMAIN, PROJECT, Engine
from tests.tui.conftest import LARGE, NOW, SMALL, Person

RUN = ExecutionId(PROJECT, DOMAIN, "r")
NAME = "nobody-elses-7f3a.csv"
BODY = b"harmless,and private\n1,2\n"
SOURCES = Path(flowtui.__file__).parent

_opened: list[str] = []
_watching = False


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event in ("open", "os.listdir", "os.scandir"):
        _opened.append(str(arguments[0]))


@pytest.fixture(scope="session")
def _audit() -> None:
    # An audit hook cannot be removed; it is cheap while nobody watches.
    sys.addaudithook(_hook)


@pytest.fixture
def opened(_audit: None) -> Iterator[list[str]]:
    """What this process opens meanwhile."""
    global _watching
    _opened.clear()
    _watching = True
    yield _opened
    _watching = False


@pytest.fixture
def private(tmp_path: Path) -> Path:
    folder = tmp_path / "private-7f3a"
    folder.mkdir()
    for run in "rs":
        (folder / f"{run}-{NAME}").write_bytes(BODY + run.encode())
    return folder


def _as_flyte(request: httpx.Request) -> httpx.Response | None:
    if request.url.path != "/api/v1/version":
        return None
    version = version_pb2.Version(Build="v1.16.8", Version="v1.16.8")
    body = version_pb2.GetVersionResponse(control_plane_version=version).SerializeToString()
    return httpx.Response(200, content=body, headers={"content-type": BINARY})


@pytest.fixture
async def engine(tmp_path: Path, private: Path) -> AsyncIterator[Engine]:
    """Two runs that name a file, a folder and a file:// of this machine."""
    engine = Engine(tmp_path)
    engine.between.twist = _as_flyte
    names = {
        "file": f"{private}/{NAME}",
        "uri": f"file://{private}/{NAME}",
        "dots": f"{tmp_path}/admin/blobs/../../private-7f3a/{NAME}",
    }
    declared = {name: make.variable(f"data/A/{name}.csv") for name in names}
    folder = make.variable("data/A/folder")
    folder.type.blob.dimensionality = 1
    plain = make.variable()
    await engine.register(
        make.workflow("wf", [make.node("n0", runs="t")], {}), [make.task("t", **declared, folder=folder, plain=plain)]
    )
    for run in ("r", "s"):
        # Two runs with one URI are equal without a look at it.
        values = {name: make.blob(uri.replace(NAME, f"{run}-{NAME}")) for name, uri in names.items()}
        values["folder"] = make.blob(f"{private}/{'' if run == 'r' else '.'}", directory=True)
        values["plain"] = make.blob(f"{private}/{NAME}")
        await engine.start(run, "wf")
        await engine.node(run, "n0", outputs=values)
        await engine.end(run)
    yield engine
    engine.close()


def options(*words: str) -> Namespace:
    found = parse(words).options
    for name in ("run", "left", "right"):
        if isinstance(getattr(found, name, None), str):
            setattr(found, name, ExecutionId(PROJECT, DOMAIN, getattr(found, name)))
    return found


STYLE = Style(json=True, now=NOW)


def is_there(path: str) -> bool:
    return os.path.lexists(path)


async def refusal(call: Any) -> str:
    try:
        return f"no refusal: {await call}"
    except FlowtuiError as error:
        return error.message


async def test_its_files_are_unavailable_and_say_why(engine: Engine, opened: list[str]) -> None:
    async with engine.session() as session:
        found = json.loads(
            await artifacts.execute(session, options("artifacts", "r", "--sizes", "--undeclared"), STYLE)
        )
    files = [file for one in found["artifacts"] for file in one["files"]]
    assert [(file["state"], file["size"]) for file in files] == [("unavailable", None)] * 4
    assert all("is not read: a run of another server names it" in " ".join(file["notices"]) for file in files)
    assert found["undeclared"][0]["size"] is None
    assert not [path for path in opened if "7f3a" in path]


@pytest.mark.parametrize("name", ["file.csv", "uri.csv", "dots.csv", "folder"])
async def test_no_command_reads_them(engine: Engine, opened: list[str], tmp_path: Path, name: str) -> None:
    out = str(tmp_path / "out")
    async with engine.session() as session:
        for call in (
            preview.execute(session, options("preview", "r", f"A/{name}"), STYLE),
            get.execute(session, options("get", "r", f"A/{name}", "-o", out), STYLE),
            export.execute(session, options("export", "r", f"A/{name}", "--to", out), STYLE),
            export.execute(session, options("export", "r", f"A/{name}", "--to", out, "--allow-elsewhere"), STYLE),
            diff.execute(session, options("diff", "r", "s", f"A/{name}"), STYLE),
        ):
            assert "is not read: a run of another server names it" in await refusal(call)
        # What may be left out is left out, and nothing is there to be exported.
        call = export.execute(session, options("export", "r", "A", "--to", out, "--leave-out"), STYLE)
        assert "None of these files exists" in await refusal(call)
    assert not [path for path in opened if "7f3a" in path]
    assert not is_there(out)


async def test_no_job_and_no_flyte_run_is_started_for_them(engine: Engine, opened: list[str], tmp_path: Path) -> None:
    async with engine.session() as session:
        for road in ("domino-job", "flyte"):
            call = export.execute(
                session, options("export", "r", "A", "--to", str(tmp_path / "out"), "--via", road), STYLE
            )
            assert "is not read" in await refusal(call)
    assert not [one for one in engine.between.requests if one.startswith("POST")]
    assert not [path for path in opened if "7f3a" in path]


async def test_no_export_task_reads_them(
    engine: Engine, opened: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mounts" / "vol").mkdir(parents=True)
    monkeypatch.setenv(MOUNTS_VARIABLE, str(tmp_path / "mounts"))
    spec = ExportSpec("netAppVolume", "vol", (Wanted("A", "data", "file.csv"),), "")
    asked = Namespace(run=RUN, request=ExportRequest((spec,), 20.0), allow_elsewhere=True)
    async with engine.session() as session:
        told = await refusal(export_artifacts.execute(session, asked, STYLE))
    assert "is not read" in told or "unavailable" in told, told
    assert not [path for path in opened if "7f3a" in path]
    assert not list((tmp_path / "mounts" / "vol").rglob("*.csv"))


@asynccontextmanager
async def on_screen(engine: Engine, size: tuple[int, int]) -> AsyncIterator[Person]:
    settings = engine.settings()

    def session() -> Any:
        return open_session(settings, transport=engine.between, storage_transport=httpx.ASGITransport(engine.app))

    app = FlowtuiApp(settings, session, RUN, now=lambda: NOW)
    async with app.run_test(size=size) as pilot:
        person = Person(app, pilot, None)  # type: ignore[arg-type]
        await person.settle()
        yield person


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_no_key_of_the_screen_reads_them(engine: Engine, opened: list[str], size: tuple[int, int]) -> None:
    async with on_screen(engine, size) as person:
        assert "unavailable" in person.seen
        for _ in range(8):
            await person.press("j")
            await person.settle()
        for key in ("g", "j", "enter", "n", "n", "n", "escape", "v", "escape", "L", "escape"):
            await person.press(key)
            await person.settle()
        await person.press("g", "j", "e")
        await person.settle()
        await person.press("enter")
        await person.settle()
        assert "harmless" not in person.seen
    assert not [path for path in opened if "7f3a" in path]


async def test_a_folder_that_the_settings_name_is_read_and_marked_as_elsewhere(
    engine: Engine, private: Path, tmp_path: Path
) -> None:
    settings = engine.settings("other")
    allowed = Settings(
        home=settings.home, cache=settings.cache, endpoint=settings.endpoint, project=PROJECT, local=False,
        storage=StorageSettings(local=(private,)),
    )  # fmt: skip
    storage = httpx.ASGITransport(engine.app)
    out = str(tmp_path / "out")
    async with open_session(allowed, transport=engine.between, storage_transport=storage) as session:
        shown = json.loads(await preview.execute(session, options("preview", "r", "A/file.csv"), STYLE))
        assert shown["rows"] == [["1", "2"], ["r", None]]
        plan = json.loads(
            await export.execute(session, options("export", "r", "A/file.csv", "--to", out, "--dry-run"), STYLE)
        )
        assert [file["elsewhere"] for file in plan["files"]] == [True]
        for words in ((), ("--yes",)):
            call = export.execute(session, options("export", "r", "A/file.csv", "--to", out, *words), STYLE)
            assert "1 file from elsewhere" in await refusal(call)
        assert not is_there(out)
        await export.execute(session, options("export", "r", "A/file.csv", "--to", out, "--allow-elsewhere"), STYLE)
    assert (Path(out) / "A" / "file.csv").read_bytes() == BODY + b"r"


async def test_an_export_that_was_planned_where_a_folder_was_allowed_is_not_resumed_elsewhere(
    engine: Engine, private: Path, tmp_path: Path
) -> None:
    settings = engine.settings()
    allowed = Settings(
        home=settings.home, cache=settings.cache, endpoint=settings.endpoint, project=PROJECT, local=False,
        storage=StorageSettings(local=(private,)),
    )  # fmt: skip
    storage = httpx.ASGITransport(engine.app)
    async with open_session(allowed, transport=engine.between, storage_transport=storage) as session:
        from flowtui.exports import Selection, make_plan, parse_target, source_run

        run = await session.catalog.artifacts(RUN)
        files = tuple(file for file in run.files if file.file == "file.csv")
        plan = await make_plan(
            [Selection(source_run(run.execution), files)], parse_target(str(tmp_path / "out")), session.storage
        )
        id_ = session.journal.add(plan, TargetOptions(), server=settings.endpoint or "")
        session.journal.finish(id_, "paused")
    async with engine.session() as later:
        await later.transfers.resume(id_)
        assert "is not read" in await refusal(later.transfers.wait(id_))
    assert not (tmp_path / "out").exists()


READS = re.compile(
    r"(^|\.)(open|read_bytes|read_text|listdir|scandir|iterdir|glob|rglob|fwalk|copyfile|copytree|http_client|AsyncClient"
    r"|urlopen|open_connection|create_connection)$|^os\.walk$|^shutil\.copy(file|tree|2)?$"
)
KNOWN = {
    # What reads a place: either through the storage, which asks the trust, or with why no run decides about it.
    "admin/auth/channel.py": {"http_client": "the login of the server"},
    "admin/auth/choice.py": {"settings.client_secret_file.open": "the settings name it"},
    "admin/auth/private_file.py": {"os.open": "the tokens in flowtui's home"},
    "admin/auth/sources.py": {"self._path.open": "the settings name it"},
    "admin/connection.py": {"http_client": "the server that the person chose"},
    "admin/probe.py": {"asyncio.open_connection": "the server that the person chose"},
    "cli.py": {"os.open": "the null device", "open": "the null device"},
    "config/files.py": {"file.open": "a configuration file"},
    "exports/copying.py": {"self._stage.open": "writes into a stage"},
    "exports/domino/client.py": {"http_client": "the Domino of the settings"},
    "exports/journal.py": {"path.open": "a lock in flowtui's home", "(self._locks / f'{id_}.lock').open": "the same"},
    "exports/targets/directory_stage.py": {
        "os.open": "a lock on the target", "self._base.open": "writes below the target", "os.listdir": "its snapshots",
    },
    "exports/targets/flushing.py": {"os.open": "the target, to bring it to the disk"},
    "exports/targets/fsspec_calls.py": {"self._fs.open": "the place that the person named"},
    "exports/targets/part_file.py": {"self._tree.open": "writes below the target"},
    "headless/export_artifacts.py": {"open": "the request that the task names"},
    "headless/preview.py": {"storage.open": "the storage"},
    "httpclient.py": {"httpx.AsyncClient": "makes the clients of the others"},
    "plugin/blobs.py": {"fsspec.open": "in a flow, what its author names", "partial.open": "writes"},
    "preview/comparison/files.py": {"storage.open": "the storage"},
    "preview/image.py": {"Pillow.open": "bytes that were read"},
    "preview/ods_cells.py": {"archive.open": "bytes that were read"},
    "preview/sheet_bin.py": {"archive.open": "bytes that were read"},
    "preview/sheet_xml.py": {"archive.open": "bytes that were read"},
    "preview/table_folders.py": {"storage.open": "the storage"},
    "preview/ooxml.py": {"archive.open": "bytes that were read", "package.archive.open": "the same"},
    "preview/opc.py": {"self.archive.open": "bytes that were read"},
    "preview/sas7bcat.py": {"siblings.open": "the storage, by a file of the same artifact"},
    "preview/siblings.py": {"self.storage.open": "the storage"},
    "preview/skops_arrays.py": {"archive.open": "bytes that were read"},
    "preview/worker.py": {"os.open": "the null device"},
    "storage/credentials.py": {"file.open": "whether there are credentials in the files of the stores' tools"},
    "storage/directory_tree.py": {
        "os.open": "is what the trust opens with", "self.open": "the same", "os.listdir": "the same",
    },
    "storage/http.py": {"http_client": "through CheckedTransport, which asks the trust"},
    "storage/local.py": {"open": "a descriptor that the trust gave"},
    "storage/storage.py": {"self.open": "the storage"},
    "storage/trust.py": {"os.fwalk": "the trust", "tree.open": "the trust"},
    "tui/logs.py": {"storage.open": "the storage"},
    "tui/subject.py": {"session.storage.open": "the storage"},
}  # fmt: skip


def reads(source: str) -> set[str]:
    """What a module calls to read something, as it is written."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return {name for call in calls if READS.search(name := ast.unparse(call.func))}


def test_no_read_goes_around_the_one_place_that_decides() -> None:
    """A new read goes through the storage; else it says in KNOWN why no run decides about it.

    The embedded server (``flowtui/local``) is left out: it reads its own home, and is another process for others.
    """
    found = {}
    for path in sorted(SOURCES.rglob("*.py")):
        name = path.relative_to(SOURCES).as_posix()
        if not name.startswith("local/") and (called := reads(path.read_text("utf-8"))):
            found[name] = called
    assert found == {name: set(calls) for name, calls in KNOWN.items() if calls}


def test_a_read_is_found_however_it_is_written() -> None:
    source = "open(x); os.open(x, 0); p.open(); p.read_text(); os.walk(x); shutil.copy2(a, b); fsspec.open(u)"
    assert len(reads(source)) == 7
