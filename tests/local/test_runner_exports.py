"""Export tasks in runs of this machine: what they wait for, what they refuse, and what they never wait for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from flyteidl.admin import execution_pb2 as admin_execution_pb2
from flyteidl.admin import signal_pb2
from flyteidl.core import execution_pb2, identifier_pb2

from flowtui.domain.execution import ExecutionId
from flowtui.local.runner import embedded_client, run_execution
from flowtui.local.runner.bindings import plain_value
from flowtui.local.runner.reporter import identifier
from flowtui.local.runner.workers import Workers
from tests.local.running import DOMAIN, PROJECT, Runner

NODE = execution_pb2.NodeExecution
FILE = "exports.py"


@pytest.fixture
def runner(tmp_path: Path, workers: Workers) -> Runner:
    return Runner(tmp_path / "home", workers)


def exported(runner: Runner, volume: str) -> set[str]:
    """Files below the folder that stands for a volume, those of flowtui itself left out."""
    folder = runner.home.path / "volumes" / volume
    files = (file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    return {file.as_posix() for file in files if not file.parts[0].startswith((".flowtui", "flowtui"))}


async def message(runner: Runner, execution: object, node: str) -> str:
    return str((await runner.node(execution, node)).closure.error.message)  # type: ignore[arg-type]


@pytest.mark.parametrize("slots", [1, 4])
async def test_an_export_that_comes_first_waits_for_all_that_follows(runner: Runner, slots: int) -> None:
    result = await runner.run("first_in_the_file", file=FILE, max_parallelism=slots)
    assert result.error == ""
    assert exported(runner, "first") == {"Tables/out.csv", "Tables/slow.csv"}


@pytest.mark.parametrize("slots", [1, 4])
async def test_two_exports_do_not_wait_for_each_other(runner: Runner, slots: int) -> None:
    result = await runner.run("two_exports", file=FILE, max_parallelism=slots)
    assert result.error == ""
    assert exported(runner, "tables") == {"Tables/out.csv"}
    assert exported(runner, "figures") == {"Figures/figure.txt"}


@pytest.mark.parametrize(
    ("workflow", "said"),
    [
        ("declared_nowhere", "This run declares no file of Figures (report)."),
        ("bundle_of_a_missing_file", "This run declares no file of Tables/other.csv (data)."),
    ],
)
async def test_what_the_run_does_not_declare_is_not_exported(runner: Runner, workflow: str, said: str) -> None:
    result = await runner.run(workflow, file=FILE)
    assert said in result.error
    assert not (runner.home.path / "bundles").exists()


async def test_a_failed_producer_is_named_with_its_file_and_its_error(runner: Runner) -> None:
    result = await runner.run("producer_fails", file=FILE)
    assert result.phase == "FAILED"
    told = await message(runner, result.execution, "n0")
    assert "Tables/never.csv of node n1 (fail): FAILED" in told
    assert "no licence" in told
    assert len(await runner.attempts(result.execution, "n0")) == 1, "no retry makes up for a lost file"
    assert not exported(runner, "in-vain")


async def test_a_flow_that_fails_meanwhile_ends_the_export(runner: Runner) -> None:
    result = await runner.run("other_fails", file=FILE)
    assert result.phase == "FAILED"
    assert "no licence" in result.error
    told = await message(runner, result.execution, "n0")
    assert "FAILING" in told
    assert not exported(runner, "in-vain")


async def test_a_failure_beside_does_not_cost_an_export_its_files(runner: Runner) -> None:
    result = await runner.run("other_fails_at_leisure", file=FILE)
    assert result.phase == "FAILED"
    assert (await runner.node(result.execution, "n0")).closure.phase == NODE.SUCCEEDED
    assert exported(runner, "at-leisure") == {"Figures/figure.txt"}


async def test_an_export_ends_with_its_time(runner: Runner) -> None:
    result = await runner.run("too_slow", file=FILE)
    assert "task execution timeout [2s] expired" in result.error


async def test_a_producer_that_runs_after_the_export_is_refused(runner: Runner) -> None:
    result = await runner.run("runs_after_export", file=FILE)
    assert "Tables/out.csv of node n1 (make) is made after this export only" in result.error


async def test_other_nodes_may_run_after_the_export(runner: Runner) -> None:
    result = await runner.run("undeclared_runs_after_export", file=FILE)
    assert result.error == ""
    assert exported(runner, "beside") == {"Tables/out.csv"}


async def test_exports_that_would_wait_for_each_other_are_refused(runner: Runner) -> None:
    result = await runner.run("two_wait_for_each_other", file=FILE)
    assert "is made after this export only" in result.error


async def test_files_of_sub_workflows_are_waited_for(runner: Runner) -> None:
    result = await runner.run("sub_workflow", file=FILE)
    assert result.error == ""
    assert exported(runner, "of-all") == {"Tables/inner.csv", "Tables/out.csv"}
    assert exported(runner, "figures-of-inner") == {"Figures/figure.txt"}


async def test_an_export_in_a_sub_workflow_waits_for_the_whole_run(runner: Runner) -> None:
    result = await runner.run("export_in_sub_workflow", file=FILE)
    assert result.error == ""
    assert exported(runner, "from-inner") == {"Tables/inner.csv", "Tables/out.csv"}


async def test_files_that_a_dynamic_node_turns_out_to_make_are_waited_for(runner: Runner) -> None:
    result = await runner.run("of_dynamic", file=FILE)
    assert result.error == ""
    assert exported(runner, "dynamic") == {"Tables/slow.csv"}


@pytest.mark.parametrize(
    ("left", "files"), [("true", {"Tables/slow.csv", "Tables/left.csv"}), ("false", {"Tables/slow.csv"})]
)
async def test_an_arm_that_is_not_taken_is_no_part_of_the_run(runner: Runner, left: str, files: set[str]) -> None:
    result = await runner.run("one_arm", {"left": left}, file=FILE)
    assert result.error == ""
    assert exported(runner, "arm") == files


@pytest.mark.parametrize(("there", "files"), [("true", {"perhaps.csv", "out.csv"}), ("false", {"out.csv"})])
async def test_an_optional_file_that_is_none_is_left_out(runner: Runner, there: str, files: set[str]) -> None:
    result = await runner.run("optional", {"there": there}, file=FILE)
    assert result.error == ""
    assert exported(runner, "optional") == {f"Tables/{name}" for name in files}


async def test_a_producer_that_is_tried_again_is_waited_for(runner: Runner) -> None:
    result = await runner.run("retried", file=FILE)
    assert result.error == ""
    assert exported(runner, "retried") == {"Tables/out.csv", "Tables/second.csv"}


async def test_a_child_of_a_launch_plan_exports_its_own_files(runner: Runner) -> None:
    result = await runner.run("launch_plan_child", file=FILE)
    assert result.error == ""
    assert exported(runner, "first") == {"Tables/out.csv", "Tables/slow.csv"}
    assert exported(runner, "parent") == {"Tables/out.csv"}


async def test_a_recovered_run_exports_what_the_failed_one_made(runner: Runner) -> None:
    """The producer and the sub-workflow are taken over; only the export, whose place was in the way, runs again."""
    place = runner.home.path / "volumes"
    place.mkdir(parents=True)
    (place / "of-all").write_text("in the way")
    failed = await runner.run("sub_workflow", file=FILE)
    assert failed.phase == "FAILED"
    (place / "of-all").unlink()
    async with embedded_client(runner.home) as client:
        request = admin_execution_pb2.ExecutionRecoverRequest(id=identifier(failed.execution), name="again")
        await client.post("/api/v1/executions/recover", request, admin_execution_pb2.ExecutionCreateResponse)
    id_ = ExecutionId(PROJECT, DOMAIN, "again")
    result = await run_execution(runner.home, id_, runner.options())
    assert (await runner.node(id_, "n2")).closure.phase == NODE.RECOVERED
    assert result.error == ""
    assert exported(runner, "of-all") == {"Tables/inner.csv", "Tables/out.csv"}
    assert exported(runner, "figures-of-inner") == {"Figures/figure.txt"}


async def test_an_export_waits_behind_a_gate(runner: Runner) -> None:
    run = asyncio.ensure_future(runner.run("with_gate", file=FILE, name="gated"))
    while not any("waits for the input go-on" in step.note for step in runner.steps):
        assert not run.done(), run
        await asyncio.sleep(0.05)
    async with embedded_client(runner.home) as client:
        signal = identifier_pb2.SignalIdentifier(
            signal_id="go-on", execution_id=identifier(ExecutionId(PROJECT, DOMAIN, "gated"))
        )
        request = signal_pb2.SignalSetRequest(id=signal, value=plain_value("gated"))
        await client.post("/api/v1/signals", request, signal_pb2.SignalSetResponse)
    assert (await run).error == ""
    assert exported(runner, "gated") == {"Tables/out.csv"}
