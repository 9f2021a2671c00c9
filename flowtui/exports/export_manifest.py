"""What an export adds to the manifest of its target."""

from __future__ import annotations

import getpass
import platform
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from flowtui import __version__
from flowtui.exports.manifest import merged_manifest
from flowtui.exports.plan import Plan
from flowtui.exports.written import Written


def export_manifest(
    there: Mapping[str, Any], export: str, plan: Plan, written: Iterable[Written], started_at: datetime
) -> bytes:
    """The bytes of the manifest with what an export has written.

    Args:
        there: the content of the one that is there, or empty.
        export: the export's id.
        started_at: when it began (UTC).
    """
    now = _text(datetime.now(timezone.utc))
    facts = {
        "user": _user(),
        "host": platform.node(),
        "flowtui": __version__,
        "target": plan.target.text,
        "started_at": _text(started_at),
        "finished_at": now,
    }
    runs = {str(run.id): run.to_json() for run in plan.runs}
    return merged_manifest(there, {export: facts}, runs, (_entry(one, export, now) for one in written))


def _entry(written: Written, export: str, now: str) -> dict[str, Any]:
    file, source = written.file, written.file.source
    return {
        "path": file.path,
        "artifact": source.artifact,
        "type": source.type,
        "file": source.file,
        "node": source.node,
        "uri": file.uri,
        "etag": file.etag,
        "size": written.size,
        "sha256": written.sha256,
        "modified": written.modified,
        "run": str(file.run.id),
        "export": export,
        "exported_at": now,
    }


def _text(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
