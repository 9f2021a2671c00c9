"""Exports in words: rows of the list, facts, files and log of one; pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from flowtui import words
from flowtui.domain.size import human_size
from flowtui.text import first_line, plain
from flowtui.tui.formatting import Cell, Mark, Signs, when_mark
from flowtui.tui.widgets.columns import Column, Row

if TYPE_CHECKING:
    from flowtui.exports import ExportRecord, Progress
    from flowtui.exports.records import Event, FileRecord
    from flowtui.tui.widgets.facts import Fact

EXPORT_COLUMNS = (
    Column("state", least=9, most=13),
    Column("run", least=12, most=40),
    Column("to", least=18, most=70),
    Column("when", least=11, leave=2),
    Column("files", right=True, leave=3),
    Column("size", right=True, least=7, leave=1),
)
FILE_COLUMNS = (
    Column("state", least=9, most=13),
    Column("file", least=20, most=90),
    Column("size", right=True, least=7),
    Column("of", least=10, most=40, leave=2),
)
LOG_COLUMNS = (Column("when", least=11), Column("what", least=30, most=200, sentence=True))

_STATES = {
    "planned": ("◌", ".", "wait"),
    "running": ("●", "*", "busy"),
    "publishing": ("●", "*", "busy"),
    "paused": ("‖", "|", "wait"),
    "interrupted": ("▲", "!", "busy"),
    "done": ("✔", "+", "good"),
    "failed": ("✖", "x", "bad"),
    "cancelled": ("■", "#", "off"),
}
_FILE_STATES = {
    "pending": ("◌", ".", "wait", "waits"),
    "staged": ("●", "*", "busy", "copied"),
    "published": ("✔", "+", "good", "there"),
    "failed": ("✖", "x", "bad", "failed"),
    "same": ("≡", "=", "good", "was there"),
}
_BAR = 20


def export_mark(state: str, signs: Signs) -> Mark:
    """``✔ done``: the state of an export."""
    glyph, ascii_glyph, style = _STATES.get(state, ("?", "?", "wait"))
    return Mark(f"{ascii_glyph if signs.ascii else glyph} {plain(state)}", style)


def place_words(record: ExportRecord) -> str:
    """Where an export goes or is, as it is called."""
    return plain(record.place or record.target)


def run_words(record: ExportRecord) -> str:
    """The run that the files are of, or the first and how many more: ``adam-7f2 +1``."""
    return "".join(mark.text for mark in _run_cell(record))


def _run_cell(record: ExportRecord) -> Cell:
    first, *others = (run.rpartition("/")[2] for run in record.executions)
    return (Mark(plain(first), "strong"), *((Mark(f" +{len(others)}", "strong"),) if others else ()))


def bar(done: int, whole: int, signs: Signs, width: int = _BAR) -> Cell:
    """``━━━━━────── 43%``; nothing where it is not known how much it is."""
    if whole <= 0:
        return ()
    done = min(done, whole)
    filled = width * done // whole
    return (
        Mark(signs.full * filled, "accent"),
        Mark(signs.free * (width - filled), "dim"),
        Mark(f" {done * 100 // whole:3d}%", "strong"),
    )


def progress_cell(record: ExportRecord, signs: Signs, progress: Progress | None = None) -> Cell:
    """How far an export that is not at its end is: bar, bytes, speed, time left, and a file that moves."""
    drawn = bar(record.bytes_done, record.bytes, signs)
    said = [f"{human_size(record.bytes_done)} of {human_size(record.bytes)}"] if record.bytes else []
    if record.speed:
        said.append(f"{human_size(round(record.speed))}/s")
    left = record.seconds_left
    if left is not None:
        said.append(f"{words.duration(left)} left")
    if progress is not None and progress.files > 1:
        said.append(f"{progress.files_done:,}/{progress.files:,} files")
    if progress is not None and progress.path:
        said.append(plain(progress.path.rpartition("/")[2]))
    dot = f" {signs.dot} "
    return (*drawn, Mark(f"{'  ' if drawn else ''}{dot.join(said)}", "dim")) if drawn or said else ()


def export_row(record: ExportRecord, now: datetime, signs: Signs, progress: Progress | None = None) -> Row:
    """The row of an export; its second line is how far it is, or why it failed."""
    note: Cell = ()
    if record.state == "failed":
        note = (Mark(first_line(plain(record.error)), "bad"),)
    elif record.state not in ("done", "cancelled", "planned"):
        note = progress_cell(record, signs, progress)
    return Row(
        record.id,
        (
            (export_mark(record.state, signs),),
            _run_cell(record),
            (Mark(place_words(record)),),
            (when_mark(record.started_at or record.created_at, now),),
            (Mark(f"{record.files:,}"),),
            (Mark(human_size(record.bytes)),),
        ),
        note=note,
    )


def export_facts(record: ExportRecord, now: datetime, signs: Signs, progress: Progress | None = None) -> list[Fact]:
    """What is known of an export."""
    dot = f" {signs.dot} "
    state: list[Mark] = [export_mark(record.state, signs)]
    if record.state not in ("done", "cancelled"):
        far = progress_cell(record, signs, progress)
        state += [Mark("  "), *far] if far else []
    else:
        much = f"{words.count(record.files, 'file')}, {human_size(record.bytes)}"
        state.append(Mark(f"{dot}{much}", "dim"))
    facts: list[Fact] = [("state", tuple(state))]
    if record.error:
        facts.append(("error", (Mark(plain(record.error), "bad"),)))
    facts.append(("runs", (Mark(", ".join(plain(run.rpartition("/")[2]) for run in record.executions), "strong"),)))
    facts.append(("to", (Mark(plain(record.target)), Mark(f"{dot}{plain(record.kind)}", "dim"))))
    options = _option_words(record)
    if options:
        facts.append(("options", (Mark(options),)))
    for label, text in (("place", record.place), ("URL", record.url), ("manifest", record.manifest)):
        if text and text != record.target:
            facts.append((label, (Mark(plain(text)),)))
    began, ended = record.started_at or record.created_at, record.finished_at
    took = f"{dot}{words.duration(max((ended - began).total_seconds(), 0.1))}" if ended else ""
    facts.append(("when", (Mark(words.exact(began, now)[:19]), Mark(took, "dim"))))
    if record.road != "here":
        facts.append(("carried by", (Mark({"domino-job": "a Domino job", "flyte": "a run on Flyte"}[record.road]),)))
    return facts


def _option_words(record: ExportRecord) -> str:
    options = record.options
    said = []
    if record.kind == "dataset":
        if options.snapshot:
            said.append("snapshot" + (f" with tag {plain(options.tag)}" if options.tag else ""))
        if options.create:
            said.append("a new dataset")
    elif options.layout == "snapshots":
        said.append("a new folder snapshots/<n>")
    if options.folder:
        said.append(f"below {plain(options.folder)}")
    return ", ".join(said)


def file_rows(files: Iterable[FileRecord], signs: Signs) -> list[Row]:
    """The files of an export, those that failed first."""
    rows = []
    for file in sorted(files, key=lambda one: one.state != "failed"):
        glyph, ascii_glyph, style, said = _FILE_STATES.get(file.state, ("?", "?", "wait", file.state))
        cells: tuple[Cell, ...] = (
            (Mark(f"{ascii_glyph if signs.ascii else glyph} {said}", style),),
            (Mark(plain(file.path)),),
            (Mark(human_size(file.written if file.written is not None else file.size)),),
            (Mark(plain(file.run.rpartition("/")[2]), "dim"),),
        )
        note = (Mark(first_line(plain(file.error)), "bad"),) if file.error else ()
        rows.append(Row(file.path, cells, note=note, openable=False))
    return rows


def log_rows(events: Iterable[Event], now: datetime) -> list[Row]:
    """The log of an export, newest first."""
    rows = [
        Row(str(number), ((Mark(words.exact(event.at, now)[:19], "dim"),), (Mark(plain(event.text)),)), openable=False)
        for number, event in enumerate(events)
    ]
    return rows[::-1]


def exported_words(record: ExportRecord, now: datetime, signs: Signs) -> str:
    """``3 Mar → CDISC01-ADaM``: when and where an artifact version was exported last."""
    arrow = "->" if signs.ascii else "→"
    where = record.target.rpartition("/")[2].removeprefix("dataset:") if record.kind == "dataset" else record.target
    return f"{words.when(record.finished_at, now)} {arrow} {plain(where)}"
