"""The task that exports artifacts: it starts with the run, waits for those who make the files, and exports them here.

``datasets/ID/EXECUTION`` of the home stands for a dataset with a snapshot, ``volumes/ID`` for a NetApp volume and
``bundles/NAME/EXECUTION`` for a bundle. The export itself is a process: ``python -m flowtui export``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flyteidl.core import interface_pb2, literals_pb2, tasks_pb2, workflow_pb2
from google.protobuf import json_format

from flowtui.local.home import Home
from flowtui.local.runner.bindings import promised_nodes, then_nodes
from flowtui.local.runner.failures import AttemptFailedError, user_error
from flowtui.local.runner.names import END, START
from flowtui.plugin.encoding import FileKey, key_of_id
from flowtui.plugin.export import EXPORT_KEY, export_request
from flowtui.text import file_name

if TYPE_CHECKING:
    from flowtui.local.runner.attempts import Attempt
    from flowtui.local.runner.level import Closure, Level

FAILED = "ExportFailed"


@dataclass(frozen=True)
class Export:
    """One call of the export command.

    Attributes:
        type: of the artifacts: ``data``, ``model`` or ``report``.
        selectors: ARTIFACT or ARTIFACT/FILE.
        target: the folder.
        replace: files that are there are replaced: a volume has no snapshots.
        artifacts: names of the artifacts, for the wait.
    """

    type: str
    selectors: tuple[str, ...]
    target: Path
    replace: bool
    artifacts: frozenset[str]


def is_export(template: tasks_pb2.TaskTemplate) -> bool:
    """Whether a task is the one that exports artifacts."""
    return EXPORT_KEY in template.custom.fields


def planned(custom: Mapping[str, Any], home: Home, execution: str) -> list[Export]:
    """What a task of this kind has to export, from its ``custom``."""
    request = export_request(custom) or {}
    found: list[Export] = []
    for spec in request.get("specs", []):
        if spec["kind"] == "bundle":
            found.extend(_to_bundles(spec, home, execution))
            continue
        name, kind = spec["artifactName"], spec["artifactType"]
        if spec["kind"] == "dataset":
            target, replace = home.datasets / file_name(spec["datasetId"]) / file_name(execution), False
        else:
            parts = [file_name(part) for part in str(spec.get("targetRelativePath", "")).split("/") if part]
            target, replace = home.path.joinpath("volumes", file_name(spec["netAppVolumeId"]), *parts), True
        found.append(Export(kind, (name,), target, replace, frozenset({name})))
    return found


def _to_bundles(spec: Mapping[str, Any], home: Home, execution: str) -> Iterator[Export]:
    kinds = dict.fromkeys(file["artifactType"] for file in spec["files"])
    for bundle in spec["bundles"]:
        for kind in kinds:
            files = [file for file in spec["files"] if file["artifactType"] == kind]
            yield Export(
                kind,
                tuple(f"{file['artifactName']}/{file['fileName']}" for file in files),
                home.path / "bundles" / file_name(bundle) / file_name(execution),
                True,
                frozenset(file["artifactName"] for file in files),
            )


def _declared(variables: interface_pb2.VariableMap) -> set[tuple[str, str]]:
    keys = (key_of_id(variable.artifact_partial_id) for variable in variables.variables.values())
    return {(key.artifact, key.type) for key in keys if isinstance(key, FileKey)}


def declares(node: workflow_pb2.Node, closure: Closure) -> set[tuple[str, str]]:
    """Artifacts (name, type) that a node declares files of, at any depth that is known before it runs."""
    kind = node.WhichOneof("target")
    if kind == "task_node":
        template = closure.task(node.task_node.reference_id)
        return set() if template is None else _declared(template.interface.outputs)
    if kind == "branch_node":
        return set().union(*(declares(arm, closure) for arm in then_nodes(node)))
    if kind == "array_node":
        return declares(node.array_node.node, closure)
    if kind == "workflow_node":
        workflow = closure.workflow(node.workflow_node.sub_workflow_ref)
        if workflow is not None:
            inner = (declares(one, closure) for one in workflow.nodes)
            return _declared(workflow.interface.outputs).union(*inner)
    return set()


def producers(level: Level, artifacts: set[tuple[str, str]]) -> set[str]:
    """Ids of the nodes of a level that an export has to wait for.

    A Python task may turn out to be dynamic, with files that no interface of the level tells of; so it counts too.
    """
    found = set()
    for node in level.workflow.nodes:
        if node.id in (START, END) or _exports(node, level.closure):
            continue
        if declares(node, level.closure) & artifacts or _may_be_dynamic(node, level.closure):
            found.add(node.id)
    for binding in level.workflow.outputs:
        variable = level.workflow.interface.outputs.variables[binding.var]
        key = key_of_id(variable.artifact_partial_id)
        if key is not None and (key.artifact, key.type) in artifacts:
            found.update(promised_nodes(binding.binding))
    return found - {START}


def _exports(node: workflow_pb2.Node, closure: Closure) -> bool:
    template = closure.task(node.task_node.reference_id) if node.HasField("task_node") else None
    return template is not None and is_export(template)


def _may_be_dynamic(node: workflow_pb2.Node, closure: Closure) -> bool:
    kind = node.WhichOneof("target")
    if kind == "task_node":
        template = closure.task(node.task_node.reference_id)
        return template is not None and template.HasField("container")
    if kind == "branch_node":
        return any(_may_be_dynamic(arm, closure) for arm in then_nodes(node))
    if kind == "workflow_node":
        workflow = closure.workflow(node.workflow_node.sub_workflow_ref)
        return workflow is not None and any(_may_be_dynamic(one, closure) for one in workflow.nodes)
    return bool(kind == "array_node")


async def execute(attempt: Attempt) -> literals_pb2.LiteralMap:
    """Wait for the producers, then export.

    Raises:
        AttemptFailedError: a producer has failed, or an export has.
    """
    home = attempt.run.services.home
    exports = planned(json_format.MessageToDict(attempt.template.custom), home, attempt.run.id.name)
    level = attempt.level
    if level is not None:
        wanted = {(name, export.type) for export in exports for name in export.artifacts}
        lost = await level.ended(attempt.place.spec_id, producers(level, wanted))
        if lost:
            told = f"The artifacts cannot be exported: node {', '.join(sorted(lost))} did not make its files."
            raise AttemptFailedError(user_error(FAILED, told), recoverable=False)
    for export in exports:
        status = await _export(attempt, export)
        if status:
            told = f"The export to {export.target} ended with exit code {status}.{attempt.tail()}"
            raise AttemptFailedError(user_error(FAILED, told), recoverable=True)
    return literals_pb2.LiteralMap()


def command(attempt: Attempt, export: Export) -> list[str]:
    """The command line of an export."""
    id_ = attempt.run.id
    return [
        *(sys.executable, "-m", "flowtui", "export"),
        *("--local", "--home", str(attempt.run.services.home.path)),
        *("--project", id_.project, "--domain", id_.domain),
        *("--type", export.type, "--to", str(export.target)),
        *("--if-exists", "replace" if export.replace or attempt.number else "stop"),
        "--",
        id_.name,
        *export.selectors,
    ]


async def _export(attempt: Attempt, export: Export) -> int:
    environment = {name: value for name, value in os.environ.items() if name != "FLOWTUI_ENDPOINT"}
    with attempt.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command(attempt, export),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
