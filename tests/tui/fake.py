"""A session made of domain objects, with the interface of flowtui.session: for tests of the screen alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

from flowtui.domain.artifact import Artifact, ArtifactFile, ArtifactVersionId, RunArtifacts, UndeclaredOutput
from flowtui.domain.execution import (
    Attempt,
    EntityId,
    Execution,
    ExecutionError,
    ExecutionId,
    LaunchInput,
    Log,
    NodeExecution,
    NodeId,
)  # fmt: skip
from flowtui.domain.lineage import Lineage, LineageEdge, LineageNode

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=timezone.utc)


def execution(name: str, phase: str = "SUCCEEDED", workflow: str = "flow_1.ADaM_TFL", *, error: str = "", ago: float = 1,
              took: float | None = 330) -> Execution:  # fmt: skip
    started = NOW - timedelta(hours=ago)
    entity = EntityId("cdisc01", "development", workflow, "v12")
    return Execution(
        ExecutionId("cdisc01", "development", name), phase, entity, entity, "MANUAL", "jane", started, took, started,
        started + timedelta(seconds=took or 0), error=ExecutionError("USER", error) if error else None,
    )  # fmt: skip


EXECUTIONS = (
    execution("adam-tfl-7f2", ago=0.3),
    execution("adam-tfl-7f1", "RUNNING", ago=1.2, took=None),
    execution(
        "sdtm-refresh-22", "FAILED", "sdtm.refresh", error="boom: no denominators in ADSL\nTraceback", ago=35, took=41
    ),
    execution("adam-tfl-7f0", ago=64, took=12),
    execution(
        "odd [/red] \x1b[31mname", "ABORTED", "pkg.workflows.a_very_long_module_name.of_some_flow_final_v2", ago=200
    ),
    execution("train-risk-3", "QUEUED", "risk.train", ago=0.01, took=None),
)


def _id(name: str = "adam-tfl-7f2") -> ExecutionId:
    return ExecutionId("cdisc01", "development", name)


def _file(type_: str, artifact: str, name: str, node: str, node_name: str, *, size: int | None = None, state: str = "present",
          uri: str = "") -> ArtifactFile:  # fmt: skip
    return ArtifactFile(
        type_, artifact, name, name.rpartition(".")[2] if "." in name else "", node, "o0", (node, ""), state,  # type: ignore[arg-type]
        (uri or f"s3://bucket/data/{node}/{name}",) if state == "present" else (), size, node_name=node_name,
        made_by=NodeId(_id(), node) if state == "present" else None,
    )  # fmt: skip


def artifacts_of(run: Execution, folder: str = "") -> RunArtifacts:
    if run.workflow.name != "flow_1.ADaM_TFL":
        return RunArtifacts(run, (), ())
    data = (
        _file("data", "ADaM Datasets", "adae dataset", "n3", "Create ADAE", size=4_400_000),
        _file(
            "data", "ADaM Datasets", "adsl.csv", "n2", "Create ADSL", size=1_200_000, uri=f"file://{folder}/adsl.csv"
        ),
        _file("data", "ADaM Datasets", "advs.sas7bdat", "n4", "Create ADVS", size=22_000_000),
    )
    model = (_file("model", "Risk model", "model.pkl", "n8", "Train", size=310_000),)
    report = (
        _file("report", "TFL/Reports", "f_km.png", "n7", "Kaplan-Meier", state="not_produced"),
        _file(
            "report", "TFL/Reports", "notes.json", "n6", "Table 14.2.1", size=88_000, uri=f"file://{folder}/notes.json"
        ),
        _file(
            "report", "TFL/Reports", "t_ae.txt", "n5", "Table 14.3.1", size=1_100_000, uri=f"file://{folder}/t_ae.txt"
        ),
    )
    return RunArtifacts(
        run,
        (Artifact("data", "ADaM Datasets", data), Artifact("model", "Risk model", model), Artifact("report", "TFL/Reports", report)),
        tuple(UndeclaredOutput(f"n{number}", "o1", "csv", None, node_name=f"Step {number}") for number in range(9)),
    )  # fmt: skip


NODES = (
    NodeExecution(NodeId(_id(), "n1"), "n1", "Import SDTM", "task", "SUCCEEDED", NOW, 12, "sdtm.load", "domino_job", "CACHE_HIT"),
    NodeExecution(NodeId(_id(), "n2"), "n2", "Create ADSL", "task", "SUCCEEDED", NOW, 41, "adam.adsl", "domino_job",
                  attempts=(Attempt(0, "SUCCEEDED"),)),
    NodeExecution(NodeId(_id(), "n9"), "n9", "Tables", "workflow", "FAILED", NOW, 90, "tfl.tables", children=(
        NodeExecution(NodeId(_id(), "n5"), "n5", "Table 14.3.1", "task", "SUCCEEDED", NOW, 31),
        NodeExecution(NodeId(_id(), "n7"), "n7", "Kaplan-Meier", "task", "FAILED", NOW, 3,
                      error=ExecutionError("USER", "no events in arm 2\n  at km.R:31")),
    )),
)  # fmt: skip

LINEAGE = Lineage(
    (
        LineageNode("i1", "input", "cutoff = 2014-12-31"),
        LineageNode("i2", "input", "study = CDISC01"),
        LineageNode("f0", "file", "dm.xpt", "SDTM", "dm.xpt", phase="present", node="n1"),
        LineageNode("f9", "file", "ex.xpt", "SDTM", "ex.xpt", phase="present", node="n1"),
        LineageNode("n1", "node", "Import SDTM", phase="SUCCEEDED", node="n1"),
        LineageNode("n2", "node", "Create ADSL", phase="SUCCEEDED", node="n2"),
        LineageNode("f1", "file", "adsl.csv", "ADaM Datasets", "adsl.csv", phase="present", node="n2"),
        LineageNode("n3", "node", "Create ADAE", phase="SUCCEEDED", node="n3"),
        LineageNode("f2", "file", "adae dataset", "ADaM Datasets", "adae dataset", phase="present", node="n3"),
        LineageNode("n5", "node", "Table 14.3.1", phase="SUCCEEDED", node="n5"),
        LineageNode("f3", "file", "t_ae.txt", "TFL/Reports", "t_ae.txt", phase="present", node="n5"),
        LineageNode("n7", "node", "Kaplan-Meier", phase="FAILED", node="n7"),
        LineageNode("f4", "file", "f_km.png", "TFL/Reports", "f_km.png", phase="not_produced", node="n7"),
    ),
    tuple(LineageEdge(*pair) for pair in (
        ("i2", "n1"), ("n1", "f0"), ("n1", "f9"), ("f0", "n2"), ("f9", "n2"), ("i1", "n2"), ("n2", "f1"), ("f1", "n3"),
        ("n3", "f2"), ("f2", "n5"), ("n5", "f3"), ("f1", "n7"), ("n7", "f4"),
    )),
)  # fmt: skip

INPUTS = (
    LaunchInput("cutoff", "datetime", "2014-12-31"),
    LaunchInput("sdtm", "dataset (xpt)", "s3://bucket/sdtm/dm.xpt", "s3://bucket/sdtm/dm.xpt"),
    LaunchInput("study", "string", "CDISC01"),
)


@dataclass
class FakeCatalog:
    folder: str = ""
    runs: list[Execution] = field(default_factory=lambda: list(EXECUTIONS))
    calls: list[str] = field(default_factory=list)
    error: Exception | None = None

    async def executions(self, project: str, domain: str, **_: object) -> object:
        self.calls.append("executions")
        if self.error is not None:
            raise self.error
        return SimpleNamespace(executions=tuple(self.runs), token="")

    async def execution(self, id_: ExecutionId) -> Execution:
        return next(run for run in self.runs if run.id == id_)

    async def declared_count(self, workflow: EntityId) -> int | None:
        return 7 if workflow.name == "flow_1.ADaM_TFL" else 0

    async def artifacts(self, id_: ExecutionId, *, undeclared: bool = False) -> RunArtifacts:
        self.calls.append(f"artifacts {id_.name} {undeclared}")
        found = artifacts_of(await self.execution(id_), self.folder)
        if undeclared:
            filled = tuple(replace(one, uris=(f"s3://bucket/{one.node}/data.csv",)) for one in found.undeclared)
            found = replace(found, undeclared=filled)
        return found

    async def nodes(self, id_: ExecutionId, *, attempts: bool = False) -> tuple[NodeExecution, ...]:
        return NODES

    async def node(self, id_: NodeId) -> NodeExecution:
        found = next((node for parent in NODES for node in (parent, *parent.children) if node.id == id_), NODES[0])
        return replace(
            found, attempts=(Attempt(0, found.phase, (Log("stdout", f"file://{self.folder}/job.log"),), found.error),)
        )

    async def lineage(self, id_: ExecutionId) -> Lineage:
        return LINEAGE

    async def inputs(self, id_: ExecutionId) -> tuple[LaunchInput, ...]:
        return INPUTS

    async def relaunch(self, id_: ExecutionId, name: str = "") -> ExecutionId:
        self.calls.append(f"relaunch {id_.name}")
        self.runs.insert(0, execution("again", "QUEUED", took=None))
        return _id("again")

    async def terminate(self, id_: ExecutionId, cause: str) -> None:
        self.calls.append(f"terminate {id_.name}")


class FakeBookmarks:
    def __init__(self) -> None:
        self.kept: list[ArtifactVersionId] = []

    def add(self, id_: ArtifactVersionId) -> None:
        self.kept.append(id_)

    def remove(self, id_: ArtifactVersionId) -> None:
        self.kept.remove(id_)

    def toggle(self, id_: ArtifactVersionId) -> bool:
        if id_ in self.kept:
            self.kept.remove(id_)
            return False
        self.kept.append(id_)
        return True

    def list(self, execution: ExecutionId | None = None) -> tuple[object, ...]:
        return tuple(SimpleNamespace(id=id_, created_at=NOW) for id_ in self.kept if execution in (None, id_.execution))


def settings(**changes: object) -> SimpleNamespace:
    values = dict(
        endpoint="https://prod.example.com", local=False, project="cdisc01", domain="development", context="prod",
        ascii=False, keymap={}, mouse=True, color=True,
    )  # fmt: skip
    return SimpleNamespace(**{**values, **changes})


async def _same(run: RunArtifacts) -> RunArtifacts:
    return run


def opener(catalog: FakeCatalog, storage: object = None, bookmarks: FakeBookmarks | None = None):  # type: ignore[no-untyped-def]
    @asynccontextmanager
    async def open_session() -> AsyncIterator[object]:
        yield SimpleNamespace(
            catalog=catalog,
            storage=storage,
            bookmarks=bookmarks or FakeBookmarks(),
            with_sizes=_same,
            export_log=SimpleNamespace(list=lambda: ()),
        )

    return open_session
