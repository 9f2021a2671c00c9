"""``flowtui run`` as a process of its own: its words, its exit code, and what is left when it is stopped or killed."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowtui.domain.execution import ExecutionId
from flowtui.errors import FlowError
from flowtui.local.home import Home
from flowtui.local.runner import embedded_client, locks
from flowtui.local.runner.names import Layout
from flowtui.local.runner.progress import ProgressLines
from flowtui.local.runner.reporter import Progress, WorkflowPhase
from flowtui.local.runner.runner import launcher
from tests.local.running import FLOWS

pytestmark = pytest.mark.skipif(importlib.util.find_spec("flytekit") is None, reason="flytekit is not installed")

CONSTRUCTS = str(FLOWS / "constructs.py")


def start(home: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "flowtui", *words[:1], "--home", str(home), *words[1:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )


def flowtui(home: Path, *words: str) -> tuple[int, str, str]:
    process = start(home, *words)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def runs(home: Path) -> dict[str, str]:
    """Phases of all runs by name, as the next start of anything finds them."""

    async def listed() -> dict[str, str]:
        async with embedded_client(Home(home)) as client:
            page = await client.list_executions("flowtui", "development", limit=100)
        return {row.id.name: WorkflowPhase.Phase.Name(row.closure.phase) for row in page.executions}

    return asyncio.run(listed())


@contextlib.contextmanager
def napping(home: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A run in which a task sleeps, and the id of the process of that task."""
    process = start(home, "run", "--name", "napping", CONSTRUCTS, "waits")
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "nap (n1)" in line:
                break
        log = home / "runs" / "flowtui-development-napping" / "n1-0" / "output.log"
        while (found := re.search(r"napping (\d+)\n", log.read_text() if log.exists() else "")) is None:
            assert process.poll() is None, process.stderr.read()
        yield process, int(found[1])
    finally:
        process.kill()
        process.communicate(timeout=60)


def test_a_run_shows_its_nodes_and_the_command_for_its_artifacts(tmp_path: Path) -> None:
    code, out, err = flowtui(tmp_path, "run", "--json", "--name", "first", CONSTRUCTS, "branches", "--x", "2")
    assert code == 0, err
    assert json.loads(out)["execution"]["phase"] == "SUCCEEDED"
    assert any(line.split("  ")[0] == "✔ done" and "few (n0-0-n0-n0)" in line for line in err.splitlines())
    assert err.rstrip().splitlines()[-1] == "flowtui artifacts first"
    code, out, err = flowtui(tmp_path, "run", "--name", "second", CONSTRUCTS, "branches", "--x=50")
    assert (code, out) == (1, "")
    assert "[UserProvidedError] too many" in err
    assert runs(tmp_path) == {"second": "FAILED", "first": "SUCCEEDED"}


def test_words_of_the_command_line(tmp_path: Path) -> None:
    code, out, err = flowtui(tmp_path, "run", CONSTRUCTS, "typed", "--help")
    assert (code, err) == (0, "")
    assert "Inputs of every kind." in out
    assert [line.split()[0] for line in out.splitlines() if line.startswith("  --")][:2] == ["--text", "--count"]
    assert "text (required)  what to say" in out
    code, out, err = flowtui(tmp_path, "run", "--json", CONSTRUCTS, "branches", "--x", "much")
    assert (code, out) == (2, "")
    assert json.loads(err.splitlines()[-1] if err.startswith("Run") else err)["error"]["kind"] == "usage"
    assert runs(tmp_path) == {}


def test_ctrl_c_aborts_the_run(tmp_path: Path) -> None:
    with napping(tmp_path) as (process, task):
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(task, 0)
    assert runs(tmp_path) == {"napping": "ABORTED"}
    assert not list((tmp_path / "locks").glob("*.lock"))


def test_a_killed_runner_takes_its_tasks_with_it_and_its_run_is_aborted_at_the_next_start(tmp_path: Path) -> None:
    with napping(tmp_path) as (process, task):
        id_ = ExecutionId("flowtui", "development", "napping")
        with pytest.raises(FlowError, match="Another process runs"), locks.held(Home(tmp_path), id_):
            pass
        process.kill()
        process.wait(60)
        gone = _gone(task)
    assert gone
    assert runs(tmp_path) == {"napping": "ABORTED"}
    assert not list((tmp_path / "locks").glob("*.lock"))


