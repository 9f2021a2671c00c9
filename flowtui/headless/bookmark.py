"""``flowtui bookmark add|rm|list``."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from flowtui.catalog.bookmarks import Bookmark
from flowtui.errors import NotFoundError, UsageError
from flowtui.headless import shapes
from flowtui.headless.json import dumps
from flowtui.headless.select import select
from flowtui.headless.style import Style
from flowtui.headless.table import Column, table
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.session import Session

_COLUMNS = (
    Column("type", leaves=2),
    Column("artifact", least=12),
    Column("file", least=8),
    Column("run", least=12),
    Column("project", leaves=3),
    Column("domain", leaves=4),
)


def check(options: Namespace) -> None:
    """Whether the words fit the action.

    Raises:
        UsageError: ``add`` and ``rm`` need a run and an artifact, ``list`` takes neither.
    """
    if options.action == "list" and options.run is not None:
        raise UsageError("flowtui bookmark list takes no RUN.", "`flowtui bookmark list` lists all bookmarks.")
    if options.action != "list" and not (options.run and options.selector):
        raise UsageError(
            f"flowtui bookmark {options.action} needs RUN and ARTIFACT[/FILE].",
            "`flowtui artifacts RUN` lists the artifacts of a run.",
        )


async def execute(session: Session, options: Namespace, style: Style) -> str:
    """Adds, removes or lists bookmarks; with JSON the answer is the bookmarks concerned.

    Args:
        options: ``action``; ``run``, an ``ExecutionId``, and ``selector``, ``type``, ``node`` to add and remove.
    """
    if options.action == "list":
        found = session.bookmarks.list()
        if not found:
            style.tell("No bookmarks yet. `flowtui bookmark add RUN ARTIFACT` keeps one.")
        return _show(found, style)
    if options.action == "rm":
        kept = _kept(session, options)
        session.bookmarks.remove(kept.id)
        style.tell("removed")
        return _show((kept,), style)
    run = await session.catalog.artifacts(options.run)
    version = select(run, options.selector, type_=options.type, node=options.node).version(run)
    style.tell("added" if session.bookmarks.add(version) else "it was there")
    return _show(tuple(one for one in session.bookmarks.list(options.run) if one.id == version), style)


def _kept(session: Session, options: Namespace) -> Bookmark:
    """The bookmark that a selector names: found among the bookmarks, for its run may be gone."""
    matches = [
        one
        for one in session.bookmarks.list(options.run)
        if options.selector == (f"{one.id.artifact}/{one.id.file}" if one.id.file else one.id.artifact)
        and options.type in (None, one.id.type)
        and options.node in (None, one.id.node)
    ]
    name = f"{plain(options.selector)!r} of {plain(options.run.name)}"
    if not matches:
        raise NotFoundError(f"There is no bookmark on {name}.", "`flowtui bookmark list` lists them.")
    if len(matches) > 1:
        listing = "\n".join(f"  --type {plain(one.id.type)} --node {plain(one.id.node)}" for one in matches)
        raise UsageError(f"There are several bookmarks on {name}.", f"Narrow it with --type or --node:\n{listing}")
    return matches[0]


def _show(found: tuple[Bookmark, ...], style: Style) -> str:
    if style.json:
        return dumps([shapes.bookmark(one) for one in found])
    rows = [
        (one.type.upper(), one.artifact, one.file, one.execution.name, one.execution.project, one.execution.domain)
        for one in (kept.id for kept in found)
    ]
    return table(_COLUMNS, rows, style)
