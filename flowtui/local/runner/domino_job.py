"""A Domino job as a local process: inputs at ``/workflow/inputs``, outputs from ``/workflow/outputs``."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flyteidl.core import execution_pb2, literals_pb2
from google.protobuf import json_format

from flowtui.errors import FlowError
from flowtui.local.runner.failures import AttemptFailedError, user_error
from flowtui.local.runner.job_files import MissingOutputError, read_outputs, write_inputs
from flowtui.local.runner.mounts import TARGET

if TYPE_CHECKING:
    from flowtui.local.runner.attempts import Attempt

TASK_TYPE = "domino_job"
FAILED = "TaskFailedWithError"
NO_MOUNT_VARIABLE = "FLOWTUI_NO_MOUNT"
"""Environment variable that keeps jobs from getting a ``/workflow`` of their own."""

_HINT = (
    f"The job asks for {TARGET}, which this machine does not let flowtui mount for it ({{reason}}). "
    "Let the job read the folder from the environment variable FLOWTUI_WORKFLOW_DIR, which holds inputs and outputs, "
    "or run it on Linux with user namespaces."
)


async def execute(attempt: Attempt) -> literals_pb2.LiteralMap:
    """Run the job's command and take its outputs.

    Raises:
        AttemptFailedError: it has failed, or an output is missing.
    """
    custom = json_format.MessageToDict(attempt.template.custom)
    folder = attempt.work / "workflow"
    shutil.rmtree(folder, ignore_errors=True)
    for side in ("inputs", "outputs"):
        (folder / side).mkdir(parents=True)
    try:
        return await _execute(attempt, custom, folder)
    except MissingOutputError as error:
        raise _failed(error.message) from error
    except (FlowError, OSError) as error:
        raise _failed(str(error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder.with_name("workflow-root"), ignore_errors=True)


async def _execute(attempt: Attempt, custom: dict[str, Any], folder: Path) -> literals_pb2.LiteralMap:
    write_inputs(folder, attempt.inputs, custom.get("inputPaths", {}))
    answer = attempt.work / "job.json"
    flow = attempt.run.services.flow
    status = await attempt.run.services.workers.run(
        "flowtui.local.runner.job_process:execute",
        {
            "command": command_of(custom),
            "folder": str(folder),
            "mount": os.environ.get(NO_MOUNT_VARIABLE, "") in ("", "0"),
            "answer": str(answer),
        },
        log=attempt.log,
        env={**attempt.environment(), "DOMINO_IS_WORKFLOW_JOB": "true"},
        cwd=flow.folder,
    )
    told = json.loads(answer.read_text("utf-8")) if answer.exists() else {"mounted": False, "refused": False}
    hint = _HINT.format(reason=told.get("reason", ""))
    if told["refused"]:
        raise _failed(hint, recoverable=False)
    if status:
        from flowtui.local.runner.attempts import how_it_ended

        raise _failed(f"the command {how_it_ended(status)}{attempt.tail()}")
    variables = attempt.template.interface.outputs.variables
    try:
        return read_outputs(folder, variables, custom.get("outputPaths", {}), attempt.raw)
    except MissingOutputError as error:
        if told["mounted"]:
            raise
        raise FlowError(f"{error.message}. {hint}") from error


def command_of(custom: dict[str, Any]) -> str:
    """The command of a job's configuration."""
    inner = custom.get("jobConfig")
    nested = inner.get("Command", "") if isinstance(inner, dict) else ""
    return str(custom.get("Command") or custom.get("command") or nested)


def _failed(message: str, *, recoverable: bool = True) -> AttemptFailedError:
    error: execution_pb2.ExecutionError = user_error(FAILED, f"failed to run the job: {message}")
    return AttemptFailedError(error, recoverable=recoverable)
