"""Runs with nodes below nodes: dynamic nodes, branches, earlier tries, recursion."""

from __future__ import annotations

from flyteidl.core import tasks_pb2, types_pb2

from flowtui.catalog.tree import MAX_DEPTH
from flowtui.domain.execution import ExecutionId
from tests.catalog import make
from tests.constructs.construct import Construct
from tests.engine import Engine, taking

A, B = make.variable("data/A/a.csv"), make.variable("report/B/b.txt", "txt")
FILE = make.variable()


def integer() -> make.interface_pb2.Variable:
    return make.interface_pb2.Variable(type=types_pb2.LiteralType(simple=types_pb2.INTEGER))


def maker(name: str = "make") -> tasks_pb2.TaskTemplate:
    """A task that makes the file a.csv of the artifact A."""
    return make.task(name, o0=A)


async def dynamic_without_nodes(engine: Engine) -> ExecutionId:
    await engine.register(make.workflow("fan-none", [make.node("n0", runs="make")]), [maker()])
    run = await engine.start("fan-none-1", "fan-none")
    await engine.node(run.name, "n0", outputs={"o0": make.blob("s3://flyte/a")}, flags=["is_dynamic"])
    await engine.end(run.name)
    return run


async def dynamic_fails_half_way(engine: Engine) -> ExecutionId:
    """Of three nodes the first made its file, the second failed, the third never began."""
    await engine.register(make.workflow("fan-half", [make.node("n0", runs="fan")]), [make.task("fan", o0=FILE)])
    run = await engine.start("fan-half-1", "fan-half")
    nodes = [make.node("dn0", runs="make"), make.node("dn1", runs="make"), make.node("dn2", runs="last")]
    nodes[2].inputs.add(var="f", binding=make.promise("dn0"))
    compiled = make.workflow("d", nodes, {"o0": (FILE, make.promise("dn2"))})
    tasks = [maker(), taking(make.task("last", o0=B), f=FILE)]
    await engine.node(run.name, "n0", "RUNNING", dynamic=compiled, tasks=tasks)
    await engine.node(run.name, "n0-0-dn0", spec="dn0", parent="n0", outputs={"o0": make.blob("s3://flyte/dn0")})
    await engine.node(run.name, "n0-0-dn1", "FAILED", spec="dn1", parent="n0", error="no denominators")
    await engine.node(run.name, "n0", "FAILED", error="no denominators")
    await engine.end(run.name, "FAILED")
    return run


async def branch_decided_by_a_task(engine: Engine) -> ExecutionId:
    """The condition compares what a task counted; the arm taken does not take that number."""
    one = make.either("n1", make.node("n0", runs="make"), make.node("n1", runs="small"))
    one.inputs.add(var=".n0.o0", binding=make.promise("n0"))
    compared = one.branch_node.if_else.case.condition.comparison
    compared.left_value.var, compared.right_value.primitive.integer = ".n0.o0", 3
    other = one.branch_node.if_else.other[0].condition.comparison
    other.left_value.var, other.right_value.primitive.integer = ".n0.o0", 9
    count = make.task("count", o0=integer())
    small = make.task("small", o0=make.variable("data/S/small.csv"))
    await engine.register(make.workflow("either", [make.node("n0", runs="count"), one]), [count, maker(), small])
    run = await engine.start("either-1", "either")
    await engine.node(run.name, "n0", outputs={"o0": make.integer(5)})
    await engine.node(run.name, "n1", "RUNNING", flags=["is_parent"])
    await engine.node(
        run.name, "n1-0-n1-n0", spec="n1-n0", parent="n1", outputs={"o0": make.blob("s3://flyte/taken")}
    )  # fmt: skip
    await engine.node(run.name, "n1-0-n1-n1", "SKIPPED", spec="n1-n1", parent="n1")
    await engine.node(run.name, "n1")
    await engine.end(run.name)
    return run


async def earlier_tries(engine: Engine) -> ExecutionId:
    """A sub-workflow that was tried twice: nodes of the first try failed, those of the second did not."""
    inner = make.workflow("inner", [make.node("n0", runs="make")], {"o0": (FILE, make.promise("n0"))})
    await engine.register(make.workflow("again", [make.node("n0", flow="inner")]), [maker()], [inner])
    run = await engine.start("again-1", "again")
    await engine.node(run.name, "n0", "RUNNING", flags=["is_parent"])
    await engine.node(run.name, "n0-0-n0", "FAILED", spec="n0", parent="n0", error="first")
    await engine.task(run.name, "n0-0-n0", "make", "FAILED", error="first")
    await engine.node(
        run.name, "n0-1-n0", spec="n0", parent="n0", group="1", outputs={"o0": make.blob("s3://flyte/second")}
    )  # fmt: skip
    await engine.task(run.name, "n0-1-n0", "make", "RETRYABLE_FAILED", error="lost a node")
    await engine.task(run.name, "n0-1-n0", "make", attempt=1)
    await engine.node(run.name, "n0")
    await engine.end(run.name)
    return run


