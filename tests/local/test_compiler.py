"""What the compiler adds to a workflow, and what it refuses. ``test_recordings.py`` compares it with Flyte's own."""

from __future__ import annotations

from typing import Any

import pytest
from flyteidl.admin import workflow_pb2
from flyteidl.core import tasks_pb2
from google.protobuf import json_format

from flowtui.local.compiler import CompileError, Interface, compile_workflow, requirements
from tests.local.admin import CSV, INTEGER, entity, integer, interface, node, promise, task, workflow


def template(body: dict[str, Any]) -> Any:
    return json_format.ParseDict(body["spec"]["template"], tasks_pb2.TaskTemplate())


def spec(**changes: Any) -> Any:
    return json_format.ParseDict(workflow(**changes)["spec"], workflow_pb2.WorkflowSpec())


COUNT = template(task())
# Takes what ``count`` gives.
COPY = template(task("copy", interface=interface({"file": CSV}, {"o0": CSV})))


def bound(variable: str, literal: dict[str, Any]) -> dict[str, Any]:
    return {"var": variable, "binding": literal}


def copied(id_: str, source: str, **more: Any) -> dict[str, Any]:
    return node(id_, "copy", [promise("file", source, "o0")], **more)


def problems(compiled_spec: Any, tasks: list[Any]) -> list[str]:
    with pytest.raises(CompileError) as caught:
        compile_workflow(compiled_spec, tasks)
    return [problem.partition(",")[0].removeprefix("Code: ") for problem in caught.value.problems]


def test_edges() -> None:
    nodes = [node("n0"), copied("n1", "n0"), node("n2", upstream_node_ids=["n1"])]
    closure = compile_workflow(spec(nodes=nodes), [COUNT, COPY])
    connections = closure.primary.connections
    down = {name: list(ids.ids) for name, ids in connections.downstream.items()}
    assert down == {"start-node": ["n0", "n2"], "n0": ["end-node", "n1"], "n1": ["n2"], "n2": ["end-node"]}
    up = {name: list(ids.ids) for name, ids in connections.upstream.items()}
    assert up == {"n0": ["start-node"], "n1": ["n0"], "n2": ["n1", "start-node"], "end-node": ["n0", "n2"]}
    assert [one.id for one in closure.primary.template.nodes] == ["start-node", "end-node", "n0", "n1", "n2"]


def test_arms_are_known_by_their_conditions() -> None:
    inner = {"case": {"then_node": node("n0")}, "error": {"message": "no"}}
    outer = {"case": {"then_node": branch("n0", inner)}, "else_node": node("n1")}
    nodes = [branch("n0", outer)]
    closure = compile_workflow(spec(nodes=nodes), [COUNT])
    (_, _, compiled) = closure.primary.template.nodes
    block = compiled.branch_node.if_else
    assert block.case.then_node.id == "n0-n0"
    assert block.case.then_node.branch_node.if_else.case.then_node.id == "n0-n0-n0"
    assert block.else_node.id == "n0-n1"
    assert closure.primary.connections.upstream["n0-n0-n0"].ids == ["start-node"]


def branch(id_: str, block: dict[str, Any]) -> dict[str, Any]:
    return {"id": id_, "inputs": [promise("n")], "branch_node": {"if_else": block}}


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"nodes": [node("n0", "gone")]}, ["TaskReferenceNotFound"]),
        ({"nodes": [node("n0"), node("n0")]}, ["DuplicateNodeId"]),
        ({"nodes": [node("n0", inputs=[])]}, ["ParameterNotBound"]),
        ({"nodes": [node("n0", inputs=[promise("n"), promise("n")])]}, ["ParameterBoundMoreThanOnce"]),
        ({"nodes": [node("n0", inputs=[promise("n"), promise("m", source="n")])]}, ["VariableNameNotFound"]),
        ({"nodes": [node("n0", inputs=[promise("n", source="m")])]}, ["VariableNameNotFound"]),
        ({"nodes": [node("n0", inputs=[promise("n", "gone")])]}, ["NodeReferenceNotFound"]),
        ({"nodes": [node("n0"), node("n1", inputs=[promise("n", "n0", "o0")])]}, ["MismatchingTypes"]),
        (
            {"nodes": [node("n0", inputs=[{"var": "n", "binding": {"scalar": {"none_type": {}}}}])]},
            ["MismatchingTypes"],
        ),
        ({"nodes": [node("n0", inputs=[bound("n", integer(1))])]}, []),
        ({"outputs": []}, ["ParameterNotBound"]),
        ({"nodes": [node("n0"), copied("n1", "n2"), copied("n2", "n1")]}, ["CycleDetected"]),
        ({"nodes": [node("n0", upstream_node_ids=["n0"])]}, ["CycleDetected"]),
        ({"nodes": [{"id": "n0"}]}, ["ValueRequired"]),
        (
            {"nodes": [{"id": "n0", "workflow_node": {"launchplan_ref": entity("LAUNCH_PLAN", "gone")}}]},
            ["WorkflowReferenceNotFound"],
        ),
    ],
)
def test_refused_workflows(changes: dict[str, Any], codes: list[str]) -> None:
    if codes:
        assert problems(spec(**changes), [COUNT, COPY]) == codes
    else:
        compile_workflow(spec(**changes), [COUNT, COPY])


def test_an_input_handed_through_is_promised_by_the_start_node() -> None:
    handed = promise("o0", "", "n")
    whole = spec(nodes=[node("n0")], interface=interface({"n": INTEGER}, {"o0": INTEGER}), outputs=[handed])
    template = compile_workflow(whole, [COUNT]).primary.template
    assert [one.binding.promise.node_id for one in template.outputs] == ["start-node"]
    assert list(template.nodes[1].inputs) == list(template.outputs)


def test_the_given_spec_is_left_alone() -> None:
    given = spec(nodes=[node("n1"), node("n0", upstream_node_ids=["n1"])])
    before = given.SerializeToString(deterministic=True)
    compile_workflow(given, [COUNT])
    assert given.SerializeToString(deterministic=True) == before


def test_launch_plans_and_sub_workflows() -> None:
    child = workflow("child")["spec"]["template"]
    nodes = [
        {"id": "n0", "inputs": [promise("n")], "workflow_node": {"sub_workflow_ref": entity("WORKFLOW", "child")}},
        {"id": "n1", "workflow_node": {"launchplan_ref": entity("LAUNCH_PLAN", "plan")}},
    ]
    whole = spec(nodes=nodes)
    json_format.ParseDict(child, whole.sub_workflows.add())
    tasks, plans = requirements(whole.template, whole.sub_workflows)
    assert ([one.name for one in tasks], [one.name for one in plans]) == (["count"], ["plan"])
    # Its only input has a default.
    plan = Interface({"n": json_format.ParseDict(INTEGER, template_type())}, {}, frozenset())
    closure = compile_workflow(whole, [COUNT], {("flytesnacks", "development", "plan", "v1"): plan})
    assert closure.sub_workflows[0].connections.downstream["n0"].ids == ["end-node"]
    assert closure.primary.connections.downstream["start-node"].ids == ["n0", "n1"]


def template_type() -> Any:
    from flyteidl.core import types_pb2

    return types_pb2.LiteralType()


def test_a_failure_node_is_no_part_of_the_way() -> None:
    closure = compile_workflow(spec(failure_node=node("fn0")), [COUNT])
    assert closure.primary.connections.upstream["fn0"].ids == ["start-node"]
    assert closure.primary.connections.downstream["start-node"].ids == ["n0"]
