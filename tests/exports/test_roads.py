"""Exports that a job of the embedded Domino, or an execution of the embedded Admin, carries out for real."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui import cli
from flowtui.config import load_settings
from flowtui.domain.execution import ExecutionId
from flowtui.embedded import session_of
from flowtui.errors import ExportError, FlowtuiError, UsageError
from flowtui.exports import Journal, Plan, PlannedFile, Selection, SourceRun, TargetOptions, make_plan, parse_target
from flowtui.exports.encoded_selection import decoded_selection, encoded_selection
from flowtui.exports.roads.base import RemoteWork, remote_work
from flowtui.local.domino import create_domino_app
from flowtui.local.domino.serve import served
from flowtui.tui.roads import ROADS, ExportRoad
from tests.exports.test_plan import artifact_file

FLOW = """
from typing import TypeVar
from flytekit import workflow
from flytekit.types.file import FlyteFile
from flowtui.plugin.artifact import Artifact, DATA
from flowtui.plugin.helpers import Output, run_domino_job_task

adam = Artifact("ADaM Datasets", DATA)

@workflow
def study() -> adam.File(name="adsl.csv"):
    made = run_domino_job_task(
        flyte_task_name="adsl",
        command="sh -c 'echo USUBJID,AGE > $FLOWTUI_WORKFLOW_DIR/outputs/adsl'",
        output_specs=[Output(name="adsl", type=adam.File(name="adsl.csv"))],
        use_project_defaults_for_omitted=True,
    )
    return made["adsl"]
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("flytekit", reason="flytekit supports Python below 3.13 only")
    folder = tmp_path_factory.mktemp("home")
    flow = folder / "flow.py"
    flow.write_text(FLOW)
    assert cli.main(["run", "--home", str(folder), "--name", "good", str(flow), "study"]) == 0
    return folder


