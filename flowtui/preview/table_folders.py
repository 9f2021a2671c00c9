"""Folders that are one table or array together: Delta, Iceberg, Zarr. What they are, and which of their files count.

The forms are those of https://github.com/delta-io/delta/blob/master/PROTOCOL.md, https://iceberg.apache.org/spec/ and
https://zarr-specs.readthedocs.io. Only their JSON is read, bounded; of Delta the whole log, where it is there.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from flowtui.errors import NotFoundError, StorageError
from flowtui.preview.layout import depth_of
from flowtui.storage import Entry, Storage
from flowtui.text import plain

_COMMIT = re.compile(r"_delta_log/([0-9]{20})\.json")
_CHECKPOINT = re.compile(r"_delta_log/([0-9]{20})\.checkpoint\..*")
_ICEBERG = re.compile(r"metadata/(?:v([0-9]+)|([0-9]+)-.*)\.metadata\.json")
_MOST_COMMITS = 500
_MOST_LOG = 16 << 20
_MOST_METADATA = 4 << 20
_AT_ONCE = 8
_DEEPEST = 100
LIVE, REPLACED, LOG = "live", "replaced", "log"
"""What a file of a Delta table is: in its newest version, only in older ones, or part of its log."""


@dataclass(frozen=True, slots=True)
class TableFolder:
    """What a folder is.

    Attributes:
        format: ``delta``, ``iceberg`` or ``zarr``.
        states: what each file is, by its name; empty where that is not known.
    """

    format: str
    facts: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()
    states: dict[str, str] = field(default_factory=dict)


async def table_folder(storage: Storage, uri: str, entries: Sequence[Entry]) -> TableFolder | None:
    """What the files of a folder are together; None for no table."""
    names = {entry.name: entry for entry in entries}
    if any(_COMMIT.fullmatch(name) or _CHECKPOINT.fullmatch(name) for name in names):
        return await _delta(storage, uri, names)
    if any(_ICEBERG.fullmatch(name) for name in names):
        return await _iceberg(storage, uri, names)
    if not {"zarr.json", ".zgroup", ".zarray", ".zmetadata"}.isdisjoint(names):
        return await _zarr(storage, uri, names)
    return None


async def _read(storage: Storage, uri: str, entry: Entry, most: int) -> bytes:
    """The beginning of a file of a folder; nothing where it cannot be read."""
    try:
        async with storage.open(f"{uri.rstrip('/')}/{entry.name}") as reader:
            return await reader.read(0, min(entry.size, most))
    except (NotFoundError, StorageError):
        return b""


def _object(data: bytes) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    try:
        text = data.decode()
        found = json.loads(text) if depth_of(text) <= _DEEPEST else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _inner(found: dict[str, Any], name: str) -> dict[str, Any]:
    value = found.get(name)
    return value if isinstance(value, dict) else {}


async def _delta(storage: Storage, uri: str, names: dict[str, Entry]) -> TableFolder:
    commits = sorted(name for name in names if _COMMIT.fullmatch(name))
    versions = [int(name[len("_delta_log/") : -len(".json")]) for name in commits]
    facts = [("table", "Delta"), ("version", f"{versions[-1]:,}")] if versions else [("table", "Delta")]
    size = sum(names[name].size for name in commits)
    if versions != list(range(len(versions))) or not versions:
        notice = "its log does not begin with version 0: which files are live and which are replaced is not known here"
        return TableFolder("delta", tuple(facts), (notice,))
    if len(commits) > _MOST_COMMITS or size > _MOST_LOG:
        notice = "its log is too long for a preview: which files are live and which are replaced is not known here"
        return TableFolder("delta", tuple(facts), (notice,))
    gate = asyncio.Semaphore(_AT_ONCE)

    async def lines(name: str) -> bytes:
        async with gate:
            return await _read(storage, uri, names[name], _MOST_LOG)

    logs = await asyncio.gather(*(lines(name) for name in commits))
    return _replayed(names, facts, logs)


def _replayed(names: dict[str, Entry], facts: list[tuple[str, str]], logs: Sequence[bytes]) -> TableFolder:
    """The state after all commits of a log."""
    live: dict[str, dict[str, Any]] = {}
    metadata: dict[str, Any] = {}
    protocol: dict[str, Any] = {}
    is_whole = True
    for log in logs:
        for line in log.splitlines():
            action = _object(line)
            if not action and line.strip():
                is_whole = False
            if (path := _inner(action, "remove").get("path")) is not None:
                live.pop(unquote(str(path)), None)
            if (path := _inner(action, "add").get("path")) is not None:
                live[unquote(str(path))] = _inner(action, "add")
            metadata = _inner(action, "metaData") or metadata
            protocol = _inner(action, "protocol") or protocol
        is_whole = is_whole and bool(log.strip())
    if not is_whole:
        notice = "its log cannot be read as a whole: which files are live and which are replaced is not known here"
        return TableFolder("delta", tuple(facts), (notice,))
    notices = []
    missing = [path for path in live if path not in names and "://" not in path]
    if missing:
        notices.append(f"{len(missing):,} live files are not there: {plain(missing[0][:200])}")
    if any("deletionVector" in added and added["deletionVector"] for added in live.values()):
        notices.append("rows of live files are deleted by deletion vectors: the files hold more rows than the table")
    states = {name: LOG if name.startswith("_delta_log/") else LIVE if name in live else REPLACED for name in names}
    facts += list(_delta_facts(metadata, protocol, live))
    return TableFolder("delta", tuple(facts), tuple(notices), states)


def _delta_facts(
    metadata: dict[str, Any], protocol: dict[str, Any], live: dict[str, dict[str, Any]]
) -> Iterator[tuple[str, str]]:
    if metadata.get("name"):
        yield "name", plain(str(metadata["name"])[:200])
    yield "live files", f"{len(live):,}"
    rows = [_object(str(added.get("stats") or "").encode()).get("numRecords") for added in live.values()]
    if all(isinstance(count, int) for count in rows):
        yield "rows", f"{sum(count for count in rows if isinstance(count, int)):,}"
    columns = _object(str(metadata.get("schemaString") or "").encode()).get("fields")
    if isinstance(columns, list):
        yield "columns", _columns([(one.get("name"), one.get("type")) for one in columns if isinstance(one, dict)])
    partitions = metadata.get("partitionColumns")
    if isinstance(partitions, list) and partitions:
        yield "partitioned by", plain(", ".join(map(str, partitions))[:200])
    if protocol:
        yield "protocol", f"reader {protocol.get('minReaderVersion')}, writer {protocol.get('minWriterVersion')}"


def _columns(fields: Sequence[tuple[Any, Any]]) -> str:
    words = [f"{name} {of if isinstance(of, str) else _kind(of)}" for name, of in fields[:50]]
    return plain(", ".join(words)[:400]) + (", …" if len(fields) > 50 else "")


def _kind(of: Any) -> str:
    return str(of.get("type", "")) if isinstance(of, dict) else ""


async def _iceberg(storage: Storage, uri: str, names: dict[str, Entry]) -> TableFolder:
    def version(name: str) -> int:
        found = _ICEBERG.fullmatch(name)
        return int(found[1] or found[2]) if found else -1

    newest = max(names, key=version)
    metadata = _object(await _read(storage, uri, names[newest], _MOST_METADATA))
    facts = [("table", "Iceberg"), ("metadata", plain(newest))]
    if not metadata:
        return TableFolder("iceberg", tuple(facts), (f"{plain(newest)} cannot be read",))
    snapshots = metadata.get("snapshots")
    snapshots = [one for one in snapshots if isinstance(one, dict)] if isinstance(snapshots, list) else []
    facts += [("format version", str(metadata.get("format-version"))), ("snapshots", f"{len(snapshots):,}")]
    current = [one for one in snapshots if one.get("snapshot-id") == metadata.get("current-snapshot-id")]
    summary = _inner(current[0], "summary") if current else {}
    for key, words in (("total-records", "rows"), ("total-data-files", "live files")):
        if key in summary:
            facts.append((words, plain(str(summary[key])[:40])))
    schemas = metadata.get("schemas")
    schemas = schemas if isinstance(schemas, list) else [metadata.get("schema")]
    for schema in schemas:
        if isinstance(schema, dict) and schema.get("schema-id", 0) == metadata.get("current-schema-id", 0):
            columns = schema.get("fields")
            if isinstance(columns, list):
                told = [(one.get("name"), one.get("type")) for one in columns if isinstance(one, dict)]
                facts.append(("columns", _columns(told)))
    notice = "files of older snapshots may be among these: the newest snapshot's are in its manifests"
    return TableFolder("iceberg", tuple(facts), (notice,))


async def _zarr(storage: Storage, uri: str, names: dict[str, Entry]) -> TableFolder:
    root = next(name for name in ("zarr.json", ".zarray", ".zgroup", ".zmetadata") if name in names)
    metadata = _object(await _read(storage, uri, names[root], _MOST_METADATA))
    version = metadata.get("zarr_format", 3 if root == "zarr.json" else 2)
    facts = [("array store", f"Zarr, format {version}")]
    is_array = root == ".zarray" or metadata.get("node_type") == "array"
    if is_array:
        shape = metadata.get("shape")
        facts.append(("shape", " x ".join(map(str, shape[:32])) if isinstance(shape, list) else "?"))
        facts.append(("type", plain(str(metadata.get("data_type", metadata.get("dtype")))[:80])))
    else:
        ends = "/.zarray" if root != "zarr.json" else "/zarr.json"
        arrays = sorted(name[: -len(ends)] for name in names if name.endswith(ends))
        words = "arrays" if root != "zarr.json" else "arrays and groups"
        facts.append((words, plain(", ".join(arrays[:20])) + (", …" if len(arrays) > 20 else "") or "none"))
    return TableFolder("zarr", tuple(facts))
