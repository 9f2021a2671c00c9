"""A sub-workflow that declares a file, called in a loop: run, registered, browsed, downloaded and exported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flytekit")

from flowtui import cli
from flowtui.config import Settings
from flowtui.domain.execution import ExecutionId
from flowtui.embedded import screen_session_of
from flowtui.tui.app import FlowtuiApp
from tests.local.test_flyte_remote import pyflyte, run, serving
from tests.test_cli import failure
from tests.tui.conftest import LARGE, NOW, SMALL, Person

FLOW = Path(__file__).with_name("flows") / "same_names.py"
LOOPED = ["inner.csv (name = l)", "inner.csv (name = m)", "inner.csv (name = r)"]
TABLES = ["table.txt (title = Table l)", "table.txt (title = Table m)", "table.txt (title = Table r)"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with runs that call the sub-workflow twice, and one with a loop."""
    home = tmp_path_factory.mktemp("names") / "home"
    words = ["run", "--home", str(home), "--name"]
    assert cli.main([*words, "looped", str(FLOW), "looped"]) == 0
    assert cli.main([*words, "pair", str(FLOW), "pair", "--left", "l", "--right", "r"]) == 0
    assert cli.main([*words, "swapped", str(FLOW), "pair", "--left", "r", "--right", "x"]) == 0
    return home


