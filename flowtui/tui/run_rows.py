"""Runs as rows of a list: phase, name, workflow, start, duration and files, and the line of an error."""

from __future__ import annotations

from datetime import datetime

from flowtui import words
from flowtui.domain.execution import Execution
from flowtui.text import first_line, plain
from flowtui.tui.context import Memory
from flowtui.tui.formatting import Cell, Mark, Signs, phase_mark, when_mark
from flowtui.tui.widgets.columns import Column, Row

COLUMNS = (
    Column("phase", least=9, most=13),
    Column("run", least=14, most=48),
    Column("workflow", least=12, most=48, leave=3, dotted=True),
    Column("started", least=11, leave=2),
    Column("took", right=True, leave=2),
    Column("files", right=True, leave=1),
    Column("version", least=8, most=24, leave=7, extra=True),
    Column("by", least=6, most=20, leave=8, extra=True),
)

CUT = 100
"""Characters that lists leave of an error."""


def workflow_name(execution: Execution) -> str:
    """The name of the workflow; of a single task that was launched, the name of the task."""
    name = plain(execution.workflow.name)
    return name.split(".flytegen.", 1)[-1] if ".flytegen." in name else name


def files_cell(execution: Execution, memory: Memory) -> Cell:
    """``3/14`` files that exist of those declared, ``14`` where all do; dim where nobody looked yet."""
    known = memory.artifacts.get(execution.id)
    if known is not None:
        present = sum(artifact.present for artifact in known.artifacts)
        total = len(known.files)
    else:
        declared = memory.declared.get((execution.workflow.name, execution.workflow.version))
        if declared is None:
            return ()
        present = total = declared
    if not total:
        return (Mark("-", "dim"),)
    if known is None:
        return (Mark(str(total), "dim"),)
    return (Mark(f"{present}/{total}" if present != total else str(total)),)


def fields(execution: Execution) -> dict[str, str]:
    """What the filter looks at."""
    name, workflow, plan = plain(execution.id.name), workflow_name(execution), plain(execution.launch_plan.name)
    return {
        "run": name,
        "name": name,
        "wf": workflow,
        "workflow": workflow,
        "phase": f"{words.phase_word(execution.phase)} {execution.phase}",
        "by": plain(execution.principal),
        "version": plain(execution.workflow.version),
        "lp": plan,
        "plan": plan,
        "mode": execution.mode,
    }


def run_row(execution: Execution, files: Cell, now: datetime, signs: Signs, whole: Execution | None = None) -> Row:
    """The row of a run; below a failed one the line of its error that says what happened.

    Args:
        files: the cell that counts its files.
        whole: the same run with its whole error, as lists cut errors.
    """
    took = execution.duration
    if took is None and not execution.is_terminal and execution.started_at is not None:
        took = max((now - execution.started_at).total_seconds(), 0)
    error = plain(execution.abort_cause)
    if execution.error:
        cut = execution.error.message
        error = words.error_line((whole.error if whole and whole.error else execution.error).message)
        error = error if whole or len(cut) < CUT else first_line(cut)
    return Row(
        str(execution.id),
        (
            (phase_mark(execution.phase, signs),),
            (Mark(plain(execution.id.name), "strong"),),
            (Mark(workflow_name(execution)),),
            (when_mark(execution.started_at or execution.created_at, now),),
            (Mark(words.duration(took)),),
            files,
            (Mark(plain(execution.workflow.version), "dim"),),
            (Mark(plain(execution.principal), "dim"),),
        ),
        note=(Mark(error),) if error else (),
    )
