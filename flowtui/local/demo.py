"""The demo: runs of the sample flows, really run on this machine the first time and kept.

They are runs like any other, in the home and the default project that ``flowtui run`` uses, so that every command
finds them; nothing of the user's is hidden or touched. ``demo.json`` in the home says which have been run, and of which
version of the flows; when these change, or where a run is missing, it is run then.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

from flowtui.errors import FlowError, UsageError
from flowtui.local.home import Home
from flowtui.text import cut

FLOWS = Path(__file__).parent / "flows"

_LIBRARIES = {"pandas": "pandas", "pyreadstat": "pyreadstat", "fpdf": "fpdf2", "PIL": "pillow"}
_BAR = 28


@dataclass(frozen=True)
class PlannedRun:
    """A run of the demo.

    Attributes:
        file: the flow's file, below the folder of the sample flows.
        inputs: as on the command line of ``flowtui run``.
        phase: how it ends; one of each kind of flow fails for a reason that its error tells.
    """

    file: str
    workflow: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    phase: str = "SUCCEEDED"

    @property
    def key(self) -> str:
        """The command line that would start it."""
        options = " ".join(f"--{name} {value}" for name, value in self.inputs.items())
        return f"{self.file} {self.workflow} {options}".rstrip()

    def name(self, version: str) -> str:
        """The name of its execution, such as ``study-report-7f2a``: the same for the same flows and inputs."""
        digest = hashlib.sha256(f"{version} {self.key}".encode()).hexdigest()
        return f"{self.workflow.replace('_', '-')}-{digest[:4]}"


_STUDY = "clinical/study_flow.py"
_READMISSION = "training/readmission_flow.py"
_MODEL = "domino/model_flow.py"
_ENROLMENT = "sites/enrolment_flow.py"

# Two lanes run side by side; within a lane one run follows the other, so that the later ones find cached results.
LANES = (
    (
        PlannedRun(_STUDY, "study_report", {"cutoff": "2024-08-31"}, "FAILED"),
        PlannedRun(_STUDY, "study_report", {"cutoff": "2025-03-31"}),
        PlannedRun(_STUDY, "study_report", {"cutoff": "2025-06-30"}),
        PlannedRun(_ENROLMENT, "enrolment_overview", {"month": "4"}),
    ),
    (
        PlannedRun(_MODEL, "training_workflow", {"data_path": "data/admissions_2024.csv"}),
        PlannedRun(_MODEL, "training_workflow", {"data_path": "data/admissions_2026.csv"}, "FAILED"),
        PlannedRun(_MODEL, "training_workflow_with_export", {"data_path": "data/admissions_2024.csv"}),
        PlannedRun(_MODEL, "training_workflow_with_export", {"data_path": "data/admissions_2025.csv"}),
        PlannedRun(_READMISSION, "train_readmission_model", {"learning_rate": "0.5"}),
        PlannedRun(_READMISSION, "train_readmission_model", {"learning_rate": "0.05", "epochs": "40"}),
        PlannedRun(_ENROLMENT, "enrolment_overview", {"month": "9"}),
    ),
)


class ProgressBar:
    """How many of the runs are done, on one line of a terminal, or a line for each run elsewhere."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._total = total
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._done = 0

    def started(self, run: PlannedRun) -> None:
        """A run begins."""
        if self._live:
            self._draw(run.workflow)

    def finished(self, run: PlannedRun) -> None:
        """A run has ended."""
        self._done += 1
        if self._live:
            self._draw(run.workflow)
        else:
            self._stream.write(f"{self._done}/{self._total} {run.key}\n")
        if self._live and self._done == self._total:
            self._stream.write("\r\x1b[2K")
        self._stream.flush()

    def _draw(self, text: str) -> None:
        filled = _BAR * self._done // self._total
        bar = "#" * filled + "-" * (_BAR - filled)
        line = f"Running the sample flows [{bar}] {self._done}/{self._total} {text}"
        # A line that wraps is not erased by the next one.
        self._stream.write(f"\r\x1b[2K{cut(line, shutil.get_terminal_size().columns - 1)}")
        self._stream.flush()