@pytest.fixture
def ask(home: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """A command's answer, from JSON."""

    def asked(*words: str) -> Any:
        code = cli.main([*words, "--home", str(home), "--json"])
        out, err = capsys.readouterr()
        assert (code, err) == (0, "")
        return json.loads(out)

    return asked


def titles(answer: dict[str, Any]) -> list[str]:
    files = [file for artifact in answer["artifacts"] for file in artifact["files"]]
    return [f"{file['file']} ({file['distinction']})" if file["distinction"] else file["file"] for file in files]


def test_a_run_says_what_several_nodes_reach(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--home", str(home), "--name", "again", str(FLOW), "pair"]) == 0
    (warning,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("!")]
    assert 'has the file "inner.csv" from 2 nodes of workflow same_names.pair: n0/n1 "fill", n1/n1 "fill".' in warning


def test_the_log_of_a_loop_says_it_too(home: Path) -> None:
    logs = [path.read_text() for path in (home / "runs").rglob("output.log")]
    said = [line for log in logs for line in log.splitlines() if "ArtifactWarning" in line]
    assert len(said) == 2
    assert all("from 3 nodes of workflow same_names.loop" in line for line in said)


def test_one_file_for_each_node(ask: Any) -> None:
    looped = ask("artifacts", "looped")
    assert titles(looped) == [*LOOPED, *TABLES]
    files = looped["artifacts"][0]["files"]
    assert [file["differing_inputs"] for file in files] == [{"name": "l"}, {"name": "m"}, {"name": "r"}]
    assert len({file["node"] for file in files}) == 3
    assert [file["state"] for file in files] == ["present"] * 3
    assert [file["notices"] for file in files] == [[]] * 3
    assert titles(ask("artifacts", "pair")) == ["inner.csv (name = l)", "inner.csv (name = r)", "table.txt"]


def test_what_is_downloaded_and_exported_has_the_node(ask: Any, tmp_path: Path) -> None:
    nodes = [file["node"] for file in ask("artifacts", "looped")["artifacts"][0]["files"]]
    expected = {f"inner ({node}).csv": f"name\n{name}\n" for node, name in zip(nodes, "LMR", strict=True)}
    got = ask("get", "looped", "Inner Data", "-o", str(tmp_path / "got"))
    assert [file["note"] for file in got["files"]] == [f"name = {name}; several files have this name" for name in "lmr"]
    ask("export", "looped", "Inner Data", "--to", str(tmp_path / "out"))
    for folder in ("got", "out"):
        written = {path.name: path.read_text() for path in (tmp_path / folder / "Inner Data").iterdir()}
        assert written == expected


def test_one_of_them_alone_has_the_same_name_and_never_takes_the_place_of_another(ask: Any, tmp_path: Path) -> None:
    files = ask("artifacts", "looped")["artifacts"][0]["files"]
    for file in files[:2]:
        ask("export", "looped", "Inner Data/inner.csv", "--node", file["node"], "--to", str(tmp_path))
    written = sorted(path.name for path in (tmp_path / "Inner Data").iterdir())
    assert written == sorted(f"inner ({file['node']}).csv" for file in files[:2])


def test_candidates_are_told_apart_and_each_can_be_named(
    home: Path, ask: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["preview", "looped", "Inner Data/inner.csv", "--home", str(home), "--json"]) == 2
    hint = failure(capsys)["hint"]
    for title in LOOPED:
        assert f"Inner Data/{title}   --type data --node n0-0-dn" in hint
    assert ask("preview", "looped", "Inner Data/inner.csv (name = m)")["rows"] == [["M"]]


def test_versions_of_two_runs_are_compared_by_their_inputs(ask: Any) -> None:
    differences = ask("diff", "pair", "swapped", "Inner Data")["files"]
    assert {(one["file"], one["distinction"]): (one["state"], one["result"]) for one in differences} == {
        ("inner.csv", "name = l"): ("only_left", None),
        ("inner.csv", "name = r"): ("compared", "identical"),
        ("inner.csv", "name = x"): ("only_right", None),
    }


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_tree_on_the_screen(home: Path, size: tuple[int, int]) -> None:
    settings = Settings(home=home, cache=home / "cache", local=True)
    app = FlowtuiApp(
        settings, lambda: screen_session_of(settings), ExecutionId("flowtui", "development", "looped"), now=lambda: NOW
    )
    async with app.run_test(size=size) as pilot:
        person = Person(app, pilot, None)  # type: ignore[arg-type]
        await person.settle()
        for title in (*LOOPED, *TABLES):
            assert title in person.seen
        if size == SMALL:
            return
        await person.press("j")
        assert "all M" in person.seen, "the preview is that of the file under the cursor"
        await person.press("b", "k", "b", "L")
        assert "lineage / inner.csv (name = l)" in person.seen
        assert "table.txt (title = Table l)" in person.seen
        await person.press("escape", "escape", "3")
        for title in LOOPED[:2]:
            assert title in person.seen


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any], str]]:
    """A server, and the flow registered with ``pyflyte register``: home, what the server says, what pyflyte said."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("flow")
    (folder / FLOW.name).write_text(FLOW.read_text())
    with serving(home) as said:
        done = pyflyte(
            folder, "register", "-p", "flowtui", "--version", "v1", FLOW.name, FLYTECTL_CONFIG=said["flyte_config"]
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield home, said, done.stdout + done.stderr


_RUN = """
    runs = [remote.execute(remote.fetch_launch_plan(name=f"same_names.{name}"), inputs={}, execution_name=name)
            for name in ("looped", "pair")]
    answer = [remote.wait(run, poll_interval=1).closure.phase for run in runs]
"""


def test_what_pyflyte_registers_with_a_warning_runs_and_is_browsed(
    served: tuple[Path, dict[str, Any], str], capsys: pytest.CaptureFixture[str]
) -> None:
    home, said, printed = served
    assert printed.count("ArtifactWarning") == 1
    assert "from 2 nodes of workflow same_names.pair" in " ".join(printed.split())
    assert run(_RUN, home, "flowtui", FLYTECTL_CONFIG=said["flyte_config"]) == [4, 4]
    for name, expected in (
        ("looped", [*LOOPED, *TABLES]),
        ("pair", ["inner.csv (name = l)", "inner.csv (name = r)", "table.txt"]),
    ):
        assert cli.main(["artifacts", name, "--home", str(home), "--json"]) == 0
        assert titles(json.loads(capsys.readouterr().out)) == expected
