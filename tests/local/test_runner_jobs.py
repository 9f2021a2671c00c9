"""Domino jobs as local processes: their own ``/workflow``, values as files, and exports of artifacts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from flyteidl.core import execution_pb2

from flowtui.local.runner import mounts
from flowtui.local.runner.bindings import python_value
from flowtui.local.runner.domino_job import NO_MOUNT_VARIABLE
from flowtui.local.runner.workers import Workers
from tests.local.running import Runner

NODE = execution_pb2.NodeExecution

_PROBE = f"""
import json, os, sys
sys.path.insert(0, {str(Path(mounts.__file__).parent)!r})
from pathlib import Path
import mounts
folder = Path(sys.argv[1])
before = sorted(os.listdir("/"))
mounts.mount_workflow(folder, user_namespace=None if sys.argv[2] == "default" else True)
Path("/workflow/outputs/x").write_text(Path("/workflow/inputs/a").read_text() + "!")
try:
    Path("/flowtui-was-here").touch()
    wrote = os.path.exists("/flowtui-was-here")
except OSError:
    wrote = False
print(json.dumps({{"uid": os.getuid(), "cwd": os.getcwd(), "root": sorted(os.listdir("/")), "before": before,
                  "wrote": wrote, "null": open("/dev/null", "w").write("x")}}))
