"""What a plan does with each file, as rows; and its sum in a line; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowtui import words
from flowtui.domain.size import human_size
from flowtui.text import plain
from flowtui.tui.formatting import Cell, Mark, Signs
from flowtui.tui.widgets.columns import Column, Row

if TYPE_CHECKING:
    from datetime import datetime

    from flowtui.exports import Plan, PlannedFile

COLUMNS = (
    Column("file", least=20, most=90),
    Column("size", right=True, least=7),
    Column("", least=12, most=60, sentence=True),
    Column("", least=12, most=40, leave=1),
)
_SAID = {"new": ("new", "good"), "same": ("there already", "dim"), "blocked": ("in the way", "bad")}


def plan_rows(plan: Plan, left_out: int, now: datetime) -> list[Row]:
    """The rows of a plan: first what cannot be read, then the files, then what else is to be known.

    Args:
        left_out: how many of the files that cannot be read are left out.
    """
    ready = can_begin(plan)
    rows = [
        Row(
            f"p{number}",
            ((Mark(plain(problem.file.title)),), (), (Mark("cannot be read", "bad"),)),
            note=(Mark(plain(problem.message)),),
            openable=False,
        )
        for number, problem in enumerate(plan.problems)
    ]
    for number, file in enumerate(plan.files):
        note = f"  ({file.note})" if file.note else ""
        cells: tuple[Cell, ...] = (
            (Mark(plain(file.path)),),
            (Mark(human_size(file.size)),),
            (_action(file, now), Mark(note, "dim"), *([Mark("  elsewhere", "bad")] if file.elsewhere else [])),
            (Mark(plain(file.run.id.name), "dim"),) if len(plan.runs) > 1 else (),
        )
        rows.append(Row(str(number), cells, openable=ready))
    notices = [plain(notice) for notice in plan.notices]
    if left_out:
        notices.append(f"{words.count(left_out, 'file')} that cannot be read: left out")
    rows += [Row(f"n{n}", ((Mark(notice, "dim"),), (), ()), openable=ready) for n, notice in enumerate(notices)]
    return rows


def _action(file: PlannedFile, now: datetime) -> Mark:
    there = file.replaced
    if file.action == "replaces" and there is not None:
        of = f" of {words.when(there.modified, now)}" if there.modified else ""
        return Mark(f"replaces {human_size(there.size)}{of}", "busy")
    return Mark(*_SAID.get(file.action, (file.action, "good")))


def can_begin(plan: Plan) -> bool:
    """Whether ``enter`` carries the plan out."""
    return bool(plan.to_write) and not plan.blocked and not plan.problems


def plan_sum(plan: Plan, speed: float | None, deed: str, signs: Signs) -> tuple[Cell, Cell]:
    """How much it is and how long it takes, and what is to be done, for the two ends of a line.

    Args:
        speed: bytes a second that such exports had, None where that is not known.
        deed: the word for what ``enter`` does.
    """
    if plan.problems:
        return (Mark(f"{words.count(len(plan.problems), 'file')} cannot be read.", "bad"),), (
            Mark("o", "key"), Mark(" leaves them out", "dim"),
        )  # fmt: skip
    if plan.blocked:
        return (Mark(f"{words.count(len(plan.blocked), 'file')} in the way.", "bad"),), (
            Mark("x", "key"), Mark(" keeps both or replaces", "dim"),
        )  # fmt: skip
    if not plan.to_write:
        return (Mark("Everything is there already." if plan.files else "There is nothing to write.", "dim"),), ()
    unknown = f" and {plan.unknown_sizes} of unknown size" if plan.unknown_sizes else ""
    left = [Mark(f"{words.count(len(plan.to_write), 'file')}, {human_size(plan.bytes)}{unknown}", "strong")]
    if plan.elsewhere:
        count = words.count(len(plan.elsewhere), "file")
        left.append(Mark(f"  {signs.dot} {count} from elsewhere, where no runs keep theirs", "bad"))
    if speed and not plan.unknown_sizes:
        left.append(Mark(f"  {signs.dot} about {words.duration(max(plan.bytes / speed, 1))} on this link", "dim"))
    return tuple(left), (Mark("enter", "key"), Mark(f" {deed}", "dim"))
