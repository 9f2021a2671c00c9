"""Runs that start other runs, wait, or take what another run made."""

from __future__ import annotations

from flyteidl.core import types_pb2
from flyteidl.core import workflow_pb2 as core_workflow_pb2

from flowtui.domain.execution import ExecutionId, NodeId
from flowtui.httpclient import httpx
from tests.catalog import make
from tests.constructs.construct import Construct
from tests.constructs.nested import FILE, A, maker
from tests.engine import DOMAIN, PROJECT, Engine, refusal


async def plan_children(engine: Engine) -> ExecutionId:
    """Two children by launch plan; the second has a child of its own."""
    outputs = {"o0": (A, make.promise("n0"))}
    await engine.register(make.workflow("leaf", [make.node("n0", runs="make")], outputs), [maker()])
    await engine.register(make.workflow("middle", [make.node("n0", plan="leaf")], {"o0": (FILE, make.promise("n0"))}))
    await engine.register(make.workflow("top", [make.node("n0", plan="leaf"), make.node("n1", plan="middle")]))
    top = await engine.start("top-1", "top")
    labels = {"execution-id": "top-1"}
    await engine.start("top-1-n0-0", "leaf", labels=labels, parent=NodeId(top, "n0"))
    middle = await engine.start("top-1-n1-0", "middle", labels=labels, parent=NodeId(top, "n1"))
    await engine.start("fgrandchild", "leaf", labels=labels, parent=NodeId(middle, "n0"))
    await engine.end("top-1-n0-0")
    await engine.node("top-1", "n0", child="top-1-n0-0", outputs={"o0": make.blob("s3://flyte/leaf")})
    await engine.node("top-1", "n1", "RUNNING", child="top-1-n1-0")
    return top


