"""``flowtui run``: the words behind WORKFLOW become inputs of the workflow, and the run is shown while it goes."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from flowtui.domain.execution import ExecutionId
from flowtui.errors import UsageError
from flowtui.local.home import Home
from flowtui.local.runner.flow_file import FlowFile
from flowtui.local.runner.flow_inputs import parse_inputs
from flowtui.local.runner.registration import Flow, read_flow
from flowtui.local.runner.runner import LOCK_VARIABLE, RunOptions, RunResult, run_execution, run_flow
from flowtui.local.runner.workers import Workers
from flowtui.text import plain, plain_block
from flowtui.words import error_line

_HELP = ("-h", "--help")


def describe(flow: Flow) -> str:
    """The inputs of a workflow, as its help."""
    lines = [f"usage: flowtui run {flow.file.path.name} {plain(flow.name.rpartition('.')[2])} [--INPUT VALUE ...]", ""]
    if flow.summary:
        lines += [plain(flow.summary), ""]
    if not flow.inputs:
        return "\n".join([*lines, "It has no inputs."])
    heads = [f"--{plain(item.name)}" for item in flow.inputs]
    width = max(map(len, heads))
    lines.append("inputs:")
    for head, item in zip(heads, flow.inputs, strict=True):
        default = "required" if item.required else f"default: {plain(item.default or 'none')}"
        about = f"  {plain(item.description)}" if item.description else ""
        lines.append(f"  {head:<{width}}  {plain(item.type)} ({default}){about}")
    return "\n".join(lines)


def run(
    home: Path,
    file: str,
    workflow: str,
    words: Sequence[str],
    *,
    project: str,
    domain: str,
    name: str = "",
    max_parallelism: int = 4,
    overwrite_cache: bool = False,
    local_flag: bool = False,
    as_json: bool = False,
) -> int:
    """Run a workflow of a file.

    Args:
        words: what stands behind the workflow on the command line.
        name: of the run; made up where empty.
        local_flag: the command that shows the run needs ``--local``, because a server is configured.
        as_json: write the run as JSON to standard output when it has ended.

    Returns:
        The exit code: 0, 1 where the run failed, 130 where it was interrupted or terminated.

    Raises:
        UsageError: no such file, workflow or input, or a text that cannot be its input.
        FlowError: the file does not load or compile.
    """
    flow_file = FlowFile.of(Path(file))
    workers = Workers(flow_file.preload())
    try:
        return asyncio.run(
            _run(
                Home(home),
                flow_file,
                workflow,
                words,
                RunOptions(
                    project=project,
                    domain=domain,
                    name=name,
                    max_parallelism=max_parallelism,
                    overwrite_cache=overwrite_cache,
                    workers=workers,
                    created=_created,
                    warned=_warned,
                ),
                local_flag,
                as_json,
            )
        )
    finally:
        workers.close()


async def _run(
    home: Home,
    file: FlowFile,
    workflow: str,
    words: Sequence[str],
    options: RunOptions,
    local_flag: bool,
    as_json: bool,
) -> int:
    if any(word in _HELP for word in words):
        assert options.workers is not None
        async with options.workers.attached() as workers:
            flow = await read_flow(workers, home, file, workflow, project=options.project, domain=options.domain)
        sys.stdout.write(describe(flow) + "\n")
        return 0
    given = parse_inputs(words)
    result = await run_flow(home, file.path, workflow, given, options)
    _tell(result, local_flag)
    if as_json:
        _write_json(result)
    return result.exit_code


def run_existing(home: Path, execution: str, *, max_parallelism: int = 4) -> int:
    """Run an execution that was created through the API.

    Args:
        execution: PROJECT/DOMAIN/NAME.

    Returns:
        The exit code, as :func:`run`.

    Raises:
        UsageError: ``execution`` is no such id.
        NotFoundError: there is no such execution, or its code is not known on this machine.
    """
    parts = execution.split("/")
    if len(parts) != 3 or not all(parts):
        raise UsageError(f"{execution!r} is no PROJECT/DOMAIN/NAME.")
    lock = os.environ.pop(LOCK_VARIABLE, "")
    result = asyncio.run(
        run_execution(
            Home(home),
            ExecutionId(*parts),
            RunOptions(max_parallelism=max_parallelism),
            lock=int(lock) if lock.isdecimal() else None,
        )
    )
    _tell(result, False)
    return result.exit_code


def _created(id_: ExecutionId) -> None:
    sys.stderr.write(f"Run {plain(id_.name)}   ctrl+c aborts it\n")
    sys.stderr.flush()


def _warned(warning: str) -> None:
    sys.stderr.write(f"! {plain(warning)}\n")


def _tell(result: RunResult, local_flag: bool) -> None:
    reason = f": {error_line(result.error)}" if result.error else ""
    flag = " --local" if local_flag else ""
    lines = [f"{result.phase}{reason}", f"flowtui artifacts {shlex.quote(result.execution.name)}{flag}"]
    sys.stderr.write(plain_block("\n".join(lines)) + "\n")


def _write_json(result: RunResult) -> None:
    import json

    id_ = result.execution
    shape = {
        "execution": {"project": id_.project, "domain": id_.domain, "name": id_.name, "phase": result.phase},
        "error": result.error or None,
    }
    sys.stdout.write(json.dumps(shape, ensure_ascii=False, indent=2) + "\n")
