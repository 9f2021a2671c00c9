"""Flows that really run: values, files, logs, failures, recovery, gates and stops."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Any

import pytest
from flyteidl.admin import execution_pb2 as admin_execution_pb2
from flyteidl.admin import signal_pb2
from flyteidl.core import errors_pb2, execution_pb2, identifier_pb2, literals_pb2

from flowtui.domain.execution import ExecutionId
from flowtui.errors import ArtifactError, FlowError, NotFoundError, ServerError, UsageError
from flowtui.local.runner import RunResult, embedded_client, run_execution
from flowtui.local.runner.bindings import plain_value, python_value
from flowtui.local.runner.flow_file import FlowFile
from flowtui.local.runner.literals import read_message
from flowtui.local.runner.registration import read_flow
from flowtui.local.runner.reporter import WorkflowPhase, identifier
from flowtui.local.runner.workers import Workers
from flowtui.words import error_line
from tests.local.running import DOMAIN, PROJECT, Runner

NODE, TASK = execution_pb2.NodeExecution, execution_pb2.TaskExecution


@pytest.fixture
def runner(tmp_path: Path, workers: Workers) -> Runner:
    return Runner(tmp_path / "home", workers)


async def test_files_lie_where_a_real_engine_puts_them(runner: Runner) -> None:
    result = await runner.run("nested", name="run-1")
    assert (result.exit_code, result.phase, result.error) == (0, "SUCCEEDED", "")
    metadata = runner.home.blobs / "metadata" / "propeller" / f"{PROJECT}-{DOMAIN}-run-1"
    found = {path.relative_to(metadata).as_posix() for path in metadata.rglob("*.pb")}
    assert found >= {
        "start-node/data/0/outputs.pb",
        "end-node/data/inputs.pb",
        "end-node/data/0/outputs.pb",
        "n0/data/inputs.pb",
        "n0/data/0/outputs.pb",
        "n0/data/0/start-node/0/outputs.pb",
        "n0/data/0/n0/inputs.pb",
        "n0/data/0/n0/0/n0/0/outputs.pb",
        "n0/data/0/n1/0/outputs.pb",
        "n1/data/0/outputs.pb",
    }
    outputs = read_message(metadata / "end-node/data/0/outputs.pb", literals_pb2.LiteralMap)
    uri = Path(outputs.literals["o1"].scalar.blob.uri)
    assert text_of(uri) == "label,grams\nn,5\n"
    assert uri.parent.parent.name == "run-1-n1-0"
    assert uri.is_relative_to(runner.home.blobs / "data" / PROJECT / DOMAIN)
    (attempt,) = await runner.attempts(result.execution, "n1")
    (log,) = attempt.closure.logs
    assert text_of(Path(log.uri.removeprefix("file://"))).strip() == "drawing n"
    assert not list(runner.home.locks.iterdir())


async def test_values_inside_values_are_bound(runner: Runner) -> None:
    result = await runner.run("attributes")
    outputs = await runner.outputs(result.execution)
    assert python_value(outputs["o0"]) == "big 2 7 x None"


async def test_an_input_may_be_an_output(runner: Runner) -> None:
    result = await runner.run("hands_through")
    outputs = await runner.outputs(result.execution)
    assert [python_value(outputs[name]) for name in ("o0", "o1")] == ["h", "h"]


TYPED = {
    "text": "hello",
    "count": "3",
    "ratio": "2.5",
    "flag": "true",
    "pause": "2 hours",
    "names": '["x", "y"]',
    "box": '{"name": "c", "sizes": [4]}',
    "maybe": "9",
}


async def test_texts_become_inputs_of_every_kind(runner: Runner) -> None:
    result = await runner.run("typed", TYPED)
    assert result.error == ""
    assert python_value((await runner.outputs(result.execution))["o0"]) == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [("count", "three"), ("ratio", "x"), ("flag", "perhaps"), ("pause", "soon"), ("names", "[1"), ("box", "{}")],
)
async def test_a_text_that_is_no_such_value_is_refused(runner: Runner, name: str, text: str) -> None:
    with pytest.raises(UsageError, match=f"--{name}"):
        await runner.run("typed", {**TYPED, name: text})


async def test_a_file_given_as_input_is_copied_into_the_home(runner: Runner, tmp_path: Path) -> None:
    flow = tmp_path / "reads.py"
    flow.write_text(
        "from pathlib import Path\nfrom flytekit import task, workflow\nfrom flytekit.types.file import FlyteFile\n"
        "@task\ndef read(f: FlyteFile) -> str:\n    return Path(f).read_text()\n"
        "@workflow\ndef reads(f: FlyteFile) -> str:\n    return read(f=f)\n"
    )
    data = tmp_path / "data.txt"
    data.write_text("the data")
    result = await runner.run("reads", {"f": str(data)}, file=str(flow))
    assert python_value((await runner.outputs(result.execution))["o0"]) == "the data"
    async with embedded_client(runner.home) as client:
        inputs = (await client.get_execution_data(result.execution)).full_inputs
    assert Path(inputs.literals["f"].scalar.blob.uri).is_relative_to(runner.home.blobs)
    with pytest.raises(UsageError, match="valid file path"):
        await runner.run("reads", {"f": str(tmp_path / "gone")}, file=str(flow))


async def test_a_failure_keeps_the_trace_of_the_flow(runner: Runner) -> None:
    result = await runner.run("fails")
    assert (result.exit_code, result.phase) == (1, "FAILED")
    assert error_line(result.error) == "RuntimeError: no denominators in [bold]this[/bold] table"
    node = await runner.node(result.execution, "n1")
    assert node.closure.error.kind == execution_pb2.ExecutionError.USER
    assert 'constructs.py", line' in node.closure.error.message
    document = read_message(
        runner.home.blobs / f"metadata/propeller/{PROJECT}-{DOMAIN}-{result.execution.name}/n1/data/0/error.pb",
        errors_pb2.ErrorDocument,
    )
    assert document.error.code == "USER:RuntimeError"
    assert runner.steps[-1].phase == "FAILED"


async def test_a_failure_node_gets_the_error(runner: Runner) -> None:
    result = await runner.run("fails_with_handler")
    node = await runner.node(result.execution, "fn0")
    assert node.closure.phase == NODE.SUCCEEDED
    told = read_message(Path(node.closure.output_uri), literals_pb2.LiteralMap)
    assert "no denominators" in python_value(told.literals["o0"])


async def test_what_runs_beside_a_failure_is_stopped(runner: Runner) -> None:
    result = await runner.run("one_of_two_fails")
    assert result.phase == "FAILED"
    nodes = await runner.nodes(result.execution)
    phases = {node: row.closure.phase for node, row in nodes.items() if "-" not in node}
    assert sorted(phases.values()) == sorted([NODE.SUCCEEDED, NODE.FAILED, NODE.ABORTED])
    aborted = next(node for node, phase in phases.items() if phase == NODE.ABORTED)
    assert (await runner.node(result.execution, aborted)).closure.error.message == (
        "Some node execution failed, auto-abort."
    )
    (attempt,) = await runner.attempts(result.execution, aborted)
    assert attempt.closure.phase == TASK.ABORTED


async def test_what_depends_on_a_failure_is_skipped_where_the_rest_goes_on(runner: Runner) -> None:
    result = await runner.run("skips")
    phases = {node: row.closure.phase for node, row in (await runner.nodes(result.execution)).items()}
    assert phases == {
        "start-node": NODE.SUCCEEDED,
        "n0": NODE.SUCCEEDED,
        "n1": NODE.FAILED,
        "n2": NODE.SKIPPED,
        "n3": NODE.SKIPPED,
        "end-node": NODE.SKIPPED,
    }


async def test_retries_end(runner: Runner) -> None:
    result = await runner.run("exhausted")
    assert result.error.startswith("[2/2] currentAttempt done. Last Error: USER::")
    attempts = await runner.attempts(result.execution, "n0")
    assert [attempt.closure.phase for attempt in attempts] == [TASK.FAILED, TASK.FAILED]
    assert (await runner.node(result.execution, "n0")).closure.error.code == "RetriesExhausted|USER:Recoverable"


async def test_a_process_that_dies_is_a_failure_with_its_exit_code(runner: Runner) -> None:
    result = await runner.run("killed")
    assert result.error == "The process of the task ended with exit code 3 and left no result."


async def test_items_of_a_map_that_fail_leave_nothing_in_the_list(runner: Runner) -> None:
    result = await runner.run("mapped_some")
    outputs = await runner.outputs(result.execution)
    assert [python_value(one) for one in outputs["o0"].collection.literals] == [0, 1, None, 3, 4, None]
    (attempt,) = await runner.attempts(result.execution, "n1")
    resources = sorted(attempt.closure.metadata.external_resources, key=lambda one: one.index)
    assert [one.phase == TASK.FAILED for one in resources] == [False, False, True] * 2
    assert [text_of(Path(one.logs[0].uri.removeprefix("file://"))) != "" for one in resources] == [
        False,
        False,
        True,
    ] * 2


async def test_one_slot_is_enough_for_nested_flows(runner: Runner) -> None:
    for workflow, inputs in (("dynamics", {"n": "1"}), ("mapped", {"n": "2"})):
        assert (await runner.run(workflow, inputs, max_parallelism=1)).error == "", workflow


async def test_a_recovered_run_takes_over_what_succeeded(runner: Runner) -> None:
    first = await runner.run("partial", name="partial-1")
    async with embedded_client(runner.home) as client:
        request = admin_execution_pb2.ExecutionRecoverRequest(id=identifier(first.execution), name="partial-2")
        await client.post("/api/v1/executions/recover", request, admin_execution_pb2.ExecutionCreateResponse)
    id_ = ExecutionId(PROJECT, DOMAIN, "partial-2")
    result = await run_execution(runner.home, id_, runner.options())
    assert result.phase == "FAILED"
    nodes = await runner.nodes(id_)
    phases = {node: row.closure.phase for node, row in nodes.items()}
    assert (phases["n0"], phases["n2"], phases["n1"]) == (NODE.RECOVERED, NODE.RECOVERED, NODE.FAILED)
    outputs = read_message(Path(nodes["n0"].closure.output_uri), literals_pb2.LiteralMap)
    assert "partial-1-n0-0" in outputs.literals["o0"].scalar.blob.uri
    with pytest.raises(FlowError, match="has ended already"):
        await run_execution(runner.home, id_, runner.options())


async def test_a_gate_waits_for_its_signal(runner: Runner) -> None:
    run = asyncio.ensure_future(runner.run("gated", name="gated-1"))
    id_ = ExecutionId(PROJECT, DOMAIN, "gated-1")
    await until(runner, run, lambda: any("waits for the input go" in step.note for step in runner.steps))
    async with embedded_client(runner.home) as client:
        request = signal_pb2.SignalSetRequest(
            id=identifier_pb2.SignalIdentifier(signal_id="go", execution_id=identifier(id_)), value=plain_value(3)
        )
        await client.post("/api/v1/signals", request, signal_pb2.SignalSetResponse)
    assert (await run).phase == "SUCCEEDED"
    assert python_value(next(iter((await outputs_of(runner, id_, "n2")).values()))) == 3


async def test_a_run_that_somebody_terminates_is_aborted(runner: Runner) -> None:
    run = asyncio.ensure_future(runner.run("waits", name="waits-1"))
    id_ = ExecutionId(PROJECT, DOMAIN, "waits-1")
    await until(
        runner, run, lambda: any(step.place.node_id == "n1" and step.phase == "RUNNING" for step in runner.steps)
    )
    async with embedded_client(runner.home) as client:
        await client.terminate(id_, "no longer needed")
    result = await run
    assert (result.exit_code, result.phase) == (130, "ABORTED")
    execution = await runner.execution(id_)
    assert execution.closure.phase == execution_pb2.WorkflowExecution.ABORTED
    assert execution.closure.abort_metadata.cause == "no longer needed"
    assert (await runner.node(id_, "n1")).closure.error.message == "Workflow aborted."


async def test_children_end_with_the_run_that_started_them(runner: Runner, tmp_path: Path) -> None:
    flow = tmp_path / "outer.py"
    flow.write_text(
        "import time\nfrom flytekit import LaunchPlan, task, workflow\n"
        "@task\ndef nap() -> int:\n    time.sleep(600)\n    return 1\n"
        "@workflow\ndef inside() -> int:\n    return nap()\n"
        "plan = LaunchPlan.get_or_create(inside, 'inside_plan')\n"
        "@workflow\ndef outside() -> int:\n    return plan()\n"
    )
    run = asyncio.ensure_future(runner.run("outside", name="outside-1", file=str(flow)))
    await until(
        runner, run, lambda: any(step.execution != "outside-1" and step.phase == "RUNNING" for step in runner.steps)
    )
    async with embedded_client(runner.home) as client:
        await client.terminate(ExecutionId(PROJECT, DOMAIN, "outside-1"), "enough")
    assert (await run).phase == "ABORTED"
    child = await runner.execution(ExecutionId(PROJECT, DOMAIN, "outside-1-n0-0"))
    assert child.closure.phase == execution_pb2.WorkflowExecution.ABORTED
    assert child.spec.metadata.mode == admin_execution_pb2.ExecutionMetadata.CHILD_WORKFLOW
    assert dict(child.spec.labels.values)["execution-id"] == "outside-1"


async def test_the_same_code_is_one_version_and_its_execution_runs_again(runner: Runner, tmp_path: Path) -> None:
    flow = tmp_path / "once.py"
    code = (
        "from flytekit import task, workflow\n@task\ndef one() -> int:\n    return 1\n"
        "@workflow\ndef wf() -> int:\n    return one()\n"
    )
    flow.write_text(code)
    first = await runner.run("wf", name="r1", file=str(flow))
    second = await runner.run("wf", name="r2", file=str(flow))
    versions = [(await runner.execution(one.execution)).closure.workflow_id.version for one in (first, second)]
    assert versions[0] == versions[1]
    flow.write_text(code.replace("return 1", "return 2"))
    third = await runner.run("wf", name="r3", file=str(flow))
    assert (await runner.execution(third.execution)).closure.workflow_id.version != versions[0]
    async with embedded_client(runner.home) as client:
        await client.relaunch(first.execution, "r4")
    again = await run_execution(runner.home, ExecutionId(PROJECT, DOMAIN, "r4"), runner.options())
    assert python_value((await runner.outputs(again.execution))["o0"]) == 1, "a re-run has the code of its version"


async def test_an_execution_whose_code_is_unknown_fails_and_says_so(runner: Runner) -> None:
    first = await runner.run("branches", name="b1")
    (runner.home.path / "runner.sqlite3").unlink()
    async with embedded_client(runner.home) as client:
        await client.relaunch(first.execution, "b2")
    id_ = ExecutionId(PROJECT, DOMAIN, "b2")
    with pytest.raises(NotFoundError, match="not registered by"):
        await run_execution(runner.home, id_, runner.options())
    execution = await runner.execution(id_)
    assert execution.closure.phase == execution_pb2.WorkflowExecution.FAILED
    assert "not registered by" in execution.closure.error.message
    assert "--copy none" in execution.closure.error.message


async def test_an_execution_that_is_terminated_before_its_runner_comes_is_aborted(runner: Runner) -> None:
    first = await runner.run("branches", name="t1")
    id_ = ExecutionId(PROJECT, DOMAIN, "t2")
    async with embedded_client(runner.home) as client:
        await client.relaunch(first.execution, "t2")
        await client.terminate(id_, "enough")
    result = await run_execution(runner.home, id_, runner.options())
    execution = await runner.execution(id_)
    assert (result.phase, execution.closure.abort_metadata.cause) == ("ABORTED", "enough")
    assert execution.closure.phase == execution_pb2.WorkflowExecution.ABORTED


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        ("def x(:\n", FlowError, "SyntaxError"),
        ("import no_such_module\n", FlowError, "no_such_module"),
        ("raise SystemExit(3)\n", FlowError, "SystemExit: 3"),
        ("x = 1\n", UsageError, "has no workflow wf"),
        (
            "from flytekit import workflow\nfrom flowtui.plugin.artifact import *\nfrom flytekit import task\n"
            "from flytekit.types.file import FlyteFile\nA = Artifact('A', DATA)\n"
            "@task\ndef t() -> A.File('x.csv'):\n    return FlyteFile('x')\n"
            "@task\ndef u() -> A.File('x.csv'):\n    return FlyteFile('x')\n"
            "@workflow\ndef wf() -> A.File('x.csv'):\n    t()\n    return u()\n",
            ArtifactError,
            'has the file "x.csv" twice',
        ),
    ],
)
async def test_a_file_that_cannot_be_run(
    runner: Runner, tmp_path: Path, code: str, error: type[Exception], said: str
) -> None:
    file = tmp_path / "broken.py"
    file.write_text(code)
    with pytest.raises(error) as caught:
        await runner.run("wf", file=str(file))
    assert said in str(caught.value)


async def test_a_module_name_that_is_taken_is_refused(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("x = 1\n")
    with pytest.raises(FlowError, match="rename the file"):
        await runner.run("wf", file=str(tmp_path / "json.py"))


async def test_another_flow_of_the_file_that_does_not_compile_does_no_harm(runner: Runner, tmp_path: Path) -> None:
    file = tmp_path / "two.py"
    file.write_text(
        "from flytekit import task, workflow\n@task\ndef one(x: int) -> int:\n    return x\n"
        "@workflow\ndef good() -> int:\n    return one(x=1)\n"
        "@workflow\ndef bad() -> int:\n    return one(y=1)\n"
    )
    assert (await runner.run("good", file=str(file))).phase == "SUCCEEDED"
    with pytest.raises(FlowError):
        await runner.run("bad", file=str(file))


async def test_another_flow_of_the_file_that_is_refused_does_no_harm(runner: Runner, tmp_path: Path) -> None:
    file = tmp_path / "nodeless.py"
    file.write_text(
        "from flytekit import task, workflow\n@task\ndef one(x: int) -> int:\n    return x\n"
        "@workflow\ndef nodeless(x: int) -> int:\n    return x\n"
        "@workflow\ndef good() -> int:\n    return one(x=1)\n"
    )
    assert (await runner.run("good", file=str(file))).phase == "SUCCEEDED"
    with pytest.raises(ServerError, match="find any nodes"):
        await runner.run("nodeless", {"x": "1"}, file=str(file))


async def test_a_run_that_is_interrupted_before_it_listens_is_aborted(runner: Runner) -> None:
    task = asyncio.current_task()
    assert task is not None
    with pytest.raises(asyncio.CancelledError):
        await runner.run("numbers", {"n": "3"}, name="early", created=lambda _: task.cancel())
    if sys.version_info >= (3, 11):
        task.uncancel()
    async with embedded_client(runner.home) as client:
        execution = await client.get_execution(ExecutionId(PROJECT, DOMAIN, "early"))
    assert execution.closure.phase == WorkflowPhase.ABORTED
    assert execution.closure.abort_metadata.cause == "Interrupted on the keyboard."


async def test_a_name_that_is_taken_is_refused(runner: Runner) -> None:
    assert (await runner.run("numbers", {"n": "1"}, name="taken")).phase == "SUCCEEDED"
    with pytest.raises(UsageError, match="There is a run taken already"):
        await runner.run("numbers", {"n": "1"}, name="taken")
    with pytest.raises(UsageError, match="invalid name format"):
        await runner.run("numbers", {"n": "1"}, name="No Name")
    assert list(runner.home.locks.iterdir()) == []


_TYPES = """
import dataclasses, datetime, enum, typing
from flytekit import task, workflow

