"""The rows of outputs that no artifact declares."""

from __future__ import annotations

from datetime import datetime, timezone

from flowtui.domain.artifact import RunArtifacts, UndeclaredOutput
from flowtui.domain.execution import EntityId, Execution, ExecutionId
from flowtui.tui.outlines import artifact_rows, output_key
from flowtui.tui.widgets.columns import Row

NOW = datetime(2026, 12, 1, tzinfo=timezone.utc)
ENTITY = EntityId("p", "d", "wf", "v1")
EXECUTION = Execution(ExecutionId("p", "d", "run-1"), "SUCCEEDED", ENTITY, ENTITY, "MANUAL", "me", NOW, 1.0, NOW, NOW)
MANY = UndeclaredOutput(
    "n0", "o0", "csv", ("/b/1/x.csv", "/b/2/x.csv", "/b/3/y.csv"), 24, "make", places=(".first", ".o[0]", ".o[1]")
)
ONE = UndeclaredOutput("n1", "o0", "parquet", ("/b/0123456789abcdef0123456789abcdef",), 9, "frame")


def _texts(rows: list[Row]) -> list[str]:
    return ["".join(mark.text for mark in row.cells[0]) for row in rows]


def test_an_output_of_several_files_opens_to_each_of_them() -> None:
    run = RunArtifacts(EXECUTION, (), (MANY, ONE))
    rows = artifact_rows(run, {output_key(MANY)})
    assert [text.strip() for text in _texts(rows)[1:]] == ["▸ make / o0 csv x3", "frame / o0 parquet"]
    rows = artifact_rows(run, ())
    assert _texts(rows)[2:5] == ["x.csv .first", "x.csv .o[0]", "y.csv .o[1]"]
    assert len({row.key for row in rows}) == len(rows)
    assert [row.expandable for row in rows] == [True, True, False, False, False, False]
