from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flowtui.domain.artifact import ArtifactVersionId
from flowtui.domain.execution import ExecutionId
from flowtui.errors import ExportError, NotFoundError
from flowtui.exports import Journal, Plan, PlannedFile, SourceRun, TargetOptions, parse_target
from flowtui.exports.targets import Publication
from tests.exports.test_plan import RUN, artifact_file

SOURCE = SourceRun(RUN, workflow="flow.ADaM", version="v1", launch_plan="flow.ADaM", principal="ann", inputs={"n": "3"})


def planned(name: str, run: SourceRun = SOURCE) -> PlannedFile:
    return PlannedFile(artifact_file(name, f"s3://b/{name}"), run, f"s3://b/{name}", f"ADaM/{name}", 9, etag="e")


def plan_to(target: str, *files: PlannedFile) -> Plan:
    runs = tuple(dict.fromkeys(file.run.id for file in files))
    by_id = {file.run.id: file.run for file in files}
    return Plan(parse_target(target), "stop", files, runs=tuple(by_id[id_] for id_ in runs))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state.sqlite3")


def test_an_export_goes_through_its_states(journal: Journal) -> None:
    options = TargetOptions(layout="snapshots", tag="v1")
    id_ = journal.add(plan_to("/data/out", planned("a.csv"), planned("b.csv")), options, server="https://flyte")
    record = journal.get(id_)
    assert (record.state, record.executions, record.started_at) == ("planned", (str(RUN),), None)
    assert (record.options, record.server, record.road, record.kind) == (options, "https://flyte", "here", "directory")
    with journal.claim(id_):
        journal.begin(id_)
        assert journal.advance(id_, 9, 3.0) == ""
        running = journal.get(id_)
        assert (running.state, running.bytes_done, running.seconds_left) == ("running", 9, 3.0)
        journal.ask(id_, "pause")
        assert journal.advance(id_, 9) == "pause"
        journal.staged(id_, [("ADaM/a.csv", 9, "ab", "t")])
        journal.files_failed(id_, [("ADaM/b.csv", "no\x1b[2J room")])
        failed = journal.finish(id_, "failed", error="no\x1b[2J room")
    assert (failed.state, failed.error) == ("failed", "no room")
    assert [(one.state, one.sha256, one.error) for one in journal.files(id_)] == [
        ("staged", "ab", ""),
        ("failed", "", "no room"),
    ]
    with journal.claim(id_):
        journal.begin(id_)
        journal.publishing(id_)
        done = journal.finish(id_, "done", publication=Publication("/data/out/snapshots/1", "/m.json"))
    assert (done.state, done.place, done.manifest, done.bytes_done) == ("done", "/data/out/snapshots/1", "/m.json", 18)
    with pytest.raises(NotFoundError, match="No export is called"):
        journal.get("none")


def test_a_plan_comes_back_as_it_was(journal: Journal) -> None:
    other = SourceRun(ExecutionId("p", "d", "other"))
    plan = plan_to("/out", planned("a.csv"), planned("b.csv", other))
    again = journal.plan(journal.add(plan, TargetOptions()), plan.target)
    assert [(one.path, one.run, one.key, one.size) for one in again.files] == [
        (one.path, one.run, one.key, one.size) for one in plan.files
    ]
    assert (again.runs, again.if_exists, again.target) == (plan.runs, "stop", plan.target)


def test_the_newest_come_first_and_are_limited(journal: Journal) -> None:
    ids = [journal.add(plan_to(f"/{index}", planned("a")), TargetOptions()) for index in range(5)]
    assert [record.id for record in journal.list(3)] == ids[:1:-1]


def test_notes_outlive_their_reader(journal: Journal, tmp_path: Path) -> None:
    id_ = journal.add(plan_to("/out", planned("a")), TargetOptions())
    journal.notes(id_).set("key", "1")
    journal.notes(id_).set("other", "2")
    assert Journal(tmp_path / "state.sqlite3").notes(id_).get("key") == "1"
    assert journal.notes(id_).get("none") == ""
    journal.restart(id_)
    assert journal.notes(id_).get("key") == ""


def test_the_log_is_in_order_and_has_no_control_codes(journal: Journal) -> None:
    id_ = journal.add(plan_to("/out", planned("a")), TargetOptions())
    journal.tell(id_, "one")
    journal.tell(id_, "two\x1b[2J")
    assert [event.text for event in journal.events(id_)] == ["one", "two"]


def test_exported_versions_are_known(journal: Journal) -> None:
    id_ = journal.add(plan_to("/out", planned("a.csv")), TargetOptions())
    version = ArtifactVersionId(RUN, "ADaM", "data")
    file, other = (ArtifactVersionId(RUN, "ADaM", "data", name) for name in ("a.csv", "b.csv"))
    assert journal.exported([version]) == {}
    journal.finish(id_, "done")
    found = journal.exported([version, file, other])
    assert {key: record.id for key, record in found.items()} == {version: id_, file: id_}


def test_of_files_of_one_name_the_one_that_was_exported_is_known(journal: Journal) -> None:
    id_ = journal.add(plan_to("/out", planned("a.csv")), TargetOptions())
    journal.finish(id_, "done")
    node = journal.files(id_)[0].node
    own, other = (ArtifactVersionId(RUN, "ADaM", "data", "a.csv", one) for one in (node, f"not {node}"))
    assert node
    assert list(journal.exported([own, other])) == [own]


KILLED = """
import os, sys
from pathlib import Path
from flowtui.exports import Journal
journal = Journal(Path(sys.argv[1]))
with journal.claim(sys.argv[2]):
    journal.begin(sys.argv[2])
    print("held", flush=True)
    sys.stdin.read()
    os._exit(9)
"""


def test_an_export_is_held_by_one_process_and_interrupted_when_that_is_gone(journal: Journal, tmp_path: Path) -> None:
    id_ = journal.add(plan_to("/out", planned("a")), TargetOptions())
    arguments = [sys.executable, "-c", KILLED, str(tmp_path / "state.sqlite3"), id_]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert journal.get(id_).state == "running"
        with pytest.raises(ExportError, match="by another process"), journal.claim(id_):
            pass
        process.communicate("")
    assert process.returncode == 9
    assert journal.get(id_).state == "interrupted"
    with journal.claim(id_):
        assert journal.is_held(id_)
    assert not journal.is_held(id_)
