"""The manifest beside exported files: what each of them is, and of which run.

``flowtui-manifest.json`` holds ``{"version": 2, "exports": {...}, "runs": {...}, "files": [...]}``. ``exports`` has, by
the export's id, ``user``, ``host``, ``flowtui`` (its version), ``target``, ``started_at`` and ``finished_at``; ``runs``
has, by ``project/domain/name``, the workflow and its version, the launch plan, the principal and the Launch Inputs. A
file has ``path`` (in the target), ``artifact``, ``type``, ``file``, ``node``, ``uri``, ``etag``, ``size``, ``sha256``,
``modified`` (of the file as written), ``run`` (key of ``runs``), ``export`` (key of ``exports``) and ``exported_at``.
A further export to the same place adds to it. Version 1 had ``run`` as an object, and neither exports nor runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flowtui.errors import ExportError

if TYPE_CHECKING:
    from flowtui.exports.targets.base import Target

NAME = "flowtui-manifest.json"
VERSION = 2

Record = Mapping[str, Any]

MOST_BYTES = 256 * 1024 * 1024
"""Bytes of a manifest that is read."""


async def read_manifest(target: Target) -> dict[str, Record]:
    """The file entries of a target's manifest by path; empty where it has none.

    Raises ExportError where a file of that name is something else.
    """
    data = await target.read(NAME)
    return files_of(parse_manifest(data, target.text)) if data is not None else {}


def parse_manifest(data: bytes, where: str) -> dict[str, Any]:
    """The content of a manifest in the form of this version. Raises ExportError where it is none."""
    try:
        if len(data) > MOST_BYTES:
            raise ValueError(f"{len(data)} bytes")
        content = json.loads(data)
        if content["version"] not in (1, VERSION):
            raise ValueError(f"version {content['version']}")
        exports, runs = dict(content.get("exports", {})), dict(content.get("runs", {}))
        files = []
        for entry in content["files"]:
            one = dict(entry)
            if content["version"] == 1:
                run = one["run"]
                one["run"] = f"{run['project']}/{run['domain']}/{run['name']}"
                runs.setdefault(one["run"], dict(run))
            files.append({**one, "path": str(one["path"])})
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError) as error:
        raise ExportError(
            f"{NAME} in {where} is no manifest that this flowtui can read.", "Move it away, or export elsewhere."
        ) from error
    return {"version": VERSION, "exports": exports, "runs": runs, "files": files}


def files_of(content: Mapping[str, Any]) -> dict[str, Record]:
    """The file entries of a manifest's content by path."""
    return {entry["path"]: entry for entry in content.get("files", ())}


def merged_manifest(
    there: Mapping[str, Any], exports: Mapping[str, Record], runs: Mapping[str, Record], files: Iterable[Record]
) -> bytes:
    """The bytes of a manifest with these entries added to the content of the one that is there.

    What belongs to runs and exports whose files are all gone is left out.
    """
    by_path = {**files_of(there), **{str(entry["path"]): entry for entry in files}}
    kept = [by_path[path] for path in sorted(by_path)]
    named_runs = {str(entry.get("run")) for entry in kept}
    named_exports = {str(entry.get("export")) for entry in kept}
    every_run = {**there.get("runs", {}), **runs}
    every_export = {**there.get("exports", {}), **exports}
    content = {
        "version": VERSION,
        "exports": {key: every_export[key] for key in sorted(every_export) if key in named_exports},
        "runs": {key: every_run[key] for key in sorted(every_run) if key in named_runs},
        "files": kept,
    }
    return manifest_bytes(content)


def manifest_bytes(content: Mapping[str, Any]) -> bytes:
    """The bytes of a manifest's content: a line for each file, since thousands of them are for grep."""
    head = json.dumps({key: value for key, value in content.items() if key != "files"}, indent=2)
    # json's fast encoder knows no ``indent``.
    lines = ",\n".join(map(json.dumps, content["files"]))
    return f'{head[:-2]},\n  "files": [\n{lines}\n]}}\n'.encode()
