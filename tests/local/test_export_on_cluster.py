"""The command of an export task as a job of a cluster runs it: against a Flyte Admin over HTTP, while a run goes on."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from flyteidl.admin import signal_pb2
from flyteidl.core import identifier_pb2
from google.protobuf import json_format

from flowtui.domain.execution import EntityId, ExecutionId
from flowtui.local.domino import User, create_domino_app
from flowtui.local.domino.serve import served as domino_served
from flowtui.local.domino.store import DominoStore
from flowtui.local.runner import RunResult, embedded_client
from flowtui.local.runner.bindings import plain_value
from flowtui.local.runner.reporter import identifier
from flowtui.local.runner.workers import Workers
from tests.local.running import DOMAIN, PROJECT, Runner
from tests.local.test_flyte_remote import environment, serving

FILE = "exports.py"
ID = "681d3030ae3a706ef9c7f08b"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[dict[str, Any]]:
    with serving(home, "--grpc-port", "0") as told:
        yield told


@pytest.fixture
def runner(home: Path, workers: Workers) -> Runner:
    return Runner(home, workers)


def request(*specs: dict[str, Any], seconds: float = 0) -> str:
    text = json.dumps({"specs": specs, "timeoutSeconds": seconds})
    return f"base64:{base64.b64encode(text.encode()).decode()}"


def volume(name: str, artifact: str = "Tables", type_: str = "data", **more: str) -> dict[str, Any]:
    return {"kind": "netAppVolume", "artifactName": artifact, "artifactType": type_, "netAppVolumeId": name, **more}


BUNDLE = {
    "kind": "bundle",
    "bundles": ["Validation"],
    "files": [{"artifactName": "Tables", "artifactType": "data", "fileName": "out.csv"}],
}


class Job:
    """Starts the command with what a pod of Flyte has in its environment, and a home that is not the server's."""

    def __init__(self, served: dict[str, Any], folder: Path) -> None:
        self.mounts = folder / "mounts"
        self.mounts.mkdir()
        self.environment = environment(
            folder,
            FLOWTUI_ENDPOINT=served["url"],
            FLOWTUI_TOKEN=served["token"],
            FLOWTUI_NETAPP_MOUNTS=str(self.mounts),
        )

    def mount(self, name: str) -> Path:
        folder = self.mounts / name
        folder.mkdir()
        return folder

    @contextmanager
    def started(self, words: list[str], run: str, stdin: IO[str] | None = None) -> Iterator[subprocess.Popen[str]]:
        flyte = {
            "FLYTE_INTERNAL_EXECUTION_ID": run,
            "FLYTE_INTERNAL_EXECUTION_PROJECT": PROJECT,
            "FLYTE_INTERNAL_EXECUTION_DOMAIN": DOMAIN,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "flowtui", *words],
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.environment, **(flyte if run else {})},
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def done(self, words: list[str], run: str, stdin: IO[str] | None = None) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        with self.started(words, run, stdin) as process:
            out, err = process.communicate(timeout=120)
            return process.returncode, out, err


@pytest.fixture
def job(served: dict[str, Any], tmp_path: Path) -> Job:
    return Job(served, tmp_path)


@asynccontextmanager
async def gated(runner: Runner, workflow: str, name: str) -> AsyncIterator[asyncio.Task[RunResult]]:
    """A run that waits at its gate."""
    task = asyncio.create_task(runner.run(workflow, file=FILE, name=name))
    while not any("waits for the input go-on" in step.note for step in runner.steps):
        assert not task.done(), task.result()
        await asyncio.sleep(0.05)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def opened(runner: Runner, name: str) -> None:
    """Give the signal that the gate waits for."""
    async with embedded_client(runner.home) as client:
        id_ = identifier_pb2.SignalIdentifier(
            signal_id="go-on", execution_id=identifier(ExecutionId(PROJECT, DOMAIN, name))
        )
        message = signal_pb2.SignalSetRequest(id=id_, value=plain_value("text\n"))
        await client.post("/api/v1/signals", message, signal_pb2.SignalSetResponse)


