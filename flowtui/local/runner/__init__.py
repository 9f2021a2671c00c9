"""The local runner: executes flows on this machine and reports like Flyte's engine."""

from flowtui.local.runner.runner import (
    RunOptions,
    RunResult,
    embedded_client,
    launcher,
    run_execution,
    run_flow,
)

__all__ = ["RunOptions", "RunResult", "embedded_client", "launcher", "run_execution", "run_flow"]
