"""Runs whose outputs are of every shape, lie apart, are large, or are gone."""

from __future__ import annotations

import msgpack
from flyteidl.admin import node_execution_pb2, task_execution_pb2
from flyteidl.core import literals_pb2, types_pb2
from flyteidl.event import event_pb2
from google.protobuf.struct_pb2 import Struct

from flowtui.domain.execution import ExecutionId
from flowtui.httpclient import httpx
from tests.catalog import make
from tests.constructs.construct import Construct
from tests.constructs.nested import maker
from tests.engine import BINARY, Engine, TaskPhase, node_id, refusal

ITEMS = 5000
LARGE = "grpc: received message larger than max (6108901 vs. 4194304)"


def declared(file: str, type_: types_pb2.LiteralType) -> make.interface_pb2.Variable:
    """A file of the artifact A of any type."""
    variable = make.variable(f"data/A/{file}")
    variable.type.CopyFrom(type_)
    return variable


def blob_type(*, directory: bool = False) -> types_pb2.LiteralType:
    return types_pb2.LiteralType(blob=types_pb2.BlobType(format="csv", dimensionality=int(directory)))


def frame(uri: str) -> make.Literal:
    found = make.Literal()
    found.scalar.structured_dataset.uri = uri
    found.scalar.structured_dataset.metadata.structured_dataset_type.format = "parquet"
    return found


def packed(value: object) -> make.Literal:
    """A dataclass as flytekit writes it from 1.14 on."""
    binary = literals_pb2.Binary(tag="msgpack", value=msgpack.packb(value))
    return make.Literal(scalar=literals_pb2.Scalar(binary=binary))


def struct(value: dict[str, object]) -> make.Literal:
    """A dataclass as older flytekit wrote it."""
    found = Struct()
    found.update(value)
    return make.Literal(scalar=literals_pb2.Scalar(generic=found))


async def outputs_of_every_shape(engine: Engine) -> ExecutionId:
    file, simple = blob_type(), types_pb2.LiteralType(simple=types_pb2.STRUCT)
    either = types_pb2.LiteralType(union_type=types_pb2.UnionType(variants=[file, file]))
    task = make.task(
        "make",
        box=declared("box", simple),
        dict=declared("dict", types_pb2.LiteralType(map_value_type=file)),
        dir=declared("dir", blob_type(directory=True)),
        frame=declared("frame", types_pb2.LiteralType(structured_dataset_type=types_pb2.StructuredDatasetType())),
        list=declared("list", types_pb2.LiteralType(collection_type=file)),
        old=declared("old", simple),
        union=declared("union", either),
    )
    await engine.register(make.workflow("shapes", [make.node("n0", runs="make")]), [task])
    run = await engine.start("shapes-1", "shapes")
    outputs = {
        "list": make.listed(make.blob("s3://flyte/l1"), make.blob("s3://flyte/l2")),
        "dict": make.mapped({"k": make.blob("s3://flyte/k"), "a": make.blob("s3://flyte/ka")}),
        "box": packed({"n": 1, "file": {"path": "s3://flyte/b"}, "more": [{"path": "s3://flyte/b2", "metadata": {}}]}),
        "old": struct({"n": 1, "file": {"path": "s3://flyte/o"}}),
        "union": make.union(make.blob("s3://flyte/u")),
        "dir": make.blob("s3://flyte/d", directory=True),
        "frame": frame("s3://flyte/f"),
    }
    await engine.node(run.name, "n0", outputs=outputs)
    await engine.end(run.name)
    return run


def pointer(uri: str, size: int) -> make.Literal:
    """A value that lies apart."""
    found = make.Literal()
    found.offloaded_metadata.uri, found.offloaded_metadata.size_bytes = uri, size
    found.offloaded_metadata.inferred_type.collection_type.CopyFrom(blob_type())
    return found


async def offloaded(engine: Engine) -> ExecutionId:
    """Lists that lie apart: a small one, one that is too large to open, one that is damaged, one that is gone."""
    many = types_pb2.LiteralType(collection_type=blob_type())
    tasks = [make.task(name, o0=declared(f"{name}.csv", many)) for name in ("small", "large", "damaged", "gone")]
    nodes = [make.node(f"n{number}", runs=task.id.name) for number, task in enumerate(tasks)]
    await engine.register(make.workflow("apart", nodes), tasks)
    run = await engine.start("apart-1", "apart")
    engine.put("s3://flyte/small.pb", make.listed(make.blob("s3://flyte/1"), make.blob("s3://flyte/2")))
    engine.put("s3://flyte/damaged.pb", b"\xff\xff\xff")
    for number, (name, size) in enumerate({"small": 40, "large": 900_000_000, "damaged": 3, "gone": 40}.items()):
        await engine.node(run.name, f"n{number}", outputs={"o0": pointer(f"s3://flyte/{name}.pb", size)})
    await engine.end(run.name)
    return run