class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"

@dataclasses.dataclass
class Settings:
    a: int = 1

@task
def one(
    i: int, l: typing.List[int], m: typing.Dict[str, int], c: Settings, d: datetime.timedelta, e: Colour,
    o: typing.Optional[int],
) -> int:
    return i

@workflow
def wf(
    i: int = 1, l: typing.List[int] = [], m: typing.Dict[str, int] = {}, c: Settings = Settings(),
    d: datetime.timedelta = datetime.timedelta(0), e: Colour = Colour.RED, o: typing.Optional[int] = None,
) -> int:
    return one(i=i, l=l, m=m, c=c, d=d, e=e, o=o)
"""


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("i", "99999999999999999999", "out of range"),
        ("l", "3", "it must be a list in JSON"),
        ("l", "[1,", "it must be a list in JSON"),
        ("l", '["a"]', "Expected value of type"),
        ("m", "[1]", "it must be an object in JSON"),
        ("c", "[]", "it must be an object in JSON"),
        ("d", "soon", "it must be a duration"),
        ("e", "green", "'red', 'blue'"),
    ],
)
async def test_a_text_that_cannot_be_its_input(runner: Runner, tmp_path: Path, name: str, text: str, said: str) -> None:
    file = tmp_path / "types_flow.py"
    file.write_text(_TYPES)
    with pytest.raises(UsageError, match=f"--{name} cannot be") as caught:
        await runner.run("wf", {name: text}, file=str(file))
    assert said in caught.value.message
    assert "None" not in caught.value.message


async def test_types_of_inputs_in_words(runner: Runner, tmp_path: Path) -> None:
    file = tmp_path / "types_flow.py"
    file.write_text(_TYPES)
    async with runner.workers.attached() as workers:
        flow = await read_flow(workers, runner.home, FlowFile.of(file), "wf", project=PROJECT, domain=DOMAIN)
    assert {item.name: item.type for item in flow.inputs} == {
        "i": "integer",
        "l": "json list",
        "m": "json dictionary",
        "c": "JSON object Settings",
        "d": "duration",
        "e": "red|blue",
        "o": "integer",
    }


async def test_a_task_runs_by_itself(runner: Runner) -> None:
    result = await runner.run("numbers", {"n": "3"})
    assert result.phase == "SUCCEEDED"
    nodes = await runner.nodes(result.execution)
    assert {row.closure.phase for row in nodes.values()} == {NODE.SUCCEEDED}


def text_of(path: Path) -> str:
    return path.read_text("utf-8")


async def outputs_of(runner: Runner, id_: ExecutionId, node: str) -> dict[str, Any]:
    row = await runner.node(id_, node)
    return dict(read_message(Path(row.closure.output_uri), literals_pb2.LiteralMap).literals)


async def until(runner: Runner, run: asyncio.Future[RunResult], condition: Any) -> None:
    """Let the run go on until something has happened; a run that ends before fails the test."""
    while not condition():
        await asyncio.sleep(0.01)
        if run.done():
            with contextlib.suppress(asyncio.CancelledError):
                pytest.fail(f"the run has ended: {run.result()}")
