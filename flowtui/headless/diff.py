"""``flowtui diff RUN RUN ARTIFACT[/FILE]`` and ``flowtui diff A B`` with paths or URIs."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from flowtui.domain.execution import Execution
from flowtui.domain.version_diff import Change, FilePair, RunDifference, file_pairs, run_difference
from flowtui.errors import NotFoundError
from flowtui.headless.diff_shapes import diff_shape
from flowtui.headless.json import dumps
from flowtui.headless.select import select
from flowtui.headless.style import Style
from flowtui.headless.table import Column, Painted, one_line, table
from flowtui.preview.comparison.files import compare
from flowtui.preview.comparison.looks import HASHED, Options, Version
from flowtui.preview.comparison.pairs import FileAnswer, compare_pair
from flowtui.preview.comparison.report import ReportLine, report
from flowtui.preview.workers import Workers
from flowtui.storage import Storage
from flowtui.text import plain
from flowtui.words import when

if TYPE_CHECKING:
    from flowtui.session import Session

_AT_ONCE = 3
_SIDES = ("removed", "added")
_COLORS = {"added": "green", "removed": "red", "changed": "yellow", "heading": "bold", "dim": "dim", "note": "yellow"}
_RESULT_COLORS = {"-": "red", "+": "green", "~": "yellow", "!": "red", "?": "yellow"}


class Answer(NamedTuple):
    """What is printed, and whether everything was compared and nothing differs."""

    text: str
    same: bool


async def execute(session: Session, options: Namespace, style: Style) -> Answer:
    """An artifact or a file of it in two runs, with what of the runs may have made the difference.

    Args:
        options: ``left`` and ``right``, each an ``ExecutionId``; ``selector``, ``type``, ``node``; how to compare.
    """
    catalog = session.catalog
    left, right = await asyncio.gather(catalog.artifacts(options.left), catalog.artifacts(options.right))
    chosen = [select(run, options.selector, type_=options.type, node=options.node) for run in (left, right)]
    inputs = await asyncio.gather(catalog.inputs(options.left), catalog.inputs(options.right))
    runs = run_difference(left.execution, right.execution, *inputs)
    pairs = file_pairs(chosen[0].files, chosen[1].files)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(pair: FilePair) -> FileAnswer:
        async with gate:
            return await compare_pair(session.storage, session.workers, pair, _options(options))

    files = await asyncio.gather(*(one(pair) for pair in pairs))
    executions = left.execution, right.execution
    same = all(file.result in ("identical", "equal") for file in files)
    if style.json:
        return Answer(dumps(diff_shape(executions, runs, files)), same)
    lines = [*_headers(executions, style), *_why(runs), ReportLine("")]
    is_one = chosen[0].file is not None or chosen[1].file is not None
    if is_one and len(files) == 1 and files[0].comparison is not None:
        return Answer(_text([*lines, *report(files[0].comparison)], style), same)
    return Answer(_text(lines, style) + _list(files, style), same)


async def execute_uris(storage: Storage, options: Namespace, style: Style) -> Answer:
    """Two files or directories that paths or URIs name.

    Args:
        options: ``left`` and ``right``; how to compare.
    """
    uris = [await storage.native(_absolute(text)) for text in _named(options)]
    versions = [Version(_name_of(uri), (uri,)) for uri in uris]
    try:
        async with Workers() as workers:
            found = await compare(storage, versions[0], versions[1], options=_options(options), workers=workers)
    except NotFoundError as error:
        if not any(mark in text for text in _named(options) for mark in "/\\."):
            error.hint = "Are these runs? `flowtui diff RUN RUN ARTIFACT[/FILE]` compares what they made."
        raise
    same = found.result in ("identical", "equal")
    if style.json:
        return Answer(dumps(diff_shape(None, None, [FileAnswer(versions[1].name, "compared", found)])), same)
    heads = [ReportLine(f"{sign} {plain(uri)}", word) for sign, uri, word in zip("-+", uris, _SIDES, strict=True)]
    return Answer(_text([*heads, ReportLine(""), *report(found)], style), same)


def _named(options: Namespace) -> tuple[str, str]:
    return options.left, options.right


def _absolute(text: str) -> str:
    return text if "://" in text else os.path.abspath(os.path.expanduser(text))


def _name_of(uri: str) -> str:
    path = uri.split("://", 1)[-1].split("?", 1)[0] if "://" in uri else uri
    return PurePosixPath(path).name or uri


def _options(options: Namespace) -> Options:
    return Options(
        key=tuple(name.strip() for name in options.key.split(",") if name.strip()),
        tolerance=options.tolerance,
        rows=options.rows,
        examples=options.examples,
        page=options.page,
        hash_most=None if options.hash else HASHED,
        delimiter=options.delimiter or "",
        quote=options.quote,
        skip=options.skip,
    )


def _headers(executions: Sequence[Execution], style: Style) -> list[ReportLine]:
    """Which runs, when, and of which version of the workflow: a line each, with its sign."""
    lines = []
    for sign, word, run in zip("-+", _SIDES, executions, strict=True):
        workflow = f"{run.workflow.name} {run.workflow.version}"
        started = when(run.started_at or run.created_at, style.now)
        lines.append(ReportLine(f"{sign} {plain(run.id.name)}   {started}   {plain(workflow)}", word))
    return lines


def _why(runs: RunDifference) -> list[ReportLine]:
    """Workflow versions and inputs that differ."""
    lines = [ReportLine(f"~ {plain(change.name)}: {_sides(change)}", "changed") for change in runs.facts]
    lines += [ReportLine(f"~ input {plain(change.name)}: {_sides(change)}", "changed") for change in runs.inputs]
    return lines or [ReportLine("same workflow version, same inputs", "dim")]


def _sides(change: Change) -> str:
    return " -> ".join("(none)" if side is None else plain(side) for side in (change.left, change.right))


def _list(files: Sequence[FileAnswer], style: Style) -> str:
    rows: list[list[str | Painted]] = [
        [Painted(file.sign, _RESULT_COLORS.get(file.sign, "")), file.name, file.words] for file in files
    ]
    return table([Column(""), Column("file", least=20), Column("difference", least=30)], rows, style, keep_empty=True)


def _text(lines: Iterable[ReportLine], style: Style) -> str:
    shown = (style.paint(one_line(line.text, style).rstrip(), _COLORS.get(line.style, "")) for line in lines)
    return "".join(f"{line}\n" for line in shown)