def prepare(home: Path, progress: Callable[[int], ProgressBar] = ProgressBar) -> None:
    """Make sure that every run of the demo is in this home; the first time takes up to a minute.

    Args:
        home: the folder of the embedded Flyte Admin.
        progress: called with the number of runs that are still to do, where there are any.

    Raises:
        FlowError: flytekit or a library of the sample flows is missing, or a flow ended otherwise than planned.
        ConfigError: the home cannot be created.
    """
    place = Home(home)
    version = flows_version()
    if not _missing(place, version):
        return
    check_requirements()
    place.ensure()
    with _locked(place):
        # Another process may have run them meanwhile.
        missing = _missing(place, version)
        if missing:
            asyncio.run(_run_all(place, version, missing, progress(len(missing))))


def check_requirements() -> None:
    """Raises FlowError where flytekit or a library that the sample flows use is missing."""
    from flowtui.plugin.artifact import require_flytekit

    require_flytekit()
    missing = [package for module, package in _LIBRARIES.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise FlowError(
            f"The sample flows need {', '.join(missing)}.",
            'Install the extra of the demo: pip install "flowtui[demo]"',
        )


def flows_version() -> str:
    """A hash of the sample flows and of the plan."""
    digest = hashlib.sha256(repr(LANES).encode())
    for path in sorted(FLOWS.rglob("*")):
        if path.suffix in (".py", ".csv"):
            digest.update(path.relative_to(FLOWS).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def finished_runs(home: Path) -> dict[str, str]:
    """Names of the demo's executions in a home, by the key of their plan."""
    return _read_marker(Home(home)).runs


def _missing(home: Home, version: str) -> list[PlannedRun]:
    done = _done(home, version)
    return [run for lane in LANES for run in lane if run.key not in done]


def _done(home: Home, version: str) -> dict[str, str]:
    marker = _read_marker(home) if home.database.exists() else _Marker()
    return marker.runs if marker.version == version else {}


def _marker(home: Home) -> Path:
    return home.path / "demo.json"


@dataclass(frozen=True)
class _Marker:
    version: str = ""
    runs: dict[str, str] = field(default_factory=dict)


def _read_marker(home: Home) -> _Marker:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        marker = json.loads(_marker(home).read_text("utf-8"))
        return _Marker(str(marker["version"]), {str(key): str(name) for key, name in dict(marker["runs"]).items()})
    return _Marker()


def _note(home: Home, version: str, run: PlannedRun, execution: str) -> None:
    runs = {**_done(home, version), run.key: execution}
    scratch = _marker(home).with_suffix(".part")
    scratch.write_text(json.dumps({"version": version, "runs": runs}, indent=1), "utf-8")
    scratch.replace(_marker(home))


@contextlib.contextmanager
def _locked(home: Home) -> Iterator[None]:
    """One process at a time prepares the demo; another waits."""
    with (home.locks / "demo.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


async def _run_all(home: Home, version: str, missing: list[PlannedRun], bar: ProgressBar) -> None:
    lanes = [[run for run in lane if run in missing] for lane in LANES]
    tasks = [asyncio.ensure_future(_run_lane(home, version, lane, bar)) for lane in lanes if lane]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run_lane(home: Home, version: str, lane: list[PlannedRun], bar: ProgressBar) -> None:
    from flowtui.admin.failures import ConflictError
    from flowtui.local.runner.flow_file import FlowFile
    from flowtui.local.runner.runner import RunOptions, run_flow
    from flowtui.local.runner.workers import Workers

    modules = {path for run in lane for path in (FLOWS / run.file).parent.glob("*.py")}
    workers = Workers(sorted({library for path in modules for library in FlowFile.of(path).preload()}))
    try:
        for run in lane:
            bar.started(run)
            options = RunOptions(name=run.name(version), listener=lambda _: None, workers=workers, signals=False)
            try:
                result = await run_flow(home, FLOWS / run.file, run.workflow, run.inputs, options)
            except (ConflictError, UsageError):
                # An interrupted demo left a run of that name, which stays as it is.
                result = await run_flow(home, FLOWS / run.file, run.workflow, run.inputs, replace(options, name=""))
            if result.phase != run.phase:
                raise FlowError(
                    f"The sample flow {run.key} ended as {result.phase}: {result.error or 'no error was reported'}",
                    f"`flowtui nodes {result.execution.name} --local` shows where.",
                )
            _note(home, version, run, result.execution.name)
            bar.finished(run)
    finally:
        workers.close()
