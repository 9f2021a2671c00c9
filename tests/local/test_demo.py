"""The demo: its runs are made once, kept, and hold exactly the files that the sample flows declare."""

import importlib.util
import io
import json
from pathlib import Path
from typing import Any

import pytest

from flowtui import cli
from flowtui.errors import FlowError
from flowtui.local import demo
from flowtui.local.demo import PlannedRun, ProgressBar
from tests.local.test_sample_flows import DECLARED

needs_flytekit = pytest.mark.skipif(importlib.util.find_spec("flytekit") is None, reason="flytekit is not installed")

SMALL = PlannedRun("sites/enrolment_flow.py", "enrolment_overview", {"month": "2"})
NO_DATA = PlannedRun("domino/model_flow.py", "training_workflow", {"data_path": "data/nowhere.csv"})


class Bars:
    """Counts the bars that were asked for."""

    def __init__(self) -> None:
        self.totals: list[int] = []
        self.stream = io.StringIO()

    def __call__(self, total: int) -> ProgressBar:
        self.totals.append(total)
        return ProgressBar(total, self.stream)


@needs_flytekit
def test_a_run_is_made_once_and_made_up_for_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "LANES", ((SMALL, NO_DATA),))
    bars = Bars()
    with pytest.raises(FlowError, match=r"nowhere\.csv ended as FAILED: "):
        demo.prepare(tmp_path, bars)
    kept = demo.finished_runs(tmp_path)
    assert list(kept) == [SMALL.key]
    with pytest.raises(FlowError):
        demo.prepare(tmp_path, bars)
    assert bars.totals == [2, 1]
    assert demo.finished_runs(tmp_path) == kept
    monkeypatch.setattr(demo, "LANES", ((SMALL,),))
    demo.prepare(tmp_path, bars)
    assert bars.totals == [2, 1, 1], "another plan is another demo"
    again = demo.finished_runs(tmp_path)
    demo.prepare(tmp_path, bars)
    assert bars.totals == [2, 1, 1]
    assert demo.finished_runs(tmp_path) == again != kept
    (tmp_path / "demo.json").write_text("{")
    assert demo.finished_runs(tmp_path) == {}


@needs_flytekit
def test_a_missing_library_is_named_with_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_LIBRARIES", {"pandas": "pandas", "no_such_library": "no-such-library"})
    with pytest.raises(FlowError, match="no-such-library") as error:
        demo.prepare(tmp_path / "home")
    assert 'pip install "flowtui[demo]"' in error.value.hint
    assert not (tmp_path / "home").exists()


def test_the_version_follows_flows_and_plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    version = demo.flows_version()
    assert version == demo.flows_version()
    monkeypatch.setattr(demo, "LANES", ((SMALL,),))
    assert demo.flows_version() != version
    monkeypatch.setattr(demo, "FLOWS", tmp_path)
    empty = demo.flows_version()
    (tmp_path / "flow.py").write_text("x = 1\n")
    assert demo.flows_version() != empty


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_is_one_line_of_a_terminal_that_is_gone_at_the_end() -> None:
    stream = Terminal()
    bar = ProgressBar(2, stream)
    bar.started(SMALL)
    bar.finished(SMALL)
    assert f"[{'#' * 14}{'-' * 14}] 1/2 enrolment_overview" in stream.getvalue()
    bar.finished(SMALL)
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[2K")


def test_the_bar_does_not_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    bar = ProgressBar(11, stream)
    bar.started(PlannedRun("a.py", "a_workflow_whose_name_is_long_" * 3, {}))
    (line,) = stream.getvalue().split("\x1b[2K")[1:]
    assert line.startswith("Running the sample flows [---")
    assert len(line) == 79


def test_elsewhere_each_run_is_a_line() -> None:
    stream = io.StringIO()
    bar = ProgressBar(1, stream)
    bar.started(SMALL)
    bar.finished(SMALL)
    assert stream.getvalue() == "1/1 sites/enrolment_flow.py enrolment_overview --month 2\n"


def artifacts(home: Path, name: str, capsys: pytest.CaptureFixture[str]) -> Any:
    assert cli.main(["artifacts", name, "--json", "--local", "--home", str(home)]) == 0
    return json.loads(capsys.readouterr().out)


@needs_flytekit
@pytest.mark.parametrize("lane", range(len(demo.LANES)))
def test_every_run_lists_exactly_the_declared_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lane: int
) -> None:
    runs = demo.LANES[lane]
    monkeypatch.setattr(demo, "LANES", (runs,))
    demo.prepare(tmp_path)
    names = demo.finished_runs(tmp_path)
    assert list(names) == [run.key for run in runs]
    cached = 0
    for run in runs:
        answer = artifacts(tmp_path, names[run.key], capsys)
        assert answer["execution"]["phase"] == run.phase
        found = {
            f"{artifact['type']}/{artifact['artifact']}": [file["file"] for file in artifact["files"]]
            for artifact in answer["artifacts"]
        }
        assert found == DECLARED[run.workflow]
        files = [file for artifact in answer["artifacts"] for file in artifact["files"]]
        for file in files:
            assert file["node"]
            assert file["format"] == (file["file"].rpartition(".")[2] if "." in file["file"] else "json")
            if file["state"] == "present":
                (uri,) = file["uris"]
                assert file["size"] == Path(uri.removeprefix("file://")).stat().st_size > 0
            cached += bool(file["made_by"]) and file["made_by"]["execution"] != answer["execution"]["name"]
        states = {file["state"] for file in files}
        assert states == {"present"} if run.phase == "SUCCEEDED" else "not_produced" in states
    assert cached > 0
    datasets = tmp_path / "domino" / "datasets"
    exports = [path for path in datasets.rglob("data.csv") if path.relative_to(datasets).parts[1] != "head"]
    assert len(exports) == sum(run.workflow == "training_workflow_with_export" for run in runs)