@pytest.mark.parametrize("via", ["domino-job", "flyte"])
def test_an_export_is_carried_out_elsewhere(
    home: Path, tmp_path: Path, via: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(*words: str) -> Any:
        code = cli.main([*words, "--home", str(home), "--json"])
        out, err = capsys.readouterr()
        assert (code, err) == (0, "")
        return json.loads(out)

    to = tmp_path / "out"
    done = ask("export", "good", "ADaM Datasets", "--to", str(to), "--via", via)
    assert (done["state"], done["place"]) == ("done", str(to))
    assert (to / "ADaM Datasets" / "adsl.csv").read_text() == "USUBJID,AGE\n"
    manifest = json.loads((to / "flowtui-manifest.json").read_text())
    assert list(manifest["runs"]) == ["flowtui/development/good"]
    record = next(one for one in ask("exports") if one["road"] == via)
    assert (record["id"], record["state"]) == (done["id"], "done")
    shown = ask("exports", "show", done["id"])
    assert any("started" in line["text"] for line in shown["log"])


@pytest.mark.parametrize("via", ["domino-job", "flyte"])
def test_what_fails_elsewhere_is_told_here(
    home: Path, tmp_path: Path, via: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in the way").write_text("")
    words = ("export", "good", "ADaM Datasets", "--to", str(tmp_path / "in the way"), "--via", via, "--home", str(home))
    assert cli.main([*words, "--json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err)["error"]["kind"] == "export"
    assert cli.main(["exports", "--home", str(home), "--json"]) == 0
    record = next(one for one in json.loads(capsys.readouterr().out) if one["road"] == via)
    assert (record["state"], record["error"] != "") == ("failed", True)


async def test_a_job_cannot_be_paused_or_cancelled(home: Path, tmp_path: Path) -> None:
    settings = load_settings({"home": str(home), "local": True})
    async with session_of(settings) as session:
        artifacts = await session.catalog.artifacts(ExecutionId("flowtui", "development", "good"))
        selection = Selection(SourceRun(artifacts.execution.id), artifacts.files)
        plan = await make_plan([selection], parse_target(str(tmp_path / "out")), session.storage)
        work = RemoteWork("flowtui --version", "version")
        id_ = await session.transfers.start_remote(session.road("domino-job"), plan, TargetOptions(), work)
        for stop in (session.transfers.pause, session.transfers.cancel):
            with pytest.raises(ExportError, match=r"cannot be paused|stops no job"):
                await stop(id_)
        assert (await session.transfers.wait(id_)).state == "done"
        assert any(event.text.startswith("flowtui ") for event in session.journal.events(id_))
        with pytest.raises(UsageError, match="is no road"):
            session.road("pigeon")
        with pytest.raises(FlowtuiError):
            await session.transfers.start_remote(
                session.road("domino-job"), plan, TargetOptions(), RemoteWork("x", "x", project="none")
            )


async def test_an_export_elsewhere_is_found_again_by_another_process(home: Path, tmp_path: Path) -> None:
    """The session that started it is gone; its log is told once, however long, and its end is known."""
    domino = tmp_path / "domino-home"
    async with served(lambda url: create_domino_app(domino, url=url)) as url:
        environ = {"HOME": str(tmp_path), "FLOWTUI_DOMINO_URL": url, "FLOWTUI_DOMINO_TOKEN": "token"}
        settings = load_settings({"home": str(home), "local": True}, environ)
        async with session_of(settings) as session:
            artifacts = await session.catalog.artifacts(ExecutionId("flowtui", "development", "good"))
            selection = Selection(SourceRun(artifacts.execution.id), artifacts.files)
            plan = await make_plan([selection], parse_target(str(tmp_path / "out")), session.storage)
            work = RemoteWork("flowtui serve --port 0", "long")
            id_ = await session.transfers.start_remote(session.road("domino-job"), plan, TargetOptions(), work)
        assert Journal(home / "state.sqlite3").get(id_).state == "running"
        (log,) = (domino / "domino" / "jobs").glob("*.log")
        async with session_of(settings) as session:
            for first, last in ((0, 250), (250, 400)):
                with log.open("a") as file:
                    file.writelines(f"line {number}\n" for number in range(first, last))
                await session.transfers.look_elsewhere()
            told = [event.text for event in session.journal.events(id_) if event.text.startswith("line ")]
            assert told == [f"line {number}" for number in range(400)]
            await session.transfers.follow_elsewhere()
            assert await session.transfers.resume(id_) == id_
            for process in Path("/proc").glob("[0-9]*"):  # noqa: ASYNC240
                with contextlib.suppress(OSError):
                    if log.stem.encode() in (process / "environ").read_bytes():
                        os.kill(int(process.name), signal.SIGTERM)
            with pytest.raises(ExportError, match=r"Job \d+ is Failed"):
                await session.transfers.wait(id_)
            with pytest.raises(ExportError, match="was carried out elsewhere"):
                await session.transfers.resume(id_)


NAMES = st.text(min_size=1, max_size=30)


@given(st.lists(st.tuples(NAMES, NAMES, NAMES, NAMES), min_size=1, max_size=20))
def test_a_selection_survives_the_command_line(keys: list[tuple[str, str, str, str]]) -> None:
    import shlex

    run = SourceRun(ExecutionId("p", "d", "r"))
    files = [
        PlannedFile(artifact_file(file, "s3://b/k", artifact=artifact, type_=type_, node=node), run, "s3://b/k", "x", 1)
        for type_, artifact, file, node in keys
    ]
    plan = Plan(parse_target("/out"), "replace", tuple(files), runs=(run,))
    command = shlex.split(remote_work(plan, TargetOptions(folder="a b"), ("--local",)).command)
    word = command[command.index("--selection") + 1]
    assert decoded_selection(word) == {run.id: frozenset(keys)}
    assert command[command.index("--folder") + 1] == "a b"


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: "z:" + data.hex()))
def test_a_selection_of_others_is_refused(word: str) -> None:
    with pytest.raises(UsageError):
        decoded_selection(word)


def test_a_bomb_is_no_selection() -> None:
    import base64
    import zlib

    bomb = zlib.compress(b" " * (80 * 1024 * 1024))
    with pytest.raises(UsageError, match="too large"):
        decoded_selection("z:" + base64.urlsafe_b64encode(bomb).decode())


def test_a_selection_is_short() -> None:
    run = SourceRun(ExecutionId("p", "d", "r"))
    files = [
        PlannedFile(artifact_file(f"table_{number:05d}.rtf", "s3://b/k"), run, "s3://b/k", "x", 1)
        for number in range(5000)
    ]
    assert len(encoded_selection(files)) < 100_000


@pytest.mark.parametrize("road", ROADS, ids=lambda road: str(road.name))
async def test_the_roads_of_the_screen_lead_to_a_dataset(home: Path, road: ExportRoad) -> None:
    settings = load_settings({"home": str(home), "local": True})
    async with session_of(settings, launches=True) as session:
        artifacts = await session.catalog.artifacts(ExecutionId("flowtui", "development", "good"))
        options = TargetOptions(folder=road.name, tag=road.name)
        target = parse_target("dataset:CDISC01-ADaM", options, session.target_access)
        selection = Selection(SourceRun(artifacts.execution.id), artifacts.files)
        plan = await make_plan([selection], target, session.storage, folder=options.folder)
        values = {field.name: "" for field in road.needs({})}
        id_ = await road.start(session, plan, options, values)
        assert (await session.transfers.wait(id_)).state == "done"
        there = await target.existing([f"{road.name}/ADaM Datasets/adsl.csv"])
        assert [one.size for one in there.values()] == [12]
        assert await target.existing(["x"]) == {}
