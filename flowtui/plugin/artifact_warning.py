"""What is said about a legal flow that its author may not have meant: a Python warning that points at its code."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

_SAID = "_flowtui_said"


class ArtifactWarning(UserWarning):
    """A flow is legal, yet its artifacts may not be what its author means.

    It is given when a flow is compiled or registered, once for each place. Python's own filters apply
    (``-W error::flowtui.plugin.artifact_warning.ArtifactWarning`` makes an error of it), but never while a task runs.
    """


def warn(entity: Any, message: str) -> None:
    """Warn about a workflow or task of flytekit, at its function in the code; of one message once for each entity."""
    said = entity.__dict__.setdefault(_SAID, set())
    if message in said:
        return
    said.add(message)
    with warnings.catch_warnings():
        if is_task_running():
            # Hours of computing are not lost for a setting of Python's.
            warnings.simplefilter("always", ArtifactWarning)
        warnings.warn_explicit(message, ArtifactWarning, *_place(entity))


def is_task_running() -> bool:
    """Whether this is the run of a task, on a cluster or here, and not the compilation of a flow before it runs."""
    from flytekit.core.context_manager import ExecutionState, FlyteContextManager

    state = FlyteContextManager.current_context().execution_state
    mode = state.mode if state is not None else None
    return mode not in (None, ExecutionState.Mode.LOCAL_WORKFLOW_EXECUTION)


def _place(entity: Any) -> tuple[str, int]:
    """File and line of the function that an entity is made of; for one without a function its name."""
    function = getattr(entity, "_workflow_function", None) or getattr(entity, "task_function", None)
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    return (code.co_filename, code.co_firstlineno) if code is not None else (str(entity.name), 1)