async def command_of_task(runner: Runner, name: str) -> list[str]:
    """The words behind ``flowtui`` of the command that the run's export task has for Domino."""
    async with embedded_client(runner.home) as client:
        execution = await client.get_execution(ExecutionId(PROJECT, DOMAIN, name))
        id_ = execution.closure.workflow_id
        workflow = await client.get_workflow(EntityId(id_.project, id_.domain, id_.name, id_.version))
    customs = [json_format.MessageToDict(one.template.custom) for one in workflow.closure.compiled_workflow.tasks]
    (line,) = [custom["Command"] for custom in customs if "exportArtifacts" in custom]
    program, *words = line.split()
    assert program == "flowtui"
    return words


def below(folder: Path) -> set[str]:
    files = (file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    return {file.as_posix() for file in files if not file.parts[0].startswith((".flowtui", "flowtui"))}


async def line_of(process: subprocess.Popen[str], said: str) -> str:
    """The line of stderr that says something; what comes before it is skipped."""
    assert process.stderr is not None
    while line := await asyncio.to_thread(process.stderr.readline):
        if said in line:
            return line
    raise AssertionError(f"the command ended before it said {said!r}")


async def test_the_command_of_the_task_waits_for_the_run_that_it_is_in(runner: Runner, job: Job) -> None:
    mount = job.mount("gated")
    async with gated(runner, "with_gate", "waiting") as run:
        with job.started(await command_of_task(runner, "waiting"), "waiting") as process:
            assert "Waiting for n2 (make)" in await line_of(process, "Waiting")
            await opened(runner, "waiting")
            out, err = await asyncio.to_thread(process.communicate)
        assert (process.returncode, out) == (0, f"1 file in {mount}, 1 of them written now, 5 B\n"), err
        assert (await run).error == ""
    assert (mount / "Tables" / "out.csv").read_text() == "text\n"
    assert job.done(await command_of_task(runner, "waiting"), "waiting")[1] == (
        f"1 file in {mount}, 0 of them written now, 0 B\n"
    )


async def test_a_run_that_is_aborted_meanwhile_ends_the_command(runner: Runner, job: Job) -> None:
    mount = job.mount("v")
    async with gated(runner, "gated_without_export", "aborted") as run:
        with job.started(["export-artifacts", request(volume("v"))], "aborted") as process:
            await line_of(process, "Waiting")
            async with embedded_client(runner.home) as client:
                await client.terminate(ExecutionId(PROJECT, DOMAIN, "aborted"), "no longer needed")
            await run
            _, err = await asyncio.to_thread(process.communicate)
    assert process.returncode in (1, 3)
    assert "ABORT" in err
    assert below(mount) == set()


async def test_the_time_of_the_request_counts_from_the_start(runner: Runner, job: Job) -> None:
    job.mount("v")
    async with gated(runner, "gated_without_export", "slow"):
        code, out, err = await asyncio.to_thread(
            job.done, ["export-artifacts", request(volume("v"), seconds=1)], "slow"
        )
    assert (code, out) == (1, "")
    assert "Tables/out.csv of node n2 (make) is not there after 1 seconds: n2 (make) is not begun." in err


async def test_what_is_there_already_is_not_waited_with(runner: Runner, job: Job) -> None:
    mount = job.mount("figures")
    words = ["export-artifacts", request(volume("figures", "Figures", "report", targetRelativePath="a/../b"))]
    async with gated(runner, "gate_at_the_end", "early"):
        code, out, err = await asyncio.to_thread(job.done, [*words, "--json"], "early")
    assert code == 0, err
    (done,) = json.loads(out)
    assert (done["kind"], done["state"], done["target"]) == ("netAppVolume", "done", str(mount / "a" / "_" / "b"))
    assert below(mount) >= {"a/_/b/Figures/figure.txt"}


async def test_a_place_that_cannot_be_reached_is_said_before_any_wait(runner: Runner, job: Job) -> None:
    mount = job.mount("there")
    code, _, err = await asyncio.to_thread(job.done, ["export-artifacts", request(volume("elsewhere"))], "no-such-run")
    assert code == 1
    assert "The NetApp volume elsewhere is not mounted here" in err
    assert "FLOWTUI_NETAPP_MOUNTS=elsewhere=PATH" in err
    code, _, err = await asyncio.to_thread(job.done, ["export-artifacts", request(BUNDLE)], "no-such-run")
    assert code == 1
    assert "cannot be attached to the bundle Validation" in err
    assert (await runner.run("first_in_the_file", {"seconds": "0"}, file=FILE, name="both")).error == ""
    words = ["export-artifacts", request(BUNDLE, volume("there"))]
    code, out, err = await asyncio.to_thread(job.done, words, "both")
    assert (code, out) == (1, "")
    assert "1 of 2 exports failed" in err
    assert below(mount) == {"Tables/out.csv", "Tables/slow.csv"}, "the other place has its files all the same"


def dataset(id_: str) -> dict[str, Any]:
    return {"kind": "dataset", "artifactName": "Tables", "artifactType": "data", "datasetId": id_}


async def test_a_dataset_of_domino_gets_a_snapshot(runner: Runner, job: Job, tmp_path: Path) -> None:
    ada = User("a" * 24, "ada", token="token-of-ada")
    await runner.run("first_in_the_file", {"seconds": "0"}, file=FILE, name="for-domino")
    words = ["export-artifacts", request(dataset(ID))]
    async with domino_served(lambda url: create_domino_app(tmp_path / "domino", url=url, users=[ada])) as url:
        token = tmp_path / "token"
        token.write_text(ada.token)
        job.environment |= {"DOMINO_API_HOST": url, "DOMINO_TOKEN_FILE": str(token)}
        code, _, err = await asyncio.to_thread(job.done, words, "for-domino")
        assert (code, ID in err) == (3, True), err
        store = DominoStore(tmp_path / "domino" / "domino", lambda: 1)
        store.adopt(ID, ada)
        code, out, err = await asyncio.to_thread(job.done, words, "for-domino")
        assert (code, "2 of them written now" in out) == (0, True), err
    (snapshot,) = store.dataset(ID, ada).snapshots
    assert snapshot.status == "Active"
    assert below(store.snapshot_folder(snapshot)) == {"Tables/out.csv", "Tables/slow.csv"}


async def test_a_dataset_without_domino_is_said_before_any_wait(job: Job) -> None:
    code, _, err = await asyncio.to_thread(job.done, ["export-artifacts", request(dataset(ID))], "no-such-run")
    assert code == 2
    assert "No Domino is configured" in err


async def test_a_failed_producer_is_told_with_its_error(runner: Runner, job: Job) -> None:
    job.mount("v")
    assert (await runner.run("producer_fails", file=FILE, name="failed")).phase == "FAILED"
    code, _, err = await asyncio.to_thread(job.done, ["export-artifacts", request(volume("v"))], "failed")
    assert code == 3
    assert "Tables/never.csv of node n1 (fail): FAILED: " in err
    assert "no licence" in err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["export-artifacts", "base64:e30="], 2, "specs is no list"),
        (["export-artifacts", "base64:=="], 2, "it is no JSON"),
        (["export-artifacts", "no-such-file.json"], 3, "cannot be read"),
        (["export-artifacts", request(volume("v"))], 2, "set FLOWTUI_RUN"),
        (["export-artifacts", request(volume("v")), "--run", "r", "--read-only"], 1, "nothing is waited for"),
        (["export-artifacts", request(volume("v")), "--run", f"{PROJECT}/{DOMAIN}/none"], 3, "none"),
    ],
)
def test_what_is_wrong_is_said(job: Job, words: list[str], code: int, said: str) -> None:
    job.mount("v")
    status, out, err = job.done(words, "")
    assert (status, out) == (code, "")
    assert said in err


async def test_the_request_may_come_from_a_file_and_from_stdin(runner: Runner, job: Job, tmp_path: Path) -> None:
    mount = job.mount("v")
    await runner.run("first_in_the_file", {"seconds": "0"}, file=FILE, name="plain")
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"specs": [volume("v")]}))
    code, _, err = await asyncio.to_thread(
        job.done, ["export-artifacts", str(file), "--run", f"{PROJECT}/{DOMAIN}/plain"], ""
    )
    assert code == 0, err
    job.environment |= {"FLOWTUI_RUN": f"{PROJECT}/{DOMAIN}/plain", "FLOWTUI_NETAPP_MOUNTS": f"v={mount}"}
    with file.open() as stdin:
        code, out, err = await asyncio.to_thread(job.done, ["export-artifacts", "-"], "", stdin)
    assert (code, "0 of them written now" in out) == (0, True), err
    assert below(mount) == {"Tables/out.csv", "Tables/slow.csv"}