async def large_map(engine: Engine) -> ExecutionId:
    """A map over 5,000 items, of which every hundredth failed."""
    task = make.task("one", o0=declared("part.csv", types_pb2.LiteralType(collection_type=blob_type())))
    node = make.node("n0", runs="one")
    array = make.workflow_pb2.Node(id="n0")
    array.array_node.node.CopyFrom(node)
    await engine.register(make.workflow("mapped", [array]), [task])
    run = await engine.start("map-5000", "mapped")
    items = [make.none() if n % 100 == 0 else make.blob(f"s3://flyte/{n}") for n in range(ITEMS)]
    await engine.node(run.name, "n0", "RUNNING", flags=["is_array"])
    told = [
        event_pb2.ExternalResourceInfo(
            external_id=f"map-5000-n0-{n}", index=n, phase=TaskPhase("SUCCEEDED" if n % 100 else "FAILED")
        )
        for n in range(ITEMS)
    ]
    await engine.task(run.name, "n0", "one", items=told)
    await engine.node(run.name, "n0", flags=["is_array"], outputs={"o0": make.listed(*items)})
    await engine.end(run.name)
    return run


async def inline_outputs(engine: Engine) -> ExecutionId:
    """A server that is set to keep outputs inline: the list has them, and nothing else is there to ask."""
    await engine.register(make.workflow("inline", [make.node("n0", runs="make")]), [maker()])
    run = await engine.start("inline-1", "inline")
    await engine.node(run.name, "n0")
    await engine.end(run.name)

    def twist(request: httpx.Request) -> httpx.Response | None:
        if "/data/node_executions/" in request.url.path:
            raise AssertionError("the outputs were there already")
        if request.url.path != f"/api/v1/node_executions/{run}":
            return None
        row = node_execution_pb2.NodeExecution(id=node_id(run.name, "n0"))
        row.metadata.spec_node_id, row.closure.phase = "n0", 3
        row.closure.output_data.literals["o0"].CopyFrom(make.blob("s3://flyte/inline"))
        body = node_execution_pb2.NodeExecutionList(node_executions=[row]).SerializeToString()
        return httpx.Response(200, content=body, headers={"content-type": BINARY})

    engine.between.twist = twist
    return run


async def empty_outputs(engine: Engine) -> ExecutionId:
    """Admin returns nothing for nodes that succeeded: of one the file of outputs is there, of the other it is gone."""
    nodes = [make.node("n0", runs="make"), make.node("n1", runs="make")]
    await engine.register(make.workflow("empty", nodes), [maker()])
    run = await engine.start("empty-1", "empty")
    for node in ("n0", "n1"):
        await engine.node(run.name, node, outputs={"o0": make.blob(f"s3://flyte/{node}")})
    await engine.end(run.name)
    engine.remove(f"s3://flyte/metadata/{run.name}/n1/outputs.pb")

    def twist(request: httpx.Request) -> httpx.Response | None:
        if "/data/node_executions/" not in request.url.path:
            return None
        return httpx.Response(200, content=b"", headers={"content-type": BINARY})

    engine.between.twist = twist
    return run


async def workflow_too_large(engine: Engine) -> ExecutionId:
    """The server cannot send the workflow; what its nodes ran is found by their task executions."""
    await engine.register(
        make.workflow("giant", [make.node("n0", runs="flows.make"), make.node("n1", runs="flows.make")]),
        [maker("flows.make")],
    )
    run = await engine.start("giant-1", "giant")
    await engine.node(run.name, "n0", outputs={"o0": make.blob("s3://flyte/a")})
    await engine.task(run.name, "n0", "flows.make")

    def twist(request: httpx.Request) -> httpx.Response | None:
        return refusal(429, 8, LARGE) if "/workflows/" in request.url.path else None

    engine.between.twist = twist
    return run


