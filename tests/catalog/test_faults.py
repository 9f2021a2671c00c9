"""The catalog under faults: the same answer as without, an error, or a notice; and nothing wrong is kept."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowtui.admin import AdminClient
from flowtui.catalog import Catalog, ResponseCache
from flowtui.domain.artifact import RunArtifacts
from flowtui.domain.execution import ExecutionId, NodeExecution
from flowtui.domain.lineage import Lineage
from flowtui.errors import FlowtuiError
from flowtui.httpclient import httpx
from tests.faults import FAULTS, HANGING, Fault, Faulty
from tests.headless.conftest import DOMAIN, PROJECT, Server
from tests.replay import BASE_URL

PATIENCE = 60.0
RUNS = ("dynamics-1", "mapped-1")
WHERE = ("executions", "node_executions", "data", "workflows", "tasks", "dynamic_workflow", "task_executions")


def concerns(where: str) -> Callable[[httpx.Request], bool]:
    """Whether a request is for a kind of thing: by its first word behind ``/api/v1``, or its last."""

    def check(request: httpx.Request) -> bool:
        words = request.url.path.split("/")
        return words[-1] == where if where == "dynamic_workflow" else words[3] == where and words[-1] != where

    return check


def open_catalog(faulty: Faulty, cache: ResponseCache | None, timeout: float = 5) -> Catalog:
    return Catalog(AdminClient(BASE_URL, transport=faulty, retry_delay=0, timeout=timeout), cache)


async def everything(catalog: Catalog, name: str) -> list[Any]:
    """Artifacts, nodes, lineage and inputs of a run, each an answer or an error of flowtui's own."""
    run = ExecutionId(PROJECT, DOMAIN, name)
    found: list[Any] = []
    for call in (
        catalog.artifacts(run, undeclared=True),
        catalog.nodes(run, attempts=True),
        catalog.lineage(run),
        catalog.inputs(run),
    ):
        try:
            found.append(await asyncio.wait_for(call, PATIENCE))
        except FlowtuiError as error:
            found.append(error)
    return found


_TRUTH: dict[str, list[Any]] = {}


async def truth(name: str) -> list[Any]:
    if name not in _TRUTH:
        _TRUTH[name] = await everything(open_catalog(Faulty(Server()), None), name)
        assert not any(isinstance(one, FlowtuiError) for one in _TRUTH[name])
    return _TRUTH[name]


def lies(found: Any, true: Any) -> str:
    """What an answer says that is neither true nor excused by a notice; empty where it is honest."""
    if isinstance(found, FlowtuiError) or found == true:
        return ""
    if isinstance(found, RunArtifacts):
        return _artifact_lies(found, true)
    if isinstance(found, Lineage):
        return "" if found.notices else "lineage differs without a notice"
    if isinstance(found, tuple) and found and isinstance(found[0], NodeExecution):
        # Nodes of a closure that is not known are missing; the phases of those that are there are true.
        phases = {node.id.node: node.phase for node in _flat(true)}
        wrong = [node.id.node for node in _flat(found) if phases.get(node.id.node, node.phase) != node.phase]
        return f"phases of {wrong}" if wrong else ""
    # Launch Inputs without the interface have their values all the same.
    same = {(one.name, one.value) for one in found} == {(one.name, one.value) for one in true}
    return "" if same else "inputs differ"


def _flat(nodes: tuple[NodeExecution, ...]) -> list[NodeExecution]:
    return [below for node in nodes for below in (node, *_flat(node.children))]


def _artifact_lies(found: RunArtifacts, true: RunArtifacts) -> str:
    if dataclasses.replace(found.execution) != true.execution:
        return "the execution differs"
    known = {(file.type, file.artifact, file.file, file.node): file for file in true.files}
    for file in found.files:
        was = known.pop((file.type, file.artifact, file.file, file.node), None)
        if was is None and not found.notices:
            return f"{file.file} is not of this run"
        if was is not None and file.state != was.state and (file.state != "unavailable" or not file.notices):
            return f"{file.file} is {file.state}, and was {was.state}"
        if was is not None and file.state == was.state and file.uris != was.uris:
            return f"{file.file} has other URIs"
    if known and not found.notices:
        return f"{list(known)} are missing without a notice"
    outputs = {(one.node, one.variable): one.uris for one in true.undeclared}
    for one in found.undeclared:
        if one.uris is not None and outputs.get((one.node, one.variable), one.uris) != one.uris and not found.notices:
            return f"{one.node} {one.variable} has other URIs"
    return ""


@pytest.mark.parametrize("name", FAULTS)
async def test_no_fault_makes_a_lie_or_leaves_one_behind(name: str, tmp_path: Path) -> None:
    fault: Fault = FAULTS[name]
    for run in RUNS:
        true = await truth(run)
        for where in WHERE:
            cache = ResponseCache(tmp_path / f"{run}-{where}.sqlite3")
            try:
                faulty = Faulty(Server(), fault, concerns(where))
                catalog = open_catalog(faulty, cache, timeout=0.03 if name in HANGING else 5)
                for found, one in zip(await everything(catalog, run), true, strict=True):
                    assert lies(found, one) == "", f"{run}, {where}"
                # What was kept, and what is remembered in memory, is true once the fault is over.
                faulty.fault = None
                # That something is larger than the server can send does not pass, and may be remembered.
                if name != "429 too large":
                    assert await everything(catalog, run) == true, f"{run}, {where}: remembered"
                assert await everything(open_catalog(Faulty(Server()), cache), run) == true, f"{run}, {where}: kept"
            finally:
                cache.close()


@pytest.mark.parametrize("name", ["400", "403", "404", "404 page", "500"])
async def test_a_fault_at_any_one_request_makes_no_lie(name: str) -> None:
    """The n-th request of all goes wrong, once, for every n."""
    run = "dynamics-1"
    true = await truth(run)
    at = 0
    while True:
        count = -1

        def is_that_one(request: httpx.Request, wanted: int = at) -> bool:
            nonlocal count
            count += 1
            return count == wanted

        faulty = Faulty(Server(), FAULTS[name], is_that_one)
        for found, one in zip(await everything(open_catalog(faulty, None), run), true, strict=True):
            assert lies(found, one) == "", f"request {at}: {faulty.seen[at]}"
        if count < at:
            break
        at += 1
    assert at > 10


@pytest.mark.parametrize("name", FAULTS)
async def test_a_list_of_runs_is_whole_or_an_error(name: str) -> None:
    faulty = Faulty(Server(), FAULTS[name])
    catalog = open_catalog(faulty, None, timeout=0.03 if name in HANGING else 5)
    with pytest.raises(FlowtuiError):
        await asyncio.wait_for(catalog.executions(PROJECT, DOMAIN), PATIENCE)
    faulty.fault = None
    assert (await catalog.executions(PROJECT, DOMAIN)).executions
