"""Domain objects as the JSON that the README documents: names and order of keys are a promise to scripts.

Times are RFC 3339 in UTC, durations seconds, sizes bytes; what is not known is null. Texts are as the server sent them.
"""

from __future__ import annotations

from typing import Any

from flowtui.catalog.bookmarks import Bookmark
from flowtui.domain.artifact import Artifact, ArtifactFile, RunArtifacts, UndeclaredOutput
from flowtui.domain.execution import (
    Attempt,
    EntityId,
    Execution,
    ExecutionError,
    ExecutionId,
    Gate,
    LaunchedExecution,
    NodeExecution,
    NodeId,
)
from flowtui.domain.lineage import LineageEdge, LineageNode
from flowtui.headless.json import instant

Shape = dict[str, Any]


def execution_id(id_: ExecutionId) -> Shape:
    return {"project": id_.project, "domain": id_.domain, "name": id_.name}


def _entity(id_: EntityId) -> Shape:
    return {"project": id_.project, "domain": id_.domain, "name": id_.name, "version": id_.version}


def _node_id(id_: NodeId | None) -> Shape | None:
    if id_ is None:
        return None
    of = id_.execution
    return {"execution": of.name, "node": id_.node, "project": of.project, "domain": of.domain}


def _error(error: ExecutionError | None) -> Shape | None:
    return None if error is None else {"code": error.code, "message": error.message, "kind": error.kind}


def execution(run: Execution) -> Shape:
    """An object of ``runs``."""
    return {
        **execution_id(run.id),
        "phase": run.phase,
        "workflow": run.workflow.name,
        "version": run.workflow.version,
        "launch_plan": run.launch_plan.name,
        "mode": run.mode,
        "principal": run.principal,
        "started_at": instant(run.started_at),
        "duration": run.duration,
        "created_at": instant(run.created_at),
        "updated_at": instant(run.updated_at),
        "labels": dict(sorted(run.labels.items())),
        "tags": list(run.tags),
        "error": _error(run.error),
        "abort_cause": run.abort_cause,
        "parent": _node_id(run.parent),
        "reference": None if run.reference is None else execution_id(run.reference),
    }


def file(file_: ArtifactFile) -> Shape:
    """A file of an artifact."""
    return {
        "file": file_.file,
        "format": file_.format,
        "node": file_.node,
        "node_name": file_.node_name,
        "variable": file_.variable,
        "declared_at": list(file_.declared_at),
        "state": file_.state,
        "uris": list(file_.uris),
        "size": file_.size,
        "directory": file_.directory,
        "made_by": _node_id(file_.made_by),
        "notices": list(file_.notices),
        "differing_inputs": dict(file_.differing_inputs),
        "distinction": file_.distinction,
    }


def artifact(artifact_: Artifact) -> Shape:
    return {"type": artifact_.type, "artifact": artifact_.name, "files": [file(file_) for file_ in artifact_.files]}


def _undeclared(output: UndeclaredOutput) -> Shape:
    return {
        "node": output.node,
        "node_name": output.node_name,
        "variable": output.variable,
        "format": output.format,
        "uris": None if output.uris is None else list(output.uris),
        "size": output.size,
        "directory": output.directory,
        "selectors": None if output.uris is None else [part.selector for part in output.parts if part.uris],
        "workflow_outputs": list(output.workflow_outputs),
    }


def run_artifacts(run: RunArtifacts, artifacts: tuple[Artifact, ...]) -> Shape:
    """An object of ``artifacts``: the run and those of its artifacts that were asked for."""
    of = run.execution
    return {
        "execution": {
            **execution_id(of.id),
            "phase": of.phase,
            "workflow": of.workflow.name,
            "version": of.workflow.version,
        },
        "children": [child.name for child in run.children],
        "artifacts": [artifact(one) for one in artifacts],
        "undeclared": [_undeclared(output) for output in run.undeclared],
        "notices": list(run.notices),
    }


def _attempt(attempt: Attempt) -> Shape:
    return {
        "attempt": attempt.attempt,
        "phase": attempt.phase,
        "started_at": instant(attempt.started_at),
        "duration": attempt.duration,
        "logs": [{"name": log.name, "uri": log.uri} for log in attempt.logs],
        "error": _error(attempt.error),
        "items": [
            {
                "index": item.index,
                "phase": item.phase,
                "attempt": item.attempt,
                "cache": item.cache,
                "logs": [{"name": log.name, "uri": log.uri} for log in item.logs],
                "error": _error(item.error),
            }
            for item in attempt.items
        ],
    }


def node(node_: NodeExecution) -> Shape:
    """An object of ``nodes`` with its children."""
    child = node_.child_execution
    return {
        "id": node_.id.node,
        "spec_id": node_.spec_id,
        "name": node_.name,
        "kind": node_.kind,
        "entity": node_.entity,
        "task_type": node_.task_type,
        "phase": node_.phase,
        "started_at": instant(node_.started_at),
        "duration": node_.duration,
        "failed_items": [item.index for item in node_.failed_items],
        "attempts": [_attempt(attempt) for attempt in node_.attempts],
        "cache": node_.cache,
        "cached_from": _node_id(node_.cached_from),
        "child_execution": None if child is None else execution_id(child),
        "error": _error(node_.error),
        "children": [node(below) for below in node_.children],
        "parent_attempt": node_.parent_attempt,
        "gate": _gate(node_.gate),
        "launched": [_launched(one) for one in node_.launched],
    }


def _gate(gate: Gate | None) -> Shape | None:
    if gate is None:
        return None
    return {
        "condition": gate.condition,
        "signal": gate.signal or None,
        "type": gate.type or None,
        "seconds": gate.seconds,
    }


def _launched(one: LaunchedExecution) -> Shape:
    return {
        **execution_id(one.id),
        "phase": one.phase or None,
        "workflow": one.workflow or None,
        "problem": one.problem or None,
    }


def lineage(nodes: tuple[LineageNode, ...], edges: tuple[LineageEdge, ...], notices: tuple[str, ...] = ()) -> Shape:
    """The object of ``lineage``."""
    return {
        "nodes": [
            {
                "id": one.id,
                "kind": one.kind,
                "label": one.label,
                "artifact": one.artifact,
                "file": one.file,
                "uri": one.uri,
                "phase": one.phase,
                "node": one.node,
                "distinction": one.distinction,
            }
            for one in nodes
        ],
        "edges": [{"source": edge.source, "target": edge.target, "name": edge.name} for edge in edges],
        "notices": list(notices),
    }


def bookmark(kept: Bookmark) -> Shape:
    """An object of ``bookmark``."""
    version = kept.id
    of = version.execution
    return {
        "project": of.project,
        "domain": of.domain,
        "execution": of.name,
        "type": version.type,
        "artifact": version.artifact,
        "file": version.file or None,
        "node": version.node or None,
        "created_at": instant(kept.created_at),
        "note": kept.note,
    }