async def unknown_enums(engine: Engine) -> ExecutionId:
    """A server that is newer than this reader: phases, cache status and kinds of error that it does not know."""
    await engine.register(make.workflow("newer", [make.node("n0", runs="make")]), [maker()])
    run = await engine.start("newer-1", "newer")

    def twist(request: httpx.Request) -> httpx.Response | None:
        path = request.url.path
        if path.startswith(f"/api/v1/node_executions/{run}"):
            row = node_execution_pb2.NodeExecution(id=node_id(run.name, "n0"))
            row.metadata.spec_node_id, row.closure.phase = "n0", 99
            row.closure.task_node_metadata.cache_status = 77
            row.closure.error.kind, row.closure.error.message = 55, "of a new kind"
            rows = node_execution_pb2.NodeExecutionList(node_executions=[row])
            body = rows if path.endswith(run.name) else row
        elif path.startswith(f"/api/v1/task_executions/{run}"):
            attempt = task_execution_pb2.TaskExecution()
            attempt.id.retry_attempt, attempt.closure.phase = 0, 88
            attempt.closure.metadata.external_resources.add(phase=66, cache_status=44)
            body = task_execution_pb2.TaskExecutionList(task_executions=[attempt])
        else:
            return None
        return httpx.Response(200, content=body.SerializeToString(), headers={"content-type": BINARY})

    engine.between.twist = twist
    return run


STORED = {
    "outputs of every shape": Construct(
        outputs_of_every_shape,
        nodes=("n0 task SUCCEEDED",),
        files=(
            "A/box@n0 present s3://flyte/b,s3://flyte/b2",
            "A/dict@n0 present s3://flyte/ka,s3://flyte/k",
            "A/dir@n0 present s3://flyte/d",
            "A/frame@n0 present s3://flyte/f",
            "A/list@n0 present s3://flyte/l1,s3://flyte/l2",
            "A/old@n0 present s3://flyte/o",
            "A/union@n0 present s3://flyte/u",
        ),
        arrows=tuple(f"n0 -{name}-> A/{name}@n0" for name in ("box", "dict", "dir", "frame", "list", "old", "union")),
        screen={"artifacts": ("box", "x2", "dir", "parquet")},
    ),
    "offloaded values": Construct(
        offloaded,
        nodes=tuple(f"n{number} task SUCCEEDED" for number in range(4)),
        files=(
            "A/damaged.csv@n2 present s3://flyte/damaged.pb",
            "A/gone.csv@n3 present s3://flyte/gone.pb",
            "A/large.csv@n1 present s3://flyte/large.pb",
            "A/small.csv@n0 present s3://flyte/1,s3://flyte/2",
        ),
        arrows=tuple(
            f"n{number} -o0-> A/{name}.csv@n{number}"
            for number, name in enumerate(("small", "large", "damaged", "gone"))
        ),
        notices=("900,000,000 bytes) is stored apart", "damaged.pb does not hold a value", "cannot be opened"),
        screen={"artifacts": ("small.csv", "x2", "gone.csv")},
    ),
    "map of 5,000 items": Construct(
        large_map,
        nodes=("n0 map SUCCEEDED",),
        files=("A/part.csv@n0 present " + ",".join(f"s3://flyte/{n}" for n in range(ITEMS) if n % 100),),
        arrows=("n0 -o0-> A/part.csv@n0",),
        notices=("50 of 5,000 items are None",),
        screen={"artifacts": ("part.csv", "x4950"), "nodes": ("map", "✔ done")},
    ),
    "inline outputs": Construct(
        inline_outputs,
        nodes=("n0 task SUCCEEDED",),
        files=("A/a.csv@n0 present s3://flyte/inline",),
        arrows=("n0 -o0-> A/a.csv@n0",),
        screen={"artifacts": ("a.csv",)},
    ),
    "outputs that Admin does not return": Construct(
        empty_outputs,
        nodes=("n0 task SUCCEEDED", "n1 task SUCCEEDED"),
        files=("A/a.csv@n0 present s3://flyte/n0", "A/a.csv@n1 unavailable"),
        arrows=("n0 -o0-> A/a.csv@n0", "n1 -o0-> A/a.csv@n1"),
        notices=("The server returns no outputs of n1", "The artifact has this file name 2 times"),
        screen={"artifacts": ("unavailable", "1 of 2"), "nodes": ("✔ done",)},
    ),
    "workflow too large to send": Construct(
        workflow_too_large,
        nodes=("n0 task SUCCEEDED",),
        files=("A/a.csv@n0 present s3://flyte/a",),
        arrows=("n0 -o0-> A/a.csv@n0",),
        notices=("What the run declares is not known", "what has not begun"),
        screen={"artifacts": ("a.csv", "larger than"), "nodes": ("make",), "graph": ("make",)},
    ),
    "phases of a newer server": Construct(
        unknown_enums,
        nodes=("n0 task 99",),
        files=("A/a.csv@n0 pending",),
        arrows=("n0 -o0-> A/a.csv@n0",),
        screen={"artifacts": ("pending",), "nodes": ("? 99", "of a new kind")},
    ),
}
