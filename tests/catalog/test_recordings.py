"""The join against 44 executions of a real Flyte: what ``expected.json`` says is the truth."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowtui.admin import AdminClient
from flowtui.catalog import Catalog
from flowtui.domain.artifact import RunArtifacts
from flowtui.domain.execution import ExecutionId
from tests.replay import BASE_URL, Replay, expected

EXPECTED = expected()


def execution(name: str) -> ExecutionId:
    return ExecutionId("flytesnacks", "development", name)


async def read(name: str, transport: Replay) -> RunArtifacts:
    async with AdminClient(BASE_URL + transport.prefix, transport=transport, retry_delay=0) as client:
        return await Catalog(client).artifacts(execution(name))


def as_recorded(run: RunArtifacts) -> dict[str, Any]:
    """The shape of ``expected.json``."""
    return {
        "phase": run.execution.phase,
        "workflow": run.execution.workflow.name,
        "children": [child.name for child in run.children],
        "files": [
            {
                "type": file.type,
                "artifact": file.artifact,
                "file": file.file,
                "node": file.node,
                "state": file.state,
                "uris": list(file.uris),
            }
            for file in run.files
        ],
    }


def in_any_order(found: dict[str, Any]) -> dict[str, Any]:
    files = sorted(found["files"], key=lambda file: json.dumps(file, sort_keys=True))
    return {**found, "files": files, "children": sorted(found["children"])}


@pytest.mark.parametrize("name", sorted(EXPECTED))
async def test_every_recorded_execution_gives_what_was_found_in_it(name: str) -> None:
    run = await read(name, Replay())
    assert in_any_order(as_recorded(run)) == in_any_order(EXPECTED[name])


def test_all_of_them_are_there() -> None:
    assert len(EXPECTED) == 44


@pytest.mark.parametrize("form", ["snake_case", "camelCase"])
@pytest.mark.parametrize("name", sorted(EXPECTED))
async def test_json_gives_the_same_as_binary(name: str, form: str) -> None:
    binary = await read(name, Replay(prefix="/flows"))
    assert in_any_order(as_recorded(binary)) == in_any_order(EXPECTED[name])
    assert await read(name, Replay(prefix="/flows", json=form)) == binary


async def test_a_run_is_read_while_it_runs() -> None:
    run = await read("long-running-1", Replay(running=True))
    assert in_any_order(as_recorded(run)) == in_any_order(EXPECTED["long-running-1"])
    waiting = await read("gated-1", Replay(running=True))
    assert {(file.file, file.state) for file in waiting.files} == {("dm.csv", "present"), ("adsl.csv", "pending")}
    assert waiting.execution.phase == "RUNNING"
    stopped = await read("aborted-1", Replay(running=True))
    assert {(file.file, file.state) for file in stopped.files} == {("dm.csv", "present"), ("sleeper.csv", "pending")}
