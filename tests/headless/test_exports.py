"""``flowtui export`` and ``flowtui exports`` over recorded answers, and in processes that are interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flowtui.errors import ExportError, NotFoundError, UsageError
from flowtui.exports import Journal
from tests.exports.test_roads import FLOW
from tests.headless.conftest import ADSL, Command
from tests.kill.export_child import RUN
from tests.storage.store import Store

EXPORT = ("export", "clinical-1", "ADaM Datasets/adsl.csv", "--to")


async def test_options_reach_the_target(command: Command, tmp_path: Path) -> None:
    words = (*EXPORT, str(tmp_path / "out"), "--layout", "snapshots", "--folder", "study/adam")
    first = json.loads(await command(*words))
    assert first["place"] == str(tmp_path / "out" / "snapshots" / "1")
    assert [file["path"] for file in first["files"]] == ["study/adam/ADaM Datasets/adsl.csv"]
    again = json.loads(await command(*words))
    assert ([file["action"] for file in again["files"]], again["place"]) == (["same"], None)
    assert os.listdir(tmp_path / "out" / "snapshots") == ["1"]
    manifest = json.loads((tmp_path / "out" / "snapshots" / "1" / "flowtui-manifest.json").read_text())
    (run,) = manifest["runs"].values()
    assert (run["workflow"], run["inputs"]) == ("labflows.clinical", {"cutoff": "30", "study": "CDISC01"})


async def test_files_of_several_runs_go_in_one_export(command: Command, tmp_path: Path) -> None:
    done = json.loads(
        await command(*EXPORT, str(tmp_path / "out"), "--and", "clinical-1", "ADaM Datasets/adsl.csv", "--dry-run")
    )
    assert len(done["files"]) == 2
    assert len({file["path"] for file in done["files"]}) == 2
    with pytest.raises(UsageError, match="--and clinical-2 names no artifact"):
        await command(*EXPORT, str(tmp_path / "out"), "--and", "clinical-2")


async def test_what_cannot_be_read_stops_the_export_or_is_left_out(
    command: Command, store: Store, tmp_path: Path
) -> None:
    del store.objects[ADSL.partition("://")[2]]
    with pytest.raises(ExportError, match="1 of 1 files cannot be read"):
        await command(*EXPORT, str(tmp_path / "out"))
    assert json.loads(await command("exports")) == []
    with pytest.raises(NotFoundError, match="None of these files exists") as nothing:
        await command(*EXPORT, str(tmp_path / "out"), "--leave-out")
    assert "left out: There is no object" in nothing.value.hint
    assert not (tmp_path / "out").exists()


async def test_an_export_is_named_by_the_beginning_of_its_id(command: Command, tmp_path: Path) -> None:
    done = json.loads(await command(*EXPORT, str(tmp_path / "out")))
    shown = json.loads(await command("exports", "show", done["id"][:3]))
    assert (shown["id"], shown["state"], shown["place"]) == (done["id"], "done", str(tmp_path / "out"))
    assert [(file["path"], file["state"]) for file in shown["listed"]] == [("ADaM Datasets/adsl.csv", "published")]
    assert shown["log"][-1]["text"] == f"done: {tmp_path / 'out'}"
    text = await command("exports", "show", done["id"], text=True)
    assert "state     done" in text
    assert "ADaM Datasets/adsl.csv" in text
    with pytest.raises(ExportError, match="is done"):
        await command("exports", "resume", done["id"])
    with pytest.raises(NotFoundError):
        await command("exports", "show", "nope")
    with pytest.raises(UsageError, match="needs an ID"):
        await command("exports", "pause")
    with pytest.raises(UsageError, match="is no state"):
        await command("exports", "--state", "nearly")
    assert json.loads(await command("exports", "--state", "failed")) == []
    await command("exports", "remove", done["id"])
    assert json.loads(await command("exports")) == []
    assert (tmp_path / "out" / "ADaM Datasets" / "adsl.csv").exists()


CHILD = """
import asyncio, sys
from pathlib import Path
from flowtui.exports import *
from flowtui.storage import Storage
import tests.kill.export_child as child
from tests.trusting import TrustsAll

class Slow(Storage):
    def stream(self, uri, start=0):
        async def pieces():
            for _ in range(10_000):
                yield b"x" * 1_100_000
                await asyncio.sleep(0.05)
        return pieces()

