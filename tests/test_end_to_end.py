"""From a flow's code to what every command says of its run, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowtui import cli
from flowtui.local.app import create_app
from tests.test_cli import failure, served

pytest.importorskip("flytekit")

FLOW = """
from flytekit import task, workflow
from flytekit.types.file import FlyteFile
from flytekitplugins.domino.artifact import DATA, REPORT, Artifact

adam = Artifact(name="ADaM Datasets", type=DATA)
tables = Artifact(name="TFL/Reports", type=REPORT)


def written(name: str, text: str) -> FlyteFile:
    with open(name, "w") as file:
        file.write(text)
    return FlyteFile(name)


@task
def adsl(subjects: int) -> adam.File(name="adsl.csv"):
    return written("adsl.csv", "USUBJID,AGE\\n" + "".join(f"01-{n},{60 + n}\\n" for n in range(subjects)))


@task
def table(data: FlyteFile, denominators: bool) -> tables.File(name="t 14.1.txt"):
    if not denominators:
        raise ValueError("no denominators in ADSL")
    with open(data) as file:
        return written("t.txt", f"N = {len(file.readlines()) - 1}\\n")


@workflow
def report(subjects: int = 2, denominators: bool = True) -> tables.File(name="t 14.1.txt"):
    return table(data=adsl(subjects=subjects), denominators=denominators)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one run that succeeded and one that failed."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "flow.py").write_text(FLOW)
    home = folder / "home"
    run = ["run", "--home", str(home), "--name"]
    assert cli.main([*run, "good", str(folder / "flow.py"), "report", "--subjects", "3"]) == 0
    assert cli.main([*run, "bad", str(folder / "flow.py"), "report", "--no-denominators"]) == 1
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


def test_runs(ask: Any) -> None:
    assert {run["name"]: run["phase"] for run in ask("runs")} == {"good": "SUCCEEDED", "bad": "FAILED"}
    (bad,) = ask("runs", "--query", "phase:failed")
    assert "no denominators in ADSL" in bad["error"]["message"]


def test_artifacts_with_sizes_of_files_that_are_here(ask: Any) -> None:
    run = ask("artifacts", "good")
    found = [
        (one["type"], one["artifact"], file["file"], file["size"]) for one in run["artifacts"] for file in one["files"]
    ]
    assert found == [("data", "ADaM Datasets", "adsl.csv", 36), ("report", "TFL/Reports", "t 14.1.txt", 6)]
    states = [file["state"] for one in ask("artifacts", "bad")["artifacts"] for file in one["files"]]
    assert states == ["present", "not_produced"]


def test_nodes_and_lineage(ask: Any) -> None:
    assert [(node["name"], node["phase"]) for node in ask("nodes", "bad")] == [
        ("adsl", "SUCCEEDED"),
        ("table", "FAILED"),
    ]
    labels = {node["label"] for node in ask("lineage", "good", "TFL/Reports/t 14.1.txt")["nodes"]}
    assert {"adsl.csv", "t 14.1.txt", "adsl", "table", "subjects = 3"} <= labels


def test_preview_get_and_export(ask: Any, tmp_path: Path) -> None:
    assert ask("preview", "good", "TFL/Reports/t 14.1.txt")["lines"] == ["N = 3"]
    got = ask("get", "good", "-o", str(tmp_path / "got"))
    assert [file["path"] for file in got["files"]] == ["ADaM Datasets/adsl.csv", "TFL_Reports/t 14.1.txt"]
    assert (tmp_path / "got" / "TFL_Reports" / "t 14.1.txt").read_text() == "N = 3\n"
    ask("export", "good", "ADaM Datasets", "--to", str(tmp_path / "out"))
    assert ask("exports")[0]["state"] == "done"


def test_a_run_that_is_not_on_the_server_but_here_is_named(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(tmp_path)
    try:
        with served(app) as url:
            words = ["nodes", "good", "--home", str(home), "--endpoint", url, "-p", "flowtui", "--json"]
            assert cli.main(words) == 3
            assert "A run good is on this machine: add --local." in failure(capsys)["hint"]
            assert cli.main([*(words[:4]), "--local", "--json"]) == 0
    finally:
        app.state.admin.store.close()
