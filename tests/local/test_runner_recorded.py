"""What the runner reports is what a real engine reported about flows of the same shape, event by event."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.domain.execution import ExecutionId
from flowtui.local.runner.workers import Workers
from tests.local.running import DOMAIN, PROJECT, Runner, by_node, listening, recorded_events, without_repeats

CASES = [
    # A flow of this project, its inputs, and the recorded execution of a flow with the same graph.
    ("chain", {}, "clinical-1"),
    ("nested", {}, "nested-1"),
    ("dynamics", {}, "dynamics-1"),
    ("branches", {}, "branches-1"),
    ("mapped", {}, "mapped-1"),
    ("mapped_some", {}, "mapped-some-1"),
    ("mapped_fail", {}, "mapped-fail-1"),
    ("retried", {}, "retried-1"),
    ("fails", {}, "fails-1"),
    ("fails_with_handler", {}, "fails-with-handler-1"),
    ("dynamic_fails", {}, "dynamic-fails-1"),
    ("timed_out", {}, "timed-out-1"),
    ("partial", {}, "partial-1"),
    ("plans", {}, "lp-parent-1"),
    ("plan_fails", {}, "lp-parent-fail-1"),
]
IN_ORDER = {"clinical-1", "branches-1", "retried-1", "fails-1", "fails-with-handler-1", "timed-out-1"}
"""Executions in which one thing follows the other, so that the order of all events counts."""


def without_slots(events: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A real engine says QUEUED of a task once more while a pod is made; the pod that timed out was never ready."""
    timed_out = any(words.startswith("task 0 ABORTED") for _, words in events)
    found: list[tuple[str, str]] = []
    for node, words in events:
        if words.endswith("QUEUED") and words.startswith("task") and (node, words) in found:
            continue
        if not (timed_out and words == "task 0 RUNNING"):
            found.append((node, words))
    return found


@pytest.mark.parametrize(("workflow", "inputs", "recorded"), CASES, ids=[case[2] for case in CASES])
async def test_events_are_those_of_a_real_engine(
    workflow: str,
    inputs: dict[str, str],
    recorded: str,
    tmp_path: Path,
    workers: Workers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runner = Runner(tmp_path, workers)
    with listening(monkeypatch) as events:
        await runner.run(workflow, inputs, name=recorded)
    executions = {execution for execution, _, _ in events}
    for execution in executions:
        ours = without_slots([(node, words) for one, node, words in events if one == execution])
        theirs = without_slots(recorded_events(execution))
        assert theirs, f"no execution {execution} was recorded"
        assert by_node(ours) == by_node(theirs)
        if execution in IN_ORDER:
            assert without_repeats([f"{n}: {w}" for n, w in ours]) == without_repeats([f"{n}: {w}" for n, w in theirs])
    if recorded == "lp-parent-1":
        assert executions == {recorded, "lp-parent-1-n0-0", "lp-parent-1-n1-0", "fgedug4g3xky25"}


async def test_cached_results_are_reported_as_a_real_engine_does(
    tmp_path: Path, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(tmp_path, workers)
    cases = (("cached-1", False), ("cached-2", False), ("cached-3-overwrite", True))
    for recorded, overwrite in cases:
        with listening(monkeypatch) as events:
            result = await runner.run("cached", name=recorded, overwrite_cache=overwrite)
        assert result.phase == "SUCCEEDED"
        ours = without_slots([(node, words) for _, node, words in events])
        assert by_node(ours) == by_node(without_slots(recorded_events(recorded)))
    hit = await runner.node(ExecutionId(PROJECT, DOMAIN, "cached-2"), "n0")
    source = hit.closure.task_node_metadata.catalog_key.source_task_execution
    assert source.node_execution_id.execution_id.name == "cached-1"
