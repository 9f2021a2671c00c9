"""What an export from inside a run has to wait for, as the run is now.

It waits for the nodes that make files of the wanted artifacts, at any depth, and for Python tasks that have not ended:
each may turn out to be dynamic, with files that no interface tells of before. Files of the executions that launch plans
start belong to those. An arm of a branch that was not taken is no part of the run, and a cached or recovered node has
ended like any other. Pure; never raises, whatever the messages hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf import json_format

from flowtui.catalog.export_order import After, Order
from flowtui.catalog.join import Plan, PlannedFile
from flowtui.catalog.run_nodes import RunNode, Tree
from flowtui.domain.execution import TERMINAL_NODE_PHASES, TERMINAL_PHASES
from flowtui.domain.export_request import EXPORT_KEY, ExportRequest, Wanted, request_of
from flowtui.errors import UsageError

FAILED_NODE_PHASES = frozenset({"FAILED", "ABORTED", "TIMED_OUT"})
"""Phases of a node that has ended without its outputs although it should have made them."""

_NEVER_DYNAMIC = frozenset({"raw-container", "container_array"})


@dataclass(frozen=True)
class FileAt:
    """A wanted file and the node that it hangs on."""

    wanted: Wanted
    node: RunNode


@dataclass(frozen=True)
class Awaited:
    """How far a run is with what an export wants.

    Attributes:
        pending: files that may still come.
        open: Python tasks that may still turn out to make some.
        lost: files that do not come: their node has failed.
        later: files of nodes that end after the export itself.
        declared: what the run declares of the request so far.
    """

    pending: tuple[FileAt, ...] = ()
    open: tuple[RunNode, ...] = ()
    lost: tuple[FileAt, ...] = ()
    later: tuple[FileAt, ...] = ()
    declared: frozenset[Wanted] = frozenset()

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to wait for."""
        return not self.pending and not self.open

    @property
    def nodes(self) -> tuple[RunNode, ...]:
        """The nodes that are waited for, each once."""
        return tuple(dict.fromkeys((*(file.node for file in self.pending), *self.open)))


def awaited(plan: Plan, request: ExportRequest, phase: str) -> Awaited:
    """What an export with this request has to wait for.

    Args:
        plan: of the run as it is now.
        request: of the export; it is found in the run by it.
        phase: of the run.
    """
    tree = plan.tree
    exports = _exports(tree)
    own = [node for node, asked in exports.items() if asked == request and not _has_ended(node, phase)]
    after = _after(plan, exports, own, phase) if own else After(set())
    pending: list[FileAt] = []
    lost: list[FileAt] = []
    later: list[FileAt] = []
    for file in plan.files:
        named = Wanted(file.declared.artifact, file.declared.type, file.declared.file)
        if not request.wants(*_key(file)):
            continue
        for node in dict.fromkeys(source.node for source in file.sources):
            at = FileAt(named, node)
            if ended_as(node) in FAILED_NODE_PHASES and not _may_be_tried_again(node, after, phase):
                lost.append(at)
            elif not _has_ended(node, phase) or ended_as(node) in FAILED_NODE_PHASES:
                # The end node's own files are known when the run has ended, which it does not before its export.
                (later if after.holds(node) or (own and node.kind == "end") else pending).append(at)
    return Awaited(
        tuple(pending),
        tuple(node for node in _may_be_dynamic(tree, phase) if not after.holds(node)),
        tuple(lost),
        tuple(later),
        frozenset(wanted for wanted in request.wanted if any(wanted.matches(*_key(file)) for file in plan.files)),
    )


def _after(plan: Plan, exports: dict[RunNode, ExportRequest | None], own: list[RunNode], phase: str) -> After:
    order = Order(plan.tree)
    open_ = list(_may_be_dynamic(plan.tree, phase))
    others = {
        node: [*_producers(plan, asked, phase), *open_]
        for node, asked in exports.items()
        if asked is not None and node not in own and not _has_ended(node, phase)
    }
    order.waiting(others)
    return order.after(own)


def _producers(plan: Plan, request: ExportRequest, phase: str) -> Iterable[RunNode]:
    for file in plan.files:
        if request.wants(*_key(file)):
            yield from (source.node for source in file.sources if not _has_ended(source.node, phase))


def _key(file: PlannedFile) -> tuple[str, str, str]:
    return file.declared.artifact, file.declared.type, file.declared.file


def _exports(tree: Tree) -> dict[RunNode, ExportRequest | None]:
    """The export tasks of a run with what they ask for, None where that cannot be understood."""
    found: dict[RunNode, ExportRequest | None] = {}
    for node in tree.walk():
        if node.task is None or EXPORT_KEY not in node.task.custom.fields:
            continue
        try:
            found[node] = request_of(json_format.MessageToDict(node.task.custom)[EXPORT_KEY])
        except UsageError:
            found[node] = None
    return found


def _may_be_dynamic(tree: Tree, phase: str) -> Iterable[RunNode]:
    for node in tree.walk():
        task = node.task
        is_known = node.inner is not None and (node.kind != "dynamic" or node.id in tree.fetched.dynamic)
        if task is None or is_known or node.kind not in ("task", "dynamic"):
            continue
        is_python = task.WhichOneof("target") in ("container", "k8s_pod") and task.type not in _NEVER_DYNAMIC
        if is_python and not _has_ended(node, phase):
            yield node


def _may_be_tried_again(node: RunNode, after: After, phase: str) -> bool:
    """Whether a node that has failed is below one that is still tried."""
    up = node.parent
    while up is not None and not _has_ended(up, phase) and not after.holds(up):
        retries = up.spec.metadata.retries.retries if up.spec is not None else 0
        if retries or (up.task is not None and up.task.metadata.retries.retries):
            return True
        up = up.parent
    return False


def ended_as(node: RunNode) -> str:
    """The phase that a node has ended with, or the one around it that has; empty while neither has."""
    up: RunNode | None = node
    while up is not None:
        if up.phase in TERMINAL_NODE_PHASES:
            return up.phase
        up = up.parent
    return ""


def _has_ended(node: RunNode, phase: str) -> bool:
    return phase in TERMINAL_PHASES or node.kind == "start" or bool(ended_as(node))