async def unreadable_child(engine: Engine) -> ExecutionId:
    """A child that this person may not read, and one that is deleted."""
    await engine.register(make.workflow("leaf", [make.node("n0", runs="make")]), [maker()])
    nodes = [make.node("n0", plan="leaf"), make.node("n1", plan="leaf"), make.node("n2", runs="make")]
    await engine.register(make.workflow("top", nodes))
    top = await engine.start("secret-1", "top")
    for number, name in enumerate(("hidden-1", "deleted-1")):
        await engine.start(name, "leaf", parent=NodeId(top, f"n{number}"))
        await engine.node(top.name, f"n{number}", child=name)
    await engine.node(top.name, "n2", outputs={"o0": make.blob("s3://flyte/own")})
    await engine.end(top.name)

    def twist(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/hidden-1"):
            return refusal(403, 7, "you may not read hidden-1")
        return refusal(404, 5, "missing entity") if request.url.path.endswith("/deleted-1") else None

    engine.between.twist = twist
    return top


async def plan_that_launches_itself(engine: Engine) -> ExecutionId:
    await engine.register(make.workflow("leaf", [make.node("n0", runs="make")]), [maker()])
    await engine.register(make.workflow("loop", [make.node("n0", plan="leaf")]))
    parent: ExecutionId | None = None
    for depth in range(30):
        name = f"loop-{depth}"
        labels = {"execution-id": "loop-0"} if parent else {}
        run = await engine.start(name, "loop", labels=labels, parent=NodeId(parent, "n0") if parent else None)
        if parent is not None:
            await engine.node(parent.name, "n0", "RUNNING", child=name)
        parent = run
    return ExecutionId(PROJECT, DOMAIN, "loop-0")


async def eager(engine: Engine) -> ExecutionId:
    """Two eager tasks in one run; flytekit names the runs that they start after the task and the run."""
    tasks = [make.task("flows.prepare", o0=FILE), make.task("flows.train_models", o0=A), maker()]
    nodes = [make.node("n0", runs="flows.prepare"), make.node("n1", runs="flows.train_models")]
    await engine.register(make.workflow("eager", nodes), tasks)
    run = await engine.start("study-7", "eager")
    labels = {"eager-exec": run.name, "eager-root-exec": run.name}
    for name in ("e-prepare-study-make-1a2b", "e-train-mo-study-make-3c4d", "e-train-mo-study-make-5e6f"):
        await engine.start(name, "make", task=True, labels=labels)
        await engine.end(name)
    await engine.start("somebody-elses", "make", task=True)
    await engine.node(run.name, "n0", outputs={"o0": make.blob("s3://flyte/p")}, flags=["is_eager"])
    await engine.node(run.name, "n1", "RUNNING", flags=["is_eager"])
    return run


def _gate(id_: str, name: str, gate: core_workflow_pb2.GateNode, *after: str) -> core_workflow_pb2.Node:
    node = core_workflow_pb2.Node(id=id_, gate_node=gate, upstream_node_ids=after)
    node.metadata.name = name
    return node


async def gates(engine: Engine) -> ExecutionId:
    """One of each gate behind a task: asleep, approved, and waiting for a value."""
    sleep, approve, signal = (core_workflow_pb2.GateNode() for _ in range(3))
    sleep.sleep.duration.seconds = 600
    approve.approve.signal_id = "qc ok"
    signal.signal.signal_id, signal.signal.output_variable_name = "cutoff", "o0"
    signal.signal.type.simple = types_pb2.INTEGER
    nodes = [
        make.node("n0", runs="make"),
        _gate("n1", "pause", sleep, "n0"),
        _gate("n2", "qc", approve, "n0"),
        _gate("n3", "cutoff", signal, "n0"),
    ]
    await engine.register(make.workflow("gates", nodes), [maker()])
    run = await engine.start("gates-1", "gates")
    await engine.node(run.name, "n0", outputs={"o0": make.blob("s3://flyte/a")})
    await engine.node(run.name, "n1", "RUNNING")
    await engine.node(run.name, "n2")
    await engine.node(run.name, "n3", "RUNNING")
    return run


async def single_task(engine: Engine) -> ExecutionId:
    await engine.register(make.workflow("any", [make.node("n0", runs="make")]), [maker()])
    run = await engine.start("single-1", "make", task=True)
    await engine.node(run.name, "make", outputs={"o0": make.blob("s3://flyte/a")})
    await engine.end(run.name)
    return run


async def cache_of_a_deleted_run(engine: Engine) -> ExecutionId:
    await engine.register(make.workflow("cached", [make.node("n0", runs="make")]), [maker()])
    run = await engine.start("cached-1", "cached")
    origin = NodeId(ExecutionId(PROJECT, DOMAIN, "long-gone"), "n7")
    await engine.node(run.name, "n0", outputs={"o0": make.blob("s3://flyte/old")}, cached_from=origin)
    await engine.end(run.name)
    return run


LAUNCHED = {
    "launch-plan children": Construct(
        plan_children,
        nodes=("n0 launch_plan SUCCEEDED", "n1 launch_plan DYNAMIC_RUNNING"),
        children=("top-1-n0-0", "top-1-n1-0"),
        screen={
            "artifacts": ("It started 2 runs",),
            "nodes": ("n0", "✔ done", "● running"),
            "graph": ("run top-1-n0-0", "run top-1-n1-0"),
        },
    ),
    "children that may not be read": Construct(
        unreadable_child,
        nodes=("n0 launch_plan SUCCEEDED", "n1 launch_plan SUCCEEDED", "n2 task SUCCEEDED"),
        files=("A/a.csv@n2 present s3://flyte/own",),
        arrows=("n2 -o0-> A/a.csv@n2",),
        children=("hidden-1", "deleted-1"),
        screen={
            "artifacts": ("a.csv",),
            "nodes": ("its run hidden-1 cannot be read", "its run deleted-1 cannot be read"),
        },
    ),
    "launch plan that launches itself": Construct(
        plan_that_launches_itself,
        nodes=("n0 launch_plan DYNAMIC_RUNNING",),
        children=("loop-1",),
        screen={"nodes": ("● running",), "graph": ("run loop-1",)},
    ),
    "eager": Construct(
        eager,
        nodes=("n0 eager SUCCEEDED", "n1 eager RUNNING"),
        files=("A/a.csv@n1 pending",),
        arrows=(
            "n0 --> e-prepare-study-make-1a2b",
            "n0 -o0-> o0@n0",
            "n1 --> e-train-mo-study-make-3c4d",
            "n1 --> e-train-mo-study-make-5e6f",
            "n1 -o0-> A/a.csv@n1",
        ),
        children=("e-prepare-study-make-1a2b", "e-train-mo-study-make-3c4d", "e-train-mo-study-make-5e6f"),
        screen={
            "artifacts": ("pending",),
            "nodes": ("run e-prepare-study-make-1a2b", "run e-train-mo-study-make-3c4d  ✔ done"),
            "graph": ("run e-prepare-study-make-1a2b",),
        },
    ),
    "gates": Construct(
        gates,
        nodes=("n0 task SUCCEEDED", "n1 gate RUNNING", "n2 gate SUCCEEDED", "n3 gate RUNNING"),
        files=("A/a.csv@n0 present s3://flyte/a",),
        arrows=("n0 --> n1", "n0 --> n2", "n0 --> n3", "n0 -o0-> A/a.csv@n0"),
        screen={"nodes": ("waits 10m00", "waits for the signal cutoff (int)"), "graph": ("pause", "cutoff")},
    ),
    "single task": Construct(
        single_task,
        nodes=("make task SUCCEEDED",),
        files=("A/a.csv@make present s3://flyte/a",),
        arrows=("make -o0-> A/a.csv@make",),
        screen={"artifacts": ("a.csv",), "nodes": ("make",)},
    ),
    "cache hit of a run that is deleted": Construct(
        cache_of_a_deleted_run,
        nodes=("n0 task SUCCEEDED",),
        files=("A/a.csv@n0 present s3://flyte/old",),
        arrows=("long-gone -cache-> n0", "n0 -o0-> A/a.csv@n0"),
        notices=("From the cache: made by long-gone n7.",),
        screen={"artifacts": ("≡",), "nodes": ("≡ cached",), "graph": ("run long-gone",)},
    ),
}
