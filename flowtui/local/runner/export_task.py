"""The task that exports artifacts: it starts with the run, and runs the same command as on a cluster.

The command waits by itself, asking Flyte Admin. Before, the runner lets the nodes of the same level end that are waited
for: it need not ask. Where one of them fails, the export still gets to say which of its files that costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flyteidl.core import interface_pb2, literals_pb2, tasks_pb2, workflow_pb2
from google.protobuf import json_format

from flowtui.domain.export_request import EXPORT_KEY, ExportRequest, request_of
from flowtui.errors import UsageError
from flowtui.local.runner.bindings import promised_nodes, then_nodes, upstream
from flowtui.local.runner.failures import AttemptFailedError, user_error
from flowtui.local.runner.names import END, START
from flowtui.plugin.encoding import FileKey, key_of_id
from flowtui.plugin.export import EXPORT_COMMAND, export_command, export_request

if TYPE_CHECKING:
    from flowtui.local.runner.attempts import Attempt
    from flowtui.local.runner.level import Closure, Level

FAILED = "ExportFailed"

_COMPLAINT = "flowtui: "
"""What the message of a command that fails begins with."""

_ELSEWHERE = ("FLOWTUI_ENDPOINT", "FLOWTUI_CONTEXT", "FLOWTUI_RUN")
"""Variables that would lead the command to another server or run."""


def is_export(template: tasks_pb2.TaskTemplate) -> bool:
    """Whether a task is the one that exports artifacts."""
    return EXPORT_KEY in template.custom.fields


def _files(variables: interface_pb2.VariableMap) -> set[FileKey]:
    keys = (key_of_id(variable.artifact_partial_id) for variable in variables.variables.values())
    return {key for key in keys if key is not None}


def declares(node: workflow_pb2.Node, closure: Closure) -> set[FileKey]:
    """Artifact files that a node declares, at any depth that is known before it runs."""
    kind = node.WhichOneof("target")
    if kind == "task_node":
        template = closure.task(node.task_node.reference_id)
        return set() if template is None else _files(template.interface.outputs)
    if kind == "array_node":
        return declares(node.array_node.node, closure)
    workflow = closure.workflow(node.workflow_node.sub_workflow_ref) if kind == "workflow_node" else None
    own = set() if workflow is None else _files(workflow.interface.outputs)
    return own.union(*(declares(one, closure) for one in _inner(node, closure)))


def producers(level: Level, request: ExportRequest) -> set[str]:
    """Ids of the nodes of a level that an export surely has to wait for.

    A Python task may turn out to be dynamic, with files that no interface of the level tells of; so it counts too.
    Nodes that hold an export, and what runs after one, are left to the command: they might wait for this one.
    """
    nodes = [node for node in level.workflow.nodes if node.id not in (START, END)]
    after = {node.id for node in nodes if _holds_export(node, level.closure)}
    waits = {node.id: upstream(node) for node in nodes}
    while more := {id_ for id_, before in waits.items() if id_ not in after and before & after}:
        after |= more
    found = set()
    for node in nodes:
        wanted = any(request.wants(*key) for key in declares(node, level.closure))
        if wanted or _may_be_dynamic(node, level.closure):
            found.add(node.id)
    for binding in level.workflow.outputs:
        variable = level.workflow.interface.outputs.variables[binding.var]
        key = key_of_id(variable.artifact_partial_id)
        if key is not None and request.wants(*key):
            found.update(promised_nodes(binding.binding))
    return found - after - {START}


def _inner(node: workflow_pb2.Node, closure: Closure) -> Iterable[workflow_pb2.Node]:
    """The arms of a branch, the nodes of a sub-workflow."""
    kind = node.WhichOneof("target")
    if kind == "branch_node":
        return then_nodes(node)
    workflow = closure.workflow(node.workflow_node.sub_workflow_ref) if kind == "workflow_node" else None
    return workflow.nodes if workflow is not None else ()


def _holds_export(node: workflow_pb2.Node, closure: Closure) -> bool:
    template = closure.task(node.task_node.reference_id) if node.HasField("task_node") else None
    if template is not None:
        return is_export(template)
    return any(_holds_export(one, closure) for one in _inner(node, closure))


def _may_be_dynamic(node: workflow_pb2.Node, closure: Closure) -> bool:
    if node.WhichOneof("target") == "task_node":
        template = closure.task(node.task_node.reference_id)
        return template is not None and template.HasField("container")
    return any(_may_be_dynamic(one, closure) for one in _inner(node, closure))


async def execute(attempt: Attempt) -> literals_pb2.LiteralMap:
    """Wait for the producers, then run the command of the task.

    Raises:
        AttemptFailedError: the command has failed.
    """
    custom = json_format.MessageToDict(attempt.template.custom)
    asked = export_request(custom) or {}
    try:
        request = request_of(asked)
    except UsageError as error:
        raise AttemptFailedError(user_error(FAILED, error.message), recoverable=False) from error
    lost: set[str] = set()
    if attempt.level is not None:
        lost = await attempt.level.ended(attempt.place.spec_id, producers(attempt.level, request))
    given = str(custom.get("Command") or "")
    # Flows that an older flowtui registered have no command.
    status = await _run(attempt, command(attempt, given if _is_command(given) else export_command(asked)))
    if status:
        raise AttemptFailedError(user_error(FAILED, _told(attempt, status)), recoverable=not lost)
    return literals_pb2.LiteralMap()


def _is_command(line: str) -> bool:
    return line.startswith(f"{EXPORT_COMMAND} ") and len(line.split()) == len(EXPORT_COMMAND.split()) + 1


def _told(attempt: Attempt, status: int) -> str:
    """What the command complained about at its end."""
    printed = attempt.tail()
    _, _, complaint = printed.rpartition(f"\n{_COMPLAINT}")
    return f"The export failed: {complaint}" if complaint else f"The export ended with exit code {status}.{printed}"


def command(attempt: Attempt, line: str) -> list[str]:
    """The command of an export task as it is run here: by this Python, on the runs of this machine."""
    _, *words = line.split()
    return [sys.executable, "-m", "flowtui", *words, "--local", "--home", str(attempt.run.services.home.path)]


async def _run(attempt: Attempt, words: list[str]) -> int:
    inherited = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    with attempt.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**inherited, **attempt.environment()},
            start_new_session=True,
        )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