"""


def probe(folder: Path, how: str) -> tuple[dict[str, object] | None, str]:
    """What a process with its own /workflow sees; None where the machine does not allow it, with the reason."""
    (folder / "wf" / "inputs").mkdir(parents=True)
    (folder / "wf" / "outputs").mkdir()
    (folder / "wf" / "inputs" / "a").write_text("in")
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, str(folder / "wf"), how], capture_output=True, text=True, check=False
    )
    if done.returncode and "MountError" in done.stderr:
        return None, done.stderr.strip().splitlines()[-1]
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), ""


@pytest.fixture
def mountable(tmp_path: Path) -> None:
    """Skips a test on a machine that does not let a process have its own mounts."""
    seen, reason = probe(tmp_path / "probe", "default")
    if seen is None:
        pytest.skip(reason)


@pytest.fixture
def runner(tmp_path: Path, workers: Workers) -> Runner:
    return Runner(tmp_path / "home", workers)


@pytest.mark.parametrize("how", ["default", "user namespace"])
def test_a_process_has_its_own_workflow_and_the_machine_keeps_nothing(tmp_path: Path, how: str) -> None:
    had = os.path.lexists("/workflow")
    listed = sorted(os.listdir("/"))
    seen, reason = probe(tmp_path, how)
    if seen is None:
        pytest.skip(reason)
    assert (tmp_path / "wf" / "outputs" / "x").read_text() == "in!"
    assert seen["uid"] == os.getuid()
    assert seen["cwd"] == os.getcwd()
    assert set(seen["root"]) == {*seen["before"], "workflow"}  # type: ignore[misc,call-overload]
    assert os.path.lexists("/workflow") == had
    assert not os.path.exists("/flowtui-was-here") or seen["wrote"]
    assert sorted(os.listdir("/")) == listed
    assert {path.name for path in tmp_path.iterdir()} <= {"wf", "wf-root"}


@pytest.mark.usefixtures("mountable")
async def test_single_values_are_plain_text(runner: Runner) -> None:
    result = await runner.run("values", {"text": "ü b"}, file="jobs.py")
    assert result.error == ""
    outputs = await runner.outputs(result.execution)
    assert [python_value(outputs[f"o{number}"]) for number in range(4)] == ["ü b", 7, 2.5, True]


@pytest.mark.usefixtures("mountable")
async def test_files_have_the_names_of_their_variables_and_paths_of_their_own(runner: Runner) -> None:
    result = await runner.run("files", file="jobs.py")
    assert result.error == ""
    data = runner.home.blobs / "data"
    assert {path.name for path in data.rglob("*") if path.is_file()} == {"table", "lines", "same"}
    outputs = await runner.outputs(result.execution)
    blob = outputs["o0"].scalar.blob
    assert blob.metadata.type.format == "txt"
    assert Path(blob.uri).name == "lines"
    work = runner.home.runs
    assert {path.name for path in work.rglob("*") if path.is_file()} == {"output.log", "job.json"}


async def test_a_script_runs_in_the_folder_of_the_flow_with_this_python(runner: Runner) -> None:
    result = await runner.run("script", file="jobs.py")
    assert python_value((await runner.outputs(result.execution))["o0"]) == "3 in flows"


@pytest.mark.usefixtures("mountable")
@pytest.mark.parametrize(
    ("workflow", "said"),
    [
        ("forgets", "Output x was not produced at /workflow/outputs/x"),
        ("ends_badly", "the command ended with exit code 4\nno licence for SAS"),
        (
            "writes_nonsense",
            "Output n cannot be what the job wrote: invalid literal for int() with base 10: 'seven'",
        ),
        ("leads_out", "The path ../../x leads out of /workflow."),
    ],
)
async def test_a_job_that_fails_says_how(runner: Runner, workflow: str, said: str) -> None:
    result = await runner.run(workflow, file="jobs.py")
    assert result.error == f"failed to run the job: {said}"
    node = await runner.node(result.execution, "n0")
    assert node.closure.error.code == "TaskFailedWithError"
    assert node.closure.error.kind == execution_pb2.ExecutionError.USER


@pytest.mark.usefixtures("mountable")
async def test_a_job_is_tried_again(runner: Runner) -> None:
    result = await runner.run("retries", file="jobs.py")
    assert result.error == ""
    assert len(await runner.attempts(result.execution, "n0")) == 2


async def test_without_mounts_a_job_that_asks_for_workflow_is_told_what_to_do(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NO_MOUNT_VARIABLE, "1")
    result = await runner.run("forgets", file="jobs.py", name="no-mount")
    assert "FLOWTUI_WORKFLOW_DIR" in result.error
    result = await runner.run("values", file="jobs.py")
    assert "FLOWTUI_WORKFLOW_DIR" in result.error
    assert "asks for /workflow" in result.error
    result = await runner.run("portable", file="jobs.py")
    assert python_value((await runner.outputs(result.execution))["o0"]) == "here"
    result = await runner.run("script", file="jobs.py")
    assert python_value((await runner.outputs(result.execution))["o0"]) == "3 in flows"


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("mountable")
async def test_artifacts_are_exported_when_they_are_there(runner: Runner) -> None:
    result = await runner.run("exported", file="jobs.py", name="export-1")
    assert result.error == ""
    home = runner.home
    dataset = home.path / "domino" / "datasets" / "ds-1"
    assert {"Tables & more/first.csv", "Tables & more/second.csv"} <= below(dataset / "1")
    assert {"Tables & more/first.csv", "Tables & more/second.csv"} <= below(home.path / "volumes/vol-1/a/b")
    bundle = below(home.path / "bundles" / "Bundle" / "export-1")
    assert "Tables & more/second.csv" in bundle
    assert "Tables & more/first.csv" not in bundle
    again = await runner.run("exported", file="jobs.py", name="export-2")
    assert again.error == "", "the second run has a snapshot of its own"
    assert {"Tables & more/first.csv", "Tables & more/second.csv"} <= below(dataset / "2")
    assert not (dataset / "3").exists()


async def test_an_export_fails_when_what_it_waits_for_fails(runner: Runner) -> None:
    result = await runner.run("export_of_failed", file="jobs.py")
    assert result.phase == "FAILED"
    nodes = await runner.nodes(result.execution)
    assert {nodes[one].closure.phase for one in ("n0", "n1")} == {NODE.FAILED}
    told = (await runner.node(result.execution, "n0")).closure.error.message
    assert "Tables & more/first.csv of node n1 (Fails early): FAILED: failed to run the job: the command ended" in told
    assert not below(runner.home.path / "domino" / "datasets" / "ds-2")


@pytest.mark.usefixtures("mountable")
async def test_an_export_fails_when_its_time_is_over(runner: Runner) -> None:
    result = await runner.run("export_too_slow", file="jobs.py")
    assert "task execution timeout [1s] expired" in result.error
    nodes = await runner.nodes(result.execution)
    assert (nodes["n0"].closure.phase, nodes["n1"].closure.phase) == (NODE.FAILED, NODE.ABORTED)
