"""Comparisons as the JSON that the README documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import Execution
from flowtui.domain.version_diff import Change, RunDifference
from flowtui.headless.json import cell_value, instant
from flowtui.preview.comparison.pairs import FileAnswer
from flowtui.preview.comparison.result import (
    FileFacts,
    RowChange,
    TableDifference,
    TextDifference,
    TreeDifference,
)

Shape = dict[str, Any]


def diff_shape(
    executions: Sequence[Execution] | None, runs: RunDifference | None, files: Sequence[FileAnswer]
) -> Shape:
    """The object of ``diff``."""
    left, right = executions or (None, None)
    return {
        "left": _run(left),
        "right": _run(right),
        "runs": None if runs is None else {"facts": _changes(runs.facts), "inputs": _changes(runs.inputs)},
        "files": [_file(file) for file in files],
    }


def _run(run: Execution | None) -> Shape | None:
    if run is None:
        return None
    return {
        "project": run.id.project,
        "domain": run.id.domain,
        "name": run.id.name,
        "phase": run.phase,
        "workflow": run.workflow.name,
        "version": run.workflow.version,
        "started_at": instant(run.started_at),
    }


def _changes(changes: Sequence[Change]) -> list[Shape]:
    return [{"name": change.name, "left": change.left, "right": change.right} for change in changes]


def _file(file: FileAnswer) -> Shape:
    found, one = file.comparison, file.left or file.right
    shape: Shape = {
        "file": one.file if one else file.name,
        "distinction": one.distinction if one else "",
        "state": file.state,
        "result": found.result if found else None,
        "summary": file.words if found else file.message,
        "left": _side(found.left if found else None, file.left),
        "right": _side(found.right if found else None, file.right),
    }
    if found is None:
        nothing = ("compared", "kind", "table", "text", "tree")
        return {**shape, **dict.fromkeys(nothing), "facts": [], "notices": [], "bytes_read": 0, "requests": 0}
    return {
        **shape,
        "compared": found.compared,
        "kind": found.kind or None,
        "table": None if found.table is None else _table(found.table),
        "text": None if found.text is None else _text(found.text),
        "tree": None if found.tree is None else _tree(found.tree),
        "facts": [{"name": name, "left": left, "right": right} for name, left, right in found.facts],
        "notices": list(found.notices),
        "bytes_read": found.bytes_read,
        "requests": found.requests,
    }


def _side(facts: FileFacts | None, file: ArtifactFile | None) -> Shape | None:
    if facts is None and file is None:
        return None
    uri = facts.uri if facts else next(iter(file.uris), None) if file else None
    return {
        "uri": uri,
        "format": (facts.format if facts else "") or (file.format if file else ""),
        "size": facts.size if facts else file.size if file else None,
        "sha256": (facts.sha256 or None) if facts else None,
        "state": file.state if file else "present",
    }


def _table(found: TableDifference) -> Shape:
    columns = [
        {
            "name": change.name,
            "state": change.state,
            "left": None if change.left is None else change.left_at,
            "right": None if change.right is None else change.right_at,
            "moved": change.moved,
            "attributes": [{"name": name, "left": one, "right": two} for name, one, two in change.attributes],
            "cells": change.cells,
            "largest": cell_value(change.largest),
            "missing": [change.left_missing, change.right_missing],
        }
        for change in found.columns
    ]
    return {
        "key": list(found.key),
        "key_reason": found.key_reason,
        "rows_compared": [found.left_rows, found.right_rows],
        "total_rows": [found.left_total, found.right_total],
        "added": found.added,
        "removed": found.removed,
        "changed": found.changed,
        "same": found.same,
        "beyond": [found.left_beyond, found.right_beyond],
        "doubled": found.doubled,
        "column_counts": list(found.column_counts),
        "columns": columns,
        "rows": [_row(row, found.key) for row in found.rows],
    }


def _row(row: RowChange, key: Sequence[str]) -> Shape:
    cells = [(cell.column, cell_value(cell.left), cell_value(cell.right)) for cell in row.cells]
    return {
        "state": row.state,
        "key": [{"name": name, "value": cell_value(value)} for name, value in zip(key, row.key, strict=True)],
        "left": row.left_row or None,
        "right": row.right_row or None,
        "cells": [{"column": name, "left": one, "right": two} for name, one, two in cells],
        "more": row.more,
    }


def _text(found: TextDifference) -> Shape:
    return {
        "lines_compared": [found.left_lines, found.right_lines],
        "added": found.added,
        "removed": found.removed,
        "unified": [line.text if line.sign == "@" else f"{line.sign}{line.text}" for line in found.lines],
        "cut": found.cut,
    }


def _tree(found: TreeDifference) -> Shape:
    return {
        "added": found.added,
        "removed": found.removed,
        "changed": found.changed,
        "same": found.same,
        "paths": [
            {"state": change.state, "path": list(change.path), "left": change.left, "right": change.right}
            for change in found.paths
        ],
    }
