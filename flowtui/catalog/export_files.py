"""The files that an export from inside a run has waited for: which are there, and why one is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from flowtui.catalog.awaited import FAILED_NODE_PHASES, ended_as
from flowtui.catalog.export_wait import ExportWait
from flowtui.catalog.fetched import FetchedRun
from flowtui.catalog.run_nodes import RunNode
from flowtui.domain.artifact import Artifact, ArtifactFile, RunArtifacts
from flowtui.domain.execution import WITH_OUTPUTS_PHASES, ExecutionId
from flowtui.domain.export_request import ExportRequest
from flowtui.errors import NotFoundError
from flowtui.text import plain

_NAMED = 5
_MOST_RECOVERIES = 10
"""Runs that are looked through for a file, each recovered from the next."""


async def with_recovered(
    found: RunArtifacts,
    run: FetchedRun,
    request: ExportRequest,
    artifacts: Callable[[ExecutionId], Awaitable[RunArtifacts]],
) -> RunArtifacts:
    """The same with the files of nodes that the engine took over as a whole: the run itself has no values of these.

    Args:
        artifacts: asks for those of an earlier run.
    """
    nodes = {node.id: node for node in run.tree.walk()}
    source = found.execution.reference
    for _ in range(_MOST_RECOVERIES):
        lacking = {
            _key(file)
            for file in found.files
            if request.wants(file.artifact, file.type, file.file) and _is_recovered(file, nodes)
        }
        if source is None or not lacking:
            return found
        earlier = await artifacts(source)
        known = {_key(file): file for file in earlier.files if file.state == "present" and _key(file) in lacking}
        found = replace(
            found,
            artifacts=tuple(
                Artifact(one.type, one.name, tuple(known.get(_key(file), file) for file in one.files))
                for one in found.artifacts
            ),
        )
        source = earlier.execution.reference
    return found


async def check_made(found: RunArtifacts, run: FetchedRun, request: ExportRequest, wait: ExportWait) -> None:
    """Raises NotFoundError where a wanted file should be there and is not, or an artifact has none at all."""
    nodes = {node.id: node for node in run.tree.walk()}
    has_failed = any(node.phase in FAILED_NODE_PHASES for node in nodes.values())
    lost = []
    for file in found.files:
        if not request.wants(file.artifact, file.type, file.file) or file.state == "present":
            continue
        node = nodes.get(file.node)
        if file.state == "not_produced" and node is not None and _is_by_design(node, has_failed):
            continue
        reason = " ".join(file.notices) or f"it is {file.state.replace('_', ' ')}"
        if file.state != "unavailable" and node is not None:
            reason = await wait.reason(node)
        elif not file.notices:
            reason = "the node has ended well, yet the server has no value of it"
        lost.append(f"{plain(file.artifact)}/{plain(file.file)} of node {plain(file.node)}: {plain(reason)}")
    if lost:
        more = f" and {len(lost) - _NAMED:,} more" if len(lost) > _NAMED else ""
        count = f"{len(lost):,} {'file' if len(lost) == 1 else 'files'}"
        raise NotFoundError(f"{count} of this run cannot be exported: {'; '.join(lost[:_NAMED])}{more}")
    for wanted in request.wanted:
        files = [file for file in found.files if wanted.matches(file.artifact, file.type, file.file)]
        if not any(file.state == "present" and file.uris for file in files):
            raise NotFoundError(
                f"This run has made no file of {plain(wanted.text)}.",
                "Its nodes were skipped, or gave None or an empty list.",
            )


def _is_by_design(node: RunNode, has_failed: bool) -> bool:
    """Whether a run lacks a file because its flow says so: an output that is None, or a node that is not needed."""
    phase = ended_as(node)
    return phase in WITH_OUTPUTS_PHASES or (phase == "SKIPPED" and not has_failed)


def _is_recovered(file: ArtifactFile, nodes: dict[str, RunNode]) -> bool:
    up = nodes.get(file.node)
    if file.state != "unavailable" or up is None or up.row is not None:
        return False
    while up is not None and not up.hollow:
        up = up.parent
    return up is not None and up.phase == "RECOVERED"


def _key(file: ArtifactFile) -> tuple[str, str, str, str]:
    return file.type, file.artifact, file.file, file.node
