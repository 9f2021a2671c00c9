"""``flowtui exports``: the exports of this machine, and what can be done with one."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from flowtui import words
from flowtui.domain.size import human_size
from flowtui.errors import ExportError, UsageError
from flowtui.exports import ExportRecord
from flowtui.headless.json import dumps, instant
from flowtui.headless.style import Style
from flowtui.headless.table import Column, table
from flowtui.headless.transfers import carried_out

if TYPE_CHECKING:
    from flowtui.session import Session

_COLUMNS = (
    Column("id", leaves=5),
    Column("state"),
    Column("run", leaves=3, least=12),
    Column("files", leaves=4, right=True),
    Column("size", leaves=2, right=True),
    Column("started", leaves=1),
    Column("target", least=16),
)
_FILE_COLUMNS = (Column("state"), Column("file", least=16), Column("size", leaves=1, right=True))
_STATES = ("planned", "running", "publishing", "paused", "done", "failed", "cancelled", "interrupted")
_PATIENCE_SECONDS = 15.0
_LOOK_SECONDS = 0.2


async def execute(session: Session, options: Namespace, style: Style) -> str:
    """The exports of this machine, newest first, or one of them, or what became of it.

    Args:
        options: ``action``, ``id``, ``state``, ``limit``.
    """
    if options.action in ("list", "show"):
        await session.transfers.look_elsewhere()
    if options.action == "list":
        if options.id:
            raise UsageError("flowtui exports list takes no ID.", f"Show one: flowtui exports show {options.id}")
        return await _list(session, options, style)
    if not options.id:
        raise UsageError(f"flowtui exports {options.action} needs an ID.", "`flowtui exports` lists them.")
    record = await asyncio.to_thread(session.journal.get, options.id)
    if options.action in ("resume", "retry"):
        record = await carried_out(session, await session.transfers.resume(record.id), style)
        style.tell(f"{record.id} {record.state}: {record.place or record.target}")
    elif options.action in ("pause", "cancel"):
        record = await _stopped(session, record, options.action, style)
    elif options.action == "remove":
        await _removed(session, record)
        style.tell(f"{record.id} is forgotten; what it has written stays.")
        return dumps(shape(record)) if style.json else ""
    return await _show(session, record, style)


async def _list(session: Session, options: Namespace, style: Style) -> str:
    if options.state and options.state not in _STATES:
        raise UsageError(f"{options.state!r} is no state of an export.", f"States: {', '.join(_STATES)}.")
    every = await asyncio.to_thread(session.journal.list, 10**9 if options.state else options.limit)
    found = [one for one in every if options.state in ("", one.state)][: options.limit]
    if style.json:
        return dumps([shape(one) for one in found])
    if not found:
        style.tell("No exports yet. `flowtui export RUN ARTIFACT --to TARGET` makes one.")
    rows = [
        (
            one.id,
            one.state,
            _runs(one),
            str(one.files),
            human_size(one.bytes),
            words.when(one.started_at, style.now),
            one.target,
        )
        for one in found
    ]
    return table(_COLUMNS, rows, style, {index: one.error for index, one in enumerate(found)})


def shape(one: ExportRecord) -> dict[str, Any]:
    """An export as JSON."""
    return {
        "id": one.id,
        "execution": ", ".join(one.executions),
        "executions": list(one.executions),
        "target": one.target,
        "kind": one.kind,
        "road": one.road,
        "options": one.options.to_json(),
        "state": one.state,
        "files": one.files,
        "bytes": one.bytes,
        "bytes_done": one.bytes_done,
        "speed": round(one.speed) if one.speed else None,
        "seconds_left": round(one.seconds_left) if one.seconds_left is not None else None,
        "created_at": instant(one.created_at),
        "started_at": instant(one.started_at),
        "finished_at": instant(one.finished_at),
        "error": one.error or None,
        "place": one.place or None,
        "url": one.url or None,
        "manifest": one.manifest or None,
    }


async def _show(session: Session, record: ExportRecord, style: Style) -> str:
    files = await asyncio.to_thread(session.journal.files, record.id)
    events = await asyncio.to_thread(session.journal.events, record.id)
    if style.json:
        listed = [
            {
                "path": file.path,
                "run": file.run,
                "type": file.type,
                "artifact": file.artifact,
                "file": file.file,
                "node": file.node,
                "uri": file.uri,
                "size": file.size,
                "state": file.state,
                "sha256": file.sha256 or None,
                "error": file.error or None,
            }
            for file in files
        ]
        told = [{"at": instant(event.at), "text": event.text} for event in events]
        return dumps({**shape(record), "listed": listed, "log": told})
    done = f"{human_size(record.bytes_done)} of {human_size(record.bytes)}"
    facts = [
        ("state", record.state),
        ("from", _runs(record)),
        ("to", record.target),
        ("moved", f"{words.count(record.files, 'file')}, {done}"),
        ("place", record.place),
        ("url", record.url),
        ("manifest", record.manifest),
        ("error", record.error),
    ]
    head = "".join(f"{name:9} {value}\n" for name, value in facts if value)
    rows = [(file.state, file.path, human_size(file.size)) for file in files]
    log = "".join(f"{words.when(event.at, style.now):>12}  {event.text}\n" for event in events)
    return f"{head}\n{table(_FILE_COLUMNS, rows, style, {index: file.error for index, file in enumerate(files)})}{log}"


async def _stopped(session: Session, record: ExportRecord, action: str, style: Style) -> ExportRecord:
    """Pause or cancel an export, also one of another process: it stops at its next step."""
    await (session.transfers.pause(record.id) if action == "pause" else session.transfers.cancel(record.id))
    deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while True:
        now = await asyncio.to_thread(session.journal.get, record.id)
        if now.state not in ("running", "publishing"):
            style.tell(f"{now.id} is {now.state}.")
            return now
        if asyncio.get_running_loop().time() > deadline:
            raise ExportError(
                f"Export {now.id} was asked to {action} and is still {now.state}.",
                "It stops at its next step; `flowtui exports` shows when.",
            )
        await asyncio.sleep(_LOOK_SECONDS)


async def _removed(session: Session, record: ExportRecord) -> None:
    if record.state in ("running", "publishing", "planned", "paused", "interrupted"):
        raise ExportError(
            f"Export {record.id} is {record.state}.", f"Cancel it first: flowtui exports cancel {record.id}"
        )
    await asyncio.to_thread(session.journal.remove, record.id)


def _runs(record: ExportRecord) -> str:
    return ", ".join(run.rpartition("/")[2] for run in record.executions)