async def map_of_nodes(engine: Engine) -> ExecutionId:
    """A map whose items the engine reports as nodes (``array-node-config.event-version: 1``)."""
    many = make.variable("data/A/part.csv", many=True)
    array = make.workflow_pb2.Node(id="n0")
    array.array_node.node.CopyFrom(make.node("n0", runs="one"))
    await engine.register(make.workflow("items", [array]), [make.task("one", o0=many)])
    run = await engine.start("items-1", "items")
    await engine.node(run.name, "n0", "RUNNING", flags=["is_array", "is_parent"])
    await engine.node(run.name, "n0-0-n0", spec="n0-n0", parent="n0", outputs={"o0": make.blob("s3://flyte/0")})
    await engine.node(run.name, "n0-0-n1", "FAILED", spec="n0-n1", parent="n0", error="item 1 is odd")
    parts = make.listed(make.blob("s3://flyte/0"), make.none())
    await engine.node(run.name, "n0", flags=["is_array"], outputs={"o0": parts})
    await engine.end(run.name)
    return run


async def recursion(engine: Engine) -> ExecutionId:
    """A dynamic node that makes itself again, deeper than is read."""
    await engine.register(make.workflow("down", [make.node("n0", runs="fan")]), [make.task("fan", o0=A)])
    run = await engine.start("down-1", "down")
    compiled = make.workflow("d", [make.node("dn0", runs="fan")], {"o0": (FILE, make.promise("dn0"))})
    parent = ""
    for depth in range(MAX_DEPTH + 5):
        node = f"x{depth}" if depth else "n0"
        await engine.node(run.name, node, "RUNNING", spec="dn0" if depth else "n0", parent=parent, dynamic=compiled)
        parent = node
    return run


NESTED = {
    "dynamic without nodes": Construct(
        dynamic_without_nodes,
        nodes=("n0 dynamic SUCCEEDED",),
        files=("A/a.csv@n0 present s3://flyte/a",),
        arrows=("n0 -o0-> A/a.csv@n0",),
        screen={"artifacts": ("a.csv",), "nodes": ("dynamic", "✔ done")},
    ),
    "dynamic that fails half-way": Construct(
        dynamic_fails_half_way,
        nodes=("n0 dynamic FAILED", "n0-0-dn0 task SUCCEEDED", "n0-0-dn1 task FAILED"),
        files=(
            "A/a.csv@n0-0-dn0 present s3://flyte/dn0",
            "A/a.csv@n0-0-dn1 not_produced",
            "B/b.txt@n0-0-dn2 not_produced",
        ),
        arrows=(
            "A/a.csv@n0-0-dn0 -f-> n0-0-dn2",
            "n0 --> n0-0-dn0",
            "n0 --> n0-0-dn1",
            "n0-0-dn0 -o0-> A/a.csv@n0-0-dn0",
            "n0-0-dn1 -o0-> A/a.csv@n0-0-dn1",
            "n0-0-dn2 -o0-> B/b.txt@n0-0-dn2",
        ),
        notices=("The artifact has this file name 2 times",),
        screen={"artifacts": ("not produced", "1 of 2"), "nodes": ("✖ failed", "no denominators")},
    ),
    "branch decided by a task": Construct(
        branch_decided_by_a_task,
        nodes=("n0 task SUCCEEDED", "n1 branch SUCCEEDED", "n1-0-n1-n0 task SUCCEEDED", "n1-0-n1-n1 task SKIPPED"),
        files=("A/a.csv@n1-0-n1-n0 present s3://flyte/taken",),
        arrows=("n0 -n0.o0-> n1-0-n1-n0", "n1-0-n1-n0 -o0-> A/a.csv@n1-0-n1-n0"),
        screen={"nodes": ("skipped",), "graph": ("└ n1-n0",)},
    ),
    "earlier tries": Construct(
        earlier_tries,
        nodes=("n0 workflow SUCCEEDED", "n0-0-n0 task FAILED", "n0-1-n0 task SUCCEEDED"),
        files=("A/a.csv@n0-1-n0 present s3://flyte/second",),
        arrows=("n0-1-n0 -o0-> A/a.csv@n0-1-n0",),
        screen={"nodes": ("try 1", "first")},
    ),
    "map whose items are nodes": Construct(
        map_of_nodes,
        nodes=("n0 map SUCCEEDED", "n0-0-n0 task SUCCEEDED", "n0-0-n1 task FAILED"),
        files=("A/part.csv@n0 present s3://flyte/0",),
        arrows=("n0 -o0-> A/part.csv@n0",),
        notices=("1 of 2 items is None",),
        screen={"artifacts": ("part.csv",), "nodes": ("map", "item 1 is odd")},
    ),
    "recursion": Construct(
        recursion,
        nodes=(
            "n0 dynamic DYNAMIC_RUNNING",
            *(f"x{depth} dynamic DYNAMIC_RUNNING" for depth in range(1, MAX_DEPTH + 1)),
        ),
        files=(f"A/a.csv@x{MAX_DEPTH} pending",),
        arrows=(
            "n0 --> x1",
            *(f"x{depth} --> x{depth + 1}" for depth in range(1, MAX_DEPTH)),
            f"x{MAX_DEPTH} -o0-> A/a.csv@x{MAX_DEPTH}",
        ),
        notices=("nested more than 40 levels deep",),
        screen={"artifacts": ("a.csv", "40 levels"), "nodes": ("● running",)},
    ),
}