def _gone(pid: int) -> bool:
    """Wait until a process has ended."""
    import select

    if not hasattr(os, "pidfd_open"):
        return True
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 60)[0])
    finally:
        os.close(descriptor)


def test_a_run_created_through_the_api_is_run_by_a_process_of_its_own(tmp_path: Path) -> None:
    from flowtui.admin.client import AdminClient
    from flowtui.httpclient import httpx
    from flowtui.local.app import create_app

    code, _, err = flowtui(tmp_path, "run", "--name", "one", CONSTRUCTS, "branches")
    assert code == 0, err
    id_ = ExecutionId("flowtui", "development", "two")

    async def relaunch() -> None:
        app = create_app(tmp_path, launcher=launcher(Home(tmp_path)))
        async with (
            app.router.lifespan_context(app),
            AdminClient("http://local", transport=httpx.ASGITransport(app)) as client,
        ):
            await client.relaunch(ExecutionId("flowtui", "development", "one"), "two")

    asyncio.run(relaunch())
    # The process holds the lock from the start: who gets it finds the run ended.
    path = Home(tmp_path).lock_file(id_)
    with contextlib.suppress(FileNotFoundError), path.open() as file:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
    assert runs(tmp_path) == {"one": "SUCCEEDED", "two": "SUCCEEDED"}


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def steps() -> list[Progress]:
    layout = Layout(Path("/b"), "p", "d", "run")
    outer = layout.place("n0")
    inner = outer.child("n0", 0)
    return [
        Progress("run", outer, "sub \x1b[31mflow", "QUEUED"),
        Progress("run", outer, "sub \x1b[31mflow", "RUNNING"),
        Progress("run", inner, "task", "RUNNING"),
        Progress("run", inner, "task", "FAILED", "Trace:\n\nMessage:\n\n    ValueError: bad\x07"),
        Progress("run", outer, "sub \x1b[31mflow", "FAILED", "bad"),
    ]


def test_progress_is_lines_without_control_codes_where_nobody_watches() -> None:
    stream = io.StringIO()
    show = ProgressLines(stream, live=False)
    for step in steps():
        show(step)
    text = stream.getvalue()
    assert "\x1b" not in text
    assert "\x07" not in text
    assert [line.split("  ")[0] for line in text.splitlines()] == ["* running", "* running", "x failed", "x failed"]
    assert [line.split("  ")[-1] for line in text.splitlines()[2:]] == ["ValueError: bad", "bad"]
    assert "    task (n0-0-n0)  " in text


def test_progress_on_a_terminal_that_does_not_know_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((0, 0)))
    monkeypatch.setattr(Terminal, "fileno", lambda _: 0)
    stream = Terminal()
    show = ProgressLines(stream, live=True)
    for step in steps():
        show(step)
    assert "ValueError: bad" in stream.getvalue()


def test_a_run_leaves_nothing_in_the_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    code, _, err = flowtui(tmp_path / "home", "run", CONSTRUCTS, "numbers", "--n", "2")
    assert code == 0, err
    assert list(temporary.iterdir()) == []


def test_progress_on_a_terminal_keeps_what_has_ended_and_redraws_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    show = ProgressLines(stream)
    for step in steps():
        show(step)
    shown: list[str] = []
    row = 0
    for piece in stream.getvalue().replace("\x1b[J", "").replace("\x1b[2K", "").replace("\r", "").split("\n"):
        up = 0
        while piece.startswith("\x1b["):
            up, piece = int(piece[2 : piece.index("A")]), piece[piece.index("A") + 1 :]
        row -= up
        shown[row:] = [piece]
        row += 1
    ended = [line for line in shown if "failed" in line]
    assert len(ended) == 2
    assert not any("running" in line for line in shown)
    assert "\x1b[31m" not in stream.getvalue()
