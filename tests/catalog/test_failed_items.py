"""Maps that succeed although items of them fail."""

from __future__ import annotations

import pytest
from flyteidl.admin import task_execution_pb2
from flyteidl.core import execution_pb2, workflow_pb2

from flowtui import words
from flowtui.catalog.nodes import node_execution, tolerates_failed_items
from flowtui.catalog.run_nodes import RunNode, Scope
from flowtui.domain.execution import NodeExecution
from tests.catalog import make

Phase = execution_pb2.TaskExecution.Phase


def _node(phase: str = "SUCCEEDED", **criteria: float) -> RunNode:
    spec = workflow_pb2.Node(id="n0", array_node=workflow_pb2.ArrayNode(**criteria))  # type: ignore[arg-type]
    scope = Scope(
        workflow_pb2.WorkflowTemplate(), make.tree(make.closure(make.workflow("w", [])), {}).root.closure, None
    )
    return RunNode("n0", "n0", "map", "item", make.row("n0", phase), scope, None, spec)


def _map(*items: tuple[int, int, str, str]) -> NodeExecution:
    """A map whose items are given as index, try, phase and error."""
    attempt = task_execution_pb2.TaskExecution()
    attempt.closure.phase = Phase.SUCCEEDED
    for index, number, phase, error in items:
        item = attempt.closure.metadata.external_resources.add(
            index=index, retry_attempt=number, phase=Phase.Value(phase)
        )
        if error:
            item.custom_info.update({"error": {"code": "USER:RuntimeError", "message": error}})
    return node_execution(_node(), None, [attempt])


def test_a_failed_item_is_told_with_its_error_and_the_map_is_not_plainly_done() -> None:
    found = _map((0, 0, "SUCCEEDED", ""), (1, 0, "FAILED", "Trace:\n\n x\n\nMessage:\n\n  item one is broken"))
    assert found.is_partly_done
    assert words.failed_items(found) == "1 of 2 items failed: [1] item one is broken"
    assert words.phase("PARTLY_SUCCEEDED") == "◐ partly"


def test_an_item_that_another_try_mended_has_not_failed() -> None:
    found = _map((0, 0, "FAILED", "broken"), (0, 1, "SUCCEEDED", ""), (1, 0, "SUCCEEDED", ""))
    assert not found.is_partly_done
    assert words.failed_items(found) == ""


def test_items_without_an_error_are_named_by_their_numbers() -> None:
    found = _map(*((index, 0, "FAILED", "") for index in range(5)), (5, 0, "SUCCEEDED", ""))
    assert words.failed_items(found) == "5 of 6 items failed: [0], [1], [2] and 2 more"


@pytest.mark.parametrize(
    ("criteria", "phase", "asked"),
    [
        ({"min_success_ratio": 0.5}, "SUCCEEDED", True),
        ({"min_successes": 1}, "SUCCEEDED", True),
        ({"min_success_ratio": 1.0}, "SUCCEEDED", False),
        ({}, "SUCCEEDED", False),
        ({"min_success_ratio": 0.5}, "FAILED", False),
        ({"min_success_ratio": 0.5}, "RUNNING", False),
    ],
)
def test_only_maps_that_may_have_failed_items_are_asked(criteria: dict[str, float], phase: str, asked: bool) -> None:
    assert tolerates_failed_items(_node(phase, **criteria)) is asked