async def main():
    home, source, out = map(Path, sys.argv[1:])
    async with Slow(TrustsAll()) as storage:
        journal = Journal(home / "state.sqlite3")
        transfers = Transfers(journal, storage, TargetAccess(), server="http://flyte.test")
        plan = await make_plan([child.selection(source)], parse_target(str(out)), storage)
        # Not of this machine, so that it is streamed.
        from dataclasses import replace
        plan = replace(plan, files=tuple(replace(one, uri="s3://b/k", size=None) for one in plan.files))
        id_ = await transfers.start(plan, TargetOptions())
        print(id_, flush=True)
        await transfers.wait(id_)

asyncio.run(main())
"""


@pytest.mark.parametrize(("action", "state"), [("pause", "paused"), ("cancel", "cancelled")])
async def test_an_export_of_another_process_is_stopped(
    command: Command, tmp_path: Path, action: str, state: str
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.csv").write_bytes(b"1")
    (tmp_path / "home").mkdir(exist_ok=True)
    arguments = [sys.executable, "-c", CHILD, str(tmp_path / "home"), str(source), str(tmp_path / "out")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220
        assert process.stdout is not None
        id_ = process.stdout.readline().strip()
        deadline = time.monotonic() + 30
        while json.loads(await command("exports", "show", id_))["bytes_done"] == 0:
            assert time.monotonic() < deadline
        (running,) = json.loads(await command("exports"))
        assert (running["state"], running["executions"]) == ("running", [str(RUN)])
        stopped = json.loads(await command("exports", action, id_))
        assert (stopped["id"], stopped["state"]) == (id_, state)
    left = [path for path in tmp_path.rglob("*.part") if "out" in str(path)]  # noqa: ASYNC240
    assert bool(left) == (action == "pause")
    assert not (tmp_path / "out").exists()


def test_an_interrupted_process_pauses_its_export(tmp_path: Path) -> None:
    """SIGINT for real, to what a command runs: the journal knows how to go on."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.csv").write_bytes(b"1")
    home = tmp_path / "home"
    home.mkdir()
    arguments = [sys.executable, "-c", CHILD, str(home), str(source), str(tmp_path / "out")]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_hear_sigint
    ) as process:
        assert process.stdout is not None
        id_ = process.stdout.readline().strip()
        while Journal(home / "state.sqlite3").get(id_).bytes_done == 0:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    record = Journal(home / "state.sqlite3").get(id_)
    assert (record.state, process.returncode) == ("paused", -signal.SIGINT)
    assert not (tmp_path / "out").exists()


def _hear_sigint() -> None:
    """A shell has its background processes ignore it, and they hand that on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


SLOW = """
import sys
from flowtui import cli
from flowtui.exports.targets.directory_stage import DirectoryStage

copy = DirectoryStage.copy

def slow(self, source, file, moved, stop):
    print("copying", file=sys.stderr, flush=True)
    stop.wait(60)
    return copy(self, source, file, moved, stop)

DirectoryStage.copy = slow
sys.exit(cli.main(sys.argv[1:]))
"""


def test_ctrl_c_pauses_the_command_and_says_how_to_go_on(tmp_path: Path) -> None:
    pytest.importorskip("flytekit", reason="flytekit supports Python below 3.13 only")
    home, to = tmp_path / "home", tmp_path / "out"
    (tmp_path / "flow.py").write_text(FLOW)
    flowtui = [sys.executable, "-m", "flowtui"]
    where = ["--home", str(home)]
    run = [*flowtui, "run", *where, "--name", "good", str(tmp_path / "flow.py"), "study"]
    subprocess.run(run, check=True, capture_output=True)
    command = [sys.executable, "-c", SLOW, "export", "good", "ADaM Datasets", "--to", str(to), *where]
    # SIGINT is ignored where pytest runs in the background of a shell.
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "copying\n"
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
    (record,) = Journal(home / "state.sqlite3").list()
    assert (process.returncode, record.state) == (130, "paused")
    assert f"flowtui exports resume {record.id}" in told
    assert not to.exists()
    subprocess.run([*flowtui, "exports", "resume", record.id, *where], check=True, capture_output=True)
    assert (to / "ADaM Datasets" / "adsl.csv").read_text() == "USUBJID,AGE\n"
