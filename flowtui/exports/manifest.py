"""The manifest beside exported files: what each of them is, and of which run.

``flowtui-manifest.json`` holds ``{"version": 1, "files": [...]}``; an entry has ``path`` (in the target), ``artifact``,
``type``, ``file``, ``node``, ``uri``, ``etag``, ``size``, ``sha256``, ``modified`` (of the file as written), ``run``
(``project``, ``domain``, ``name``) and ``exported_at``. A further export to the same place adds its entries.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from flowtui.errors import ExportError
from flowtui.exports.targets.base import Target

NAME = "flowtui-manifest.json"
_VERSION = 1

Record = Mapping[str, object]


async def read_manifest(target: Target) -> dict[str, Record]:
    """The entries of a target's manifest by path; empty where it has none.

    Raises ExportError where a file of that name is something else.
    """
    data = await target.read(NAME)
    if data is None:
        return {}
    try:
        content = json.loads(data)
        if content["version"] != _VERSION:
            raise ValueError(f"version {content['version']}")
        return {str(entry["path"]): dict(entry) for entry in content["files"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ExportError(
            f"{NAME} in {target.text} is no manifest that this flowtui can read.", "Move it away, or export elsewhere."
        ) from error


async def write_manifest(target: Target, entries: Iterable[Record]) -> str:
    """Add entries to a target's manifest; where it is."""
    merged = await read_manifest(target)
    merged.update((str(entry["path"]), entry) for entry in entries)
    content = {"version": _VERSION, "files": [merged[path] for path in sorted(merged)]}
    return await target.write(NAME, json.dumps(content, indent=2).encode() + b"\n")
