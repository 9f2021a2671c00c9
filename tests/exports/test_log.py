from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from flowtui.exports import ExportLog
from tests.exports.test_plan import RUN


def test_an_export_goes_through_its_states(tmp_path: Path) -> None:
    log = ExportLog(tmp_path / "state.sqlite3")
    id_ = log.add(RUN, "/data/out", files=3, bytes_=27)
    planned = log.get(id_)
    assert planned is not None
    assert (planned.state, planned.execution, planned.started_at) == ("planned", str(RUN), None)
    log.start(id_)
    log.advance(id_, 9)
    running = log.get(id_)
    assert running is not None
    assert (running.state, running.bytes_done, running.finished_at) == ("running", 9, None)
    log.finish(id_, "failed", bytes_done=10, error="no\x1b[2J room", manifest="/data/out/m.json")
    failed = log.get(id_)
    assert failed is not None
    assert (failed.state, failed.error, failed.manifest) == ("failed", "no room", "/data/out/m.json")
    assert log.get("none") is None


def test_the_newest_come_first_and_are_limited(tmp_path: Path) -> None:
    log = ExportLog(tmp_path / "state.sqlite3")
    ids = [log.add(RUN, f"/{index}", files=0, bytes_=0) for index in range(5)]
    assert [record.id for record in log.list(3)] == ids[:1:-1]


def test_an_export_whose_process_is_gone_has_failed(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from flowtui.domain.execution import ExecutionId
from flowtui.exports import ExportLog
log = ExportLog(Path(sys.argv[1]))
log.start(log.add(ExecutionId("p", "d", "r"), "/out", files=1, bytes_=1))
os._exit(9)
"""
    path = tmp_path / "state.sqlite3"
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == 9
    (record,) = ExportLog(path).list()
    assert (record.state, record.error) == ("failed", "interrupted: its process is gone")
